//! Password hashes of ASP.NET Core Identity, version 3, as hosts that are being replaced have them:
//!
//! ```text
//! base64( 01 | PRF u32 | iterations u32 | salt length u32 | salt | PBKDF2 subkey )   big-endian
//! ```
//!
//! They are only verified, never made: the next successful sign-in replaces one by Argon2id.

use std::num::NonZeroU32;

use data_encoding::BASE64;
use ring::pbkdf2;

/// The most iterations that are worked through. Identity's own default is 100,000.
const ITERATIONS_MAX: u32 = 2_000_000;
/// Lengths of salt and subkey, in bytes; Identity takes none shorter and makes 16 and 32.
const LENGTHS: std::ops::RangeInclusive<usize> = 16..=64;

/// A hash of this form.
pub(super) struct IdentityHash {
    algorithm: pbkdf2::Algorithm,
    iterations: NonZeroU32,
    salt: Vec<u8>,
    subkey: Vec<u8>,
}

impl IdentityHash {
    /// Reads a hash, if it has this form and is within bounds.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64.decode(text.as_bytes()).ok()?;
        let (&1, rest) = bytes.split_first()? else { return None };
        let (algorithm, rest) = number(rest)?;
        let algorithm = match algorithm {
            0 => pbkdf2::PBKDF2_HMAC_SHA1,
            1 => pbkdf2::PBKDF2_HMAC_SHA256,
            2 => pbkdf2::PBKDF2_HMAC_SHA512,
            _ => return None,
        };
        let (iterations, rest) = number(rest)?;
        let iterations = NonZeroU32::new(iterations).filter(|n| n.get() <= ITERATIONS_MAX)?;
        let (length, rest) = number(rest)?;
        let (salt, subkey) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        let fits = LENGTHS.contains(&salt.len()) && LENGTHS.contains(&subkey.len());
        fits.then(|| Self { algorithm, iterations, salt: salt.into(), subkey: subkey.into() })
    }

    /// Whether it is that of the password; in constant time.
    pub(super) fn fits(&self, password: &str) -> bool {
        let password = password.as_bytes();
        pbkdf2::verify(self.algorithm, self.iterations, &self.salt, password, &self.subkey).is_ok()
    }
}

fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*number), rest))
}
