//! Audit rows.

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use sqlx::Row as _;

use super::super::{Handle, Row};
use super::Connection;
use crate::clock::Timestamp;
use crate::store::{Audit, AuditRow, Event, Result};

const INSERT_EVENT: &str = "INSERT INTO audit \
    (organisation_id, id, at, user_id, target_id, action, outcome, address, request_id, fingerprint) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

const SELECT_EVENTS: &str = "SELECT a.at, a.organisation_id, a.user_id, u.name, a.target_id, t.name, \
    a.action, a.outcome, a.address, a.request_id, a.fingerprint \
    FROM audit a LEFT JOIN users u ON u.id = a.user_id LEFT JOIN users t ON t.id = a.target_id \
    WHERE a.at >= $1 AND ($2 = '' OR a.user_id = $2 OR a.target_id = $2) ORDER BY a.at, a.id";

#[async_trait]
impl Audit for Handle {
    async fn record(&self, event: &Event) -> Result<()> {
        Ok(insert_event(&mut *self.pool.acquire().await?, event).await?)
    }

    async fn events(
        &self,
        user: Option<&str>,
        since: Timestamp,
        each: &mut (dyn FnMut(AuditRow) -> bool + Send),
    ) -> Result<()> {
        let mut rows = sqlx::query(SELECT_EVENTS)
            .bind(since.as_millis())
            .bind(user.unwrap_or_default())
            .fetch(&self.pool);
        while let Some(row) = rows.try_next().await? {
            if !each(audit_row(&row)?) {
                break;
            }
        }
        Ok(())
    }
}

fn audit_row(row: &Row) -> Result<AuditRow> {
    Ok(AuditRow {
        at: Timestamp::from_millis(row.try_get(0)?),
        organisation: row.try_get(1)?,
        user: row.try_get(2)?,
        user_name: row.try_get(3)?,
        target: row.try_get(4)?,
        target_name: row.try_get(5)?,
        action: row.try_get(6)?,
        outcome: row.try_get(7)?,
        address: row.try_get(8)?,
        request_id: row.try_get(9)?,
        fingerprint: row.try_get(10)?,
    })
}

/// Keeps an audit row, in whatever transaction the connection is in.
pub(in crate::store) async fn insert_event(
    connection: &mut Connection,
    event: &Event,
) -> sqlx::Result<()> {
    sqlx::query(INSERT_EVENT)
        .bind(&event.organisation)
        .bind(&event.id)
        .bind(event.at.as_millis())
        .bind(&event.user)
        .bind(&event.target)
        .bind(event.action)
        .bind(event.outcome)
        .bind(&event.address)
        .bind(&event.request_id)
        .bind(&event.fingerprint)
        .execute(connection)
        .await?;
    Ok(())
}
