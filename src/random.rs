//! Randomness, as the service draws it.
//!
//! Keys, nonces, session ids and tokens come from the [`Random`] of the [`App`](crate::app::App):
//! the operating system's source in the service, a seeded one in tests whose replies are compared
//! byte for byte.

use std::sync::{Mutex, PoisonError};

use ring::rand::{SecureRandom, SystemRandom};

use crate::clock::Timestamp;

/// A source of random bytes fit for keys.
pub trait Random: Send + Sync + 'static {
    /// Fills `bytes`.
    ///
    /// # Errors
    /// [`Exhausted`] when the source failed; nothing may then be made of `bytes`.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Exhausted>;

    /// Fills `bytes` that are no secret, such as those of an id: as random, but a source may draw them
    /// before they are asked for, many at once.
    ///
    /// # Errors
    /// As [`Random::fill`].
    fn fill_id(&self, bytes: &mut [u8]) -> Result<(), Exhausted> {
        self.fill(bytes)
    }
}

/// The random source failed. What the system said about it is not known to us.
#[derive(Debug, thiserror::Error)]
#[error("the system's random source failed")]
pub struct Exhausted;

/// How many bytes for ids are drawn at once: each draw is a call of the system, and a request needs
/// two ids.
const STOCK: usize = 2048;

/// The operating system's random source (RFC 4226 R6: the seed of a key is not guessable). Secrets
/// are drawn when they are needed and are in no buffer; ids come out of a stock, each byte once.
#[derive(Debug)]
pub struct SystemSource {
    system: SystemRandom,
    stock: Mutex<Stock>,
}

struct Stock {
    bytes: [u8; STOCK],
    used: usize,
}

impl Default for SystemSource {
    fn default() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
        let system = SystemRandom::new();
        Self { system, stock: Mutex::new(Stock { bytes: [0; STOCK], used: STOCK }) }
    }
}

impl Random for SystemSource {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Exhausted> {
        self.system.fill(bytes).map_err(|_| Exhausted)
    }

    fn fill_id(&self, bytes: &mut [u8]) -> Result<(), Exhausted> {
        if bytes.len() > STOCK {
            return self.fill(bytes);
        }
        let mut stock = self.stock.lock().unwrap_or_else(PoisonError::into_inner);
        if stock.used + bytes.len() > STOCK {
            // Only what was filled is used: should the system fail, the next one asks again.
            stock.used = STOCK;
            self.fill(&mut stock.bytes)?;
            stock.used = 0;
        }
        let (from, to) = (stock.used, stock.used + bytes.len());
        bytes.copy_from_slice(&stock.bytes[from..to]);
        stock.used = to;
        Ok(())
    }
}

impl std::fmt::Debug for Stock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stock").field("used", &self.used).finish_non_exhaustive()
    }
}

/// `N` random bytes.
///
/// # Errors
/// [`Exhausted`] when the source failed.
pub fn bytes<const N: usize>(random: &dyn Random) -> Result<[u8; N], Exhausted> {
    let mut bytes = [0; N];
    random.fill(&mut bytes)?;
    Ok(bytes)
}

/// 128 random bits in lower-case hexadecimal: ids of rows and of requests.
///
/// # Errors
/// [`Exhausted`] when the source failed.
pub fn id(random: &dyn Random) -> Result<String, Exhausted> {
    let mut id = [0; 16];
    random.fill_id(&mut id)?;
    Ok(data_encoding::HEXLOWER.encode(&id))
}

/// The same with the time in front, its milliseconds in 48 bits and 80 bits random: ids of rows that are only
/// ever added. Their index then grows at its end, where a random place would be a page of its own each time.
///
/// # Errors
/// [`Exhausted`] when the source failed.
pub fn id_at(now: Timestamp, random: &dyn Random) -> Result<String, Exhausted> {
    let mut id = [0; 16];
    random.fill_id(&mut id)?;
    id[..6].copy_from_slice(&now.as_millis().to_be_bytes()[2..]);
    Ok(data_encoding::HEXLOWER.encode(&id))
}

/// 160 random bits in the alphabet that cookies and headers carry unescaped: session ids, tokens.
///
/// # Errors
/// [`Exhausted`] when the source failed.
pub fn token(random: &dyn Random) -> Result<zeroize::Zeroizing<String>, Exhausted> {
    let bytes = zeroize::Zeroizing::new(bytes::<20>(random)?);
    Ok(zeroize::Zeroizing::new(data_encoding::BASE64URL_NOPAD.encode(&*bytes)))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_with_a_time_sort_by_it() {
        let random = SystemSource::default();
        let at = |millis| id_at(Timestamp::from_millis(millis), &random).unwrap();
        let ids = [at(0), at(1), at(255), at(256), at(1_795_000_000_000), at(1_795_000_000_001)];
        assert!(ids.is_sorted() && ids.iter().all(|id| id.len() == 32), "{ids:?}");
        assert_ne!(at(1), at(1));
    }

    #[test]
    fn ids_out_of_the_stock_repeat_nothing_whatever_their_length() {
        let source = SystemSource::default();
        let mut seen = HashSet::new();
        for length in (16..=64).cycle().take(10_000) {
            let mut id = vec![0; length];
            source.fill_id(&mut id).unwrap();
            assert!(id[length - 8..].iter().any(|byte| *byte != 0), "not filled to its end");
            // What two of them have in common would show in their first bytes.
            assert!(seen.insert(id[..16].to_vec()), "bytes came twice");
        }
        let mut long = vec![0; 2 * STOCK];
        source.fill_id(&mut long).unwrap();
        assert!(long.chunks(16).all(|part| seen.insert(part.to_vec())));
    }

    #[test]
    fn the_systems_source_repeats_nothing_and_prefers_no_byte() {
        const KEYS: u32 = 100_000;
        let source = SystemSource::default();
        let (mut seen, mut counts) = (HashSet::new(), [0_u32; 256]);
        for _ in 0..KEYS {
            let key = bytes::<20>(&source).unwrap();
            for byte in key {
                counts[usize::from(byte)] += 1;
            }
            assert!(seen.insert(key), "a key came twice");
        }
        // Pearson's chi-squared with 255 degrees of freedom: 255 on average, with a deviation of 23.
        let expected = f64::from(KEYS * 20) / 256.0;
        let chi: f64 = counts.iter().map(|n| (f64::from(*n) - expected).powi(2) / expected).sum();
        assert!((75.0..450.0).contains(&chi), "{chi}");
    }
}
