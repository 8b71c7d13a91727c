//! `foundry-api serve`.

use std::fs;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

use actix_web::web;
use zeroize::Zeroizing;

use super::first_start::{Alone, DEMO};
use super::{Failure, is_embedded, open, told};
use crate::app::App;
use crate::auth::public_key::PublicKey;
use crate::background;
use crate::config::Config;
use crate::http;
use crate::telemetry;
use crate::telemetry::spans::Spans;

/// How long the store has to close. Everybody has been answered by then; a database that has vanished
/// is not waited for.
const CLOSE_WITHIN: Duration = Duration::from_secs(10);

pub(super) async fn serve(mut config: Config) -> Result<(), Failure> {
    telemetry::start(&config.log_amount, config.log_form);
    let alone = Alone::with(&config)?;
    alone.signing_key(&mut config)?;
    let public_key = public_key(&config)?;
    let sealer = alone.sealer(&config)?;
    let store = open(&config, true).await?;
    if is_embedded(&config) {
        store.migrate().await.map_err(told)?;
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
    let unbound = |address, error| format!("{address} cannot be bound: {error}");
    let server = http::bind(app.clone()).map_err(|error| unbound(app.config.listen, error))?;
    let admin = app.config.admin_listen.map(|address| {
        http::admin::bind(app.clone(), address).map_err(|error| unbound(address, error))
    });
    let admin = admin.transpose()?;
    // Whatever can fail has not: the password is shown this once.
    let demo = alone.demonstration(&*store).await?;
    drop(alone);
    let address = server.address();
    tracing::info!(%address, "listening on http://{address}");
    if let Err(error) = announce(address, demo.as_ref().map(|password| password.as_str())) {
        // Whoever reads the log knows where it listens.
        tracing::warn!(%error, "standard output takes nothing");
    }
    if demo.is_some() {
        // Where it went nobody knows who starts a service with its output closed.
        tracing::info!(
            "made user '{DEMO}', whose password is on standard output and nowhere else; \
             'foundry-api users passwd {DEMO} --password-stdin' sets another"
        );
    }
    if let Some(admin) = admin {
        tracing::info!(address = %admin.address(), "metrics on http://{}/metrics", admin.address());
        actix_web::rt::spawn(admin.run());
    }
    if app.config.jwt_key.is_none() {
        tracing::warn!("FOUNDRY_JWT_KEY is not set: sign-ins give sessions, but no bearer tokens");
    }
    app.spans.announce();
    let sweeping = background::Sweeper::start(app.clone()).map_err(|error| error.to_string())?;
    // Nobody may ask for a while, and what is not ready should be in the log from the start.
    let checked = app.clone();
    actix_web::rt::spawn(async move { http::health::ready(&checked).await });
    server.run_until_told().await.map_err(|error| error.to_string())?;
    sweeping.stop().await;
    if tokio::time::timeout(CLOSE_WITHIN, store.close()).await.is_err() {
        tracing::warn!("the store's connections did not close in time");
    }
    // It waits for its thread.
    let _ended = tokio::task::spawn_blocking(move || app.spans.stop()).await;
    tracing::info!("stopped");
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

/// Says on standard output where the service is, and how the demonstration user asks for a key: all at
/// once, so that whoever has read the first line has the rest.
fn announce(address: SocketAddr, password: Option<&str>) -> io::Result<()> {
    let mut said = Zeroizing::new(format!("Listening on http://{address}\n"));
    if let Some(password) = password {
        said.push_str(&format!(
            "\nThe store was empty: made organisation '{DEMO}' and user '{DEMO}'. Ask for a key:\n\n\
             curl -X PUT -u '{DEMO}:{password}' -H 'Accept: text/jsv' http://{address}/users/2fa/generate-key\n"
        ));
    }
    let mut out = io::stdout().lock();
    out.write_all(said.as_bytes())?;
    out.flush()
}
