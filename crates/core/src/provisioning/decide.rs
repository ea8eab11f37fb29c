//! What becomes of a client's splitter, port and place when INT6 activates or creates him. Decided here, carried out
//! elsewhere. Pure.

use compact_str::CompactString;

use crate::network::{Coordinate, PortState, Site, SiteKind, Splitter};
use crate::onu::Onu;
use crate::property::{Card, Home};
use crate::provisioning::refusal::Refusal;
use crate::provisioning::request::{Intent, Wish};
use crate::provisioning::write::{ClientEdit, Decision, HomeEdit, NewHome, Resident};

/// Decides what to write so that OZmap holds what was wished, or why nothing may be written.
///
/// `cards` are all that OZmap has for the code, `site` is the splitter's box or building. A port is never taken from
/// anybody. Source: `contracts/rules.md`, "INT6 asks OZmap"; design, "Ports".
///
/// # Errors
/// [`Refusal`].
pub fn decide(
    intent: Intent,
    wish: &Wish,
    cards: &[Card],
    splitter: &Splitter,
    site: Option<&Site>,
) -> Result<Decision, Refusal> {
    let card = match (cards, intent) {
        ([], _) => None,
        ([card], Intent::Activate) => Some(card),
        ([card], Intent::CreateAgain) if card.holds(&wish.splitter, wish.port) => Some(card),
        (_, Intent::Create | Intent::CreateAgain) => return Err(Refusal::ClientExists(wish.code.clone())),
        (several, Intent::Activate) => {
            return Err(Refusal::Ambiguous { code: wish.code.clone(), count: several.len() });
        }
    };
    let home = card.and_then(|card| card.home.as_ref());
    let site = may_serve(splitter, site)?;
    check_port(wish, home, splitter)?;
    let Some(card) = card else {
        let resident = Resident::New {
            code: wish.code.clone(),
            name: wish.name.clone(),
            implantation: wish.implantation,
            onu: wish.onu.merged_into(&Onu::default()),
        };
        return Ok(Decision::Create(new_home(wish, site, resident)?));
    };
    let home = match home {
        None => Some(HomeEdit::New(new_home(wish, site, Resident::Known(card.id.clone()))?)),
        Some(home) => home_edit(wish, home, site),
    };
    let client = client_edit(wish, card).map(|edit| (card.id.clone(), edit));
    Ok(match (home, client) {
        (None, None) => Decision::Nothing,
        (home, client) => Decision::Update { home, client },
    })
}

/// Source: `contracts/rules.md`, "Only drop splitters of boxes that are not *em projeto* are offered".
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
fn check_port(wish: &Wish, home: Option<&Home>, splitter: &Splitter) -> Result<(), Refusal> {
    let (id, port) = (splitter.id.clone(), wish.port);
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

fn new_home(wish: &Wish, site: &Site, resident: Resident) -> Result<NewHome, Refusal> {
    let coordinate = match site.kind {
        // Source: `contracts/ozmap-api.md`, "A property inside a building: `lat`/`lng` null".
        SiteKind::Condominium => None,
        // Inferred: better the box than nowhere, and OZmap wants a place.
        SiteKind::Cto => {
            let coordinate = wish.coordinate.or(site.coordinate);
            Some(coordinate.ok_or_else(|| Refusal::NoCoordinate(wish.splitter.clone()))?)
        }
    };
    Ok(NewHome {
        site: site.id.clone(),
        project: site.project.clone(),
        splitter: wish.splitter.clone(),
        port: wish.port,
        coordinate,
        address: wish.address.clone(),
        resident,
    })
}

fn home_edit(wish: &Wish, home: &Home, site: &Site) -> Option<HomeEdit> {
    let moves = !home.holds(&wish.splitter, wish.port);
    let coordinate = match site.kind {
        SiteKind::Condominium => None,
        // A property that leaves a building has no place of its own yet.
        SiteKind::Cto => wish.coordinate.or(site.coordinate.filter(|_| moves && home.coordinate.is_none())),
    };
    let connect = moves.then(|| (wish.splitter.clone(), wish.port));
    let site = (moves && home.site.as_ref() != Some(&site.id)).then(|| site.id.clone());
    let is_new = |new: &Coordinate| home.coordinate.is_none_or(|old| !old.is_same_place(*new));
    let coordinate = coordinate.filter(is_new);
    let address = differing(wish.address.as_ref(), home.address.as_ref());
    let changes = connect.is_some() || coordinate.is_some() || address.is_some();
    changes.then(|| HomeEdit::Edit { property: home.property.clone(), connect, site, coordinate, address })
}

fn client_edit(wish: &Wish, card: &Card) -> Option<ClientEdit> {
    let onu = wish.onu.merged_into(&card.onu);
    let edit = ClientEdit {
        name: differing(wish.name.as_ref(), card.name.as_ref()),
        implantation: (wish.implantation != card.implantation).then_some(wish.implantation),
        onu: (onu != card.onu).then_some(onu),
    };
    (edit != ClientEdit::default()).then_some(edit)
}

fn differing(wished: Option<&CompactString>, held: Option<&CompactString>) -> Option<CompactString> {
    wished.filter(|wished| held != Some(*wished)).cloned()
}

#[cfg(test)]
mod tests;
