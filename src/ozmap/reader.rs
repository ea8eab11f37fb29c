//! Reading OZmap's clients.

use std::collections::{HashMap, HashSet};

use compact_str::CompactString;
use gateway_core::sync::{EndedEarly, Finding, FindingKind};
use gateway_core::{Client, Dbm, Project, RecordId, SyncedClient, System};

use super::Ozmap;
use super::pages::{List, ListEnd};
use super::projects::Admission;
use super::wire::{self, BareClient, BareProperty, ClientReference, UnclearField};
use crate::upstream::{CallError, RowError};

/// OZmap's side of a run.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    /// Clients with their properties, and clients without one; one code may stand more than once.
    pub clients: Vec<SyncedClient>,
    /// Clients in projects that are not the tenant's.
    pub elsewhere: Vec<SyncedClient>,
    /// Rows and fields that could not be understood, and lists that did not end as lists do.
    pub findings: Vec<Finding>,
    /// Whether the list of properties stopped before all of it came.
    pub ended_early: Option<EndedEarly>,
}

/// A property whose row names its client by identifier only.
struct ToJoin {
    property: RecordId,
    read_power: Option<Dbm>,
    client: RecordId,
}

/// What came of the properties.
#[derive(Default)]
struct Gathered {
    found: Clients,
    to_join: Vec<ToJoin>,
    /// Clients that a property names.
    named: HashSet<RecordId>,
    /// Projects of properties, where they matter.
    projects: Option<HashMap<RecordId, Project>>,
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

/// Properties with their clients.
pub(super) const PROPERTIES: List = List {
    operation: "list properties with their clients",
    route: wire::PROPERTIES_ROUTE,
    select: wire::PROPERTY_FIELDS,
    populate: Some("client"),
    filter: None,
};

const PROPERTIES_WITH_PROJECT: List =
    List { select: wire::PROPERTY_FIELDS_WITH_PROJECT, populate: Some("client project"), ..PROPERTIES };

const CLIENTS: List = List {
    operation: "list clients",
    route: wire::CLIENTS_ROUTE,
    select: wire::CLIENT_FIELDS,
    populate: None,
    filter: None,
};

impl Reader {
    /// Requests sent so far, repeats included.
    pub(crate) fn calls(&self) -> u64 {
        self.ozmap.upstream.sent()
    }

    /// Every property that has a client, with the client, and every client that no property names. `progress` gets the number
    /// of clients so far.
    ///
    /// The clients are listed where a host names them by identifier only, or says that there are others than the properties
    /// name; what it says costs one call.
    ///
    /// # Errors
    /// [`CallError`] if a page cannot be had after repeats; a bad row is set aside instead.
    pub(crate) async fn clients(&self, progress: impl Fn(u64)) -> Result<Clients, CallError> {
        let admission = self.ozmap.admission().await?;
        let mut gathered =
            Gathered { projects: admission.as_ref().map(|_| HashMap::new()), ..Gathered::default() };
        let list = if admission.is_some() { &PROPERTIES_WITH_PROJECT } else { &PROPERTIES };
        let end = self
            .ozmap
            .each_row(list, wire::property, |row| {
                gathered.take_property(row);
                progress(gathered.found.clients.len() as u64);
            })
            .await?;
        gathered.found.ended_early =
            end.short_of.map(|total| EndedEarly { system: System::Ozmap, read: end.rows, total });
        gathered.found.take_end(&PROPERTIES, end);
        if gathered.to_join.is_empty() {
            self.without_property(&mut gathered).await?;
        } else {
            self.join(&mut gathered).await?;
        }
        progress(gathered.found.clients.len() as u64);
        let Gathered { mut found, projects, .. } = gathered;
        if let (Some(admission), Some(projects)) = (admission, projects) {
            found.part(&admission, &projects)?;
        }
        found.clients.shrink_to_fit();
        Ok(found)
    }

    /// Lists the clients: those that properties name by identifier, and those that none names.
    async fn join(&self, gathered: &mut Gathered) -> Result<(), CallError> {
        let mut by_id: HashMap<RecordId, Client> = HashMap::new();
        let Gathered { found, to_join, named, projects: _ } = gathered;
        let is_to_join: HashSet<RecordId> = to_join.iter().map(|join| join.client.clone()).collect();
        let end = self
            .ozmap
            .each_row(&CLIENTS, wire::client, |row| match row {
                Ok(BareClient { client, unclear }) => {
                    if is_to_join.contains(&client.id) || !named.contains(&client.id) {
                        found.report_fields(Some(client.code.as_str()), &unclear);
                        by_id.insert(client.id.clone(), client);
                    }
                }
                Err(error) => found.findings.push(unreadable(error)),
            })
            .await?;
        found.take_end(&CLIENTS, end);
        for ToJoin { property, read_power, client } in to_join.drain(..) {
            match by_id.get(&client) {
                Some(client) => {
                    found.clients.push(SyncedClient {
                        client: client.clone(),
                        property: Some(property),
                        read_power,
                    });
                }
                None => {
                    let detail = format!("property {property}: its client {client} is not in the list");
                    found.report(FindingKind::Unreadable, None, detail);
                }
            }
        }
        let homeless = by_id.into_values().filter(|client| !named.contains(&client.id));
        found.clients.extend(homeless.map(homeless_client));
        Ok(())
    }

