//! Backups as README describes them: taken under load, restored, and with a sealing key missing. Each
//! key that was shown before the backup began must verify on what was restored.

use std::fs;
use std::path::Path;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, SqliteConnection};

use crate::client::once;
use crate::cluster::Cluster;
use crate::crowd::{Crowd, Shown, lost};
use crate::fault::DATABASE;
use crate::people::{get, sealing_key, verify};
use crate::process::{Folder, until};
use crate::service::{Service, Setup};
use crate::{Failure, Options, embedded, postgres, runtime};

/// Keys before the backup, and as many again while it is taken.
const KEYS: usize = 300;

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    from_a_dump(options)?;
    from_a_file(options)
}

/// Has keys made, and `back_up` be called while more are. Gives those made before.
fn made(
    options: &Options,
    service: &Service,
    back_up: impl FnOnce() -> Result<(), Failure>,
) -> Result<Vec<Shown>, Failure> {
    let crowd = Crowd::gather(options.clients, service.address, 0);
    crowd.allow(KEYS);
    crowd.wait_for(KEYS)?;
    let before = crowd.seen(0);
    crowd.allow(KEYS);
    back_up()?;
    crowd.wait_for(2 * KEYS)?;
    let _all = crowd.dismiss()?;
    Ok(before)
}

fn from_a_dump(options: &Options) -> Result<(), Failure> {
    let folder = Folder::make()?;
    let (cluster, setup) = postgres::prepared(options, 2 * KEYS, &folder)?;
    let dump = folder.path().join("foundry.dump").display().to_string();
    let service = setup.start(&folder.path().join("log"))?;
    let shown = made(options, &service, || {
        cluster.client("pg_dump", DATABASE, &["--format=custom", "--file", &dump]).map(drop)
    })?;
    service.stop()?;
    let restored = |name: &str| {
        cluster.database(name)?;
        cluster.client("pg_restore", name, &["--no-owner", "--exit-on-error", &dump])?;
        let url = Cluster::url(cluster.address(), name);
        Ok::<_, Failure>(Setup { url, ..setup.clone() })
    };
    all_verify(options, &restored("restored")?, &shown)?;
    println!("Restore: {KEYS} keys of a dump taken under load verified");
    let mut other = restored("restored_without_key")?;
    other.sealing_keys = sealing_key("second", 2);
    let with = format!("{},{}", sealing_key("second", 2), sealing_key("first", 1));
    a_missing_key_is_named(options, other, "first", &with, &shown)
}

fn from_a_file(options: &Options) -> Result<(), Failure> {
    let folder = Folder::make()?;
    let data = folder.path().join("data");
    fs::create_dir(&data)?;
    let setup = embedded::prepared(options, 2 * KEYS, &data)?;
    let service = setup.start(&folder.path().join("log"))?;
    let copy = folder.path().join("copy");
    fs::create_dir(&copy)?;
    let shown = made(options, &service, || {
        let vacuum = format!("VACUUM INTO '{}'", embedded::file(&copy).display());
        runtime()?.block_on(async {
            let mut connection = SqliteConnection::connect(&setup.url).await?;
            connection.execute(AssertSqlSafe(vacuum)).await?;
            Ok::<_, Failure>(connection.close().await?)
        })?;
        fs::copy(data.join(KEY_FILE), copy.join(KEY_FILE))?;
        Ok(())
    })?;
    // Killed, so that the log beside the file holds what the file does not.
    service.kill()?;
    let whole = folder.path().join("whole");
    copied(&data, &whole)?;
    let keyless = folder.path().join("keyless");
    copied(&copy, &keyless)?;
    all_verify(options, &setup.at(&copy), &shown)?;
    all_verify(options, &setup.at(&whole), &shown)?;
    println!(
        "Restore: {KEYS} keys of a copy taken under load verified, and of a copy of the folder"
    );

    let list = fs::read_to_string(data.join(KEY_FILE))?;
    let list = list.trim();
    let id = list.split(':').next().unwrap_or_default();
    fs::remove_file(keyless.join(KEY_FILE))?;
    let mut other = setup.at(&keyless);
    other.sealing_keys = sealing_key("second", 2);
    let with = format!("{},{list}", sealing_key("second", 2));
    a_missing_key_is_named(options, other, id, &with, &shown)
}

/// Where the embedded store's sealing keys are.
const KEY_FILE: &str = "sealing.keys";

impl Setup {
    /// The same on the embedded store in another folder.
    fn at(&self, data: &Path) -> Self {
        let url = format!("sqlite:{}", embedded::file(data).display());
        Self { url, data: data.to_owned(), ..self.clone() }
    }
}

fn copied(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

fn all_verify(options: &Options, setup: &Setup, shown: &[Shown]) -> Result<(), Failure> {
    setup.done(&["keys", "status"])?;
    let service = setup.start(&setup.data.join("restored.log"))?;
    let ready = once(service.address, &get("/health/ready"));
    if !ready.as_ref().is_ok_and(|reply| reply.status == 200) {
        return Err(format!("what was restored is not ready: {ready:?}").into());
    }
    let lost = lost(options.clients, service.address, shown);
    if let Some(first) = lost.first() {
        return Err(format!("{} keys are not in the backup, the first: {first}", lost.len()).into());
    }
    service.stop()?;
    Ok(())
}

/// With a key missing: `keys status`, the log of the start, `/health/ready` and the log of a request
/// that needs it all say so, and which. `with` is the list with the key.
fn a_missing_key_is_named(
    options: &Options,
    mut setup: Setup,
    id: &str,
    with: &str,
    shown: &[Shown],
) -> Result<(), Failure> {
    let (succeeded, said) = setup.tell(&["keys", "status"])?;
    let line = said.lines().find(|line| line.starts_with(&format!("{id}\t")));
    if succeeded || !line.is_some_and(|line| line.ends_with("NOT CONFIGURED")) {
        return Err(format!("keys status does not name the missing key '{id}': {said}").into());
    }
    let log = setup.data.join(format!("without-{id}.log"));
    let service = setup.start(&log)?;
    let told = || service.log().unwrap_or_default();
    until(Duration::from_secs(20), "the log of the start names the missing key", || {
        told().lines().any(|line| line.contains("not configured") && line.contains(id))
    })?;
    let ready = once(service.address, &get("/health/ready"));
    if !ready.as_ref().is_ok_and(|reply| reply.status == 503 && reply.body.contains("sealing")) {
        return Err(format!("/health/ready with a key missing: {ready:?}").into());
    }
    let reply = once(service.address, &verify(shown[0].user, &shown[0].secret))
        .map_err(|missing| format!("{missing:?}"))?;
    let request = reply.header("X-Request-Id").unwrap_or_default();
    let log = told();
    let line = log.lines().find(|line| line.contains(request) && line.contains(id));
    if reply.status != 500 || request.is_empty() || reply.body.contains(id) || line.is_none() {
        return Err(
            format!("a code whose key does not open: {}; the log: {log}", reply.told()).into()
        );
    }
    service.stop()?;
    with.clone_into(&mut setup.sealing_keys);
    all_verify(options, &setup, shown)?;
    println!("Restore: a missing sealing key is named, and with it {KEYS} keys verified");
    Ok(())
}
