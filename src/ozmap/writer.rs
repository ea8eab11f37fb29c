//! Writing what the sync changes, one record or many at a time.

use futures::stream::{self, StreamExt};
use gateway_core::sync::{FieldValue, Record, SharedValue};
use gateway_core::{RecordId, SyncedClient};
use http::{Method, StatusCode};

use super::capabilities::{BatchRoute, IdFilter, Proof};
use super::fresh::{FreshReader, RecordKind};
use super::proof::{self, Bystander, Held};
use super::{Ozmap, wire};
use crate::upstream::{CallError, Idempotency, Kind, Request};

/// Records that are given their old value back at a time.
const RESTORED_AT_ONCE: usize = 8;

/// Writes; exists only in runs that apply their plan.
pub struct Writer {
    ozmap: Ozmap,
    fresh: FreshReader,
}

/// Why a batch was not written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WriteError {
    /// The host cannot do batches of this kind: write record by record.
    #[error("the host has no usable batch-update")]
    NoBatch,
    /// The batch changed records that it did not name; the ones that it named hold its value. The host gets no second one.
    #[error(
        "the host ignores the filter of batch-update: {changed} records outside were changed, {restored} of them hold their old value again"
    )]
    FilterIgnored {
        /// Records outside that were found changed.
        changed: usize,
        /// Those of them that were written back.
        restored: usize,
    },
    /// The call failed.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl Ozmap {
    /// A writer with call counters of its own.
    pub fn writer(&self) -> Writer {
        Writer { ozmap: self.with_own_counter(), fresh: self.fresh() }
    }

    /// Sends an update, and believes it only if the answer is what the contract says.
    /// Source: `docs/contracts/ozmap-api.md`, "Answers to writes".
    ///
    /// # Errors
    /// [`CallError`]; an answer that is something else is not asked for again, because a proxy says the same each time.
    pub(super) async fn write(&self, mut request: Request) -> Result<(), CallError> {
        let operation = request.operation;
        request.page_may_pass = false;
        let answer = self.upstream.call(self.request(request), |body| Ok(wire::written(body))).await?;
        answer.map_err(|what| self.upstream.malformed(operation, what))
    }
}

impl Writer {
    /// Writes sent so far, repeats included.
    pub fn writes(&self) -> u64 {
        self.ozmap.upstream.sent()
    }

    /// Reads sent so far: to see whether the host honours filters, and what became of a batch.
    pub fn reads(&self) -> u64 {
        self.fresh.calls()
    }

    /// Reads single records again; its calls are among [`Writer::reads`].
    pub fn fresh(&self) -> &FreshReader {
        &self.fresh
    }

    /// Whether the host is known to have no usable batch-update for this value.
    pub fn lacks_batch(&self, value: SharedValue) -> bool {
        self.ozmap.capabilities.batch_route(wire::route_of(value)) == Some(BatchRoute::Missing)
    }

    /// Whether it was seen of every batch-update route that it reaches the records named and no others.
    pub(crate) fn is_proved(&self) -> bool {
        let capabilities = &self.ozmap.capabilities;
        wire::BATCH_ROUTES.iter().all(|route| match capabilities.batch_route(route) {
            Some(BatchRoute::Works { proof, .. }) => proof == Proof::Whole,
            Some(BatchRoute::Missing) => true,
            None => false,
        })
    }

    /// What is known of each batch-update route: `works`, `missing`, or `untried` for now.
    pub fn batching(&self) -> Vec<(&'static str, &'static str)> {
        let state = |route| match self.ozmap.capabilities.batch_route(route) {
            None => "untried",
            Some(BatchRoute::Works { .. }) => "works",
            Some(BatchRoute::Missing) => "missing",
        };
        wire::BATCH_ROUTES.map(|route| (route, state(route))).into()
    }

