//! Notices are written in the transaction of what they tell of, one row for each who is told.

use std::fmt::Write as _;

use gateway_core::notice::Event;
use gateway_core::provisioning::OperationAnswer;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use sqlx::{Any, AssertSqlSafe, Transaction};
use uuid::Uuid;

use super::Store;
use super::notice_body::{of_callback, of_operation};

/// The time of a destination to which nothing waits, in milliseconds since 1970: a far away one.
pub(super) const NEVER: i64 = 9_000_000_000_000_000;
/// Bytes of a digest that name a destination.
const DIGEST: usize = 16;

/// In which way somebody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// As the settings say.
    Webhook,
    /// As a caller asked.
    Callback,
}

/// The name of a destination: tenant, way, and a digest of its URL.
pub fn destination(tenant: &str, way: Way, url: &str) -> String {
    let way = match way {
        Way::Webhook => "webhook",
        Way::Callback => "callback",
    };
    let digest = Sha256::digest(url);
    digest[..DIGEST].iter().fold(format!("{tenant}/{way}/"), |mut name, byte| {
        // To a text it cannot fail.
        let _ = write!(name, "{byte:02x}");
        name
    })
}

/// One notice to one destination.
struct NewNotice<'a> {
    id: &'a str,
    tenant: &'a str,
    event: Event,
    body: &'a str,
    destination: &'a str,
    /// A callback's.
    url: Option<&'a str>,
}

impl Store {
    /// Writes a notice for all of a tenant who are told of its event.
    pub(super) async fn tell(
        &self,
        transaction: &mut Transaction<'_, Any>,
        tenant: &str,
        event: Event,
        body: &str,
    ) -> Result<(), sqlx::Error> {
        let id = new_id();
        for destination in &self.subscribers.of(tenant, event) {
            let notice = NewNotice { id: &id, tenant, event, body, destination, url: None };
            self.write_notice(transaction, notice).await?;
        }
        Ok(())
    }

    /// Tells that an operation ended; its row has its end in this transaction. Wake afterwards.
    pub(super) async fn tell_operation_end(
        &self,
        transaction: &mut Transaction<'_, Any>,
        operation: &str,
        answer: &OperationAnswer,
        at: Timestamp,
    ) -> Result<(), sqlx::Error> {
        let row: Option<(String, String, Option<String>)> =
            sqlx::query_as("SELECT tenant, code, callback_url FROM operations WHERE id = $1")
                .bind(operation)
                .fetch_optional(&mut **transaction)
                .await?;
        let Some((tenant, client, callback)) = row else { return Ok(()) };
        let body = of_operation(&tenant, operation, &client, answer, at);
        // Callbacks sort before webhooks: whoever locks several destinations does so in one order.
        if let Some(url) = callback.as_deref() {
            let (id, body) = (new_id(), of_callback(operation, &client, answer));
            let destination = destination(&tenant, Way::Callback, url);
            let notice = NewNotice {
                id: &id,
                tenant: &tenant,
                event: Event::OperationEnded,
                body: &body,
                destination: &destination,
                url: Some(url),
            };
            self.write_notice(transaction, notice).await?;
        }
        self.tell(transaction, &tenant, Event::OperationEnded, &body).await
    }

    async fn write_notice(
        &self,
        transaction: &mut Transaction<'_, Any>,
        notice: NewNotice<'_>,
    ) -> Result<(), sqlx::Error> {
        let NewNotice { id, tenant, event, body, destination, url } = notice;
        let now = self.dialect.now_ms;
        // The row stays locked until the end of the transaction, so that the numbers are the order of the commits. A
        // destination that fails keeps its pause.
        let sql = format!(
            "INSERT INTO notice_destinations (destination, tenant, url, written, next_at) VALUES ($1, $2, $3, 1, {now}) \
             ON CONFLICT (destination) DO UPDATE SET written = notice_destinations.written + 1, \
             next_at = CASE WHEN notice_destinations.failures = 0 OR notice_destinations.next_at >= {NEVER} THEN {now} \
             ELSE notice_destinations.next_at END \
             RETURNING written, CAST(CASE WHEN stopped_until > {now} THEN 1 ELSE 0 END AS BIGINT)"
        );
        let (number, is_stopped): (i64, i64) = sqlx::query_as(AssertSqlSafe(sql))
            .bind(destination)
            .bind(tenant)
            .bind(url)
            .fetch_one(&mut **transaction)
            .await?;
        let (state, why, ended) = match is_stopped {
            0 => ("waiting", None, "NULL"),
            _ => ("given_up", Some("the destination answered 410 Gone"), now),
        };
        let sql = format!(
            "INSERT INTO notices (destination, number, notice, tenant, event, body, state, written_at, next_at, ended_at, last_error) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, {now}, {now}, {ended}, $8)"
        );
        sqlx::query(AssertSqlSafe(sql))
            .bind(destination)
            .bind(number)
            .bind(id)
            .bind(tenant)
            .bind(event.name())
            .bind(body)
            .bind(state)
            .bind(why)
            .execute(&mut **transaction)
            .await
            .map(drop)
    }
}

/// A notice's name, the same on every try and for all who are told.
fn new_id() -> String {
    format!("msg_{}", Uuid::now_v7().simple())
}
