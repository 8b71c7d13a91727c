//! Makes a new two-factor key for the caller, in an organisation.

use std::borrow::Cow;

use async_trait::async_trait;
use ring::aead::NONCE_LEN;
use zeroize::Zeroizing;

use super::member::{NO_MEMBER, NO_ORGANISATION, membership, validate_organisation};
use super::{
    Access, Answer, Context, Operation, PUT_OPERATION_TENANTED, Refusal, Route, Spec,
    USER_ACCOUNTS, code,
};
use crate::dto::{Dto, ResponseStatus};
use crate::error::Error;
use crate::metrics::Limit;
use crate::seal::Place;
use crate::store::{Membership, Organisation, PendingKey};
use crate::two_factor::{SECRET_LEN, Secret, key_id};

crate::dto! {
    /// Asks for a new two-factor key for the caller.
    pub struct GenerateTwoFactorAuthenticationKeyRequest in USER_ACCOUNTS: PUT_OPERATION_TENANTED {
        /// The organisation that the key is for; the caller's default one when absent or empty.
        pub organisation_id: Option<String>,
    }
}

crate::dto! {
    /// The new key.
    pub struct GenerateTwoFactorAuthenticationKeyResponse in USER_ACCOUNTS {
        /// Why there is no key.
        pub response_status: Option<ResponseStatus>,
        /// The `otpauth://` URI that authenticator apps read.
        pub two_factor_uri: Option<String>,
    }
}

/// The operation.
pub struct GenerateTwoFactorKey;

#[async_trait(?Send)]
impl Operation for GenerateTwoFactorKey {
    type Request = GenerateTwoFactorAuthenticationKeyRequest;
    type Response = GenerateTwoFactorAuthenticationKeyResponse;

    const SPEC: Spec = Spec {
        summary: "Makes a new two-factor key for the caller",
        routes: &[Route { path: "/users/2fa/generate-key", verbs: &["PUT"] }],
        verbs: &["PUT"],
        access: Access::SignedIn,
        request: Self::Request::DEF,
        response: Self::Response::DEF,
        refusals: &[
            NO_ORGANISATION,
            Refusal::new(
                401,
                "TwoFactorRequired",
                "A key is active: a code of it has to be verified first.",
            ),
            NO_MEMBER,
            Refusal::new(429, "TooManyRequests", "The caller has asked for too many keys."),
        ],
    };

    fn validate(&self, request: &Self::Request) -> Result<(), Error> {
        validate_organisation(request.organisation_id.as_deref())
    }

    async fn execute(
        &self,
        cx: &Context<'_>,
        request: Self::Request,
    ) -> Result<Answer<Self::Response>, Error> {
        let app = cx.exchange.app;
        let member = membership(cx, request.organisation_id).await?;
        if member.active_key.is_some() && !code::proven(cx, &member) {
            return Err(Error::two_factor_required());
        }
        // Keys are counted: what was refused above made none.
        app.key_rate.take(&cx.caller()?.user.id, cx.exchange.now).map_err(|wait| {
            app.metrics.limited(Limit::Keys);
            Error::too_many("You have asked for too many keys. Wait before the next one.", wait)
        })?;
        let (key, uri) = new_key(cx, &member)?;
        let event = cx.event(&key.organisation, "ok", Some(&key.fingerprint))?;
        // Only after this may the URI be seen: it is on the disk now.
        app.store.add_pending_key(key, event).await?;
        Ok(Self::Response { two_factor_uri: Some(uri), response_status: None }.into())
    }

    fn refuse(status: ResponseStatus) -> Self::Response {
        Self::Response { response_status: Some(status), two_factor_uri: None }
    }
}

/// A fresh key, sealed for its place, and the URI that shows it.
fn new_key(cx: &Context<'_>, member: &Membership) -> Result<(PendingKey, String), Error> {
    const ID_LEN: usize = 16;
    let app = cx.exchange.app;
    let caller = cx.caller()?;
    // One call to the random source for all that the key needs.
    let mut random = Zeroizing::new([0; SECRET_LEN + NONCE_LEN]);
    app.random.fill(&mut *random)?;
    let (secret, nonce) = random.split_at(SECRET_LEN);
    let mut id = [0; ID_LEN];
    app.random.fill_id(&mut id)?;
    let secret = Secret::from_bytes(secret.try_into().map_err(Error::internal)?);
    let nonce = nonce.try_into().map_err(Error::internal)?;
    let id = key_id(data_encoding::HEXLOWER.encode(&id), member.active_key.as_deref());

    let issuer = issuer(&app.config.product, member);
    let mut uri = secret.uri(&issuer, &caller.user.email).map_err(Error::internal)?;
    let organisation = &member.organisation.id;
    let place = Place { organisation, user: &caller.user.id, key: &id };
    let sealed = app.sealer.seal(&secret, nonce, place);
    let now = cx.exchange.now;
    let key = PendingKey {
        organisation: organisation.clone(),
        user: caller.user.id.clone(),
        sealed,
        fingerprint: app.sealer.fingerprint(&secret),
        created_at: now,
        expires_at: now.plus(app.config.pending_ttl),
        id,
    };
    Ok((key, std::mem::take(&mut *uri)))
}

/// `{product} ({organisation})`, unless the organisation has an issuer of its own: one person's keys
/// in two organisations must never overwrite each other in the app (SECURITY.md, R11).
fn issuer<'a>(product: &str, member: &'a Membership) -> Cow<'a, str> {
    let Organisation { name, issuer, .. } = &member.organisation;
    match issuer {
        Some(issuer) => Cow::Borrowed(issuer),
        None => Cow::Owned([product, " (", name, ")"].concat()),
    }
}
