//! Passwords: Argon2id with OWASP's parameters (19 MiB, two passes, one lane), off the threads that
//! serve requests, a bounded number at a time.
//!
//! Hashes of ASP.NET Core Identity are verified too, and replaced by Argon2id at once.
//!
//! Checking the password of a user that does not exist takes as long as checking a wrong one: the
//! work is done against a hash that nobody has the password of.
//!
//! Those who wait have places, of which there are so many, and for each site a part (places.rs).
//!
//! A client that sends its password with each request would have each of them wait for that work. So
//! for `REMEMBERED` a password that was right is known again by a keyed hash of it and of the
//! user's stored hash; the user is looked up all the same, so a changed password or a disabled user
//! is not let in by it. The key is drawn at the start, and is nowhere but in this process.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use ring::hmac;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use zeroize::Zeroizing;

use super::identity::IdentityHash;
use super::mac;
use super::network::Network;
use super::places::Places;
use crate::cache::Cache;
use crate::error::Error;
use crate::random::{self, Random};
use crate::store::{Store, User};

/// The longest password, in bytes: hashing takes no longer for a long one, but reading it does.
pub const PASSWORD_MAX: usize = 1024;

/// How many checks may wait or be under way: some seconds of work on a machine with two cores.
const PLACES: usize = 256;
/// How many of them for one site: so many that those behind one address have enough, and that whoever
/// takes all of these keeps the others waiting for half a second.
const PLACES_OF_ONE: usize = PLACES / 4;

/// How long a password that was right is known again.
const REMEMBERED: Duration = Duration::from_secs(10);
/// The most of them.
const REMEMBERED_MOST: usize = 1024;

/// Checks passwords.
pub struct Passwords {
    /// Hashing takes a core for some 16 ms, so there is no use in more than cores at once.
    at_once: Arc<Semaphore>,
    places: Places,
    /// By the keyed hash of stored hash and password.
    right: Cache<Vec<u8>, ()>,
    /// Nothing where there was no randomness for it: then none is known again.
    key: Option<hmac::Key>,
}

/// What the password of somebody who is not there is checked against. A constant, so that the first
/// such check takes no longer than the others; whether it fits is not looked at.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA\
    $+DMg0Hsxx2CZGOKL/waFFg82zXwGXdCIU5N1SN6XKPQ";

/// Hashing failed: the parameters or the random source are broken.
#[derive(Debug, thiserror::Error)]
#[error("a password could not be hashed: {0}")]
pub struct HashError(String);

impl Passwords {
    /// Knows none yet.
    #[must_use]
    pub fn new(random: &dyn Random) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let key = random::bytes::<32>(random).ok().map(Zeroizing::new);
        Self {
            at_once: Arc::new(Semaphore::new(cores)),
            places: Places::new(PLACES, PLACES_OF_ONE),
            right: Cache::lasting(REMEMBERED_MOST, REMEMBERED),
            key: key.map(|key| hmac::Key::new(hmac::HMAC_SHA256, &*key)),
        }
    }

    /// Whether this was the user's right password a short while ago, and is known again without work.
    #[must_use]
    pub fn remembers(&self, user: &User, password: &str) -> bool {
        user.disabled_at.is_none()
            && self.key.as_ref().is_some_and(|key| {
                let proof = proof(key, &user.password_hash, password);
                self.right.get_or_find(&*proof, || None).is_some()
            })
    }

    /// The user, where there is one that is enabled and whose password this is.
    ///
    /// # Errors
    /// The store's, or [`Error::full`] when too many wait, of all or of those at the address' site. Whose
    /// password is remembered need not.
    pub async fn check(
        &self,
        store: &dyn Store,
        random: &dyn Random,
        user: Option<Arc<User>>,
        password: &str,
        address: Option<IpAddr>,
    ) -> Result<Option<Arc<User>>, Error> {
        let Some(user) = user.filter(|user| user.disabled_at.is_none()) else {
            self.fits(NOBODYS, password, None, address).await?;
            return Ok(None);
        };
        let outdated = IdentityHash::parse(&user.password_hash).is_some();
        let salt = outdated.then(|| random::bytes::<SALT_LEN>(random)).transpose()?;
        let mut better = None;
        let check = async {
            let fit = self.fits(&user.password_hash, password, salt, address).await?;
            Ok::<_, Error>(fit.map(|found| better = found))
        };
        let fits = match &self.key {
            // An outdated hash is checked and replaced each time, until it is.
            Some(key) if !outdated => {
                let proof = proof(key, &user.password_hash, password);
                self.right.get_or_load(&*proof, |()| true, || check).await?
            }
            _ => check.await?,
        };
        if fits.is_none() {
            return Ok(None);
        }
        let Some(better) = better else { return Ok(Some(user)) };
        if store.upgrade_password(&user.id, &user.password_hash, &better).await? {
            let user = User { password_hash: better, ..User::clone(&user) };
            return Ok(Some(Arc::new(user)));
        }
        // There is another hash by now: of this password, by another request at the same time, or of
        // a new one. What was known of the user was forgotten with the attempt to change it.
        let known = store.user_named(&user.name).await?;
        let Some(user) = known.filter(|known| known.id == user.id && known.disabled_at.is_none())
        else {
            return Ok(None);
        };
        Ok(self.fits(&user.password_hash, password, None, address).await?.map(|_| user))
    }

    /// Whether a password has that hash, and with a salt also the hash that it is to have.
    async fn fits(
        &self,
        hash: &str,
        password: &str,
        salt: Option<[u8; SALT_LEN]>,
        address: Option<IpAddr>,
    ) -> Result<Option<Option<String>>, Error> {
        let _place = self.places.take(Network::of(address).site()).ok_or_else(Error::full)?;
        let permit = self.at_once.clone().acquire_owned().await.map_err(Error::internal)?;
        let (hash, password) = (hash.to_owned(), Zeroizing::new(password.to_owned()));
        let checked = spawn_blocking(move || {
            let _permit = permit;
            fits(&hash, &password).then(|| salt.map(|salt| hash_with(&password, &salt)).transpose())
        });
        checked.await.map_err(Error::internal)?.transpose().map_err(Error::internal)
    }
}

