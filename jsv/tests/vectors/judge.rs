//! What a row asks of the crate.
//!
//! Reading. The model of the original in `original.rs` reads the row's text too and notes what it drops. If it comes
//! to the very result that was recorded, its notes count:
//! * it dropped text: the crate must refuse, with line and column;
//! * its known faults changed the value: the crate must read the right one;
//! * else, and whenever the model and the recording differ: the crate must read the recorded value.
//!
//! Three rules come before these: a formatted document is judged by what the model makes of it without its layout;
//! where the original refuses, the crate may refuse too or do what an [`EXTENSIONS`] entry says; and a URI may be any
//! text, where the original refuses one or leaves it out.
//!
//! Writing. The text must be the recorded one, byte for byte, and read back as the value. Only where the recorded
//! text does not read back as the value may it be another, which then must.

use serde::Serialize as _;
use serde::de::DeserializeSeed as _;

use crate::json::J;
use crate::layout;
use crate::original::{self, Loss, Manner, Refused};
use crate::read::Read;
use crate::shape::Shape;
use crate::write::Write;

pub(crate) enum Verdict {
    /// Perhaps with the rule by which the crate differs from the original on purpose.
    Met(Option<String>),
    Refused(String),
    Short(String),
    NotAsked(&'static str),
}

/// Settings that this crate has no option for; their rows are about other texts than the ones it writes and reads.
const FOREIGN: [&str; 12] = [
    "EmitLowercaseUnderscoreNames",
    "TreatEnumAsInteger",
    "IncludeDefaultEnums",
    "DateHandler",
    "AssumeUtc",
    "AlwaysUseUtc",
    "SkipDateTimeConversion",
    "IncludeTypeInfo",
    "TryToParsePrimitiveTypeValues",
    "Lenient",
    "QueryStringSerializer",
    "__type",
];

fn text<'r>(row: &'r J, name: &str) -> &'r str {
    row.get(name).and_then(J::as_text).unwrap_or_default()
}

/// The row's shape, unless the row is about something the crate does not do.
fn asked(row: &J) -> Result<Shape, &'static str> {
    let about = format!("{} {} {}", text(row, "config"), text(row, "api"), text(row, "jsv"));
    if let Some(foreign) = FOREIGN.iter().find(|foreign| about.contains(**foreign)) {
        return Err(foreign);
    }
    // An interface, by C#'s way of naming one, and whatever class stands behind it.
    if is_interface(text(row, "model")) {
        return Err("an interface");
    }
    // `[DataMember(Name)]` renames members, and a model does not tell to what.
    if text(row, "model").starts_with("struct Renamed{") {
        return Err("names that the model does not tell");
    }
    Shape::parse(text(row, "model")).ok_or("a model that serde cannot express")
}

fn crate_reads(text: &str, shape: &Shape, objects: bool) -> Result<J, jsv::Error> {
    let mut de = jsv::Deserializer::new(text);
    let value = if objects {
        crate::read::Untyped(shape).deserialize(&mut de)
    } else {
        Read(shape).deserialize(&mut de)
    }?;
    de.end()?;
    Ok(value)
}

pub(crate) fn read(row: &J) -> Verdict {
    let shape = match asked(row) {
        Ok(shape) => shape,
        Err(why) => return Verdict::NotAsked(why),
    };
    let document = text(row, "jsv");
    let manner = manner(row);
    let own = crate_reads(document, &shape, manner.objects);
    let recorded =
        row.get("value").map(|value| crate::scalars::normal(&shape, value)).ok_or(Refused);
    let canonical = row.get("canonical").is_some();
    if !canonical && let Some(compact) = compact(document, &shape) {
        let shape = with_texts(row).unwrap_or(shape);
        return formatted(&compact, &shape, manner, &own, document);
    }
    let (modelled, losses) = original::read(document, &shape, manner);
    if !canonical && modelled == recorded {
        return by_the_model(row, &shape, document, &own, modelled, &losses);
    }
    let because = if canonical { "" } else { " (the model differs)" };
    match (own, recorded) {
        (Ok(own), Ok(value)) if own == value => Verdict::Met(None),
        (Err(_), Err(_)) => Verdict::Refused("as the original".to_owned()),
        (own, recorded) => Verdict::Short(format!(
            "{document:?}: {own:?}, recorded {recorded:?}{because} {modelled:?}"
        )),
    }
}

