//! Whether the database takes what is written.

use std::time::Duration;

use uuid::Uuid;

use super::error::During;
use super::{Store, StoreError};

/// Bytes of the row that is tried: room that the next run needs at least.
const TRIED: usize = 64 * 1024;
/// How long it may take: another process may be writing.
const WITHIN: Duration = Duration::from_secs(15);
/// No tenant has this name: a name in the settings has no control character.
const NOBODY: &str = "\u{1}doctor";

impl Store {
    /// Writes a row of 64 KiB, commits it, and deletes it again.
    ///
    /// A transaction that is rolled back would not do: SQLite asks the disk at the commit.
    ///
    /// # Errors
    /// [`StoreError`]: a file that may only be read, a full disk, another process that writes for more than 15 s.
    pub async fn try_write(&self) -> Result<(), StoreError> {
        let written = tokio::time::timeout(WITHIN, self.write_and_delete());
        written.await.unwrap_or(Err(sqlx::Error::PoolTimedOut)).during("write a row and delete it again")
    }

    async fn write_and_delete(&self) -> Result<(), sqlx::Error> {
        // Two doctors at once do not meet.
        let name = format!("{NOBODY}-{}", Uuid::now_v7());
        let mut transaction = self.transaction().await?;
        sqlx::query("INSERT INTO mirror_chunks (tenant, seq, digest, body) VALUES ($1, 0, '', $2)")
            .bind(name.clone())
            .bind("x".repeat(TRIED))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        sqlx::query("DELETE FROM mirror_chunks WHERE tenant = $1")
            .bind(name)
            .execute(&self.writer)
            .await
            .map(drop)
    }
}
