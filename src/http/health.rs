//! Signs of life, for platforms.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use strum::{EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use super::state::Shared;
use super::words::{Word, Words};

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
    Json(Health { status: HealthStatus::Ok.into(), version: VERSION, database: None })
}

/// Whether the gateway can work: its database answers.
///
/// OZmap and INT6 do not count: a gateway that is taken away because one of them is down could not say so.
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
pub(super) async fn ready(State(app): State<Shared>) -> (StatusCode, Json<Health>) {
    let (status, health) = match app.store.ping().await {
        Ok(()) => (StatusCode::OK, HealthStatus::Ok),
        Err(error) => {
            tracing::error!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, HealthStatus::Failing)
        }
    };
    (status, Json(Health { status: health.into(), version: VERSION, database: Some(health.into()) }))
}
