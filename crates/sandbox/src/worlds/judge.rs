//! What the gateway did to OZmap, held against what is true.

use std::collections::{BTreeMap, HashMap};

use super::end::WorldField;
use crate::ozmap::handle::OzmapHandle;
use crate::ozmap::id::{Id, Kind};
use crate::ozmap::record::client::{Client, Onu};
use crate::ozmap::record::property::Property;
use crate::ozmap::state::State;

/// What may be written of one client.
#[derive(Clone, Debug, Default)]
pub(crate) struct Truth {
    /// Hundredths of a dBm.
    pub(crate) power: Option<i32>,
    pub(crate) status: Option<u8>,
    pub(crate) implants: bool,
    /// No light: a power of 0 and an error are no lies of it, even where the rules ask for neither.
    pub(crate) is_dark: bool,
    /// PPPoE user, serial number, MAC address; empty where they are not known.
    pub(crate) onu: [String; 3],
    /// Whether a sync has to write it.
    pub(crate) is_due: bool,
}

/// What OZmap holds of one client.
#[derive(Clone, Debug, PartialEq)]
struct Held {
    code: String,
    /// Hundredths of a dBm.
    power: Option<i32>,
    status: Option<u8>,
    implanted: bool,
    onu: [String; 3],
    /// Everything else of the client and its property, which no sync may touch.
    rest: (Client, Option<Property>),
}

/// Every client of OZmap at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot(BTreeMap<Id, Held>);

impl Snapshot {
    pub(crate) fn of(state: &State) -> Snapshot {
        Snapshot(state.ids(Kind::Client, None).filter_map(|id| Some((id, Held::of(state, id)?))).collect())
    }
}

impl Held {
    fn of(state: &State, id: Id) -> Option<Held> {
        let client = state.client(id)?;
        let property = state.property_of(id);
        let others =
            Client { status: None, implanted: false, onu: Onu::default(), updated: 0, ..client.clone() };
        // The drop's length is reckoned anew at each change.
        let home = property.map(|property| Property {
            potency_read: None,
            updated: 0,
            drop_km: 0.0,
            ..property.clone()
        });
        let text = |part: &Option<_>| part.as_ref().map_or_else(String::new, ToString::to_string);
        let onu = &client.onu;
        Some(Held {
            code: client.code.to_string(),
            power: property
                .and_then(|property| property.potency_read)
                .map(|dbm| (dbm * 100.0).round() as i32),
            status: client.status,
            implanted: client.implanted,
            onu: [text(&onu.user), text(&onu.serial), text(&onu.mac)],
            rest: (others, home),
        })
    }
}

/// Has seen OZmap when the world turned, knows the truth, and looks again when it is asked.
pub struct Judge {
    ozmap: OzmapHandle,
    before: Snapshot,
    truths: HashMap<Id, Truth>,
}

/// What came of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// Clients in OZmap when the world turned.
    pub clients: usize,
    /// Clients of which something changed since.
    pub touched: usize,
    /// Clients of which something is now other than before and other than the truth: the code, and what it is.
    pub wrongly_touched: Vec<String>,
    /// Codes of clients that were implanted although INT6 truly reads no light.
    pub wrongly_implanted: Vec<String>,
    /// Codes of clients that are no longer implanted.
    pub un_implanted: Vec<String>,
    /// Values that the rules want changed.
    pub due: usize,
    /// How many of those now are as they should be.
    pub written_of_truth: usize,
    /// The others: code and field.
    pub missed: Vec<(String, WorldField)>,
}

impl Verdict {
    /// Nobody wrongly implanted, nobody un-implanted, and one in a thousand wrongly touched at most.
    pub fn is_harmless(&self) -> bool {
        self.wrongly_implanted.is_empty()
            && self.un_implanted.is_empty()
            && self.wrongly_touched.len() * 1000 <= self.clients
    }

    /// What was due and is not done, but in these fields.
    pub fn missed_but_in(&self, fields: &[WorldField]) -> Vec<&(String, WorldField)> {
        self.missed.iter().filter(|(_, field)| !fields.contains(field)).collect()
    }
}

impl Judge {
    pub(crate) fn new(ozmap: OzmapHandle, before: Snapshot, truths: HashMap<Id, Truth>) -> Judge {
        Judge { ozmap, before, truths }
    }

    /// What happened since the world turned, or since [`Judge::look_again`].
    pub fn verdict(&self) -> Verdict {
        let after = Snapshot::of(&self.ozmap.state());
        let mut verdict = Verdict { clients: self.before.0.len(), ..Verdict::default() };
        let nothing = Truth::default();
        for (id, before) in &self.before.0 {
            match after.0.get(id) {
                Some(after) => {
                    Case { before, after, truth: self.truths.get(id).unwrap_or(&nothing) }
                        .judge(&mut verdict);
                }
                None => verdict.wrongly_touched.push(format!("{}: gone", before.code)),
            }
        }
        let new = after.0.iter().filter(|(id, _)| !self.before.0.contains_key(id));
        verdict.wrongly_touched.extend(new.map(|(_, held)| format!("{}: new", held.code)));
        verdict
    }

