//! Failures that the stores make themselves, and those of what many wait for.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{Result, StoreError};

/// A failure that may be over soon.
pub(super) fn unavailable(what: &'static str) -> StoreError {
    StoreError::Unavailable(sqlx::Error::Io(std::io::Error::other(what)))
}

/// Why what many wait for has failed.
pub(super) enum Failure {
    /// Because of one of them.
    Row(StoreError),
    /// Because of none of them.
    Whole(StoreError),
}

/// What many wait for, in parts that are tried one after the other. A part that fails because of one of
/// them is halved until that one is by itself.
pub(super) struct Halves<W>(Vec<Vec<W>>);

impl<W> Halves<W> {
    pub(super) fn of(all: Vec<W>) -> Self {
        Self(vec![all])
    }

    /// The part to be tried now.
    pub(super) fn next(&mut self) -> Option<Vec<W>> {
        self.0.pop()
    }

    /// A part has failed. If it is not to be tried again, gives those who have to be told.
    pub(super) fn failed(
        &mut self,
        mut part: Vec<W>,
        failure: Failure,
    ) -> Option<(Vec<W>, StoreError)> {
        match failure {
            Failure::Row(_) if part.len() > 1 => {
                // The earlier one on top: the order stays what it was.
                let later = part.split_off(part.len() / 2);
                self.0.extend([later, part]);
                None
            }
            Failure::Row(error) | Failure::Whole(error) => Some((part, error)),
        }
    }
}

/// Tells everybody who waits for what has failed.
pub(super) fn refuse<T>(
    replies: impl IntoIterator<Item = oneshot::Sender<Result<T>>>,
    error: StoreError,
) {
    let error = Arc::new(error);
    for reply in replies {
        let repeated = Repeated(error.clone());
        // Who does not wait any more has hung up.
        let _gone = reply.send(Err(match &*error {
            StoreError::Unavailable(_) => {
                StoreError::Unavailable(sqlx::Error::Io(std::io::Error::other(repeated)))
            }
            StoreError::Conflict => StoreError::Conflict,
            StoreError::Missing(what) => StoreError::Missing(what),
            StoreError::Failed(_) => StoreError::Failed(repeated.into()),
        }));
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
