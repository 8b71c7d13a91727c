//! The command `jsv`, run as people run it: a document goes in, another one or a report comes out.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::Write as _;
use std::process::{Command, Stdio};

/// What a run printed, what it reported, and its exit code.
#[track_caller]
fn run(arguments: &[&str], input: &[u8]) -> (String, String, i32) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_jsv"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that refuses its arguments does not wait for the document.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code().unwrap())
}

#[track_caller]
fn prints(arguments: &[&str], input: &str, expected: &str) {
    let (printed, report, code) = run(arguments, input.as_bytes());
    assert_eq!((printed.as_str(), report.as_str(), code), (expected, "", 0));
}

#[track_caller]
fn reports(arguments: &[&str], input: impl AsRef<[u8]>, expected: &str) {
    let (printed, report, code) = run(arguments, input.as_ref());
    assert_eq!((printed.as_str(), report.as_str(), code), ("", expected, 1));
}

#[test]
fn a_document_becomes_json() {
    let document = "{id:7,ok:True,tags:[a,,\"b,c\"],none:,at:2012-01-02T03:04:05Z,price:1.50}\n";
    prints(
        &["to-json"],
        document,
        "{\"id\":\"7\",\"ok\":\"True\",\"tags\":[\"a\",null,\"b,c\"],\"none\":null,\"at\":\"2012-01-02T03:04:05Z\",\"price\":\"1.50\"}\n",
    );
    prints(
        &["to-json", "--types"],
        document,
        "{\"id\":7,\"ok\":true,\"tags\":[\"a\",null,\"b,c\"],\"none\":null,\"at\":\"2012-01-02T03:04:05Z\",\"price\":1.50}\n",
    );
    prints(
        &["to-json", "--types"],
        "[007,-0,1E+17,NaN,1.,- 1,12345678901234567890123]",
        "[\"007\",-0,1E+17,\"NaN\",\"1.\",\"- 1\",12345678901234567890123]\n",
    );
    prints(&["to-json", "--pretty", "-"], "{a:[b]}", "{\n  \"a\": [\n    \"b\"\n  ]\n}\n");
    prints(&["to-json"], "just text\r\n", "\"just text\"\n");
    prints(&["to-json"], "", "null\n");
}

#[test]
fn json_becomes_a_document() {
    let json = "\u{feff} {\"b\": [1, 2.50, null, true, \"x,y\", \"\"], \"a\": {\"é\\n\": 1e400}, \"none\": null}\n";
    prints(&["from-json"], json, "{b:[1,2.50,,True,\"x,y\",\"\"],a:{\"é\n\":1e400}}");
    prints(&["from-json"], "null", "");
}

#[test]
fn a_document_goes_to_json_and_back() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/northwind/Customers.jsv");
    let document = std::fs::read_to_string(path).unwrap();
    let (json, _, code) = run(&["to-json", path], b"");
    assert_eq!(code, 0);
    prints(&["from-json"], &json, &document);
    let (pretty, _, _) = run(&["pretty", path], b"");
    assert!(pretty.lines().count() > 900);
    prints(&["compact"], &pretty, &document);
    prints(&["check", path, path], "", "");
}

#[test]
fn a_document_is_laid_out_in_lines() {
    prints(
        &["pretty"],
        "{a:[b,\" c\"],d:{}}",
        "{\n\ta: \n\t[\n\t\tb,\n\t\t\" c\"\n\t],\n\td: {}\n}\n",
    );
    prints(&["compact"], "\n{\n\ta: b ,\n\tc: [\n\td\n\t]\n}\n", "{a:b,c:[d]}");
}

#[test]
fn the_caret_stands_under_the_place() {
    reports(
        &["check"],
        "{a:b,\n\tc:\"é\",d:\"x}\n",
        "<stdin>:2:10: `\"` is not closed\n 2 |  c:\"é\",d:\"x}\n   |          ^\n",
    );
    reports(
        &["check"],
        "\u{feff}[\"a\"b\u{1b}[0m]",
        "<stdin>:1:5: text after a quoted or bracketed value\n 1 | [\"a\"b␛[0m]\n   |     ^\n",
    );
    // Two columns each, and none.
    reports(
        &["check"],
        "[日本,e\u{301}\"x\"y,\"a\"b]",
        "<stdin>:1:15: text after a quoted or bracketed value\n 1 | [日本,e\u{301}\"x\"y,\"a\"b]\n   |                ^\n",
    );
    reports(&["to-json"], "[[", "<stdin>:1:2: `[` is not closed\n 1 | [[\n   |  ^\n");
    reports(
        &["pretty"],
        b"[a,\xff]",
        "<stdin>:1:4: text is not UTF-8\n 1 | [a,\u{fffd}]\n   |    ^\n",
    );
    reports(
        &["from-json"],
        "[1,\r\n \"é\" 2]",
        "<stdin>:2:6: expected `,` or `]`\n 2 |  \"é\" 2]\n   |      ^\n",
    );
    reports(
        &["from-json"],
        "[\"a\", \"\\ud800\"]",
        "<stdin>:1:7: unexpected end of hex escape\n 1 | [\"a\", \"\\ud800\"]\n   |       ^\n",
    );
}

