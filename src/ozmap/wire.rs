//! OZmap's JSON; nothing outside this module knows it. Source: `docs/contracts/ozmap-api.md`.
//!
//! Only what is needed is read: whatever else a row carries (an OLT's password among it) is never made a field.

pub mod client_record;
pub mod network_record;
pub mod potency;

use compact_str::CompactString;
use gateway_core::sync::{Edit, Record, SharedValue};
use gateway_core::{ClientCode, Dbm, Implantation, Onu, RecordId, Status};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// Fields of a property that the sync needs.
pub const PROPERTY_FIELDS: &str = "client potencyRead";
/// Fields of a client that the sync needs.
pub const CLIENT_FIELDS: &str = "code implanted status onu";

/// Properties by which a filter may name a record, in the order in which they are tried: the contract says that some
/// routes give `id` and some `_id`.
pub const ID_PROPERTIES: [&str; 2] = ["id", "_id"];

/// The path of a route: `["api", "v2", "properties"]`.
pub fn path(route: &str) -> Vec<String> {
    ["api", "v2"].into_iter().chain(route.split('/')).map(str::to_owned).collect()
}

/// The route of the records that carry a shared value.
pub fn route_of(value: SharedValue) -> &'static str {
    match value {
        SharedValue::ReadPower(_) => "properties",
        SharedValue::Status(_) | SharedValue::Implanted => "ftth-clients",
    }
}

/// The path of one record.
pub fn record_path(record: &Record) -> Vec<String> {
    let route = match record {
        Record::Property(_) => "properties",
        Record::Client(_) => "ftth-clients",
    };
    path(&format!("{route}/{}", record.id()))
}

/// A filter for records by identifier, named `property` (`id` or `_id`).
pub fn filter_by_id<'a>(property: &str, ids: impl Iterator<Item = &'a RecordId>) -> Value {
    let ids: Vec<&str> = ids.map(RecordId::as_str).collect();
    json!([{ "property": property, "operator": "in", "value": ids }])
}

/// The `update` of a batch.
pub fn shared_update(value: SharedValue) -> Value {
    match value {
        SharedValue::ReadPower(power) => json!({ "potencyRead": power.to_f64() }),
        SharedValue::Status(status) => json!({ "status": status_code(status) }),
        SharedValue::Implanted => json!({ "implanted": true }),
    }
}

/// The body of a PATCH with these edits of one record.
pub fn patch_body<'a>(edits: impl Iterator<Item = &'a Edit>) -> Value {
    let mut body = serde_json::Map::new();
    for edit in edits {
        let (name, value) = match edit {
            Edit::ReadPower { new, .. } => ("potencyRead", json!(new.to_f64())),
            Edit::Status { new, .. } => ("status", json!(status_code(*new))),
            Edit::Implant => ("implanted", json!(true)),
            Edit::Onu { new, .. } => ("onu", onu_body(new)),
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

/// What a list says beside its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageInfo {
    /// Rows on this page.
    pub rows: usize,
    /// Rows in all, if it says so.
    pub total: Option<u64>,
    /// Whether more follow; older hosts do not say.
    pub has_next: Option<bool>,
    /// Query of the next page, with its cursor.
    pub next_query: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    rows: Vec<&'a RawValue>,
    #[serde(default)]
    total: Value,
    #[serde(default, rename = "hasNextPage")]
    has_next_page: Value,
    #[serde(default, rename = "nextUrl")]
    next_url: Value,
}

/// Reads a list and hands each row to `sink`, unread, so that one bad row does not cost the others.
///
/// # Errors
/// What is wrong with the envelope.
pub fn page(body: &[u8], sink: &mut dyn FnMut(&RawValue)) -> Result<PageInfo, String> {
    let envelope: Envelope<'_> = serde_json::from_slice(body)
        .map_err(|e| format!("a list with `rows` is expected: {}", explain(&e)))?;
    let Envelope { rows, total, has_next_page, next_url } = envelope;
    for row in &rows {
        sink(row);
    }
    Ok(PageInfo {
        rows: rows.len(),
        total: total.as_u64(),
        has_next: has_next_page.as_bool(),
        next_query: next_url.as_str().map(query_of).unwrap_or_default(),
    })
}

/// Reads one record; `None` for an empty body and `null`.
///
/// # Errors
/// What is wrong with the record.
pub fn row<T>(body: &[u8], read: impl Fn(&RawValue) -> Result<T, RowError>) -> Result<Option<T>, String> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    let row: Option<&RawValue> =
        serde_json::from_slice(body).map_err(|e| format!("a record is expected: {}", explain(&e)))?;
    row.map(read).transpose().map_err(|e| e.what)
}

/// Category and place of a JSON error; its text could repeat a value.
pub fn explain(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Io => "it could not be read",
        serde_json::error::Category::Syntax => "it is not JSON",
        serde_json::error::Category::Data => "it has another shape",
        serde_json::error::Category::Eof => "it ends too early",
    };
    format!("{what} (line {}, column {})", error.line(), error.column())
}

