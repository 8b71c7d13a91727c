//! Numbers: read straight off the document where they are plain, and by the lenient rules of .NET where not.
//!
//! Plain means digits with at most a sign and a point, ended by a separator; nearly every number is. Anything else
//! (quotes, white space, an exponent, thousands separators) is cut out as text first.
//!
//! Adding an integer type: a line in `integers!`.

use serde::de::Visitor;

use super::Deserializer;
use crate::Result;

/// Methods that read an integer of each width.
macro_rules! integers {
    ($($name:ident),*) => {
        impl<'de> Deserializer<'de> {
            $(
                #[inline]
                pub(super) fn $name(&mut self) -> Result<$name> {
                    if let Some((number, digits)) = self.short_integer()
                        && let Ok(number) = number.try_into()
                    {
                        self.rest = &self.rest[digits..];
                        return Ok(number);
                    }
                    self.other_integer(parse_integer::<$name>)
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
    /// Up to seven digits that a separator follows, and how many they are: all of it among the next eight bytes.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the way of nearly every integer")]
    fn short_integer(&self) -> Option<(u32, usize)> {
        let word = u64::from_le_bytes(*self.rest.as_bytes().first_chunk()?);
        let (values, others) = digits(word);
        let end = others.trailing_zeros() & !7;
        if !(8..64).contains(&end) || !self.around.ends_at((word >> end).to_le_bytes()[0]) {
            return None;
        }
        Some((number(values << (64 - end)), end as usize / 8))
    }

    /// Up to eighteen digits with an optional minus, or whatever else is an integer.
    #[inline(never)]
    fn other_integer<T: Default + TryFrom<i64>>(
        &mut self,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T> {
        if let Some((number, rest)) = self.longer_integer()
            && let Ok(number) = number.try_into()
        {
            self.rest = rest;
            return Ok(number);
        }
        self.lenient(parse)
    }

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

    /// Up to seven digits, or six with a point, that a separator follows: all of it among the next eight bytes. The
    /// digits and the power of ten are both exact, so one division rounds correctly.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the way of nearly every float")]
    pub(super) fn short_decimal(&mut self) -> Option<f64> {
        let word = u64::from_le_bytes(*self.rest.as_bytes().first_chunk()?);
        let byte = |at: u32| (word >> at).to_le_bytes()[0];
        let (values, others) = digits(word);
        let first = others.trailing_zeros() & !7;
        if !(8..64).contains(&first) {
            return None;
        }
        if self.around.ends_at(byte(first)) {
            self.rest = &self.rest[first as usize / 8..];
            return Some(f64::from(number(values << (64 - first))));
        }
        let end = (others & (others - 1)).trailing_zeros() & !7;
        if byte(first) != b'.' || end == 64 || !self.around.ends_at(byte(end)) {
            return None;
        }
        // What is behind the point moves up to what is before it.
        let before = (1 << first) - 1;
        let joined = values & before | values >> 8 & !before;
        let fraction = (end - first) as usize / 8 - 1;
        let number = f64::from(number(joined << (72 - end)));
        self.rest = &self.rest[end as usize / 8..];
        Some(number / EXACT_POWERS[fraction & 15])
    }

    #[inline(never)]
    pub(super) fn visit_other_decimal<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        let number = self.other_decimal()?;
        visitor.visit_f64(number)
    }

    fn other_decimal(&mut self) -> Result<f64> {
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

/// The values of eight digits, the first one lowest, and a bit in each byte that is none.
#[inline(always)]
#[expect(clippy::inline_always, reason = "the way of nearly every number")]
const fn digits(word: u64) -> (u64, u64) {
    // A digit becomes its value; whatever is more than nine then shows in its highest bit, or had it already.
    let values = word ^ 0x3030_3030_3030_3030;
    let others = (values.wrapping_add(0x7676_7676_7676_7676) | values) & 0x8080_8080_8080_8080;
    (values, others)
}

/// The number that up to seven digits are, moved up so that what is missing in front is zero: pairs, fours and eights
/// of digits at a time.
#[inline(always)]
#[expect(clippy::inline_always, reason = "the way of nearly every number")]
const fn number(values: u64) -> u32 {
    let pairs = (values.wrapping_mul(10).wrapping_add(values >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100).wrapping_add(pairs >> 16)) & 0x0000_ffff_0000_ffff;
    // Seven digits fit in 24 bits; said aloud, the compiler need not check that they fit in what they become.
    ((fours.wrapping_mul(10_000).wrapping_add(fours >> 32)) & 0x00ff_ffff) as u32
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
pub(crate) fn parse_float<T: std::str::FromStr>(text: &str) -> Option<T> {
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
