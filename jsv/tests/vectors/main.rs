//! The recorded rows of the original's writer and reader against the crate.
//!
//! `JSV_VECTORS=DIR cargo test -p jsv --test vectors -- --nocapture` runs every `*.jsonl` of a folder instead of
//! `fixtures/jsv`. It lists the rows that fall short and ends with `write A/B, read C/D, refused E`. What a row asks
//! for is decided by rules alone: see `judge.rs`.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::match_like_matches_macro,
    clippy::needless_for_each,
    clippy::needless_pass_by_value,
    clippy::nonminimal_bool,
    clippy::question_mark,
    clippy::struct_field_names,
    clippy::struct_excessive_bools,
    clippy::type_complexity,
    clippy::unnecessary_wraps,
    clippy::unused_self,
    clippy::unwrap_used,
    reason = "a model of the original in test code: plain before polished"
)]

mod json;
mod judge;
mod layout;
mod original;
#[path = "../random/mod.rs"]
mod random;
mod read;
mod scalars;
mod shape;
mod write;

use std::collections::BTreeMap;
use std::path::PathBuf;

use json::J;
use judge::Verdict;
use random::Random;

#[test]
fn the_crate_meets_every_recorded_row() {
    let folder = std::env::var_os("JSV_VECTORS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/jsv")),
        PathBuf::from,
    );
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no rows in {}", folder.display());
    let mut tally = Tally::default();
    for file in files {
        for line in std::fs::read_to_string(&file).unwrap().lines() {
            tally.count(&serde_json::from_str(line).unwrap());
        }
    }
    tally.report();
    assert!(tally.short.is_empty(), "{} rows fall short", tally.short.len());
}

/// The rows are a sample; here are as many more documents as one likes, of the same making: the rows' texts with a
/// few characters put in, left out or changed. For these the model's word must do.
#[test]
fn the_crate_reads_mutated_rows_as_the_model_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/jsv/read.jsonl");
    let rows: Vec<J> = std::fs::read_to_string(path)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let mutations = std::env::var("JSV_MUTATIONS").map_or(8, |count| count.parse().unwrap());
    let mut random = Random::default();
    let mut short = Vec::new();
    let mut total = 0;
    for row in &rows {
        for _ in 0..mutations {
            match judge::mutated(row, |text| random.mutate(text)) {
                Verdict::Short(why) => short.push(why),
                Verdict::NotAsked(_) => {}
                _ => total += 1,
            }
        }
    }
    for short in short.iter().take(60) {
        println!("falls short: {short}");
    }
    assert!(short.is_empty(), "{} of {total} fall short", short.len());
}

impl Random {
    fn mutate(&mut self, text: &str) -> String {
        const PUT: [char; 16] = [
            '{', '}', '[', ']', ',', ':', '"', '"', ' ', '\n', 'a', 'B', '1', '{', '}', '\u{200b}',
        ];
        let mut characters: Vec<char> = text.chars().collect();
        for _ in 0..=self.below(3) {
            let at = self.below(characters.len() + 1);
            match self.below(3) {
                0 => characters.insert(at, PUT[self.below(PUT.len())]),
                1 if at < characters.len() => drop(characters.remove(at)),
                _ if at < characters.len() => characters[at] = PUT[self.below(PUT.len())],
                _ => {}
            }
        }
        characters.into_iter().collect()
    }
}

#[derive(Default)]
struct Tally {
    write: (usize, usize),
    read: (usize, usize),
    refused: BTreeMap<String, usize>,
    apart: BTreeMap<String, usize>,
    short: Vec<String>,
}

impl Tally {
    fn count(&mut self, row: &J) {
        let writes = !is_read(row);
        let verdict = if writes { judge::write(row) } else { judge::read(row) };
        let tally = if writes { &mut self.write } else { &mut self.read };
        match verdict {
            Verdict::NotAsked(why) => {
                *self.apart.entry(format!("not asked: {why}")).or_default() += 1;
                return;
            }
            Verdict::Met(None) => tally.0 += 1,
            Verdict::Met(Some(difference)) => {
                tally.0 += 1;
                *self.apart.entry(difference).or_default() += 1;
            }
            Verdict::Refused(why) => {
                tally.0 += 1;
                *self.refused.entry(why).or_default() += 1;
            }
            Verdict::Short(why) => {
                let id = row.get("id").map_or_else(String::new, |id| format!("{id:?}"));
                self.short.push(format!("{id} {why}"));
            }
        }
        tally.1 += 1;
    }

    fn report(&self) {
        for (why, count) in &self.apart {
            println!("{count:5} {why}");
        }
        for (why, count) in &self.refused {
            println!("{count:5} refused: {why}");
        }
        for short in &self.short {
            println!("falls short: {short}");
        }
        let refused: usize = self.refused.values().sum();
        println!(
            "write {}/{}, read {}/{}, refused {refused}",
            self.write.0, self.write.1, self.read.0, self.read.1
        );
    }
}

/// A row of the reader has its text before its result, a row of the writer after its value.
fn is_read(row: &J) -> bool {
    let J::Map(entries) = row else { return false };
    let place = |name| entries.iter().position(|(key, _)| key == name);
    place("jsv").is_some_and(|jsv| place("value").is_none_or(|value| jsv < value))
}
