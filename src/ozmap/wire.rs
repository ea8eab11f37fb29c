//! OZmap's JSON; nothing outside this module knows it. Source: `docs/contracts/ozmap-api.md`.
//!
//! Only what is needed is read: whatever else a row carries (an OLT's password among it) is never made a field.

pub mod calculated_power;
pub mod client_record;
mod envelope;
mod fields;
pub mod network_record;

pub use envelope::{PageInfo, page, row};
use fields::{onu, read_power, record_id, status, switch};
use gateway_core::sync::{FieldValue, Record, SharedValue};
use gateway_core::{Client, ClientCode, Dbm, Implantation, Onu, RecordId, Status};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::upstream::{FieldProblem, RowError, WireError, json};

/// Fields of a property that the sync needs.
pub(super) const PROPERTY_FIELDS: &str = "client potencyRead";
/// Fields of a client that the sync needs.
pub(super) const CLIENT_FIELDS: &str = "code implanted status onu";

/// Properties by which a filter may name a record, in the order in which they are tried: the contract says that some
/// routes give `id` and some `_id`.
pub(super) const ID_PROPERTIES: [&str; 2] = ["id", "_id"];

/// The path of a route: `["api", "v2", "properties"]`.
pub(super) fn path(route: &str) -> Vec<String> {
    ["api", "v2"].into_iter().chain(route.split('/')).map(str::to_owned).collect()
}

/// The route of the records that carry a shared value.
pub(super) fn route_of(value: SharedValue) -> &'static str {
    match value {
        SharedValue::ReadPower(_) => "properties",
        SharedValue::Status(_) | SharedValue::Implanted => "ftth-clients",
    }
}

/// The path of one record.
pub(super) fn record_path(record: &Record) -> Vec<String> {
    let route = match record {
        Record::Property(_) => "properties",
        Record::Client(_) => "ftth-clients",
    };
    path(&format!("{route}/{}", record.id()))
}

/// A filter for records by identifier, named `property` (`id` or `_id`).
pub(super) fn filter_by_id<'a>(property: &str, ids: impl Iterator<Item = &'a RecordId>) -> Value {
    let ids: Vec<&str> = ids.map(RecordId::as_str).collect();
    json!([{ "property": property, "operator": "in", "value": ids }])
}

/// The body of a batch-update: these records, named by `property`, get this value.
pub(super) fn batch_body<'a>(
    property: &str,
    ids: impl Iterator<Item = &'a RecordId>,
    value: SharedValue,
) -> Value {
    json!({ "filter": filter_by_id(property, ids), "update": shared_update(value) })
}

fn shared_update(value: SharedValue) -> Value {
    match value {
        SharedValue::ReadPower(power) => json!({ "potencyRead": power.to_f64() }),
        SharedValue::Status(status) => json!({ "status": status_code(status) }),
        SharedValue::Implanted => json!({ "implanted": true }),
    }
}

/// The body of a PATCH with these edits of one record.
pub fn patch_body<'a>(edits: impl Iterator<Item = &'a FieldValue>) -> Value {
    let mut body = Map::new();
    for edit in edits {
        let (name, value) = match edit {
            FieldValue::ReadPower { new, .. } => ("potencyRead", json!(new.to_f64())),
            FieldValue::Status { new, .. } => ("status", json!(status_code(*new))),
            FieldValue::Implant => ("implanted", json!(true)),
            FieldValue::Onu { new, .. } => ("onu", onu_body(new)),
        };
        body.insert(name.to_owned(), value);
    }
    Value::Object(body)
}

/// All three fields, because a PATCH of `onu` may replace the object.
fn onu_body(onu: &Onu) -> Value {
    let Onu { serial_number, pppoe_user, mac_address } = onu;
    json!({ "user_PPPoE": pppoe_user, "serial_number": serial_number, "mac_address": mac_address })
}

fn status_code(status: Status) -> u8 {
    match status {
        Status::Ok => 0,
        Status::Error => 1,
    }
}

/// A property, as far as the sync needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct BareProperty {
    /// The record.
    pub id: RecordId,
    /// Read power; `None` if there is none.
    pub read_power: Option<Dbm>,
    /// Its client.
    pub client: Option<ClientReference>,
}

/// A client, as far as a row of OZmap says.
#[derive(Debug, Clone, PartialEq)]
pub enum ClientReference {
    /// The whole of what the sync needs.
    Whole(Client),
    /// The row gave the identifier only.
    Id(RecordId),
}

