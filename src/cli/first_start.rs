//! What an embedded store begins with: its keys in files beside it, its tables, and the demonstration
//! user. Whoever starts first makes them, and whoever starts at the same time waits and finds them.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use zeroize::Zeroizing;

use super::{Failure, is_embedded, keys, private_folder, told};
use crate::auth::password::hash;
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Config, jwt_key};
use crate::random::{self, SystemSource};
use crate::seal::Sealer;
use crate::store::{NewUser, Organisation, Store};

/// The name of the user and organisation that an empty embedded store begins with.
pub(super) const DEMO: &str = "demo";

/// How long another process may take to begin.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often it is asked whether the other one has.
const PAUSE: Duration = Duration::from_millis(10);

/// The folder of an embedded store, held against other processes until this is dropped. Without it two
/// of them could each make a key and write it over the other's, which then is in use and nowhere kept.
pub(super) struct Alone(Option<File>);

impl Alone {
    /// Waits until no other process begins. A Postgres needs nobody to wait: nothing is made for it.
    ///
    /// # Errors
    /// When the folder cannot be made or written, or another process holds it for too long.
    pub(super) fn with(config: &Config) -> Result<Self, Failure> {
        if !is_embedded(config) {
            return Ok(Self(None));
        }
        let path = config.data.join("lock");
        let told = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        private_folder(&config.data).map_err(|error| told(&error))?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(&path).map_err(|error| told(&error))?;
        let until = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self(Some(file))),
                Err(TryLockError::WouldBlock) if Instant::now() < until => {
                    std::thread::sleep(PAUSE);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(told(&"another process has been starting for too long"));
                }
                Err(TryLockError::Error(error)) => return Err(told(&error)),
            }
        }
    }

    /// The configured sealing keys. On the embedded store, where none are configured, those of a file
    /// beside it, made on the first start.
    ///
    /// # Errors
    /// When there are none, or they are no keys.
    pub(super) fn sealer(&self, config: &Config) -> Result<Sealer, Failure> {
        if let Some(keys) = &config.sealing_keys {
            return Sealer::parse(keys).map_err(|error| format!("FOUNDRY_SEALING_KEYS: {error}"));
        }
        if self.0.is_none() {
            return Err(
                "FOUNDRY_SEALING_KEYS is not set; 'foundry-api keys generate' prints a key. \
                        Keep it: without it no stored secret opens"
                    .into(),
            );
        }
        let path = config.data.join("sealing.keys");
        let list = kept_secret(&path, keys::generate)?;
        Sealer::parse(list.trim()).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// On the embedded store, where no key for bearer tokens is configured, uses one of a file beside
    /// it. A Postgres is shared by instances that would each have made another one, so without
    /// `FOUNDRY_JWT_KEY` there are no bearer tokens of ours there.
    ///
    /// # Errors
    /// When the file cannot be read or written, or holds no key.
    pub(super) fn signing_key(&self, config: &mut Config) -> Result<(), Failure> {
        if config.jwt_key.is_some() || self.0.is_none() {
            return Ok(());
        }
        let path = config.data.join("signing.key");
        let text = kept_secret(&path, || {
            let random = SystemSource::default();
            let key = random::bytes::<32>(&random).map_err(|error| error.to_string())?;
            Ok(Zeroizing::new(BASE64.encode(&*Zeroizing::new(key))))
        })?;
        let key = jwt_key(&text).map_err(|_| format!("{}: not a signing key", path.display()))?;
        config.jwt_key = Some(key);
        Ok(())
    }

    /// On an embedded store without users, makes one and an organisation; gives the password, which is
    /// shown once.
    ///
    /// # Errors
    /// When the store fails, or there is no randomness.
    pub(super) async fn demonstration(
        &self,
        store: &dyn Store,
    ) -> Result<Option<Zeroizing<String>>, Failure> {
        if self.0.is_none() || !store.users().await.map_err(told)?.is_empty() {
            return Ok(None);
        }
        let random = SystemSource::default();
        let now = SystemClock.now();
        let organisation = Organisation { id: DEMO.into(), name: "Demo".into(), issuer: None };
        match store.add_organisation(&organisation, now).await {
            // A first start that was cut off may have left it.
            Ok(()) | Err(crate::store::StoreError::Conflict) => {}
            Err(error) => return Err(told(error)),
        }
        let password = random::token(&random).map_err(|error| error.to_string())?;
        let user = NewUser {
            id: random::id(&random).map_err(|error| error.to_string())?,
            name: DEMO.into(),
            email: "demo@example.com".into(),
            password_hash: hash(&password, &random).map_err(|error| error.to_string())?,
        };
        store.add_user(&user, &[DEMO.to_owned()], now).await.map_err(told)?;
        Ok(Some(password))
    }
}

/// The text of a file that only its owner may read; where there is none, a new one that `make` fills.
fn kept_secret(
    path: &Path,
    make: impl FnOnce() -> Result<Zeroizing<String>, Failure>,
) -> Result<Zeroizing<String>, Failure> {
    let told = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    match fs::read_to_string(path) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let text = make()?;
            write_secret(path, &text).map_err(|error| told(&error))?;
            Ok(text)
        }
        Err(error) => Err(told(&error)),
    }
}

/// Writes a file that only its owner may read, and that is whole or not there.
fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    let partial = path.with_extension("partial");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    fs::rename(&partial, path)?;
    // The name must survive, too: sealed rows are about to depend on it.
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
