//! What was answered is on the disk, whatever is killed when.
//!
//! The real binary and a Postgres of its own are killed with SIGKILL while they are under load;
//! then every URI that a client has seen must be found in the store. `DURABILITY_ROUNDS` says how
//! often (2 unless set). The long form:
//!
//! ```sh
//! DURABILITY_ROUNDS=100 tests/run --test api durability
//! ```

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use foundry_api::auth::session;
use foundry_api::clock::{Clock as _, SystemClock};
use foundry_api::random::id;
use foundry_api::seal::{Place, Sealer};
use foundry_api::store::{self, Event, NewSession, Organisation, Store};
use foundry_api::two_factor::{SECRET_LEN, Secret};
use sqlx::{Connection as _, PgConnection};

use crate::support::{SEALING_KEYS, SeededRandom, event, holder, new_postgres_database, user};

/// Users who ask at the same time, each on a connection of its own.
const USERS: usize = 12;
/// How long they do before something is killed, in milliseconds: another time in each round.
const BEFORE: [u64; 5] = [150, 400, 90, 700, 260];

fn rounds() -> usize {
    std::env::var("DURABILITY_ROUNDS").map_or(2, |text| text.parse().expect("a number"))
}

/// A service process.
struct Service {
    child: Child,
    address: String,
}

impl Service {
    fn start(url: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_foundry-api"))
            .env("DATABASE_URL", url)
            .env("FOUNDRY_LISTEN", "127.0.0.1:0")
            .env("FOUNDRY_SEALING_KEYS", SEALING_KEYS)
            .env("FOUNDRY_KEY_RATE", "0")
            .env("FOUNDRY_WORKERS", "2")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().rsplit('/').next().unwrap().to_owned();
        assert!(address.starts_with("127.0.0.1:"), "the service said '{line}'");
        Self { child, address }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        self.child.wait().unwrap();
    }
}

fn session_of(number: usize) -> String {
    format!("a-session-of-user-number-{number}")
}

/// Users who are signed in, in one organisation.
async fn populate(store: &dyn Store) {
    let random = SeededRandom::default();
    let now = SystemClock.now();
    let organisation = Organisation { id: "org1".into(), name: "First".into(), issuer: None };
    store.add_organisation(&organisation, now).await.unwrap();
    // One more than the load has, to see whether the service answers.
    for number in 0..=USERS {
        let user = user(&format!("user{number}"));
        store.add_user(&user, &["org1".to_owned()], now).await.unwrap();
        let session = NewSession {
            id_hash: session::hash(&session_of(number)),
            user: user.id.clone(),
            created_at: now,
            expires_at: now.plus(Duration::from_hours(1)),
        };
        let event = Event { at: now, ..event(id(&random).unwrap(), &user.id) };
        let holder = holder(store, &session.user).await;
        assert!(store.add_session(&holder, Some(&session), None, &event).await.unwrap());
    }
}

/// The secrets that each user was shown, oldest first, until `stop`. Returns once each user has
/// seen one.
fn load(address: &str, stop: &Arc<AtomicBool>) -> Vec<std::thread::JoinHandle<Vec<Vec<u8>>>> {
    let (seen, all) = std::sync::mpsc::channel();
    let threads = (0..USERS)
        .map(|number| {
            let (address, stop, seen) = (address.to_owned(), stop.clone(), seen.clone());
            std::thread::spawn(move || {
                let mut shown = Vec::new();
                let mut stream = None;
                while !stop.load(Ordering::SeqCst) {
                    match ask(&mut stream, &address, number) {
                        Some(secret) => {
                            if shown.is_empty() {
                                seen.send(()).unwrap();
                            }
                            shown.push(secret);
                        }
                        None => std::thread::sleep(Duration::from_millis(5)),
                    }
                }
                shown
            })
        })
        .collect();
    for _ in 0..USERS {
        all.recv_timeout(Duration::from_mins(1)).expect("an answer for each user");
    }
    threads
}

