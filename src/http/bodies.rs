//! A client, its ONU and its connection in answers.

use gateway_core::provisioning::ActivationOutcome;
use gateway_core::{ClientRecord, Connection, Coordinate, Implantation, MacAddress, Onu, Property, Status};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::words::Word;

/// A place in WGS 84 degrees.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(super) struct CoordinateBody {
    /// −90 to 90.
    #[schema(example = -27.59561)]
    lat: f64,
    /// −180 to 180.
    #[schema(example = -48.50244)]
    lng: f64,
}

impl From<Coordinate> for CoordinateBody {
    fn from(at: Coordinate) -> CoordinateBody {
        CoordinateBody { lat: at.lat(), lng: at.lng() }
    }
}

/// The ONU's data; null is unknown.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct OnuBody {
    #[schema(example = "FHTT9A0B1C2D")]
    serial_number: Option<String>,
    #[schema(example = "maria.147")]
    pppoe_user: Option<String>,
    /// Lower case with colons.
    #[schema(example = "94:e3:ee:0e:10:55")]
    mac_address: Option<String>,
}

impl From<Onu> for OnuBody {
    fn from(Onu { serial_number, pppoe_user, mac_address }: Onu) -> OnuBody {
        let known = |text: compact_str::CompactString| (!text.is_empty()).then(|| text.into_string());
        let mac = MacAddress::new(&mac_address).map(|mac| mac.to_string());
        OnuBody {
            serial_number: known(serial_number),
            pppoe_user: known(pppoe_user),
            mac_address: mac.or_else(|| known(mac_address)),
        }
    }
}

/// The splitter's port that the client holds.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct ConnectionBody {
    #[schema(example = "5da61e13493d9c0006665477")]
    splitter_id: String,
    #[schema(example = "Splitter 1")]
    splitter_name: Option<String>,
    /// From 1 on.
    #[schema(example = 3, minimum = 1)]
    port: u16,
}

impl From<Connection> for ConnectionBody {
    fn from(Connection { splitter, splitter_name, port }: Connection) -> ConnectionBody {
        ConnectionBody {
            splitter_id: splitter.to_string(),
            splitter_name: splitter_name.map(Into::into),
            port: port.get(),
        }
    }
}

type StatusWord = Word<Status>;

/// What OZmap holds of a client.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Client)]
pub(super) struct ClientBody {
    #[schema(example = "147")]
    code: String,
    #[schema(example = "Maria")]
    name: Option<String>,
    /// Whether the client is deployed.
    implanted: bool,
    /// Null if OZmap holds neither.
    status: Option<StatusWord>,
    /// What INT6 read last, in dBm.
    #[schema(example = -20.1)]
    read_power_dbm: Option<f64>,
    #[schema(example = "Rua das Orquídeas, 258")]
    address: Option<String>,
    /// Null inside a condominium, and where OZmap has none.
    coordinate: Option<CoordinateBody>,
    onu: OnuBody,
    /// Null if the client is on no splitter.
    connection: Option<ConnectionBody>,
    /// When OZmap said so; RFC 3339, UTC.
    #[schema(example = "2026-11-20T10:03:11.000Z")]
    as_of: String,
}

impl ClientBody {
    pub(super) fn new(record: ClientRecord, as_of: Timestamp) -> ClientBody {
        let ClientRecord { client, name, property } = record;
        let gateway_core::Client { id: _, code, status, implantation, onu, onu_known: _ } = client;
        let (address, coordinate, read_power, mut connections) = match property {
            Some(Property { address, coordinate, read_power, connections, .. }) => {
                (address, coordinate, read_power, connections)
            }
            None => (None, None, None, Vec::new()),
        };
        let connection = if connections.is_empty() { None } else { Some(connections.swap_remove(0)) };
        ClientBody {
            code: code.to_string(),
            name: name.map(Into::into),
            implanted: implantation == Implantation::Implanted,
            status: status.map(Word::from),
            read_power_dbm: read_power.map(Into::into),
            address: address.map(Into::into),
            coordinate: coordinate.map(Into::into),
            onu: onu.into(),
            connection: connection.map(Into::into),
            as_of: format!("{as_of:.3}"),
        }
    }
}

pub(super) type OutcomeWord = Word<ActivationOutcome>;

/// The client after it was done, and what was done.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ActivatedClient {
    #[serde(flatten)]
    client: ClientBody,
    /// What was done.
    outcome: OutcomeWord,
}

impl ActivatedClient {
    pub(super) fn new(record: ClientRecord, as_of: Timestamp, outcome: OutcomeWord) -> ActivatedClient {
        ActivatedClient { client: ClientBody::new(record, as_of), outcome }
    }
}
