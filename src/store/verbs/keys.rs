//! Two-factor keys: making them, checking codes against them, resetting them.

use async_trait::async_trait;
use sqlx::Row as _;

use super::super::{Handle, LOCK_TWO_FACTORS, Row, begin};
use super::audit::insert_event;
use super::tokens::end_sign_ins;
use super::{Connection, upkeep};
use crate::clock::Timestamp;
use crate::seal::Sealed;
use crate::store::{
    ACTIVE_PLACE, Attempt, Checked, Event, Judge, Judgement, KeyState, Keys, PendingKey, Purpose,
    Reseal, Result, Rewrapped, SealedRow, StoreError, StoredKey, Swept,
};
use crate::two_factor::lock_after;

const SELECT_KEYS: &str = "SELECT place, key_id, sealing_key_id, sealed, fingerprint, last_step, \
    expires_at FROM two_factor_keys WHERE organisation_id = $1 AND user_id = $2 \
    AND (place = 5 OR expires_at > $3) ORDER BY place = 5 DESC, serial DESC";

#[async_trait]
impl Keys for Handle {
    async fn add_pending_key(&self, key: PendingKey, event: Event) -> Result<()> {
        self.writer.add(key, event).await
    }

    async fn keys(&self, organisation: &str, user: &str, now: Timestamp) -> Result<Vec<StoredKey>> {
        select_keys(&mut *self.pool.acquire().await?, organisation, user, now).await
    }

    async fn check_code(&self, attempt: &Attempt<'_>, judge: &Judge<'_>) -> Result<Checked> {
        let mut transaction = begin(&self.pool).await?;
        let checked = check(&mut transaction, attempt, judge).await?;
        transaction.commit().await?;
        match attempt.purpose {
            Purpose::Verify => self.lookups.forget_member(attempt.user, attempt.organisation),
            // It ends the sessions of the user whose keys it removes.
            Purpose::Reset(_) => self.lookups.forget(),
        }
        Ok(checked)
    }

    async fn sealing_key_counts(&self) -> Result<Vec<(String, u64)>> {
        upkeep::sealing_key_counts(&self.pool).await
    }

    async fn sealing_keys_in_use(&self) -> Result<Vec<String>> {
        upkeep::sealing_keys_in_use(&mut *self.pool.acquire().await?).await
    }

    async fn rewrap(
        &self,
        sealing_key: &str,
        after: Option<&SealedRow>,
        limit: u32,
        reseal: &Reseal<'_>,
    ) -> Result<Rewrapped> {
        upkeep::rewrap(&self.pool, sealing_key, after, limit, reseal).await
    }

    async fn canaries(&self) -> Result<Vec<Sealed>> {
        upkeep::canaries(&self.pool).await
    }

    async fn add_canary(&self, canary: &Sealed) -> Result<()> {
        upkeep::add_canary(&self.pool, canary).await
    }

    async fn sweep(&self, now: Timestamp, verified_before: Timestamp, limit: u32) -> Result<Swept> {
        upkeep::sweep(&self.pool, now, verified_before, limit).await
    }

