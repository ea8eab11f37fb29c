//! Signs of life, for platforms.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Serialize;
use strum::{EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use super::auth::{Peer, caller_address};
use super::state::{Served, Shared, SignOfLife, TenantState};
use super::upstream_state::UpstreamState;
use super::words::{SystemWord, Word, Words};
use crate::store::NotReady;

/// Whether something works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub(super) enum HealthStatus {
    Ok,
    Failing,
}

impl Words for HealthStatus {
    const LIST: &'static str = "HealthStatus";
    const EXAMPLE: HealthStatus = HealthStatus::Ok;
}

type HealthWord = Word<HealthStatus>;

type UpstreamWord = Word<UpstreamState>;

/// One of a tenant's systems.
#[derive(Serialize, ToSchema)]
pub(super) struct UpstreamHealth {
    #[schema(example = "default")]
    tenant: String,
    system: SystemWord,
    state: UpstreamWord,
    /// When it last answered anything; null before the first time.
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-11-20T10:03:11.000Z")]
    last_answer_at: Option<String>,
}

/// A sign of life.
#[derive(Serialize, ToSchema)]
pub(super) struct Health {
    status: HealthWord,
    /// The gateway's version.
    #[schema(example = "0.1.0")]
    version: &'static str,
    /// Only where it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<HealthWord>,
    /// Why the database fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The systems of the tenants that admit the caller's address; what is said of them never makes the gateway fail.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    upstreams: Vec<UpstreamHealth>,
}

impl Health {
    fn new(status: HealthStatus) -> Health {
        let (database, reason, upstreams) = (None, None, Vec::new());
        Health { status: status.into(), version: VERSION, database, reason, upstreams }
    }
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Whether the process is alive.
#[utoipa::path(
    get,
    path = "/health/live",
    operation_id = "get_live",
    tag = "platform",
    security(()),
    responses((status = 200, description = "It is alive", body = Health)),
)]
pub(super) async fn live() -> Json<Health> {
    Json(Health::new(HealthStatus::Ok))
}

/// Whether the gateway can work: its database takes what is written.
///
/// A row is written, once a second at most. What OZmap and INT6 answered last is told, and does not count: a gateway that is
/// taken away because one of them is down could not say so.
#[utoipa::path(
    get,
    path = "/health/ready",
    operation_id = "get_ready",
    tag = "platform",
    security(()),
    responses(
        (status = 200, description = "It can work", body = Health),
        (status = 503, description = "It cannot", body = Health),
    ),
)]
pub(super) async fn ready(
    State(app): State<Shared>,
    ConnectInfo(peer): Peer,
    headers: HeaderMap,
) -> (StatusCode, Json<Health>) {
    let (status, health, reason) = match app.store.ready().await {
        Ok(()) => (StatusCode::OK, HealthStatus::Ok, None),
        Err(NotReady(reason)) => (StatusCode::SERVICE_UNAVAILABLE, HealthStatus::Failing, Some(reason)),
    };
    let served = app.served.load();
    let upstreams = match caller_address(peer, &headers, &served.trusted_proxies) {
        Some(address) => upstreams(&served, address),
        None => Vec::new(),
    };
    (status, Json(Health { database: Some(health.into()), reason, upstreams, ..Health::new(health) }))
}

/// The systems of the tenants that admit this address: nobody else's names are told.
fn upstreams(served: &Served, address: IpAddr) -> Vec<UpstreamHealth> {
    let admits = |tenant: &&Arc<TenantState>| tenant.allowed_ips.iter().any(|block| block.contains(&address));
    let of_tenant = |tenant: &Arc<TenantState>| {
        let name = tenant.name.clone();
        (tenant.upstreams)().into_iter().map(move |SignOfLife { system, state, last_answer_at }| {
            let last_answer_at = last_answer_at.map(|at| format!("{at:.3}"));
            UpstreamHealth {
                tenant: name.clone(),
                system: system.into(),
                state: state.into(),
                last_answer_at,
            }
        })
    };
    served.tenants.iter().filter(admits).flat_map(of_tenant).collect()
}
