//! What a request says of its organisation, wherever it says it: all of it counts, or it is refused.
//! Alice's default is org1; org2 issues as "Second Ltd".

use std::io::Write as _;

use crate::support::{ALICE, GENERATE, NOW, Reply, TestApp};

const FORM: &str = "application/x-www-form-urlencoded";
const XML: &str = "application/xml";
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

const REQUEST: &str = "GenerateTwoFactorAuthenticationKeyRequest";

/// A document of the request's namespace: what stands before the root, what follows its name in its
/// tag, what is in it, and what follows it.
fn rooted(root: &str, [before, tag, within, after]: [&str; 4]) -> String {
    const NAMESPACE: &str = "http://schemas.datacontract.org/2004/07/Infrastructure.Api.Interfaces.\
                             ServiceOperations.UserAccounts";
    format!("{before}<{root} xmlns=\"{NAMESPACE}\"{tag}>\n{within}\n</{root}>{after}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn xml_that_is_well_formed_and_says_an_organisation_is_read_however_it_is_written() {
    const ORG2: &str = "<OrganisationId>org2</OrganisationId>";
    let app = TestApp::start().await;
    for parts in [
        ["", "", ORG2, ""],
        ["<?xml version='1.0' encoding=\"UTF-8\" standalone='yes' ?>\n", "", ORG2, "\n"],
        ["<?xml\tversion = \"1.1\"\n?><!-- a - b --><!----><?a-b c?>", "", ORG2, "<!---><?a?>-->"],
        [
            "",
            " xmlns:i='http://www.w3.org/2001/XMLSchema-instance'\ni:nil = 'false' xml:lang='é'",
            ORG2,
            "",
        ],
        [
            "",
            " a='>' b=\"&lt;&#x41;'\" xmlns:p='p' xmlns:q='q' p:a='' q:a='' xmlns:é.1-·='x'",
            ORG2,
            "",
        ],
        ["", "", "<OrganisationId>o<![CDATA[r]]>&#x67;&#50;</OrganisationId\n>", ""],
        ["", "", "<OrganisationId>org<!-- -->2<?a ?></OrganisationId>", ""],
        ["", "", "<Other>a<b/>c ]] ></Other><OrganisationId>org2</OrganisationId>", ""],
        ["", "", "<_.-é:a xmlns:_.-é='x'/><OrganisationId>org2</OrganisationId>", ""],
    ] {
        let document = rooted(REQUEST, parts);
        let reply = put(&app, GENERATE, XML, document.as_bytes()).expect(200);
        assert!(reply.uri().contains("issuer=Second"), "{document}");
    }
}

/// What is wrong with a document, and where.
const ILL_FORMED: &[([&str; 4], &str, &str)] = &[
    (["", "", "org2", ""], "holds text, not elements", "line 1 column 1"),
    (["", "", "<![CDATA[org2]]>", ""], "holds text, not elements", "line 1 column 1"),
    (["", "", "<OrganisationId>org2</OrganisationId>&#48;", ""], "holds text", "line 1 column 1"),
    ([" <?xml version='1.0'?>", "", "", ""], "not at the start", "line 1 column 2"),
    (["", "", "<?xml version='1.0'?>", ""], "not at the start", "line 2 column 1"),
    (["", "", "", "<?xml version='1.0'?>"], "not at the start", "line 3 column 45"),
    (["<?xml version='1.0'?><?xml version='1.0'?>", "", "", ""], "start", "line 1 column 22"),
    (["<?xml encoding='utf-8'?>", "", "", ""], "'encoding' has no place", "line 1 column 7"),
    (["<?xml?>", "", "", ""], "without version", "line 1 column 6"),
    (["<?xml version='2.0'?>", "", "", ""], "the version '2.0'", "line 1 column 7"),
    (["<?xml version='1.'?>", "", "", ""], "the version '1.'", "line 1 column 7"),
    (["<?xml version='1.0' standalone='a'?>", "", "", ""], "standalone 'a'", "line 1 column 21"),
    (["<?xml version='1.0' encoding='utf-16'?>", "", "", ""], "'utf-16'", "line 1 column 21"),
    (["<?xml version='1.0' version='1.0'?>", "", "", ""], "no place", "line 1 column 21"),
    (["<?xml version='1.0'encoding='utf-8'?>", "", "", ""], "blank", "line 1 column 20"),
    (["<?XML version='1.0'?>", "", "", ""], "cannot be called 'XML'", "line 1 column 1"),
    (["<? a?>", "", "", ""], "cannot be called ''", "line 1 column 1"),
    (["<?a:b?>", "", "", ""], "cannot be called 'a:b'", "line 1 column 1"),
    (["<!-- a--b -->", "", "", ""], "'--' in a comment", "line 1 column 7"),
    (["<!-- a--->", "", "", ""], "'--' in a comment", "line 1 column 7"),
    (["<!/>", "", "", ""], "", "line 1 column 1"),
    (["<!ELEMENT a ANY>", "", "", ""], "", "line 1 column 1"),
    (["<![CDATA[]]>", "", "", ""], "outside the root", "line 1 column 1"),
    (["", "", "", "&#32;"], "outside the root", "line 3 column 45"),
    (["\u{A0}", "", "", ""], "outside the root", "line 1 column 1"),
    (["", "", "<a>]]></a>", ""], "']]>' outside of CDATA", "line 2 column 4"),
    (["", "", "<a>é\u{1}</a>", ""], "XML does not have", "line 2 column 5"),
    (["", "", "<a>\u{FFFE}</a>", ""], "XML does not have", "line 2 column 4"),
    (["", "", "<!--\u{FFFF}-->", ""], "XML does not have", "line 2 column 5"),
    (["", "", "<a>&#1;</a>", ""], "a reference to no character", "line 2 column 4"),
    (["", "", "<a>&#xFFFE;</a>", ""], "a reference to no character", "line 2 column 4"),
    (["", "", "<a>&#xD800;</a>", ""], "a reference to no character", "line 2 column 4"),
    (["", "", "<a>&#+65;</a>", ""], "a reference to no character", "line 2 column 4"),
    (["", "", "<a>&b;</a>", ""], "an entity", "line 2 column 4"),
    (["", "", "<a b='&c;'/>", ""], "an entity", "line 2 column 4"),
    (["", "", "<a b='&amp'/>", ""], "a reference that is not closed", "line 2 column 4"),
    (["", "", "<a b='<'/>", ""], "'<' in an attribute", "line 2 column 4"),
    (["", "", "<a b='1'c='2'/>", ""], "without a blank", "line 2 column 9"),
    (["", "", "<a b='1' / >", ""], "without a quoted value", "line 2 column 10"),
    (["", "", "<a b=1/>", ""], "without a quoted value", "line 2 column 4"),
    (["", "", "<a b/>", ""], "without a quoted value", "line 2 column 4"),
    (["", "", "<a b='1' b='2'/>", ""], "a second attribute 'b'", "line 2 column 10"),
    (
        ["", "", "<a xmlns:p='n' xmlns:q='n' p:b='' q:b=''/>", ""],
        "a second attribute 'b'",
        "line 2 column 35",
    ),
    (["", "", "<a p:b='1'/>", ""], "a prefix that is not declared", "line 2 column 4"),
    (["", "", "<p:a/>", ""], "a prefix that is not declared", "line 2 column 1"),
    (["", "", "<a xmlns:p=''/>", ""], "a prefix without a namespace", "line 2 column 4"),
    (["", "", "<a xmlns='&#97;'/>", ""], "in the name of a namespace", "line 2 column 4"),
    (["", "", "<xmlns:a/>", ""], "the prefix of declarations", "line 2 column 1"),
    (["", "", "<1Foo/>", ""], "'1Foo' is not a name", "line 2 column 1"),
    (["", "", "<Fo!o/>", ""], "'Fo!o' is not a name", "line 2 column 1"),
    (["", " xmlns:a='a'", "<a:b:c/>", ""], "'a:b:c' is not a name", "line 2 column 1"),
    (["", "", "<:a/>", ""], "", "line 2 column 1"),
    (["", "", "< a/>", ""], "'' is not a name", "line 2 column 1"),
    (["", "", "<a -b=''/>", ""], "'-b' is not a name", "line 2 column 4"),
    (["", "", "<a></a b=''>", ""], "", "line 2 column 4"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn xml_that_is_not_well_formed_is_refused_where_it_is_not() {
    let app = TestApp::start().await;
    for (parts, said, place) in ILL_FORMED {
        let document = rooted(REQUEST, *parts);
        let headers =
            [("Authorization", ALICE), ("Content-Type", XML), ("Accept", "application/json")];
        let reply = app.send("PUT", GENERATE, &headers, document.as_bytes());
        assert_eq!(reply.status, 400, "{document}");
        let message = reply.json()["responseStatus"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(said), "{document}: {message}");
        assert!(message.ends_with(&format!(" at {place}")), "{document}: {message}");
    }
    nothing_is_kept(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_batch_in_xml_holds_requests_and_nothing_else() {
    let app = TestApp::start().await;
    let path = BATCH.replace("json", "xml");
    let item = format!("<{REQUEST}><OrganisationId>org2</OrganisationId></{REQUEST}>");
    let batch = |within: &str| rooted(&format!("ArrayOf{REQUEST}"), ["", "", within, ""]);
    for within in [
        "<Foo/>",
        "<Bar xmlns='x'/>",
        &format!("{item}<Foo/>"),
        &format!("<{REQUEST} xmlns='x'/>"),
        &format!("<{REQUEST} xmlns=''/>"),
        "hello",
        &format!("{item}hello"),
        "<![CDATA[hello]]>",
        &format!("<{REQUEST}>org2</{REQUEST}>"),
    ] {
        let reply = put(&app, &path, XML, batch(within).as_bytes()).expect(400);
        assert!(reply.text().contains("SerializationException"), "{within}: {}", reply.text());
        assert!(reply.text().contains(" at line "), "{within}: {}", reply.text());
    }
    nothing_is_kept(&app).await;
    let reply = put(&app, &path, XML, batch(&format!("{item}\n{item}")).as_bytes()).expect(200);
    assert_eq!(reply.text().matches("issuer=Second%20Ltd").count(), 2, "{}", reply.text());
    let none = put(&app, &path, XML, batch(" ").as_bytes()).expect(200);
    assert_eq!(none.header("X-Autobatch-Completed"), Some("0"), "{none:?}");
}
