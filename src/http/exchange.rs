//! One exchange: a request, and what is known of it beyond its bytes.

use std::borrow::Cow;
use std::cell::Cell;
use std::net::IpAddr;
use std::time::Instant;

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, HeaderName};

use super::proxy;
use crate::app::App;
use crate::auth::Caller;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::operation::{Access, Context};
use crate::random;
use crate::store::Event;
use crate::telemetry::spans;

/// A request in the hands of the service.
pub struct Exchange<'a> {
    /// The service.
    pub app: &'a App,
    /// The request.
    pub request: &'a HttpRequest,
    /// The name of the operation, as it stands in the audit.
    pub operation: &'static str,
    /// When the request came. One moment for all that it leads to.
    pub now: Timestamp,
    /// The same moment, for measuring how long the answer takes.
    pub began: Instant,
    /// The id that the reply, the log and the audit share.
    pub id: String,
    /// The name of the format that it was answered in, once it is; empty for a reply without one.
    pub replied_in: Cell<&'static str>,
    /// Whether it is to leave an audit row.
    audited: Cell<bool>,
    verb: Cow<'a, str>,
    /// `Authorization`, in its two parts.
    authorization: Option<(&'a str, &'a str)>,
}

/// Headers that have no constant in the library. A name given as text would be parsed with each request.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The longest request id taken from a client.
const ID_MAX: usize = 64;

impl<'a> Exchange<'a> {
    /// The exchange that `request` begins.
    ///
    /// # Errors
    /// When there is no randomness for its id.
    pub fn begin(app: &'a App, request: &'a HttpRequest) -> Result<Self, Error> {
        let id = match request.headers().get(&X_REQUEST_ID).and_then(|id| id.to_str().ok()) {
            Some(id) if is_request_id(id) => id.to_owned(),
            _ => random::id(&*app.random)?,
        };
        let (verb, authorization) = (verb(request), authorization(request));
        let (now, began) = (app.clock.now(), Instant::now());
        let (replied_in, audited) = (Cell::new(""), Cell::new(false));
        let operation = "";
        Ok(Self {
            app,
            request,
            operation,
            now,
            began,
            id,
            replied_in,
            audited,
            verb,
            authorization,
        })
    }

    /// What follows the scheme in `Authorization`, if that is the scheme. Its case does not matter.
    #[must_use]
    pub fn authorization(&self, scheme: &str) -> Option<&'a str> {
        let (given, credentials) = self.authorization?;
        given.eq_ignore_ascii_case(scheme).then_some(credentials)
    }

    /// Whether there is anything in `Authorization`, readable or not.
    #[must_use]
    pub fn has_authorization(&self) -> bool {
        let mut lines = self.request.headers().get_all(AUTHORIZATION);
        lines.any(|line| !line.as_bytes().trim_ascii().is_empty())
    }

    /// The verb that counts, upper case: that of the request, or what a POST says it is instead.
    #[must_use]
    pub fn verb(&self) -> &str {
        &self.verb
    }

    /// The address that the request came from, as text; empty where it is not known.
    #[must_use]
    pub fn address(&self) -> String {
        self.peer().map(text_of).unwrap_or_default()
    }

    /// The address that the request came from: the other end of the connection, or, where that is
    /// a proxy that is trusted, the one that proxy names.
    #[must_use]
    pub fn peer(&self) -> Option<IpAddr> {
        proxy::client(self.request, &self.app.config.trusted_proxies)
    }

    /// Whether the client sees this service through HTTPS.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        let config = &self.app.config;
        config.public_url.as_deref().is_some_and(|url| url.starts_with("https://"))
            || proxy::is_https(self.request, &config.trusted_proxies)
    }

    /// Counts the answer. An exchange that was to leave an audit row and did not fail has left it:
    /// nothing is answered before what it rests on is committed.
    pub(super) fn count(&self, status: StatusCode) {
        let (metrics, took) = (&self.app.metrics, self.began.elapsed());
        metrics.answered(self.operation, self.replied_in.get(), status, took);
        if self.audited.get() {
            metrics.audited(self.now, !status.is_server_error());
        }
        if !self.operation.is_empty() {
            let parent = self.request.headers().get(&TRACEPARENT);
            self.app.spans.answered(&spans::Request {
                operation: self.operation,
                format: self.replied_in.get(),
                method: self.request.method().as_str(),
                status: status.as_u16(),
                id: &self.id,
                parent: parent.and_then(|parent| parent.to_str().ok()),
                began: self.now,
                took,
            });
        }
    }

    /// Who is calling, if anyone.
    ///
    /// # Errors
    /// When there are credentials and they are wrong.
    pub async fn identify(&self) -> Result<Option<Caller>, Error> {
        self.app.providers.identify(self).await
    }

    /// Who is calling, as far as `access` wants to know.
    ///
    /// # Errors
    /// When it wants somebody and there is nobody.
    pub async fn admit(&self, access: Access) -> Result<Option<Caller>, Error> {
        match access {
            Access::Anyone => Ok(None),
            Access::SignedIn => {
                self.identify().await?.map(Some).ok_or_else(Error::not_authenticated)
            }
        }
    }

    /// What a refusal of somebody who is signed in leaves behind: an audit row, unless it was kept
    /// together with what the refusal changed. Failures of ours are in the log.
    pub(crate) async fn refused(&self, caller: &Caller, organisation: &str, error: Error) -> Error {
        self.refused_about(caller, organisation, None, error).await
    }

    /// The same of what was to be done with the keys of somebody else, `target`.
    pub(crate) async fn refused_about(
        &self,
        caller: &Caller,
        organisation: &str,
        target: Option<String>,
        error: Error,
    ) -> Error {
        if error.is_recorded() || error.status().is_server_error() {
            return error;
        }
        let user = &caller.user.id;
        let event = match self.event(self.operation, user, organisation, error.code(), None) {
            Ok(event) => Event { target, ..event },
            Err(failure) => return failure,
        };
        match self.app.store.record(&event).await {
            Ok(()) => error.recorded(),
            Err(failure) => failure.into(),
        }
    }

    /// The audit row of something that `user` did in this exchange.
    ///
    /// # Errors
    /// When there is no randomness for its id.
    pub fn event(
        &self,
        action: &'static str,
        user: &str,
        organisation: &str,
        outcome: &'static str,
        fingerprint: Option<&str>,
    ) -> Result<Event, Error> {
        self.audited.set(true);
        Ok(Event {
            id: random::id_at(self.now, &*self.app.random)?,
            at: self.now,
            organisation: organisation.to_owned(),
            user: user.to_owned(),
            target: None,
            action,
            outcome,
            address: self.address(),
            request_id: self.id.clone(),
            fingerprint: fingerprint.map(str::to_owned),
        })
    }
}

