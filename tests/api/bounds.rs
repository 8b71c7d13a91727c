//! Clients that take their time, and more clients than there is room for: the one who lets the
//! service wait is ended, and the others are served meanwhile.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use foundry_api::http::Bounds;

use crate::support::{ALICE, GENERATE, TestApp, memory, populate};

/// What is waited for in these tests, in place of seconds.
const SOON: Duration = Duration::from_millis(300);
/// How long a test waits for what comes soon. Machines that run tests are slow at times.
const PATIENCE: Duration = Duration::from_secs(20);

async fn bounded(change: impl FnOnce(&mut Bounds)) -> TestApp {
    let store = memory().await;
    populate(&*store).await;
    TestApp::with(store, &[], |mut app| {
        change(&mut app.bounds);
        app
    })
}

fn connect(app: &TestApp) -> TcpStream {
    let stream = TcpStream::connect(app.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Sends a request, then a byte now and then until the service has enough; gives what it says.
#[track_caller]
fn trickle(app: &TestApp, request: &str, bytes: &str) -> String {
    let mut stream = connect(app);
    stream.write_all(request.as_bytes()).unwrap();
    let began = Instant::now();
    let mut reply = Vec::new();
    stream.set_read_timeout(Some(SOON / 10)).unwrap();
    for byte in bytes.bytes().cycle() {
        assert!(began.elapsed() < PATIENCE, "still there: {}", String::from_utf8_lossy(&reply));
        // The service may be gone.
        let _sent = stream.write_all(&[byte]);
        let mut part = [0; 4096];
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(read) => reply.extend_from_slice(&part[..read]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
    }
    String::from_utf8(reply).unwrap()
}

fn put(headers: &str) -> String {
    format!("PUT {GENERATE} HTTP/1.1\r\nHost: a\r\nAuthorization: {ALICE}\r\n{headers}\r\n")
}

const JSON: &str = "Content-Type: application/json\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_body_that_trickles_in_is_refused_in_time_and_others_are_served() {
    let app = bounded(|bounds| bounds.body = SOON).await;
    for framing in ["Content-Length: 60000\r\n", "Transfer-Encoding: chunked\r\n"] {
        std::thread::scope(|scope| {
            let slow = scope.spawn(|| {
                let request = put(&format!("{JSON}{framing}"));
                trickle(
                    &app,
                    &(request + if framing.contains("chunked") { "ea60\r\n" } else { "" }),
                    " ",
                )
            });
            app.generate(&[], "").expect(200).uri();
            let reply = slow.join().unwrap();
            assert!(reply.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{framing}: {reply}");
            assert!(reply.contains("\r\nConnection: close\r\n"), "{framing}: {reply}");
            assert!(reply.contains("\"errorCode\":\"RequestTimeout\""), "{framing}: {reply}");
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_head_that_trickles_in_ends_the_connection_be_it_the_first_or_a_later_one() {
    let app = bounded(|bounds| bounds.head = SOON).await;
    let first = trickle(&app, "GET /health/live HTTP/1.1\r\n", "X-A: b\r\n");
    assert!(first.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{first}");
    let live = "GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n";
    let second = trickle(&app, &format!("{live}GET /health/live HTTP/1.1\r\n"), "X-A: b\r\n");
    assert_eq!(second.matches("HTTP/1.1 200 OK\r\n").count(), 1, "{second}");
    assert_eq!(second.matches("HTTP/1.1 ").count(), 1, "{second}");
    // Of a client that never says anything, nothing is expected.
    let mut silent = connect(&app);
    assert_eq!(silent.read(&mut [0; 1]).unwrap_or(0), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_rest_of_a_body_that_nobody_wants_is_not_waited_for() {
    let app = bounded(|bounds| {
        bounds.head = SOON;
        bounds.farewell = SOON;
    })
    .await;
    for framing in ["Content-Length: 60000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\nea60\r\n"] {
        let request = format!("PUT /nowhere HTTP/1.1\r\nHost: a\r\n{framing}");
        let reply = trickle(&app, &request, "x");
        assert!(reply.starts_with("HTTP/1.1 404 Not Found\r\n"), "{framing}: {reply}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn half_a_request_behind_a_whole_one_does_not_keep_a_connection_for_ever() {
    let app = bounded(|bounds| (bounds.head, bounds.idle) = (SOON, SOON)).await;
    let mut stream = connect(&app);
    let part = format!("{}GET /health", put("Content-Length: 0\r\n"));
    stream.write_all(part.as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert_eq!(reply.matches("HTTP/1.1 200 OK\r\n").count(), 1, "{reply}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn who_reads_none_of_the_replies_is_not_written_to_for_ever() {
    let app = bounded(|bounds| bounds.unread = SOON).await;
    let mut stream = connect(&app);
    stream.set_write_timeout(Some(SOON)).unwrap();
    let request = b"GET /types/csharp HTTP/1.1\r\nHost: a\r\n\r\n".repeat(100);
    let began = Instant::now();
    let end = loop {
        assert!(began.elapsed() < PATIENCE, "the connection is still there");
        match stream.write(&request) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => break error.kind(),
            Ok(_) => {}
        }
    };
    assert!(matches!(end, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{end:?}");
    app.generate(&[], "").expect(200).uri();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_connection_too_many_is_told_so_and_there_is_room_again_when_one_has_gone() {
    let app = bounded(|bounds| bounds.connections = 2).await;
    let live = b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut held: Vec<TcpStream> = (0..2).map(|_| connect(&app)).collect();
    for stream in &mut held {
        stream.write_all(live).unwrap();
        assert!(stream.read(&mut [0; 512]).unwrap() > 0);
    }
    let reply = app.generate(&[], "").expect(503);
    assert_eq!(reply.header("Retry-After"), Some("1"));
    assert_eq!(reply.header("Connection"), Some("close"));
    held.pop();
    let began = Instant::now();
    while app.generate(&[], "").status != 200 {
        assert!(began.elapsed() < PATIENCE, "no room although one has gone");
        std::thread::sleep(SOON / 10);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_request_too_many_is_refused_in_its_format_and_nothing_is_made_for_it() {
    let app = bounded(|bounds| bounds.requests = 1).await;
    let mut slow = connect(&app);
    let request = put(&format!("{JSON}Connection: close\r\nContent-Length: 2\r\n"));
    slow.write_all(request.as_bytes()).unwrap();
    let began = Instant::now();
    let refused = loop {
        let reply = app.generate(&[("Accept", "application/xml")], "");
        if reply.status == 503 {
            break reply;
        }
        assert!(began.elapsed() < PATIENCE, "there was always room");
    };
    assert_eq!(refused.header("Retry-After"), Some("1"));
    assert_eq!(refused.header("Content-Type"), Some("application/xml"));
    assert!(refused.text().contains(">ServiceUnavailable<"), "{}", refused.text());
    app.send("GET", "/health/live", &[], b"").expect(200);
    slow.write_all(b"{}").unwrap();
    let mut reply = String::new();
    slow.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
    app.generate(&[], "").expect(200).uri();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_client_that_has_said_its_last_word_gets_its_reply_and_half_a_word_gets_the_end() {
    let app = TestApp::start().await;
    let whole = put("Content-Length: 0\r\n");
    let half_body = put(&format!("{JSON}Content-Length: 100\r\n")) + "{";
    for (request, status) in [
        (whole.as_str(), Some(200)),
        (&half_body, Some(400)),
        ("GET / HTTP/1.1\r\nHo", None),
        ("", None),
    ] {
        let mut stream = connect(&app);
        stream.write_all(request.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        let given = reply.get(9..12).map(|status| status.parse::<u16>().unwrap());
        assert!(given == status || (given.is_none() && status == Some(400)), "{request}: {reply}");
    }
}
