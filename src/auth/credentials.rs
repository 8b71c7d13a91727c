//! A user's name and password, however they arrived: one place that checks them, so that guesses by
//! one way count on the other.

use std::sync::Arc;
use std::time::Duration;

use super::throttle::Guess;
use crate::error::Error;
use crate::http::Exchange;
use crate::metrics::Limit;
use crate::store::User;

/// The user, if name and password fit each other.
///
/// # Errors
/// [`Error::too_many`] after too many wrong ones; the store's.
pub async fn check(
    exchange: &Exchange<'_>,
    name: &str,
    password: &str,
) -> Result<Option<Arc<User>>, Error> {
    let (app, address, now) = (exchange.app, exchange.peer(), exchange.now);
    let limited = |wait: Duration| {
        app.metrics.limited(Limit::Passwords);
        Error::too_many("There were too many wrong passwords. Try again later.", wait)
    };
    // Before anybody is looked up, so that being sent away takes as long whoever there is.
    app.throttle.admit(name, address, now).map_err(limited)?;
    let user = app.store.user_named(name).await?;
    let names = user.as_deref().map_or([name; 2], |user| [&*user.name, &*user.email]);
    let attempt = app.throttle.begin(&Guess { names, password, address }, now).map_err(limited)?;
    let user = app.passwords.check(&*app.store, &*app.random, user, password).await?;
    if user.is_some() {
        attempt.right();
    } else if attempt.wrong() {
        app.metrics.locked_out(Limit::Passwords);
    }
    Ok(user)
}
