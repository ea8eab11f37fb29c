//! Whether the database takes what is written, for whoever probes the gateway.

use std::time::Duration;

use sqlx::AnyPool;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use super::error::{During, StoreError};
use super::file::DatabaseFile;

/// Whoever probes does not wait long.
const WITHIN: Duration = Duration::from_secs(3);
/// An answer holds for so long.
const HOLDS: Duration = Duration::from_secs(1);
/// SQLite has one writer, which may be at a long piece of work of this process: so long that says nothing.
const BUSY: Duration = Duration::from_secs(30);
/// Bytes of the row: more than what a full disk may have left in a page.
const TRIED: usize = 8 * 1024;
/// No tenant has this name: a name in the settings has no control character.
const NOBODY: &str = "\u{1}ready";

/// Why the database cannot be worked with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotReady(pub String);

/// What was found last.
#[derive(Debug, Default)]
pub(super) struct Readiness(Mutex<LastLook>);

#[derive(Debug, Default)]
struct LastLook {
    last: Option<(Instant, Result<(), NotReady>)>,
    last_good: Option<Instant>,
}

impl Readiness {
    /// Whether a row can be written; `file` is SQLite's.
    pub(super) async fn look(&self, writer: &AnyPool, file: Option<&DatabaseFile>) -> Result<(), NotReady> {
        let mut found = self.0.lock().await;
        if let Some((at, answer)) = &found.last
            && at.elapsed() < HOLDS
        {
            return answer.clone();
        }
        let answer = sign_of_life(writer, file, found.last_good).await;
        let now = Instant::now();
        match &answer {
            Ok(()) => found.last_good = Some(now),
            Err(why) => tracing::error!(%why, "not ready"),
        }
        found.last = Some((now, answer.clone()));
        answer
    }
}

async fn sign_of_life(
    writer: &AnyPool,
    file: Option<&DatabaseFile>,
    last_good: Option<Instant>,
) -> Result<(), NotReady> {
    if let Some(file) = file.filter(|file| !file.is_there()) {
        let path = file.path().display();
        return Err(NotReady(format!(
            "the database's file {path} is gone, or another stands in its place: restore it, and start the gateway anew"
        )));
    }
    let mut connection = match timeout(WITHIN, writer.acquire()).await {
        Ok(connection) => connection.during("be opened").map_err(because)?,
        Err(_) if file.is_some() && last_good.is_some_and(|at| at.elapsed() < BUSY) => return Ok(()),
        Err(_) => return Err(NotReady("the database gives no connection within 3 s".to_owned())),
    };
    let row = sqlx::query(
        "INSERT INTO mirror_chunks (tenant, seq, digest, body) VALUES ($1, 0, $2, $3) \
         ON CONFLICT (tenant, seq) DO UPDATE SET digest = excluded.digest, body = excluded.body",
    );
    let row = row.bind(NOBODY).bind(Uuid::now_v7().to_string()).bind("x".repeat(TRIED));
    match timeout(WITHIN, row.execute(&mut *connection)).await {
        Ok(written) => written.map(drop).during("write a row").map_err(because),
        Err(_) => Err(NotReady(
            "the database does not take a row within 3 s: does another process hold it?".to_owned(),
        )),
    }
}

/// The whole cause is for the log.
fn because(error: StoreError) -> NotReady {
    NotReady(error.to_string())
}
