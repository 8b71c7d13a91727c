//! Any bytes at all are read, or refused with a place.

#![no_main]

#[expect(dead_code, reason = "each target uses a part of it")]
#[path = "../../tests/suite/anything.rs"]
mod anything;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| anything::is_read_or_refused(bytes));
