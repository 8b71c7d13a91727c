//! What was accepted is answered: the service is told to stop while requests wait in it for the
//! database, on each store. And it does stop, although its database is gone.

use std::net::SocketAddr;
use std::time::Duration;

use sqlx::{Connection as _, Executor as _, SqliteConnection};

use crate::client::{Missing, Reply, once};
use crate::cluster::{Cluster, Held};
use crate::crowd::{Shown, lost};
use crate::fault::DATABASE;
use crate::people::generate;
use crate::process::Folder;
use crate::proxy::Proxy;
use crate::service::Setup;
use crate::{Failure, Options, embedded, postgres, runtime};

/// Requests that wait at a time.
const WAITING: usize = 40;

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let folder = Folder::make()?;
    let (cluster, setup) = postgres::prepared(options, WAITING, &folder)?;
    story(options, "Postgres", &setup, || {
        Held::by(&cluster, DATABASE, "LOCK TABLE two_factors IN ACCESS EXCLUSIVE MODE")
    })?;

    without_postgres(&cluster, &setup)?;

    let folder = Folder::make()?;
    let setup = embedded::prepared(options, WAITING, folder.path())?;
    story(options, "the embedded store", &setup, || {
        runtime()?.block_on(async {
            let mut holder = SqliteConnection::connect(&setup.url).await?;
            holder.execute("BEGIN IMMEDIATE").await?;
            Ok(Locked(Some(holder)))
        })
    })
}

/// Postgres vanishes while the service, just started, has statements of its own under way.
fn without_postgres(cluster: &Cluster, setup: &Setup) -> Result<(), Failure> {
    let proxy = Proxy::before(vec![cluster.address()])?;
    let setup = Setup { url: Cluster::url(proxy.address, DATABASE), ..setup.clone() };
    proxy.delay(Duration::from_millis(300));
    let service = setup.start(&setup.data.join("log"))?;
    std::thread::sleep(Duration::from_secs(2));
    proxy.abandon();
    let took = service.stop()?;
    println!("Stopping, while Postgres has vanished: status 0 after {} ms", took.as_millis());
    Ok(())
}

/// The write lock of an embedded store.
struct Locked(Option<SqliteConnection>);

impl Drop for Locked {
    fn drop(&mut self) {
        if let (Some(holder), Ok(runtime)) = (self.0.take(), runtime()) {
            let _closed = runtime.block_on(holder.close());
        }
    }
}

fn story<H>(
    options: &Options,
    store: &str,
    setup: &Setup,
    hold: impl FnOnce() -> Result<H, Failure>,
) -> Result<(), Failure> {
    let log = setup.data.join("log");
    let service = setup.start(&log)?;
    let address = service.address;
    let held = hold()?;
    let (took, replies) = std::thread::scope(|scope| {
        let waiting: Vec<_> =
            (0..WAITING).map(|user| scope.spawn(move || once(address, &generate(user)))).collect();
        // They are in the service by then, and none of them can be answered.
        std::thread::sleep(Duration::from_secs(1));
        let stopping = scope.spawn(move || service.stop());
        std::thread::sleep(Duration::from_millis(500));
        let late = late(address);
        drop(held);
        let took = stopping.join().map_err(|_| "stopping panicked")??;
        let mut replies = Vec::new();
        for thread in waiting {
            replies.push(thread.join().map_err(|_| "a client panicked")?);
        }
        late?;
        Ok::<_, Failure>((took, replies))
    })?;
    let shown = accepted(replies)?;
    println!(
        "Stopping, on {store}: {WAITING} requests waited, {} were answered; status 0 after {} ms",
        shown.len(),
        took.as_millis()
    );
    let service = setup.start(&log)?;
    if let Some(first) = lost(options.clients, service.address, &shown).first() {
        return Err(format!("a key that was answered while stopping is lost: {first}").into());
    }
    service.stop()?;
    Ok(())
}

/// Whoever comes after the signal is not let in.
fn late(address: SocketAddr) -> Result<(), Failure> {
    match once(address, &generate(0)) {
        Err(Missing::Refused | Missing::Broken) => Ok(()),
        other => Err(format!("after SIGTERM a new connection got {other:?}").into()),
    }
}

/// Each of them has its key, and was told that the connection ends.
fn accepted(replies: Vec<Result<Reply, Missing>>) -> Result<Vec<Shown>, Failure> {
    let mut shown = Vec::new();
    for (user, reply) in replies.into_iter().enumerate() {
        match reply {
            Ok(reply) if reply.status == 200 => {
                let secret = reply.secret().ok_or("a reply without a URI")?;
                shown.push(Shown { user, secret });
            }
            other => return Err(format!("accepted and not answered: {other:?}").into()),
        }
    }
    Ok(shown)
}
