//! What INT6 asks to be done with a client.

use compact_str::CompactString;
use strum::{EnumDiscriminants, EnumString, IntoStaticStr, VariantArray};

use crate::client::{ClientCode, RecordId};
use crate::network::{Coordinate, PortNumber};
use crate::onu::OnuPatch;
use crate::status::Implantation;

/// One thing to be done with one client: what is stored, decided and carried out as one.
#[derive(Debug, Clone, PartialEq, EnumDiscriminants)]
#[strum_discriminants(
    name(OperationKind),
    doc = "What kind of command it is.",
    derive(EnumString, IntoStaticStr, VariantArray),
    strum(serialize_all = "snake_case")
)]
pub enum Command {
    /// `POST /v1/clients`: the client must not be there.
    Create(ConnectRequest),
    /// `PUT …/activation`: the client is updated if it is there, else created.
    Activate(ConnectRequest),
}

/// What INT6 wants a client's records in OZmap to become.
#[derive(Debug, Clone, PartialEq)]
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

/// Of what a command must be the only one at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockOn<'a> {
    /// A client, by its code.
    Client(&'a ClientCode),
    /// A splitter of which a port may be taken.
    Splitter(&'a RecordId),
}

impl Command {
    /// The client that it is about.
    pub fn code(&self) -> &ClientCode {
        match self {
            Command::Create(request) | Command::Activate(request) => &request.code,
        }
    }

    /// What is done, for errors: `"activate a client"`.
    pub fn operation(&self) -> &'static str {
        match self {
            Command::Create(_) | Command::Activate(_) => "activate a client",
        }
    }

    /// The splitter on which it takes a port, if it takes one.
    pub fn splitter(&self) -> Option<&RecordId> {
        match self {
            Command::Create(request) | Command::Activate(request) => Some(&request.splitter),
        }
    }

    /// What it locks, in the order in which it must: the client first. Source: `docs/ARCHITECTURE.md`, "Lock order".
    pub fn locks(&self) -> impl Iterator<Item = LockOn<'_>> {
        std::iter::once(LockOn::Client(self.code())).chain(self.splitter().map(LockOn::Splitter))
    }
}

impl OperationKind {
    /// The word in the store.
    pub fn name(self) -> &'static str {
        self.into()
    }
}
