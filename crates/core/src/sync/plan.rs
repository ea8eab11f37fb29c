//! What a run would change, and what of it the rails keep back. Pure.

use jiff::{SignedDuration, Timestamp};

use crate::client::{Client, SyncedClient};
use crate::power::PowerReading;
use crate::status::Implantation;
use crate::sync::change::{Change, Field, FieldValue, Record};
use crate::sync::draft::{Draft, Row};
use crate::sync::finding::{Finding, FindingKind};
use crate::sync::hold::{Halt, Held, HoldReason};
use crate::sync::join::joined;
use crate::sync::limits::{Limits, Rules};
use crate::sync::match_by::MatchBy;
use crate::sync::matching::{Matched, matched_of};
use crate::sync::past::{Measures, Past};
use crate::sync::rails;
use crate::sync::reading::{Reading, ReadingTime};
use crate::sync::run::{Counts, Rails};
use crate::sync::sides::Sides;
use crate::system::System;

/// A reading that is so much ahead of us is from the future. Source: `docs/contracts/rules.md`, "Stale readings".
const FUTURE: SignedDuration = SignedDuration::from_mins(5);

/// Exactly what a run changes: shown, recorded and applied as one value.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// In the order of the codes; what is held among them.
    pub changes: Vec<Change>,
    /// What the rails keep back, by field and reason.
    pub held: Vec<Held>,
    /// What is reported instead of written.
    pub findings: Vec<Finding>,
    /// `changed` counts clients to change, `failed` is 0.
    pub counts: Counts,
    /// Why the reading as a whole is not believed, if it is not.
    pub halt: Option<Halt>,
    /// What a later run is held against, should this one be good.
    pub measures: Measures,
    /// Every client as it was read: what a write must leave alone is known by it.
    pub clients: Vec<SyncedClient>,
}

impl Plan {
    /// What later runs are held against, once this plan was written, less what is held.
    ///
    /// A figure that is held for being repeated must not become what is usual.
    pub fn measure(&self, past: &Past) -> Measures {
        let is_repeated = |held: &Held| matches!(held.reason, HoldReason::Repeated { .. });
        if !self.held.iter().any(is_repeated) {
            return self.measures;
        }
        let usual = past.last.map_or(0.0, |last| last.share_alike());
        Measures { most_alike: (usual * self.measures.measured as f64) as u64, ..self.measures }
    }
}

/// Compares both sides.
///
/// # Panics
/// Never. Source of the rules: `docs/contracts/rules.md`, "What a reading does"; of the rails: "Rails, per field".
pub fn plan(sides: Sides, rules: &Rules, limits: &Limits, past: &Past, rails: Rails, now: Timestamp) -> Plan {
    let sides_seen = rails::Seen::of(&sides);
    let Sides { clients, elsewhere, readings, findings, shape, ended_early } = sides;
    let matched = matched_of(joined(rules.match_by, clients, &elsewhere, readings, findings), now);
    let mut drafting = Drafting { rules, now, untold: Vec::new(), draft: Draft::default() };
    let Matched { by: _, pairs, mut alone, mut findings, mut counts, int6_codes, foreign_codes } = matched;
    for pair in &pairs {
        drafting.add(pair, &mut counts, &mut findings);
    }
    drafting.tell_unknown_ages(&mut findings);
    let mut draft = drafting.draft;
    let context = rails::Context {
        pairs: &pairs,
        seen: &sides_seen,
        shape: &shape,
        ended_early,
        counts: &counts,
        limits,
        past,
        has_stale_limit: rules.stale_after.is_some(),
        foreign_codes,
        int6_codes,
    };
    let rails::Verdict { halt, held, measures, implausible } = rails::judge(&context, &mut draft, rails);
    for row in implausible {
        counts.implausible += 1;
        let (client, _) = &pairs[row];
        findings.push(about(FindingKind::Implausible, client, "the figure is outside what light can be"));
    }
    count_clients(&draft, &mut counts);
    findings.sort_unstable();
    // In the place of the pairs, whose memory serves again.
    let mut everybody: Vec<SyncedClient> = pairs.into_iter().map(|(client, _)| client).collect();
    everybody.append(&mut alone);
    alone.extend(elsewhere);
    Plan { changes: draft.changes, held, findings, counts, halt, measures, clients: everybody }
}

fn count_clients(draft: &Draft, counts: &mut Counts) {
    for row in &draft.rows {
        let changes = draft.of(row);
        let held = changes.iter().filter(|change| change.held).count();
        counts.held += u64::from(held > 0);
        counts.changed += u64::from(held < changes.len());
        counts.unchanged += u64::from(changes.is_empty());
    }
}

/// Goes through the clients that both sides know.
struct Drafting<'a> {
    rules: &'a Rules,
    now: Timestamp,
    /// Clients whose reading has no age that could be believed, and is written all the same.
    untold: Vec<String>,
    draft: Draft,
}

/// What a reading's time says under the tenant's rules.
enum Age {
    Fine,
    Stale,
    Future,
    NotUnderstood,
}

