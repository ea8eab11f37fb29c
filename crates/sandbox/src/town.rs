//! A made-up town in the open sea, and the two systems' knowledge of it.

pub(crate) mod names;
mod network;
mod noise;
#[cfg(test)]
mod tests;

use compact_str::{CompactString, ToCompactString};
use rand::RngExt;

use self::network::{FOUNDED, Network, Stop};
use crate::int6::reading::{PonLink, Reading, Row, Rx, Shape};
use crate::ozmap::geometry::shifted;
use crate::ozmap::id::{Id, Kind};
use crate::ozmap::potency::arriving;
use crate::ozmap::record::client::{Client, Onu};
use crate::ozmap::record::property::{Property, Trace};
use crate::ozmap::record::splitter::Port;
use crate::ozmap::record::{hundredths, now};
use crate::ozmap::state::State;

/// The first client's code.
const FIRST_CODE: usize = 10_001;
/// How many ports of a hundred hold a client, while there are clients left.
const OCCUPIED: u32 = 72;

/// What both systems know.
pub(crate) struct Town {
    pub(crate) state: State,
    pub(crate) rows: Vec<Row>,
}

/// Draws a town with this many clients in OZmap; the same seed gives the same town, but for the age of the readings.
pub(crate) fn build(clients: usize, seed: u64, messy: bool) -> Town {
    let mut settlers = Settlers {
        network: Network::new(seed),
        rows: Vec::new(),
        settled: 0,
        wanted: clients,
        messy,
        at: now() / 1000,
    };
    let mut link;
    loop {
        let (stops, pon) = settlers.network.add_pon();
        link = pon;
        for stop in stops {
            settlers.fill(&stop, link);
        }
        if settlers.settled >= clients {
            break;
        }
    }
    if messy {
        settlers.add_strangers(link);
        settlers.share_a_mac();
    }
    Town { state: settlers.network.state, rows: settlers.rows }
}

/// Moves clients into the network.
struct Settlers {
    network: Network,
    rows: Vec<Row>,
    settled: usize,
    wanted: usize,
    messy: bool,
    /// The time of a fresh reading, seconds since 1970.
    at: i64,
}

impl Settlers {
    fn chance(&mut self, percent: u32) -> bool {
        self.network.rng.random_ratio(percent, 100)
    }

    /// Gives most free ports of a stop a client, as long as clients are wanted.
    fn fill(&mut self, stop: &Stop, link: PonLink) {
        for id in &stop.splitters {
            let Some(splitter) = self.network.state.splitter(*id) else { continue };
            let numbered = splitter.outputs.iter().zip(1..);
            let free: Vec<u16> =
                numbered.filter(|(output, _)| output.is_free()).map(|(_, port)| port).collect();
            for number in free {
                let port = Port { splitter: *id, number };
                if self.settled < self.wanted && self.chance(OCCUPIED) {
                    self.settle(stop, port, link);
                } else if self.chance(2) {
                    // A property that keeps its port although its client is gone.
                    self.add_property(stop, Some(port), None, Trace::Single);
                }
            }
        }
    }

    fn add_property(&mut self, stop: &Stop, port: Option<Port>, client: Option<Id>, trace: Trace) -> Id {
        let rng = &mut self.network.rng;
        let in_building = stop.place.kind() == Kind::Building;
        let (east, north) = (rng.random_range(-38.0..38.0_f64), rng.random_range(-55.0..55.0_f64));
        let coords = (!in_building).then(|| shifted(stop.at, east, north));
        let drop_km = if in_building { 0.02 } else { east.hypot(north) * 1.3 / 1000.0 };
        let address = if in_building {
            format!("Apartamento {}", rng.random_range(11..300))
        } else {
            names::address(rng)
        };
        let id = self.network.state.next_id(Kind::Property);
        self.network.state.put_property(Property {
            coords,
            address: Some(address.into()),
            place: Some(stop.place),
            client,
            drop_km: drop_km as f32,
            trace,
            ..Property::new(id, self.network.project, FOUNDED)
        });
        if let Some(port) = port {
            self.network.state.connect(id, port);
        }
        id
    }

