//! The service in the configuration that a file of rows was recorded with, and the bytes to and from
//! it.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use foundry_api::auth::session::hash;
use foundry_api::auth::{ApiKey, Basic, Bearer, Provider, Providers, TokenCookie, password};
use foundry_api::clock::Timestamp;
use foundry_api::store::{self, NewUser};

use super::operation::RecordedOperation;
use super::row::Request;
use crate::support::{SeededRandom, StillClock, TestApp, memory};

/// When the exchanges were recorded; the tokens in them are of that day.
const RECORDED: Timestamp = Timestamp::from_millis(1_795_460_120_000);

/// The key that signed the recorded tokens.
const JWT_KEY: (&str, &str) = ("FOUNDRY_JWT_KEY", "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=");
/// Alice's API key.
const API_KEY: &str = "testkey-0123456789abcdefghij";
/// After this time nobody remembers wrong passwords, of which the rows have more than we let pass.
const FORGOTTEN: Duration = Duration::from_mins(31);

/// A configured service, and the sessions that stand for the recorded ones.
pub struct Host {
    app: TestApp,
    clock: Arc<StillClock>,
    /// Whether its sign-ins gave tokens in cookies.
    token_cookies: bool,
    sessions: RefCell<HashMap<String, String>>,
}

/// A reply, header names in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub reason: String,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Host {
    /// The host that the file of this name was recorded on.
    pub async fn named(name: &str) -> Self {
        let store = memory().await;
        for (id, user, secret) in [("1", "alice", "p@ss:w0rd"), ("2", "bob", "secret")] {
            let user = NewUser {
                id: id.into(),
                name: user.into(),
                email: format!("{user}@example.com"),
                password_hash: password::hash(secret, &SeededRandom::default()).unwrap(),
            };
            store.add_user(&user, &[], RECORDED).await.unwrap();
        }
        let key = store::ApiKey {
            id: "key".into(),
            user: "1".into(),
            description: String::new(),
            created_at: RECORDED,
            expires_at: None,
            revoked_at: None,
        };
        store.add_api_key(&hash(API_KEY), &key).await.unwrap();
        let clock = StillClock::at(RECORDED);
        let app = TestApp::with(store, &[JWT_KEY], |mut app| {
            app.clock = clock.clone();
            app.operations = app.operations.with(RecordedOperation);
            if let Some(providers) = providers(name) {
                app.providers = Providers::new(providers);
            }
            app
        });
        let token_cookies = name == "tokcookie";
        Self { app, clock, token_cookies, sessions: RefCell::default() }
    }

    /// Sends a request as it was recorded, signed in where it was, and reads the whole reply.
    pub fn send(&self, request: &Request) -> Reply {
        let mut request = request.clone();
        for (name, value) in &mut request.headers {
            if name.eq_ignore_ascii_case("Cookie") {
                *value = self.cookies(value);
            } else if name.eq_ignore_ascii_case("X-ss-id") {
                *value = self.session(value);
            }
        }
        let reply = self.exchange(&wire(&request, "1.1"));
        if reply.status == 429 && reply.header("retry-after").is_some() {
            self.clock.advance(FORGOTTEN);
            return self.exchange(&wire(&request, "1.1"));
        }
        reply
    }

    /// The same in HTTP/1.0.
    pub fn send_as_http10(&self, request: &Request) -> Reply {
        self.exchange(&wire(request, "1.0"))
    }

    fn cookies(&self, line: &str) -> String {
        let ours = |pair: &str| match pair.split_once('=') {
            Some((name @ ("ss-id" | "ss-pid"), id)) => {
                let of = cookie(line, "ss-id").unwrap_or(id);
                format!("{name}={}", self.session(of))
            }
            _ => pair.to_owned(),
        };
        line.split("; ").map(ours).collect::<Vec<_>>().join("; ")
    }

    /// Our session in the place of a recorded one, which was alice's.
    fn session(&self, recorded: &str) -> String {
        if recorded == "bogus" {
            return recorded.to_owned();
        }
        let known = self.sessions.borrow().get(recorded).cloned();
        known.unwrap_or_else(|| {
            let login = format!(
                "{{\"UserName\":\"alice\",\"Password\":\"p@ss:w0rd\",\"UseTokenCookie\":{}}}",
                self.token_cookies
            );
            let json = ("Content-Type", "application/json");
            let reply = self.app.send("POST", "/auth/credentials", &[json], login.as_bytes());
            let mut lines = reply.headers.iter().filter(|(name, _)| name == "Set-Cookie");
            let id = lines
                .find_map(|(_, line)| cookie(line, "ss-id"))
                .unwrap_or_else(|| panic!("no session: {reply:?}"))
                .to_owned();
            self.sessions.borrow_mut().insert(recorded.to_owned(), id.clone());
            id
        })
    }

    fn exchange(&self, bytes: &[u8]) -> Reply {
        let mut stream = TcpStream::connect(self.app.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut writer = stream.try_clone().unwrap();
        let mut reply = Vec::new();
        std::thread::scope(|scope| {
            // A body over the limit is answered before it is read: writing may fail then.
            scope.spawn(move || drop(writer.write_all(bytes)));
            let mut chunk = [0; 4096];
            while let Ok(count) = stream.read(&mut chunk) {
                if count == 0 {
                    break;
                }
                reply.extend_from_slice(&chunk[..count]);
            }
            drop(stream.shutdown(std::net::Shutdown::Both));
        });
        Reply::parse(&reply)
    }
}

