//! One client with all that an activation may change: `GET /properties/client/{code}`, and the bodies that change it.

use compact_str::CompactString;
use gateway_core::provisioning::{ClientPatch, NewProperty, PropertyClient, PropertyPatch};
use gateway_core::{
    Client, ClientCode, ClientRecord, Connection, Coordinate, Implantation, PortNumber, Property, RecordId,
};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::client_row::{ClientReference, bare_client};
use super::envelope::is_empty;
use super::fields::{coordinate, number, record_id, reference, text, value};
use super::members::{ClientMembers, PropertyMembers};
use super::{OfRecord, onu_body};
use crate::upstream::object::Object;
use crate::upstream::spoilt::parsed;
use crate::upstream::{FieldProblem, RowError, WireError, json};

/// Fields of a client that a record needs.
pub(crate) const CLIENT_RECORD_FIELDS: &str = "code name implanted status onu";

/// A filter for clients of a code.
pub(crate) fn filter_by_code(code: &ClientCode) -> Value {
    filter("code", "=", code.as_str())
}

/// A filter for properties of a client.
pub(crate) fn filter_by_client(client: &RecordId) -> Value {
    filter("client", "=", client.as_str())
}

/// A filter for clients of any of these codes.
pub(crate) fn filter_by_codes(codes: &[ClientCode]) -> Value {
    filter("code", "in", codes.iter().map(ClientCode::as_str).collect::<Vec<_>>())
}

fn filter(property: &str, operator: &str, value: impl Into<Value>) -> Value {
    json!([{ "property": property, "operator": operator, "value": value.into() }])
}

/// A filter for clients whose code contains this one.
pub(crate) fn filter_by_code_alike(code: &ClientCode) -> Value {
    filter("code", "like", code.as_str())
}

/// The code of a row of `/ftth-clients`, if it is this one with blanks around it.
pub(crate) fn code_with_blanks(row: &RawValue, code: &ClientCode) -> Option<CompactString> {
    let row: Value = serde_json::from_str(row.get()).ok()?;
    let held = row["code"].as_str()?;
    (held != code.as_str() && held.trim() == code.as_str()).then(|| held.into())
}

/// Whether a row of `/ftth-clients` has this very code.
pub(crate) fn has_code(row: &RawValue, code: &ClientCode) -> bool {
    client_record(row).is_ok_and(|record| record.client.code == *code)
}

/// A property and its client, as far as its row says.
#[derive(Debug, Clone, PartialEq)]
pub struct PropertyOfClient {
    /// The property.
    pub property: Property,
    /// Whether the row says which ports it holds; a host may leave that out of a route that joins records.
    pub reports_connections: bool,
    /// The client.
    pub client: ClientOfProperty,
}

/// The client of a property.
#[derive(Debug, Clone, PartialEq)]
pub enum ClientOfProperty {
    /// The row has the client; its record is without the property.
    Whole(Box<ClientRecord>),
    /// The row has the client's identifier only.
    Id(RecordId),
    /// The property has none.
    None,
}

impl ClientOfProperty {
    /// Whether it is this client.
    pub(crate) fn is(&self, client: &RecordId) -> bool {
        match self {
            ClientOfProperty::Whole(record) => record.client.id == *client,
            ClientOfProperty::Id(id) => id == client,
            ClientOfProperty::None => false,
        }
    }
}

/// Reads the properties of one client; an empty body and `null` are none, as is an empty list.
///
/// # Errors
/// [`WireError`] of the answer. A field on which a port may hang costs the answer: better no decision on a port than one on
/// half a picture. Others count as in the sync.
pub fn properties_of_client(body: &[u8]) -> Result<Vec<PropertyOfClient>, WireError> {
    if is_empty(body) {
        return Ok(Vec::new());
    }
    let rows: Option<Vec<&RawValue>> = json::parse("a list of properties", body)?;
    rows.into_iter().flatten().map(property_with_client).collect()
}

/// Reads a row of `/properties`.
///
/// # Errors
/// [`RowError`].
pub fn property_of_client(row: &RawValue) -> Result<PropertyOfClient, RowError> {
    Ok(property_with_client(row)?)
}

