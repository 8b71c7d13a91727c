//! Where we differ from the original on purpose: rules over what is asked and what was recorded, each
//! with what we answer instead, so that a rule hides no defect.
//!
//! A rule looks at the row alone, never at our reply. Those that apply change the expected reply, one
//! after the other; what they leave is compared to the byte. `OTHER_REQUEST` rules say that we answer
//! a request as we (and the recordings, in rows of their own) answer another one.

use super::expected::{Body, Expected, Message};
use super::host::Host;
use super::negotiation::wanted;
use super::operation::UNHANDLED;
use super::row::{Request, Route, Row};

/// A difference.
pub struct Rule {
    pub name: &'static str,
    /// Changes the expected reply, if it is about this row.
    pub apply: fn(&Row, &Host, &mut Expected) -> bool,
}

/// All of them, in the order in which they are looked at.
pub const RULES: &[Rule] = &[
    // What a link or a form of another site can say does not change the verb.
    Rule { name: "the verb is overridden by the header of a POST alone", apply: overridden },
    // RFC 9112 section 3: what is no URI is refused before it is looked at.
    Rule { name: "bytes in the request's target are percent-encoded, or 400", apply: raw_target },
    // RFC 9112 section 6.3: no length is no body. 411 is the recorded host's.
    Rule { name: "a request without a length has no body", apply: without_length },
    // A body is held in memory.
    Rule { name: "bodies have a limit: 413", apply: too_large },
    // Nothing is lost silently: a key must not land in another organisation than was meant.
    Rule { name: "a body of an unreadable media type: 415", apply: unreadable_type },
    Rule { name: "what is malformed is refused, with line and column", apply: malformed },
    Rule { name: "a body that the original ignores is read", apply: read_not_ignored },
    Rule { name: "the query fills members on predefined routes", apply: query_fills },
    Rule {
        name: "the XML member is accepted in the root's namespace",
        apply: in_the_roots_namespace,
    },
    // As later versions of the original do.
    Rule { name: "/api/{Operation}.{format} names the reply's format", apply: api_suffix },
    // Clients take a redirect for an error, or follow it with another verb.
    Rule { name: "no redirect after signing in", apply: sign_in_redirect },
    // They change the wire under a client's feet.
    Rule { name: "?jsconfig= and ?debug= are not offered", apply: configured },
    // Clients can show a body, and a credential that cannot be read is no failure of ours.
    Rule { name: "an unparseable credential is a 401", apply: bad_credential },
    Rule { name: "a 401 has a body and is never a redirect", apply: unauthenticated },
    // Users have a name and an address; tokens are in the body.
    Rule { name: "a sign-in has tokens, no picture and no other name", apply: signed_in },
    // An exception's text tells others what they should not know; the page and `ErrorResponse` are
    // what clients cannot read.
    Rule { name: "a failure of ours is a 500 that says no more", apply: failure },
    Rule { name: "members missing from a sign-in are a 400", apply: sign_in_without },
    Rule { name: "an error page has its real status", apply: error_page },
    Rule { name: "refusals are the operation's response, in XML and CSV too", apply: refusal_type },
    // A defect: the original's document ends in the middle.
    Rule { name: "what XML cannot hold becomes U+FFFD", apply: cut_short },
    // The two hosts of the original disagree with each other. JSON by default, every alias counts.
    Rule { name: "Accept is read as RFC 9110 says", apply: negotiated },
    // As the original's page of the operation shows it.
    Rule { name: "JSV that nobody names is text/jsv", apply: jsv_label },
    Rule { name: "pages are labelled with their charset", apply: page_label },
    // RFC 9110 section 9.3.2; the bytes behind it are the recorded host's.
    Rule { name: "a reply to HEAD has no body", apply: head },
    // What browsers and crawlers ask every service for; the recorded host has neither.
    Rule { name: "an icon and a robots.txt are served", apply: small_documents },
];

const OPERATION: &str = "GenerateTwoFactorAuthenticationKeyRequest";
const FULL_NAME: &str = "Infrastructure.Api.Interfaces.ServiceOperations.UserAccounts.\
                         GenerateTwoFactorAuthenticationKeyRequest";
const LIMIT: usize = 65536;

fn is_auth(request: &Request) -> bool {
    let path = request.bare_path().to_lowercase();
    path.starts_with("/auth") || path.ends_with("/authenticate")
}

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

