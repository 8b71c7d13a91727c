//! The service as a process: started, killed, told to stop.

use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use data_encoding::BASE64;

use crate::client::once;
use crate::people::{JWT_KEY, get};
use crate::{Failure, process};

/// How long a start may take, recovery of the embedded store included.
const START_WITHIN: Duration = Duration::from_mins(1);
/// How long a service that is told to stop may take: it gives what it has accepted 30 seconds.
pub(crate) const STOP_WITHIN: Duration = Duration::from_secs(40);

/// How a service is started.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) binary: PathBuf,
    pub(crate) url: String,
    pub(crate) data: PathBuf,
    /// `FOUNDRY_SEALING_KEYS`; empty for those of the data folder.
    pub(crate) sealing_keys: String,
    /// The largest file it may write, where its disk is to be full. Signals about that are ignored.
    pub(crate) largest_file: Option<u64>,
}

pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    child: Child,
    log: PathBuf,
    /// Kept: a process that cannot say what it wants to say ends.
    _stdout: BufReader<ChildStdout>,
}

impl Setup {
    fn command(&self) -> Command {
        let mut command = match self.largest_file {
            None => Command::new(&self.binary),
            Some(bytes) => {
                // A signal that is ignored stays so across exec; the service then sees EFBIG.
                let mut command = Command::new("prlimit");
                command.args([&format!("--fsize={bytes}:unlimited"), "sh", "-c"]);
                command.args(["trap '' XFSZ; exec \"$0\" \"$@\""]).arg(&self.binary);
                command
            }
        };
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("DATABASE_URL", &self.url)
            .env("FOUNDRY_DATA", &self.data)
            .env("FOUNDRY_LISTEN", "127.0.0.1:0")
            .env("FOUNDRY_SEALING_KEYS", &self.sealing_keys)
            .env("FOUNDRY_JWT_KEY", BASE64.encode(&JWT_KEY))
            .env("FOUNDRY_KEY_RATE", "0")
            .env("FOUNDRY_PENDING_TTL", "2h")
            .env("FOUNDRY_WORKERS", "2")
            .env("RUST_LOG", "warn")
            .stdin(Stdio::null());
        command
    }

    /// Runs one of the program's own commands; gives whether it succeeded, and all it said.
    pub(crate) fn tell(&self, arguments: &[&str]) -> Result<(bool, String), Failure> {
        let output = self.command().args(arguments).output()?;
        let said = [output.stdout, output.stderr].concat();
        Ok((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
    }

    /// The same where it must succeed.
    pub(crate) fn done(&self, arguments: &[&str]) -> Result<String, Failure> {
        match self.tell(arguments)? {
            (true, said) => Ok(said),
            (false, said) => Err(format!("foundry-api {}: {said}", arguments.join(" ")).into()),
        }
    }

    /// A command that waits for something on its standard input.
    pub(crate) fn fed(&self, arguments: &[&str], input: &[u8]) -> Result<(), Failure> {
        use std::io::Write as _;
        let mut child = self.command().args(arguments).stdin(Stdio::piped()).spawn()?;
        child.stdin.take().ok_or("no standard input")?.write_all(input)?;
        let status = process::ended(&mut child, START_WITHIN)?;
        if status.success() { Ok(()) } else { Err(arguments.join(" ").into()) }
    }

    /// A command that is left to itself.
    pub(crate) fn begin(&self, arguments: &[&str]) -> Result<Child, Failure> {
        Ok(self.command().args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?)
    }

    /// Starts the service and waits until it listens. Its log goes to a file.
    pub(crate) fn start(&self, log: &Path) -> Result<Service, Failure> {
        let file = OpenOptions::new().create(true).append(true).open(log)?;
        let mut child = self.command().stdout(Stdio::piped()).stderr(file).spawn()?;
        let stdout = child.stdout.take().ok_or("no standard output")?;
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            let (mut line, mut stdout) = (String::new(), BufReader::new(stdout));
            let _ended = stdout.read_line(&mut line);
            let _nobody_waits = tell.send((line, stdout));
        });
        let heard = told.recv_timeout(START_WITHIN);
        let address = heard.as_ref().ok().and_then(|(line, _)| {
            line.trim().strip_prefix("Listening on http://")?.parse::<SocketAddr>().ok()
        });
        if let (Ok((_, stdout)), Some(address)) = (heard, address) {
            return Ok(Service { address, child, log: log.to_owned(), _stdout: stdout });
        }
        let _ended = child.kill();
        child.wait()?;
        let log = fs::read_to_string(log)?;
        Err(format!("the service did not start; its log ends with {}", end(&log)).into())
    }
}

/// The last lines of a log.
fn end(log: &str) -> &str {
    let from = log.len().saturating_sub(2000);
    log.get(from..).unwrap_or(log)
}

impl Service {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged, and those before it with the same log.
    pub(crate) fn log(&self) -> Result<String, Failure> {
        Ok(fs::read_to_string(&self.log)?)
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) -> Result<(), Failure> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// SIGTERM. Must end in time, and say that all is well.
    pub(crate) fn stop(mut self) -> Result<Duration, Failure> {
        let told = Instant::now();
        process::signal(&[self.child.id()], "TERM")?;
        let status = process::ended(&mut self.child, STOP_WITHIN)
            .map_err(|error| format!("told to stop: {error}"))?;
        if !status.success() {
            return Err(format!("told to stop, it ended with {status}").into());
        }
        Ok(told.elapsed())
    }

    /// Whether it is alive and says so, whatever is the matter with its store.
    pub(crate) fn is_live(&self) -> Result<(), Failure> {
        match once(self.address, &get("/health/live")) {
            Ok(reply) if reply.status == 200 => Ok(()),
            other => Err(format!("/health/live: {other:?}").into()),
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It has ended already where it was told to.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}
