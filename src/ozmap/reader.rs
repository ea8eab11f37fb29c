//! Reading OZmap's clients.

use std::collections::{HashMap, HashSet};

use compact_str::CompactString;
use gateway_core::sync::{Finding, FindingKind};
use gateway_core::{Client, Dbm, RecordId, SyncedClient, System};

use super::Ozmap;
use super::pages::List;
use super::wire::{self, ClientReference};
use crate::upstream::{CallError, RowError};

/// OZmap's side of a run.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    /// Clients with their properties; one code may stand more than once.
    pub clients: Vec<SyncedClient>,
    /// Rows that could not be understood.
    pub unreadable: Vec<Finding>,
}

/// Reads, never writes.
pub(crate) struct Reader {
    ozmap: Ozmap,
}

impl Ozmap {
    /// A reader with a call counter of its own.
    pub(crate) fn reader(&self) -> Reader {
        Reader { ozmap: self.with_own_counter() }
    }
}

impl Reader {
    /// Requests sent so far, repeats included.
    pub(crate) fn calls(&self) -> u64 {
        self.ozmap.upstream.sent()
    }

    /// Every property that has a client, with the client. `progress` gets the number of clients so far.
    ///
    /// Where a host names the client by identifier only, the clients are listed too and joined.
    ///
    /// # Errors
    /// [`CallError`] if a page cannot be had after repeats; a bad row is set aside instead.
    pub(crate) async fn clients(&self, progress: impl Fn(u64)) -> Result<Clients, CallError> {
        let mut found = Clients::default();
        let mut seen: HashSet<RecordId> = HashSet::new();
        let mut to_join: Vec<(RecordId, Option<Dbm>, RecordId)> = Vec::new();
        let list = List {
            operation: "list properties with their clients",
            route: "properties",
            select: wire::PROPERTY_FIELDS,
            populate: Some("client"),
            filter: None,
        };
        self.ozmap
            .each_row(&list, |row| match wire::property(row) {
                // A list that changes while it is read may give a row twice.
                Ok(property) if !seen.insert(property.id.clone()) => (),
                Ok(property) => {
                    match property.client {
                        None => (),
                        Some(ClientReference::Whole(client)) => {
                            found.clients.push(joined(property.id, property.read_power, client));
                        }
                        Some(ClientReference::Id(client)) => {
                            to_join.push((property.id, property.read_power, client))
                        }
                    }
                    progress(found.clients.len() as u64);
                }
                Err(error) => found.unreadable.push(unreadable(error)),
            })
            .await?;
        if !to_join.is_empty() {
            self.join(to_join, &mut found).await?;
        }
        found.clients.shrink_to_fit();
        Ok(found)
    }

    async fn join(
        &self,
        properties: Vec<(RecordId, Option<Dbm>, RecordId)>,
        found: &mut Clients,
    ) -> Result<(), CallError> {
        let list = List {
            operation: "list clients",
            route: "ftth-clients",
            select: wire::CLIENT_FIELDS,
            populate: None,
            filter: None,
        };
        let mut by_id: HashMap<RecordId, Client> = HashMap::new();
        self.ozmap
            .each_row(&list, |row| match wire::client(row) {
                Ok(client) => drop(by_id.insert(client.id.clone(), client)),
                Err(error) => found.unreadable.push(unreadable(error)),
            })
            .await?;
        for (property, read_power, client) in properties {
            match by_id.get(&client) {
                Some(client) => found.clients.push(joined(property, read_power, client.clone())),
                None => found.unreadable.push(finding(
                    None,
                    format!("property {property}: its client {client} is not in the list"),
                )),
            }
        }
        Ok(())
    }
}

fn joined(property: RecordId, read_power: Option<Dbm>, client: Client) -> SyncedClient {
    SyncedClient { client, property: Some(property), read_power }
}

fn unreadable(error: RowError) -> Finding {
    finding(error.code, error.what.to_string())
}

fn finding(code: Option<CompactString>, detail: String) -> Finding {
    Finding { kind: FindingKind::Unreadable, system: System::Ozmap, code, detail }
}
