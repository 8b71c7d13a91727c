//! The database under load: made, filled by SQL, dropped with its server.

use std::time::Duration;

use ring::digest;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use crate::{Failure, Options, process};

pub(crate) struct Database {
    pub(crate) url: String,
    postmaster: u32,
}

/// The id of a user's session.
pub(crate) fn session(user: usize) -> String {
    format!("session-of-user-{user}-for-the-load")
}

impl Database {
    /// A migrated database with that many users, each in one of ten organisations and signed in.
    pub(crate) async fn prepare(
        server: &str,
        options: &Options,
        users: usize,
    ) -> Result<Self, Failure> {
        let name = format!("load_{}", std::process::id());
        let mut admin = PgConnection::connect(server).await?;
        run(&mut admin, &format!("CREATE DATABASE {name}")).await?;
        for (setting, value) in [
            ("commit_delay", (options.flush * 1000).to_string()),
            ("commit_siblings", if options.flush == 0 { "5" } else { "0" }.to_owned()),
        ] {
            run(&mut admin, &format!("ALTER SYSTEM SET {setting} = {value}")).await?;
        }
        run(&mut admin, "SELECT pg_reload_conf()").await?;
        let backend: i32 =
            sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut admin).await?;
        let (base, _) = server.rsplit_once('/').ok_or("odd TEST_DATABASE_URL")?;
        let database = Self {
            url: format!("{base}/{name}"),
            postmaster: process::parent(u32::try_from(backend)?)?,
        };
        crate::variant::migrate(options, &database)?;
        let mut connection = PgConnection::connect(&database.url).await?;
        fill(&mut connection, users, options.rows).await?;
        Ok(database)
    }

    /// The processor time that the server has used, all of its processes.
    pub(crate) fn cpu(&self) -> Result<Duration, Failure> {
        process::cpu(self.postmaster, true)
    }
}

async fn run(connection: &mut PgConnection, sql: &str) -> Result<(), Failure> {
    connection.execute(AssertSqlSafe(sql.to_owned())).await?;
    Ok(())
}

async fn fill(connection: &mut PgConnection, users: usize, rows: u32) -> Result<(), Failure> {
    run(
        connection,
        &format!(
            "INSERT INTO organisations (id, name, created_at)
                 SELECT 'org' || n, 'Organisation ' || n, 0 FROM generate_series(0, 9) n;
             INSERT INTO users (id, name, email, email_folded, password_hash,
                 default_organisation_id, created_at)
                 SELECT 'user' || n, 'user' || n, 'user' || n || '@example.com',
                     'user' || n || '@example.com', '!', 'org' || n % 10, 0
                 FROM generate_series(0, {users} - 1) n;
             INSERT INTO memberships (organisation_id, user_id, created_at)
                 SELECT 'org' || n % 10, 'user' || n, 0 FROM generate_series(0, {users} - 1) n"
        ),
    )
    .await?;
    for user in 0..users {
        let hash = digest::digest(&digest::SHA256, session(user).as_bytes());
        sqlx::query(
            "INSERT INTO sessions (id_hash, user_id, created_at, expires_at)
                 VALUES ($1, $2, 0, 9000000000000)",
        )
        .bind(hash.as_ref())
        .bind(format!("user{user}"))
        .execute(&mut *connection)
        .await?;
    }
    if rows > 0 {
        // Users of the past, with the ring of five keys full.
        run(
            connection,
            &format!(
                "INSERT INTO two_factors (organisation_id, user_id, serial)
                     SELECT 'org' || n % 10, md5(n::text), 5 FROM generate_series(1, {rows}) n;
                 INSERT INTO two_factor_keys (organisation_id, user_id, place, serial, key_id,
                     sealing_key_id, sealed, fingerprint, created_at, expires_at)
                     SELECT 'org' || n % 10, md5(n::text), place, 5 + place,
                         md5(n::text || place), 'k', decode(repeat('00', 48), 'hex'),
                         '0123456789ab', 0, 0
                     FROM generate_series(1, {rows}) n, generate_series(0, 4) place"
            ),
        )
        .await?;
    }
    run(connection, "VACUUM ANALYZE").await?;
    run(connection, "CHECKPOINT").await
}
