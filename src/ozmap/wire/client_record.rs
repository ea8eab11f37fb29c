//! One client with all that an installation may change: `GET /properties/client/{code}`, and the bodies that change it.

use gateway_core::provisioning::{ClientPatch, NewProperty, PropertyClient, PropertyPatch};
use gateway_core::{ClientRecord, Connection, Coordinate, Implantation, PortNumber, Property, RecordId};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::network_record::{coordinate, reference, text};
use super::{BareClient, ClientReference, RowError, client_reference, explain, onu_body, power, record_id};

/// Fields of a client that a record needs.
pub const CLIENT_FIELDS: &str = "code name implanted status onu";

#[derive(Deserialize)]
struct PropertyOfClientRow {
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
    /// Null is told, too: the property is on no splitter.
    #[serde(default, deserialize_with = "told")]
    connections: Option<Value>,
}

/// Tells null from a field that is missing.
fn told<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// A property and who lives there, as far as its row tells.
#[derive(Debug, Clone, PartialEq)]
pub struct PropertyOfClient {
    /// The property.
    pub home: Property,
    /// Whether the row says which ports it holds; a host may leave that out of a route that joins records.
    pub tells_connections: bool,
    /// Who lives there.
    pub dweller: ClientOfProperty,
}

/// Who lives in a property.
#[derive(Debug, Clone, PartialEq)]
pub enum ClientOfProperty {
    /// The row has the client; his record is without a home.
    Whole(Box<ClientRecord>),
    /// The row has the client's identifier only.
    Id(RecordId),
    /// Nobody.
    None,
}

/// Reads the properties of one client; an empty body and `null` are none, as is an empty list.
///
/// # Errors
/// What is wrong with the answer; here, too, one field that cannot be read costs the answer: better no decision on a port
/// than one on half a picture.
pub fn properties_of_client(body: &[u8]) -> Result<Vec<PropertyOfClient>, String> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Vec::new());
    }
    let rows: Option<Vec<PropertyOfClientRow>> = serde_json::from_slice(body)
        .map_err(|e| format!("a list of properties is expected: {}", explain(&e)))?;
    rows.into_iter().flatten().map(read_dwelling).collect()
}

/// Reads a row of `/properties`.
///
/// # Errors
/// [`RowError`].
pub fn property_of_client(row: &RawValue) -> Result<PropertyOfClient, RowError> {
    let row: PropertyOfClientRow =
        serde_json::from_str(row.get()).map_err(|e| format!("a property is expected: {}", explain(&e)))?;
    Ok(read_dwelling(row)?)
}

fn read_dwelling(row: PropertyOfClientRow) -> Result<PropertyOfClient, String> {
    let property =
        record_id(&row.id, &row.underscore_id).ok_or_else(|| "a property has no `id`".to_owned())?;
    let wrong = |what: String| format!("property {property}: {what}");
    let dweller = match &row.client {
        Value::Null => ClientOfProperty::None,
        Value::String(id) => ClientOfProperty::Id(
            RecordId::new(id).ok_or_else(|| wrong("`client` is no identifier".to_owned()))?,
        ),
        Value::Object(fields) => match client_reference(fields).map_err(|e| wrong(e.what))? {
            ClientReference::Id(id) => ClientOfProperty::Id(id),
            ClientReference::Whole(client) => ClientOfProperty::Whole(Box::new(record(client, fields))),
        },
        _ => return Err(wrong("`client` is neither object nor identifier".to_owned())),
    };
    let home = Property {
        site: reference(&row.site).map_err(|()| wrong("`box` is no reference".to_owned()))?,
        address: text(&row.address),
        coordinate: coordinate(&row.coords, &row.lat, &row.lng),
        read_power: power(&row.potency_read).map_err(|e| wrong(format!("`potencyRead` {e}")))?,
        connections: row.connections.as_ref().map_or(Ok(Vec::new()), connections).map_err(wrong)?,
        property: property.clone(),
    };
    Ok(PropertyOfClient { home, tells_connections: row.connections.is_some(), dweller })
}

/// Reads a row of `/ftth-clients`; the property is not in it.
///
/// # Errors
/// [`RowError`].
pub fn client_record(row: &RawValue) -> Result<ClientRecord, RowError> {
    let fields: Map<String, Value> =
        serde_json::from_str(row.get()).map_err(|e| format!("a client is expected: {}", explain(&e)))?;
    match client_reference(&fields)? {
        ClientReference::Whole(client) => Ok(record(client, &fields)),
        ClientReference::Id(id) => Err(format!("client {id}: `code` is missing").into()),
    }
}