    /// Lists the clients if there are others than the properties name, which a host without a total cannot say.
    ///
    /// A host that does not give its clients loses none of those with a property: it is told in a finding.
    async fn without_property(&self, gathered: &mut Gathered) -> Result<(), CallError> {
        let read = match self.ozmap.total(&CLIENTS).await {
            Ok(total) if total == Some(gathered.named.len() as u64) => return Ok(()),
            Ok(_) => self.join(gathered).await,
            Err(error) => Err(error),
        };
        match read {
            Err(error) if error.kind.is_rejection() => {
                let detail = format!("clients without a property could not be listed: {error}");
                gathered.found.report(FindingKind::IncompleteList, None, detail);
                Ok(())
            }
            read => read,
        }
    }
}

impl Gathered {
    fn take_property(&mut self, row: Result<BareProperty, RowError>) {
        let BareProperty { id, read_power, client, project, unclear } = match row {
            Ok(property) => property,
            Err(error) => return self.found.findings.push(unreadable(error)),
        };
        let Some(client) = client else { return };
        self.named.insert(client.id().clone());
        if let (Some(projects), Some(project)) = (&mut self.projects, project) {
            projects.insert(id.clone(), project);
        }
        match client {
            ClientReference::Whole(client) => {
                self.found.report_fields(Some(client.code.as_str()), &unclear);
                self.found.clients.push(SyncedClient { client, property: Some(id), read_power });
            }
            ClientReference::Id(client) => {
                self.found.report_fields(None, &unclear);
                self.to_join.push(ToJoin { property: id, read_power, client });
            }
        }
    }
}

impl Clients {
    /// Sets the clients aside that are not in the tenant's projects, with what was reported of them.
    fn part(
        &mut self,
        admission: &Admission<'_>,
        projects: &HashMap<RecordId, Project>,
    ) -> Result<(), CallError> {
        for synced in std::mem::take(&mut self.clients) {
            let project = synced.property.as_ref().and_then(|property| projects.get(property));
            let side = if admission.admits(project)? { &mut self.clients } else { &mut self.elsewhere };
            side.push(synced);
        }
        let own: HashSet<&str> = self.clients.iter().map(|synced| synced.client.code.as_str()).collect();
        let others: HashSet<&str> = self.elsewhere.iter().map(|synced| synced.client.code.as_str()).collect();
        let is_elsewhere = |code: &str| others.contains(code) && !own.contains(code);
        self.findings.retain(|finding| !finding.code.as_deref().is_some_and(is_elsewhere));
        for misnamed in admission.misnamed() {
            self.report(FindingKind::UnclearField, None, misnamed);
        }
        Ok(())
    }

    fn report(&mut self, kind: FindingKind, code: Option<CompactString>, detail: String) {
        self.findings.push(Finding { kind, system: System::Ozmap, code, detail });
    }

    /// Names the fields, never what stands in them.
    fn report_fields(&mut self, code: Option<&str>, fields: &[UnclearField]) {
        for UnclearField { name, counts_as } in fields {
            self.report(
                FindingKind::UnclearField,
                code.map(CompactString::from),
                format!("`{name}` {counts_as}"),
            );
        }
    }

    fn take_end(&mut self, list: &List, end: ListEnd) {
        let ListEnd { rows, short_of, odd } = end;
        let route = list.route;
        if let Some(total) = short_of {
            let detail = format!("{route}: {rows} rows came of {total} that there are by its total");
            self.report(FindingKind::IncompleteList, None, detail);
        }
        if let Some(odd) = odd {
            self.report(FindingKind::IncompleteList, None, format!("{route}: {odd}"));
        }
    }
}

fn homeless_client(client: Client) -> SyncedClient {
    SyncedClient { client, property: None, read_power: None }
}

fn unreadable(error: RowError) -> Finding {
    let RowError { code, what } = error;
    Finding { kind: FindingKind::Unreadable, system: System::Ozmap, code, detail: what.to_string() }
}
