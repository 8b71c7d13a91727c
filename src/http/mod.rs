//! The border to HTTP: what a request is to the rest of the program, and how replies are made.
//!
//! ```text
//! actix ─ pipeline::dispatch ─┬ route.rs      which operation, by which path
//!                             ├ negotiate.rs  which format answers
//!                             ├ input.rs      what the request says: path, query, body
//!                             │               (form.rs, content_encoding.rs)
//!                             ├ operation     read, authenticate, validate, run
//!                             └ reply.rs      answer or refusal → bytes
//! ```
//!
//! Below it, server.rs binds and accepts, turns.rs lets the requests of a connection in one by one,
//! connection.rs ends connections that let it wait, and bounds.rs says how long and how many.
//!
//! None of the steps is a middleware: their order is the contract's, a refusal has to be written in
//! the negotiated format, and only the pipeline knows the operation.

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

pub use bounds::Bounds;
pub use exchange::Exchange;
pub use server::{Server, bind};
