//! A user's name and password, however they arrived: one place that checks them, so that guesses by
//! one way count on the other.

use std::sync::Arc;
use std::time::Duration;

use super::password::PASSWORD_MAX;
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
    // Its length alone says that nobody has it: there is nothing to look up or to count.
    if password.len() > PASSWORD_MAX {
        return Ok(None);
    }
    let guess = Guess { names: [name; 2], password, address };
    // Before anybody is looked up, so that being sent away takes as long whoever there is.
    app.throttle.admit(&guess, now).map_err(limited)?;
    let is_known = |user: &User| app.passwords.remembers(user, password);
    let user = app.store.user_signing_in(name, &is_known).await?;
    let names = user.as_deref().map_or([name; 2], |user| [&*user.name, &*user.email]);
    let attempt = app.throttle.begin(&Guess { names, ..guess }, now).map_err(limited)?;
    let user = app.passwords.check(&*app.store, &*app.random, user, password, address).await?;
    if user.is_some() {
        attempt.right();
    } else if attempt.wrong() {
        app.metrics.locked_out(Limit::Passwords);
    }
    Ok(user)
}
