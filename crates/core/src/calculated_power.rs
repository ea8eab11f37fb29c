//! The light that OZmap calculates for a client, and whether the light that is read is near enough to it. Pure.

use compact_str::CompactString;
use jiff::Timestamp;

use crate::client::{ClientCode, RecordId};
use crate::power::{Dbm, PowerReading};

/// A piece of the way from the OLT to the client, as OZmap names it; each part may be unknown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Equipment {
    /// Its record.
    pub id: Option<RecordId>,
    /// `OLT-01`, `PON 2`.
    pub name: Option<CompactString>,
    /// A slot's or PON's number, a text in OZmap.
    pub number: Option<CompactString>,
}

/// One optical way from a PON to a client, with the power that should arrive (*potência calculada*).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Route {
    /// Whether the way ends at a PON; else it is dark.
    pub reached: bool,
    /// What the PON sends.
    pub launch: Option<Dbm>,
    /// Loss on the way, in hundredths of a dB.
    pub attenuation: Option<Dbm>,
    /// What should arrive.
    pub calculated: Option<Dbm>,
    /// Length of the fibre in metres.
    pub distance_m: Option<f64>,
    /// Where the light comes from.
    pub olt: Equipment,
    /// The OLT's slot.
    pub slot: Equipment,
    /// The slot's PON.
    pub pon: Equipment,
}

/// What OZmap knew of a client's light at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownPower {
    /// Whose.
    pub code: ClientCode,
    /// The way that counts.
    pub route: Route,
    /// How many others there are.
    pub other_routes: usize,
    /// Read power (*potência lida*); `None` if OZmap holds none.
    pub read: Option<Dbm>,
    /// When OZmap said so.
    pub as_of: Timestamp,
}

/// The route that counts: the first that reaches a PON, with the number of the others; `None` if all are dark.
///
/// Source: `docs/contracts/ozmap-api.md`, "Several paths".
pub fn select_route(routes: Vec<Route>) -> Option<(Route, usize)> {
    let others = routes.len().saturating_sub(1);
    routes.into_iter().find(|route| route.reached).map(|route| (route, others))
}

/// Whether INT6 may activate a client with this light.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// What the ONU reads; `None` for a word, 0 for no light.
    pub read: Option<Dbm>,
    /// Largest difference that is authorised, in dB.
    pub limit_db: f64,
    /// Absolute difference of calculated and read power; `None` without light or without a calculated power.
    pub difference: Option<Dbm>,
    /// Whether the difference is within the limit.
    pub authorised: bool,
}

impl Verdict {
    /// Compares; a difference equal to the limit is still authorised, and without light nothing is.
    ///
    /// Source: `docs/contracts/gateway-api.md`, "Power of a client"; `docs/contracts/rules.md`, "Power and verdict".
    pub fn new(calculated: Option<Dbm>, reading: PowerReading, limit_db: f64) -> Verdict {
        let (read, light) = match reading {
            PowerReading::Measured(power) => (Some(power), Some(power)),
            PowerReading::Zero => (Some(Dbm::ZERO), None),
            PowerReading::Text | PowerReading::Word(_) | PowerReading::Absent => (None, None),
        };
        let difference = calculated.zip(light).map(|(calculated, read)| calculated.distance(read));
        // Both sides in hundredths, so that 3.65 is not more than 3.65.
        let within =
            |difference: Dbm| f64::from(difference.hundredths()) <= (limit_db * 100.0 * 1e6).round() / 1e6;
        Verdict { read, limit_db, difference, authorised: difference.is_some_and(within) }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn dbm(power: f64) -> Dbm {
        Dbm::from_f64(power).expect("a power")
    }

    #[rstest]
    #[case(-19.45, -23.10, 3.0, Some(3.65), false)]
    #[case(-19.45, -23.10, 3.65, Some(3.65), true)]
    #[case(-19.45, -23.10, 3.6499, Some(3.65), false)]
    #[case(-23.10, -19.45, 3.65, Some(3.65), true)]
    #[case(-19.45, -19.45, 0.0, Some(0.0), true)]
    #[case(-19.45, 2.0, 3.0, Some(21.45), false)]
    fn the_difference_is_absolute_and_the_limit_still_authorised(
        #[case] calculated: f64,
        #[case] read: f64,
        #[case] limit: f64,
        #[case] difference: Option<f64>,
        #[case] authorised: bool,
    ) {
        let verdict = Verdict::new(Some(dbm(calculated)), PowerReading::Measured(dbm(read)), limit);
        assert_eq!((verdict.difference.map(Dbm::to_f64), verdict.authorised), (difference, authorised));
    }

    #[rstest]
    #[case(PowerReading::Zero, Some(Dbm::ZERO))]
    #[case(PowerReading::Text, None)]
    #[case(PowerReading::Absent, None)]
    fn without_light_nothing_is_authorised(#[case] reading: PowerReading, #[case] read: Option<Dbm>) {
        let verdict = Verdict::new(Some(dbm(-19.45)), reading, 100.0);
        assert_eq!((verdict.read, verdict.difference, verdict.authorised), (read, None, false));
        assert!(!Verdict::new(None, PowerReading::Measured(dbm(-20.0)), 100.0).authorised);
    }

    #[test]
    fn the_first_route_with_light_counts() {
        let dark = Route::default();
        let lit = |distance| Route { reached: true, distance_m: Some(distance), ..Route::default() };
        assert_eq!(select_route(vec![]), None);
        assert_eq!(select_route(vec![dark.clone()]), None);
        let (route, others) = select_route(vec![dark, lit(1.0), lit(2.0)]).expect("a route");
        assert_eq!((route.distance_m, others), (Some(1.0), 2));
    }
}