/// `nextUrl` is relative; a host that names itself in it gains nothing, only the query is taken.
fn query_of(next_url: &str) -> Vec<(String, String)> {
    let query = next_url.split_once('?').map_or("", |(_, query)| query);
    url::form_urlencoded::parse(query.as_bytes()).map(|(k, v)| (k.into_owned(), v.into_owned())).collect()
}

/// A property, as far as the sync needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct Property {
    /// The record.
    pub id: RecordId,
    /// Read power; `None` if there is none.
    pub read_power: Option<Dbm>,
    /// Who lives there.
    pub client: Option<ClientReference>,
}

/// A client, as far as a row of OZmap tells.
#[derive(Debug, Clone, PartialEq)]
pub enum ClientReference {
    /// The whole of what the sync needs.
    Whole(BareClient),
    /// The list gave the identifier only.
    Id(RecordId),
}

/// A client without his property.
#[derive(Debug, Clone, PartialEq)]
pub struct BareClient {
    /// The record.
    pub id: RecordId,
    /// The business key.
    pub code: ClientCode,
    /// `None` if it is no status that is known here.
    pub status: Option<Status>,
    /// Missing counts as not implanted, OZmap's default.
    pub implantation: Implantation,
    /// Missing counts as unknown.
    pub onu: Onu,
}

#[derive(Deserialize)]
struct PropertyRow {
    #[serde(default)]
    id: Value,
    #[serde(default, rename = "_id")]
    underscore_id: Value,
    #[serde(default, rename = "potencyRead")]
    potency_read: Value,
    #[serde(default)]
    client: Value,
}

/// What is wrong with a row, and the client's code if that much could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    /// The code as it stands there.
    pub code: Option<CompactString>,
    /// Which field, and what is wrong with it.
    pub what: String,
}

impl From<String> for RowError {
    fn from(what: String) -> RowError {
        RowError { code: None, what }
    }
}

/// Reads a row of `/properties`.
///
/// # Errors
/// [`RowError`].
pub fn property(row: &RawValue) -> Result<Property, RowError> {
    let row: PropertyRow =
        serde_json::from_str(row.get()).map_err(|e| format!("a property is expected: {}", explain(&e)))?;
    let id = record_id(&row.id, &row.underscore_id).ok_or_else(|| "a property has no `id`".to_owned())?;
    let client = match row.client {
        Value::Null => None,
        Value::String(id) => {
            let id =
                RecordId::new(&id).ok_or_else(|| format!("property {id:.64}: `client` is no identifier"))?;
            Some(ClientReference::Id(id))
        }
        Value::Object(fields) => Some(
            client_reference(&fields)
                .map_err(|e| RowError { what: format!("property {id}: {}", e.what), ..e })?,
        ),
        _ => return Err(format!("property {id}: `client` is neither object nor identifier").into()),
    };
    let read_power = power(&row.potency_read).map_err(|what| RowError {
        code: client.as_ref().and_then(|c| match c {
            ClientReference::Whole(client) => Some(client.code.as_str().into()),
            ClientReference::Id(_) => None,
        }),
        what: format!("property {id}: `potencyRead` {what}"),
    })?;
    Ok(Property { id, read_power, client })
}

