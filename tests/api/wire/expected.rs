//! What is expected of our reply: at first the recorded reply, then what rules make of it.

use std::collections::BTreeMap;

use foundry_api::dto::{Dto, ErrorResponse, TypeDef};
use foundry_api::operation::{
    AuthenticateResponse, GenerateTwoFactorAuthenticationKeyResponse as Key,
};

use super::host::{Host, Reply};
use super::row::Row;

/// An expected reply.
#[derive(Clone)]
pub struct Expected {
    pub status: u16,
    pub reason: String,
    /// Its `Content-Type`.
    pub label: Option<String>,
    pub challenge: Option<String>,
    /// The other headers that count.
    pub headers: BTreeMap<String, String>,
    pub body: Body,
}

/// An expected body.
#[derive(Clone)]
pub enum Body {
    /// These bytes.
    Bytes(Vec<u8>),
    /// A page that shows what the same request gets in JSON.
    Page,
    /// A refusal without fields, in the format that the label names.
    Refusal { code: String, message: Message },
    /// A picture of the QR code.
    Picture,
}

/// The message of a refusal.
#[derive(Clone)]
pub enum Message {
    /// This one.
    Is(String),
    /// One that begins so and names line and column, or the header that is wrong.
    Placed(String),
    /// One of ours, that names what is wrong.
    Names(String),
}

impl Expected {
    /// The recorded reply.
    pub fn recorded(row: &Row) -> Self {
        let response = &row.response;
        let mut headers = response.headers.clone();
        let label = headers.remove("content-type");
        let challenge = headers.remove("www-authenticate");
        let body = if response.html { Body::Page } else { Body::Bytes(response.bytes()) };
        Self {
            status: response.status,
            reason: response.reason.clone(),
            label,
            challenge,
            headers,
            body,
        }
    }

    /// What another request gets from us.
    pub fn like(&mut self, reply: Reply) {
        self.status = reply.status;
        self.reason = reply.reason;
        self.challenge = reply.headers.get("www-authenticate").cloned();
        self.label = reply.headers.get("content-type").cloned();
        self.headers.clear();
        if reply.headers.contains_key("vary") {
            self.headers.insert("vary".into(), "Accept".into());
        }
        self.body = Body::Bytes(reply.body);
    }

    /// A refusal, in a format that is settled later.
    pub fn refused(&mut self, status: u16, reason: &str, code: &str, message: Message) {
        self.status = status;
        reason.clone_into(&mut self.reason);
        self.headers.retain(|name, _| name == "vary");
        self.label = None;
        self.body = Body::Refusal { code: code.to_owned(), message };
    }

