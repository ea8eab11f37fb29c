//! What the gateway remembers: runs, their changes and findings, and who holds a tenant's lease.
//!
//! One SQL for SQLite (embedded, one host) and PostgreSQL (several replicas).

mod activations;
mod changes;
mod deliveries;
mod error;
mod findings;
mod holder;
mod leases;
mod locks;
mod mirrors;
mod notice_body;
mod notices;
mod operations;
pub(crate) mod payload;
mod plans;
mod powers;
mod prune;
mod runs;
mod standings;
mod subscribers;
mod trial;
mod waiting_notices;

use std::time::Duration;

pub use activations::{ActivationEnd, ActivationFilter, NewActivation, RecordedActivation};
pub use changes::{ChangeFilter, ChangeRow, KeepRecords};
pub use deliveries::{Claim, NextNotice, WaitingNotice};
use error::During;
pub use error::StoreError;
pub use findings::{FindingFilter, FindingRow};
pub use holder::Process;
use jiff::Timestamp;
pub use leases::LeaseOutcome;
pub use locks::{LockError, LockGuard, Locks};
pub use notices::{Way, destination};
pub use operations::{NewOperation, Operation};
pub use payload::NotUnderstood;
pub use plans::PlanPart;
pub use runs::{FieldCounts, HeldField, NewRun, RunEnd, RunFilter, RunNotes, RunRow, RunningRun};
use sqlx::any::AnyPoolOptions;
use sqlx::migrate::Migrator;
use sqlx::{Any, AnyConnection, AnyPool, Connection, Executor, Transaction};
pub use standings::INTERRUPTED;
use subscribers::Subscribers;
use uuid::Uuid;
pub use waiting_notices::WaitingNotices;

/// Every change of the tables, oldest first.
static MIGRATIONS: Migrator = sqlx::migrate!("src/store/migrations");

/// How long a caller waits for a connection.
const ACQUIRE: Duration = Duration::from_secs(15);

/// How long a sign of life may take: whoever probes the gateway's health does not wait long.
const SIGN_OF_LIFE: Duration = Duration::from_secs(3);
/// How long the attempt may take that is made to hear why no other succeeded.
const LAST_ATTEMPT: Duration = Duration::from_secs(5);

/// A database; clones share its connections.
#[derive(Clone)]
pub struct Store {
    /// SQLite has one writer at a time: one connection here, and none is ever locked out.
    writer: AnyPool,
    reader: AnyPool,
    dialect: Dialect,
    subscribers: Subscribers,
}

/// What the databases do not share.
#[derive(Clone, Copy)]
struct Dialect {
    /// Begins a transaction that will write.
    begin: &'static str,
    /// A table with a column `value` from the JSON array in `$2`: the quick way to bring in many rows.
    rows_in_2: &'static str,
    /// The database's time in milliseconds since 1970, also within a long transaction.
    now_ms: &'static str,
    /// Whether sqlx lets one process at a time change the tables; where not, one transaction around all does.
    locks_migrations: bool,
}

const SQLITE: Dialect = Dialect {
    begin: "BEGIN IMMEDIATE",
    rows_in_2: "json_each($2)",
    now_ms: "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
    locks_migrations: false,
};
const POSTGRES: Dialect = Dialect {
    begin: "BEGIN",
    rows_in_2: "json_array_elements(CAST($2 AS JSON)) AS array_in_2(value)",
    now_ms: "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
    locks_migrations: true,
};

impl Store {
    /// Opens `sqlite://path` (the file is made, its folder is not) or `postgres://…`, and brings its tables up to date.
    ///
    /// # Errors
    /// [`StoreError`], which names the remedy and never a password.
    pub async fn open(url: &str) -> Result<Store, StoreError> {
        let store = Store::connect(url).await?;
        store.migrate().await.during("bring the tables up to date")?;
        Ok(store)
    }

    async fn migrate(&self) -> Result<(), sqlx::Error> {
        if self.dialect.locks_migrations {
            return Ok(MIGRATIONS.run(&self.writer).await?);
        }
        let mut transaction = self.transaction().await?;
        MIGRATIONS.run(&mut *transaction).await?;
        transaction.commit().await
    }

