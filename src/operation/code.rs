//! What operations that take a code have in common: reading it, judging it against the caller's
//! keys, and saying what is wrong with it.
//!
//! The keys are judged inside the store's transaction (`Keys::check_code`), so that of codes sent at
//! once each meets what the one before it left: the step used, the wrong codes counted, the lock.

use std::time::Duration;

use super::{Context, Refusal};
use crate::app::App;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::metrics::Limit;
use crate::seal::{OpenError, Place};
use crate::store::{Attempt, Checked, Hint, Judgement, KeyState, Membership, Purpose, StoredKey};
use crate::two_factor::{CLOCK_SEARCH, Code, STEP, WINDOW, step_at, succeeds};

/// How long a verified code speaks for the session or token that showed it.
pub const STEP_UP: Duration = Duration::from_mins(10);

/// No code in that member.
pub(super) const fn missing(field: &'static str) -> Refusal {
    Refusal::new(400, "ValidationException", "The code is missing.").of(field)
}

/// A code in that member that is not accepted.
pub(super) const fn wrong(field: &'static str) -> Refusal {
    Refusal::new(400, "InvalidCode", "The code is wrong.").of(field)
}

/// Codes were guessed.
pub(super) const LOCKED: Refusal =
    Refusal::new(429, "TooManyRequests", "There were too many wrong codes.");

/// Reads the code in the member `field`. What is not six digits is a wrong code that nobody had to
/// look at, and is not counted.
pub(super) fn parse(field: &'static str, text: Option<&str>) -> Result<Code, Error> {
    let text = text.unwrap_or_default();
    if text.is_empty() {
        return Err(Error::invalid(field, &format!("'{field}' must not be empty.")));
    }
    Code::parse(text)
        .ok_or_else(|| Error::invalid_code(field, "A code is exactly six digits, without blanks."))
}

/// Whether the caller's session or token has shown a code of the active key a short while ago: here,
/// or where the token comes from, if the token says so (`otp` among the `amr` of RFC 8176). Callers
/// by Basic have neither, so there is nothing that a code could speak for later.
pub(super) fn proven(cx: &Context<'_>, member: &Membership) -> bool {
    let now = cx.exchange.now;
    let fresh = |at: Timestamp| at > now.minus(STEP_UP) && at <= now;
    let elsewhere = cx
        .caller
        .as_ref()
        .filter(|caller| caller.amr.iter().any(|way| way == "otp"))
        .and_then(|caller| caller.auth_time);
    member.verified_at.is_some_and(fresh) || elsewhere.is_some_and(fresh)
}

/// Checks the caller's code and does what it was shown for.
pub(super) async fn check(
    cx: &Context<'_>,
    member: &Membership,
    field: &'static str,
    code: &Code,
    purpose: Purpose<'_>,
) -> Result<Checked, Error> {
    let (caller, exchange) = (cx.caller()?, cx.exchange);
    let organisation = &member.organisation.id;
    let attempt = Attempt {
        organisation,
        user: &caller.user.id,
        credential: caller.credential.as_deref(),
        purpose,
        event: cx.event(organisation, "ok", None)?,
    };
    let judge = |keys: &[StoredKey]| judge(exchange.app, &attempt, keys, code);
    match exchange.app.store.check_code(&attempt, &judge).await? {
        Checked::Wrong { hint, locks } => {
            if locks {
                exchange.app.metrics.locked_out(Limit::Codes);
            }
            let hint = hint.filter(|_| may_be_told(cx, member));
            Err(Error::invalid_code(field, &explained(hint)).recorded())
        }
        Checked::NoKey => {
            let message = match purpose {
                Purpose::Verify => {
                    "You have no two-factor key, or its QR code has expired. Ask for one first."
                }
                Purpose::Reset(_) => "You have no confirmed two-factor key.",
            };
            Err(Error::invalid_code(field, message).recorded())
        }
        Checked::Locked(until) => {
            exchange.app.metrics.limited(Limit::Codes);
            let message = "There were too many wrong codes. Wait before the next one.";
            Err(Error::too_many(message, exchange.now.until(until)).recorded())
        }
        accepted => Ok(accepted),
    }
}

