//! Every recorded exchange with the original, sent to the service.
//!
//! `fixtures/wire/*.jsonl` hold a running ServiceStack's answers, a file for each configuration of
//! the host (`WIRE_ROWS` names another folder). Each row is either answered as it was, or a rule of
//! [`rules`] says what differs and what we answer instead; a row that is neither fails the test.
//! Compared are status, reason phrase, content type, `WWW-Authenticate`, the headers that the row
//! lists, and the body; session ids and tokens are taken out of both.
//!
//! To add a row: add a line to a file. To differ: add a rule, with its reason.

mod expected;
mod host;
mod negotiation;
mod operation;
mod row;
mod rules;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use expected::Expected;
use host::Host;
use row::{Request, Row};
use rules::RULES;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_exchange_is_as_recorded_or_differs_by_a_rule() {
    let folder = std::env::var_os("WIRE_ROWS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/wire"), PathBuf::from);
    let mut tally = Tally::default();
    for file in files(&folder) {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let host = Host::named(&name).await;
        for line in std::fs::read_to_string(&file).unwrap().lines().filter(|l| !l.is_empty()) {
            let row: Row = serde_json::from_str(line).unwrap();
            tally.add(&row, verdict(&row, &host));
        }
    }
    println!("{}", tally.report());
    assert!(tally.equal > 0, "no rows in {}", folder.display());
    assert!(tally.unexplained.is_empty(), "{} rows are unexplained", tally.unexplained.len());
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    files.sort();
    files
}

/// What became of a row: the rules by which it differs, or how it differs from what they ask for.
type Verdict = Result<Vec<&'static str>, String>;

fn verdict(row: &Row, host: &Host) -> Verdict {
    let ours = || {
        if row.name.contains("http10") {
            host.send_as_http10(&row.request)
        } else {
            host.send(&row.request)
        }
    };
    before(row, host);
    let recorded = Expected::recorded(row);
    let mut expected = recorded.clone();
    let applied: Vec<&'static str> = RULES
        .iter()
        .filter(|rule| (rule.apply)(row, host, &mut expected))
        .map(|rule| rule.name)
        .collect();
    before(row, host);
    match expected.difference(row, host, &ours()) {
        None => Ok(applied),
        Some(difference) => Err(format!("{difference} (rules: {})", applied.join("; "))),
    }
}

/// Rows about what comes after something are put there, so that each can be run without the others.
fn before(row: &Row, host: &Host) {
    let mut request = row.request.clone();
    if row.name.contains("after-logout") {
        request.method = "POST".into();
        request.path = "/auth/logout".into();
        host.send(&request.with_body("application/json", "{}"));
    } else if row.name.contains("after-bad-basic") {
        let wrong = "Basic YWxpY2U6d3Jvbmc=";
        request.method = "PUT".into();
        request.path = "/users/2fa/generate-key".into();
        let request: Request = request.with_body("application/json", "{}");
        host.send(&request.with_header("Authorization", wrong));
    }
}

#[derive(Default)]
struct Tally {
    equal: usize,
    intended: usize,
    by_rule: BTreeMap<&'static str, usize>,
    unexplained: Vec<(String, String)>,
}

impl Tally {
    fn add(&mut self, row: &Row, verdict: Verdict) {
        match verdict {
            Ok(rules) if rules.is_empty() => self.equal += 1,
            Ok(rules) => {
                self.intended += 1;
                for rule in rules {
                    *self.by_rule.entry(rule).or_default() += 1;
                }
            }
            Err(difference) => {
                self.unexplained.push((format!("{} {}", row.id, row.name), difference));
            }
        }
    }

    fn report(&self) -> String {
        use std::fmt::Write as _;
        let mut report = String::new();
        for (id, difference) in &self.unexplained {
            let _ = writeln!(report, "unexplained {id}\n    {difference}");
        }
        for rule in RULES.iter().filter(|rule| self.by_rule.contains_key(rule.name)) {
            let _ = writeln!(report, "intended {:4}  {}", self.by_rule[rule.name], rule.name);
        }
        let (equal, intended) = (self.equal, self.intended);
        let _ = write!(
            report,
            "equal {equal}, intended {intended}, unexplained {}",
            self.unexplained.len()
        );
        report
    }
}
