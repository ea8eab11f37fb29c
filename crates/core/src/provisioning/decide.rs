//! What becomes of a client's splitter, port and place when INT6 activates or creates him. Decided here, carried out
//! elsewhere. Pure.

use compact_str::CompactString;

use crate::network::{Coordinate, PortState, Site, SiteKind, Splitter};
use crate::onu::Onu;
use crate::property::{ClientRecord, Property};
use crate::provisioning::refusal::Refusal;
use crate::provisioning::request::{ConnectRequest, Intent};
use crate::provisioning::write::{ClientPatch, Decision, NewProperty, PropertyClient, PropertyPatch};

/// Decides what to write so that OZmap holds what was requested, or why nothing may be written.
///
/// `records` are all that OZmap has for the code, `site` is the splitter's box or building. A port is never taken from
/// anybody. Source: `docs/contracts/rules.md`, "INT6 asks OZmap"; `docs/ARCHITECTURE.md`, "Ports".
///
/// # Errors
/// [`Refusal`].
pub fn decide(
    intent: Intent,
    request: &ConnectRequest,
    records: &[ClientRecord],
    splitter: &Splitter,
    site: Option<&Site>,
) -> Result<Decision, Refusal> {
    let record = match (records, intent) {
        ([], _) => None,
        ([record], Intent::Activate) => Some(record),
        ([record], Intent::CreateAgain) if record.holds(&request.splitter, request.port) => Some(record),
        (_, Intent::Create | Intent::CreateAgain) => return Err(Refusal::ClientExists(request.code.clone())),
        (several, Intent::Activate) => {
            return Err(Refusal::Ambiguous { code: request.code.clone(), count: several.len() });
        }
    };
    let home = record.and_then(|record| record.home.as_ref());
    let site = may_serve(splitter, site)?;
    check_port(request, home, splitter)?;
    let Some(record) = record else {
        let resident = PropertyClient::New {
            code: request.code.clone(),
            name: request.name.clone(),
            implantation: request.implantation,
            onu: request.onu.merged_into(&Onu::default()),
        };
        return Ok(Decision::Create(new_property(request, site, resident)?));
    };
    let home = match home {
        None => {
            Some(PropertyPatch::New(new_property(request, site, PropertyClient::Known(record.id.clone()))?))
        }
        Some(home) => property_patch(request, home, site),
    };
    let client = client_patch(request, record).map(|edit| (record.id.clone(), edit));
    Ok(match (home, client) {
        (None, None) => Decision::Nothing,
        (home, client) => Decision::Update { home, client },
    })
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

/// A port that the client holds already is his, whatever else is said of it.
fn check_port(request: &ConnectRequest, home: Option<&Property>, splitter: &Splitter) -> Result<(), Refusal> {
    let (id, port) = (splitter.id.clone(), request.port);
    let Some(state) = splitter.port(port) else {
        return Err(Refusal::NoSuchPort { splitter: id, port, ports: splitter.ports.len() });
    };
    if home.is_some_and(|home| home.holds(&id, port)) {
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
    resident: PropertyClient,
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
        resident,
    })
}

fn property_patch(request: &ConnectRequest, home: &Property, site: &Site) -> Option<PropertyPatch> {
    let moves = !home.holds(&request.splitter, request.port);
    let coordinate = match site.kind {
        SiteKind::Condominium => None,
        // A property that leaves a building has no place of its own yet.
        SiteKind::Cto => {
            request.coordinate.or(site.coordinate.filter(|_| moves && home.coordinate.is_none()))
        }
    };
    let connect = moves.then(|| (request.splitter.clone(), request.port));
    let site = (moves && home.site.as_ref() != Some(&site.id)).then(|| site.id.clone());
    let is_new = |new: &Coordinate| home.coordinate.is_none_or(|old| !old.is_same_place(*new));
    let coordinate = coordinate.filter(is_new);
    let address = differing(request.address.as_ref(), home.address.as_ref());
    let changes = connect.is_some() || coordinate.is_some() || address.is_some();
    changes.then(|| PropertyPatch::Edit {
        property: home.property.clone(),
        connect,
        site,
        coordinate,
        address,
    })
}

fn client_patch(request: &ConnectRequest, record: &ClientRecord) -> Option<ClientPatch> {
    let onu = request.onu.merged_into(&record.onu);
    let edit = ClientPatch {
        name: differing(request.name.as_ref(), record.name.as_ref()),
        implantation: (request.implantation != record.implantation).then_some(request.implantation),
        onu: (onu != record.onu).then_some(onu),
    };
    (edit != ClientPatch::default()).then_some(edit)
}

fn differing(requested: Option<&CompactString>, held: Option<&CompactString>) -> Option<CompactString> {
    requested.filter(|requested| held != Some(*requested)).cloned()
}

#[cfg(test)]
mod tests;
