//! `foundry-api serve`.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use actix_web::web;
use data_encoding::BASE64;
use zeroize::Zeroizing;

use super::{Failure, is_embedded, keys, open, private_folder, told};
use crate::app::App;
use crate::auth::password::hash;
use crate::auth::public_key::PublicKey;
use crate::background;
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Config, jwt_key};
use crate::http;
use crate::random::{self, SystemSource};
use crate::seal::Sealer;
use crate::store::{NewUser, Organisation, Store};
use crate::telemetry;
use crate::telemetry::spans::Spans;

/// The name of the user and organisation that an empty embedded store begins with.
const DEMO: &str = "demo";

/// How long the store has to close. Everybody has been answered by then; a database that has vanished
/// is not waited for.
const CLOSE_WITHIN: Duration = Duration::from_secs(10);

pub(super) async fn serve(mut config: Config) -> Result<(), Failure> {
    telemetry::start();
    signing_key(&mut config)?;
    let public_key = public_key(&config)?;
    let sealer = sealer(&config)?;
    let store = open(&config, true).await?;
    let mut demo = None;
    if is_embedded(&config) {
        store.migrate().await.map_err(told)?;
        demo = demonstration(&*store).await?;
    }
    let mut app = App::standard(config, store.clone(), sealer);
    // Systems hand out few for the sake of old programs, and more to those that ask.
    let files = rlimit::increase_nofile_limit(u64::MAX)
        .map_err(|error| format!("the limit of open files cannot be read: {error}"))?;
    app.bounds = app.bounds.within_files(files);
    if let Some(key) = public_key {
        app.jwt = app.jwt.with_public_key(key);
    }
    app.spans = Spans::from_env()?;
    let app = web::Data::new(app);
    let sweeping = background::Sweeper::start(app.clone()).map_err(|error| error.to_string())?;
    let server = http::bind(app.clone())
        .map_err(|error| format!("{} cannot be bound: {error}", app.config.listen))?;
    let address = server.address();
    tracing::info!(%address, "listening on http://{address}");
    println!("Listening on http://{address}");
    if let Some(password) = demo {
        println!(
            "\nThe store was empty: made organisation '{DEMO}' and user '{DEMO}'. Ask for a key:\n"
        );
        println!(
            "curl -X PUT -u '{DEMO}:{}' -H 'Accept: text/jsv' http://{address}/users/2fa/generate-key",
            *password
        );
    }
    if let Some(address) = app.config.admin_listen {
        let admin = http::admin::bind(app.clone(), address)
            .map_err(|error| format!("{address} cannot be bound: {error}"))?;
        tracing::info!(address = %admin.address(), "metrics on http://{}/metrics", admin.address());
        actix_web::rt::spawn(admin.run());
    }
    // Nobody may ask for a while, and what is not ready should be in the log from the start.
    let checked = app.clone();
    actix_web::rt::spawn(async move { http::health::ready(&checked).await });
    server.run().await.map_err(|error| error.to_string())?;
    sweeping.stop().await;
    if tokio::time::timeout(CLOSE_WITHIN, store.close()).await.is_err() {
        tracing::warn!("the store's connections did not close in time");
    }
    // It waits for its thread.
    let _ended = tokio::task::spawn_blocking(move || app.spans.stop()).await;
    tracing::info!("stopped");
    Ok(())
}

/// The configured sealing keys. On the embedded store, where none are configured, those of a file
/// beside it, made on the first start.
pub(super) fn sealer(config: &Config) -> Result<Sealer, Failure> {
    if let Some(keys) = &config.sealing_keys {
        return Sealer::parse(keys).map_err(|error| format!("FOUNDRY_SEALING_KEYS: {error}"));
    }
    if !is_embedded(config) {
        return Err("FOUNDRY_SEALING_KEYS is not set; 'foundry-api keys generate' prints a key. \
                    Keep it: without it no stored secret opens"
            .into());
    }
    let path = config.data.join("sealing.keys");
    let list = kept_secret(&path, keys::generate)?;
    Sealer::parse(list.trim()).map_err(|error| format!("{}: {error}", path.display()))
}

/// On the embedded store, where no key for bearer tokens is configured, uses one of a file beside
/// it. A Postgres is shared by instances that would each have made another one, so without
/// `FOUNDRY_JWT_KEY` there are no bearer tokens of ours there.
fn signing_key(config: &mut Config) -> Result<(), Failure> {
    if config.jwt_key.is_some() {
        return Ok(());
    }
    if !is_embedded(config) {
        tracing::warn!("FOUNDRY_JWT_KEY is not set: sign-ins give sessions, but no bearer tokens");
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

/// The configured key of an issuer elsewhere.
fn public_key(config: &Config) -> Result<Option<PublicKey>, Failure> {
    let Some(path) = &config.jwt_public_key else { return Ok(None) };
    let told = |error: &dyn std::fmt::Display| {
        format!("FOUNDRY_JWT_PUBLIC_KEY: {}: {error}", path.display())
    };
    let pem = fs::read_to_string(path).map_err(|error| told(&error))?;
    PublicKey::from_pem(&pem).map(Some).map_err(|error| told(&error))
}

/// The text of a file that only its owner may read; where there is none, a new one that `make` fills.
fn kept_secret(
    path: &Path,
    make: impl FnOnce() -> Result<Zeroizing<String>, Failure>,
) -> Result<Zeroizing<String>, Failure> {
    let told = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    match fs::read_to_string(path) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            if let Some(folder) = path.parent() {
                private_folder(folder).map_err(|error| told(&error))?;
            }
            let text = make()?;
            write_secret(path, &text).map_err(|error| told(&error))?;
            Ok(text)
        }
        Err(error) => Err(told(&error)),
    }
}

/// Writes a file that only its owner may read, and that is whole or not there.
fn write_secret(path: &Path, text: &str) -> std::io::Result<()> {
    let partial = path.with_extension("partial");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    fs::rename(&partial, path)?;
    // The name must survive, too: sealed rows are about to depend on it.
    if let Some(folder) = path.parent() {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// On a store without users, makes one and an organisation; gives the password, which is shown once.
async fn demonstration(store: &dyn Store) -> Result<Option<Zeroizing<String>>, Failure> {
    if !store.users().await.map_err(told)?.is_empty() {
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
