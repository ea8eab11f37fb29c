//! Notices are written in the transaction of what they tell of, one row for each who is told.

use std::fmt::Write as _;
use std::sync::Arc;

use gateway_core::notice::{Event, Subscription};
use gateway_core::provisioning::OperationAnswer;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use sqlx::{Any, Transaction};
use uuid::Uuid;

use super::durability::Statement;
use super::notice_body::{of_callback, of_operation};
use super::{Store, without_nul};

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

/// What an operation's end must find to be told: the operation, pending, with this holder's claim.
struct IfHeld<'a> {
    operation: &'a str,
    holder: &'a str,
}

impl Store {
    /// From now on what happens to this tenant is told to these; who was told before, and is not among them, no more.
    pub fn subscribe(&self, tenant: &str, subscriptions: impl Into<Arc<[Subscription]>>) {
        self.subscribers.set(tenant, subscriptions.into());
    }

    /// Completes once this process has written a notice, perhaps before this call.
    pub async fn notice_written(&self) {
        self.subscribers.woken().await;
    }

    /// Writes a notice for all of a tenant who are told of its event. Wake afterwards.
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
            for statement in self.written(&notice, None) {
                statement.execute(&mut *transaction).await?;
            }
        }
        Ok(())
    }

    /// What tells that an operation of a tenant ends, as long as it is pending and this holder's: to be written before the end,
    /// in its transaction. Wake afterwards.
    pub(super) async fn told_operation_end(
        &self,
        (tenant, holder): (&str, &str),
        operation: &str,
        answer: &OperationAnswer,
        at: Timestamp,
    ) -> Result<Vec<Statement>, sqlx::Error> {
        let told = self.subscribers.of(tenant, Event::OperationEnded);
        let row: Option<(String, Option<String>)> =
            sqlx::query_as("SELECT code, callback_url FROM operations WHERE tenant = $1 AND id = $2")
                .bind(tenant)
                .bind(operation)
                .fetch_optional(&self.reader)
                .await?;
        let Some((client, callback)) = row else { return Ok(Vec::new()) };
        let (only_if, event) = (IfHeld { operation, holder }, Event::OperationEnded);
        let mut statements = Vec::new();
        // Callbacks sort before webhooks: whoever locks several destinations does so in one order.
        if let Some(url) = callback.as_deref() {
            let (id, body) = (new_id(), of_callback(operation, &client, answer));
            let destination = &destination(tenant, Way::Callback, url);
            let notice = NewNotice { id: &id, tenant, event, body: &body, destination, url: Some(url) };
            statements.extend(self.written(&notice, Some(&only_if)));
        }
        let (id, body) = (new_id(), of_operation(tenant, operation, &client, answer, at));
        for destination in &told {
            let notice = NewNotice { id: &id, tenant, event, body: &body, destination, url: None };
            statements.extend(self.written(&notice, Some(&only_if)));
        }
        Ok(statements)
    }

    /// The statements that write a notice; those of one with a condition do nothing where it does not hold.
    fn written(&self, notice: &NewNotice<'_>, only_if: Option<&IfHeld<'_>>) -> [Statement; 2] {
        let now = self.dialect.now_ms;
        let holds = |first: u8| match only_if {
            None => "1 = 1".to_owned(),
            Some(_) => format!(
                "EXISTS (SELECT 1 FROM operations AS o WHERE o.id = ${first} AND o.state = 'pending' AND o.holder = ${})",
                first + 1
            ),
        };
        let with = |statement: Statement| match only_if {
            None => statement,
            Some(IfHeld { operation, holder }) => statement.text(*operation).text(*holder),
        };
        // The row stays locked until the end of the transaction, so that the numbers are the order of the commits. A
        // destination that fails keeps its pause, and one that wants nothing its rest.
        let number = Statement::new(format!(
            "INSERT INTO notice_destinations (destination, tenant, url, written, next_at) \
             SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT), 1, {now} WHERE {} \
             ON CONFLICT (destination) DO UPDATE SET written = notice_destinations.written + 1, \
             next_at = CASE WHEN notice_destinations.stopped_until > {now} THEN notice_destinations.next_at \
             WHEN notice_destinations.failures = 0 OR notice_destinations.next_at >= {NEVER} THEN {now} \
             ELSE notice_destinations.next_at END",
            holds(4)
        ));
        let row = Statement::new(format!(
            "INSERT INTO notices (destination, number, notice, tenant, event, body, state, written_at, next_at, ended_at, last_error) \
             SELECT d.destination, d.written, CAST($2 AS TEXT), d.tenant, CAST($3 AS TEXT), CAST($4 AS TEXT), \
             CASE WHEN {stopped} THEN 'given_up' ELSE 'waiting' END, {now}, {now}, CASE WHEN {stopped} THEN {now} END, \
             CASE WHEN {stopped} THEN 'the destination answered 410 Gone' END \
             FROM notice_destinations AS d WHERE d.destination = $1 AND {holds}",
            stopped = format_args!("d.stopped_until > {now}"),
            holds = holds(5)
        ));
        let NewNotice { id, tenant, event, body, destination, url } = *notice;
        [
            with(number.text(destination).text(tenant).maybe(url.map(str::to_owned))),
            with(row.text(destination).text(id).text(event.name()).text(without_nul(body))),
        ]
    }
}

/// A notice's name, the same on every try and for all who are told.
fn new_id() -> String {
    format!("msg_{}", Uuid::now_v7().simple())
}
