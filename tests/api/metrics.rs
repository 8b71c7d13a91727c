//! What operators see: what is counted, by which labels, and that nothing of a client is in it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use foundry_api::clock::{Clock, SystemClock, Timestamp};
use foundry_api::store::Store;

use crate::authenticator::{Client, wrong_code};
use crate::support::{ALICE, GENERATE, NOW, TestApp, populate};

const USER: &str = "id-of-alice";

/// All metrics, by the names that dashboards and alerts know them by.
pub const NAMES: &[&str] = &[
    "foundry_anonymous_refusals",
    "foundry_audit_failures",
    "foundry_audit_newest_timestamp_seconds",
    "foundry_audit_rows",
    "foundry_build",
    "foundry_census_failures",
    "foundry_clock_skew_seconds",
    "foundry_database_connections",
    "foundry_database_connections_most",
    "foundry_keys",
    "foundry_limited",
    "foundry_lockouts",
    "foundry_pending_keys",
    "foundry_ready",
    "foundry_request_seconds",
    "foundry_requests",
    "foundry_writer_batches",
    "foundry_writer_commits",
    "foundry_writer_refused",
    "foundry_writer_rows",
    "foundry_writer_waiting",
];

fn value(text: &str, series: &str) -> Option<f64> {
    let mut lines = text.lines().filter_map(|line| line.rsplit_once(' '));
    lines.find(|(name, _)| *name == series).map(|(_, value)| value.parse().unwrap())
}

