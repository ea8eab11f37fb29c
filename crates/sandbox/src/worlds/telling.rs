//! How the two systems tell what is so: rows and pages that a story may bend.

use std::sync::RwLockWriteGuard;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde_json::{Value, json};

use super::life::time;
use super::people::People;
use crate::faults::FaultInjector;
use crate::int6::routes::PageHabit;
use crate::ozmap::list::ListHabit;
use crate::ozmap::state::State;
use crate::sandbox::Sandbox;

pub(crate) const CODE: &str = "gpon_client_id";
pub(crate) const POWER: &str = "rx_power";
pub(crate) const SERIAL: &str = "serial_number";
pub(crate) const USER: &str = "pppoe_username";
pub(crate) const MAC: &str = "mac_address";
pub(crate) const TIME: &str = "updated_at";

/// INT6's rows on their way to the gateway, and both systems' habits.
pub(crate) struct Telling<'a> {
    pub(crate) rows: Vec<Value>,
    pub(crate) rng: StdRng,
    /// Seconds since 1970.
    pub(crate) now: i64,
    /// OZmap turned out to be another ISP's: nothing that INT6 says is true of it.
    pub(crate) nobody_is_ours: bool,
    sandbox: &'a Sandbox,
}

impl<'a> Telling<'a> {
    pub(crate) fn new(sandbox: &'a Sandbox, people: &People) -> Telling<'a> {
        let rows = people.rows();
        Telling { rows, rng: StdRng::seed_from_u64(11), now: people.now, nobody_is_ours: false, sandbox }
    }

    /// OZmap, to be changed past HTTP.
    pub(crate) fn ozmap(&self) -> RwLockWriteGuard<'_, State> {
        self.sandbox.ozmap().state()
    }

    pub(crate) fn ozmap_faults(&self) -> &FaultInjector {
        self.sandbox.ozmap().faults()
    }

    pub(crate) fn int6_faults(&self) -> &FaultInjector {
        self.sandbox.int6().faults()
    }

    /// How INT6 answers the pages of its bulk read.
    pub(crate) fn pages(&self, habit: PageHabit) {
        self.sandbox.int6().set_page_habit(Some(habit));
    }

    /// How OZmap answers lists of clients and properties.
    pub(crate) fn lists(&self, habit: ListHabit) {
        self.sandbox.ozmap().set_list_habit(habit);
    }

    pub(crate) fn each(&mut self, edit: impl FnMut(&mut Value)) {
        self.rows.iter_mut().for_each(edit);
    }

    /// The places of this share of the rows that fit, picked by chance, in order.
    pub(crate) fn pick(&mut self, percent: usize, fits: impl Fn(&Value) -> bool) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.rows.len()).filter(|place| fits(&self.rows[*place])).collect();
        let count = (places.len() * percent).div_ceil(100);
        places.shuffle(&mut self.rng);
        places.truncate(count);
        places.sort_unstable();
        places
    }

    /// Edits this share of all rows, picked by chance.
    pub(crate) fn share(&mut self, percent: usize, edit: impl FnMut(&mut Value)) {
        self.share_of(percent, |_| true, edit);
    }

    /// Edits this share of the rows that fit, picked by chance.
    pub(crate) fn share_of(
        &mut self,
        percent: usize,
        fits: impl Fn(&Value) -> bool,
        mut edit: impl FnMut(&mut Value),
    ) {
        for place in self.pick(percent, fits) {
            edit(&mut self.rows[place]);
        }
    }

    /// Loses this share of the rows, picked by chance.
    pub(crate) fn lose(&mut self, percent: usize) {
        for place in self.pick(percent, |_| true).into_iter().rev() {
            self.rows.remove(place);
        }
    }

    /// Moves the values of some fields one row down, among these rows; the last value comes first.
    pub(crate) fn shift(&mut self, fields: &[&str], places: &[usize]) {
        for field in fields {
            let mut values: Vec<Value> =
                places.iter().map(|place| self.rows[*place][*field].take()).collect();
            values.rotate_right(1.min(places.len()));
            for (place, value) in places.iter().zip(values) {
                self.rows[*place][*field] = value;
            }
        }
    }

    /// The places of all rows.
    pub(crate) fn all(&self) -> Vec<usize> {
        (0..self.rows.len()).collect()
    }

    /// The time this many seconds ago, as INT6 writes it.
    pub(crate) fn ago(&self, seconds: i64) -> Value {
        time(self.now - seconds)
    }

    /// This many seconds between now and the time of a row.
    pub(crate) fn age(&self, row: &Value) -> i64 {
        let at = row[TIME].as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
        at.map_or(0, |at| self.now - at.as_second())
    }
}

/// The power of a row as a sound INT6 writes it, dBm; none without light.
pub(crate) fn dbm(row: &Value) -> Option<f64> {
    row[POWER].as_str()?.parse().ok()
}

pub(crate) fn is_lit(row: &Value) -> bool {
    dbm(row).is_some()
}

/// No light, or not known.
pub(crate) fn is_dark(row: &Value) -> bool {
    !is_lit(row)
}

/// Writes another power, made of the true one, where there is light.
pub(crate) fn repower(row: &mut Value, power: impl FnOnce(f64) -> f64) {
    if let Some(dbm) = dbm(row) {
        row[POWER] = json!((power(dbm) * 1000.0).round() / 1000.0);
    }
}

/// Gives a field another name.
pub(crate) fn rename(row: &mut Value, from: &str, to: &str) {
    if let Some(fields) = row.as_object_mut()
        && let Some(value) = fields.remove(from)
    {
        fields.insert(to.to_owned(), value);
    }
}

/// The text of a field.
pub(crate) fn text(row: &Value, field: &str) -> String {
    match &row[field] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
