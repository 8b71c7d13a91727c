//! What a user of the crate would notice, by topic.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod anything;
mod data_model;
mod errors;
mod kept;
mod layout;
mod limits;
mod memory;
mod properties;
#[path = "../random/mod.rs"]
mod random;
mod rules;
