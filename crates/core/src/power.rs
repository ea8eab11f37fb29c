//! Optical power and the rule that turns a reading into what OZmap shall hold.

mod figure;
mod words;

use std::fmt;

use figure::figure;
use serde::{Deserialize, Serialize};
pub use words::{StatusWordError, StatusWords};

use crate::notation;
use crate::status::{Implantation, Status, WordStatus};

/// An optical power in hundredths of a dBm, so that equality decides whether OZmap is written to.
///
/// Range: −9,999.99 to 9,999.99 dBm, far beyond any ONU; a number outside it is a defect of the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Dbm(i32);

/// A number that no power can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is outside what a power can be: a number between -9999.99 and 9999.99 dBm is expected")]
pub struct NumberError;

impl Dbm {
    /// No light, as both systems write it.
    pub const ZERO: Dbm = Dbm(0);
    const LIMIT: i32 = 999_999;

    /// So many whole dBm; for constants.
    ///
    /// # Panics
    /// Outside the range.
    pub const fn whole(dbm: i32) -> Dbm {
        assert!(dbm.abs() < 10_000, "no power is so large");
        Dbm(dbm * 100)
    }

    /// Takes whole hundredths of a dBm.
    ///
    /// # Errors
    /// [`NumberError`] outside the range.
    pub fn from_hundredths(hundredths: i32) -> Result<Dbm, NumberError> {
        if hundredths.abs() <= Self::LIMIT { Ok(Dbm(hundredths)) } else { Err(NumberError) }
    }

    /// Rounds a number of dBm to hundredths, half away from zero.
    ///
    /// # Errors
    /// [`NumberError`] for NaN, infinities and numbers outside the range.
    pub fn from_f64(dbm: f64) -> Result<Dbm, NumberError> {
        let hundredths = (dbm * 100.0).round();
        if hundredths.abs() <= f64::from(Self::LIMIT) { Ok(Dbm(hundredths as i32)) } else { Err(NumberError) }
    }

    /// The power in hundredths of a dBm.
    pub fn hundredths(self) -> i32 {
        self.0
    }

    /// How far apart two powers are, in dB; never negative.
    pub fn distance(self, other: Dbm) -> Dbm {
        Dbm((self.0 - other.0).abs())
    }

    /// The power in dBm.
    pub fn to_f64(self) -> f64 {
        f64::from(self.0) / 100.0
    }
}

impl TryFrom<f64> for Dbm {
    type Error = NumberError;

    fn try_from(dbm: f64) -> Result<Dbm, NumberError> {
        Dbm::from_f64(dbm)
    }
}

impl From<Dbm> for f64 {
    fn from(power: Dbm) -> f64 {
        power.to_f64()
    }
}

impl fmt::Display for Dbm {
    /// Always two decimals: `-21.50`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let hundredths = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", hundredths / 100, hundredths % 100)
    }
}

/// Readings outside this window count as text (some hosts write −40 or −99 for "no light").
///
/// Unit: dBm, both ends included. Off by default. Source: `docs/contracts/rules.md`, "Plausibility window".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlausibleWindow {
    /// Weakest light that is believed.
    pub min: Dbm,
    /// Strongest light that is believed.
    pub max: Dbm,
}

impl PlausibleWindow {
    /// Whether the power lies within, ends included.
    pub fn contains(self, power: Dbm) -> bool {
        (self.min..=self.max).contains(&power)
    }
}

/// What INT6 says of the light at one ONU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PowerReading {
    /// A number other than 0.
    Measured(Dbm),
    /// 0 in any notation: no light.
    Zero,
    /// A word instead of a number (`LOS`, `Não Disponível`): no light that could be measured.
    Text,
    /// A word of which the tenant's settings say what it does to the status.
    Word(WordStatus),
    /// INT6 says nothing.
    Absent,
}

/// What OZmap shall hold after a reading; `None` leaves the field as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Target {
    /// Read power (*potência lida*).
    pub read_power: Option<Dbm>,
    /// The client's status.
    pub status: Option<Status>,
    /// Only ever towards *implanted*.
    pub implantation: Option<Implantation>,
}

impl PowerReading {
    /// Reads a JSON number.
    ///
    /// Inferred: a number that rounds to 0.00 dBm is 0, because OZmap would show it as such.
    ///
    /// # Errors
    /// [`NumberError`] for a number that no power can be.
    pub fn from_number(dbm: f64) -> Result<PowerReading, NumberError> {
        Dbm::from_f64(dbm)
            .map(|power| if power == Dbm::ZERO { PowerReading::Zero } else { PowerReading::Measured(power) })
    }

    /// Reads a text: one figure in any notation met in the wild, a word, or nothing.
    ///
    /// `""` and `"null"` are absent; what is no figure is a word. Source: `docs/contracts/int6-api.md`, "Shapes of a reading";
    /// `docs/contracts/rules.md`, "Figures, more exactly".
    ///
    /// # Errors
    /// [`NumberError`] for a number that no power can be.
    pub fn from_text(text: &str) -> Result<PowerReading, NumberError> {
        let said = notation::bare(text);
        if said.is_empty() || said.eq_ignore_ascii_case("null") {
            return Ok(PowerReading::Absent);
        }
        match figure(said) {
            Some(dbm) => PowerReading::from_number(dbm),
            None => Ok(PowerReading::Text),
        }
    }

    /// Takes a number outside the window for a word.
    pub fn within(self, window: Option<PlausibleWindow>) -> PowerReading {
        match (self, window) {
            (PowerReading::Measured(power), Some(w)) if power < w.min || power > w.max => PowerReading::Text,
            _ => self,
        }
    }

