//! Which format a reply has: one pure function, [`reply_format`].
//!
//! 1. A path suffix, then `?callback=` (JSON), then `?format=`, then the route (`/xml/reply/…`),
//!    then `Accept`.
//! 2. An unknown `?format=` is ignored. An unknown suffix never comes here: it is a 404.
//! 3. `Accept` is read as RFC 9110 section 12.5.1 says: the most specific range that covers a media
//!    type gives its weight, 0 excludes it. Of equal weights the range named first wins.
//! 4. Under a wildcard the request's own format comes first, then the registry's order; a format
//!    excluded by one of its names is not reached through a wildcard either.
//! 5. Nothing asked for, or nothing acceptable: the request's own format, else the default. Never
//!    406.
//! 6. The label is the media type by which the client names the format, also where the format
//!    itself was chosen otherwise: in `Accept`, or, where `Accept` leaves it open, in
//!    `Content-Type` (needs 23). Named by nobody it has its usual one.
//! 7. Formats that cannot show what is to be said (a refusal has no QR code) are passed over in all
//!    of this.

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
    let format = [asked.suffix, json, named, asked.route]
        .into_iter()
        .flatten()
        .find(shown)
        .or(accepted)
        .or(own.filter(shown))
        .unwrap_or_else(|| formats.default());
    let elsewhere = accepted.is_some_and(|accepted| accepted.name() != format.name());
    (format, label(format, &asked, &accept, elsewhere))
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

/// How a reply in this format is labelled.
fn label(
    format: &dyn Format,
    asked: &Asked<'_>,
    accept: &Accept<'_>,
    elsewhere: bool,
) -> &'static str {
    if let Some(Way { by: By::Name(label) | By::Kind(label), .. }) = reach(format, accept) {
        return label;
    }
    // Where `Accept` leads to another format, nothing says how the client calls this one. Otherwise
    // the body's Content-Type does, if it is in this one.
    let given = asked.content_type.filter(|_| !elsewhere).map(essence);
    let mut known = format.media_types().iter();
    given
        .and_then(|given| known.find(|known| known.name.eq_ignore_ascii_case(given)))
        .map_or_else(|| format.label(), |known| known.label)
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

/// How an `Accept` comes to a format.
#[derive(Clone, Copy)]
struct Way<'a> {
    range: Range<'a>,
    by: By,
}

/// By what a range covers a format.
#[derive(Clone, Copy)]
enum By {
    /// One of its names; the label that goes with it.
    Name(&'static str),
    /// `kind/*`; the label of the first name of that kind.
    Kind(&'static str),
    /// `*/*`
    Any,
}

/// What makes one choice better than another, best first: weight, then position, then preference.
type Rank = (std::cmp::Reverse<u16>, usize, usize);

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
        let Some(Way { range, .. }) = reach(format, accept) else { continue };
        let rank = (std::cmp::Reverse(range.weight), range.position, preference);
        if best.as_ref().is_none_or(|(least, _)| rank < *least) && shows(format) {
            best = Some((rank, format));
        }
    }
    best.map(|(_, format)| format)
}

/// The best way to a format: by one of its names, else by a wildcard that covers one of them.
fn reach<'a>(format: &dyn Format, accept: &Accept<'a>) -> Option<Way<'a>> {
    let mut named: Option<Way<'a>> = None;
    let mut excluded = false;
    for known in format.media_types() {
        let Some(range) = accept.find(|range| range.text.eq_ignore_ascii_case(known.name)) else {
            continue;
        };
        excluded |= range.weight == 0;
        let better = named.is_none_or(|Way { range: least, .. }| {
            (std::cmp::Reverse(range.weight), range.position)
                < (std::cmp::Reverse(least.weight), least.position)
        });
        if range.weight > 0 && better {
            named = Some(Way { range, by: By::Name(known.label) });
        }
    }
    if named.is_some() || excluded {
        return named;
    }
    for known in format.media_types() {
        let (kind, _) = known.name.split_once('/').unwrap_or_default();
        let covers = |range: &Range<'_>| {
            range.text.strip_suffix("/*").is_some_and(|given| given.eq_ignore_ascii_case(kind))
        };
        if let Some(range) = accept.find(covers) {
            return (range.weight > 0).then_some(Way { range, by: By::Kind(known.label) });
        }
    }
    let range = accept.find(|range| range.text == "*/*")?;
    (range.weight > 0).then_some(Way { range, by: By::Any })
}

impl<'a> Accept<'a> {
    fn read(text: &'a str) -> Self {
        let mut accept = Self { ranges: [Range::default(); RANGES], count: 0 };
        for (position, entry) in text.split(',').take(RANGES).enumerate() {
            if let Some(range) = Range::read(entry, position) {
                accept.ranges[accept.count] = range;
                accept.count += 1;
            }
        }
        accept
    }

    /// The first range of that kind.
    fn find(&self, fits: impl Fn(&Range<'a>) -> bool) -> Option<Range<'a>> {
        self.ranges[..self.count].iter().find(|range| fits(range)).copied()
    }
}

impl<'a> Range<'a> {
    fn read(entry: &'a str, position: usize) -> Option<Self> {
        let mut parts = entry.split(';').map(str::trim);
        let text = parts.next().filter(|text| text.contains('/'))?;
        let weight = parts
            .filter_map(|part| part.split_once('='))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
            .map_or(Some(1000), |(_, value)| thousandths(value.trim()))?;
        Some(Self { text, weight, position })
    }
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
    fn the_label_is_what_the_client_calls_the_format_however_it_was_chosen() {
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
            (Some("application/*"), Some("text/jsv"), "application/jsv"),
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
