//! A service to test against: pinned clock, seeded randomness, a store of its own.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, mpsc};
use std::time::Duration;

use actix_web::web;
use data_encoding::BASE64;
use foundry_api::app::App;
use foundry_api::auth::password;
use foundry_api::clock::{Clock, Timestamp};
use foundry_api::config::Config;
use foundry_api::http;
use foundry_api::random::{Exhausted, Random};
use foundry_api::seal::Sealer;
use foundry_api::store::{self, Event, NewUser, Organisation, Store, User};
use ring::digest;

/// Alice's password, which has a colon on purpose.
pub const PASSWORD: &str = "p@ss:w0rd";
/// Alice's credentials as Basic sends them.
pub const ALICE: &str = "Basic YWxpY2U6cEBzczp3MHJk";
/// The same for bob, whose password is alice's, and who has no default organisation.
pub const BOB: &str = "Basic Ym9iOnBAc3M6dzByZA==";
/// When tests take place.
pub const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);
/// The sealing keys of tests: 32 bytes of 1.
pub const SEALING_KEYS: &str = "test:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

/// A clock that stands still until it is moved.
pub struct StillClock(AtomicI64);

impl StillClock {
    pub fn at(now: Timestamp) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(now.as_millis())))
    }

    pub fn advance(&self, span: Duration) {
        self.0.fetch_add(i64::try_from(span.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Randomness that is the same in each run: SHA-256 of a counter.
#[derive(Default)]
pub struct SeededRandom(AtomicU64);

impl From<u64> for SeededRandom {
    /// From another place of the same sequence.
    fn from(count: u64) -> Self {
        Self(AtomicU64::new(count))
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Exhausted> {
        for chunk in bytes.chunks_mut(digest::SHA256_OUTPUT_LEN) {
            let count = self.0.fetch_add(1, Ordering::SeqCst);
            let hash = digest::digest(&digest::SHA256, &count.to_be_bytes());
            chunk.copy_from_slice(&hash.as_ref()[..chunk.len()]);
        }
        Ok(())
    }
}

/// A running service. It stops when this is dropped.
pub struct TestApp {
    pub address: SocketAddr,
    pub store: Arc<dyn Store>,
    pub clock: Arc<StillClock>,
    pub sealer: Sealer,
    /// The service itself.
    pub app: web::Data<App>,
    handle: actix_web::dev::ServerHandle,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl TestApp {
    /// The service as it is run, with alice, bob and their organisations, on a store of its own.
    pub async fn start() -> Self {
        Self::on(memory().await).await
    }

    /// The same on that store, which is empty.
    pub async fn on(store: Arc<dyn Store>) -> Self {
        populate(&*store).await;
        Self::with(store, &[], |app| app)
    }

    /// The same as [`TestApp::start`] with settings, and with a key to sign tokens with.
    pub async fn signing(settings: &[(&str, &str)]) -> Self {
        let store = memory().await;
        populate(&*store).await;
        let key = BASE64.encode(&[1; 32]);
        let mut all = vec![("FOUNDRY_JWT_KEY", key.as_str())];
        all.extend_from_slice(settings);
        Self::with(store, &all, |app| app)
    }

    /// A service on a store as it is, with settings and other parts.
    pub fn with(
        store: Arc<dyn Store>,
        settings: &[(&str, &str)],
        change: impl FnOnce(App) -> App,
    ) -> Self {
        let config = Config::from_lookup(|name| {
            let defaults = [("FOUNDRY_LISTEN", "127.0.0.1:0"), ("FOUNDRY_WORKERS", "1")];
            let found = settings.iter().chain(&defaults).find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
        .unwrap();
        let sealer = Sealer::parse(SEALING_KEYS).unwrap();
        let clock = StillClock::at(NOW);
        let mut app = App::standard(config, store.clone(), sealer.clone());
        app.clock = clock.clone();
        app.random = Arc::new(SeededRandom::default());
        let app = web::Data::new(change(app));
        let shared = app.clone();
        let (tell, told) = mpsc::channel();
        // The connections to the database are opened in the runtime of the test, which uses the store
        // after the service has ended: those of a runtime that has ended break.
        let runtime = tokio::runtime::Handle::current();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = {
                    let _entered = runtime.enter();
                    http::bind(app).unwrap()
                };
                tell.send((server.address(), server.handle())).unwrap();
                server.run().await.unwrap();
            });
        });
        let (address, handle) = told.recv().unwrap();
        Self { address, store, clock, sealer, app: shared, handle, thread: Some(thread) }
    }

    /// Sends bytes on a connection of its own and reads until the service closes it.
    pub fn raw(&self, request: &[u8]) -> Reply {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all(request).unwrap();
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).unwrap();
        Reply::parse(&reply)
    }

    /// Sends a request with these header lines and this body.
    pub fn send(&self, verb: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let mut request = format!("{verb} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n");
        for (name, value) in headers {
            request.push_str(&[name, ": ", value, "\r\n"].concat());
        }
        let length = body.len().to_string();
        request.push_str(&["Content-Length: ", &length, "\r\n\r\n"].concat());
        let mut request = request.into_bytes();
        request.extend_from_slice(body);
        self.raw(&request)
    }

    /// Alice asks for a key.
    pub fn generate(&self, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut all = vec![("Authorization", ALICE)];
        all.extend_from_slice(headers);
        self.send("PUT", GENERATE, &all, body.as_bytes())
    }
}

/// The operation's own route.
pub const GENERATE: &str = "/users/2fa/generate-key";

impl Drop for TestApp {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// A reply, as it came.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub reason: String,
    pub headers: Vec<(String, String)>,
    pub bytes: Vec<u8>,
}

impl Reply {
    #[track_caller]
    fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let mut status = lines.next().unwrap().splitn(3, ' ').skip(1);
        let code = status.next().unwrap().parse().unwrap();
        let reason = status.next().unwrap_or_default().to_owned();
        let headers = lines
            .map(|line| line.split_once(": ").unwrap_or((line, "")))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Self { status: code, reason, headers, bytes: bytes[end + 4..].to_vec() }
    }

    /// The first field of that name, as the name is spelled on the wire.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body.
    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap()
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.bytes));
        self
    }

    /// The otpauth URI in a body of whatever format.
    #[track_caller]
    pub fn uri(&self) -> String {
        let text = self.text().replace("&amp;", "&");
        let start = text.find("otpauth://").unwrap_or_else(|| panic!("no URI in {text}"));
        let uri = &text[start..];
        uri[..uri.find(['"', '<', '}']).unwrap_or(uri.len())].to_owned()
    }
}

