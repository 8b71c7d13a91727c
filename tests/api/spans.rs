//! Spans, as a collector gets them: which request, in which trace, and no secret.
//!
//! With the feature `otlp` they are what is asserted; without it, that whoever configures a collector
//! is told that there are none.
#![cfg_attr(
    not(feature = "otlp"),
    expect(dead_code, unused_imports, reason = "what looks at spans has none to look at")
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::authenticator::{Authenticator, VERIFY};
use crate::leaks::{assert_absent, spellings};
use crate::support::GENERATE;

/// How long anything here may take.
const WITHIN: Duration = Duration::from_mins(1);

/// The heads and bodies of requests.
type Taken = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// A collector on loopback: takes what is sent, answers each time with 200.
struct Collector {
    address: SocketAddr,
    taken: Taken,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let taken = Taken::default();
        let kept = taken.clone();
        // It ends with the process of the tests.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let kept = kept.clone();
                std::thread::spawn(move || {
                    while let Some(request) = take(stream.as_ref().unwrap()) {
                        kept.lock().unwrap().push(request);
                    }
                });
            }
        });
        Self { address, taken }
    }

    /// All bodies, once one of them holds `text`.
    #[track_caller]
    fn body_with(&self, text: &str) -> Vec<u8> {
        let began = Instant::now();
        loop {
            let taken = self.taken.lock().unwrap();
            let all: Vec<u8> = taken.iter().flat_map(|(_, body)| body.clone()).collect();
            drop(taken);
            if holds(&all, text.as_bytes()) {
                return all;
            }
            assert!(began.elapsed() < WITHIN, "no {text} has come");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn take(mut stream: &TcpStream) -> Option<(String, Vec<u8>)> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    let (_, length) = lines.find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?;
    let mut body = vec![0; length.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").ok()?;
    Some((head, body))
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The command, with a store of its own and this collector. It is killed when this is dropped.
struct Service {
    child: Child,
    address: String,
    password: String,
}

impl Service {
    fn start(folder: &Path, collector: SocketAddr) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_foundry-api"))
            .env_clear()
            .env("FOUNDRY_DATA", folder)
            .env("FOUNDRY_LISTEN", "127.0.0.1:0")
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{collector}"))
            .env("OTEL_EXPORTER_OTLP_HEADERS", "x-token=collectors-own")
            .env("OTEL_BSP_SCHEDULE_DELAY", "100")
            .env("RUST_LOG", "trace")
            .stdout(Stdio::piped())
            .stderr(Stdio::from(std::fs::File::create(folder.join("log")).unwrap()))
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let (mut address, mut password) = (None, None);
        for line in lines {
            if let Some((_, rest)) = line.split_once("Listening on http://") {
                address = Some(rest.to_owned());
            }
            if let Some((_, rest)) = line.split_once("-u 'demo:") {
                password = Some(rest.split('\'').next().unwrap().to_owned());
                break;
            }
        }
        Self { child, address: address.unwrap(), password: password.unwrap() }
    }

    fn send(&self, verb: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(WITHIN)).unwrap();
        let lines: String =
            headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = body.len();
        let head = format!(
            "{verb} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{lines}Content-Length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        reply
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.child.kill();
        self.child.wait().unwrap();
    }
}

#[cfg(not(feature = "otlp"))]
#[test]
fn a_collector_that_would_never_hear_of_us_is_named_in_the_log() {
    let (folder, collector) = (tempfile::tempdir().unwrap(), Collector::start());
    let service = Service::start(folder.path(), collector.address);
    let reply = service.send("GET", "/health/live", &[], "");
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.contains("built without the feature otlp"), "{log}");
    assert!(collector.taken.lock().unwrap().is_empty());
}

#[cfg(feature = "otlp")]
#[test]
fn a_collector_gets_a_span_of_each_request_and_no_secret() {
    let (folder, collector) = (tempfile::tempdir().unwrap(), Collector::start());
    let mut service = Service::start(folder.path(), collector.address);
    let basic = data_encoding::BASE64.encode(format!("demo:{}", service.password).as_bytes());
    let authorization = ("Authorization", &*format!("Basic {basic}"));
    let json = ("Content-Type", "application/json");
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let caller = [
        ("traceparent", &*format!("00-{trace}-00f067aa0ba902b7-01")),
        ("tracestate", "vendor=state-of-the-caller"),
        ("baggage", "user=baggage-of-the-caller"),
        ("X-Request-Id", "request-one"),
        ("User-Agent", "agent-of-the-caller"),
        authorization,
        json,
    ];
    let reply = service.send(
        "PUT",
        &format!("{GENERATE}?format=jsv&note=query-of-the-caller"),
        &caller,
        "{}",
    );
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    let uri = &reply[reply.find("otpauth://").unwrap()..];
    let phone = Authenticator::scan(uri.trim_end_matches(['}', '"']));
    let sign_in = format!("{{\"userName\":\"demo\",\"password\":\"{}\"}}", service.password);
    let signed_in = service.send("POST", "/auth", &[json], &sign_in);
    let member = |name: &str| {
        let (_, rest) = signed_in.split_once(&format!("\"{name}\":\"")).unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    service.send("PUT", VERIFY, &[authorization, json], "{\"code\":\"918273\"}");
    service.send("BREW", "/api/Authenticate", &[json], "{}");
    service.send("PUT", "/path-of-the-caller", &[json], "{}");
    service.send("PUT", GENERATE, &[("X-Request-Id", "request-last")], "");
    let spans = collector.body_with("request-last");
    for (head, _) in collector.taken.lock().unwrap().iter() {
        assert!(head.starts_with("POST /v1/traces HTTP/1.1"), "{head}");
        assert!(head.contains("collectors-own"), "{head}");
    }
    let generate = "GenerateTwoFactorAuthenticationKeyRequest";
    for part in [
        &*format!("PUT {generate}"),
        "PUT VerifyTwoFactorAuthenticationCodeRequest",
        "_OTHER Authenticate",
        "foundry.request_id",
        "request-one",
        "foundry.operation",
        "foundry.format",
        "jsv",
        "http.response.status_code",
        "service.name",
        "foundry-api",
    ] {
        assert!(holds(&spans, part.as_bytes()), "no {part}");
    }
    // The status as protobuf has it: 200, 400 and 401 in the value of an attribute.
    for status in [&[0x18, 0xc8, 0x01], &[0x18, 0x90, 0x03], &[0x18, 0x91, 0x03]] {
        assert!(holds(&spans, status), "no status {status:02x?}");
    }
    let in_trace = data_encoding::HEXLOWER.decode(trace.as_bytes()).unwrap();
    assert!(holds(&spans, &in_trace), "not in the caller's trace");

    let mut needles = spellings(phone.secret());
    let secret_texts = [
        &*service.password,
        &basic,
        &member("bearerToken"),
        &member("refreshToken"),
        &member("sessionId"),
        "918273",
        "otpauth",
        "of-the-caller",
    ]
    .map(|text| text.as_bytes().to_vec());
    needles.extend(secret_texts);
    assert_absent("the spans", &spans, &needles);
    // The log, at every level, of a build that has more to say.
    let logged = std::fs::read(folder.path().join("log")).unwrap();
    needles.push(b"collectors-own".to_vec());
    // Nor anything at all of what the HTTP client says: at this level it quotes what it sends.
    needles.push(b"ureq::".to_vec());
    assert_absent("the log", &logged, &needles);

    // What is still waiting goes out when the service ends as it should.
    service.send("PUT", GENERATE, &[("X-Request-Id", "request-at-the-end")], "");
    let pid = service.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert!(service.child.wait().unwrap().success());
    collector.body_with("request-at-the-end");
}

#[cfg(feature = "otlp")]
#[test]
fn a_collector_that_is_not_there_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    // A port that nobody listens on any more.
    let nowhere = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let service = Service::start(folder.path(), nowhere);
    let deadline = Instant::now() + WITHIN;
    let log = folder.path().join("log");
    while !std::fs::read_to_string(&log).unwrap().contains("does not take spans") {
        let reply = service.send("PUT", GENERATE, &[], "");
        assert!(reply.starts_with("HTTP/1.1 401"), "{reply}");
        assert!(Instant::now() < deadline, "the log does not say so");
        std::thread::sleep(Duration::from_millis(20));
    }
}
