//! What a run would change, and whether the rails let it. Pure.

use std::fmt;

use indicatif::HumanCount;
use jiff::{SignedDuration, Timestamp};

use super::snapshot::{Matched, matched};
use crate::domain::{
    Change, Client, Counts, Edit, Finding, FindingKind, Implantation, PlausibleWindow, PowerReading, Rails,
    Reading, Record, Status, System,
};

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
    pub halted_because: Option<String>,
}

/// Compares both sides.
///
/// # Panics
/// Never. Source of the rules: `contracts/rules.md`; of the rails: design, "Rails".
pub fn plan(
    clients: Vec<Client>,
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
        let turns_to_error = |c: &Change| matches!(c.edit, Edit::Status { new: Status::Error, .. });
        would_fail += u64::from(changes[before..].iter().any(turns_to_error));
        if changes.len() == before { counts.unchanged += 1 } else { counts.changed += 1 }
    }
    let halted_because = match rails {
        Rails::Forced => None,
        Rails::Hold => empty.or_else(|| mass_outage(would_fail, counts.matched, limits)),
    };
    Plan { changes, findings, counts, halted_because }
}

fn about(kind: FindingKind, client: &Client, detail: &str) -> Finding {
    Finding { kind, system: System::Int6, code: Some(client.code.as_str().into()), detail: detail.to_owned() }
}

/// A reading whose age is unknown is not stale.
fn is_stale(reading: &Reading, limits: &Limits, now: Timestamp) -> bool {
    match (limits.stale_after, reading.updated_at) {
        (Some(limit), Some(at)) => now.duration_since(at) > limit,
        _ => false,
    }
}

/// Writes only what differs; never un-implants, never erases ONU data.
fn compare(client: &Client, reading: &Reading, power: PowerReading, changes: &mut Vec<Change>) {
    let target = power.target();
    let on_client = || Record::Client(client.id.clone());
    let mut change = |record, edit| changes.push(Change { code: client.code.clone(), record, edit });
    if let Some(new) = target.read_power
        && client.read_power != Some(new)
    {
        change(Record::Property(client.property.clone()), Edit::ReadPower { old: client.read_power, new });
    }
    if let Some(new) = target.status
        && client.status != Some(new)
    {
        change(on_client(), Edit::Status { old: client.status, new });
    }
    if target.implantation == Some(Implantation::Implanted)
        && client.implantation == Implantation::NotImplanted
    {
        change(on_client(), Edit::Implant);
    }
    let onu = client.onu.merged(reading.serial.as_ref(), reading.pppoe_user.as_deref(), reading.mac);
    if onu != client.onu {
        change(on_client(), Edit::Onu { old: Box::new(client.onu.clone()), new: Box::new(onu) });
    }
}

/// A side without a usable row is an outage of that side, not of every client.
fn empty_side(clients: &[Client], readings: &[Reading], unreadable: &[Finding]) -> Option<String> {
    let unreadable_of = |system| unreadable.iter().filter(|f| f.system == system).count() as u64;
    let bad = |system, what: &str| match unreadable_of(system) {
        0 => String::new(),
        n => format!(
            ", and {} rows that could not be read: are the field names of {what} right?",
            HumanCount(n)
        ),
    };
    if clients.is_empty() {
        return Some(format!(
            "OZmap returned 0 clients for {} readings of INT6{}",
            HumanCount(readings.len() as u64),
            bad(System::Ozmap, "OZmap"),
        ));
    }
    readings.is_empty().then(|| {
        let clients = HumanCount(clients.len() as u64);
        format!("INT6 returned 0 of {clients} clients{}", bad(System::Int6, "INT6 in the settings"))
    })
}

fn mass_outage(would_fail: u64, matched: u64, limits: &Limits) -> Option<String> {
    let most = matched as f64 * limits.max_error_percent / 100.0;
    (would_fail >= limits.min_error_clients && would_fail as f64 > most).then(|| {
        format!(
            "{} of {} clients would turn to Error in one run, more than {} %; look at INT6, then force the run if it is true",
            HumanCount(would_fail),
            HumanCount(matched),
            limits.max_error_percent,
        )
    })
}

impl fmt::Display for Change {
    /// For people: `~ 10234  power -19.30 -> -21.75 dBm`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "~ {}  ", self.code)?;
        match &self.edit {
            Edit::ReadPower { old: Some(old), new } => write!(f, "power {old} -> {new} dBm"),
            Edit::ReadPower { old: None, new } => write!(f, "power (none) -> {new} dBm"),
            Edit::Status { old, new } => {
                write!(f, "status {} -> {}", old.map_or("(none)", Status::name), new.name())
            }
            Edit::Implant => f.write_str("not implanted -> implanted"),
            Edit::Onu { old, new } => {
                let fields = [
                    ("serial", &old.serial_number, &new.serial_number),
                    ("PPPoE user", &old.pppoe_user, &new.pppoe_user),
                    ("MAC", &old.mac_address, &new.mac_address),
                ];
                let shown = |text: &str| if text.is_empty() { "(none)".to_owned() } else { text.to_owned() };
                let changed: Vec<String> = fields
                    .iter()
                    .filter(|(_, old, new)| old != new)
                    .map(|(name, old, new)| format!("{name} {} -> {}", shown(old), shown(new)))
                    .collect();
                write!(f, "ONU {}", changed.join(", "))
            }
        }
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
