//! The key request by every way to name a format.

use foundry_api::format::Formats;

use crate::support::{ALICE, GENERATE, Reply, TestApp};

const PREDEFINED: &str = "GenerateTwoFactorAuthenticationKeyRequest";

/// The ways to name a format: path, header lines.
fn ways(name: &str, media_type: &'static str) -> Vec<(String, Vec<(&'static str, &'static str)>)> {
    vec![
        (GENERATE.to_owned(), vec![("Accept", media_type)]),
        (format!("{GENERATE}.{name}"), vec![("Accept", "text/csv;q=0.1")]),
        (format!("{GENERATE}?format={}", name.to_uppercase()), vec![]),
        (GENERATE.to_owned(), vec![("Accept", "*/*"), ("Content-Type", media_type)]),
        (format!("/{name}/reply/{PREDEFINED}"), vec![]),
        (format!("/api/{PREDEFINED}.{name}"), vec![]),
    ]
}

async fn each_way_gets_a_key_in_its_format(store: std::sync::Arc<dyn foundry_api::store::Store>) {
    let app = TestApp::on(store).await;
    for format in Formats::standard().iter() {
        for (path, mut headers) in ways(format.name(), format.media_types()[0].name) {
            headers.push(("Authorization", ALICE));
            let reply = app.send("PUT", &path, &headers, b"").expect(200);
            assert_eq!(reply.header("Content-Type"), Some(format.label()), "{path} {headers:?}");
            assert_eq!(reply.header("Cache-Control"), Some("no-store"), "{path}");
            assert_eq!(reply.header("Vary"), Some("Accept"), "{path}");
            assert!(shows_a_key(&reply, format.name()), "{path}: {reply:?}");
        }
    }
}

/// Whether a reply in that format shows a key, as text or as a picture.
fn shows_a_key(reply: &Reply, format: &str) -> bool {
    match format {
        "png" => reply.bytes.starts_with(b"\x89PNG\r\n\x1A\n"),
        "svg" => reply.text().starts_with("<svg ") && reply.text().contains("M4 4h7v1h-7z"),
        "html" => reply.text().contains("<svg ") && reply.uri().starts_with("otpauth://totp/"),
        _ => reply.uri().starts_with("otpauth://totp/"),
    }
}

