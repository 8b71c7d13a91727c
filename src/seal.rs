//! Sealing: how the secrets of two-factor keys rest in the database.
//!
//! AES-256-GCM under one of several sealing keys. The first one configured seals, all of
//! them open; the id of the one that sealed stands beside each row, so that rows can be moved to a
//! new one while the service runs. The additional data binds a ciphertext to its place (version,
//! organisation, user, key id): copied to another row it does not open (SECURITY.md, R21–R23).

use std::sync::Arc;

use data_encoding::{BASE64, HEXLOWER};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use zeroize::Zeroizing;

use crate::two_factor::{SECRET_LEN, Secret};

/// The version of the layout of sealed secrets, the first byte of the additional data.
const VERSION: u8 = 1;

/// The length of a sealing key in bytes.
pub const KEY_LEN: usize = 32;

/// The text of a canary; not a secret.
const CANARY: &[u8; SECRET_LEN] = b"foundry-api canary 1";
/// Where canaries belong: no organisation and no user have an empty id.
const CANARY_PLACE: Place<'_> = Place { organisation: "", user: "", key: "canary" };

/// The sealing keys, in the order of the configuration.
#[derive(Clone)]
pub struct Sealer(Arc<Vec<SealingKey>>);

struct SealingKey {
    id: String,
    aead: LessSafeKey,
    fingerprint: hmac::Key,
}

/// Where a secret belongs. It opens nowhere else.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The organisation's id.
    pub organisation: &'a str,
    /// The user's id.
    pub user: &'a str,
    /// The id of the two-factor key.
    pub key: &'a str,
}

/// A sealed secret, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The id of the sealing key.
    pub sealing_key: String,
    /// The nonce, then the ciphertext and its tag.
    pub bytes: Vec<u8>,
}

/// Why a sealed secret did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The key that sealed it is not configured.
    #[error("the sealing key '{0}' is not configured")]
    MissingKey(String),
    /// It was changed, or it belongs to another row.
    #[error("a sealed secret does not belong to its row, or was changed")]
    Foreign,
}

/// Why a list of sealing keys was not taken. Never holds a part of a key.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// There is none.
    #[error("no sealing key is given")]
    Empty,
    /// An entry is not `id:key`.
    #[error("entry {0} is not id:base64-of-32-bytes, with an id of 1 to 64 of A-Z a-z 0-9 - _ .")]
    Malformed(usize),
    /// Two entries have one id.
    #[error("the id '{0}' is given twice")]
    Twice(String),
}

impl Sealer {
    /// Reads `id:base64-of-32-bytes,…`; the first key seals.
    ///
    /// # Errors
    /// [`ConfigError`] names the entry by its position, never by its content.
    pub fn parse(list: &str) -> Result<Self, ConfigError> {
        let mut keys: Vec<SealingKey> = Vec::new();
        for (position, entry) in list.split(',').map(str::trim).enumerate() {
            if entry.is_empty() {
                continue;
            }
            let malformed = || ConfigError::Malformed(position + 1);
            let (id, encoded) = entry.split_once(':').ok_or_else(malformed)?;
            let bytes = Zeroizing::new(BASE64.decode(encoded.as_bytes()).map_err(|_| malformed())?);
            if !is_id(id) || bytes.len() != KEY_LEN {
                return Err(malformed());
            }
            if keys.iter().any(|key| key.id == id) {
                return Err(ConfigError::Twice(id.to_owned()));
            }
            keys.push(SealingKey::new(id, &bytes).ok_or_else(malformed)?);
        }
        if keys.is_empty() { Err(ConfigError::Empty) } else { Ok(Self(Arc::new(keys))) }
    }

