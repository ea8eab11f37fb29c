//! The stable codes of the API's errors.

use strum::{Display, EnumString, IntoStaticStr, VariantArray};

/// Why a request was not done, as a word that never changes: codes may be added, none is renamed or given another meaning.
///
/// Source: `docs/contracts/gateway-api.md`, "Errors".
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Display, EnumString, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum ErrorCode {
    /// The request is not understood.
    InvalidRequest,
    /// The key is missing or unknown.
    Unauthorised,
    /// The key's tenant does not admit the address.
    AddressNotAdmitted,
    /// The key's role does not go so far.
    NotPermitted,
    /// The tenant is set to write nothing to OZmap.
    ReadOnly,
    /// No such path, run or operation.
    NotFound,
    /// The path has other methods.
    MethodNotAllowed,
    /// The tenant's rate limit.
    TooManyRequests,
    /// One of the two systems has no client of this code.
    ClientNotFound,
    /// OZmap has a client of this code, and it was to be created.
    ClientExists,
    /// OZmap has several clients or properties of one code.
    ClientAmbiguous,
    /// The plan was shown more than 24 hours ago.
    PlanExpired,
    /// The plan, or that field of it, was applied.
    PlanApplied,
    /// The port holds another client or property.
    PortTaken,
    /// OZmap says that the port may not be used.
    PortBlocked,
    /// OZmap has no splitter of this identifier.
    NoSuchSplitter,
    /// The splitter has fewer ports.
    NoSuchPort,
    /// The splitter is not for clients, or its box is a draft.
    NotADropSplitter,
    /// No way leads from a PON to the client.
    NoFibreRoute,
    /// OZmap refused, or answered what is not understood.
    OzmapRejected,
    /// OZmap cannot be had now.
    OzmapUnreachable,
    /// INT6 refused, or answered what is not understood.
    Int6Rejected,
    /// INT6 cannot be had now.
    Int6Unreachable,
    /// Others that ask for the same client or splitter come first.
    Busy,
    /// The gateway itself cannot answer now.
    Unavailable,
    /// A mistake in the gateway.
    Internal,
    /// The end of a stored request that gave way to a later one for the same client; never the code of an answer.
    Superseded,
}

impl ErrorCode {
    /// The word in the API and the store.
    pub fn name(self) -> &'static str {
        self.into()
    }
}