async fn what_is_done_and_refused_and_kept_is_counted(store: Arc<dyn Store>) {
    let app = TestApp::on(store.clone()).await;
    let alice = Client::of(&*store, USER, "a").await;
    let before = app.app.metrics.scraped(&app.app).await;
    assert_eq!(value(&before, "foundry_keys{sealing_key=\"test\"}"), Some(0.0), "{before}");
    assert_eq!(value(&before, "foundry_pending_keys{}"), Some(0.0), "{before}");

    let phone = alice.enrol(&app);
    alice.enrol(&app);
    app.generate(&[("Accept", "text/jsv")], "").expect(200);
    for _ in 0..5 {
        alice.verify(&app, &wrong_code(&app, &[&phone])).expect(400);
    }
    alice.verify(&app, &phone.code(&app)).expect(429);
    app.send("PUT", GENERATE, &[], b"").expect(401);
    app.send("GET", "/no/such/path", &[], b"").expect(404);
    let text = app.app.metrics.scraped(&app.app).await;
    let generate = "GenerateTwoFactorAuthenticationKeyRequest";
    let verify = "VerifyTwoFactorAuthenticationCodeRequest";
    let request = |operation: &str, format: &str, status: u16| {
        let labels = format!("operation=\"{operation}\",format=\"{format}\",status=\"{status}\"");
        format!("foundry_requests_total{{{labels}}}")
    };
    for (series, expected) in [
        (request(generate, "json", 200), 2.0),
        (request(generate, "jsv", 200), 1.0),
        (request(generate, "json", 401), 1.0),
        (request(verify, "json", 400), 5.0),
        (request(verify, "json", 429), 1.0),
        (request("none", "none", 404), 1.0),
        (format!("foundry_request_seconds_count{{operation=\"{verify}\"}}"), 6.0),
        (format!("foundry_anonymous_refusals_total{{operation=\"{generate}\"}}"), 1.0),
        ("foundry_lockouts_total{limit=\"codes\"}".into(), 1.0),
        ("foundry_limited_total{limit=\"codes\"}".into(), 1.0),
        ("foundry_limited_total{limit=\"keys\"}".into(), 0.0),
        ("foundry_audit_rows_total".into(), 9.0),
        ("foundry_audit_failures_total".into(), 0.0),
        ("foundry_audit_newest_timestamp_seconds".into(), 1_795_000_000.0),
        ("foundry_writer_rows_total".into(), 3.0),
        ("foundry_writer_waiting".into(), 0.0),
        ("foundry_writer_batches".into(), 0.0),
    ] {
        assert_eq!(value(&text, &series), Some(expected), "{series} in {text}");
    }
    let commits = value(&text, "foundry_writer_commits_total").unwrap();
    assert!((1.0..=3.0).contains(&commits), "{commits}");
    let connections = |state: &str| {
        value(&text, &format!("foundry_database_connections{{state=\"{state}\"}}")).unwrap()
    };
    let most = value(&text, "foundry_database_connections_most").unwrap();
    assert!(connections("idle") + connections("used") >= 1.0, "{text}");
    assert!(connections("idle") + connections("used") <= most, "{text}");
    // The database is asked once a minute, however often somebody scrapes.
    assert_eq!(value(&text, "foundry_keys{sealing_key=\"test\"}"), Some(0.0));
    let mut told: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    // The embedded store has this machine's clock.
    told.insert("foundry_clock_skew_seconds");
    assert_eq!(told.into_iter().collect::<Vec<_>>(), NAMES);
    // By what is asked anew, and by another instance.
    let census = store.census(NOW).await.unwrap();
    assert_eq!(census.sealed, [("test".to_owned(), 3)]);
    assert_eq!(census.pending, Some(3));
    let later = store.census(NOW.plus(Duration::from_hours(1))).await.unwrap();
    assert_eq!(later.pending, Some(0));
    let other = TestApp::with(store, &[], |mut app| {
        app.sealer =
            foundry_api::seal::Sealer::parse("other:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=")
                .unwrap();
        app
    });
    let text = other.app.metrics.scraped(&other.app).await;
    assert_eq!(value(&text, "foundry_keys{sealing_key=\"not configured\"}"), Some(3.0), "{text}");
    assert_eq!(value(&text, "foundry_keys{sealing_key=\"other\"}"), Some(0.0), "{text}");
    assert_eq!(value(&text, "foundry_pending_keys{}"), Some(3.0), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn whoever_is_refused_without_being_known_is_counted() {
    let app = TestApp::signing(&[]).await;
    let json = ("Content-Type", "application/json");
    let login = br#"{"userName":"alice","password":"wrong"}"#;
    let refresh = br#"{"refreshToken":"unknown"}"#;
    let mut generate = 0.0;
    for credentials in ["Basic YWxpY2U6d3Jvbmc=", "Bearer unknown", "Bearer a.b.c", "Digest x"] {
        app.send("PUT", GENERATE, &[("Authorization", credentials)], b"").expect(401);
        generate += 1.0;
    }
    app.send("POST", "/auth/credentials", &[json], login).expect(401);
    app.send("GET", "/auth", &[], b"").expect(401);
    app.send("POST", "/access-token", &[json], refresh).expect(401);
    // Who is known, and has to show a code first, is in the audit.
    let alice = Client::of(&*app.store, USER, "a").await;
    alice.confirmed(&app);
    Client::of(&*app.store, USER, "b").await.generate(&app).expect(401);
    let text = app.app.metrics.text();
    for (operation, expected) in [
        ("GenerateTwoFactorAuthenticationKeyRequest", generate),
        ("Authenticate", 2.0),
        ("GetAccessToken", 1.0),
    ] {
        let series = format!("foundry_anonymous_refusals_total{{operation=\"{operation}\"}}");
        assert_eq!(value(&text, &series), Some(expected), "{series} in {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn nothing_that_a_client_sends_makes_another_series() {
    let app = TestApp::start().await;
    let ask = |number: u32| {
        let odd = format!("x{number}");
        let headers = [
            ("Authorization", ALICE),
            ("Accept", &*format!("text/{odd}")),
            ("Content-Type", &*format!("application/{odd}")),
            ("X-Request-Id", &*odd),
            ("User-Agent", &*odd),
            ("Cookie", &*format!("ss-id={odd}")),
        ];
        for path in [
            format!("/{odd}"),
            format!("/api/{odd}"),
            format!("/{odd}/reply/{odd}"),
            format!("/auth/{odd}"),
            format!("{GENERATE}.{odd}"),
            format!("{GENERATE}?format={odd}&organisationId={odd}"),
        ] {
            for verb in ["GET", "PUT", "POST", "DELETE", "TRACE", &*odd.to_uppercase()] {
                app.send(verb, &path, &headers, b"");
            }
        }
    };
    let series = || {
        let text = app.app.metrics.text();
        text.lines()
            .map(|line| line.rsplit_once(' ').unwrap().0.to_owned())
            .collect::<BTreeSet<_>>()
    };
    ask(0);
    let first = series();
    assert!(first.len() > 30, "{first:?}");
    for number in 1..10 {
        ask(number);
    }
    assert_eq!(series(), first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_database_that_does_not_answer_does_not_hold_a_scrape_up() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("test.db").display());
    let store = foundry_api::store::open(&url).await.unwrap();
    store.migrate().await.unwrap();
    let app = TestApp::on(store.clone()).await;
    store.close().await;
    app.generate(&[], "").expect(503);
    let text = app.app.metrics.scraped(&app.app).await;
    assert_eq!(value(&text, "foundry_census_failures_total"), Some(1.0), "{text}");
    assert_eq!(value(&text, "foundry_keys{sealing_key=\"test\"}"), None, "{text}");
    assert_eq!(value(&text, "foundry_pending_keys{}"), None, "{text}");
    assert_eq!(value(&text, "foundry_ready{check=\"database\"}"), Some(0.0), "{text}");
    assert!(!text.contains("foundry_ready{check=\"clock\"}"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_readiness_last_found_is_told() {
    let app = TestApp::start().await;
    assert!(!app.app.metrics.text().contains("foundry_ready{"), "nobody has looked yet");
    let ready =
        |check: &str, text: &str| value(text, &format!("foundry_ready{{check=\"{check}\"}}"));
    // Where no balancer asks, a scrape does.
    let scraped = app.app.metrics.scraped(&app.app).await;
    for check in ["database", "schema", "sealing", "clock"] {
        assert_eq!(ready(check, &scraped), Some(1.0), "{scraped}");
    }
    // But not each time: this one tells what was found before.
    app.store.close().await;
    assert_eq!(ready("database", &app.app.metrics.scraped(&app.app).await), Some(1.0));
    app.send("GET", "/health/ready", &[], b"").expect(503);
    let text = app.app.metrics.scraped(&app.app).await;
    assert_eq!(ready("database", &text), Some(0.0), "{text}");
    assert_eq!(text.matches("foundry_ready{").count(), 1, "{text}");
}

/// A clock that is wrong by so many milliseconds.
struct Off(i64);

impl Clock for Off {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(SystemClock.now().as_millis() + self.0)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_instance_whose_clock_is_not_the_databases_is_not_ready() {
    let store = crate::support::postgres().await;
    populate(&*store).await;
    // Connections belong to the thread that opened them, so that all stay until the end.
    let mut apps = Vec::new();
    for (off, ready) in [(0, true), (-60_000, false), (60_000, false), (1_000, true)] {
        let app = TestApp::with(store.clone(), &[], |mut app| {
            app.clock = Arc::new(Off(off));
            app
        });
        let reply = app.send("GET", "/health/ready", &[], b"");
        let text = app.app.metrics.scraped(&app.app).await;
        let skew = value(&text, "foundry_clock_skew_seconds{}").unwrap();
        #[expect(clippy::cast_precision_loss, reason = "a few seconds")]
        let expected = -(off as f64) / 1000.0;
        assert!((skew - expected).abs() < 3.0, "{skew} and {expected}");
        let told = value(&text, "foundry_ready{check=\"clock\"}");
        assert_eq!(told, Some(f64::from(u8::from(ready))), "{text}");
        assert_eq!(value(&text, "foundry_ready{check=\"sealing\"}"), Some(1.0), "{text}");
        if ready {
            reply.expect(200);
        } else {
            let body = "{\"status\":\"not ready\",\"check\":\"clock\"}";
            assert_eq!(reply.expect(503).text(), body);
        }
        apps.push(app);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_request_whose_audit_row_is_not_kept_is_not_answered_and_counted() {
    use sqlx::{Connection as _, Executor as _};
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("test.db").display());
    let store = foundry_api::store::open(&url).await.unwrap();
    store.migrate().await.unwrap();
    let app = TestApp::on(store.clone()).await;
    let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let full = "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'full'); END";
    connection.execute(full).await.unwrap();
    let reply = app.generate(&[], "").expect(500);
    assert!(!reply.text().contains("otpauth"), "{}", reply.text());
    assert!(store.keys("org1", USER, NOW).await.unwrap().is_empty());
    let text = app.app.metrics.text();
    assert_eq!(value(&text, "foundry_audit_failures_total"), Some(1.0), "{text}");
    assert_eq!(value(&text, "foundry_audit_rows_total"), Some(0.0), "{text}");
    connection.execute("DROP TRIGGER full").await.unwrap();
    app.generate(&[], "").expect(200).uri();
    assert_eq!(value(&app.app.metrics.text(), "foundry_audit_rows_total"), Some(1.0));
}

#[test]
fn dashboard_and_alerts_ask_for_metrics_that_there_are() {
    let dashboard = include_str!("../../.ops/dashboard.json");
    let alerts = include_str!("../../.ops/alerts.yml");
    serde_json::from_str::<serde_json::Value>(dashboard).unwrap();
    let mut shown = BTreeSet::new();
    for (file, text) in [("dashboard.json", dashboard), ("alerts.yml", alerts)] {
        let in_name = |c: char| c.is_ascii_lowercase() || c == '_';
        let asked: BTreeSet<&str> = text
            .match_indices("foundry_")
            .map(|(at, _)| {
                let name = &text[at..];
                &name[..name.find(|c| !in_name(c)).unwrap_or(name.len())]
            })
            .collect();
        assert!(asked.len() > 5, "{file}: {asked:?}");
        for name in asked {
            let ends = ["", "_total", "_bucket", "_info"];
            let known = ends.iter().find_map(|end| {
                let known = name.strip_suffix(end)?;
                NAMES.contains(&known).then_some(known)
            });
            shown.extend([known.unwrap_or_else(|| panic!("{file}: there is no {name}"))]);
        }
    }
    assert_eq!(shown.into_iter().collect::<Vec<_>>(), NAMES, "a metric that nobody sees");
}

crate::on_each_store! { what_is_done_and_refused_and_kept_is_counted }