/// Without a home: that is another record.
fn record(client: BareClient, fields: &Map<String, Value>) -> ClientRecord {
    let BareClient { id, code, status, implantation, onu } = client;
    ClientRecord { id, code, name: fields.get("name").and_then(text), status, implantation, onu, home: None }
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
pub fn new_property_body(home: &NewProperty) -> Value {
    let NewProperty { site, project, splitter, port, coordinate, address, resident } = home;
    let mut body = json!({ "box": site.as_str(), "connector": splitter.as_str(), "port": port.get() });
    body["client"] = match resident {
        PropertyClient::Known(id) => json!(id.as_str()),
        PropertyClient::New { code, name, implantation, onu } => {
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

/// The PATCH of a property. Source: `docs/contracts/ozmap-api.md`, "Updating a property".
pub fn property_patch_body(edit: &PropertyPatch) -> Value {
    let PropertyPatch::Edit { property: _, connect, site, coordinate, address } = edit else {
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
pub fn client_patch_body(edit: &ClientPatch) -> Value {
    let ClientPatch { name, implantation, onu } = edit;
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

/// `[lng, lat]`. Source: `docs/contracts/ozmap-api.md`, "Coordinates".
fn coords(coordinate: Coordinate) -> Value {
    json!([coordinate.lng(), coordinate.lat()])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn only(body: &str) -> PropertyOfClient {
        let mut properties_of_client = properties_of_client(body.as_bytes()).expect("an answer");
        assert_eq!(properties_of_client.len(), 1);
        properties_of_client.remove(0)
    }

    #[test]
    fn a_property_is_read_in_every_shape_of_its_references() {
        let whole = only(
            r#"[{"_id":"a1","box":{"id":"b2"},"lat":-27.5,"lng":-48.5,"potencyRead":-20.1,"address":" Rua 1 ",
                "client":{"_id":"c3","code":147,"name":"Maria","implanted":true,"status":"OK"},
                "connections":[{"id":"d4","kind":"Splitter","port":3,"name":"S"},{"id":"e5","kind":"Cable"}]}]"#,
        );
        let ClientOfProperty::Whole(record) = whole.dweller else { panic!("the client is there") };
        assert_eq!(
            (record.code.as_str(), record.name.as_deref(), record.home.is_none()),
            ("147", Some("Maria"), true)
        );
        assert_eq!(whole.home.site.map(|id| id.to_string()).as_deref(), Some("b2"));
        assert_eq!(whole.home.address.as_deref(), Some("Rua 1"));
        assert_eq!(whole.home.connections.len(), 1, "a cable is no port");
        assert_eq!(whole.home.connections[0].port.get(), 3);
        let thin = only(r#"[{"id":"a1","box":"b2","client":"c3"}]"#);
        assert_eq!(
            (thin.dweller, thin.tells_connections),
            (ClientOfProperty::Id(RecordId::new("c3").expect("an id")), false)
        );
        let empty = only(r#"[{"id":"a1","connections":null}]"#);
        assert_eq!((empty.dweller, empty.tells_connections), (ClientOfProperty::None, true));
    }

    #[test]
    fn half_a_picture_is_none() {
        for (body, expected) in [
            (r#"[{"client":null}]"#, "has no `id`"),
            (r#"[{"id":"a1","connections":{}}]"#, "`connections` is no list"),
            (r#"[{"id":"a1","connections":[{"id":"d4"}]}]"#, "without `port`"),
            (r#"[{"id":"a1","client":5}]"#, "`client` is neither"),
            (r#"{"error":"x"}"#, "a list of properties is expected"),
        ] {
            let error = properties_of_client(body.as_bytes()).expect_err(body);
            assert!(error.contains(expected), "{error}");
        }
        for nothing in ["", "null", "[]", " \n"] {
            assert_eq!(properties_of_client(nothing.as_bytes()), Ok(Vec::new()));
        }
    }

    /// JSON of any shape, with the names that are looked for in it.
    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[0-9a-f]{0,24}".prop_map(Value::from),
        ];
        let names =
            "(id|_id|box|client|connections|port|kind|lat|lng|coords|potencyRead|code|onu|status|implanted)";
        leaf.prop_recursive(4, 40, 6, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::btree_map(names, inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn arbitrary_json_never_panics(value in json()) {
            let text = value.to_string();
            let _ = properties_of_client(text.as_bytes());
            if let Ok(row) = serde_json::from_str::<Box<RawValue>>(&text) {
                let _ = property_of_client(&row);
                let _ = client_record(&row);
            }
        }
    }
}
