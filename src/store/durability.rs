//! What is on the disk before anybody is told of it, and what may be lost in a power cut.
//!
//! Every transaction is flushed at its commit. Those that callers wait for are gathered: while one flush is under way, the
//! next ones wait for it and share a transaction and a flush, so that a flush for each of 200 callers a second is not needed.

use std::borrow::Cow;

use sqlx::{AnyConnection, AnyPool, AssertSqlSafe, Connection};
use tokio::sync::{mpsc, oneshot};

/// Most callers that share a transaction.
const TOGETHER: usize = 256;

/// A statement that can be sent again, because the transaction of many is undone if one of them fails.
pub(super) struct Statement {
    sql: Cow<'static, str>,
    values: Vec<Value>,
}

enum Value {
    Text(Option<String>),
    Number(i64),
}

impl Statement {
    pub(super) fn new(sql: impl Into<Cow<'static, str>>) -> Statement {
        Statement { sql: sql.into(), values: Vec::new() }
    }

    pub(super) fn text(self, value: impl Into<String>) -> Statement {
        self.maybe(Some(value.into()))
    }

    pub(super) fn maybe(mut self, value: Option<String>) -> Statement {
        self.values.push(Value::Text(value));
        self
    }

    pub(super) fn number(mut self, value: i64) -> Statement {
        self.values.push(Value::Number(value));
        self
    }

    /// Carries it out by itself; how many rows it touched.
    pub(super) async fn execute(&self, connection: &mut AnyConnection) -> Result<u64, sqlx::Error> {
        let mut query = sqlx::query(AssertSqlSafe(self.sql.to_string()));
        for value in &self.values {
            query = match value {
                Value::Text(text) => query.bind(text.clone()),
                Value::Number(number) => query.bind(*number),
            };
        }
        query.execute(connection).await.map(|done| done.rows_affected())
    }
}

/// Statements of one caller, all or none of which take effect.
struct WriteTogether {
    statements: Vec<Statement>,
    /// How many rows the last one touched.
    told: oneshot::Sender<Result<u64, sqlx::Error>>,
}

/// The writer that many callers share; clones are the same.
#[derive(Clone)]
pub(super) struct GroupCommit {
    line: mpsc::Sender<WriteTogether>,
}

impl GroupCommit {
    /// Begins to write what is asked for; it ends with the last of the clones. `begin` begins a transaction that will write.
    pub(super) fn start(writer: AnyPool, begin: &'static str) -> GroupCommit {
        let (line, mut asked) = mpsc::channel(TOGETHER);
        tokio::spawn(async move {
            let mut together = Vec::with_capacity(TOGETHER);
            while asked.recv_many(&mut together, TOGETHER).await > 0 {
                write(&writer, begin, std::mem::take(&mut together)).await;
            }
        });
        GroupCommit { line }
    }

    /// All of them or none; once this returns they are on the disk. The rows that the last one touched.
    pub(super) async fn write(&self, statements: Vec<Statement>) -> Result<u64, sqlx::Error> {
        let (told, answer) = oneshot::channel();
        let asked = WriteTogether { statements, told };
        self.line.send(asked).await.map_err(|_| sqlx::Error::PoolClosed)?;
        answer.await.unwrap_or(Err(sqlx::Error::PoolClosed))
    }
}

/// All in one transaction; if one of them cannot be carried out, each in one of its own, so that it costs no other.
async fn write(writer: &AnyPool, begin: &'static str, asked: Vec<WriteTogether>) {
    let mut connection = match writer.acquire().await {
        Ok(connection) => connection,
        Err(error) => return tell_all(asked, &error),
    };
    match all_of(&mut connection, begin, &asked).await {
        Ok(touched) => {
            for (WriteTogether { told, .. }, touched) in asked.into_iter().zip(touched) {
                let _ = told.send(Ok(touched));
            }
        }
        Err(error) if asked.len() == 1 => {
            asked.into_iter().for_each(|asked| drop(asked.told.send(Err(clone_of(&error)))));
        }
        Err(_) => {
            for asked in asked {
                let alone = all_of(&mut connection, begin, std::slice::from_ref(&asked)).await;
                let _ = asked.told.send(alone.map(|touched| touched.into_iter().sum()));
            }
        }
    }
}

fn tell_all(asked: Vec<WriteTogether>, error: &sqlx::Error) {
    for WriteTogether { told, .. } in asked {
        let _ = told.send(Err(clone_of(error)));
    }
}

/// A driver's error cannot be told twice; its words can.
fn clone_of(error: &sqlx::Error) -> sqlx::Error {
    match error {
        sqlx::Error::PoolTimedOut => sqlx::Error::PoolTimedOut,
        sqlx::Error::PoolClosed => sqlx::Error::PoolClosed,
        error => sqlx::Error::Protocol(error.to_string()),
    }
}

async fn all_of(
    connection: &mut AnyConnection,
    begin: &'static str,
    asked: &[WriteTogether],
) -> Result<Vec<u64>, sqlx::Error> {
    let mut transaction = connection.begin_with(begin).await?;
    let mut touched = Vec::with_capacity(asked.len());
    for WriteTogether { statements, .. } in asked {
        let mut last = 0;
        for statement in statements {
            last = statement.execute(&mut transaction).await?;
        }
        touched.push(last);
    }
    transaction.commit().await?;
    Ok(touched)
}
