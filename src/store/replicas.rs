//! The rows of replicas: signs of life, and what becomes of a process that gives none.

use std::time::Duration;

use sqlx::{Any, AssertSqlSafe, Transaction};

use super::error::During;
use super::process::Other;
use super::{Store, StoreError};

/// Why a run ended that its process did not end.
const CUT_OFF: &str = "cut off: the gateway was stopped while this run was under way; the next run goes on";

/// Life of a lease of release 0.1.0, and a margin: a run without a lease for so long has none any more.
const OLD_LEASE_MS: u32 = 40_000;

/// What was taken from a dead process.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Estate {
    /// Runs that were under way.
    pub(super) runs: Vec<String>,
    /// Leases and locks.
    pub(super) leases: u64,
    /// Tenants whose sync goes on at once.
    pub(super) hastened: u64,
}

impl Store {
    /// Says that a process lives, and prolongs all that it holds; returns the holders' names and the names of their leases.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) async fn give_sign(
        &self,
        id: &str,
        life: Duration,
    ) -> Result<Vec<(String, String)>, StoreError> {
        self.sign_and_renew(id, life).await.during("give a sign of life")
    }

    async fn sign_and_renew(&self, id: &str, life: Duration) -> Result<Vec<(String, String)>, sqlx::Error> {
        let now = self.dialect.now_ms;
        let mut transaction = self.transaction().await?;
        let sign = format!(
            "INSERT INTO replicas (id, started_ms, seen_ms, life_ms, sign) VALUES ($1, {now}, {now}, $2, {now}) \
             ON CONFLICT (id) DO UPDATE SET seen_ms = excluded.seen_ms, life_ms = excluded.life_ms, sign = replicas.sign + 1"
        );
        let life = life.as_millis() as i64;
        sqlx::query(AssertSqlSafe(sign)).bind(id).bind(life).execute(&mut *transaction).await?;
        // The holder says whose it is: release 0.1.0 leaves the other column as it finds it.
        let renew = format!(
            "UPDATE leases SET expires_at = {} WHERE replica = $1 AND holder LIKE $1 || '/%' RETURNING holder, tenant",
            self.dialect.text(&format!("{now} + $2"))
        );
        let held = sqlx::query_as(AssertSqlSafe(renew)).bind(id).bind(life);
        let held = held.fetch_all(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(held)
    }

    /// All processes but this one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) async fn other_processes(&self, id: &str) -> Result<Vec<Other>, StoreError> {
        let sql = format!(
            "SELECT id, sign, {} - seen_ms, life_ms FROM replicas WHERE id <> $1",
            self.dialect.now_ms
        );
        let rows: Vec<(String, i64, i64, i64)> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(id)
            .fetch_all(&self.reader)
            .await
            .during("look for signs of life")?;
        let other = |(id, sign, age_ms, life_ms)| Other { id, sign, age_ms, life_ms };
        Ok(rows.into_iter().map(other).collect())
    }

    /// Takes everything from a process at once: its row, its leases and locks, its runs, which end here. `sign` is the last that
    /// was seen: `None` if it has given another since. Without one it is the process's own wish.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) async fn bury(&self, id: &str, sign: Option<i64>) -> Result<Option<Estate>, StoreError> {
        self.take_all(id, sign).await.during("take over from a process that is gone")
    }

    async fn take_all(&self, id: &str, sign: Option<i64>) -> Result<Option<Estate>, sqlx::Error> {
        let mut transaction = self.transaction().await?;
        // This row first, as a sign of life takes it first.
        let gone = sqlx::query("DELETE FROM replicas WHERE id = $1 AND ($2 < 0 OR sign = $2)");
        let gone = gone.bind(id).bind(sign.unwrap_or(-1)).execute(&mut *transaction).await?;
        if gone.rows_affected() == 0 && sign.is_some() {
            return Ok(None);
        }
        let runs = self.cut_off(&mut transaction, "holder LIKE $1 || '/%'", id).await?;
        let mut leases = 0;
        for sql in [
            "DELETE FROM leases WHERE replica = $1 AND holder LIKE $1 || '/%' AND kept = 0",
            "UPDATE leases SET holder = '', replica = '', expires_at = '' WHERE replica = $1 AND holder LIKE $1 || '/%'",
        ] {
            leases += sqlx::query(sql).bind(id).execute(&mut *transaction).await?.rows_affected();
        }
        let hastened = self.hasten(&mut transaction, &runs).await?;
        transaction.commit().await?;
        self.subscribers.wake();
        Ok(Some(Estate { runs: runs.into_iter().map(|run| run.0).collect(), leases, hastened }))
    }

    /// Ends runs whose process has no row, and which no lease says to be alive: release 0.1.0 left them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) async fn cut_off_strays(&self) -> Result<Vec<String>, StoreError> {
        let now = self.dialect.now_ms;
        let which = format!(
            "$1 = '' AND started_at < {late} \
             AND NOT EXISTS (SELECT 1 FROM replicas WHERE runs.holder LIKE replicas.id || '/%') \
             AND NOT EXISTS (SELECT 1 FROM leases WHERE leases.holder = runs.holder AND leases.expires_at > {now})",
            late = self.dialect.text(&format!("{now} - {OLD_LEASE_MS}")),
            now = self.dialect.text(now),
        );
        let ended = async {
            let mut transaction = self.transaction().await?;
            let runs = self.cut_off(&mut transaction, &which, "").await?;
            self.hasten(&mut transaction, &runs).await?;
            transaction.commit().await?;
            self.subscribers.wake();
            Ok(runs.into_iter().map(|run| run.0).collect())
        };
        ended.await.during("end runs that were cut off")
    }

    /// Whether a run is under way whose process has no row.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) async fn has_strays(&self) -> Result<bool, StoreError> {
        let row: Option<(i64,)> = sqlx::query_as(
            "SELECT number FROM runs WHERE state = 'running' \
             AND NOT EXISTS (SELECT 1 FROM replicas WHERE runs.holder LIKE replicas.id || '/%') LIMIT 1",
        )
        .fetch_optional(&self.reader)
        .await
        .during("look for runs that were cut off")?;
        Ok(row.is_some())
    }

    /// Ends runs under way, and writes who is to be told; returns their ids and tenants, and whether each was of one client.
    async fn cut_off(
        &self,
        transaction: &mut Transaction<'static, Any>,
        which: &str,
        argument: &str,
    ) -> Result<Vec<(String, String, i64)>, sqlx::Error> {
        let sql = format!(
            "UPDATE runs SET state = 'failed', finished_at = {}, error = $2 WHERE state = 'running' AND {which} \
             RETURNING id, tenant, CAST(CASE WHEN started_by = 'client' THEN 1 ELSE 0 END AS BIGINT)",
            self.dialect.text(self.dialect.now_ms)
        );
        let ended = sqlx::query_as(AssertSqlSafe(sql)).bind(argument).bind(CUT_OFF);
        let mut runs: Vec<(String, String, i64)> = ended.fetch_all(&mut **transaction).await?;
        // Whoever locks what was told of several tenants does so in one order.
        runs.sort_by(|one, other| (&one.1, &one.0).cmp(&(&other.1, &other.0)));
        for (run, ..) in &runs {
            self.tell_run_end(transaction, run).await?;
        }
        Ok(runs)
    }

    /// Lets the tenants of these runs be synced at once: what was cut off goes on. Returns how many.
    async fn hasten(
        &self,
        transaction: &mut Transaction<'static, Any>,
        runs: &[(String, String, i64)],
    ) -> Result<u64, sqlx::Error> {
        let mut hastened = 0;
        let sql = format!("UPDATE beats SET due_ms = {} WHERE tenant = $1", self.dialect.now_ms);
        for (_, tenant, _) in runs.iter().filter(|(_, _, of_one_client)| *of_one_client == 0) {
            let done = sqlx::query(AssertSqlSafe(sql.clone())).bind(tenant.as_str());
            hastened += done.execute(&mut **transaction).await?.rows_affected();
        }
        Ok(hastened)
    }
}
