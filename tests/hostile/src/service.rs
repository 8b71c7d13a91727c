//! The service as a process, with a user, and what is seen of it from outside. Memory is read from
//! `/proc`, so Linux only.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Failure;
use crate::client::{self, Outcome};
use crate::request::{Credentials, Request};

/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// How long the service may take to stop.
const STOP: Duration = Duration::from_secs(40);
/// How long a run may take, per request; far more than it does.
const PATIENCE: Duration = Duration::from_millis(100);

const PASSWORD: &str = "p@ss:w0rd";

pub(crate) struct Service {
    child: Child,
    folder: tempfile::TempDir,
    pub(crate) address: SocketAddr,
    api_key: String,
}

/// Resident memory in KiB.
pub(crate) struct Memory {
    pub(crate) start: u64,
    pub(crate) third: u64,
    pub(crate) end: u64,
    pub(crate) peak: u64,
}

impl Memory {
    pub(crate) fn growth(&self) -> u64 {
        self.end.saturating_sub(self.third)
    }
}

impl Service {
    pub(crate) fn start(binary: &Path) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let command = |arguments: &[&str]| {
            let mut command = Command::new(binary);
            command
                .args(arguments)
                .env("FOUNDRY_DATA", folder.path())
                .env("FOUNDRY_LISTEN", "127.0.0.1:0")
                .env("FOUNDRY_KEY_RATE", "0")
                .env("RUST_LOG", "debug")
                .env_remove("DATABASE_URL");
            command
        };
        let told = |arguments: &[&str], input: &str| -> Result<String, Failure> {
            let mut child = command(arguments)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .map_err(|error| format!("{}: {error}; run cargo build", binary.display()))?;
            child.stdin.take().ok_or("no input")?.write_all(input.as_bytes())?;
            let output = child.wait_with_output()?;
            if !output.status.success() {
                return Err(
                    format!("foundry-api {}: {}", arguments.join(" "), output.status).into()
                );
            }
            Ok(String::from_utf8(output.stdout)?)
        };
        told(&["migrate"], "")?;
        told(&["organisations", "add", "org1", "--name", "First & Co"], "")?;
        let alice = ["users", "add", "alice", "--email", "alice@example.com", "--password-stdin"];
        told(&[alice.as_slice(), &["--organisation", "org1"]].concat(), PASSWORD)?;
        let printed = told(&["api-keys", "add", "alice"], "")?;
        let longest = printed.split_whitespace().max_by_key(|word| word.len());
        let api_key = longest.ok_or("no API key")?.to_owned();

        let log = fs::File::create(folder.path().join("log"))?;
        let mut child =
            command(&["serve"]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn()?;
        let output = child.stdout.take().ok_or("no output")?;
        let first = BufReader::new(output).lines().next().ok_or("the service said nothing")??;
        let address = first.rsplit_once('/').ok_or("no address")?.1.parse()?;
        Ok(Self { child, folder, address, api_key })
    }

    /// What alice can show, having signed in once.
    pub(crate) fn credentials(&self) -> Result<Credentials, Failure> {
        let body = format!("{{\"userName\":\"alice\",\"password\":\"{PASSWORD}\"}}");
        let head = "POST /auth/credentials HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
                    Content-Type: application/json\r\nContent-Length: ";
        let request = Request::whole("sign in", format!("{head}{}\r\n\r\n{body}", body.len()));
        let Outcome::Replies(replies) = client::exchange(self.address, &request) else {
            return Err("the sign-in has no reply".into());
        };
        let reply = replies.first().ok_or("the sign-in has no reply")?;
        let signed_in: serde_json::Value = serde_json::from_slice(&reply.body)?;
        let text = |name: &str| signed_in[name].as_str().unwrap_or_default().to_owned();
        let (session, token) = (text("sessionId"), text("bearerToken"));
        if session.is_empty() || token.is_empty() {
            return Err(format!("nobody was signed in: {reply:?}").into());
        }
        let basic = data_encoding::BASE64.encode(format!("alice:{PASSWORD}").as_bytes());
        Ok(Credentials { session, token, basic, api_key: self.api_key.clone() })
    }

    /// Looks at memory until that many requests are done.
    pub(crate) fn watch(&self, done: impl Fn() -> u64, requests: u64) -> Result<Memory, Failure> {
        let start = self.memory()?;
        let mut memory = Memory { start, third: 0, end: start, peak: start };
        let patience = PATIENCE * u32::try_from(requests)? + STOP;
        let began = Instant::now();
        loop {
            let done = done();
            memory.end = self.memory()?;
            memory.peak = memory.peak.max(memory.end);
            if memory.third == 0 && done >= requests / 3 {
                memory.third = memory.end;
            }
            if done >= requests {
                return Ok(memory);
            }
            if began.elapsed() > patience {
                return Err("the run takes too long".into());
            }
            std::thread::sleep(LOOK);
        }
    }

    fn memory(&self) -> Result<u64, Failure> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = text.lines().find(|line| line.starts_with("VmRSS:"));
        let line = line.ok_or("the service has ended by itself")?;
        Ok(line.split_whitespace().nth(1).ok_or("odd VmRSS")?.parse()?)
    }

    /// Stops the service; what is wrong with it and with its log.
    pub(crate) fn finish(mut self) -> Result<Vec<String>, Failure> {
        let mut failures = Vec::new();
        let live = "GET /health/ready HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".to_owned();
        match client::exchange(self.address, &Request::whole("ready", live)) {
            Outcome::Replies(replies) if replies.first().is_some_and(|r| r.status == 200) => {}
            outcome => failures.push(format!("not ready afterwards: {outcome:?}")),
        }
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        let told = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break Some(status);
            }
            if told.elapsed() > STOP {
                break None;
            }
            std::thread::sleep(LOOK);
        };
        match status {
            Some(status) if status.success() => {}
            Some(status) => failures.push(format!("told to stop, it ended with {status}")),
            None => failures.push("told to stop, it went on".to_owned()),
        }
        let log = fs::read(self.folder.path().join("log"))?;
        let mut lines = 0_u64;
        for line in log.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            lines += 1;
            let line = String::from_utf8_lossy(line);
            if !is_entry(&line) {
                failures.push(format!("the log has the line {line:?}"));
            }
            if line.contains("panicked") {
                failures.push(format!("a panic: {line}"));
            }
        }
        println!("log: {lines} lines");
        Ok(failures)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Whatever went wrong, the process goes.
        let _gone = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// Whether a line of the log is one that the service wrote as a line: it begins with a time, and
/// nothing in it moves the cursor of whoever reads it.
fn is_entry(line: &str) -> bool {
    let mut start = line.bytes();
    let year = start.by_ref().take(4).all(|byte| byte.is_ascii_digit());
    year && start.next() == Some(b'-') && !line.chars().any(char::is_control)
}
