//! Operations: what the service does.
//!
//! An [`Operation`] is a file: its DTOs, its [`Spec`], what it checks and what it does. Routes,
//! pages, generated types and the tests over "every operation" are computed from the registry,
//! [`Operations`]. Adding one: write its file, add one line to [`Operations::standard`], provoke what
//! it refuses in `tests/api/refusals.rs`, run `BLESS=1 tests/run` and read the new fixtures.
//!
//! There are two traits because there are two readers. [`Operation`] is for its author, who deals
//! in the operation's own types. [`AnyOperation`] is for everything else, which holds operations of
//! all types in one list; its one implementation, for every `Operation`, is where a request goes
//! through its steps: read, authenticate, validate, run.

mod authenticate;
mod code;
mod generate_two_factor_key;
mod get_access_token;
mod member;
mod refusal;
mod reset_two_factor;
mod verify_two_factor_code;

use std::cell::RefCell;

use actix_web::http::StatusCode;
use async_trait::async_trait;

pub use authenticate::{Authenticate, AuthenticateResponse, SignIn};
pub use code::STEP_UP;
pub use generate_two_factor_key::{
    GenerateTwoFactorAuthenticationKeyRequest, GenerateTwoFactorAuthenticationKeyResponse,
    GenerateTwoFactorKey,
};
pub use get_access_token::{GetAccessToken, GetAccessTokenResponse, Refresh};
pub use member::ORGANISATION_MAX;
pub use refusal::Refusal;
pub use reset_two_factor::{
    ResetTwoFactor, ResetTwoFactorAuthenticationRequest, ResetTwoFactorAuthenticationResponse,
};
pub use verify_two_factor_code::{
    VerifyTwoFactorAuthenticationCodeRequest, VerifyTwoFactorAuthenticationCodeResponse,
    VerifyTwoFactorCode,
};

use crate::auth::Caller;
use crate::dto::{AnyDto, BaseType, Dto, Namespace, ResponseStatus, TypeDef};
use crate::error::Error;
use crate::http::Exchange;
use crate::http::input::Input;

/// The namespace of the requests and responses about user accounts.
pub const USER_ACCOUNTS: Namespace = Namespace {
    clr: "Infrastructure.Api.Interfaces.ServiceOperations.UserAccounts",
    xml: "http://schemas.datacontract.org/2004/07/Infrastructure.Api.Interfaces.ServiceOperations.UserAccounts",
};

/// The namespace of their base classes.
pub const SERVICE_OPERATIONS: Namespace = Namespace {
    clr: "Infrastructure.Api.Interfaces.ServiceOperations",
    xml: "http://schemas.datacontract.org/2004/07/Infrastructure.Api.Interfaces.ServiceOperations",
};

/// The base class of requests that are PUT.
pub const PUT_OPERATION_UNTENANTED: BaseType = BaseType {
    name: "PutOperationUnTenanted",
    namespace: &SERVICE_OPERATIONS,
    members: &[],
    base: None,
    implements: &["IPut"],
};

/// The base class of requests that are PUT and name an organisation.
pub const PUT_OPERATION_TENANTED: BaseType = BaseType {
    name: "PutOperationTenanted",
    namespace: &SERVICE_OPERATIONS,
    members: &["OrganisationId"],
    base: Some(&PUT_OPERATION_UNTENANTED),
    implements: &["ITenantedRequest"],
};

/// The most requests that one batch may hold.
pub const BATCH_MAX: usize = 100;

/// Who may call an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anyone; credentials that come with the request are not looked at.
    Anyone,
    /// Whoever is signed in.
    SignedIn,
}

/// A path of an operation's own.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// Segments; `{name}` binds the member of that name.
    pub path: &'static str,
    /// The verbs it answers to, upper case.
    pub verbs: &'static [&'static str],
}

/// What there is to know of an operation from outside.
#[derive(Debug)]
pub struct Spec {
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// Its own paths.
    pub routes: &'static [Route],
    /// The verbs it answers to on predefined routes, upper case.
    pub verbs: &'static [&'static str],
    /// Who may call it.
    pub access: Access,
    /// The request's type, whose name is the operation's.
    pub request: &'static TypeDef,
    /// The response's type.
    pub response: &'static TypeDef,
    /// What it refuses by itself, beyond what is refused of every operation.
    pub refusals: &'static [Refusal],
}

impl Spec {
    /// The operation's name: that of its request.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.request.name
    }
}

/// An operation, to its author.
#[async_trait(?Send)]
pub trait Operation: 'static {
    /// What it is asked.
    type Request: Dto;
    /// What it answers.
    type Response: Dto;
    /// What there is to know of it from outside.
    const SPEC: Spec;

    /// Checks what needs nothing but the request.
    ///
    /// # Errors
    /// [`Error::invalid`] for a member whose value will not do.
    fn validate(&self, _request: &Self::Request) -> Result<(), Error> {
        Ok(())
    }

    /// Does it.
    ///
    /// # Errors
    /// Why it was not done.
    async fn execute(
        &self,
        cx: &Context<'_>,
        request: Self::Request,
    ) -> Result<Answer<Self::Response>, Error>;

    /// The response that carries a refusal instead of an answer.
    fn refuse(status: ResponseStatus) -> Self::Response;
}

/// Who calls an operation, and in which exchange.
pub struct Context<'a> {
    /// The exchange.
    pub exchange: &'a Exchange<'a>,
    /// The caller, where the operation asked for one.
    pub caller: Option<Caller>,
    /// The organisation that it is about, once that is known; for the audit.
    organisation: RefCell<String>,
    /// The user whose keys it is about, if that is somebody else and once it is known; likewise.
    target: RefCell<Option<String>>,
}

