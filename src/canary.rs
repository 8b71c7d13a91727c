//! Whether what is configured under the id of a sealing key is the key that was first used under it.
//!
//! The database keeps a canary of each sealing key, a known text that was sealed when the key was first
//! used. Whoever has other bytes under that id, of a stale file say, does not open it, and must not seal:
//! nobody with the right key would open what comes of it.

use crate::random::{self, Random};
use crate::seal::{Sealed, Sealer};
use crate::store::{Result, Store, StoreError};

/// The ids of the configured keys that are not the keys of their canaries. Changes nothing: a key
/// without a canary may be the right one.
///
/// # Errors
/// The store's.
pub async fn strangers(store: &dyn Store, sealer: &Sealer) -> Result<Vec<String>> {
    Ok(strange(sealer, &store.canaries().await?))
}

/// The same, after each of the keys of these ids that has no canary has got one.
///
/// # Errors
/// The store's, or there is no randomness.
pub async fn keep<'a>(
    store: &dyn Store,
    sealer: &Sealer,
    random: &dyn Random,
    ids: impl Iterator<Item = &'a str>,
) -> Result<Vec<String>> {
    let canaries = store.canaries().await?;
    let strange = strange(sealer, &canaries);
    if !strange.is_empty() {
        // The rest of such a list may be as wrong, and a canary stays.
        return Ok(strange);
    }
    let mut added = false;
    for id in ids.filter(|id| canaries.iter().all(|canary| canary.sealing_key != *id)) {
        let nonce = random::bytes(random).map_err(|error| StoreError::Failed(error.into()))?;
        if let Some(canary) = sealer.canary(id, nonce) {
            store.add_canary(&canary).await?;
            added = true;
        }
    }
    // Somebody with another key under that id may have been first.
    if added { strangers(store, sealer).await } else { Ok(strange) }
}

fn strange(sealer: &Sealer, canaries: &[Sealed]) -> Vec<String> {
    let configured =
        canaries.iter().filter(|canary| sealer.ids().any(|id| id == canary.sealing_key));
    let closed = configured.filter(|canary| sealer.open_canary(canary).is_err());
    closed.map(|canary| canary.sealing_key.clone()).collect()
}
