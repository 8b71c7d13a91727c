//! What the embedded store begins with, whoever starts it, however often, and whatever is in the way.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The program on that folder, at a free port.
fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_foundry-api"));
    command
        .args(arguments)
        .env("FOUNDRY_DATA", folder)
        .env("FOUNDRY_LISTEN", "127.0.0.1:0")
        .env_remove("DATABASE_URL")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A service that runs until this is dropped.
struct Service {
    child: Child,
    address: String,
    said: BufReader<std::process::ChildStdout>,
}

impl Service {
    /// Goes on once the service listens.
    fn of(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("Listening on http://").map(str::to_owned);
        Self { child, said, address: address.unwrap_or_else(|| panic!("it said {line:?}")) }
    }

    /// What was said before it was stopped.
    fn stop(mut self) -> String {
        self.child.kill().unwrap();
        let mut rest = String::new();
        self.said.read_to_string(&mut rest).unwrap();
        rest
    }

    fn reply(&self, head: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "{head}\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        reply
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        self.child.wait().unwrap();
    }
}

/// How the demonstration user signs in, from the line that curl understands.
fn credentials(said: &str) -> Option<String> {
    let (_, rest) = said.split_once("curl -X PUT -u '")?;
    let (pair, _) = rest.split_once('\'')?;
    Some(format!("Authorization: Basic {}", data_encoding::BASE64.encode(pair.as_bytes())))
}

#[test]
fn those_who_start_at_once_share_what_the_first_one_made() {
    for _ in 0..3 {
        let folder = tempfile::tempdir().unwrap();
        let commands = (0..4).map(|_| program(folder.path(), &["serve"]));
        let starting: Vec<_> =
            commands.map(|command| std::thread::spawn(|| Service::of(command))).collect();
        let services: Vec<_> = starting.into_iter().map(|thread| thread.join().unwrap()).collect();
        // One of them made the user, and said so before anybody could ask.
        let ready = services.iter().map(|service| service.reply("GET /health/ready HTTP/1.1"));
        for reply in ready {
            assert!(reply.starts_with("HTTP/1.1 200 "), "{reply}");
        }
        let said: Vec<_> = services.into_iter().map(Service::stop).collect();
        let users: Vec<_> = said.iter().filter_map(|said| credentials(said)).collect();
        let [user] = users.as_slice() else { panic!("{} of them made a user", users.len()) };
        // Their keys open afterwards, too.
        for _ in 0..2 {
            let again = Service::of(program(folder.path(), &["serve"]));
            let reply = again.reply(&format!("PUT /users/2fa/generate-key HTTP/1.1\r\n{user}"));
            assert!(reply.starts_with("HTTP/1.1 200 "), "{reply}");
        }
        let status = program(folder.path(), &["keys", "status"]).output().unwrap();
        let status = String::from_utf8(status.stdout).unwrap();
        assert!(status.ends_with("\t2\tseals and opens\n"), "{status}");
        assert_eq!(status.lines().count(), 1, "{status}");
    }
}

#[test]
fn a_start_that_fails_makes_no_user() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for variable in ["FOUNDRY_LISTEN", "FOUNDRY_ADMIN_LISTEN"] {
        let folder = tempfile::tempdir().unwrap();
        let failed = program(folder.path(), &["serve"]).env(variable, &address).output().unwrap();
        assert_eq!(failed.status.code(), Some(1), "{variable}");
        assert_eq!(String::from_utf8_lossy(&failed.stdout), "", "{variable}");
        let why = String::from_utf8_lossy(&failed.stderr);
        assert!(why.contains(&format!("{address} cannot be bound: ")), "{variable}: {why}");
        let service = Service::of(program(folder.path(), &["serve"]));
        assert!(credentials(&service.stop()).is_some(), "{variable}");
    }
}

#[test]
fn the_first_line_of_the_log_names_the_address_whatever_else_is_to_be_said() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program(folder.path(), &["serve"]);
    // There is nothing at this address, which the log will say as well.
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9");
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(line.contains("listening on http://127.0.0.1:"), "{line}");
}

#[test]
fn nobody_else_may_look_into_what_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let service = Service::of(program(folder.path(), &["serve"]));
    let mut seen = Vec::new();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?} {mode:o}", entry.file_name());
        seen.push(entry.file_name().into_string().unwrap());
    }
    for name in ["foundry.db", "foundry.db-wal", "sealing.keys", "signing.key"] {
        assert!(seen.iter().any(|seen| seen == name), "{name}: {seen:?}");
    }
    drop(service);
}

#[test]
fn a_service_that_nobody_listens_to_serves() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let mut command = program(folder.path(), &["serve"]);
    let full = File::options().write(true).open("/dev/full").unwrap();
    command.stdout(full).stderr(File::create(&log).unwrap());
    let mut child = command.spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(30);
    let address = loop {
        let log = fs::read_to_string(&log).unwrap();
        // It says how to get at the user whose password went nowhere.
        if let Some((first, _)) = log.split_once("users passwd demo") {
            let (_, rest) = first.split_once("listening on http://").unwrap();
            break rest.split_whitespace().next().unwrap().to_owned();
        }
        assert!(Instant::now() < until && child.try_wait().unwrap().is_none(), "{log}");
        std::thread::sleep(Duration::from_millis(20));
    };
    let mut stream = TcpStream::connect(address).unwrap();
    let request = "GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(reply.starts_with("HTTP/1.1 200 "), "{reply}");
}
