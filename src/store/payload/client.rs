//! A client as OZmap held it, in `activations.old_state` and `…new_state`, and in an operation's answer.

use compact_str::CompactString;
use gateway_core::{
    Client, ClientCode, ClientRecord, Connection, Coordinate, Dbm, Implantation, Onu, PortNumber, Property,
    RecordId, Status,
};
use serde::{Deserialize, Serialize};

use super::{NotUnderstood, VERSION, first_release, read, text};

#[derive(Serialize, Deserialize)]
pub(super) struct StoredClient {
    #[serde(default = "first_release")]
    v: u32,
    id: RecordId,
    code: ClientCode,
    name: Option<CompactString>,
    status: Option<Status>,
    implantation: Implantation,
    onu: StoredOnu,
    #[serde(default = "known", skip_serializing_if = "is_known")]
    onu_known: bool,
    home: Option<StoredProperty>,
}

#[derive(Serialize, Deserialize)]
struct StoredOnu {
    serial_number: CompactString,
    pppoe_user: CompactString,
    mac_address: CompactString,
}

#[derive(Serialize, Deserialize)]
struct StoredProperty {
    property: RecordId,
    site: Option<RecordId>,
    address: Option<CompactString>,
    coordinate: Option<Coordinate>,
    read_power: Option<Dbm>,
    connections: Vec<StoredConnection>,
}

#[derive(Serialize, Deserialize)]
struct StoredConnection {
    splitter: RecordId,
    splitter_name: Option<CompactString>,
    port: PortNumber,
}

/// Releases before this field read no client whose ONU they did not understand.
fn known() -> bool {
    true
}

/// Takes a reference, because serde gives one.
fn is_known(known: &bool) -> bool {
    *known
}

/// The text of a client.
pub(crate) fn client_text(client: &ClientRecord) -> String {
    text(&StoredClient::from(client))
}

/// The client of a text.
///
/// # Errors
/// [`NotUnderstood`].
pub(crate) fn read_client(text: &str) -> Result<ClientRecord, NotUnderstood> {
    read::<StoredClient>(text).map(ClientRecord::from)
}

impl From<&ClientRecord> for StoredClient {
    fn from(record: &ClientRecord) -> StoredClient {
        let ClientRecord { client, name, property } = record.clone();
        let Client { id, code, status, implantation, onu, onu_known } = client;
        let Onu { serial_number, pppoe_user, mac_address } = onu;
        StoredClient {
            v: VERSION,
            id,
            code,
            name,
            status,
            implantation,
            onu: StoredOnu { serial_number, pppoe_user, mac_address },
            onu_known,
            home: property.map(StoredProperty::from),
        }
    }
}

impl From<StoredClient> for ClientRecord {
    fn from(stored: StoredClient) -> ClientRecord {
        let StoredClient { v: _, id, code, name, status, implantation, onu, onu_known, home } = stored;
        let StoredOnu { serial_number, pppoe_user, mac_address } = onu;
        let onu = Onu { serial_number, pppoe_user, mac_address };
        let client = Client { id, code, status, implantation, onu, onu_known };
        ClientRecord { client, name, property: home.map(Property::from) }
    }
}

impl From<Property> for StoredProperty {
    fn from(property: Property) -> StoredProperty {
        let Property { id, site, address, coordinate, read_power, connections } = property;
        let stored = |connection: Connection| {
            let Connection { splitter, splitter_name, port } = connection;
            StoredConnection { splitter, splitter_name, port }
        };
        let connections = connections.into_iter().map(stored).collect();
        StoredProperty { property: id, site, address, coordinate, read_power, connections }
    }
}

impl From<StoredProperty> for Property {
    fn from(stored: StoredProperty) -> Property {
        let StoredProperty { property, site, address, coordinate, read_power, connections } = stored;
        let connection = |stored: StoredConnection| {
            let StoredConnection { splitter, splitter_name, port } = stored;
            Connection { splitter, splitter_name, port }
        };
        let connections = connections.into_iter().map(connection).collect();
        Property { id: property, site, address, coordinate, read_power, connections }
    }
}
