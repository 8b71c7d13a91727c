//! The service, as its users meet it: a real server on a free port, requests as bytes.
//!
//! One binary, because linking is what costs on a small machine. Postgres is not optional: tests
//! that need it fail without `TEST_DATABASE_URL`, which `tests/run` sets.
//!
//! Tests run on a runtime with a thread of its own for connections: they block while they wait for
//! a reply, and the service may need one of those connections to give it.

#![expect(unreachable_pub, reason = "in a binary, `pub` says what the other files may use")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod api_keys;
mod attacks;
mod audit;
mod authenticator;
mod bodies;
mod bounds;
mod coalescing;
mod command;
mod cors;
mod coverage;
mod crowd;
mod dice;
mod durability;
mod errors;
mod first_start;
mod golden;
mod http_layer;
mod idle;
mod injection;
mod key_life;
mod leaks;
mod metadata;
mod metrics;
mod model;
mod negotiation;
mod openapi;
mod people;
mod process;
mod readers;
mod refusals;
mod requirements;
mod rewrap;
mod sessions;
mod sign_ins;
mod smuggling;
mod spans;
mod stopping;
mod store;
mod support;
mod tokens;
mod two_factor_key;
mod types;
mod upkeep;
mod wire;
