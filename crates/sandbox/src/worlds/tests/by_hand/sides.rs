//! Both systems side by side, and the table of limits over them, in plain shapes only.
//!
//! Source: `docs/contracts/rules.md`, "INT6 → OZmap, every 10 minutes".

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::ozmap::id::{Id, Kind};
use crate::sandbox::Sandbox;

/// What one row says, in plain shapes only.
#[derive(Clone, Debug, Default)]
struct Said {
    figure: Option<f64>,
    is_word: bool,
    onu: [Option<String>; 3],
    at: String,
}

/// One client that both systems know.
struct Pair {
    id: Id,
    said: Said,
    power: Option<f64>,
    status: Option<u8>,
    implanted: bool,
    onu: [String; 3],
    held: BTreeSet<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Power,
    Status,
    Implantation,
    Onu,
}

const READING: [Part; 3] = [Part::Power, Part::Status, Part::Implantation];

/// What a good run leaves behind as a measure.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measure {
    matched: usize,
    median: f64,
    share: f64,
}

impl Pair {
    fn measured(&self) -> Option<f64> {
        self.said.figure.filter(|figure| *figure != 0.0)
    }

    fn is_dark(&self) -> bool {
        self.said.is_word || self.said.figure == Some(0.0)
    }

    fn changes(&self, part: Part) -> bool {
        match part {
            Part::Power => self.said.figure.is_some() && self.said.figure != self.power,
            Part::Status if self.is_dark() => self.status != Some(1),
            Part::Status => self.measured().is_some() && self.status != Some(0),
            Part::Implantation => self.measured().is_some() && !self.implanted,
            Part::Onu => self
                .onu
                .iter()
                .zip(&self.said.onu)
                .any(|(old, new)| new.as_ref().is_some_and(|new| new != old)),
        }
    }

    /// The known serials of both sides.
    fn serials(&self) -> Option<(&str, &str)> {
        let old = self.onu[1].as_str();
        Some((old, self.said.onu[1].as_deref()?)).filter(|_| !old.is_empty())
    }

    fn hold(&mut self, parts: &[Part]) {
        self.held.extend(parts);
    }
}

fn text(value: &Value) -> Option<String> {
    const UNKNOWN: [&str; 12] = [
        "",
        "n/a",
        "n/d",
        "não disponível",
        "nao disponivel",
        "indisponível",
        "none",
        "null",
        "nil",
        "undefined",
        "-",
        "--",
    ];
    let text = value.as_str()?.trim();
    let is_known = !UNKNOWN.contains(&text.to_lowercase().as_str()) && text != "desconhecido";
    is_known.then(|| text.to_owned())
}

fn said(row: &Value) -> Said {
    let figure = match &row["rx_power"] {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse::<f64>().ok(),
        _ => None,
    };
    let is_word = figure.is_none() && row["rx_power"].as_str().is_some_and(|text| !text.is_empty());
    let is_serial = |serial: &String| {
        serial.is_ascii()
            && serial.len() >= 10
            && serial[..4].bytes().all(|letter| letter.is_ascii_uppercase())
    };
    let is_mac = |mac: &String| mac.len() == 17 && mac.split(':').count() == 6;
    let onu = [
        text(&row["pppoe_username"]),
        text(&row["serial_number"]).filter(is_serial),
        text(&row["mac_address"]).filter(is_mac),
    ];
    Said { figure, is_word, onu, at: row["updated_at"].as_str().unwrap_or_default().to_owned() }
}

fn share_of(count: usize, of: usize) -> f64 {
    count as f64 / (of.max(1)) as f64
}

/// More than a share, and at least so many.
fn over(count: usize, of: usize, percent: f64, at_least: usize) -> bool {
    count >= at_least && share_of(count, of) * 100.0 > percent
}

/// Both systems side by side.
pub(super) struct Sides {
    rows: Vec<Value>,
    pairs: Vec<Pair>,
    clients: usize,
    codes: usize,
    /// Codes that come with several serials.
    torn: usize,
}

