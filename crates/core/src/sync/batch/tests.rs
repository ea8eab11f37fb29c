use proptest::prelude::*;

use super::*;
use crate::{ClientCode, Dbm, Onu, RecordId, Status};

fn id(text: String) -> RecordId {
    RecordId::new(&text).expect("an identifier")
}

fn power(client: u32, hundredths: i32) -> Change {
    let new = Dbm::from_hundredths(hundredths).expect("a power");
    change(client, Record::Property(id(format!("p{client}"))), FieldValue::ReadPower { old: None, new })
}

fn on_client(client: u32, edit: FieldValue) -> Change {
    change(client, Record::Client(id(format!("c{client}"))), edit)
}

fn change(client: u32, record: Record, edit: FieldValue) -> Change {
    Change { code: ClientCode::new(&client.to_string()).expect("a code"), record, edit, held: false }
}

fn status(client: u32, new: Status) -> Change {
    on_client(client, FieldValue::Status { old: None, new })
}

const BY_VALUE: Grouping = Grouping::ByValue { largest: 100 };

#[test]
fn nothing_to_do_makes_no_call() {
    assert_eq!(batch(&[], BY_VALUE, |_| false), []);
}

#[test]
fn one_value_on_many_records_is_one_call_and_a_value_of_its_own_is_a_patch() {
    let changes =
        [power(1, -2100), power(2, -2100), power(3, -2200), status(1, Status::Ok), status(3, Status::Ok)];
    let calls = batch(&changes, BY_VALUE, |_| false);
    let value = SharedValue::ReadPower(Dbm::from_hundredths(-2100).expect("a power"));
    assert_eq!(
        calls,
        [
            Call::Set { value, changes: vec![0, 1] },
            Call::Set { value: SharedValue::Status(Status::Ok), changes: vec![3, 4] },
            Call::Patch { changes: vec![2] },
        ]
    );
}

#[test]
fn what_one_record_has_alone_goes_into_one_patch() {
    let onu = FieldValue::Onu {
        old: Box::default(),
        new: Box::new(Onu { pppoe_user: "a".into(), ..Onu::default() }),
    };
    let changes = [status(1, Status::Error), on_client(1, FieldValue::Implant), on_client(1, onu)];
    assert_eq!(batch(&changes, BY_VALUE, |_| false), [Call::Patch { changes: vec![0, 1, 2] }]);
}

#[test]
fn a_value_without_batch_update_is_written_record_by_record() {
    let changes = [power(1, -2100), power(2, -2100), status(1, Status::Ok), status(2, Status::Ok)];
    let calls = batch(&changes, BY_VALUE, |value| matches!(value, SharedValue::ReadPower(_)));
    assert_eq!(calls.len(), 3);
    assert_eq!(batch(&changes, Grouping::ByRecord, |_| false).len(), 4);
}

#[test]
fn a_large_group_is_cut_and_a_remainder_of_one_is_a_patch() {
    let changes: Vec<Change> = (0..201).map(|client| power(client, -2100)).collect();
    let calls = batch(&changes, BY_VALUE, |_| false);
    let sizes: Vec<usize> = calls.iter().map(|call| call.changes().len()).collect();
    assert_eq!(sizes, [100, 100, 1]);
    assert!(matches!(calls[2], Call::Patch { .. }));
}

#[test]
fn a_call_narrows_down_to_single_records() {
    let value = SharedValue::Implanted;
    let call = Call::Set { value, changes: vec![3, 5, 8] };
    let [left, right] = call.narrowed().expect("three can be halved");
    assert_eq!((left, right), (Call::Patch { changes: vec![3] }, Call::Set { value, changes: vec![5, 8] }));
    assert_eq!(Call::Patch { changes: vec![3] }.narrowed(), None);
}

proptest! {
    #[test]
    fn every_change_is_in_exactly_one_call_of_its_own_value(
        edits in prop::collection::vec((0u32..40, -5i32..5, any::<bool>()), 0..200),
        largest in 1usize..20,
        batches in any::<bool>(),
    ) {
        let mut seen = std::collections::HashSet::new();
        let changes: Vec<Change> = edits
            .into_iter()
            .filter(|(client, _, is_power)| seen.insert((*client, *is_power)))
            .map(|(client, value, is_power)| match is_power {
                true => power(client, value),
                false => status(client, if value < 0 { Status::Error } else { Status::Ok }),
            })
            .collect();
        let calls = batch(&changes, Grouping::ByValue { largest }, |_| !batches);
        let mut carried: Vec<u32> = calls.iter().flat_map(|call| call.changes().to_vec()).collect();
        carried.sort_unstable();
        prop_assert_eq!(carried, (0..changes.len() as u32).collect::<Vec<_>>());
        for call in &calls {
            prop_assert!(call.changes().len() <= largest.max(2));
            match call {
                Call::Set { value, .. } => {
                    prop_assert!(super::edits(&changes, call).all(|edit| SharedValue::of(edit) == Some(*value)));
                }
                Call::Patch { changes: members } => {
                    let record = &changes[members[0] as usize].record;
                    prop_assert!(members.iter().all(|&i| &changes[i as usize].record == record));
                }
            }
        }
    }
}
