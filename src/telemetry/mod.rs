//! What the service says about itself: logs on standard error, here, and spans to a collector, in
//! [`spans`].
//!
//! `RUST_LOG` filters (`info` by default), `FOUNDRY_LOG=json` writes one JSON object a line. What
//! is never said, at any level: secrets, codes, tokens, passwords, cookies, bodies, queries.

#[cfg(feature = "otlp")]
mod otlp;
pub mod spans;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Starts writing logs.
pub fn start() {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .from_env_lossy()
        // The libraries below log what passes through them: statements with their parameters,
        // bytes of requests. Whatever RUST_LOG says, that stays out.
        .add_directive(directive("sqlx=warn"))
        // What this one calls an error is a request that is none, and anyone may send those.
        .add_directive(directive("actix_http=off"))
        .add_directive(directive("actix_server=warn"))
        .add_directive(directive("actix_web=warn"))
        .add_directive(directive("mio=warn"))
        .add_directive(directive("h2=warn"));
    let ansi = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(ansi)
        // What cannot be written, on a full disk say, is lost. To complain about it on the same
        // standard error would panic, and take the request along.
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    let json = std::env::var("FOUNDRY_LOG").is_ok_and(|form| form == "json");
    // Somebody else's subscriber, if there is one, stays.
    let _already = if json { logs.json().try_init() } else { logs.try_init() };
}

fn directive(text: &str) -> tracing_subscriber::filter::Directive {
    text.parse().expect("a constant that parses")
}
