//! Which format a reply has: one pure function, [`reply_format`].
//!
//! 1. A path suffix, then `?callback=` (JSON), then `?format=`, then the route (`/xml/reply/…`),
//!    then `Accept`.
//! 2. An unknown `?format=` is ignored. An unknown suffix never comes here: it is a 404.
//! 3. `Accept` is read as RFC 9110 section 12.5.1 says: the most specific range that covers a media
//!    type gives its weight, 0 excludes it, and a format has the weight of the best of its names. Of
//!    equal weights the range named first wins. The usual name stands for the format: where `Accept`
//!    names it, wildcards reach the format by none of the others.
//! 4. Under a wildcard the request's own format comes first, then the registry's order.
//! 5. Nothing asked for, or nothing acceptable: the request's own format, else the default. Never
//!    406.
//! 6. The label is the name by which `Accept` comes to the format, or, where it leaves that open, the
//!    one in `Content-Type`. A format that was chosen otherwise has its usual label, whatever
//!    `Accept` is; but the clients of JSV and XML know a reply by the very name that they asked for it
//!    by, on all routes (`fixtures/wire`, need 23), as those of JSON know it by the usual one
//!    (need 22).
//! 7. Formats that cannot show what is to be said (a refusal has no QR code) are passed over in all
//!    of this.

use std::cmp::Reverse;

use crate::format::{Format, Formats, MediaType, essence};

/// The most ranges of an `Accept` that are looked at.
const RANGES: usize = 64;

/// What a request says about the format of its reply.
#[derive(Clone, Copy, Default)]
pub struct Asked<'a> {
    /// The format that the path's suffix names.
    pub suffix: Option<&'a dyn Format>,
    /// Whether there is a `?callback=`.
    pub callback: bool,
    /// The value of `?format=`.
    pub named: Option<&'a str>,
    /// The format that the route names; `Accept` does not count then (`fixtures/wire`, rule P2).
    pub route: Option<&'a dyn Format>,
    /// `Accept`, its lines joined.
    pub accept: Option<&'a str>,
    /// The request's `Content-Type`.
    pub content_type: Option<&'a str>,
}

/// The format of the reply, among those that `shows` admits, and its `Content-Type`.
#[must_use]
pub fn reply_format<'a>(
    formats: &'a Formats,
    asked: Asked<'a>,
    shows: &dyn Fn(&dyn Format) -> bool,
) -> (&'a dyn Format, &'static str) {
    let shown = |format: &&dyn Format| shows(*format);
    if let Some((format, known)) = plain(formats, &asked)
        && shows(format)
    {
        return (format, known.label);
    }
    let json = asked.callback.then(|| formats.named("json")).flatten();
    let named = asked.named.and_then(|name| {
        // Cut at the first dot, as the original does (rule N2).
        formats.named(name.split_once('.').map_or(name, |(name, _)| name))
    });
    let own = asked.content_type.and_then(|given| formats.of_media_type(given));
    let accept = Accept::read(asked.accept.unwrap_or_default());
    let accepted = best(formats, &accept, own, shows);
    let told = [asked.suffix, json, named, asked.route].into_iter().flatten().find(shown);
    if let Some(format) = told {
        let elsewhere = accepted.is_some_and(|accepted| accepted.name() != format.name());
        return (format, label_of_told(format, &asked, &accept, elsewhere));
    }
    let format = accepted.or(own.filter(shown)).unwrap_or_else(|| formats.default());
    let given = || known_as(format, asked.content_type).map(|known| known.label);
    let label = label_of_accepted(format, &asked, &accept).or_else(given);
    (format, label.unwrap_or_else(|| format.label()))
}

