//! What is answered otherwise: refusals and pages, the choice of the format, its label.

use super::super::expected::{self, Body, Expected, Message};
use super::super::host::Host;
use super::super::negotiation::wanted;
use super::super::operation::UNHANDLED;
use super::super::row::Row;
use super::{OPERATION, is_auth, settled};

pub(super) fn failure(row: &Row, _: &Host, expected: &mut Expected) -> bool {
    let text = row.request.text();
    let asked = UNHANDLED.iter().any(|value| text.contains(&format!("\"{value}\"")));
    let applies = row.response.status == 500 && asked && !settled(expected);
    if applies {
        let message = Message::Is("An internal error occurred. Its id is wire.".into());
        expected.refused(500, "Internal Server Error", "InternalServerError", message);
    }
    applies
}

pub(super) fn error_page(row: &Row, host: &Host, expected: &mut Expected) -> bool {
    let text = row.response.text();
    let plain =
        row.response.header("content-type").is_some_and(|label| label.starts_with("text/plain"));
    let forbidden = plain && row.response.status == 200 && text.starts_with("Forbidden");
    let missing = plain && text.starts_with("Error (");
    if forbidden || missing {
        let (format, _) = wanted(&row.request, false);
        expected.like(host.send(&row.request.in_format("json")));
        let real = if forbidden { (403, "Forbidden") } else { (404, "NotFound") };
        (expected.status, expected.reason) = (real.0, real.1.to_owned());
        if format == "html" {
            expected.label = Some("text/html".into());
            expected.body = Body::Page;
        }
    }
    forbidden || missing
}

