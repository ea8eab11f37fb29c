//! A tenant's mirror as texts; what they mean is the mirror's business.

use std::collections::HashMap;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use sqlx::Connection;

use super::error::During;
use super::{Store, StoreError, time_of, time_text};

impl Store {
    /// Puts `count` chunks in the place of what was saved before, in one transaction; only those that differ are written.
    /// What is there already and not older, from another replica, stays: false then. A chunk is asked for up to twice, so
    /// that no more than one is in memory.
    ///
    /// # Errors
    /// [`StoreError`]; what was saved before is still there then.
    pub async fn save_mirror(
        &self,
        tenant: &str,
        format: i64,
        as_of: Timestamp,
        count: usize,
        chunk: impl Fn(usize) -> String,
    ) -> Result<bool, StoreError> {
        // Before the transaction, because that keeps every other writer waiting.
        let mut digests = Vec::with_capacity(count);
        for seq in 0..count {
            digests.push(digest(&chunk(seq)));
            tokio::task::yield_now().await;
        }
        self.replace_mirror(tenant, format, &time_text(as_of), &digests, chunk).await.during("save a mirror")
    }

    async fn replace_mirror(
        &self,
        tenant: &str,
        format: i64,
        as_of: &str,
        digests: &[String],
        chunk: impl Fn(usize) -> String,
    ) -> Result<bool, sqlx::Error> {
        // OZmap tells it again: no disk is waited for.
        let mut connection = self.forgetful().await?;
        let mut transaction = connection.begin_with(self.dialect.begin).await?;
        // First, because it locks out another replica until the end.
        let head = sqlx::query(
            "INSERT INTO mirrors (tenant, format, as_of, chunks) VALUES ($1, $2, $3, 0) \
             ON CONFLICT (tenant) DO UPDATE SET format = excluded.format, as_of = excluded.as_of \
             WHERE mirrors.as_of < excluded.as_of",
        );
        let head = head.bind(tenant).bind(format).bind(as_of).execute(&mut *transaction).await?;
        if head.rows_affected() == 0 {
            return Ok(false);
        }
        let saved: Vec<(i64, String)> =
            sqlx::query_as("SELECT seq, digest FROM mirror_chunks WHERE tenant = $1")
                .bind(tenant)
                .fetch_all(&mut *transaction)
                .await?;
        let saved: HashMap<i64, String> = saved.into_iter().collect();
        for (seq, digest) in
            digests.iter().enumerate().filter(|(seq, digest)| saved.get(&(*seq as i64)) != Some(digest))
        {
            let row = sqlx::query(
                "INSERT INTO mirror_chunks (tenant, seq, digest, body) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (tenant, seq) DO UPDATE SET digest = excluded.digest, body = excluded.body",
            );
            let row = row.bind(tenant).bind(seq as i64).bind(digest).bind(chunk(seq));
            row.execute(&mut *transaction).await?;
        }
        let count = digests.len() as i64;
        let surplus = sqlx::query("DELETE FROM mirror_chunks WHERE tenant = $1 AND seq >= $2");
        surplus.bind(tenant).bind(count).execute(&mut *transaction).await?;
        let head = sqlx::query("UPDATE mirrors SET chunks = $2 WHERE tenant = $1");
        head.bind(tenant).bind(count).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Hands each saved chunk to `take`, in order; when it was loaded, or `None` if nothing of this format is saved, or it
    /// was replaced while it was read.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn saved_mirror(
        &self,
        tenant: &str,
        format: i64,
        take: impl FnMut(String),
    ) -> Result<Option<Timestamp>, StoreError> {
        self.read_mirror(tenant, format, take).await.during("read the saved mirror")
    }

    async fn read_mirror(
        &self,
        tenant: &str,
        format: i64,
        mut take: impl FnMut(String),
    ) -> Result<Option<Timestamp>, sqlx::Error> {
        let head = async || {
            sqlx::query_as::<_, (String, i64)>(
                "SELECT as_of, chunks FROM mirrors WHERE tenant = $1 AND format = $2",
            )
            .bind(tenant)
            .bind(format)
            .fetch_optional(&self.reader)
            .await
        };
        let Some((as_of, count)) = head().await? else { return Ok(None) };
        // One by one, so that no more than one is in memory.
        for seq in 0..count {
            let body: Option<(String,)> =
                sqlx::query_as("SELECT body FROM mirror_chunks WHERE tenant = $1 AND seq = $2")
                    .bind(tenant)
                    .bind(seq)
                    .fetch_optional(&self.reader)
                    .await?;
            match body {
                Some((body,)) => take(body),
                None => return Ok(None),
            }
        }
        let unchanged = head().await?.is_some_and(|(now, _)| now == as_of);
        Ok(unchanged.then(|| time_of(&as_of)))
    }
}

fn digest(body: &str) -> String {
    Sha256::digest(body.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
