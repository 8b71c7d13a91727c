//! Numbers: read straight off the document where they are plain, and by the lenient rules of .NET where not.
//!
//! Plain means digits with at most a sign and a point, ended by a separator; nearly every number is. Anything else
//! (quotes, white space, an exponent, thousands separators) is cut out as text first.
//!
//! Adding an integer type: a line in `integers!`.

use super::Deserializer;
use crate::Result;

/// Methods that read an integer of each width.
macro_rules! integers {
    ($($name:ident),*) => {
        impl<'de> Deserializer<'de> {
            $(
                #[inline]
                pub(super) fn $name(&mut self) -> Result<$name> {
                    if let Some((number, rest)) = self.plain_integer()
                        && let Ok(number) = number.try_into()
                    {
                        self.rest = rest;
                        return Ok(number);
                    }
                    self.lenient(parse_integer::<$name>)
                }
            )*
        }
    };
}

integers!(i8, i16, i32, i64, i128, u8, u16, u32, u64, u128);

/// Powers of ten that an `f64` holds exactly.
const EXACT_POWERS: [f64; 16] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

impl<'de> Deserializer<'de> {
    /// Up to eighteen digits with an optional minus, if a separator follows, and the rest behind them.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the way of nearly every integer")]
    fn plain_integer(&self) -> Option<(i64, &'de str)> {
        let bytes = self.rest.as_bytes();
        if let Some(word) = bytes.first_chunk()
            && let (number, digits @ 1..8) = leading_digits(u64::from_le_bytes(*word))
        {
            // The separator is among the eight bytes that were looked at.
            return self.around.ends_at(bytes[digits]).then(|| (number, &self.rest[digits..]));
        }
        self.longer_integer()
    }

    #[inline(never)]
    fn longer_integer(&self) -> Option<(i64, &'de str)> {
        let bytes = self.rest.as_bytes();
        let negative = bytes.first() == Some(&b'-');
        let start = usize::from(negative);
        let mut number = 0i64;
        let mut at = start;
        let end = loop {
            let byte = *bytes.get(at)?;
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break byte;
            }
            number = number.wrapping_mul(10).wrapping_add(i64::from(digit));
            at += 1;
        };
        // .NET takes leading zeros, but not behind a minus: left to the careful path.
        let plain = (1..=18).contains(&(at - start)) && !(negative && bytes[start] == b'0');
        if !(plain && self.around.ends_at(end)) {
            return None;
        }
        Some((if negative { -number } else { number }, &self.rest[at..]))
    }

    #[inline]
    pub(super) fn f64(&mut self) -> Result<f64> {
        match self.plain_decimal() {
            Some(number) => Ok(number),
            None => self.lenient(parse_float::<f64>),
        }
    }

    #[inline]
    pub(super) fn f32(&mut self) -> Result<f32> {
        self.lenient(parse_float::<f32>)
    }

    /// Up to fifteen digits with a point: the digits and the power of ten are both exact, so one division rounds
    /// correctly.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the way of nearly every float")]
    fn plain_decimal(&mut self) -> Option<f64> {
        let bytes = self.rest.as_bytes();
        let negative = bytes.first() == Some(&b'-');
        let start = usize::from(negative);
        let mut digits = 0u64;
        let mut at = start;
        let mut point = usize::MAX;
        let end = loop {
            let byte = *bytes.get(at)?;
            let digit = byte.wrapping_sub(b'0');
            if digit <= 9 {
                digits = digits.wrapping_mul(10).wrapping_add(u64::from(digit));
            } else if byte == b'.' && point == usize::MAX {
                point = at + 1;
            } else {
                break byte;
            }
            at += 1;
        };
        let fraction = at - point.min(at);
        let count = at - start - usize::from(point != usize::MAX);
        if !(1..=15).contains(&count) || !self.around.ends_at(end) {
            return None;
        }
        self.rest = &self.rest[at..];
        #[expect(clippy::cast_precision_loss, reason = "fifteen digits are exact")]
        let number = digits as f64;
        let number = if fraction == 0 { number } else { number / EXACT_POWERS[fraction & 15] };
        Some(if negative { -number } else { number })
    }

    /// Any other number: cut out as text and parsed by the rules of .NET. No text is zero.
    #[inline(never)]
    fn lenient<T: Default>(&mut self, parse: impl Fn(&str) -> Option<T>) -> Result<T> {
        if self.at_empty() {
            return Ok(T::default());
        }
        let start = self.offset();
        let text = self.scalar()?;
        parse(&text).ok_or_else(|| self.invalid(start, &text, "number"))
    }
}

