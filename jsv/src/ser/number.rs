//! Floats as .NET writes them: the shortest digits that read back as the same number, in fixed notation from 1e-4
//! up to 1e17 (1e9 for `f32`), else as `d.ddE+XX`.

use super::Buffer;

/// Numbers of at most four decimals, which most are, and the powers that scale them.
const SCALE: f64 = 1e4;
/// Below this a number times [`SCALE`] has at most fifteen digits.
const SCALED_LIMIT: f64 = 1e11;

#[inline]
#[expect(clippy::float_cmp, reason = "the very number is meant")]
pub(super) fn f64<B: Buffer>(out: &mut B, value: f64) {
    // If a decimal of at most fifteen digits reads back as the value, it is the shortest one: no two of that
    // length read as the same number. The scaled value is such a decimal if dividing it gives the value again.
    let scaled = (value * SCALE).trunc();
    if value.abs() < SCALED_LIMIT && scaled / SCALE == value && value != 0.0 {
        #[expect(clippy::cast_possible_truncation, reason = "below 1e15 and whole")]
        return short_decimal(out, scaled as i64);
    }
    shortest_f64(out, value);
}

/// Writes ten-thousandths as a decimal.
#[inline]
fn short_decimal<B: Buffer>(out: &mut B, scaled: i64) {
    if scaled < 0 {
        out.put_ascii(b'-');
    }
    let scaled = scaled.unsigned_abs();
    let (whole, mut fraction) = (scaled / 10_000, scaled % 10_000);
    out.put(itoa::Buffer::new().format(whole));
    if fraction == 0 {
        return;
    }
    let mut digits = [b'.', 0, 0, 0, 0];
    let mut length = 1;
    let mut unit = 1000;
    while fraction > 0 {
        #[expect(clippy::cast_possible_truncation, reason = "one digit")]
        let digit = (fraction / unit) as u8;
        digits[length] = b'0' + digit;
        length += 1;
        fraction %= unit;
        unit /= 10;
    }
    digits[..length].iter().for_each(|digit| out.put_ascii(*digit));
}

#[inline(never)]
fn shortest_f64<B: Buffer>(out: &mut B, value: f64) {
    if value.abs() >= f64::MAX {
        return extreme(
            out,
            value.is_sign_negative(),
            value.is_infinite(),
            "1.7976931348623157e+308",
        );
    }
    if value.is_nan() {
        return out.put("NaN");
    }
    notation(out, zmij::Buffer::new().format_finite(value), 17);
}

pub(super) fn f32<B: Buffer>(out: &mut B, value: f32) {
    if value.abs() >= f32::MAX {
        return extreme(out, value.is_sign_negative(), value.is_infinite(), "3.4028235e+38");
    }
    if value.is_nan() {
        return out.put("NaN");
    }
    notation(out, zmij::Buffer::new().format_finite(value), 9);
}

/// The largest number, which alone .NET writes with a small `e`, and infinity.
fn extreme<B: Buffer>(out: &mut B, negative: bool, infinite: bool, largest: &str) {
    if negative {
        out.put_ascii(b'-');
    }
    out.put(if infinite { "Infinity" } else { largest });
}

/// Rewrites `1.0`, `1e17` or `1.5e-5` in .NET's notation: fixed if the point falls among the first `fixed` digits.
fn notation<B: Buffer>(out: &mut B, shortest: &str, fixed: i32) {
    let (sign, number) = match shortest.strip_prefix('-') {
        Some(number) => ("-", number),
        None => ("", shortest),
    };
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits = [0u8; 32];
    let mut count = 0;
    for digit in whole.bytes().chain(fraction.bytes()) {
        digits[count] = digit;
        count += 1;
    }
    let leading = digits[..count].iter().take_while(|digit| **digit == b'0').count();
    let significant = digits[leading..count].trim_ascii_end();
    let trailing = significant.iter().rev().take_while(|digit| **digit == b'0').count();
    let significant = &significant[..significant.len() - trailing];
    out.put(sign);
    if significant.is_empty() {
        return out.put_ascii(b'0');
    }
    // The value is 0.DIGITS times ten to the power of `point`.
    #[expect(clippy::cast_possible_wrap, clippy::cast_possible_truncation, reason = "a few digits")]
    let point = exponent.parse::<i32>().unwrap_or(0) + whole.len() as i32 - leading as i32;
    match usize::try_from(point) {
        Ok(point) if point > 0 && i32::try_from(point).is_ok_and(|point| point <= fixed) => {
            for index in 0..significant.len().max(point) {
                if index == point {
                    out.put_ascii(b'.');
                }
                out.put_ascii(significant.get(index).copied().unwrap_or(b'0'));
            }
        }
        _ if (-3..=0).contains(&point) => {
            out.put("0.");
            (0..point.unsigned_abs()).for_each(|_| out.put_ascii(b'0'));
            for digit in significant {
                out.put_ascii(*digit);
            }
        }
        _ => scientific(out, significant, point - 1),
    }
}

/// `d.dddE+XX`, the exponent of at least two digits.
fn scientific<B: Buffer>(out: &mut B, digits: &[u8], exponent: i32) {
    out.put_ascii(digits[0]);
    if digits.len() > 1 {
        out.put_ascii(b'.');
        digits[1..].iter().for_each(|digit| out.put_ascii(*digit));
    }
    out.put(if exponent < 0 { "E-" } else { "E+" });
    if exponent.abs() < 10 {
        out.put_ascii(b'0');
    }
    out.put(itoa::Buffer::new().format(exponent.unsigned_abs()));
}

#[cfg(test)]
mod tests {
    fn text(value: f64) -> String {
        let mut out = String::new();
        super::f64(&mut out, value);
        out
    }

    fn text32(value: f32) -> String {
        let mut out = String::new();
        super::f32(&mut out, value);
        out
    }

    #[test]
    fn floats_are_written_as_dotnet_writes_them() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-1.5, "-1.5"),
            (0.1 + 0.2, "0.30000000000000004"),
            (32.38, "32.38"),
            (0.0001, "0.0001"),
            (0.00001, "1E-05"),
            (1e16, "10000000000000000"),
            (1e17, "1E+17"),
            (1.5e300, "1.5E+300"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::MIN_POSITIVE, "2.2250738585072014E-308"),
            (f64::NEG_INFINITY, "-Infinity"),
            (f64::NAN, "NaN"),
            (123_456_789_012.345_6, "123456789012.3456"),
        ] {
            assert_eq!(text(value), expected);
        }
        for (value, expected) in [
            (0.1, "0.1"),
            (16_777_216.0, "16777216"),
            (1e8, "100000000"),
            (1e9, "1E+09"),
            (f32::MIN, "-3.4028235e+38"),
            (0.0, "0"),
        ] {
            assert_eq!(text32(value), expected);
        }
    }

    /// The short way and the general way agree.
    #[test]
    fn numbers_of_few_decimals_come_out_the_same_either_way() {
        for step in -20_000..20_000 {
            for value in
                [f64::from(step) / 100.0, f64::from(step) / 7.0, f64::from(step) * 1e6 + 0.1]
            {
                let mut general = String::new();
                super::shortest_f64(&mut general, value);
                assert_eq!(text(value), general);
            }
        }
    }
}
