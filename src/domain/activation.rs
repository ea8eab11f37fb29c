//! What becomes of a client's splitter, port and place when INT6 activates or creates him. Decided here, carried out
//! elsewhere. Pure.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{
    ClientCode, Coordinate, Dbm, Implantation, MacAddress, Onu, OnuSerial, PortNumber, PortState, RecordId,
    Site, SiteKind, Splitter, Status,
};

/// Everything that OZmap holds of one client and an installation may change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// The client record.
    pub id: RecordId,
    /// The business key.
    pub code: ClientCode,
    /// The subscriber's name.
    pub name: Option<CompactString>,
    /// `None` if OZmap holds no status that is known here.
    pub status: Option<Status>,
    /// Whether the client is deployed.
    pub implantation: Implantation,
    /// The ONU's data.
    pub onu: Onu,
    /// Where the client lives; OZmap has clients without a property.
    pub home: Option<Home>,
}

/// The property (*imóvel*) of a client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Home {
    /// The property record.
    pub property: RecordId,
    /// The box or building to which it belongs.
    pub site: Option<RecordId>,
    /// Street and number.
    pub address: Option<CompactString>,
    /// `None` inside a building.
    pub coordinate: Option<Coordinate>,
    /// Read power (*potência lida*).
    pub read_power: Option<Dbm>,
    /// Every splitter port that it holds; one, as a rule.
    pub connections: Vec<Connection>,
}

/// A splitter's port that a property holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// The splitter.
    pub splitter: RecordId,
    /// Its name, where OZmap gives it.
    pub splitter_name: Option<CompactString>,
    /// Its port.
    pub port: PortNumber,
}

/// What INT6 wants a client's records in OZmap to become.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wish {
    /// Whose.
    pub code: ClientCode,
    /// The chosen splitter.
    pub splitter: RecordId,
    /// The chosen port.
    pub port: PortNumber,
    /// `None` leaves it as it is.
    pub coordinate: Option<Coordinate>,
    /// As chosen in INT6.
    pub implantation: Implantation,
    /// `None` leaves it as it is.
    pub name: Option<CompactString>,
    /// `None` leaves it as it is.
    pub address: Option<CompactString>,
    /// What INT6 knows of the ONU; the unknown erases nothing.
    pub onu: OnuWish,
}

/// What INT6 knows of an ONU.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OnuWish {
    /// Serial number.
    pub serial: Option<OnuSerial>,
    /// PPPoE user.
    pub pppoe_user: Option<CompactString>,
    /// MAC address.
    pub mac: Option<MacAddress>,
}

/// Whether a client who is there already is what was wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    /// `POST /v1/clients`: he must not be there.
    Create,
    /// The same, after a try of ours whose answer was lost: he may be there, on this very port.
    CreateAgain,
    /// `PUT …/activation`: he is updated if he is there, else created.
    Activate,
}

/// What has to be written.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// OZmap knows no such client.
    Create(NewHome),
    /// Both parts may be empty, but not at once.
    Update {
        /// The property, if it is to change.
        home: Option<HomeEdit>,
        /// The client record, if it is to change.
        client: Option<(RecordId, ClientEdit)>,
    },
    /// OZmap holds all of it.
    Nothing,
}

/// A property to be created.
#[derive(Debug, Clone, PartialEq)]
pub struct NewHome {
    /// The box or building of the splitter.
    pub site: RecordId,
    /// Its project; `None` leaves it to OZmap.
    pub project: Option<RecordId>,
    /// The chosen splitter.
    pub splitter: RecordId,
    /// The chosen port.
    pub port: PortNumber,
    /// `None` inside a building.
    pub coordinate: Option<Coordinate>,
    /// Street and number.
    pub address: Option<CompactString>,
    /// Who lives there.
    pub resident: Resident,
}

/// Who lives in a new property.
#[derive(Debug, Clone, PartialEq)]
pub enum Resident {
    /// A client whom OZmap has without a property.
    Known(RecordId),
    /// A client to be created with it.
    New {
        /// The business key.
        code: ClientCode,
        /// The subscriber's name.
        name: Option<CompactString>,
        /// Whether he is deployed.
        implantation: Implantation,
        /// The ONU's data.
        onu: Onu,
    },
}

/// What is to change of where a client lives.
#[derive(Debug, Clone, PartialEq)]
pub enum HomeEdit {
    /// He had no property.
    New(NewHome),
    /// The property gets these values; `None` stays.
    Edit {
        /// The property record.
        property: RecordId,
        /// The port that it is to take.
        connect: Option<(RecordId, PortNumber)>,
        /// The box or building to which it is to belong.
        site: Option<RecordId>,
        /// Its place.
        coordinate: Option<Coordinate>,
        /// Street and number.
        address: Option<CompactString>,
    },
}

/// What is to change of a client record; `None` stays.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ClientEdit {
    /// The subscriber's name.
    pub name: Option<CompactString>,
    /// Whether he is deployed.
    pub implantation: Option<Implantation>,
    /// The ONU's data, merged and whole.
    pub onu: Option<Onu>,
}

/// Why nothing is written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A create of a client who is there.
    #[error("OZmap has a client of code {0} already")]
    ClientExists(ClientCode),
    /// One code, several clients or properties: which one is meant?
    #[error(
        "OZmap has {count} properties or clients of code {code}; merge them there first, none was touched"
    )]
    Ambiguous {
        /// The code.
        code: ClientCode,
        /// How many.
        count: usize,
    },
    /// Clients are not connected there.
    #[error("splitter {splitter} serves no clients: {why}")]
    NotADropSplitter {
        /// The splitter.
        splitter: RecordId,
        /// `isDrop`, a draft, no place.
        why: &'static str,
    },
    /// The splitter is smaller.
    #[error("splitter {splitter} has ports 1 to {ports}, not {port}")]
    NoSuchPort {
        /// The splitter.
        splitter: RecordId,
        /// What was asked.
        port: PortNumber,
        /// How many it has.
        ports: usize,
    },
    /// Another client, or another property, holds the port.
    #[error("port {port} of splitter {splitter} holds another property")]
    PortTaken {
        /// The splitter.
        splitter: RecordId,
        /// What was asked.
        port: PortNumber,
        /// What could be asked instead.
        free: Vec<PortNumber>,
    },
    /// Somebody blocked the port in OZmap.
    #[error("port {port} of splitter {splitter} is blocked in OZmap")]
    PortBlocked {
        /// The splitter.
        splitter: RecordId,
        /// What was asked.
        port: PortNumber,
        /// What could be asked instead.
        free: Vec<PortNumber>,
    },
    /// Nobody knows where the property is.
    #[error("a coordinate is needed: neither the request nor the box of splitter {0} has one")]
    NoCoordinate(RecordId),
}

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

impl OnuWish {
    /// What OZmap holds, with what INT6 knows in place of what differs.
    pub fn merged_into(&self, held: &Onu) -> Onu {
        held.merged(self.serial.as_ref(), self.pppoe_user.as_deref(), self.mac)
    }
}

impl Card {
    /// Whether the client's property holds this port.
    pub fn holds(&self, splitter: &RecordId, port: PortNumber) -> bool {
        self.home.as_ref().is_some_and(|home| home.holds(splitter, port))
    }
}

impl Home {
    /// Whether the property holds this port.
    pub fn holds(&self, splitter: &RecordId, port: PortNumber) -> bool {
        self.connections.iter().any(|held| held.splitter == *splitter && held.port == port)
    }
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
#[path = "activation_tests.rs"]
mod tests;