crate::on_each_store! { each_way_gets_a_key_in_its_format }

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn paths_match_without_case_and_slashes_do_not_count() {
    let app = TestApp::start().await;
    for path in
        ["/Users/2FA/Generate-Key/", "//users/2fa//generate-key", "/users/2fa/%67enerate-key"]
    {
        app.send("PUT", path, &[("Authorization", ALICE)], b"").expect(200).uri();
    }
    for path in ["/users/2fa", "/users/2fa/generate-key/x", "/users/2fa/generate-key.yaml", "/nope"]
    {
        let reply = app.send("PUT", path, &[("Authorization", ALICE)], b"").expect(404);
        assert_eq!(reply.text(), "404", "{path}");
        assert_eq!(reply.header("Content-Type"), Some("text/plain; charset=utf-8"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn paths_of_documents_match_likewise() {
    let app = TestApp::start().await;
    for path in
        ["/health/live", "/HEALTH/live", "/health/live/", "//health//Ready", "/Metadata/", "/Enrol"]
    {
        app.send("GET", path, &[], b"").expect(200);
        app.send("PUT", path, &[], b"").expect(404);
    }
    assert_eq!(app.send("GET", "//", &[], b"").expect(302).header("Location"), Some("/metadata"));
    for path in ["/health", "/health/live/x", "/health/live.json"] {
        app.send("GET", path, &[], b"").expect(404);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_unknown_operation_is_told_in_the_format_that_is_asked_for() {
    let app = TestApp::start().await;
    for (path, label, name) in [
        ("/json/reply/Nope", "application/json; charset=utf-8", "Nope"),
        ("/json/reply/Nope?format=xml", "application/xml", "Nope"),
        ("/xml/reply/Nope?format=jsv", "text/jsv", "Nope"),
        ("/xml/reply/Nope?format=yaml", "application/xml", "Nope"),
        ("/xml/reply?format=csv", "text/csv", "reply"),
        ("/json/reply/Nope.xml", "application/json; charset=utf-8", "Nope.xml"),
        ("/api/Nope?format=csv", "text/csv", "Nope"),
        ("/api/Nope.xml", "application/xml", "Nope"),
        ("/api/Nope.jsv?format=xml", "text/jsv", "Nope"),
        ("/api/Nope.png", "application/json; charset=utf-8", "Nope"),
        ("/api/Nope.yaml", "application/json; charset=utf-8", "Nope.yaml"),
        ("/api/a/Nope.xml", "application/xml", "Nope"),
        ("/api/Nope/", "application/json; charset=utf-8", "Nope/"),
    ] {
        let accept = ("Accept", "text/html");
        let reply = app.send("PUT", path, &[accept], b"").expect(405);
        assert_eq!(reply.header("Content-Type"), Some(label), "{path}");
        let message = format!("The operation '{name}' does not exist for this service");
        assert!(reply.text().contains(&message), "{path}: {}", reply.text());
    }
    let path = "/json/reply/Nope?callback=f";
    let reply = app.send("PUT", path, &[("Authorization", ALICE)], b"").expect(405);
    assert!(reply.text().starts_with("f({\"responseStatus\":"), "{}", reply.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_the_path_names_is_not_called_otherwise_for_an_accept() {
    let app = TestApp::start().await;
    let (api, xml) = (format!("/api/{PREDEFINED}"), format!("/xml/reply/{PREDEFINED}"));
    let (suffixed, named) = (format!("{GENERATE}.json"), format!("{GENERATE}?format=json"));
    for (path, accept, label) in [
        (&api, "text/html, text/*;q=0.5", "application/json; charset=utf-8"),
        (&api, "text/json", "application/json; charset=utf-8"),
        (&suffixed, "text/*", "application/json; charset=utf-8"),
        (&named, "text/*", "application/json; charset=utf-8"),
        (&xml, "text/*", "application/xml"),
        // The clients of XML and JSV look for the name that they asked for.
        (&xml, "text/xml", "text/xml"),
    ] {
        let headers = [("Authorization", ALICE), ("Accept", accept)];
        let reply = app.send("PUT", path, &headers, b"").expect(200);
        assert_eq!(reply.header("Content-Type"), Some(label), "{path} {accept}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_refusal_has_no_picture_and_is_told_in_the_next_format() {
    let app = TestApp::start().await;
    let foreign = b"{\"organisationId\":\"foreign\"}";
    for (path, accept, label) in [
        (GENERATE.to_owned(), "image/png", "application/json; charset=utf-8"),
        (GENERATE.to_owned(), "image/png, application/xml;q=0.1", "application/xml"),
        (GENERATE.to_owned(), "image/*, text/html;q=0.5", "text/html; charset=utf-8"),
        (format!("{GENERATE}.svg"), "text/csv", "text/csv"),
        (format!("{GENERATE}?format=png"), "", "application/json; charset=utf-8"),
        (format!("/png/reply/{PREDEFINED}"), "", "application/json; charset=utf-8"),
    ] {
        let headers =
            [("Authorization", ALICE), ("Accept", accept), ("Content-Type", "application/json")];
        let reply = app.send("PUT", &path, &headers, foreign).expect(403);
        assert_eq!(reply.header("Content-Type"), Some(label), "{path} {accept}");
        assert!(reply.text().contains("You are not a member"), "{path} {accept}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_callback_counts_only_beside_an_authorization_header() {
    let app = TestApp::start().await;
    let path = format!("{GENERATE}?callback=a.b(1);c");
    let reply = app.send("PUT", &path, &[("Authorization", ALICE)], b"").expect(200);
    assert_eq!(reply.header("Content-Type"), Some("text/javascript"));
    assert!(reply.text().starts_with("a_b_1__c({\"twoFactorUri\":\"otpauth://"));
    assert!(reply.text().ends_with("\"})"), "{}", reply.text());

    let login = b"userName=alice&password=p%40ss%3Aw0rd";
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let signed_in = app.send("POST", "/auth/credentials", &[form], login).expect(200);
    let cookie = signed_in.header("Set-Cookie").unwrap().split(';').next().unwrap();
    let reply = app.send("PUT", &path, &[("Cookie", cookie)], b"").expect(200);
    assert_eq!(reply.header("Content-Type"), Some("application/json; charset=utf-8"));
    assert!(reply.text().starts_with("{\"twoFactorUri\":"), "{}", reply.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_kind_of_body_says_which_organisation() {
    let app = TestApp::start().await;
    let multipart = "--X\r\nContent-Disposition: form-data; name=\"organisationId\"\r\n\r\norg2\
                     \r\n--X\r\nContent-Disposition: form-data; name=\"organisationId\"; \
                     filename=\"a\"\r\n\r\norg1\r\n--X--\r\n";
    let csv = format!("/csv/reply/{PREDEFINED}");
    let api = format!("/api/{PREDEFINED}.jsv");
    let filled = format!("/json/reply/{PREDEFINED}?organisationId=org2");
    for (path, content_type, body) in [
        (GENERATE, "application/x-jsv", "{organisationId:org2}"),
        (GENERATE, "application/x-www-form-urlencoded", "ORGANISATIONID=org2"),
        (GENERATE, "multipart/form-data; boundary=X", multipart),
        (&csv, "application/json", "{\"organisationId\":\"org2\"}"),
        (&api, "text/jsv", "{organisationId:org2}"),
        (&api, "application/json", "{\"organisationId\":\"org2\"}"),
        (&filled, "application/json", "{}"),
    ] {
        let headers = [("Authorization", ALICE), ("Content-Type", content_type)];
        let reply = app.send("PUT", path, &headers, body.as_bytes()).expect(200);
        assert!(reply.uri().contains("issuer=Second"), "{path} {content_type}: {reply:?}");
    }
    for (content_type, status) in [("multipart/form-data", 400), ("text/csv", 415)] {
        let headers = [("Authorization", ALICE), ("Content-Type", content_type)];
        app.send("PUT", GENERATE, &headers, multipart.as_bytes()).expect(status);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn compressed_bodies_are_read_and_never_grow_over_the_limit() {
    use std::io::Write as _;
    let app = TestApp::start().await;
    let gzip = |body: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    };
    let put = |coding, body: &[u8]| {
        let headers = [
            ("Authorization", ALICE),
            ("Content-Type", "application/json"),
            ("Content-Encoding", coding),
        ];
        app.send("PUT", GENERATE, &headers, body)
    };
    let body = b"{\"organisationId\":\"org2\"}";
    assert!(put("gzip", &gzip(body)).expect(200).uri().contains("issuer=Second"));
    let broken = put("gzip", body).expect(400);
    assert_eq!(broken.json()["responseStatus"]["errorCode"], "SerializationException");
    put("compress", body).expect(415);
    put("gzip", &gzip(&vec![b' '; 10_000_000])).expect(413);
}
