//! The town as it truly is, whatever the two systems say of it.

use std::collections::{BTreeMap, HashMap};

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use serde_json::Value;

use super::habits::Habits;
use super::judge::Truth;
use super::life::{Life, Light};
use crate::int6::reading::Reading;
use crate::ozmap::handle::OzmapHandle;
use crate::ozmap::id::{Id, Kind};
use crate::ozmap::record::client::Onu;
use crate::ozmap::record::now;
use crate::ozmap::state::State;
use crate::ozmap::test_client::{self, TestClient};
use crate::sandbox::Sandbox;

/// The first code of those who come to the town in a story.
const FIRST_NEW_CODE: usize = 90_001;

/// Everybody in the town, in the order of the codes.
pub(crate) struct People {
    pub(crate) lives: Vec<Life>,
    pub(crate) rng: StdRng,
    /// Seconds since 1970.
    pub(crate) now: i64,
    ozmap: OzmapHandle,
}

impl People {
    /// Takes over a clean town: eight of a hundred clients become reservations, a few have an outage.
    pub(crate) fn settle(sandbox: &Sandbox, habits: Habits) -> People {
        let ozmap = sandbox.ozmap().clone();
        let readings = sandbox.int6().made_rows();
        let mut pons = BTreeMap::new();
        let lives = {
            let state = ozmap.state();
            let live = |reading: Reading| {
                let link = (reading.link.olt, reading.link.slot, reading.link.pon);
                let next = pons.len();
                let pon = *pons.entry(link).or_insert(next);
                Life::of(&reading, state.client_by_code(&reading.code).map(|client| client.id), pon)
            };
            readings.into_iter().map(live).collect()
        };
        let mut people = People { lives, rng: StdRng::seed_from_u64(7), now: now() / 1000, ozmap };
        people.reserve();
        people.darken(habits.dark);
        if habits.all_known {
            people.make_known();
        }
        people
    }

    /// Makes eight of a hundred clients reservations: no light in four ways, and half of the ONUs not even known.
    fn reserve(&mut self) {
        let places = (0..self.lives.len()).filter(|place| matches!(place % 25, 3 | 15));
        for (ordinal, place) in places.enumerate() {
            let life = &mut self.lives[place];
            life.reserved = true;
            life.light = match ordinal % 4 {
                0 => Light::Zero,
                1 => Light::Word("LOS"),
                _ => Light::Unknown,
            };
            life.row = ordinal % 4 != 3;
            if ordinal % 8 < 4 {
                life.forget_onu();
            }
        }
    }

    fn darken(&mut self, in_a_thousand: usize) {
        let count = self.lives.len() * in_a_thousand / 1000;
        let mut words =
            [Light::Zero, Light::Word("LOS"), Light::Zero, Light::Word("sem sinal")].into_iter().cycle();
        self.change(count, Life::is_lit, |life, _| life.light = words.next().unwrap_or(Light::Zero));
    }

    fn make_known(&mut self) {
        let unknown = |life: &Life| life.serial.is_empty();
        self.change(usize::MAX, unknown, Life::get_onu);
    }

    /// Changes this many of those who fit, picked by chance; how many there were.
    pub(crate) fn change(
        &mut self,
        count: usize,
        fits: impl Fn(&Life) -> bool,
        mut change: impl FnMut(&mut Life, &mut StdRng),
    ) -> usize {
        let places = self.pick(count, fits);
        for place in &places {
            change(&mut self.lives[*place], &mut self.rng);
        }
        places.len()
    }

    /// The places of this many of those who fit, picked by chance, in order.
    pub(crate) fn pick(&mut self, count: usize, fits: impl Fn(&Life) -> bool) -> Vec<usize> {
        let mut places: Vec<usize> =
            (0..self.lives.len()).filter(|place| fits(&self.lives[*place])).collect();
        places.shuffle(&mut self.rng);
        places.truncate(count);
        places.sort_unstable();
        places
    }

    /// This many of a hundred clients.
    pub(crate) fn percent(&self, percent: usize) -> usize {
        self.lives.len() * percent / 100
    }

    /// What happens in ten minutes: a tenth of the readings drift, three lights go out, two come back.
    pub(crate) fn live_on(&mut self) {
        let tenth = self.lives.len().div_ceil(10);
        self.change(tenth, Life::is_lit, |life, rng| life.drift(rng, 6));
        self.change(3, |life| life.is_lit() && life.client.is_some(), |life, _| life.light = Light::Zero);
        self.change(2, |life| life.is_dark() && !life.reserved, |life, _| life.light_up());
    }

