//! How much faster than `serde_json`: every contestant takes its turn in every round, and the table shows the median
//! over the rounds of `serde_json`'s time by the contestant's, so that a busy machine slows all of them alike.
//! To drop what was made is counted in the operation `read, drop` alone.
//!
//! `cargo bench -p jsv --bench ratio` prints the table, `-- FILTER` the lines in which the filter occurs. On a machine
//! with other things to do, instructions tell more than time: `jsv/benches/instructions` counts them with callgrind.
//! It runs this program as
//!
//! * `once LIBRARY OPERATION DOCUMENT TIMES`, which runs one case that often,
//! * `junk LENGTH`, which reads that much of each kind of junk, to see that the count grows no faster than the length.

#![expect(
    clippy::cast_precision_loss,
    clippy::struct_field_names,
    reason = "figures for people; the corpus names its members"
)]

#[path = "corpus/mod.rs"]
mod corpus;

use std::convert::identity;
use std::hint::black_box;
use std::time::{Duration, Instant};

use corpus::{
    Borrowed, Customer, CustomerOrders, Northwind, Order, OrderDetail, Reply, document,
    each_document,
};

type One<T> = T;

/// A contestant: its name, and what it does so many times. It tells how long that took, without what it took to drop
/// what came of it: that is none of its doing, and the same for all that made the same.
type Contestant = (&'static str, Box<dyn Fn(usize) -> Duration>);

/// One line of the table.
struct Case {
    operation: &'static str,
    document: &'static str,
    contestants: Vec<Contestant>,
}

pub(crate) fn main() {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["once", library, operation, document, times] => {
            once(library, operation, document, times.parse().expect("a number of times"));
        }
        ["junk", length] => junk(length.parse().expect("a length")),
        [filter] => table(filter),
        _ => table(""),
    }
}

fn once(library: &str, operation: &str, document: &str, times: usize) {
    let cases = cases(document);
    let case = cases.iter().find(|case| case.operation == operation);
    let contestants = &case.expect("an operation and a document").contestants;
    let run = contestants.iter().find(|(name, _)| *name == library).expect("a library");
    run.1(times);
}

/// What a reader that looks back or ahead too often would take too long for.
const JUNK: [(&str, &str); 8] = [
    ("", "["),
    ("", "{a:"),
    ("", "\""),
    ("[", "[a\"],"),
    ("[{a:", "b\"[,"),
    ("{", "a\n,"),
    ("{\n", "a : b ,\n"),
    ("{Id:{", "{\"}"),
];

fn junk(length: usize) {
    for (start, again) in JUNK {
        let text = start.to_owned() + &again.repeat(length / again.len());
        let _ = black_box(jsv::from_str::<jsv::Value>(&text));
        let _ = black_box(jsv::from_str::<Vec<Option<String>>>(&text));
        let _ = black_box(jsv::from_str::<Customer<String>>(&text));
    }
}

fn table(filter: &str) {
    println!("| document | operation | jsv MB/s | jsv | sonic-rs | simd-json |");
    println!("|---|---|--:|--:|--:|--:|");
    for case in cases("") {
        if format!("{} {}", case.document, case.operation).contains(filter) {
            line(&case);
        }
    }
}

const ROUNDS: usize = 301;
const TURN: Duration = Duration::from_micros(400);

fn line(case: &Case) {
    let times: Vec<usize> = case.contestants.iter().map(|(_, run)| turn(run)).collect();
    let mut seconds = vec![Vec::with_capacity(ROUNDS); times.len()];
    for _ in 0..ROUNDS {
        for (contestant, (_, run)) in case.contestants.iter().enumerate() {
            let time = run(times[contestant]);
            seconds[contestant].push(time.as_secs_f64() / times[contestant] as f64);
        }
    }
    let find = |name| case.contestants.iter().position(|(other, _)| *other == name);
    let base = &seconds[find("serde_json").expect("it is in every case")];
    let ratio = |name| match find(name) {
        Some(index) => {
            let ratios = seconds[index].iter().zip(base).map(|(own, base)| base / own);
            format!("{:.2}", median(ratios.collect()))
        }
        None => "–".to_owned(),
    };
    let jsv = median(seconds[find("jsv").expect("it is in every case")].clone());
    let size = document(case.document).jsv.len() as f64 / 1e6;
    println!(
        "| {} | {} | {:.0} | {} | {} | {} |",
        case.document,
        case.operation,
        size / jsv,
        ratio("jsv"),
        ratio("sonic-rs"),
        ratio("simd-json")
    );
}