impl Sides {
    pub(super) fn of(sandbox: &Sandbox) -> Sides {
        let rows = sandbox.int6().rows();
        let mut by_code: BTreeMap<String, Vec<Said>> = BTreeMap::new();
        for row in &rows {
            let code = match &row["gpon_client_id"] {
                Value::Number(number) => number.to_string(),
                Value::String(text) => text.trim().to_owned(),
                _ => continue,
            };
            by_code.entry(code).or_default().push(said(row));
        }
        let serials =
            |list: &[Said]| list.iter().filter_map(|said| said.onu[1].clone()).collect::<BTreeSet<_>>().len();
        let torn = by_code.values().filter(|list| serials(list) > 1).count();
        let state = sandbox.ozmap().state();
        let ids: Vec<Id> = state.ids(Kind::Client, None).collect();
        let pair = |id: &Id| {
            let client = state.client(*id)?;
            let newest = newest(by_code.get(client.code.as_str())?)?;
            let is_alone = state.clients_with_code(&client.code).count() == 1;
            let part = |part: &Option<_>| part.as_ref().map_or_else(String::new, ToString::to_string);
            (is_alone && client.code.parse::<u64>().is_ok()).then(|| Pair {
                id: *id,
                said: newest,
                power: state.property_of(*id).and_then(|property| property.potency_read),
                status: client.status,
                implanted: client.implanted,
                onu: [part(&client.onu.user), part(&client.onu.serial), part(&client.onu.mac)],
                held: BTreeSet::new(),
            })
        };
        let pairs = ids.iter().filter_map(pair).collect();
        Sides { pairs, clients: ids.len(), codes: by_code.len(), torn, rows }
    }

    fn measured(&self) -> Vec<f64> {
        self.pairs.iter().filter_map(Pair::measured).collect()
    }

    /// The figure that most have, and how many.
    fn greatest(&self) -> (i64, usize) {
        let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
        for figure in self.measured() {
            *counts.entry((figure * 100.0).round() as i64).or_default() += 1;
        }
        counts.into_iter().max_by_key(|(_, count)| *count).unwrap_or_default()
    }

    pub(super) fn measure(&self) -> Measure {
        let mut measured = self.measured();
        measured.sort_by(f64::total_cmp);
        let median = measured.get(measured.len() / 2).copied().unwrap_or(-20.0);
        Measure { matched: self.pairs.len(), median, share: share_of(self.greatest().1, measured.len()) }
    }

