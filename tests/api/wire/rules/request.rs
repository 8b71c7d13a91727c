//! What is read otherwise: the request's target and verb, its length, its body, its query.

use super::super::expected::{Body, Expected, Message};
use super::super::host::Host;
use super::super::row::{Request, Route, Row};
use super::{OPERATION, is_auth, settled};

const FULL_NAME: &str = "Infrastructure.Api.Interfaces.ServiceOperations.UserAccounts.\
                         GenerateTwoFactorAuthenticationKeyRequest";
const LIMIT: usize = 65536;

/// Whether the request comes to the operation, by a verb that it has.
fn operates(request: &Request) -> bool {
    let put = request.method.eq_ignore_ascii_case("PUT")
        || (request.method == "POST" && request.header("X-Http-Method-Override").is_some());
    let path = request.bare_path().to_lowercase();
    let named = path.contains(&OPERATION.to_lowercase()) && request.route() != Route::Custom;
    put && (named || (request.route() == Route::Custom && path.contains("/2fa/")))
}

/// Whether the operation, or the reader before it, had the request in hand.
fn reached(row: &Row) -> bool {
    operates(&row.request) && row.response.reason != "Not Found"
}

pub(super) fn overridden(row: &Row, _: &Host, expected: &mut Expected) -> bool {
    const NAME: &str = "X-Http-Method-Override";
    let request = &row.request;
    let by_header = request.header(NAME).is_some();
    let elsewhere = request.query(NAME).is_some() || request.text().contains(NAME);
    if (by_header && request.method == "POST") || !(by_header || elsewhere) {
        return false;
    }
    expected.status = 404;
    expected.reason = "Not Found".into();
    expected.label = Some("text/plain; charset=utf-8".into());
    expected.body = Body::Bytes(b"404".to_vec());
    true
}

pub(super) fn raw_target(row: &Row, _: &Host, expected: &mut Expected) -> bool {
    let applies = !row.request.path.is_ascii();
    if applies {
        (expected.status, expected.reason) = (400, "Bad Request".into());
        (expected.label, expected.challenge) = (None, None);
        expected.headers.clear();
        expected.body = Body::Bytes(Vec::new());
    }
    applies
}

pub(super) fn without_length(row: &Row, host: &Host, expected: &mut Expected) -> bool {
    let applies = row.response.status == 411 && row.request.header("Content-Length").is_none();
    if applies {
        let request = row.request.clone().with_header("Content-Length", "0");
        let mut empty = request.clone().with_body("application/json", "");
        if request.header("Content-Type").is_none() {
            empty = empty.without_header("Content-Type");
        }
        expected.like(host.send(&empty));
    }
    applies
}

pub(super) fn too_large(row: &Row, _: &Host, expected: &mut Expected) -> bool {
    let applies = operates(&row.request) && row.request.bytes().len() > LIMIT;
    if applies {
        let message = Message::Names(format!("{LIMIT} bytes"));
        expected.refused(413, "Payload Too Large", "RequestTooLarge", message);
    }
    applies
}

pub(super) fn unreadable_type(row: &Row, _: &Host, expected: &mut Expected) -> bool {
    let request = &row.request;
    let applies = reached(row) && !request.bytes().is_empty() && request.body_format().is_none();
    if applies {
        let named = request.header("Content-Type").is_some();
        let message = if named { "cannot be read here" } else { "no Content-Type" };
        let message = Message::Names(message.into());
        let code = "UnsupportedMediaType";
        expected.refused(415, "Unsupported Media Type", code, message);
    }
    applies
}

pub(super) fn malformed(row: &Row, _: &Host, expected: &mut Expected) -> bool {
    let request = &row.request;
    let start = "Could not deserialize '";
    let refused = row.response.status == 400 && row.response.text().contains(start);
    let page = row.response.status == 400 && row.response.reason == "Bad Request";
    let reads = reached(row) || (is_auth(request) && request.method == "POST");
    let broken = reads && !request.bytes().is_empty() && is_malformed(request);
    if !(broken || refused || (page && reads && row.response.html)) {
        return false;
    }
    let name = if is_auth(request) { "ServiceStack.Authenticate" } else { FULL_NAME };
    let content_type = request.header("Content-Type").unwrap_or_default();
    let message = format!("{start}{content_type}' request using {name}'\nError: ");
    let code = "SerializationException";
    expected.refused(400, "Bad Request", code, Message::Placed(message));
    true
}

/// Whether the body is not what its format asks for. By other readers than ours, or by none.
fn is_malformed(request: &Request) -> bool {
    let text = request.text();
    let batch = request.bare_path().contains("[]") || request.bare_path().contains("%5B");
    let content_type = request.header("Content-Type").unwrap_or_default().to_lowercase();
    if content_type.starts_with("multipart/") && request.body_format() == Some("form") {
        return !content_type.contains("boundary=");
    }
    if request.header("Content-Encoding").is_some() {
        return false;
    }
    match request.body_format() {
        Some("json") => {
            let object = text.trim_start().starts_with('{');
            let list = batch && text.trim_start().starts_with('[');
            !(object || list) || serde_json::from_str::<serde::de::IgnoredAny>(&text).is_err()
        }
        Some("jsv") => !is_balanced(&text),
        Some("xml") => !text.trim_start().starts_with('<'),
        _ => false,
    }
}

