//! Line ends and escape sequences in all that a client may send: no reply gets a header from them,
//! and no log a line.

use crate::process::Process;
use crate::support::{ALICE, GENERATE};

/// What would be a header of the reply, or a line of the log, in several spellings.
const EVIL: [&str; 5] = [
    "a\r\nX-Evil: 1",
    "a\nX-Evil: 1\n2026-01-01T00:00:00Z  INFO foundry_api: X-Evil",
    "\u{1B}[2J\u{1B}[1;31mX-Evil\u{7}",
    "a\u{85}X-Evil: 1\u{2028}X-Evil",
    "\"}\n{\"X-Evil\":\"1",
];

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// As much of it as a line of a head can hold: what cannot is cut differently by nobody.
fn in_a_line(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '\r' | '\n' | '\u{7}')).collect()
}

fn request(verb: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut request = format!("{verb} {target} HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "Host") {
        request += "Host: a\r\n";
    }
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    request += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
    request.into_bytes()
}

/// Every place that text of a client can come from.
fn requests(evil: &str) -> Vec<Vec<u8>> {
    let (escaped, line) = (percent(evil), in_a_line(evil));
    let quoted = serde_json::Value::from(evil).to_string();
    let json = ("Content-Type", "application/json");
    let alice = ("Authorization", ALICE);
    let mut requests = Vec::new();
    for format in ["application/json", "text/jsv", "application/xml", "text/csv", "text/html"] {
        let accept = ("Accept", format);
        for (verb, path, body) in [
            ("PUT", GENERATE, format!("{{\"organisationId\":{quoted}}}")),
            ("PUT", "/users/2fa/verify", format!("{{\"code\":{quoted}}}")),
            (
                "PUT",
                "/users/2fa/reset",
                format!("{{\"targetUserId\":{quoted},\"callerCode\":\"1\"}}"),
            ),
            ("POST", "/auth", format!("{{\"userName\":{quoted},\"password\":{quoted}}}")),
            ("POST", "/auth", format!("{{\"provider\":{quoted},\"userName\":\"a\"}}")),
            ("POST", "/access-token", format!("{{\"refreshToken\":{quoted}}}")),
            ("PUT", GENERATE, format!("{{{quoted}:[")),
        ] {
            requests.push(request(verb, path, &[alice, json, accept], &body));
        }
        for target in [
            format!("/{escaped}"),
            format!("/json/reply/{escaped}"),
            format!("/xml/reply/{escaped}"),
            format!("/auth/{escaped}"),
            format!("{GENERATE}?callback={escaped}"),
            format!("{GENERATE}?format={escaped}"),
            format!("{GENERATE}?organisationId={escaped}"),
            format!("/types/csharp?GlobalNamespace={escaped}&IncludeTypes={escaped}"),
            format!("/json/metadata?op={escaped}"),
        ] {
            for verb in ["GET", "PUT"] {
                requests.push(request(verb, &target, &[alice, accept], ""));
            }
        }
    }
    for name in [
        "X-Request-Id",
        "Host",
        "Origin",
        "Referer",
        "User-Agent",
        "Accept",
        "Content-Type",
        "Cookie",
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "X-Http-Method-Override",
        "Content-Encoding",
        "X-ss-id",
    ] {
        for (verb, target) in [("POST", GENERATE), ("PUT", GENERATE), ("GET", "/types/csharp")] {
            requests.push(request(verb, target, &[alice, (name, &line)], "{}"));
        }
    }
    for scheme in ["Basic", "Bearer", "Odd"] {
        let basic = data_encoding::BASE64.encode(format!("{evil}:{evil}").as_bytes());
        for value in [format!("{scheme} {line}"), format!("{scheme} {basic}")] {
            requests.push(request("PUT", GENERATE, &[("Authorization", &value)], ""));
        }
    }
    requests
}

#[track_caller]
fn assert_nothing_is_injected(log_form: &str) {
    let service = Process::start(&[("RUST_LOG", "trace"), ("FOUNDRY_LOG", log_form)]);
    let mut reached = std::collections::BTreeSet::new();
    for request in EVIL.iter().flat_map(|evil| requests(evil)) {
        let reply = service.raw(&request);
        let shown = String::from_utf8_lossy(&request);
        let (head, _) = reply.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{shown}: {reply}"));
        let status = head.get(9..12).unwrap_or_default();
        assert!(("200".."500").contains(&status), "{shown}: {reply}");
        reached.insert(status.to_owned());
        assert!(!head.contains("X-Evil"), "{shown}: {reply}");
        let odd = |c: char| c.is_control() && c != '\r' && c != '\n';
        assert!(!head.contains(odd) && !head.replace("\r\n", "").contains(['\r', '\n']), "{reply}");
    }
    // All the way through the pipeline, that is.
    for status in ["200", "400", "401", "404", "405", "415"] {
        assert!(reached.contains(status), "no reply is {status}: {reached:?}");
    }
    let log = service.log();
    assert!(log.lines().count() > 100, "the log is empty: {log}");
    for line in log.split('\n').filter(|line| !line.is_empty()) {
        assert!(!line.contains(char::is_control), "{line:?}");
        if log_form == "json" {
            let entry: serde_json::Value =
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
            assert!(entry["timestamp"].is_string() && entry["level"].is_string(), "{line}");
            assert!(entry.get("X-Evil").is_none(), "{line}");
        } else {
            let (time, rest) = line.split_at(line.find(' ').unwrap_or(0));
            assert!(time.ends_with('Z') && time.contains('T'), "{line:?}");
            assert_ne!(time, "2026-01-01T00:00:00Z", "{line:?}");
            // What a client says stands quoted behind the level and what is told of it.
            let levels = ["TRACE ", "DEBUG ", "INFO ", "WARN ", "ERROR "];
            let level = rest.trim_start();
            assert!(levels.iter().any(|known| level.starts_with(known)), "{line:?}");
        }
    }
}

#[test]
fn in_a_log_of_text() {
    assert_nothing_is_injected("text");
}

#[test]
fn in_a_log_of_json() {
    assert_nothing_is_injected("json");
}
