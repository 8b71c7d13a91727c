//! Postgres' sources: what is asked together is one statement over arrays.

use async_trait::async_trait;
use sqlx::Row as _;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgPool, PgRow};
use sqlx::query::Query;

use super::{Gather, Settings, Source};
use crate::clock::Timestamp;
use crate::store::lookups::By;
use crate::store::postgres::{membership_of, user_of};
use crate::store::questions::MANY;
use crate::store::{Membership, Result, User};

/// From the pool. To take one out and to give it back costs more than to ask, so a lane keeps its own
/// while there is something to ask.
type Connection = PoolConnection<sqlx::Postgres>;

/// How many kinds of questions there are.
pub(in crate::store) const KINDS: usize = 5;

/// A gathering place for each kind of question.
#[derive(Debug)]
pub(in crate::store) struct Gathered {
    sessions: Gather<Hashes>,
    sign_ins: Gather<Ids>,
    api_keys: Gather<Hashes>,
    names: Gather<Names>,
    memberships: Gather<Memberships>,
}

impl Gathered {
    /// Must be called on the runtime that is to drive it.
    pub(in crate::store) fn start(pool: &PgPool, settings: Settings) -> Self {
        let hashes = |statement| Hashes { pool: pool.clone(), statement };
        Self {
            sessions: Gather::start(hashes(MANY.session), settings),
            sign_ins: Gather::start(Ids(pool.clone()), settings),
            api_keys: Gather::start(hashes(MANY.api_key), settings),
            names: Gather::start(Names(pool.clone()), settings),
            memberships: Gather::start(Memberships(pool.clone()), settings),
        }
    }

    pub(in crate::store) async fn user(&self, by: By<'_>, now: Timestamp) -> Result<Option<User>> {
        match by {
            By::SignIn(text) | By::Name(text) if !is_text(text) => Ok(None),
            By::Session(hash) => self.sessions.find((hash.to_vec(), now)).await,
            By::SignIn(id) => self.sign_ins.find((id.to_owned(), now)).await,
            By::ApiKey(hash) => self.api_keys.find((hash.to_vec(), now)).await,
            By::Name(name) => self.names.find(name.to_owned()).await,
        }
    }

    pub(in crate::store) async fn membership(
        &self,
        user: &str,
        organisation: &str,
        credential: &[u8],
    ) -> Result<Option<Membership>> {
        if !is_text(user) || !is_text(organisation) {
            return Ok(None);
        }
        let (user, organisation) = (user.to_owned(), organisation.to_owned());
        self.memberships.find((organisation, user, credential.to_vec())).await
    }
}

/// Whether Postgres can hold a text. It refuses a NUL in one that it is asked for, and with it all that
/// is asked for beside it; nothing of that name can be there.
fn is_text(given: &str) -> bool {
    !given.contains('\0')
}

/// Users by what the hash of is kept, at a time.
struct Hashes {
    pool: PgPool,
    statement: &'static str,
}

#[async_trait]
impl Source for Hashes {
    type Connection = Connection;
    type Question = (Vec<u8>, Timestamp);
    type Answer = User;

    async fn connect(&self) -> sqlx::Result<Connection> {
        self.pool.acquire().await
    }

    async fn ask(
        &self,
        connection: &mut Connection,
        questions: &[&Self::Question],
    ) -> sqlx::Result<Vec<Option<User>>> {
        let hashes: Vec<&[u8]> = questions.iter().map(|(hash, _)| &**hash).collect();
        let times: Vec<i64> = questions.iter().map(|(_, now)| now.as_millis()).collect();
        let query = sqlx::query(self.statement).bind(hashes).bind(times);
        answers(query, connection, questions.len(), user_of).await
    }
}

/// Users by the ids of their sign-ins, at a time.
struct Ids(PgPool);

#[async_trait]
impl Source for Ids {
    type Connection = Connection;
    type Question = (String, Timestamp);
    type Answer = User;

    async fn connect(&self) -> sqlx::Result<Connection> {
        self.0.acquire().await
    }

    async fn ask(
        &self,
        connection: &mut Connection,
        questions: &[&Self::Question],
    ) -> sqlx::Result<Vec<Option<User>>> {
        let ids: Vec<&str> = questions.iter().map(|(id, _)| &**id).collect();
        let times: Vec<i64> = questions.iter().map(|(_, now)| now.as_millis()).collect();
        let query = sqlx::query(MANY.sign_in).bind(ids).bind(times);
        answers(query, connection, questions.len(), user_of).await
    }
}

/// Users by name or address.
struct Names(PgPool);

#[async_trait]
impl Source for Names {
    type Connection = Connection;
    type Question = String;
    type Answer = User;

    async fn connect(&self) -> sqlx::Result<Connection> {
        self.0.acquire().await
    }

    async fn ask(
        &self,
        connection: &mut Connection,
        questions: &[&String],
    ) -> sqlx::Result<Vec<Option<User>>> {
        let names: Vec<&str> = questions.iter().map(|name| &***name).collect();
        let folded: Vec<String> = questions.iter().map(|name| name.to_lowercase()).collect();
        let query = sqlx::query(MANY.name).bind(names).bind(folded);
        answers(query, connection, questions.len(), user_of).await
    }
}

/// Memberships by organisation, user and credential.
struct Memberships(PgPool);

#[async_trait]
impl Source for Memberships {
    type Connection = Connection;
    type Question = (String, String, Vec<u8>);
    type Answer = Membership;

    async fn connect(&self) -> sqlx::Result<Connection> {
        self.0.acquire().await
    }

    async fn ask(
        &self,
        connection: &mut Connection,
        questions: &[&Self::Question],
    ) -> sqlx::Result<Vec<Option<Membership>>> {
        let organisations: Vec<&str> = questions.iter().map(|asked| &*asked.0).collect();
        let users: Vec<&str> = questions.iter().map(|asked| &*asked.1).collect();
        let credentials: Vec<&[u8]> = questions.iter().map(|asked| &*asked.2).collect();
        let query = sqlx::query(MANY.membership).bind(organisations).bind(users).bind(credentials);
        answers(query, connection, questions.len(), membership_of).await
    }
}

/// The rows of a statement, each in the place of the question that it answers.
async fn answers<A>(
    query: Query<'_, sqlx::Postgres, PgArguments>,
    connection: &mut Connection,
    asked: usize,
    answer: fn(&PgRow) -> sqlx::Result<A>,
) -> sqlx::Result<Vec<Option<A>>> {
    let mut answers: Vec<Option<A>> = (0..asked).map(|_| None).collect();
    for row in query.fetch_all(&mut **connection).await? {
        // Ordinality counts from one.
        let place = usize::try_from(row.try_get::<i64, _>("place")? - 1).ok();
        let place = place.and_then(|place| answers.get_mut(place));
        *place.ok_or_else(|| sqlx::Error::Protocol("an answer to nothing asked".into()))? =
            Some(answer(&row)?);
    }
    Ok(answers)
}
