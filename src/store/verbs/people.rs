//! Organisations, users, memberships.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::Row as _;

use super::super::{Handle, Row, begin};
use super::Connection;
use super::tokens::end_sign_ins;
use crate::clock::Timestamp;
use crate::store::lookups::By;
use crate::store::{IsKnown, Membership, NewUser, Organisation, People, Result, StoreError, User};

const UPSERT_MEMBERSHIP: &str = "INSERT INTO memberships \
    (organisation_id, user_id, administrator, created_at) VALUES ($1, $2, COALESCE($3, FALSE), $4) \
    ON CONFLICT (organisation_id, user_id) \
    DO UPDATE SET administrator = COALESCE($3, memberships.administrator)";

/// A row to hold while a user is added: of two at once, one with the other's address as name, neither
/// would see the other.
const ONE_AT_A_TIME: &str = "INSERT INTO leases (name, holder, expires_at) VALUES ('users', '', 0) \
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder";

/// Whoever has the one as address or the other, whatever its case, as name.
const NAMESAKE: &str = "SELECT id FROM users WHERE email_folded = $1 OR lower(name) = $2 LIMIT 1";

#[async_trait]
impl People for Handle {
    async fn add_organisation(&self, organisation: &Organisation, now: Timestamp) -> Result<()> {
        sqlx::query(
            "INSERT INTO organisations (id, name, issuer, created_at) VALUES ($1, $2, $3, $4)",
        )
        .bind(&organisation.id)
        .bind(&organisation.name)
        .bind(&organisation.issuer)
        .bind(now.as_millis())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    async fn organisations(&self) -> Result<Vec<Organisation>> {
        let rows = sqlx::query("SELECT id, name, issuer FROM organisations ORDER BY id")
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.iter().map(organisation_of).collect::<sqlx::Result<_>>()?)
    }

    async fn membership(
        &self,
        user: &str,
        organisation: &str,
        credential: &[u8],
    ) -> Result<Option<Arc<Membership>>> {
        let load = || self.questions.membership(user, organisation, credential);
        self.lookups.membership(user, organisation, load).await
    }

