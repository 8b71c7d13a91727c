//! What the service says about itself: logs on standard error, here, and spans to a collector, in
//! [`spans`].
//!
//! `RUST_LOG` filters (`info` by default), `FOUNDRY_LOG` says in which [`Form`]. What is
//! never said, at any level: secrets, codes, tokens, passwords, cookies, bodies, queries.

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

/// Starts writing logs.
pub fn start(form: Form) {
    let asked =
        EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
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
        Some("foundry_api") => true,
        // What this one calls an error is a request that is none, and anyone may send those.
        Some("actix_http") => false,
        _ => *metadata.level() <= Level::WARN,
    }
}
