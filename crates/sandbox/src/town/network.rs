//! The town's network: OLTs, slots, PONs, boxes, condominiums and splitters, with light in them.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Map, Value, json};

use super::names;
use crate::int6::reading::PonLink;
use crate::ozmap::geometry::{Point, distance, shifted};
use crate::ozmap::id::{Id, Kind};
use crate::ozmap::potency::LOSS_PER_KM;
use crate::ozmap::record::splitter::{Output, Route, Splitter};
use crate::ozmap::record::{Millis, iso};
use crate::ozmap::state::State;

/// The middle of the town: open sea, 300 km off the coast, so that no house can be mistaken for a real one.
const CENTRE: Point = (-44.2, -26.5);
/// What a PON sends, dBm.
const LAUNCH: f64 = 4.0;
const PONS_PER_SLOT: usize = 16;
const PONS_PER_OLT: usize = 128;
/// When the town was drawn: 2026-01-05.
pub(crate) const FOUNDED: Millis = 1_767_571_200_000;
/// Connectors and fusions between OLT and drop splitter, dB.
const JOINTS: f64 = 1.0;

/// A splitter ratio and what it loses, dB.
#[derive(Clone, Copy)]
struct Ratio {
    outputs: usize,
    loss: f64,
}

const ONE_TO_4: Ratio = Ratio { outputs: 4, loss: 7.2 };
const ONE_TO_8: Ratio = Ratio { outputs: 8, loss: 10.5 };
const ONE_TO_16: Ratio = Ratio { outputs: 16, loss: 13.7 };

/// Draws the network piece by piece.
pub(crate) struct Network {
    pub(crate) state: State,
    pub(crate) rng: StdRng,
    pub(crate) project: Id,
    box_type: Id,
    building_type: Id,
    splitter_types: Vec<(usize, Id)>,
    shelf: Id,
    olt: Id,
    olt_at: Point,
    slot: Id,
    pons: usize,
    boxes: usize,
    buildings: usize,
}

/// A splitter whose outputs feed others.
struct Feeder {
    splitter: Id,
    at: Point,
    /// As far as its outputs.
    route: Route,
}

/// A place in the town whose drop splitters wait for clients.
pub(crate) struct Stop {
    pub(crate) place: Id,
    pub(crate) at: Point,
    pub(crate) splitters: Vec<Id>,
}

fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn km_by_road(from: Point, to: Point) -> f64 {
    distance(from, to) * 1.3 / 1000.0
}

impl Network {
    pub(crate) fn new(seed: u64) -> Network {
        let unset = Id::first(Kind::Project);
        let mut network = Network {
            state: State::default(),
            rng: StdRng::seed_from_u64(seed),
            project: unset,
            box_type: unset,
            building_type: unset,
            splitter_types: Vec::new(),
            shelf: unset,
            olt: unset,
            olt_at: CENTRE,
            slot: unset,
            pons: 0,
            boxes: 0,
            buildings: 0,
        };
        network.add_types();
        network
    }

    /// The project, and the types of boxes, condominiums and splitters.
    fn add_types(&mut self) {
        self.project = self.document(Kind::Project, json!({"name": "Porto Miragem", "tags": []}));
        self.box_type = self.document(
            Kind::BoxType,
            json!({"code": "CTO", "brand": "Miragem", "prefix": "CTO", "default_level": 2, "default_reserve": 0}),
        );
        self.document(
            Kind::BoxType,
            json!({"code": "CEO", "brand": "Miragem", "prefix": "CEO", "default_level": 1, "default_reserve": 10}),
        );
        self.building_type = self.document(Kind::BuildingType, json!({"code": "Condomínio", "prefix": "CD"}));
        for ratio in [ONE_TO_4, ONE_TO_8, ONE_TO_16] {
            let id = self.document(
                Kind::SplitterType,
                json!({
                    "code": format!("1x{}", ratio.outputs), "prefix": "SPL", "isBalanced": true,
                    "ratio": {"input": 1, "output": ratio.outputs}, "attenuation": vec![ratio.loss; ratio.outputs],
                }),
            );
            self.splitter_types.push((ratio.outputs, id));
        }
    }

    fn document(&mut self, kind: Kind, value: Value) -> Id {
        let id = self.state.next_id(kind);
        let mut fields = fields(value);
        fields.insert("createdAt".to_owned(), iso(FOUNDED));
        fields.insert("updatedAt".to_owned(), iso(FOUNDED));
        self.state.put_document(id, fields);
        id
    }

