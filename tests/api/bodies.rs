//! What a request says of its organisation, wherever it says it: all of it counts, or it is refused.
//! Alice's default is org1; org2 issues as "Second Ltd".

use std::io::Write as _;

use crate::support::{ALICE, GENERATE, NOW, Reply, TestApp};

const FORM: &str = "application/x-www-form-urlencoded";
const BATCH: &str = "/json/reply/GenerateTwoFactorAuthenticationKeyRequest[]";

fn put(app: &TestApp, path: &str, content_type: &str, body: &[u8]) -> Reply {
    let headers = [("Authorization", ALICE), ("Content-Type", content_type)];
    app.send("PUT", path, &headers, body)
}

#[track_caller]
fn assert_refused(reply: Reply, said: &str) {
    let status = &reply.expect(400).json()["responseStatus"];
    assert_eq!(status["errorCode"], "SerializationException");
    assert!(status["message"].as_str().unwrap().contains(said), "no {said:?} in {status}");
}

async fn nothing_is_kept(app: &TestApp) {
    for organisation in ["org1", "org2"] {
        assert!(app.store.keys(organisation, "id-of-alice", NOW).await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_query_fills_each_request_of_a_batch() {
    let app = TestApp::start().await;
    let path = format!("{BATCH}?organisationId=org2");
    for (content_type, body, issuers) in [
        ("application/json", "[{},{\"organisationId\":\"org1\"},{\"organisationId\":null}]", "212"),
        ("application/json", "{}", "2"),
        ("application/json", "{\"organisationId\":\"org1\"}", "1"),
        ("application/json", "", "2"),
        (FORM, "a=b", "2"),
        (FORM, "organisationId=org1", "1"),
    ] {
        let reply = put(&app, &path, content_type, body.as_bytes()).expect(200);
        let issuer = |item: &serde_json::Value| {
            let uri = item["twoFactorUri"].as_str().unwrap();
            if uri.contains("issuer=Second%20Ltd") { '2' } else { '1' }
        };
        let given: String = reply.json().as_array().unwrap().iter().map(issuer).collect();
        assert_eq!(given, issuers, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_field_too_many_is_refused_and_none_is_passed_over() {
    let app = TestApp::start().await;
    let fields = |count: usize| {
        let mut fields: String = (1..count).map(|number| format!("x{number}=&")).collect();
        fields.push_str("organisationId=org2");
        fields
    };
    let (most, more) = (fields(256), fields(257));
    let predefined = BATCH.trim_end_matches("[]");
    for path in [GENERATE, predefined, BATCH] {
        let in_query = format!("{path}?{most}");
        assert!(put(&app, &in_query, FORM, b"").expect(200).uri().contains("issuer=Second"));
        let reply = put(&app, path, FORM, most.as_bytes()).expect(200);
        assert!(reply.uri().contains("issuer=Second"), "{path}");
    }
    let app = TestApp::start().await;
    for path in [GENERATE, predefined, BATCH] {
        assert_refused(put(&app, path, FORM, more.as_bytes()), "more than 256 fields");
        let in_query = format!("{path}?{more}");
        for (content_type, body) in [(FORM, ""), ("application/json", "{}"), (FORM, "a=b")] {
            let reply = put(&app, &in_query, content_type, body.as_bytes());
            assert_refused(reply, "more than 256 fields");
        }
    }
    // The format is found behind them all the same.
    let reply = put(&app, &format!("{GENERATE}?{more}&format=xml"), FORM, b"").expect(400);
    assert_eq!(reply.header("Content-Type"), Some("application/xml"));
    nothing_is_kept(&app).await;
    let reply = app.send("GET", &format!("/types/csharp?{more}"), &[], b"").expect(400);
    assert_eq!(reply.text(), "more than 256 fields");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_byte_order_mark_before_a_body_is_no_part_of_it() {
    let app = TestApp::start().await;
    let part =
        "--X\r\nContent-Disposition: form-data; name=\"organisationId\"\r\n\r\norg2\r\n--X--";
    for (content_type, body) in [
        (FORM, "organisationId=org2"),
        ("multipart/form-data; boundary=X", part),
        ("application/json", "{\"organisationId\":\"org2\"}"),
        ("text/jsv", "{organisationId:org2}"),
    ] {
        let body = [b"\xEF\xBB\xBF", body.as_bytes()].concat();
        let reply = put(&app, GENERATE, content_type, &body).expect(200);
        assert!(reply.uri().contains("issuer=Second"), "{content_type}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_compressed_body_is_read_to_its_end() {
    let app = TestApp::start().await;
    let send = |coding, body: &[u8]| {
        let headers = [
            ("Authorization", ALICE),
            ("Content-Type", "application/json"),
            ("Content-Encoding", coding),
        ];
        app.send("PUT", GENERATE, &headers, body)
    };
    let zstd = |text: &[u8]| {
        let level = ruzstd::encoding::CompressionLevel::Fastest;
        ruzstd::encoding::compress_to_vec(text, level)
    };
    let zlib = |text: &[u8]| {
        let level = flate2::Compression::best();
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), level);
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    };
    let said = "is not what its Content-Encoding says";
    for (coding, empty) in [("zstd", zstd(b"{}")), ("deflate", zlib(b"{}"))] {
        assert_refused(send(coding, &[&empty, &b"more"[..]].concat()), said);
    }
    assert_refused(send("deflate", &[zlib(b"{}"), zlib(b"{}")].concat()), said);
    nothing_is_kept(&app).await;
    let two = [zstd(b"{\"organisationId\":"), zstd(b"\"org2\"}")].concat();
    assert!(send("zstd", &two).expect(200).uri().contains("issuer=Second"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_parameter_that_is_not_ascii_hides_no_media_type() {
    let app = TestApp::start().await;
    let body = "{\"organisationId\":\"org2\"}";
    for parameter in [&b"x=\"\xC3\xBC\""[..], b"x=\"\xFC\""] {
        let head = format!(
            "PUT {GENERATE} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: {ALICE}\r\n\
             Content-Length: {}\r\n",
            body.len()
        );
        let request = [
            head.as_bytes(),
            b"Content-Type: application/json; ",
            parameter,
            b"\r\nAccept: text/xml; ",
            parameter,
            b"\r\nAccept: text/csv;q=0.5\r\n\r\n",
            body.as_bytes(),
        ];
        let reply = app.raw(&request.concat()).expect(200);
        assert_eq!(reply.header("Content-Type"), Some("text/xml"));
        assert!(reply.uri().contains("issuer=Second"), "{reply:?}");
    }
    // Nor does it hide a coding that is none.
    let headers = [("Content-Encoding", "gzi\u{fc}"), ("Content-Type", "application/json")];
    app.generate(&headers, "{}").expect(415);
}