/// The short way for what nearly every program sends: an `Accept` that is one media type, as it is, and
/// nothing that goes before it.
fn plain<'a>(formats: &'a Formats, asked: &Asked<'_>) -> Option<(&'a dyn Format, &'a MediaType)> {
    let accept = asked.accept?;
    if asked.callback || asked.suffix.is_some() || asked.named.is_some() || asked.route.is_some() {
        return None;
    }
    formats.iter().find_map(|format| {
        let mut known = format.media_types().iter();
        known.find(|known| known.name.eq_ignore_ascii_case(accept)).map(|known| (format, known))
    })
}

/// The label of a format that `Accept` comes to; nothing, if it comes to it by none of its names.
fn label_of_accepted(
    format: &dyn Format,
    asked: &Asked<'_>,
    accept: &Accept<'_>,
) -> Option<&'static str> {
    let way = ways(format, accept)
        .min_by_key(|way| (Reverse(way.range.weight), way.by, way.range.position))?;
    let given = known_as(format, asked.content_type).filter(|given| {
        way.by == By::Any
            && ways(format, accept).any(|other| {
                other.known.name == given.name && other.range.weight == way.range.weight
            })
    });
    Some(given.unwrap_or(way.known).label)
}

/// The label of a format that was named elsewhere than in `Accept`.
fn label_of_told(
    format: &dyn Format,
    asked: &Asked<'_>,
    accept: &Accept<'_>,
    elsewhere: bool,
) -> &'static str {
    if format.name() == "json" || !format.is_data() {
        return format.label();
    }
    ways(format, accept)
        .filter(|way| way.by == By::Name)
        .min_by_key(|way| (Reverse(way.range.weight), way.range.position))
        .map(|way| way.known)
        // Where `Accept` leads to another format, nothing says how the client calls this one.
        .or_else(|| known_as(format, asked.content_type.filter(|_| !elsewhere)))
        .map_or_else(|| format.label(), |known| known.label)
}

/// The name of the format that a `Content-Type` is, if it is one.
fn known_as(format: &dyn Format, content_type: Option<&str>) -> Option<&'static MediaType> {
    let given = essence(content_type?);
    format.media_types().iter().find(|known| known.name.eq_ignore_ascii_case(given))
}

/// The ranges of an `Accept`: read once, and then asked about each format.
struct Accept<'a> {
    ranges: [Range<'a>; RANGES],
    count: usize,
}

/// A media range of `Accept`.
#[derive(Clone, Copy, Default)]
struct Range<'a> {
    text: &'a str,
    /// The weight in thousandths.
    weight: u16,
    position: usize,
}

/// How an `Accept` comes to a format: by a range that covers one of its names.
struct Way<'a> {
    range: Range<'a>,
    by: By,
    known: &'static MediaType,
}

/// By what a range covers a media type; the more specific first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum By {
    /// Its name.
    Name,
    /// `kind/*`
    Kind,
    /// `*/*`
    Any,
}

/// What makes one choice better than another, best first: weight, then position, then preference.
type Rank = (Reverse<u16>, usize, usize);

fn best<'a>(
    formats: &'a Formats,
    accept: &Accept<'_>,
    own: Option<&'a dyn Format>,
    shows: &dyn Fn(&dyn Format) -> bool,
) -> Option<&'a dyn Format> {
    let mut best: Option<(Rank, &dyn Format)> = None;
    let preferred = own
        .into_iter()
        .chain(formats.iter().filter(|format| own.is_none_or(|own| own.name() != format.name())));
    for (preference, format) in preferred.enumerate() {
        let ranks = ways(format, accept).map(|way| (Reverse(way.range.weight), way.range.position));
        let Some((weight, position)) = ranks.min() else { continue };
        let rank = (weight, position, preference);
        if best.as_ref().is_none_or(|(least, _)| rank < *least) && shows(format) {
            best = Some((rank, format));
        }
    }
    best.map(|(_, format)| format)
}

