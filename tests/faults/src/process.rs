//! Processes of others, as far as `/proc` and `kill` reach: Linux only.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::Failure;

/// Sends a signal. Processes may have ended by themselves.
pub(crate) fn signal(pids: &[u32], signal: &str) -> Result<(), Failure> {
    if !pids.is_empty() {
        let mut kill = Command::new("kill");
        kill.arg(format!("-{signal}")).args(pids.iter().map(u32::to_string));
        kill.stderr(Stdio::null()).status()?;
    }
    Ok(())
}

/// The parent of a process, if there is such a process.
fn parent(pid: u32) -> Option<u32> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program, in parentheses, may hold blanks.
    text.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

/// Whether any of them is still there, if only for somebody to learn how it ended: Postgres does not
/// start beside what is left of the server before it.
pub(crate) fn exist(pids: &[u32]) -> bool {
    let exists = |pid: &u32| {
        let mut kill = Command::new("kill");
        kill.args(["-0", &pid.to_string()]).stderr(Stdio::null());
        kill.status().is_ok_and(|status| status.success())
    };
    pids.iter().any(exists)
}

/// The processes that a process has started.
pub(crate) fn children(of: u32) -> Result<Vec<u32>, Failure> {
    let mut children = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        if parent(pid) == Some(of) {
            children.push(pid);
        }
    }
    Ok(children)
}

/// Waits until something is so.
pub(crate) fn until(
    within: Duration,
    what: &str,
    mut so: impl FnMut() -> bool,
) -> Result<(), Failure> {
    let deadline = Instant::now() + within;
    while !so() {
        if Instant::now() >= deadline {
            return Err(format!("{what}: not within {} seconds", within.as_secs()).into());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

pub(crate) fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// Fails with what a program said on standard error, if it failed.
pub(crate) fn run(command: &mut Command) -> Result<String, Failure> {
    let output = command.stdin(Stdio::null()).output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(
            format!("{}: {}: {said}", command.get_program().display(), output.status).into()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Waits for a process to end, and kills it when it does not.
pub(crate) fn ended(
    child: &mut std::process::Child,
    within: Duration,
) -> Result<ExitStatus, Failure> {
    let deadline = Instant::now() + within;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Err(format!("it did not end within {} seconds", within.as_secs()).into());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A folder that vanishes with this value.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn make() -> Result<Self, Failure> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::SeqCst);
        // Not under a TMPDIR of root's own, which the owner of a Postgres server could not enter.
        let parent = if is_root() { PathBuf::from("/tmp") } else { std::env::temp_dir() };
        let folder = parent.join(format!("foundry-faults.{}.{count}", std::process::id()));
        fs::create_dir(&folder)?;
        Ok(Self(folder))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}
