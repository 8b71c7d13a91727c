//! The service as it is run: a process of its own on its embedded store, with alice in it.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use crate::support::PASSWORD;

/// The command on an embedded store in that folder.
pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_foundry-api"));
    command.args(arguments).env_clear().env("FOUNDRY_DATA", folder);
    command
}

/// What comes of a command that has `input` on its standard input. It need not read it, and may end at
/// once: the input, which must fit into a pipe, is there before.
pub fn output(command: &mut Command, input: &str) -> Output {
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(input.as_bytes()).unwrap();
    drop(writer);
    command.stdin(reader).output().unwrap()
}

/// Whether a command succeeded, and what it printed.
pub fn told(output: Output) -> (bool, String) {
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text)
}

pub struct Process {
    child: Child,
    folder: tempfile::TempDir,
    pub address: SocketAddr,
}

impl Process {
    /// With these variables in its environment.
    pub fn start(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let command = |arguments: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_foundry-api"));
            command
                .args(arguments)
                .env("FOUNDRY_DATA", folder.path())
                .env("FOUNDRY_LISTEN", "127.0.0.1:0")
                .env("FOUNDRY_KEY_RATE", "0")
                .env_remove("DATABASE_URL")
                .envs(settings.iter().copied());
            command
        };
        let set_up = |arguments: &[&str], input: &str| {
            let output = output(&mut command(arguments), input);
            assert!(output.status.success(), "foundry-api {arguments:?}: {output:?}");
        };
        set_up(&["migrate"], "");
        set_up(&["organisations", "add", "org1", "--name", "First & Co"], "");
        let alice = ["users", "add", "alice", "--email", "alice@example.com", "--password-stdin"];
        set_up(&[alice.as_slice(), &["--organisation", "org1"]].concat(), PASSWORD);
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let mut command = command(&["serve"]);
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().rsplit('/').next().unwrap().parse();
        Self { child, folder, address: address.unwrap_or_else(|_| panic!("it said {line:?}")) }
    }

    /// Sends bytes on a connection of its own and reads until the service closes it.
    pub fn raw(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all(request).unwrap();
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).unwrap();
        String::from_utf8_lossy(&reply).into_owned()
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        let log = fs::read(self.folder.path().join("log")).unwrap();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// Sends it a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// Waits until it ends. Whether it did what it had to.
    pub fn ended(&mut self) -> bool {
        self.child.wait().unwrap().success()
    }

    /// Its resident memory in KiB, from `/proc`.
    pub fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        self.child.wait().unwrap();
    }
}
