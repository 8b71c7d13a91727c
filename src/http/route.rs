//! Which operation a path means. The table is computed from the operations and the formats.
//!
//! - an operation's own routes, with and without the suffix of a format;
//! - `/api/{Operation}[.suffix]`, `/{format}/reply/{Operation}`, `/{format}/oneway/{Operation}`,
//!   each also with `[]` for a batch.
//!
//! Paths match without case, percent-decoded, encoded slashes included; empty segments and trailing
//! slashes do not count, but nothing follows a suffix (`fixtures/wire`, rules R1 and R5).

use percent_encoding::percent_decode_str;

use crate::format::{Format, Formats};
use crate::operation::{AnyOperation, Operations, Route};

/// The most segments a path may have.
const SEGMENTS: usize = 8;

/// What a path means.
pub enum Target<'a> {
    /// An operation.
    Operation(Matched<'a>),
    /// A predefined route that names no operation.
    Unknown(Unknown<'a>),
    /// Nothing.
    Nothing,
}

/// What there is instead of an operation.
pub struct Unknown<'a> {
    /// The name that no operation has.
    pub name: String,
    /// The format that the suffix names.
    pub suffix: Option<&'a dyn Format>,
    /// The format that the route names.
    pub format: &'a dyn Format,
}

/// An operation, and how it was reached.
pub struct Matched<'a> {
    /// The operation.
    pub operation: &'a dyn AnyOperation,
    /// The format that the suffix names.
    pub suffix: Option<&'a dyn Format>,
    /// The format that the route names; nothing on a route of the operation's own.
    pub predefined: Option<&'a dyn Format>,
    /// Whether a list of requests is sent.
    pub batch: bool,
    /// Members that the path holds.
    pub members: Vec<(&'static str, String)>,
    /// The verbs that are answered here.
    pub verbs: &'static [&'static str],
}

/// What `path`, still percent-encoded, means under `verb`.
#[must_use]
pub fn find<'a>(
    operations: &'a Operations,
    formats: &'a Formats,
    verb: &str,
    path: &str,
) -> Target<'a> {
    if let Some(matched) = to_the_letter(operations, path) {
        return Target::Operation(matched);
    }
    let path = percent_decode_str(path).decode_utf8_lossy();
    let mut segments = [""; SEGMENTS + 1];
    let mut count = 0;
    for segment in path.split('/').filter(|segment| !segment.is_empty()).take(segments.len()) {
        segments[count] = segment;
        count += 1;
    }
    let path = Path { segments: &segments[..count], ends_in_slash: path.ends_with('/') };
    predefined(operations, formats, verb, &path)
        .or_else(|| custom(operations, formats, &path))
        .unwrap_or(Target::Nothing)
}

/// The operation whose own route is this very path, as most paths are. What the rules below would say
/// comes to the same.
fn to_the_letter<'a>(operations: &'a Operations, path: &str) -> Option<Matched<'a>> {
    let (operation, route) = operations.iter().find_map(|operation| {
        let route = operation.spec().routes.iter().find(|route| route.path == path)?;
        Some((operation, route))
    })?;
    let mut segments = path.split('/').skip(1);
    let predefined = segments.next().is_some_and(is_api) || segments.next().is_some_and(is_kind);
    (!predefined).then(|| Matched {
        operation,
        suffix: None,
        predefined: None,
        batch: false,
        members: Vec::new(),
        verbs: route.verbs,
    })
}

/// What predefined routes begin with.
fn is_api(segment: &str) -> bool {
    segment.eq_ignore_ascii_case("api")
}

/// What follows the format on predefined routes.
fn is_kind(segment: &str) -> bool {
    ["reply", "oneway"].iter().any(|known| segment.eq_ignore_ascii_case(known))
}

/// A path in parts.
struct Path<'p> {
    segments: &'p [&'p str],
    ends_in_slash: bool,
}