fn overridden(row: &Row, _: &Host, expected: &mut Expected) -> bool {
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

fn raw_target(row: &Row, _: &Host, expected: &mut Expected) -> bool {
    let applies = !row.request.path.is_ascii();
    if applies {
        (expected.status, expected.reason) = (400, "Bad Request".into());
        (expected.label, expected.challenge) = (None, None);
        expected.headers.clear();
        expected.body = Body::Bytes(Vec::new());
    }
    applies
}

fn without_length(row: &Row, host: &Host, expected: &mut Expected) -> bool {
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

fn too_large(row: &Row, _: &Host, expected: &mut Expected) -> bool {
    let applies = operates(&row.request) && row.request.bytes().len() > LIMIT;
    if applies {
        let message = Message::Names(format!("{LIMIT} bytes"));
        expected.refused(413, "Payload Too Large", "RequestTooLarge", message);
    }
    applies
}

fn unreadable_type(row: &Row, _: &Host, expected: &mut Expected) -> bool {
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

fn malformed(row: &Row, _: &Host, expected: &mut Expected) -> bool {
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

fn read_not_ignored(row: &Row, host: &Host, expected: &mut Expected) -> bool {
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

/// Whether a rule has already said what the reply is, in whatever format.
fn settled(expected: &Expected) -> bool {
    matches!(expected.body, Body::Refusal { .. })
}

fn query_fills(row: &Row, host: &Host, expected: &mut Expected) -> bool {
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

fn in_the_roots_namespace(row: &Row, host: &Host, expected: &mut Expected) -> bool {
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

fn api_suffix(row: &Row, host: &Host, expected: &mut Expected) -> bool {
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

fn sign_in_redirect(row: &Row, host: &Host, expected: &mut Expected) -> bool {
    let redirected = (300..400).contains(&row.response.status);
    let applies = redirected && is_auth(&row.request) && row.request.query("continue").is_some();
    if applies {
        expected.like(host.send(&row.request.clone().without_query("continue")));
        expected.headers.remove("location");
        expected.body = Body::Page;
    }
    applies
}

fn small_documents(row: &Row, _: &Host, expected: &mut Expected) -> bool {
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

fn configured(row: &Row, host: &Host, expected: &mut Expected) -> bool {
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

fn bad_credential(row: &Row, _: &Host, expected: &mut Expected) -> bool {
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

fn unauthenticated(row: &Row, _: &Host, expected: &mut Expected) -> bool {
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

fn signed_in(row: &Row, _: &Host, expected: &mut Expected) -> bool {
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

fn failure(row: &Row, _: &Host, expected: &mut Expected) -> bool {
    let text = row.request.text();
    let asked = UNHANDLED.iter().any(|value| text.contains(&format!("\"{value}\"")));
    let applies = row.response.status == 500 && asked && !settled(expected);
    if applies {
        let message = Message::Is("An internal error occurred. Its id is wire.".into());
        expected.refused(500, "Internal Server Error", "InternalServerError", message);
    }
    applies
}

fn sign_in_without(row: &Row, _: &Host, expected: &mut Expected) -> bool {
    let applies = row.response.status == 500
        && row.response.code().as_deref() == Some("ValidationException")
        && is_auth(&row.request);
    if applies {
        expected.status = 400;
    }
    applies
}

fn error_page(row: &Row, host: &Host, expected: &mut Expected) -> bool {
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

fn refusal_type(row: &Row, _: &Host, expected: &mut Expected) -> bool {
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

fn cut_short(row: &Row, host: &Host, expected: &mut Expected) -> bool {
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

fn negotiated(row: &Row, host: &Host, expected: &mut Expected) -> bool {
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

fn jsv_label(row: &Row, _: &Host, expected: &mut Expected) -> bool {
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

fn page_label(row: &Row, _: &Host, expected: &mut Expected) -> bool {
    let applies = expected.label.as_deref() == Some("text/html");
    if applies {
        expected.label = Some(wanted(&row.request, false).1.to_owned());
    }
    let page = expected.format() == Some("html")
        && row.response.header("content-type") == Some("text/html");
    applies || page
}

fn head(row: &Row, _: &Host, expected: &mut Expected) -> bool {
    if row.request.method != "HEAD" {
        return false;
    }
    let body = match &expected.body {
        Body::Bytes(bytes) => bytes.clone(),
        Body::Refusal { code, message: Message::Is(message) } => {
            let format = expected.format().unwrap_or("json");
            let dto = if dto_is_unknown(row) {
                super::expected::unknown()
            } else {
                super::expected::key()
            };
            super::expected::refusal(format, dto, code, message).into_bytes()
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
