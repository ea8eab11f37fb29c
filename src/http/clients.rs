//! A client as OZmap holds him, and the sync's rules for him alone.

use axum::Json;
use axum::extract::State;
use gateway_core::{ClientRecord, Connection, Coordinate, Implantation, MacAddress, Onu, Property, System};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Shared;
use super::auth::Caller;
use super::extract::{CodeInPath, CodeParam, NumericCodeParam};
use super::problem::{Code, Problem, ProblemBody};
use super::sync_runs::{SyncChange, SyncFinding};
use super::time::within;
use crate::store::ChangeFilter;
use crate::sync::one_client;

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
    /// `ok` or `error`; null if OZmap holds neither.
    #[schema(example = "ok")]
    status: Option<&'static str>,
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
        let ClientRecord { id: _, code, name, status, implantation, onu, home } = record;
        let (address, coordinate, read_power, mut connections) = match home {
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
            status: status.map(|status| status.name()),
            read_power_dbm: read_power.map(Into::into),
            address: address.map(Into::into),
            coordinate: coordinate.map(Into::into),
            onu: onu.into(),
            connection: connection.map(Into::into),
            as_of: format!("{as_of:.3}"),
        }
    }
}

/// A client, as OZmap holds him now.
#[utoipa::path(get, path = "/v1/clients/{code}", operation_id = "get_client", tag = "clients", params(CodeParam), responses(
    (status = 200, body = ClientBody),
    (status = 404, description = "client_not_found", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "client_ambiguous", body = ProblemBody, content_type = "application/problem+json"),
    (status = 502, description = "ozmap_rejected", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "ozmap_unreachable", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(super) async fn get(caller: Caller, CodeInPath(code): CodeInPath) -> Result<Json<ClientBody>, Problem> {
    let provisioning = &caller.tenant().provisioning;
    let record = within(provisioning.answer_within(), System::Ozmap, provisioning.client(&code)).await?;
    Ok(Json(ClientBody::new(record, Timestamp::now())))
}

/// One client's sync.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ClientSync {
    #[schema(example = "147")]
    code: String,
    /// The run that recorded it.
    run_id: Uuid,
    /// `finished`, or `failed`.
    #[schema(example = "finished")]
    state: &'static str,
    /// What was written; empty if OZmap held all of it.
    changes: Vec<SyncChange>,
    /// What was reported instead of guessed.
    findings: Vec<SyncFinding>,
}

/// The sync's rules for one client, now, on a fresh reading of INT6.
#[utoipa::path(post, path = "/v1/clients/{code}/sync", operation_id = "sync_client", tag = "clients", params(NumericCodeParam), responses(
    (status = 200, body = ClientSync),
    (status = 404, description = "client_not_found: OZmap or INT6 has no such client", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "client_ambiguous", body = ProblemBody, content_type = "application/problem+json"),
    (status = 502, description = "ozmap_rejected or int6_rejected", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "ozmap_unreachable, int6_unreachable or unavailable", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(super) async fn sync(
    State(app): State<Shared>,
    caller: Caller,
    CodeInPath(code): CodeInPath,
) -> Result<Json<ClientSync>, Problem> {
    let (tenant, limit) = (caller.tenant(), caller.tenant().provisioning.answer_within());
    let (engine, of) = (tenant.engine.clone(), code.clone());
    // In a task of its own: a caller that gives up does not leave half a run.
    let run = tokio::spawn(async move { engine.sync_one(&of).await });
    let synced = match tokio::time::timeout(limit, run).await {
        Ok(Ok(synced)) => synced?,
        Ok(Err(_)) => return Err(Problem::new(Code::Internal, "The sync of this client ended badly.")),
        Err(_) => {
            let detail = "The readings did not come in time; the sync of this client goes on.";
            return Err(Problem::new(Code::Int6Unreachable, detail));
        }
    };
    let one_client::Single { report, findings } = synced;
    if let Some((change, why)) = report.failures.first() {
        return Err(Problem::new(Code::OzmapRejected, format!("{change}: {why}")));
    }
    let rows = app.store.changes(report.id, &ChangeFilter::default(), None, 100).await?;
    Ok(Json(ClientSync {
        code: code.to_string(),
        run_id: report.id,
        state: report.state.name(),
        changes: rows.into_iter().map(SyncChange::from).collect(),
        findings: findings.into_iter().map(SyncFinding::from).collect(),
    }))
}

impl From<one_client::SyncClientError> for Problem {
    fn from(failure: one_client::SyncClientError) -> Problem {
        use one_client::SyncClientError;
        let detail = failure.to_string();
        match failure {
            SyncClientError::NotNumeric(_) => Problem::invalid(format!("code: {detail}")),
            SyncClientError::UnknownToOzmap(_) | SyncClientError::UnknownToInt6(_) => {
                Problem::new(Code::ClientNotFound, detail)
            }
            SyncClientError::Ambiguous(..) => Problem::new(Code::ClientAmbiguous, detail),
            SyncClientError::Int6Empty => Problem::new(Code::Int6Unreachable, detail),
            SyncClientError::Upstream(error) => crate::provisioning::Failure::from(error).into(),
            SyncClientError::Lock(error) => crate::provisioning::Failure::from(error).into(),
            SyncClientError::Store(error) => error.into(),
        }
    }
}
