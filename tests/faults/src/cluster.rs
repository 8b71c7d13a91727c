//! A Postgres server of the run alone, which may be killed. Its settings are the honest ones: what
//! it has committed is on the disk.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use crate::process::{self, Folder, until};
use crate::{Failure, runtime};

/// The most connections: what four services may want (24 each) and some for others, and few enough
/// to fill them.
const CONNECTIONS: usize = 120;

pub(crate) struct Cluster {
    folder: Folder,
    programs: PathBuf,
    port: u16,
}

impl Cluster {
    /// A server that is running, with a user `foundry`.
    pub(crate) fn make() -> Result<Self, Failure> {
        let cluster = Self::empty()?;
        let data = cluster.data();
        let arguments = ["-D", &data, "--username=postgres", "--auth=trust", "--no-sync"];
        cluster.owner("initdb", &arguments)?;
        cluster.start()?;
        cluster.sql("postgres", "CREATE ROLE foundry LOGIN")?;
        cluster.is_honest()?;
        Ok(cluster)
    }

    fn empty() -> Result<Self, Failure> {
        let programs = std::env::var("PG_BINDIR").map_err(
            |_| "PG_BINDIR must name the directory of initdb and the rest; tests/faults/run sets it",
        )?;
        let folder = Folder::make()?;
        if process::is_root() {
            process::run(Command::new("chown").arg("postgres:").arg(folder.path()))?;
        }
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        Ok(Self { folder, programs: programs.into(), port })
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// The URL of a database here for the service, by way of `address`.
    pub(crate) fn url(address: SocketAddr, database: &str) -> String {
        format!("postgres://foundry@{address}/{database}")
    }

    /// A connection of the superuser. Those who are about to be turned away hold one of the server's
    /// places until they are, also one of the superuser's, so it is asked for more than once.
    async fn administer(&self, database: &str) -> Result<PgConnection, Failure> {
        for _ in 0..50 {
            match PgConnection::connect(&self.admin(database)).await {
                Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("53300") => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                connected => return Ok(connected?),
            }
        }
        Err("the server has no place for its superuser".into())
    }

    fn admin(&self, database: &str) -> String {
        format!("postgres://postgres@{}/{database}", self.address())
    }

    /// Runs one of the server's programs as its owner.
    fn owner(&self, program: &str, arguments: &[&str]) -> Result<(), Failure> {
        let program = self.programs.join(program);
        let mut command = if process::is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        // Not a pipe: the server would hold it open for as long as it runs.
        let said = fs::File::create(self.folder.path().join("said"))?;
        let command = command.args(arguments).current_dir(self.folder.path());
        let command = command.stdin(Stdio::null()).stdout(said.try_clone()?).stderr(said);
        if command.status()?.success() {
            return Ok(());
        }
        let said = fs::read_to_string(self.folder.path().join("said"))?;
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        Err(format!("{}: {said}{log}", arguments.join(" ")).into())
    }

    /// Starts the server, which repairs itself from its log if it was killed.
    pub(crate) fn start(&self) -> Result<(), Failure> {
        let log = self.folder.path().join("log").display().to_string();
        let options = format!(
            "-p {} -h 127.0.0.1 -k '' -c max_connections={CONNECTIONS} -c shared_buffers=32MB",
            self.port
        );
        let arguments = ["start", "-D", &self.data(), "-l", &log, "-w", "-t", "60", "-o", &options];
        self.owner("pg_ctl", &arguments)
    }

    /// Stops it as if the power had failed, as far as a process can.
    pub(crate) fn stop_immediately(&self) -> Result<(), Failure> {
        self.owner("pg_ctl", &["stop", "-D", &self.data(), "-m", "immediate", "-w", "-t", "30"])
    }

    fn postmaster(&self) -> Result<u32, Failure> {
        let text = fs::read_to_string(self.folder.path().join("data/postmaster.pid"))?;
        Ok(text.lines().next().ok_or("odd postmaster.pid")?.parse()?)
    }

    /// SIGKILL for the server and all that belongs to it.
    pub(crate) fn kill(&self) -> Result<(), Failure> {
        let postmaster = self.postmaster()?;
        let mut family = vec![postmaster];
        family.extend(process::children(postmaster)?);
        process::signal(&family, "KILL")?;
        until(Duration::from_secs(20), "Postgres, killed, ends", || !process::exist(&family))
    }

    /// Statements as the server's owner.
    pub(crate) fn sql(&self, database: &str, statements: &str) -> Result<(), Failure> {
        runtime()?.block_on(async {
            let mut connection = self.administer(database).await?;
            connection.execute(AssertSqlSafe(statements.to_owned())).await?;
            Ok(connection.close().await?)
        })
    }

    /// What a query answers, in its first column.
    pub(crate) fn ask<T>(&self, database: &str, query: &str) -> Result<Vec<T>, Failure>
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
    {
        runtime()?.block_on(async {
            let mut connection = self.administer(database).await?;
            let query = sqlx::query_scalar(AssertSqlSafe(query.to_owned()));
            let rows = query.fetch_all(&mut connection).await?;
            connection.close().await?;
            Ok(rows)
        })
    }

    /// An empty database of the service's own.
    pub(crate) fn database(&self, name: &str) -> Result<(), Failure> {
        self.sql("postgres", &format!("CREATE DATABASE {name} OWNER foundry"))
    }

    /// Runs one of Postgres' client programs against a database, such as `pg_dump`.
    pub(crate) fn client(
        &self,
        program: &str,
        database: &str,
        arguments: &[&str],
    ) -> Result<String, Failure> {
        let mut command = Command::new(self.programs.join(program));
        command.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "foundry"]);
        process::run(command.args(["-d", database]).args(arguments))
    }

    /// The processes that serve connections of the service.
    pub(crate) fn backends(&self) -> Result<Vec<u32>, Failure> {
        let pids: Vec<i32> = self.ask(
            "postgres",
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'foundry-api'",
        )?;
        Ok(pids.into_iter().filter_map(|pid| u32::try_from(pid).ok()).collect())
    }

    /// Ends all connections of the service.
    pub(crate) fn terminate_backends(&self) -> Result<(), Failure> {
        let ended: Vec<bool> = self.ask(
            "postgres",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'foundry-api'",
        )?;
        drop(ended);
        Ok(())
    }

    /// A run against a server that may lose what it has confirmed would prove nothing.
    fn is_honest(&self) -> Result<(), Failure> {
        for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
            let value: Vec<String> = self.ask("postgres", &format!("SHOW {setting}"))?;
            if value != ["on"] {
                return Err(format!("{setting} is {value:?}, and must be on").into());
            }
        }
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // A process that stands still does not stop, either.
        let _gone = process::signal(&self.backends().unwrap_or_default(), "CONT");
        let _stopped = self.stop_immediately();
    }
}

