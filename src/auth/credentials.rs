//! A user's name and password, however they arrived: one place that checks them, so that guesses by
//! one way count on the other.

use std::sync::Arc;

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
    let app = exchange.app;
    let guess = Guess { name, password, address: exchange.peer() };
    let attempt = app.throttle.begin(&guess, exchange.now).map_err(|wait| {
        app.metrics.limited(Limit::Passwords);
        Error::too_many("There were too many wrong passwords. Try again later.", wait)
    })?;
    let user = app.passwords.check(&*app.store, &*app.random, name, password).await?;
    if user.is_some() {
        attempt.right();
    } else if attempt.wrong() {
        app.metrics.locked_out(Limit::Passwords);
    }
    Ok(user)
}
