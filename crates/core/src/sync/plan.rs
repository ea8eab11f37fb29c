//! What a run would change, and whether the rails let it. Pure.

use jiff::{SignedDuration, Timestamp};

use crate::client::{Client, SyncedClient};
use crate::power::{PlausibleWindow, PowerReading};
use crate::status::{Implantation, Status};
use crate::sync::change::{Change, FieldValue, Record};
use crate::sync::finding::{Finding, FindingKind};
use crate::sync::matching::{Matched, matched};
use crate::sync::reading::Reading;
use crate::sync::run::{Counts, Rails};
use crate::system::System;

/// The rails and options of a tenant's sync.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Share of the matched clients, in percent, that may turn to Error in one run. 0 to 100, default 50.
    pub max_error_percent: f64,
    /// Fewer clients than these never halt a run. Default 20.
    pub min_error_clients: u64,
    /// Readings older than this are left alone. Default off.
    pub stale_after: Option<SignedDuration>,
    /// Numbers outside are taken for words. Default off.
    pub plausible: Option<PlausibleWindow>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { max_error_percent: 50.0, min_error_clients: 20, stale_after: None, plausible: None }
    }
}

/// Exactly what a run changes: shown, recorded and applied as one value.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// In the order of the codes.
    pub changes: Vec<Change>,
    /// What is reported instead of written.
    pub findings: Vec<Finding>,
    /// `changed` counts clients to change, `failed` is 0.
    pub counts: Counts,
    /// Why the rails hold the run, if they do.
    pub halt: Option<Halt>,
}

/// Why a plan is not carried out unless a person forces it; put into words at the edges.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Halt {
    /// OZmap gave no usable client.
    NoClients {
        /// Readings of INT6.
        readings: u64,
        /// Rows of OZmap that could not be read.
        unreadable: u64,
    },
    /// INT6 gave no usable reading.
    NoReadings {
        /// Clients of OZmap.
        clients: u64,
        /// Rows of INT6 that could not be read.
        unreadable: u64,
    },
    /// More clients than is believed would turn to Error.
    MassOutage {
        /// Clients that would turn to Error.
        clients: u64,
        /// Clients known to both sides.
        matched: u64,
        /// The limit, in percent of the matched.
        max_percent: f64,
    },
}

/// Compares both sides.
///
/// # Panics
/// Never. Source of the rules: `docs/contracts/rules.md`, "What a reading does"; of the rails: `docs/ARCHITECTURE.md`, "Rails".
pub fn plan(
    clients: Vec<SyncedClient>,
    readings: Vec<Reading>,
    unreadable: Vec<Finding>,
    limits: &Limits,
    rails: Rails,
    now: Timestamp,
) -> Plan {
    let empty = empty_side(&clients, &readings, &unreadable);
    let Matched { pairs, mut findings, mut counts } = matched(clients, readings, unreadable);
    let mut changes = Vec::new();
    let mut would_fail = 0;
    for (client, reading) in pairs {
        let before = changes.len();
        let power = reading.power.within(limits.plausible);
        if is_stale(&reading, limits, now) {
            counts.stale += 1;
            findings.push(about(FindingKind::Stale, &client, "the reading is older than the stale limit"));
        } else {
            if power == PowerReading::Absent {
                counts.absent += 1;
                findings.push(about(FindingKind::Absent, &client, "INT6 has no reading for this client"));
            }
            compare(&client, &reading, power, &mut changes);
        }
        let turns_to_error = |c: &Change| matches!(c.edit, FieldValue::Status { new: Status::Error, .. });
        would_fail += u64::from(changes[before..].iter().any(turns_to_error));
        if changes.len() == before { counts.unchanged += 1 } else { counts.changed += 1 }
    }
    let halt = match rails {
        Rails::Forced => None,
        Rails::Hold => empty.or_else(|| mass_outage(would_fail, counts.matched, limits)),
    };
    Plan { changes, findings, counts, halt }
}

fn about(kind: FindingKind, client: &SyncedClient, detail: &str) -> Finding {
    Finding {
        kind,
        system: System::Int6,
        code: Some(client.client.code.as_str().into()),
        detail: detail.to_owned(),
    }
}

/// A reading whose age is unknown is not stale.
fn is_stale(reading: &Reading, limits: &Limits, now: Timestamp) -> bool {
    match (limits.stale_after, reading.updated_at.known()) {
        (Some(limit), Some(at)) => now.duration_since(at) > limit,
        _ => false,
    }
}

/// Writes only what differs; never un-implants, never erases ONU data.
fn compare(synced: &SyncedClient, reading: &Reading, power: PowerReading, changes: &mut Vec<Change>) {
    // Every field is named here, so that a new one is not forgotten.
    let SyncedClient { client, property, read_power } = synced;
    let Client { id, code, status, implantation, onu: held, onu_known } = client;
    let Reading { code: _, power: _, serial, pppoe_user, mac, updated_at: _ } = reading;
    let target = power.target();
    let on_client = || Record::Client(id.clone());
    let mut change = |record, edit| changes.push(Change { code: code.clone(), record, edit });
    if let (Some(property), Some(new)) = (property, target.read_power)
        && *read_power != Some(new)
    {
        change(Record::Property(property.clone()), FieldValue::ReadPower { old: *read_power, new });
    }
    if let Some(new) = target.status
        && *status != Some(new)
    {
        change(on_client(), FieldValue::Status { old: *status, new });
    }
    if target.implantation == Some(Implantation::Implanted) && *implantation == Implantation::NotImplanted {
        change(on_client(), FieldValue::Implant);
    }
    let onu = held.merged(serial.as_ref(), pppoe_user.as_deref(), *mac);
    if *onu_known && onu != *held {
        change(on_client(), FieldValue::Onu { old: Box::new(held.clone()), new: Box::new(onu) });
    }
}

/// A side without a usable row is an outage of that side, not of every client.
fn empty_side(clients: &[SyncedClient], readings: &[Reading], unreadable: &[Finding]) -> Option<Halt> {
    let unreadable_of = |system| {
        unreadable.iter().filter(|f| f.system == system && f.kind == FindingKind::Unreadable).count() as u64
    };
    let (clients, readings) = (clients.len() as u64, readings.len() as u64);
    match (clients, readings) {
        (0, _) => Some(Halt::NoClients { readings, unreadable: unreadable_of(System::Ozmap) }),
        (_, 0) => Some(Halt::NoReadings { clients, unreadable: unreadable_of(System::Int6) }),
        _ => None,
    }
}

fn mass_outage(clients: u64, matched: u64, limits: &Limits) -> Option<Halt> {
    let max_percent = limits.max_error_percent;
    let is_mass =
        clients >= limits.min_error_clients && clients as f64 > matched as f64 * max_percent / 100.0;
    is_mass.then_some(Halt::MassOutage { clients, matched, max_percent })
}

#[cfg(test)]
mod tests;
