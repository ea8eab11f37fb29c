//! Whether a change can still be written as it was shown, now that its record may have moved. Pure.

use compact_str::CompactString;
use serde_json::{Value, json};

use crate::onu::Onu;
use crate::power::Dbm;
use crate::status::{Implantation, Status};
use crate::sync::change::FieldValue;

/// What a record of OZmap holds now, as far as the sync writes it.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordNow {
    /// A property.
    Property {
        /// Its read power.
        read_power: Option<Dbm>,
    },
    /// A client record.
    Client {
        /// Its status.
        status: Option<Status>,
        /// Its implantation.
        implantation: Implantation,
        /// Its ONU's data.
        onu: Box<Onu>,
    },
}

/// What is to be done with a change.
#[derive(Debug, Clone, PartialEq)]
pub enum Settled {
    /// Write this: what was shown, on top of what the record holds now.
    Write(FieldValue),
    /// The record moved; what stands there, as the API shows it.
    Moved(Value),
}

/// Looks at a change in the light of what its record holds now; `None` if the record is gone.
///
/// A record moved if a field that the change would write no longer holds the old value shown; of ONU data each of the three is
/// a field of its own, so that what a person edited beside it stays. Source: `docs/contracts/rules.md`, "Rails, per field".
pub fn settle(edit: &FieldValue, now: Option<&RecordNow>) -> Settled {
    match (edit, now) {
        (FieldValue::ReadPower { old, .. }, Some(RecordNow::Property { read_power })) => {
            unless_moved(edit, old == read_power, || json!(read_power.map(Dbm::to_f64)))
        }
        (FieldValue::Status { old, .. }, Some(RecordNow::Client { status, .. })) => {
            unless_moved(edit, old == status, || json!(status.map(|status| status.name())))
        }
        (FieldValue::Implant, Some(RecordNow::Client { implantation, .. })) => {
            unless_moved(edit, *implantation == Implantation::NotImplanted, || json!(true))
        }
        (FieldValue::Onu { old, new }, Some(RecordNow::Client { onu, .. })) => settled_onu(old, new, onu),
        _ => Settled::Moved(Value::Null),
    }
}

fn unless_moved(edit: &FieldValue, stands: bool, found: impl FnOnce() -> Value) -> Settled {
    if stands { Settled::Write(edit.clone()) } else { Settled::Moved(found()) }
}

fn settled_onu(old: &Onu, new: &Onu, now: &Onu) -> Settled {
    // Every field is named here, so that a new one is not forgotten.
    let Onu { serial_number, pppoe_user, mac_address } = now;
    // What the change does not touch stays as it is now; `None` if it would, and somebody else did.
    let one = |old: &CompactString, new: &CompactString, now: &CompactString| {
        if old == new { Some(now.clone()) } else { (old == now).then(|| new.clone()) }
    };
    let written = one(&old.serial_number, &new.serial_number, serial_number)
        .zip(one(&old.pppoe_user, &new.pppoe_user, pppoe_user))
        .zip(one(&old.mac_address, &new.mac_address, mac_address));
    match written {
        Some(((serial_number, pppoe_user), mac_address)) => Settled::Write(FieldValue::Onu {
            old: Box::new(now.clone()),
            new: Box::new(Onu { serial_number, pppoe_user, mac_address }),
        }),
        None => Settled::Moved(now.to_json()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn onu(serial: &str, user: &str) -> Onu {
        Onu { serial_number: serial.into(), pppoe_user: user.into(), mac_address: "".into() }
    }

    fn client(onu: Onu) -> RecordNow {
        RecordNow::Client {
            status: Some(Status::Ok),
            implantation: Implantation::Implanted,
            onu: Box::new(onu),
        }
    }

    fn onu_edit(old: Onu, new: Onu) -> FieldValue {
        FieldValue::Onu { old: Box::new(old), new: Box::new(new) }
    }

    #[test]
    fn a_value_that_stands_is_written_and_one_that_moved_is_not() {
        let dbm = |value| Dbm::from_f64(value).expect("a power");
        let edit = FieldValue::ReadPower { old: Some(dbm(-20.0)), new: dbm(-21.0) };
        let holds = |power| RecordNow::Property { read_power: Some(dbm(power)) };
        assert_eq!(settle(&edit, Some(&holds(-20.0))), Settled::Write(edit.clone()));
        assert_eq!(settle(&edit, Some(&holds(-21.0))), Settled::Moved(json!(-21.0)));
        assert_eq!(settle(&edit, None), Settled::Moved(Value::Null));
        let edit = FieldValue::Status { old: Some(Status::Error), new: Status::Ok };
        assert_eq!(settle(&edit, Some(&client(Onu::default()))), Settled::Moved(json!("ok")));
        assert_eq!(settle(&FieldValue::Implant, Some(&client(Onu::default()))), Settled::Moved(json!(true)));
    }

    #[test]
    fn what_a_person_edited_beside_the_serial_number_stays() {
        let edit = onu_edit(onu("FHTT00000001", "old"), onu("FHTT00000002", "old"));
        let Settled::Write(FieldValue::Onu { new, .. }) =
            settle(&edit, Some(&client(onu("FHTT00000001", "new"))))
        else {
            panic!("the serial number stands")
        };
        assert_eq!(*new, onu("FHTT00000002", "new"));
        let moved = settle(&edit, Some(&client(onu("FHTT00000003", "old"))));
        assert!(matches!(moved, Settled::Moved(found) if found["serial_number"] == "FHTT00000003"));
    }
}
