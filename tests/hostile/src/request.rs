//! Requests that nobody should send, each of which follows from a seed and its number.
//!
//! Most know the service: its operations, their members, its formats and routes, from the same
//! registries that it is made of. To add a kind: a line in [`KINDS`] and what makes it.

use foundry_api::format::{Format, Formats};
use foundry_api::operation::{AnyOperation, Operations, Spec};
use foundry_api::types::LANGUAGES;

use crate::dice::{Dice, ODD};
use crate::draft::Draft;
use crate::text::{
    content_type, escaped, gzip, members, multipart, odd_text, once_in, some_bytes, written, zlib,
};

/// A request as bytes.
pub(crate) struct Request {
    pub(crate) kind: &'static str,
    pub(crate) bytes: Vec<u8>,
    /// Whether it is well-formed HTTP that asks for the connection to be closed after it: then
    /// there is a reply, and the end comes by itself.
    pub(crate) whole: bool,
    /// Whether the reply has no body, whatever its head says.
    pub(crate) is_head: bool,
}

impl Request {
    pub(crate) fn whole(kind: &'static str, text: String) -> Self {
        Self { kind, bytes: text.into_bytes(), whole: true, is_head: false }
    }
}

/// What alice can show.
pub(crate) struct Credentials {
    pub(crate) session: String,
    pub(crate) token: String,
    pub(crate) basic: String,
    pub(crate) api_key: String,
}

type Make = fn(&Maker, &mut Dice, &mut Draft);

/// The kinds of requests. Those of the first group are well-formed HTTP.
const KINDS: &[(&str, Make)] = &[
    ("document", Maker::document),
    ("bent document", Maker::bent_document),
    ("fields", Maker::fields),
    ("coded", Maker::coded),
    ("batch", Maker::batch),
    ("negotiation", Maker::negotiation),
    ("credentials", Maker::credentials),
    ("headers", Maker::headers),
    ("page", Maker::page),
    ("path", Maker::path),
    ("chunked", Maker::chunked),
    ("bent request", Maker::bent_request),
    ("raw bytes", Maker::raw_bytes),
    ("pipelined", Maker::pipelined),
    ("frames", Maker::frames),
];

pub(crate) struct Maker {
    seed: u64,
    operations: Operations,
    formats: Formats,
    credentials: Credentials,
}

/// What opens and closes a level of something.
const LEVELS: [(&str, &str); 9] = [
    ("[", "]"),
    ("{a:", "}"),
    ("{\"a\":", "}"),
    ("[{\"a\":[", "]}]"),
    ("<a>", "</a>"),
    ("a:", ""),
    ("\"", "\""),
    ("&amp;", ""),
    ("[{", "}]"),
];

/// A document that nests as deep as there is room for: opened only, or closed again inside a member.
fn deep(dice: &mut Dice) -> String {
    let (open, close) = LEVELS[dice.below(LEVELS.len())];
    let times = dice.below(60_000 / (open.len() + close.len()));
    if once_in(dice, 2) {
        return open.repeat(times);
    }
    let nested = open.repeat(times) + &close.repeat(times);
    let name = dice.pick(&["OrganisationId", "organisationId", "userName", "code", "provider"]);
    match dice.below(3) {
        0 => format!("{{\"{name}\":{nested}}}"),
        1 => format!("[{{\"{name}\":{nested}}}]"),
        _ => format!("{{{name}:{nested}}}"),
    }
}

impl Maker {
    pub(crate) fn new(seed: u64, credentials: Credentials) -> Self {
        Self { seed, operations: Operations::standard(), formats: Formats::standard(), credentials }
    }

    pub(crate) fn make(&self, number: u64) -> Request {
        // Neighbouring numbers have nothing in common.
        let seed = Dice::new(self.seed ^ number.rotate_left(32)).next();
        let mut dice = Dice::new(seed);
        let (kind, make) = KINDS[usize::try_from(number).unwrap_or(0) % KINDS.len()];
        let mut draft = Draft::default();
        make(self, &mut dice, &mut draft);
        let is_head = draft.verb == "HEAD";
        match draft.raw.take() {
            Some(bytes) => Request { kind, bytes, whole: false, is_head: false },
            None => Request { kind, bytes: draft.bytes(), whole: true, is_head },
        }
    }

    /// Members of an operation, in a format, on one of its routes, by somebody.
    fn document(&self, dice: &mut Dice, draft: &mut Draft) {
        let spec = self.operation(dice);
        let format = self.format(dice);
        self.route(dice, draft, spec, format, false);
        let members = members(dice, spec);
        draft.body = written(dice, format, spec, &members);
        draft.header("Content-Type", content_type(dice, format));
        self.somebody(dice, draft);
        self.accept(dice, draft);
    }

