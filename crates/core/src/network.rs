//! The part of the fibre network that clients are connected to: sites, their drop splitters, and ports.

use std::fmt;
use std::num::NonZeroU16;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::client::RecordId;
use crate::status::Implantation;

/// A place on earth in WGS 84 degrees: latitude −90 to 90, longitude −180 to 180, both finite.
///
/// `Debug` does not show it: whose house it is must not enter a log.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "(f64, f64)", into = "(f64, f64)")]
pub struct Coordinate {
    lat: f64,
    lng: f64,
}

impl Coordinate {
    /// Takes degrees; `None` if one of them is out of range or no number.
    pub fn new(lat: f64, lng: f64) -> Option<Coordinate> {
        let fits = (-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lng);
        fits.then_some(Coordinate { lat, lng })
    }

    /// Latitude, degrees north.
    pub fn lat(self) -> f64 {
        self.lat
    }

    /// Longitude, degrees east.
    pub fn lng(self) -> f64 {
        self.lng
    }

    /// Whether two notations mean one place: within 10⁻⁷ degrees, about a centimetre.
    pub fn is_same_place(self, other: Coordinate) -> bool {
        (self.lat - other.lat).abs() < 1e-7 && (self.lng - other.lng).abs() < 1e-7
    }
}

impl TryFrom<(f64, f64)> for Coordinate {
    type Error = &'static str;

    /// Latitude first.
    fn try_from((lat, lng): (f64, f64)) -> Result<Coordinate, &'static str> {
        Coordinate::new(lat, lng).ok_or("a latitude and a longitude in degrees are expected")
    }
}

impl From<Coordinate> for (f64, f64) {
    fn from(at: Coordinate) -> (f64, f64) {
        (at.lat, at.lng)
    }
}

impl fmt::Debug for Coordinate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Coordinate(…)")
    }
}

/// The number of a splitter's port, from 1 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PortNumber(NonZeroU16);

impl PortNumber {
    /// Takes a number; `None` for 0.
    pub fn new(number: u16) -> Option<PortNumber> {
        NonZeroU16::new(number).map(PortNumber)
    }

    /// The port at a place that is counted from 0; `None` beyond 65,534.
    pub fn at_index(index: usize) -> Option<PortNumber> {
        u16::try_from(index).ok()?.checked_add(1).and_then(PortNumber::new)
    }

    /// The number, from 1 on.
    pub fn get(self) -> u16 {
        self.0.get()
    }

    /// The place in a list of ports, from 0 on.
    pub fn index(self) -> usize {
        usize::from(self.0.get() - 1)
    }
}

impl fmt::Display for PortNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What may be done with a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PortState {
    /// Nothing is connected.
    Free,
    /// Something is connected, blocked or not.
    Taken,
    /// Nothing is connected, and nothing shall be: it is broken or kept back.
    Blocked,
}

/// How a splitter divides light: `1:8` has one input and eight outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ratio {
    /// Inputs, from 1 on.
    pub input: u16,
    /// Outputs, from 1 on.
    pub output: u16,
}

/// A splitter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Splitter {
    /// The record.
    pub id: RecordId,
    /// Its name; empty if it has none.
    pub name: CompactString,
    /// The box or the building that it is in; `None` if it is in neither.
    pub site: Option<RecordId>,
    /// `None` if OZmap does not say.
    pub ratio: Option<Ratio>,
    /// Whether it serves clients (*splitter de atendimento*).
    pub is_drop: bool,
    /// Port 1 first.
    pub ports: Vec<PortState>,
}

impl Splitter {
    /// What may be done with a port; `None` if there is no such port.
    pub fn port(&self, number: PortNumber) -> Option<PortState> {
        self.ports.get(number.index()).copied()
    }

    /// The ports to which a client may be connected, ascending.
    pub fn free_ports(&self) -> impl Iterator<Item = PortNumber> {
        let free = |(index, state): (usize, &PortState)| match state {
            PortState::Free => PortNumber::at_index(index),
            PortState::Taken | PortState::Blocked => None,
        };
        self.ports.iter().enumerate().filter_map(free)
    }
}

/// What a site is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, EnumString, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum SiteKind {
    /// A box on a pole or in the ground.
    Cto,
    /// A building (*condomínio*).
    Condominium,
}

impl SiteKind {
    /// The word in the API and the store.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// A place that splitters are in.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    /// The record.
    pub id: RecordId,
    /// What it is.
    pub kind: SiteKind,
    /// Its name; empty if it has none.
    pub name: CompactString,
    /// `None` if OZmap has none.
    pub address: Option<CompactString>,
    /// `None` if OZmap has none that is on earth.
    pub coordinate: Option<Coordinate>,
    /// Whether it is built.
    pub implantation: Implantation,
    /// *Em projeto*: not for provisioning. A building never is.
    pub is_draft: bool,
    /// The project to which it belongs; `None` if the row does not say.
    pub project: Option<RecordId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coordinate_is_on_earth() {
        for (lat, lng) in [(0.0, 0.0), (90.0, 180.0), (-90.0, -180.0)] {
            assert!(Coordinate::new(lat, lng).is_some(), "{lat} {lng}");
        }
        for (lat, lng) in [(90.1, 0.0), (0.0, -180.1), (f64::NAN, 0.0), (0.0, f64::INFINITY)] {
            assert!(Coordinate::new(lat, lng).is_none(), "{lat} {lng}");
        }
    }

    #[test]
    fn a_coordinate_is_not_shown_where_it_might_be_logged() {
        let shown = Coordinate::new(-27.5956, -48.5024).map(|at| format!("{at:?}"));
        assert_eq!(shown.as_deref(), Some("Coordinate(…)"));
    }

    #[test]
    fn ports_are_counted_from_one() {
        assert_eq!(PortNumber::new(0), None);
        assert_eq!(PortNumber::at_index(0), PortNumber::new(1));
        assert_eq!(PortNumber::new(8).map(PortNumber::index), Some(7));
        assert_eq!(PortNumber::at_index(65_535), None);
    }
}