pub(super) fn refusal_type(row: &Row, _: &Host, expected: &mut Expected) -> bool {
    let text = row.response.text();
    let unknown = text.contains("does not exist for this service");
    let narrow = text.contains("<ErrorResponse ") || text.starts_with("ResponseStatus\r\n");
    // A refused sign-in in CSV had no body at all.
    let empty = text.is_empty() && row.response.status == 401 && is_auth(&row.request);
    if empty && expected.format() == Some("csv") {
        let label = expected.label.clone();
        let message = Message::Is("Invalid Username or Password".into());
        expected.refused(401, "Unauthorized", "Unauthorized", message);
        expected.label = label;
        return true;
    }
    let Some(code) = row.response.code().filter(|_| narrow && !unknown && !settled(expected))
    else {
        return false;
    };
    let message = if let Some((_, rest)) = text.split_once("<Message>") {
        unescaped(rest.split("</Message>").next().unwrap())
    } else {
        let rest = text.split_once("message:").unwrap().1;
        rest.split(",errors:").next().unwrap().trim_matches('"').to_owned()
    };
    let (label, challenge) = (expected.label.clone(), expected.challenge.clone());
    let (status, reason) = (expected.status, expected.reason.clone());
    expected.refused(status, &reason, &code, Message::Is(message));
    (expected.label, expected.challenge) = (label, challenge);
    true
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

pub(super) fn cut_short(row: &Row, host: &Host, expected: &mut Expected) -> bool {
    let Body::Bytes(bytes) = &expected.body else { return false };
    let text = String::from_utf8_lossy(bytes).into_owned();
    let applies = text.starts_with("<?xml") && !text.ends_with('>');
    let applies = applies || (text.starts_with("<?xml") && text.ends_with("<TwoFactorUri>"));
    if applies {
        // The rest of the document is what JSON shows, with that replaced.
        let reply = host.send(&row.request.in_format("json")).json();
        let value = reply["twoFactorUri"].as_str().unwrap_or_default();
        let held = value.replace(|c: char| c.is_control() && !"\t\r\n".contains(c), "\u{FFFD}");
        let start = text.split("<TwoFactorUri>").next().unwrap();
        let name = "GenerateTwoFactorAuthenticationKeyResponse";
        let whole = format!("{start}<TwoFactorUri>{held}</TwoFactorUri></{name}>");
        expected.body = Body::Bytes(whole.into_bytes());
    }
    applies
}

pub(super) fn negotiated(row: &Row, host: &Host, expected: &mut Expected) -> bool {
    let fixed = expected.label.as_deref().is_some_and(|label| label.starts_with("text/plain"));
    let no_body = matches!(&expected.body, Body::Bytes(bytes) if bytes.is_empty());
    if (fixed || no_body) && !(row.response.status == 200 && no_body && has_no_type(row)) {
        return false;
    }
    // Only where a picture is asked for does it matter whether there is one.
    let matters = wanted(&row.request, true) != wanted(&row.request, false);
    let has_code = matters && !settled(expected) && {
        let reply = host.send(&row.request.in_format("json")).json();
        reply["twoFactorUri"].as_str().is_some_and(|uri| uri.starts_with("otpauth://"))
    };
    let (format, label) = wanted(&row.request, has_code);
    let recorded = Expected::recorded(row).format();
    if settled(expected) {
        // The format that the refusal was recorded in, if any, is another rule's to change.
        let label = if dto_is_unknown(row) { expected.label.clone() } else { Some(label.into()) };
        expected.label = label;
        return recorded.is_some_and(|recorded| recorded != format);
    }
    if expected.format() == Some(format) {
        return false;
    }
    let same = (expected.status, expected.reason.clone());
    expected.like(host.send(&row.request.in_format(format)));
    (expected.status, expected.reason) = same;
    expected.label = Some(label.to_owned());
    match format {
        "html" => expected.body = Body::Page,
        "svg" | "png" => expected.body = Body::Picture,
        "csv" => {
            let name = format!("attachment;filename=\"{OPERATION}.csv\"");
            expected.headers.insert("content-disposition".into(), name);
        }
        _ => {}
    }
    true
}

/// An empty `Accept` got an empty reply without a type.
fn has_no_type(row: &Row) -> bool {
    row.response.header("content-type").is_none()
}

fn dto_is_unknown(row: &Row) -> bool {
    row.response.text().contains("does not exist for this service")
}

pub(super) fn jsv_label(row: &Row, _: &Host, expected: &mut Expected) -> bool {
    let (format, label) = wanted(&row.request, false);
    let recorded = Expected::recorded(row).format() == Some("jsv");
    let applies = expected.format() == Some("jsv") && format == "jsv" && !dto_is_unknown(row);
    if applies {
        expected.label = Some(label.to_owned());
    } else if dto_is_unknown(row) && recorded {
        expected.label = Some("text/jsv".into());
    }
    recorded && expected.label.as_deref() != row.response.header("content-type")
}

pub(super) fn page_label(row: &Row, _: &Host, expected: &mut Expected) -> bool {
    let applies = expected.label.as_deref() == Some("text/html");
    if applies {
        expected.label = Some(wanted(&row.request, false).1.to_owned());
    }
    let page = expected.format() == Some("html")
        && row.response.header("content-type") == Some("text/html");
    applies || page
}

pub(super) fn head(row: &Row, _: &Host, expected: &mut Expected) -> bool {
    if row.request.method != "HEAD" {
        return false;
    }
    let body = match &expected.body {
        Body::Bytes(bytes) => bytes.clone(),
        Body::Refusal { code, message: Message::Is(message) } => {
            let format = expected.format().unwrap_or("json");
            let dto = if dto_is_unknown(row) { expected::unknown() } else { expected::key() };
            expected::refusal(format, dto, code, message).into_bytes()
        }
        Body::Page => {
            expected.body = Body::Bytes(Vec::new());
            return true;
        }
        _ => return false,
    };
    expected.headers.insert("content-length".into(), body.len().to_string());
    expected.body = Body::Bytes(Vec::new());
    true
}

pub(super) fn small_documents(row: &Row, _: &Host, expected: &mut Expected) -> bool {
    let (label, body): (_, &[u8]) = match row.request.bare_path() {
        "/favicon.ico" => ("image/svg+xml", foundry_api::enrol::ICON.as_bytes()),
        "/robots.txt" => ("text/plain; charset=utf-8", b"User-agent: *\nDisallow: /\n"),
        _ => return false,
    };
    if row.request.method != "GET" || row.response.status != 404 {
        return false;
    }
    expected.status = 200;
    expected.reason = "OK".into();
    expected.label = Some(label.into());
    expected.body = Body::Bytes(body.to_vec());
    true
}
