//! The users of a run, and what they ask for. Each asks for one key, so each key that was answered
//! can be verified by itself.

use std::time::{SystemTime, UNIX_EPOCH};

use data_encoding::BASE64;
use ring::{digest, hmac};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, SqliteConnection};

use crate::Failure;
use crate::token::bearer;

/// 32 bytes for HS256, for these runs only.
pub(crate) const JWT_KEY: [u8; 32] = [7; 32];

/// A sealing key, as `FOUNDRY_SEALING_KEYS` takes it.
pub(crate) fn sealing_key(id: &str, fill: u8) -> String {
    format!("{id}:{}", BASE64.encode(&[fill; 32]))
}

/// The organisation of a user.
pub(crate) fn organisation(user: usize) -> String {
    format!("org{}", user % 10)
}

fn session(user: usize) -> String {
    format!("session-of-user-{user}-for-the-faults")
}

const ORGANISATIONS: &str = "INSERT INTO organisations (id, name, created_at) \
    SELECT 'org' || n, 'Organisation ' || n, 0 FROM ";
const USERS: &str = "INSERT INTO users (id, name, email, email_folded, password_hash, \
    default_organisation_id, created_at) \
    SELECT 'user' || n, 'user' || n, 'user' || n || '@example.com', \
    'user' || n || '@example.com', '!', 'org' || (n % 10), 0 FROM ";
const MEMBERSHIPS: &str = "INSERT INTO memberships (organisation_id, user_id, created_at) \
    SELECT 'org' || (n % 10), 'user' || n, 0 FROM ";
const SESSIONS: &str = "INSERT INTO sessions (id_hash, user_id, created_at, expires_at) \
    VALUES ($1, $2, 0, 9000000000000)";

/// Makes `count` users, each a member of one of ten organisations, half of them with a session.
macro_rules! populate {
    ($name:ident, $connection:ty, $series:literal) => {
        pub(crate) async fn $name(url: &str, count: usize) -> Result<(), Failure> {
            let mut connection = <$connection>::connect(url).await?;
            let mut transaction = connection.begin().await?;
            let last = count.saturating_sub(1);
            for (statement, last) in [(ORGANISATIONS, 9), (USERS, last), (MEMBERSHIPS, last)] {
                let sql = format!(concat!("{} ", $series), statement, last);
                transaction.execute(AssertSqlSafe(sql)).await?;
            }
            for user in (0..count).filter(|user| !by_bearer(*user)) {
                let hash = digest::digest(&digest::SHA256, session(user).as_bytes());
                let sessions = sqlx::query(SESSIONS).bind(hash.as_ref().to_vec());
                sessions.bind(format!("user{user}")).execute(&mut *transaction).await?;
            }
            transaction.commit().await?;
            Ok(connection.close().await?)
        }
    };
}

populate!(on_postgres, PgConnection, "generate_series(0, {}) n");
populate!(
    on_sqlite,
    SqliteConnection,
    "(WITH RECURSIVE series(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM series WHERE n < {}) \
     SELECT n FROM series)"
);

fn by_bearer(user: usize) -> bool {
    user % 4 >= 2
}

/// A request for a key: every other user speaks JSV, and every other pair of them shows a token.
pub(crate) fn generate(user: usize) -> Vec<u8> {
    let organisation = organisation(user);
    let (media_type, body) = if user.is_multiple_of(2) {
        ("application/json", format!("{{\"organisationId\":\"{organisation}\"}}"))
    } else {
        ("text/jsv", format!("{{OrganisationId:{organisation}}}"))
    };
    put("/users/2fa/generate-key", &login(user), media_type, &body)
}

/// Shows the code of `secret` at this moment.
pub(crate) fn verify(user: usize, secret: &[u8]) -> Vec<u8> {
    let organisation = organisation(user);
    let code = code(secret, now());
    let body = format!("{{\"organisationId\":\"{organisation}\",\"code\":\"{code}\"}}");
    put("/users/2fa/verify", &login(user), "application/json", &body)
}

/// A `PUT` with these credentials, a line of its own.
pub(crate) fn put(path: &str, login: &str, media_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "PUT {path} HTTP/1.1\r\nHost: faults\r\nAccept: {media_type}\r\n\
         Content-Type: {media_type}\r\n{login}\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// A `GET` of what needs no credentials.
pub(crate) fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: faults\r\n\r\n").into_bytes()
}

/// A user's credentials, as a header line.
pub(crate) fn login(user: usize) -> String {
    if by_bearer(user) {
        format!("Authorization: Bearer {}", bearer(user, &JWT_KEY, now()))
    } else {
        format!("Cookie: ss-id={}", session(user))
    }
}

/// Seconds since the epoch.
pub(crate) fn now() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "the service that runs goes by the real time")]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs())
}

/// What an authenticator app shows at that time (RFC 6238: SHA-1, 30 seconds, six digits).
pub(crate) fn code(secret: &[u8], seconds: u64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &(seconds / 30).to_be_bytes());
    let at = usize::from(tag.as_ref()[19] & 15);
    let four = tag.as_ref()[at..at + 4].iter().fold(0, |all, byte| all << 8 | u32::from(*byte));
    format!("{:06}", (four & 0x7FFF_FFFF) % 1_000_000)
}

#[cfg(test)]
mod tests {
    /// RFC 6238 appendix B, the last six digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        for (seconds, code) in
            [(59, "287082"), (1_111_111_109, "081804"), (2_000_000_000, "279037")]
        {
            assert_eq!(super::code(b"12345678901234567890", seconds), code);
        }
    }
}