/// Statements that hold something until this is dropped.
pub(crate) struct Held(Option<PgConnection>);

impl Held {
    /// Begins a transaction as the server's owner.
    pub(crate) fn by(cluster: &Cluster, database: &str, statement: &str) -> Result<Self, Failure> {
        runtime()?.block_on(async {
            let mut connection = PgConnection::connect(&cluster.admin(database)).await?;
            connection.execute(AssertSqlSafe(format!("BEGIN; {statement}"))).await?;
            Ok(Self(Some(connection)))
        })
    }

    /// All connections that the server has for others than its owner; the service has none left.
    pub(crate) fn all_connections(cluster: &Cluster) -> Result<Vec<Self>, Failure> {
        let url = Cluster::url(cluster.address(), "postgres");
        let mut held = Vec::new();
        // The service wants back what it loses: it takes some rounds until all is taken from it.
        for _ in 0..50 {
            cluster.terminate_backends()?;
            while let Ok(connection) = runtime()?.block_on(PgConnection::connect(&url)) {
                held.push(Self(Some(connection)));
            }
            if cluster.backends()?.is_empty() {
                return Ok(held);
            }
        }
        Err("the server's connections do not run out".into())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let (Some(connection), Ok(runtime)) = (self.0.take(), runtime()) {
            // The server may be gone, and with it what was held.
            let _gone = runtime.block_on(connection.close());
        }
    }
}
