//! What INT6 asks to be done with a client.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::client::{ClientCode, RecordId};
use crate::network::{Coordinate, PortNumber};
use crate::onu::OnuPatch;
use crate::status::Implantation;

/// What INT6 wants a client's records in OZmap to become.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConnectRequest {
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
    pub onu: OnuPatch,
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