    /// One client: in OZmap with client and property, in INT6 with a row.
    fn settle(&mut self, stop: &Stop, port: Port, link: PonLink) {
        let ordinal = self.settled;
        self.settled += 1;
        let code: CompactString = if self.messy && ordinal % 400 == 17 {
            format!("LEGADO-{ordinal}").into()
        } else {
            (FIRST_CODE + ordinal).to_compact_string()
        };
        // Fixed places in the order of codes, so that each kind is easy to find.
        let trace = match (ordinal % 200, ordinal % 500) {
            (5, _) => Trace::Double,
            (_, 9) => Trace::Empty,
            _ => Trace::Single,
        };
        let port = (ordinal % 100 != 13).then_some(port);
        let client = self.network.state.next_id(Kind::Client);
        let property = self.add_property(stop, port, Some(client), trace);
        let read = self.read_power(Some(property));
        let (name, onu, mac) = self.onu(&code);
        let known_onu = if self.chance(10) { Onu::new("", "", "") } else { onu.clone() };
        let potency_read = if self.messy { self.outdated(read) } else { Some(f64::from(read) / 100.0) };
        self.network.state.change_property(property, |property| {
            property.potency_read = potency_read;
            property.updated = FOUNDED;
        });
        self.add_client(client, code.clone(), name, known_onu.clone());
        let only_in_ozmap = self.messy && ordinal % 200 == 50;
        if only_in_ozmap {
            return;
        }
        let onu = if self.messy { onu } else { known_onu };
        let mut reading = self.reading(code, read, onu, link);
        if self.messy {
            noise::add_noise(&mut self.network.rng, &mut reading, mac);
        }
        self.add_row(reading, ordinal % 500 == 40);
    }

    fn add_client(&mut self, id: Id, code: CompactString, name: CompactString, onu: Onu) {
        let implanted = !self.messy || !self.chance(4);
        let status = Some(u8::from(self.messy && self.chance(3)));
        let certified = self.chance(60);
        self.network.state.put_client(Client {
            code,
            name: Some(name),
            implanted,
            certified,
            status,
            onu,
            ..Client::new(id, FOUNDED)
        });
    }

    /// What the ONU reads, hundredths of a dBm: near what should arrive at its property, mostly a bit less.
    fn read_power(&mut self, property: Option<Id>) -> i16 {
        let state = &self.network.state;
        let calculated = property.and_then(|id| arriving(state, state.property(id)?));
        let rng = &mut self.network.rng;
        let near = calculated.map(|calculated| calculated + rng.random_range(-1.6..0.5));
        let dbm = near.unwrap_or_else(|| rng.random_range(-27.0..-18.0));
        (hundredths(dbm) * 100.0).round() as i16
    }

    /// What OZmap still believes: often an older value, sometimes none.
    fn outdated(&mut self, read: i16) -> Option<f64> {
        let rng = &mut self.network.rng;
        match rng.random_range(0..100) {
            0..8 => None,
            8..63 => Some(f64::from(read + rng.random_range(-90_i16..90)) / 100.0),
            _ => Some(f64::from(read) / 100.0),
        }
    }

    fn onu(&mut self, code: &str) -> (CompactString, Onu, [u8; 6]) {
        let rng = &mut self.network.rng;
        let (first, last) = names::person(rng);
        let mac = names::mac(rng);
        let onu = Onu::new(&names::pppoe_user(first, code), &names::serial(rng), &names::plain_mac(mac));
        (format!("{first} {last}").into(), onu, mac)
    }

    fn reading(&mut self, code: CompactString, power: i16, onu: Onu, link: PonLink) -> Reading {
        Reading {
            id: self.next_row_id(),
            code,
            code_as_text: false,
            contract: 50_000 + self.next_row_id() * 3,
            rx: Rx { power, shape: Shape::Text },
            olt_rx: power - self.network.rng.random_range(80..260),
            serial: onu.serial.unwrap_or_default(),
            user: onu.user.unwrap_or_default(),
            mac: onu.mac.unwrap_or_default(),
            updated: self.at,
            naive_time: false,
            link,
        }
    }

    fn next_row_id(&self) -> u32 {
        u32::try_from(self.rows.len() + 1).unwrap_or(u32::MAX)
    }

    fn add_row(&mut self, reading: Reading, twice: bool) {
        let id = self.next_row_id() + 1;
        let twin = (self.messy && twice).then(|| noise::older_twin(&mut self.network.rng, &reading, id));
        self.rows.push(Row::Made(reading));
        self.rows.extend(twin.map(Row::Made));
    }

    /// Clients that only INT6 knows: one for every two hundred.
    fn add_strangers(&mut self, link: PonLink) {
        for ordinal in 0..self.wanted / 200 {
            let code = (FIRST_CODE + self.wanted + ordinal).to_compact_string();
            let (_, onu, mac) = self.onu(&code);
            let power = self.read_power(None);
            let mut reading = self.reading(code, power, onu, link);
            noise::add_noise(&mut self.network.rng, &mut reading, mac);
            self.add_row(reading, false);
        }
    }

    /// Gives two ONUs one MAC address, twice.
    fn share_a_mac(&mut self) {
        for place in [30, 130] {
            let Some(Row::Made(giver)) = self.rows.get(place) else { continue };
            let mac = giver.mac.clone();
            if let Some(Row::Made(taker)) = self.rows.get_mut(place + 1) {
                taker.mac = mac;
            }
        }
    }
}
