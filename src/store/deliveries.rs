//! Delivering notices: one process at a time has a destination, and goes through its notices in their order. Whoever dies with
//! one loses it after 25 s; times are the database's.

use std::time::Duration;

use sqlx::{AssertSqlSafe, FromRow};
use uuid::Uuid;

use super::durability::Statement;
use super::error::During;
use super::notices::NEVER;
use super::{Store, StoreError, without_nul};

/// How long a destination is its claimer's, unless it is renewed by a notice that was delivered; longer than one post takes.
const CLAIM_MS: i64 = 25_000;

/// A destination that is this task's.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Its name.
    pub destination: String,
    /// Whose.
    pub tenant: String,
    /// A callback's; a webhook's stands in the settings.
    pub url: Option<String>,
    /// Tries in a row that failed.
    pub failures: i64,
    holder: String,
}

/// A destination whose time has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueDestination {
    /// Its name.
    pub name: String,
    /// Whose.
    pub tenant: String,
    /// Whether a caller named it, and not the settings.
    pub is_callback: bool,
}

/// A notice that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingNotice {
    /// Its place among those of its destination.
    pub number: i64,
    /// `webhook-id`.
    pub id: String,
    /// What is posted.
    pub body: String,
    /// How often it was tried.
    pub attempts: i64,
    /// How long ago it was written.
    pub age: Duration,
}

/// What a task finds at its destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextNotice {
    /// The one whose turn it is.
    Due(WaitingNotice),
    /// None is due; so many were ever written.
    None {
        /// For [`Store::leave_destination`].
        written: i64,
    },
    /// The destination is another's by now.
    Lost,
}

#[derive(FromRow)]
struct NoticeRow {
    number: i64,
    notice: String,
    body: String,
    attempts: i64,
    age_ms: i64,
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(NEVER)
}

pub(super) fn duration(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or_default())
}

