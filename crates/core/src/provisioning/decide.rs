//! What has to be written so that a command is fulfilled, or why it may not be. Decided here, carried out elsewhere.

use compact_str::CompactString;

use crate::network::{Coordinate, PortState, Site, SiteKind, Splitter};
use crate::onu::Onu;
use crate::property::{ClientRecord, Property};
use crate::provisioning::refusal::Refusal;
use crate::provisioning::request::{Command, ConnectRequest};
use crate::provisioning::write::{ClientPatch, NewProperty, PropertyClient, PropertyPatch, Write};

/// What OZmap holds of everything that a command is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// All that OZmap has for the client's code.
    pub records: Vec<ClientRecord>,
    /// The splitter on which a port is to be taken; `None` if OZmap has none of this identifier, or none is needed.
    pub splitter: Option<Splitter>,
    /// The splitter's box or building.
    pub site: Option<Site>,
    /// What the command itself has done before this look.
    pub created: Created,
}

/// Whether a command has already created the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// Not as far as is known.
    No,
    /// It tried, and the answer was lost: the client may be there, on this very port.
    Perhaps,
    /// It did: a client of this code is ours.
    Yes,
}

/// Decides what to write, in this order, so that OZmap holds what the command asks; nothing if it does already.
///
/// A port is never taken from anybody. Source: `docs/contracts/rules.md`, "INT6 asks OZmap"; `docs/ARCHITECTURE.md`, "Ports".
///
/// # Errors
/// [`Refusal`].
pub fn decide(command: &Command, observed: &Observed) -> Result<Vec<Write>, Refusal> {
    match command {
        Command::Create(request) => {
            let record = only_ours(request, observed)?;
            connect(request, record, observed)
        }
        Command::Activate(request) => {
            let record = at_most_one(request, &observed.records)?;
            connect(request, record, observed)
        }
    }
}

/// The client, if this command has created it; any other is in the way.
fn only_ours<'a>(
    request: &ConnectRequest,
    observed: &'a Observed,
) -> Result<Option<&'a ClientRecord>, Refusal> {
    match (observed.records.as_slice(), observed.created) {
        ([], _) => Ok(None),
        (records, Created::Yes) => at_most_one(request, records),
        ([record], Created::Perhaps) if record.holds(&request.splitter, request.port) => Ok(Some(record)),
        _ => Err(Refusal::ClientExists(request.code.clone())),
    }
}

fn at_most_one<'a>(
    request: &ConnectRequest,
    records: &'a [ClientRecord],
) -> Result<Option<&'a ClientRecord>, Refusal> {
    match records {
        [] => Ok(None),
        [record] => Ok(Some(record)),
        several => Err(Refusal::Ambiguous { code: request.code.clone(), count: several.len() }),
    }
}

fn connect(
    request: &ConnectRequest,
    record: Option<&ClientRecord>,
    observed: &Observed,
) -> Result<Vec<Write>, Refusal> {
    let no_splitter = || Refusal::NoSuchSplitter(request.splitter.clone());
    let splitter = observed.splitter.as_ref().ok_or_else(no_splitter)?;
    let site = may_serve(splitter, observed.site.as_ref())?;
    let property = record.and_then(|record| record.property.as_ref());
    check_port(request, property, splitter)?;
    let Some(record) = record else {
        let client = PropertyClient::New {
            code: request.code.clone(),
            name: request.name.clone(),
            implantation: request.implantation,
            onu: request.onu.merged_into(&Onu::default()),
        };
        return Ok(vec![Write::CreateProperty(new_property(request, site, client)?)]);
    };
    // The port first: it is what may be refused.
    let property = match property {
        None => {
            let client = PropertyClient::Known(record.client.id.clone());
            Some(Write::CreateProperty(new_property(request, site, client)?))
        }
        Some(property) => property_patch(request, property, site).map(Write::PatchProperty),
    };
    Ok(property.into_iter().chain(client_patch(request, record).map(Write::PatchClient)).collect())
}

