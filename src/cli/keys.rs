//! `foundry-api keys`: the sealing keys.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clap::Subcommand;
use data_encoding::{BASE64, HEXLOWER};
use indicatif::{ProgressBar, ProgressStyle};
use zeroize::Zeroizing;

use super::first_start::Alone;
use super::{Failure, open_ready, output, told};
use crate::canary;
use crate::config::Config;
use crate::random::{self, SystemSource};
use crate::seal::{KEY_LEN, OpenError, Place, Sealed, Sealer};
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
    /// Count the secrets that each key has sealed, and look whether each key is the one of its id.
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
    let strangers = canary::strangers(store, sealer).await.map_err(told)?;
    let configured = sealer.ids().enumerate().map(|(position, id)| {
        let count = counts.iter().find(|(known, _)| known == id).map_or(0, |(_, count)| *count);
        let role = match position {
            _ if strangers.iter().any(|strange| strange == id) => "NOT THE KEY OF THIS ID",
            0 => "seals and opens",
            _ => "opens",
        };
        format!("{id}\t{count}\t{role}")
    });
    let missing: Vec<_> =
        counts.iter().filter(|(id, _)| !sealer.ids().any(|known| known == id)).collect();
    let others = missing.iter().map(|(id, count)| format!("{id}\t{count}\tNOT CONFIGURED"));
    output::list(configured.chain(others))?;
    let lost: u64 = missing.iter().map(|(_, count)| count).sum();
    let lost =
        (lost > 0).then(|| format!("{lost} secrets are sealed by keys that are not configured"));
    settled([foreign(&strangers), lost])
}

/// What it means that these ids stand for other keys than they did. Nothing when there are none.
fn foreign(strangers: &[String]) -> Option<Failure> {
    (!strangers.is_empty()).then(|| {
        format!(
            "what is configured as '{}' is not the key that was first used under that id: it opens \
             nothing of that key, and who has the right one would open nothing that it seals",
            strangers.join("', '")
        )
    })
}

/// A failure of all that is wrong, if anything is.
fn settled<const N: usize>(wrong: [Option<Failure>; N]) -> Result<(), Failure> {
    let wrong: Vec<_> = wrong.into_iter().flatten().collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
}

/// Refuses to go on where these ids stand for other keys than they did.
fn trusted(strangers: &[String]) -> Result<(), Failure> {
    foreign(strangers).map_or(Ok(()), |why| Err(format!("nothing was moved: {why}")))
}

/// The id of the key that seals, and how many rows are not sealed by it.
async fn to_do(store: &dyn Store, sealer: &Sealer) -> Result<(String, u64), Failure> {
    let first = sealer.ids().next().unwrap_or_default().to_owned();
    let counts = store.sealing_key_counts().await.map_err(told)?;
    let left = counts.iter().filter(|(id, _)| *id != first).map(|(_, count)| count).sum();
    Ok((first, left))
}

async fn rehearse(store: &dyn Store, sealer: &Sealer) -> Result<(), Failure> {
    trusted(&canary::strangers(store, sealer).await.map_err(told)?)?;
    let (first, left) = to_do(store, sealer).await?;
    output::say(format_args!("{left} secrets would be moved to '{first}'; nothing was changed."))?;
    status(store, sealer).await
}

async fn rewrap(store: &dyn Store, sealer: &Sealer) -> Result<(), Failure> {
    let random = SystemSource::default();
    // Of the first alone: what the others have sealed shows whether they are the right ones.
    let first = sealer.ids().take(1);
    trusted(&canary::keep(store, sealer, &random, first).await.map_err(told)?)?;
    let (first, total) = to_do(store, sealer).await?;
    let bar = ProgressBar::new(total).with_style(
        ProgressStyle::with_template("{bar:40} {pos}/{len} secrets, {per_sec}, {eta} left")
            .map_err(|error| error.to_string())?,
    );
    let (mut moved, mut left, mut unopened) = (0, total, 0);
    for _ in 0..PASSES {
        let done = pass(store, sealer, &random, &first, &bar).await?;
        moved += done.moved;
        unopened = done.unopened;
        left = to_do(store, sealer).await?.1;
        if left == 0 || done.moved == 0 {
            break;
        }
    }
    bar.finish();
    output::say(format_args!("Moved {moved} secrets to '{first}'."))?;
    let unopened = unopened.min(left);
    let others = left - unopened;
    settled([
        (unopened > 0).then(|| {
            format!(
                "{unopened} secrets do not open with the key that they name: they were changed, or \
                 another key is configured under its id"
            )
        }),
        (others > 0).then(|| {
            format!(
                "{others} secrets are not sealed by '{first}': an instance still seals under \
                 another key, or their keys are not configured ('foundry-api keys status')"
            )
        }),
    ])
}

/// What going through the table once has come to.
struct Pass {
    /// How many rows were moved.
    moved: u64,
    /// How many stayed because their key, which is there, does not open them.
    unopened: u64,
}

/// Once through the table, in the order of its key.
async fn pass(
    store: &dyn Store,
    sealer: &Sealer,
    random: &SystemSource,
    first: &str,
    bar: &ProgressBar,
) -> Result<Pass, Failure> {
    let unopened = AtomicU64::new(0);
    let reseal = |row: &SealedRow| {
        resealed(sealer, random, row).unwrap_or_else(|error| {
            if let OpenError::Foreign = error {
                unopened.fetch_add(1, Ordering::Relaxed);
            }
            None
        })
    };
    let (mut moved, mut last) = (0, None);
    loop {
        let began = Instant::now();
        let batch = store.rewrap(first, last.as_ref(), BATCH, &reseal).await.map_err(told)?;
        moved += batch.moved;
        bar.inc(batch.moved);
        if batch.last.is_none() {
            return Ok(Pass { moved, unopened: unopened.load(Ordering::Relaxed) });
        }
        last = batch.last;
        // SQLite has one writer, and who waits for its turn only asks now and then: without a pause as
        // long as the work the service would hardly ever find the file free.
        tokio::time::sleep(began.elapsed()).await;
    }
}

/// The secret of a row under the first key; nothing where there is no randomness.
fn resealed(
    sealer: &Sealer,
    random: &SystemSource,
    row: &SealedRow,
) -> Result<Option<Sealed>, OpenError> {
    let place = Place { organisation: &row.organisation, user: &row.user, key: &row.id };
    let secret = sealer.open(&row.sealed, place)?;
    let nonce = random::bytes(random).ok();
    Ok(nonce.map(|nonce| sealer.seal(&secret, nonce, place)))
}
