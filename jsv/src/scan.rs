//! Finding the bytes that matter: where unquoted text may end, and whether text needs quotes.
//!
//! Most texts are shorter than sixteen bytes, so one look at a block of sixteen answers for the whole text; the
//! functions of `memchr`, which are made for long scans, cost more than that on entry. Every scan works on bytes
//! and stops at an ASCII byte or at the end, so that an offset found here is always a character boundary.
//!
//! Adding a scan: add a bit to [`CLASS`] and a function to `block`; the tests compare the two.

/// A byte at which unquoted text may end or become ambiguous: `,` `}` `]` `"` `{` `[`.
const STRUCTURAL: u8 = 1;
/// A byte that makes the writer quote a text: the structural ones, `:`, carriage return and line feed.
const QUOTED: u8 = 2;

const CLASS: [u8; 256] = {
    let mut class = [0; 256];
    let structural = b",}]\"{[";
    let mut i = 0;
    while i < structural.len() {
        class[structural[i] as usize] = STRUCTURAL | QUOTED;
        i += 1;
    }
    class[b':' as usize] = QUOTED;
    class[b'\r' as usize] = QUOTED;
    class[b'\n' as usize] = QUOTED;
    class
};

const WIDTH: usize = 16;

/// The offset of the first structural byte, or the length.
#[inline]
pub(crate) fn structural(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(block) = bytes[at..].first_chunk::<WIDTH>() {
        let found = block::structural(*block);
        if found != 0 {
            return at + found.trailing_zeros() as usize;
        }
        at += WIDTH;
    }
    at + bytes[at..]
        .iter()
        .position(|byte| CLASS[usize::from(*byte)] & STRUCTURAL != 0)
        .unwrap_or(bytes.len() - at)
}

/// The offset of the first structural byte and that byte, if it is among the first sixteen and there are as many.
#[inline]
pub(crate) fn structural_soon(bytes: &[u8]) -> Option<(usize, u8)> {
    let found = block::structural(*bytes.first_chunk::<WIDTH>()?);
    if found == 0 {
        return None;
    }
    let at = found.trailing_zeros() as usize % WIDTH;
    Some((at, bytes[at]))
}

/// The offset of the first structural byte, or the length, where `structural_soon` has found none.
#[inline]
pub(crate) fn structural_later(bytes: &[u8]) -> usize {
    bytes.get(WIDTH..).map_or_else(|| structural(bytes), |later| WIDTH + structural(later))
}

/// The offset of the first `needle`, or the length. Looks at a short stretch itself and leaves the rest to `memchr`.
#[inline]
pub(crate) fn byte(needle: u8, bytes: &[u8]) -> usize {
    let mut at = 0;
    while at < 2 * WIDTH {
        let Some(block) = bytes[at..].first_chunk::<WIDTH>() else {
            return at
                + bytes[at..].iter().position(|byte| *byte == needle).unwrap_or(bytes.len() - at);
        };
        let found = block::byte(needle, *block);
        if found != 0 {
            return at + found.trailing_zeros() as usize;
        }
        at += WIDTH;
    }
    at + memchr::memchr(needle, &bytes[at..]).unwrap_or(bytes.len() - at)
}

/// Whether the writer puts a text into quotes because of a byte in it. (The empty text is quoted too.)
#[inline]
pub(crate) fn needs_quotes(bytes: &[u8]) -> bool {
    let Some(last) = bytes.last_chunk::<WIDTH>() else {
        return short_needs_quotes(bytes);
    };
    let mut at = 0;
    while at + WIDTH < bytes.len() {
        let Some(block) = bytes[at..].first_chunk::<WIDTH>() else { break };
        if block::quoted(*block) != 0 {
            return true;
        }
        at += WIDTH;
    }
    block::quoted(*last) != 0
}

/// Whether a name can stand without quotes. Written for constants, of which the compiler knows the answer.
#[inline(always)]
#[expect(clippy::inline_always, reason = "only where it is inlined is the name a constant")]
pub(crate) fn is_plain_name(name: &str) -> bool {
    let class = name.bytes().fold(0, |class, byte| class | CLASS[usize::from(byte)]);
    class & QUOTED == 0 && !name.is_empty()
}

/// Up to fifteen bytes, gathered into one block from overlapping words.
#[inline]
fn short_needs_quotes(bytes: &[u8]) -> bool {
    let words = |low: u64, high: u64, shift: u32| u128::from(low) | u128::from(high) << shift;
    let block = match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => {
            words(u64::from_le_bytes(*first), u64::from_le_bytes(*last), 64)
        }
        _ => match (bytes.first_chunk(), bytes.last_chunk()) {
            (Some(first), Some(last)) => {
                words(u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into(), 32)
            }
            _ => return bytes.iter().any(|byte| CLASS[usize::from(*byte)] & QUOTED != 0),
        },
    };
    block::quoted(block.to_le_bytes()) != 0
}

/// One look at sixteen bytes: a bit for each byte that is looked for, the first byte's lowest.
mod block {
    use wide::u8x16;

    #[inline]
    fn equal(block: u8x16, byte: u8) -> u8x16 {
        block.simd_eq(u8x16::splat(byte))
    }

    /// `{ [ } ]`: setting bit 5 turns `[` into `{` and `]` into `}`, and nothing else into either.
    #[inline]
    fn brackets(block: u8x16) -> u8x16 {
        let folded = block | u8x16::splat(0x20);
        equal(folded, b'{') | equal(folded, b'}')
    }

    #[inline]
    pub(super) fn structural(block: [u8; super::WIDTH]) -> u32 {
        let block = u8x16::new(block);
        (brackets(block) | equal(block, b',') | equal(block, b'"')).to_bitmask()
    }

    #[inline]
    pub(super) fn byte(needle: u8, block: [u8; super::WIDTH]) -> u32 {
        equal(u8x16::new(block), needle).to_bitmask()
    }

    #[inline]
    pub(super) fn quoted(block: [u8; super::WIDTH]) -> u32 {
        let block = u8x16::new(block);
        let breaks = equal(block, b'\r') | equal(block, b'\n');
        let others = equal(block, b',') | equal(block, b'"') | equal(block, b':');
        (brackets(block) | breaks | others).to_bitmask()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every byte at every place of texts around the width of a block.
    #[test]
    fn every_byte_is_found_wherever_it_stands() {
        for length in 0..40 {
            for place in 0..length {
                for byte_value in 0..=255u8 {
                    let mut text = vec![b'a'; length];
                    text[place] = byte_value;
                    let class = CLASS[usize::from(byte_value)];
                    let expected = if class & STRUCTURAL == 0 { length } else { place };
                    assert_eq!(structural(&text), expected, "{length} {place} {byte_value}");
                    let soon = expected < WIDTH && length >= WIDTH;
                    let soon = soon.then_some((expected, byte_value));
                    assert_eq!(structural_soon(&text), soon, "{length} {place} {byte_value}");
                    if soon.is_none() {
                        assert_eq!(structural_later(&text), expected, "{length} {place}");
                    }
                    assert_eq!(needs_quotes(&text), class & QUOTED != 0, "{length} {place}");
                    let expected = if byte_value == b'a' { 0 } else { place };
                    assert_eq!(byte(byte_value, &text), expected, "{length} {place} {byte_value}");
                }
            }
        }
    }
}
