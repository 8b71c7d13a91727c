//! The documents that describe the service, computed from its operations and formats.
//!
//! ```text
//! index.rs      /metadata                      what there is
//! operation.rs  /{format}/metadata?op=         one operation: routes, members, types, samples
//! app.rs        /types/metadata.json, /metadata/app.json
//! openapi/      /openapi.json, /openapi        the same for tools that know nothing of ServiceStack
//! sample.rs     values made up from a type, written by the formats themselves
//! layout.rs     such samples with line breaks
//! html.rs       what the pages share
//! ```
//!
//! `http/documents.rs` says under which path each is served. To add a document: a function that
//! takes a [`Site`], and a line there.

mod app;
mod html;
mod index;
mod layout;
pub mod openapi;
mod operation;
mod sample;

pub use app::{app, types};
pub use html::STYLE;
pub(crate) use html::escape;
pub use index::{index, languages};
pub use operation::operation;

use crate::format::{Format, Formats};
use crate::operation::Operations;

/// The service, as its documents see it.
pub struct Site<'a> {
    /// What it does.
    pub operations: &'a Operations,
    /// How bodies look.
    pub formats: &'a Formats,
    /// What the host decides for all replies.
    pub host: crate::format::Host,
    /// The product's name.
    pub product: &'a str,
    /// How clients reach it, without a trailing slash.
    pub base_url: &'a str,
}

impl<'a> Site<'a> {
    /// The name over every page.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{} API", self.product)
    }

    /// The host of the base URL, as a `Host` header has it.
    #[must_use]
    pub fn host_name(&self) -> &str {
        let rest = self.base_url.split_once("://").map_or(self.base_url, |(_, rest)| rest);
        rest.split('/').next().unwrap_or(rest)
    }

    /// The path of the base URL, empty where it has none: what a proxy takes away from the paths of
    /// requests, and what therefore stands before each path that a page shows or leads to.
    #[must_use]
    pub fn prefix(&self) -> &str {
        prefix(self.base_url)
    }

    /// The formats of data, which have pages of their own: neither pages nor pictures.
    pub fn data_formats(&self) -> impl Iterator<Item = &'a dyn Format> + use<'a> {
        let formats: &'a Formats = self.formats;
        formats.iter().filter(|format| is_data(*format))
    }
}

/// The path of a base URL, without a trailing slash.
#[must_use]
pub fn prefix(base_url: &str) -> &str {
    let rest = base_url.split_once("://").map_or(base_url, |(_, rest)| rest);
    rest.find('/').map_or("", |at| &rest[at..])
}

/// Whether a format carries data for programs.
#[must_use]
pub fn is_data(format: &dyn Format) -> bool {
    let name = format.media_types()[0].name;
    name != "text/html" && !name.starts_with("image/")
}