    fn bent_document(&self, dice: &mut Dice, draft: &mut Draft) {
        self.document(dice, draft);
        dice.bend(&mut draft.body);
        if once_in(dice, 50) {
            draft.body = deep(dice).into_bytes();
        }
    }

    fn fields(&self, dice: &mut Dice, draft: &mut Draft) {
        let spec = self.operation(dice);
        let format = self.format(dice);
        self.route(dice, draft, spec, format, false);
        let members = members(dice, spec);
        let is_form = once_in(dice, 2);
        if once_in(dice, 2) {
            draft.body = multipart(&members).into_bytes();
            draft.header("Content-Type", "multipart/form-data; boundary=b");
        } else {
            let pairs: Vec<String> =
                members.iter().map(|(n, v)| format!("{n}={}", escaped(v))).collect();
            if is_form {
                draft.body = pairs.join("&").into_bytes();
                draft.header("Content-Type", "application/x-www-form-urlencoded");
            } else {
                let sign = if draft.target.contains('?') { '&' } else { '?' };
                draft.target += &format!("{sign}{}", pairs.join("&"));
            }
        }
        if once_in(dice, 3) {
            dice.bend(&mut draft.body);
        }
        self.somebody(dice, draft);
        self.accept(dice, draft);
    }

    /// A body in codings that it may or may not be in.
    fn coded(&self, dice: &mut Dice, draft: &mut Draft) {
        self.document(dice, draft);
        let names = ["gzip", "deflate", "br", "zstd", "x-gzip", "identity", "gzip, deflate", "odd"];
        let coding = dice.pick(&names);
        if once_in(dice, 10) {
            // A bomb: four megabytes in some four kilobytes.
            draft.body = vec![b' '; 4 << 20];
        }
        for name in coding.split(", ") {
            draft.body = match name {
                "gzip" | "x-gzip" => gzip(&draft.body),
                "deflate" => zlib(&draft.body),
                "br" | "zstd" => some_bytes(dice, 64),
                _ => std::mem::take(&mut draft.body),
            };
        }
        draft.body.truncate(100_000);
        if once_in(dice, 3) {
            dice.bend(&mut draft.body);
        }
        draft.header("Content-Encoding", coding);
    }

    fn batch(&self, dice: &mut Dice, draft: &mut Draft) {
        let spec = self.operation(dice);
        let format = self.format(dice);
        self.route(dice, draft, spec, format, true);
        let count = if once_in(dice, 20) { 150 } else { dice.below(4) };
        let one = members(dice, spec);
        let items: Vec<String> = (0..count)
            .map(|_| String::from_utf8_lossy(&written(dice, format, spec, &one)).into_owned())
            .collect();
        draft.body = match format.name() {
            "xml" => {
                let (name, space) = (spec.request.name, spec.request.namespace.xml);
                format!("<ArrayOf{name} xmlns=\"{space}\">{}</ArrayOf{name}>", items.concat())
            }
            _ => format!("[{}]", items.join(",")),
        }
        .into_bytes();
        draft.header("Content-Type", content_type(dice, format));
        if once_in(dice, 3) {
            dice.bend(&mut draft.body);
        }
        self.somebody(dice, draft);
    }

    fn negotiation(&self, dice: &mut Dice, draft: &mut Draft) {
        self.document(dice, draft);
        let mut accept = String::new();
        for _ in 0..=dice.below(6) {
            let format = self.any_format(dice);
            let range =
                dice.pick(&["*/*", "text/*", format.label(), "application/*", "*", "a/b/c"]);
            let weight = dice.pick(&["", ";q=0", ";q=0.5", ";q=1.000", ";q=x", "; v=\"a,b\";q=.3"]);
            accept += &format!("{range}{weight},");
        }
        draft.headers.retain(|(name, _)| name != "Accept");
        draft.header("Accept", &accept);
        let odd = escaped(dice.pick(ODD));
        let name = self.any_format(dice).name();
        let sign = if draft.target.contains('?') { '&' } else { '?' };
        draft.target += &match dice.below(3) {
            0 => format!("{sign}format={name}"),
            1 => format!("{sign}callback={odd}alert(1)//"),
            _ => format!("{sign}format={odd}{name}&callback={odd}"),
        };
    }