/// Asks for a key; nothing when there was no answer, or a 503.
fn ask(stream: &mut Option<TcpStream>, address: &str, number: usize) -> Option<Vec<u8>> {
    let connection = if let Some(connection) = stream {
        connection
    } else {
        let connection = TcpStream::connect(address).ok()?;
        connection.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.insert(connection)
    };
    let request = format!(
        "PUT /users/2fa/generate-key HTTP/1.1\r\nHost: test\r\nAccept: text/jsv\r\n\
         Cookie: ss-id={}\r\nContent-Length: 0\r\n\r\n",
        session_of(number)
    );
    let reply = connection.write_all(request.as_bytes()).ok().and_then(|()| reply(connection));
    let Some(reply) = reply else {
        *stream = None;
        return None;
    };
    if reply.starts_with("HTTP/1.1 503 ") {
        return None;
    }
    assert!(reply.starts_with("HTTP/1.1 200 "), "{reply}");
    let secret = reply.split("secret=").nth(1).unwrap().split('&').next().unwrap();
    Some(data_encoding::BASE32_NOPAD.decode(secret.as_bytes()).unwrap())
}

/// A whole reply, or nothing: the first part of one is no answer.
fn reply(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    loop {
        let length = stream.read(&mut part).ok().filter(|length| *length > 0)?;
        bytes.extend_from_slice(&part[..length]);
        let text = std::str::from_utf8(&bytes).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
        if length.is_some_and(|length| body.len() >= length.parse::<usize>().unwrap()) {
            return Some(text.to_owned());
        }
    }
}

