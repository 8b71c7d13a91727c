//! Sends requests that nobody should send to a running service, and looks at what comes of it:
//!
//! ```sh
//! cargo build && cargo run -p hostile                        # 100,000 requests, some minutes
//! cargo run -p hostile -- --requests 3000                    # as tests/run does
//! cargo run -p hostile -- --first 4711 --requests 1 --show   # one of them again
//! ```
//!
//! The service is a process of its own on its embedded store. A request follows from `--seed` and
//! its number alone. The run fails on a panic, a 5xx that is not the service's to give (503, when it
//! is full), a well-formed request without a reply, a header that the service never sends, a log
//! line that is not one, and memory that grows. To add a kind of request: a line in
//! `KINDS` in `request.rs`.

mod client;
mod draft;
mod request;
mod service;
mod text;

#[path = "../../api/dice.rs"]
#[expect(unreachable_pub, reason = "the tests share it")]
mod dice;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clap::Parser;

use client::Outcome;
use request::Maker;
use service::Service;

/// What goes wrong in the program itself.
type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Parser)]
#[command(about = "Sends requests that nobody should send to a running foundry-api")]
struct Arguments {
    /// How many requests.
    #[arg(long, default_value_t = 100_000)]
    requests: u64,
    /// The number of the first one.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// What all of them follow from.
    #[arg(long, default_value_t = 8)]
    seed: u64,
    /// How many are under way at once.
    #[arg(long, default_value_t = 8)]
    connections: usize,
    /// The service [default: foundry-api beside this program].
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Show each request and its reply.
    #[arg(long)]
    show: bool,
}

/// How far memory may grow in the last two thirds of a run, in KiB: caches fill, allocators keep
/// what they had. A leak of half a kilobyte a request is more than that in a long run.
const GROWTH: u64 = 32 * 1024;
/// Replies of each step of the pipeline, which so many requests have at least once.
const REACHED: &[&str] = &["200", "400", "401", "404", "405", "413", "415"];
const MANY: u64 = 1000;
/// How many failures are told; what is counted is all of them.
const TOLD: usize = 10;

/// What came of the requests so far.
#[derive(Default)]
struct Tally {
    by_kind: BTreeMap<&'static str, u64>,
    by_status: BTreeMap<String, u64>,
    failed: u64,
    failures: Vec<String>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("hostile: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<bool, Failure> {
    let beside = std::env::current_exe()?.with_file_name("foundry-api");
    let service = Service::start(arguments.binary.as_deref().unwrap_or(&beside))?;
    let maker = Maker::new(arguments.seed, service.credentials()?);
    let tally = Mutex::new(Tally::default());
    let next = AtomicU64::new(0);
    let began = Instant::now();
    let memory = std::thread::scope(|scope| {
        for _ in 0..arguments.connections {
            scope.spawn(|| {
                loop {
                    let done = next.fetch_add(1, Ordering::Relaxed);
                    if done >= arguments.requests {
                        return;
                    }
                    one(arguments, &service, &maker, arguments.first + done, &tally);
                }
            });
        }
        service.watch(|| next.load(Ordering::Relaxed), arguments.requests)
    })?;
    let took = began.elapsed();
    let Ok(mut tally) = tally.into_inner() else { return Err("a thread has failed".into()) };
    let (peak, growth) = (memory.peak, memory.growth());
    tally.failures.extend(service.finish()?);

    println!("seed {}, {} requests in {} s", arguments.seed, arguments.requests, took.as_secs());
    let line = |title: &str, counts: Vec<(&str, u64)>| {
        let counts: Vec<String> =
            counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
        println!("{title}: {}", counts.join(", "));
    };
    line("by kind", tally.by_kind.iter().map(|(kind, count)| (*kind, *count)).collect());
    line("by status", tally.by_status.iter().map(|(status, count)| (&**status, *count)).collect());
    println!(
        "memory: {} MiB at the start, {} MiB after a third, {} MiB at the end, {} MiB at most",
        memory.start / 1024,
        memory.third / 1024,
        memory.end / 1024,
        peak / 1024
    );
    // A run that ends at the door has shown nothing.
    if arguments.requests >= MANY {
        for status in REACHED {
            if tally.by_status.get(*status).is_none_or(|count| *count < arguments.requests / MANY) {
                tally.failures.push(format!("hardly any reply is {status}"));
            }
        }
    }
    if growth > GROWTH {
        tally.failures.push(format!("memory grew by {growth} KiB in the last two thirds"));
    }
    println!("failures: {}", tally.failed.max(tally.failures.len() as u64));
    for failure in tally.failures.iter().take(TOLD) {
        println!("  {failure}");
    }
    Ok(tally.failures.is_empty())
}

fn one(arguments: &Arguments, service: &Service, maker: &Maker, number: u64, tally: &Mutex<Tally>) {
    let request = maker.make(number);
    let outcome = client::exchange(service.address, &request);
    let failure = outcome.failure(&request);
    if arguments.show {
        println!("{number} ({}): {}", request.kind, String::from_utf8_lossy(&request.bytes));
        println!("{outcome:?}");
    }
    let Ok(mut tally) = tally.lock() else { return };
    *tally.by_kind.entry(request.kind).or_default() += 1;
    let status = match &outcome {
        Outcome::Replies(replies) => replies.first().map_or(0, |reply| reply.status).to_string(),
        Outcome::Nothing => "none".to_owned(),
        Outcome::Broken(_) => "broken".to_owned(),
    };
    *tally.by_status.entry(status).or_default() += 1;
    if let Some(failure) = failure {
        tally.failed += 1;
        if tally.failures.len() < TOLD {
            tally.failures.push(format!("--first {number}, {}: {failure}", request.kind));
        }
    }
}