fn predefined<'a>(
    operations: &'a Operations,
    formats: &'a Formats,
    verb: &str,
    path: &Path<'_>,
) -> Option<Target<'a>> {
    let (format, name, suffix) = match path.segments {
        [api, rest @ ..] if is_api(api) => {
            // The browser's question before a request: not the operation's to answer (rule P5).
            if verb == "OPTIONS" {
                return Some(Target::Nothing);
            }
            let last = rest.last().copied().unwrap_or(api);
            let (name, suffix) = without_suffix(formats, last);
            if rest.len() != 1 {
                return Some(unknown(name, suffix, formats.default(), path));
            }
            (formats.default(), name, suffix)
        }
        [format, kind, rest @ ..] if is_kind(kind) => {
            let format = formats.named(format)?;
            let [name] = rest else {
                let last = rest.last().copied().unwrap_or(kind);
                return Some(unknown(last, None, format, path));
            };
            (format, *name, None)
        }
        _ => return None,
    };
    let (single, batch) = name.strip_suffix("[]").map_or((name, false), |single| (single, true));
    let Some(operation) = operations.named(single) else {
        return Some(unknown(name, suffix, format, path));
    };
    Some(Target::Operation(Matched {
        operation,
        suffix,
        predefined: Some(format),
        batch,
        members: Vec::new(),
        verbs: operation.spec().verbs,
    }))
}

/// No operation: named is the path's last segment, with the slash that follows it (rule P6).
fn unknown<'a>(
    name: &str,
    suffix: Option<&'a dyn Format>,
    format: &'a dyn Format,
    path: &Path<'_>,
) -> Target<'a> {
    let slash = if path.ends_in_slash { "/" } else { "" };
    Target::Unknown(Unknown { name: format!("{name}{slash}"), suffix, format })
}

fn custom<'a>(
    operations: &'a Operations,
    formats: &'a Formats,
    path: &Path<'_>,
) -> Option<Target<'a>> {
    let (last, before) = path.segments.split_last()?;
    let (stem, suffix) =
        if path.ends_in_slash { (*last, None) } else { without_suffix(formats, last) };
    let mut plain = [""; SEGMENTS + 1];
    plain[..before.len()].copy_from_slice(before);
    plain[before.len()] = stem;
    let plain = &plain[..path.segments.len()];
    for operation in operations.iter() {
        for route in operation.spec().routes {
            if let Some(members) = matches(route, plain) {
                return Some(Target::Operation(Matched {
                    operation,
                    suffix,
                    predefined: None,
                    batch: false,
                    members,
                    verbs: route.verbs,
                }));
            }
        }
    }
    None
}

fn matches(route: &Route, segments: &[&str]) -> Option<Vec<(&'static str, String)>> {
    let mut members = Vec::new();
    let mut given = segments.iter();
    for expected in route.path.split('/').filter(|segment| !segment.is_empty()) {
        let given = given.next()?;
        match expected.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(member) => members.push((member, (*given).to_owned())),
            None if expected.eq_ignore_ascii_case(given) => {}
            None => return None,
        }
    }
    given.next().is_none().then_some(members)
}

/// Splits a suffix off, if it names a format; its case counts (rule R5).
fn without_suffix<'a, 's>(
    formats: &'a Formats,
    segment: &'s str,
) -> (&'s str, Option<&'a dyn Format>) {
    segment
        .rsplit_once('.')
        .and_then(|(stem, suffix)| {
            let format = formats.iter().find(|format| format.name() == suffix)?;
            Some((stem, Some(format)))
        })
        .unwrap_or((segment, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The name of the operation and what was said about it, for comparing.
    fn meant(path: &str) -> Option<(&'static str, &'static [&'static str])> {
        let (operations, formats) = (Operations::standard(), Formats::standard());
        match find(&operations, &formats, "PUT", path) {
            Target::Operation(matched) => Some((matched.operation.spec().name(), matched.verbs)),
            _ => None,
        }
    }

    #[test]
    fn a_route_to_the_letter_means_what_the_rules_say() {
        let operations = Operations::standard();
        let routes = operations.iter().flat_map(|operation| operation.spec().routes);
        for route in routes.filter(|route| !route.path.contains('{')) {
            assert!(to_the_letter(&operations, route.path).is_some(), "{}", route.path);
            assert!(to_the_letter(&operations, &route.path.to_uppercase()).is_none());
            assert!(meant(route.path).is_some());
            assert_eq!(meant(route.path), meant(&route.path.to_uppercase()), "{}", route.path);
        }
        for other in ["", "/", "/api/Authenticate", "/json/reply/Authenticate"] {
            assert!(to_the_letter(&operations, other).is_none(), "{other}");
        }
    }
}
