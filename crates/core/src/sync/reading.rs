//! What INT6 says of one client.

use compact_str::CompactString;
use jiff::Timestamp;

use crate::client::ClientCode;
use crate::onu::{MacAddress, OnuSerial};
use crate::power::PowerReading;

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