    /// Notes a child in the `connectables` of its parent.
    fn plug(&mut self, parent: Id, child: Id) {
        let list =
            self.state.document_mut(parent).and_then(|parent| parent.get_mut("connectables")?.as_array_mut());
        if let Some(list) = list {
            list.push(child.into());
        }
    }

    fn add_olt(&mut self) {
        let number = self.pons / PONS_PER_OLT;
        let (column, row) = ((number % 6) as f64, (number / 6) as f64);
        self.olt_at = shifted(CENTRE, column * 5000.0, row * 5000.0);
        let name = format!("OLT-{:02}", number + 1);
        let pop = self.document(
            Kind::Pop,
            json!({
                "name": format!("POP {}", number + 1), "kind": "Pop", "implanted": true, "project": Value::from(self.project),
                "coords": [self.olt_at.0, self.olt_at.1], "lat": self.olt_at.1, "lng": self.olt_at.0, "tags": [],
            }),
        );
        self.shelf = self.document(
            Kind::Shelf,
            json!({
                "name": format!("Rack {}", number + 1), "label": "", "kind": "Shelf", "parent": Value::from(pop),
                "project": Value::from(self.project), "implanted": true,
            }),
        );
        // Secrets that a test can look for where they must not turn up.
        self.olt = self.document(
            Kind::Olt,
            json!({
                "name": name, "label": "", "kind": "OLT", "parent": Value::from(self.shelf),
                "project": Value::from(self.project), "implanted": true, "connectables": [],
                "ip": format!("192.0.2.{}", number % 250 + 1), "port": 22, "user": "sandbox-olt-user",
                "password": "sandbox-olt-password",
            }),
        );
    }

    fn add_slot(&mut self) {
        let number = self.pons % PONS_PER_OLT / PONS_PER_SLOT + 1;
        self.slot = self.document(
            Kind::Slot,
            json!({
                "name": format!("Slot {number}"), "label": "", "number": number.to_string(), "kind": "Slot",
                "parent": Value::from(self.olt), "project": Value::from(self.project), "implanted": true,
                "connectables": [], "starting_pon_number": 1,
            }),
        );
        self.plug(self.olt, self.slot);
    }

    /// One more PON with all that hangs on it; its stops, and where they hang.
    pub(crate) fn add_pon(&mut self) -> (Vec<Stop>, PonLink) {
        if self.pons.is_multiple_of(PONS_PER_OLT) {
            self.add_olt();
        }
        if self.pons.is_multiple_of(PONS_PER_SLOT) {
            self.add_slot();
        }
        let index = self.pons;
        self.pons += 1;
        let number = index % PONS_PER_SLOT + 1;
        let link = PonLink {
            olt: u16::try_from(index / PONS_PER_OLT + 1).unwrap_or(u16::MAX),
            slot: (index % PONS_PER_OLT / PONS_PER_SLOT + 1) as u8,
            pon: number as u8,
        };
        let pon = self.document(
            Kind::Pon,
            json!({
                "name": format!("PON {number}"), "number": number.to_string(), "kind": "PON",
                "parent": Value::from(self.slot), "project": Value::from(self.project), "implanted": true,
                "connectables": [], "potency": LAUNCH, "maximumClients": 64,
            }),
        );
        self.plug(self.slot, pon);
        (self.add_stops(pon, index), link)
    }

    /// A feeder with boxes and condominiums behind it, for the PON with this place in the order of all.
    fn add_stops(&mut self, pon: Id, index: usize) -> Vec<Stop> {
        let cell = index % PONS_PER_OLT;
        let corner =
            shifted(self.olt_at, (cell % 12) as f64 * 330.0 - 1980.0, (cell / 12) as f64 * 330.0 - 1815.0);
        let narrow = index % 5 == 3;
        let (first, last) = if narrow { (ONE_TO_4, ONE_TO_16) } else { (ONE_TO_8, ONE_TO_8) };
        let feeder = self.add_feeder(pon, corner, first);

        // The first PON has one of everything, so that the smallest town has it too.
        let in_building = if !narrow && index.is_multiple_of(6) { 4 } else { 0 };
        let mut stops = Vec::new();
        if in_building > 0 {
            stops.push(self.add_building(&feeder, in_building));
        }
        for leg in in_building..first.outputs {
            let at = shifted(corner, (leg % 4) as f64 * 80.0, (leg / 4) as f64 * 120.0);
            let place = self.add_box("CTO", at, 2, false);
            let splitter = self.add_leg(place, at, &feeder, last);
            stops.push(Stop { place, at, splitters: vec![splitter] });
        }
        if index.is_multiple_of(7) {
            // Drawn, but not built: a CTO that no light reaches.
            let place = self.add_box("CTO", shifted(corner, 160.0, 240.0), 2, true);
            self.add_splitter(place, ONE_TO_8, true, None, None);
        }
        stops
    }