/// The same for a text that was not recorded, made from the row's.
pub(crate) fn mutated(row: &J, mutate: impl FnOnce(&str) -> String) -> Verdict {
    let Ok(shape) = asked(row) else { return Verdict::NotAsked("as its row") };
    if is_unmodelled(&shape) {
        return Verdict::NotAsked("what the model does not read");
    }
    let document = &*mutate(text(row, "jsv"));
    let manner = manner(row);
    let own = crate_reads(document, &shape, manner.objects);
    if let Some(compact) = compact(document, &shape) {
        // White space beside them is layout to one and text to the other.
        if layout::has_strays(document) {
            return Verdict::NotAsked("layout beside stray quotes or brackets");
        }
        let shape = with_texts(row).unwrap_or(shape);
        return formatted(&compact, &shape, manner, &own, document);
    }
    let (modelled, losses) = original::read(document, &shape, manner);
    by_the_model(row, &shape, document, &own, modelled, &losses)
}

/// A formatted document without its layout; a single text has none.
fn compact(document: &str, shape: &Shape) -> Option<String> {
    let is_single = matches!(shape, Shape::Text | Shape::Char);
    layout::compact(document).filter(|_| !is_single)
}

/// A value whose texts with brackets in them have no white space, which is layout or not, as one sees the bracket.
fn without_layout(value: J) -> J {
    match value {
        J::Text(text) => J::Text(layout::comparable(&text)),
        J::List(list) => J::List(list.into_iter().map(without_layout).collect()),
        J::Map(entries) => J::Map(
            entries
                .into_iter()
                .map(|(key, value)| (layout::comparable(&key), without_layout(value)))
                .collect(),
        ),
        value => value,
    }
}

/// Whether values of the shape are read by the helpers alone, which the model has no copy of.
fn is_unmodelled(shape: &Shape) -> bool {
    match shape {
        Shape::Decimal
        | Shape::DateTime
        | Shape::DateTimeOffset
        | Shape::TimeSpan
        | Shape::Guid => true,
        Shape::Nullable(inner) | Shape::List(inner, _) => is_unmodelled(inner),
        Shape::Map(key, value) => is_unmodelled(key) || is_unmodelled(value),
        Shape::Struct(members) => members.all().iter().any(|(_, shape)| {
            matches!(shape, Shape::Nullable(_))
                || matches!(shape, Shape::Decimal | Shape::DateTime | Shape::Guid)
        }),
        _ => false,
    }
}

fn manner(row: &J) -> Manner {
    Manner {
        strict: text(row, "config").contains("ThrowOnError"),
        objects: text(row, "config").contains("ConvertObjectTypesIntoStringDictionary"),
        ..Manner::default()
    }
}

fn formatted(
    compact: &str,
    shape: &Shape,
    manner: Manner,
    own: &Result<J, jsv::Error>,
    document: &str,
) -> Verdict {
    let repaired = Manner { repaired: true, uniform: true, strict: false, ..manner };
    let (value, losses) = original::read(compact, shape, repaired);
    let value = value.map(without_layout);
    let own = match own {
        Ok(own) => Ok(without_layout(own.clone())),
        Err(_) => return compare(own, value, &losses, "formatted text", document),
    };
    compare(&own, value, &losses, "formatted text", document)
}

