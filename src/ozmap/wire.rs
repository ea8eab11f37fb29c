//! OZmap's JSON; nothing outside this module knows it. Source: `docs/contracts/ozmap-api.md`.
//!
//! Only what is needed is read: whatever else a row carries (an OLT's password among it) is never made a field.

pub mod calculated_power;
pub mod client_record;
mod envelope;
mod fields;
pub mod network_record;
mod port_states;
mod written;

use compact_str::CompactString;
pub use envelope::{PageInfo, page, row};
use fields::{is_nothing, onu, plain, power, project, record_id, status, switch, text};
use gateway_core::sync::{FieldValue, Record, SharedValue};
use gateway_core::{Client, ClientCode, Dbm, Implantation, Onu, Project, RecordId, Status};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
pub use written::written;

use crate::upstream::{FieldProblem, RowError, WireError, json};

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

/// A property, as far as the sync needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct BareProperty {
    /// The record.
    pub id: RecordId,
    /// Read power; `None` if there is none.
    pub read_power: Option<Dbm>,
    /// Its client.
    pub client: Option<ClientReference>,
    /// Its project, if the row says one.
    pub project: Option<Project>,
    /// Fields that are not understood, its client's among them.
    pub unclear: Vec<UnclearField>,
}

/// A client of which single fields may not be understood.
#[derive(Debug, Clone, PartialEq)]
pub struct BareClient {
    /// The client, each such field as if OZmap held nothing that is known here, and no reason to write.
    pub client: Client,
    /// The fields.
    pub unclear: Vec<UnclearField>,
}

/// A field that is not understood, and costs nothing but itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnclearField {
    /// Its name in OZmap.
    pub name: &'static str,
    /// What is wrong with it, and how it counts.
    pub counts_as: &'static str,
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
    #[serde(default)]
    project: Value,
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

    /// The read power; what is no number counts as none, because the next reading replaces it.
    fn read_power(&self) -> (Option<Dbm>, Option<UnclearField>) {
        match power(&self.potency_read) {
            Ok(power) => (power, None),
            Err(_) => (
                None,
                Some(UnclearField { name: "potencyRead", counts_as: "is no power; it counts as none" }),
            ),
        }
    }

    fn client(&self) -> Result<Option<(ClientReference, Vec<UnclearField>)>, RowError> {
        match &self.client {
            nothing if is_nothing(nothing) => Ok(None),
            Value::Object(fields) => client_reference(fields).map(Some),
            id => {
                let id = record_id(id, &Value::Null);
                let id = id.ok_or_else(|| WireError::field("client", "is neither object nor identifier"))?;
                Ok(Some((ClientReference::Id(id), Vec::new())))
            }
        }
    }
}

/// Reads a row of `/properties`.
///
/// # Errors
/// [`RowError`], if the row or its client cannot be told from others; other fields are in [`BareProperty::unclear`].
pub fn property(row: &RawValue) -> Result<BareProperty, RowError> {
    let row: PropertyRow = json::parse_row("a property", row)?;
    let id = row.id()?;
    let client = row.client().map_err(|error| error.in_record("property", &id))?;
    let (client, mut unclear) =
        client.map_or((None, Vec::new()), |(client, unclear)| (Some(client), unclear));
    let (read_power, unclear_power) = row.read_power();
    unclear.extend(unclear_power);
    Ok(BareProperty { id, read_power, client, project: project(&row.project), unclear })
}

impl ClientReference {
    /// The code, if the row says it.
    pub fn code(&self) -> Option<&ClientCode> {
        match self {
            ClientReference::Whole(client) => Some(&client.code),
            ClientReference::Id(_) => None,
        }
    }

    /// The client's record.
    pub fn id(&self) -> &RecordId {
        match self {
            ClientReference::Whole(client) => &client.id,
            ClientReference::Id(id) => id,
        }
    }
}

/// Reads a row of `/ftth-clients`.
///
/// # Errors
/// [`RowError`], if identifier or code cannot be read; other fields are in [`BareClient::unclear`].
pub fn client(row: &RawValue) -> Result<BareClient, RowError> {
    bare_client(&json::parse_row("a client", row)?)
}

fn bare_client(fields: &Map<String, Value>) -> Result<BareClient, RowError> {
    match client_reference(fields)? {
        (ClientReference::Whole(client), unclear) => Ok(BareClient { client, unclear }),
        (ClientReference::Id(id), _) => {
            Err(WireError::field("code", FieldProblem::Missing).in_record("client", &id).into())
        }
    }
}

fn client_reference(fields: &Map<String, Value>) -> Result<(ClientReference, Vec<UnclearField>), RowError> {
    let get = |name: &str| fields.get(name).unwrap_or(&Value::Null);
    let id = record_id(get("id"), get("_id")).ok_or(WireError::NoId("`client`"))?;
    let code = match get("code") {
        Value::Null => return Ok((ClientReference::Id(id), Vec::new())),
        Value::String(code) => ClientCode::new(code),
        Value::Number(code) => ClientCode::new(&plain(code)),
        _ => None,
    };
    let wrong = || WireError::field("code", "is empty or no text").in_record("client", &id);
    let code = code.ok_or_else(wrong)?;
    let mut unclear = Vec::new();
    // Never guessed towards a write: who may be implanted already is not implanted by the sync.
    let implanted = switch(get("implanted")).unwrap_or_else(|_| {
        let counts_as = "is neither true nor false; the client counts as implanted";
        unclear.push(UnclearField { name: "implanted", counts_as });
        true
    });
    let implantation = if implanted { Implantation::Implanted } else { Implantation::NotImplanted };
    let onu = onu(get("onu")).ok();
    if onu.is_none() {
        unclear
            .push(UnclearField { name: "onu", counts_as: "is no object of texts; ONU data are left alone" });
    }
    let status = status(get("status"));
    if status.is_none() && !is_nothing(get("status")) {
        unclear.push(UnclearField { name: "status", counts_as: "is neither 0 nor 1; it counts as unknown" });
    }
    let (onu_known, onu) = (onu.is_some(), onu.unwrap_or_default());
    Ok((ClientReference::Whole(Client { id, code, status, implantation, onu, onu_known }), unclear))
}

/// The project of a row of any route, if the row says one.
pub fn project_of(row: &RawValue) -> Option<Project> {
    #[derive(Deserialize)]
    struct ProjectOnly {
        #[serde(default)]
        project: Value,
    }
    let row: ProjectOnly = serde_json::from_str(row.get()).ok()?;
    project(&row.project)
}

/// Identifier and name of a row of `/projects`.
pub(super) fn named_project(row: &RawValue) -> Option<(RecordId, CompactString)> {
    #[derive(Deserialize)]
    struct NameOnly {
        #[serde(default)]
        name: Value,
    }
    let NameOnly { name } = serde_json::from_str(row.get()).ok()?;
    id_of(row).zip(text(&name))
}

/// The identifier of a row of any route.
pub(super) fn id_of(row: &RawValue) -> Option<RecordId> {
    #[derive(Deserialize)]
    struct IdOnly {
        #[serde(default)]
        id: Value,
        #[serde(default, rename = "_id")]
        underscore_id: Value,
    }
    let row: IdOnly = serde_json::from_str(row.get()).ok()?;
    record_id(&row.id, &row.underscore_id)
}

#[cfg(test)]
mod tests;
