//! Records as they are now, before something is written that was shown before.

use std::collections::{HashMap, HashSet};

use futures::stream::{self, StreamExt, TryStreamExt};
use gateway_core::Client;
use gateway_core::sync::{Record, RecordNow};

use super::{Ozmap, Writer, wire};
use crate::upstream::CallError;

/// Reads under way at a time. Source: `docs/contracts/ozmap-api.md`, "Limits and retries".
const AT_ONCE: usize = 8;

impl Ozmap {
    /// These records as they are now; one that is gone is left out. Counted among the writer's reads.
    ///
    /// # Errors
    /// [`CallError`].
    pub(crate) async fn records_now(
        &self,
        records: HashSet<Record>,
        writer: &Writer,
    ) -> Result<HashMap<Record, RecordNow>, CallError> {
        let reader = writer.reader();
        let one = async |record: Record| {
            let now = match &record {
                Record::Property(id) => {
                    let row = reader.record("read a property", "properties", id, wire::property).await?;
                    row.map(|property| RecordNow::Property { read_power: property.read_power })
                }
                Record::Client(id) => {
                    let row = reader.record("read a client", "ftth-clients", id, wire::client).await?;
                    row.map(|Client { status, implantation, onu, .. }| RecordNow::Client {
                        status,
                        implantation,
                        onu: Box::new(onu),
                    })
                }
            };
            Ok(now.map(|now| (record, now)))
        };
        let found: Vec<Option<(Record, RecordNow)>> =
            stream::iter(records).map(one).buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }
}