/// What a right password is known again by.
fn proof(key: &hmac::Key, hash: &str, password: &str) -> Vec<u8> {
    mac::of_two(key, hash, password).as_ref().to_vec()
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

    #[tokio::test]
    async fn an_outdated_hash_that_was_replaced_meanwhile_lets_nobody_in_by_itself() {
        let random = random::SystemSource::default();
        let store = crate::store::open("sqlite::memory:").await.unwrap();
        store.migrate().await.unwrap();
        let old =
            "AQAAAAEAACcQAAAAEAABAgMEBQYHCAkKCwwNDg81YRb7TglnW1NHtnaMCDt7+bsKaJXrSD9w+9U1lZJM4g==";
        let user = crate::store::NewUser {
            id: "u1".into(),
            name: "alice".into(),
            email: "alice@example.com".into(),
            password_hash: old.into(),
        };
        let now = crate::clock::Timestamp::from_millis(0);
        store.add_user(&user, &[], now).await.unwrap();
        let read_before = store.user_named("alice").await.unwrap();
        let passwords = Passwords::new(&random);
        let check = async || {
            let user = read_before.clone();
            passwords.check(&*store, &random, user, "p@ss:wörd", None).await.ok().unwrap()
        };
        let first = check().await.unwrap();
        assert!(first.password_hash.starts_with("$argon2id$"));
        // Another request that had read the user at the same time.
        assert_eq!(check().await.unwrap().password_hash, first.password_hash);
        store.set_password("u1", &hash("other", &random).unwrap()).await.unwrap();
        assert!(check().await.is_none());
        store.set_password("u1", &first.password_hash).await.unwrap();
        store.disable_user("u1", now).await.unwrap();
        assert!(check().await.is_none());
    }

    #[tokio::test]
    async fn a_right_password_is_known_again_until_it_is_changed_or_its_user_disabled() {
        let random = random::SystemSource::default();
        let store = crate::store::open("sqlite::memory:").await.unwrap();
        store.migrate().await.unwrap();
        let (id, now) = ("u1".to_owned(), crate::clock::Timestamp::from_millis(0));
        let user = crate::store::NewUser {
            id,
            name: "alice".into(),
            email: "alice@example.com".into(),
            password_hash: hash("right", &random).unwrap(),
        };
        store.add_user(&user, &[], now).await.unwrap();
        let passwords = Passwords::new(&random);
        let check = async |password: &str| {
            let alice = store.user_named("alice").await.unwrap();
            let checked = passwords.check(&*store, &random, alice, password, None).await;
            checked.ok().map(|user| user.is_some())
        };
        assert_eq!(check("wrong").await, Some(false));
        assert_eq!(check("right").await, Some(true));
        // From here on none can be hashed.
        passwords.at_once.close();
        assert_eq!(check("right").await, Some(true));
        assert_eq!((check("wrong").await, check("righ").await), (None, None));
        store.set_password("u1", &hash("other", &random).unwrap()).await.unwrap();
        assert_eq!(check("right").await, None);
        store.set_password("u1", &user.password_hash).await.unwrap();
        assert_eq!(check("right").await, Some(true));
        store.disable_user("u1", now).await.unwrap();
        assert_eq!(check("right").await, None);
    }
}