/// How many runs make a turn: short, so that few turns are interrupted.
fn turn(run: &dyn Fn(usize) -> Duration) -> usize {
    let mut times = 1;
    while run(times) < TURN {
        times *= 2;
    }
    times
}

/// How long it takes to do it so many times with that text. What was made is dropped in between, while the clock is
/// stopped: that of a large text each time, so that its memory is used again and is in the caches, as it would be in a
/// program that reads one text after the other; that of small ones together, because looking at the clock takes time.
fn timed<T>(times: usize, text: &str, run: impl Fn() -> T) -> Duration {
    const TOGETHER: usize = 4096;
    let together = (TOGETHER / text.len()).clamp(1, 64);
    let mut made = Vec::with_capacity(together);
    let mut time = Duration::ZERO;
    for done in (0..times).step_by(together) {
        let start = Instant::now();
        what_is_measured(&mut made, together.min(times - done), &run);
        time += start.elapsed();
        made.clear();
    }
    time
}

/// By this name `jsv/benches/instructions` knows what to count.
#[inline(never)]
fn what_is_measured<T>(made: &mut Vec<T>, times: usize, run: &impl Fn() -> T) {
    for _ in 0..times {
        made.push(run());
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A boxed run of an expression over the document's text.
macro_rules! run {
    ($text:expr, |$input:ident| $result:expr) => {{
        let text: &'static str = Box::leak($text.clone().into_boxed_str());
        Box::new(move |times| {
            timed(times, text, || {
                let $input = black_box(text);
                $result
            })
        }) as Box<dyn Fn(usize) -> Duration>
    }};
}

/// Those who read into any type, and what is done with what they have read.
macro_rules! readers {
    ($document:ident, $type:ty, $then:ident) => {
        vec![
            ("jsv", run!($document.jsv, |text| $then(jsv::from_str::<$type>(text).unwrap()))),
            (
                "serde_json",
                run!($document.json, |text| $then(serde_json::from_str::<$type>(text).unwrap())),
            ),
            (
                "sonic-rs",
                run!($document.json, |text| $then(sonic_rs::from_str::<$type>(text).unwrap())),
            ),
        ]
    };
}

/// The cases of one document, or of all of them.
fn cases(only: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    macro_rules! add {
        ($name:literal, $type:ident, $shape:ident) => {if only.is_empty() || only == $name {
            type Owned = $shape<$type<String>>;
            type Pointing = $shape<$type<Borrowed<'static>>>;
            let document = document($name);
            let value: Owned = serde_json::from_str(&document.json).expect("the JSON fits");
            // Decimals keep their zeros in the files, so the texts written differ from them; the values do not.
            let written = jsv::to_string(&value).expect("it has a text");
            assert!(jsv::from_str::<Owned>(&document.jsv).expect("the JSV fits") == value);
            assert!(jsv::from_str::<Owned>(&written).expect("it reads back") == value);
            let value: &'static Owned = Box::leak(Box::new(value));
            let mut contestants = readers!(document, Owned, identity);
            contestants.push(("simd-json", run!(document.json, |text| {
                simd_json::from_slice::<Owned>(&mut text.as_bytes().to_vec()).unwrap()
            })));
            cases.push(Case { operation: "read", document: $name, contestants });
            cases.push(Case {
                operation: "read, drop",
                document: $name,
                contestants: readers!(document, Owned, drop),
            });
            cases.push(Case {
                operation: "read borrowed",
                document: $name,
                contestants: readers!(document, Pointing, identity),
            });
            cases.push(Case {
                operation: "write",
                document: $name,
                contestants: vec![
                    ("jsv", run!(document.jsv, |_text| jsv::to_string(black_box(value)).unwrap())),
                    ("serde_json", run!(document.json, |_text| serde_json::to_string(black_box(value)).unwrap())),
                    ("sonic-rs", run!(document.json, |_text| sonic_rs::to_string(black_box(value)).unwrap())),
                    ("simd-json", run!(document.json, |_text| simd_json::to_string(black_box(value)).unwrap())),
                ],
            });
        }};
    }
    each_document!(add);
    cases
}