impl Drafting<'_> {
    fn add(
        &mut self,
        (client, reading): &(SyncedClient, Reading),
        counts: &mut Counts,
        findings: &mut Vec<Finding>,
    ) {
        let first = self.draft.changes.len();
        let power = reading.power.within(self.rules.plausible);
        let age = self.age(reading);
        let is_left = match age {
            Age::Fine => false,
            Age::Stale => {
                counts.stale += 1;
                findings.push(about(FindingKind::Stale, client, "the reading is older than the stale limit"));
                true
            }
            Age::Future | Age::NotUnderstood => {
                counts.unknown_age += 1;
                self.note_unknown_age(client, &age, findings)
            }
        };
        self.draft.future += u64::from(matches!(age, Age::Future));
        self.draft.timeless += u64::from(reading.updated_at.known().is_none());
        if !is_left {
            if power == PowerReading::Absent {
                counts.absent += 1;
                findings.push(about(FindingKind::Absent, client, "INT6 has no reading for this client"));
            }
            if client.property.is_none() && power.target().read_power.is_some() {
                counts.no_property += 1;
                let detail = "the client has no property in OZmap, so that its read power has nowhere to go";
                findings.push(Finding {
                    system: System::Ozmap,
                    ..about(FindingKind::NoProperty, client, detail)
                });
            }
            compare(client, reading, power, self.rules, &mut self.draft.changes);
        }
        let figure = match power {
            PowerReading::Measured(power) if !is_left => Some(power),
            _ => None,
        };
        self.draft.rows.push(Row { changes: first..self.draft.changes.len(), figure });
    }

    fn age(&self, reading: &Reading) -> Age {
        match (reading.updated_at, self.rules.stale_after) {
            (ReadingTime::Unsaid, _) => Age::Fine,
            (ReadingTime::NotUnderstood, _) => Age::NotUnderstood,
            (ReadingTime::At(at), _) if at.duration_since(self.now) > FUTURE => Age::Future,
            (ReadingTime::At(at), Some(limit)) if self.now.duration_since(at) > limit => Age::Stale,
            (ReadingTime::At(_), _) => Age::Fine,
        }
    }

    /// With a stale limit the guard cannot see the age: the reading is left alone. Without one it is only told, once for all.
    fn note_unknown_age(&mut self, client: &SyncedClient, age: &Age, findings: &mut Vec<Finding>) -> bool {
        let why = match age {
            Age::Future => "the reading's time lies in the future",
            _ => "the reading's time is not understood",
        };
        let has_limit = self.rules.stale_after.is_some();
        if has_limit {
            let detail = format!("{why}, so that the stale limit cannot be applied; nothing is written");
            findings.push(about(FindingKind::UnknownAge, client, &detail));
        } else {
            self.untold.push(format!("{}: {why}", client.client.code));
        }
        has_limit
    }

    fn tell_unknown_ages(&mut self, findings: &mut Vec<Finding>) {
        if let [first, others @ ..] = self.untold.as_slice() {
            let detail = match others.len() {
                0 => format!("client {first}; it was written all the same"),
                n => format!("client {first}, and {n} more such readings; they were written all the same"),
            };
            findings.push(Finding {
                kind: FindingKind::UnknownAge,
                system: System::Int6,
                code: None,
                detail,
            });
        }
    }
}

fn about(kind: FindingKind, client: &SyncedClient, detail: &str) -> Finding {
    Finding {
        kind,
        system: System::Int6,
        code: Some(client.client.code.as_str().into()),
        detail: detail.to_owned(),
    }
}

/// Writes only what differs; never un-implants, never erases ONU data.
fn compare(
    synced: &SyncedClient,
    reading: &Reading,
    power: PowerReading,
    rules: &Rules,
    changes: &mut Vec<Change>,
) {
    // Every field is named here, so that a new one is not forgotten.
    let SyncedClient { client, property, read_power } = synced;
    let Client { id, code, status, implantation, onu: held, onu_known } = client;
    let Reading { code: _, power: _, serial, pppoe_user, mac, updated_at: _ } = reading;
    let target = power.target();
    let on_client = || Record::Client(id.clone());
    let mut change = |field: Field, record: Record, edit: FieldValue| {
        if rules.fields.contains(field) {
            changes.push(Change { code: code.clone(), record, edit, held: false });
        }
    };
    if let (Some(property), Some(new)) = (property, target.read_power)
        && *read_power != Some(new)
    {
        let edit = FieldValue::ReadPower { old: *read_power, new };
        change(Field::ReadPower, Record::Property(property.clone()), edit);
    }
    if let Some(new) = target.status
        && *status != Some(new)
    {
        change(Field::Status, on_client(), FieldValue::Status { old: *status, new });
    }
    if target.implantation == Some(Implantation::Implanted) && *implantation == Implantation::NotImplanted {
        change(Field::Implantation, on_client(), FieldValue::Implant);
    }
    // By what a client was found is its, in whatever notation.
    let unless = |key: MatchBy| rules.match_by != key;
    let onu = held.merged(
        serial.as_ref().filter(|_| unless(MatchBy::Serial)),
        pppoe_user.as_deref().filter(|_| unless(MatchBy::Pppoe)),
        mac.filter(|_| unless(MatchBy::Mac)),
    );
    if *onu_known && onu != *held {
        let edit = FieldValue::Onu { old: Box::new(held.clone()), new: Box::new(onu) };
        change(Field::Onu, on_client(), edit);
    }
}

#[cfg(test)]
mod tests;
