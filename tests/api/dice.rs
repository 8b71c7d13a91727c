//! Numbers that look random and are the same in each run, and bytes bent by them.

/// The generator of Vigna's "SplitMix64": one number of state, and any seed will do.
#[derive(Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap_or_default()
    }

    pub fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    pub fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    /// The bytes, bent in one to four places.
    pub fn bend(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            let to = at + self.below(bytes.len() - at + 1);
            match self.below(6) {
                0 => bytes.insert(at, self.byte()),
                1 => bytes.truncate(at),
                2 => drop(bytes.drain(at..to)),
                3 => {
                    let part = bytes[at..to].to_vec();
                    let times = self.below(3) + 1;
                    bytes.splice(at..at, part.repeat(times));
                }
                4 => {
                    let odd = self.pick(ODD);
                    bytes.splice(at..at, odd.bytes());
                }
                _ => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte ^= 1 << self.below(8);
                    }
                }
            }
        }
    }
}

/// What readers stumble over.
pub const ODD: &[&str] = &[
    "\0",
    "\r\n",
    "\n",
    "\r",
    "\t",
    " ",
    "\"",
    "\"\"",
    "'",
    "\\",
    "\\u0000",
    "\\uD800",
    "{",
    "}",
    "[",
    "]",
    "[]",
    "{}",
    ":",
    ",",
    ";",
    "=",
    "&",
    "%",
    "%00",
    "%0d%0a",
    "%zz",
    "+",
    "<",
    ">",
    "</",
    "/>",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "<!DOCTYPE a [<!ENTITY b \"c\">]>",
    "&b;",
    "&amp;",
    "&#0;",
    "&#x110000;",
    "<?xml",
    "xmlns:a=\"b\"",
    "null",
    "true",
    "-0",
    "1e999",
    "9223372036854775808",
    "\u{FEFF}",
    "\u{202E}",
    "\u{0}\u{1F}",
    "\u{7F}",
    "\u{85}",
    "\u{2028}",
    "\u{FFFD}",
    "é",
    "😀",
    ".",
    "..",
    "/",
    "//",
    "?",
    "#",
    "*",
    "*/*",
    ";q=",
    ";q=0",
    "q=1.0000",
    "--b",
    "--b--",
    "\r\n\r\n",
    "a",
];
