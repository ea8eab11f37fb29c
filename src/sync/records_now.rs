//! What records hold now, before something is written that was shown before.

use std::collections::{HashMap, HashSet};

use gateway_core::sync::{Record, RecordNow};
use gateway_core::{Client, RecordId};

use crate::ozmap::{FreshReader, FreshRecord, RecordKind};
use crate::upstream::CallError;

/// These records as they are now; one that is gone is left out.
///
/// # Errors
/// [`CallError`].
pub(super) async fn records_now(
    reader: &FreshReader,
    records: &HashSet<Record>,
) -> Result<HashMap<Record, RecordNow>, CallError> {
    let (mut properties, mut clients): (Vec<RecordId>, Vec<RecordId>) = (Vec::new(), Vec::new());
    for record in records {
        match record {
            Record::Property(id) => properties.push(id.clone()),
            Record::Client(id) => clients.push(id.clone()),
        }
    }
    let properties = reader.records_now(RecordKind::Property, &properties).await?;
    let clients = reader.records_now(RecordKind::Client, &clients).await?;
    Ok(properties.into_values().chain(clients.into_values()).map(held).collect())
}

fn held(record: FreshRecord) -> (Record, RecordNow) {
    match record {
        FreshRecord::Property { id, read_power } => {
            (Record::Property(id), RecordNow::Property { read_power })
        }
        FreshRecord::Client(Client { id, status, implantation, onu, .. }) => {
            (Record::Client(id), RecordNow::Client { status, implantation, onu: Box::new(onu) })
        }
    }
}
