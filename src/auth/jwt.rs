//! JSON Web Tokens in the compact form (RFC 7515, RFC 7519), as the host that is being replaced
//! mints them, and as this service does.
//!
//! ```text
//! {"typ":"JWT","alg":"HS256","kid":"AQI"}
//! {"iss":"ssjwt","sub":1,"iat":…,"exp":…,"name":"Alice A","preferred_username":"alice",
//!  "email":"alice@example.com"}
//! ```
//!
//! What is checked, in this order: the algorithm is that of a configured key, and a key is used with
//! its own algorithm only (RFC 8725 sections 2.1 and 3.1), so `none` and a public key used as an
//! HMAC key are refused; `typ` is not that of a refresh token (`JWTR`); nothing is `crit`; the
//! signature; the issuer is `ssjwt`, or none, as hosts without one mint them; `exp`, which must be
//! there, and `nbf`. `kid` is not looked at: there is one key of each kind, and no token chooses it.
//! `aud` is not looked at either: hosts with an audience configured write it, and such a token is
//! meant for what replaces them.
//!
//! A library would bring a second implementation of the primitives with it; those of `ring`, which
//! the rest of the service uses, are used here.

use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use ring::{digest, hmac};
use serde::{Deserialize, Deserializer, Serialize};
use zeroize::Zeroizing;

use super::mac;
use super::public_key::PublicKey;
use crate::cache::Cache;
use crate::clock::Timestamp;

/// The issuer of all tokens that are taken.
pub const ISSUER: &str = "ssjwt";

/// The longest token that is looked at, in bytes.
const TOKEN_MAX: usize = 8 * 1024;

/// How long a token whose signature was found good is known again, and how many. Neither matters to
/// what is right: the keys do not change while the process runs, and times are looked at each time.
const KNOWN: Duration = Duration::from_mins(1);
const KNOWN_MOST: usize = 4096;

/// The keys of bearer tokens.
pub struct Jwt {
    secret: Option<hmac::Key>,
    public: Option<PublicKey>,
    /// What tokens say whose signature is good, by the SHA-256 of the token.
    known: Cache<Vec<u8>, Arc<Claims>>,
}

/// Why a token is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It is no token, or none that a key of ours fits.
    Invalid,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    TooEarly,
}

/// What a token says, as far as anyone here wants to know.
#[derive(Debug, Default, Deserialize)]
pub struct Claims {
    iss: Option<String>,
    exp: Option<serde_json::Number>,
    nbf: Option<serde_json::Number>,
    /// The user's name.
    pub preferred_username: Option<String>,
    /// The user's address.
    pub email: Option<String>,
    /// The sign-in that the token belongs to; tokens of this service have it.
    pub sid: Option<String>,
    /// How the user proved to be that user (RFC 8176).
    #[serde(default, deserialize_with = "methods")]
    pub amr: Vec<String>,
    auth_time: Option<serde_json::Number>,
}

/// A list of texts. What is anything else proves nothing, and is no reason to refuse the token.
fn methods<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(Vec::<String>::deserialize(value).unwrap_or_default())
}

impl Claims {
    /// When the user proved it.
    #[must_use]
    pub fn auth_time(&self) -> Option<Timestamp> {
        Some(Timestamp::from_millis(seconds(self.auth_time.as_ref()?)?.checked_mul(1000)?))
    }
}

/// What a token of ours says.
#[derive(Serialize)]
pub struct NewClaims<'a> {
    /// [`ISSUER`].
    pub iss: &'static str,
    /// The user's id.
    pub sub: &'a str,
    /// When it was made, in seconds since the Unix epoch.
    pub iat: i64,
    /// When it ends, in seconds since the Unix epoch.
    pub exp: i64,
    /// The name to show.
    pub name: &'a str,
    /// The name to sign in with.
    pub preferred_username: &'a str,
    /// The address.
    pub email: &'a str,
    /// The sign-in.
    pub sid: &'a str,
    /// A random id.
    pub jti: &'a str,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    crit: Option<serde::de::IgnoredAny>,
}

impl Jwt {
    /// With this HS256 key, if there is one.
    #[must_use]
    pub fn new(secret: Option<&[u8]>) -> Self {
        let secret = secret.map(|secret| hmac::Key::new(hmac::HMAC_SHA256, secret));
        Self { secret, public: None, known: Cache::lasting(KNOWN_MOST, KNOWN) }
    }

