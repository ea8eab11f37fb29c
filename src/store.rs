//! What the gateway remembers: runs, their changes and findings, and who holds a tenant's lease.
//!
//! One SQL for SQLite (embedded, one host) and PostgreSQL (several replicas).

mod activations;
mod beats;
mod changes;
mod claims;
mod deliveries;
mod durability;
mod error;
mod file;
mod findings;
mod heartbeat;
mod hold;
mod leases;
mod line;
mod locks;
mod mirrors;
mod notice_body;
mod notices;
mod operations;
mod overview;
pub(crate) mod payload;
mod plans;
mod powers;
mod process;
mod prune;
mod readiness;
mod replicas;
mod runs;
mod standings;
mod subscribers;
mod trial;
mod waiting_notices;

use std::sync::Arc;
use std::time::Duration;

pub use activations::{ActivationEnd, ActivationFilter, NewActivation, RecordedActivation, Since};
pub use beats::Beat;
pub use changes::{ChangeFilter, ChangeRow, KeepRecords};
pub use claims::Claimant;
pub use deliveries::{Claim, DueDestination, NextNotice, WaitingNotice};
use durability::{GroupCommit, Statement};
use error::During;
pub use error::StoreError;
use file::DatabaseFile;
pub use findings::{FindingFilter, FindingRow};
pub use hold::{Hold, LeaseAnswer};
use jiff::Timestamp;
pub use leases::Lease;
pub use line::{PlaceInLine, Turn, TurnState};
pub use locks::{LockError, LockGuard, Locks};
pub use notices::{Way, destination};
pub use operations::{NewOperation, Operation};
pub use overview::{LastRun, Overview, Watched};
pub use payload::NotUnderstood;
pub use plans::PlanPart;
pub use process::Process;
pub use readiness::NotReady;
use readiness::Readiness;
pub use runs::{FieldCounts, HeldField, NewRun, RunEnd, RunFilter, RunNotes, RunRow};
use sqlx::any::AnyPoolOptions;
use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool, Connection, Executor, Transaction};
use subscribers::Subscribers;
use uuid::Uuid;
pub use waiting_notices::WaitingNotices;

/// Every change of the tables, oldest first. Those of a later release are left as they are: they only add, so that one may go
/// back, or start this release again beside replicas of that one.
static MIGRATIONS: Migrator = Migrator { ignore_missing: true, ..sqlx::migrate!("src/store/migrations") };

/// A PostgreSQL that is told to acknowledge what is not on its disk does not do so to the gateway; stricter settings stay.
const WAITS_FOR_THE_DISK: &str = "SELECT set_config('synchronous_commit', 'on', false) \
                                  WHERE current_setting('synchronous_commit') = 'off'";

/// How long a caller waits for a connection.
const ACQUIRE: Duration = Duration::from_secs(15);

/// With it, SQLite has a commit on the disk before it returns, in the write-ahead log.
const FLUSHED: &str = "PRAGMA synchronous = FULL";

/// How long the attempt may take that is made to hear why no other succeeded.
const LAST_ATTEMPT: Duration = Duration::from_secs(5);

/// A database; clones share its connections.
#[derive(Clone)]
pub struct Store {
    /// SQLite has one writer at a time: one connection here, and none is ever locked out.
    writer: AnyPool,
    reader: AnyPool,
    commits: GroupCommit,
    dialect: Dialect,
    /// SQLite's.
    file: Option<Arc<DatabaseFile>>,
    readiness: Arc<Readiness>,
    subscribers: Subscribers,
}

/// What the databases do not share.
#[derive(Clone, Copy)]
struct Dialect {
    /// Begins a transaction that will write.
    begin: &'static str,
    /// A table with a column `value` from the JSON array in `$2`: the quick way to bring in many rows.
    rows_in_2: &'static str,
    /// Milliseconds since 1970 by the database's clock, as it is when the statement is carried out.
    now_ms: &'static str,
    /// The same milliseconds, for which `$ms` stands, as [`time_text`] writes a time.
    text_of_ms: &'static str,
    /// Keeps a row that was read as it is until the transaction ends.
    keep_row: &'static str,
    /// How rows that another transaction is about to claim are passed over, where that has to be said.
    skip_locked: &'static str,
    /// Makes a connection commit without waiting for the disk, until it is given back to the pool.
    unflushed: Option<&'static str>,
    /// Whether sqlx lets one process at a time change the tables; where not, one transaction around all does.
    locks_migrations: bool,
}

impl Dialect {
    /// A time as a text, from an expression in milliseconds.
    fn text(&self, ms: &str) -> String {
        self.text_of_ms.replace("$ms", ms)
    }
}

