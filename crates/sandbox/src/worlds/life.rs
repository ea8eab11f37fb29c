//! One client as it truly is: its light and its ONU.

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::judge::Truth;
use crate::int6::reading::Reading;
use crate::ozmap::id::Id;
use crate::town::names;

/// What an ONU sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Light {
    /// Hundredths of a dBm.
    Measured(i32),
    /// No light, told as 0.
    Zero,
    /// No light, told in a word.
    Word(&'static str),
    /// Nobody has asked it.
    Unknown,
}

/// A client, whichever of the two systems knows it.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    pub(crate) code: String,
    /// In OZmap.
    pub(crate) client: Option<Id>,
    /// Whether INT6 has a row.
    pub(crate) row: bool,
    /// Ordered, but not implanted when the story begins.
    pub(crate) reserved: bool,
    /// Without a property in OZmap.
    pub(crate) homeless: bool,
    /// Reported by the rules, not synced: whatever is written of it must be true, but nothing has to be.
    pub(crate) reported: bool,
    pub(crate) light: Light,
    /// Hundredths of a dBm, when there was light.
    pub(crate) last: i32,
    /// Empty where nobody knows it, as the other two.
    pub(crate) serial: String,
    pub(crate) user: String,
    pub(crate) mac: String,
    /// PONs are counted from 0 on.
    pub(crate) pon: usize,
    /// Of the reading, in seconds.
    pub(crate) age: i64,
}

impl Life {
    pub(crate) fn new(code: &str, pon: usize) -> Life {
        Life {
            code: code.to_owned(),
            client: None,
            row: true,
            reserved: false,
            homeless: false,
            reported: false,
            light: Light::Unknown,
            last: -2100,
            serial: String::new(),
            user: String::new(),
            mac: String::new(),
            pon,
            age: 60,
        }
    }

    pub(crate) fn of(reading: &Reading, client: Option<Id>, pon: usize) -> Life {
        let power = i32::from(reading.rx.power);
        Life {
            client,
            light: Light::Measured(power),
            last: power,
            serial: reading.serial.to_string(),
            user: reading.user.to_string(),
            mac: reading.mac.to_string(),
            age: i64::from(reading.id) * 37 % 240,
            ..Life::new(&reading.code, pon)
        }
    }

    /// Whether INT6 truly reads light.
    pub(crate) fn is_lit(&self) -> bool {
        self.row && matches!(self.light, Light::Measured(_))
    }

    /// Whether INT6 truly says that there is no light.
    pub(crate) fn is_dark(&self) -> bool {
        self.row && matches!(self.light, Light::Zero | Light::Word(_))
    }

    /// A reservation of which INT6 has a row.
    pub(crate) fn is_waiting(&self) -> bool {
        self.row && self.reserved && !self.is_lit()
    }

    pub(crate) fn light_up(&mut self) {
        self.row = true;
        self.light = Light::Measured(self.last);
    }

    /// Another power, hundredths of a dBm away.
    pub(crate) fn step(&mut self, by: i32) {
        if let Light::Measured(power) = self.light {
            self.last = power + by;
            self.light = Light::Measured(self.last);
        }
    }

    /// Some hundredths of a dBm up or down, two at least.
    pub(crate) fn drift(&mut self, rng: &mut StdRng, most: i32) {
        let by = rng.random_range(2..=most);
        self.step(if rng.random_ratio(1, 2) { by } else { -by });
    }

    /// A new ONU, whose user stays if it had one.
    pub(crate) fn get_onu(&mut self, rng: &mut StdRng) {
        self.serial = names::serial(rng);
        self.mac = names::plain_mac(names::mac(rng));
        if self.user.is_empty() {
            self.user = names::pppoe_user(names::person(rng).0, &self.code);
        }
    }

    pub(crate) fn forget_onu(&mut self) {
        for part in [&mut self.serial, &mut self.user, &mut self.mac] {
            part.clear();
        }
    }

    /// What OZmap remembers where both systems agree, dBm.
    pub(crate) fn remembered_dbm(&self) -> Option<f64> {
        match self.light {
            Light::Measured(power) => Some(f64::from(power) / 100.0),
            Light::Zero => Some(0.0),
            _ if self.reserved => None,
            _ => Some(f64::from(self.last) / 100.0),
        }
    }

    /// The row of a sound INT6.
    pub(crate) fn row_at(&self, ordinal: i64, now: i64) -> Value {
        let (power, olt_power) = match self.light {
            Light::Measured(power) => {
                (json!(format!("{:.2}", f64::from(power) / 100.0)), json!(f64::from(power - 170) / 100.0))
            }
            Light::Zero => (json!(0), json!(0)),
            Light::Word(word) => (json!(word), Value::Null),
            Light::Unknown => (Value::Null, Value::Null),
        };
        let code = self.code.parse::<u64>().map_or_else(|_| json!(self.code), |code| json!(code));
        json!({
            "id": ordinal,
            "gpon_client_id": code,
            "rx_power": power,
            "olt_rx_power": olt_power,
            "contract_id": 50_000 + ordinal * 3,
            "serial_number": self.serial,
            "pppoe_username": self.user,
            "mac_address": self.mac,
            "updated_at": time(now - self.age),
        })
    }

    /// What the rules let a sync write of it.
    ///
    /// Source: `docs/contracts/rules.md`, "INT6 → OZmap, every 10 minutes".
    pub(crate) fn truth(&self) -> Truth {
        let known = |part: &String| if self.row { part.clone() } else { String::new() };
        let light = if self.row { self.light } else { Light::Unknown };
        let (power, status) = match light {
            Light::Measured(power) => (Some(power), Some(0)),
            Light::Zero => (Some(0), Some(1)),
            Light::Word(_) => (None, Some(1)),
            Light::Unknown => (None, None),
        };
        Truth {
            power: power.filter(|_| !self.homeless),
            status,
            // A figure that no receiver shows never implants.
            implants: matches!(light, Light::Measured(power) if (-3800..=1000).contains(&power)),
            is_dark: matches!(light, Light::Zero | Light::Word(_)) || (self.reserved && !self.is_lit()),
            onu: [known(&self.user), known(&self.serial), known(&self.mac)],
            is_due: !self.reported,
        }
    }
}

/// A moment, seconds since 1970, as INT6 writes it.
pub(crate) fn time(at: i64) -> Value {
    jiff::Timestamp::from_second(at).map_or(Value::Null, |at| json!(at.to_string()))
}
