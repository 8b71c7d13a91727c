//! The table of requirements in SECURITY.md is true as far as a program can tell, what it says of
//! every key is so, and what comments cite is there to be read.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use data_encoding::BASE32_NOPAD;

use crate::support::{ALICE, BOB, GENERATE, TestApp, memory, populate};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// All files of the service and of the tests that drive it, in Rust.
fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("src"), root().join("tests/api")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found
}

/// The names of all functions of the project that are tests, or stories that tests are made of.
fn tests() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        let mut is_test = false;
        for line in text.lines().map(str::trim) {
            if line == "#[test]" || line.starts_with("#[tokio::test") {
                is_test = true;
            } else if let Some((_, rest)) = line.split_once("fn ").filter(|_| is_test) {
                is_test = false;
                found.extend(rest.split('(').next().map(str::to_owned));
            }
        }
        for (_, rest) in text.match_indices("on_each_store! {").map(|(at, _)| text.split_at(at)) {
            let stories = rest.split_once('{').unwrap().1.split('}').next().unwrap();
            found.extend(stories.split_whitespace().map(str::to_owned));
        }
    }
    found
}

/// What stands between backquotes.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn the_table_of_requirements_names_files_and_tests_that_there_are() {
    let page = fs::read_to_string(root().join("SECURITY.md")).unwrap();
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with("| R"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let numbers: Vec<&str> = rows.iter().map(|row| row[0]).collect();
    assert_eq!(numbers, (1..=40).map(|number| format!("R{number}")).collect::<Vec<_>>());
    let tests = tests();
    assert!(tests.len() > 150, "{}", tests.len());
    for row in rows {
        let [number, _, standard, files, shown] = row[..] else { panic!("{row:?}") };
        assert!(!standard.is_empty(), "{number}");
        assert!(quoted(files).count() > 0, "{number}");
        for file in quoted(files) {
            assert!(root().join(file).is_file(), "{number}: there is no {file}");
        }
        let named: Vec<&str> = quoted(shown).filter(|name| name.contains('_')).collect();
        for name in &named {
            assert!(tests.contains(*name), "{number}: there is no test {name}");
        }
        let excused = shown.starts_with("no test: ") || shown.starts_with("not applicable: ");
        assert_ne!(named.is_empty(), !excused, "{number} is shown by nothing, or says so wrongly");
    }
    // The links lead somewhere, too.
    for link in page.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
        assert!(root().join(link).is_file(), "there is no {link}");
    }
}

/// The numbers of the rows of a page's tables.
fn numbered(page: &str) -> BTreeSet<String> {
    let cells = page.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" |"));
    let number = |cell: &str| split_number(cell).is_some().then(|| cell.to_owned());
    cells.filter_map(|(cell, _)| number(cell)).collect()
}

/// The letter of a rule, none of a need, and the number.
fn split_number(text: &str) -> Option<(&str, u8)> {
    let (letter, digits) = text.split_at(text.find(|c: char| c.is_ascii_digit())?);
    let is_group = letter.is_empty() || (letter.len() == 1 && "RNBPAES".contains(letter));
    is_group.then_some(())?;
    Some((letter, digits.parse().ok()?))
}

/// A number as itself, a span of them as all that it holds.
fn expanded(text: &str) -> Option<Vec<String>> {
    let (first, last) = text.split_once('–').unwrap_or((text, text));
    let ((letter, first), (_, last)) = (split_number(first)?, split_number(last)?);
    Some((first..=last).map(|number| format!("{letter}{number}")).collect())
}

/// Each block of comments in a file, as its words.
fn comments(text: &str) -> Vec<Vec<&str>> {
    let mut blocks = vec![Vec::new()];
    for line in text.lines().map(str::trim_start) {
        match line.strip_prefix("//") {
            Some(said) => {
                let said = said.trim_start_matches(['/', '!']);
                blocks.last_mut().unwrap().extend(said.split_whitespace());
            }
            None => blocks.push(Vec::new()),
        }
    }
    blocks
}

/// What a number that is cited is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Of {
    Rules,
    Needs,
    Security,
    Standard,
}

/// What the words of a comment cite, and of what; of nothing where they do not say.
fn cited(words: &[&str]) -> Vec<(Option<Of>, String)> {
    let (mut found, mut of) = (Vec::new(), None);
    for word in words.iter().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric())) {
        let numbers = expanded(word).filter(|numbers| {
            of == Some(Of::Needs) || numbers[0].starts_with(|c: char| c.is_ascii_uppercase())
        });
        match word {
            "" | "and" => {}
            "rule" | "rules" => of = Some(Of::Rules),
            "need" | "needs" => of = Some(Of::Needs),
            "SECURITY.md" => of = Some(Of::Security),
            "RFC" => of = Some(Of::Standard),
            _ if numbers.is_some() => {
                found.extend(numbers.into_iter().flatten().map(|number| (of, number)));
            }
            _ if of == Some(Of::Standard) && word.bytes().all(|b| b.is_ascii_digit()) => {}
            _ => of = None,
        }
    }
    found
}

