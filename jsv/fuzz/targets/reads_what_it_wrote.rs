//! What is read is the same when it is written and read again, whatever its type and the layout.

#![no_main]

#[expect(dead_code, reason = "each target uses a part of it")]
#[path = "../../tests/suite/anything.rs"]
mod anything;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        anything::reads_back(text);
    }
});
