//! The HTTP face: one route list, small handlers, and every error as problem+json.

mod activations;
mod clients;
mod csv;
mod docs;
mod door;
mod extract;
mod health;
mod operations;
mod power;
mod problem;
mod splitters;
mod sync_runs;
mod time;
mod trace;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use ipnet::IpNet;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::provisioning::Provisioning;
use crate::store::Store;
use crate::sync::Engine;

/// Largest request body, in bytes; the largest request of the API is far below.
const LARGEST_BODY: usize = 64 << 10;
/// Longest time that a handler may take to begin its answer.
const LONGEST_REQUEST: Duration = Duration::from_secs(30);

/// One ISP, as callers meet it.
pub struct Tenant {
    /// Its name in the store.
    pub name: String,
    /// SHA-256 of the key that its INT6 presents.
    pub key_sha256: [u8; 32],
    /// Who may call.
    pub allowed_ips: Vec<IpNet>,
    /// Starts its runs.
    pub engine: Engine,
    /// Answers its INT6.
    pub provisioning: Provisioning,
}

/// What the handlers need.
pub struct Face {
    /// Runs and changes.
    pub store: Store,
    /// One or more.
    pub tenants: Vec<Tenant>,
    /// Peers whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpNet>,
}

type Shared = Arc<Face>;

/// The whole API; serve it with connect info of [`SocketAddr`].
pub fn router(face: Face) -> Router {
    let face = Arc::new(face);
    let (open, guarded) = routes();
    let guarded = guarded.layer(from_fn_with_state(Arc::clone(&face), door::guard));
    let (router, api) = open.merge(guarded).split_for_parts();
    let router = router
        .with_state(face)
        .merge(docs::pages(docs::text_of(api)))
        .method_not_allowed_fallback(|| async { StatusCode::METHOD_NOT_ALLOWED })
        .fallback(|| async { StatusCode::NOT_FOUND });
    router
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, LONGEST_REQUEST))
        .layer(CatchPanicLayer::new())
        .layer(from_fn(trace::explain_and_log))
}

/// The OpenAPI document, as `openapi/gateway.json` has it.
pub fn openapi_json() -> String {
    let (open, guarded) = routes();
    docs::text_of(open.merge(guarded).into_openapi())
}

/// Every operation: those open to all, and those that need a key.
fn routes() -> (OpenApiRouter<Shared>, OpenApiRouter<Shared>) {
    let open = OpenApiRouter::with_openapi(docs::Api::openapi())
        .routes(routes!(health::live))
        .routes(routes!(health::ready));
    let guarded = OpenApiRouter::new()
        .routes(routes!(splitters::nearby))
        .routes(routes!(sync_runs::list, sync_runs::create))
        .routes(routes!(sync_runs::get))
        .routes(routes!(sync_runs::changes))
        .routes(routes!(sync_runs::findings))
        .routes(routes!(clients::get))
        .routes(routes!(clients::sync))
        .routes(routes!(power::get))
        .routes(routes!(activations::create))
        .routes(routes!(activations::activate))
        .routes(routes!(activations::list))
        .routes(routes!(operations::get));
    (open, guarded)
}

/// The address of the connection's other end.
type Peer = axum::extract::ConnectInfo<SocketAddr>;
