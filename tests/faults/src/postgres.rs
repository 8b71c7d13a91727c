//! The run on Postgres: one service, one server, and between them a wire that can be cut.

use crate::cluster::Cluster;
use crate::fault::{DATABASE, Fault};
use crate::process::Folder;
use crate::proxy::Proxy;
use crate::service::Setup;
use crate::world::World;
use crate::{Failure, Options, people, runtime};

/// A Postgres with a migrated database in it, and `users` users.
pub(crate) fn prepared(
    options: &Options,
    users: usize,
    folder: &Folder,
) -> Result<(Cluster, Setup), Failure> {
    let binary = options.binary()?;
    let cluster = Cluster::make()?;
    cluster.database(DATABASE)?;
    let setup = Setup {
        binary,
        url: Cluster::url(cluster.address(), DATABASE),
        data: folder.path().to_owned(),
        sealing_keys: people::sealing_key("first", 1),
        largest_file: None,
    };
    setup.done(&["migrate"])?;
    runtime()?.block_on(people::on_postgres(&setup.url, users))?;
    Ok((cluster, setup))
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let scale = options.scale();
    let schedule = Fault::schedule(&scale);
    let keys = scale.keys.div_ceil(schedule.len().max(1));
    let folder = Folder::make()?;
    let (cluster, mut setup) = prepared(options, keys * schedule.len(), &folder)?;
    let proxy = Proxy::before(vec![cluster.address()])?;
    setup.url = Cluster::url(proxy.address, DATABASE);
    let mut world = World::begin(options, setup, folder.path().join("log"))?;
    for fault in &schedule {
        let name = format!("{fault:?}");
        world.under(&name, keys, keys / 3, |world| fault.strike(world, &cluster, &proxy))?;
    }
    let times = |wanted: &[Fault]| schedule.iter().filter(|fault| wanted.contains(fault)).count();
    let restarts = times(&[Fault::PostgresKilled, Fault::PostgresStopped]);
    let kills = times(&[Fault::ServiceKilled, Fault::ServiceStopped]);
    let other = format!(
        ", {restarts} restarts of Postgres, {} other faults",
        schedule.len() - restarts - kills
    );
    world.end("Postgres", &other)
}
