//! `text/html`: the reply as a page for people.
//!
//! A response that holds an `otpauth://` URI shows its QR code, and the key in groups for typing in;
//! every response and every refusal shows its members as a table. The page is whole in itself: no
//! script, nothing loaded from anywhere, a style that its security policy names by hash. It is
//! written as well-formed XML, so that it is what it says under `application/xhtml+xml` too.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::LazyLock;

use data_encoding::BASE64;
use quick_xml::escape::escape;
use ring::digest;
use serde_json::Value;

use super::qr::{Code, otpauth};
use super::{Format, Host, MediaType, Unwritable, tree};
use crate::dto::AnyDto;

/// HTML. It is only written.
pub struct Html;

impl Format for Html {
    fn name(&self) -> &'static str {
        "html"
    }

    fn media_types(&self) -> &'static [MediaType] {
        const {
            &[
                MediaType { name: "text/html", label: "text/html; charset=utf-8" },
                MediaType {
                    name: "application/xhtml+xml",
                    label: "application/xhtml+xml; charset=utf-8",
                },
            ]
        }
    }

    fn is_data(&self) -> bool {
        false
    }

    fn write(&self, body: &dyn AnyDto, _: Host, out: &mut Vec<u8>) -> Result<(), Unwritable> {
        // Names as they are declared: they are headings here, not members of a wire format.
        let host = Host { case: crate::dto::Case::Pascal };
        let value = tree(body, host, "html")?;
        let title = words(body.def().name.trim_end_matches("Response"));
        out.extend_from_slice(page(&title, &value).as_bytes());
        Ok(())
    }

    fn head(&self, _: &str) -> Vec<(&'static str, String)> {
        vec![
            ("Content-Security-Policy", POLICY.clone()),
            ("X-Content-Type-Options", "nosniff".to_owned()),
            ("Referrer-Policy", "no-referrer".to_owned()),
        ]
    }
}

/// Nothing but the page's own style.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = BASE64.encode(digest::digest(&digest::SHA256, STYLE.as_bytes()).as_ref());
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
});

const STYLE: &str = "\
:root{color-scheme:light dark;--back:#f4f5f7;--card:#fff;--text:#1b1f24;--soft:#5b6470;\
--line:#dfe3e8;--bad:#b3261e}\
@media (prefers-color-scheme:dark){:root{--back:#14171b;--card:#1e2228;--text:#e8eaed;\
--soft:#9aa4b0;--line:#333a43;--bad:#ff8a80}}\
*{box-sizing:border-box}\
body{margin:0;padding:1.5rem 1rem;background:var(--back);color:var(--text);\
font:1rem/1.5 system-ui,sans-serif}\
main{max-width:40rem;margin:0 auto;padding:1.5rem;background:var(--card);\
border:1px solid var(--line);border-radius:.75rem}\
h1{margin:0 0 1rem;font-size:1.35rem;line-height:1.25}\
p{margin:0 0 1rem}\
.bad{color:var(--bad)}\
figure{margin:0 0 1.5rem;text-align:center}\
figure svg{display:block;width:100%;max-width:18rem;height:auto;margin:0 auto 1rem;\
border-radius:.5rem}\
figcaption{color:var(--soft)}\
.key{display:block;margin-top:.5rem;color:var(--text);font:600 1.15rem/1.6 ui-monospace,monospace;\
letter-spacing:.06em;word-spacing:.35em}\
table{width:100%;border-collapse:collapse;table-layout:auto}\
th,td{padding:.5rem .75rem .5rem 0;border-top:1px solid var(--line);text-align:left;\
vertical-align:top;overflow-wrap:anywhere}\
th{width:9rem;color:var(--soft);font-weight:500;overflow-wrap:normal}\
td table tr:first-child th,td table tr:first-child td{border-top:0;padding-top:0}\
@media (max-width:30rem){main{padding:1rem}th,td{display:block;width:auto;padding:.5rem 0 0}\
td{border-top:0;padding:0 0 .5rem}}";

fn page(title: &str, value: &Value) -> String {
    let mut page = String::with_capacity(4096);
    let title = escape(title);
    let _ = write!(
        page,
        "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\"><head>\
         <meta charset=\"utf-8\"/>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\
         <meta name=\"robots\" content=\"noindex\"/>\
         <title>{title}</title><style>{STYLE}</style></head><body><main><h1>{title}</h1>"
    );
    if let Some(message) = value.pointer("/ResponseStatus/Message").and_then(Value::as_str) {
        let _ = write!(page, "<p class=\"bad\" role=\"alert\">{}</p>", text(message));
    }
    if let Some(uri) = otpauth(value) {
        figure(uri, &mut page);
    }
    show(value, &mut page);
    page.push_str("</main></body></html>\n");
    page
}

/// The code to scan, and the key to type where there is no camera.
fn figure(uri: &str, page: &mut String) {
    page.push_str("<figure>");
    if let Ok(code) = Code::encode(uri) {
        page.push_str(&code.svg());
    }
    page.push_str("<figcaption>Scan this with your authenticator app");
    if let Some(key) = secret(uri) {
        let groups: Vec<String> =
            key.chars().collect::<Vec<_>>().chunks(4).map(|group| group.iter().collect()).collect();
        let _ = write!(
            page,
            ", or type in the key:<code class=\"key\">{}</code>",
            text(&groups.join(" "))
        );
    } else {
        page.push('.');
    }
    page.push_str("</figcaption></figure>");
}