/// The ways to a format, one for each of its names that is acceptable.
fn ways<'w, 'r>(
    format: &dyn Format,
    accept: &'w Accept<'r>,
) -> impl Iterator<Item = Way<'r>> + use<'w, 'r> {
    let names = format.media_types();
    let usual = names.first().and_then(|known| accept.covering(known.name));
    let only_by_name = usual.is_some_and(|(_, by)| by == By::Name);
    names
        .iter()
        .filter_map(|known| {
            let (range, by) = accept.covering(known.name)?;
            Some(Way { range, by, known })
        })
        .filter(move |way| way.range.weight > 0 && (way.by == By::Name || !only_by_name))
}

impl<'a> Accept<'a> {
    fn read(text: &'a str) -> Self {
        let mut accept = Self { ranges: [Range::default(); RANGES], count: 0 };
        let mut rest = Some(text);
        for position in 0..RANGES {
            let Some(text) = rest else { break };
            let (entry, after) = cut(text, b',');
            rest = after;
            if let Some(range) = Range::read(entry, position) {
                accept.ranges[accept.count] = range;
                accept.count += 1;
            }
        }
        accept
    }

    /// The most specific range that covers a media type; of several the first.
    fn covering(&self, media_type: &str) -> Option<(Range<'a>, By)> {
        let (kind, _) = media_type.split_once('/')?;
        let mut best: Option<(Range<'a>, By)> = None;
        for range in &self.ranges[..self.count] {
            let by = if range.text.eq_ignore_ascii_case(media_type) {
                return Some((*range, By::Name));
            } else if range.text == "*/*" {
                By::Any
            } else if let Some(given) = range.text.strip_suffix("/*")
                && given.eq_ignore_ascii_case(kind)
            {
                By::Kind
            } else {
                continue;
            };
            if best.is_none_or(|(_, known)| by < known) {
                best = Some((*range, by));
            }
        }
        best
    }
}

impl<'a> Range<'a> {
    fn read(entry: &'a str, position: usize) -> Option<Self> {
        let (text, mut rest) = cut(entry, b';');
        let text = Some(text.trim()).filter(|text| text.contains('/'))?;
        while let Some(parameters) = rest {
            let (parameter, after) = cut(parameters, b';');
            rest = after;
            if let Some((name, value)) = parameter.split_once('=')
                && name.trim().eq_ignore_ascii_case("q")
            {
                let weight = thousandths(value.trim())?;
                return Some(Self { text, weight, position });
            }
        }
        Some(Self { text, weight: 1000, position })
    }
}

/// What stands before the first `separator` that is not quoted, and what follows it.
fn cut(text: &str, separator: u8) -> (&str, Option<&str>) {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            _ if byte == separator && !quoted => return (&text[..at], Some(&text[at + 1..])),
            _ => {}
        }
    }
    (text, None)
}

