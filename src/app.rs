//! The service as a value: its registries, its store, its clock and its randomness.

use std::sync::Arc;

use crate::auth::Providers;
use crate::auth::jwt::Jwt;
use crate::auth::password::Passwords;
use crate::auth::throttle::Throttle;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::format::Formats;
use crate::http::Bounds;
use crate::http::health::Looks;
use crate::limits::Rate;
use crate::metadata::openapi;
use crate::metrics::Metrics;
use crate::operation::Operations;
use crate::random::{Random, SystemSource};
use crate::seal::Sealer;
use crate::store::Store;
use crate::telemetry::spans::Spans;

/// Everything a request needs. Two of them can run side by side: nothing is global.
pub struct App {
    /// What was configured.
    pub config: Config,
    /// What clients may take of it.
    pub bounds: Bounds,
    /// How replies and bodies look.
    pub formats: Formats,
    /// What the service does.
    pub operations: Operations,
    /// How callers are known.
    pub providers: Providers,
    /// What is kept.
    pub store: Arc<dyn Store>,
    /// What opens and closes secrets.
    pub sealer: Sealer,
    /// What checks passwords.
    pub passwords: Passwords,
    /// What slows down whoever guesses them.
    pub throttle: Throttle,
    /// What signs and checks bearer tokens.
    pub jwt: Jwt,
    /// What is counted.
    pub metrics: Metrics,
    /// Whether the service can do its work.
    pub looks: Looks,
    /// Its description.
    pub openapi: openapi::Kept,
    /// Where it is told which requests were answered.
    pub spans: Spans,
    /// How many keys each user may ask for.
    pub key_rate: Rate,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
}

impl App {
    /// The service as it is run: all formats, operations and providers, the machine's clock and
    /// randomness. Hosts and tests that want other parts replace the fields.
    #[must_use]
    pub fn standard(config: Config, store: Arc<dyn Store>, sealer: Sealer) -> Self {
        let jwt = Jwt::new(config.jwt_key.as_ref().map(|key| key.as_slice()));
        let random = SystemSource::default();
        Self {
            key_rate: Rate::a_minute(config.key_rate),
            config,
            bounds: Bounds::default(),
            formats: Formats::standard(),
            operations: Operations::standard(),
            providers: Providers::standard(),
            store,
            sealer,
            passwords: Passwords::new(&random),
            throttle: Throttle::default(),
            jwt,
            metrics: Metrics::default(),
            looks: Looks::default(),
            openapi: openapi::Kept::default(),
            spans: Spans::default(),
            clock: Arc::new(SystemClock),
            random: Arc::new(random),
        }
    }
}