    async fn connect(url: &str) -> Result<Store, StoreError> {
        sqlx::any::install_default_drivers();
        match url.split_once("://") {
            Some(("sqlite", path)) => Store::open_sqlite(path).await,
            Some(("postgres" | "postgresql", _)) => Store::open_postgres(url).await,
            _ => Err(StoreError::UnknownScheme),
        }
    }

    async fn open_sqlite(path: &str) -> Result<Store, StoreError> {
        let mode = if path.contains('?') { "" } else { "?mode=rwc" };
        let url = format!("sqlite://{path}{mode}");
        let writer = AnyPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(ACQUIRE)
            .idle_timeout(None)
            .max_lifetime(None)
            .after_connect(|connection, _| {
                Box::pin(async move {
                    // Another process, such as `sync` beside `serve`, may be writing: wait for it.
                    connection.execute("PRAGMA busy_timeout = 10000").await?;
                    connection.execute("PRAGMA journal_mode = WAL").await?;
                    connection.execute("PRAGMA synchronous = NORMAL").await.map(drop)
                })
            })
            .connect(&url)
            .await
            .map_err(|error| StoreError::sqlite(path, error))?;
        let reader = AnyPoolOptions::new()
            .max_connections(4)
            .acquire_timeout(ACQUIRE)
            .after_connect(|connection, _| {
                Box::pin(async move {
                    connection.execute("PRAGMA busy_timeout = 10000").await?;
                    connection.execute("PRAGMA query_only = 1").await.map(drop)
                })
            })
            .connect_lazy(&url)
            .map_err(|error| StoreError::sqlite(path, error))?;
        Ok(Store { writer, reader, dialect: SQLITE, subscribers: Subscribers::default() })
    }

    async fn open_postgres(url: &str) -> Result<Store, StoreError> {
        let connected = AnyPoolOptions::new()
            .max_connections(8)
            .acquire_timeout(ACQUIRE)
            .after_connect(|connection, _| {
                Box::pin(async move { connection.execute("SET statement_timeout = '60s'").await.map(drop) })
            })
            .connect(url)
            .await;
        let pool = match connected {
            Ok(pool) => pool,
            Err(error) => return Err(StoreError::postgres(why(url, error).await)),
        };
        Ok(Store {
            writer: pool.clone(),
            reader: pool,
            dialect: POSTGRES,
            subscribers: Subscribers::default(),
        })
    }

    /// Whether the database answers within 3 s.
    ///
    /// # Errors
    /// [`StoreError`] if it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let asked = sqlx::query("SELECT 1").execute(&self.reader);
        let answered = tokio::time::timeout(SIGN_OF_LIFE, asked).await;
        answered.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map(drop).during("give a sign of life")
    }

    /// Ends every connection, after the work under way.
    pub async fn close(&self) {
        self.writer.close().await;
        self.reader.close().await;
    }

    async fn transaction(&self) -> Result<Transaction<'static, Any>, sqlx::Error> {
        self.writer.begin_with(self.dialect.begin).await
    }
}

/// Why no connection could be made: a pool says only that it waited, so one more attempt is made to hear the cause.
async fn why(url: &str, error: sqlx::Error) -> sqlx::Error {
    match error {
        sqlx::Error::PoolTimedOut => {
            match tokio::time::timeout(LAST_ATTEMPT, AnyConnection::connect(url)).await {
                Ok(Err(cause)) => cause,
                Ok(Ok(_)) | Err(_) => error,
            }
        }
        error => error,
    }
}

/// The number under which a run's changes are kept, short in the millions of rows that refer to it: the milliseconds of
/// its UUID v7 and 15 of its random bits. Always positive; a later run has a greater one.
fn run_number(run: Uuid) -> i64 {
    let milliseconds = (run.as_u128() >> 80) as i64;
    (milliseconds << 15) | (run.as_u128() & 0x7fff) as i64
}

/// RFC 3339 in UTC with milliseconds.
fn time_text(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// A text that both databases keep: PostgreSQL has no NUL in a text, and INT6 may send one.
fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn time_of(text: &str) -> Timestamp {
    text.parse().unwrap_or_default()
}

#[cfg(test)]
mod tests;
