//! The run on the embedded store: the service is killed, the file is locked by somebody else, and
//! the disk is full.
//!
//! The full disk is a tmpfs of a few MiB where this may mount one (it runs as root); elsewhere it is
//! a limit on the size of files, which the store meets in the same place. Which one it was is printed;
//! where neither works, the run fails.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::{Connection as _, Executor as _, SqliteConnection};

use crate::process::{self, Folder, until};
use crate::service::Setup;
use crate::world::World;
use crate::{Failure, Options, people, runtime};

/// Longer than the service waits for the write lock.
const LONGER_THAN_IT_WAITS: Duration = Duration::from_secs(6);
/// The size of the full disk, with users and room for some keys.
const DISK: u64 = 6 * 1024 * 1024;

/// A migrated store in a folder, with `users` users.
pub(crate) fn prepared(options: &Options, users: usize, data: &Path) -> Result<Setup, Failure> {
    let setup = Setup {
        binary: options.binary()?,
        url: format!("sqlite:{}", file(data).display()),
        data: data.to_owned(),
        sealing_keys: String::new(),
        largest_file: None,
    };
    setup.done(&["migrate"])?;
    runtime()?.block_on(people::on_sqlite(&setup.url, users))?;
    Ok(setup)
}

/// The store's file in its folder.
pub(crate) fn file(data: &Path) -> PathBuf {
    data.join("foundry.db")
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    killed_and_locked(options)?;
    if process::is_root() {
        let folder = Folder::make()?;
        let disk = Disk::mount(folder.path())?;
        println!("Embedded: a disk that fills up: a tmpfs of {DISK} bytes");
        out_of_disk(options, &folder.path().join("disk"), &disk)?;
    } else {
        println!("Embedded: may not mount a tmpfs, which root may");
    }
    // Also as root: it is another error that the store meets.
    println!("Embedded: a disk that fills up: a limit on the size of files");
    let folder = Folder::make()?;
    out_of_disk(options, folder.path(), &Limit)
}

fn killed_and_locked(options: &Options) -> Result<(), Failure> {
    let scale = options.scale();
    let rounds = scale.kills + 2 * scale.others;
    // A tenth of the keys: here it is the kills that count.
    let keys = scale.keys.div_ceil(10).div_ceil(rounds).max(200);
    let folder = Folder::make()?;
    let setup = prepared(options, keys * rounds, folder.path())?;
    let url = setup.url.clone();
    let mut world = World::begin(options, setup, folder.path().join("log"))?;
    for _ in 0..scale.kills {
        world.under("ServiceKilled", keys, keys / 3, World::kill_service)?;
    }
    for _ in 0..scale.others {
        world.under("ServiceStopped", keys, keys / 3, World::stop_service)?;
        world.under("StoreLocked", keys, keys / 3, |world| {
            let runtime = runtime()?;
            let holder = runtime.block_on(async {
                let mut holder = SqliteConnection::connect(&url).await?;
                holder.execute("BEGIN IMMEDIATE").await?;
                Ok::<_, Failure>(holder)
            })?;
            world.must_be_felt(|| {
                std::thread::sleep(LONGER_THAN_IT_WAITS);
                world.service()?.is_live()
            })?;
            Ok(runtime.block_on(holder.close())?)
        })?;
    }
    world.end("Embedded", &format!(", {} times locked by somebody else", scale.others))
}

/// What can be full, and have room again.
trait Fillable {
    fn prepare(&self, setup: &mut Setup) -> Result<(), Failure>;
    fn make_room(&self, service: u32) -> Result<(), Failure>;
}

/// Keys until the disk is full: then the service says so, and goes on when there is room again.
fn out_of_disk(options: &Options, data: &Path, disk: &dyn Fillable) -> Result<(), Failure> {
    let keys = 400;
    let mut setup = prepared(options, keys, data)?;
    disk.prepare(&mut setup)?;
    let mut world = World::begin(options, setup, data.join("log"))?;
    // The disk is full long before a third of this is there.
    world.under("DiskFull", keys, 0, |world| {
        let unavailable = || world.crowd.counts().unavailable.load(Ordering::SeqCst);
        until(Duration::from_mins(1), "the disk is full", || unavailable() > 100)?;
        let service = world.service()?;
        service.is_live()?;
        disk.make_room(service.pid())
    })?;
    world.end("Embedded", ", a full disk")
}

/// A small file system with ballast on it.
struct Disk(PathBuf);

impl Disk {
    fn mount(folder: &Path) -> Result<Self, Failure> {
        let place = folder.join("disk");
        fs::create_dir(&place)?;
        let size = format!("size={DISK}");
        process::run(
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&place),
        )?;
        Ok(Self(place))
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }
}

impl Fillable for Disk {
    /// Leaves 200 KiB: room for the first keys.
    fn prepare(&self, _setup: &mut Setup) -> Result<(), Failure> {
        let used: u64 = fs::read_dir(&self.0)?
            .map(|entry| Ok(entry?.metadata()?.len()))
            .sum::<std::io::Result<u64>>()?;
        let left = DISK.checked_sub(used + 200 * 1024).ok_or("the disk is too small")?;
        Ok(fs::write(self.ballast(), vec![1; usize::try_from(left)?])?)
    }

    fn make_room(&self, _service: u32) -> Result<(), Failure> {
        Ok(fs::remove_file(self.ballast())?)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _gone = process::run(Command::new("umount").arg("--lazy").arg(&self.0));
    }
}

/// A limit on the size of the service's files.
struct Limit;

impl Fillable for Limit {
    /// Room for a log of 200 KiB, and none for a larger file.
    fn prepare(&self, setup: &mut Setup) -> Result<(), Failure> {
        let size = fs::metadata(file(&setup.data))?.len();
        let largest = 200 * 1024;
        if size < largest {
            return Err("the store is smaller than the limit that is to stop it".into());
        }
        setup.largest_file = Some(largest);
        Ok(())
    }

    fn make_room(&self, service: u32) -> Result<(), Failure> {
        let pid = service.to_string();
        process::run(Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited"]))?;
        Ok(())
    }
}
