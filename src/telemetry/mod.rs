//! What the service says about itself: logs on standard error, here, and spans to a collector, in
//! [`spans`].
//!
//! `RUST_LOG` says how much ([`Amount`]) and `FOUNDRY_LOG` in which [`Form`]. What is never said, at any
//! level: secrets, codes, tokens, passwords, cookies, bodies, queries.

#[cfg(feature = "otlp")]
mod otlp;
pub mod spans;

use tracing::{Level, Metadata};
use tracing_subscriber::filter::{FilterExt as _, LevelFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

/// How a log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Lines for people.
    Text,
    /// A JSON object a line.
    Json,
}

/// How much of the log is written: directives of [`EnvFilter`], such as `debug` or
/// `foundry_api::http=debug`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount(String);

/// The target of all that this program says.
const OURS: &str = "foundry_api";

impl Default for Amount {
    fn default() -> Self {
        Self("info".to_owned())
    }
}

impl Amount {
    /// What those directives ask for, and `info` of this program if they do not speak of it; nothing where
    /// they cannot be read. A word that is no level would be taken for the name of a library, from which
    /// alone there would be a log then, and so it cannot.
    #[must_use]
    pub fn parse(directives: &str) -> Option<Self> {
        let mut is_ours = false;
        for directive in directives.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let speaks_of_us = directive.starts_with(OURS) || directive.starts_with('[');
            let is_level = directive.parse::<LevelFilter>().is_ok();
            if !(speaks_of_us || is_level || directive.contains('=')) {
                return None;
            }
            is_ours |= speaks_of_us || is_level;
        }
        let directives =
            if is_ours { directives.to_owned() } else { format!("{directives},{OURS}=info") };
        EnvFilter::builder().parse(&directives).ok().map(|_| Self(directives))
    }
}

/// Starts writing logs.
pub fn start(amount: &Amount, form: Form) {
    // It was read before, and is the same now.
    let asked = EnvFilter::builder().parse_lossy(&amount.0);
    let ansi = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let logs = tracing_subscriber::fmt::layer()
        .with_ansi(ansi)
        // What cannot be written, on a full disk say, is lost. To complain about it on the same
        // standard error would panic, and take the request along.
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    let logs = match form {
        Form::Text => logs.boxed(),
        Form::Json => logs.json().boxed(),
    };
    let logs = logs.with_filter(asked.and(filter_fn(may_be_said)));
    // Somebody else's subscriber, if there is one, stays.
    let _already = tracing_subscriber::registry().with(logs).try_init();
}

/// Whether it may be said at all, whatever `RUST_LOG` asks for. The libraries below log what passes
/// through them: statements with their parameters, bytes of requests, headers. Of them, those included
/// that a later version brings along, only what is wrong is heard.
fn may_be_said(metadata: &Metadata<'_>) -> bool {
    match metadata.target().split("::").next() {
        Some(OURS) => true,
        // What this one calls an error is a request that is none, and anyone may send those.
        Some("actix_http") => false,
        _ => *metadata.level() <= Level::WARN,
    }
}
