//! Sends spans to a collector: OTLP in protobuf over HTTP.
//!
//! OpenTelemetry's library batches them in a thread of its own and reads its standard variables
//! (`OTEL_EXPORTER_OTLP_*`, `OTEL_BSP_*`, `OTEL_TRACES_SAMPLER`, `OTEL_SERVICE_NAME`,
//! `OTEL_RESOURCE_ATTRIBUTES`). Its queue is bounded: what finds it full is dropped, and no request
//! waits. The HTTP client is a blocking one, which fits the thread and is the smallest there is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::{Span as _, SpanKind, Status, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use ureq::tls::{RootCerts, TlsConfig};

use super::spans::Request;

/// How long the collector may take for a batch.
const WITHIN: Duration = Duration::from_secs(10);
/// How long the end of the process waits for the last batch.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// Sends spans.
pub(super) struct Exporter {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    parents: TraceContextPropagator,
}

impl Exporter {
    pub(super) fn start() -> Result<Self, String> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_http_client(Collector::default())
            .build()
            // Its text may quote the endpoint, and that a password.
            .map_err(|_| "OTEL_EXPORTER_OTLP_*: expected the URL of a collector")?;
        let service = std::env::var("OTEL_SERVICE_NAME").unwrap_or_else(|_| "foundry-api".into());
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource =
            Resource::builder().with_service_name(service).with_attribute(version).build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource)
            .build();
        let tracer = provider.tracer("foundry-api");
        Ok(Self { provider, tracer, parents: TraceContextPropagator::new() })
    }

    pub(super) fn send(&self, request: &Request<'_>) {
        let parent = self.parents.extract_with_context(&Context::new(), &Parent(request.parent));
        let method = method(request.method);
        let began = UNIX_EPOCH
            + Duration::from_millis(u64::try_from(request.began.as_millis()).unwrap_or(0));
        let span = self
            .tracer
            .span_builder(format!("{method} {}", request.operation))
            .with_kind(SpanKind::Server)
            .with_start_time(began)
            .with_attributes([
                KeyValue::new("http.request.method", method),
                KeyValue::new("http.response.status_code", i64::from(request.status)),
                KeyValue::new("foundry.operation", request.operation),
                KeyValue::new("foundry.format", request.format),
                KeyValue::new("foundry.request_id", request.id.to_owned()),
            ]);
        let mut span = span.start_with_context(&self.tracer, &parent);
        if request.status >= 500 {
            span.set_status(Status::error(""));
        }
        let ended: SystemTime = began + request.took;
        span.end_with_timestamp(ended);
    }

    pub(super) fn stop(&self) {
        if self.provider.shutdown_with_timeout(STOP_WITHIN).is_err() {
            tracing::warn!("the last spans did not reach the collector");
        }
    }
}

/// A method that there is, or what OpenTelemetry writes instead: clients make no names up.
fn method(method: &str) -> &'static str {
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    known.into_iter().find(|known| *known == method).unwrap_or("_OTHER")
}

/// The trace that the caller names, and nothing else of what it says: `tracestate` and baggage are
/// free text.
struct Parent<'a>(Option<&'a str>);

impl Extractor for Parent<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.filter(|_| key.eq_ignore_ascii_case("traceparent"))
    }

    fn keys(&self) -> Vec<&str> {
        self.0.map(|_| "traceparent").into_iter().collect()
    }
}

/// The way to the collector.
struct Collector {
    agent: ureq::Agent,
    silent: AtomicBool,
}

impl Default for Collector {
    fn default() -> Self {
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::PlatformVerifier)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let config = ureq::Agent::config_builder()
            .tls_config(tls)
            .timeout_global(Some(WITHIN))
            // Spans go where they were sent to.
            .max_redirects(0)
            .http_status_as_error(false)
            .build();
        Self { agent: config.into(), silent: AtomicBool::new(false) }
    }
}

impl std::fmt::Debug for Collector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Collector")
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(
        &self,
        request: opentelemetry_http::Request<Bytes>,
    ) -> Result<opentelemetry_http::Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let request = opentelemetry_http::Request::from_parts(parts, body.to_vec());
        let answered = self.agent.run(request).and_then(|response| {
            let (parts, mut body) = response.into_parts();
            let body = body.with_config().limit(64 * 1024).read_to_vec()?;
            Ok(opentelemetry_http::Response::from_parts(parts, Bytes::from(body)))
        });
        let heard = answered.as_ref().is_ok_and(|response| response.status().is_success());
        // Once when it begins and once when it is over, not with each batch. What went wrong may
        // quote the URL, and that a password.
        if self.silent.swap(!heard, Ordering::Relaxed) == heard {
            if heard {
                tracing::info!("the collector takes spans again");
            } else {
                let status = answered.as_ref().map_or(0, |response| response.status().as_u16());
                tracing::warn!(
                    status,
                    "the collector does not take spans; those that wait are dropped"
                );
            }
        }
        answered.map_err(|_| "the collector cannot be reached".into())
    }
}
