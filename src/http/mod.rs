//! The border to HTTP: what a request is to the rest of the program, and how replies are made.
//!
//! ```text
//! actix ─ pipeline.rs ────────┬ route.rs      which operation, by which path
//!                             ├ negotiate.rs  which format answers
//!                             ├ input.rs      what the request says: path, query, body
//!                             │               (form.rs, content_encoding.rs)
//!                             ├ operation     read, authenticate, validate, run
//!                             └ reply.rs      answer or refusal → bytes
//! ```
//!
//! Along that way exchange.rs holds what is known of a request beyond its bytes: who calls, from
//! where (proxy.rs says whose `X-Forwarded-*` is believed), under which id. What is no operation is
//! answered by documents.rs (pages, types, descriptions) and health.rs, and cors.rs says which other
//! sites may read replies.
//!
//! Below it, server.rs binds and accepts, turns.rs lets the requests of a connection in one by one,
//! `title_case.rs` spells the headers of replies that the pipeline never sees, connection.rs ends
//! connections that let it wait, upgrade.rs passes over offers of other protocols, and bounds.rs says
//! how long and how many. Beside it, admin.rs is a second listener, for operators.
//!
//! None of the steps is a middleware: their order is the original's (`fixtures/wire`, rule A3), a
//! refusal has to be written in the negotiated format, and only the pipeline knows the operation.

pub mod admin;
mod bounds;
mod connection;
mod content_encoding;
mod cors;
mod documents;
pub mod exchange;
mod form;
pub mod health;
pub mod input;
pub mod negotiate;
mod pipeline;
mod proxy;
mod reply;
pub mod route;
mod server;
mod title_case;
mod turns;
mod upgrade;

pub use bounds::Bounds;
pub use exchange::Exchange;
pub use server::{Server, bind};
