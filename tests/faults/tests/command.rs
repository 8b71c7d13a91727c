//! The program itself, as whoever types it meets it. That there is a test here also has cargo build
//! the program together with everything else, for `tests/run` to use.

use std::process::Command;

fn faults(arguments: &[&str]) -> (Option<i32>, String) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_faults")).args(arguments).output().expect("it starts");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).expect("text"))
}

#[test]
fn help_names_every_run() {
    let (status, text) = faults(&["--help"]);
    assert_eq!(status, Some(0));
    for run in ["postgres", "embedded", "stopping", "instances", "restore"] {
        assert!(text.contains(run), "{run}: {text}");
    }
}

#[test]
fn a_run_that_does_not_exist_is_no_success() {
    assert_eq!(faults(&["earthquake"]).0, Some(2));
}

#[test]
fn without_the_service_it_fails_and_says_so() {
    let (status, text) = faults(&["stopping", "--binary", "/nowhere/foundry-api"]);
    assert_eq!(status, Some(1));
    assert!(text.contains("foundry-api"), "{text}");
}
