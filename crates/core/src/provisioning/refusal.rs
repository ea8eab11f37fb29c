//! Why a request may not be fulfilled.

use compact_str::CompactString;

use crate::client::{ClientCode, RecordId};
use crate::error_code::ErrorCode;
use crate::network::PortNumber;

/// Why nothing is written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Neither property nor client.
    #[error("OZmap has no client of code {0}")]
    UnknownClient(ClientCode),
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
    /// OZmap has the code with blanks around it, by which it finds no client.
    #[error(
        "OZmap has a client of code \"{held}\", with blanks around it: it is this client, and cannot be found by its code; remove the blanks there first"
    )]
    BlankInCode {
        /// As it stands there.
        held: CompactString,
    },
    /// No splitter of this identifier.
    #[error("OZmap has no splitter {0}")]
    NoSuchSplitter(RecordId),
    /// Clients are not connected there.
    #[error("splitter {splitter} serves no clients: {why}")]
    NotADropSplitter {
        /// The splitter.
        splitter: RecordId,
        /// `isDrop`, a draft, no place, another project.
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

impl Refusal {
    /// The stable name.
    pub fn code(&self) -> ErrorCode {
        match self {
            Refusal::UnknownClient(_) => ErrorCode::ClientNotFound,
            Refusal::ClientExists(_) => ErrorCode::ClientExists,
            Refusal::Ambiguous { .. } | Refusal::BlankInCode { .. } => ErrorCode::ClientAmbiguous,
            Refusal::NoSuchSplitter(_) => ErrorCode::NoSuchSplitter,
            Refusal::NotADropSplitter { .. } => ErrorCode::NotADropSplitter,
            Refusal::NoSuchPort { .. } => ErrorCode::NoSuchPort,
            Refusal::PortTaken { .. } => ErrorCode::PortTaken,
            Refusal::PortBlocked { .. } => ErrorCode::PortBlocked,
            Refusal::NoCoordinate(_) => ErrorCode::InvalidRequest,
        }
    }

    /// Ports that could be asked for instead.
    pub fn free_ports(&self) -> Option<&[PortNumber]> {
        match self {
            Refusal::PortTaken { free, .. } | Refusal::PortBlocked { free, .. } => Some(free),
            _ => None,
        }
    }
}