    async fn add_user(
        &self,
        user: &NewUser,
        organisations: &[String],
        now: Timestamp,
    ) -> Result<()> {
        let mut transaction = begin(&self.pool).await?;
        sqlx::query(ONE_AT_A_TIME).execute(&mut *transaction).await?;
        let namesake: Option<String> = sqlx::query_scalar(NAMESAKE)
            .bind(user.name.to_lowercase())
            .bind(user.email.to_lowercase())
            .fetch_optional(&mut *transaction)
            .await?;
        if namesake.is_some() {
            return Err(StoreError::Conflict);
        }
        sqlx::query(
            "INSERT INTO users (id, name, email, email_folded, password_hash, \
             default_organisation_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&user.id)
        .bind(&user.name)
        .bind(&user.email)
        .bind(user.email.to_lowercase())
        .bind(&user.password_hash)
        .bind(organisations.first())
        .bind(now.as_millis())
        .execute(&mut *transaction)
        .await?;
        for organisation in organisations {
            upsert_membership(&mut transaction, organisation, &user.id, None, now).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    async fn users(&self) -> Result<Vec<User>> {
        let rows = sqlx::query(
            "SELECT id, name, email, password_hash, default_organisation_id, disabled_at \
             FROM users ORDER BY name",
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.iter().map(user_of).collect::<sqlx::Result<_>>()?)
    }

    async fn user_named(&self, name: &str) -> Result<Option<Arc<User>>> {
        // A user of that name is one at any time.
        self.user(By::Name(name), Timestamp::default()).await
    }

    async fn user_signing_in(
        &self,
        name: &str,
        is_known: &IsKnown<'_>,
    ) -> Result<Option<Arc<User>>> {
        let (by, at_any_time) = (By::Name(name), Timestamp::default());
        let load = || self.questions.user(by, at_any_time);
        self.lookups.user(by, at_any_time, is_known, load).await
    }

    async fn user_addressed(&self, address: &str) -> Result<Option<Arc<User>>> {
        self.user(By::Address(address), Timestamp::default()).await
    }

    async fn set_password(&self, user: &str, hash: &str) -> Result<()> {
        let mut transaction = begin(&self.pool).await?;
        sqlx::query("UPDATE users SET password_hash = $2 WHERE id = $1")
            .bind(user)
            .bind(hash)
            .execute(&mut *transaction)
            .await?;
        end_sign_ins(&mut transaction, user).await?;
        transaction.commit().await?;
        self.lookups.forget();
        Ok(())
    }

    async fn upgrade_password(&self, user: &str, old: &str, new: &str) -> Result<bool> {
        let done =
            sqlx::query("UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2")
                .bind(user)
                .bind(old)
                .bind(new)
                .execute(&self.pool)
                .await?;
        self.lookups.forget();
        Ok(done.rows_affected() > 0)
    }

    async fn disable_user(&self, user: &str, now: Timestamp) -> Result<()> {
        let mut transaction = begin(&self.pool).await?;
        sqlx::query("UPDATE users SET disabled_at = COALESCE(disabled_at, $2) WHERE id = $1")
            .bind(user)
            .bind(now.as_millis())
            .execute(&mut *transaction)
            .await?;
        end_sign_ins(&mut transaction, user).await?;
        transaction.commit().await?;
        self.lookups.forget();
        Ok(())
    }

    async fn enable_user(&self, user: &str) -> Result<()> {
        sqlx::query("UPDATE users SET disabled_at = NULL WHERE id = $1")
            .bind(user)
            .execute(&self.pool)
            .await?;
        self.lookups.forget();
        Ok(())
    }

    async fn join(
        &self,
        user: &str,
        organisation: &str,
        default: bool,
        administrator: Option<bool>,
        now: Timestamp,
    ) -> Result<()> {
        let mut transaction = begin(&self.pool).await?;
        upsert_membership(&mut transaction, organisation, user, administrator, now).await?;
        if default {
            sqlx::query("UPDATE users SET default_organisation_id = $2 WHERE id = $1")
                .bind(user)
                .bind(organisation)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        self.lookups.forget();
        Ok(())
    }

    async fn leave(&self, user: &str, organisation: &str) -> Result<bool> {
        let mut transaction = begin(&self.pool).await?;
        let left =
            sqlx::query("DELETE FROM memberships WHERE organisation_id = $1 AND user_id = $2")
                .bind(organisation)
                .bind(user)
                .execute(&mut *transaction)
                .await?;
        // Else requests that name no organisation would be refused as if they named a foreign one.
        sqlx::query(
            "UPDATE users SET default_organisation_id = NULL \
             WHERE id = $1 AND default_organisation_id = $2",
        )
        .bind(user)
        .bind(organisation)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        self.lookups.forget();
        Ok(left.rows_affected() > 0)
    }
}

fn organisation_of(row: &Row) -> sqlx::Result<Organisation> {
    Ok(Organisation { id: row.try_get(0)?, name: row.try_get(1)?, issuer: row.try_get(2)? })
}

pub(in crate::store) fn membership_of(row: &Row) -> sqlx::Result<Membership> {
    let organisation = organisation_of(row)?;
    let (administrator, active_key) = (row.try_get(3)?, row.try_get(4)?);
    let verified_at = row.try_get::<Option<i64>, _>(5)?.map(Timestamp::from_millis);
    Ok(Membership { organisation, administrator, active_key, verified_at })
}

async fn upsert_membership(
    connection: &mut Connection,
    organisation: &str,
    user: &str,
    administrator: Option<bool>,
    now: Timestamp,
) -> Result<()> {
    let known: Option<i64> =
        sqlx::query_scalar("SELECT created_at FROM organisations WHERE id = $1")
            .bind(organisation)
            .fetch_optional(&mut *connection)
            .await?;
    if known.is_none() {
        return Err(StoreError::Missing("organisation"));
    }
    sqlx::query(UPSERT_MEMBERSHIP)
        .bind(organisation)
        .bind(user)
        .bind(administrator)
        .bind(now.as_millis())
        .execute(connection)
        .await?;
    Ok(())
}

pub(in crate::store) fn user_of(row: &Row) -> sqlx::Result<User> {
    Ok(User {
        id: row.try_get(0)?,
        name: row.try_get(1)?,
        email: row.try_get(2)?,
        password_hash: row.try_get(3)?,
        default_organisation: row.try_get(4)?,
        disabled_at: row.try_get::<Option<i64>, _>(5)?.map(Timestamp::from_millis),
    })
}
