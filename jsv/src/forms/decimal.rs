//! `decimal`: `#[serde(with = "jsv::decimal")]` on a [`rust_decimal::Decimal`](::rust_decimal::Decimal).
//!
//! Both keep trailing zeros. Read as .NET reads it: a sign, commas between digits, an exponent; digits beyond the
//! 28th decimal are rounded off, more than 96 bits before the point are an error.
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
const SCALE: u32 = 28;

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
    let mut value = fixed(&digits, point)?;
    value.set_sign_negative(negative && !value.is_zero());
    Some(value)
}

/// The value of `0.DIGITS` times ten to the power of `point`.
fn fixed(digits: &str, point: i32) -> Option<Decimal> {
    let digits_count = i32::try_from(digits.len()).ok()?;
    if point < -60 {
        return Some(Decimal::new(0, SCALE));
    }
    if point > 60 {
        return digits.bytes().all(|byte| byte == b'0').then_some(Decimal::ZERO);
    }
    let text = if point <= 0 {
        format!("0.{}{digits}", "0".repeat(point.unsigned_abs() as usize))
    } else if point >= digits_count {
        format!("{digits}{}", "0".repeat((point - digits_count).unsigned_abs() as usize))
    } else {
        let (whole, fraction) = digits.split_at(point.unsigned_abs() as usize);
        format!("{whole}.{fraction}")
    };
    let Some((whole, fraction)) = text.split_once('.') else { return text.parse().ok() };
    let Some((kept, cut)) = fraction.split_at_checked(SCALE as usize) else {
        return text.parse().ok();
    };
    // To the nearest, and to the even one of two: .NET's rounding.
    let value: Decimal = format!("{whole}.{kept}").parse().ok()?;
    let half = format!("5{}", "0".repeat(cut.len().saturating_sub(1)));
    let odd = kept.ends_with(['1', '3', '5', '7', '9']);
    let up = !cut.is_empty() && (*cut > *half || (*cut == *half && odd));
    if up { value.checked_add(Decimal::new(1, SCALE)) } else { Some(value) }
}
