//! Requests that a proxy before the service and the service might cut differently (RFC 9112 section
//! 11.2), heads that are too large, and bodies that are larger than they look.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

use crate::support::{ALICE, GENERATE, TestApp};

/// What stands behind the request, for a service that cuts it too short.
const NEXT: &str = "GET /health/live HTTP/1.1\r\nHost: smuggled\r\n\r\n";

/// Sends a head and what follows it, says no more, and reads to the end.
fn exchange(app: &TestApp, request: &str) -> String {
    let mut stream = TcpStream::connect(app.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut reply = Vec::new();
    // A connection that is closed over bytes which nobody read is reset; what was said before counts.
    let _end = stream.read_to_end(&mut reply);
    String::from_utf8(reply).unwrap()
}

/// Header lines that make the end of the body a matter of opinion, and a body.
const SHAPES: &[(&str, &str)] = &[
    ("Content-Length: 5\r\nTransfer-Encoding: chunked", "0\r\n\r\n"),
    ("Transfer-Encoding: chunked\r\nContent-Length: 5", "0\r\n\r\n"),
    ("Content-Length: 2\r\nContent-Length: 0", "{}"),
    ("Content-Length: 0\r\nContent-Length: 2", "{}"),
    ("Content-Length: 2, 0", "{}"),
    ("Content-Length: +2", "{}"),
    ("Content-Length: -2", "{}"),
    ("Content-Length: 0x2", "{}"),
    ("Content-Length: 99999999999999999999999999", "{}"),
    ("Content-Length : 2", "{}"),
    ("Content-Length: \r\n 2", "{}"),
    ("Transfer-Encoding: xchunked", "0\r\n\r\n"),
    ("Transfer-Encoding: chunked, identity", "0\r\n\r\n"),
    ("Transfer-Encoding: identity, chunked, chunked", "0\r\n\r\n"),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: x", "0\r\n\r\n"),
    ("Transfer-Encoding: \"chunked\"", "0\r\n\r\n"),
    ("Transfer-Encoding : chunked", "0\r\n\r\n"),
    (" Transfer-Encoding: chunked", "0\r\n\r\n"),
    ("Transfer-Encoding:\r\n chunked", "0\r\n\r\n"),
    ("Transfer-Encoding: chunked", "-1\r\n\r\n"),
    ("Transfer-Encoding: chunked", "+0\r\n\r\n"),
    ("Transfer-Encoding: chunked", "0x0\r\n\r\n"),
    ("Transfer-Encoding: chunked", "fffffffffffffffff\r\n\r\n"),
    ("Transfer-Encoding: chunked", "10000000000000000\r\n\r\n"),
    ("Transfer-Encoding: chunked", "\r\n\r\n"),
    ("Transfer-Encoding: chunked", "2\r\n{}0\r\n\r\n"),
    ("Transfer-Encoding: chunked", "2\r\n{}XX0\r\n\r\n"),
    ("X-A: b\rTransfer-Encoding: chunked", "0\r\n\r\n"),
    ("X-A: b\0\r\nContent-Length: 2", "{}"),
    ("no colon\r\nContent-Length: 2", "{}"),
    (": no name\r\nContent-Length: 2", "{}"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_could_be_cut_in_two_ways_is_refused_and_nothing_behind_it_is_read() {
    let app = TestApp::start().await;
    for (lines, body) in SHAPES {
        let request = format!(
            "PUT {GENERATE} HTTP/1.1\r\nHost: a\r\nAuthorization: {ALICE}\r\n\
             Content-Type: application/json\r\n{lines}\r\n\r\n{body}{NEXT}"
        );
        let reply = exchange(&app, &request);
        assert!(reply.starts_with("HTTP/1.1 4"), "{lines:?} {body:?}: {reply}");
        assert_eq!(reply.matches("HTTP/1.1 ").count(), 1, "{lines:?} {body:?}: {reply}");
        assert!(!reply.contains("otpauth"), "{lines:?} {body:?}: {reply}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn chunks_may_have_extensions_and_trailers_which_say_nothing() {
    let app = TestApp::start().await;
    let close = "Connection: close\r\n\r\n";
    for body in [
        "2\r\n{}\r\n0\r\n\r\n",
        "2;a=b\r\n{}\r\n0\r\n\r\n",
        "1;a=\"b\"\r\n{\r\n01\r\n}\r\n00\r\n\r\n",
    ] {
        let request = format!(
            "PUT {GENERATE} HTTP/1.1\r\nHost: a\r\nAuthorization: {ALICE}\r\n\
             Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n{close}{body}"
        );
        let reply = exchange(&app, &request);
        assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{body:?}: {reply}");
        assert_eq!(reply.matches("HTTP/1.1 ").count(), 1, "{body:?}: {reply}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn requests_in_one_go_are_answered_one_by_one_and_in_order() {
    let app = TestApp::start().await;
    let mut requests = String::new();
    for number in 0..50 {
        let close = if number == 49 { "Connection: close\r\n" } else { "" };
        requests += &format!(
            "PUT {GENERATE} HTTP/1.1\r\nHost: a\r\nX-Request-Id: number-{number}\r\n{close}\
             Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
        );
    }
    let reply = exchange(&app, &requests);
    let ids: Vec<&str> =
        reply.lines().filter_map(|line| line.strip_prefix("X-Request-Id: ")).collect();
    let expected: Vec<String> = (0..50).map(|number| format!("number-{number}")).collect();
    assert_eq!(ids, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_offer_of_another_protocol_changes_nothing_about_the_body() {
    let app = TestApp::start().await;
    let put = |offer: &str, behind: &str| {
        let request = format!(
            "PUT {GENERATE} HTTP/1.1\r\nHost: a\r\nAuthorization: {ALICE}\r\n{offer}\r\n\
             Content-Type: application/json\r\n{behind}"
        );
        exchange(&app, &(request + NEXT))
    };
    for offer in [
        "Upgrade: websocket",
        "Upgrade:  WebSocket ",
        "Connection: Upgrade\r\nUpgrade: websocket",
        "Connection: keep-alive, Upgrade\r\nUpgrade: h2c",
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
    ] {
        for behind in [
            "Content-Length: 2\r\n\r\n{}",
            "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
            "\r\n",
        ] {
            let reply = put(offer, behind);
            assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{offer} {behind}: {reply}");
            // What is behind it is answered, or else it is known that it is not.
            let is_last = reply.contains("\r\nConnection: close\r\n");
            let replies = reply.matches("HTTP/1.1 ").count();
            assert_eq!(replies, if is_last { 1 } else { 2 }, "{offer} {behind}: {reply}");
        }
        let cut_off = put(offer, "Content-Length: 2000\r\n\r\n{}");
        assert!(cut_off.starts_with("HTTP/1.1 400 "), "{offer}: {cut_off}");
        let large = put(offer, "Content-Length: 70000\r\n\r\n{}");
        assert!(large.starts_with("HTTP/1.1 413 "), "{offer}: {large}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_client_that_asks_first_is_told_to_go_on() {
    let app = TestApp::start().await;
    let request = format!(
        "PUT {GENERATE} HTTP/1.1\r\nHost: a\r\nAuthorization: {ALICE}\r\nExpect: 100-continue\r\n\
         Connection: close\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
    );
    let reply = exchange(&app, &request);
    let rest = reply.strip_prefix("HTTP/1.1 100 Continue\r\n\r\n").expect("a word to go on");
    assert!(rest.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn heads_that_are_too_large_are_refused_without_being_kept() {
    let app = TestApp::start().await;
    let many = "X-A: b\r\n".repeat(1000);
    let long = format!("X-A: {}\r\n", "b".repeat(200_000));
    let name = format!("{}: b\r\n", "X".repeat(200_000));
    for lines in [many, long, name] {
        let reply = exchange(&app, &format!("GET /health/live HTTP/1.1\r\nHost: a\r\n{lines}\r\n"));
        // The reply is lost if the service hangs up while the head is still coming.
        let refused = ["HTTP/1.1 431 ", "HTTP/1.1 400 "].iter().any(|s| reply.starts_with(s));
        assert!(refused || reply.is_empty(), "{reply}");
    }
    let target = "a".repeat(200_000);
    let reply = exchange(&app, &format!("GET /{target} HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert!(!reply.contains(" 200 "), "{reply}");
    app.send("GET", "/health/live", &[], b"").expect(200);
}

/// 4,000,000 blanks in brotli, as its reference encoder writes them.
const BROTLI_BOMB: &[u8] =
    &[0x9B, 0xFF, 0x08, 0x3D, 0xF8, 0x25, 0x40, 0xE2, 0xB1, 0x40, 0x20, 0x17, 0xA0, 0x07];

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_body_that_unpacks_into_a_large_one_is_refused_at_the_limit() {
    let app = TestApp::start().await;
    let large = vec![b' '; 4_000_000];
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&large).unwrap();
    let gzip = gzip.finish().unwrap();
    let mut twice = GzEncoder::new(Vec::new(), Compression::best());
    twice.write_all(&gzip).unwrap();
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
    zlib.write_all(&large).unwrap();
    let zstd = ruzstd::encoding::compress_to_vec(
        large.as_slice(),
        ruzstd::encoding::CompressionLevel::Fastest,
    );
    for (coding, body) in [
        ("gzip", gzip),
        ("gzip, gzip", twice.finish().unwrap()),
        ("deflate", zlib.finish().unwrap()),
        ("br", BROTLI_BOMB.to_vec()),
        ("zstd", zstd),
    ] {
        assert!(body.len() < 65_536, "{coding}: {} bytes", body.len());
        let headers = [
            ("Authorization", ALICE),
            ("Content-Type", "application/json"),
            ("Content-Encoding", coding),
        ];
        let reply = app.send("PUT", GENERATE, &headers, &body).expect(413);
        assert_eq!(reply.json()["responseStatus"]["errorCode"], "RequestTooLarge", "{coding}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn documents_that_are_made_to_be_expanded_or_climbed_into_are_refused() {
    let app = TestApp::start().await;
    let mut laughs = "<!DOCTYPE a [<!ENTITY a0 \"lol\">".to_owned();
    for level in 1..10 {
        let inner = format!("&a{};", level - 1).repeat(10);
        laughs += &format!("<!ENTITY a{level} \"{inner}\">");
    }
    laughs += "]><a>&a9;</a>";
    let outside = "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a>&b;</a>".to_owned();
    for (content_type, body) in [
        ("application/xml", laughs),
        ("application/xml", outside),
        ("application/xml", "<a>".repeat(21_000)),
        ("application/xml", format!("<a {}/>", "xmlns:b=\"c\" ".repeat(5_000))),
        ("application/xml", format!("<a>{}", "&#x41;".repeat(10_000))),
        ("application/json", "[".repeat(65_000)),
        ("application/json", "{\"a\":".repeat(13_000)),
        ("application/json", format!("{{\"organisationId\":{}", "[".repeat(60_000))),
        ("text/jsv", "[".repeat(65_000)),
        ("text/jsv", "{a:".repeat(21_000)),
        ("text/jsv", format!("{{organisationId:{}", "{a:".repeat(21_000))),
    ] {
        let accept = ("Accept", "application/json");
        let headers = [("Authorization", ALICE), ("Content-Type", content_type), accept];
        let reply = app.send("PUT", GENERATE, &headers, body.as_bytes()).expect(400);
        let status = &reply.json()["responseStatus"];
        assert_eq!(status["errorCode"], "SerializationException", "{}", &body[..40]);
        assert!(!reply.text().contains("root:"), "{}", reply.text());
    }
}
