//! A keyed hash of two texts.

use ring::hmac;

/// The HMAC of two texts, of which the first has no zero byte: no other two give the same. Nobody who has
/// not the key can tell it.
pub(super) fn of_two(key: &hmac::Key, first: &str, second: &str) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    for part in [first.as_bytes(), &[0], second.as_bytes()] {
        context.update(part);
    }
    context.sign()
}
