//! Changes that OZmap grants or refuses: first everything is checked, then everything is written.

use compact_str::CompactString;
use serde_json::{Map, Value};

use super::id::{Id, Kind};
use super::record::{Client, Onu, Output, now};
use super::refusal::{Outcome, Refusal};
use super::state::State;
use super::{geometry, list};

/// A JSON object that a request must send as its body.
pub(crate) fn object(body: &Value) -> Outcome<&Map<String, Value>> {
    body.as_object().ok_or_else(|| Refusal::malformed("the body must be a JSON object"))
}

/// Refuses every key that is not among these; `external_id` is never accepted in an update.
///
/// Inferred: OZmap may drop unknown fields silently; refusing them brings misspellings to light.
pub(crate) fn only(body: &Map<String, Value>, known: &[&str]) -> Outcome<()> {
    match body.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(Refusal::forbidden(format!("{key}: cannot be set"))),
        None => Ok(()),
    }
}

fn wrong(name: &str, what: &str) -> Refusal {
    Refusal::forbidden(format!("{name}: must be {what}"))
}

pub(crate) fn boolean(name: &str, value: &Value) -> Outcome<bool> {
    value.as_bool().ok_or_else(|| wrong(name, "true or false"))
}

pub(crate) fn string(name: &str, value: &Value) -> Outcome<CompactString> {
    value.as_str().map(|text| text.trim().into()).ok_or_else(|| wrong(name, "a string"))
}

pub(crate) fn string_or_null(name: &str, value: &Value) -> Outcome<Option<CompactString>> {
    if value.is_null() { Ok(None) } else { string(name, value).map(Some) }
}

pub(crate) fn strings(name: &str, value: &Value) -> Outcome<Vec<CompactString>> {
    let items = value.as_array().ok_or_else(|| wrong(name, "an array of strings"))?;
    items.iter().map(|item| string(name, item)).collect()
}

/// The read power: a number of dBm, or null.
pub(crate) fn power(name: &str, value: &Value) -> Outcome<Option<f64>> {
    match value {
        Value::Null => Ok(None),
        value => value.as_f64().map(Some).ok_or_else(|| wrong(name, "a number or null")),
    }
}

/// 0 = OK, 1 = ERROR; the SDK lets nothing else through.
pub(crate) fn status(name: &str, value: &Value) -> Outcome<u8> {
    match value.as_u64() {
        Some(status @ 0..=1) => Ok(status as u8),
        _ => Err(wrong(name, "0 or 1")),
    }
}

/// A coordinate, `[lng, lat]`.
pub(crate) fn coordinates(name: &str, value: &Value) -> Outcome<(f64, f64)> {
    let is_pair = value.as_array().is_some_and(|pair| pair.iter().all(Value::is_number));
    geometry::point(value).filter(|_| is_pair).ok_or_else(|| wrong(name, "[lng, lat]"))
}

/// An ONU: only its three parts, each a string. What is not sent is not there afterwards: the object is replaced as a whole.
fn onu(value: &Value) -> Outcome<Onu> {
    let parts = value.as_object().ok_or_else(|| wrong("onu", "an object"))?;
    let mut onu = Onu::default();
    for (name, value) in parts {
        let part = match name.as_str() {
            "user_PPPoE" => &mut onu.user,
            "serial_number" => &mut onu.serial,
            "mac_address" => &mut onu.mac,
            _ => return Err(Refusal::forbidden(format!("onu.{name}: cannot be set"))),
        };
        *part = Some(string(&format!("onu.{name}"), value)?);
    }
    Ok(onu)
}

/// The fields of a client that a request may set.
const CLIENT_FIELDS: [&str; 8] =
    ["code", "name", "observation", "implanted", "certified", "status", "onu", "tags"];

/// Reads client fields into a client, strictly.
fn fill_client(client: &mut Client, body: &Map<String, Value>) -> Outcome<()> {
    only(body, &CLIENT_FIELDS)?;
    for (name, value) in body {
        match name.as_str() {
            "code" => client.code = string(name, value)?,
            "name" => client.name = Some(string(name, value)?),
            "observation" => client.observation = string_or_null(name, value)?,
            "implanted" => client.implanted = boolean(name, value)?,
            "certified" => client.certified = boolean(name, value)?,
            "status" => client.status = status(name, value)?,
            "onu" => client.onu = onu(value)?,
            "tags" => client.tags = strings(name, value)?,
            _ => {}
        }
    }
    Ok(())
}

fn check_code(state: &State, client: &Client) -> Outcome<()> {
    if client.code.is_empty() {
        return Err(wrong("code", "a string that is not empty"));
    }
    if state.clients_with_code(&client.code).any(|other| other != client.id) {
        return Err(Refusal::forbidden(format!("code: client {} exists already", client.code)));
    }
    Ok(())
}

/// Reads a client that is to be created inside a property; its identifier is of no use yet.
pub(crate) fn new_client(state: &State, body: &Map<String, Value>) -> Outcome<Client> {
    let at = now();
    let mut client = Client {
        id: Id::first(Kind::Client),
        code: CompactString::default(),
        name: None,
        observation: None,
        implanted: false,
        certified: false,
        status: 0,
        onu: Onu::new("", "", ""),
        tags: Vec::new(),
        created: at,
        updated: at,
    };
    fill_client(&mut client, body)?;
    check_code(state, &client)?;
    Ok(client)
}

