//! Randomness, as the service draws it.
//!
//! Keys, nonces, session ids and tokens come from the [`Random`] of the [`App`](crate::app::App):
//! the operating system's source in the service, a seeded one in tests whose replies are compared
//! byte for byte.

use ring::rand::{SecureRandom, SystemRandom};

/// A source of random bytes fit for keys.
pub trait Random: Send + Sync + 'static {
    /// Fills `bytes`.
    ///
    /// # Errors
    /// [`Exhausted`] when the source failed; nothing may then be made of `bytes`.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Exhausted>;
}

/// The random source failed. What the system said about it is not known to us.
#[derive(Debug, thiserror::Error)]
#[error("the system's random source failed")]
pub struct Exhausted;

/// The operating system's random source (RFC 4226 R6: the seed of a key is not guessable).
#[derive(Debug)]
pub struct SystemSource(SystemRandom);

impl Default for SystemSource {
    fn default() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
        Self(SystemRandom::new())
    }
}

impl Random for SystemSource {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Exhausted> {
        self.0.fill(bytes).map_err(|_| Exhausted)
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
    Ok(data_encoding::HEXLOWER.encode(&bytes::<16>(random)?))
}

/// 160 random bits in the alphabet that cookies and headers carry unescaped: session ids, tokens.
///
/// # Errors
/// [`Exhausted`] when the source failed.
pub fn token(random: &dyn Random) -> Result<zeroize::Zeroizing<String>, Exhausted> {
    let bytes = zeroize::Zeroizing::new(bytes::<20>(random)?);
    Ok(zeroize::Zeroizing::new(data_encoding::BASE64URL_NOPAD.encode(&*bytes)))
}
