//! Spans: one for each request of an operation, sent to a collector by OTLP. Only in a build with
//! the feature `otlp`, and only where a collector is configured; else there is nothing here to run.
//!
//! What a span says is all in [`Request`]: the operation, its format, the verb, the status, the id
//! that the reply and the log share, and the trace that the caller says it belongs to. It is written
//! once the reply is, from that and nothing else. So it is not made of log records, which whoever
//! adds one does not expect in a trace, and needs no `tracing-opentelemetry`.

use std::time::Duration;

use crate::clock::Timestamp;

/// A request that was answered.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The operation's name.
    pub operation: &'static str,
    /// The format's name; empty for a reply without one.
    pub format: &'static str,
    /// The method, upper case, perhaps one that there is not.
    pub method: &'a str,
    /// The status.
    pub status: u16,
    /// The id that the reply, the log and the audit share.
    pub id: &'a str,
    /// The `traceparent` that came with it (W3C Trace Context).
    pub parent: Option<&'a str>,
    /// When it came.
    pub began: Timestamp,
    /// How long the reply took.
    pub took: Duration,
}

/// Where spans go.
#[derive(Default)]
pub struct Spans {
    #[cfg(feature = "otlp")]
    exporter: Option<super::otlp::Exporter>,
    /// Whether somebody configured a collector, and waits for spans.
    #[cfg(not(feature = "otlp"))]
    awaited: bool,
}

/// Names a collector, for all signals and for traces alone (OpenTelemetry's own names).
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];

impl Spans {
    /// To the collector that the environment names, if it names one.
    ///
    /// # Errors
    /// A sentence, when what is configured makes no sense. It holds nothing of the values, which may
    /// hold a credential.
    pub fn from_env() -> Result<Self, String> {
        let set = |name: &str| std::env::var(name).is_ok_and(|value| !value.is_empty());
        let off =
            std::env::var("OTEL_SDK_DISABLED").is_ok_and(|off| off.eq_ignore_ascii_case("true"));
        if off || !ENDPOINTS.into_iter().any(set) {
            return Ok(Self::default());
        }
        Self::configured()
    }

    #[cfg(feature = "otlp")]
    fn configured() -> Result<Self, String> {
        Ok(Self { exporter: Some(super::otlp::Exporter::start()?) })
    }

    #[cfg(not(feature = "otlp"))]
    #[expect(clippy::unnecessary_wraps, reason = "fails in the other build")]
    fn configured() -> Result<Self, String> {
        Ok(Self { awaited: true })
    }

    /// Says in the log that nothing will be sent, where that is not what was configured.
    pub fn announce(&self) {
        #[cfg(not(feature = "otlp"))]
        if self.awaited {
            tracing::warn!(
                "a collector is configured, but this program was built without the feature otlp"
            );
        }
    }

    /// A request was answered.
    #[cfg_attr(not(feature = "otlp"), expect(unused_variables, reason = "nowhere to send it to"))]
    pub fn answered(&self, request: &Request<'_>) {
        #[cfg(feature = "otlp")]
        if let Some(exporter) = &self.exporter {
            exporter.send(request);
        }
    }

    /// Sends what is left, for as long as that is worth waiting for. Blocks.
    pub fn stop(&self) {
        #[cfg(feature = "otlp")]
        if let Some(exporter) = &self.exporter {
            exporter.stop();
        }
    }
}