/// Judges a row by the model's notes.
fn by_the_model(
    row: &J,
    shape: &Shape,
    document: &str,
    own: &Result<J, jsv::Error>,
    modelled: Result<J, Refused>,
    losses: &[Loss],
) -> Verdict {
    let manner = manner(row);
    if modelled.is_err() {
        return where_the_original_refuses(row, document, shape, manner, own);
    }
    let repaired = Manner { repaired: true, ..manner };
    if !losses.is_empty()
        && own.as_ref().is_ok_and(|own| is_read_as_texts(row, document, repaired, own))
    {
        return Verdict::Met(Some(ANY_URI.to_owned()));
    }
    let (right, lost) = original::read(document, shape, repaired);
    let (uniform, dropped) = original::read(document, shape, Manner { uniform: true, ..repaired });
    if dropped.is_empty() && right != uniform && own.as_ref().ok() == uniform.as_ref().ok() {
        return Verdict::Met(Some("lists of every type as most lists".to_owned()));
    }
    if own.is_err() && losses.is_empty() && !dropped.is_empty() {
        return Verdict::Refused("lists of every type as most lists".to_owned());
    }
    let difference = if right == modelled { "" } else { "a known fault of the original" };
    // What a fault made fit may be lost without it.
    let losses = if losses.is_empty() { &lost } else { losses };
    compare(own, right, losses, difference, document)
}

/// Against the value that is right, or for a refusal where text was dropped.
fn compare(
    own: &Result<J, jsv::Error>,
    right: Result<J, Refused>,
    losses: &[Loss],
    difference: &str,
    document: &str,
) -> Verdict {
    let difference = (!difference.is_empty()).then(|| difference.to_owned());
    match (own, right) {
        (Err(error), _) if !losses.is_empty() => {
            if error.line() == 0 || error.column() == 0 {
                return Verdict::Short(format!("{document:?}: no place in {error}"));
            }
            Verdict::Refused(format!("{:?}", losses.iter().min()))
        }
        (Err(_), Err(Refused)) => Verdict::Refused("as the original".to_owned()),
        (Ok(own), Ok(right)) if losses.is_empty() && *own == right => Verdict::Met(difference),
        (own, right) => {
            Verdict::Short(format!("{document:?}: {own:?}, right {right:?}, {losses:?}"))
        }
    }
}

/// What the crate reads beyond the original: the rule, and the text and manner in which the model reads the same.
const EXTENSIONS: [(&str, fn(&str) -> &str, bool); 3] = [
    ("white space after the end", str::trim_ascii_end, false),
    ("white space after the end, lists of every type as most lists", str::trim_ascii_end, true),
    ("lists of every type as most lists", |text| text, true),
];

fn where_the_original_refuses(
    row: &J,
    document: &str,
    shape: &Shape,
    manner: Manner,
    own: &Result<J, jsv::Error>,
) -> Verdict {
    let own = match own {
        Ok(own) => own,
        Err(error) if error.line() == 0 => {
            return Verdict::Short(format!("{document:?}: no place in {error}"));
        }
        Err(_) => return Verdict::Refused("as the original".to_owned()),
    };
    if is_read_as_texts(row, document, Manner { repaired: true, ..manner }, own) {
        return Verdict::Met(Some(ANY_URI.to_owned()));
    }
    for (rule, text, uniform) in EXTENSIONS {
        let manner = Manner { uniform, repaired: true, strict: false, ..manner };
        let (value, losses) = original::read(text(document), shape, manner);
        if value.as_ref() == Ok(own) && losses.is_empty() {
            return Verdict::Met(Some(format!("beyond the original: {rule}")));
        }
    }
    Verdict::Short(format!("{document:?}: {own:?}, refused by the original"))
}

const ANY_URI: &str = "beyond the original: a URI is any text";

/// Whether the row's type has a URI, and the value is what the model reads without loss where it has a text instead.
fn is_read_as_texts(row: &J, document: &str, manner: Manner, own: &J) -> bool {
    let Some(texts) = with_texts(row) else { return false };
    let (value, losses) = original::read(document, &texts, manner);
    losses.is_empty() && value.as_ref() == Ok(own)
}

