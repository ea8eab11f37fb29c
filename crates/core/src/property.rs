//! What OZmap holds of one client, and of the property (*imóvel*) at which it lives.

use compact_str::CompactString;

use crate::client::{Client, RecordId};
use crate::network::{Coordinate, PortNumber};
use crate::power::Dbm;

/// Everything that OZmap holds of one client and an installation may change.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientRecord {
    /// The record itself.
    pub client: Client,
    /// The subscriber's name.
    pub name: Option<CompactString>,
    /// Where the client lives; OZmap has clients without a property.
    pub property: Option<Property>,
}

/// The property (*imóvel*) of a client.
#[derive(Debug, Clone, PartialEq)]
pub struct Property {
    /// The property record.
    pub id: RecordId,
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// The splitter.
    pub splitter: RecordId,
    /// Its name, where OZmap gives it.
    pub splitter_name: Option<CompactString>,
    /// Its port.
    pub port: PortNumber,
}

impl ClientRecord {
    /// Whether the client's property holds this port.
    pub fn holds(&self, splitter: &RecordId, port: PortNumber) -> bool {
        self.property.as_ref().is_some_and(|property| property.holds(splitter, port))
    }
}

impl Property {
    /// Whether the property holds this port.
    pub fn holds(&self, splitter: &RecordId, port: PortNumber) -> bool {
        self.connections.iter().any(|held| held.splitter == *splitter && held.port == port)
    }
}
