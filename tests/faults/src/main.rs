//! Breaks what the service stands on, while many clients ask for keys, and counts what is lost:
//! `tests/faults/run [RUN]... [--long]`
//!
//! | run | what it is |
//! |---|---|
//! | `postgres` | a service on a Postgres of its own, and the faults of [`fault`] |
//! | `embedded` | the same on the embedded store, which can be killed, locked and out of disk |
//! | `stopping` | requests that wait for the database when the service is told to stop |
//! | `instances` | three services on one Postgres, behind a round-robin |
//! | `restore` | backups that are taken under load, restored, and with keys missing |
//!
//! In every run each URI that a client was shown is verified at the end, through the service, by
//! the code that an authenticator app would make of it. One that is not accepted is lost, and the
//! run fails. So does it when a client is told anything but its key, 503 with `Retry-After` or
//! nothing over a broken connection; when a reply does not come; when the service does not come
//! back by itself, panics, or ends with an error.
//!
//! Everything happens on loopback, and with bounds: as many faults and keys as the options say, and a
//! minute at most to come back after each.
//!
//! Adding a fault: see [`fault`]. Adding a run: a file, a variant of [`Run`], a line in [`Run::passes`].

mod client;
mod cluster;
mod crowd;
mod embedded;
mod fault;
mod instances;
mod people;
mod postgres;
mod process;
mod proxy;
mod restore;
mod service;
mod stopping;
#[path = "../../../benches/load/src/token.rs"]
mod token;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use clap::{Parser, ValueEnum};
use tokio::runtime::Runtime;

/// Whatever ends a run; for whoever reads the terminal.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Breaks what foundry-api stands on, while many clients ask for keys, and counts what is lost.
#[derive(Parser)]
#[command(name = "faults")]
struct Options {
    /// The runs; all of them unless some are named.
    runs: Vec<Run>,
    /// 50 kills, 20 restarts of the database and 50,000 keys, unless other numbers are given.
    #[arg(long)]
    long: bool,
    /// How often the service is killed.
    #[arg(long)]
    kills: Option<usize>,
    /// How often the database is.
    #[arg(long)]
    restarts: Option<usize>,
    /// How many keys are asked for.
    #[arg(long)]
    keys: Option<usize>,
    /// Clients at a time.
    #[arg(long, default_value_t = 32)]
    clients: usize,
    /// The service's binary, by default the one beside this program.
    #[arg(long)]
    binary: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Run {
    /// A service on a Postgres that fails in many ways.
    Postgres,
    /// A service on the embedded store.
    Embedded,
    /// A service that is told to stop while requests wait.
    Stopping,
    /// Several services on one Postgres.
    Instances,
    /// Backup and restore.
    Restore,
}

/// How much of everything.
struct Scale {
    kills: usize,
    restarts: usize,
    /// How often each of the other faults strikes.
    others: usize,
    keys: usize,
}

impl Options {
    fn scale(&self) -> Scale {
        let (kills, restarts, others, keys) =
            if self.long { (50, 20, 4, 50_000) } else { (2, 2, 1, 2_400) };
        Scale {
            kills: self.kills.unwrap_or(kills),
            restarts: self.restarts.unwrap_or(restarts),
            others,
            keys: self.keys.unwrap_or(keys),
        }
    }

    fn binary(&self) -> Result<PathBuf, Failure> {
        let path = match &self.binary {
            Some(path) => path.clone(),
            None => std::env::current_exe()?.with_file_name("foundry-api"),
        };
        if path.is_file() {
            return Ok(path);
        }
        Err(format!("no binary at {}: run cargo build, or give --binary", path.display()).into())
    }
}

/// The runtime of all connections to databases.
fn runtime() -> Result<&'static Runtime, Failure> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(RUNTIME.get_or_init(|| runtime))
}

fn main() -> ExitCode {
    let options = Options::parse();
    let runs =
        if options.runs.is_empty() { Run::value_variants().to_vec() } else { options.runs.clone() };
    // Most of a run is waiting for what takes its time, so two go side by side; in the long form
    // the figures are to be of one alone.
    let lanes = if options.long { 1 } else { 2 };
    let (next, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..lanes {
            scope.spawn(|| {
                while let Some(run) = runs.get(next.fetch_add(1, Ordering::SeqCst)) {
                    if !run.passes(&options) {
                        failed.fetch_add(1, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    if failed.into_inner() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Run {
    fn passes(self, options: &Options) -> bool {
        let began = Instant::now();
        let done = match self {
            Self::Postgres => postgres::run(options),
            Self::Embedded => embedded::run(options),
            Self::Stopping => stopping::run(options),
            Self::Instances => instances::run(options),
            Self::Restore => restore::run(options),
        };
        let took = began.elapsed().as_secs();
        match &done {
            Ok(()) => println!("{self:?}: passed, after {took} s"),
            Err(failure) => eprintln!("faults: {self:?}, after {took} s: {failure}"),
        }
        done.is_ok()
    }
}
