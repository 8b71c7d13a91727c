//! Processes, and what they use: read from `/proc`, so Linux only.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::Failure;

/// A clock tick of `/proc`, which is a hundredth of a second on every Linux of today.
const TICK: Duration = Duration::from_millis(10);

/// Starts this program again, with a Postgres.
pub(crate) fn under_postgres() -> Result<(), Failure> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/postgres");
    let status = Command::new(script)
        .arg("run")
        .arg(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .status()?;
    if status.success() { Ok(()) } else { Err(status.to_string().into()) }
}

/// The processor time that a process has used, and with `family` also its children.
pub(crate) fn cpu(pid: u32, family: bool) -> Result<Duration, Failure> {
    let (_, own, waited_for) = stat(pid)?;
    if !family {
        return Ok(own);
    }
    let mut all = own + waited_for;
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(child) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        // A process may end between the listing and the reading.
        if let Ok((parent, own, _)) = stat(child)
            && parent == pid
        {
            all += own;
        }
    }
    Ok(all)
}

/// Parent, own processor time, that of children which have ended.
fn stat(pid: u32) -> Result<(u32, Duration, Duration), Failure> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name of the program, in parentheses, may hold blanks.
    let (_, rest) = text.rsplit_once(") ").ok_or("odd /proc/PID/stat")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let ticks = |at: usize| fields[at].parse::<u32>();
    Ok((ticks(1)?, TICK * (ticks(11)? + ticks(12)?), TICK * (ticks(13)? + ticks(14)?)))
}

/// Resident memory in KiB.
pub(crate) fn memory(pid: u32) -> Result<u64, Failure> {
    let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text.lines().find(|line| line.starts_with("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.split_whitespace().nth(1).ok_or("odd VmRSS")?.parse()?)
}

/// The process that started another.
pub(crate) fn parent(pid: u32) -> Result<u32, Failure> {
    Ok(stat(pid)?.0)
}