impl<'a> Context<'a> {
    /// Nobody knows yet what it is about.
    pub(crate) fn new(exchange: &'a Exchange<'a>, caller: Option<Caller>) -> Self {
        Self { exchange, caller, organisation: RefCell::default(), target: RefCell::default() }
    }

    /// The next request of a batch: nobody knows yet what that one is about.
    fn begin(&self) {
        self.organisation.take();
        self.target.take();
    }

    /// The user whose keys it is about, if that is somebody else and known.
    pub(crate) fn target(&self) -> Option<String> {
        self.target.borrow().clone()
    }

    /// A refusal, which leaves an audit row if somebody is signed in. Refusals of nobody in particular
    /// are not kept, so that nobody can fill the table from outside.
    pub(crate) async fn refused(&self, error: Error) -> Error {
        let Some(caller) = &self.caller else { return error };
        let organisation = self.organisation.borrow().clone();
        self.exchange.refused_about(caller, &organisation, self.target(), error).await
    }

    /// The caller.
    ///
    /// # Errors
    /// [`Error::not_authenticated`] where the operation is open to anyone.
    pub fn caller(&self) -> Result<&Caller, Error> {
        self.caller.as_ref().ok_or_else(Error::not_authenticated)
    }
}

/// A response, and what goes into the head of the reply.
pub struct Answer<R> {
    /// The response; nothing is 204.
    pub response: Option<R>,
    /// The status.
    pub status: StatusCode,
    /// More header fields, such as cookies.
    pub headers: Vec<(&'static str, String)>,
}

impl<R> From<R> for Answer<R> {
    fn from(response: R) -> Self {
        Self { response: Some(response), status: StatusCode::OK, headers: Vec::new() }
    }
}

impl<R> Answer<R> {
    /// The same answer with one more header field.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// An operation, to everyone but its author.
#[async_trait(?Send)]
pub trait AnyOperation: Send + Sync {
    /// What there is to know of it.
    fn spec(&self) -> &'static Spec;

    /// Reads, authenticates, validates and runs.
    async fn call(
        &self,
        exchange: &Exchange<'_>,
        input: Input<'_>,
    ) -> Result<Answer<Box<dyn AnyDto>>, Error>;

    /// The response that carries a refusal.
    fn refusal(&self, status: ResponseStatus) -> Box<dyn AnyDto>;
}

#[async_trait(?Send)]
impl<O: Operation + Send + Sync> AnyOperation for O {
    fn spec(&self) -> &'static Spec {
        const { &O::SPEC }
    }

    async fn call(
        &self,
        exchange: &Exchange<'_>,
        input: Input<'_>,
    ) -> Result<Answer<Box<dyn AnyDto>>, Error> {
        if input.is_batch() {
            let requests = input.read_batch::<O::Request>(BATCH_MAX)?;
            let caller = exchange.admit(O::SPEC.access).await?;
            let cx = Context::new(exchange, caller);
            return match Box::pin(batch(self, &cx, requests)).await {
                Ok(answer) => Ok(answer),
                Err(error) => Err(Box::pin(cx.refused(error)).await),
            };
        }
        let request = input.read::<O::Request>()?;
        let caller = exchange.admit(O::SPEC.access).await?;
        let cx = Context::new(exchange, caller);
        let done = match self.validate(&request) {
            Ok(()) => self.execute(&cx, request).await,
            Err(error) => Err(error),
        };
        let answer = match done {
            Ok(answer) => answer,
            // Boxed, as is all that few requests come to.
            Err(error) => return Err(Box::pin(cx.refused(error)).await),
        };
        Ok(Answer {
            response: answer.response.map(|response| Box::new(response) as Box<dyn AnyDto>),
            status: answer.status,
            headers: answer.headers,
        })
    }

    fn refusal(&self, status: ResponseStatus) -> Box<dyn AnyDto> {
        Box::new(O::refuse(status))
    }
}

/// Runs the requests of a batch one after the other. The first that fails fails the call; those
/// before it are done (`fixtures/wire`, rule P7).
async fn batch<O: Operation>(
    operation: &O,
    cx: &Context<'_>,
    requests: Vec<O::Request>,
) -> Result<Answer<Box<dyn AnyDto>>, Error> {
    let mut responses = Vec::with_capacity(requests.len());
    let mut headers = Vec::new();
    for (index, request) in requests.into_iter().enumerate() {
        let at = |error: Error| error.with_meta("AutoBatchIndex", &index.to_string());
        cx.begin();
        operation.validate(&request).map_err(at)?;
        let answer = operation.execute(cx, request).await.map_err(at)?;
        responses.push(answer.response.unwrap_or_default());
        headers.extend(answer.headers);
    }
    headers.push(("X-AutoBatch-Completed", responses.len().to_string()));
    Ok(Answer { response: Some(Box::new(responses)), status: StatusCode::OK, headers })
}

/// The operations.
pub struct Operations(Vec<Box<dyn AnyOperation>>);

impl Operations {
    /// The operations of the service.
    #[must_use]
    pub fn standard() -> Self {
        Self(vec![
            Box::new(GenerateTwoFactorKey),
            Box::new(VerifyTwoFactorCode),
            Box::new(ResetTwoFactor),
            Box::new(SignIn),
            Box::new(Refresh),
        ])
    }

    /// The same operations and one more, in the place of the one of its name if there is one; for
    /// hosts that bring their own.
    #[must_use]
    pub fn with(mut self, operation: impl Operation + Send + Sync) -> Self {
        self.0.retain(|known| known.spec().name() != operation.spec().name());
        self.0.push(Box::new(operation));
        self
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &dyn AnyOperation> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// The operation of that name, whatever its case.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&dyn AnyOperation> {
        self.iter().find(|operation| operation.spec().name().eq_ignore_ascii_case(name))
    }
}
