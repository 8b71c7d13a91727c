//! Failures that the stores make themselves, and those that many are told of.

use std::sync::Arc;

use super::StoreError;

/// A failure that may be over soon.
pub(super) fn unavailable(what: &'static str) -> StoreError {
    StoreError::Unavailable(sqlx::Error::Io(std::io::Error::other(what)))
}

/// What each of those is told whose common statement has failed.
pub(super) fn for_each(error: StoreError) -> impl Fn() -> StoreError {
    let error = Arc::new(error);
    move || {
        let repeated = Repeated(error.clone());
        match &*error {
            StoreError::Unavailable(_) => {
                StoreError::Unavailable(sqlx::Error::Io(std::io::Error::other(repeated)))
            }
            StoreError::Conflict => StoreError::Conflict,
            StoreError::Missing(what) => StoreError::Missing(what),
            StoreError::Failed(_) => StoreError::Failed(repeated.into()),
        }
    }
}

/// The cause of one failure, told to many.
#[derive(Debug)]
struct Repeated(Arc<StoreError>);

impl std::fmt::Display for Repeated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match std::error::Error::source(&*self.0) {
            Some(cause) => write!(f, "{cause}"),
            None => write!(f, "{}", self.0),
        }
    }
}

impl std::error::Error for Repeated {}

/// A database's refusal with that code, for tests.
#[cfg(test)]
#[derive(Debug, thiserror::Error)]
#[error("refused with {0}")]
pub(super) struct Refusal(pub(super) &'static str);

#[cfg(test)]
impl sqlx::error::DatabaseError for Refusal {
    fn message(&self) -> &str {
        self.0
    }
    fn code(&self) -> Option<std::borrow::Cow<'_, str>> {
        Some(self.0.into())
    }
    fn kind(&self) -> sqlx::error::ErrorKind {
        sqlx::error::ErrorKind::Other
    }
    fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
        self
    }
    fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
        self
    }
    fn into_error(self: Box<Self>) -> Box<dyn std::error::Error + Send + Sync + 'static> {
        self
    }
}
