//! The domain: a two-factor secret, the `otpauth` URI that carries it, the codes it makes.
//!
//! Pure: no store, no clock, no randomness of its own. SHA-1, six digits, thirty seconds, because
//! that is what every authenticator app takes (SECURITY.md, R10).

use std::time::Duration;

use data_encoding::BASE32_NOPAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use totp_rs::{Algorithm, Builder};
use zeroize::{Zeroize, Zeroizing};

/// The length of a secret in bytes: 160 bits, as RFC 4226 R6 recommends for SHA-1.
pub const SECRET_LEN: usize = 20;

/// The digits of a code.
pub const DIGITS: usize = 6;

/// How long a code is shown, in seconds: a time step (RFC 6238, section 4.1).
pub const STEP: i64 = 30;

/// How many steps a code may be early or late: one, as RFC 6238, section 5.2, recommends. A code is
/// good for 90 seconds at most.
pub const WINDOW: i64 = 1;

/// How many steps away a code is looked for to tell somebody that a clock is wrong: five minutes.
pub const CLOCK_SEARCH: i64 = 10;

/// How many wrong codes in a row lock the checking of codes.
pub const WRONG_BEFORE_LOCK: i64 = 5;

/// How long it is locked the first time; each time after that, twice as long.
const FIRST_LOCK: Duration = Duration::from_secs(30);
/// The longest it is ever locked.
const LONGEST_LOCK: Duration = Duration::from_mins(15);

/// The lock that follows on so many wrong codes in a row: every fifth one brings one
/// (SECURITY.md, R36).
#[must_use]
pub fn lock_after(wrong_codes: i64) -> Option<Duration> {
    if wrong_codes < WRONG_BEFORE_LOCK || wrong_codes % WRONG_BEFORE_LOCK != 0 {
        return None;
    }
    let doublings = u32::try_from(wrong_codes / WRONG_BEFORE_LOCK - 1).unwrap_or(u32::MAX);
    let lock = 2u32.checked_pow(doublings).and_then(|times| FIRST_LOCK.checked_mul(times));
    Some(lock.map_or(LONGEST_LOCK, |lock| lock.min(LONGEST_LOCK)))
}

/// The time step that a moment, in seconds since 1970, belongs to.
#[must_use]
pub fn step_at(seconds: i64) -> i64 {
    seconds.div_euclid(STEP)
}

/// The id of a new key: random, and after a point the random part of the key that was active when
/// it was asked for. A key can only be confirmed while that is still so ([`succeeds`]): one that was
/// asked for at the moment when another was confirmed does not slip past the step-up. The seal is
/// bound to the id, so nobody can give a key another ancestry.
#[must_use]
pub fn key_id(mut random: String, active: Option<&str>) -> String {
    if let Some(active) = active {
        random.push('.');
        random.push_str(own_part(active));
    }
    random
}

/// Whether the pending key `id` may take the place of the active key.
#[must_use]
pub fn succeeds(id: &str, active: Option<&str>) -> bool {
    id.split_once('.').map(|(_, before)| before) == active.map(own_part)
}

fn own_part(id: &str) -> &str {
    id.split_once('.').map_or(id, |(own, _)| own)
}

/// Six digits that somebody typed. Wiped when dropped; has neither `Debug` nor `Display`.
pub struct Code(Zeroizing<String>);

impl Code {
    /// Exactly six ASCII digits. Nothing is trimmed: two spellings of one code are how used codes
    /// came to be accepted again elsewhere (SECURITY.md, R34).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| Self(Zeroizing::new(text.to_owned())))
    }
}

/// All but the unreserved characters of RFC 3986, section 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The secret of a two-factor key. Wiped when dropped; has neither `Debug` nor `Display`.
pub struct Secret([u8; SECRET_LEN]);

