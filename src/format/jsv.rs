//! `text/jsv`: the `jsv` crate does the work.

use super::{Format, Host, MediaType, Unreadable, Unwritable, Visit};
use crate::dto::{AnyDto, Style, TypeDef};

/// JSV.
pub struct Jsv;

impl Format for Jsv {
    fn name(&self) -> &'static str {
        "jsv"
    }

    fn media_types(&self) -> &'static [MediaType] {
        const {
            &[
                MediaType::plain("text/jsv"),
                MediaType::plain("application/jsv"),
                MediaType::plain("application/x-jsv"),
                MediaType::plain("text/x-jsv"),
            ]
        }
    }

    fn write(&self, body: &dyn AnyDto, host: Host, out: &mut Vec<u8>) -> Result<(), Unwritable> {
        let mut written = Ok(());
        body.styled(Style { case: host.case, nulls: false }, &mut |value| {
            written = jsv::to_writer(&mut *out, value);
        });
        written.map_err(|error| Unwritable { format: "jsv", reason: error.to_string() })
    }

    fn reads(&self) -> bool {
        true
    }

    fn read(
        &self,
        text: &str,
        _: &'static TypeDef,
        visit: &mut Visit<'_>,
    ) -> Result<(), Unreadable> {
        let mut deserializer = jsv::Deserializer::new(text);
        visit(&mut <dyn erased_serde::Deserializer>::erase(&mut deserializer))
            .map_err(|error| Unreadable::said(text, &error))?;
        deserializer.end().map_err(|error| Unreadable::said(text, &error))
    }
}
