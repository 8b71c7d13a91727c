//! The pages that describe the service, read as their readers do: as text.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use foundry_api::format::Formats;
use foundry_api::metadata::is_data;
use foundry_api::operation::{Access, Operations};
use foundry_api::types::LANGUAGES;

use crate::support::{Reply, TestApp};

/// The page of one operation, by format and language.
fn page(app: &TestApp, format: &str, op: &str, lang: &str) -> Reply {
    let lang = if lang.is_empty() { String::new() } else { format!("&lang={lang}") };
    app.send("GET", &format!("/{format}/metadata?op={op}{lang}"), &[], b"").expect(200)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_page_that_the_service_was_specified_by_reads_the_same_here() {
    let app = TestApp::start().await;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/metadata/seed.txt");
    let seed = fs::read_to_string(path).unwrap();
    let html =
        page(&app, "jsv", "GenerateTwoFactorAuthenticationKeyRequest", "csharp").text().to_owned();
    let ours =
        as_text(&html).replace("Host: test ", "Host: foundrystage-api-app.azurewebsites.net ");
    for (number, (ours, seed)) in ours.lines().zip(seed.lines()).enumerate() {
        assert_eq!(ours, seed, "line {}", number + 1);
    }
    assert_eq!(ours.lines().count(), seed.lines().count(), "{ours}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_operation_has_a_page_in_every_format_and_language() {
    let app = TestApp::start().await;
    let index = app.send("GET", "/metadata", &[], b"").expect(200).text().to_owned();
    for operation in Operations::standard().iter() {
        let spec = operation.spec();
        let name = spec.name();
        for format in Formats::standard().iter().filter(|format| is_data(*format)) {
            let format_name = format.name();
            assert!(index.contains(&format!("/{format_name}/metadata?op={name}\"")), "{name}");
            let html = page(&app, format_name, name, "").text().to_owned();
            let text = as_text(&html);
            let signed_in = text.contains("Requires Authentication\n");
            assert_eq!(signed_in, spec.access == Access::SignedIn, "{name}");
            for route in spec.routes {
                let line = format!("{}{}\n", route.verbs.join(", "), route.path);
                assert!(text.contains(&line), "no {line:?} in {text}");
            }
            for def in [spec.request, spec.response] {
                for field in def.fields {
                    let row = format!("<th scope=\"row\">{}</th>", field.name);
                    assert!(html.contains(&row), "{name} {}", field.name);
                }
            }
            assert!(
                text.contains(&format!(
                    "append the .{format_name} suffix or ?format={format_name}\n"
                ))
            );
            assert_eq!(text.contains("?callback=myCallback"), format_name == "json");
            assert!(text.contains(&format!("Content-Type: {}\n", format.label())), "{text}");
            let sample = text.rsplit("Content-Length: length").next().unwrap();
            assert!(sample.contains("String"), "{name} {format_name}: {text}");
            for language in LANGUAGES {
                let text = as_text(page(&app, format_name, name, language.id()).text());
                let link = format!("{} {name} DTOs", language.title());
                let (types, _) = text.split_once(&link).unwrap_or_else(|| panic!("no {link}"));
                // Once in the heading, and once more where it is declared.
                assert!(types.matches(name).count() > 1, "{} {name}", language.id());
                assert!(types.contains(spec.response.name), "{} {name}", language.id());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_sample_request_works_once_its_placeholder_is_replaced() {
    let app = TestApp::start().await;
    for format in Formats::standard().iter().filter(|format| is_data(*format)) {
        let html = page(&app, format.name(), "GenerateTwoFactorAuthenticationKeyRequest", "")
            .text()
            .to_owned();
        let text = as_text(&html);
        let (_, after) = text.split_once("Content-Length: length\n\n").unwrap();
        let (body, _) = after.split_once("\nHTTP/1.1 200").unwrap();
        let (head, _) = text.split_once("Content-Length: length\n\n").unwrap();
        let sent_as = head.rsplit("Content-Type: ").next().unwrap().trim();
        let body = body.replace("\"String\"", "\"org2\"").replace("String", "org2");
        let reply = app.generate(&[("Content-Type", sent_as)], &body).expect(200);
        assert!(reply.uri().contains("issuer=Second%20Ltd"), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn behind_a_proxy_that_takes_a_path_away_every_link_has_it() {
    const BASE: &str = "https://foundry.example/a/base";
    let app = TestApp::signing(&[("FOUNDRY_PUBLIC_URL", &format!("{BASE}/"))]).await;
    // As the proxy hands it on.
    let get = |path: &str| app.send("GET", path, &[], b"");
    let op = "op=GenerateTwoFactorAuthenticationKeyRequest";
    let mut links = BTreeSet::new();
    for path in [
        "/metadata",
        "/types",
        "/openapi",
        "/enrol",
        &format!("/json/metadata?{op}"),
        &format!("/jsv/metadata?{op}&lang=csharp"),
    ] {
        let html = get(path).expect(200).text().replace("&amp;", "&");
        let named = [" href=\"", " src=\""].map(|name| html.split(name).skip(1));
        for link in named.into_iter().flatten().map(|rest| rest.split('"').next().unwrap()) {
            if !link.starts_with("https://") {
                let inner = link.strip_prefix("/a/base/");
                let inner = inner.unwrap_or_else(|| panic!("{path} leads to {link}"));
                links.insert(format!("/{inner}"));
            }
        }
    }
    for link in &links {
        get(link).expect(200);
    }
    for known in ["/metadata", "/metadata.css", "/enrol.js", "/favicon.svg", "/types/swift"] {
        assert!(links.contains(known), "{known} is not in {links:?}");
    }
    assert_eq!(get("/").expect(302).header("Location"), Some("/a/base/metadata"));
    let text = as_text(get(&format!("/json/metadata?{op}")).text());
    let head = "PUT /a/base/users/2fa/generate-key HTTP/1.1 \nHost: foundry.example \n";
    assert!(text.contains(head), "{text}");
    assert_eq!(get("/openapi.json").json()["servers"][0]["url"], BASE);
    assert_eq!(get("/metadata/app.json").json()["app"]["baseUrl"], BASE);
    let types = get("/types/csharp").text().to_owned();
    assert!(types.contains(&format!("\nBaseUrl: {BASE}\n")), "{types:.300}");
    // The script finds the service beside itself.
    let script = get("/enrol.js").text().to_owned();
    assert!(script.contains("new URL('.', document.currentScript.src)"));
    assert!(!script.contains("'/"), "a path that is not below the prefix");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn pages_that_are_not_there_are_404() {
    let app = TestApp::start().await;
    for path in [
        "/json/metadata?op=Nope",
        "/nope/metadata",
        "/json/metadata?op=Authenticate&lang=cobol",
        "/types/cobol",
        "/types/csharp/more",
        "/metadata/nope",
    ] {
        app.send("GET", path, &[], b"").expect(404);
    }
    app.send("POST", "/metadata", &[], b"").expect(404);
    for path in ["/metadata/", "/METADATA", "/jsv/metadata", "/json/metadata?op=authenticate"] {
        app.send("GET", path, &[], b"").expect(200);
    }
    let head = app.send("HEAD", "/metadata", &[], b"").expect(200);
    assert!(head.bytes.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn documents_are_kept_apart_from_everything_else_by_their_headers() {
    let app = TestApp::start().await;
    for (path, media_type) in [
        ("/metadata", "text/html; charset=utf-8"),
        ("/json/metadata?op=Authenticate", "text/html; charset=utf-8"),
        ("/types", "text/html; charset=utf-8"),
        ("/openapi", "text/html; charset=utf-8"),
        ("/enrol", "text/html; charset=utf-8"),
        ("/enrol.js", "text/javascript; charset=utf-8"),
        ("/enrol.css", "text/css; charset=utf-8"),
        ("/metadata.css", "text/css; charset=utf-8"),
        ("/metadata/app.json", "application/json; charset=utf-8"),
        ("/types/metadata.json", "application/json; charset=utf-8"),
        ("/openapi.json", "application/json; charset=utf-8"),
        ("/favicon.ico", "image/svg+xml"),
        ("/favicon.svg", "image/svg+xml"),
        ("/robots.txt", "text/plain; charset=utf-8"),
    ] {
        let reply = app.send("GET", path, &[("Accept", "text/jsv")], b"").expect(200);
        assert_eq!(reply.header("Content-Type"), Some(media_type), "{path}");
        assert_eq!(reply.header("X-Content-Type-Options"), Some("nosniff"), "{path}");
        let policy = reply.header("Content-Security-Policy").unwrap();
        for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        if media_type.starts_with("text/html") {
            let html = reply.text().to_owned();
            for inline in ["<style", "onclick", " style=", "javascript:"] {
                assert!(!html.contains(inline), "{path} has {inline}");
            }
            for script in html.split("<script").skip(1) {
                assert!(script.starts_with(" src=\"/"), "{path} has an inline script");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_description_for_tools_names_every_operation() {
    let app = TestApp::start().await;
    let described = app.send("GET", "/metadata/app.json", &[], b"").expect(200).json();
    let types = app.send("GET", "/types/metadata?format=json", &[], b"").expect(200).json();
    assert_eq!(described["api"]["operations"], types["operations"]);
    assert_eq!(described["app"]["baseUrl"], "http://test");
    let operations = types["operations"].as_array().unwrap();
    for operation in Operations::standard().iter() {
        let spec = operation.spec();
        let found =
            operations.iter().find(|known| known["request"]["name"] == spec.name()).unwrap();
        assert_eq!(found["requiresAuth"], spec.access == Access::SignedIn);
        assert_eq!(found["response"]["name"], spec.response.name);
        assert_eq!(found["returnType"]["name"], spec.response.name);
        assert_eq!(found["routes"].as_array().unwrap().len(), spec.routes.len());
        assert!(spec.verbs.contains(&found["method"].as_str().unwrap()));
        let properties = found["request"]["properties"].as_array().unwrap();
        assert_eq!(properties.len(), spec.request.fields.len());
    }
    // What tools look for when the description cannot be had.
    let index = app.send("GET", "/metadata", &[], b"").expect(200).text().to_owned();
    assert!(index.contains("https://servicestack.net"));
}

/// A page as text: what its elements hold, in their order, as a reader mode shows it.
///
/// - `head` and `nav` hold no content.
/// - Headings and paragraphs have an empty line before and after them.
/// - Other blocks, table rows and captions begin a line and end it; cells stand side by side.
/// - `pre` is kept as it is, anywhere else white space is one blank.
fn as_text(html: &str) -> String {
    const PARAGRAPHS: &[&str] = &["h1", "h2", "h3", "p"];
    const BLOCKS: &[&str] =
        &["pre", "div", "main", "table", "caption", "tr", "thead", "tbody", "ul", "li"];
    let mut out = String::new();
    let (mut skipped, mut kept) = (0, false);
    for piece in html.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').unwrap();
        let (name, closes) = tag.strip_prefix('/').map_or((tag, false), |name| (name, true));
        let name = name.split([' ', '\n']).next().unwrap();
        match (name, closes) {
            ("head" | "nav", false) => skipped += 1,
            ("head" | "nav", true) => skipped -= 1,
            ("pre", _) => kept = !closes,
            _ => {}
        }
        if PARAGRAPHS.contains(&name) || BLOCKS.contains(&name) {
            if !out.is_empty() && !out.ends_with('\n') {
                out.push('\n');
            }
            if PARAGRAPHS.contains(&name) && !out.is_empty() && !out.ends_with("\n\n") {
                out.push('\n');
            }
        }
        if skipped > 0 {
            continue;
        }
        let text = text
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&#39;", "'")
            .replace("&amp;", "&");
        if kept {
            out.push_str(&text);
        } else if !text.trim().is_empty() {
            let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
            if text.starts_with(char::is_whitespace) && !out.ends_with(char::is_whitespace) {
                out.push(' ');
            }
            out.push_str(&words);
            if text.ends_with(char::is_whitespace) {
                out.push(' ');
            }
        }
    }
    out.trim_end().to_owned()
}