/// How many of eight bytes, the first one lowest, are digits from the first on, and their number.
#[inline]
fn leading_digits(word: u64) -> (i64, usize) {
    // A digit becomes its value; whatever is more than nine then shows in its highest bit, or had it already.
    let values = word ^ 0x3030_3030_3030_3030;
    let others = (values.wrapping_add(0x7676_7676_7676_7676) | values) & 0x8080_8080_8080_8080;
    let digits = others.trailing_zeros() as usize / 8;
    if digits == 0 {
        return (0, 0);
    }
    // Moved up, so that what is missing in front is zero; then pairs, fours and eights of digits at a time.
    let values = values << (64 - others.trailing_zeros() / 8 * 8);
    let pairs = (values.wrapping_mul(10).wrapping_add(values >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100).wrapping_add(pairs >> 16)) & 0x0000_ffff_0000_ffff;
    let number = (fours.wrapping_mul(10_000).wrapping_add(fours >> 32)) & 0xffff_ffff;
    (number.cast_signed(), digits)
}

/// The white space that .NET trims from an integer.
fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t'..='\r' | '\u{85}' | '\u{a0}' | '\u{200b}')
}

/// Digits with an optional minus; leading zeros are taken, but not behind the minus (except for a lone `-0`).
pub(super) fn parse_integer<T: std::str::FromStr>(text: &str) -> Option<T> {
    let text = text.trim_matches(is_space);
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !plain || (digits.len() < text.len() && digits.len() > 1 && digits.starts_with('0')) {
        return None;
    }
    text.parse().ok()
}

/// .NET's `NumberStyles.Float | AllowThousands`, invariant culture: a sign, digits with commas anywhere before the
/// point, a fraction, an exponent; or `NaN` and `Infinity` in any case.
pub(super) fn parse_float<T: std::str::FromStr>(text: &str) -> Option<T> {
    let text = text.trim_matches(|character| matches!(character, ' ' | '\t'..='\r'));
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.eq_ignore_ascii_case("nan") {
        return "NaN".parse().ok();
    }
    if digits.eq_ignore_ascii_case("infinity") {
        return text.parse().ok();
    }
    if !digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    let whole = &digits[..digits.find(['.', 'e', 'E']).unwrap_or(digits.len())];
    if !whole.contains(',') {
        return text.parse().ok();
    }
    let (whole, rest) = text.split_at(text.len() - digits.len() + whole.len());
    (whole.replace(',', "") + rest).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_follow_the_rules_of_dotnet() {
        for (text, expected) in [
            ("1", Some(1)),
            ("007", Some(7)),
            (" 1\u{a0}", Some(1)),
            ("-0", Some(0)),
            ("-01", None),
            ("+1", None),
            ("- 1", None),
            ("1.0", None),
            ("", None),
            ("128", None),
        ] {
            assert_eq!(parse_integer::<i8>(text), expected, "{text}");
        }
        assert_eq!(parse_integer::<u8>("-0"), None);
    }

    #[test]
    fn digits_are_counted_and_read_at_once() {
        for (text, expected) in [
            (b"12345678", (12_345_678, 8)),
            (b"1234567,", (1_234_567, 7)),
            (b"7,123456", (7, 1)),
            (b"0010}\xff\xff\xff", (10, 4)),
            (b",1234567", (0, 0)),
            (b"-1234567", (0, 0)),
            (b"9:999999", (9, 1)),
            (b"5/\x80\x80\x80\x80\x80\x80", (5, 1)),
        ] {
            assert_eq!(leading_digits(u64::from_le_bytes(*text)), expected, "{text:?}");
        }
    }

    #[test]
    fn floats_follow_the_rules_of_dotnet() {
        for (text, expected) in [
            (" +1.5 ", Some(1.5)),
            (".5", Some(0.5)),
            ("5.", Some(5.0)),
            ("1,0,0.5", Some(100.5)),
            ("1e5", Some(1e5)),
            ("1e400", Some(f64::INFINITY)),
            ("-infinity", Some(f64::NEG_INFINITY)),
            ("1e", None),
            ("inf", None),
            ("1.5f", None),
            (".", None),
            ("1.5,0", None),
            ("", None),
        ] {
            assert_eq!(parse_float::<f64>(text), expected, "{text}");
        }
        assert!(parse_float::<f64>("-nan").unwrap().is_nan());
    }
}
