//! Every reader, given what nobody should send: the seeds of `tests/fuzz`, each as it is and bent in
//! many ways, the same in each run. What fuzzing finds becomes a seed, and so a test.

mod properties;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use crate::dice::Dice;
use properties::Readers;

/// How many bent versions there are of all seeds of a reader together, where reading is all there
/// is to it.
const BENT: usize = 4_000;
/// The same, where each goes through a connection, or may be a password to be checked.
const SENT: usize = 500;

#[track_caller]
fn holds(reader: &str, rounds: usize, property: fn(&Readers, &[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds").join(reader);
    let mut paths: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} has no seeds", folder.display());
    let readers = Readers::new();
    let mut dice = Dice::new(8);
    let check = |bytes: &[u8], of: &Path| {
        let outcome = catch_unwind(AssertUnwindSafe(|| property(&readers, bytes)));
        let shown = String::from_utf8_lossy(bytes);
        assert!(outcome.is_ok(), "{reader}: {shown:?}, made of {}", of.display());
    };
    let seeds: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    for (seed, path) in seeds.iter().zip(&paths) {
        check(seed, path);
    }
    for round in 0..rounds {
        let at = round % seeds.len();
        let mut bytes = seeds[at].clone();
        dice.bend(&mut bytes);
        check(&bytes, &paths[at]);
    }
}

macro_rules! readers {
    ($($reader:ident $rounds:expr;)*) => {$(
        #[test]
        fn $reader() {
            holds(stringify!($reader), $rounds, Readers::$reader);
        }
    )*};
}

readers! {
    json BENT;
    jsv BENT;
    xml BENT;
    form BENT;
    multipart BENT;
    query BENT;
    accept BENT;
    cookie SENT;
    authorization SENT;
    jwt BENT;
    otpauth SENT;
    encoding SENT;
    request SENT;
}
