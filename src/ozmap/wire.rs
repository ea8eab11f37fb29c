//! OZmap's JSON; nothing outside this module knows it. Source: `docs/contracts/ozmap-api.md`.
//!
//! Only what is needed is read: whatever else a row carries (an OLT's password among it) is never made a field.

pub mod calculated_power;
pub mod client_record;
mod client_row;
mod envelope;
mod fields;
mod members;
pub mod network_record;
mod port_states;
mod written;

pub use client_row::{BareClient, BareProperty, ClientReference, UnclearField, client, property};
use compact_str::CompactString;
pub use envelope::{PageInfo, page, row};
use fields::{id_in, project, text, value};
use gateway_core::sync::{FieldValue, Record, SharedValue};
use gateway_core::{Dbm, Onu, Project, RecordId, Status};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
pub use written::{NotWritten, written};

use crate::upstream::RowError;
use crate::upstream::object::Object;

/// Where properties are.
pub(super) const PROPERTIES_ROUTE: &str = "properties";
/// Where clients are.
pub(super) const CLIENTS_ROUTE: &str = "ftth-clients";
/// Routes that have a batch-update.
pub(super) const BATCH_ROUTES: [&str; 2] = [PROPERTIES_ROUTE, CLIENTS_ROUTE];

/// The read power alone.
pub(super) const READ_POWER_FIELD: &str = "potencyRead";
/// Fields of a property that the sync needs.
pub(super) const PROPERTY_FIELDS: &str = "client potencyRead";
/// The same, where projects matter.
pub(super) const PROPERTY_FIELDS_WITH_PROJECT: &str = "client potencyRead project";
/// Where projects are.
pub(super) const PROJECTS_ROUTE: &str = "projects";
/// Fields of a project that matter here.
pub(super) const PROJECT_FIELDS: &str = "name";
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
        SharedValue::ReadPower(_) => PROPERTIES_ROUTE,
        SharedValue::Status(_) | SharedValue::Implanted => CLIENTS_ROUTE,
    }
}

/// The path of one record.
pub(super) fn record_path(record: &Record) -> Vec<String> {
    let route = match record {
        Record::Property(_) => PROPERTIES_ROUTE,
        Record::Client(_) => CLIENTS_ROUTE,
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

/// The body of a PATCH that gives a property its old read power back.
pub(super) fn old_read_power(power: Option<Dbm>) -> Value {
    json!({ "potencyRead": power.map(Dbm::to_f64) })
}

/// The body of a PATCH that gives a client its old status back.
pub(super) fn old_status(status: Status) -> Value {
    shared_update(SharedValue::Status(status))
}

/// The body of a PATCH of a client that a batch called implanted by mistake.
pub(super) fn old_implantation() -> Value {
    json!({ "implanted": false })
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

/// What a row is read to.
pub(super) trait OfRecord {
    /// The record of which the row is, where that was read.
    fn record(&self) -> Option<RecordId>;
}

impl<T: OfRecord> OfRecord for Result<T, RowError> {
    fn record(&self) -> Option<RecordId> {
        self.as_ref().ok()?.record()
    }
}

/// A row that is not read yet.
impl OfRecord for Box<RawValue> {
    fn record(&self) -> Option<RecordId> {
        None
    }
}

/// The project of a row of any route, if the row says one.
pub fn project_of(row: &RawValue) -> Option<Project> {
    project(&value(&object(row)?, "project"))
}

/// Identifier and name of a row of `/projects`.
pub(super) fn named_project(row: &RawValue) -> Option<(RecordId, CompactString)> {
    let row = object(row)?;
    id_in(&row).zip(text(&value(&row, "name")))
}

/// The identifier of a row of any route.
pub(super) fn id_of(row: &RawValue) -> Option<RecordId> {
    id_in(&object(row)?)
}

fn object(row: &RawValue) -> Option<Object<'_>> {
    serde_json::from_str(row.get()).ok()
}

#[cfg(test)]
mod tests;
