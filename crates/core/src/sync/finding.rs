//! What is reported instead of guessed.

use compact_str::CompactString;
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::system::System;

/// Why something was reported instead of written.
///
/// Source: `docs/contracts/rules.md`, "Reported, never guessed".
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, EnumString, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "snake_case")]
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
    /// The figure is outside what light can be.
    Implausible,
    /// The client has no property, so that its read power has nowhere to go.
    NoProperty,
    /// The reading's time is not understood, or lies in the future.
    UnknownAge,
    /// A field of the record is not understood; the rest of the record counts.
    UnclearField,
    /// A list did not end as lists do, or changed while it was read.
    IncompleteList,
}

impl FindingKind {
    /// The word in the API and the store.
    pub fn name(self) -> &'static str {
        self.into()
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
