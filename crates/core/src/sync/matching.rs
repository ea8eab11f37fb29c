//! Both sides put side by side: which clients can be compared, and what is set aside instead. Pure.

use std::collections::{HashMap, HashSet};

use crate::client::{ClientCode, SyncedClient};
use crate::sync::finding::{Finding, FindingKind};
use crate::sync::reading::{Reading, ReadingTime};
use crate::sync::run::Counts;
use crate::system::System;

/// Clients with the one reading that counts for each, in the order of their codes.
#[derive(Debug, Default)]
pub struct Matched {
    /// One code, once on both sides.
    pub pairs: Vec<(SyncedClient, Reading)>,
    /// What was set aside.
    pub findings: Vec<Finding>,
    /// Everything but `unchanged`, `changed`, `failed`, `stale` and `absent`.
    pub counts: Counts,
}

/// Matches clients and readings by code.
///
/// The order of the input does not matter. Source: `docs/contracts/rules.md`, "Clients are matched by code" and "Reported, never
/// guessed".
pub fn matched(clients: Vec<SyncedClient>, readings: Vec<Reading>, unreadable: Vec<Finding>) -> Matched {
    let mut matched = Matched::default();
    let of_kind = |kind| unreadable.iter().filter(move |f| f.kind == kind);
    let unreadable_of =
        |system| of_kind(FindingKind::Unreadable).filter(|f| f.system == system).count() as u64;
    matched.counts = Counts {
        ozmap_clients: clients.len() as u64 + unreadable_of(System::Ozmap),
        int6_readings: readings.len() as u64 + unreadable_of(System::Int6),
        unreadable: of_kind(FindingKind::Unreadable).count() as u64,
        unclear_field: of_kind(FindingKind::UnclearField).count() as u64,
        incomplete_list: of_kind(FindingKind::IncompleteList).count() as u64,
        ..Counts::default()
    };
    // Codes that a side knows although none of its rows counts: the other side's row is not alone.
    let mut set_aside: HashMap<System, HashSet<ClientCode>> = HashMap::new();
    for finding in of_kind(FindingKind::Unreadable) {
        if let Some(code) = finding.code.as_deref().and_then(ClientCode::new) {
            set_aside.entry(finding.system).or_default().insert(code);
        }
    }
    matched.findings = unreadable;
    let clients = matched.only_clear_clients(clients, set_aside.entry(System::Ozmap).or_default());
    let mut readings = matched.only_newest_readings(readings, set_aside.entry(System::Int6).or_default());

    for client in clients {
        match readings.remove(&client.client.code) {
            Some(reading) => matched.pairs.push((client, reading)),
            None if set_aside[&System::Int6].contains(&client.client.code) => (),
            None => {
                matched.counts.only_in_ozmap += 1;
                matched.report(
                    FindingKind::OnlyInOzmap,
                    System::Ozmap,
                    &client.client.code,
                    "INT6 has no row for this client",
                );
            }
        }
    }
    for code in readings.into_keys().filter(|code| !set_aside[&System::Ozmap].contains(code)) {
        matched.counts.only_in_int6 += 1;
        matched.report(FindingKind::OnlyInInt6, System::Int6, &code, "OZmap has no client of this code");
    }
    matched.counts.matched = matched.pairs.len() as u64;
    matched.pairs.sort_unstable_by(|(a, _), (b, _)| in_order(&a.client.code, &b.client.code));
    matched.findings.sort_unstable();
    matched
}

/// Numeric order without parsing: shorter codes first.
fn in_order(a: &ClientCode, b: &ClientCode) -> std::cmp::Ordering {
    (a.as_str().len(), a).cmp(&(b.as_str().len(), b))
}

impl Matched {
    fn report(&mut self, kind: FindingKind, system: System, code: &ClientCode, detail: impl Into<String>) {
        let (code, detail) = (Some(code.as_str().into()), detail.into());
        self.findings.push(Finding { kind, system, code, detail });
    }

