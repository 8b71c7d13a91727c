//! `decimal`: `#[serde(with = "jsv::decimal")]` on a [`rust_decimal::Decimal`](::rust_decimal::Decimal).
//!
//! Both keep trailing zeros. Read as .NET reads it: a sign, commas between digits, an exponent; digits beyond the
//! 28th decimal or beyond 96 bits are rounded off, a half to the even digit; more than 96 bits before the point are an
//! error.
//!
//! ```
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Price(#[serde(with = "jsv::decimal")] rust_decimal::Decimal);
//!
//! let price: Price = jsv::from_str("1.50").unwrap();
//! assert_eq!(jsv::to_string(&price).unwrap(), "1.50");
//! ```

use ::rust_decimal::Decimal;

super::helper!(Decimal, "a decimal");

/// The most decimals there can be.
const SCALE: i32 = 28;

#[expect(clippy::unnecessary_wraps, reason = "other types have values that .NET has not")]
fn write(value: &Decimal) -> Option<String> {
    Some(value.to_string())
}

fn read(text: &str) -> Option<Decimal> {
    let text = text.trim();
    if text.is_empty() {
        return Some(Decimal::ZERO);
    }
    let (negative, digits) = match text.strip_prefix(['+', '-']) {
        Some(digits) => (text.starts_with('-'), digits),
        None => (false, text),
    };
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (digits, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let whole = whole.replace(',', "");
    let digits = whole.clone() + fraction;
    if digits.is_empty() || mantissa.starts_with(',') || !digits.bytes().all(|b| b.is_ascii_digit())
    {
        return None;
    }
    let point = i32::try_from(whole.len()).ok()?.checked_add(exponent)?;
    let value = nearest(digits.as_bytes(), point)?;
    Some(if negative && !value.is_zero() { -value } else { value })
}

/// The decimal nearest to `0.DIGITS` times ten to the power of `point`: as many of the digits as there is room for,
/// and of two that are equally near the even one, as .NET rounds.
fn nearest(digits: &[u8], point: i32) -> Option<Decimal> {
    /// The most that 96 bits hold.
    const MOST: i128 = (1 << 96) - 1;
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    let mut left = &digits[zeros..];
    let mut point = point.checked_sub(i32::try_from(zeros).ok()?)?;
    if left.is_empty() {
        // Zero keeps its decimals.
        return Some(Decimal::new(0, point.clamp(-SCALE, 0).unsigned_abs()));
    }
    let mut value = 0;
    while point > 0 || (!left.is_empty() && point > -SCALE) {
        let (digit, behind) = left.split_first().unwrap_or((&b'0', &[]));
        let longer = value * 10 + i128::from(digit - b'0');
        if longer > MOST {
            break;
        }
        (value, left) = (longer, behind);
        point -= 1;
    }
    let is_up = match left {
        [b'5', behind @ ..] => value % 2 == 1 || behind.iter().any(|digit| *digit != b'0'),
        [digit, ..] => *digit > b'5',
        [] => false,
    };
    value += i128::from(is_up);
    if value > MOST {
        // The last digit, a 6 now, is rounded off in its turn.
        value = MOST / 10 + 1;
        point += 1;
    }
    if point < -SCALE {
        return Some(Decimal::new(0, SCALE.unsigned_abs()));
    }
    // Where it is above zero the number is too large.
    let scale = u32::try_from(-point).ok()?;
    Decimal::try_from_i128_with_scale(value, scale).ok()
}
