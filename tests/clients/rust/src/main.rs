//! Uses the service through the crate `servicestack`, as a Rust application would.

mod check;
mod dtos;
mod exchanges;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::cookie::{CookieStore, Jar};
use serde_json::json;
use servicestack::blocking::JsonServiceClient;
use servicestack::{Authenticate, AuthenticateResponse, Error};

use crate::check::{Checks, Key, Outcome, Unmet, equal, that};
use crate::dtos::GenerateTwoFactorAuthenticationKeyRequest as Request;
use crate::dtos::GenerateTwoFactorAuthenticationKeyResponse as Response;
use crate::exchanges::exchanges;

const OPERATION: &str = "GenerateTwoFactorAuthenticationKeyRequest";
const ROUTE: &str = "/users/2fa/generate-key";

/// What the environment says about the service.
struct Service {
    base: String,
    org: String,
    other_org: String,
    user: String,
    joined: String,
    password: String,
    expired_token: String,
    cors_origin: String,
}

impl Service {
    fn from_environment() -> Outcome<Self> {
        let read = |name: &str| {
            std::env::var(name)
                .map_err(|error| Unmet(format!("environment variable {name}: {error}")))
        };
        Ok(Self {
            base: read("BASE_URL")?,
            org: read("ORG")?,
            other_org: read("OTHER_ORG")?,
            user: read("USER_NAME")?,
            joined: read("JOINED_NAME")?,
            password: read("PASSWORD")?,
            expired_token: read("EXPIRED_TOKEN")?,
            cors_origin: read("CORS_ORIGIN")?,
        })
    }

    fn client(&self) -> JsonServiceClient {
        JsonServiceClient::new(&self.base)
    }

    fn with_token(&self, token: &str) -> JsonServiceClient {
        let mut client = self.client();
        client.set_bearer_token(token);
        client
    }

    /// A client with the cookies of a session and no token.
    fn with_cookies(&self, jar: &Arc<Jar>) -> Outcome<JsonServiceClient> {
        let http = reqwest::blocking::Client::builder().cookie_provider(Arc::clone(jar)).build()?;
        Ok(JsonServiceClient::with_client(&self.base, http))
    }

    fn credentials(user: &str, password: &str) -> Authenticate {
        Authenticate {
            provider: Some("credentials".into()),
            user_name: Some(user.into()),
            password: Some(password.into()),
            ..Authenticate::default()
        }
    }

    fn login(&self, user: &str) -> Outcome<(Arc<Jar>, AuthenticateResponse)> {
        let jar = Arc::new(Jar::default());
        let reply = self.with_cookies(&jar)?.post(&Self::credentials(user, &self.password))?;
        Ok((jar, reply))
    }

    fn cookies(&self, jar: &Jar) -> Outcome<String> {
        let cookies = jar.cookies(&self.base.parse()?).ok_or_else(|| Unmet("no cookies".into()))?;
        Ok(cookies.to_str()?.to_owned())
    }

    fn request(&self) -> Request {
        Self::request_for(&self.org)
    }

    fn request_for(organisation: &str) -> Request {
        Request { organisation_id: Some(organisation.into()) }
    }
}

fn key(response: Result<Response, Error>) -> Outcome<Key> {
    Key::read(&response?.two_factor_uri)
}

/// What the library reports of a call that had to fail with this status and code.
fn fails<T>(result: Result<T, Error>, status: u16, code: &str) -> Outcome<Error> {
    let Err(error) = result else { return Err(Unmet("the call succeeded".into())) };
    equal(error.status_code(), Some(status), "status")?;
    equal(error.error_code(), Some(code), "errorCode")?;
    // Without a body the library fills both from the status line.
    that(error.error_message() != Some(code), "the message says no more than the code")?;
    Ok(error)
}

fn names_the_organisation(error: &Error) -> Outcome {
    that(error.field_error("OrganisationId").is_some_and(|text| !text.is_empty()), "no field error")
}