/// Reads a row of `/ftth-clients`.
///
/// # Errors
/// [`RowError`].
pub fn client(row: &RawValue) -> Result<BareClient, RowError> {
    let fields: serde_json::Map<String, Value> =
        serde_json::from_str(row.get()).map_err(|e| format!("a client is expected: {}", explain(&e)))?;
    match client_reference(&fields)? {
        ClientReference::Whole(client) => Ok(client),
        ClientReference::Id(id) => Err(format!("client {id}: `code` is missing").into()),
    }
}

/// The identifier of a row of any route.
pub fn id_of(row: &RawValue) -> Option<RecordId> {
    let row: Value = serde_json::from_str(row.get()).ok()?;
    record_id(&row["id"], &row["_id"])
}

fn client_reference(fields: &serde_json::Map<String, Value>) -> Result<ClientReference, RowError> {
    let get = |name: &str| fields.get(name).unwrap_or(&Value::Null);
    let id = record_id(get("id"), get("_id")).ok_or_else(|| "`client` has no `id`".to_owned())?;
    let code = match get("code") {
        Value::Null => return Ok(ClientReference::Id(id)),
        Value::String(code) => ClientCode::new(code),
        Value::Number(code) => ClientCode::new(&code.to_string()),
        _ => None,
    };
    let code = code.ok_or_else(|| format!("client {id}: `code` is empty or no text"))?;
    let wrong =
        |what: &str| RowError { code: Some(code.as_str().into()), what: format!("client {id}: {what}") };
    let implantation = match get("implanted") {
        Value::Bool(true) => Implantation::Implanted,
        Value::Bool(false) | Value::Null => Implantation::NotImplanted,
        _ => return Err(wrong("`implanted` is neither true nor false")),
    };
    let onu = onu(get("onu")).ok_or_else(|| wrong("`onu` is no object of texts"))?;
    let status = status(get("status"));
    Ok(ClientReference::Whole(BareClient { id, code, status, implantation, onu }))
}

fn record_id(id: &Value, underscore_id: &Value) -> Option<RecordId> {
    id.as_str().or(underscore_id.as_str()).and_then(RecordId::new)
}

/// A number or null; a number in a text is tolerated.
fn power(value: &Value) -> Result<Option<Dbm>, String> {
    let number = match value {
        Value::Null => return Ok(None),
        Value::Number(number) => number.as_f64(),
        Value::String(text) if text.trim().is_empty() => return Ok(None),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let number = number.ok_or_else(|| "is no number".to_owned())?;
    Dbm::from_f64(number).map(Some).map_err(|e| e.to_string())
}

/// 0 and 1; `"OK"` and `"ERROR"` are tolerated.
fn status(value: &Value) -> Option<Status> {
    match value {
        Value::Number(number) => match number.as_u64() {
            Some(0) => Some(Status::Ok),
            Some(1) => Some(Status::Error),
            _ => None,
        },
        Value::String(text) => match text.trim().to_ascii_uppercase().as_str() {
            "OK" | "0" => Some(Status::Ok),
            "ERROR" | "1" => Some(Status::Error),
            _ => None,
        },
        _ => None,
    }
}

/// `None` if it is neither null nor an object of texts.
fn onu(value: &Value) -> Option<Onu> {
    let text = |name: &str| match value.get(name) {
        None | Some(Value::Null) => Some(CompactString::default()),
        Some(Value::String(text)) => Some(text.trim().into()),
        Some(_) => None,
    };
    match value {
        Value::Null => Some(Onu::default()),
        Value::Object(_) => Some(Onu {
            serial_number: text("serial_number")?,
            pppoe_user: text("user_PPPoE")?,
            mac_address: text("mac_address")?,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
