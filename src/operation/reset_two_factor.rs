//! Removes the two-factor keys of the caller, or of another member of an organisation that the
//! caller administers. Either way the caller proves with a code to be the caller.

use async_trait::async_trait;

use super::member::{NO_MEMBER, NO_ORGANISATION, membership, validate_organisation};
use super::{
    Access, Answer, Context, Operation, PUT_OPERATION_TENANTED, Refusal, Route, Spec,
    USER_ACCOUNTS, code,
};
use crate::dto::{Dto, ResponseStatus};
use crate::error::Error;
use crate::store::Purpose;

crate::dto! {
    /// Asks for the keys of a user to be removed, and the user's sessions to be ended.
    pub struct ResetTwoFactorAuthenticationRequest in USER_ACCOUNTS: PUT_OPERATION_TENANTED {
        /// The organisation that the keys are for; the caller's default one when absent or empty.
        pub organisation_id: Option<String>,
        /// The id of the user whose keys they are; the caller when absent or empty.
        pub target_user_id: Option<String>,
        /// Six digits that the caller's own authenticator app shows.
        pub caller_code: Option<String>,
    }
}

crate::dto! {
    /// The keys are gone.
    pub struct ResetTwoFactorAuthenticationResponse in USER_ACCOUNTS {
        /// Why they are not.
        pub response_status: Option<ResponseStatus>,
    }
}

/// The operation.
pub struct ResetTwoFactor;

/// The members' names in errors.
const CALLER_CODE: &str = "CallerCode";
const TARGET: &str = "TargetUserId";

#[async_trait(?Send)]
impl Operation for ResetTwoFactor {
    type Request = ResetTwoFactorAuthenticationRequest;
    type Response = ResetTwoFactorAuthenticationResponse;

    const SPEC: Spec = Spec {
        summary: "Removes the two-factor keys of the caller, or of another member of the organisation",
        routes: &[Route { path: "/users/2fa/reset", verbs: &["PUT"] }],
        verbs: &["PUT"],
        access: Access::SignedIn,
        request: Self::Request::DEF,
        response: Self::Response::DEF,
        refusals: &[
            NO_ORGANISATION,
            code::missing(CALLER_CODE),
            code::wrong(CALLER_CODE),
            NO_MEMBER,
            Refusal::new(
                403,
                "Forbidden",
                "The caller is no administrator, or the user is no member of the organisation.",
            )
            .of(TARGET),
            code::LOCKED,
        ],
    };

    fn validate(&self, request: &Self::Request) -> Result<(), Error> {
        validate_organisation(request.organisation_id.as_deref())?;
        code::parse(CALLER_CODE, request.caller_code.as_deref()).map(|_| ())
    }

    async fn execute(
        &self,
        cx: &Context<'_>,
        request: Self::Request,
    ) -> Result<Answer<Self::Response>, Error> {
        let code = code::parse(CALLER_CODE, request.caller_code.as_deref())?;
        let member = membership(cx, request.organisation_id).await?;
        let caller = &cx.caller()?.user.id;
        let target = request.target_user_id.filter(|id| !id.is_empty());
        let target = target.as_ref().unwrap_or(caller);
        if target != caller {
            let store = &cx.exchange.app.store;
            let theirs = store.membership(target, &member.organisation.id, &[]).await?;
            // Refused or not; but what is no member of it is only a text that the caller made up.
            cx.target.replace(theirs.as_ref().map(|_| target.clone()));
            // One answer for whoever is no administrator, and for users of elsewhere or nowhere.
            if !member.administrator || theirs.is_none() {
                let message = "You may not reset the keys of this user.";
                return Err(Error::forbidden(TARGET, message));
            }
        }
        code::check(cx, &member, CALLER_CODE, &code, Purpose::Reset(target)).await?;
        Ok(Self::Response::default().into())
    }

    fn refuse(status: ResponseStatus) -> Self::Response {
        Self::Response { response_status: Some(status) }
    }
}
