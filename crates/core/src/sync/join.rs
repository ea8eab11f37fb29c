//! The pass before the matching: rows of INT6 get the code of the client that has their key, and rows of clients that are not
//! the tenant's go. Pure.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::client::{ClientCode, SyncedClient};
use crate::onu::{MacAddress, OnuSerial};
use crate::sync::finding::{Finding, FindingKind};
use crate::sync::match_by::{MatchBy, MatchKey};
use crate::sync::reading::Reading;
use crate::system::System;

/// Codes of clients that a finding names.
const NAMED: usize = 100;

/// Both sides, joined by codes from here on.
#[derive(Debug, Default)]
pub(super) struct Joined {
    pub(super) by: MatchBy,
    /// Clients that can be compared.
    pub(super) clients: Vec<SyncedClient>,
    /// Clients that cannot: without a key, or with one that is not theirs alone.
    pub(super) alone: Vec<SyncedClient>,
    /// Rows, each with the code of its client in OZmap if it was found by another key.
    pub(super) readings: Vec<Reading>,
    /// Rows that were set aside here.
    pub(super) left_out: u64,
    /// Keys that several clients, or several ONUs, have.
    pub(super) duplicates: u64,
    pub(super) findings: Vec<Finding>,
}

/// Joins both sides by this key. Rows of `elsewhere`, which are OZmap's clients in projects that are not the tenant's, are
/// counted and nothing else.
///
/// Source: `docs/contracts/rules.md`, "Clients are matched by code", "Projects".
pub(super) fn joined(
    by: MatchBy,
    clients: Vec<SyncedClient>,
    elsewhere: &[SyncedClient],
    readings: Vec<Reading>,
    findings: Vec<Finding>,
) -> Joined {
    let mut joined = Joined { by, findings, ..Joined::default() };
    let own: HashSet<MatchKey> = match elsewhere {
        [] => HashSet::new(),
        _ => clients.iter().filter_map(|synced| by.of_client(&synced.client)).collect(),
    };
    let foreign: HashSet<MatchKey> =
        elsewhere.iter().filter_map(|synced| by.of_client(&synced.client)).collect();
    let is_foreign = |reading: &Reading| {
        !foreign.is_empty()
            && by.of_reading(reading).is_some_and(|key| foreign.contains(&key) && !own.contains(&key))
    };
    let all = readings.len();
    let mut readings = readings;
    if !foreign.is_empty() {
        readings.retain(|reading| !is_foreign(reading));
    }
    joined.left_out = (all - readings.len()) as u64;
    match by {
        MatchBy::Code => (joined.clients, joined.readings) = (clients, readings),
        MatchBy::Serial | MatchBy::Mac | MatchBy::Pppoe => {
            let owners = joined.owners(clients);
            joined.find_clients(readings, owners);
        }
    }
    joined
}

/// Whose a key is.
enum Owner {
    One(ClientCode),
    Several,
}

impl Joined {
    fn report(&mut self, kind: FindingKind, system: System, code: &ClientCode, detail: String) {
        self.findings.push(Finding { kind, system, code: Some(code.as_str().into()), detail });
    }

    /// Sets clients aside that have no key, or share it with others; says whose the keys are.
    fn owners(&mut self, clients: Vec<SyncedClient>) -> HashMap<MatchKey, Owner> {
        let (by, words) = (self.by, self.by.words());
        let mut codes: HashMap<MatchKey, BTreeSet<ClientCode>> = HashMap::with_capacity(clients.len());
        for SyncedClient { client, .. } in &clients {
            if let Some(key) = by.of_client(client) {
                codes.entry(key).or_default().insert(client.code.clone());
            }
        }
        self.duplicates += codes.values().filter(|codes| codes.len() > 1).count() as u64;
        for synced in clients {
            let code = synced.client.code.clone();
            match by.of_client(&synced.client).map(|key| &codes[&key]) {
                // One code twice is told where codes are looked at.
                Some(alike) if alike.len() == 1 => self.clients.push(synced),
                Some(alike) => {
                    let detail = format!(
                        "{} clients have one {words} ({}); none of them is touched",
                        alike.len(),
                        in_words(alike)
                    );
                    self.report(FindingKind::Duplicate, System::Ozmap, &code, detail);
                    self.alone.push(synced);
                }
                None => {
                    let detail = format!("the client has no {words} in OZmap, by which clients are matched");
                    self.report(FindingKind::OnlyInOzmap, System::Ozmap, &code, detail);
                    self.alone.push(synced);
                }
            }
        }
        let owner = |mut codes: BTreeSet<ClientCode>| match (codes.pop_first(), codes.is_empty()) {
            (Some(code), true) => Owner::One(code),
            _ => Owner::Several,
        };
        codes.into_iter().map(|(key, codes)| (key, owner(codes))).collect()
    }

    fn find_clients(&mut self, readings: Vec<Reading>, owners: HashMap<MatchKey, Owner>) {
        let words = self.by.words();
        let shared = self.shared_macs(&readings);
        self.duplicates += shared.len() as u64;
        let mut unclear: HashSet<ClientCode> = HashSet::new();
        for mut reading in readings {
            let key = self.by.of_reading(&reading);
            match key.as_ref().map(|key| owners.get(key)) {
                _ if reading.mac.is_some_and(|mac| shared.contains(&mac)) => {
                    let detail = "ONUs with serial numbers of their own have one MAC address, by which clients are matched; \
                                  the row is not compared";
                    self.report(FindingKind::Duplicate, System::Int6, &reading.code, detail.to_owned());
                    if let Some(Owner::One(code)) = key.and_then(|key| owners.get(&key)) {
                        unclear.insert(code.clone());
                    }
                    self.left_out += 1;
                }
                Some(Some(Owner::One(code))) => {
                    reading.code = code.clone();
                    self.readings.push(reading);
                }
                // OZmap's clients are named already.
                Some(Some(Owner::Several)) => self.left_out += 1,
                Some(None) => {
                    let detail = format!("OZmap has no client of this {words}");
                    self.report(FindingKind::OnlyInInt6, System::Int6, &reading.code, detail);
                    self.left_out += 1;
                }
                None => {
                    let detail =
                        format!("the row has no {words}, by which clients are matched; it is not compared");
                    self.report(FindingKind::UnclearField, System::Int6, &reading.code, detail);
                    self.left_out += 1;
                }
            }
        }
        // Their rows are named already.
        let (aside, clients) = std::mem::take(&mut self.clients)
            .into_iter()
            .partition(|synced| unclear.contains(&synced.client.code));
        self.clients = clients;
        self.alone.extend::<Vec<_>>(aside);
    }

    /// MAC addresses that ONUs of different serial numbers show are a factory's, and lead to no client.
    fn shared_macs(&self, readings: &[Reading]) -> HashSet<MacAddress> {
        if self.by != MatchBy::Mac {
            return HashSet::new();
        }
        let mut serials: HashMap<MacAddress, &OnuSerial> = HashMap::with_capacity(readings.len());
        let mut shared = HashSet::new();
        for Reading { mac, serial, .. } in readings {
            if let (Some(mac), Some(serial)) = (mac, serial)
                && *serials.entry(*mac).or_insert(serial) != serial
            {
                shared.insert(*mac);
            }
        }
        shared
    }
}

fn in_words(codes: &BTreeSet<ClientCode>) -> String {
    let names: Vec<&str> = codes.iter().take(NAMED).map(ClientCode::as_str).collect();
    match codes.len() - names.len() {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

#[cfg(test)]
mod tests;
