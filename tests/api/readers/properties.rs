//! What holds of each reader, whatever it is given. `tests/fuzz` tries these without end, the tests
//! beside this file for a bounded time. To add one: a method of [`Readers`], a folder of seeds in
//! `tests/fuzz/seeds`, a target in `tests/fuzz`, a line in the tests.

use std::cell::OnceCell;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use actix_web::test::TestRequest;
use actix_web::web::Bytes;
use data_encoding::BASE64URL_NOPAD;
use foundry_api::app::App;
use foundry_api::auth::jwt::Jwt;
use foundry_api::dto::{AnyDto, Dto};
use foundry_api::error::Error;
use foundry_api::format::{Format, Formats, Host};
use foundry_api::http::Exchange;
use foundry_api::http::input::{Entry, Input, query_value};
use foundry_api::http::negotiate::{Asked, reply_format};
use foundry_api::operation::{
    Authenticate, GenerateTwoFactorAuthenticationKeyRequest,
    GenerateTwoFactorAuthenticationKeyResponse, VerifyTwoFactorAuthenticationCodeRequest,
};
use foundry_api::two_factor::{Secret, label};
use ring::hmac;

use crate::support::{NOW, TestApp, memory, populate};

/// The readers, and a service for those that need one.
pub struct Readers {
    runtime: tokio::runtime::Runtime,
    formats: Formats,
    jwt: Jwt,
    service: OnceCell<TestApp>,
}

/// The most requests of a batch.
const BATCH: usize = 100;