/// The key in an `otpauth://` URI.
fn secret(uri: &str) -> Option<&str> {
    let (_, query) = uri.split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix("secret=")).filter(|key| !key.is_empty())
}

/// A value: text as it is, an object as a table, a list as a table without names. As deep as the
/// types of the DTOs are.
fn show(value: &Value, page: &mut String) {
    match value {
        Value::Null => {}
        Value::String(plain) => page.push_str(&text(plain)),
        Value::Bool(_) | Value::Number(_) => page.push_str(&value.to_string()),
        Value::Array(items) if items.is_empty() => page.push('–'),
        Value::Array(items) => {
            page.push_str("<table><tbody>");
            for item in items {
                page.push_str("<tr><td>");
                show(item, page);
                page.push_str("</td></tr>");
            }
            page.push_str("</tbody></table>");
        }
        Value::Object(members) => {
            page.push_str("<table><tbody>");
            for (name, value) in members {
                let _ = write!(page, "<tr><th scope=\"row\">{}</th><td>", text(&words(name)));
                show(value, page);
                page.push_str("</td></tr>");
            }
            page.push_str("</tbody></table>");
        }
    }
}

/// Text for people: what XML cannot hold is shown as U+FFFD.
fn text(plain: &str) -> Cow<'_, str> {
    let holds = |c: char| !(c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}'));
    let shown = |c: char| matches!(c, '\t' | '\n') || holds(c);
    if plain.chars().all(shown) {
        return escape(plain);
    }
    let lines = plain.replace("\r\n", "\n").replace('\r', "\n");
    let shown: String =
        lines.chars().map(|c| if shown(c) { c } else { char::REPLACEMENT_CHARACTER }).collect();
    Cow::Owned(escape(&shown).into_owned())
}

/// `TwoFactorUri` → `Two factor URI`. Names of other shapes, such as dictionary keys, stay.
fn words(name: &str) -> String {
    let pascal = name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !pascal {
        return name.to_owned();
    }
    let mut words = String::with_capacity(name.len() + 4);
    for (at, letter) in name.char_indices() {
        if at > 0 && letter.is_ascii_uppercase() {
            words.push(' ');
            words.push(letter.to_ascii_lowercase());
        } else {
            words.push(letter);
        }
    }
    if let Some(start) = words.strip_suffix(" uri").map(str::len) {
        words.replace_range(start.., " URI");
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dto::{ErrorResponse, ResponseStatus, SERVICE_STACK};

    crate::dto! {
        struct KeyResponse in SERVICE_STACK {
            pub response_status: Option<ResponseStatus>,
            pub two_factor_uri: Option<String>,
        }
    }

    fn written(body: &dyn AnyDto) -> String {
        let mut out = Vec::new();
        Html.write(body, Host::default(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// Every tag is closed and every entity is XML's own.
    #[track_caller]
    fn is_well_formed(page: &str) {
        let mut reader = quick_xml::Reader::from_str(page);
        let mut open = 0;
        loop {
            match reader.read_event().unwrap_or_else(|error| panic!("{error}: {page}")) {
                quick_xml::events::Event::Start(_) => open += 1,
                quick_xml::events::Event::End(_) => open -= 1,
                quick_xml::events::Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!(open, 0, "{page}");
    }

    #[test]
    fn a_key_is_shown_as_code_and_in_groups() {
        let uri = "otpauth://totp/F%20%26%20Co:a?secret=JBSWY3DPEHPK3PXP&issuer=F";
        let page = written(&KeyResponse { two_factor_uri: Some(uri.into()), ..Default::default() });
        is_well_formed(&page);
        assert!(page.contains("<h1>Key</h1>"), "{page}");
        assert!(page.contains(&Code::encode(uri).unwrap().svg()), "{page}");
        assert!(page.contains(">JBSW Y3DP EHPK 3PXP</code>"), "{page}");
        assert!(page.contains("<th scope=\"row\">Two factor URI</th><td>otpauth://"), "{page}");
        assert!(page.contains("PXP&amp;issuer=F"), "{page}");
    }

    #[test]
    fn what_a_client_wrote_is_text_and_nothing_else() {
        let status = ResponseStatus {
            message: Some("<script>alert(1)</script>\u{1}&".into()),
            errors: Some(Vec::new()),
            ..Default::default()
        };
        let page = written(&ErrorResponse { response_status: Some(status) });
        is_well_formed(&page);
        assert!(!page.contains("<script"), "{page}");
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;\u{FFFD}&amp;</p>"), "{page}");
    }

    #[test]
    fn the_policy_allows_the_style_and_nothing_else() {
        let page = written(&ErrorResponse::default());
        let style = page.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
        // Under application/xhtml+xml the style is parsed as XML: it must read the same.
        assert!(!style.contains(['<', '&']));
        let hash = BASE64.encode(digest::digest(&digest::SHA256, style.as_bytes()).as_ref());
        let policy = Html.head("X").remove(0).1;
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        assert!(policy.contains(&format!("style-src 'sha256-{hash}';")), "{policy}");
        for way_out in ["http:", "https:", "src=", "href=", "url(", "@import", " style=", " on"] {
            let own = page.replace("http://www.w3.org/", "");
            let body = own.split_once("</style>").unwrap().1;
            assert!(!body.contains(way_out) && !style.contains(way_out), "{way_out} in {own}");
        }
    }
}
