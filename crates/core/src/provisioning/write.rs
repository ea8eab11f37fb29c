//! What has to be written to OZmap so that a request is fulfilled.

use compact_str::CompactString;

use crate::client::{ClientCode, RecordId};
use crate::network::{Coordinate, PortNumber};
use crate::onu::Onu;
use crate::status::Implantation;

/// What has to be written.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// OZmap knows no such client.
    Create(NewProperty),
    /// Both parts may be empty, but not at once.
    Update {
        /// The property, if it is to change.
        home: Option<PropertyPatch>,
        /// The client record, if it is to change.
        client: Option<(RecordId, ClientPatch)>,
    },
    /// OZmap holds all of it.
    Nothing,
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
    /// Who lives there.
    pub resident: PropertyClient,
}

/// Who lives in a new property.
#[derive(Debug, Clone, PartialEq)]
pub enum PropertyClient {
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
pub enum PropertyPatch {
    /// He had no property.
    New(NewProperty),
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
pub struct ClientPatch {
    /// The subscriber's name.
    pub name: Option<CompactString>,
    /// Whether he is deployed.
    pub implantation: Option<Implantation>,
    /// The ONU's data, merged and whole.
    pub onu: Option<Onu>,
}