    /// Clients who come to the town: reserved in OZmap, lit in INT6, or only one of the two.
    pub(crate) fn arrive(&mut self, count: usize, in_ozmap: bool, in_int6: bool) {
        for _ in 0..count {
            let ordinal = self.lives.len();
            let code = (FIRST_NEW_CODE + ordinal).to_string();
            let mut life = Life { reserved: true, ..Life::new(&code, ordinal % 16) };
            life.get_onu(&mut self.rng);
            life.last = self.rng.random_range(-2600..-1800);
            life.light_up();
            life.row = in_int6;
            if in_ozmap {
                life.client = Some(self.enter_map(&code));
            }
            self.lives.push(life);
        }
    }

    fn enter_map(&mut self, code: &str) -> Id {
        let mut state = self.ozmap.state();
        test_client::add(&mut state, &TestClient::new(code).implanted(false));
        state.client_by_code(code).map_or(Id::first(Kind::Client), |client| client.id)
    }

    /// Removes this many clients from OZmap; INT6 still knows them.
    pub(crate) fn leave_map(&mut self, count: usize) {
        for place in self.pick(count, |life| life.client.is_some() && life.is_lit()) {
            if let Some(id) = self.lives[place].client.take() {
                let mut state = self.ozmap.state();
                match state.property_of(id).map(|property| property.id) {
                    Some(property) => state.remove_property(property),
                    None => state.remove_client(id),
                };
            }
        }
    }

    /// Takes the properties of this many clients away; the clients stay.
    pub(crate) fn lose_properties(&mut self, count: usize) {
        for place in self.pick(count, |life| life.client.is_some() && life.is_lit()) {
            let life = &mut self.lives[place];
            let mut state = self.ozmap.state();
            let property = life.client.and_then(|id| state.property_of(id)).map(|property| property.id);
            if let Some(property) = property {
                state.set_client(property, None);
                life.homeless = true;
            }
        }
    }

    /// Types other powers into OZmap, for this many clients with light.
    pub(crate) fn retype(&mut self, count: usize) {
        let places = self.pick(count, |life| life.is_lit() && life.client.is_some());
        let mut state = self.ozmap.state();
        for (place, typed) in places.into_iter().zip((0..).map(|ordinal| -30 + ordinal % 20)) {
            if let Some(id) = self.lives[place].client {
                set_potency_read(&mut state, id, Some(f64::from(typed)));
            }
        }
    }

    /// Gives this many clients codes with letters, in both systems.
    pub(crate) fn letter_codes(&mut self, count: usize) {
        for place in self.pick(count, |life| life.is_lit() && life.client.is_some()) {
            let life = &mut self.lives[place];
            life.code = format!("LEGADO-{}", life.code);
            life.reported = true;
            life.step(40);
            if let Some(id) = life.client {
                self.ozmap.state().change_client(id, |client| client.code = life.code.as_str().into());
            }
        }
    }

    /// Lets OZmap hold what is so.
    pub(crate) fn agree(&mut self) {
        let mut state = self.ozmap.state();
        for life in &self.lives {
            let Some(id) = life.client else { continue };
            state.change_client(id, |client| {
                client.implanted = !life.reserved;
                client.status = Some(u8::from(matches!(life.light, Light::Zero | Light::Word(_))));
                client.onu = Onu::new(&life.user, &life.serial, &life.mac);
            });
            let Some(property) = state.property_of(id).map(|property| property.id) else { continue };
            state.change_property(property, |property| property.potency_read = life.remembered_dbm());
        }
    }

    /// Lets OZmap hold neither powers nor statuses, as before the first run.
    pub(crate) fn forget(&mut self) {
        let mut state = self.ozmap.state();
        let clients: Vec<Id> = state.ids(Kind::Client, None).collect();
        for id in clients {
            state.change_client(id, |client| client.status = None);
            set_potency_read(&mut state, id, None);
        }
    }

    /// INT6's rows, as a sound INT6 sends them.
    pub(crate) fn rows(&self) -> Vec<Value> {
        let with_rows = self.lives.iter().zip(1_i64..).filter(|(life, _)| life.row);
        with_rows.map(|(life, ordinal)| life.row_at(ordinal, self.now)).collect()
    }

    /// What each client of OZmap may be given.
    pub(crate) fn truths(&self) -> HashMap<Id, Truth> {
        self.lives.iter().filter_map(|life| Some((life.client?, life.truth()))).collect()
    }
}

/// Sets the read power of a client's property, if it has one.
pub(crate) fn set_potency_read(state: &mut State, client: Id, dbm: Option<f64>) {
    if let Some(property) = state.property_of(client).map(|property| property.id) {
        state.change_property(property, |property| property.potency_read = dbm);
    }
}
