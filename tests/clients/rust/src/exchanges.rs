//! The exchanges of `exchanges.json`, made over a bare TCP connection: HTTP clients hide how the
//! header names are spelled.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde::Deserialize;

use crate::check::{Checks, Outcome, Unmet, equal, that};

/// A row of the file; `README.md` beside it says what the members mean.
#[derive(Deserialize)]
struct Row {
    name: String,
    auth: Option<String>,
    request: Request,
    reply: Expected,
}

#[derive(Deserialize)]
struct Request {
    method: String,
    path: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Status {
    One(u16),
    Any(Vec<u16>),
}

#[derive(Deserialize)]
struct Expected {
    status: Status,
    reason: Option<String>,
    r#type: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, Option<String>>,
    #[serde(default)]
    without: Vec<String>,
    #[serde(default)]
    has: Vec<String>,
    #[serde(default)]
    lacks: Vec<String>,
}

struct Reply {
    status: u16,
    reason: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Reply {
    fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// Makes every exchange; those that need a session are sent with `cookie`.
pub fn exchanges(
    checks: &mut Checks,
    file: &str,
    base: &str,
    cookie: &str,
    values: &[(&str, &str)],
) -> Outcome {
    let mut text = std::fs::read_to_string(file)?;
    for (name, value) in values {
        let quoted = serde_json::to_string(value)?;
        text = text.replace(&format!("${name}"), quoted.trim_matches('"'));
    }
    for row in serde_json::from_str::<Vec<Row>>(&text)? {
        let cookie = (row.auth.as_deref() != Some("none")).then_some(cookie);
        checks.check(&row.name, || compare(&send(base, &row.request, cookie)?, &row.reply));
    }
    Ok(())
}

fn send(base: &str, request: &Request, cookie: Option<&str>) -> Outcome<Reply> {
    let host = base.trim_start_matches("http://").trim_end_matches('/');
    let body = request.body.as_deref().unwrap_or_default();
    let mut head = vec![format!("{} {} HTTP/1.1", request.method, request.path)];
    head.extend(request.headers.iter().map(|(name, value)| format!("{name}: {value}")));
    head.extend(cookie.map(|cookie| format!("Cookie: {cookie}")));
    if request.body.is_some() {
        head.push(format!("Content-Length: {}", body.len()));
    }
    head.extend([format!("Host: {host}"), "Connection: close".into()]);

    let mut connection = TcpStream::connect(host)?;
    connection.set_read_timeout(Some(Duration::from_secs(30)))?;
    connection.write_all(format!("{}\r\n\r\n{body}", head.join("\r\n")).as_bytes())?;
    let mut answer = String::new();
    connection.take(1 << 20).read_to_string(&mut answer)?;
    read(&answer)
}

fn read(answer: &str) -> Outcome<Reply> {
    let malformed = || Unmet(format!("no HTTP/1.1 reply: {answer:?}"));
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(malformed)?;
    let mut lines = head.split("\r\n");
    let first =
        lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")).ok_or_else(malformed)?;
    let (status, reason) = first.split_once(' ').ok_or_else(malformed)?;
    let headers = lines
        .map(|line| line.split_once(':').map(|(name, value)| (name.into(), value.trim().into())))
        .collect::<Option<Vec<(String, String)>>>()
        .ok_or_else(malformed)?;
    let mut reply =
        Reply { status: status.parse()?, reason: reason.into(), headers, body: body.into() };
    if reply.header("Transfer-Encoding").is_some_and(|coding| coding == "chunked") {
        reply.body = unchunk(body).ok_or_else(malformed)?;
    }
    Ok(reply)
}

/// The body of a chunked reply, `None` when a chunk is missing or cut short.
fn unchunk(mut rest: &str) -> Option<String> {
    let mut body = String::new();
    loop {
        let (size, after) = rest.split_once("\r\n")?;
        let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body += after.get(..size)?;
        rest = after.get(size..)?.strip_prefix("\r\n")?;
    }
}

fn compare(reply: &Reply, expected: &Expected) -> Outcome {
    let body: String = reply.body.chars().take(300).collect();
    let shown = format!("{} {} {body}", reply.status, reply.reason);
    let allowed = match &expected.status {
        Status::One(status) => std::slice::from_ref(status),
        Status::Any(list) => list.as_slice(),
    };
    that(allowed.contains(&reply.status), format!("status is not {allowed:?}: {shown}"))?;
    if let Some(reason) = &expected.reason {
        equal(&reply.reason, reason, "reason phrase")?;
    }
    if let Some(label) = &expected.r#type {
        equal(reply.header("Content-Type"), Some(label.as_str()), "Content-Type")?;
    }
    for (name, value) in &expected.headers {
        let actual = reply.header(name).ok_or_else(|| Unmet(format!("no header {name}")))?;
        let Some(value) = value else { continue };
        let listed = actual.split(',').any(|item| item.trim().eq_ignore_ascii_case(value));
        that(actual == value || listed, format!("{name} is {actual}, not {value}"))?;
    }
    for name in &expected.without {
        equal(reply.header(name), None, name)?;
    }
    for piece in &expected.has {
        that(reply.body.contains(piece), format!("no {piece} in {shown}"))?;
    }
    for piece in &expected.lacks {
        that(!reply.body.contains(piece), format!("{piece} in {shown}"))?;
    }
    let capital =
        |part: &str| part.starts_with(|c: char| c.is_ascii_uppercase() || c.is_ascii_digit());
    for (name, _) in &reply.headers {
        let titled = name.split('-').all(capital);
        that(titled, format!("header name {name} is not in Title-Case"))?;
    }
    Ok(())
}