    /// Writes edits of one record. A full-value update: safe to repeat.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn patch(
        &self,
        record: &Record,
        edits: impl Iterator<Item = &FieldValue>,
    ) -> Result<(), CallError> {
        let operation = match record {
            Record::Property(_) => "update a property",
            Record::Client(_) => "update a client",
        };
        let (path, body) = (wire::record_path(record), wire::patch_body(edits));
        let request = Request::with_body(operation, Method::PATCH, path, body, Idempotency::Idempotent);
        self.ozmap.write(request).await
    }

    /// Sets one value on all these records, of the route that carries the value. Safe to repeat.
    ///
    /// The first batch of a route is read back before a second one is sent: a few of its records hold the value, and a sample of
    /// `outside` does not. `outside` are clients that get this value from nothing else meanwhile, as they were read; all of them
    /// are looked at, and given their old value back, where the batch turns out to have reached one.
    ///
    /// # Errors
    /// [`WriteError::NoBatch`] if it has to be done record by record.
    pub async fn set(
        &self,
        value: SharedValue,
        ids: &[&RecordId],
        outside: &[SyncedClient],
    ) -> Result<(), WriteError> {
        let route = wire::route_of(value);
        match self.ozmap.capabilities.batch_route(route) {
            Some(BatchRoute::Missing) => return Err(WriteError::NoBatch),
            Some(BatchRoute::Works { property, proof: Proof::Whole }) => {
                return self.send(route, property, value, ids).await;
            }
            Some(BatchRoute::Works { property, proof: Proof::Inside })
                if proof::bystanders(value, ids, outside).is_empty() =>
            {
                return self.send(route, property, value, ids).await;
            }
            Some(BatchRoute::Works { .. }) | None => (),
        }
        let _one_at_a_time = self.ozmap.capabilities.proving.lock().await;
        match self.ozmap.capabilities.batch_route(route) {
            Some(BatchRoute::Missing) => Err(WriteError::NoBatch),
            Some(BatchRoute::Works { property, proof: Proof::Whole }) => {
                self.send(route, property, value, ids).await
            }
            Some(BatchRoute::Works { .. }) | None => self.send_and_prove(route, value, ids, outside).await,
        }
    }

    async fn send_and_prove(
        &self,
        route: &'static str,
        value: SharedValue,
        ids: &[&RecordId],
        outside: &[SyncedClient],
    ) -> Result<(), WriteError> {
        let IdFilter::By(property) = self.fresh.ozmap.id_filter(route, ids).await? else {
            self.ozmap.capabilities.learn_batch_route(route, BatchRoute::Missing);
            return Err(WriteError::NoBatch);
        };
        self.send(route, property, value, ids).await?;
        let bystanders = proof::bystanders(value, ids, outside);
        let witnesses = proof::witnesses(ids);
        let kind = kind_of(value);
        let sample: Vec<&Bystander> = proof::sample(&bystanders).collect();
        let read: Vec<RecordId> =
            witnesses.iter().copied().chain(sample.iter().map(|one| &one.id)).cloned().collect();
        let now = self.fresh().records_now(kind, &read).await?;
        if proof::is_everywhere(&sample, &now, value) {
            self.lacks(route, "batch-update reaches records that its filter does not name");
            return Err(self.restore(value, &bystanders).await);
        }
        if proof::missed(&witnesses, &now, value) {
            self.lacks(route, "batch-update is answered and changes nothing");
            return Err(WriteError::NoBatch);
        }
        let proof = if sample.len() < proof::LEAST_BYSTANDERS { Proof::Inside } else { Proof::Whole };
        self.ozmap.capabilities.learn_batch_route(route, BatchRoute::Works { property, proof });
        Ok(())
    }

    async fn send(
        &self,
        route: &'static str,
        property: &str,
        value: SharedValue,
        ids: &[&RecordId],
    ) -> Result<(), WriteError> {
        let body = wire::batch_body(property, ids.iter().copied(), value);
        let path = wire::path(&format!("{route}/batch-update"));
        let request =
            Request::with_body("update many records", Method::POST, path, body, Idempotency::Idempotent);
        let Err(error) = self.ozmap.write(request).await else { return Ok(()) };
        if error.kind.rejected_with().is_some_and(is_missing) {
            self.lacks(route, "the host has no batch-update");
            return Err(WriteError::NoBatch);
        }
        if matches!(error.kind, Kind::Unauthorized { .. } | Kind::Malformed { .. } | Kind::Page { .. }) {
            // A firewall that dislikes the filter in the body, unless the key or the host is at fault.
            self.fresh.ozmap.check().await?;
            tracing::warn!(system = "OZmap", route, %error, "a batch-update is disliked");
            self.lacks(route, "something in front of the host dislikes batch-update");
            return Err(WriteError::NoBatch);
        }
        Err(error.into())
    }

    /// Remembers for a while that a route is of no use.
    fn lacks(&self, route: &'static str, why: &'static str) {
        tracing::warn!(system = "OZmap", route, why, "records are written one by one for a while");
        self.ozmap.capabilities.learn_batch_route(route, BatchRoute::Missing);
    }

    /// Gives the bystanders back what they held, where they hold the batch's value now.
    async fn restore(&self, value: SharedValue, bystanders: &[Bystander]) -> WriteError {
        let ids: Vec<RecordId> = bystanders.iter().map(|one| one.id.clone()).collect();
        let now = match self.fresh.records_now(kind_of(value), &ids).await {
            Ok(now) => now,
            Err(error) => return error.into(),
        };
        let changed = proof::reached(bystanders.iter(), &now, value);
        let restored = stream::iter(changed.iter().copied().cloned().collect::<Vec<_>>())
            .map(|one| async move { self.give_back(&one).await.is_ok() })
            .buffer_unordered(RESTORED_AT_ONCE)
            .filter(|restored| std::future::ready(*restored))
            .count()
            .await;
        let changed = changed.len();
        tracing::error!(
            system = "OZmap",
            changed,
            restored,
            "a batch-update changed records outside its filter"
        );
        WriteError::FilterIgnored { changed, restored }
    }

    async fn give_back(&self, Bystander { id, held }: &Bystander) -> Result<(), CallError> {
        let record = match held {
            Held::ReadPower(_) => Record::Property(id.clone()),
            Held::Status(_) | Held::NotImplanted => Record::Client(id.clone()),
        };
        let body = match held {
            Held::ReadPower(power) => wire::old_read_power(*power),
            Held::Status(status) => wire::old_status(*status),
            Held::NotImplanted => wire::old_implantation(),
        };
        let path = wire::record_path(&record);
        let request = Request::with_body(
            "give a record its value back",
            Method::PATCH,
            path,
            body,
            Idempotency::Idempotent,
        );
        self.ozmap.write(request).await
    }
}

fn kind_of(value: SharedValue) -> RecordKind {
    match value {
        SharedValue::ReadPower(_) => RecordKind::Property,
        SharedValue::Status(_) | SharedValue::Implanted => RecordKind::Client,
    }
}

/// The host does not know the route. Source: `docs/ARCHITECTURE.md`, "Writes are grouped by value"; 501 is the same said outright.
fn is_missing(status: StatusCode) -> bool {
    matches!(status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED)
}
