//! Bad input, in every format: status, code, place; and nothing kept of it.

use foundry_api::format::{Format, Formats};

use crate::support::{ALICE, BOB, GENERATE, NOW, TestApp};

type Refusal<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, u16, &'a str, &'a [&'a str]);

/// Who asks, the header lines and the body; status, reason phrase, and what the body must say.
const REFUSALS: &[Refusal] = &[
    (
        "",
        &[("Content-Type", "application/json")],
        "{}",
        401,
        "Unauthorized",
        &["Not Authenticated"],
    ),
    (
        "Basic YWxpY2U6d3Jvbmc=",
        &[],
        "",
        401,
        "Invalid Username or Password",
        &["Unauthorized", "Invalid Username or Password"],
    ),
    (
        "Basic bm9ib2R5Ondyb25n",
        &[],
        "",
        401,
        "Invalid Username or Password",
        &["Unauthorized", "Invalid Username or Password"],
    ),
    ("Basic %%%", &[], "", 401, "Unauthorized", &["Not Authenticated"]),
    (
        ALICE,
        &[("Content-Type", "application/json")],
        "{\"organisationId\":\n\"x\"",
        400,
        "Bad Request",
        &["SerializationException", "line 2 column 3"],
    ),
    (
        ALICE,
        &[("Content-Type", "text/jsv")],
        "{organisationId:\"x}",
        400,
        "Bad Request",
        &["SerializationException", "line 1 column "],
    ),
    (
        ALICE,
        &[("Content-Type", "application/xml")],
        "<a>\n<b>",
        400,
        "Bad Request",
        &["SerializationException", "line 2 column "],
    ),
    (
        "",
        &[("Content-Type", "application/json")],
        "[",
        400,
        "Bad Request",
        &["SerializationException"],
    ),
    (
        ALICE,
        &[("Content-Type", "application/json")],
        "{\"organisationId\":\"foreign\"}",
        403,
        "Forbidden",
        &["You are not a member of this organisation.", "OrganisationId"],
    ),
    (
        ALICE,
        &[("Content-Type", "application/json")],
        "{\"organisationId\":\"unknown\"}",
        403,
        "Forbidden",
        &["You are not a member of this organisation.", "OrganisationId"],
    ),
    (BOB, &[], "", 400, "ValidationException", &["ValidationException", "OrganisationId"]),
    (
        ALICE,
        &[("Content-Type", "application/json")],
        "{\"organisationId\":\"a\\u0007\"}",
        400,
        "ValidationException",
        &["control character", "OrganisationId"],
    ),
    (
        ALICE,
        &[("Content-Type", "text/plain")],
        "org1",
        415,
        "Unsupported Media Type",
        &["UnsupportedMediaType", "application/json", "text/jsv", "application/xml"],
    ),
    (ALICE, &[], "org1", 415, "Unsupported Media Type", &["UnsupportedMediaType"]),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_refusal_is_written_in_every_format_and_nothing_is_kept() {
    let app = TestApp::start().await;
    let formats = Formats::standard();
    let long = format!("{{\"organisationId\":\"{}\"}}", "x".repeat(65));
    let large = format!("{{\"organisationId\":\"{}\"}}", "x".repeat(70_000));
    let json: &[(&str, &str)] = &[("Content-Type", "application/json")];
    let more: [Refusal; 2] = [
        (ALICE, json, &long, 400, "ValidationException", &["64 characters", "OrganisationId"]),
        (ALICE, json, &large, 413, "Payload Too Large", &["RequestTooLarge", "65536"]),
    ];
    for (caller, headers, body, status, reason, said) in REFUSALS.iter().chain(&more) {
        for format in formats.iter() {
            let mut all = vec![("Accept", format.media_types()[0].name)];
            if !caller.is_empty() {
                all.push(("Authorization", caller));
            }
            all.extend_from_slice(headers);
            let reply = app.send("PUT", GENERATE, &all, body.as_bytes()).expect(*status);
            let shown: String = body.chars().take(40).collect();
            assert_eq!(reply.reason, *reason, "{shown}");
            // There is no picture of a refusal: it is told in the body's own format, or in JSON.
            let content_type = headers.iter().find(|(name, _)| *name == "Content-Type");
            let own = content_type.and_then(|(_, value)| formats.of_media_type(value));
            let told = if ["svg", "png"].contains(&format.name()) {
                own.unwrap_or(formats.default())
            } else {
                format
            };
            assert_eq!(reply.header("Content-Type"), Some(told.label()), "{shown}");
            for part in *said {
                assert!(reply.text().contains(part), "no {part:?} in {}", reply.text());
            }
            let challenge = reply.header("Www-Authenticate");
            let nobody = *status == 401 && *reason == "Unauthorized";
            let expected = nobody.then_some("credentials realm=\"/auth/credentials\"");
            assert_eq!(challenge, expected, "{shown}");
        }
    }
    for (organisation, user) in
        [("org1", "id-of-alice"), ("foreign", "id-of-alice"), ("org2", "id-of-bob")]
    {
        assert!(app.store.keys(organisation, user, NOW).await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_foreign_and_an_unknown_organisation_are_told_apart_by_nobody() {
    let app = TestApp::start().await;
    let ask = |id: &str| {
        let body = format!("{{\"organisationId\":\"{id}\"}}");
        let json = ("Content-Type", "application/json");
        app.generate(&[json, ("X-Request-Id", "same")], &body).expect(403)
    };
    let (foreign, unknown) = (ask("foreign"), ask("unknown"));
    let mut heads = [foreign.headers, unknown.headers];
    for head in &mut heads {
        head.sort();
        head.retain(|(name, _)| name != "Date");
    }
    assert_eq!(foreign.bytes, unknown.bytes);
    assert_eq!(heads[0], heads[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn verbs_that_are_not_there_are_404_on_the_route_and_405_on_predefined_ones() {
    let app = TestApp::start().await;
    for verb in ["GET", "POST", "DELETE", "PATCH", "OPTIONS"] {
        app.send(verb, GENERATE, &[("Authorization", ALICE)], b"").expect(404);
        let path = "/json/reply/GenerateTwoFactorAuthenticationKeyRequest";
        let reply = app.send(verb, path, &[("Authorization", ALICE)], b"").expect(405);
        let status = &reply.json()["responseStatus"];
        assert_eq!(status["errorCode"], "NotImplementedException", "{verb}");
        app.send(verb, path, &[], b"").expect(401);
    }
    let put = ("X-Http-Method-Override", "put");
    app.send("POST", GENERATE, &[("Authorization", ALICE), put], b"").expect(200).uri();
    app.send("GET", GENERATE, &[("Authorization", ALICE), put], b"").expect(404);
    let reply = app.send("PUT", "/json/reply/Nope", &[], b"").expect(405);
    let message = "The operation 'Nope' does not exist for this service";
    assert_eq!(reply.json()["responseStatus"]["message"], message);
}

/// A member that does not fit, behind text of more bytes than characters: the body, and the column of the
/// value, which in XML is that of its element.
const UNFIT: &[(&str, &str, usize)] = &[
    ("json", "{\"userName\":\"é€😀\",\n\"rememberMe\":\"maybe\",\"é\":1}", 14),
    ("jsv", "{userName:é€😀,\nrememberMe:maybe}", 12),
    (
        "xml",
        "<Authenticate xmlns=\"http://schemas.servicestack.net/types\"><UserName>é</UserName>\n\
         <Nope>é€😀</Nope><RememberMe>maybe</RememberMe></Authenticate>",
        17,
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_value_that_does_not_fit_is_placed_once_and_in_characters() {
    let app = TestApp::start().await;
    let formats = Formats::standard();
    let readers: Vec<&str> =
        formats.iter().filter(|format| format.reads()).map(Format::name).collect();
    assert_eq!(readers, UNFIT.iter().map(|(name, ..)| *name).collect::<Vec<_>>());
    for (name, body, column) in UNFIT {
        let media_type = formats.named(name).unwrap().media_types()[0].name;
        let headers = [("Content-Type", media_type), ("Accept", "application/json")];
        let reply = app.send("POST", "/auth", &headers, body.as_bytes()).expect(400);
        let message = reply.json()["responseStatus"]["message"].as_str().unwrap().to_owned();
        let (_, said) = message.split_once("Error: ").unwrap();
        assert_eq!(said, format!("invalid bool `maybe` at line 2 column {column}"), "{name}");
    }
}