/// Source: `docs/contracts/rules.md`, "Splitters on offer".
fn may_serve<'a>(splitter: &Splitter, site: Option<&'a Site>) -> Result<&'a Site, Refusal> {
    let no = |why| Refusal::NotADropSplitter { splitter: splitter.id.clone(), why };
    if !splitter.is_drop {
        return Err(no("it is not a drop splitter"));
    }
    match site {
        None => Err(no("OZmap has no box or building in which it stands")),
        Some(site) if site.is_draft => Err(no("its box is a draft (em projeto)")),
        Some(site) => Ok(site),
    }
}

/// A port that the client holds already is its own, whatever else is said of it.
fn check_port(
    request: &ConnectRequest,
    property: Option<&Property>,
    splitter: &Splitter,
) -> Result<(), Refusal> {
    let (id, port) = (splitter.id.clone(), request.port);
    let Some(state) = splitter.port(port) else {
        return Err(Refusal::NoSuchPort { splitter: id, port, ports: splitter.ports.len() });
    };
    if property.is_some_and(|property| property.holds(&id, port)) {
        return Ok(());
    }
    match state {
        PortState::Free => Ok(()),
        PortState::Taken => {
            Err(Refusal::PortTaken { splitter: id, port, free: splitter.free_ports().collect() })
        }
        PortState::Blocked => {
            Err(Refusal::PortBlocked { splitter: id, port, free: splitter.free_ports().collect() })
        }
    }
}

fn new_property(
    request: &ConnectRequest,
    site: &Site,
    client: PropertyClient,
) -> Result<NewProperty, Refusal> {
    let coordinate = match site.kind {
        // Source: `docs/contracts/ozmap-api.md`, "Property inside a building": `lat`/`lng` null.
        SiteKind::Condominium => None,
        // Inferred: better the box than nowhere, and OZmap wants a place.
        SiteKind::Cto => {
            let coordinate = request.coordinate.or(site.coordinate);
            Some(coordinate.ok_or_else(|| Refusal::NoCoordinate(request.splitter.clone()))?)
        }
    };
    Ok(NewProperty {
        site: site.id.clone(),
        project: site.project.clone(),
        splitter: request.splitter.clone(),
        port: request.port,
        coordinate,
        address: request.address.clone(),
        client,
    })
}

fn property_patch(request: &ConnectRequest, property: &Property, site: &Site) -> Option<PropertyPatch> {
    let moves = !property.holds(&request.splitter, request.port);
    let coordinate = match site.kind {
        SiteKind::Condominium => None,
        // A property that leaves a building has no place of its own yet.
        SiteKind::Cto => {
            request.coordinate.or(site.coordinate.filter(|_| moves && property.coordinate.is_none()))
        }
    };
    let connect = moves.then(|| (request.splitter.clone(), request.port));
    let site = (moves && property.site.as_ref() != Some(&site.id)).then(|| site.id.clone());
    let is_new = |new: &Coordinate| property.coordinate.is_none_or(|old| !old.is_same_place(*new));
    let coordinate = coordinate.filter(is_new);
    let address = differing(request.address.as_ref(), property.address.as_ref());
    let changes = connect.is_some() || coordinate.is_some() || address.is_some();
    changes.then(|| PropertyPatch { id: property.id.clone(), connect, site, coordinate, address })
}

fn client_patch(request: &ConnectRequest, record: &ClientRecord) -> Option<ClientPatch> {
    let onu = request.onu.merged_into(&record.client.onu);
    let patch = ClientPatch {
        id: record.client.id.clone(),
        name: differing(request.name.as_ref(), record.name.as_ref()),
        implantation: (request.implantation != record.client.implantation).then_some(request.implantation),
        // Data that were not understood would be written over.
        onu: (record.client.onu_known && onu != record.client.onu).then_some(onu),
    };
    let changes = patch.name.is_some() || patch.implantation.is_some() || patch.onu.is_some();
    changes.then_some(patch)
}

fn differing(requested: Option<&CompactString>, held: Option<&CompactString>) -> Option<CompactString> {
    requested.filter(|requested| held != Some(*requested)).cloned()
}

#[cfg(test)]
mod tests;
