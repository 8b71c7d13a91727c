//! The command, where it cannot do what it is told.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The command on an embedded store in that folder.
fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_foundry-api"));
    command.args(arguments).env_clear().env("FOUNDRY_DATA", folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn output(mut command: Command) -> Output {
    let mut child = command.spawn().unwrap();
    // It need not want it.
    let _unread = child.stdin.take().unwrap().write_all(b"secret");
    child.wait_with_output().unwrap()
}

#[track_caller]
fn said(folder: &Path, arguments: &[&str]) -> String {
    let output = output(command(folder, arguments));
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// With standard output on a disk that is full.
fn on_a_full_disk(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = command(folder, arguments);
    command.stdout(File::options().write(true).open("/dev/full").unwrap());
    output(command)
}

/// With standard output in a pipe that nobody reads any more.
fn unread(folder: &Path, arguments: &[&str]) -> Output {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = command(folder, arguments);
    command.stdout(writer);
    output(command)
}

const ADD_USER: &[&str] =
    &["users", "add", "alice", "--email", "alice@example.com", "--password-stdin"];

#[test]
fn what_cannot_be_printed_is_a_failure_and_what_nobody_reads_is_none() {
    type Run = fn(&Path, &[&str]) -> Output;
    for (run, code, told) in
        [(on_a_full_disk as Run, 1, "foundry-api: standard output: "), (unread as Run, 0, "")]
    {
        let folder = tempfile::tempdir().unwrap();
        for arguments in [
            &["migrate"] as &[&str],
            &["organisations", "add", "org1", "--name", "First"],
            ADD_USER,
            &["users", "list"],
            &["users", "passwd", "alice", "--password-stdin"],
            &["users", "join", "alice", "org1", "--default"],
            &["users", "disable", "alice"],
            &["audit"],
            &["keys", "generate"],
            &["keys", "status"],
            &["keys", "rewrap", "--dry-run"],
            &["keys", "rewrap"],
        ] {
            let output = run(folder.path(), arguments);
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
            assert!(stderr.starts_with(told) && !stderr.contains("panicked"), "{stderr}");
        }
        // It was done all the same.
        assert!(said(folder.path(), &["users", "list"]).contains("\torg1\tdisabled\t"));
    }
}

#[test]
fn an_api_key_that_nobody_saw_is_revoked() {
    for run in [on_a_full_disk, unread] {
        let folder = tempfile::tempdir().unwrap();
        said(folder.path(), ADD_USER);
        let output = run(folder.path(), &["api-keys", "add", "alice"]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains("could not be shown, so it was revoked"), "{stderr}");
        let list = said(folder.path(), &["api-keys", "list"]);
        assert_eq!(list.matches("\trevoked\t").count(), 1, "{list}");
        assert!(!list.contains("\tvalid\t"), "{list}");
        let output = on_a_full_disk(folder.path(), &["api-keys", "list"]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
    }
}
