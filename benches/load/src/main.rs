//! Measures foundry-api under load: `cargo run --release -p load -- [OPTIONS]`
//!
//! It starts a throw-away Postgres (through `tests/postgres`) and each variant as a process of its
//! own, all on loopback, and drives them in turn with keep-alive connections: every variant, then
//! every variant again, so that what disturbs the machine disturbs them alike. A connection sends
//! its next request when the reply to the last one has come. What it prints is the median of the
//! rounds: a table, and with `--svg FILE` a plot.
//!
//! Adding a variant: a name in [`variant::Variant`], and how it is started.

mod client;
mod database;
mod process;
mod report;
mod serve;
mod token;
mod unstored;
mod variant;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Parser, Subcommand};
use foundry_api::store;

use crate::database::Database;
use crate::report::{Cell, Report};
use crate::unstored::Unstored;
use crate::variant::{Login, Variant};

/// Whatever ends a measurement; for whoever reads the terminal.
type Failure = Box<dyn std::error::Error>;

/// Measures foundry-api under load, variants of it interleaved.
#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    serve: Option<Serve>,
    /// The variants; the others' throughput is also given as a ratio to that of the last one.
    #[arg(long, value_delimiter = ',', default_value = "coalesced,single")]
    variants: Vec<Variant>,
    /// Connections at a time.
    #[arg(long, value_delimiter = ',', default_value = "1,16,64,256")]
    connections: Vec<usize>,
    /// How often each variant is measured.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long, in milliseconds.
    #[arg(long, default_value_t = 2000)]
    time: u64,
    /// The media type asked for.
    #[arg(long, default_value = "application/json")]
    accept: String,
    /// How the requests are signed in.
    #[arg(long, value_enum, default_value = "bearer")]
    login: Login,
    /// Milliseconds by which each commit is made slower (Postgres' `commit_delay`).
    #[arg(long, default_value_t = 0)]
    flush: u32,
    /// Users that have keys before the load comes, five pending ones each.
    #[arg(long, default_value_t = 0)]
    rows: u32,
    /// Users who take turns on the connections, if that is more than one on each. With many of them nearly
    /// every request is of somebody who has to be looked up.
    #[arg(long, default_value_t = 0)]
    users: usize,
    /// Threads that serve requests.
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// The service's binary, by default the one beside this program.
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Writes the plot to this file.
    #[arg(long)]
    svg: Option<PathBuf>,
}

/// What this program is when it starts itself as a variant.
#[derive(Subcommand)]
enum Serve {
    /// A handler that answers constant bytes.
    #[command(hide = true)]
    Bare {
        /// Only to those who show a good token.
        #[arg(long)]
        checked: bool,
    },
    /// The service with nothing stored.
    #[command(hide = true)]
    Unstored,
    /// The service with single statements on connections that are kept.
    #[command(hide = true)]
    Unpooled,
}

/// As in the service, so that what is compared with it has it, too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let options = Options::parse();
    let done = match options.serve {
        Some(Serve::Bare { checked }) => variant::bare(options.workers, checked),
        Some(Serve::Unstored) => {
            serve::serve(store::Options::default(), |store| Arc::new(Unstored(store)))
        }
        Some(Serve::Unpooled) => {
            let coalesce = store::Coalesce::NothingUnpooled;
            serve::serve(store::Options { coalesce, ..Default::default() }, |store| store)
        }
        None => measure(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("load: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn measure(options: &Options) -> Result<(), Failure> {
    let Ok(server) = std::env::var("TEST_DATABASE_URL") else { return process::under_postgres() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let most = options.connections.iter().copied().max().unwrap_or(1).max(options.users);
    let database = runtime.block_on(Database::prepare(&server, options, most))?;
    let mut running = Vec::new();
    for variant in &options.variants {
        running.push(variant.start(options, &database)?);
    }
    let mut report = Report::default();
    for &connections in &options.connections {
        let requests = variant::requests(options, connections);
        for _ in 0..options.rounds {
            for service in &running {
                let drive = |milliseconds| {
                    let time = Duration::from_millis(milliseconds);
                    runtime.block_on(client::drive(service.address, &requests, connections, time))
                };
                drive(options.time / 4)?;
                let (server_before, database_before) = (service.cpu()?, database.cpu()?);
                let load = drive(options.time)?;
                let server = service.cpu()?.saturating_sub(server_before);
                let database = database.cpu()?.saturating_sub(database_before);
                let cell = Cell::of(&load, server, database, service.memory()?);
                report.add(service.variant, connections, cell);
            }
        }
        print!("{}", report.table(connections));
    }
    if let Some(path) = &options.svg {
        std::fs::write(path, report.svg())?;
    }
    Ok(())
}
