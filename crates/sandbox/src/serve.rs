//! One request from socket to socket: read it, let the door spoil it, have a simulator answer it, log it.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use futures::StreamExt;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::door::{Door, Fault, RecordedCall};
use super::socket::{CuttableListener, Scissors};

/// Bodies up to 10 MB are read; larger ones are answered 413.
const BODY_LIMIT: usize = 10 * 1024 * 1024;

/// A system that answers calls from its state; it does no input or output itself.
pub(super) trait Simulator: Send + Sync + 'static {
    /// What stands before it.
    fn door(&self) -> &Door;
    /// Carries the call out.
    fn answer(&self, call: &Call) -> Answer;
    /// The JSON body of an error in this system's manner.
    fn error_body(&self, message: &str) -> Value;
}

/// A request taken apart.
pub(super) struct Call {
    pub(super) method: String,
    /// As sent.
    pub(super) path: String,
    /// As sent, without the question mark.
    pub(super) query: String,
    headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Call {
    /// The decoded path segments.
    pub(super) fn segments(&self) -> Vec<String> {
        self.path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
            .collect()
    }

    /// The decoded query, in order; a plus sign is a space, as in forms.
    pub(super) fn query_pairs(&self) -> Vec<(String, String)> {
        let decode =
            |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
        self.query
            .split('&')
            .filter(|part| !part.is_empty())
            .map(|part| {
                part.split_once('=').map_or((decode(part), String::new()), |(k, v)| (decode(k), decode(v)))
            })
            .collect()
    }

    /// The first value of a query parameter.
    pub(super) fn query_value(&self, name: &str) -> Option<String> {
        self.query_pairs().into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(super) fn authorization(&self) -> Option<&str> {
        self.header(AUTHORIZATION.as_str())
    }

    /// The body as JSON; null when it is empty.
    pub(super) fn json(&self) -> Result<Value, serde_json::Error> {
        if self.body.iter().all(u8::is_ascii_whitespace) {
            Ok(Value::Null)
        } else {
            serde_json::from_slice(&self.body)
        }
    }

    fn recorded_body(&self) -> Value {
        self.json().unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&self.body).into_owned()))
    }

    #[cfg(test)]
    pub(super) fn test(method: &str, uri: &str, authorization: &str, body: Value) -> Call {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let mut headers = HeaderMap::new();
        if let Ok(value) = authorization.parse() {
            headers.insert(AUTHORIZATION, value);
        }
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        Call { method: method.into(), path: path.into(), query: query.into(), headers, body }
    }

    #[cfg(test)]
    pub(super) fn headers_mut(&mut self) -> &mut HeaderMap {
        &mut self.headers
    }

    #[cfg(test)]
    pub(super) fn with_header(mut self, name: &'static str, value: &str) -> Call {
        if let Ok(value) = value.parse() {
            self.headers.insert(name, value);
        }
        self
    }
}

/// A status with a JSON body, or with none.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Option<Value>,
}

impl Answer {
    pub(super) fn json(status: u16, body: Value) -> Answer {
        Answer { status, body: Some(body) }
    }

    pub(super) fn ok(body: Value) -> Answer {
        Answer::json(200, body)
    }

    pub(super) fn no_content() -> Answer {
        Answer { status: 204, body: None }
    }
}

/// A simulator being served; dropping it does not stop it, cancelling the token given to [`listen`] does.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) task: JoinHandle<()>,
}