impl Store {
    /// Destinations with a notice whose time has come and that nobody has, the longest due first: at most `limit`, and of each
    /// tenant's callbacks at most `callbacks`, so that many that hang hold up nobody else's.
    ///
    /// `known` are the webhooks, and the tenants whose callers may be called back, of this process; others' are left alone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn due_destinations(
        &self,
        known: &[String],
        limit: u32,
        callbacks: u32,
    ) -> Result<Vec<DueDestination>, StoreError> {
        let now = self.dialect.now_ms;
        let due = format!("next_at <= {now} AND claimed_until <= {now}");
        let any: Option<(String,)> = sqlx::query_as(AssertSqlSafe(format!(
            "SELECT destination FROM notice_destinations WHERE {due} LIMIT 1"
        )))
        .fetch_optional(&self.reader)
        .await
        .during("look for notices that wait")?;
        if any.is_none() {
            return Ok(Vec::new());
        }
        let names = format!("(SELECT value->>0 FROM {})", self.dialect.rows_in_2);
        let sql = format!(
            "WITH due AS (SELECT destination, tenant, CASE WHEN url IS NULL THEN 0 ELSE 1 END AS is_callback, next_at, \
             ROW_NUMBER() OVER (PARTITION BY tenant, CASE WHEN url IS NULL THEN 0 ELSE 1 END ORDER BY next_at) AS place \
             FROM notice_destinations WHERE {due} AND CASE WHEN url IS NULL THEN destination ELSE tenant END IN {names}) \
             SELECT destination, tenant, CAST(is_callback AS BIGINT) FROM due WHERE is_callback = 0 OR place <= $3 \
             ORDER BY next_at, destination LIMIT $1"
        );
        let known: Vec<[&String; 1]> = known.iter().map(|name| [name]).collect();
        let rows: Vec<(String, String, i64)> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(i64::from(limit))
            .bind(serde_json::to_string(&known).unwrap_or_default())
            .bind(i64::from(callbacks))
            .fetch_all(&self.reader)
            .await
            .during("look for notices that wait")?;
        let due =
            |(name, tenant, is_callback)| DueDestination { name, tenant, is_callback: is_callback != 0 };
        Ok(rows.into_iter().map(due).collect())
    }

    /// Takes a destination, if it is still due and nobody has it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn claim_destination(&self, destination: &str) -> Result<Option<Claim>, StoreError> {
        let (now, holder) = (self.dialect.now_ms, Uuid::now_v7().simple().to_string());
        let sql = format!(
            "UPDATE notice_destinations SET claimed_by = $1, claimed_until = {now} + {CLAIM_MS} \
             WHERE destination = $2 AND next_at <= {now} AND claimed_until <= {now} \
             RETURNING destination, tenant, url, failures"
        );
        let row: Option<(String, String, Option<String>, i64)> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(&holder)
            .bind(destination)
            .fetch_optional(&self.writer)
            .await
            .during("take a destination of notices")?;
        Ok(row.map(|(destination, tenant, url, failures)| Claim {
            destination,
            tenant,
            url,
            failures,
            holder,
        }))
    }

    /// The notice whose turn it is: the oldest, and after all others one that was refused for what it says.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn next_notice(&self, claim: &Claim) -> Result<NextNotice, StoreError> {
        let now = self.dialect.now_ms;
        let sql = format!(
            "SELECT written FROM notice_destinations WHERE destination = $1 AND claimed_by = $2 AND claimed_until > {now}"
        );
        let held: Option<(i64,)> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(&claim.destination)
            .bind(&claim.holder)
            .fetch_optional(&self.reader)
            .await
            .during("see whose a destination of notices is")?;
        let Some((written,)) = held else { return Ok(NextNotice::Lost) };
        let sql = format!(
            "SELECT number, notice, body, attempts, {now} - written_at AS age_ms FROM notices \
             WHERE destination = $1 AND state = 'waiting' AND (set_aside = 0 OR next_at <= {now}) \
             ORDER BY set_aside, number LIMIT 1"
        );
        let row: Option<NoticeRow> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(&claim.destination)
            .fetch_optional(&self.reader)
            .await
            .during("read the next notice")?;
        Ok(match row {
            None => NextNotice::None { written },
            Some(NoticeRow { number, notice, body, attempts, age_ms }) => {
                NextNotice::Due(WaitingNotice { number, id: notice, body, attempts, age: duration(age_ms) })
            }
        })
    }

    /// Writes that a notice was taken, whoever has the destination by now, and prolongs the claim.
    ///
    /// # Errors
    /// [`StoreError`]; it is delivered again then.
    pub async fn notice_delivered(&self, claim: &Claim, number: i64) -> Result<(), StoreError> {
        let done = Statement::new(format!(
            "UPDATE notices SET state = 'delivered', attempts = attempts + 1, ended_at = {}, last_error = NULL \
             WHERE destination = $1 AND number = $2 AND state = 'waiting'",
            self.dialect.now_ms
        ));
        let done = done.text(claim.destination.as_str()).number(number);
        let written = self.write_down(vec![self.renewed(claim), done]).await;
        written.map(drop).during("record that a notice was delivered")
    }

    /// Writes that the destination failed: it is left alone for `pause`, and its notices keep their order. Somebody else's is
    /// left as it is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn destination_failed(
        &self,
        claim: &Claim,
        number: i64,
        pause: Duration,
        why: &str,
    ) -> Result<(), StoreError> {
        let tried = Statement::new(
            "UPDATE notices SET attempts = attempts + 1, last_error = $3 WHERE destination = $1 AND number = $2 \
             AND state = 'waiting' AND EXISTS (SELECT 1 FROM notice_destinations AS d \
             WHERE d.destination = $1 AND d.claimed_by = $4)",
        );
        let tried = tried.text(claim.destination.as_str()).number(number);
        let tried = tried.text(without_nul(why)).text(claim.holder.as_str());
        let rest = Statement::new(format!(
            "UPDATE notice_destinations SET failures = failures + 1, next_at = {} + $3, claimed_by = '', claimed_until = 0 \
             WHERE destination = $1 AND claimed_by = $2",
            self.dialect.now_ms
        ));
        let rest = rest.text(claim.destination.as_str()).text(claim.holder.as_str()).number(millis(pause));
        let written = self.write_down(vec![tried, rest]).await;
        written.map(drop).during("record that a notice was not delivered")
    }

    /// Writes that a notice was refused for what it says: it is tried again after `pause`, and holds up no other.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn set_notice_aside(
        &self,
        claim: &Claim,
        number: i64,
        pause: Duration,
        why: &str,
    ) -> Result<(), StoreError> {
        let aside = Statement::new(format!(
            "UPDATE notices SET attempts = attempts + 1, last_error = $3, set_aside = 1, next_at = {} + $4 \
             WHERE destination = $1 AND number = $2 AND state = 'waiting'",
            self.dialect.now_ms
        ));
        let aside = aside.text(claim.destination.as_str()).number(number);
        let aside = aside.text(without_nul(why)).number(millis(pause));
        let written = self.write_down(vec![self.renewed(claim), aside]).await;
        written.map(drop).during("set a notice aside")
    }

    /// Prolongs a claim: the destination answers.
    fn renewed(&self, claim: &Claim) -> Statement {
        let now = self.dialect.now_ms;
        let renew = Statement::new(format!(
            "UPDATE notice_destinations SET failures = 0, claimed_until = {now} + {CLAIM_MS} \
             WHERE destination = $1 AND claimed_by = $2 AND claimed_until > {now}"
        ));
        renew.text(claim.destination.as_str()).text(claim.holder.as_str())
    }

    /// Gives up the notices of a destination that were written so long ago; returns how many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn give_up_notices(
        &self,
        claim: &Claim,
        older_than: Duration,
        why: &str,
    ) -> Result<u64, StoreError> {
        let now = self.dialect.now_ms;
        let sql = format!(
            "UPDATE notices SET state = 'given_up', ended_at = {now}, last_error = $2 \
             WHERE destination = $1 AND state = 'waiting' AND written_at <= {now} - $3"
        );
        let given_up = sqlx::query(AssertSqlSafe(sql)).bind(&claim.destination).bind(why);
        let done = given_up.bind(millis(older_than)).execute(&self.writer).await;
        Ok(done.during("give notices up")?.rows_affected())
    }

    /// Gives one notice up.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn give_up_notice(&self, claim: &Claim, number: i64, why: &str) -> Result<(), StoreError> {
        let now = self.dialect.now_ms;
        let sql = format!(
            "UPDATE notices SET state = 'given_up', attempts = attempts + 1, ended_at = {now}, last_error = $3 \
             WHERE destination = $1 AND number = $2 AND state = 'waiting'"
        );
        let given_up = sqlx::query(AssertSqlSafe(sql)).bind(&claim.destination).bind(number).bind(why);
        given_up.execute(&self.writer).await.map(drop).during("give a notice up")
    }

    /// Tells a destination nothing for so long: what is written to it meanwhile is given up at once.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn stop_destination(&self, claim: &Claim, rest: Duration) -> Result<(), StoreError> {
        let now = self.dialect.now_ms;
        let sql = format!(
            "UPDATE notice_destinations SET stopped_until = {now} + $2, next_at = {NEVER}, failures = 0, claimed_by = '', claimed_until = 0 \
             WHERE destination = $1"
        );
        let stopped = sqlx::query(AssertSqlSafe(sql)).bind(&claim.destination).bind(millis(rest));
        stopped.execute(&self.writer).await.map(drop).during("stop a destination of notices")
    }

    /// Gives a destination back until a notice is due; `false` if one was written since `written` was read.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn leave_destination(&self, claim: &Claim, written: i64) -> Result<bool, StoreError> {
        let sql = format!(
            "UPDATE notice_destinations SET claimed_by = '', claimed_until = 0, next_at = COALESCE((SELECT MIN(n.next_at) \
             FROM notices AS n WHERE n.destination = notice_destinations.destination AND n.state = 'waiting'), {NEVER}) \
             WHERE destination = $1 AND claimed_by = $2 AND written = $3"
        );
        let left = sqlx::query(AssertSqlSafe(sql)).bind(&claim.destination).bind(&claim.holder).bind(written);
        let done = left.execute(&self.writer).await.during("give a destination of notices back")?;
        Ok(done.rows_affected() == 1)
    }

    /// Gives a destination back as it is, to be taken up by another process at once.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn drop_destination(&self, claim: &Claim) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE notice_destinations SET claimed_by = '', claimed_until = 0 WHERE destination = $1 AND claimed_by = $2",
        )
        .bind(&claim.destination)
        .bind(&claim.holder)
        .execute(&self.writer)
        .await
        .map(drop)
        .during("give a destination of notices back")
    }
}
