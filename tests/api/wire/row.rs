//! A recorded exchange, and the parts of a request that rules ask for.

use percent_encoding::percent_decode_str;
use serde::Deserialize;

/// A line of a `*.jsonl` file.
#[derive(Deserialize)]
pub struct Row {
    /// The file and a number.
    pub id: String,
    /// The family first.
    pub name: String,
    /// What was sent.
    pub request: Request,
    /// What came back.
    pub response: Recorded,
}

/// What came back from the original.
#[derive(Clone, Deserialize)]
pub struct Recorded {
    pub status: u16,
    pub reason: String,
    #[serde(default)]
    pub headers: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    body_b64: Option<String>,
    /// It was a page, which was not kept.
    #[serde(default)]
    pub html: bool,
}

/// A request.
#[derive(Clone, Deserialize)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    body_b64: Option<String>,
}

fn bytes(text: Option<&String>, base64: Option<&String>) -> Option<Vec<u8>> {
    let decoded = base64.map(|text| data_encoding::BASE64.decode(text.as_bytes()).unwrap());
    decoded.or_else(|| text.map(|text| text.clone().into_bytes()))
}

impl Recorded {
    /// The body. That of a reply to HEAD was recorded with its chunks.
    pub fn bytes(&self) -> Vec<u8> {
        let body = bytes(self.body.as_ref(), self.body_b64.as_ref()).unwrap_or_default();
        match body.strip_suffix(b"\r\n0\r\n\r\n") {
            Some(chunk) => {
                let size = chunk.windows(2).position(|pair| pair == b"\r\n").unwrap();
                chunk[size + 2..].to_vec()
            }
            None => body,
        }
    }

    /// The body as text; text that is none is empty.
    pub fn text(&self) -> String {
        String::from_utf8(self.bytes()).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The error code in the body, in whatever format.
    pub fn code(&self) -> Option<String> {
        let text = self.text();
        ["\"errorCode\":\"", "errorCode:", "ErrorCode>"].iter().find_map(|start| {
            let rest = text.split_once(start)?.1;
            Some(rest.chars().take_while(char::is_ascii_alphanumeric).collect())
        })
    }
}

impl Request {
    /// The body. Those of hundreds of kilobytes were not kept: an `organisationId` that begins with
    /// `len`, of the announced length.
    pub fn bytes(&self) -> Vec<u8> {
        if let Some(body) = bytes(self.body.as_ref(), self.body_b64.as_ref()) {
            return body;
        }
        let length = self.header("Content-Length").and_then(|text| text.parse().ok()).unwrap_or(0);
        let (start, end) = ("{\"OrganisationId\":\"len", "\"}");
        match usize::checked_sub(length, start.len() + end.len()) {
            Some(filling) => format!("{start}{}{end}", "x".repeat(filling)).into_bytes(),
            None => Vec::new(),
        }
    }

    pub fn text(&self) -> String {
        let body = self.bytes();
        let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&body);
        String::from_utf8_lossy(body).into_owned()
    }

    /// The value of a header; lines of one name as a list.
    pub fn header(&self, name: &str) -> Option<String> {
        let lines: Vec<&str> = self
            .headers
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
            .collect();
        (!lines.is_empty()).then(|| lines.join(","))
    }

    pub fn without_header(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    pub fn with_header(self, name: &str, value: &str) -> Self {
        let mut request = self.without_header(name);
        request.headers.push((name.to_owned(), value.to_owned()));
        request
    }

    /// The same with another body, and the length and type that go with it.
    pub fn with_body(self, content_type: &str, body: &str) -> Self {
        let mut request = self
            .without_header("Transfer-Encoding")
            .with_header("Content-Type", content_type)
            .with_header("Content-Length", &body.len().to_string());
        request.body = Some(body.to_owned());
        request.body_b64 = None;
        request
    }

    /// The path without its query.
    pub fn bare_path(&self) -> &str {
        self.path.split_once('?').map_or(&*self.path, |(path, _)| path)
    }

    fn pairs(&self) -> impl Iterator<Item = &str> {
        let query = self.path.split_once('?').map_or("", |(_, query)| query);
        query.split('&').filter(|pair| !pair.is_empty())
    }

    /// The value of a field of the query; values of one name as a list.
    pub fn query(&self, name: &str) -> Option<String> {
        let values: Vec<String> = self
            .pairs()
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .filter(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| percent_decode_str(value).decode_utf8_lossy().into_owned())
            .collect();
        (!values.is_empty()).then(|| values.join(","))
    }

    pub fn without_query(mut self, name: &str) -> Self {
        let kept: Vec<&str> = self
            .pairs()
            .filter(|pair| !pair.split('=').next().unwrap().eq_ignore_ascii_case(name))
            .collect();
        let query = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
        self.path = format!("{}{query}", self.bare_path());
        self
    }

    /// The same request, asking for its reply in that format and no other.
    pub fn in_format(&self, format: &str) -> Self {
        let mut request = self.clone().without_query("format").without_query("callback");
        if let (Some(suffix), Route::Custom | Route::Api) = (self.suffix(), self.route()) {
            let bare = request.bare_path().strip_suffix(&format!(".{suffix}")).unwrap();
            request.path = request.path.replacen(&format!("{bare}.{suffix}"), bare, 1);
        }
        let separator = if request.path.contains('?') { '&' } else { '?' };
        request.path = format!("{}{separator}format={format}", request.path);
        request
    }

    /// Which kind of path it is.
    pub fn route(&self) -> Route {
        let segments: Vec<String> =
            self.bare_path().split('/').filter(|s| !s.is_empty()).map(str::to_lowercase).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match segments[..] {
            ["api", _] => Route::Api,
            [format, "reply" | "oneway", _] => match FORMATS.iter().find(|f| **f == format) {
                Some(format) => Route::Predefined(format),
                None => Route::Custom,
            },
            _ => Route::Custom,
        }
    }

    /// The format that the path's suffix names.
    pub fn suffix(&self) -> Option<&'static str> {
        let (_, suffix) = self.bare_path().rsplit_once('/')?.1.rsplit_once('.')?;
        FORMATS.iter().find(|format| **format == suffix).copied()
    }

    /// The name that the request's body has, and by which format its body is read.
    pub fn body_format(&self) -> Option<&'static str> {
        let by_type = || body_type(&self.header("Content-Type")?);
        match self.route() {
            Route::Custom => by_type(),
            Route::Api => {
                if by_type() == Some("form") {
                    by_type()
                } else {
                    Some("json")
                }
            }
            Route::Predefined(format) => match by_type() {
                Some("form") => Some("form"),
                _ if ["json", "jsv", "xml"].contains(&format) => Some(format),
                other => other,
            },
        }
    }
}

/// By which format a body of that type is read; every alias of a format counts.
fn body_type(content_type: &str) -> Option<&'static str> {
    let essence = content_type.split(';').next().unwrap().trim().to_lowercase();
    match &*essence {
        "application/json" | "text/json" | "text/x-json" => Some("json"),
        "application/jsv" | "text/jsv" | "application/x-jsv" | "text/x-jsv" => Some("jsv"),
        "application/xml" | "text/xml" => Some("xml"),
        "application/x-www-form-urlencoded" | "multipart/form-data" => Some("form"),
        _ => None,
    }
}

/// The names of the formats.
pub const FORMATS: &[&str] = &["json", "jsv", "xml", "csv", "html", "svg", "png"];

/// A kind of path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// `/api/{Operation}`
    Api,
    /// `/{format}/reply/{Operation}` and `/{format}/oneway/{Operation}`
    Predefined(&'static str),
    /// Any other.
    Custom,
}
