//! What has to be written to OZmap so that a command is fulfilled.

use compact_str::CompactString;

use crate::client::{ClientCode, RecordId};
use crate::network::{Coordinate, PortNumber};
use crate::onu::Onu;
use crate::status::Implantation;

/// One call that changes OZmap.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// A property on a port, with a client that is new or has none yet.
    CreateProperty(NewProperty),
    /// A property gets other values.
    PatchProperty(PropertyPatch),
    /// A client record gets other values.
    PatchClient(ClientPatch),
}

impl Write {
    /// Whether the client is not what was asked for until OZmap holds this: port, implantation and ONU matter, while OZmap may
    /// keep a text or a place in a way of its own.
    pub fn is_essential(&self) -> bool {
        match self {
            Write::CreateProperty(_) => true,
            Write::PatchProperty(patch) => patch.connect.is_some(),
            Write::PatchClient(patch) => patch.implantation.is_some() || patch.onu.is_some(),
        }
    }

    /// Whether OZmap has a client more afterwards.
    pub fn creates_client(&self) -> bool {
        matches!(self, Write::CreateProperty(NewProperty { client: PropertyClient::New { .. }, .. }))
    }
}

/// A property to be created.
#[derive(Debug, Clone, PartialEq)]
pub struct NewProperty {
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
    /// The client that lives there.
    pub client: PropertyClient,
}

/// The client of a new property.
#[derive(Debug, Clone, PartialEq)]
pub enum PropertyClient {
    /// A client that OZmap has without a property.
    Known(RecordId),
    /// A client to be created with it.
    New {
        /// The business key.
        code: ClientCode,
        /// The subscriber's name.
        name: Option<CompactString>,
        /// Whether it is deployed.
        implantation: Implantation,
        /// The ONU's data.
        onu: Onu,
    },
}

/// What is to change of a property; `None` stays.
#[derive(Debug, Clone, PartialEq)]
pub struct PropertyPatch {
    /// The property record.
    pub id: RecordId,
    /// The port that it is to take.
    pub connect: Option<(RecordId, PortNumber)>,
    /// The box or building to which it is to belong.
    pub site: Option<RecordId>,
    /// Its place.
    pub coordinate: Option<Coordinate>,
    /// Street and number.
    pub address: Option<CompactString>,
}

/// What is to change of a client record; `None` stays.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientPatch {
    /// The client record.
    pub id: RecordId,
    /// The subscriber's name.
    pub name: Option<CompactString>,
    /// Whether it is deployed.
    pub implantation: Option<Implantation>,
    /// The ONU's data, merged and whole.
    pub onu: Option<Onu>,
}