#[test]
fn what_comments_cite_is_there() {
    let read = |file: &str| fs::read_to_string(root().join(file)).unwrap();
    let (wire, security) = (read("fixtures/wire/README.md"), read("SECURITY.md"));
    let (rules, requirements) = (numbered(&wire), numbered(&security));
    let rows: String = fs::read_dir(root().join("fixtures/wire"))
        .unwrap()
        .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    let recorded = |word: &str| {
        let Some((_, number)) = word.split_once('/') else { return true };
        let is_row = number.len() == 4 && number.bytes().all(|byte| byte.is_ascii_digit());
        !is_row || rows.contains(&format!("{{\"id\":\"{word}\","))
    };
    let trimmed = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
    for word in wire.split_whitespace().map(trimmed) {
        assert!(recorded(&word), "fixtures/wire/README.md: there is no row {word}");
    }
    let mut seen = BTreeSet::new();
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        let file = path.display();
        for words in comments(&text) {
            for (of, number) in cited(&words) {
                let there = match of {
                    Some(Of::Rules | Of::Needs) => {
                        let named = text.contains("fixtures/wire");
                        assert!(named, "{file} does not say that {number} is of `fixtures/wire`");
                        rules.contains(&number)
                    }
                    Some(Of::Security) => requirements.contains(&number),
                    Some(Of::Standard) => true,
                    None => panic!("{file}: {number} of what?"),
                };
                assert!(there, "{file}: there is no {number} of {of:?}");
                seen.insert((of, number));
            }
            for word in words.into_iter().map(trimmed) {
                assert!(recorded(&word), "{file}: there is no row {word}");
                let folders = [root(), root().join("jsv"), path.parent().unwrap().to_owned()];
                let is_page = Path::new(&word).extension().is_some_and(|kind| kind == "md");
                let there = !is_page || folders.iter().any(|folder| folder.join(&word).is_file());
                assert!(there, "{file}: there is no {word}");
            }
        }
    }
    assert!(seen.len() > 60, "{seen:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_key_is_another_one_of_160_bits() {
    let store = memory().await;
    populate(&*store).await;
    let app = TestApp::with(store, &[("FOUNDRY_KEY_RATE", "0")], |mut app| {
        app.random = std::sync::Arc::new(foundry_api::random::SystemSource::default());
        app
    });
    let mut secrets = HashSet::new();
    for (caller, organisation, issuer, account) in [
        (ALICE, "org1", "Foundry%20%28First%20%26%20Co%29", "alice%40example.com"),
        (ALICE, "org2", "Second%20Ltd", "alice%40example.com"),
        (BOB, "org2", "Second%20Ltd", "bob%40example.com"),
    ] {
        for _ in 0..20 {
            let body = format!("{{\"organisationId\":\"{organisation}\"}}");
            let headers = [("Authorization", caller), ("Content-Type", "application/json")];
            let uri = app.send("PUT", GENERATE, &headers, body.as_bytes()).expect(200).uri();
            // Byte for byte: nothing else is in it, and nothing twice.
            let before = format!("otpauth://totp/{issuer}:{account}?secret=");
            let rest = uri.strip_prefix(&before).unwrap_or_else(|| panic!("{uri}"));
            let secret = rest.strip_suffix(&format!("&issuer={issuer}")).unwrap();
            assert_eq!(BASE32_NOPAD.decode(secret.as_bytes()).unwrap().len(), 20, "{uri}");
            assert!(uri.len() < 200, "{uri}");
            assert!(secrets.insert(secret.to_owned()), "a key came twice");
        }
    }
    assert_eq!(secrets.len(), 60);
}

#[test]
fn a_server_without_sealing_keys_does_not_start_on_postgres() {
    let run = Command::new(env!("CARGO_BIN_EXE_foundry-api"))
        .env_clear()
        .env("DATABASE_URL", "postgres://nobody:hidden-word@127.0.0.1:1/none")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(!run.status.success() && said.contains("FOUNDRY_SEALING_KEYS is not set"), "{said}");
    assert!(!said.contains("hidden-word"), "{said}");
}

/// What is set in the image itself.
const IN_THE_IMAGE: &[&str] = &["FOUNDRY_LISTEN", "FOUNDRY_DATA"];

#[test]
fn every_variable_of_the_readme_reaches_the_container() {
    let read = |file: &str| fs::read_to_string(root().join(file)).unwrap();
    let (readme, compose, image) =
        (read("README.md"), read("docker-compose.yml"), read("Dockerfile"));
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| `")?.split_once(" |"));
    let variables: Vec<&str> = rows
        .flat_map(|(names, _)| names.split('`'))
        .filter(|name| {
            name.contains('_') && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
        })
        .collect();
    assert!(variables.len() > 18, "{variables:?}");
    for variable in variables {
        if IN_THE_IMAGE.contains(&variable) {
            assert!(image.contains(&format!(" {variable}=")), "{variable}");
        } else {
            assert!(compose.contains(&format!("\n    {variable}:")), "{variable}");
        }
    }
}

#[test]
fn no_crate_of_ours_has_unsafe_code() {
    for file in ["src/lib.rs", "jsv/src/lib.rs"] {
        let text = fs::read_to_string(root().join(file)).unwrap();
        assert!(text.contains("#![forbid(unsafe_code)]"), "{file}");
    }
}
