//! The subscriber as OZmap holds it, and the values that identify it.

use std::fmt;

use compact_str::CompactString;

use crate::kept_as_text::kept_as_text;
use crate::onu::Onu;
use crate::power::Dbm;
use crate::status::{Implantation, Status};

kept_as_text!(ClientCode, "a code that is not empty is expected");
kept_as_text!(RecordId, "an identifier of 1 to 64 letters and digits is expected");

/// The business key of a client: OZmap's `code`, INT6's `gpon_client_id`.
///
/// Never empty, without white space at its ends. Only numeric codes are matched, see [`ClientCode::is_numeric`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientCode(CompactString);

impl ClientCode {
    /// Trims and takes a code; `None` if nothing is left.
    pub fn new(code: &str) -> Option<ClientCode> {
        let code = code.trim();
        (!code.is_empty()).then(|| ClientCode(code.into()))
    }

    /// Whether the code has digits only. Source: `docs/contracts/int6-api.md`, "Codes".
    pub fn is_numeric(&self) -> bool {
        self.0.bytes().all(|b| b.is_ascii_digit())
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The identifier of a record in OZmap: 24 lower-case hexadecimal digits, kept as they came.
///
/// Letters and digits only, so that it can stand in a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(CompactString);

impl RecordId {
    /// Takes an identifier; `None` unless it is 1 to 64 letters, digits, `-` or `_`.
    pub fn new(id: &str) -> Option<RecordId> {
        let fits = (1..=64).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        fits.then(|| RecordId(id.into()))
    }

    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A client record as OZmap holds it: what every use case reads of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Client {
    /// The client record.
    pub id: RecordId,
    /// The business key.
    pub code: ClientCode,
    /// `None` if OZmap holds no status that is known here.
    pub status: Option<Status>,
    /// Whether the client is deployed.
    pub implantation: Implantation,
    /// The ONU's data.
    pub onu: Onu,
    /// Whether `onu` is all that OZmap holds; false where its data were not understood, so that nothing may be written over
    /// them.
    pub onu_known: bool,
}

/// A client that can be compared with a reading, with the property that carries its read power.
#[derive(Debug, Clone, PartialEq)]
pub struct SyncedClient {
    /// The client record.
    pub client: Client,
    /// The property (*imóvel*) at which the client lives; without one its read power has nowhere to go.
    pub property: Option<RecordId>,
    /// Read power (*potência lida*); `None` if OZmap holds none.
    pub read_power: Option<Dbm>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_trimmed_and_never_empty() {
        assert_eq!(ClientCode::new(" 147 ").map(|c| c.to_string()).as_deref(), Some("147"));
        assert_eq!(ClientCode::new("  "), None);
        assert!(ClientCode::new("147").is_some_and(|c| c.is_numeric()));
        assert!(ClientCode::new("A147").is_some_and(|c| !c.is_numeric()));
    }
}