impl Context<'_> {
    /// The audit row of what the caller did.
    ///
    /// # Errors
    /// When there is no caller, or no randomness for the row's id.
    pub fn event(
        &self,
        organisation: &str,
        outcome: &'static str,
        fingerprint: Option<&str>,
    ) -> Result<Event, Error> {
        let user = &self.caller()?.user.id;
        let action = self.exchange.operation;
        let event = self.exchange.event(action, user, organisation, outcome, fingerprint)?;
        Ok(Event { target: self.target(), ..event })
    }
}

/// An address as text. Each new key's audit row has one, and the library's way to write that of IPv4,
/// through a formatter, takes ten times as long.
fn text_of(address: IpAddr) -> String {
    let IpAddr::V4(address) = address else { return address.to_string() };
    let mut text = String::with_capacity("255.255.255.255".len());
    for (index, octet) in address.octets().into_iter().enumerate() {
        if index > 0 {
            text.push('.');
        }
        for (unit, shown) in [(100, octet >= 100), (10, octet >= 10), (1, true)] {
            if shown {
                text.push(char::from(b'0' + octet / unit % 10));
            }
        }
    }
    text
}

/// The scheme and the credentials of `Authorization`, if there are some (RFC 9110 section 11.4).
fn authorization(request: &HttpRequest) -> Option<(&str, &str)> {
    // A token is some hundred bytes long, which this looks at faster than `to_str`.
    let value = std::str::from_utf8(request.headers().get(AUTHORIZATION)?.as_bytes()).ok()?;
    let value = Some(value).filter(|value| value.is_ascii())?;
    let (scheme, credentials) = value.split_once(' ')?;
    let credentials = credentials.trim();
    (!credentials.is_empty()).then_some((scheme, credentials))
}

/// A POST may stand for another verb, said in a header and nowhere else: a form or a link that
/// could say it would let another site do so.
fn verb(request: &HttpRequest) -> Cow<'_, str> {
    let method = upper_case(request.method().as_str());
    if method != "POST" {
        return method;
    }
    let instead = request
        .headers()
        .get("X-Http-Method-Override")
        .and_then(|value| value.to_str().ok())
        .map(str::trim)
        .filter(|value| !value.is_empty());
    instead.map_or(method, upper_case)
}

fn upper_case(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_lowercase()) {
        Cow::Owned(name.to_ascii_uppercase())
    } else {
        Cow::Borrowed(name)
    }
}

/// Ids go into logs and headers as they are.
fn is_request_id(id: &str) -> bool {
    (1..=ID_MAX).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn addresses_are_written_as_the_library_writes_them() {
        for number in (0..=255_u8).flat_map(|n| [[n, 0, 1, 255], [10, 99, 100, n], [n; 4]]) {
            let address = IpAddr::from(Ipv4Addr::from(number));
            assert_eq!(text_of(address), address.to_string());
        }
        let six: IpAddr = "2001:db8::7".parse().unwrap();
        assert_eq!(text_of(six), "2001:db8::7");
    }
}