    /// Credentials of each sort, bent.
    fn credentials(&self, dice: &mut Dice, draft: &mut Draft) {
        self.document(dice, draft);
        draft.headers.retain(|(name, _)| name != "Authorization" && name != "Cookie");
        let own = &self.credentials;
        let (header, before, value) = match dice.below(7) {
            0 => ("Authorization", "Bearer ", &own.token),
            1 => ("Authorization", "Bearer ", &own.api_key),
            2 => ("Authorization", "Basic ", &own.basic),
            3 => ("Cookie", "ss-id=", &own.session),
            4 => ("Cookie", "ss-tok=", &own.token),
            5 => ("X-ss-id", "", &own.session),
            _ => ("Cookie", "a=b; ss-opt=perm; ss-pid=", &own.session),
        };
        let mut value = format!("{before}{value}").into_bytes();
        dice.bend(&mut value);
        draft.headers.push((header.to_owned(), value));
    }

    /// Headers that are long, many, odd or twice there.
    fn headers(&self, dice: &mut Dice, draft: &mut Draft) {
        self.document(dice, draft);
        let names = [
            "X-Request-Id",
            "X-Forwarded-For",
            "X-Forwarded-Proto",
            "X-Http-Method-Override",
            "Origin",
            "Access-Control-Request-Method",
            "Cookie",
            "Accept",
            "Content-Type",
            "Expect",
            "Range",
            "If-None-Match",
            "Referer",
            "User-Agent",
            "Upgrade",
        ];
        for _ in 0..=dice.below(20) {
            let name = dice.pick(&names);
            let value = match dice.below(4) {
                0 => {
                    let times = dice.below(200);
                    dice.pick(ODD).repeat(times).into_bytes()
                }
                1 => some_bytes(dice, 40),
                2 => b"a, b; c=\"d\"".to_vec(),
                _ => b"100-continue".to_vec(),
            };
            draft.headers.push((name.to_owned(), value));
        }
    }

    /// Pages, generated types, documents, with options.
    fn page(&self, dice: &mut Dice, draft: &mut Draft) {
        dice.pick(&["GET", "HEAD", "GET", "POST"]).clone_into(&mut draft.verb);
        let language = LANGUAGES[dice.below(LANGUAGES.len())].id();
        let name = self.operation(dice).name();
        let format = self.any_format(dice).name();
        let odd = escaped(&odd_text(dice));
        let host = odd_text(dice).into_bytes();
        draft.target = match dice.below(8) {
            0 => format!("/types/{language}?IncludeTypes={name},{odd}&ExcludeTypes={odd}.*"),
            1 => format!("/types/{language}?GlobalNamespace={odd}&Package={odd}&BaseUrl={odd}"),
            2 => format!("/types/{odd}"),
            3 => format!("/{format}/metadata?op={name}&lang={language}"),
            4 => format!("/{format}/metadata?op={odd}&lang={odd}"),
            5 => "/types/metadata.json".to_owned(),
            6 => (*dice.pick(&["/openapi.json", "/openapi", "/enrol", "/metadata/app.json"]))
                .to_owned(),
            _ => (*dice.pick(&["/", "/health/live", "/health/ready", "/robots.txt"])).to_owned(),
        };
        draft.headers.push(("Host".to_owned(), host));
    }

    fn path(&self, dice: &mut Dice, draft: &mut Draft) {
        self.document(dice, draft);
        let mut target = std::mem::take(&mut draft.target).into_bytes();
        dice.bend(&mut target);
        draft.target = format!("/{}", escaped(&String::from_utf8_lossy(&target)));
        if once_in(dice, 2) {
            draft.target = draft.target.replace("%2F", "/").replace("%3F", "?");
        }
        let verbs = ["GET", "PUT", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "get", "HEAD"];
        dice.pick(&verbs).clone_into(&mut draft.verb);
    }

    fn chunked(&self, dice: &mut Dice, draft: &mut Draft) {
        self.document(dice, draft);
        draft.chunked = true;
    }

    /// Any of the above with its bytes bent: no HTTP any more, perhaps.
    fn bent_request(&self, dice: &mut Dice, draft: &mut Draft) {
        let mut bytes = self.any(dice).bytes();
        let head = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(bytes.len());
        let mut rest = bytes.split_off(head);
        dice.bend(&mut bytes);
        bytes.append(&mut rest);
        draft.raw = Some(bytes);
    }

    fn raw_bytes(_: &Self, dice: &mut Dice, draft: &mut Draft) {
        let lengths = [20, 300, 4000, 70_000];
        let most = lengths[dice.below(lengths.len())];
        let mut bytes = some_bytes(dice, most);
        if once_in(dice, 2) {
            bytes.splice(0..0, *b"PUT / HTTP/1.1\r\n");
        }
        draft.raw = Some(bytes);
    }