/// A row of `/properties`, and of `/properties/client/{code}`.
#[derive(Deserialize)]
struct PropertyRow {
    #[serde(default)]
    id: Value,
    #[serde(default, rename = "_id")]
    underscore_id: Value,
    #[serde(default)]
    client: Value,
    #[serde(default, rename = "potencyRead")]
    potency_read: Value,
    #[serde(default, rename = "box")]
    site: Value,
    #[serde(default)]
    address: Value,
    #[serde(default)]
    lat: Value,
    #[serde(default)]
    lng: Value,
    #[serde(default)]
    coords: Value,
    /// `None` if the row does not say; null says that the property is on no splitter.
    #[serde(default, deserialize_with = "null_or_value")]
    connections: Option<Value>,
}

/// Keeps null apart from a field that is missing.
fn null_or_value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl PropertyRow {
    fn id(&self) -> Result<RecordId, WireError> {
        record_id(&self.id, &self.underscore_id).ok_or(WireError::NoId("a property"))
    }

    fn read_power(&self) -> Result<Option<Dbm>, WireError> {
        read_power(&self.potency_read).map_err(|problem| WireError::field("potencyRead", problem))
    }

    fn client(&self) -> Result<Option<ClientReference>, RowError> {
        let wrong = |shape: &'static str| WireError::field("client", shape);
        match &self.client {
            Value::Null => Ok(None),
            Value::String(id) => {
                let id = RecordId::new(id).ok_or_else(|| wrong("is no identifier"))?;
                Ok(Some(ClientReference::Id(id)))
            }
            Value::Object(fields) => client_reference(fields).map(Some),
            _ => Err(wrong("is neither object nor identifier").into()),
        }
    }
}

/// Reads a row of `/properties`.
///
/// # Errors
/// [`RowError`].
pub fn property(row: &RawValue) -> Result<BareProperty, RowError> {
    let row: PropertyRow = json::parse_row("a property", row)?;
    let id = row.id()?;
    let client = row.client().map_err(|error| error.in_record("property", &id))?;
    let read_power = row.read_power().map_err(|error| RowError {
        code: client.as_ref().and_then(ClientReference::code).map(|code| code.as_str().into()),
        what: error.in_record("property", &id),
    })?;
    Ok(BareProperty { id, read_power, client })
}

impl ClientReference {
    fn code(&self) -> Option<&ClientCode> {
        match self {
            ClientReference::Whole(client) => Some(&client.code),
            ClientReference::Id(_) => None,
        }
    }
}

/// Reads a row of `/ftth-clients`.
///
/// # Errors
/// [`RowError`].
pub fn client(row: &RawValue) -> Result<Client, RowError> {
    bare_client(&json::parse_row("a client", row)?)
}

fn bare_client(fields: &Map<String, Value>) -> Result<Client, RowError> {
    match client_reference(fields)? {
        ClientReference::Whole(client) => Ok(client),
        ClientReference::Id(id) => {
            Err(WireError::field("code", FieldProblem::Missing).in_record("client", &id).into())
        }
    }
}

fn client_reference(fields: &Map<String, Value>) -> Result<ClientReference, RowError> {
    let get = |name: &str| fields.get(name).unwrap_or(&Value::Null);
    let id = record_id(get("id"), get("_id")).ok_or(WireError::NoId("`client`"))?;
    let code = match get("code") {
        Value::Null => return Ok(ClientReference::Id(id)),
        Value::String(code) => ClientCode::new(code),
        Value::Number(code) => ClientCode::new(&code.to_string()),
        _ => None,
    };
    let wrong =
        |field: &str, problem: FieldProblem| WireError::field(field, problem).in_record("client", &id);
    let code = code.ok_or_else(|| wrong("code", "is empty or no text".into()))?;
    let of_client = |what: WireError| RowError { code: Some(code.as_str().into()), what };
    let implantation = match switch(get("implanted")).map_err(|e| of_client(wrong("implanted", e)))? {
        true => Implantation::Implanted,
        false => Implantation::NotImplanted,
    };
    let onu = onu(get("onu")).map_err(|e| of_client(wrong("onu", e)))?;
    let status = status(get("status"));
    Ok(ClientReference::Whole(Client { id, code, status, implantation, onu }))
}

/// The identifier of a row of any route.
pub(super) fn id_of(row: &RawValue) -> Option<RecordId> {
    let row: Value = serde_json::from_str(row.get()).ok()?;
    record_id(&row["id"], &row["_id"])
}

#[cfg(test)]
mod tests;