#[test]
fn json_is_as_deep_as_a_document() {
    let lists = |levels: usize| "[".repeat(levels) + "1" + &"]".repeat(levels);
    prints(&["from-json"], &lists(128), &lists(128));
    let (_, report, code) = run(&["from-json"], lists(129).as_bytes());
    assert_eq!(code, 1);
    assert!(report.starts_with("<stdin>:1:129: nested deeper than 128 levels\n"), "{report}");
}

/// As behind `2>&1 | head -1`.
#[test]
fn a_report_that_nobody_reads_is_no_trouble() {
    for (arguments, expected) in [(&["check"][..], 1), (&["convert"], 2), (&["check", "/none"], 3)]
    {
        let mut child = Command::new(env!("CARGO_BIN_EXE_jsv"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stderr.take());
        let _ = child.stdin.take().unwrap().write_all(b"[");
        assert_eq!(child.wait().unwrap().code(), Some(expected), "{arguments:?}");
    }
}

/// Only what is around the place is shown of a long line.
#[test]
fn a_long_line_is_cut_around_the_place() {
    let document = format!("[{}\"x\"y,{}]", "a,".repeat(40_000), "b,".repeat(40_000));
    let before = "a,".repeat(25);
    let (_, report, code) = run(&["check"], document.as_bytes());
    let lines: Vec<&str> = report.lines().collect();
    assert_eq!(code, 1);
    assert_eq!(lines[0], "<stdin>:1:80005: text after a quoted or bracketed value");
    assert_eq!(lines[1], format!(" 1 | …{}\"x\"y,{}…", &before[3..], "b,".repeat(12)));
    assert_eq!(lines[2].find('^'), Some(lines[1].chars().position(|c| c == 'y').unwrap()));
}

#[test]
fn many_files_are_checked_and_each_is_reported() {
    let folder = std::env::temp_dir().join(format!("jsv-command-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (good, one, two) = (file("good", "[a]"), file("one", "{a"), file("two", "[\"]"));
    let (_, report, code) = run(&["check", &one, &good, &two], b"");
    assert_eq!(code, 1);
    assert_eq!(report.lines().filter(|line| line.starts_with(folder.to_str().unwrap())).count(), 2);
    let (_, report, code) = run(&["check", &one, &folder.join("none").to_string_lossy()], b"");
    assert_eq!(code, 3);
    assert!(report.contains("/none: "), "{report}");
    // A name like an option's.
    file("--types", "[a]");
    let mut command = Command::new(env!("CARGO_BIN_EXE_jsv"));
    let output = command.current_dir(&folder).args(["compact", "--", "--types"]).output().unwrap();
    assert_eq!((output.stdout.as_slice(), output.status.code()), (&b"[a]"[..], Some(0)));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn what_is_asked_for_must_be_clear() {
    for (arguments, message) in [
        (&[][..], "what to do is missing"),
        (&["convert"], "there is no command `convert`"),
        (&["check", "--types"], "`check` has no option `--types`"),
        (&["pretty", "a", "b"], "`pretty` takes one file"),
        (&["pretty", "--max-bytes", "many"], "`many` is no number"),
        (&["pretty", "--max-bytes"], "--max-bytes needs a number"),
    ] {
        let (printed, report, code) = run(arguments, b"");
        assert_eq!((printed.as_str(), code), ("", 2), "{arguments:?}");
        assert_eq!(report, format!("jsv: {message}; `jsv --help` shows how it is used\n"));
    }
    let (help, report, code) = run(&["to-json", "--help"], b"");
    assert_eq!((report.as_str(), code), ("", 0));
    assert!(help.contains("--max-bytes") && help.lines().all(|line| line.chars().count() <= 100));
    prints(&["--version"], "", concat!("jsv ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn a_document_that_is_too_long_is_refused() {
    prints(&["compact", "--max-bytes", "5"], "[a,b]", "[a,b]");
    let (printed, report, code) = run(&["compact", "--max-bytes", "4"], b"[a,b]");
    assert_eq!((printed.as_str(), code), ("", 3));
    assert_eq!(report, "jsv: -: longer than 4 bytes; --max-bytes allows more\n");
}
