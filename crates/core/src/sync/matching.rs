//! Both sides put side by side: which clients can be compared, and what is set aside instead. Pure.

mod newest;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::Timestamp;
use newest::newest;

use crate::client::{ClientCode, SyncedClient};
use crate::sync::finding::{Finding, FindingKind};
use crate::sync::join::{Joined, joined};
use crate::sync::match_by::MatchBy;
use crate::sync::reading::Reading;
use crate::sync::run::Counts;
use crate::system::System;

/// Clients with the one reading that counts for each, in the order of their codes.
#[derive(Debug, Default)]
pub struct Matched {
    /// By what they were matched.
    pub by: MatchBy,
    /// One code, once on both sides.
    pub pairs: Vec<(SyncedClient, Reading)>,
    /// Clients without a reading that counts.
    pub alone: Vec<SyncedClient>,
    /// What was set aside.
    pub findings: Vec<Finding>,
    /// Everything but `unchanged`, `changed`, `failed`, `stale` and `absent`.
    pub counts: Counts,
    /// Numeric codes in INT6's rows, whatever became of the rows.
    pub int6_codes: u64,
    /// Of them those that stand in several rows with different serial numbers: another ISP's rows look so.
    pub foreign_codes: u64,
}

/// Codes of other clients that a finding names.
const NAMED: usize = 100;

/// Matches clients and readings by code.
///
/// The order of the input does not matter. `now` tells the times that lie in the future. Source: `docs/contracts/rules.md`,
/// "Clients are matched by code" and "Reported, never guessed".
pub fn matched(
    clients: Vec<SyncedClient>,
    readings: Vec<Reading>,
    unreadable: Vec<Finding>,
    now: Timestamp,
) -> Matched {
    matched_of(joined(MatchBy::Code, clients, &[], readings, unreadable), now)
}

