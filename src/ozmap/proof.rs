//! Whether a batch reached the records that it named, and no others. Pure.

use std::collections::{HashMap, HashSet};

use gateway_core::sync::SharedValue;
use gateway_core::{Dbm, Implantation, RecordId, Status, SyncedClient};

use super::fresh::FreshRecord;

/// Hosts round to one decimal, so that a value up to this far off, in hundredths of a dB, is the one that was written.
const ROUNDING: i32 = 5;
/// Records of a batch that are read back.
const WITNESSES: usize = 3;
/// Fewer bystanders prove nothing.
pub(super) const LEAST_BYSTANDERS: usize = 2;
/// Records outside that are read with them.
const BYSTANDERS: usize = 50;

/// What a record held before a batch of which it is no part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Held {
    ReadPower(Option<Dbm>),
    Status(Status),
    NotImplanted,
}

/// A record outside a batch, which would show that the batch reached it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bystander {
    pub(super) id: RecordId,
    pub(super) held: Held,
}

/// Those records of these clients that are not in the batch and hold something else than it sets.
pub(super) fn bystanders(
    value: SharedValue,
    inside: &[&RecordId],
    outside: &[SyncedClient],
) -> Vec<Bystander> {
    let inside: HashSet<&RecordId> = inside.iter().copied().collect();
    let of = |synced: &SyncedClient| {
        let SyncedClient { client, property, read_power } = synced;
        let (id, held) = match value {
            SharedValue::ReadPower(new) => {
                (property.as_ref()?, (!is_same(*read_power, new)).then_some(Held::ReadPower(*read_power))?)
            }
            SharedValue::Status(new) => {
                (&client.id, client.status.filter(|held| *held != new).map(Held::Status)?)
            }
            SharedValue::Implanted => (
                &client.id,
                (client.implantation == Implantation::NotImplanted).then_some(Held::NotImplanted)?,
            ),
        };
        (!inside.contains(id)).then(|| Bystander { id: id.clone(), held })
    };
    outside.iter().filter_map(of).collect()
}

/// Some of the bystanders, from end to end.
pub(super) fn sample(bystanders: &[Bystander]) -> impl Iterator<Item = &Bystander> {
    bystanders.iter().step_by(bystanders.len().div_ceil(BYSTANDERS).max(1))
}

/// Some of the records of a batch: the first, one in the middle, the last.
pub(super) fn witnesses<'a>(ids: &[&'a RecordId]) -> Vec<&'a RecordId> {
    ids.iter().copied().step_by(ids.len().div_ceil(WITNESSES).max(1)).collect()
}

/// Whether a record holds the value that a batch sets.
pub(super) fn holds(record: &FreshRecord, value: SharedValue) -> bool {
    match (record, value) {
        (FreshRecord::Property { read_power, .. }, SharedValue::ReadPower(power)) => {
            is_same(*read_power, power)
        }
        (FreshRecord::Client(client), SharedValue::Status(status)) => client.status == Some(status),
        (FreshRecord::Client(client), SharedValue::Implanted) => {
            client.implantation == Implantation::Implanted
        }
        (FreshRecord::Client(_), SharedValue::ReadPower(_))
        | (FreshRecord::Property { .. }, SharedValue::Status(_) | SharedValue::Implanted) => false,
    }
}

/// Whether none of the batch's records that are still there holds the value.
pub(super) fn missed(ids: &[&RecordId], now: &HashMap<RecordId, FreshRecord>, value: SharedValue) -> bool {
    let mut there = ids.iter().filter_map(|id| now.get(*id)).peekable();
    there.peek().is_some() && !there.any(|record| holds(record, value))
}

/// Whether a batch reached records that it did not name. A host that ignores the filter sets its value everywhere; a single record
/// with that value may be a person's edit of the same moment, which must stay.
pub(super) fn is_everywhere(
    sample: &[&Bystander],
    now: &HashMap<RecordId, FreshRecord>,
    value: SharedValue,
) -> bool {
    let changed = reached(sample.iter().copied(), now, value).len();
    changed >= LEAST_BYSTANDERS && changed * 2 > sample.len()
}

/// The bystanders that hold the batch's value now.
pub(super) fn reached<'a>(
    bystanders: impl Iterator<Item = &'a Bystander>,
    now: &HashMap<RecordId, FreshRecord>,
    value: SharedValue,
) -> Vec<&'a Bystander> {
    bystanders.filter(|one| now.get(&one.id).is_some_and(|record| holds(record, value))).collect()
}