    fn pipelined(&self, dice: &mut Dice, draft: &mut Draft) {
        let mut bytes = Vec::new();
        for _ in 0..=dice.below(20) {
            let mut one = self.any(dice);
            one.headers.retain(|(name, _)| name != "Expect");
            one.verb = one.verb.replace("HEAD", "GET");
            let text = one.bytes();
            let close: &[u8] = b"Connection: close\r\n";
            let at = text.windows(close.len()).position(|part| part == close).unwrap_or(0);
            bytes.extend_from_slice(&text[..at]);
            bytes.extend_from_slice(&text[(at + close.len()).min(text.len())..]);
        }
        draft.raw = Some(bytes);
    }

    /// The preface of HTTP/2, which is not spoken here, and frames of all types.
    fn frames(_: &Self, dice: &mut Dice, draft: &mut Draft) {
        let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
        for _ in 0..=dice.below(30) {
            let payload = if once_in(dice, 2) {
                // GET / in the static table's terms.
                vec![0x82, 0x84, 0x86]
            } else {
                some_bytes(dice, 40)
            };
            let length = u8::try_from(payload.len()).unwrap_or(u8::MAX);
            let stream = dice.pick(&[&1_u8, &3, &5, &7, &0]);
            let kind = dice.byte() % 11;
            let flags = if once_in(dice, 2) { 0x05 } else { dice.byte() };
            bytes.extend_from_slice(&[0, 0, length, kind, flags, 0, 0, 0, *stream]);
            bytes.extend_from_slice(&payload);
        }
        draft.raw = Some(bytes);
    }

    /// A well-formed one of any kind.
    fn any(&self, dice: &mut Dice) -> Draft {
        let mut draft = Draft::default();
        KINDS[dice.below(11)].1(self, dice, &mut draft);
        draft
    }

    fn operation(&self, dice: &mut Dice) -> &'static Spec {
        let count = self.operations.iter().count();
        let nth = dice.below(count);
        self.operations.iter().nth(nth).map_or_else(|| unreachable!(), AnyOperation::spec)
    }

    fn any_format(&self, dice: &mut Dice) -> &dyn Format {
        let nth = dice.below(self.formats.iter().count());
        self.formats.iter().nth(nth).unwrap_or(self.formats.default())
    }

    /// One that is read.
    fn format(&self, dice: &mut Dice) -> &dyn Format {
        let names = ["json", "jsv", "xml"];
        self.formats.named(dice.pick(&names)).unwrap_or(self.formats.default())
    }

    fn route(
        &self,
        dice: &mut Dice,
        draft: &mut Draft,
        spec: &Spec,
        format: &dyn Format,
        batch: bool,
    ) {
        let suffix = match dice.below(4) {
            0 => format!(".{}", self.any_format(dice).name()),
            _ => String::new(),
        };
        let (name, list) = (spec.name(), if batch { "[]" } else { "" });
        let verbs;
        (draft.target, verbs) = match dice.below(if batch { 2 } else { 4 }) {
            0 => (format!("/api/{name}{list}{suffix}"), spec.verbs),
            1 => {
                let way = dice.pick(&["reply", "oneway", "REPLY"]);
                (format!("/{}/{way}/{name}{list}", format.name()), spec.verbs)
            }
            _ => match spec.routes.get(dice.below(spec.routes.len().max(1))) {
                Some(route) => {
                    let provider =
                        dice.pick(&["credentials", "logout", "x%0d%0ay", "%F0%9F%98%80"]);
                    (route.path.replace("{provider}", provider) + &suffix, route.verbs)
                }
                None => (format!("/json/reply/{name}"), spec.verbs),
            },
        };
        let verb = verbs.get(dice.below(verbs.len().max(1))).copied().unwrap_or("POST");
        let verb =
            if once_in(dice, 20) { dice.pick(&["GET", "POST", "DELETE", "HEAD"]) } else { verb };
        verb.clone_into(&mut draft.verb);
        if verb == "PUT" && once_in(dice, 10) {
            "POST".clone_into(&mut draft.verb);
            draft.header("X-Http-Method-Override", "put");
        }
    }

    /// Nobody, or alice by one of her ways. Not by her password: that is slow by design.
    fn somebody(&self, dice: &mut Dice, draft: &mut Draft) {
        let own = &self.credentials;
        match dice.below(6) {
            0 => {}
            1 => draft.header("Authorization", &format!("Bearer {}", own.token)),
            2 => draft.header("Cookie", &format!("ss-tok={}", own.token)),
            3 => draft.header("Cookie", &format!("ss-id={}", own.session)),
            _ => draft.header("Authorization", &format!("Bearer {}", own.api_key)),
        }
    }

    fn accept(&self, dice: &mut Dice, draft: &mut Draft) {
        if !once_in(dice, 4) {
            let format = self.any_format(dice);
            draft.header("Accept", format.media_types()[0].name);
        }
    }
}