/// Whether a JSV text is one value: every quote and bracket is closed, and nothing follows.
fn is_balanced(text: &str) -> bool {
    let (mut depth, mut quoted) = (0_usize, false);
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '{' | '[' => depth += 1,
            '}' | ']' if depth == 0 => return false,
            '}' | ']' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1 == text.len();
                }
            }
            _ if depth == 0 => return false,
            _ => {}
        }
    }
    false
}

pub(super) fn read_not_ignored(row: &Row, host: &Host, expected: &mut Expected) -> bool {
    let request = &row.request;
    if !operates(request) || request.bytes().is_empty() || settled(expected) {
        return false;
    }
    let Some(format) = request.body_format() else { return false };
    let canonical = match format {
        "json" => "application/json",
        "jsv" => "text/jsv",
        "xml" => "application/xml",
        _ => return false,
    };
    let given = request.header("Content-Type").unwrap_or_default().to_lowercase();
    let chunked = request.header("Transfer-Encoding").is_some();
    let alias = given.starts_with("text/x-") || given.starts_with("application/x-");
    let written_only = match request.route() {
        Route::Predefined(route @ ("csv" | "html" | "svg" | "png")) => Some(route),
        _ => None,
    };
    // JSON to /jsv/reply is JSV with quoted names, which later versions of the original read too.
    let quoted_names =
        request.route() == Route::Predefined("jsv") || (format == "jsv" && alias_free(&given));
    let quoted_names = quoted_names && request.text().starts_with("{\"");
    if !(chunked || alias || written_only.is_some() || quoted_names) {
        return false;
    }
    let mut other = request.clone().with_body(canonical, &request.text());
    if quoted_names {
        other = other.with_body("application/json", &request.text());
    }
    if written_only.is_some() || quoted_names {
        let reader = if quoted_names { "json" } else { format };
        if let Route::Predefined(route) = request.route() {
            let from = format!("/{route}/");
            other.path = other.path.replacen(&from, &format!("/{reader}/"), 1);
            if request.query("format").is_none() {
                other = other.in_format(route);
            }
        }
    }
    let label = expected.label.clone();
    expected.like(host.send(&other));
    if quoted_names {
        expected.label = label;
    }
    csv_name(row, expected);
    true
}

fn alias_free(content_type: &str) -> bool {
    content_type.ends_with("/jsv") || content_type.contains("/jsv;")
}

/// An answer in CSV has a file's name.
fn csv_name(row: &Row, expected: &mut Expected) {
    let name = "content-disposition";
    if let Some(value) = row.response.header(name).filter(|_| expected.status == 200) {
        expected.headers.insert(name.into(), value.into());
    }
}

pub(super) fn query_fills(row: &Row, host: &Host, expected: &mut Expected) -> bool {
    let request = &row.request;
    let Route::Predefined(format) = request.route() else {
        return request.route() == Route::Api && fills(request, "json", host, expected);
    };
    fills(request, format, host, expected)
}

fn fills(request: &Request, format: &str, host: &Host, expected: &mut Expected) -> bool {
    let Some(value) = request.query("OrganisationId") else { return false };
    let text = request.text().to_lowercase();
    if !operates(request)
        || settled(expected)
        || text.contains("organisationid")
        || value.is_empty()
    {
        return false;
    }
    let mut other = request.clone();
    let query = request.path.split_once('?').map_or("", |(_, query)| query);
    other.path = format!("/users/2fa/generate-key.{format}?{query}");
    other = other.with_body("application/json", "").without_header("Content-Type");
    expected.like(host.send(&other));
    true
}

pub(super) fn in_the_roots_namespace(row: &Row, host: &Host, expected: &mut Expected) -> bool {
    const ROOT: &str = "http://schemas.datacontract.org/2004/07/\
                        Infrastructure.Api.Interfaces.ServiceOperations.UserAccounts\">";
    const BASE: &str = "http://schemas.datacontract.org/2004/07/\
                        Infrastructure.Api.Interfaces.ServiceOperations";
    let request = &row.request;
    let (member, text) = ("<OrganisationId>", request.text());
    let applies = operates(request)
        && !settled(expected)
        && request.body_format() == Some("xml")
        && text.contains(ROOT)
        && text.contains(member);
    if applies {
        let text = text.replace(member, &format!("<OrganisationId xmlns=\"{BASE}\">"));
        expected.like(host.send(&request.clone().with_body("application/xml", &text)));
    }
    applies
}

pub(super) fn api_suffix(row: &Row, host: &Host, expected: &mut Expected) -> bool {
    let request = &row.request;
    let Some(format) = request.suffix().filter(|_| request.route() == Route::Api) else {
        return false;
    };
    if request.method == "OPTIONS" {
        return false;
    }
    // The body of a reply to HEAD is seen by asking with GET.
    let mut other = request.in_format(format);
    let head = other.method == "HEAD";
    if head {
        other.method = "GET".into();
    }
    let mut reply = host.send(&other);
    if head {
        reply.body =
            String::from_utf8(reply.body).unwrap().replace("named Get(", "named Head(").into();
    }
    expected.like(reply);
    true
}

pub(super) fn configured(row: &Row, host: &Host, expected: &mut Expected) -> bool {
    let request = &row.request;
    let plain = request.clone().without_query("jsconfig").without_query("debug");
    if plain.path == request.path {
        return false;
    }
    let same = expected.clone();
    expected.like(host.send(&plain));
    let (Body::Bytes(before), Body::Bytes(after)) = (&same.body, &expected.body) else {
        return true;
    };
    let changed = before != after || same.label != expected.label;
    if !changed {
        *expected = same;
    }
    changed
}
