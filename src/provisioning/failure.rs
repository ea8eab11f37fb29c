//! Why something that INT6 asked for was not done, by the stable code that it is answered with.

use std::time::Duration;

use gateway_core::provisioning::Refusal;
use gateway_core::{ClientCode, ErrorCode, PortNumber, System};

use crate::store::{LockError, StoreError};
use crate::upstream::{CallError, Kind};

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The client is there, its light is not.
    #[error("OZmap has no fibre route from a PON to client {0}; look at the connections there")]
    NoRoute(ClientCode),
    /// It would have done harm.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The other side refused, or cannot be had.
    #[error(transparent)]
    Upstream(#[from] CallError),
    /// The gateway's own database.
    #[error("the gateway's database does not answer")]
    Store(#[from] StoreError),
    /// Somebody else works on the same client or splitter.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Its turn did not come.
    #[error("{before} request(s) for the same {kind} stand in line before this one; nothing was begun")]
    Busy {
        /// `client` or `splitter`.
        kind: &'static str,
        /// How many, at least one.
        before: usize,
    },
    /// Its turn came late.
    #[error(
        "it stood in line for {} s and has begun now; it goes on, and the same request sent again tells what became of it",
        waited.as_secs()
    )]
    BegunLate {
        /// For how long it stood in line.
        waited: Duration,
    },
    /// Not even what comes before the line was done in time.
    #[error("{0} has not answered in time; nothing was begun")]
    NotBegun(System),
    /// It takes longer than a caller can wait.
    #[error("{0} has not answered in time; what was begun is carried on")]
    Late(System),
    /// A stored request that came too late.
    #[error("a later request for the same client was carried out before")]
    Superseded,
    /// The gateway stops.
    #[error("the gateway stops")]
    Stopping,
}

/// A look that is refused says nothing of the wish, and what a write does not find is looked up again. Whatever else is said is
/// said by what stands before the host, or is put right tomorrow, as a wrong key is.
fn is_refused_wish(error: &CallError) -> bool {
    let is_missing = error.kind.rejected_with().is_some_and(|status| status.as_u16() == 404);
    error.is_write && error.kind.is_own_refusal() && !is_missing
}

impl Failure {
    /// The stable name of the error. Source: `docs/contracts/gateway-api.md`, "Errors".
    pub fn code(&self) -> ErrorCode {
        match self {
            Failure::NoRoute(_) => ErrorCode::NoFibreRoute,
            Failure::Refused(refusal) => refusal.code(),
            // OZmap was not asked, and is not to blame.
            Failure::Upstream(CallError { kind: Kind::LeaseLost | Kind::Stopped { .. }, .. }) => {
                ErrorCode::Unavailable
            }
            // The line is in the gateway; the other side may be well.
            Failure::Upstream(CallError { kind: Kind::Busy, .. })
            | Failure::Busy { .. }
            | Failure::BegunLate { .. }
            | Failure::Lock(LockError::InUse(_)) => ErrorCode::Busy,
            Failure::Upstream(error) => match (error.system, error.kind.is_rejection()) {
                (System::Ozmap, true) => ErrorCode::OzmapRejected,
                (System::Ozmap, false) => ErrorCode::OzmapUnreachable,
                (System::Int6, true) => ErrorCode::Int6Rejected,
                (System::Int6, false) => ErrorCode::Int6Unreachable,
            },
            Failure::Late(System::Ozmap) | Failure::NotBegun(System::Ozmap) => ErrorCode::OzmapUnreachable,
            Failure::Late(System::Int6) | Failure::NotBegun(System::Int6) => ErrorCode::Int6Unreachable,
            Failure::Superseded => ErrorCode::Superseded,
            Failure::Store(_) | Failure::Lock(_) | Failure::Stopping => ErrorCode::Unavailable,
        }
    }

    /// Ports that could be asked for instead.
    pub fn free_ports(&self) -> Option<&[PortNumber]> {
        match self {
            Failure::Refused(refusal) => refusal.free_ports(),
            _ => None,
        }
    }

    /// Whether the same request may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Failure::Upstream(error) => !is_refused_wish(error),
            Failure::Store(_) | Failure::Lock(_) | Failure::Late(_) | Failure::Stopping => true,
            Failure::Busy { .. } | Failure::BegunLate { .. } | Failure::NotBegun(_) => true,
            _ => false,
        }
    }

    /// Whether other requests would fail now for the same reason.
    pub(super) fn concerns_all(&self) -> bool {
        matches!(self, Failure::Upstream(error) if error.kind.concerns_all())
    }

    /// How long the other side asks to wait, if it does.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Failure::Upstream(error) => error.kind.retry_after(),
            // About a second for each that stands before it.
            Failure::Busy { before, .. } => Some(Duration::from_secs((*before).clamp(1, 30) as u64)),
            _ => None,
        }
    }
}
