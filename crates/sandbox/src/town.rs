//! A made-up town in the open sea, and the two systems' knowledge of it.

mod mess;
mod names;
mod network;
#[cfg(test)]
mod tests;

use compact_str::{CompactString, ToCompactString};
use network::{FOUNDED, Network, Stop, shifted};
use rand::RngExt;

use super::int6::{Reading, Row, Rx, Shape};
use super::ozmap::{
    Client, Id, Kind, Onu, Output, Port, Property, Splitter, State, Trace, arriving, hundredths, now,
};

/// The first client's code.
const FIRST_CODE: usize = 10_001;
/// How many ports of a hundred hold a client, while there are clients left.
const OCCUPIED: u32 = 72;

/// What both systems know.
pub(super) struct Town {
    pub(super) state: State,
    pub(super) rows: Vec<Row>,
}

/// Draws a town with this many clients in OZmap; the same seed gives the same town, but for the age of the readings.
pub(super) fn build(clients: usize, seed: u64, messy: bool) -> Town {
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

    fn fill(&mut self, stop: &Stop, link: (u16, u8, u8)) {
        for splitter in &stop.splitters {
            let outputs =
                self.network.state.splitter(*splitter).map_or(&[][..], |splitter| &splitter.outputs);
            let free: Vec<bool> = outputs.iter().map(|output| output.is_free()).collect();
            for (index, _) in free.into_iter().enumerate().filter(|(_, free)| *free) {
                let port = Port { splitter: *splitter, number: (index + 1) as u16 };
                if self.settled < self.wanted && self.chance(OCCUPIED) {
                    self.settle(stop, port, link);
                } else if self.chance(2) {
                    // A home that keeps its port although nobody lives there.
                    self.add_home(stop, Some(port), None, Trace::Single);
                }
            }
        }
    }

    fn add_home(&mut self, stop: &Stop, port: Option<Port>, client: Option<Id>, trace: Trace) -> Id {
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
            id,
            coords,
            address: Some(address.into()),
            observation: None,
            project: self.network.project,
            place: Some(stop.place),
            pole: None,
            client,
            potency_read: None,
            connection: None,
            has_drop: false,
            drop_km: drop_km as f32,
            trace,
            tags: Vec::new(),
            former_clients: Vec::new(),
            created: FOUNDED,
            updated: FOUNDED,
        });
        if let Some(port) = port {
            self.network.state.connect(id, port);
        }
        id
    }

    /// One client: in OZmap with client and property, in INT6 with a row.
    fn settle(&mut self, stop: &Stop, port: Port, link: (u16, u8, u8)) {
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
        let home = self.add_home(stop, port, Some(client), trace);
        let calculated =
            self.network.state.property(home).and_then(|home| arriving(&self.network.state, home));
        let read = self.read_power(calculated);

        let (person, onu, mac) = self.onu(&code);
        let known_onu = if self.chance(10) { Onu::new("", "", "") } else { onu.clone() };
        let in_both = !(self.messy && ordinal % 200 == 50);
        let potency_read = if self.messy { self.outdated(read) } else { Some(f64::from(read) / 100.0) };
        let implanted = !self.messy || !self.chance(4);
        let status = u8::from(self.messy && self.chance(3));
        let certified = self.chance(60);
        self.network.state.put_client(Client {
            id: client,
            code: code.clone(),
            name: Some(person),
            observation: None,
            implanted,
            certified,
            status,
            onu: known_onu.clone(),
            tags: Vec::new(),
            created: FOUNDED,
            updated: FOUNDED,
        });
        self.network.state.change_property(home, |home| {
            home.potency_read = potency_read;
            home.updated = FOUNDED;
        });
        if in_both {
            let onu = if self.messy { onu } else { known_onu };
            let mut reading = self.reading(code, read, onu, link);
            if self.messy {
                mess::soil(&mut self.network.rng, &mut reading, mac);
            }
            self.add_row(reading, ordinal % 500 == 40);
        }
    }

    /// What the ONU reads, hundredths of a dBm: near what should arrive, mostly a bit less.
    fn read_power(&mut self, calculated: Option<f64>) -> i16 {
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

    fn reading(&mut self, code: CompactString, power: i16, onu: Onu, link: (u16, u8, u8)) -> Reading {
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
        let twin = (self.messy && twice).then(|| mess::older_twin(&mut self.network.rng, &reading, id));
        self.rows.push(Row::Made(reading));
        self.rows.extend(twin.map(Row::Made));
    }

    /// Clients that only INT6 knows: one for every two hundred.
    fn add_strangers(&mut self, link: (u16, u8, u8)) {
        for ordinal in 0..self.wanted / 200 {
            let code = (FIRST_CODE + self.wanted + ordinal).to_compact_string();
            let (_, onu, mac) = self.onu(&code);
            let power = self.read_power(None);
            let mut reading = self.reading(code, power, onu, link);
            mess::soil(&mut self.network.rng, &mut reading, mac);
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

/// A free port for a client that a test adds: an existing one, else on a splitter made for it.
pub(super) fn port_for_test(state: &mut State) -> Option<Port> {
    if let Some(port) = state.free_port() {
        return Some(port);
    }
    let lit = state.ids(Kind::Splitter, None).filter_map(|id| state.splitter(id));
    let model = lit.filter(|splitter| splitter.is_drop).find(|splitter| splitter.route.is_some())?.clone();
    let place = state.next_id(Kind::Box);
    let id = state.next_id(Kind::Splitter);
    let mut fields = state.document(model.parent)?.clone();
    fields.retain(|name, _| !matches!(name.as_str(), "buildingType" | "hasProblem"));
    fields.extend([
        ("name".to_owned(), format!("CTO-X{place}").into()),
        ("draft".to_owned(), false.into()),
        ("kind".to_owned(), "Box".into()),
    ]);
    state.put_document(place, fields);
    let outputs = vec![Output::default(); 16];
    let input = Some(id.as_kind(Kind::Fiber));
    state.put_splitter(Splitter { id, parent: place, input, outputs, ..model });
    state.free_port()
}

/// A property for a client that a test adds, beside the box of its port.
pub(super) fn home_for_test(
    state: &mut State,
    client: Id,
    port: Option<Port>,
    potency_read: Option<f64>,
) -> Id {
    let id = state.next_id(Kind::Property);
    let of_port = port.and_then(|port| state.splitter(port.splitter)).map(|s| (Some(s.parent), s.project));
    let (place, project) = of_port
        .unwrap_or_else(|| (None, state.ids(Kind::Project, None).next().unwrap_or(Id::first(Kind::Project))));
    let coordinate = |name: &str| place.and_then(|place| state.document(place)?.get(name)?.as_f64());
    let at = coordinate("lng").zip(coordinate("lat")).unwrap_or((-44.2, -26.5));
    let in_building = place.is_some_and(|place| place.kind() == Kind::Building);
    let created = now();
    let property = Property {
        id,
        coords: (!in_building).then(|| shifted(at, 10.0, 10.0)),
        address: None,
        observation: None,
        project,
        place,
        pole: None,
        client: Some(client),
        potency_read,
        connection: None,
        has_drop: false,
        drop_km: 0.02,
        trace: Trace::Single,
        tags: Vec::new(),
        former_clients: Vec::new(),
        created,
        updated: created,
    };
    state.put_property(property);
    if let Some(port) = port {
        state.connect(id, port);
    }
    id
}
