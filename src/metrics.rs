//! What is counted, for Prometheus.
//!
//! Labels have few values, all of them known beforehand: names of operations, statuses. Nothing that
//! a client sends becomes a label. Adding a metric: a field here, registered in
//! [`Metrics::default`].

use std::time::Duration;

use actix_web::http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// The counters of one service.
pub struct Metrics {
    registry: Registry,
    answers: Family<Answered, Counter>,
    seconds: Family<Asked, Histogram>,
    anonymous: Family<Asked, Counter>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answered {
    operation: &'static str,
    status: u32,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Asked {
    operation: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("foundry");
        let answers = Family::default();
        registry.register("replies", "Replies, by operation and status", answers.clone());
        let seconds = Family::<Asked, Histogram>::new_with_constructor(|| {
            // 0.1 ms up to about 3 s.
            Histogram::new(exponential_buckets(0.0001, 2.0, 16))
        });
        registry.register("reply_seconds", "Time from head to reply, in seconds", seconds.clone());
        let anonymous = Family::default();
        registry.register(
            "anonymous_refusals",
            "Requests refused because nobody was signed in; they leave no audit row",
            anonymous.clone(),
        );
        Self { registry, answers, seconds, anonymous }
    }
}

impl Metrics {
    /// A request was answered.
    pub fn answered(&self, operation: &'static str, status: StatusCode, took: Duration) {
        let status = u32::from(status.as_u16());
        self.answers.get_or_create(&Answered { operation, status }).inc();
        self.seconds.get_or_create(&Asked { operation }).observe(took.as_secs_f64());
    }

    /// A request was refused because nobody was signed in.
    pub fn refused_nobody(&self, operation: &'static str) {
        self.anonymous.get_or_create(&Asked { operation }).inc();
    }

    /// All of it, in the text that Prometheus scrapes.
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
        metrics.answered("Authenticate", StatusCode::OK, Duration::from_millis(3));
        metrics.refused_nobody("Authenticate");
        let text = metrics.text();
        for line in [
            "foundry_replies_total{operation=\"Authenticate\",status=\"200\"} 1",
            "foundry_reply_seconds_count{operation=\"Authenticate\"} 1",
            "foundry_anonymous_refusals_total{operation=\"Authenticate\"} 1",
        ] {
            assert!(text.contains(line), "{text}");
        }
    }
}
