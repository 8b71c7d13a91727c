//! `foundry-api keys`: the sealing keys.

use std::time::Instant;

use clap::Subcommand;
use data_encoding::{BASE64, HEXLOWER};
use indicatif::{ProgressBar, ProgressStyle};
use zeroize::Zeroizing;

use super::first_start::Alone;
use super::{Failure, open_ready, output, told};
use crate::config::Config;
use crate::random::{self, Random as _, SystemSource};
use crate::seal::{KEY_LEN, Place, Sealed, Sealer};
use crate::store::{SealedRow, Store};

#[derive(Subcommand)]
pub(super) enum Keys {
    /// Print a new key, as `FOUNDRY_SEALING_KEYS` takes it.
    Generate,
    /// Seal all secrets under the first configured key, while the service runs. Can be interrupted
    /// and started again.
    Rewrap {
        /// Count what would be done, and change nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Count the secrets that each key has sealed.
    Status,
}

/// How many rows are moved in one transaction.
const BATCH: u32 = 200;
/// How often the table is gone through again, where rows were passed over because somebody was
/// changing them, or were sealed by an instance that still has the old key first.
const PASSES: u32 = 10;

pub(super) async fn keys(config: &Config, command: Keys) -> Result<(), Failure> {
    if let Keys::Generate = command {
        return output::say(format_args!("{}", *generate()?));
    }
    let sealer = Alone::with(config)?.sealer(config)?;
    let store = open_ready(config).await?;
    let done = match command {
        Keys::Rewrap { dry_run: false } => rewrap(&*store, &sealer).await,
        Keys::Rewrap { dry_run: true } => rehearse(&*store, &sealer).await,
        Keys::Generate | Keys::Status => status(&*store, &sealer).await,
    };
    store.close().await;
    done
}

/// A new key under a random id, as `id:base64`.
pub(super) fn generate() -> Result<Zeroizing<String>, Failure> {
    let random = SystemSource::default();
    let id = random::bytes::<4>(&random).map_err(|error| error.to_string())?;
    let key = Zeroizing::new(random::bytes::<KEY_LEN>(&random).map_err(|error| error.to_string())?);
    Ok(Zeroizing::new(format!("k{}:{}", HEXLOWER.encode(&id), BASE64.encode(&*key))))
}

async fn status(store: &dyn Store, sealer: &Sealer) -> Result<(), Failure> {
    let counts = store.sealing_key_counts().await.map_err(told)?;
    let configured = sealer.ids().enumerate().map(|(position, id)| {
        let count = counts.iter().find(|(known, _)| known == id).map_or(0, |(_, count)| *count);
        let role = if position == 0 { "seals and opens" } else { "opens" };
        format!("{id}\t{count}\t{role}")
    });
    let strange: Vec<_> =
        counts.iter().filter(|(id, _)| !sealer.ids().any(|known| known == id)).collect();
    let others = strange.iter().map(|(id, count)| format!("{id}\t{count}\tNOT CONFIGURED"));
    output::list(configured.chain(others))?;
    match strange.iter().map(|(_, count)| count).sum::<u64>() {
        0 => Ok(()),
        lost => Err(format!("{lost} secrets are sealed by keys that are not configured")),
    }
}

/// The id of the key that seals, and how many rows are not sealed by it.
async fn to_do(store: &dyn Store, sealer: &Sealer) -> Result<(String, u64), Failure> {
    let first = sealer.ids().next().unwrap_or_default().to_owned();
    let counts = store.sealing_key_counts().await.map_err(told)?;
    let left = counts.iter().filter(|(id, _)| *id != first).map(|(_, count)| count).sum();
    Ok((first, left))
}

async fn rehearse(store: &dyn Store, sealer: &Sealer) -> Result<(), Failure> {
    let (first, left) = to_do(store, sealer).await?;
    output::say(format_args!("{left} secrets would be moved to '{first}'; nothing was changed."))?;
    status(store, sealer).await
}

async fn rewrap(store: &dyn Store, sealer: &Sealer) -> Result<(), Failure> {
    let (first, total) = to_do(store, sealer).await?;
    let bar = ProgressBar::new(total).with_style(
        ProgressStyle::with_template("{bar:40} {pos}/{len} secrets, {per_sec}, {eta} left")
            .map_err(|error| error.to_string())?,
    );
    let mut moved = 0;
    let mut left = total;
    for _ in 0..PASSES {
        let before = moved;
        moved += pass(store, sealer, &first, &bar).await?;
        left = to_do(store, sealer).await?.1;
        if left == 0 || moved == before {
            break;
        }
    }
    bar.finish();
    output::say(format_args!("Moved {moved} secrets to '{first}'."))?;
    if left == 0 {
        return Ok(());
    }
    Err(format!(
        "{left} secrets are not sealed by '{first}': an instance still seals under another key, or \
         their keys are not configured ('foundry-api keys status')"
    ))
}

/// Once through the table, in the order of its key; gives how many rows were moved.
async fn pass(
    store: &dyn Store,
    sealer: &Sealer,
    first: &str,
    bar: &ProgressBar,
) -> Result<u64, Failure> {
    let random = SystemSource::default();
    let reseal = |row: &SealedRow| resealed(sealer, &random, row);
    let (mut moved, mut last) = (0, None);
    loop {
        let began = Instant::now();
        let batch = store.rewrap(first, last.as_ref(), BATCH, &reseal).await.map_err(told)?;
        moved += batch.moved;
        bar.inc(batch.moved);
        if batch.last.is_none() {
            return Ok(moved);
        }
        last = batch.last;
        // SQLite has one writer, and who waits for its turn only asks now and then: without a pause as
        // long as the work the service would hardly ever find the file free.
        tokio::time::sleep(began.elapsed()).await;
    }
}

/// The secret of a row under the first key; nothing when it does not open.
fn resealed(sealer: &Sealer, random: &SystemSource, row: &SealedRow) -> Option<Sealed> {
    let place = Place { organisation: &row.organisation, user: &row.user, key: &row.id };
    let secret = sealer.open(&row.sealed, place).ok()?;
    let mut nonce = [0; ring::aead::NONCE_LEN];
    random.fill(&mut nonce).ok()?;
    Some(sealer.seal(&secret, nonce, place))
}
