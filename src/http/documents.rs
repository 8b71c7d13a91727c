//! Documents at fixed paths: pages, generated types, descriptions, and the enrolment page.
//!
//! They need no credentials and read nothing from the store. To add one: an arm of [`found`].

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};

use super::form::Fields;
use super::{Exchange, reply};
use crate::enrol;
use crate::format::Host;
use crate::metadata::{self, Site};
use crate::types::{self, Model, Options};

/// A document that is ready to be sent.
struct Document {
    media_type: &'static str,
    /// Whether browsers may keep it. What is computed from the request they may not.
    keeps: bool,
    body: String,
}

const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";
const PLAIN: &str = "text/plain; charset=utf-8";

/// The document that the path's segments, in lower case, ask for, or 404 below `/types/`, or nothing.
pub(super) fn find(exchange: &Exchange<'_>, segments: &[&str]) -> Option<HttpResponse> {
    let query = exchange.request.query_string().as_bytes();
    let (Fields(query), refused) = match Fields::urlencoded(query) {
        Ok(fields) => (fields, None),
        Err(reason) => (Fields::default(), Some(reason)),
    };
    match found(exchange, segments, &query) {
        Some(document) => Some(match refused {
            None => sent(StatusCode::OK, document),
            Some(reason) => sent(StatusCode::BAD_REQUEST, computed(PLAIN, reason)),
        }),
        None if segments.first() == Some(&"types") => Some(reply::nothing_here()),
        None => None,
    }
}

fn found(
    exchange: &Exchange<'_>,
    segments: &[&str],
    query: &[(String, String)],
) -> Option<Document> {
    let app = exchange.app;
    let base_url = base_url(exchange);
    let case = app.config.name_case;
    let site = Site {
        operations: &app.operations,
        formats: &app.formats,
        host: Host { case },
        product: &app.config.product,
        base_url: &base_url,
    };
    Some(match segments {
        ["metadata"] => computed(HTML, metadata::index(&site)),
        ["metadata", "app.json"] => computed(JSON, metadata::app(&site).to_string()),
        ["metadata.css"] => kept(CSS, metadata::STYLE),
        ["types"] => computed(HTML, metadata::languages(&site)),
        ["types", "metadata" | "metadata.json"] => {
            let options = Options::of(types::LANGUAGES[0], query, &base_url, "", case);
            computed(JSON, metadata::types(&site, &options).to_string())
        }
        ["types", lang] => {
            let language = types::language(lang)?;
            let date = exchange.now.to_rfc3339().replace(['T', 'Z'], " ");
            let options = Options::of(language, query, &base_url, date.trim_end(), case);
            let model = Model::of(&app.operations, &options, |def| language.has(def));
            computed(language.media_type(), types::document(language, &model, &options))
        }
        [format, "metadata"] => computed(HTML, operation_page(&site, format, query)?),
        ["openapi.json"] => computed(JSON, app.openapi.json(&site)),
        ["openapi"] => computed(HTML, app.openapi.page(&site)),
        ["enrol"] => computed(HTML, enrol::page(&app.config.product, site.prefix())),
        ["enrol.css"] => kept(CSS, enrol::STYLE),
        ["enrol.js"] => kept(SCRIPT, enrol::SCRIPT),
        ["favicon.svg" | "favicon.ico"] => kept(SVG, enrol::ICON),
        // Nothing here is for search engines, least of all a page to sign in on.
        ["robots.txt"] => kept(PLAIN, "User-agent: *\nDisallow: /\n"),
        _ => return None,
    })
}

/// The page of an operation, or the index where none is named.
fn operation_page(site: &Site<'_>, format: &str, query: &[(String, String)]) -> Option<String> {
    let format = site.data_formats().find(|known| known.name() == format)?;
    let value = |name: &str| {
        let field = query.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        field.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    };
    let Some(op) = value("op") else { return Some(metadata::index(site)) };
    let spec = site.operations.named(op)?.spec();
    let language = match value("lang") {
        None => None,
        Some(lang) => Some(types::language(lang)?),
    };
    Some(metadata::operation(site, format, spec, language))
}

/// How the client reaches the service: as configured, or else as the request says.
fn base_url(exchange: &Exchange<'_>) -> String {
    if let Some(url) = &exchange.app.config.public_url {
        return url.clone();
    }
    let host = exchange.request.headers().get(HOST).and_then(|host| host.to_str().ok());
    // It becomes part of generated code.
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    let host = host.filter(|host| !host.is_empty() && host.chars().all(fits));
    let scheme = if exchange.is_secure() { "https" } else { "http" };
    format!("{scheme}://{}", host.unwrap_or("localhost"))
}

fn computed(media_type: &'static str, body: String) -> Document {
    Document { media_type, keeps: false, body }
}

fn kept(media_type: &'static str, body: &str) -> Document {
    Document { media_type, keeps: true, body: body.to_owned() }
}

/// Pages load what lies beside them and nothing else, run no inline script, and stand in no frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

fn sent(status: StatusCode, document: Document) -> HttpResponse {
    let mut response = HttpResponse::new(status).set_body(document.body).map_into_boxed_body();
    let headers = response.headers_mut();
    let caching = if document.keeps { "public, max-age=3600" } else { "no-cache" };
    for (name, value) in [
        (CONTENT_TYPE, document.media_type),
        (CACHE_CONTROL, caching),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
