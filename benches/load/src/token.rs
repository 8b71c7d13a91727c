//! Bearer tokens as the original host makes them. `tests/faults` takes this file in by its path.

use data_encoding::BASE64URL_NOPAD;
use ring::hmac;

/// A token of `user{number}` that `key` signed (HS256), good for a day from `now`, in seconds since the epoch.
pub(crate) fn bearer(number: usize, key: &[u8], now: u64) -> String {
    let claims = format!(
        "{{\"iss\":\"ssjwt\",\"sub\":\"user{number}\",\"iat\":{now},\"exp\":{},\
         \"name\":\"user{number}\",\"preferred_username\":\"user{number}\",\
         \"email\":\"user{number}@example.com\"}}",
        now + 86400
    );
    let signed = format!(
        "{}.{}",
        BASE64URL_NOPAD.encode(b"{\"typ\":\"JWT\",\"alg\":\"HS256\"}"),
        BASE64URL_NOPAD.encode(claims.as_bytes())
    );
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), signed.as_bytes());
    format!("{signed}.{}", BASE64URL_NOPAD.encode(tag.as_ref()))
}
