//! One client with all that an installation may change: `GET /properties/client/{code}`, and the bodies that change it.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::network::{coordinate, reference, text};
use super::{ClientRecord, ClientReference, RowError, client_reference, explain, onu_body, power, record_id};
use crate::domain::activation::{Card, ClientEdit, Connection, Home, HomeEdit, NewHome, Resident};
use crate::domain::{Coordinate, Implantation, PortNumber, RecordId};

/// Fields of a client that a card needs.
pub const CARD_FIELDS: &str = "code name implanted status onu";

#[derive(Deserialize)]
struct HomeRow {
    #[serde(default)]
    id: Value,
    #[serde(default, rename = "_id")]
    underscore_id: Value,
    #[serde(default)]
    client: Value,
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
    #[serde(default, rename = "potencyRead")]
    potency_read: Value,
    #[serde(default)]
    connections: Value,
}

/// Who lives in a property, as far as its row tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Dweller {
    /// The row has the client.
    Whole(Box<Card>),
    /// The row has the client's identifier only.
    Id(RecordId, Home),
}

/// Reads the properties of one client; an empty body and `null` are none, as is an empty list.
///
/// # Errors
/// What is wrong with the answer; here, too, one field that cannot be read costs the answer: better no decision on a port
/// than one on half a picture.
pub fn dwellers(body: &[u8]) -> Result<Vec<Dweller>, String> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Vec::new());
    }
    let rows: Option<Vec<HomeRow>> = serde_json::from_slice(body)
        .map_err(|e| format!("a list of properties is expected: {}", explain(&e)))?;
    rows.into_iter().flatten().filter_map(|row| dweller(row).transpose()).collect()
}

/// `None` for a property without a client.
fn dweller(row: HomeRow) -> Result<Option<Dweller>, String> {
    let property =
        record_id(&row.id, &row.underscore_id).ok_or_else(|| "a property has no `id`".to_owned())?;
    let wrong = |what: String| format!("property {property}: {what}");
    let home = Home {
        site: reference(&row.site).map_err(|()| wrong("`box` is no reference".to_owned()))?,
        address: text(&row.address),
        coordinate: coordinate(&row.coords, &row.lat, &row.lng),
        read_power: power(&row.potency_read).map_err(|e| wrong(format!("`potencyRead` {e}")))?,
        connections: connections(&row.connections).map_err(wrong)?,
        property: property.clone(),
    };
    match &row.client {
        Value::Null => Ok(None),
        Value::String(id) => {
            let id = RecordId::new(id).ok_or_else(|| wrong("`client` is no identifier".to_owned()))?;
            Ok(Some(Dweller::Id(id, home)))
        }
        Value::Object(fields) => match client_reference(fields).map_err(|e| wrong(e.what))? {
            ClientReference::Id(id) => Ok(Some(Dweller::Id(id, home))),
            ClientReference::Whole(client) => {
                Ok(Some(Dweller::Whole(Box::new(card(client, fields, Some(home))))))
            }
        },
        _ => Err(wrong("`client` is neither object nor identifier".to_owned())),
    }
}

/// Reads a row of `/ftth-clients`; the property is not in it.
///
/// # Errors
/// [`RowError`].
pub fn client_card(row: &RawValue) -> Result<Card, RowError> {
    let fields: Map<String, Value> =
        serde_json::from_str(row.get()).map_err(|e| format!("a client is expected: {}", explain(&e)))?;
    match client_reference(&fields)? {
        ClientReference::Whole(client) => Ok(card(client, &fields, None)),
        ClientReference::Id(id) => Err(format!("client {id}: `code` is missing").into()),
    }
}

fn card(client: ClientRecord, fields: &Map<String, Value>, home: Option<Home>) -> Card {
    let ClientRecord { id, code, status, implantation, onu } = client;
    Card { id, code, name: fields.get("name").and_then(text), status, implantation, onu, home }
}

/// The splitters' ports that a property holds; connections of other kinds are none of ours.
fn connections(value: &Value) -> Result<Vec<Connection>, String> {
    let items = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(items) => items,
        _ => return Err("`connections` is no list".to_owned()),
    };
    let is_splitter =
        |item: &&Value| item["kind"].as_str().is_none_or(|kind| kind.eq_ignore_ascii_case("splitter"));
    items
        .iter()
        .filter(is_splitter)
        .map(|item| {
            let splitter =
                record_id(&item["id"], &item["_id"]).ok_or("`connections` has a splitter without `id`")?;
            let port = item["port"].as_u64().and_then(|port| PortNumber::new(u16::try_from(port).ok()?));
            let port = port.ok_or("`connections` has a splitter without `port`")?;
            Ok(Connection { splitter, splitter_name: text(&item["name"]), port })
        })
        .collect()
}

/// The body that creates a property on a port. Never `force`: it would take the port from whoever holds it.
pub fn new_home_body(home: &NewHome) -> Value {
    let NewHome { site, project, splitter, port, coordinate, address, resident } = home;
    let mut body = json!({ "box": site.as_str(), "connector": splitter.as_str(), "port": port.get() });
    body["client"] = match resident {
        Resident::Known(id) => json!(id.as_str()),
        Resident::New { code, name, implantation, onu } => {
            let implanted = *implantation == Implantation::Implanted;
            let mut client = json!({ "code": code.as_str(), "implanted": implanted, "onu": onu_body(onu) });
            if let Some(name) = name {
                client["name"] = json!(name);
            }
            client
        }
    };
    if let Some(coordinate) = coordinate {
        body["coords"] = coords(*coordinate);
    }
    if let Some(address) = address {
        body["address"] = json!(address);
    }
    // Inferred to be superfluous by the contract; a host that wants it gets it.
    if let Some(project) = project {
        body["project"] = json!(project.as_str());
    }
    body
}

/// The PATCH of a property. Source: `contracts/ozmap-api.md`, "Update".
pub fn home_edit_body(edit: &HomeEdit) -> Value {
    let HomeEdit::Edit { property: _, connect, site, coordinate, address } = edit else {
        return json!({});
    };
    let mut body = Map::new();
    if let Some((splitter, port)) = connect {
        body.insert("connector".to_owned(), json!(splitter.as_str()));
        body.insert("port".to_owned(), json!(port.get()));
    }
    if let Some(site) = site {
        body.insert("box".to_owned(), json!(site.as_str()));
    }
    if let Some(coordinate) = coordinate {
        body.insert("coords".to_owned(), coords(*coordinate));
    }
    if let Some(address) = address {
        body.insert("address".to_owned(), json!(address));
    }
    Value::Object(body)
}

/// The PATCH of a client record; `onu` is whole, because it may be replaced.
pub fn client_edit_body(edit: &ClientEdit) -> Value {
    let ClientEdit { name, implantation, onu } = edit;
    let mut body = Map::new();
    if let Some(name) = name {
        body.insert("name".to_owned(), json!(name));
    }
    if let Some(implantation) = implantation {
        body.insert("implanted".to_owned(), json!(*implantation == Implantation::Implanted));
    }
    if let Some(onu) = onu {
        body.insert("onu".to_owned(), onu_body(onu));
    }
    Value::Object(body)
}

/// `[lng, lat]`. Source: `contracts/ozmap-api.md`, "Records".
fn coords(coordinate: Coordinate) -> Value {
    json!([coordinate.lng(), coordinate.lat()])
}
