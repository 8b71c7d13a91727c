//! What the parts of a request take, in `criterion`'s statistics: `cargo bench -p foundry-api`.
//!
//! For comparing two versions of a part. What a request takes as a whole, and what binds it, is the
//! matter of `benches/load`.
//!
//! Formats are those of the registry: a new one is measured without a line here. Adding another
//! part: a function, and its name at the end.

use std::hint::black_box;

use actix_web::web::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use foundry_api::auth::jwt::{ISSUER, Jwt, NewClaims};
use foundry_api::clock::Timestamp;
use foundry_api::dto::{AnyDto, Case, Dto};
use foundry_api::format::{Formats, Host};
use foundry_api::http::input::{Entry, Input};
use foundry_api::http::negotiate::{Asked, reply_format};
use foundry_api::operation::{
    GenerateTwoFactorAuthenticationKeyRequest as Request,
    GenerateTwoFactorAuthenticationKeyResponse as Response,
};
use foundry_api::random::{self, Random, SystemSource};
use foundry_api::seal::{Place, Sealer};
use foundry_api::two_factor::{SECRET_LEN, Secret};

const HOST: Host = Host { case: Case::Camel };
const URI: &str = "otpauth://totp/Foundry%20%28Acme%29:alice%40example.com?\
                   secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Foundry%20%28Acme%29";

fn negotiate(criterion: &mut Criterion) {
    let formats = Formats::standard();
    let mut group = criterion.benchmark_group("negotiate");
    for (name, accept) in [
        ("one media type", "application/json"),
        ("the last of them", "text/csv"),
        ("a browser", "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"),
    ] {
        let asked = Asked { accept: Some(accept), ..Asked::default() };
        group.bench_function(name, |bencher| {
            bencher.iter(|| reply_format(&formats, black_box(asked), &|_| true).1);
        });
    }
    group.finish();
}

/// The text of a request in each format that reads one, written by that format itself.
fn read(criterion: &mut Criterion) {
    let formats = Formats::standard();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let request = Request { organisation_id: Some("org1".to_owned()) };
    let mut group = criterion.benchmark_group("read");
    for format in formats.iter().filter(|format| format.reads()) {
        let mut body = Vec::new();
        format.write(&request, HOST, &mut body).expect("it can be written");
        let body = Bytes::from(body);
        let entry = Entry {
            def: Request::DEF,
            predefined: None,
            suffix: None,
            members: Vec::new(),
            query: "",
            content_type: Some(format.media_types()[0].name),
            batch: false,
        };
        group.bench_function(format.name(), |bencher| {
            bencher.iter(|| {
                let input = Input::of(&formats, &entry, body.clone());
                let Ok(input) = runtime.block_on(input) else { panic!("it is not taken") };
                let Ok(request) = input.read::<Request>() else { panic!("it cannot be read") };
                request
            });
        });
    }
    group.finish();
}

fn write(criterion: &mut Criterion) {
    let formats = Formats::standard();
    let response = Response { response_status: None, two_factor_uri: Some(URI.to_owned()) };
    let response: &dyn AnyDto = &response;
    let mut group = criterion.benchmark_group("write");
    for format in formats.iter().filter(|format| format.shows(response)) {
        let mut out = Vec::new();
        group.bench_function(format.name(), |bencher| {
            bencher.iter(|| {
                out.clear();
                format.write(black_box(response), HOST, &mut out).expect("it can be written");
            });
        });
    }
    group.finish();
}

fn key(criterion: &mut Criterion) {
    let sealer = format!("a:{}", data_encoding::BASE64.encode(&[7; 32]));
    let sealer = Sealer::parse(&sealer).expect("a key");
    let secret = Secret::from_bytes([7; SECRET_LEN]);
    let place = Place { organisation: "org1", user: "u1", key: "0123456789abcdef" };
    let random = SystemSource::default();
    let mut group = criterion.benchmark_group("key");
    group.bench_function("random secret and nonce", |bencher| {
        bencher.iter(|| {
            let mut bytes = [0; 32];
            random.fill(&mut bytes).expect("randomness");
            bytes
        });
    });
    group.bench_function("random id", |bencher| bencher.iter(|| random::id(&random).ok()));
    // One nonce for all: nothing of it is kept.
    group.bench_function("seal", |bencher| {
        bencher.iter(|| sealer.seal(black_box(&secret), [7; 12], place));
    });
    group.bench_function("fingerprint", |bencher| {
        bencher.iter(|| sealer.fingerprint(black_box(&secret)));
    });
    group.bench_function("uri", |bencher| {
        bencher.iter(|| secret.uri(black_box("Foundry (Acme)"), "alice@example.com"));
    });
    group.finish();
}

fn jwt(criterion: &mut Criterion) {
    let (jwt, now) = (Jwt::new(Some(&[7; 32])), Timestamp::from_millis(1_795_000_000_000));
    let claims = NewClaims {
        iss: ISSUER,
        sub: "u1",
        iat: now.as_secs(),
        exp: now.as_secs() + 60,
        name: "Alice",
        preferred_username: "alice",
        email: "alice@example.com",
        sid: "0123456789abcdef0123456789abcdef",
        jti: "0123456789abcdef0123456789abcdef",
    };
    let token = jwt.sign(&claims).expect("there is a key");
    let mut group = criterion.benchmark_group("jwt");
    group.bench_function("sign", |bencher| bencher.iter(|| jwt.sign(black_box(&claims))));
    // It looks at the signature each time.
    group.bench_function("check", |bencher| bencher.iter(|| jwt.sign_in_of(black_box(&token))));
    group.bench_function("known", |bencher| {
        bencher.iter(|| jwt.verify(black_box(&token), now).is_ok());
    });
    group.finish();
}

criterion_group!(benches, negotiate, read, write, key, jwt);
criterion_main!(benches);
