//! Records as they are now, for writes that must not rest on what a run read at its start.

use std::collections::HashMap;

use futures::stream::{self, StreamExt, TryStreamExt};
use gateway_core::{Client, Dbm, RecordId};

use super::Ozmap;
use super::capabilities::IdFilter;
use super::pages::List;
use super::splitters::MOST_LOOKED_UP;
use super::wire::{self, BareClient, BareProperty, OfRecord};
use crate::upstream::CallError;

/// Calls under way at a time. Source: `docs/contracts/ozmap-api.md`, "Limits and retries".
const AT_ONCE: usize = 8;

/// Which records are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordKind {
    /// They carry status, implantation and ONU.
    Client,
    /// They carry the read power.
    Property,
}

/// A record as it is now.
#[derive(Debug, Clone, PartialEq)]
pub enum FreshRecord {
    /// A client.
    Client(Client),
    /// A property.
    Property {
        /// The record.
        id: RecordId,
        /// Read power; `None` if it holds none.
        read_power: Option<Dbm>,
    },
}

/// Reads records by identifier, never writes.
pub struct FreshReader {
    pub(super) ozmap: Ozmap,
}

impl Ozmap {
    /// A reader of single records with a call counter of its own.
    pub fn fresh(&self) -> FreshReader {
        FreshReader { ozmap: self.with_own_counter() }
    }
}

impl FreshReader {
    /// Requests sent so far, repeats included.
    pub fn calls(&self) -> u64 {
        self.ozmap.upstream.sent()
    }

    /// These records as they are now, by calls for at most 200 each; one by one where the host does not filter by identifier. A
    /// record that is gone, or of which not even the identifier can be read, is not in the answer.
    ///
    /// # Errors
    /// [`CallError`] if any of them could not be asked for.
    pub async fn records_now(
        &self,
        kind: RecordKind,
        ids: &[RecordId],
    ) -> Result<HashMap<RecordId, FreshRecord>, CallError> {
        let route = kind.route();
        let few: Vec<&RecordId> = ids.iter().collect();
        let filter = match ids {
            [] => return Ok(HashMap::new()),
            // One call is the least that there is.
            [_] => IdFilter::Unusable,
            _ => self.ozmap.id_filter(route, &few).await?,
        };
        match filter {
            IdFilter::By(property) => {
                let chunks: Vec<Vec<RecordId>> =
                    ids.chunks(MOST_LOOKED_UP).map(<[RecordId]>::to_vec).collect();
                let chunk = |ids: Vec<RecordId>| async move { self.by_filter(kind, property, &ids).await };
                let chunks = stream::iter(chunks).map(chunk).buffer_unordered(AT_ONCE);
                let chunks: Vec<Vec<FreshRecord>> = chunks.try_collect().await?;
                Ok(chunks.into_iter().flatten().map(|record| (record.id().clone(), record)).collect())
            }
            IdFilter::Unusable => {
                let one = |id: RecordId| async move {
                    self.ozmap.record("read a record again", route, &id, |row| kind.read(row)).await
                };
                let records: Vec<Option<FreshRecord>> =
                    stream::iter(ids.to_vec()).map(one).buffer_unordered(AT_ONCE).try_collect().await?;
                Ok(records.into_iter().flatten().map(|record| (record.id().clone(), record)).collect())
            }
        }
    }

    async fn by_filter(
        &self,
        kind: RecordKind,
        property: &str,
        ids: &[RecordId],
    ) -> Result<Vec<FreshRecord>, CallError> {
        let list = List {
            operation: "read records again",
            route: kind.route(),
            select: kind.fields(),
            populate: None,
            filter: Some(wire::filter_by_id(property, ids.iter())),
        };
        // One more than there can be, so that no full page asks for another.
        let ozmap = Ozmap { page_size: ids.len() + 1, ..self.ozmap.clone() };
        let mut records = Vec::with_capacity(ids.len());
        let mut foreign = 0usize;
        let end = ozmap
            .each_row(
                &list,
                |row| kind.read(row),
                |row| match row {
                    Ok(record) if ids.contains(record.id()) => records.push(record),
                    Ok(_) => foreign += 1,
                    Err(_) => (),
                },
            )
            .await?;
        if foreign > 0 || end.short_of.is_some() {
            return Err(self
                .ozmap
                .upstream
                .malformed(list.operation, "the host gave others than were asked for"));
        }
        Ok(records)
    }
}

impl OfRecord for FreshRecord {
    fn record(&self) -> Option<RecordId> {
        Some(self.id().clone())
    }
}

impl RecordKind {
    pub(super) fn route(self) -> &'static str {
        match self {
            RecordKind::Client => wire::CLIENTS_ROUTE,
            RecordKind::Property => wire::PROPERTIES_ROUTE,
        }
    }

    fn fields(self) -> &'static str {
        match self {
            RecordKind::Client => wire::CLIENT_FIELDS,
            RecordKind::Property => wire::READ_POWER_FIELD,
        }
    }

    fn read(self, row: &serde_json::value::RawValue) -> Result<FreshRecord, crate::upstream::RowError> {
        match self {
            RecordKind::Client => {
                wire::client(row).map(|BareClient { client, .. }| FreshRecord::Client(client))
            }
            RecordKind::Property => wire::property(row)
                .map(|BareProperty { id, read_power, .. }| FreshRecord::Property { id, read_power }),
        }
    }
}

impl FreshRecord {
    /// The record's identifier.
    pub fn id(&self) -> &RecordId {
        match self {
            FreshRecord::Client(client) => &client.id,
            FreshRecord::Property { id, .. } => id,
        }
    }
}
