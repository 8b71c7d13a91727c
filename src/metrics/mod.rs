//! What is counted, for Prometheus.
//!
//! Labels have few values, all of them known beforehand: names of operations and formats, statuses,
//! ids of configured keys. Nothing that a client sends becomes a label. Counting is an addition:
//! which counter it is has been looked up before (`answers.rs`).
//!
//! | file | what is in it |
//! |---|---|
//! | `mod.rs` | what is counted as it happens |
//! | `answers.rs` | the counters of replies, found without looking for them |
//! | `scrape.rs` | what is asked for when somebody scrapes: connections, queues, how many keys |
//! | `readiness.rs` | what readiness last found |
//!
//! Adding a metric: a field here, registered in [`Metrics::default`]; its name into the test
//! `tests/api/metrics.rs`, and, where somebody should be woken by it, a rule in `.ops/alerts.yml`.

mod answers;
mod readiness;
mod scrape;

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use actix_web::http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use self::answers::Answers;
use self::readiness::Readiness;
use self::scrape::Sampled;
use crate::clock::Timestamp;

/// For how long what had to be asked for is told again.
const FRESH: Duration = Duration::from_mins(1);

/// The counters of one service.
pub struct Metrics {
    registry: Registry,
    answers: Answers,
    lockouts: Family<Limited, Counter>,
    limited: [Counter; Limit::ALL.len()],
    audited: Counter,
    unaudited: Counter,
    newest_audit: Gauge<f64, AtomicU64>,
    /// What readiness last found.
    pub(crate) readiness: Readiness,
    sampled: Sampled,
}

/// What holds somebody up who asks too often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Wrong two-factor codes in a row.
    Codes,
    /// Keys that one user asks for.
    Keys,
    /// Wrong passwords.
    Passwords,
}

impl Limit {
    const ALL: [Self; 3] = [Self::Codes, Self::Keys, Self::Passwords];

    fn label(self) -> Limited {
        let limit = match self {
            Self::Codes => "codes",
            Self::Keys => "keys",
            Self::Passwords => "passwords",
        };
        Limited { limit }
    }

    fn place(self) -> usize {
        match self {
            Self::Codes => 0,
            Self::Keys => 1,
            Self::Passwords => 2,
        }
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Limited {
    limit: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("foundry");
        let version = vec![("version", env!("CARGO_PKG_VERSION"))];
        registry.register("build", "Which program this is", Info::new(version));
        let answers = Answers::registered(&mut registry);
        let lockouts = Family::<Limited, Counter>::default();
        registry.register(
            "lockouts",
            "Times that wrong codes or passwords reached the number after which the next one has to wait",
            lockouts.clone(),
        );
        // Told before the first one, so that an increase is seen. Keys that were asked for lock nobody out.
        for limit in [Limit::Codes, Limit::Passwords] {
            let _none_yet = lockouts.get_or_create(&limit.label());
        }
        let met = Family::<Limited, Counter>::default();
        registry.register(
            "limited",
            "Requests that were answered 429, by the limit that they met",
            met.clone(),
        );
        let limited = Limit::ALL.map(|limit| met.get_or_create(&limit.label()).clone());
        let audited = Counter::default();
        registry.register(
            "audit_rows",
            "Requests that left audit rows; a row is committed with what it records, before the reply",
            audited.clone(),
        );
        let unaudited = Counter::default();
        registry.register(
            "audit_failures",
            "Requests that were to leave an audit row and failed: what it was to record was not done, or nobody knows",
            unaudited.clone(),
        );
        let newest_audit = Gauge::default();
        registry.register(
            "audit_newest_timestamp_seconds",
            "When this instance last committed an audit row, in seconds since 1970; 0 before the first. \
             time() - this is the audit's lag: it grows while nothing is asked for, too, so alert on \
             audit_failures beside it",
            newest_audit.clone(),
        );
        let readiness = Readiness::registered(&mut registry);
        let sampled = Sampled::registered(&mut registry);
        Self {
            registry,
            answers,
            lockouts,
            limited,
            audited,
            unaudited,
            newest_audit,
            readiness,
            sampled,
        }
    }
}

impl Metrics {
    /// A request was answered. `operation` and `format` are empty where there are none.
    pub fn answered(
        &self,
        operation: &'static str,
        format: &'static str,
        status: StatusCode,
        took: Duration,
    ) {
        self.answers.count(operation, format, status, took);
    }

    /// A request was refused because nobody was signed in.
    pub fn refused_nobody(&self, operation: &'static str) {
        self.answers.refused_nobody(operation);
    }

    /// A limit was reached: the next one has to wait.
    pub fn locked_out(&self, limit: Limit) {
        self.lockouts.get_or_create(&limit.label()).inc();
    }

    /// A request was refused by a limit.
    pub fn limited(&self, limit: Limit) {
        self.limited[limit.place()].inc();
    }

    /// A request that made an audit row is over; `kept` is whether it is committed.
    pub fn audited(&self, at: Timestamp, kept: bool) {
        if kept {
            self.audited.inc();
            #[expect(clippy::cast_precision_loss, reason = "exact for some 200 million years")]
            self.newest_audit.set(at.as_secs() as f64);
        } else {
            self.unaudited.inc();
        }
    }

    /// All of it, in the text that Prometheus scrapes, as it was when it was last sampled.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _written = encode(&mut text, &self.registry);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_told() {
        let metrics = Metrics::default();
        let took = Duration::from_millis(3);
        metrics.answered("Authenticate", "json", StatusCode::OK, took);
        metrics.answered("Authenticate", "json", StatusCode::OK, took);
        metrics.answered("ByAnotherHost", "yaml", StatusCode::IM_A_TEAPOT, took);
        metrics.answered("", "", StatusCode::NOT_FOUND, took);
        metrics.refused_nobody("Authenticate");
        metrics.locked_out(Limit::Codes);
        metrics.limited(Limit::Passwords);
        metrics.audited(Timestamp::from_millis(1_795_000_000_000), true);
        metrics.audited(Timestamp::from_millis(1_795_000_009_000), false);
        let text = metrics.text();
        for line in [
            "foundry_requests_total{operation=\"Authenticate\",format=\"json\",status=\"200\"} 2",
            "foundry_requests_total{operation=\"ByAnotherHost\",format=\"yaml\",status=\"418\"} 1",
            "foundry_requests_total{operation=\"none\",format=\"none\",status=\"404\"} 1",
            "foundry_request_seconds_count{operation=\"Authenticate\"} 2",
            "foundry_anonymous_refusals_total{operation=\"Authenticate\"} 1",
            "foundry_lockouts_total{limit=\"codes\"} 1",
            "foundry_lockouts_total{limit=\"passwords\"} 0",
            "foundry_limited_total{limit=\"passwords\"} 1",
            "foundry_audit_rows_total 1",
            "foundry_audit_failures_total 1",
            "foundry_audit_newest_timestamp_seconds 1795000000",
        ] {
            assert!(text.contains(line), "no {line} in {text}");
        }
        assert!(!text.contains("foundry_lockouts_total{limit=\"keys\"}"), "{text}");
    }

    #[test]
    fn every_limit_has_its_place() {
        for (place, limit) in Limit::ALL.iter().enumerate() {
            assert_eq!(limit.place(), place);
        }
    }
}