/// An empty embedded store in memory, migrated.
pub async fn memory() -> Arc<dyn Store> {
    migrated("sqlite::memory:").await
}

/// An empty Postgres database of its own, migrated.
pub async fn postgres() -> Arc<dyn Store> {
    migrated(&new_postgres_database().await).await
}

/// The URL of a new, empty database on the server that `TEST_DATABASE_URL` names.
pub async fn new_postgres_database() -> String {
    use sqlx::{Connection as _, Executor as _};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let server = std::env::var("TEST_DATABASE_URL")
        .expect("tests of the Postgres store need TEST_DATABASE_URL; tests/run sets it");
    let count = COUNT.fetch_add(1, Ordering::SeqCst);
    let name = format!("foundry_test_{}_{count}", std::process::id());
    let mut connection = sqlx::PgConnection::connect(&server).await.unwrap();
    let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
    connection.execute(create).await.unwrap();
    connection.close().await.unwrap();
    let (before, query) = server.split_once('?').map_or((&*server, ""), |(b, q)| (b, q));
    let (base, _) = before.rsplit_once('/').unwrap();
    format!("{base}/{name}{}{query}", if query.is_empty() { "" } else { "?" })
}

/// The store of a database, with its schema.
pub async fn migrated(url: &str) -> Arc<dyn Store> {
    let store = store::open(url).await.unwrap();
    store.migrate().await.unwrap();
    store
}

