//! The end of the service: what was accepted is finished, and what is not there is not waited for.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::process::Process;
use crate::support::{ALICE, GENERATE};

/// Longer than anything takes here, and shorter than the service waits for a client.
const WITHIN: Duration = Duration::from_secs(8);

fn connect(service: &Process) -> TcpStream {
    let stream = TcpStream::connect(service.address).unwrap();
    stream.set_read_timeout(Some(WITHIN)).unwrap();
    stream
}

/// A request that is under way and lacks its body, `{}`.
fn begun(service: &Process) -> TcpStream {
    let mut stream = connect(service);
    let head = format!(
        "PUT {GENERATE} HTTP/1.1\r\nHost: a\r\nAuthorization: {ALICE}\r\nExpect: 100-continue\r\n\
         Content-Type: application/json\r\nContent-Length: 2\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut told = [0; 25];
    stream.read_exact(&mut told).unwrap();
    assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

#[test]
fn either_signal_lets_what_was_accepted_be_finished() {
    for signal in ["TERM", "INT"] {
        let mut service = Process::start(&[]);
        // Accepted, but it says nothing.
        let mut quiet = connect(&service);
        let mut asking = begun(&service);
        service.signal(signal);
        assert_eq!(quiet.read(&mut [0]).unwrap(), 0, "{signal}");
        asking.write_all(b"{}").unwrap();
        let mut reply = String::new();
        asking.read_to_string(&mut reply).unwrap();
        assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{signal}: {reply}");
        assert!(reply.contains("otpauth://totp/"), "{signal}: {reply}");
        assert!(service.ended(), "{signal}");
        assert!(service.log().contains("stopped"), "{signal}");
    }
}

#[test]
fn whoever_tells_it_twice_does_not_want_to_wait() {
    let mut service = Process::start(&[]);
    let mut asking = begun(&service);
    for signal in ["INT", "TERM"] {
        service.signal(signal);
        // The same one twice at once would be one.
        std::thread::sleep(Duration::from_millis(300));
    }
    let mut rest = Vec::new();
    let _reset = asking.read_to_end(&mut rest).unwrap_or_else(|error| {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        0
    });
    assert_eq!(rest, b"");
    assert!(service.ended());
}
