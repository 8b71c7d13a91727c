//! What operations about an organisation have in common: its id, and the caller as its member.

use std::sync::Arc;

use super::{Context, Refusal};
use crate::error::Error;
use crate::store::Membership;

/// The member's name in errors.
const ORGANISATION: &str = "OrganisationId";

/// An organisation's id that will not do, or none.
pub(super) const NO_ORGANISATION: Refusal = Refusal::new(
    400,
    "ValidationException",
    "The organisation is missing and there is no default one, or its id is malformed.",
)
.of(ORGANISATION);

/// An organisation that is not there or not the caller's.
pub(super) const NO_MEMBER: Refusal = Refusal::new(
    403,
    "Forbidden",
    "The organisation is not there, or the caller is no member of it.",
)
.of(ORGANISATION);

/// The longest organisation id, in characters.
pub const ORGANISATION_MAX: usize = 64;

/// Checks the form of an organisation's id.
pub(super) fn validate_organisation(id: Option<&str>) -> Result<(), Error> {
    let Some(id) = id else { return Ok(()) };
    if id.chars().count() > ORGANISATION_MAX {
        let message = format!("OrganisationId is longer than {ORGANISATION_MAX} characters.");
        return Err(Error::invalid(ORGANISATION, &message));
    }
    if id.chars().any(char::is_control) {
        return Err(Error::invalid(ORGANISATION, "OrganisationId has a control character."));
    }
    Ok(())
}

/// What the caller is to the organisation asked for, or to the default one.
pub(super) async fn membership(
    cx: &Context<'_>,
    asked: Option<String>,
) -> Result<Arc<Membership>, Error> {
    let caller = cx.caller()?;
    let organisation = asked
        .filter(|id| !id.is_empty())
        .or_else(|| caller.user.default_organisation.clone())
        .ok_or_else(|| {
            let message = "OrganisationId is missing, and you have no default organisation.";
            Error::invalid(ORGANISATION, message)
        })?;
    let store = &cx.exchange.app.store;
    let credential = caller.credential.as_deref().unwrap_or_default();
    let member = store.membership(&caller.user.id, &organisation, credential).await;
    cx.organisation.replace(organisation);
    // One answer for an organisation that does not exist and one that is somebody else's.
    member?
        .ok_or_else(|| Error::forbidden(ORGANISATION, "You are not a member of this organisation."))
}
