//! The command, where it cannot do what it is told.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Output};

use crate::process::{self, command};

fn output(mut command: Command) -> Output {
    process::output(&mut command, "secret")
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
            &["organisations", "list"],
            ADD_USER,
            &["users", "list"],
            &["users", "passwd", "alice", "--password-stdin"],
            &["users", "join", "alice", "org1", "--default"],
            &["users", "leave", "alice", "org1"],
            &["users", "join", "alice", "org1", "--default"],
            &["users", "disable", "alice"],
            &["users", "enable", "alice"],
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
fn organisations_are_listed_by_their_ids() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(said(folder.path(), &["organisations", "list"]), "");
    said(folder.path(), &["organisations", "add", "b", "--name", "Second", "--issuer", "Ours"]);
    said(folder.path(), &["organisations", "add", "a", "--name", "First"]);
    let list = said(folder.path(), &["organisations", "list"]);
    assert_eq!(list, "a\tFirst\t-\nb\tSecond\tOurs\n");
}

#[test]
fn a_name_that_is_taken_is_told_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let add = ["organisations", "add", "org1", "--name", "First"];
    said(folder.path(), &add);
    said(folder.path(), ADD_USER);
    for (arguments, told) in [
        (&add as &[&str], "foundry-api: there is an organisation 'org1' already\n"),
        (ADD_USER, "foundry-api: there is a user or e-mail address 'alice' already\n"),
    ] {
        let output = output(command(folder.path(), arguments));
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(String::from_utf8_lossy(&output.stderr), told);
    }
}

#[test]
fn a_database_that_cannot_be_meant_is_told_by_the_variable_and_not_by_its_value() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.db");
    for url in [
        "mysql://name:hidden-word@host/foundry".to_owned(),
        "hidden-word".to_owned(),
        "SQLITE:hidden-word".to_owned(),
        "sqlite:".to_owned(),
        format!("sqlite://{}?mode=hidden-word", file.display()),
    ] {
        for arguments in [&["serve"] as &[&str], &["migrate"], &["users", "list"]] {
            let mut command = command(folder.path(), arguments);
            command.env("DATABASE_URL", &url);
            let output = output(command);
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{url}: {stderr}");
            assert!(stderr.starts_with("foundry-api: DATABASE_URL: expected "), "{url}: {stderr}");
            assert!(!stderr.contains("hidden-word"), "{stderr}");
        }
    }
    assert_eq!(folder.path().read_dir().unwrap().count(), 0, "a file was made");
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
