//! What readiness last found, by whoever asked: a balancer, an orchestrator, or else a scrape, when
//! nobody has for a while.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::sync::Mutex as Turn;

use super::FRESH;
use crate::app::App;
use crate::http::health::{self, Check};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Looked {
    check: &'static str,
}

/// The checks of readiness, as they were found last.
pub(crate) struct Readiness {
    checks: Family<Looked, Gauge>,
    found: Mutex<Option<Instant>>,
    /// Held by the scrape that looks.
    turn: Turn<()>,
}

impl Readiness {
    pub(super) fn registered(registry: &mut Registry) -> Self {
        let checks = Family::default();
        registry.register(
            "ready",
            "Whether the instance is ready (/health/ready), by what was looked at: 1 as it should be, 0 \
             not. Nothing is told of what comes after the first 0. As it was found last, a minute ago \
             at most",
            checks.clone(),
        );
        Self { checks, found: Mutex::new(None), turn: Turn::new(()) }
    }

    /// The first check that was not as it should be, if there was one.
    pub(crate) fn found(&self, wrong: Option<Check>) {
        for check in Check::ALL {
            let label = Looked { check: check.name() };
            if wrong.is_none_or(|wrong| check <= wrong) {
                self.checks.get_or_create(&label).set(i64::from(wrong != Some(check)));
            } else {
                self.checks.remove(&label);
            }
        }
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Looks, if nobody has a short while ago and nobody else is at it. What it waits for at most is
    /// readiness' own.
    pub(super) async fn look(&self, app: &App) {
        let Ok(_turn) = self.turn.try_lock() else { return };
        let found = *self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if found.is_none_or(|at| at.elapsed() >= FRESH) {
            health::look(app).await;
        }
    }
}
