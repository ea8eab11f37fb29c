//! What the gateway counts, for those who may see it.

use std::collections::HashSet;

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use gateway_core::ErrorCode;
use subtle::ConstantTimeEq;

use super::auth::{Peer, caller_address};
use super::exposition::of_tenants;
use super::problem::Problem;
use super::responses::MetricsErrors;
use super::state::{AppState, Served, Shared};
use crate::key::hash_of_key;

/// What the gateway counts, in Prometheus' text form.
///
/// With the metrics key, if one is set: every tenant's. Else open to every address that a tenant admits, and those tenants' alone.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "get_metrics",
    tag = "platform",
    security(()),
    responses((status = 200, description = "The metrics", body = String, content_type = "text/plain"), MetricsErrors),
)]
pub(super) async fn get(
    State(app): State<Shared>,
    ConnectInfo(peer): Peer,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let served = app.served.load_full();
    if served.metrics_elsewhere {
        let detail = "The metrics have a listener of their own (GATEWAY_METRICS_LISTEN).";
        return Err(Problem::new(ErrorCode::NotFound, detail));
    }
    if served.metrics_key_sha256.is_some() {
        with_key(&served, &headers)?;
        return Ok(text(&app, &names(&served)));
    }
    let Some(address) = caller_address(peer, &headers, &served.trusted_proxies) else {
        return Err(Problem::new(ErrorCode::AddressNotAdmitted, "The caller's address is not known."));
    };
    let admits = |blocks: &[ipnet::IpNet]| blocks.iter().any(|block| block.contains(&address));
    let own = served.tenants.iter().filter(|tenant| admits(&tenant.allowed_ips));
    let own: HashSet<&str> = own.map(|tenant| tenant.name.as_str()).collect();
    if own.is_empty() {
        let detail = format!("Calls from {address} are not admitted.");
        return Err(Problem::new(ErrorCode::AddressNotAdmitted, detail));
    }
    Ok(text(&app, &own))
}

/// The same on a listener of its own: whoever reaches it is trusted, or has the key.
pub(super) async fn of_all(State(app): State<Shared>, headers: HeaderMap) -> Result<Response, Problem> {
    let served = app.served.load_full();
    with_key(&served, &headers)?;
    Ok(text(&app, &names(&served)))
}

/// A key is asked for if one is set.
fn with_key(served: &Served, headers: &HeaderMap) -> Result<(), Problem> {
    let Some(sha256) = &served.metrics_key_sha256 else { return Ok(()) };
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = authorization.and_then(|value| value.split_once(' '));
    let key = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, key)| key.trim());
    match key {
        None => Err(Problem::new(ErrorCode::Unauthorised, "The request has no metrics key.")),
        Some(key) if bool::from(hash_of_key(key).ct_eq(sha256)) => Ok(()),
        Some(_) => Err(Problem::new(ErrorCode::Unauthorised, "The key is not that of the metrics.")),
    }
}

/// Of a tenant that was removed the last values stay counted, and would be taken for those of one that stands still.
fn names(served: &Served) -> HashSet<&str> {
    served.tenants.iter().map(|tenant| tenant.name.as_str()).collect()
}

fn text(app: &AppState, tenants: &HashSet<&str>) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, of_tenants(&app.metrics.render(), tenants)).into_response()
}
