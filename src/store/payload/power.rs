//! What OZmap calculated for a client, in `known_powers.power`.

use compact_str::CompactString;
use gateway_core::{ClientCode, Dbm, Equipment, KnownPower, RecordId, Route};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{NotUnderstood, VERSION, first_release, read, text};

#[derive(Serialize, Deserialize)]
struct StoredPower {
    #[serde(default = "first_release")]
    v: u32,
    code: ClientCode,
    route: StoredRoute,
    other_routes: usize,
    read: Option<Dbm>,
    as_of: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct StoredRoute {
    reached: bool,
    launch: Option<Dbm>,
    attenuation: Option<Dbm>,
    calculated: Option<Dbm>,
    distance_m: Option<f64>,
    olt: StoredEquipment,
    slot: StoredEquipment,
    pon: StoredEquipment,
}

#[derive(Serialize, Deserialize)]
struct StoredEquipment {
    id: Option<RecordId>,
    name: Option<CompactString>,
    number: Option<CompactString>,
}

/// The text of a known power.
pub(crate) fn power_text(power: &KnownPower) -> String {
    let KnownPower { code, route, other_routes, read, as_of } = power.clone();
    text(&StoredPower { v: VERSION, code, route: route.into(), other_routes, read, as_of })
}

/// The known power of a text.
///
/// # Errors
/// [`NotUnderstood`].
pub(crate) fn read_power(text: &str) -> Result<KnownPower, NotUnderstood> {
    let StoredPower { v: _, code, route, other_routes, read, as_of } = read(text)?;
    Ok(KnownPower { code, route: route.into(), other_routes, read, as_of })
}

impl From<Route> for StoredRoute {
    fn from(route: Route) -> StoredRoute {
        let Route { reached, launch, attenuation, calculated, distance_m, olt, slot, pon } = route;
        let (olt, slot, pon) = (olt.into(), slot.into(), pon.into());
        StoredRoute { reached, launch, attenuation, calculated, distance_m, olt, slot, pon }
    }
}

impl From<StoredRoute> for Route {
    fn from(stored: StoredRoute) -> Route {
        let StoredRoute { reached, launch, attenuation, calculated, distance_m, olt, slot, pon } = stored;
        let (olt, slot, pon) = (olt.into(), slot.into(), pon.into());
        Route { reached, launch, attenuation, calculated, distance_m, olt, slot, pon }
    }
}

impl From<Equipment> for StoredEquipment {
    fn from(Equipment { id, name, number }: Equipment) -> StoredEquipment {
        StoredEquipment { id, name, number }
    }
}

impl From<StoredEquipment> for Equipment {
    fn from(StoredEquipment { id, name, number }: StoredEquipment) -> Equipment {
        Equipment { id, name, number }
    }
}
