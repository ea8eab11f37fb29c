//! Writing what the sync changes, one record or many at a time.

use gateway_core::RecordId;
use gateway_core::sync::{FieldValue, Record, SharedValue};
use http::{Method, StatusCode};

use super::capabilities::BatchRoute;
use super::{Ozmap, wire};
use crate::upstream::{CallError, Idempotency, Request, Upstream};

/// Writes; exists only in runs that apply their plan.
pub(crate) struct Writer {
    ozmap: Ozmap,
    tries: Upstream,
}

/// Why a batch was not written.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum WriteError {
    /// The host cannot do batches of this kind: write record by record.
    #[error("the host has no usable batch-update")]
    NoBatch,
    /// The call failed.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl Ozmap {
    /// A writer with a call counter of its own.
    pub(crate) fn writer(&self) -> Writer {
        Writer { ozmap: self.with_own_counter(), tries: self.upstream.with_own_counter() }
    }
}

impl Writer {
    /// Writes sent so far, repeats included.
    pub(crate) fn writes(&self) -> u64 {
        self.ozmap.upstream.sent()
    }

    /// Reads sent so far to see whether the host honours filters.
    pub(crate) fn reads(&self) -> u64 {
        self.tries.sent()
    }

    /// A reader whose calls count among those of this writer.
    pub(crate) fn reader(&self) -> Ozmap {
        Ozmap { upstream: self.tries.clone(), ..self.ozmap.clone() }
    }

    /// Whether the host is known to have no usable batch-update for this value.
    pub(crate) fn lacks_batch(&self, value: SharedValue) -> bool {
        self.ozmap.capabilities.batch_route(wire::route_of(value)) == Some(BatchRoute::Missing)
    }

    /// Writes edits of one record. A full-value update: safe to repeat.
    ///
    /// # Errors
    /// [`CallError`].
    pub(crate) async fn patch(
        &self,
        record: &Record,
        edits: impl Iterator<Item = &FieldValue>,
    ) -> Result<(), CallError> {
        let operation = match record {
            Record::Property(_) => "update a property",
            Record::Client(_) => "update a client",
        };
        let request = Request::with_body(
            operation,
            Method::PATCH,
            wire::record_path(record),
            wire::patch_body(edits),
            Idempotency::Idempotent,
        );
        self.ozmap.upstream.call(self.ozmap.request(request), |_| Ok(())).await
    }

    /// Sets one value on all these records, of the route that carries the value. Safe to repeat.
    ///
    /// # Errors
    /// [`WriteError::NoBatch`] if it has to be done record by record; nothing was written then.
    pub(crate) async fn set(
        &self,
        value: SharedValue,
        ids: &[&RecordId],
        _bystanders: &[(&RecordId, &FieldValue)],
    ) -> Result<(), WriteError> {
        let route = wire::route_of(value);
        let BatchRoute::By(property) = self.batch_route(route, ids).await? else {
            return Err(WriteError::NoBatch);
        };
        let body = wire::batch_body(property, ids.iter().copied(), value);
        let path = wire::path(&format!("{route}/batch-update"));
        let request =
            Request::with_body("update many records", Method::POST, path, body, Idempotency::Idempotent);
        match self.ozmap.upstream.call(self.ozmap.request(request), |_| Ok(())).await {
            Err(error) if error.kind.rejected_with().is_some_and(is_missing) => {
                tracing::warn!(
                    system = "OZmap",
                    route,
                    "the host has no batch-update: records are written one by one"
                );
                self.ozmap.capabilities.learn_batch_route(route, BatchRoute::Missing);
                Err(WriteError::NoBatch)
            }
            other => Ok(other?),
        }
    }

    /// What is known of a route; at first, whether the host honours a filter by identifier is seen on a read.
    ///
    /// Why: `?code=X` is silently ignored and returns everyone. Were a batch's filter ignored like that, one value
    /// would land on every client of the ISP.
    async fn batch_route(&self, route: &'static str, ids: &[&RecordId]) -> Result<BatchRoute, CallError> {
        let capabilities = &self.ozmap.capabilities;
        if let Some(known) = capabilities.batch_route(route) {
            return Ok(known);
        }
        let _one_at_a_time = capabilities.trying_batch_route.lock().await;
        if let Some(known) = capabilities.batch_route(route) {
            return Ok(known);
        }
        for property in wire::ID_PROPERTIES {
            if self.filter_is_honoured(route, property, &ids[..ids.len().min(3)]).await? {
                capabilities.learn_batch_route(route, BatchRoute::By(property));
                return Ok(BatchRoute::By(property));
            }
        }
        tracing::warn!(
            system = "OZmap",
            route,
            "the host does not honour filters: records are written one by one"
        );
        capabilities.learn_batch_route(route, BatchRoute::Missing);
        Ok(BatchRoute::Missing)
    }

    async fn filter_is_honoured(
        &self,
        route: &str,
        property: &str,
        ids: &[&RecordId],
    ) -> Result<bool, CallError> {
        let mut request = self.ozmap.request(Request::get("try a filter", wire::path(route)));
        let filter = wire::filter_by_id(property, ids.iter().copied()).to_string();
        let query = [("page", "1".to_owned()), ("limit", "25".to_owned()), ("filter", filter)];
        request.query = query.map(|(name, value)| (name.to_owned(), value)).into();
        let answer = self
            .tries
            .call(request, |body| {
                let mut found = Vec::new();
                let info = wire::page(body, &mut |row| found.push(wire::id_of(row)))?;
                Ok((info, found))
            })
            .await;
        match answer {
            Ok((info, found)) => Ok(!found.is_empty()
                && info.total.is_none_or(|total| total <= ids.len() as u64)
                && found.iter().all(|id| id.as_ref().is_some_and(|id| ids.contains(&id)))),
            Err(error) if error.kind.rejected_with().is_some() => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// The host does not know the route. Source: `docs/ARCHITECTURE.md`, "Writes are grouped by value"; 501 is the same said outright.
fn is_missing(status: StatusCode) -> bool {
    matches!(status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED)
}
