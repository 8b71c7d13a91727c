//! Below the pipeline: versions of HTTP, connections, header names, proxies.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::mpsc;
use std::time::Duration;

use crate::support::{ALICE, PASSWORD, TestApp, memory, populate};

fn connect(app: &TestApp) -> TcpStream {
    let stream = TcpStream::connect(app.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

/// Sends bytes and reads until the service closes the connection.
fn exchange(app: &TestApp, request: &[u8]) -> String {
    let mut stream = connect(app);
    stream.write_all(request).unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).unwrap();
    String::from_utf8(reply).unwrap()
}

#[track_caller]
fn assert_title_case(reply: &str) {
    let (head, _) = reply.split_once("\r\n\r\n").unwrap();
    for line in head.lines().skip(1) {
        let (name, _) = line.split_once(": ").unwrap();
        for part in name.split('-') {
            assert!(part.starts_with(|c: char| c.is_ascii_uppercase()), "{name} in {head}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn header_names_are_in_title_case_on_every_reply_and_there_is_a_phrase() {
    let app = TestApp::start().await;
    // Exactly as much as is read: a connection closed over unread bytes is reset, reply and all.
    let mut huge = "GET / HTTP/1.1\r\nHost: a\r\nX-Huge: ".to_owned();
    huge.push_str(&"x".repeat(131_072 - huge.len()));
    let before = "GET /health/live HTTP/1.1\r\nHost: a\r\n\r\nGET /\x01 HTTP/1.1\r\n\r\n";
    for (request, status) in [
        ("not http at all\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"),
        (&huge, "HTTP/1.1 431 Request Header Fields Too Large\r\n"),
        (before, "HTTP/1.1 200 OK\r\n"),
    ] {
        let reply = exchange(&app, request.as_bytes());
        assert!(reply.starts_with(status), "{reply}");
        assert_title_case(&reply);
        if request == before {
            let at = reply.find("HTTP/1.1 400 Bad Request\r\n").expect("a second reply");
            assert_title_case(&reply[at..]);
        }
    }
    for path in ["/", "/nowhere", "/health/live", "/health/ready", "/json/reply/Nope", "/auth"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        assert_title_case(&exchange(&app, request.as_bytes()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_connection_is_kept_unless_the_client_wants_it_closed() {
    let app = TestApp::start().await;
    let two = "GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n\
               GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let reply = exchange(&app, two.as_bytes());
    assert_eq!(reply.matches("HTTP/1.1 200 OK\r\n").count(), 2, "{reply}");
    assert!(reply.contains("\r\nConnection: close\r\n"), "{reply}");
    let old = exchange(&app, b"GET /health/live HTTP/1.0\r\n\r\n");
    assert!(old.starts_with("HTTP/1.0 200 OK\r\n") || old.starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(old.ends_with("{\"status\":\"live\"}"), "{old}");
    assert_title_case(&old);
    // What the HTTP layer says by itself ends the connection, and says so.
    let wrong = b"GET /health/live HTTP/1.0\r\nConnection: keep-alive\r\n\r\nBAD\r\n\r\n";
    let replies = exchange(&app, wrong);
    let last = &replies[replies.rfind("HTTP/1.").unwrap()..];
    assert!(last.starts_with("HTTP/1.0 400 Bad Request\r\n"), "{replies}");
    assert!(last.contains("\r\nConnection: close"), "{replies}");
    assert_title_case(last);
}

/// Requests that come together, each with what its reply is: the beginning of its head, and a part of
/// its body, nothing for none.
type Train = [(&'static str, &'static str, &'static str)];

const PUT: &str = "PUT /json/reply/GenerateTwoFactorAuthenticationKeyRequest HTTP/1.1\r\nHost: a\r\n\
    Authorization: Basic YWxpY2U6cEBzczp3MHJk\r\nContent-Type: application/json\r\n\
    Content-Length: 47\r\n\r\n{\"OrganisationId\":\"org1\",\"X\":\"HEAD / HTTP/1.1\"}";
const CHUNKED: &str = "PUT /users/2fa/generate-key HTTP/1.1\r\nHost: a\r\n\
    Authorization: Basic YWxpY2U6cEBzczp3MHJk\r\nContent-Type: application/json\r\n\
    Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n";
const HEAD: &str = "HEAD /health/live HTTP/1.1\r\nHost: a\r\n\r\n";
const GET: &str = "GET /health/ready HTTP/1.1\r\nHost: a\r\n\r\n";
const OLD: &str = "GET /health/live HTTP/1.0\r\nHost: a\r\n\r\n";
const LAST: &str = "GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const KEY: &str = "\"twoFactorUri\":\"otpauth://";
const LIVE: &str = "{\"status\":\"live\"}";

/// What is said in reply to each, one after the other.
fn assert_each_answered(train: &Train, replies: &str) {
    let mut rest = replies;
    for (request, status, body) in train {
        let (head, after) = rest.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{replies}"));
        assert!(head.starts_with(status), "{request}: {replies}");
        let closes = head.contains("\r\nConnection: close");
        assert_eq!(closes, *request == LAST, "{request}: {replies}");
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap();
        let length = if body.is_empty() { 0 } else { length.parse().unwrap() };
        assert!(after[..length].contains(body), "{request}: {replies}");
        rest = &after[length..];
    }
    assert_eq!(rest, "", "{replies}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_reply_is_its_own_requests_whatever_comes_behind() {
    let store = memory().await;
    populate(&*store).await;
    let app = TestApp::with(store, &[("FOUNDRY_KEY_RATE", "0")], |app| app);
    let trains: [&Train; 5] = [
        &[(PUT, "HTTP/1.1 200 ", KEY), (HEAD, "HTTP/1.1 200 ", ""), (LAST, "HTTP/1.1 200 ", LIVE)],
        &[(HEAD, "HTTP/1.1 200 ", ""), (PUT, "HTTP/1.1 200 ", KEY), (OLD, "HTTP/1.0 200 ", LIVE)],
        &[(CHUNKED, "HTTP/1.1 200 ", KEY), (OLD, "HTTP/1.0 200 ", LIVE)],
        &[
            (GET, "HTTP/1.1 200 ", "ready"),
            (HEAD, "HTTP/1.1 200 ", ""),
            (LAST, "HTTP/1.1 200 ", LIVE),
        ],
        &[
            (PUT, "HTTP/1.1 200 ", KEY),
            (CHUNKED, "HTTP/1.1 200 ", KEY),
            (HEAD, "HTTP/1.1 200 ", ""),
            (CHUNKED, "HTTP/1.1 200 ", KEY),
            (LAST, "HTTP/1.1 200 ", LIVE),
        ],
    ];
    for train in trains {
        let requests: String = train.iter().map(|(request, ..)| *request).collect();
        assert_each_answered(train, &exchange(&app, requests.as_bytes()));
        // In two parts, wherever the network cuts them.
        for at in (1..requests.len()).step_by(7) {
            let mut stream = connect(&app);
            stream.set_nodelay(true).unwrap();
            stream.write_all(&requests.as_bytes()[..at]).unwrap();
            std::thread::sleep(Duration::from_millis(2));
            stream.write_all(&requests.as_bytes()[at..]).unwrap();
            let mut replies = String::new();
            stream.read_to_string(&mut replies).unwrap();
            assert_each_answered(train, &replies);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn http_2_is_refused_in_terms_of_http_1() {
    let app = TestApp::start().await;
    let mut stream = connect(&app);
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").unwrap();
    let mut reply = Vec::new();
    // What was not read makes the end a reset.
    let _end = stream.read_to_end(&mut reply);
    let reply = String::from_utf8(reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{reply}");
    assert_eq!(reply.matches("HTTP/1.1 ").count(), 1, "{reply}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn proxies_are_believed_only_when_they_are_trusted() {
    let sign_in = format!("{{\"userName\":\"alice\",\"password\":\"{PASSWORD}\"}}");
    let headers = [
        ("Content-Type", "application/json"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-For", "203.0.113.9"),
    ];
    for (trusted, secure) in [("127.0.0.0/8", true), ("10.0.0.0/8", false)] {
        let store = memory().await;
        populate(&*store).await;
        let app = TestApp::with(store, &[("FOUNDRY_TRUSTED_PROXIES", trusted)], |app| app);
        let reply = app.send("POST", "/auth", &headers, sign_in.as_bytes()).expect(200);
        let (_, cookie) = reply.headers.iter().find(|(name, _)| name == "Set-Cookie").unwrap();
        assert_eq!(cookie.contains("; Secure"), secure, "{trusted}: {cookie}");

        // Wrong passwords count by the address that the proxy names; without one that is trusted,
        // by that of the connection, whatever the client says.
        for number in 0..5 {
            let address = format!("203.0.113.{number}");
            let password = data_encoding::BASE64.encode(format!("alice:wrong{number}").as_bytes());
            let guess = format!("Basic {password}");
            let headers = [("X-Forwarded-For", &*address), ("Authorization", &*guess)];
            app.send("PUT", crate::support::GENERATE, &headers, b"").expect(401);
        }
        let headers = [("X-Forwarded-For", "203.0.113.200"), ("Authorization", ALICE)];
        let status = app.send("PUT", crate::support::GENERATE, &headers, b"").status;
        assert_eq!(status, if secure { 200 } else { 429 }, "{trusted}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn operators_are_answered_as_clients_are_and_not_counted() {
    let app = TestApp::start().await;
    let shared = app.app.clone();
    let (tell, told) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let server =
                foundry_api::http::admin::bind(shared, ([127, 0, 0, 1], 0).into()).unwrap();
            tell.send((server.address(), server.handle())).unwrap();
            server.run().await.unwrap();
        });
    });
    let (address, handle) = told.recv().unwrap();
    let counted = || {
        let text = app.app.metrics.text();
        let requests = text.lines().filter(|line| line.starts_with("foundry_request"));
        requests.map(str::to_owned).collect::<Vec<_>>()
    };
    let before = counted();
    for (path, status) in
        [("/metrics", 200), ("/health/live", 200), ("/health/ready", 200), ("/nowhere", 404)]
    {
        let ask = |verb: &str| {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
            let head = format!("{verb} {path} HTTP/1.1\r\nHost: a\r\nX-Request-Id: op-1\r\n");
            stream.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes()).unwrap();
            let mut reply = String::new();
            stream.read_to_string(&mut reply).unwrap();
            assert_title_case(&reply);
            assert!(reply.contains("\r\nX-Request-Id: op-1\r\n"), "{reply}");
            let (head, body) = reply.split_once("\r\n\r\n").unwrap();
            (head[9..12].parse::<u16>().unwrap(), body.to_owned())
        };
        let (got, body) = ask("GET");
        assert_eq!((got, body.is_empty()), (status, false), "{path}");
        assert_eq!(ask("HEAD"), (status, String::new()), "{path}");
        assert_eq!(ask("POST").0, 404, "{path}");
    }
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"not http at all\r\n\r\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{reply}");
    assert_title_case(&reply);
    assert_eq!(counted(), before);
    drop(handle.stop(false));
    thread.join().unwrap();
}
