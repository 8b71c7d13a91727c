//! What the fuzz targets share. The properties, `tests/api/readers/properties.rs`, are those that
//! the tests run for a bounded time; libFuzzer runs them for as long as it is let.

#[path = "../../api/readers/properties.rs"]
pub mod properties;

#[allow(dead_code, unused_macros, reason = "the tests use all of it, the targets some")]
#[path = "../../api/support.rs"]
pub mod support;

/// A fuzz target that checks the property of that name.
#[macro_export]
macro_rules! target {
    ($property:ident) => {
        thread_local! {
            static READERS: $crate::properties::Readers = $crate::properties::Readers::new();
        }
        libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
            READERS.with(|readers| readers.$property(bytes));
        });
    };
}