/// Every secret that was shown has its audit row, and the newest of each user its sealed key.
async fn all_are_kept(url: &str, shown: &[Vec<Vec<u8>>]) {
    let sealer = Sealer::parse(SEALING_KEYS).unwrap();
    let store = store::open(url).await.unwrap();
    let mut connection = PgConnection::connect(url).await.unwrap();
    let audited: Vec<String> = sqlx::query_scalar(
        "SELECT fingerprint FROM audit WHERE fingerprint IS NOT NULL AND outcome = 'ok'",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let audited: HashSet<String> = audited.into_iter().collect();
    for (number, shown) in shown.iter().enumerate() {
        for secret in shown {
            let secret = Secret::from_bytes(<[u8; SECRET_LEN]>::try_from(&**secret).unwrap());
            let fingerprint = sealer.fingerprint(&secret);
            assert!(audited.contains(&fingerprint), "user{number} was shown a key that is lost");
        }
        let user = format!("id-of-user{number}");
        let mut kept = HashSet::new();
        for key in store.keys("org1", &user, SystemClock.now()).await.unwrap() {
            let place = Place { organisation: "org1", user: &user, key: &key.id };
            kept.insert(sealer.open(&key.sealed, place).unwrap().as_bytes().to_vec());
        }
        // One of the five may be of a request that was never answered.
        for secret in shown.iter().rev().take(4) {
            assert!(kept.contains(secret), "user{number} was shown a key that is not in the store");
        }
    }
}

fn joined(threads: Vec<std::thread::JoinHandle<Vec<Vec<u8>>>>) -> Vec<Vec<Vec<u8>>> {
    threads.into_iter().map(|thread| thread.join().unwrap()).collect()
}

fn pause(round: usize) {
    std::thread::sleep(Duration::from_millis(BEFORE[round % BEFORE.len()]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn no_answered_key_is_lost_when_the_service_is_killed() {
    let url = new_postgres_database().await;
    let store = store::open(&url).await.unwrap();
    store.migrate().await.unwrap();
    populate(&*store).await;
    for round in 0..rounds() {
        let mut service = Service::start(&url);
        let stop = Arc::new(AtomicBool::new(false));
        let threads = load(&service.address, &stop);
        pause(round);
        service.child.kill().unwrap();
        stop.store(true, Ordering::SeqCst);
        let shown = joined(threads);
        all_are_kept(&url, &shown).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn no_answered_key_is_lost_when_postgres_is_killed_and_the_service_goes_on() {
    let cluster = Cluster::make();
    let url = cluster.url();
    let store = store::open(&url).await.unwrap();
    store.migrate().await.unwrap();
    populate(&*store).await;
    store.close().await;
    let service = Service::start(&url);
    for round in 0..rounds() {
        let stop = Arc::new(AtomicBool::new(false));
        let threads = load(&service.address, &stop);
        pause(round);
        cluster.kill();
        cluster.start();
        // The service finds its way back without help.
        let mut stream = None;
        let back = (0..200).any(|_| {
            std::thread::sleep(Duration::from_millis(50));
            ask(&mut stream, &service.address, USERS).is_some()
        });
        assert!(back, "the service did not come back");
        stop.store(true, Ordering::SeqCst);
        let shown = joined(threads);
        all_are_kept(&url, &shown).await;
    }
}

/// A Postgres server of this test alone, which may be killed.
struct Cluster {
    folder: PathBuf,
    programs: PathBuf,
    port: u16,
    root: bool,
}

impl Cluster {
    fn make() -> Self {
        let programs = std::env::var("PG_BINDIR")
            .expect("this test needs a Postgres server's programs: PG_BINDIR; tests/run sets it");
        let root = String::from_utf8(Command::new("id").arg("-u").output().unwrap().stdout);
        let root = root.unwrap().trim() == "0";
        // Not under a TMPDIR of root's own, which the owner of the server could not enter.
        let name = format!("foundry-durability.{}", std::process::id());
        let parent = if root { PathBuf::from("/tmp") } else { std::env::temp_dir() };
        let folder = parent.join(name);
        std::fs::create_dir(&folder).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let cluster = Self { folder, programs: programs.into(), port, root };
        if root {
            let folder = cluster.folder.to_str().unwrap();
            assert!(Command::new("chown").args(["postgres:", folder]).status().unwrap().success());
        }
        let data = cluster.data();
        cluster.run("initdb", &["-D", &data, "--username=postgres", "--auth=trust", "--no-sync"]);
        cluster.start();
        cluster
    }

    fn data(&self) -> String {
        self.folder.join("data").to_str().unwrap().to_owned()
    }

    fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let program = self.programs.join(program);
        let mut command = if self.root {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        let command = command.args(arguments).current_dir(&self.folder);
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        assert!(status.status().unwrap().success(), "{arguments:?}");
    }

    /// Starts the server, which repairs itself from its log if it was killed.
    fn start(&self) {
        let log = self.folder.join("log");
        let options = format!("-p {} -h 127.0.0.1 -k ''", self.port);
        let log = log.to_str().unwrap();
        self.run("pg_ctl", &["start", "-D", &self.data(), "-l", log, "-w", "-o", &options]);
    }

    /// SIGKILL, so that nothing is written any more; its children end when they notice.
    fn kill(&self) {
        let pid = std::fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap();
        let pid = pid.lines().next().unwrap();
        let children = Command::new("ps").args(["--ppid", pid, "-o", "pid="]).output().unwrap();
        let children = String::from_utf8(children.stdout).unwrap();
        let mut kill = Command::new("kill");
        kill.args(["-9", pid]).args(children.split_whitespace());
        // A child may have ended by itself in between.
        let _some_were_gone = kill.stderr(Stdio::null()).status().unwrap();
        let gone = (0..500).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            !Command::new("kill")
                .args(["-0", pid])
                .stderr(Stdio::null())
                .status()
                .unwrap()
                .success()
        });
        assert!(gone, "the server did not end");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.run("pg_ctl", &["stop", "-D", &self.data(), "-m", "immediate", "-w"]);
        std::fs::remove_dir_all(&self.folder).unwrap();
    }
}