    /// The ids of the configured keys; the first one seals.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|key| key.id.as_str())
    }

    /// Seals `secret` for its place, under the first key. The caller draws the nonce together with
    /// the secret, in one call to the random source; it must never be used again.
    ///
    /// # Panics
    /// Never: a secret is far below the limit of AES-GCM.
    #[must_use]
    pub fn seal(&self, secret: &Secret, nonce: [u8; NONCE_LEN], place: Place<'_>) -> Sealed {
        self.0[0].seal(secret, nonce, place)
    }

    /// A text that everyone knows, sealed under the key of that id, if it is configured. Kept when a
    /// key is first used, it later tells whether what is configured under the id is still that key.
    #[must_use]
    pub fn canary(&self, id: &str, nonce: [u8; NONCE_LEN]) -> Option<Sealed> {
        let key = self.0.iter().find(|key| key.id == id)?;
        Some(key.seal(&Secret::from_bytes(*CANARY), nonce, CANARY_PLACE))
    }

    /// Whether a canary opens.
    ///
    /// # Errors
    /// [`OpenError`] when it does not.
    pub fn open_canary(&self, sealed: &Sealed) -> Result<(), OpenError> {
        let opened = self.open(sealed, CANARY_PLACE)?;
        if opened.as_bytes() == CANARY { Ok(()) } else { Err(OpenError::Foreign) }
    }

    /// Opens a sealed secret in its place.
    ///
    /// # Errors
    /// [`OpenError`], which holds nothing of the secret.
    pub fn open(&self, sealed: &Sealed, place: Place<'_>) -> Result<Secret, OpenError> {
        let key = self
            .0
            .iter()
            .find(|key| key.id == sealed.sealing_key)
            .ok_or_else(|| OpenError::MissingKey(sealed.sealing_key.clone()))?;
        let (nonce, ciphertext) =
            sealed.bytes.split_at_checked(NONCE_LEN).ok_or(OpenError::Foreign)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| OpenError::Foreign)?;
        let mut bytes = Zeroizing::new(ciphertext.to_vec());
        let opened = key
            .aead
            .open_in_place(nonce, place.additional_data(), &mut bytes)
            .map_err(|_| OpenError::Foreign)?;
        let secret = <[u8; SECRET_LEN]>::try_from(&*opened).map_err(|_| OpenError::Foreign)?;
        Ok(Secret::from_bytes(secret))
    }

    /// A keyed hash of the secret, 48 bits in hexadecimal: lets support tell which QR code was
    /// scanned without seeing it. Stored beside the key when it is made, so that it stays the same
    /// when the row moves to another sealing key.
    #[must_use]
    pub fn fingerprint(&self, secret: &Secret) -> String {
        let tag = hmac::sign(&self.0[0].fingerprint, secret.as_bytes());
        HEXLOWER.encode(&tag.as_ref()[..6])
    }
}

impl SealingKey {
    fn new(id: &str, bytes: &[u8]) -> Option<Self> {
        let aead = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, bytes).ok()?);
        // A key of its own for fingerprints: HMAC as a key derivation function (RFC 5869's extract).
        let root = hmac::Key::new(hmac::HMAC_SHA256, bytes);
        let derived = hmac::sign(&root, b"foundry-api key fingerprint");
        let fingerprint = hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref());
        Some(Self { id: id.to_owned(), aead, fingerprint })
    }

    fn seal(&self, secret: &Secret, nonce: [u8; NONCE_LEN], place: Place<'_>) -> Sealed {
        let mut bytes = Vec::with_capacity(NONCE_LEN + SECRET_LEN + AES_256_GCM.tag_len());
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(secret.as_bytes());
        let tag = self
            .aead
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                place.additional_data(),
                &mut bytes[NONCE_LEN..],
            )
            .expect("twenty bytes are far below the limit of AES-GCM");
        bytes.extend_from_slice(tag.as_ref());
        Sealed { sealing_key: self.id.clone(), bytes }
    }
}

impl Place<'_> {
    /// Each part is preceded by its length, so that no two places have the same bytes.
    fn additional_data(self) -> Aad<Vec<u8>> {
        let parts = [self.organisation, self.user, self.key];
        let length: usize = parts.iter().map(|part| size_of::<u32>() + part.len()).sum();
        let mut data = Vec::with_capacity(1 + length);
        data.push(VERSION);
        for part in parts {
            data.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            data.extend_from_slice(part.as_bytes());
        }
        Aad::from(data)
    }
}

fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'_> = Place { organisation: "org1", user: "u1", key: "k1" };

    fn keys(ids: &[(&str, u8)]) -> Sealer {
        let list: Vec<String> =
            ids.iter().map(|(id, fill)| format!("{id}:{}", BASE64.encode(&[*fill; 32]))).collect();
        Sealer::parse(&list.join(",")).unwrap()
    }

    fn secret() -> Secret {
        Secret::from_bytes(*b"12345678901234567890")
    }

    #[test]
    fn what_is_sealed_opens_in_its_place_and_nowhere_else() {
        let sealer = keys(&[("a", 1)]);
        let sealed = sealer.seal(&secret(), [7; NONCE_LEN], PLACE);
        assert!(sealer.open(&sealed, PLACE).unwrap().as_bytes() == secret().as_bytes());
        for place in [
            Place { organisation: "org2", ..PLACE },
            Place { user: "u2", ..PLACE },
            Place { key: "k2", ..PLACE },
            Place { organisation: "org1u", user: "1", ..PLACE },
        ] {
            assert!(matches!(sealer.open(&sealed, place), Err(OpenError::Foreign)), "{place:?}");
        }
    }

    #[test]
    fn a_changed_byte_is_noticed() {
        let sealer = keys(&[("a", 1)]);
        let sealed = sealer.seal(&secret(), [7; NONCE_LEN], PLACE);
        for at in 0..sealed.bytes.len() {
            let mut changed = sealed.clone();
            changed.bytes[at] ^= 1;
            assert!(matches!(sealer.open(&changed, PLACE), Err(OpenError::Foreign)), "byte {at}");
        }
        let cut = Sealed { bytes: sealed.bytes[..5].to_vec(), ..sealed };
        assert!(matches!(sealer.open(&cut, PLACE), Err(OpenError::Foreign)));
    }

    #[test]
    fn the_first_key_seals_and_all_of_them_open() {
        let old = keys(&[("a", 1)]).seal(&secret(), [7; NONCE_LEN], PLACE);
        let both = keys(&[("b", 2), ("a", 1)]);
        assert!(both.open(&old, PLACE).is_ok());
        assert_eq!(both.seal(&secret(), [8; NONCE_LEN], PLACE).sealing_key, "b");
        let error = keys(&[("b", 2)]).open(&old, PLACE).err().unwrap();
        assert_eq!(error.to_string(), "the sealing key 'a' is not configured");
    }

    #[test]
    fn a_canary_tells_a_key_from_another_under_its_id() {
        let both = keys(&[("b", 2), ("a", 1)]);
        let canary = both.canary("a", [7; NONCE_LEN]).unwrap();
        assert_eq!(canary.sealing_key, "a");
        assert!(both.open_canary(&canary).is_ok());
        assert!(keys(&[("a", 9)]).open_canary(&canary).is_err());
        assert!(both.open(&canary, PLACE).is_err());
        assert!(both.canary("c", [7; NONCE_LEN]).is_none());
    }

    #[test]
    fn a_bad_list_is_refused_without_telling_what_it_holds() {
        let good = BASE64.encode(&[1; 32]);
        for (list, message) in [
            (String::new(), "no sealing key is given"),
            (format!("a:{good},a:{good}"), "the id 'a' is given twice"),
            (format!("a:{good},b:c2hvcnQ="), "entry 2 is not"),
            (good.clone(), "entry 1 is not"),
            (format!("a b:{good}"), "entry 1 is not"),
        ] {
            let error = Sealer::parse(&list).err().unwrap().to_string();
            assert!(error.starts_with(message), "{error}");
            assert!(!error.contains(&good) && !error.contains("c2hvcnQ"), "{error}");
        }
    }
}
