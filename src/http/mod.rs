//! The HTTP face: one route list, small handlers, and every error as problem+json.

mod activations;
mod clients;
mod csv;
mod docs;
mod door;
mod extract;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod health;
mod operations;
mod power;
mod problem;
mod splitters;
mod sync_runs;
mod time;
mod trace;
mod wish;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use governor::DefaultDirectRateLimiter;
use ipnet::IpNet;
use metrics_exporter_prometheus::PrometheusHandle;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_http::timeout::{RequestBodyTimeoutLayer, TimeoutLayer};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::provisioning::Provisioning;
use crate::store::Store;
use crate::sync::Engine;

/// Longest pause between two pieces of a request's body.
const LONGEST_BODY_PAUSE: Duration = Duration::from_secs(10);
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
    /// Requests that the key may make; `None` is unlimited.
    pub share: Option<DefaultDirectRateLimiter>,
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
    /// Web pages of these origins may call from a browser.
    pub cors_origins: Vec<HeaderValue>,
    /// What is counted.
    pub metrics: PrometheusHandle,
}

type Shared = Arc<Face>;

/// The whole API; serve it with connect info of [`SocketAddr`].
pub fn router(face: Face) -> Router {
    let cors = cors(&face.cors_origins);
    let face = Arc::new(face);
    let (open, guarded) = routes();
    let guarded = guarded.layer(from_fn_with_state(Arc::clone(&face), door::guard));
    let (router, api) = open.merge(guarded).split_for_parts();
    let router = router
        .with_state(face)
        .merge(docs::pages(docs::text_of(docs::with_errors(api))))
        .method_not_allowed_fallback(|| async { StatusCode::METHOD_NOT_ALLOWED })
        .fallback(|| async { StatusCode::NOT_FOUND });
    router
        .layer(RequestBodyTimeoutLayer::new(LONGEST_BODY_PAUSE))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, LONGEST_REQUEST))
        .layer(CatchPanicLayer::new())
        .layer(from_fn(trace::explain_and_log))
        .layer(cors)
}

/// Without origins no page of another host may call; the documentation page is of this host.
fn cors(origins: &[HeaderValue]) -> CorsLayer {
    if origins.is_empty() {
        return CorsLayer::new();
    }
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins.iter().cloned()))
        .allow_methods([Method::GET, Method::POST, Method::PUT])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::CACHE_CONTROL,
            HeaderName::from_static("x-api-key"),
            HeaderName::from_static("x-request-id"),
            HeaderName::from_static("prefer"),
            HeaderName::from_static("callback-url"),
        ])
        .expose_headers([
            header::LOCATION,
            header::RETRY_AFTER,
            HeaderName::from_static("x-request-id"),
            HeaderName::from_static("preference-applied"),
        ])
}

/// The OpenAPI document, as `openapi/gateway.json` has it.
pub fn openapi_json() -> String {
    let (open, guarded) = routes();
    docs::text_of(docs::with_errors(open.merge(guarded).into_openapi()))
}

/// Every operation: those open to all, and those that need a key.
fn routes() -> (OpenApiRouter<Shared>, OpenApiRouter<Shared>) {
    let open = OpenApiRouter::with_openapi(docs::Api::openapi())
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(health::metrics));
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
