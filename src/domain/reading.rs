//! What INT6 says of one client, and what is reported instead of guessed.

use compact_str::CompactString;
use jiff::Timestamp;

use super::{ClientCode, MacAddress, OnuSerial, PowerReading};

/// One readable row of INT6's bulk read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// `gpon_client_id`.
    pub code: ClientCode,
    /// The light at the ONU.
    pub power: PowerReading,
    /// `None` if INT6 does not know it.
    pub serial: Option<OnuSerial>,
    /// `None` if INT6 does not know it; never empty.
    pub pppoe_user: Option<CompactString>,
    /// `None` if INT6 does not know it.
    pub mac: Option<MacAddress>,
    /// When INT6 last renewed the row; `None` if it does not say.
    pub updated_at: Option<Timestamp>,
}

/// One of the two systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum System {
    /// The map of the network.
    Ozmap,
    /// The platform that provisions and monitors ONUs.
    Int6,
}

impl System {
    /// As people write it.
    pub fn name(self) -> &'static str {
        match self {
            System::Ozmap => "OZmap",
            System::Int6 => "INT6",
        }
    }
}

impl std::fmt::Display for System {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Why something was reported instead of written.
///
/// Source: `contracts/rules.md`, "Reported, never guessed".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// INT6 has no row for this client.
    OnlyInOzmap,
    /// OZmap has no client of this code.
    OnlyInInt6,
    /// One code or one MAC address stands in several rows.
    Duplicate,
    /// The code has other characters than digits.
    NotNumeric,
    /// The row could not be understood.
    Unreadable,
    /// The reading is older than the stale limit.
    Stale,
    /// INT6 has a row but no reading for this client.
    Absent,
}

impl FindingKind {
    /// Every kind, in the order in which people read them.
    pub const ALL: [FindingKind; 7] = [
        FindingKind::OnlyInOzmap,
        FindingKind::OnlyInInt6,
        FindingKind::Duplicate,
        FindingKind::NotNumeric,
        FindingKind::Unreadable,
        FindingKind::Stale,
        FindingKind::Absent,
    ];

    /// The name in the API and the store.
    pub fn name(self) -> &'static str {
        match self {
            FindingKind::OnlyInOzmap => "only_in_ozmap",
            FindingKind::OnlyInInt6 => "only_in_int6",
            FindingKind::Duplicate => "duplicate",
            FindingKind::NotNumeric => "not_numeric",
            FindingKind::Unreadable => "unreadable",
            FindingKind::Stale => "stale",
            FindingKind::Absent => "absent",
        }
    }

    /// The inverse of [`FindingKind::name`].
    pub fn from_name(name: &str) -> Option<FindingKind> {
        FindingKind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Something that an operator should look at; the sync left it alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Why.
    pub kind: FindingKind,
    /// Where it was seen.
    pub system: System,
    /// The client's code as it stands there, if it could be read.
    pub code: Option<CompactString>,
    /// One sentence for people; no personal data.
    pub detail: String,
}