impl Readers {
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let jwt = Jwt::new(Some(&[7; 32]));
        Self { runtime, formats: Formats::standard(), jwt, service: OnceCell::new() }
    }

    pub fn json(&self, bytes: &[u8]) {
        self.documents("application/json", bytes);
    }

    pub fn jsv(&self, bytes: &[u8]) {
        self.documents("text/jsv", bytes);
    }

    pub fn xml(&self, bytes: &[u8]) {
        self.documents("application/xml", bytes);
    }

    pub fn form(&self, bytes: &[u8]) {
        self.fields("application/x-www-form-urlencoded", "", bytes);
    }

    /// The `Content-Type` in the first line, then the body.
    pub fn multipart(&self, bytes: &[u8]) {
        let (content_type, body) = halves(bytes);
        self.fields(&content_type, "", body);
    }

    pub fn query(&self, bytes: &[u8]) {
        let query = String::from_utf8_lossy(bytes);
        self.fields("", &query, b"");
        let format = query_value(&query, "format");
        assert_eq!(format, query_value(&query, "FORMAT"));
    }

    /// `Accept` in the first line, then the `Content-Type`.
    pub fn accept(&self, bytes: &[u8]) {
        let (accept, content_type) = halves(bytes);
        let content_type = String::from_utf8_lossy(content_type);
        for shown in [true, false] {
            let asked = Asked {
                accept: Some(&accept),
                content_type: Some(&content_type),
                ..Asked::default()
            };
            let shows = |format: &dyn Format| shown || format.is_data();
            let (format, label) = reply_format(&self.formats, asked, &shows);
            assert!(shows(format), "{} was passed over", format.name());
            let known = format.media_types().iter().any(|known| known.label == label);
            assert!(known || label == format.label(), "{label} is no label of {}", format.name());
        }
    }

    pub fn cookie(&self, bytes: &[u8]) {
        self.credentials("Cookie", bytes);
    }

    pub fn authorization(&self, bytes: &[u8]) {
        self.credentials("Authorization", bytes);
    }

    /// The header of a token in the first line, then its claims; and the whole as a token.
    pub fn jwt(&self, bytes: &[u8]) {
        let jwt = &self.jwt;
        let text = String::from_utf8_lossy(bytes);
        assert!(jwt.verify(&text, NOW).is_err(), "nobody signed {text}");
        let (header, claims) = halves(bytes);
        let part = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
        let message = format!("{}.{}", part(header.as_bytes()), part(claims));
        let sign = |key: &[u8]| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, key);
            let tag = hmac::sign(&key, message.as_bytes());
            format!("{message}.{}", part(tag.as_ref()))
        };
        assert!(jwt.verify(&sign(&[8; 32]), NOW).is_err(), "another key signed {message}");
        assert!(jwt.verify(&format!("{message}."), NOW).is_err(), "nobody signed {message}");
        if jwt.verify(&sign(&[7; 32]), NOW).is_ok() {
            // Members may be written twice, so that only what no reading allows is looked for.
            assert!(header.contains("HS256"), "{header}");
            let claims = String::from_utf8_lossy(claims);
            assert!(claims.contains("exp") || claims.contains('\\'), "{claims}");
        }
    }

    /// Issuer, account, and a text that pretends to be a URI, one a line.
    pub fn otpauth(&self, bytes: &[u8]) {
        let (issuer, rest) = halves(bytes);
        let (account, claimed) = halves(rest);
        let secret = Secret::from_bytes(*b"12345678901234567890");
        if label(&issuer).is_ok() && label(&account).is_ok() {
            let uri = secret.uri(&issuer, &account).expect("a URI of two labels");
            let rest = uri.strip_prefix("otpauth://totp/").expect("an otpauth URI");
            let (path, query) = rest.split_once('?').unwrap();
            let (first, second) = path.split_once(':').unwrap();
            assert_eq!(percent_decoded(first), issuer);
            assert_eq!(percent_decoded(second), account);
            let (secret, named) = query.split_once("&issuer=").unwrap();
            assert_eq!(secret, "secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
            assert_eq!(percent_decoded(named), issuer);
            self.shown(&uri);
        }
        self.shown(&String::from_utf8_lossy(claimed));
    }

    /// A body whose coding the first byte names.
    pub fn encoding(&self, bytes: &[u8]) {
        let Some((first, body)) = bytes.split_first() else { return };
        let codings = ["gzip", "deflate", "br", "zstd", "gzip, br", "x-gzip,deflate", "zstd,zstd"];
        let coding = codings[usize::from(*first) % codings.len()];
        let headers = [("Content-Encoding", coding), ("Content-Type", "application/json")];
        let reply = self.service().send("PUT", crate::support::GENERATE, &headers, body);
        // Nobody is signed in, so whatever can be read ends there.
        assert!([400, 401, 413].contains(&reply.status), "{coding}: {reply:?}");
        assert!(reply.bytes.len() < 4096, "{coding}: {} bytes", reply.bytes.len());
    }

    /// A whole request, as bytes on a connection of its own.
    pub fn request(&self, bytes: &[u8]) {
        let mut stream = TcpStream::connect(self.service().address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        // The service may have seen enough before the end.
        let _sent = stream.write_all(bytes).and_then(|()| stream.shutdown(Shutdown::Write));
        let mut reply = Vec::new();
        if let Err(error) = stream.read_to_end(&mut reply) {
            let kind = error.kind();
            assert_eq!(kind, std::io::ErrorKind::ConnectionReset, "no end after {bytes:?}");
        }
        if reply.is_empty() {
            return;
        }
        let status = reply.strip_prefix(b"HTTP/1.1 ").or_else(|| reply.strip_prefix(b"HTTP/1.0 "));
        let status = status.unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&reply)));
        assert!(matches!(status[0], b'1'..=b'4'), "{}", String::from_utf8_lossy(&reply));
    }

    fn service(&self) -> &TestApp {
        self.service.get_or_init(|| {
            self.runtime.block_on(async {
                let store = memory().await;
                populate(&*store).await;
                TestApp::with(store, &[("FOUNDRY_KEY_RATE", "0")], |app| app)
            })
        })
    }

    fn app(&self) -> &App {
        &self.service().app
    }

    /// Credentials are accepted or refused, and a guess is no user.
    fn credentials(&self, header: &str, bytes: &[u8]) {
        let Ok(value) = actix_web::http::header::HeaderValue::from_bytes(bytes) else { return };
        let app = self.app();
        let request = TestRequest::default()
            .insert_header((header, value))
            .peer_addr(([192, 0, 2, 1], 1).into())
            .to_http_request();
        let exchange =
            Exchange::begin(app, &request).unwrap_or_else(|error| panic!("{}", told(&error)));
        match self.runtime.block_on(exchange.identify()) {
            Ok(None) => {}
            Ok(Some(caller)) => {
                // The one secret that can be guessed: it is among the seeds.
                assert_eq!((caller.provider, &*caller.user.name), ("basic", "alice"));
            }
            Err(error) => assert!(matches!(error.status().as_u16(), 401 | 429), "{}", told(&error)),
        }
    }

    fn documents(&self, content_type: &str, bytes: &[u8]) {
        self.document::<Authenticate>(content_type, bytes);
        self.document::<VerifyTwoFactorAuthenticationCodeRequest>(content_type, bytes);
        self.document::<GenerateTwoFactorAuthenticationKeyRequest>(content_type, bytes);
    }

    /// A document is read or refused with a place in it, and means the same however it is spelled.
    fn document<T: Dto>(&self, content_type: &str, bytes: &[u8]) {
        let bytes = Bytes::copy_from_slice(bytes);
        match self.read::<T>(content_type, "", bytes.clone()) {
            Ok(value) => self.assert_spelled(&value),
            Err(error) => assert_placed(&error, &bytes),
        }
        let entry = Entry { batch: true, ..entry::<T>(content_type, "") };
        let input = self.runtime.block_on(Input::of(&self.formats, &entry, bytes.clone()));
        match input.and_then(|input| input.read_batch::<T>(BATCH)) {
            Ok(values) => assert!(values.len() <= BATCH),
            Err(error) => assert!(matches!(error.status().as_u16(), 400), "{}", told(&error)),
        }
    }

    /// Fields are read or refused, and in no other way.
    fn fields(&self, content_type: &str, query: &str, body: &[u8]) {
        let body = Bytes::copy_from_slice(body);
        for outcome in [
            self.read::<Authenticate>(content_type, query, body.clone()).map(drop),
            self.read::<GenerateTwoFactorAuthenticationKeyRequest>(content_type, query, body)
                .map(|value| self.assert_spelled(&value)),
        ] {
            if let Err(error) = outcome {
                assert!(matches!(error.status().as_u16(), 400 | 415), "{}", told(&error));
            }
        }
    }

    fn read<T: Dto>(&self, content_type: &str, query: &str, body: Bytes) -> Result<T, Error> {
        let entry = entry::<T>(content_type, query);
        self.runtime.block_on(Input::of(&self.formats, &entry, body))?.read::<T>()
    }

    /// What a reader made of a document is what the same reader and the others make of it when it
    /// is written out.
    #[track_caller]
    fn assert_spelled<T: Dto>(&self, value: &T) {
        let json = self.written("json", value);
        // XML has no way to write most control characters, and reads each line end as a line feed.
        let is_xml = ["\\u00", "\\b", "\\f", "\\r", "\u{FFFE}", "\u{FFFF}"];
        let is_xml = !is_xml.iter().any(|odd| json.contains(odd));
        let reads = |format: &&dyn Format| format.reads() && (is_xml || format.name() != "xml");
        for format in self.formats.iter().filter(reads) {
            let text = self.written(format.name(), value);
            let content_type = format.media_types()[0].name;
            let again = self
                .read::<T>(content_type, "", Bytes::copy_from_slice(text.as_bytes()))
                .unwrap_or_else(|error| panic!("{}: {text:?}", told(&error)));
            assert_eq!(self.written("json", &again), json, "as {text:?}");
        }
    }

    #[track_caller]
    fn written(&self, format: &str, value: &dyn AnyDto) -> String {
        let mut out = Vec::new();
        let format = self.formats.named(format).unwrap();
        format.write(value, Host::default(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// A response that holds this text is shown in every format, and nothing of it becomes markup.
    fn shown(&self, text: &str) {
        let response = GenerateTwoFactorAuthenticationKeyResponse {
            two_factor_uri: Some(text.to_owned()),
            response_status: None,
        };
        for format in self.formats.iter().filter(|format| format.shows(&response)) {
            let mut out = Vec::new();
            format.write(&response, Host::default(), &mut out).unwrap();
            if format.name() == "html" && text.contains('<') && text.contains('>') {
                assert!(!String::from_utf8_lossy(&out).contains(text), "{text:?} as it is");
            }
        }
        let json: serde_json::Value =
            serde_json::from_str(&self.written("json", &response)).unwrap();
        assert_eq!(json["twoFactorUri"], text);
    }
}

fn told(error: &Error) -> String {
    let message = error.response_status("").message.unwrap_or_default();
    format!("{} {}: {message}", error.status(), error.code())
}

fn entry<'a, T: Dto>(content_type: &'a str, query: &'a str) -> Entry<'a> {
    Entry {
        def: T::DEF,
        predefined: None,
        suffix: None,
        members: Vec::new(),
        query,
        content_type: Some(content_type).filter(|name| !name.is_empty()),
        batch: false,
    }
}

/// The first line as text, and the rest.
fn halves(bytes: &[u8]) -> (String, &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let rest = bytes.get(end + 1..).unwrap_or_default();
    (String::from_utf8_lossy(&bytes[..end]).into_owned(), rest)
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        rest = more;
        if *first == b'%' {
            let (digits, more) = rest.split_at(2);
            rest = more;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap());
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// A refusal names a line and a column that are in the document.
#[track_caller]
fn assert_placed(error: &Error, bytes: &[u8]) {
    assert_eq!(error.status().as_u16(), 400);
    let status = error.response_status("");
    let message = status.message.unwrap_or_default();
    let place = message.rsplit_once(" at line ").map(|(_, place)| place);
    let place = place.unwrap_or_else(|| panic!("no place in {message:?}"));
    let (line, column) = place.split_once(" column ").unwrap();
    // What is no UTF-8 is read as U+FFFD.
    let text = String::from_utf8_lossy(bytes);
    let lines = text.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let (line, column): (usize, usize) = (line.parse().unwrap(), column.parse().unwrap());
    assert!((1..=lines).contains(&line), "line {line} of {lines}: {message}");
    // The end of a line counts as a place in it.
    let columns = text.split('\n').nth(line - 1).unwrap_or_default().chars().count() + 1;
    assert!((1..=columns).contains(&column), "column {column} of {columns}: {message}");
}
