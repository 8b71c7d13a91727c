//! What is said otherwise of who somebody is: sign-ins, and credentials that are none.

use super::super::expected::{Body, Expected, Message};
use super::super::host::Host;
use super::super::row::Row;
use super::{is_auth, settled};

pub(super) fn redirect(row: &Row, host: &Host, expected: &mut Expected) -> bool {
    let redirected = (300..400).contains(&row.response.status);
    let applies = redirected && is_auth(&row.request) && row.request.query("continue").is_some();
    if applies {
        expected.like(host.send(&row.request.clone().without_query("continue")));
        expected.headers.remove("location");
        expected.body = Body::Page;
    }
    applies
}

pub(super) fn bad_credential(row: &Row, _: &Host, expected: &mut Expected) -> bool {
    let code = row.response.code().unwrap_or_default();
    let text = row.response.text();
    let about = match &*code {
        "FormatException" => text.contains("Base-64"),
        "KeyNotFoundException" => text.contains("was not present in the dictionary"),
        "NotSupportedException" => text.contains("Invalid algorithm"),
        "NotFound" => text.contains("ApiKey does not exist"),
        _ => false,
    };
    let applies = about && row.request.header("Authorization").is_some();
    if applies {
        refused_to_nobody(row, expected);
    }
    applies
}

/// The challenge is that of the host's first provider.
fn refused_to_nobody(row: &Row, expected: &mut Expected) {
    let message = Message::Is("Not Authenticated".into());
    expected.refused(401, "Unauthorized", "Unauthorized", message);
    let first = "credentials realm=\"/auth/credentials\"";
    expected.challenge = row.response.header("www-authenticate").or(Some(first)).map(str::to_owned);
}

pub(super) fn unauthenticated(row: &Row, _: &Host, expected: &mut Expected) -> bool {
    let response = &row.response;
    let to_login = response.header("location").is_some_and(|place| place.contains("/login?"));
    let challenged = response.header("www-authenticate").is_some();
    let empty = response.status == 401 && response.bytes().is_empty();
    if !(to_login || (challenged && (empty || response.status == 200))) || settled(expected) {
        return false;
    }
    if challenged {
        refused_to_nobody(row, expected);
        return true;
    }
    let (reason, code, message) = if is_auth(&row.request) {
        ("Unauthorized", "Unauthorized", "Invalid Username or Password")
    } else if row.request.header("Authorization").is_some_and(|value| value.starts_with("Basic")) {
        ("Invalid Username or Password", "Unauthorized", "Invalid Username or Password")
    } else {
        ("Unauthorized", "TokenException", "Token has expired")
    };
    expected.refused(401, reason, code, Message::Is(message.into()));
    true
}

pub(super) fn signed_in(row: &Row, _: &Host, expected: &mut Expected) -> bool {
    let Body::Bytes(bytes) = &expected.body else { return false };
    let text = String::from_utf8_lossy(bytes).into_owned();
    if !is_auth(&row.request) || row.response.status != 200 || !text.contains("Alice A") {
        return false;
    }
    let sign_in = row.request.method == "POST";
    // The picture ends with its quote; in XML it is null.
    let without = |start: &str, end: &str, instead: &str, text: &str| {
        let Some((before, rest)) = text.split_once(start) else { return text.to_owned() };
        let Some((_, after)) = rest.split_once(end) else { return text.to_owned() };
        format!("{before}{instead}{after}")
    };
    let text = without(",\"profileUrl\":\"", "\"", "", &text);
    let text = without(",profileUrl:\"", "\"", "", &text);
    let null = "<ProfileUrl i:nil=\"true\" />";
    let mut text = without("<ProfileUrl>", "</ProfileUrl>", null, &text);
    for (name, tokens) in [
        ("\"displayName\":\"Alice A\"", ",\"bearerToken\":\"*\",\"refreshToken\":\"*\""),
        ("displayName:Alice A", ",bearerToken:*,refreshToken:*"),
        ("<DisplayName>Alice A", ""),
    ] {
        let tokens =
            if sign_in && !text.to_lowercase().contains("bearertoken") { tokens } else { "" };
        text = text.replace(name, &format!("{}{tokens}", name.replace("Alice A", "alice")));
    }
    expected.body = Body::Bytes(text.into_bytes());
    true
}

pub(super) fn without_members(row: &Row, _: &Host, expected: &mut Expected) -> bool {
    let applies = row.response.status == 500
        && row.response.code().as_deref() == Some("ValidationException")
        && is_auth(&row.request);
    if applies {
        expected.status = 400;
    }
    applies
}
