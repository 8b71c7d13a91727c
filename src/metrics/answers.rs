//! The counters of replies. A request knows the names of its operation and its format, which are
//! texts of the program itself; so the counter is found by comparing a few of them, and no map is
//! locked or hashed on the way. What is not in the table, such as the operation of a host that brings
//! its own, is counted all the same, by looking for it.

use std::sync::OnceLock;
use std::time::Duration;

use actix_web::http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::format::{Format, Formats};
use crate::operation::Operations;

/// Statuses that have a place in the table.
const STATUSES: [u16; 16] =
    [200, 204, 302, 400, 401, 403, 404, 405, 408, 413, 415, 429, 431, 500, 501, 503];

/// What stands for no operation, and for no format: documents, health, a path that leads nowhere.
const NONE: &str = "none";

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answered {
    operation: &'static str,
    format: &'static str,
    status: u32,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Asked {
    operation: &'static str,
}

/// The counters of replies.
pub(super) struct Answers {
    replies: Family<Answered, Counter>,
    seconds: Family<Asked, Histogram>,
    anonymous: Family<Asked, Counter>,
    operations: Vec<Row>,
    formats: Vec<&'static str>,
}

/// The counters of an operation.
struct Row {
    operation: &'static str,
    seconds: Histogram,
    /// By format and status; found when first counted, so that what never happens is never told.
    replies: Vec<[OnceLock<Counter>; STATUSES.len()]>,
}

impl Answers {
    pub(super) fn registered(registry: &mut Registry) -> Self {
        let replies = Family::default();
        registry.register(
            "requests",
            "Requests answered, by operation, format and status",
            replies.clone(),
        );
        let seconds = Family::<Asked, Histogram>::new_with_constructor(|| {
            // 0.1 ms up to about 3 s.
            Histogram::new(exponential_buckets(0.0001, 2.0, 16))
        });
        registry.register(
            "request_seconds",
            "Time from a request's head to its reply, in seconds, by operation",
            seconds.clone(),
        );
        let anonymous = Family::default();
        registry.register(
            "anonymous_refusals",
            "Requests refused because nobody was signed in, with or without credentials; they leave \
             no audit row",
            anonymous.clone(),
        );
        let formats = Formats::standard();
        let formats: Vec<_> = [NONE].into_iter().chain(formats.iter().map(Format::name)).collect();
        let named = Operations::standard();
        let names = [NONE].into_iter().chain(named.iter().map(|operation| operation.spec().name()));
        let operations = names
            .map(|operation| Row {
                operation,
                seconds: seconds.get_or_create(&Asked { operation }).clone(),
                replies: formats.iter().map(|_| Default::default()).collect(),
            })
            .collect();
        Self { replies, seconds, anonymous, operations, formats }
    }

    pub(super) fn count(
        &self,
        operation: &'static str,
        format: &'static str,
        status: StatusCode,
        took: Duration,
    ) {
        let operation = if operation.is_empty() { NONE } else { operation };
        let format = if format.is_empty() { NONE } else { format };
        let status = status.as_u16();
        let counter = || {
            let status = u32::from(status);
            self.replies.get_or_create(&Answered { operation, format, status }).clone()
        };
        let row = self.operations.iter().find(|row| row.operation == operation);
        let column = self.formats.iter().position(|known| *known == format);
        let place = STATUSES.iter().position(|known| *known == status);
        match (row, column, place) {
            (Some(row), Some(column), Some(place)) => {
                row.replies[column][place].get_or_init(counter).inc();
            }
            _ => {
                counter().inc();
            }
        }
        match row {
            Some(row) => row.seconds.observe(took.as_secs_f64()),
            None => self.seconds.get_or_create(&Asked { operation }).observe(took.as_secs_f64()),
        }
    }

    pub(super) fn refused_nobody(&self, operation: &'static str) {
        let operation = if operation.is_empty() { NONE } else { operation };
        self.anonymous.get_or_create(&Asked { operation }).inc();
    }
}