    /// The format of the body, by its label.
    pub fn format(&self) -> Option<&'static str> {
        match self.label.as_deref()?.split(';').next()? {
            "application/json" | "text/json" | "text/x-json" | "text/javascript" => Some("json"),
            "application/jsv" | "text/jsv" | "application/x-jsv" | "text/x-jsv" => Some("jsv"),
            "application/xml" | "text/xml" => Some("xml"),
            "text/csv" => Some("csv"),
            "text/html" | "application/xhtml+xml" => Some("html"),
            "image/svg+xml" => Some("svg"),
            "image/png" => Some("png"),
            _ => None,
        }
    }

    /// What is different about `ours`, if anything is.
    pub fn difference(&self, row: &Row, host: &Host, ours: &Reply) -> Option<String> {
        let said = |what: &str, expected: &dyn std::fmt::Debug, ours: &dyn std::fmt::Debug| {
            Some(format!("{what}: expected {expected:?}, got {ours:?}"))
        };
        if (self.status, &*self.reason) != (ours.status, &*ours.reason) {
            let body = ours.text().chars().take(300).collect::<String>();
            return said(
                "status",
                &(self.status, &self.reason),
                &(ours.status, &ours.reason, body),
            );
        }
        if self.label.as_deref() != ours.header("content-type") {
            return said("content type", &self.label, &ours.header("content-type"));
        }
        if self.challenge.as_deref() != ours.header("www-authenticate") {
            return said("challenge", &self.challenge, &ours.header("www-authenticate"));
        }
        for (name, value) in &self.headers {
            // A location may be relative (RFC 9110 section 10.2.2).
            let absolute = ours.header(name).map(|value| match name.as_str() {
                "location" if value.starts_with('/') && self.body_is_no_page() => {
                    format!("http://HOST{value}")
                }
                _ => value.to_owned(),
            });
            if absolute.as_deref() != Some(value) {
                return said(name, value, &ours.header(name));
            }
        }
        match &self.body {
            Body::Bytes(bytes) => {
                let (expected, got) = (masked(bytes), masked(&ours.body));
                if expected == got { None } else { said("body", &expected, &got) }
            }
            Body::Page => not_a_page(row, host, ours),
            Body::Picture => not_a_picture(ours),
            Body::Refusal { code, message } => self.not_refused(row, host, ours, code, message),
        }
    }

    fn body_is_no_page(&self) -> bool {
        !matches!(self.body, Body::Page)
    }

    fn not_refused(
        &self,
        row: &Row,
        host: &Host,
        ours: &Reply,
        code: &str,
        message: &Message,
    ) -> Option<String> {
        let text = match message {
            Message::Is(text) => text.clone(),
            Message::Placed(start) | Message::Names(start) => {
                let reply = host.send(&row.request.in_format("json"));
                let json = reply.json();
                let text = json["responseStatus"]["message"].as_str().unwrap_or_default();
                let placed = text.contains(" at line ") && text.contains(" column ");
                let good = match message {
                    Message::Placed(_) => {
                        let header = ["Content-Encoding", "boundary"];
                        text.starts_with(start.as_str())
                            && (placed || header.iter().any(|name| text.contains(name)))
                    }
                    _ => text.contains(start.as_str()),
                };
                if !good {
                    return Some(format!("message: expected {start:?}…, got {text:?}"));
                }
                text.to_owned()
            }
        };
        let format = self.format()?;
        if format == "html" {
            return not_a_page(row, host, ours).or_else(|| {
                let shown = [code, &*text].iter().all(|text| ours.text().contains(&*escaped(text)));
                (!shown).then(|| format!("a page without {code} or {text}"))
            });
        }
        let expected = refusal(format, dto(row), code, &text);
        let got = ours.text();
        (expected != got).then(|| format!("body: expected {expected:?}, got {got:?}"))
    }
}

/// The type of a row's refusals.
fn dto(row: &Row) -> &'static TypeDef {
    let path = row.request.bare_path().to_lowercase();
    if path.starts_with("/auth") || path.ends_with("/authenticate") {
        AuthenticateResponse::DEF
    } else if row.response.text().contains("does not exist for this service") {
        ErrorResponse::DEF
    } else {
        Key::DEF
    }
}

/// A refusal without fields as the original writes one that the service throws.
pub fn refusal(format: &str, dto: &TypeDef, code: &str, message: &str) -> String {
    let jsv = |text: &str| {
        if text.contains(['"', ':', ',', '{', '}', '[', ']', '\r', '\n']) {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text.to_owned()
        }
    };
    let status = format!("{{errorCode:{code},message:{},errors:[]}}", jsv(message));
    match format {
        "json" => {
            let message = serde_json::to_string(message).unwrap();
            format!(
                "{{\"responseStatus\":{{\"errorCode\":\"{code}\",\"message\":{message},\
                 \"errors\":[]}}}}"
            )
        }
        "jsv" => format!("{{responseStatus:{status}}}"),
        "csv" => {
            let quoted = format!("\"{}\"", status.replace('"', "\"\""));
            let names: Vec<&str> = dto.fields.iter().map(|field| field.name).collect();
            let cell = |name: &&str| {
                if *name == "ResponseStatus" { quoted.clone() } else { String::new() }
            };
            let cells: Vec<String> = names.iter().map(cell).collect();
            format!("{}\r\n{}\r\n", names.join(","), cells.join(","))
        }
        _ => xml_refusal(dto, code, message),
    }
}

