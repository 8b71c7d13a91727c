//! Checks and their count. A check is a named closure that answers an error when it does not hold.

use std::fmt::Debug;
use std::process::ExitCode;

use url::Url;

/// What a check answers: nothing, or what is to be used further on.
pub type Outcome<T = ()> = Result<T, Unmet>;

/// What was expected and did not come, in words.
#[derive(Debug)]
pub struct Unmet(pub String);

impl<E: std::error::Error> From<E> for Unmet {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// The count.
#[derive(Default)]
pub struct Checks {
    passed: usize,
    failed: usize,
}

impl Checks {
    /// Runs a check and prints its line; what it answers is given back, `None` when it failed.
    pub fn check<T>(&mut self, name: &str, run: impl FnOnce() -> Outcome<T>) -> Option<T> {
        match run() {
            Ok(value) => {
                self.passed += 1;
                println!("ok    {name}");
                Some(value)
            }
            Err(Unmet(message)) => {
                self.failed += 1;
                println!("FAIL  {name}: {message}");
                None
            }
        }
    }

    /// Prints the count.
    pub fn finish(&self) -> ExitCode {
        println!("{} passed, {} failed", self.passed, self.failed);
        if self.failed == 0 && self.passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// Answers an error with `message` unless the condition holds.
pub fn that(condition: bool, message: impl Into<String>) -> Outcome {
    if condition { Ok(()) } else { Err(Unmet(message.into())) }
}

/// Answers an error unless the two are equal.
#[expect(clippy::needless_pass_by_value, reason = "callers pass what they have at hand")]
pub fn equal<A: PartialEq<B> + Debug, B: Debug>(actual: A, expected: B, what: &str) -> Outcome {
    that(actual == expected, format!("{what} is {actual:?}, not {expected:?}"))
}

/// An otpauth URI, checked as an authenticator app would read it.
pub struct Key {
    /// The secret in base32.
    pub secret: String,
    /// The issuer that the app shows.
    pub issuer: String,
}

impl Key {
    /// Reads the URI.
    pub fn read(text: &str) -> Outcome<Self> {
        that(text.starts_with("otpauth://totp/"), format!("no key URI: {text:?}"))?;
        that(!text.contains('+'), "blanks must be %20: authenticator apps show a plus")?;
        let uri = Url::parse(text)?;
        let parameter = |name: &str| {
            let value = uri.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value);
            value.map(String::from).ok_or_else(|| Unmet(format!("no {name} in the URI")))
        };
        let (secret, issuer) = (parameter("secret")?, parameter("issuer")?);
        let base32 = |c: char| c.is_ascii_uppercase() || ('2'..='7').contains(&c);
        that(secret.len() == 32 && secret.chars().all(base32), "the secret is not 20 bytes")?;
        Ok(Self { secret, issuer })
    }
}
