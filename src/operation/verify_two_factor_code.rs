//! Checks a code: confirms a pending key with it, or proves with it that the caller has the active
//! one.

use async_trait::async_trait;

use super::member::{NO_MEMBER, NO_ORGANISATION, membership, validate_organisation};
use super::{
    Access, Answer, Context, Operation, PUT_OPERATION_TENANTED, Route, Spec, USER_ACCOUNTS, code,
};
use crate::dto::{Dto, ResponseStatus};
use crate::error::Error;
use crate::store::{Checked, Purpose};

crate::dto! {
    /// Shows a code of a two-factor key of the caller.
    pub struct VerifyTwoFactorAuthenticationCodeRequest in USER_ACCOUNTS: PUT_OPERATION_TENANTED {
        /// The organisation that the key is for; the caller's default one when absent or empty.
        pub organisation_id: Option<String>,
        /// The six digits that the authenticator app shows.
        pub code: Option<String>,
    }
}

crate::dto! {
    /// What the code was good for.
    pub struct VerifyTwoFactorAuthenticationCodeResponse in USER_ACCOUNTS {
        /// Why it was good for nothing.
        pub response_status: Option<ResponseStatus>,
        /// `Confirmed`: a pending key is the active one now. `Verified`: it is one of the active key.
        pub status: Option<String>,
    }
}

/// The operation.
pub struct VerifyTwoFactorCode;

/// The member's name in errors.
const CODE: &str = "Code";

#[async_trait(?Send)]
impl Operation for VerifyTwoFactorCode {
    type Request = VerifyTwoFactorAuthenticationCodeRequest;
    type Response = VerifyTwoFactorAuthenticationCodeResponse;

    const SPEC: Spec = Spec {
        summary: "Checks a two-factor code of the caller, and confirms a new key with it",
        routes: &[Route { path: "/users/2fa/verify", verbs: &["PUT"] }],
        verbs: &["PUT"],
        access: Access::SignedIn,
        request: Self::Request::DEF,
        response: Self::Response::DEF,
        refusals: &[
            NO_ORGANISATION,
            code::missing(CODE),
            code::wrong(CODE),
            NO_MEMBER,
            code::LOCKED,
        ],
    };

    fn validate(&self, request: &Self::Request) -> Result<(), Error> {
        validate_organisation(request.organisation_id.as_deref())?;
        code::parse(CODE, request.code.as_deref()).map(|_| ())
    }

    async fn execute(
        &self,
        cx: &Context<'_>,
        request: Self::Request,
    ) -> Result<Answer<Self::Response>, Error> {
        let code = code::parse(CODE, request.code.as_deref())?;
        let member = membership(cx, request.organisation_id).await?;
        let status = match code::check(cx, &member, CODE, &code, Purpose::Verify).await? {
            Checked::Confirmed => "Confirmed",
            _ => "Verified",
        };
        Ok(Self::Response { status: Some(status.to_owned()), response_status: None }.into())
    }

    fn refuse(status: ResponseStatus) -> Self::Response {
        Self::Response { response_status: Some(status), status: None }
    }
}