fn xml_refusal(dto: &TypeDef, code: &str, message: &str) -> String {
    const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";
    const TYPES: &str = "http://schemas.servicestack.net/types";
    const ARRAYS: &str = "http://schemas.microsoft.com/2003/10/Serialization/Arrays";
    let name = dto.name;
    let message =
        message.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\r', "");
    let rest = if name == Key::DEF.name { "<TwoFactorUri i:nil=\"true\" />" } else { "" };
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><{name} xmlns:i=\"{INSTANCE}\" \
         xmlns=\"{}\"><ResponseStatus xmlns:d2p1=\"{TYPES}\"><d2p1:ErrorCode>{code}\
         </d2p1:ErrorCode><d2p1:Message>{message}</d2p1:Message><d2p1:StackTrace i:nil=\"true\" />\
         <d2p1:Errors /><d2p1:Meta xmlns:d3p1=\"{ARRAYS}\" i:nil=\"true\" /></ResponseStatus>\
         {rest}</{name}>",
        dto.namespace.xml
    )
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.replace("\r\n", "\n").chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            c if c.is_control() && !"\t\n".contains(c) => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

/// Why our reply is no page that shows what the same request gets in JSON.
fn not_a_page(row: &Row, host: &Host, ours: &Reply) -> Option<String> {
    let policy = ours.header("content-security-policy").unwrap_or_default();
    if !policy.starts_with("default-src 'none'; style-src 'sha256-") {
        return Some(format!("policy: {policy}"));
    }
    let text = ours.text();
    if !text.starts_with("<!DOCTYPE html>") || text.contains("<script") {
        return Some(format!("no page, or one with a script: {text}"));
    }
    let reply = host.send(&row.request.in_format("json"));
    if reply.status != ours.status {
        return Some(format!("status {} in JSON, {} as a page", reply.status, ours.status));
    }
    let mut leaves = Vec::new();
    collect(&reply.json(), &mut leaves);
    leaves
        .into_iter()
        // Each sign-in is another session.
        .filter(|leaf| !row.request.path.contains("auth") || leaf.len() < 18)
        .find(|leaf| !text.contains(&escaped(leaf)))
        .map(|leaf| format!("the page does not show {leaf:?}"))
}

fn collect(value: &serde_json::Value, leaves: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) => leaves.push(text.clone()),
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, leaves)),
        serde_json::Value::Object(members) => {
            members.values().for_each(|value| collect(value, leaves));
        }
        _ => {}
    }
}

fn not_a_picture(ours: &Reply) -> Option<String> {
    let starts: [&[u8]; 2] = [b"\x89PNG\r\n\x1A\n", b"<svg "];
    (!starts.iter().any(|start| ours.body.starts_with(start))).then(|| "no picture".to_owned())
}

/// The body with what differs from sign-in to sign-in taken out: session ids and tokens.
fn masked(body: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(body).into_owned();
    for (start, end) in [
        ("\"sessionId\":\"", "\""),
        ("\"bearerToken\":\"", "\""),
        ("\"refreshToken\":\"", "\""),
        ("{userId:1,sessionId:", ","),
        (",bearerToken:", ","),
        (",refreshToken:", ","),
        ("<SessionId>", "<"),
        ("<BearerToken>", "<"),
        ("<RefreshToken>", "<"),
    ] {
        if let Some(at) = text.find(start) {
            let from = at + start.len();
            let length = text[from..].find(end).unwrap_or(0);
            text.replace_range(from..from + length, "*");
        }
    }
    text
}

/// The operation's response.
pub fn key() -> &'static TypeDef {
    Key::DEF
}

/// What a refusal is where there is no operation.
pub fn unknown() -> &'static TypeDef {
    ErrorResponse::DEF
}