    /// And with this public key of an issuer elsewhere.
    #[must_use]
    pub fn with_public_key(mut self, key: PublicKey) -> Self {
        self.public = Some(key);
        self
    }

    /// Whether tokens can be made here.
    #[must_use]
    pub fn signs(&self) -> bool {
        self.secret.is_some()
    }

    /// The token that says `claims`; nothing without a key to sign it.
    #[must_use]
    pub fn sign(&self, claims: &NewClaims<'_>) -> Option<Zeroizing<String>> {
        let secret = self.secret.as_ref()?;
        let claims = serde_json::to_vec(claims).ok()?;
        let mut token = BASE64URL_NOPAD.encode(br#"{"typ":"JWT","alg":"HS256"}"#);
        token.push('.');
        token.push_str(&BASE64URL_NOPAD.encode(&claims));
        let tag = hmac::sign(secret, token.as_bytes());
        token.push('.');
        token.push_str(&BASE64URL_NOPAD.encode(tag.as_ref()));
        Some(Zeroizing::new(token))
    }

    /// What is made of `text` for a purpose of its own, by whoever has the key that tokens are signed
    /// with and nobody else; nothing without it. No token has the byte between the two in what is signed
    /// of it.
    pub(super) fn derive(&self, purpose: &str, text: &str) -> Option<hmac::Tag> {
        Some(mac::of_two(self.secret.as_ref()?, purpose, text))
    }

    /// What a token says, if it is valid at `now`.
    ///
    /// # Errors
    /// [`Unfit`]; a token whose signature does not fit is never more than [`Unfit::Invalid`].
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Arc<Claims>, Unfit> {
        self.verify_hashed(token, &digest::digest(&digest::SHA256, token.as_bytes()), now)
    }

    /// The same, for whoever has the token's SHA-256 already.
    pub(super) fn verify_hashed(
        &self,
        token: &str,
        sha256: &digest::Digest,
        now: Timestamp,
    ) -> Result<Arc<Claims>, Unfit> {
        let signed = || self.signed(token).map(Arc::new);
        let claims = self.known.get_or_find(sha256.as_ref(), signed).ok_or(Unfit::Invalid)?;
        let exp = claims.exp.as_ref().and_then(seconds).ok_or(Unfit::Invalid)?;
        if now.as_secs() >= exp {
            return Err(Unfit::Expired);
        }
        if let Some(nbf) = &claims.nbf
            && now.as_secs() < seconds(nbf).ok_or(Unfit::Invalid)?
        {
            return Err(Unfit::TooEarly);
        }
        Ok(claims)
    }

    /// The sign-in that a token of ours belongs to, be it expired or not.
    #[must_use]
    pub fn sign_in_of(&self, token: &str) -> Option<String> {
        self.signed(token)?.sid
    }

    fn signed(&self, token: &str) -> Option<Claims> {
        if token.len() > TOKEN_MAX {
            return None;
        }
        let (message, signature) = token.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        let header: Header = decoded(header)?;
        let typ = header.typ.as_deref().unwrap_or("JWT");
        if !typ.eq_ignore_ascii_case("JWT") || header.crit.is_some() {
            return None;
        }
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).ok()?;
        let fits = match (header.alg.as_str(), &self.secret, &self.public) {
            ("HS256", Some(secret), _) => {
                hmac::verify(secret, message.as_bytes(), &signature).is_ok()
            }
            (alg, _, Some(key)) if alg == key.algorithm() => {
                key.fits(message.as_bytes(), &signature)
            }
            _ => false,
        };
        if !fits {
            return None;
        }
        let claims: Claims = decoded(claims)?;
        claims.iss.as_deref().is_none_or(|issuer| issuer == ISSUER).then_some(claims)
    }
}

/// Whether a bearer credential has the form of a token: three parts.
#[must_use]
pub fn is_token(credential: &str) -> bool {
    memchr::memchr_iter(b'.', credential.as_bytes()).count() == 2
}

fn decoded<T: serde::de::DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&BASE64URL_NOPAD.decode(part.as_bytes()).ok()?).ok()
}

