//! The HTTP API: one route list, small handlers, and every error as problem+json.

mod activation_log;
mod activations;
mod auth;
mod bodies;
mod clients;
mod csv;
mod deadline;
mod docs;
mod door;
mod exposition;
mod extract;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod health;
mod metrics;
mod operations;
mod power;
mod problem;
mod requests;
mod responses;
mod roles;
mod splitters;
mod state;
mod sync_changes;
mod sync_findings;
mod sync_runs;
mod trace;
mod upstream_state;
mod words;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_http::timeout::{RequestBodyTimeoutLayer, TimeoutLayer};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use self::door::{Door, Room, Standing, StandingOf};
use self::state::Shared;
pub use self::state::{AppState, Served, SignOfLife, SignsOfLife, TenantState};
pub use self::upstream_state::UpstreamState;

/// Longest pause between two pieces of a request's body.
const LONGEST_BODY_PAUSE: Duration = Duration::from_secs(10);
/// Longest time that a handler may take to begin its answer.
const LONGEST_REQUEST: Duration = Duration::from_secs(30);

/// The whole API; serve it with connect info of [`std::net::SocketAddr`].
pub fn router(app: Arc<AppState>) -> Router {
    let cors = cors(&app);
    let (open, guarded) = routes();
    let guarded = guarded.layer(from_fn_with_state(Arc::clone(&app), auth::guard));
    let (router, api) = open.merge(guarded).split_for_parts();
    let last_words = app.last_words.clone();
    let router = router
        .with_state(app)
        .merge(docs::pages(docs::text_of(docs::completed(api))))
        .method_not_allowed_fallback(|| async { StatusCode::METHOD_NOT_ALLOWED })
        .fallback(|| async { StatusCode::NOT_FOUND });
    router
        .layer(RequestBodyTimeoutLayer::new(LONGEST_BODY_PAUSE))
        .layer(from_fn_with_state(last_words, deadline::answered_before_the_end))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, LONGEST_REQUEST))
        .layer(CatchPanicLayer::new())
        .layer(from_fn(trace::explain_and_log))
        .layer(cors)
}

/// `/metrics` on a listener of its own: every tenant's, to whoever reaches it, with the key if one is set.
pub fn metrics_router(app: Arc<AppState>) -> Router {
    Router::new()
        .route("/metrics", get(metrics::of_all))
        .with_state(app)
        .method_not_allowed_fallback(|| async { StatusCode::METHOD_NOT_ALLOWED })
        .fallback(|| async { StatusCode::NOT_FOUND })
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, LONGEST_REQUEST))
        .layer(CatchPanicLayer::new())
        .layer(from_fn(trace::explain_and_log))
}

/// Without origins no page of another host may call; the documentation page is of this host. They are looked up at each call,
/// because settings are taken over while the gateway runs.
fn cors(app: &Shared) -> CorsLayer {
    let served = Arc::clone(&app.served);
    let is_named = move |origin: &HeaderValue, _: &Parts| served.load().cors_origins.contains(origin);
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(is_named))
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
    docs::text_of(docs::completed(open.merge(guarded).into_openapi()))
}

/// Every operation: those open to all, and those that need a key.
fn routes() -> (OpenApiRouter<Shared>, OpenApiRouter<Shared>) {
    let open = OpenApiRouter::with_openapi(docs::ApiDescription::openapi())
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(metrics::get));
    let guarded = OpenApiRouter::new()
        .routes(routes!(splitters::nearby))
        .routes(routes!(sync_runs::list, sync_runs::create))
        .routes(routes!(sync_runs::get))
        .routes(routes!(sync_changes::list))
        .routes(routes!(sync_findings::list))
        .routes(routes!(clients::get))
        .routes(routes!(clients::sync))
        .routes(routes!(power::get))
        .routes(routes!(activations::create))
        .routes(routes!(activations::activate))
        .routes(routes!(activation_log::list))
        .routes(routes!(operations::get));
    (open, guarded)
}