const SQLITE: Dialect = Dialect {
    begin: "BEGIN IMMEDIATE",
    rows_in_2: "json_each($2)",
    now_ms: "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
    text_of_ms: "strftime('%Y-%m-%dT%H:%M:%fZ', ($ms) / 1000.0, 'unixepoch')",
    // Whoever writes is alone.
    keep_row: "",
    skip_locked: "",
    unflushed: Some("PRAGMA synchronous = NORMAL"),
    locks_migrations: false,
};
const POSTGRES: Dialect = Dialect {
    begin: "BEGIN",
    rows_in_2: "json_array_elements(CAST($2 AS JSON)) AS array_in_2(value)",
    // Not `now()`, which is the time at which the transaction began.
    now_ms: "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
    text_of_ms: "to_char(to_timestamp(($ms) / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')",
    keep_row: " FOR SHARE",
    skip_locked: "FOR UPDATE OF o SKIP LOCKED",
    unflushed: None,
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

    fn over(writer: AnyPool, reader: AnyPool, dialect: Dialect, file: Option<Arc<DatabaseFile>>) -> Store {
        let commits = GroupCommit::start(writer.clone(), dialect.begin);
        let (readiness, subscribers) = (Arc::default(), Subscribers::default());
        Store { writer, reader, commits, dialect, file, readiness, subscribers }
    }

    async fn open_sqlite(path: &str) -> Result<Store, StoreError> {
        let url = file::url(path);
        let file = DatabaseFile::prepared(path).map_err(|error| StoreError::sqlite(path, error.into()))?;
        let file = file.map(Arc::new);
        first_look(&url).await.map_err(|error| StoreError::sqlite(path, error))?;
        let (written, read) = (file.clone(), file.clone());
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
                    connection.execute(FLUSHED).await.map(drop)
                })
            })
            .before_acquire(move |connection, _| {
                let is_there = is_there(&written);
                // Whoever had it before may have waited for no disk.
                Box::pin(async move { Ok(is_there && connection.execute(FLUSHED).await.map(|_| true)?) })
            })
            .connect(&url)
            .await
            .map_err(|error| StoreError::sqlite(path, error))?;
        let reader = AnyPoolOptions::new()
            .max_connections(4)
            .acquire_timeout(ACQUIRE)
            .before_acquire(move |_, _| {
                let is_there = is_there(&read);
                Box::pin(async move { Ok(is_there) })
            })
            .after_connect(|connection, _| {
                Box::pin(async move {
                    connection.execute("PRAGMA busy_timeout = 10000").await?;
                    connection.execute("PRAGMA query_only = 1").await.map(drop)
                })
            })
            .connect_lazy(&url)
            .map_err(|error| StoreError::sqlite(path, error))?;
        Ok(Store::over(writer, reader, SQLITE, file))
    }

    async fn open_postgres(url: &str) -> Result<Store, StoreError> {
        let connected = AnyPoolOptions::new()
            .max_connections(8)
            .acquire_timeout(ACQUIRE)
            .after_connect(|connection, _| {
                Box::pin(async move {
                    connection.execute("SET statement_timeout = '60s'").await?;
                    // A replica that is stopped in the middle of a transaction would keep its rows from whoever takes over.
                    connection.execute("SET idle_in_transaction_session_timeout = '5s'").await?;
                    connection.execute(WAITS_FOR_THE_DISK).await.map(drop)
                })
            })
            .connect(url)
            .await;
        let pool = match connected {
            Ok(pool) => pool,
            Err(error) => return Err(StoreError::postgres(why(url, error).await)),
        };
        Ok(Store::over(pool.clone(), pool, POSTGRES, None))
    }

    /// Ends every connection, after the work under way.
    pub async fn close(&self) {
        self.writer.close().await;
        self.reader.close().await;
    }

    /// Whether a row can be written, committed and found at the place that the settings name; tried once a second at most,
    /// however many ask.
    ///
    /// # Errors
    /// [`NotReady`], after 3 s at most.
    pub async fn ready(&self) -> Result<(), NotReady> {
        self.readiness.look(&self.writer, self.file.as_deref()).await
    }

    /// Writes statements, all or none; once this returns they are on the disk. The rows that the last one touched.
    async fn write_down(&self, statements: Vec<Statement>) -> Result<u64, sqlx::Error> {
        self.commits.write(statements).await
    }

    /// A connection whose commits wait for no disk: for what may be lost in a power cut.
    ///
    /// On SQLite a flush that comes later, of anybody, flushes these commits as well.
    async fn forgetful(&self) -> Result<PoolConnection<Any>, sqlx::Error> {
        let mut connection = self.writer.acquire().await?;
        if let Some(unflushed) = self.dialect.unflushed {
            connection.execute(unflushed).await?;
        }
        Ok(connection)
    }

    async fn transaction(&self) -> Result<Transaction<'static, Any>, sqlx::Error> {
        self.writer.begin_with(self.dialect.begin).await
    }
}

/// Whether a connection is of use: one to a file that is no longer there is of none. The file is not made anew: what was
/// promised stood in the old one.
fn is_there(file: &Option<Arc<DatabaseFile>>) -> bool {
    file.as_ref().is_none_or(|file| file.is_there())
}

/// Looks into a file before a pool does, which would try for long and say only that it waited.
async fn first_look(url: &str) -> Result<(), sqlx::Error> {
    let mut connection = AnyConnection::connect(url).await?;
    for statement in
        ["PRAGMA busy_timeout = 10000", "SELECT count(*) FROM sqlite_master", "PRAGMA journal_mode = WAL"]
    {
        connection.execute(statement).await?;
    }
    connection.close().await
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