    async fn take_lease(
        &self,
        name: &str,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool> {
        upkeep::take_lease(&self.pool, name, holder, now, until).await
    }

    async fn give_lease(&self, name: &str, holder: &str) -> Result<()> {
        upkeep::give_lease(&self.pool, name, holder).await
    }
}

async fn select_keys(
    connection: &mut Connection,
    organisation: &str,
    user: &str,
    after: Timestamp,
) -> Result<Vec<StoredKey>> {
    let rows = sqlx::query(SELECT_KEYS)
        .bind(organisation)
        .bind(user)
        .bind(after.as_millis())
        .fetch_all(connection)
        .await?;
    rows.iter().map(key_of).collect()
}

fn key_of(row: &Row) -> Result<StoredKey> {
    let active = row.try_get::<i16, _>(0)? == ACTIVE_PLACE;
    Ok(StoredKey {
        id: row.try_get(1)?,
        state: if active { KeyState::Active } else { KeyState::Pending },
        sealed: Sealed { sealing_key: row.try_get(2)?, bytes: row.try_get(3)? },
        fingerprint: row.try_get(4)?,
        last_step: row.try_get(5)?,
        expires_at: Timestamp::from_millis(row.try_get(6)?),
    })
}

/// How often wrong codes came in a row, and until when no code is looked at.
struct Guard {
    wrong_codes: i64,
    locked_until: Timestamp,
}

/// Everything between taking the lock on the user's row and the audit row.
async fn check(
    connection: &mut Connection,
    attempt: &Attempt<'_>,
    judge: &Judge<'_>,
) -> Result<Checked> {
    let now = attempt.event.at;
    let mut event = attempt.event.clone();
    let Some(guard) = lock(connection, attempt).await? else {
        return audited(connection, event, Checked::NoKey).await;
    };
    if guard.locked_until > now {
        return audited(connection, event, Checked::Locked(guard.locked_until)).await;
    }
    // Expired keys, too: what to tell the user may depend on them.
    let everything = Timestamp::from_millis(i64::MIN);
    let keys = select_keys(connection, attempt.organisation, attempt.user, everything).await?;
    let judgement = judge(&keys).map_err(|error| StoreError::Failed(error.into()))?;
    let checked = match &judgement {
        Judgement::NoKey => Checked::NoKey,
        Judgement::Wrong(hint) => {
            let locks = count_wrong(connection, attempt, guard.wrong_codes + 1).await?;
            Checked::Wrong { hint: *hint, locks }
        }
        Judgement::Fits { key, step } => {
            let Some(key) = keys.iter().find(|known| known.id == *key) else {
                return Err(StoreError::Failed("a code fits a key that is not there".into()));
            };
            let accepted = accept(connection, attempt, key, *step).await?;
            event.fingerprint = match attempt.purpose {
                Purpose::Verify => Some(key.fingerprint.clone()),
                // Not of the key that the code is of: it may be an administrator's.
                Purpose::Reset(target) => reset(connection, attempt.organisation, target).await?,
            };
            accepted
        }
    };
    audited(connection, event, checked).await
}

async fn audited(
    connection: &mut Connection,
    mut event: Event,
    checked: Checked,
) -> Result<Checked> {
    event.outcome = match checked {
        Checked::Confirmed => "Confirmed",
        Checked::Verified => event.outcome,
        Checked::Wrong { .. } | Checked::NoKey => "InvalidCode",
        Checked::Locked(_) => "TooManyRequests",
    };
    insert_event(connection, &event).await?;
    Ok(checked)
}

/// Whoever comes at the same time waits here until this transaction has ended. Nothing when no key
/// was ever made for the user.
async fn lock(connection: &mut Connection, attempt: &Attempt<'_>) -> Result<Option<Guard>> {
    let other = match attempt.purpose {
        Purpose::Verify => attempt.user,
        Purpose::Reset(target) => target,
    };
    let rows = sqlx::query(LOCK_TWO_FACTORS)
        .bind(attempt.organisation)
        .bind(attempt.user)
        .bind(other)
        .fetch_all(connection)
        .await?;
    for row in rows {
        if row.try_get::<&str, _>(0)? == attempt.user {
            let locked_until = Timestamp::from_millis(row.try_get(2)?);
            return Ok(Some(Guard { wrong_codes: row.try_get(1)?, locked_until }));
        }
    }
    Ok(None)
}

/// Whether it locks the checking of codes.
async fn count_wrong(
    connection: &mut Connection,
    attempt: &Attempt<'_>,
    wrong_codes: i64,
) -> Result<bool> {
    let lock = lock_after(wrong_codes);
    let until = lock.map_or(0, |lock| attempt.event.at.plus(lock).as_millis());
    set_guard(connection, attempt.organisation, attempt.user, wrong_codes, until).await?;
    Ok(lock.is_some())
}

async fn set_guard(
    connection: &mut Connection,
    organisation: &str,
    user: &str,
    wrong_codes: i64,
    locked_until: i64,
) -> Result<()> {
    sqlx::query(
        "UPDATE two_factors SET wrong_codes = $3, locked_until = $4 \
         WHERE organisation_id = $1 AND user_id = $2",
    )
    .bind(organisation)
    .bind(user)
    .bind(wrong_codes)
    .bind(locked_until)
    .execute(connection)
    .await?;
    Ok(())
}

/// What makes a step count once, ever: two transactions that both run this for one step cannot both
/// change the row, on whatever instance, whatever they have read before (SECURITY.md, R33). The
/// confirming code takes its step along to the active place.
const USE_STEP: &str = "UPDATE two_factor_keys SET last_step = $4, place = 5 \
    WHERE organisation_id = $1 AND user_id = $2 AND key_id = $3 AND last_step < $4";

const REMEMBER_VERIFICATION: &str = "INSERT INTO verifications \
    (organisation_id, user_id, credential, verified_at) VALUES ($1, $2, $3, $4) \
    ON CONFLICT (organisation_id, user_id, credential) \
    DO UPDATE SET verified_at = excluded.verified_at";

/// Uses the step up; what a reset does comes after it.
async fn accept(
    connection: &mut Connection,
    attempt: &Attempt<'_>,
    key: &StoredKey,
    step: i64,
) -> Result<Checked> {
    let (organisation, user) = (attempt.organisation, attempt.user);
    let confirms = key.state == KeyState::Pending;
    if confirms {
        of_user(connection, DELETE_ACTIVE, organisation, user).await?;
    }
    let used = sqlx::query(USE_STEP)
        .bind(organisation)
        .bind(user)
        .bind(&key.id)
        .bind(step)
        .execute(&mut *connection)
        .await?;
    if used.rows_affected() != 1 {
        return Err(StoreError::Failed("a step was used while its user was locked".into()));
    }
    set_guard(connection, organisation, user, 0, 0).await?;
    if let Purpose::Reset(_) = attempt.purpose {
        return Ok(Checked::Verified);
    }
    if confirms {
        of_user(connection, DELETE_PENDING, organisation, user).await?;
        // Proof of the key before this one proves nothing any more.
        of_user(connection, FORGET_VERIFICATIONS, organisation, user).await?;
    }
    if let Some(credential) = attempt.credential {
        sqlx::query(REMEMBER_VERIFICATION)
            .bind(organisation)
            .bind(user)
            .bind(credential)
            .bind(attempt.event.at.as_millis())
            .execute(connection)
            .await?;
    }
    Ok(if confirms { Checked::Confirmed } else { Checked::Verified })
}

/// Removes all keys of a user in an organisation, and whatever hangs on them; gives the fingerprint of
/// the active one.
async fn reset(
    connection: &mut Connection,
    organisation: &str,
    user: &str,
) -> Result<Option<String>> {
    let removed =
        sqlx::query(DELETE_KEYS).bind(organisation).bind(user).fetch_all(&mut *connection).await?;
    let mut active = None;
    for row in removed {
        if row.try_get::<i16, _>(0)? == ACTIVE_PLACE {
            active = Some(row.try_get(1)?);
        }
    }
    of_user(connection, FORGET_VERIFICATIONS, organisation, user).await?;
    set_guard(connection, organisation, user, 0, 0).await?;
    end_sign_ins(connection, user).await?;
    Ok(active)
}

const DELETE_ACTIVE: &str = "DELETE FROM two_factor_keys \
    WHERE organisation_id = $1 AND user_id = $2 AND place = 5";
const DELETE_PENDING: &str = "DELETE FROM two_factor_keys \
    WHERE organisation_id = $1 AND user_id = $2 AND place < 5";
const DELETE_KEYS: &str = "DELETE FROM two_factor_keys \
    WHERE organisation_id = $1 AND user_id = $2 RETURNING place, fingerprint";
const FORGET_VERIFICATIONS: &str =
    "DELETE FROM verifications WHERE organisation_id = $1 AND user_id = $2";

async fn of_user(
    connection: &mut Connection,
    statement: &'static str,
    organisation: &str,
    user: &str,
) -> Result<()> {
    sqlx::query(statement).bind(organisation).bind(user).execute(connection).await?;
    Ok(())
}
