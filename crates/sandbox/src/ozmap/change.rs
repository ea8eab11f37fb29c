//! Changes that OZmap grants or refuses: first everything is checked, then everything is written.

use serde_json::{Map, Value};

use super::collection::{knows_field, matching, parse_filter};
use super::fields::{boolean, object, only, onu, power, status, string, string_or_null, strings, wrong};
use super::id::{Id, Kind};
use super::record::client::Client;
use super::record::splitter::Output;
use super::record::{iso, now};
use super::refusal::{Outcome, Refusal};
use super::state::State;

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
            "status" => client.status = Some(status(name, value)?),
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
    let mut client = Client::new(Id::first(Kind::Client), now());
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
        if fixed || !knows_field(id.kind(), name) {
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
        document.insert("updatedAt".to_owned(), iso(now()));
    }
    Ok(())
}

/// `POST /ftth-clients/batch-update` and `POST /properties/batch-update`: one value on every record that matches.
///
/// # Errors
/// 422 for a missing or empty filter, and for any field but those that the SDK names; 400 for a malformed filter.
///
/// Source: `docs/contracts/ozmap-api.md`, "Batch update".
pub(crate) fn batch_update(state: &mut State, kind: Kind, body: &Value) -> Outcome<()> {
    let body = object(body)?;
    only(body, &["filter", "update"])?;
    let filter = body.get("filter").filter(|filter| !is_empty(filter));
    let filter = filter.ok_or_else(|| Refusal::forbidden("filter: must be there, and not empty"))?;
    let filter = parse_filter(state, kind, filter)?;
    let update = body.get("update").and_then(Value::as_object).filter(|update| !update.is_empty());
    let update = update.ok_or_else(|| Refusal::forbidden("update: must be an object that is not empty"))?;
    let allowed: &[&str] =
        if kind == Kind::Client { &["certified", "implanted", "status"] } else { &["potencyRead"] };
    only(update, allowed)?;

    let values = BatchValues::read(update)?;
    let ids = matching(state, kind, &filter);
    state.check_poison(&ids)?;
    for id in ids {
        values.write(state, id);
    }
    Ok(())
}

fn is_empty(filter: &Value) -> bool {
    filter.is_null() || filter.as_array().is_some_and(Vec::is_empty)
}

/// What a batch-update sets; an update of clients has no read power, and the other way round.
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

    fn write(&self, state: &mut State, id: Id) {
        if id.kind() == Kind::Client {
            state.change_client(id, |client| {
                client.certified = self.certified.unwrap_or(client.certified);
                client.implanted = self.implanted.unwrap_or(client.implanted);
                client.status = self.status.or(client.status);
            });
        } else if let Some(potency_read) = self.potency_read {
            state.change_property(id, |property| property.potency_read = potency_read);
        }
    }
}
