//! The command line: `foundry-api [command]`. Scripts of others use it: names and arguments stay.
//!
//! Adding a command: a variant here, and a function in the file of its subject.

mod api_keys;
mod audit;
mod first_start;
mod keys;
mod output;
mod people;
mod serve;

use std::fs::DirBuilder;
use std::io::Read as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use zeroize::Zeroizing;

use self::first_start::Alone;
use crate::config::Config;
use crate::store::{self, Coalesce, Named, Store, StoreError, named};

/// Second-factor keys for the clients of a ServiceStack host.
#[derive(Parser)]
#[command(name = "foundry-api", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve requests. This is what happens without a command, too.
    Serve,
    /// Bring the database up to date.
    Migrate,
    /// Manage organisations.
    #[command(subcommand)]
    Organisations(people::Organisations),
    /// Manage users.
    #[command(subcommand)]
    Users(people::Users),
    /// Manage the keys that programs sign in with.
    #[command(subcommand)]
    ApiKeys(api_keys::ApiKeys),
    /// Manage the keys that seal secrets.
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Print what was done and refused, oldest first.
    Audit(audit::Audit),
}

/// What ends a command early: a sentence for whoever typed it.
type Failure = String;

/// Runs the command that the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = Config::from_env().map_err(|error| error.to_string()).and_then(|config| {
        actix_web::rt::System::new().block_on(async {
            match cli.command.unwrap_or(Command::Serve) {
                Command::Serve => serve::serve(config).await,
                Command::Migrate => migrate(&config).await,
                Command::Organisations(command) => people::organisations(&config, command).await,
                Command::Users(command) => people::users(&config, command).await,
                Command::Keys(command) => keys::keys(&config, command).await,
                Command::Audit(command) => audit::audit(&config, command).await,
                Command::ApiKeys(command) => api_keys::api_keys(&config, command).await,
            }
        })
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            output::note(format_args!("foundry-api: {message}"));
            ExitCode::FAILURE
        }
    }
}

async fn migrate(config: &Config) -> Result<(), Failure> {
    let _alone = Alone::with(config)?;
    let store = open(config, false).await?;
    store.migrate().await.map_err(told)?;
    store.close().await;
    output::say(format_args!("The database is up to date."))
}

/// Opens the store that is configured, the embedded one by default; with `hurry` for requests, which
/// do not wait long.
async fn open(config: &Config, hurry: bool) -> Result<Arc<dyn Store>, Failure> {
    let url = if let Some(url) = &config.database_url {
        url.clone()
    } else {
        private_folder(&config.data)
            .map_err(|error| format!("{}: {error}", config.data.display()))?;
        Zeroizing::new(format!("sqlite://{}", config.data.join("foundry.db").display()))
    };
    let coalesce = if config.coalesce { Coalesce::All } else { Coalesce::Nothing };
    let options = store::Options { coalesce, hurry };
    store::open_with(&url, options).await.map_err(told)
}

/// Makes a folder, where there is none, that only its owner may look into: what is kept in it holds
/// password hashes and, sealed, the keys of everybody.
fn private_folder(path: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// A store that is ready for the commands that change it: the embedded one migrates by itself.
async fn open_ready(config: &Config) -> Result<Arc<dyn Store>, Failure> {
    let _alone = Alone::with(config)?;
    let store = open(config, false).await?;
    if is_embedded(config) {
        store.migrate().await.map_err(told)?;
    } else if !store.ready().await.map_err(told)? {
        return Err("the database is not up to date; run 'foundry-api migrate'".into());
    }
    Ok(store)
}

fn is_embedded(config: &Config) -> bool {
    config.database_url.as_ref().is_none_or(|url| matches!(named(url), Some(Named::Sqlite(_))))
}

/// What a store's failure is to whoever typed the command. Holds no part of the URL.
#[expect(clippy::needless_pass_by_value, reason = "fits map_err")]
fn told(error: StoreError) -> Failure {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// The password on standard input, without the line's end.
fn password() -> Result<Zeroizing<String>, Failure> {
    let limit = crate::auth::password::PASSWORD_MAX as u64;
    let mut text = Zeroizing::new(String::new());
    std::io::stdin()
        .take(limit + 3)
        .read_to_string(&mut text)
        .map_err(|error| format!("the password could not be read: {error}"))?;
    let password = Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned());
    match password.len() as u64 {
        0 => Err("the password is empty".into()),
        length if length > limit => Err(format!("the password is longer than {limit} bytes")),
        _ => Ok(password),
    }
}