/// `PATCH /ftth-clients/{id}`.
pub(crate) fn patch_client(state: &mut State, id: Id, body: &Value) -> Outcome<()> {
    let before = state.client(id).ok_or_else(|| Refusal::not_found("client"))?;
    let mut after = before.clone();
    fill_client(&mut after, object(body)?)?;
    if after.code != before.code {
        check_code(state, &after)?;
    }
    state.check_poison(&[id])?;
    after.updated = now();
    state.change_client(id, |client| *client = after);
    Ok(())
}

/// `PATCH /splitters/{id}`: names, implantation, and which ports are blocked.
pub(crate) fn patch_splitter(state: &mut State, id: Id, body: &Value) -> Outcome<()> {
    let mut after = state.splitter(id).ok_or_else(|| Refusal::not_found("splitter"))?.clone();
    let body = object(body)?;
    only(body, &["name", "label", "observation", "implanted", "isDrop", "tags", "ports"])?;
    for (name, value) in body {
        match name.as_str() {
            "name" => after.name = string(name, value)?,
            "label" => after.label = string(name, value)?,
            "observation" => after.observation = string_or_null(name, value)?,
            "implanted" => after.implanted = boolean(name, value)?,
            "isDrop" => after.is_drop = boolean(name, value)?,
            "tags" => after.tags = strings(name, value)?,
            _ => block_ports(&mut after.outputs, value)?,
        }
    }
    after.updated = now();
    state.change_splitter(id, |splitter| *splitter = after);
    Ok(())
}

fn block_ports(outputs: &mut [Output], value: &Value) -> Outcome<()> {
    let ports = value.as_array().filter(|ports| ports.len() == outputs.len());
    let ports = ports.ok_or_else(|| wrong("ports", "an array with an item for each output"))?;
    for (output, port) in outputs.iter_mut().zip(ports) {
        output.blocked = boolean("ports.blocked", port.get("blocked").unwrap_or(&Value::Null))?;
    }
    Ok(())
}

/// `PATCH` of the plain records: known fields only, each keeping its type.
pub(crate) fn patch_document(state: &mut State, id: Id, body: &Value) -> Outcome<()> {
    let before = state.document(id).ok_or_else(|| Refusal::not_found("record"))?;
    let body = object(body)?;
    for (name, value) in body {
        let fixed = matches!(
            name.as_str(),
            "id" | "_id" | "createdAt" | "updatedAt" | "external_id" | "kind" | "project"
        );
        if fixed || !list::knows_field(id.kind(), name) {
            return Err(Refusal::forbidden(format!("{name}: cannot be set")));
        }
        let known = before.get(name).unwrap_or(&Value::Null);
        if !known.is_null()
            && !value.is_null()
            && std::mem::discriminant(known) != std::mem::discriminant(value)
        {
            return Err(Refusal::forbidden(format!("{name}: has another type")));
        }
    }
    if let Some(document) = state.document_mut(id) {
        document.extend(body.clone());
        document.insert("updatedAt".to_owned(), super::record::iso(now()));
    }
    Ok(())
}

/// `POST /ftth-clients/batch-update` and `POST /properties/batch-update`: one value on every record that matches.
///
/// # Errors
/// 422 for a missing or empty filter, and for any field but those that the SDK names; 400 for a malformed filter.
pub(crate) fn batch_update(state: &mut State, kind: Kind, body: &Value) -> Outcome<()> {
    let body = object(body)?;
    only(body, &["filter", "update"])?;
    let filter = body.get("filter").filter(|filter| filter.as_array().is_none_or(|items| !items.is_empty()));
    let filter = filter.filter(|filter| !filter.is_null());
    let filter = filter.ok_or_else(|| Refusal::forbidden("filter: must be there, and not empty"))?;
    let filter = list::parse_filter(state, kind, filter)?;
    let update = body.get("update").and_then(Value::as_object).filter(|update| !update.is_empty());
    let update = update.ok_or_else(|| Refusal::forbidden("update: must be an object that is not empty"))?;
    let allowed: &[&str] =
        if kind == Kind::Client { &["certified", "implanted", "status"] } else { &["potencyRead"] };
    only(update, allowed)?;

    let set = BatchValues::read(update)?;
    let ids = list::matching(state, kind, &filter);
    state.check_poison(&ids)?;
    for id in ids {
        if kind == Kind::Client {
            state.change_client(id, |client| {
                client.certified = set.certified.unwrap_or(client.certified);
                client.implanted = set.implanted.unwrap_or(client.implanted);
                client.status = set.status.unwrap_or(client.status);
            });
        } else if let Some(potency_read) = set.potency_read {
            state.change_property(id, |property| property.potency_read = potency_read);
        }
    }
    Ok(())
}

#[derive(Default)]
struct BatchValues {
    certified: Option<bool>,
    implanted: Option<bool>,
    status: Option<u8>,
    potency_read: Option<Option<f64>>,
}

impl BatchValues {
    fn read(update: &Map<String, Value>) -> Outcome<BatchValues> {
        let mut values = BatchValues::default();
        for (name, value) in update {
            match name.as_str() {
                "certified" => values.certified = Some(boolean(name, value)?),
                "implanted" => values.implanted = Some(boolean(name, value)?),
                "status" => values.status = Some(status(name, value)?),
                _ => values.potency_read = Some(power(name, value)?),
            }
        }
        Ok(values)
    }
}
