//! By which key INT6's rows and OZmap's clients are put side by side.

use std::sync::LazyLock;

use crate::client::{Client, ClientCode};
use crate::onu::{MacAddress, OnuSerial, UnknownWords};
use crate::sync::reading::Reading;

/// What a row of INT6 and a client of OZmap have in common. Default the code.
///
/// Source: `docs/contracts/rules.md`, "Clients are matched by code".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MatchBy {
    /// INT6's `gpon_client_id`, OZmap's `code`.
    #[default]
    Code,
    /// The ONU's serial number.
    Serial,
    /// The ONU's MAC address.
    Mac,
    /// The PPPoE user.
    Pppoe,
}

/// A key, in the one notation in which it is compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MatchKey {
    /// As it is.
    Code(ClientCode),
    /// In upper case.
    Serial(OnuSerial),
    /// Its six octets.
    Mac(MacAddress),
    /// Trimmed, in small letters.
    Pppoe(String),
}

/// OZmap's side has words for unknown too.
static UNKNOWN: LazyLock<UnknownWords> = LazyLock::new(UnknownWords::default);

impl MatchBy {
    /// The key of a client of OZmap; `None` if it has none.
    pub fn of_client(self, client: &Client) -> Option<MatchKey> {
        let onu = &client.onu;
        match self {
            MatchBy::Code => Some(MatchKey::Code(client.code.clone())),
            MatchBy::Serial => OnuSerial::new(&onu.serial_number).map(MatchKey::Serial),
            MatchBy::Mac => MacAddress::new(&onu.mac_address).map(MatchKey::Mac),
            MatchBy::Pppoe => user(&onu.pppoe_user).filter(|_| !UNKNOWN.has(&onu.pppoe_user)),
        }
    }

    /// The key of a row of INT6; `None` if it has none.
    pub fn of_reading(self, reading: &Reading) -> Option<MatchKey> {
        match self {
            MatchBy::Code => Some(MatchKey::Code(reading.code.clone())),
            MatchBy::Serial => reading.serial.clone().map(MatchKey::Serial),
            MatchBy::Mac => reading.mac.map(MatchKey::Mac),
            MatchBy::Pppoe => user(reading.pppoe_user.as_deref()?),
        }
    }

    /// What people call the key.
    pub fn words(self) -> &'static str {
        match self {
            MatchBy::Code => "code",
            MatchBy::Serial => "serial number",
            MatchBy::Mac => "MAC address",
            MatchBy::Pppoe => "PPPoE user",
        }
    }
}

fn user(user: &str) -> Option<MatchKey> {
    let user = user.trim().to_lowercase();
    (!user.is_empty()).then_some(MatchKey::Pppoe(user))
}
