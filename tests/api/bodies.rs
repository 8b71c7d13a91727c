//! What a request says of its organisation, wherever it says it: all of it counts, or it is refused.
//! Alice's default is org1; org2 issues as "Second Ltd".

use crate::support::{ALICE, Reply, TestApp};

const FORM: &str = "application/x-www-form-urlencoded";
const BATCH: &str = "/json/reply/GenerateTwoFactorAuthenticationKeyRequest[]";

fn put(app: &TestApp, path: &str, content_type: &str, body: &[u8]) -> Reply {
    let headers = [("Authorization", ALICE), ("Content-Type", content_type)];
    app.send("PUT", path, &headers, body)
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