/// Matches what was joined. Only where the code itself is the key it must be numeric: that is a rule of INT6's codes.
pub(super) fn matched_of(joined: Joined, now: Timestamp) -> Matched {
    let Joined { by, clients, alone, readings, left_out, duplicates, findings: unreadable } = joined;
    let mut matched = Matched { by, ..Matched::default() };
    let of_kind = |kind| unreadable.iter().filter(move |f| f.kind == kind);
    let unreadable_of =
        |system| of_kind(FindingKind::Unreadable).filter(|f| f.system == system).count() as u64;
    matched.counts = Counts {
        ozmap_clients: (clients.len() + alone.len()) as u64 + unreadable_of(System::Ozmap),
        int6_readings: readings.len() as u64 + left_out + unreadable_of(System::Int6),
        only_in_ozmap: of_kind(FindingKind::OnlyInOzmap).count() as u64,
        only_in_int6: of_kind(FindingKind::OnlyInInt6).count() as u64,
        duplicates,
        unreadable: of_kind(FindingKind::Unreadable).count() as u64,
        unclear_field: of_kind(FindingKind::UnclearField).count() as u64,
        incomplete_list: of_kind(FindingKind::IncompleteList).count() as u64,
        ..Counts::default()
    };
    // Codes that a side knows although none of its rows counts: the other side's row is not alone.
    let mut set_aside: HashMap<System, HashSet<ClientCode>> = HashMap::new();
    // INT6's codes are not OZmap's where another key leads from one to the other.
    for finding in of_kind(FindingKind::Unreadable).filter(|_| by == MatchBy::Code) {
        if let Some(code) = finding.code.as_deref().and_then(ClientCode::new) {
            set_aside.entry(finding.system).or_default().insert(code);
        }
    }
    matched.findings = unreadable;
    let clients = matched.only_clear_clients(clients, set_aside.entry(System::Ozmap).or_default());
    matched.alone.extend(alone);
    let mut readings =
        matched.only_newest_readings(readings, set_aside.entry(System::Int6).or_default(), now);

    matched.pairs.reserve(clients.len().min(readings.len()));
    for client in clients {
        match readings.take(&client.client.code) {
            Some(reading) => matched.pairs.push((client, reading)),
            None => {
                let code = &client.client.code;
                if !set_aside[&System::Int6].contains(code) {
                    matched.counts.only_in_ozmap += 1;
                    let detail = match by {
                        MatchBy::Code => "INT6 has no row for this client".to_owned(),
                        _ => format!("INT6 has no row of this client's {}", by.words()),
                    };
                    matched.report(FindingKind::OnlyInOzmap, System::Ozmap, code, detail);
                }
                matched.alone.push(client);
            }
        }
    }
    for code in readings.into_codes().filter(|code| !set_aside[&System::Ozmap].contains(code)) {
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
        clients: Vec<SyncedClient>,
        set_aside: &mut HashSet<ClientCode>,
    ) -> Vec<SyncedClient> {
        for client in &clients {
            self.is_numeric(&client.client.code, System::Ozmap, set_aside);
        }
        let counts = |code: &ClientCode| self.by != MatchBy::Code || code.is_numeric();
        let code = |synced: &'_ SyncedClient| Some(synced.client.code.clone()).filter(&counts);
        let shared = groups(&clients, code).into_iter();
        let times: Vec<(ClientCode, usize)> =
            shared.map(|rows| (clients[rows[0]].client.code.clone(), rows.len())).collect();
        for (code, times) in times {
            self.counts.duplicates += 1;
            let detail = format!("{times} clients have this code; none of them is touched");
            self.report(FindingKind::Duplicate, System::Ozmap, &code, detail);
            set_aside.insert(code);
        }
        if set_aside.is_empty() {
            return clients;
        }
        let (clear, alone) = clients.into_iter().partition(|client| !set_aside.contains(&client.client.code));
        self.alone = alone;
        clear
    }

    /// Readings with a numeric code; where an ONU or a code stands in several rows, the newest.
    ///
    /// ONUs first: one is in one place only, so that an older sighting of it says nothing about its client. It is known by its
    /// serial number, and by its MAC address as far as that is its own. Source: `docs/contracts/int6-api.md`, "Several rows".
    fn only_newest_readings(
        &mut self,
        mut readings: Vec<Reading>,
        set_aside: &mut HashSet<ClientCode>,
        now: Timestamp,
    ) -> ByCode {
        readings.retain(|reading| self.is_numeric(&reading.code, System::Int6, set_aside));
        let is_shared = self.count_codes(&readings);
        self.forget_shared_macs(&mut readings);
        let mut left_out = HashMap::new();
        self.settle(&mut readings, &mut left_out, now, "serial number", |reading| reading.serial.clone());
        self.settle(&mut readings, &mut left_out, now, "MAC address", |reading| reading.mac);
        if is_shared {
            self.settle(&mut readings, &mut left_out, now, "code", |reading| Some(reading.code.clone()));
        }
        let readings = ByCode::of(readings);
        left_out.retain(|code, _| !readings.places.contains_key(code));
        for (code, why) in left_out {
            if let Some(why) = why {
                self.report(FindingKind::Duplicate, System::Int6, &code, why);
            }
            set_aside.insert(code);
        }
        readings
    }

    /// Returns whether a code stands in several rows.
    fn count_codes(&mut self, readings: &[Reading]) -> bool {
        let shared = groups(readings, |reading| Some(&reading.code));
        let again: usize = shared.iter().map(|rows| rows.len() - 1).sum();
        self.int6_codes = (readings.len() - again) as u64;
        let is_foreign = |rows: &&Vec<usize>| {
            let mut serials = rows.iter().filter_map(|&i| readings[i].serial.as_ref());
            serials.next().is_some_and(|first| serials.any(|other| other != first))
        };
        self.foreign_codes = shared.iter().filter(is_foreign).count() as u64;
        !shared.is_empty()
    }

    /// A MAC address that ONUs of different serial numbers show is a factory's, and says nothing of any of them.
    fn forget_shared_macs(&mut self, readings: &mut [Reading]) {
        for rows in groups(readings, |reading| reading.mac) {
            let serials: BTreeSet<_> = rows.iter().filter_map(|&i| readings[i].serial.as_ref()).collect();
            if serials.len() < 2 {
                continue;
            }
            let codes = codes_of(readings, &rows);
            let detail = format!(
                "{} ONUs with serial numbers of their own have one MAC address (clients {}); it counts for none of them",
                serials.len(),
                in_words(&codes)
            );
            self.counts.duplicates += 1;
            self.report(FindingKind::Duplicate, System::Int6, &codes[0], detail);
            for i in rows {
                readings[i].mac = None;
            }
        }
    }

    /// Keeps one row of those that share a key, or none if it is not clear which is the newest.
    ///
    /// `left_out` gets the codes of the others, with what to say of each where the group's finding is not already its own.
    fn settle<K: Ord + Hash>(
        &mut self,
        readings: &mut Vec<Reading>,
        left_out: &mut HashMap<ClientCode, Option<String>>,
        now: Timestamp,
        what: &str,
        key: impl Fn(&Reading) -> Option<K>,
    ) {
        let mut dropped = HashSet::new();
        for rows in groups(readings, key) {
            let newest = newest(readings, &rows, now);
            let verdict = match newest {
                Some(_) => "the newest counts",
                None => "none counts: which is newest is unclear",
            };
            let codes = codes_of(readings, &rows);
            let names = in_words(&codes);
            let detail = format!("{} rows have one {what} (clients {names}); {verdict}", rows.len());
            self.counts.duplicates += 1;
            self.report(FindingKind::Duplicate, System::Int6, &codes[0], detail);
            for i in rows.into_iter().filter(|i| Some(*i) != newest) {
                let why = match newest {
                    _ if codes.len() == 1 => None,
                    Some(newest) => Some(format!(
                        "not compared: its ONU's {what} stands in a newer row, that of client {}",
                        readings[newest].code
                    )),
                    None => Some(format!(
                        "not compared: its ONU's {what} stands in rows of several clients, and which is newest is unclear"
                    )),
                };
                left_out.entry(readings[i].code.clone()).or_insert(why);
                dropped.insert(i);
            }
        }
        if dropped.is_empty() {
            return;
        }
        let mut i = 0;
        readings.retain(|_| {
            i += 1;
            !dropped.contains(&(i - 1))
        });
    }

    fn is_numeric(&mut self, code: &ClientCode, system: System, set_aside: &mut HashSet<ClientCode>) -> bool {
        if code.is_numeric() || self.by != MatchBy::Code {
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

/// The one reading of each code. The table holds places, because it is looked up at random and readings are large.
struct ByCode {
    places: HashMap<ClientCode, usize>,
    readings: Vec<Option<Reading>>,
}

impl ByCode {
    fn of(readings: Vec<Reading>) -> ByCode {
        let places =
            readings.iter().enumerate().map(|(place, reading)| (reading.code.clone(), place)).collect();
        ByCode { places, readings: readings.into_iter().map(Some).collect() }
    }

    fn len(&self) -> usize {
        self.places.len()
    }

    fn take(&mut self, code: &ClientCode) -> Option<Reading> {
        self.readings[*self.places.get(code)?].take()
    }

    /// Codes of the readings that nobody took.
    fn into_codes(self) -> impl Iterator<Item = ClientCode> {
        self.readings.into_iter().flatten().map(|reading| reading.code)
    }
}

/// Places of the rows that share a key, where several do.
///
/// By hashes first, because hardly a key is shared and short numbers are sorted soon.
fn groups<'a, T, K: Ord + Hash>(rows: &'a [T], key: impl Fn(&'a T) -> Option<K>) -> Vec<Vec<usize>> {
    let hash = |(i, row): (usize, &'a T)| {
        let mut hasher = DefaultHasher::new();
        key(row)?.hash(&mut hasher);
        Some((hasher.finish(), i))
    };
    let mut hashed: Vec<(u64, usize)> = rows.iter().enumerate().filter_map(hash).collect();
    hashed.sort_unstable();
    let mut shared = Vec::new();
    for alike in hashed.chunk_by(|(a, _), (b, _)| a == b).filter(|alike| alike.len() > 1) {
        let mut keyed: Vec<(K, usize)> =
            alike.iter().filter_map(|(_, i)| Some((key(&rows[*i])?, *i))).collect();
        keyed.sort_unstable();
        let same = keyed.chunk_by(|(a, _), (b, _)| a == b).filter(|group| group.len() > 1);
        shared.extend(same.map(|group| group.iter().map(|(_, i)| *i).collect::<Vec<usize>>()));
    }
    shared
}

/// The codes of these rows, each once and in order.
fn codes_of(readings: &[Reading], rows: &[usize]) -> Vec<ClientCode> {
    let mut codes: Vec<ClientCode> = rows.iter().map(|&i| readings[i].code.clone()).collect();
    codes.sort_unstable_by(in_order);
    codes.dedup();
    codes
}

fn in_words(codes: &[ClientCode]) -> String {
    let names: Vec<&str> = codes.iter().take(NAMED).map(ClientCode::as_str).collect();
    match codes.len() - names.len() {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

#[cfg(test)]
mod tests;