/// The providers of the hosts that had others than we have, in their order.
fn providers(host: &str) -> Option<Vec<Box<dyn Provider>>> {
    match host {
        "auth-basic" => Some(vec![Box::new(Basic)]),
        "auth-jwt" => Some(vec![Box::new(Bearer), Box::new(TokenCookie)]),
        "auth-apikey" => Some(vec![Box::new(ApiKey)]),
        _ => None,
    }
}

fn cookie<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    line.split("; ").filter_map(|pair| pair.split_once('=')).find(|(k, _)| *k == name).map(|p| p.1)
}

/// The request as bytes. The request id and the host are the same in all, so that replies which
/// speak of them can be compared.
fn wire(request: &Request, version: &str) -> Vec<u8> {
    let mut head = format!("{} {} HTTP/{version}\r\n", request.method, request.path);
    head += "Host: HOST\r\nX-Request-Id: wire\r\n";
    for (name, value) in &request.headers {
        head += &format!("{name}: {value}\r\n");
    }
    if request.header("Connection").is_none() {
        head += "Connection: close\r\n";
    }
    let mut bytes = (head + "\r\n").into_bytes();
    let body = request.bytes();
    if request.header("Transfer-Encoding").is_some() {
        let (first, second) = body.split_at(body.len() / 2);
        for chunk in [first, second, b""] {
            bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            bytes.extend_from_slice(chunk);
            bytes.extend_from_slice(b"\r\n");
        }
    } else {
        bytes.extend_from_slice(&body);
    }
    bytes
}

impl Reply {
    /// Reads a reply, its chunks put together. What is no reply has status 0.
    fn parse(bytes: &[u8]) -> Self {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            let (reason, headers) = ("no reply".to_owned(), BTreeMap::new());
            return Self { status: 0, reason, headers, body: bytes.to_vec() };
        };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let mut status = lines.next().unwrap().splitn(3, ' ').skip(1);
        let code = status.next().and_then(|code| code.parse().ok()).unwrap_or(0);
        let reason = status.next().unwrap_or_default().to_owned();
        let headers: BTreeMap<String, String> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
            .collect();
        let mut body = &bytes[end + 4..];
        let mut whole = Vec::new();
        if headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked") {
            while let Some(at) = body.windows(2).position(|two| two == b"\r\n") {
                let size = String::from_utf8_lossy(&body[..at]).into_owned();
                let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
                if size == 0 || body.len() < at + 4 + size {
                    break;
                }
                whole.extend_from_slice(&body[at + 2..at + 2 + size]);
                body = &body[at + 4 + size..];
            }
        } else {
            // What follows on the connection is another reply.
            let length = headers.get("content-length").and_then(|text| text.parse().ok());
            whole.extend_from_slice(&body[..length.unwrap_or(body.len()).min(body.len())]);
        }
        Self { status: code, reason, headers, body: whole }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}
