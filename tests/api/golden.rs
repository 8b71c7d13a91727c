//! Whole exchanges as text: `fixtures/http/<operation>/<case>.http` holds a request, a line `---`
//! and the reply. The request is written by hand; `BLESS=1 tests/run` rewrites the replies.
//!
//! What has to happen before, such as that a key was made, is in `<case>.before`.
//!
//! Each exchange meets a fresh service with a pinned clock and seeded randomness, so that keys, ids
//! and dates are always the same and nothing has to be masked. Header fields are sorted, because
//! their order is not a promise; `Date` is the machine's and left out. A body that is no text stands
//! there in base64.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Reply, TestApp};

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_recorded_exchange_is_answered_as_it_was() {
    let bless = std::env::var_os("BLESS").is_some();
    if bless {
        crate::coverage::complete(&root());
    }
    let mut wrong = Vec::new();
    let files = files(&root());
    assert!(!files.is_empty(), "no fixtures in {}", root().display());
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let (request, recorded) = text.split_once("\n---\n").unwrap_or((text.trim_end(), ""));
        let app = TestApp::start().await;
        for request in before(&file) {
            app.raw(&on_the_wire(&request));
        }
        let reply = printed(&app.raw(&on_the_wire(request)));
        if bless {
            fs::write(&file, format!("{request}\n---\n{reply}")).unwrap();
        } else if reply != recorded {
            wrong.push(format!("{}\n{reply}\n--- recorded:\n{recorded}", file.display()));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} exchanges differ; if they should, BLESS=1 tests/run records them anew\n{}",
        wrong.len(),
        wrong.join("\n\n")
    );
}

/// Where the exchanges are.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/http")
}

#[test]
fn the_readme_shows_what_was_recorded() {
    let readme = include_str!("../../README.md");
    for format in ["json", "jsv", "xml"] {
        let file = root().join(format!("generate_two_factor_key/ok.{format}.http"));
        let text = fs::read_to_string(file).unwrap();
        let (request, reply) = text.split_once("\n---\n").unwrap();
        for shown in [request, reply].map(|part| part.split_once("\n\n").unwrap().1.trim()) {
            assert!(readme.contains(shown), "README does not show {shown}");
        }
    }
}

/// The exchanges in a folder and those below it.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.append(&mut files(&path));
        } else if path.extension().is_some_and(|extension| extension == "http") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The requests that the service has met when an exchange begins: those of `<case>.before`, with
/// lines `---` between them, where there is such a file.
fn before(file: &Path) -> Vec<String> {
    let name = file.file_name().unwrap().to_str().unwrap();
    let case = name.split('.').next().unwrap();
    let Ok(text) = fs::read_to_string(file.with_file_name(format!("{case}.before"))) else {
        return Vec::new();
    };
    text.trim_end().split("\n---\n").map(str::to_owned).collect()
}

/// A written request as bytes: line ends, `Content-Length` and `Connection: close` are filled in.
fn on_the_wire(request: &str) -> Vec<u8> {
    let (head, body) = request.split_once("\n\n").unwrap_or((request, ""));
    let head = head.replace('\n', "\r\n");
    format!(
        "{head}\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn printed(reply: &Reply) -> String {
    let mut headers: Vec<String> = reply
        .headers
        .iter()
        .filter(|(name, _)| name != "Date")
        .map(|(name, value)| format!("{name}: {value}\n"))
        .collect();
    headers.sort();
    let body = std::str::from_utf8(&reply.bytes).map_or_else(
        |_| format!("base64 {}", data_encoding::BASE64.encode(&reply.bytes)),
        str::to_owned,
    );
    format!("{} {}\n{}\n{body}\n", reply.status, reply.reason, headers.concat())
}
