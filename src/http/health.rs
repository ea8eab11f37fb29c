//! Signs of life, for platforms.

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::caller_address;
use super::problem::{Code, Problem, ProblemBody};
use super::{Peer, Shared};

/// A sign of life.
#[derive(Serialize, ToSchema)]
pub(super) struct Health {
    /// `ok` or `failing`.
    #[schema(example = "ok")]
    status: &'static str,
    /// The gateway's version.
    #[schema(example = "0.1.0")]
    version: &'static str,
    /// `ok` or `failing`; only where it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "ok")]
    database: Option<&'static str>,
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What the gateway counts, in Prometheus' text form; open to every address that a tenant admits.
#[utoipa::path(get, path = "/metrics", operation_id = "get_metrics", tag = "platform", security(()), responses(
    (status = 200, body = String, content_type = "text/plain"),
    (status = 403, description = "address_not_admitted", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(super) async fn metrics(
    State(app): State<Shared>,
    ConnectInfo(peer): Peer,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let address = caller_address(peer, &headers, &app.trusted_proxies);
    let admitted =
        app.tenants.iter().flat_map(|tenant| &tenant.allowed_ips).any(|block| block.contains(&address));
    if !admitted {
        return Err(Problem::new(
            Code::AddressNotAdmitted,
            format!("Calls from {address} are not admitted."),
        ));
    }
    let text = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    Ok((text, app.metrics.render()).into_response())
}

/// Whether the process is alive.
#[utoipa::path(get, path = "/health/live", operation_id = "get_live", tag = "platform", security(()), responses((status = 200, body = Health)))]
pub(super) async fn live() -> Json<Health> {
    Json(Health { status: "ok", version: VERSION, database: None })
}

/// Whether the gateway can work: its database answers.
///
/// OZmap and INT6 do not count: a gateway that is taken away because one of them is down could not say so.
#[utoipa::path(get, path = "/health/ready", operation_id = "get_ready", tag = "platform", security(()), responses(
    (status = 200, description = "It can work", body = Health),
    (status = 503, description = "It cannot", body = Health),
))]
pub(super) async fn ready(State(app): State<Shared>) -> (StatusCode, Json<Health>) {
    let (status, word) = match app.store.ping().await {
        Ok(()) => (StatusCode::OK, "ok"),
        Err(error) => {
            tracing::error!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "failing")
        }
    };
    (status, Json(Health { status: word, version: VERSION, database: Some(word) }))
}
