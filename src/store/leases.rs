//! Leases: who may run a tenant's sync now. A row with an expiry, so that it works on both databases.

use std::time::Duration;

use jiff::Timestamp;

use super::error::During;
use super::{Store, StoreError, time_of, time_text};

/// What came of asking for a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeaseOutcome {
    /// It is the asker's until it expires.
    Taken,
    /// Somebody else has it.
    HeldBy {
        /// Who.
        holder: String,
        /// Until when, unless it is renewed.
        expires_at: Timestamp,
    },
}

impl Store {
    /// Takes a tenant's lease if it is free, has expired, or is the asker's already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn try_lease(
        &self,
        tenant: &str,
        holder: &str,
        now: Timestamp,
        lifetime: Duration,
    ) -> Result<LeaseOutcome, StoreError> {
        // Whoever has it after a power cut is gone: no disk is waited for.
        let mut connection = self.forgetful().await.during("take the lease")?;
        let taken: Option<(String,)> = sqlx::query_as(
            "INSERT INTO leases (tenant, holder, expires_at) VALUES ($1, $2, $3) \
             ON CONFLICT (tenant) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at \
             WHERE leases.expires_at <= $4 OR leases.holder = excluded.holder RETURNING holder",
        )
        .bind(tenant)
        .bind(holder)
        .bind(time_text(now + lifetime))
        .bind(time_text(now))
        .fetch_optional(&mut *connection)
        .await
        .during("take the lease")?;
        drop(connection);
        if taken.is_some() {
            return Ok(LeaseOutcome::Taken);
        }
        let other: Option<(String, String)> =
            sqlx::query_as("SELECT holder, expires_at FROM leases WHERE tenant = $1")
                .bind(tenant)
                .fetch_optional(&self.reader)
                .await
                .during("see who has the lease")?;
        let (holder, expires_at) = other.unwrap_or_default();
        Ok(LeaseOutcome::HeldBy { holder, expires_at: time_of(&expires_at) })
    }

    /// Who has a tenant's lease, expired or not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lease_holder(&self, tenant: &str) -> Result<Option<String>, StoreError> {
        let row: Option<(String,)> = sqlx::query_as("SELECT holder FROM leases WHERE tenant = $1")
            .bind(tenant)
            .fetch_optional(&self.reader)
            .await
            .during("see who has the lease")?;
        Ok(row.map(|(holder,)| holder))
    }

    /// Prolongs a lease; `false` if it is somebody else's by now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn renew_lease(
        &self,
        tenant: &str,
        holder: &str,
        now: Timestamp,
        lifetime: Duration,
    ) -> Result<bool, StoreError> {
        let mut connection = self.forgetful().await.during("renew the lease")?;
        sqlx::query("UPDATE leases SET expires_at = $1 WHERE tenant = $2 AND holder = $3")
            .bind(time_text(now + lifetime))
            .bind(tenant)
            .bind(holder)
            .execute(&mut *connection)
            .await
            .map(|done| done.rows_affected() == 1)
            .during("renew the lease")
    }

    /// Gives a lease back; somebody else's is left alone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn release_lease(&self, tenant: &str, holder: &str) -> Result<(), StoreError> {
        let mut connection = self.forgetful().await.during("give the lease back")?;
        sqlx::query("DELETE FROM leases WHERE tenant = $1 AND holder = $2")
            .bind(tenant)
            .bind(holder)
            .execute(&mut *connection)
            .await
            .map(drop)
            .during("give the lease back")
    }
}