fn property_with_client(row: &RawValue) -> Result<PropertyOfClient, WireError> {
    let row: Object<'_> = json::parse_row("a property", row)?;
    let members = PropertyMembers::from(&row);
    let id = members.id()?;
    let in_property = |error: WireError| error.in_record("property", &id);
    let client = match members.client().map_err(|error| in_property(error.what))? {
        None => ClientOfProperty::None,
        Some((ClientReference::Id(id), _)) => ClientOfProperty::Id(id),
        Some((ClientReference::Whole(client), _)) => {
            let fields = row.get("client").and_then(|client| serde_json::from_str(client.get()).ok());
            let name = fields.map_or(Value::Null, |fields: Object<'_>| value(&fields, "name"));
            ClientOfProperty::Whole(Box::new(record(client, &name)))
        }
    };
    // Null says that the property is on no splitter; a row without the member says nothing.
    let held = row.get("connections").map(parsed);
    let get = |name: &str| value(&row, name);
    let property = Property {
        site: reference(&get("box")).map_err(|problem| in_property(WireError::field("box", problem)))?,
        address: text(&get("address")),
        coordinate: coordinate(&get("coords"), &get("lat"), &get("lng")),
        read_power: members.read_power().0,
        connections: held
            .as_ref()
            .map_or(Ok(Vec::new()), connections)
            .map_err(|problem| in_property(WireError::field("connections", problem)))?,
        id: id.clone(),
    };
    Ok(PropertyOfClient { property, reports_connections: held.is_some(), client })
}

/// Reads a row of `/ftth-clients`; the property is not in it.
///
/// # Errors
/// [`RowError`].
pub fn client_record(row: &RawValue) -> Result<ClientRecord, RowError> {
    let fields: Object<'_> = json::parse_row("a client", row)?;
    Ok(record(bare_client(&ClientMembers::from(&fields))?.client, &value(&fields, "name")))
}

impl OfRecord for ClientRecord {
    fn record(&self) -> Option<RecordId> {
        Some(self.client.id.clone())
    }
}

/// Without the property: that is another record.
fn record(client: Client, name: &Value) -> ClientRecord {
    ClientRecord { client, name: text(name), property: None }
}

/// The splitters' ports that a property holds; connections of other kinds are none of ours.
fn connections(value: &Value) -> Result<Vec<Connection>, FieldProblem> {
    let items = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(items) => items,
        _ => return Err("is no list".into()),
    };
    let is_splitter =
        |item: &&Value| item["kind"].as_str().is_none_or(|kind| kind.eq_ignore_ascii_case("splitter"));
    items
        .iter()
        .filter(is_splitter)
        .map(|item| {
            let splitter = record_id(&item["id"], &item["_id"]).ok_or("has a splitter without `id`")?;
            let port = number(&item["port"]).ok().flatten().filter(|port| port.fract() == 0.0);
            // A float beyond the range becomes its end, which is no port of any splitter.
            let port = port.and_then(|port| PortNumber::new(port as u16));
            let port = port.ok_or("has a splitter without `port`")?;
            Ok(Connection { splitter, splitter_name: text(&item["name"]), port })
        })
        .collect()
}

/// The body that creates a property on a port. Never `force`: it would take the port from whoever holds it.
pub fn new_property_body(property: &NewProperty) -> Value {
    let NewProperty { site, project, splitter, port, coordinate, address, client } = property;
    let mut body = json!({ "box": site.as_str(), "connector": splitter.as_str(), "port": port.get() });
    body["client"] = match client {
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
pub fn property_patch_body(patch: &PropertyPatch) -> Value {
    let PropertyPatch { id: _, connect, site, coordinate, address } = patch;
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
pub fn client_patch_body(patch: &ClientPatch) -> Value {
    let ClientPatch { id: _, name, implantation, onu } = patch;
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
        let ClientOfProperty::Whole(record) = whole.client else { panic!("the client is there") };
        assert_eq!(
            (record.client.code.as_str(), record.name.as_deref(), record.property.is_none()),
            ("147", Some("Maria"), true)
        );
        assert_eq!(whole.property.site.map(|id| id.to_string()).as_deref(), Some("b2"));
        assert_eq!(whole.property.address.as_deref(), Some("Rua 1"));
        assert_eq!(whole.property.connections.len(), 1, "a cable is no port");
        assert_eq!(whole.property.connections[0].port.get(), 3);
        let thin = only(r#"[{"id":"a1","box":"b2","client":"c3"}]"#);
        assert_eq!(
            (thin.client, thin.reports_connections),
            (ClientOfProperty::Id(RecordId::new("c3").expect("an id")), false)
        );
        let empty = only(r#"[{"id":"a1","connections":null}]"#);
        assert_eq!((empty.client, empty.reports_connections), (ClientOfProperty::None, true));
    }

    #[test]
    fn a_field_that_decides_nothing_costs_nothing() {
        let odd = only(
            r#"[{"id":7,"box":[],"potencyRead":"N/A","address":[],"lat":"-27,5","lng":"-48,5",
                "client":{"id":8,"code":147.0,"implanted":"1","status":"?","onu":[1]},
                "connections":[{"id":9,"kind":"Splitter","port":"3"}]}]"#,
        );
        let ClientOfProperty::Whole(record) = odd.client else { panic!("the client is there") };
        assert_eq!((record.client.id.as_str(), record.client.code.as_str()), ("8", "147"));
        assert_eq!(record.client.implantation, Implantation::Implanted);
        assert_eq!((record.client.status, record.client.onu_known), (None, false));
        let Property { id, site, read_power, coordinate, connections, .. } = odd.property;
        assert_eq!((id.as_str(), site, read_power), ("7", None, None));
        assert_eq!(coordinate, Coordinate::new(-27.5, -48.5));
        assert_eq!((connections[0].splitter.as_str(), connections[0].port.get()), ("9", 3));
    }

    #[test]
    fn half_a_picture_is_none() {
        for (body, expected) in [
            (r#"[{"client":null}]"#, "has no `id`"),
            (r#"[{"id":"a1","connections":{}}]"#, "`connections` is no list"),
            (r#"[{"id":"a1","connections":[{"id":"d4"}]}]"#, "without `port`"),
            (r#"[{"id":"a1","client":true}]"#, "`client` is neither"),
            (r#"[{"id":"a1","box":true}]"#, "`box` is no reference"),
            (r#"[{"id":"a1","connections":[{"id":"d4","port":"3a"}]}]"#, "without `port`"),
            (r#"[{"id":"a1","connections":[{"id":"d4","port":2.5}]}]"#, "without `port`"),
            (r#"{"error":"x"}"#, "a list of properties is expected"),
        ] {
            let error = properties_of_client(body.as_bytes()).expect_err(body);
            assert!(error.to_string().contains(expected), "{error}");
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
