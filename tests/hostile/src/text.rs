//! What requests are made of: members and their values, spelled in each format, escaped, packed.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use foundry_api::dto::{FieldDef, Kind};
use foundry_api::format::Format;
use foundry_api::operation::Spec;

use crate::dice::{Dice, ODD};

pub(crate) type Members = Vec<(String, String)>;

/// Members of an operation, some of them, some twice, some that it does not have.
pub(crate) fn members(dice: &mut Dice, spec: &Spec) -> Members {
    let mut members = Members::new();
    for field in spec.request.fields {
        if once_in(dice, 3) {
            continue;
        }
        let name = match dice.below(3) {
            0 => field.name.to_owned(),
            1 => field.camel.to_owned(),
            _ => field.name.to_ascii_lowercase(),
        };
        members.push((name, value(dice, field)));
        if once_in(dice, 10) {
            members.push((field.name.to_owned(), value(dice, field)));
        }
    }
    if once_in(dice, 4) {
        members.push(("Unknown".to_owned(), odd_text(dice)));
    }
    members
}

pub(crate) fn value(dice: &mut Dice, field: &FieldDef) -> String {
    if once_in(dice, 3) {
        return odd_text(dice);
    }
    match (field.name, field.kind) {
        ("OrganisationId", _) => (*dice.pick(&["org1", "org2", ""])).to_owned(),
        ("Code" | "CallerCode", _) => format!("{:06}", dice.below(1_000_000)),
        ("UserName", _) => (*dice.pick(&["alice", "bob", "alice@example.com"])).to_owned(),
        // One that is hashed takes a core for a while; a few are enough.
        ("Password", _) if !once_in(dice, 20) => String::new(),
        (_, Kind::Bool) => (*dice.pick(&["true", "false", "1", "maybe"])).to_owned(),
        (_, Kind::Int32) => dice.next().to_string(),
        _ => "x".repeat(dice.below(80)),
    }
}

pub(crate) fn odd_text(dice: &mut Dice) -> String {
    (0..=dice.below(4)).map(|_| dice.pick(ODD)).collect()
}

/// Members as a document.
pub(crate) fn written(
    dice: &mut Dice,
    format: &dyn Format,
    spec: &Spec,
    members: &Members,
) -> Vec<u8> {
    let join = |pair: fn(&(String, String)) -> String, between: &str| {
        members.iter().map(pair).collect::<Vec<_>>().join(between)
    };
    match format.name() {
        "json" => {
            let quoted = |text: &str| serde_json::Value::from(text).to_string();
            let bare = once_in(dice, 10);
            let pairs: Vec<String> = members
                .iter()
                .map(|(name, value)| {
                    let value = if bare { value.clone() } else { quoted(value) };
                    format!("{}:{value}", quoted(name))
                })
                .collect();
            format!("{{{}}}", pairs.join(","))
        }
        "jsv" => format!(
            "{{{}}}",
            join(|(name, value)| format!("{name}:\"{}\"", value.replace('"', "\"\"")), ",")
        ),
        _ => {
            let (name, space) = (spec.request.name, spec.request.namespace.xml);
            let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;");
            let inner: String = members
                .iter()
                .map(|(name, value)| format!("<{name}>{}</{name}>", escape(value)))
                .collect();
            format!("<{name} xmlns=\"{space}\">{inner}</{name}>")
        }
    }
    .into_bytes()
}

pub(crate) fn multipart(members: &Members) -> String {
    let part = |(name, value): &(String, String)| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    members.iter().map(part).collect::<String>() + "--b--\r\n"
}

pub(crate) fn content_type<'a>(dice: &mut Dice, format: &'a dyn Format) -> &'a str {
    match dice.below(8) {
        0 => "text/plain",
        1 => "application/json; charset=utf-16",
        _ => format.media_types()[0].name,
    }
}

/// Whether it comes up, once in `times`.
pub(crate) fn once_in(dice: &mut Dice, times: usize) -> bool {
    dice.below(times) == 0
}

pub(crate) fn some_bytes(dice: &mut Dice, most: usize) -> Vec<u8> {
    (0..dice.below(most + 1)).map(|_| dice.byte()).collect()
}

pub(crate) fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let each = |byte: u8| {
        if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    text.bytes().map(each).collect()
}

pub(crate) fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Memory takes all of it.
    let _written = encoder.write_all(body);
    encoder.finish().unwrap_or_default()
}

pub(crate) fn zlib(body: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    let _written = encoder.write_all(body);
    encoder.finish().unwrap_or_default()
}
