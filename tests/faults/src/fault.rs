//! The faults of the run on Postgres: what breaks, and how it is mended again.
//!
//! Adding one: a variant, its line in [`Fault::ALL`], and what it does in [`Fault::strike`]. The crowd
//! is busy when a fault strikes; afterwards everybody in it must get what they asked for, within a
//! minute and without the service's being helped.

use std::time::Duration;

use crate::cluster::{Cluster, Held};
use crate::process::signal;
use crate::proxy::Proxy;
use crate::world::World;
use crate::{Failure, Scale};

/// Longer than the service waits for its database.
const LONGER_THAN_IT_WAITS: Duration = Duration::from_secs(6);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// `kill -9` of the service.
    ServiceKilled,
    /// `kill -9` of the Postgres server and all its processes.
    PostgresKilled,
    /// `pg_ctl stop -m immediate`.
    PostgresStopped,
    /// `pg_terminate_backend` of every connection of the service.
    BackendsEnded,
    /// Connections cut on their way, several times in a row.
    ConnectionsCut,
    /// Connections cut when the reply comes: the statement has been executed.
    RepliesSwallowed,
    /// A lock that lets no statement through, for longer than the service waits.
    TableLocked,
    /// No connection left that Postgres would accept.
    ConnectionsExhausted,
    /// Every reply of Postgres late by a fifth of a second.
    RepliesLate,
    /// Backends stopped by `SIGSTOP`, and let go on.
    BackendsFrozen,
    /// The other end of every connection gone without a word.
    PostgresVanished,
    /// `SIGTERM` under load.
    ServiceStopped,
}

impl Fault {
    const ALL: [Self; 12] = [
        Self::ServiceKilled,
        Self::PostgresKilled,
        Self::BackendsEnded,
        Self::ConnectionsCut,
        Self::PostgresStopped,
        Self::RepliesSwallowed,
        Self::TableLocked,
        Self::ConnectionsExhausted,
        Self::RepliesLate,
        Self::BackendsFrozen,
        Self::PostgresVanished,
        Self::ServiceStopped,
    ];

    fn times(self, scale: &Scale) -> usize {
        match self {
            Self::ServiceKilled => scale.kills,
            Self::PostgresKilled => scale.restarts.div_ceil(2),
            Self::PostgresStopped => scale.restarts / 2,
            _ => scale.others,
        }
    }

    /// All of a run, mixed.
    pub(crate) fn schedule(scale: &Scale) -> Vec<Self> {
        let most = Self::ALL.iter().map(|fault| fault.times(scale)).max().unwrap_or(0);
        let round = |round| Self::ALL.into_iter().filter(move |fault| round < fault.times(scale));
        (0..most).flat_map(round).collect()
    }

    /// Breaks something, and mends what does not mend itself.
    pub(crate) fn strike(
        self,
        world: &mut World,
        cluster: &Cluster,
        proxy: &Proxy,
    ) -> Result<(), Failure> {
        match self {
            Self::ServiceKilled => world.kill_service()?,
            Self::ServiceStopped => world.stop_service()?,
            Self::PostgresKilled => {
                cluster.kill()?;
                world.service()?.is_live()?;
                cluster.start()?;
            }
            Self::PostgresStopped => {
                cluster.stop_immediately()?;
                world.service()?.is_live()?;
                cluster.start()?;
            }
            Self::BackendsEnded => cluster.terminate_backends()?,
            Self::ConnectionsCut => {
                for _ in 0..5 {
                    proxy.cut();
                    std::thread::sleep(Duration::from_millis(40));
                }
            }
            Self::RepliesSwallowed => {
                proxy.swallow(12);
                std::thread::sleep(Duration::from_millis(300));
                proxy.swallow(0);
            }
            Self::TableLocked => {
                let lock = "LOCK TABLE two_factors, memberships IN ACCESS EXCLUSIVE MODE";
                let held = Held::by(cluster, DATABASE, lock)?;
                world.must_be_felt(|| {
                    std::thread::sleep(LONGER_THAN_IT_WAITS);
                    world.service()?.is_live()
                })?;
                drop(held);
            }
            Self::ConnectionsExhausted => {
                let held = Held::all_connections(cluster)?;
                std::thread::sleep(Duration::from_secs(1));
                world.service()?.is_live()?;
                drop(held);
            }
            Self::RepliesLate => {
                proxy.delay(Duration::from_millis(200));
                std::thread::sleep(Duration::from_secs(2));
                proxy.delay(Duration::ZERO);
            }
            Self::BackendsFrozen => {
                let backends = cluster.backends()?;
                signal(&backends, "STOP")?;
                std::thread::sleep(Duration::from_secs(3));
                signal(&backends, "CONT")?;
            }
            Self::PostgresVanished => {
                proxy.abandon();
                std::thread::sleep(Duration::from_millis(500));
                world.service()?.is_live()?;
            }
        }
        Ok(())
    }
}

/// The database of the run.
pub(crate) const DATABASE: &str = "faults";