/// The row's type with texts for URIs, if it has any.
fn with_texts(row: &J) -> Option<Shape> {
    let model = text(row, "model");
    model.contains("uri").then(|| Shape::parse(&model.replace("uri", "string")))?
}

pub(crate) fn write(row: &J) -> Verdict {
    let shape = match asked(row) {
        Ok(shape) => shape,
        Err(why) => return Verdict::NotAsked(why),
    };
    let config = text(row, "config");
    let options = jsv::Options::new().name_case(if config.contains("EmitCamelCaseNames") {
        jsv::NameCase::Camel
    } else {
        jsv::NameCase::AsDeclared
    });
    let value = row.get("value").cloned().unwrap_or(J::Null);
    let written = Write {
        shape: &shape,
        value: &value,
        skip_defaults: config.contains("ExcludeDefaultValues"),
    };
    let mut own = Vec::new();
    if let Err(error) = written.serialize(&mut jsv::Serializer::with_options(&mut own, options)) {
        return Verdict::Short(format!("{value:?}: {error}"));
    }
    let own = String::from_utf8(own).unwrap();
    // The original writes nothing where the crate writes the empty text.
    let recorded = row.get("jsv").and_then(J::as_text);
    if recorded == Some(&own)
        || (recorded.is_none() && own.is_empty() && row.get("error").is_none())
    {
        return Verdict::Met(None);
    }
    let kept = without_null_entries(&shape, &crate::scalars::normal(&shape, &value));
    let back = |text: &str| crate_reads(text, &shape, false).is_ok_and(|back| back == kept);
    if let Some(recorded) = recorded
        && let Some(why) = untold(&own, recorded, &value)
    {
        return Verdict::NotAsked(why);
    }
    if recorded.is_some_and(back) || !back(&own) {
        return Verdict::Short(format!("{own:?}, recorded {recorded:?}"));
    }
    Verdict::Met(Some("written so that it reads back".to_owned()))
}

/// What the model and the value of a row cannot tell: a class's order of members where one derives from another, and
/// the type of a list in an `object`, which may be one of bytes.
fn untold(own: &str, recorded: &str, value: &J) -> Option<&'static str> {
    let sorted = |text: &str| {
        let mut members: Vec<_> =
            text.trim_matches(['{', '}']).split(',').map(str::to_owned).collect();
        members.sort();
        members
    };
    if own.starts_with('{') && sorted(own) == sorted(recorded) {
        return Some("an order of members that the model does not tell");
    }
    let bytes = |(_, value): &(String, J)| matches!(value, J::List(list) if list.iter().all(|byte| matches!(byte, J::Int(0..=255))));
    matches!(value, J::Map(members) if recorded.ends_with("=,S:s}") && members.iter().any(bytes))
        .then_some("a list whose type the row does not tell")
}

/// Neither writer has a text for a map entry that is null; it is left out.
fn without_null_entries(shape: &Shape, value: &J) -> J {
    match (shape, value) {
        (Shape::Map(_, shape), J::Map(entries)) if value.get("<pairs>").is_none() => {
            let kept = entries.iter().filter(|(_, value)| *value != J::Null);
            J::Map(
                kept.map(|(key, value)| (key.clone(), without_null_entries(shape, value)))
                    .collect(),
            )
        }
        (Shape::List(element, _), J::List(list)) => {
            J::List(list.iter().map(|value| without_null_entries(element, value)).collect())
        }
        (Shape::Struct(members), J::Map(_)) => {
            let member = |(name, shape): &(&str, Shape)| {
                let value = value.get(name).unwrap_or(&J::Null);
                ((*name).to_owned(), without_null_entries(shape, value))
            };
            J::Map(members.all().iter().map(member).collect())
        }
        _ => value.clone(),
    }
}

/// Whether a model has a struct named like an interface: an I before a capital.
fn is_interface(model: &str) -> bool {
    model
        .split("struct I")
        .skip(1)
        .any(|name| name.starts_with(|second: char| second.is_ascii_uppercase()))
}