impl Secret {
    /// The secret made of these bytes, which come from a random source or out of the store.
    #[must_use]
    pub fn from_bytes(bytes: [u8; SECRET_LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; SECRET_LEN] {
        &self.0
    }

    /// The URI that authenticator apps read from a QR code:
    /// `otpauth://totp/{issuer}:{account}?secret=…&issuer=…`. The secret comes first, base32 in
    /// upper case without padding; everything outside RFC 3986's unreserved set is
    /// percent-encoded, so that a blank is `%20`; defaults are left out (SECURITY.md, R4–R10).
    ///
    /// Written here and not by totp-rs, which leaves copies of the secret behind in memory; a test
    /// compares the two.
    ///
    /// # Errors
    /// [`BadLabel`] when issuer or account is empty or holds a colon. [`label`] refuses such texts
    /// where they are configured.
    pub fn uri(&self, issuer: &str, account: &str) -> Result<Zeroizing<String>, BadLabel> {
        for text in [issuer, account] {
            if text.is_empty() {
                return Err(BadLabel::Empty);
            }
            if text.contains(':') {
                return Err(BadLabel::Forbidden(':'));
            }
        }
        // Enough for all of it: growing would leave a copy behind.
        let most =
            64 + BASE32_NOPAD.encode_len(SECRET_LEN) + 3 * (2 * issuer.len() + account.len());
        let mut uri = Zeroizing::new(String::with_capacity(most));
        uri.push_str("otpauth://totp/");
        let encoded = uri.len();
        uri.extend(utf8_percent_encode(issuer, RESERVED));
        let encoded = encoded..uri.len();
        uri.push(':');
        uri.extend(utf8_percent_encode(account, RESERVED));
        uri.push_str("?secret=");
        BASE32_NOPAD.encode_append(&self.0, &mut uri);
        uri.push_str("&issuer=");
        uri.extend_from_within(encoded);
        Ok(uri)
    }

    /// The step within `reach` of `now` that `code` belongs to; the earliest after `used`, the last
    /// step that was accepted. All steps are computed whatever is found, and codes are compared in
    /// constant time (SECURITY.md, R37), so how long it takes says nothing about the code.
    #[must_use]
    pub fn step_of(&self, code: &Code, now: i64, reach: i64, used: i64) -> Option<i64> {
        let totp = Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_secret(self.0)
            .with_skew(0)
            .build_noncompliant();
        let mut found = None;
        for step in now - reach..=now + reach {
            let Ok(seconds) = u64::try_from(step.saturating_mul(STEP)) else { continue };
            let fits = totp.check(&code.0, seconds).is_some();
            found = found.or((fits && step > used).then_some(step));
        }
        found
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// The longest issuer or account, in characters. Two of them and the rest make a URI of at most
/// about 200 characters, which is an easy QR code (SECURITY.md, R13).
pub const LABEL_MAX: usize = 64;

/// Why a text cannot be an issuer or an account.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadLabel {
    /// It is empty.
    #[error("it is empty")]
    Empty,
    /// It is longer than [`LABEL_MAX`].
    #[error("it is longer than {LABEL_MAX} characters")]
    Long,
    /// It begins or ends with white space, which apps trim or show as they like.
    #[error("it begins or ends with white space")]
    Blank,
    /// It has a character that authenticator apps misread.
    #[error("it has the character {0:?}, which authenticator apps misread")]
    Forbidden(char),
}

/// Checks a text that is to be an issuer or an account, where it is configured: a colon separates
/// the two in the label, control characters and direction marks disguise it (SECURITY.md, R7 and
/// R12).
///
/// # Errors
/// [`BadLabel`] says what is wrong with it.
pub fn label(text: &str) -> Result<(), BadLabel> {
    if text.is_empty() {
        return Err(BadLabel::Empty);
    }
    if text.chars().count() > LABEL_MAX {
        return Err(BadLabel::Long);
    }
    if text.trim() != text {
        return Err(BadLabel::Blank);
    }
    let invisible = ['\u{200B}'..='\u{200F}', '\u{2028}'..='\u{202E}', '\u{2060}'..='\u{206F}'];
    let misread = |c: char| {
        [':', '\u{061C}', '\u{FEFF}'].contains(&c)
            || c.is_control()
            || invisible.iter().any(|range| range.contains(&c))
    };
    text.chars().find(|c| misread(*c)).map_or(Ok(()), |c| Err(BadLabel::Forbidden(c)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn secret() -> Secret {
        Secret::from_bytes(*b"12345678901234567890")
    }

    #[test]
    fn a_uri_has_the_secret_first_and_escapes_all_but_the_unreserved() {
        let uri = secret().uri("Foundry (Ärzte & Co)", "a+b@example.com").unwrap();
        assert_eq!(
            *uri,
            "otpauth://totp/Foundry%20%28%C3%84rzte%20%26%20Co%29:a%2Bb%40example.com\
             ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Foundry%20%28%C3%84rzte%20%26%20Co%29"
        );
    }

    proptest! {
        /// The library knows what authenticator apps read.
        #[test]
        fn a_uri_is_the_one_that_totp_rs_writes(
            bytes: [u8; SECRET_LEN],
            issuer in "[^:]{1,64}",
            account in "[^:]{1,64}",
        ) {
            let totp = Builder::new()
                .with_algorithm(Algorithm::SHA1)
                .with_secret(bytes)
                .with_issuer(Some(issuer.as_str()))
                .with_account_name(account.as_str())
                .build()
                .unwrap();
            let theirs = totp.to_url().unwrap();
            let uri = Secret::from_bytes(bytes).uri(&issuer, &account).unwrap();
            // What they have in common is in another order.
            let (label, query) = theirs.split_once('?').unwrap();
            let mut parts: Vec<&str> = query.split('&').collect();
            parts.sort_by_key(|part| !part.starts_with("secret="));
            prop_assert_eq!(format!("{label}?{}", parts.join("&")), uri.as_str());
        }
    }

    #[test]
    fn a_uri_without_a_label_or_with_two_colons_is_none() {
        for (issuer, account, error) in [
            ("", "a", BadLabel::Empty),
            ("a", "", BadLabel::Empty),
            ("a:b", "c", BadLabel::Forbidden(':')),
            ("a", "b:c", BadLabel::Forbidden(':')),
        ] {
            assert_eq!(secret().uri(issuer, account).err(), Some(error));
        }
    }

    #[test]
    fn what_apps_misread_is_no_label() {
        for (text, error) in [
            ("", BadLabel::Empty),
            ("Star Trek: Website", BadLabel::Forbidden(':')),
            ("a\nb", BadLabel::Forbidden('\n')),
            ("evil\u{202E}gro", BadLabel::Forbidden('\u{202E}')),
            (" a", BadLabel::Blank),
        ] {
            assert_eq!(label(text), Err(error), "{text:?}");
        }
        assert_eq!(label(&"x".repeat(65)), Err(BadLabel::Long));
        assert_eq!(label("Ärzte & Co / 東京 #1 100%"), Ok(()));
    }

    #[test]
    fn codes_are_those_of_rfc_6238() {
        // Appendix B, SHA-1; the last six of its eight digits.
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let (code, step) = (Code::parse(code).unwrap(), step_at(seconds));
            let within = |now, reach, used| secret().step_of(&code, now, reach, used);
            assert_eq!(within(step, 0, -1), Some(step), "at {seconds} s");
            for off in [-1, 1] {
                assert_eq!(within(step + off, WINDOW, -1), Some(step), "at {seconds} s");
                assert_eq!(within(step + 2 * off, WINDOW, -1), None, "at {seconds} s");
                assert_eq!(within(step + 10 * off, CLOCK_SEARCH, -1), Some(step));
            }
            assert_eq!(within(step, WINDOW, step - 1), Some(step));
            assert_eq!(within(step, WINDOW, step), None, "the step was used at {seconds} s");
        }
    }

    #[test]
    fn a_code_is_six_ascii_digits_and_nothing_else() {
        assert!(Code::parse("000000").is_some());
        for text in [
            "",
            "12345",
            "1234567",
            " 123456",
            "123456 ",
            "12345\n",
            "+12345",
            "１２３４５６",
            "12345a",
        ] {
            assert!(Code::parse(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn every_fifth_wrong_code_locks_twice_as_long_up_to_a_quarter_of_an_hour() {
        let locks: Vec<(i64, u64)> =
            (0..=40).filter_map(|wrong| Some((wrong, lock_after(wrong)?.as_secs()))).collect();
        let expected =
            [(5, 30), (10, 60), (15, 120), (20, 240), (25, 480), (30, 900), (35, 900), (40, 900)];
        assert_eq!(locks, expected);
        assert_eq!(lock_after(i64::MAX / 5 * 5), Some(LONGEST_LOCK));
    }

    #[test]
    fn a_key_succeeds_the_one_that_was_active_when_it_was_made() {
        let first = key_id("aa".into(), None);
        let second = key_id("bb".into(), Some(&first));
        let third = key_id("cc".into(), Some(&second));
        assert_eq!((&*first, &*second, &*third), ("aa", "bb.aa", "cc.bb"));
        assert!(succeeds(&first, None) && !succeeds(&first, Some(&second)));
        assert!(succeeds(&second, Some(&first)) && !succeeds(&second, None));
        assert!(succeeds(&third, Some(&second)) && !succeeds(&third, Some(&first)));
    }
}
