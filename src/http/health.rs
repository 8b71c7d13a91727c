//! Whether the service is alive, and whether it can do its work.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use actix_web::rt::time::timeout;
use tokio::sync::Mutex;

use crate::app::App;
use crate::canary;
use crate::error::Error;

/// How long the database may take: less than those who ask are used to wait.
const ANSWER_WITHIN: Duration = Duration::from_secs(4);

/// The process answers.
#[must_use]
pub fn live() -> HttpResponse {
    reply(StatusCode::OK, "{\"status\":\"live\"}")
}

/// The database answers too, with the schema that this program knows, every configured sealing key
/// is the one that it was when it was first used, none is missing, and the clock is the database's.
/// What is wrong is logged.
pub async fn ready(app: &App) -> HttpResponse {
    match look(app).await {
        None => reply(StatusCode::OK, "{\"status\":\"ready\"}"),
        Some(check) => {
            let name = check.name();
            let body = format!("{{\"status\":\"not ready\",\"check\":\"{name}\"}}");
            reply(StatusCode::SERVICE_UNAVAILABLE, body)
        }
    }
}

/// What is looked at, in this order, up to the first that is not as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// The database answers.
    Database,
    /// Its schema has what this program knows.
    Schema,
    /// The sealing keys are those that they were, and none is missing.
    Sealing,
    /// The clock is the database's.
    Clock,
}

impl Check {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Database, Self::Schema, Self::Sealing, Self::Clock];

    /// What it is called where it is told.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Schema => "schema",
            Self::Sealing => "sealing",
            Self::Clock => "clock",
        }
    }
}

/// Readiness, looked at by one at a time, however many ask: anybody may, and it costs the database some
/// statements.
#[derive(Debug, Default)]
pub struct Looks {
    finished: AtomicU64,
    /// What the last one found.
    last: Mutex<Option<Check>>,
}

/// What is not ready. The metrics tell what was found last, and the log when that changes.
pub async fn look(app: &App) -> Option<Check> {
    let Looks { finished, last } = &app.looks;
    let before = finished.load(Ordering::Relaxed);
    let mut last = last.lock().await;
    if finished.load(Ordering::Relaxed) != before {
        // Somebody was looking meanwhile.
        return *last;
    }
    let found = match timeout(ANSWER_WITHIN, check(app)).await {
        Ok(Ok(found)) => found,
        Ok(Err(_)) | Err(_) => Some(Check::Database),
    };
    if found != *last {
        if let Some(check) = found {
            tracing::warn!(what = check.name(), "not ready");
        } else {
            tracing::info!("ready again");
        }
    }
    *last = found;
    finished.fetch_add(1, Ordering::Relaxed);
    app.metrics.readiness.found(found);
    found
}

async fn check(app: &App) -> Result<Option<Check>, Error> {
    if !app.store.ready().await? {
        return Ok(Some(Check::Schema));
    }
    if !sealing(app).await? {
        return Ok(Some(Check::Sealing));
    }
    let skew = clock_skew(app).await?;
    Ok(skew.is_some_and(Skew::is_too_much).then_some(Check::Clock))
}

/// How far two clocks may be apart: what codes live by is thirty seconds, and what each side does
/// with its own clock adds up (SECURITY.md, R40).
const SKEW_MOST: Duration = Duration::from_secs(5);

/// How far the database's clock is from this machine's.
#[derive(Clone, Copy, Debug)]
pub struct Skew {
    /// Milliseconds that it is ahead.
    ahead: i64,
    /// Milliseconds that it may be more or less, because asking took a while.
    about: i64,
}

impl Skew {
    /// Seconds that it is ahead.
    #[must_use]
    pub fn seconds(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "nobody's clock is that wrong")]
        let millis = self.ahead as f64;
        millis / 1000.0
    }

    fn is_too_much(self) -> bool {
        let least = self.ahead.saturating_abs().saturating_sub(self.about);
        u128::try_from(least).unwrap_or(0) > SKEW_MOST.as_millis()
    }
}

/// How far the database's clock is from this machine's; nothing where they are one clock. A clock
/// that is wrong lets codes in that are over and keeps out those that are good, and nothing else
/// would tell.
///
/// # Errors
/// The store's.
pub async fn clock_skew(app: &App) -> Result<Option<Skew>, Error> {
    let before = app.clock.now().as_millis();
    let Some(theirs) = app.store.clock().await? else { return Ok(None) };
    let about = (app.clock.now().as_millis() - before) / 2;
    Ok(Some(Skew { ahead: theirs.as_millis() - before - about, about: about.abs() }))
}

/// Opens the canary of each configured sealing key; keeps one where there is none yet. Somebody who
/// configures other bytes under an id that is in use hears of it before a secret is lost.
async fn sealing(app: &App) -> Result<bool, Error> {
    let strangers = canary::keep(&*app.store, &app.sealer, &*app.random, app.sealer.ids()).await?;
    for id in &strangers {
        tracing::error!(sealing_key = %id, "a sealing key is not the one of that id");
    }
    // After a restore with the wrong keys, say.
    let in_use = app.store.sealing_keys_in_use().await?;
    let missing: Vec<_> =
        in_use.iter().filter(|id| !app.sealer.ids().any(|known| known == *id)).collect();
    for id in &missing {
        tracing::error!(sealing_key = %id, "secrets are sealed by a key that is not configured");
    }
    Ok(strangers.is_empty() && missing.is_empty())
}

fn reply(status: StatusCode, body: impl Into<String>) -> HttpResponse {
    let mut response = HttpResponse::new(status).set_body(body.into()).map_into_boxed_body();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