/// A `NumericDate` (RFC 7519 section 2) in whole seconds.
fn seconds(number: &serde_json::Number) -> Option<i64> {
    number.as_i64().or_else(|| number.to_string().split_once('.')?.0.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_460_000_000);
    const KEY: [u8; 32] = [7; 32];

    fn token(header: &str, claims: &str) -> String {
        let part = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
        let message = format!("{}.{}", part(header), part(claims));
        let key = hmac::Key::new(hmac::HMAC_SHA256, &KEY);
        let tag = hmac::sign(&key, message.as_bytes());
        format!("{message}.{}", BASE64URL_NOPAD.encode(tag.as_ref()))
    }

    fn verdict(header: &str, claims: &str) -> Result<Arc<Claims>, Unfit> {
        Jwt::new(Some(&KEY)).verify(&token(header, claims), NOW)
    }

    const HEADER: &str = r#"{"typ":"JWT","alg":"HS256","kid":"../../dev/null"}"#;

    #[test]
    fn a_token_of_the_host_is_taken_as_it_is() {
        let claims = r#"{"sub":1,"iss":"ssjwt","iat":1795450000,"exp":1796669717,"jid":-4,
            "name":"Alice A","preferred_username":"alice","roles":["Admin"],"perms":[]}"#;
        let claims = verdict(HEADER, claims).unwrap();
        assert_eq!(claims.preferred_username.as_deref(), Some("alice"));
        for (amr, methods) in [(r#"["pwd","otp"]"#, 2), (r#""pwd""#, 0), ("null", 0), ("[1]", 0)] {
            let claims = format!(r#"{{"iss":"ssjwt","exp":1796669717,"amr":{amr}}}"#);
            assert_eq!(verdict(HEADER, &claims).unwrap().amr.len(), methods, "{amr}");
        }
    }

    #[test]
    fn time_is_kept_to_the_second() {
        let at = |exp: i64, nbf: i64| {
            verdict(HEADER, &format!(r#"{{"iss":"ssjwt","exp":{exp},"nbf":{nbf}}}"#)).map(|_| ())
        };
        let now = NOW.as_secs();
        assert_eq!(at(now + 1, now), Ok(()));
        assert_eq!(at(now, now), Err(Unfit::Expired));
        assert_eq!(at(now + 9, now + 1), Err(Unfit::TooEarly));
        let float = verdict(HEADER, &format!(r#"{{"iss":"ssjwt","exp":{now}.5}}"#));
        assert_eq!(float.map(|_| ()), Err(Unfit::Expired));
    }

    #[test]
    fn what_is_not_signed_as_configured_is_no_token() {
        let good = r#"{"iss":"ssjwt","exp":1796669717}"#;
        for header in [
            r#"{"typ":"JWT","alg":"none"}"#,
            r#"{"typ":"JWT","alg":"None"}"#,
            r#"{"typ":"JWT","alg":"hs256"}"#,
            r#"{"typ":"JWT","alg":"HS512"}"#,
            r#"{"typ":"JWT","alg":"RS256"}"#,
            r#"{"typ":"JWTR","alg":"HS256"}"#,
            r#"{"typ":"JWT","alg":"HS256","crit":["b64"],"b64":false}"#,
            r#"{"typ":"JWT","alg":"HS256","alg":"HS256"}"#,
            r#"{"typ":"JWT"}"#,
        ] {
            assert_eq!(verdict(header, good).map(|_| ()), Err(Unfit::Invalid), "{header}");
        }
        for claims in [
            r#"{"iss":"else","exp":1796669717}"#,
            r#"{"iss":"ssjwt"}"#,
            r#"{"iss":"ssjwt","exp":"soon"}"#,
            r#"{"iss":"ssjwt","exp":1e99}"#,
            "[]",
        ] {
            assert_eq!(verdict(HEADER, claims).map(|_| ()), Err(Unfit::Invalid), "{claims}");
        }
        let token = token(HEADER, good);
        let jwt = Jwt::new(Some(&KEY));
        assert!(jwt.verify(&token, NOW).is_ok());
        for broken in [&token[..token.len() - 1], &token[1..], "a.b.c", "..", "", "a.b"] {
            assert_eq!(jwt.verify(broken, NOW).map(|_| ()), Err(Unfit::Invalid), "{broken}");
        }
        assert!(Jwt::new(Some(&[8; 32])).verify(&token, NOW).is_err());
        assert!(Jwt::new(None).verify(&token, NOW).is_err());
    }
}