/// All keys are tried, whatever is found: a code that fits a pending key confirms it, the newest
/// first; else it is checked against the active one. A key that does not open, because the key that
/// sealed it is not configured, is passed over: it must not take the others with it.
fn judge(
    app: &App,
    attempt: &Attempt<'_>,
    keys: &[StoredKey],
    code: &Code,
) -> Result<Judgement, OpenError> {
    let now = attempt.event.at;
    let step = step_at(now.as_secs());
    let active = keys.iter().find(|key| key.state == KeyState::Active);
    let active_id = active.map(|key| key.id.as_str());
    let current = |key: &StoredKey| key.expires_at > now && succeeds(&key.id, active_id);
    let confirming = matches!(attempt.purpose, Purpose::Verify);
    let pending = keys.iter().filter(|key| confirming && key.state == KeyState::Pending);

    let (mut fits, mut hint) = (None, None);
    let (mut opened, mut closed) = (false, Vec::new());
    for key in pending.clone().filter(|key| current(key)).chain(active) {
        let secret = match open(app, attempt, key) {
            Ok(secret) => secret,
            Err(error) => {
                closed.push((&key.id, error));
                continue;
            }
        };
        opened = true;
        let found = secret.step_of(code, step, WINDOW, key.last_step);
        fits = fits.or(found.map(|step| Judgement::Fits { key: key.id.clone(), step }));
        if key.state == KeyState::Active {
            let used = secret.step_of(code, step, WINDOW, -1).is_some();
            hint = hint.or(used.then_some(Hint::Used));
        } else {
            // Of five keys, a code made up at random is near one in 90 cases of a million: a hint that
            // leads astray so seldom is worth it, and so are the hundred hashes.
            let off = secret.step_of(code, step, CLOCK_SEARCH, -1).map(|found| found - step);
            hint = hint.or(off.map(|steps| Hint::ClockOff(steps * STEP)));
        }
    }
    if !opened {
        // Where no key opens there was nothing to guess: the failure is ours alone, and counting it
        // would lock people out for a sealing key that an operator has forgotten.
        return closed.into_iter().next().map_or(Ok(Judgement::NoKey), |(_, error)| Err(error));
    }
    for (key, error) in &closed {
        let request_id = &attempt.event.request_id;
        tracing::error!(request_id, key, cause = %error, "a two-factor key was passed over");
    }
    if let Some(fits) = fits {
        return Ok(fits);
    }
    for key in pending.filter(|key| !current(key)) {
        // Nothing depends on whether it opens.
        let Ok(secret) = open(app, attempt, key) else { continue };
        let old = secret.step_of(code, step, WINDOW, -1).is_some();
        hint = hint.or(old.then_some(Hint::OldKey));
    }
    // It counts although it may be the code of a key that did not open: else whoever has a session
    // could guess at those that did, without end, until an operator notices.
    Ok(Judgement::Wrong(hint.or((!closed.is_empty()).then_some(Hint::Unopened))))
}

fn open(
    app: &App,
    attempt: &Attempt<'_>,
    key: &StoredKey,
) -> Result<crate::two_factor::Secret, OpenError> {
    let (organisation, user) = (attempt.organisation, attempt.user);
    app.sealer.open(&key.sealed, Place { organisation, user, key: &key.id })
}

/// Whether the caller may learn why a code is wrong: when a guess that fits a pending key would gain
/// nothing, because the caller may make and confirm a key of their own at this moment anyway.
/// Everybody else hears that the code is wrong, and no more.
fn may_be_told(cx: &Context<'_>, member: &Membership) -> bool {
    member.active_key.is_none() || proven(cx, member)
}

fn explained(hint: Option<Hint>) -> String {
    match hint {
        None => "The code is wrong.".to_owned(),
        Some(Hint::ClockOff(seconds)) => format!(
            "The code is wrong for now: the clock of the device that made it is about {} seconds \
             {}. Set it to the network's time.",
            seconds.abs(),
            if seconds > 0 { "fast" } else { "slow" }
        ),
        Some(Hint::OldKey) => {
            "The code belongs to an older QR code that is not valid any more. Scan the newest one."
                .to_owned()
        }
        Some(Hint::Unopened) => {
            "The code is wrong, or it belongs to a QR code that cannot be checked at the moment. Ask \
             for a new one."
                .to_owned()
        }
        Some(Hint::Used) => "The code was used before. Wait for the next one.".to_owned(),
    }
}
