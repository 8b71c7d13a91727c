//! Ten thousand connections that do nothing, and others that are served meanwhile. The service is a
//! process of its own, so that its files and memory are its own.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::process::Process;
use crate::support::{ALICE, GENERATE};

const IDLE: usize = 10_000;
/// What an idle connection may cost, in KiB of the service's memory.
const EACH: u64 = 64;

#[test]
fn ten_thousand_idle_connections_keep_nobody_from_being_served() {
    let files = rlimit::increase_nofile_limit(u64::MAX).unwrap();
    assert!(
        files > IDLE as u64 + 500,
        "this process may have {files} files open; raise the hard limit (ulimit -Hn) to 11000"
    );
    let service = Process::start(&[]);
    let before = service.memory();
    let began = Instant::now();
    let mut idle = Vec::with_capacity(IDLE);
    for number in 0..IDLE {
        let mut stream = TcpStream::connect(service.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        if number % 2 == 0 {
            // Half of them have had a reply, the others have said nothing yet.
            stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
            let mut reply = [0; 12];
            stream.read_exact(&mut reply).unwrap();
            assert_eq!(&reply, b"HTTP/1.1 200");
        }
        idle.push(stream);
    }
    let (memory, took) = (service.memory() - before, began.elapsed());
    println!("{IDLE} connections in {} ms: {} KiB each", took.as_millis(), memory / IDLE as u64);
    assert!(memory / (IDLE as u64) < EACH, "{memory} KiB for {IDLE} connections");

    let request = format!(
        "PUT {GENERATE} HTTP/1.1\r\nHost: a\r\nAuthorization: {ALICE}\r\nConnection: close\r\n\
         Content-Length: 0\r\n\r\n"
    );
    for _ in 0..20 {
        let reply = service.raw(request.as_bytes());
        assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
    }
    // Those that are idle between two requests are still there.
    let mut stream = &idle[0];
    stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    assert_eq!(rest.matches("HTTP/1.1 200 OK").count(), 1, "{rest}");
}
