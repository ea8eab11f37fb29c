//! One row of INT6's bulk read, with the shapes of the wild kept as data.
//!
//! Source: `docs/contracts/int6-api.md`, "Bulk power read" and "Shapes of a reading".

use compact_str::CompactString;
use jiff::Timestamp;
use rand::RngExt;
use serde_json::{Value, json};

/// A row: generated and compact, or any JSON that a test put there.
pub(crate) enum Row {
    Made(Reading),
    Raw(Value),
}

/// What INT6 knows of one ONU.
#[derive(Clone)]
pub(crate) struct Reading {
    pub(crate) id: u32,
    /// `gpon_client_id`.
    pub(crate) code: CompactString,
    /// Whether the code is sent as a string although it is a number.
    pub(crate) code_as_text: bool,
    pub(crate) contract: u32,
    pub(crate) rx: Rx,
    /// Power at the OLT, hundredths of a dBm.
    pub(crate) olt_rx: i16,
    pub(crate) serial: CompactString,
    pub(crate) user: CompactString,
    pub(crate) mac: CompactString,
    /// Seconds since 1970.
    pub(crate) updated: i64,
    /// Whether the time is sent without a zone.
    pub(crate) naive_time: bool,
    pub(crate) link: PonLink,
}

/// Where an ONU hangs: numbers of OLT, slot and PON, from 1 on.
#[derive(Clone, Copy)]
pub(crate) struct PonLink {
    pub(crate) olt: u16,
    pub(crate) slot: u8,
    pub(crate) pon: u8,
}

/// Power at the ONU and the shape in which it is sent.
#[derive(Clone, Copy)]
pub(crate) struct Rx {
    /// Hundredths of a dBm; without meaning for shapes that carry no power.
    pub(crate) power: i16,
    pub(crate) shape: Shape,
}

/// The shapes met in the wild.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `-21.53`
    Number,
    /// `"-21.53"`
    Text,
    /// `"-21,53"`
    Comma,
    /// `"−21.53"`, with the mathematical minus sign
    MathMinus,
    /// `"–21.53"`, with an en dash
    EnDash,
    /// `"-21.53 dBm"`
    Unit,
    /// `{"text": "-21.53"}`
    Object,
    /// `0`
    Zero,
    /// `"0.0"`
    ZeroText,
    /// A word instead of a power, e.g. `"LOS"`
    Word(&'static str),
    /// `null`
    Null,
}

impl Rx {
    fn is_measured(self) -> bool {
        !matches!(self.shape, Shape::Zero | Shape::ZeroText | Shape::Word(_) | Shape::Null)
    }

    fn json(self) -> Value {
        let dbm = f64::from(self.power) / 100.0;
        let text = format!("{dbm:.2}");
        match self.shape {
            Shape::Number => json!(dbm),
            Shape::Text => json!(text),
            Shape::Comma => json!(text.replace('.', ",")),
            Shape::MathMinus => json!(text.replace('-', "\u{2212}")),
            Shape::EnDash => json!(text.replace('-', "\u{2013}")),
            Shape::Unit => json!(format!("{text} dBm")),
            Shape::Object => json!({ "text": text }),
            Shape::Zero => json!(0),
            Shape::ZeroText => json!("0.0"),
            Shape::Word(word) => json!(word),
            Shape::Null => Value::Null,
        }
    }
}

impl Reading {
    fn json(&self) -> Value {
        let number = self.code.parse::<u64>().ok().filter(|_| !self.code_as_text);
        json!({
            "id": self.id,
            "gpon_client_id": number.map_or_else(|| json!(self.code), |number| json!(number)),
            "rx_power": self.rx.json(),
            "olt_rx_power": f64::from(self.olt_rx) / 100.0,
            "contract_id": self.contract,
            "serial_number": self.serial,
            "pppoe_username": self.user,
            "mac_address": self.mac,
            "updated_at": self.time(),
        })
    }

    fn time(&self) -> Value {
        let Ok(time) = Timestamp::from_second(self.updated) else { return Value::Null };
        let text = time.to_string();
        json!(if self.naive_time { text.trim_end_matches('Z') } else { &text })
    }
}

impl Row {
    pub(crate) fn json(&self) -> Value {
        match self {
            Row::Made(reading) => reading.json(),
            Row::Raw(value) => value.clone(),
        }
    }

    pub(crate) fn has_code(&self, code: &str) -> bool {
        match self {
            Row::Made(reading) => reading.code == code,
            Row::Raw(value) => is_text(value.get("gpon_client_id"), code),
        }
    }

    pub(crate) fn has_user(&self, user: &str) -> bool {
        match self {
            Row::Made(reading) => reading.user == user,
            Row::Raw(value) => is_text(value.get("pppoe_username"), user),
        }
    }

    pub(crate) fn link(&self) -> PonLink {
        match self {
            Row::Made(reading) => reading.link,
            Row::Raw(_) => PonLink { olt: 1, slot: 1, pon: 1 },
        }
    }

    /// Lets a measured power wander by a few hundredths; whether it moved.
    pub(crate) fn drift(&mut self, rng: &mut impl RngExt, at: i64) -> bool {
        let Row::Made(reading) = self else { return false };
        let step = rng.random_range(-4_i16..=4);
        if !reading.rx.is_measured() || step == 0 {
            return false;
        }
        // Bounds of a receiver that still sees light.
        reading.rx.power = (reading.rx.power + step).clamp(-3500, -500);
        reading.olt_rx = (reading.olt_rx + step).clamp(-3900, -500);
        reading.updated = at;
        true
    }
}

fn is_text(value: Option<&Value>, wanted: &str) -> bool {
    match value {
        Some(Value::String(text)) => text == wanted,
        Some(Value::Number(number)) => number.to_string() == wanted,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_is_as_met_in_the_wild() {
        let cases = [
            (Shape::Number, json!(-21.5)),
            (Shape::Text, json!("-21.50")),
            (Shape::Comma, json!("-21,50")),
            (Shape::MathMinus, json!("−21.50")),
            (Shape::EnDash, json!("–21.50")),
            (Shape::Unit, json!("-21.50 dBm")),
            (Shape::Object, json!({"text": "-21.50"})),
            (Shape::Zero, json!(0)),
            (Shape::ZeroText, json!("0.0")),
            (Shape::Word("LOS"), json!("LOS")),
            (Shape::Null, Value::Null),
        ];
        for (shape, wanted) in cases {
            assert_eq!(Rx { power: -2150, shape }.json(), wanted);
        }
    }
}
