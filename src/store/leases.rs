//! The rows of leases: who may run a tenant's sync now, and who may touch a client or a splitter.
//!
//! All times are the database's.

use std::time::Duration;

use sqlx::AssertSqlSafe;

use super::error::During;
use super::{Store, StoreError};

/// A lease that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Of what: a tenant, or `tenant/kind/key`.
    pub name: String,
    /// By whom; no two are alike.
    pub holder: String,
    /// Greater each time that it is taken.
    pub fence: i64,
    /// Its row stays when it is given back, so that the number grows whatever the database's clock does.
    pub kept: bool,
}

/// What came of asking for a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LeaseOutcome {
    /// It is the asker's, with this number.
    Taken(i64),
    /// Somebody else has it.
    HeldBy {
        /// Who.
        holder: String,
        /// Whether the process of the holder has missed signs of life.
        is_silent: bool,
    },
}

impl Store {
    /// Takes a lease if nobody has it. Of a process that has a row in `replicas` it is never taken away here, only together with
    /// that row; of any other, such as release 0.1.0, when it has expired.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) async fn try_lease(
        &self,
        name: &str,
        (replica, holder): (&str, &str),
        life: Duration,
        kept: bool,
    ) -> Result<LeaseOutcome, StoreError> {
        let now = self.dialect.now_ms;
        let sql = format!(
            "INSERT INTO leases (tenant, holder, expires_at, replica, fence, kept) VALUES ($1, $2, {expiry}, $4, {now}, $5) \
             ON CONFLICT (tenant) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at, \
             replica = excluded.replica, kept = excluded.kept, \
             fence = CASE WHEN leases.fence >= excluded.fence THEN leases.fence + 1 ELSE excluded.fence END \
             WHERE leases.holder IN ('', excluded.holder) OR (leases.expires_at <= {text} AND NOT EXISTS \
             (SELECT 1 FROM replicas WHERE replicas.id = leases.replica AND leases.holder LIKE replicas.id || '/%')) \
             RETURNING fence",
            expiry = self.dialect.text(&format!("{now} + $3")),
            text = self.dialect.text(now),
        );
        // Whoever has it after a power cut is gone: no disk is waited for.
        let mut connection = self.forgetful().await.during("take the lease")?;
        let taken: Option<(i64,)> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(name)
            .bind(holder)
            .bind(life.as_millis() as i64)
            .bind(replica)
            .bind(i64::from(kept))
            .fetch_optional(&mut *connection)
            .await
            .during("take the lease")?;
        drop(connection);
        match taken {
            Some((fence,)) => Ok(LeaseOutcome::Taken(fence)),
            None => self.held_by(name).await,
        }
    }

    async fn held_by(&self, name: &str) -> Result<LeaseOutcome, StoreError> {
        let sql = format!(
            "SELECT holder, CAST((SELECT COUNT(*) FROM replicas WHERE replicas.id = leases.replica \
             AND {} - seen_ms > life_ms / 4) AS BIGINT) FROM leases WHERE tenant = $1",
            self.dialect.now_ms
        );
        let other: Option<(String, i64)> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(name)
            .fetch_optional(&self.reader)
            .await
            .during("see who has the lease")?;
        // Given back in between: silent enough to ask again.
        let (holder, silent) = other.unwrap_or((String::new(), 1));
        Ok(LeaseOutcome::HeldBy { holder, is_silent: silent > 0 })
    }

    /// Who has a lease, expired or not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lease_holder(&self, name: &str) -> Result<Option<String>, StoreError> {
        let row: Option<(String,)> =
            sqlx::query_as("SELECT holder FROM leases WHERE tenant = $1 AND holder <> ''")
                .bind(name)
                .fetch_optional(&self.reader)
                .await
                .during("see who has the lease")?;
        Ok(row.map(|(holder,)| holder))
    }

    /// Whether nobody has taken a lease away.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) async fn holds(&self, lease: &Lease) -> Result<bool, StoreError> {
        let row: Option<(i64,)> =
            sqlx::query_as("SELECT fence FROM leases WHERE tenant = $1 AND holder = $2 AND fence = $3")
                .bind(lease.name.as_str())
                .bind(lease.holder.as_str())
                .bind(lease.fence)
                .fetch_optional(&self.reader)
                .await
                .during("see whether the lease is held")?;
        Ok(row.is_some())
    }

    /// Gives a lease back; somebody else's is left alone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) async fn release_lease(&self, name: &str, holder: &str) -> Result<(), StoreError> {
        let mut connection = self.forgetful().await.during("give the lease back")?;
        for sql in [
            "DELETE FROM leases WHERE tenant = $1 AND holder = $2 AND kept = 0",
            "UPDATE leases SET holder = '', replica = '', expires_at = '' WHERE tenant = $1 AND holder = $2",
        ] {
            let done = sqlx::query(sql).bind(name).bind(holder).execute(&mut *connection).await;
            if done.during("give the lease back")?.rows_affected() > 0 {
                break;
            }
        }
        Ok(())
    }
}
