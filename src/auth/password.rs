//! Passwords: Argon2id with OWASP's parameters (19 MiB, two passes, one lane), off the threads that
//! serve requests, a bounded number at a time.
//!
//! Hashes of ASP.NET Core Identity are verified too, and replaced by Argon2id at once.
//!
//! Checking the password of a user that does not exist takes as long as checking a wrong one: the
//! work is done against a hash that nobody has the password of.

use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use zeroize::Zeroizing;

use super::identity::IdentityHash;
use crate::error::Error;
use crate::random::{self, Random};
use crate::store::{Store, User};

/// The longest password, in bytes: hashing takes no longer for a long one, but reading it does.
pub const PASSWORD_MAX: usize = 1024;

/// How many checks may wait for one that is under way.
const WAITING: usize = 64;

/// Checks passwords.
pub struct Passwords {
    /// Hashing takes a core for some 16 ms, so there is no use in more than cores at once.
    at_once: Arc<Semaphore>,
    waiting: Semaphore,
}

/// What the password of somebody who is not there is checked against. A constant, so that the first
/// such check takes no longer than the others; whether it fits is not looked at.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA\
    $+DMg0Hsxx2CZGOKL/waFFg82zXwGXdCIU5N1SN6XKPQ";

/// Hashing failed: the parameters or the random source are broken.
#[derive(Debug, thiserror::Error)]
#[error("a password could not be hashed: {0}")]
pub struct HashError(String);

impl Default for Passwords {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { at_once: Arc::new(Semaphore::new(cores)), waiting: Semaphore::new(WAITING + cores) }
    }
}

impl Passwords {
    /// The enabled user of that name or address whose password this is.
    ///
    /// # Errors
    /// The store's, or [`Error::unavailable`] when too many checks are waiting.
    pub async fn check(
        &self,
        store: &dyn Store,
        random: &dyn Random,
        name: &str,
        password: &str,
    ) -> Result<Option<User>, Error> {
        let user = store.user_named(name).await?.filter(|user| user.disabled_at.is_none());
        let hash = user.as_ref().map_or(NOBODYS, |user| &user.password_hash).to_owned();
        if password.len() > PASSWORD_MAX {
            return Ok(None);
        }
        let _place = self
            .waiting
            .try_acquire()
            .map_err(|_| Error::unavailable("too many passwords are waiting to be checked"))?;
        let permit = self.at_once.clone().acquire_owned().await.map_err(Error::internal)?;
        let password = Zeroizing::new(password.to_owned());
        let outdated = IdentityHash::parse(&hash).is_some();
        let salt = outdated.then(|| random::bytes::<SALT_LEN>(random)).transpose()?;
        let (fits, better) = spawn_blocking(move || {
            let _permit = permit;
            let fits = fits(&hash, &password);
            let better = salt.filter(|_| fits).map(|salt| hash_with(&password, &salt));
            (fits, better.transpose())
        })
        .await
        .map_err(Error::internal)?;
        let Some(mut user) = user.filter(|_| fits) else { return Ok(None) };
        if let Some(better) = better.map_err(Error::internal)?
            && store.upgrade_password(&user.id, &user.password_hash, &better).await?
        {
            user.password_hash = better;
        }
        Ok(Some(user))
    }
}

/// The salt's length in bytes (RFC 9106 section 3.1 recommends 16).
const SALT_LEN: usize = 16;

/// The hash of a password in the PHC string format.
///
/// # Errors
/// [`HashError`], which holds nothing of the password.
pub fn hash(password: &str, random: &dyn Random) -> Result<String, HashError> {
    let salt = random::bytes::<SALT_LEN>(random).map_err(|error| HashError(error.to_string()))?;
    hash_with(password, &salt)
}

fn hash_with(password: &str, salt: &[u8]) -> Result<String, HashError> {
    let hash: PasswordHash = Argon2::default()
        .hash_password_with_salt(password.as_bytes(), salt)
        .map_err(|error| HashError(error.to_string()))?;
    Ok(hash.to_string())
}

fn fits(hash: &str, password: &str) -> bool {
    if let Some(hash) = IdentityHash::parse(hash) {
        return hash.fits(password);
    }
    PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemSource;

    #[test]
    fn a_hash_fits_its_password_and_no_other() {
        let hash = hash("p@ss:wörd", &SystemSource::default()).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(fits(&hash, "p@ss:wörd"));
        assert!(!fits(&hash, "p@ss:word"));
        assert!(!fits("not a hash", ""));
    }

    #[test]
    fn nobodys_password_takes_the_work_of_somebodys() {
        assert_eq!(hash_with("", &[0; SALT_LEN]).unwrap(), NOBODYS);
    }

    #[test]
    fn hashes_of_asp_net_core_identity_fit_their_passwords() {
        // PBKDF2 by Python's hashlib, with HMAC-SHA1, SHA-256 and SHA-512.
        for hash in [
            "AQAAAAAAAAPoAAAAEAABAgMEBQYHCAkKCwwNDg9wbUESCBgd8hZMzQuuteaUN0yAgrLOMzifB5CYXGR2Cw==",
            "AQAAAAEAACcQAAAAEAABAgMEBQYHCAkKCwwNDg81YRb7TglnW1NHtnaMCDt7+bsKaJXrSD9w+9U1lZJM4g==",
            "AQAAAAIAAAPoAAAAEAABAgMEBQYHCAkKCwwNDg8R2RRWZbLGerP9N6Q8+xzWPBsQO7fuqn+0UT4nhqxBXw==",
        ] {
            assert!(fits(hash, "p@ss:wörd"), "{hash}");
            assert!(!fits(hash, "p@ss:word"), "{hash}");
        }
        let endless =
            "AQAAAALuaygAAAAAEAABAgMEBQYHCAkKCwwNDg+CdpbmtawA/50jPMVQO9ZfzS24X+u04oKLPQ2GbVJR8g==";
        assert!(!fits(endless, "p@ss:wörd"));
    }
}
