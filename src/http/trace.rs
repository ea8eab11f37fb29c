//! Around every request: its id, its log line, and the explanation of an error.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{FromRequestParts, MatchedPath, Request};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use tracing::field::Empty;
use tracing::{Instrument, error_span};
use uuid::Uuid;

use super::problem::Problem;

/// The request's id, for handlers that keep it.
#[derive(Debug, Clone)]
pub(super) struct RequestId(pub(super) String);

impl<S: Sync> FromRequestParts<S> for RequestId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<RequestId, Infallible> {
        let id = parts.extensions.get::<RequestId>().cloned();
        Ok(id.unwrap_or_else(|| RequestId(Uuid::now_v7().to_string())))
    }
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Gives the request an id and a span, logs one line, and writes every error as problem+json, the framework's own included.
pub(super) async fn explain_and_log(mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let id = request_id(&request);
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("(none)", MatchedPath::as_str).to_owned();
    let span = error_span!("request", request_id = id, tenant = Empty, route);
    let mut response = next.run(request).instrument(span.clone()).await;
    let status = response.status();
    if status.is_client_error() || status.is_server_error() {
        response = explained(response, &id);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let elapsed = begun.elapsed();
    count(&method, &route, status.as_u16(), elapsed);
    span.in_scope(|| log(&method, &route, status.as_u16(), elapsed));
    response
}

/// Probes come every few seconds: their lines are for those who look for them.
fn log(method: &Method, route: &str, status: u16, elapsed: Duration) {
    let duration_ms = elapsed.as_millis() as u64;
    if route.starts_with("/health") {
        tracing::debug!(%method, status, duration_ms, "request");
    } else {
        tracing::info!(%method, status, duration_ms, "request");
    }
}

/// By the route's template, never by the path: labels must be few.
fn count(method: &Method, route: &str, status: u16, elapsed: Duration) {
    let labels =
        [("method", known(method).to_owned()), ("route", route.to_owned()), ("status", status.to_string())];
    metrics::counter!("gateway_http_requests_total", &labels).increment(1);
    metrics::histogram!("gateway_http_request_seconds", "route" => route.to_owned()).record(elapsed);
}

/// Callers may invent methods.
fn known(method: &Method) -> &str {
    match *method {
        Method::GET
        | Method::HEAD
        | Method::POST
        | Method::PUT
        | Method::PATCH
        | Method::DELETE
        | Method::OPTIONS => method.as_str(),
        _ => "other",
    }
}

/// The caller's id if it is sane, else a new one.
fn request_id(request: &Request) -> String {
    let given = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok());
    let sane = |id: &&str| (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
    given.filter(sane).map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}

fn explained(mut response: Response, id: &str) -> Response {
    let is_ours = response.headers().get(header::CONTENT_TYPE).is_some_and(|t| t == "application/json");
    let problem = response.extensions_mut().remove::<Problem>();
    // A health check that fails says why in its own JSON.
    if problem.is_none() && is_ours {
        return response;
    }
    let problem = problem.unwrap_or_else(|| Problem::of_status(response.status()));
    let body = serde_json::to_vec(&problem.body(id)).unwrap_or_default();
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    Response::from_parts(parts, Body::from(body))
}