fn check_logins(checks: &mut Checks, service: &Service, session: &Arc<Jar>) {
    checks.check("login:authenticate adopts the tokens", || {
        let client = service.client();
        client.authenticate(&service.user, &service.password)?;
        that(client.bearer_token().is_some(), "no bearer token")?;
        key(client.send(&service.request()))
    });
    checks.check("login:a stale bearer token does not stand in the way", || {
        let client = service.with_token(&service.expired_token);
        let reply = client.authenticate(&service.user, &service.password)?;
        equal(reply.user_name, service.user.as_str(), "userName")
    });
    checks.check("login:on_authentication_required", || {
        let token = service.login(&service.user)?.1.bearer_token;
        let asked = Arc::new(AtomicUsize::new(0));
        let times = Arc::clone(&asked);
        let mut client = service.client();
        client.set_on_authentication_required(move |client| {
            times.fetch_add(1, Ordering::Relaxed);
            client.clone().set_bearer_token(&token); // clones share their tokens
            Ok(())
        });
        key(client.put(&service.request()))?;
        equal(asked.load(Ordering::Relaxed), 1, "number of times asked")
    });
    checks.check("login:logout ends the session", || {
        let (jar, _) = service.login(&service.user)?;
        let cookies = service.cookies(&jar)?;
        let logout = Authenticate { provider: Some("logout".into()), ..Authenticate::default() };
        service.with_cookies(&jar)?.post(&logout)?;
        let mut copy = service.client();
        copy.set_header("Cookie", &cookies);
        fails(copy.put(&service.request()), 401, "Unauthorized")
    });
    checks.check("login:the session is in the cookies", || {
        let cookies = service.cookies(session)?;
        that(cookies.contains("ss-id=") && cookies.contains("ss-pid="), "no ss-id and ss-pid")
    });
}

fn check_puts(checks: &mut Checks, service: &Service, session: &JsonServiceClient) {
    let request = service.request();
    checks.check("put:/api", || key(session.put(&request)));
    checks.check("put:send takes the verb from the DTO", || key(session.send(&request)));
    checks.check("put:every call makes a new key", || {
        let (one, two) = (key(session.put(&request))?, key(session.put(&request))?);
        that(one.secret != two.secret, "the same key twice")
    });
    checks.check("put:api() gives a result", || {
        let result = session.api(&request);
        that(result.succeeded(), format!("{:?}", result.error))?;
        Key::read(&result.response.unwrap_or_default().two_factor_uri)
    });
    checks.check("put:/json/reply", || key(session.clone().set_base_path("").put(&request)));
    checks.check("put:custom route", || key(session.put_url(ROUTE, &request)));
}

fn check_tokens(checks: &mut Checks, service: &Service, tokens: &AuthenticateResponse) {
    checks.check("bearer:token of the login", || {
        key(service.with_token(&tokens.bearer_token).put(&service.request()))
    });
    checks.check("bearer:a good token counts beside a stale cookie", || {
        let mut client = service.with_token(&tokens.bearer_token);
        client.set_header("Cookie", "ss-id=gone");
        key(client.put(&service.request()))
    });
    checks.check("basic:set_credentials", || {
        let mut client = service.client();
        key(client.set_credentials(&service.user, &service.password).put(&service.request()))
    });
    checks.check("refresh:token from the body", || {
        let mut client = service.with_token(&service.expired_token);
        client.set_refresh_token(&tokens.refresh_token);
        key(client.put(&service.request()))?;
        let token = client.bearer_token().unwrap_or_default();
        that(!token.is_empty() && token != service.expired_token, "no new bearer token")?;
        // The library keeps the token that it was given: the next refresh comes with the same one.
        client.set_bearer_token(&service.expired_token);
        key(client.put(&service.request()))
    });
}

fn check_errors(checks: &mut Checks, service: &Service, session: &JsonServiceClient) {
    let request = service.request();
    checks.check("errors:not signed in", || {
        fails(service.client().put(&request), 401, "Unauthorized")
    });
    let wrong = format!("{}-", service.password);
    let nobody = format!("nobody-{}", service.user);
    for (what, user, password) in
        [("wrong password", &service.user, &wrong), ("unknown user", &nobody, &service.password)]
    {
        checks.check(&format!("errors:{what}"), || {
            let error = fails(service.client().authenticate(user, password), 401, "Unauthorized")?;
            equal(error.error_message(), Some("Invalid Username or Password"), "message")
        });
    }
    checks.check("errors:expired token", || {
        fails(service.with_token(&service.expired_token).put(&request), 401, "TokenException")
    });
    checks.check("errors:token that is none", || {
        fails(service.with_token("nonsense").put(&request), 401, "Unauthorized")
    });
    checks.check("errors:foreign and unknown organisation look alike", || {
        let foreign =
            fails(session.put(&Service::request_for(&service.other_org)), 403, "Forbidden")?;
        let unknown =
            fails(session.put(&Service::request_for("org_that_is_not_there")), 403, "Forbidden")?;
        equal(unknown.response_status(), foreign.response_status(), "the answer for an unknown one")
    });
    checks.check("errors:api() gives the error", || {
        let result = session.api(&Service::request_for(&service.other_org));
        equal(result.error_code(), Some("Forbidden"), "errorCode")
    });
}