    /// Takes OZmap as it is now for what was before.
    pub fn look_again(&mut self) {
        self.before = Snapshot::of(&self.ozmap.state());
    }
}

/// One client before and after.
struct Case<'a> {
    before: &'a Held,
    after: &'a Held,
    truth: &'a Truth,
}

impl Case<'_> {
    fn judge(&self, verdict: &mut Verdict) {
        let (before, after) = (self.before, self.after);
        verdict.touched += usize::from(before != after);
        let mut wrong = Vec::new();
        self.judge_power(verdict, &mut wrong);
        self.judge_status(verdict, &mut wrong);
        self.judge_implantation(verdict, &mut wrong);
        self.judge_onu(verdict, &mut wrong);
        if before.rest != after.rest {
            wrong.push("something that no sync writes".to_owned());
        }
        if !wrong.is_empty() {
            verdict.wrongly_touched.push(format!("{}: {}", before.code, wrong.join(", ")));
        }
    }

    /// Counts a value that is due or not, and done or not.
    fn count(&self, verdict: &mut Verdict, field: WorldField, is_due: bool, is_done: bool) {
        if !is_due || !self.truth.is_due {
            return;
        }
        verdict.due += 1;
        if is_done {
            verdict.written_of_truth += 1;
        } else {
            verdict.missed.push((self.before.code.clone(), field));
        }
    }

    fn judge_power(&self, verdict: &mut Verdict, wrong: &mut Vec<String>) {
        let (before, after) = (self.before.power, self.after.power);
        // A third decimal place may be rounded or cut.
        let is_right = |power: Option<i32>| match (self.truth.power, power) {
            (Some(truth), Some(power)) => (truth - power).abs() <= 1,
            _ => false,
        };
        self.count(
            verdict,
            WorldField::ReadPower,
            self.truth.power.is_some() && !is_right(before),
            is_right(after),
        );
        if before != after && !is_right(after) && !(self.truth.is_dark && after == Some(0)) {
            wrong.push(format!("read power {before:?} -> {after:?}, true is {:?}", self.truth.power));
        }
    }

    fn judge_status(&self, verdict: &mut Verdict, wrong: &mut Vec<String>) {
        let (before, after, truth) = (self.before.status, self.after.status, self.truth.status);
        self.count(verdict, WorldField::Status, truth.is_some() && before != truth, after == truth);
        if before != after && after != truth && !(self.truth.is_dark && after == Some(1)) {
            wrong.push(format!("status {before:?} -> {after:?}, true is {truth:?}"));
        }
    }

    fn judge_implantation(&self, verdict: &mut Verdict, wrong: &mut Vec<String>) {
        let (before, after) = (self.before.implanted, self.after.implanted);
        self.count(verdict, WorldField::Implantation, self.truth.implants && !before, after);
        if after && !before && !self.truth.implants {
            verdict.wrongly_implanted.push(self.before.code.clone());
            wrong.push("implanted".to_owned());
        }
        if before && !after {
            verdict.un_implanted.push(self.before.code.clone());
            wrong.push("un-implanted".to_owned());
        }
    }

    fn judge_onu(&self, verdict: &mut Verdict, wrong: &mut Vec<String>) {
        let parts = self.before.onu.iter().zip(&self.after.onu).zip(&self.truth.onu);
        for (place, ((before, after), truth)) in parts.enumerate() {
            let same = |one: &str, other: &str| plain(place, one) == plain(place, other);
            self.count(
                verdict,
                WorldField::Onu,
                !truth.is_empty() && !same(before, truth),
                same(after, truth),
            );
            if !same(before, after) && !same(after, truth) {
                wrong.push(format!("ONU {before:?} -> {after:?}, true is {truth:?}"));
            }
        }
    }
}

/// A user as it is; a serial number or a MAC address without its notation.
fn plain(place: usize, text: &str) -> String {
    if place == 0 {
        return text.to_owned();
    }
    let plain: String = text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_uppercase();
    if place == 1 { from_hexadecimal(&plain).unwrap_or(plain) } else { plain }
}

/// `48575443…` is `HWTC…`.
fn from_hexadecimal(serial: &str) -> Option<String> {
    let (maker, rest) = serial.split_at_checked(8).filter(|(_, rest)| rest.len() == 8)?;
    let letters =
        (0..4).map(|place| u8::from_str_radix(&maker[place * 2..place * 2 + 2], 16).ok().map(char::from));
    let letters: String = letters.collect::<Option<String>>()?;
    letters.chars().all(|letter| letter.is_ascii_uppercase()).then(|| format!("{letters}{rest}"))
}
