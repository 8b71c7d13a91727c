//! Second-factor keys for the clients of a ServiceStack host.
//!
//! A user who is signed in asks for a two-factor key and gets an `otpauth://` URI; the secret is
//! sealed and on disk before the reply is written. Clients made for the original host speak JSON,
//! XML, JSV or CSV to it, by the original's routes and with the original's errors.
//!
//! # The map
//!
//! Three registries and one pipeline. [`format::Formats`], [`operation::Operations`] and
//! [`auth::Providers`] are lists, made once in [`app::App::standard`]; the [`store::Store`] is chosen
//! by its URL; [`http`] walks a request through them. A format, an operation and a provider are each a
//! file that implements a trait and is named after what it is.
//!
//! | module | what it is |
//! |---|---|
//! | [`app`] | the service as a value: registries, store, clock, randomness |
//! | [`http`] | requests and replies: routes, negotiation, input, the pipeline, the server |
//! | [`mod@format`] | how values look on the wire |
//! | [`operation`] | what the service does, one file each |
//! | [`auth`] | who is calling: providers, passwords, sessions |
//! | [`store`] | what is kept: Postgres, or an embedded SQLite file |
//! | [`cache`] | what was looked up there lately and need not be again |
//! | [`metadata`], [`types`], [`enrol`] | documents: pages, generated types, OpenAPI, the page to enrol on |
//! | [`mod@dto`] | types that travel, described once |
//! | [`two_factor`], [`seal`], [`canary`] | the domain: secrets, URIs, codes; how secrets rest |
//! | [`error`] | why a request is refused: for the client, and for the log |
//! | [`limits`], [`background`] | how often something may happen; what happens without a request |
//! | [`config`], [`cli`], [`telemetry`], [`metrics`] | the process around it |
//! | [`clock`], [`random`] | what would make two runs differ |
//!
//! # A request's way
//!
//! ```text
//! route ── negotiate ── read ── authenticate ── validate ── run ── write
//!   │          │          │           │             │         │       │
//! which    which      400, 413,   401          400       403 …   in the format
//! operation format    415                                        negotiated
//! ```
//!
//! A refusal at any step is written as the operation's own response type, in the negotiated format:
//! that is what clients of the original can read.
//!
//! # Adding
//!
//! - a format: implement [`format::Format`] in a file of its own, add a line to
//!   [`format::Formats::standard`];
//! - an operation: implement [`operation::Operation`], add a line to
//!   [`operation::Operations::standard`];
//! - a way to authenticate: implement [`auth::Provider`], add a line to
//!   [`auth::Providers::standard`];
//! - a store: [`store`] says what it is made of, which is more than a file.
//!
//! Routes, pages, generated types and the tests over "every operation" and "every format" follow by
//! themselves.
#![forbid(unsafe_code)]

pub mod app;
pub mod auth;
pub mod background;
pub mod cache;
pub mod canary;
pub mod cli;
pub mod clock;
pub mod config;
pub mod dto;
pub mod enrol;
pub mod error;
pub mod format;
pub mod http;
pub mod limits;
pub mod metadata;
pub mod metrics;
pub mod operation;
pub mod random;
pub mod seal;
pub mod store;
pub mod telemetry;
pub mod two_factor;
pub mod types;
