//! Why something that INT6 asked for was not done, by the stable code that it is told.

use std::time::Duration;

use gateway_core::provisioning::Refusal;
use gateway_core::{ClientCode, ErrorCode, PortNumber, RecordId, System};

use crate::store::{self, LockError};
use crate::upstream;

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Neither property nor client.
    #[error("OZmap has no client of code {0}")]
    UnknownClient(ClientCode),
    /// The client is there, the light is not.
    #[error("OZmap has no fibre route from a PON to client {0}; look at the connections there")]
    NoRoute(ClientCode),
    /// No splitter of this identifier.
    #[error("OZmap has no splitter {0}")]
    NoSuchSplitter(RecordId),
    /// It would have done harm.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The other side refused, or cannot be had.
    #[error(transparent)]
    Upstream(#[from] upstream::CallError),
    /// The gateway's own database.
    #[error("the gateway's database does not answer")]
    Store(#[from] store::StoreError),
    /// Somebody else works on the same client or splitter.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// It takes longer than a caller can wait.
    #[error("{0} has not answered in time; what was begun is carried on")]
    Late(System),
    /// A promise that came too late.
    #[error("a later request for the same client was carried out before")]
    Superseded,
    /// The gateway stops.
    #[error("the gateway stops")]
    Stopping,
}

impl Failure {
    /// The stable name of the error.
    pub fn code(&self) -> ErrorCode {
        match self {
            Failure::UnknownClient(_) => ErrorCode::ClientNotFound,
            Failure::NoRoute(_) => ErrorCode::NoFibreRoute,
            Failure::NoSuchSplitter(_) => ErrorCode::NoSuchSplitter,
            Failure::Refused(refusal) => match refusal {
                Refusal::ClientExists(_) => ErrorCode::ClientExists,
                Refusal::Ambiguous { .. } => ErrorCode::ClientAmbiguous,
                Refusal::NotADropSplitter { .. } => ErrorCode::NotADropSplitter,
                Refusal::NoSuchPort { .. } => ErrorCode::NoSuchPort,
                Refusal::PortTaken { .. } => ErrorCode::PortTaken,
                Refusal::PortBlocked { .. } => ErrorCode::PortBlocked,
                Refusal::NoCoordinate(_) => ErrorCode::InvalidRequest,
            },
            Failure::Upstream(error) if error.kind.is_rejection() => rejected_by(error.system),
            Failure::Upstream(error) => out_of_reach(error.system),
            Failure::Late(system) => out_of_reach(*system),
            Failure::Superseded => ErrorCode::Superseded,
            Failure::Store(_) | Failure::Lock(_) | Failure::Stopping => ErrorCode::Unavailable,
        }
    }

    /// Ports that could be asked for instead.
    pub fn free_ports(&self) -> Option<&[PortNumber]> {
        match self {
            Failure::Refused(Refusal::PortTaken { free, .. } | Refusal::PortBlocked { free, .. }) => {
                Some(free)
            }
            _ => None,
        }
    }

    /// Whether the same request may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            // A key that is wrong today is mended tomorrow.
            Failure::Upstream(error) => error.kind.is_transient() || error.kind.is_unauthorized(),
            Failure::Store(_) | Failure::Lock(_) | Failure::Late(_) | Failure::Stopping => true,
            _ => false,
        }
    }

    /// How long the other side asks to wait, if it does.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Failure::Upstream(error) => error.kind.retry_after(),
            _ => None,
        }
    }
}

fn rejected_by(system: System) -> ErrorCode {
    match system {
        System::Ozmap => ErrorCode::OzmapRejected,
        System::Int6 => ErrorCode::Int6Rejected,
    }
}

fn out_of_reach(system: System) -> ErrorCode {
    match system {
        System::Ozmap => ErrorCode::OzmapUnreachable,
        System::Int6 => ErrorCode::Int6Unreachable,
    }
}