fn check_fields(checks: &mut Checks, service: &Service, session: &JsonServiceClient) {
    checks.check("fields:foreign organisation", || {
        let foreign = Service::request_for(&service.other_org);
        names_the_organisation(&fails(session.put(&foreign), 403, "Forbidden")?)
    });
    checks.check("fields:malformed organisation", || {
        let long = Service::request_for(&"x".repeat(65));
        names_the_organisation(&fails(session.put(&long), 400, "ValidationException")?)
    });
    let joined = checks
        .check("login:a second user", || service.with_cookies(&service.login(&service.joined)?.0));
    let joined = joined.unwrap_or_else(|| service.client());
    for (what, body) in [
        ("absent", json!({})),
        ("null", json!({ "organisationId": null })),
        ("empty", json!({ "organisationId": "" })),
    ] {
        let url = format!("/api/{OPERATION}");
        checks.check(&format!("fields:{what} organisation is the default one"), || {
            let named = key(session.put(&service.request()))?;
            equal(key(session.put_url(&url, &body))?.issuer, named.issuer, "issuer")
        });
        checks.check(&format!("fields:{what} organisation without a default one"), || {
            let result = joined.put_url::<Response, _>(&url, &body);
            names_the_organisation(&fails(result, 400, "ValidationException")?)
        });
    }
    checks.check("put:organisation in the query string", || {
        let url = format!("/api/{OPERATION}?organisationId={}", service.org);
        key(joined.put_url(&url, &Request::default()))
    });
}

/// The library always POSTs batches and one-way requests, and the operation has PUT only.
fn check_batches(checks: &mut Checks, service: &Service, session: &JsonServiceClient) {
    let request = service.request();
    let two = [request.clone(), request.clone()];
    for (path, reply, oneway) in [("api", "/api", "/api"), ("", "/json/reply", "/json/oneway")] {
        let mut posting = session.clone();
        posting.set_base_path(path);
        let mut overriding = posting.clone();
        overriding.set_header("X-Http-Method-Override", "PUT");

        checks
            .check(&format!("batch:send_all to {reply} is refused like the original does"), || {
                fails(posting.send_all(&two), 405, "NotImplementedException")
            });
        checks.check(&format!("batch:send_all to {reply} as PUT"), || {
            let replies = overriding.send_all(&two)?;
            let [one, two] = replies.as_slice() else {
                return Err(Unmet(format!("{} replies", replies.len())));
            };
            let (one, two) = (Key::read(&one.two_factor_uri)?, Key::read(&two.two_factor_uri)?);
            that(one.secret != two.secret, "one key for two requests")
        });
        checks.check(
            &format!("oneway:publish to {oneway} is refused like the original does"),
            || fails(posting.publish(&request), 405, "NotImplementedException"),
        );
        checks.check(&format!("oneway:publish to {oneway} as PUT"), || {
            Ok(overriding.publish(&request)?)
        });
    }
}

fn run(checks: &mut Checks) -> Outcome {
    let file = std::env::args().nth(1).ok_or_else(|| Unmet("which exchanges.json?".into()))?;
    let service = Service::from_environment()?;
    let signed_in = checks.check("login:credentials", || {
        let (jar, reply) = service.login(&service.user)?;
        equal(&reply.user_name, &service.user, "userName")?;
        for (member, value) in [
            ("userId", &reply.user_id),
            ("sessionId", &reply.session_id),
            ("displayName", &reply.display_name),
            ("bearerToken", &reply.bearer_token),
            ("refreshToken", &reply.refresh_token),
        ] {
            that(!value.is_empty(), format!("no {member}"))?;
        }
        Ok((jar, reply))
    });
    let Some((jar, tokens)) = signed_in else { return Ok(()) };
    let session = service.with_cookies(&jar)?;
    check_logins(checks, &service, &jar);
    check_puts(checks, &service, &session);
    check_tokens(checks, &service, &tokens);
    check_errors(checks, &service, &session);
    check_fields(checks, &service, &session);
    check_batches(checks, &service, &session);
    let values = [
        ("ORG", service.org.as_str()),
        ("OTHER_ORG", &service.other_org),
        ("USER_NAME", &service.user),
        ("PASSWORD", &service.password),
        ("CORS_ORIGIN", &service.cors_origin),
        ("OP", OPERATION),
        ("RES", "GenerateTwoFactorAuthenticationKeyResponse"),
        (
            "NS",
            "http://schemas.datacontract.org/2004/07/Infrastructure.Api.Interfaces.ServiceOperations",
        ),
    ];
    exchanges(checks, &file, &service.base, &service.cookies(&jar)?, &values)
}

fn main() -> ExitCode {
    let mut checks = Checks::default();
    if let Err(Unmet(message)) = run(&mut checks) {
        checks.check("run", || Err::<(), _>(Unmet(message)));
    }
    checks.finish()
}
