//! How much there is and what is going on.

use async_trait::async_trait;

use super::super::{Handle, clock, count_pending};
use super::upkeep::sealing_keys_in_use;
use crate::clock::Timestamp;
use crate::store::{COUNTED_MOST, Census, Load, Result, Statistics};

const COUNT_SEALED: &str = "SELECT COUNT(*) FROM \
    (SELECT 1 FROM two_factor_keys WHERE sealing_key_id = $1 LIMIT $2) AS few";

#[async_trait]
impl Statistics for Handle {
    fn load(&self) -> Load {
        let idle = u32::try_from(self.pool.num_idle()).unwrap_or(u32::MAX);
        let load = Load {
            idle,
            used: self.pool.size().saturating_sub(idle),
            most: self.pool.options().get_max_connections(),
            ..Load::default()
        };
        self.writer.load(load)
    }

    async fn census(&self, now: Timestamp) -> Result<Census> {
        let mut connection = self.pool.acquire().await?;
        let mut census = Census::default();
        for id in sealing_keys_in_use(&mut connection).await? {
            let count: i64 = sqlx::query_scalar(COUNT_SEALED)
                .bind(&id)
                .bind(i64::from(COUNTED_MOST))
                // Planned for this id: a plan for any id may read the whole table for a rare one.
                .persistent(false)
                .fetch_one(&mut *connection)
                .await?;
            census.sealed.push((id, u64::try_from(count).unwrap_or(0)));
        }
        census.pending = count_pending(&mut connection, now).await?;
        Ok(census)
    }

    async fn clock(&self) -> Result<Option<Timestamp>> {
        clock(&self.pool).await
    }
}