    /// The splitter in a box of its own that a PON feeds.
    fn add_feeder(&mut self, pon: Id, at: Point, ratio: Ratio) -> Feeder {
        let place = self.add_box("CEO", at, 1, false);
        let km = 0.3 + km_by_road(self.olt_at, at);
        let route = Route { pon, attenuation: km * LOSS_PER_KM + JOINTS + ratio.loss, km };
        let splitter = self.add_splitter(place, ratio, false, Some(pon), Some(route));
        self.plug(pon, splitter);
        Feeder { splitter, at, route }
    }

    /// A condominium with several splitters.
    fn add_building(&mut self, feeder: &Feeder, splitters: usize) -> Stop {
        self.buildings += 1;
        let at = shifted(feeder.at, 40.0, 60.0);
        let (name, address) = (names::building(&mut self.rng, self.buildings), names::address(&mut self.rng));
        let place = self.document(
            Kind::Building,
            json!({
                "name": name, "address": address, "kind": "Building", "implanted": true, "hasProblem": false,
                "buildingType": Value::from(self.building_type), "project": Value::from(self.project),
                "coords": [at.0, at.1], "lat": at.1, "lng": at.0, "tags": [],
            }),
        );
        let splitters = (0..splitters).map(|_| self.add_leg(place, at, feeder, ONE_TO_8)).collect();
        Stop { place, at, splitters }
    }

    /// A drop splitter on the next free output of a feeder.
    fn add_leg(&mut self, place: Id, at: Point, feeder: &Feeder, ratio: Ratio) -> Id {
        let km = km_by_road(feeder.at, at);
        let route = Route {
            pon: feeder.route.pon,
            attenuation: feeder.route.attenuation + km * LOSS_PER_KM + ratio.loss,
            km: feeder.route.km + km,
        };
        let splitter = self.add_splitter(place, ratio, true, Some(feeder.splitter), Some(route));
        let fiber = splitter.as_kind(Kind::Fiber);
        self.state.change_splitter(feeder.splitter, |feeder| {
            if let Some(output) = feeder.outputs.iter_mut().find(|output| output.is_free()) {
                output.fiber = Some(fiber);
            }
            feeder.updated = FOUNDED;
        });
        // One port in a hundred is broken.
        let broken: Vec<bool> = (0..ratio.outputs).map(|_| self.rng.random_ratio(1, 100)).collect();
        self.state.change_splitter(splitter, |splitter| {
            for (output, broken) in splitter.outputs.iter_mut().zip(broken) {
                output.blocked = broken;
            }
            splitter.updated = FOUNDED;
        });
        splitter
    }

    fn add_box(&mut self, prefix: &str, at: Point, level: u8, draft: bool) -> Id {
        self.boxes += 1;
        let address = names::address(&mut self.rng);
        self.document(
            Kind::Box,
            json!({
                "name": format!("{prefix}-{:05}", self.boxes), "boxType": Value::from(self.box_type), "hierarchyLevel": level,
                "implanted": !draft, "draft": draft, "certified": !draft, "project": Value::from(self.project),
                "address": address, "coords": [at.0, at.1], "lat": at.1, "lng": at.0, "tags": [], "kind": "Box",
            }),
        )
    }

    fn add_splitter(
        &mut self,
        parent: Id,
        ratio: Ratio,
        is_drop: bool,
        input: Option<Id>,
        route: Option<Route>,
    ) -> Id {
        let id = self.state.next_id(Kind::Splitter);
        let splitter_type = self.splitter_types.iter().find(|(outputs, _)| *outputs == ratio.outputs);
        let number = self.state.splitters_in(parent).count() + 1;
        self.state.put_splitter(Splitter {
            id,
            name: format!("SPL {number} 1x{}", ratio.outputs).into(),
            label: if is_drop { "A".into() } else { "".into() },
            observation: None,
            parent,
            project: self.project,
            splitter_type: splitter_type.map_or(self.box_type, |(_, id)| *id),
            is_drop,
            implanted: route.is_some(),
            loss: ratio.loss,
            input: input
                .map(|input| if input.kind() == Kind::Splitter { id.as_kind(Kind::Fiber) } else { input }),
            route,
            outputs: vec![Output::default(); ratio.outputs],
            tags: Vec::new(),
            created: FOUNDED,
            updated: FOUNDED,
        });
        id
    }
}
