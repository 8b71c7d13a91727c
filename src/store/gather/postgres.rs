//! Postgres' source: what is asked together is one statement over arrays.

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

/// A statement that was given its arrays.
type Asked = Query<'static, sqlx::Postgres, PgArguments>;

/// Users by what the hash of is kept, at a time.
type HashAsked = (Vec<u8>, Timestamp);
/// Users by the ids of their sign-ins, at a time.
type IdAsked = (String, Timestamp);
/// Memberships by organisation, user and credential.
type MembershipAsked = (String, String, Vec<u8>);

/// How many kinds of questions there are.
pub(in crate::store) const KINDS: usize = 6;

/// A gathering place for each kind of question.
#[derive(Debug)]
pub(in crate::store) struct Gathered {
    sessions: Gather<Kind<HashAsked, User>>,
    sign_ins: Gather<Kind<IdAsked, User>>,
    api_keys: Gather<Kind<HashAsked, User>>,
    names: Gather<Kind<String, User>>,
    addresses: Gather<Kind<String, User>>,
    memberships: Gather<Kind<MembershipAsked, Membership>>,
}

impl Gathered {
    /// Must be called on the runtime that is to drive it.
    pub(in crate::store) fn start(pool: &PgPool, settings: Settings) -> Self {
        Self {
            sessions: gather(pool, settings, sessions, user_of),
            sign_ins: gather(pool, settings, sign_ins, user_of),
            api_keys: gather(pool, settings, api_keys, user_of),
            names: gather(pool, settings, names, user_of),
            addresses: gather(pool, settings, addresses, user_of),
            memberships: gather(pool, settings, memberships, membership_of),
        }
    }

    pub(in crate::store) async fn user(&self, by: By<'_>, now: Timestamp) -> Result<Option<User>> {
        match by {
            By::SignIn(text) | By::Name(text) | By::Address(text) if !is_text(text) => Ok(None),
            By::Session(hash) => self.sessions.find((hash.to_vec(), now)).await,
            By::SignIn(id) => self.sign_ins.find((id.to_owned(), now)).await,
            By::ApiKey(hash) => self.api_keys.find((hash.to_vec(), now)).await,
            By::Name(name) => self.names.find(name.to_owned()).await,
            By::Address(address) => self.addresses.find(address.to_owned()).await,
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

fn gather<Q: Send + Sync + 'static, A: Send + 'static>(
    pool: &PgPool,
    settings: Settings,
    bind: fn(&[&Q]) -> Asked,
    answer: fn(&PgRow) -> sqlx::Result<A>,
) -> Gather<Kind<Q, A>> {
    Gather::start(Kind { pool: pool.clone(), bind, answer }, settings)
}

/// A kind of question, and what answers it.
struct Kind<Q, A> {
    pool: PgPool,
    bind: fn(&[&Q]) -> Asked,
    answer: fn(&PgRow) -> sqlx::Result<A>,
}

#[async_trait]
impl<Q: Send + Sync + 'static, A: Send + 'static> Source for Kind<Q, A> {
    type Connection = Connection;
    type Question = Q;
    type Answer = A;

    async fn connect(&self) -> sqlx::Result<Connection> {
        self.pool.acquire().await
    }

    /// The rows of a statement, each in the place of the question that it answers.
    async fn ask(
        &self,
        connection: &mut Connection,
        questions: &[&Q],
    ) -> sqlx::Result<Vec<Option<A>>> {
        let rows = (self.bind)(questions).fetch_all(&mut **connection).await?;
        let mut answers: Vec<Option<A>> = questions.iter().map(|_| None).collect();
        for row in rows {
            // Ordinality counts from one.
            let place = usize::try_from(row.try_get::<i64, _>("place")? - 1).ok();
            let place = place.and_then(|place| answers.get_mut(place));
            *place.ok_or_else(|| sqlx::Error::Protocol("an answer to nothing asked".into()))? =
                Some((self.answer)(&row)?);
        }
        Ok(answers)
    }
}

fn sessions(asked: &[&HashAsked]) -> Asked {
    hashes(MANY.session, asked)
}

fn api_keys(asked: &[&HashAsked]) -> Asked {
    hashes(MANY.api_key, asked)
}

fn hashes(statement: &'static str, asked: &[&HashAsked]) -> Asked {
    let hashes: Vec<&[u8]> = asked.iter().map(|(hash, _)| &**hash).collect();
    sqlx::query(statement).bind(hashes).bind(times(asked))
}

fn sign_ins(asked: &[&IdAsked]) -> Asked {
    let ids: Vec<&str> = asked.iter().map(|(id, _)| &**id).collect();
    sqlx::query(MANY.sign_in).bind(ids).bind(times(asked))
}

fn times<T>(asked: &[&(T, Timestamp)]) -> Vec<i64> {
    asked.iter().map(|(_, now)| now.as_millis()).collect()
}

fn names(asked: &[&String]) -> Asked {
    let names: Vec<&str> = asked.iter().map(|name| &***name).collect();
    sqlx::query(MANY.name).bind(names).bind(folded(asked))
}

fn addresses(asked: &[&String]) -> Asked {
    sqlx::query(MANY.address).bind(folded(asked))
}

fn folded(asked: &[&String]) -> Vec<String> {
    asked.iter().map(|text| text.to_lowercase()).collect()
}

fn memberships(asked: &[&MembershipAsked]) -> Asked {
    let organisations: Vec<&str> = asked.iter().map(|(organisation, ..)| &**organisation).collect();
    let users: Vec<&str> = asked.iter().map(|(_, user, _)| &**user).collect();
    let credentials: Vec<&[u8]> = asked.iter().map(|(.., credential)| &**credential).collect();
    sqlx::query(MANY.membership).bind(organisations).bind(users).bind(credentials)
}