fn is_same(held: Option<Dbm>, power: Dbm) -> bool {
    held.is_some_and(|held| held.distance(power).hundredths() <= ROUNDING)
}

#[cfg(test)]
mod tests {
    use gateway_core::{Client, ClientCode, Onu};

    use super::*;

    fn id(name: &str) -> RecordId {
        RecordId::new(name).expect("an identifier")
    }

    fn dbm(dbm: f64) -> Dbm {
        Dbm::from_f64(dbm).expect("a power")
    }

    fn client(
        name: &str,
        power: Option<f64>,
        status: Option<Status>,
        implantation: Implantation,
    ) -> SyncedClient {
        let client = Client {
            id: id(name),
            code: ClientCode::new("1").expect("a code"),
            status,
            implantation,
            onu: Onu::default(),
            onu_known: true,
        };
        SyncedClient { client, property: Some(id(&format!("p{name}"))), read_power: power.map(dbm) }
    }

    fn ids(bystanders: &[Bystander]) -> Vec<&str> {
        bystanders.iter().map(|one| one.id.as_str()).collect()
    }

    #[test]
    fn a_bystander_is_outside_and_holds_something_else() {
        let outside = [
            client("a", Some(-20.0), Some(Status::Ok), Implantation::Implanted),
            client("b", Some(-21.5), Some(Status::Error), Implantation::NotImplanted),
            client("c", None, None, Implantation::Implanted),
            SyncedClient {
                property: None,
                ..client("d", None, Some(Status::Error), Implantation::Implanted)
            },
        ];
        let of = |value, inside: &[&RecordId]| bystanders(value, inside, &outside);
        let power = SharedValue::ReadPower(dbm(-21.53));
        assert_eq!(ids(&of(power, &[])), ["pa", "pc"], "-21.5 may be -21.53, rounded");
        assert_eq!(ids(&of(power, &[&id("pa")])), ["pc"]);
        assert_eq!(
            ids(&of(SharedValue::Status(Status::Ok), &[])),
            ["b", "d"],
            "what is unknown cannot be restored"
        );
        assert_eq!(ids(&of(SharedValue::Implanted, &[])), ["b"]);
    }

    #[test]
    fn a_batch_missed_if_none_of_its_records_holds_the_value() {
        let power = SharedValue::ReadPower(dbm(-21.53));
        let record = |name: &str, power: f64| {
            (id(name), FreshRecord::Property { id: id(name), read_power: Some(dbm(power)) })
        };
        let (a, b) = (id("a"), id("b"));
        let batch = [&a, &b];
        assert!(missed(&batch, &[record("a", -20.0), record("b", -20.0)].into(), power));
        assert!(
            !missed(&batch, &[record("a", -20.0), record("b", -21.5)].into(), power),
            "somebody edited a"
        );
        assert!(!missed(&batch, &HashMap::new(), power), "both are gone");
        let outside = [Bystander { id: id("c"), held: Held::ReadPower(None) }];
        assert_eq!(reached(outside.iter(), &[record("c", -21.53)].into(), power).len(), 1);
        assert_eq!(reached(outside.iter(), &[record("c", -20.0)].into(), power), Vec::<&Bystander>::new());
        let of = |name: &str| Bystander { id: id(name), held: Held::ReadPower(None) };
        let (d, e) = (of("d"), of("e"));
        let sample = [&outside[0], &d, &e];
        let now = |powers: [f64; 3]| {
            [record("c", powers[0]), record("d", powers[1]), record("e", powers[2])].into()
        };
        assert!(!is_everywhere(&sample, &now([-21.53, -20.0, -20.0]), power), "somebody edited c");
        assert!(is_everywhere(&sample, &now([-21.53, -21.53, -20.0]), power));
        assert!(!is_everywhere(&sample[..1], &now([-21.53, -21.53, -21.53]), power), "one proves nothing");
    }

    #[test]
    fn samples_are_small_and_go_from_end_to_end() {
        let many: Vec<Bystander> =
            (0..1_000).map(|n| Bystander { id: id(&format!("r{n}")), held: Held::NotImplanted }).collect();
        let sampled: Vec<&str> = sample(&many).map(|one| one.id.as_str()).collect();
        assert!(
            sampled.len() <= BYSTANDERS && sampled.first() == Some(&"r0") && sampled.last() == Some(&"r980")
        );
        let ids: Vec<RecordId> = (0..10).map(|n| id(&format!("r{n}"))).collect();
        assert_eq!(witnesses(&ids.iter().collect::<Vec<_>>()).len(), WITNESSES);
        assert_eq!(witnesses(&[]), Vec::<&RecordId>::new());
    }
}
