//! What a test says to the pretend INT6, and asks it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::reading::{Reading, Row};
use super::routes::{Int6, PageHabit};
use crate::call_log::CallLog;
use crate::faults::FaultInjector;
use crate::lock::{lock, read, write};

/// Tells the story of a test to the pretend INT6, and asks it what happened.
#[derive(Clone)]
pub struct Int6Handle {
    int6: Arc<Int6>,
    /// Drives the drift, so that the same seed drifts alike.
    rng: Arc<Mutex<StdRng>>,
}

impl Int6Handle {
    pub(crate) fn new(int6: Arc<Int6>, seed: u64) -> Int6Handle {
        Int6Handle { int6, rng: Arc::new(Mutex::new(StdRng::seed_from_u64(seed))) }
    }

    /// What goes wrong on purpose.
    pub fn faults(&self) -> &FaultInjector {
        &self.int6.faults
    }

    /// Who called.
    pub fn calls(&self) -> &CallLog {
        &self.int6.calls
    }

    /// Whether pages are answered otherwise than INT6 does.
    #[cfg(test)]
    pub(crate) fn has_page_habit(&self) -> bool {
        read(&self.int6.page_habit).is_some()
    }

    /// The e-mail that it knows, and the token that goes with it.
    pub(crate) fn login(&self) -> (String, String) {
        (self.int6.email.clone(), self.int6.token.clone())
    }

    /// Replaces the rows with this code by this one; adds it at the end if there was none.
    pub fn set_row(&self, code: &str, row: Value) {
        let mut rows = write(&self.int6.rows);
        let place = rows.iter().position(|row| row.has_code(code));
        rows.retain(|row| !row.has_code(code));
        let place = place.unwrap_or(rows.len());
        rows.insert(place, Row::Raw(row));
    }

    /// Adds a row at the end: anything, even what is no object.
    pub fn push_row(&self, row: Value) {
        write(&self.int6.rows).push(Row::Raw(row));
    }

    /// All rows, as the bulk read sends them.
    pub fn rows(&self) -> Vec<Value> {
        read(&self.int6.rows).iter().map(Row::json).collect()
    }

    /// The rows with this code.
    pub fn rows_of(&self, code: &str) -> Vec<Value> {
        read(&self.int6.rows).iter().filter(|row| row.has_code(code)).map(Row::json).collect()
    }

    /// How many rows there are.
    pub fn row_count(&self) -> usize {
        read(&self.int6.rows).len()
    }

    /// Removes the rows with this code; whether there were any.
    pub fn remove_row(&self, code: &str) -> bool {
        let mut rows = write(&self.int6.rows);
        let before = rows.len();
        rows.retain(|row| !row.has_code(code));
        rows.len() < before
    }

    /// Replaces all rows by these, in this order.
    pub fn set_rows(&self, rows: Vec<Value>) {
        *write(&self.int6.rows) = rows.into_iter().map(Row::Raw).collect();
    }

    /// Rewrites each row as the bulk read sends it.
    pub fn edit_rows(&self, mut edit: impl FnMut(&mut Value)) {
        for row in write(&self.int6.rows).iter_mut() {
            let mut value = row.json();
            edit(&mut value);
            *row = Row::Raw(value);
        }
    }

    /// The rows as the town drew them, where no test has put others.
    pub(crate) fn made_rows(&self) -> Vec<Reading> {
        let rows = read(&self.int6.rows);
        let made = rows.iter().filter_map(|row| match row {
            Row::Made(reading) => Some(reading.clone()),
            Row::Raw(_) => None,
        });
        made.collect()
    }

    /// From now on pages of the bulk read are answered so; `None` is as INT6 does.
    pub(crate) fn set_page_habit(&self, habit: Option<PageHabit>) {
        *write(&self.int6.page_habit) = habit;
    }

    /// Removes all rows.
    pub fn clear(&self) {
        write(&self.int6.rows).clear();
    }

    /// Sets `rx_power`, of whatever shape, and the time in the rows with this code; whether there were any.
    pub fn set_power(&self, code: &str, power: Value) -> bool {
        let at = json!(Timestamp::from_second(seconds_now()).unwrap_or_default().to_string());
        let mut found = false;
        for row in write(&self.int6.rows).iter_mut().filter(|row| row.has_code(code)) {
            let mut value = row.json();
            value["rx_power"] = power.clone();
            value["updated_at"] = at.clone();
            *row = Row::Raw(value);
            found = true;
        }
        found
    }

    /// Lets the generated readings wander by a few hundredths of a dBm, as time does; how many moved.
    pub fn drift(&self) -> usize {
        let mut rng = lock(&self.rng);
        let at = seconds_now();
        write(&self.int6.rows).iter_mut().map(|row| row.drift(&mut *rng, at)).filter(|moved| *moved).count()
    }

    /// All tokens given out so far get 401 from now on.
    pub fn expire_tokens(&self) {
        lock(&self.int6.tokens).good_until.clear();
    }

    /// Tokens from now on say `expires_in` and expire then; `None` (the default) says nothing, and they live on.
    pub fn set_token_lifetime(&self, lifetime: Option<Duration>) {
        lock(&self.int6.tokens).lifetime = lifetime;
    }

    /// How often a token was asked for, with success or without.
    pub fn token_requests(&self) -> usize {
        lock(&self.int6.tokens).requests
    }
}

fn seconds_now() -> i64 {
    Timestamp::now().as_second()
}
