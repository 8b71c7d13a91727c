//! A text whose second half is repeated up to 256 KiB is read in a moment. A reader that went over its text again for
//! every part of it would need minutes, and libFuzzer's `-timeout` would stop it.

#![no_main]

#[expect(dead_code, reason = "each target uses a part of it")]
#[path = "../../tests/suite/anything.rs"]
mod anything;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let middle = text.floor_char_boundary(text.len() / 2);
        let (start, repeated) = text.split_at(middle);
        anything::is_read_or_refused(anything::repeated(start, repeated, 256 << 10).as_bytes());
    }
});
