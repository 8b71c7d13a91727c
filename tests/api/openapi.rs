//! The OpenAPI document: it describes what the registries hold, and its examples are what the service
//! reads. Which refusals it has is for `refusals.rs`; `tests/openapi/run` validates it and calls what it
//! describes.

use foundry_api::format::Formats;
use foundry_api::metadata::is_data;
use foundry_api::operation::{Access, Operations};
use serde_json::Value;

use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_operation_is_described_and_every_refusal_of_it_in_every_format() {
    let app = TestApp::start().await;
    let document = app.send("GET", "/openapi.json", &[], b"").expect(200).json();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["servers"][0]["url"], "http://test");
    let other = b"GET /openapi.json HTTP/1.1\r\nHost: other:81\r\nConnection: close\r\n\r\n";
    let mut other = app.raw(other).expect(200).json();
    assert_eq!(other["servers"][0]["url"].take(), "http://other:81");
    other["servers"][0]["url"] = "http://test".into();
    assert_eq!(other, document);
    let formats = Formats::standard();
    for operation in Operations::standard().iter() {
        let spec = operation.spec();
        for route in spec.routes {
            for verb in route.verbs {
                let call = &document["paths"][route.path][verb.to_ascii_lowercase()];
                assert_eq!(call["security"].is_array(), spec.access == Access::SignedIn, "{call}");
                for (status, reply) in call["responses"].as_object().unwrap() {
                    for format in formats.iter().filter(|format| is_data(*format)) {
                        let described = &reply["content"][format.media_types()[0].name];
                        let examples = &described["examples"];
                        assert!(described["example"].is_null() == (status != "200"), "{described}");
                        assert_eq!(examples.is_object(), status != "200", "{described}");
                    }
                }
            }
        }
        let api = format!("/api/{}", spec.name());
        assert!(document["paths"][&api].is_object(), "{api}");
        for def in [spec.request, spec.response] {
            let properties = &document["components"]["schemas"][def.name]["properties"];
            for field in def.fields {
                assert!(properties[field.camel].is_object(), "{} {}", def.name, field.camel);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_example_of_a_request_is_read_and_every_refusal_is_as_the_service_writes_it() {
    let app = TestApp::start().await;
    let document = app.send("GET", "/openapi.json", &[], b"").expect(200).json();
    let call = &document["paths"]["/users/2fa/generate-key"]["put"];
    for (media_type, described) in call["requestBody"]["content"].as_object().unwrap() {
        let body = text(&described["example"]).replace("String", "org1");
        app.generate(&[("Content-Type", media_type)], &body).expect(200);
    }
    for (media_type, described) in call["responses"]["401"]["content"].as_object().unwrap() {
        let example = text(&described["examples"]["Unauthorized"]["value"]);
        let reply = app.send("PUT", "/users/2fa/generate-key", &[("Accept", media_type)], b"");
        let reply = reply.expect(401);
        let ours = example
            .replace("Nobody is signed in, or the credentials are wrong.", "Not Authenticated");
        match serde_json::from_str::<Value>(&ours) {
            Ok(ours) => assert_eq!(reply.json(), ours),
            // JSV quotes only some sentences: ours has a comma, the service's has none.
            Err(_) => {
                assert_eq!(reply.text(), unquoted(&ours, media_type), "{media_type}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_page_shows_every_path_without_a_script() {
    let app = TestApp::start().await;
    let page = app.send("GET", "/openapi", &[], b"").expect(200).text().to_owned();
    let document = app.send("GET", "/openapi.json", &[], b"").expect(200).json();
    for path in document["paths"].as_object().unwrap().keys() {
        assert!(page.contains(&format!("<code>{path}</code>")), "{path}");
    }
    assert!(!page.contains("<script"));
}

fn unquoted(text: &str, media_type: &str) -> String {
    match media_type {
        "text/jsv" => text.replace('"', ""),
        // JSV inside a field, whose quotes are doubled.
        "text/csv" => text.replace("\"\"", ""),
        _ => text.to_owned(),
    }
}

fn text(example: &Value) -> String {
    example.as_str().map_or_else(|| example.to_string(), str::to_owned)
}
