//! The stable names of everything that can go wrong, as callers rely on them.

use strum::{EnumString, IntoStaticStr, VariantArray};

/// An error's stable name. Source: `docs/contracts/gateway-api.md`, "Errors".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum ErrorCode {
    /// The request is not understood.
    InvalidRequest,
    /// The key is missing or unknown.
    Unauthorised,
    /// The caller's address is not on the tenant's list.
    AddressNotAdmitted,
    /// There is nothing at this path.
    NotFound,
    /// The path is there, the method is not.
    MethodNotAllowed,
    /// The key's rate limit is reached.
    TooManyRequests,
    /// OZmap has no such client.
    ClientNotFound,
    /// OZmap has such a client already.
    ClientExists,
    /// OZmap has several clients or properties of one code.
    ClientAmbiguous,
    /// Another client or property holds the port.
    PortTaken,
    /// Somebody blocked the port in OZmap.
    PortBlocked,
    /// OZmap has no such splitter.
    NoSuchSplitter,
    /// The splitter is smaller.
    NoSuchPort,
    /// The splitter serves no clients.
    NotADropSplitter,
    /// No fibre leads from a PON to the client.
    NoFibreRoute,
    /// OZmap refused.
    OzmapRejected,
    /// OZmap cannot be reached.
    OzmapUnreachable,
    /// INT6 refused.
    Int6Rejected,
    /// INT6 cannot be reached.
    Int6Unreachable,
    /// The gateway itself cannot answer now.
    Unavailable,
    /// The gateway failed.
    Internal,
    /// A later request for the same client was carried out before: the end of an operation, never an answer to a request.
    Superseded,
}

impl ErrorCode {
    /// The word in the API and the store.
    pub fn name(self) -> &'static str {
        self.into()
    }
}