    /// Why nothing may be written.
    pub(super) fn halt(&self, last: Option<Measure>) -> Option<&'static str> {
        let now = self.measure();
        let measured = self.measured().len();
        let known = self.pairs.iter().filter_map(Pair::serials).count();
        let moved: BTreeSet<&str> = self.changed_serials().map(|(old, _)| old).collect();
        let others = self.changed_serials().filter(|(_, new)| moved.contains(new)).count();
        let powerless =
            self.rows.iter().filter(|row| !said(row).is_word && said(row).figure.is_none()).count();
        let codeless = self
            .rows
            .iter()
            .filter(|row| !row["gpon_client_id"].is_u64() && text(&row["gpon_client_id"]).is_none());
        let median_moved = match last {
            Some(last) => (now.median - last.median).abs() > 6.0,
            None => !(-32.0..=-8.0).contains(&now.median),
        };
        let checks = [
            (self.rows.is_empty() || self.clients == 0 || self.codes == 0, "nothing there"),
            (last.is_some_and(|last| self.pairs.len() * 10 < last.matched * 7), "fewer matched"),
            (over(moved.len(), known, 20.0, 10) || over(others, known, 1.0, 10), "joined to wrong rows"),
            (over(self.torn, self.codes, 5.0, 20), "several serials"),
            (powerless * 2 > self.rows.len() || codeless.count() * 2 > self.rows.len(), "a field is absent"),
            (over(self.greatest().1, measured, 50.0, 20), "one figure"),
            (measured > 0 && median_moved, "median"),
        ];
        checks.into_iter().find(|(is_so, _)| *is_so).map(|(_, why)| why)
    }

    fn changed_serials(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().filter_map(Pair::serials).filter(|(old, new)| old != new)
    }

    /// Holds what is over its limit.
    pub(super) fn hold(&mut self, last: Option<Measure>) {
        let (measured, matched) = (self.measured().len(), self.pairs.len());
        let (figure, count) = self.greatest();
        let same = over(count, measured, 10.0, 20)
            && share_of(count, measured) > 3.0 * last.map_or(0.0, |last| last.share);
        let is_outside =
            |pair: &Pair| pair.measured().is_some_and(|figure| !(-38.0..=10.0).contains(&figure));
        let outside = over(self.pairs.iter().filter(|pair| is_outside(pair)).count(), measured, 1.0, 20);
        let step = self.common_step(measured);
        let changes = |part: Part| self.pairs.iter().filter(move |pair| pair.changes(part)).count();
        let errors = self.pairs.iter().filter(|pair| pair.is_dark() && pair.changes(Part::Status)).count();
        let errors = over(errors, matched, 50.0, 20);
        let implants = over(changes(Part::Implantation), matched, 5.0, 20);
        let onus = over(changes(Part::Onu), matched, 5.0, 20);
        for pair in &mut self.pairs {
            let is_same =
                same && pair.measured().is_some_and(|power| (power * 100.0).round() as i64 == figure);
            let is_step = step.is_some_and(|step| pair.step().is_some_and(|by| (by - step).abs() <= 0.5));
            if is_same
                || is_step
                || (outside && is_outside(pair))
                || (implants && pair.changes(Part::Implantation))
            {
                pair.hold(&READING);
            }
            if is_outside(pair) {
                pair.hold(&[Part::Implantation]);
            }
            if errors && pair.is_dark() {
                pair.hold(&[Part::Status, Part::Power]);
            }
            if onus {
                pair.hold(&[Part::Onu]);
                if pair.serials().is_some_and(|(old, new)| old != new) {
                    pair.hold(&READING);
                }
            }
        }
    }

    /// The amount by which too many moved alike.
    fn common_step(&self, measured: usize) -> Option<f64> {
        let steps: Vec<f64> =
            self.pairs.iter().filter_map(Pair::step).filter(|step| step.abs() > 6.0).collect();
        let near = |step: f64| steps.iter().filter(|other| (**other - step).abs() <= 0.5).count();
        let most = steps.iter().copied().max_by_key(|step| near(*step))?;
        over(near(most), measured, 5.0, 20).then_some(most)
    }

    /// Writes what is not held.
    pub(super) fn apply(&self, sandbox: &Sandbox) -> BTreeSet<Part> {
        let mut held = BTreeSet::new();
        let mut state = sandbox.ozmap().state();
        for pair in &self.pairs {
            for part in [Part::Power, Part::Status, Part::Implantation, Part::Onu] {
                if !pair.changes(part) {
                    continue;
                }
                if pair.held.contains(&part) {
                    held.insert(part);
                    continue;
                }
                let property = state.property_of(pair.id).map(|property| property.id);
                match (part, property) {
                    (Part::Power, Some(property)) => {
                        state.change_property(property, |property| property.potency_read = pair.said.figure);
                    }
                    (Part::Power, None) => {}
                    (Part::Status, _) => {
                        state.change_client(pair.id, |client| client.status = Some(u8::from(pair.is_dark())));
                    }
                    (Part::Implantation, _) => state.change_client(pair.id, |client| client.implanted = true),
                    (Part::Onu, _) => state.change_client(pair.id, |client| {
                        let onu = &mut client.onu;
                        for (old, new) in
                            [&mut onu.user, &mut onu.serial, &mut onu.mac].into_iter().zip(&pair.said.onu)
                        {
                            if let Some(new) = new {
                                *old = Some(new.as_str().into());
                            }
                        }
                    }),
                }
            }
        }
        held
    }
}

impl Pair {
    /// By how much the power moves, between two measured ones.
    fn step(&self) -> Option<f64> {
        Some(self.measured()? - self.power.filter(|power| *power != 0.0)?)
    }
}

fn newest(list: &[Said]) -> Option<Said> {
    let newest = list.iter().max_by(|one, other| one.at.cmp(&other.at))?;
    let is_clear = list.len() == 1 || list.iter().filter(|said| said.at == newest.at).count() == 1;
    is_clear.then(|| newest.clone())
}
