//! Which format and label a request asks for, told from the rows alone.

use std::cmp::Reverse;

use super::row::{Request, Route};

/// The formats in order of preference, with their media types and labels.
const TYPES: &[(&str, &[(&str, &str)])] = &[
    (
        "json",
        &[
            ("application/json", "application/json; charset=utf-8"),
            ("text/json", "text/json; charset=utf-8"),
            ("text/x-json", "text/x-json; charset=utf-8"),
        ],
    ),
    (
        "jsv",
        &[
            ("text/jsv", "text/jsv"),
            ("application/jsv", "application/jsv"),
            ("application/x-jsv", "application/x-jsv"),
            ("text/x-jsv", "text/x-jsv"),
        ],
    ),
    ("xml", &[("application/xml", "application/xml"), ("text/xml", "text/xml")]),
    ("csv", &[("text/csv", "text/csv")]),
    (
        "html",
        &[
            ("text/html", "text/html; charset=utf-8"),
            ("application/xhtml+xml", "application/xhtml+xml; charset=utf-8"),
        ],
    ),
    ("svg", &[("image/svg+xml", "image/svg+xml")]),
    ("png", &[("image/png", "image/png")]),
];

/// The format and the label of the reply. `has_code` says whether there is a QR code to show.
pub fn wanted(request: &Request, has_code: bool) -> (&'static str, &'static str) {
    let shown = |name: &str| has_code || !["svg", "png"].contains(&name);
    let known = |name: &str| TYPES.iter().map(|(known, _)| *known).find(|known| *known == name);
    let authorized = request.header("Authorization").is_some();
    let callback = request.query("callback").filter(|name| authorized && !name.is_empty());
    let named = request.query("format").and_then(|name| {
        let name = name.to_lowercase();
        known(name.split('.').next().unwrap())
    });
    let route = match request.route() {
        Route::Api => Some("json"),
        Route::Predefined(format) => Some(format),
        Route::Custom => None,
    };
    let suffix = request.suffix();
    let told = suffix.is_some() || callback.is_some() || named.is_some() || route.is_some();
    let accept = request.header("Accept").unwrap_or_default();
    let content_type = request.header("Content-Type").unwrap_or_default();
    let own = of_type(content_type.split(';').next().unwrap().trim());
    let format = [suffix, callback.is_some().then_some("json"), named, route]
        .into_iter()
        .flatten()
        .find(|name| shown(name))
        .or_else(|| accepted(&accept, own, &shown))
        .or(own.filter(|name| shown(name)))
        .unwrap_or("json");
    if callback.is_some() && suffix.is_none() {
        return (format, "text/javascript");
    }
    (format, label(format, told, &accept, &content_type))
}

fn of_type(name: &str) -> Option<&'static str> {
    let has =
        |types: &[(&str, &str)]| types.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
    TYPES.iter().find(|(_, types)| has(types)).map(|(format, _)| *format)
}

/// The ranges of an `Accept`: text, weight in thousandths, position.
fn ranges(accept: &str) -> Vec<(String, u16, usize)> {
    let range = |(at, entry): (usize, &str)| {
        let mut parts = entry.split(';').map(str::trim);
        let text = parts.next().unwrap().to_lowercase();
        let weight = parts.find_map(|part| part.strip_prefix("q=")).unwrap_or("1");
        let weight = weight.parse::<f32>().ok().filter(|weight| (0.0..=1.0).contains(weight))?;
        let thousandths = (0..=1000_u16).find(|n| f32::from(*n) >= weight * 1000.0 - 0.5)?;
        text.contains('/').then_some((text, thousandths, at))
    };
    accept.split(',').enumerate().filter_map(range).collect()
}

fn accepted(
    accept: &str,
    own: Option<&'static str>,
    shown: &dyn Fn(&str) -> bool,
) -> Option<&'static str> {
    let ranges = ranges(accept);
    TYPES
        .iter()
        .enumerate()
        .filter(|(_, (format, _))| shown(format))
        .filter_map(|(preference, (format, types))| {
            let (weight, at) = reach(&ranges, types)?;
            Some(((Reverse(weight), at, Some(*format) != own, preference), *format))
        })
        .min()
        .map(|(_, format)| format)
}

/// The weight and position by which a format is acceptable: those of the best of its names.
fn reach(ranges: &[(String, u16, usize)], types: &[(&str, &str)]) -> Option<(u16, usize)> {
    let best = ways(ranges, types).into_iter().map(|(weight, _, at, _)| (weight, at)).min();
    best.map(|(Reverse(weight), at)| (weight, at))
}

/// How specific a range is that covers a media type: 0 is its name.
fn specific(range: &str, name: &str) -> Option<u8> {
    let kind = format!("{}/*", name.split('/').next().unwrap());
    [name, &*kind, "*/*"].iter().zip(0..).find(|(known, _)| **known == range).map(|(_, n)| n)
}

/// Weight, lack of specificity and position by which each name is acceptable, and its label. Where
/// the first name is named, only those that are count.
fn ways<'l>(
    ranges: &[(String, u16, usize)],
    types: &[(&str, &'l str)],
) -> Vec<(Reverse<u16>, u8, usize, &'l str)> {
    let covering = |name: &str| {
        let covers = ranges.iter().filter_map(|(text, weight, at)| {
            specific(text, name).map(|specific| (specific, *at, *weight))
        });
        covers.min()
    };
    let usual_is_named = matches!(covering(types[0].0), Some((0, ..)));
    let way = |(name, label): &(&str, &'l str)| {
        let (specific, at, weight) = covering(name)?;
        let counts = weight > 0 && (specific == 0 || !usual_is_named);
        counts.then_some((Reverse(weight), specific, at, *label))
    };
    types.iter().filter_map(way).collect()
}

/// What the client calls the format: in `Accept`, or where that leaves it open in `Content-Type`;
/// else its usual label. A format that is told otherwise is called by another name only if it is
/// JSV or XML, and named.
fn label(format: &str, told: bool, accept: &str, content_type: &str) -> &'static str {
    let (_, types) = TYPES.iter().find(|(name, _)| *name == format).unwrap();
    if told && !["jsv", "xml"].contains(&format) {
        return types[0].1;
    }
    let ranges = ranges(accept);
    let way = ways(&ranges, types).into_iter().min_by_key(|(weight, specific, at, _)| {
        let named = told && *specific > 0;
        (named, *weight, *specific, *at)
    });
    let way = way.filter(|(_, specific, ..)| !told || *specific == 0);
    if let Some((_, 0 | 1, _, label)) = way {
        return label;
    }
    if ranges.is_empty() || ranges.iter().any(|(text, ..)| text == "*/*") {
        let essence = content_type.split(';').next().unwrap().trim().to_lowercase();
        if let Some((_, label)) = types.iter().find(|(name, _)| *name == essence) {
            return label;
        }
    }
    way.map_or(types[0].1, |(.., label)| label)
}