/// `0.25` → 250. A weight that is none makes the range none (RFC 9110 section 12.4.2).
fn thousandths(text: &str) -> Option<u16> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let digits = rest.len() <= 3 && rest.bytes().all(|byte| byte.is_ascii_digit());
    match whole {
        "0" if digits => {
            let missing = u32::try_from(3 - rest.len()).ok()?;
            Some(rest.parse().unwrap_or(0) * 10_u16.pow(missing))
        }
        "1" if digits && rest.bytes().all(|byte| byte == b'0') => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn accepts(accept: &str, content_type: Option<&str>, label: &str) {
        let formats = Formats::standard();
        let asked = Asked { accept: Some(accept), content_type, ..Default::default() };
        assert_eq!(reply_format(&formats, asked, &|_| true).1, label, "{accept}");
    }

    #[test]
    fn weights_specificity_and_order_count() {
        accepts("application/json", None, "application/json; charset=utf-8");
        accepts("text/jsv", Some("application/json"), "text/jsv");
        accepts("Application/JSV", None, "application/jsv");
        accepts("text/xml;q=0.5, text/jsv;q=0.9", None, "text/jsv");
        accepts("text/xml, application/json", None, "text/xml");
        accepts(
            "application/xml;q=0, */*",
            Some("application/xml"),
            "application/json; charset=utf-8",
        );
        accepts("application/json;q=0.2, */*;q=0.1", None, "application/json; charset=utf-8");
        accepts("application/json;q=0, text/jsv;q=0.001", None, "text/jsv");
        accepts("text/*", None, "text/json; charset=utf-8");
        accepts("text/*, application/xml", Some("text/jsv"), "text/jsv");
        accepts("text/jsv;q=2, application/xml", None, "application/xml");
    }

    #[test]
    fn a_format_weighs_what_the_best_of_its_names_does() {
        const JSON: &str = "application/json; charset=utf-8";
        const TEXT_JSON: &str = "text/json; charset=utf-8";
        let json = Some("application/json");
        accepts("text/*;q=0.3, */*;q=0.5", json, JSON);
        accepts("text/*;q=0, */*", json, JSON);
        accepts("application/*;q=0, */*", json, TEXT_JSON);
        accepts("application/*;q=0, */*", Some("text/x-json"), "text/x-json; charset=utf-8");
        accepts("application/*;q=0.1, */*;q=0.2", Some("application/xml"), "text/xml");
        accepts("text/json;q=0, application/*", json, JSON);
        accepts("text/json;q=0, */*", Some("text/json"), JSON);
        accepts("text/xml;q=0.1, */*", Some("text/xml"), "application/xml");
        accepts("application/json;q=0.2, text/json;q=0.7, text/csv;q=0.5", None, TEXT_JSON);
        accepts("*/*, text/xml", Some("application/xml"), "text/xml");
        // Who has something to say of a format says it of its usual name.
        accepts("application/json;q=0, */*", json, "text/jsv");
        accepts("application/json;q=0.1, */*;q=0.2", json, "text/jsv");
        accepts("application/json;q=0, text/json;q=0.1, */*", json, "text/jsv");
        accepts("application/json;q=0, text/json;q=0.1", None, TEXT_JSON);
    }

    #[test]
    fn what_is_quoted_separates_nothing() {
        accepts(
            "text/plain;x=\",application/xml,\", application/json",
            None,
            "application/json; charset=utf-8",
        );
        accepts("text/xml;x=\"a;q=0\";q=0.5, text/jsv;q=0.4", None, "text/xml");
        accepts("text/xml;x=\"\\\",\";q=0.5, text/jsv;q=0.4", None, "text/xml");
        accepts("text/xml;x=\\\",text/jsv,\"", None, "text/xml");
        accepts("text/plain;x=\"é,", None, "application/json; charset=utf-8");
    }

    #[test]
    fn without_a_wish_the_requests_own_format_answers() {
        accepts("*/*", Some("application/xml; charset=utf-8"), "application/xml");
        accepts("*/*", None, "application/json; charset=utf-8");
        accepts("", Some("text/jsv"), "text/jsv");
        accepts("image/webp", Some("application/jsv"), "application/jsv");
        accepts("image/webp", Some("text/plain"), "application/json; charset=utf-8");
        accepts("nonsense", None, "application/json; charset=utf-8");
    }

    #[test]
    fn suffix_beats_callback_beats_name_beats_route() {
        let formats = Formats::standard();
        let (xml, jsv) = (formats.named("xml"), formats.named("JSV"));
        let all = Asked {
            suffix: xml,
            callback: true,
            named: Some("jsv"),
            route: jsv,
            accept: Some("text/csv"),
            content_type: None,
        };
        let name = |asked| reply_format(&formats, asked, &|_| true).0.name();
        assert_eq!(name(all), "xml");
        let asked = Asked { suffix: None, ..all };
        assert_eq!(name(asked), "json");
        let asked = Asked { suffix: None, callback: false, named: Some("XML.x"), ..all };
        assert_eq!(name(asked), "xml");
        let asked = Asked { suffix: None, callback: false, named: Some("yaml"), ..all };
        assert_eq!(name(asked), "jsv");
        let asked = Asked { suffix: None, callback: false, named: None, route: None, ..all };
        assert_eq!(name(asked), "csv");
    }

    #[test]
    fn the_label_is_what_the_client_calls_jsv_however_it_was_chosen() {
        let formats = Formats::standard();
        for (accept, content_type, label) in [
            (None, None, "text/jsv"),
            (Some("application/jsv"), None, "application/jsv"),
            (Some("application/jsv;q=0"), None, "text/jsv"),
            (Some("application/json"), Some("application/jsv"), "text/jsv"),
            (Some("*/*"), Some("application/jsv; charset=utf-8"), "application/jsv"),
            (Some("*/*"), Some("application/json"), "text/jsv"),
            (None, Some("application/jsv"), "application/jsv"),
            (Some(" "), Some("application/jsv"), "application/jsv"),
            (Some("application/*"), None, "text/jsv"),
            (Some("application/*"), Some("text/jsv"), "text/jsv"),
            (Some("application/*"), Some("application/jsv"), "application/jsv"),
        ] {
            let route = formats.named("jsv");
            for asked in [
                Asked { route, accept, content_type, ..Default::default() },
                Asked { suffix: route, accept, content_type, ..Default::default() },
                Asked { named: Some("jsv"), accept, content_type, ..Default::default() },
            ] {
                let (format, given) = reply_format(&formats, asked, &|_| true);
                assert_eq!(format.name(), "jsv", "{accept:?} {content_type:?}");
                assert_eq!(given, label, "{accept:?} {content_type:?}");
            }
        }
    }

    #[test]
    fn accept_gives_no_other_label_to_json_and_pages_that_were_chosen_otherwise() {
        let formats = Formats::standard();
        for (name, accept, content_type) in [
            ("json", "text/html, text/*;q=0.5", "application/json"),
            ("json", "text/*", ""),
            ("json", "text/json", ""),
            ("json", "text/x-json;q=0.1", "text/json"),
            ("json", "", "text/json"),
            ("html", "application/xhtml+xml", ""),
            ("html", "application/*", ""),
            ("xml", "text/*", ""),
            ("xml", "text/xml;q=0, */*", ""),
        ] {
            let format = formats.named(name);
            let (accept, content_type) = (Some(accept), Some(content_type));
            for asked in [
                Asked { route: format, accept, content_type, ..Default::default() },
                Asked { suffix: format, accept, content_type, ..Default::default() },
                Asked { named: Some(name), accept, content_type, ..Default::default() },
            ] {
                let label = reply_format(&formats, asked, &|_| true).1;
                assert_eq!(label, format.unwrap().label(), "{accept:?} {content_type:?}");
            }
        }
    }

    #[test]
    fn a_format_that_cannot_show_it_is_passed_over() {
        let formats = Formats::standard();
        let no_picture = |format: &dyn Format| !["svg", "png"].contains(&format.name());
        let name = |asked| reply_format(&formats, asked, &no_picture).0.name();
        for (accept, content_type, expected) in [
            ("image/png, text/xml;q=0.1", None, "xml"),
            ("image/*, text/html;q=0.5, text/jsv", None, "jsv"),
            ("image/png", Some("application/xml"), "xml"),
            ("image/png", None, "json"),
        ] {
            let asked = Asked { accept: Some(accept), content_type, ..Default::default() };
            assert_eq!(name(asked), expected, "{accept}");
        }
        let asked =
            Asked { suffix: formats.named("png"), accept: Some("text/xml"), ..Default::default() };
        assert_eq!(name(asked), "xml");
        assert_eq!(name(Asked { suffix: formats.named("svg"), ..Default::default() }), "json");
    }

    #[test]
    fn every_media_type_of_every_format_is_answered_by_its_own_name() {
        let formats = Formats::standard();
        for known in formats.iter().flat_map(Format::media_types) {
            accepts(known.name, Some("application/json"), known.label);
        }
    }
}