    /// The rule of the integration: what OZmap shall hold after this reading.
    ///
    /// Source: `docs/contracts/rules.md`, "What a reading does" (OZmap help centre, article 44002353333);
    /// the rows for text (power unchanged) and absent are Inferred there. Of a word that the settings name: "Words with a status
    /// of their own".
    pub fn target(self) -> Target {
        match self {
            PowerReading::Measured(power) => Target {
                read_power: Some(power),
                status: Some(Status::Ok),
                implantation: Some(Implantation::Implanted),
            },
            PowerReading::Zero => {
                Target { read_power: Some(Dbm::ZERO), status: Some(Status::Error), implantation: None }
            }
            PowerReading::Text | PowerReading::Word(WordStatus::Error) => {
                Target { read_power: None, status: Some(Status::Error), implantation: None }
            }
            PowerReading::Word(WordStatus::Ok) => {
                Target { read_power: None, status: Some(Status::Ok), implantation: None }
            }
            PowerReading::Word(WordStatus::Keep) => Target::default(),
            PowerReading::Absent => Target::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn measured(hundredths: i32) -> PowerReading {
        PowerReading::Measured(Dbm(hundredths))
    }

    #[rstest]
    #[case("-21.53", measured(-2153))]
    #[case("-21,53", measured(-2153))]
    #[case("\u{2212}21.53", measured(-2153))]
    #[case("\u{2013}21,53 dBm", measured(-2153))]
    #[case("-21.53 dBm", measured(-2153))]
    #[case("-21.53dbm", measured(-2153))]
    #[case("- 21.53", measured(-2153))]
    #[case("\u{a0}-21.53\t", measured(-2153))]
    #[case("3.2", measured(320))]
    #[case("+3", measured(300))]
    #[case("-.5", measured(-50))]
    #[case("-2.1e1", measured(-2100))]
    #[case("-21.535", measured(-2154))]
    #[case("0", PowerReading::Zero)]
    #[case("0.0", PowerReading::Zero)]
    #[case("-0", PowerReading::Zero)]
    #[case("-0,00 dBm", PowerReading::Zero)]
    #[case("0.004", PowerReading::Zero)]
    #[case("", PowerReading::Absent)]
    #[case("  ", PowerReading::Absent)]
    #[case("null", PowerReading::Absent)]
    #[case("NULL", PowerReading::Absent)]
    #[case("\0", PowerReading::Absent)]
    #[case("\"null\"", PowerReading::Absent)]
    #[case("--", PowerReading::Text)]
    #[case("nil", PowerReading::Text)]
    #[case("None", PowerReading::Text)]
    #[case("undefined", PowerReading::Text)]
    #[case("Rx: 0.00 (dBm)", PowerReading::Zero)]
    #[case("LOS", PowerReading::Text)]
    #[case("Não Disponível", PowerReading::Text)]
    #[case("N/D", PowerReading::Text)]
    #[case("N/A", PowerReading::Text)]
    #[case("sem sinal", PowerReading::Text)]
    #[case("nan", PowerReading::Text)]
    #[case("inf", PowerReading::Text)]
    #[case("-infinity", PowerReading::Text)]
    #[case("dBm", PowerReading::Text)]
    #[case("-", PowerReading::Text)]
    #[case("--21", PowerReading::Text)]
    #[case("1.234,56", PowerReading::Text)]
    #[case("-21.53 / -22.10", PowerReading::Text)]
    fn every_shape_of_a_reading_is_understood(#[case] text: &str, #[case] expected: PowerReading) {
        assert_eq!(PowerReading::from_text(text), Ok(expected));
    }

    #[rstest]
    #[case("1e300")]
    #[case("-10000")]
    fn a_number_that_no_power_can_be_is_refused(#[case] text: &str) {
        assert_eq!(PowerReading::from_text(text), Err(NumberError));
    }

    #[test]
    fn the_rule_is_the_table_of_the_contract() {
        let target = measured(-2153).target();
        assert_eq!(target.read_power, Some(Dbm(-2153)));
        assert_eq!((target.status, target.implantation), (Some(Status::Ok), Some(Implantation::Implanted)));

        let target = PowerReading::Zero.target();
        assert_eq!(
            (target.read_power, target.status, target.implantation),
            (Some(Dbm::ZERO), Some(Status::Error), None)
        );

        let target = PowerReading::Text.target();
        assert_eq!(
            (target.read_power, target.status, target.implantation),
            (None, Some(Status::Error), None)
        );

        assert_eq!(PowerReading::Absent.target(), Target::default());
    }

    #[test]
    fn outside_the_window_a_number_counts_as_text() {
        let window = Some(PlausibleWindow { min: Dbm(-3900), max: Dbm(1000) });
        assert_eq!(measured(-4000).within(window), PowerReading::Text);
        assert_eq!(measured(-3900).within(window), measured(-3900));
        assert_eq!(measured(-4000).within(None), measured(-4000));
        assert_eq!(PowerReading::Zero.within(window), PowerReading::Zero);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC*") {
            let _ = PowerReading::from_text(&text);
        }

        #[test]
        fn what_is_printed_is_read_back(hundredths in -999_999i32..=999_999) {
            let power = Dbm(hundredths);
            prop_assert_eq!(Dbm::from_f64(power.to_f64()), Ok(power));
            let read = PowerReading::from_text(&power.to_string());
            let expected = if hundredths == 0 { PowerReading::Zero } else { PowerReading::Measured(power) };
            prop_assert_eq!(read, Ok(expected));
        }
    }
}
