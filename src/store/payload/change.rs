//! A change in the columns of `changes`: its values are JSON, as the API shows them.

use gateway_core::sync::{Change, Field, FieldValue, Record};
use gateway_core::{ClientCode, Dbm, Onu, RecordId, Status};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::NotUnderstood;

/// The columns of a change.
pub(crate) struct StoredChange<'a> {
    pub(crate) code: &'a str,
    pub(crate) field: &'a str,
    /// The property for `read_power`, the client for the others; the first release did not write it.
    pub(crate) record: &'a str,
    pub(crate) old: &'a str,
    pub(crate) new: &'a str,
}

#[derive(Deserialize)]
struct StoredOnuData {
    serial_number: String,
    pppoe_user: String,
    mac_address: String,
}

impl From<StoredOnuData> for Box<Onu> {
    fn from(StoredOnuData { serial_number, pppoe_user, mac_address }: StoredOnuData) -> Box<Onu> {
        Box::new(Onu {
            serial_number: serial_number.into(),
            pppoe_user: pppoe_user.into(),
            mac_address: mac_address.into(),
        })
    }
}

/// The change of its columns.
pub(crate) fn read_change(stored: &StoredChange<'_>) -> Result<Change, NotUnderstood> {
    let StoredChange { code, field, record, old, new } = stored;
    let malformed = |what: &str| NotUnderstood::Malformed(what.to_owned());
    let field: Field = field.parse().map_err(|_| NotUnderstood::Kind((*field).to_owned()))?;
    let edit = match field {
        Field::ReadPower => FieldValue::ReadPower { old: value::<Option<Dbm>>(old)?, new: value(new)? },
        Field::Status => FieldValue::Status { old: value::<Option<Status>>(old)?, new: value(new)? },
        Field::Implantation => FieldValue::Implant,
        Field::Onu => FieldValue::Onu {
            old: value::<StoredOnuData>(old)?.into(),
            new: value::<StoredOnuData>(new)?.into(),
        },
    };
    let record = RecordId::new(record).ok_or_else(|| malformed("its record is missing"))?;
    let record = match field {
        Field::ReadPower => Record::Property(record),
        Field::Status | Field::Implantation | Field::Onu => Record::Client(record),
    };
    let code = ClientCode::new(code).ok_or_else(|| malformed("its code is missing"))?;
    Ok(Change { code, record, edit, held: false })
}

fn value<T: DeserializeOwned>(text: &str) -> Result<T, NotUnderstood> {
    serde_json::from_str(text).map_err(|error| NotUnderstood::Malformed(error.to_string()))
}
