//! Cross-origin requests (Fetch standard, section 3.3): the origins that are configured may read
//! replies and send credentials; without any, no reply has a header of this kind.
//!
//! The origin is named exactly, because `*` does not go with credentials (`fixtures/wire`, need 49),
//! and a preflight asks for no login: browsers send it without credentials.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderValue, ORIGIN, VARY,
};

use super::Exchange;
use crate::auth::origin::is_friend;

const METHODS: &str = "GET, POST, PUT, DELETE, PATCH, OPTIONS, HEAD";
const HEADERS: &str =
    "Accept, Authorization, Content-Type, X-Http-Method-Override, X-Request-Id, X-ss-id";
const EXPOSED: &str = "X-Cookies, X-Request-Id, X-AutoBatch-Completed, Retry-After";
/// For how many seconds a browser need not ask again.
const MAX_AGE: &str = "600";

/// The reply to a browser that asks whether it may send a request.
pub(super) fn preflight(exchange: &Exchange<'_>) -> Option<HttpResponse> {
    let request = exchange.request;
    let asks = request.method().as_str() == "OPTIONS"
        && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
        && friend(exchange).is_some();
    if !asks {
        return None;
    }
    let mut response = HttpResponse::new(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(HEADERS));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE));
    Some(response)
}

/// What each reply says to a browser, where origins are configured.
pub(super) fn allow(exchange: &Exchange<'_>, response: &mut HttpResponse) {
    if exchange.app.config.cors_origins.is_empty() {
        return;
    }
    let headers = response.headers_mut();
    headers.append(VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = friend(exchange) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    }
}

/// The origin of the request, if it is one that is configured.
fn friend<'a>(exchange: &Exchange<'a>) -> Option<&'a HeaderValue> {
    let origin = exchange.request.headers().get(ORIGIN)?;
    is_friend(exchange, origin.to_str().ok()?).then_some(origin)
}