    /// Clients whose code is numeric and theirs alone.
    fn only_clear_clients(
        &mut self,
        mut clients: Vec<SyncedClient>,
        set_aside: &mut HashSet<ClientCode>,
    ) -> Vec<SyncedClient> {
        clients.retain(|client| self.is_numeric(&client.client.code, System::Ozmap, set_aside));
        let mut times: HashMap<ClientCode, u32> = HashMap::with_capacity(clients.len());
        for client in &clients {
            *times.entry(client.client.code.clone()).or_default() += 1;
        }
        for (code, times) in times.into_iter().filter(|(_, times)| *times > 1) {
            self.counts.duplicates += 1;
            let detail = format!("{times} clients have this code; none of them is touched");
            self.report(FindingKind::Duplicate, System::Ozmap, &code, detail);
            set_aside.insert(code);
        }
        clients.retain(|client| !set_aside.contains(&client.client.code));
        clients
    }

    /// Readings with a numeric code; where a MAC address or a code stands in several rows, the newest.
    ///
    /// MAC addresses first: an ONU is in one place only, so that an older sighting of it says nothing about its client.
    /// Source: `docs/contracts/int6-api.md`, "Several rows".
    fn only_newest_readings(
        &mut self,
        mut readings: Vec<Reading>,
        set_aside: &mut HashSet<ClientCode>,
    ) -> HashMap<ClientCode, Reading> {
        readings.retain(|reading| self.is_numeric(&reading.code, System::Int6, set_aside));
        self.settle(&mut readings, set_aside, "MAC address", |reading| reading.mac);
        self.settle(&mut readings, set_aside, "code", |reading| Some(reading.code.clone()));
        readings.into_iter().map(|reading| (reading.code.clone(), reading)).collect()
    }

    /// Keeps one row of those that share a key, or none if it is not clear which is the newest.
    fn settle<K: Ord>(
        &mut self,
        readings: &mut Vec<Reading>,
        set_aside: &mut HashSet<ClientCode>,
        what: &str,
        key: impl Fn(&Reading) -> Option<K>,
    ) {
        let mut keyed: Vec<(K, usize)> =
            readings.iter().enumerate().filter_map(|(i, r)| key(r).map(|key| (key, i))).collect();
        keyed.sort_unstable();
        let mut dropped = HashSet::new();
        for group in keyed.chunk_by(|(a, _), (b, _)| a == b).filter(|group| group.len() > 1) {
            let rows: Vec<usize> = group.iter().map(|(_, i)| *i).collect();
            let newest = newest(readings, &rows);
            let verdict = if newest.is_some() {
                "the newest counts"
            } else {
                "none counts: which is newest is unclear"
            };
            let mut codes: Vec<&ClientCode> = rows.iter().map(|&i| &readings[i].code).collect();
            codes.sort_unstable_by(|a, b| in_order(a, b));
            codes.dedup();
            let names: Vec<&str> = codes.iter().take(5).map(|code| code.as_str()).collect();
            let detail =
                format!("{} rows have one {what} (clients {}); {verdict}", rows.len(), names.join(", "));
            let first = codes[0].clone();
            self.counts.duplicates += 1;
            self.report(FindingKind::Duplicate, System::Int6, &first, detail);
            for i in rows.into_iter().filter(|i| Some(*i) != newest) {
                set_aside.insert(readings[i].code.clone());
                dropped.insert(i);
            }
        }
        let mut i = 0;
        readings.retain(|_| {
            i += 1;
            !dropped.contains(&(i - 1))
        });
    }

    fn is_numeric(&mut self, code: &ClientCode, system: System, set_aside: &mut HashSet<ClientCode>) -> bool {
        if code.is_numeric() {
            return true;
        }
        self.counts.not_numeric += 1;
        self.report(
            FindingKind::NotNumeric,
            system,
            code,
            "the code is not numeric; the row is not compared",
        );
        set_aside.insert(code.clone());
        false
    }
}

/// The row with the latest time; rows that say the same need no time to choose between them.
fn newest(readings: &[Reading], rows: &[usize]) -> Option<usize> {
    let latest = rows.iter().filter_map(|&i| readings[i].updated_at.known()).max();
    let says = |i: usize| Reading { updated_at: ReadingTime::Unsaid, ..readings[i].clone() };
    let candidates = || {
        rows.iter().copied().filter(|&i| {
            let time = readings[i].updated_at.known();
            time.is_none() || time == latest
        })
    };
    // One with a time, whatever their order: the time counts again where rows share a code.
    let chosen = candidates().max_by_key(|&i| readings[i].updated_at.known())?;
    candidates().all(|other| says(other) == says(chosen)).then_some(chosen)
}

#[cfg(test)]
mod tests;
