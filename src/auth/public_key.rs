//! The public key of an issuer elsewhere, out of a PEM file (RFC 7468): RSA of 2048 bits or more
//! for RS256, P-256 for ES256 (RFC 7518 sections 3.3 and 3.4). The kind of key decides the
//! algorithm; a token has no say in it.

use data_encoding::BASE64;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};

/// A public key and the algorithm it is for.
pub struct PublicKey {
    name: &'static str,
    key: UnparsedPublicKey<Vec<u8>>,
}

/// The file holds no key that can be used here.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a PEM file with an RSA or P-256 public key ('BEGIN PUBLIC KEY')")]
pub struct NotAKey;

/// The `AlgorithmIdentifier` of an RSA key (RFC 3279 section 2.3.1): its OID, and NULL.
const RSA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
/// That of a key on the curve P-256 (RFC 5480 section 2.1.1): two OIDs.
const P256: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
/// An uncompressed point of that curve, in bytes.
const POINT: usize = 65;
/// The least bytes of an RSA key of 2048 bits.
const RSA_MIN: usize = 256;

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;

impl PublicKey {
    /// Reads a `SubjectPublicKeyInfo` out of PEM.
    ///
    /// # Errors
    /// [`NotAKey`].
    pub fn from_pem(pem: &str) -> Result<Self, NotAKey> {
        let (_, rest) = pem.split_once("-----BEGIN PUBLIC KEY-----").ok_or(NotAKey)?;
        let (text, _) = rest.split_once("-----END PUBLIC KEY-----").ok_or(NotAKey)?;
        let text: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let der = BASE64.decode(&text).map_err(|_| NotAKey)?;
        Self::from_der(&der).ok_or(NotAKey)
    }

    fn from_der(der: &[u8]) -> Option<Self> {
        let (info, rest) = value(SEQUENCE, der)?;
        let (algorithm, key) = value(SEQUENCE, info)?;
        let (key, after) = value(BIT_STRING, key)?;
        // The first byte counts the bits that do not belong to it; a key has whole bytes.
        let (&0, key) = key.split_first()? else { return None };
        if !rest.is_empty() || !after.is_empty() {
            return None;
        }
        let (name, by): (_, &'static dyn VerificationAlgorithm) = match algorithm {
            RSA if key.len() > RSA_MIN => ("RS256", &RSA_PKCS1_2048_8192_SHA256),
            P256 if key.len() == POINT => ("ES256", &ECDSA_P256_SHA256_FIXED),
            _ => return None,
        };
        Some(Self { name, key: UnparsedPublicKey::new(by, key.to_vec()) })
    }

    /// The name of its algorithm, as `alg` spells it.
    #[must_use]
    pub fn algorithm(&self) -> &'static str {
        self.name
    }

    /// Whether the signature is one of this message by this key.
    #[must_use]
    pub fn fits(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verify(message, signature).is_ok()
    }
}

/// The contents of the DER value with that tag, and what follows it.
fn value(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&[found, first], rest) = der.split_first_chunk::<2>()?;
    if found != tag {
        return None;
    }
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 => rest.split_first().map(|(&length, rest)| (usize::from(length), rest))?,
        0x82 => rest
            .split_first_chunk::<2>()
            .map(|(&length, rest)| (usize::from(u16::from_be_bytes(length)), rest))?,
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_public_key_is_refused() {
        for pem in [
            "",
            "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----",
            "-----BEGIN PUBLIC KEY-----\nMAAwAA==\n-----END PUBLIC KEY-----",
            "-----BEGIN RSA PUBLIC KEY-----\nMAA=\n-----END RSA PUBLIC KEY-----",
        ] {
            assert_eq!(PublicKey::from_pem(pem).err(), Some(NotAKey), "{pem}");
        }
    }
}