/// The same story on each store: `on_each_store!(story)` makes the tests `story::on_sqlite` and
/// `story::on_postgres`.
#[macro_export]
macro_rules! on_each_store {
    ($($story:ident)*) => {$(
        mod $story {
            #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
            async fn on_sqlite() {
                super::$story($crate::support::memory().await).await;
            }
            #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
            async fn on_postgres() {
                super::$story($crate::support::postgres().await).await;
            }
        }
    )*};
}

/// The same story on each database, told by the URL of an empty one: `on_each_database!(story)` makes the
/// tests `story::on_sqlite` and `story::on_postgres`.
#[macro_export]
macro_rules! on_each_database {
    ($($story:ident)*) => {$(
        mod $story {
            #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
            async fn on_sqlite() {
                let folder = tempfile::tempdir().unwrap();
                let url = format!("sqlite:{}", folder.path().join("test.db").display());
                super::$story(&url).await;
            }
            #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
            async fn on_postgres() {
                super::$story(&$crate::support::new_postgres_database().await).await;
            }
        }
    )*};
}

/// Does with a database what this program does not: statements that another one would make.
pub async fn execute(url: &str, statements: &[&'static str]) {
    use sqlx::{Connection as _, Executor as _};
    for &statement in statements {
        if url.starts_with("sqlite:") {
            let mut connection = sqlx::SqliteConnection::connect(url).await.unwrap();
            connection.execute(statement).await.unwrap();
            connection.close().await.unwrap();
        } else {
            let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
            connection.execute(statement).await.unwrap();
            connection.close().await.unwrap();
        }
    }
}

/// The audit row of something that a user did in `org1`.
pub fn event(id: impl Into<String>, user: &str) -> Event {
    Event {
        id: id.into(),
        at: NOW,
        organisation: "org1".into(),
        user: user.into(),
        target: None,
        action: "Test",
        outcome: "ok",
        address: "127.0.0.1".into(),
        request_id: "r".into(),
        fingerprint: None,
    }
}

/// Alice of `org1` (her default) and `org2`; bob of `org2` alone, without a default; and `foreign`,
/// which has no members.
pub async fn populate(store: &dyn Store) {
    for (id, name, issuer) in [
        ("org1", "First & Co", None),
        ("org2", "Second", Some("Second Ltd")),
        ("foreign", "Foreign", None),
    ] {
        let issuer = issuer.map(str::to_owned);
        let organisation = Organisation { id: id.into(), name: name.into(), issuer };
        store.add_organisation(&organisation, NOW).await.unwrap();
    }
    let both = ["org1".to_owned(), "org2".to_owned()];
    store.add_user(&user("alice"), &both, NOW).await.unwrap();
    store.add_user(&user("bob"), &[], NOW).await.unwrap();
    store.join("id-of-bob", "org2", false, None, NOW).await.unwrap();
}

/// A user with [`PASSWORD`].
pub fn user(name: &str) -> NewUser {
    NewUser {
        id: format!("id-of-{name}"),
        name: name.into(),
        email: format!("{name}@example.com"),
        password_hash: PASSWORD_HASH.clone(),
    }
}

/// The user of that id, as the store has it.
pub async fn holder(store: &dyn Store, id: &str) -> User {
    store.users().await.unwrap().into_iter().find(|user| user.id == id).unwrap()
}

static PASSWORD_HASH: LazyLock<String> =
    LazyLock::new(|| password::hash(PASSWORD, &SeededRandom::default()).unwrap());

/// What the service logs, at every level, while a test holds this.
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Begins to catch what this process logs. There is one log in a process.
    pub fn catch() -> Self {
        static CAUGHT: LazyLock<Arc<Mutex<Vec<u8>>>> = LazyLock::new(|| {
            let caught = Arc::new(Mutex::new(Vec::new()));
            let writer = caught.clone();
            tracing_subscriber::fmt()
                .with_max_level(tracing::Level::TRACE)
                .with_writer(move || Writer(writer.clone()))
                .init();
            caught
        });
        Self(CAUGHT.clone())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

struct Writer(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