/// Binds a socket (port 0: any free one) and serves the simulator there until `stop` is cancelled, which also cuts every connection.
///
/// # Errors
/// When the address cannot be bound.
pub(super) async fn listen(
    simulator: Arc<dyn Simulator>,
    ip: IpAddr,
    port: u16,
    stop: CancellationToken,
) -> io::Result<Server> {
    let inner = TcpListener::bind((ip, port)).await?;
    let address = inner.local_addr()?;
    let listener = CuttableListener { inner, all: stop.clone() };
    let router =
        Router::new().fallback(move |ConnectInfo(scissors): ConnectInfo<Scissors>, request: Request| {
            handle(Arc::clone(&simulator), scissors, request)
        });
    let service = router.into_make_service_with_connect_info::<Scissors>();
    let task = tokio::spawn(async move {
        // Serving ends only by the shutdown signal: accept errors are retried inside.
        let _ = axum::serve(listener, service).with_graceful_shutdown(stop.cancelled_owned()).await;
    });
    Ok(Server { address, task })
}

async fn handle(simulator: Arc<dyn Simulator>, scissors: Scissors, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let door = simulator.door();
    let bytes = axum::body::to_bytes(body, BODY_LIMIT).await;
    let too_large = bytes.is_err();
    let call = Call {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body: bytes.unwrap_or_default(),
    };
    let fault = door.fault_for(&call.method, &call.path);
    let (status, response) = match fault {
        _ if too_large => {
            let answer = Answer::json(413, simulator.error_body("the body is larger than 10 MB"));
            (answer.status, respond(answer))
        }
        None => carry_out(&*simulator, &call),
        Some(Fault::Hang(time)) => {
            tokio::time::sleep(time).await;
            carry_out(&*simulator, &call)
        }
        Some(Fault::DoThenCut) => {
            let _ = carry_out(&*simulator, &call);
            scissors.cut();
            (0, Response::new(Body::empty()))
        }
        Some(Fault::DoThenStatus(status)) => {
            let _ = carry_out(&*simulator, &call);
            (status, respond(Answer::json(status, simulator.error_body("injected fault"))))
        }
        Some(Fault::DoThenHang(time)) => {
            let answer = carry_out(&*simulator, &call);
            tokio::time::sleep(time).await;
            answer
        }
        Some(Fault::Status(status)) => {
            let answer = Answer::json(status, simulator.error_body("injected fault"));
            (status, respond(answer))
        }
        Some(Fault::StatusWith { status, retry_after, body }) => {
            let mut response = text(status, body);
            if let Some(seconds) = retry_after {
                response.headers_mut().insert(RETRY_AFTER, seconds.into());
            }
            (status, response)
        }
        Some(Fault::Cut) => (0, cut_in_mid_body()),
        Some(Fault::NotJson) => (200, text(200, "<!doctype html><title>It works</title>".to_owned())),
        Some(Fault::Body(body)) => (200, text(200, body)),
    };
    door.note(&call.method, &call.path, status);
    if door.is_recording() {
        let body = call.recorded_body();
        door.keep(RecordedCall { method: call.method, path: call.path, query: call.query, body, status });
    }
    let latency = door.latency();
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    response
}

fn carry_out(simulator: &dyn Simulator, call: &Call) -> (u16, Response) {
    let answer = simulator.answer(call);
    (answer.status, respond(answer))
}

fn respond(answer: Answer) -> Response {
    let mut response = Response::new(Body::empty());
    if let Some(body) = answer.body {
        *response.body_mut() = Body::from(body.to_string());
        let kind = http::HeaderValue::from_static("application/json; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, kind);
    }
    *response.status_mut() = status_code(answer.status);
    response
}

fn text(status: u16, body: String) -> Response {
    let kind = if body.trim_start().starts_with(['{', '[']) { "application/json" } else { "text/html" };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status_code(status);
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static(kind));
    response
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Promises a kilobyte, sends a few bytes of it and fails: the caller sees a body that ends too early.
fn cut_in_mid_body() -> Response {
    let beginning = json!({"total": 1}).to_string();
    let first = futures::stream::once(async move { Ok(Bytes::from(beginning)) });
    let then = futures::stream::once(async {
        // Long enough for the first bytes to leave.
        tokio::time::sleep(Duration::from_millis(5)).await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    });
    let mut response = Response::new(Body::from_stream(first.chain(then)));
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CONTENT_LENGTH, 1024.into());
    response
}
