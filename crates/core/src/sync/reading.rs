//! What INT6 says of one client.

use std::collections::BTreeSet;

use compact_str::CompactString;
use jiff::Timestamp;

use crate::client::ClientCode;
use crate::onu::{MacAddress, OnuSerial};
use crate::power::PowerReading;

/// One readable row of INT6's bulk read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// `gpon_client_id`. Where clients are matched by another key and the row has no code, that key, to name the row.
    pub code: ClientCode,
    /// The light at the ONU.
    pub power: PowerReading,
    /// `None` if INT6 does not know it.
    pub serial: Option<OnuSerial>,
    /// `None` if INT6 does not know it; never empty.
    pub pppoe_user: Option<CompactString>,
    /// `None` if INT6 does not know it.
    pub mac: Option<MacAddress>,
    /// When INT6 last renewed the row.
    pub updated_at: ReadingTime,
}

/// When a row was last renewed, as far as INT6 says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReadingTime {
    /// It does not say.
    #[default]
    Unsaid,
    /// Then.
    At(Timestamp),
    /// It says something that no known notation fits.
    NotUnderstood,
}

impl ReadingTime {
    /// The time, if it is known.
    pub fn known(self) -> Option<Timestamp> {
        match self {
            ReadingTime::At(at) => Some(at),
            ReadingTime::Unsaid | ReadingTime::NotUnderstood => None,
        }
    }
}

/// What INT6's rows looked like as a whole, so that a wrong field name is told from clients without light.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowShape {
    /// Rows that came, whatever they were.
    pub rows: u64,
    /// Of them without the code field, or with a code that is neither number nor text; 0 where clients are matched by another
    /// key.
    pub without_code: u64,
    /// Of them with a power that is absent ([`PowerReading::Absent`]), or neither figure nor word.
    pub without_power: u64,
    /// Of them that have no field of the power's name at all.
    pub without_power_field: u64,
    /// The names that the rows do have, at most 60.
    pub field_names: BTreeSet<CompactString>,
}
