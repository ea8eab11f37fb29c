//! One request from socket to socket: read it, spoil it if a fault waits for it, have a simulator answer it, log it.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use futures::StreamExt;
use http::StatusCode;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::exchange::{Answer, Call};
use crate::faults::Fault;
use crate::simulator::Simulator;
use crate::socket::{CuttableListener, Scissors};

/// Bodies up to 10 MB are read; larger ones are answered 413.
const BODY_LIMIT: usize = 10 * 1024 * 1024;

/// A simulator being served; dropping it does not stop it, cancelling the token given to [`listen`] does.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) task: JoinHandle<()>,
}

/// Binds a socket (port 0: any free one) and serves the simulator there until `stop` is cancelled, which also cuts every connection.
///
/// # Errors
/// When the address cannot be bound.
pub(crate) async fn listen(
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
    let (call, status, response) = match read_call(request).await {
        Ok(call) => {
            let (status, response) = carry_out_or_spoil(&*simulator, &call, &scissors).await;
            (call, status, response)
        }
        Err(call) => {
            let answer = Answer::json(413, simulator.error_body("the body is larger than 10 MB"));
            (call, answer.status, respond(answer))
        }
    };
    simulator.calls().note(&call, status);
    let latency = simulator.faults().latency();
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    response
}

/// Takes a request apart; `Err` is one whose body is too large, without it.
async fn read_call(request: Request) -> Result<Call, Call> {
    let (parts, body) = request.into_parts();
    let call = |body: Bytes| Call {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body,
    };
    match axum::body::to_bytes(body, BODY_LIMIT).await {
        Ok(body) => Ok(call(body)),
        Err(_) => Err(call(Bytes::new())),
    }
}

/// Answers a call, or does what its fault says; the status is 0 when the connection is cut.
async fn carry_out_or_spoil(simulator: &dyn Simulator, call: &Call, scissors: &Scissors) -> (u16, Response) {
    let injected = |status| (status, respond(Answer::json(status, simulator.error_body("injected fault"))));
    match simulator.faults().fault_for(&call.method, &call.path) {
        None => carry_out(simulator, call),
        Some(Fault::Hang(time)) => {
            tokio::time::sleep(time).await;
            carry_out(simulator, call)
        }
        Some(Fault::HangUntil(gate)) => {
            gate.opened().await;
            carry_out(simulator, call)
        }
        Some(Fault::DoThenCut) => {
            let _ = carry_out(simulator, call);
            scissors.cut();
            (0, Response::new(Body::empty()))
        }
        Some(Fault::DoThenStatus(status)) => {
            let _ = carry_out(simulator, call);
            injected(status)
        }
        Some(Fault::DoThenHang(time)) => {
            let answer = carry_out(simulator, call);
            tokio::time::sleep(time).await;
            answer
        }
        Some(Fault::Status(status)) => injected(status),
        Some(Fault::StatusWith { status, retry_after, body }) => {
            let mut response = text(status, body);
            if let Some(seconds) = retry_after {
                response.headers_mut().insert(RETRY_AFTER, seconds.into());
            }
            (status, response)
        }
        Some(Fault::Raw { status, headers, body }) => (status, raw(status, headers, body)),
        Some(Fault::Cut) => (0, cut_in_mid_body()),
        Some(Fault::NotJson) => (200, text(200, "<!doctype html><title>It works</title>".to_owned())),
        Some(Fault::Body(body)) => (200, text(200, body)),
    }
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
    if let Some((kind, bytes)) = answer.raw {
        *response.body_mut() = Body::from(bytes);
        response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static(kind));
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

fn raw(status: u16, headers: Vec<(&'static str, String)>, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status_code(status);
    let headers = headers.into_iter().filter_map(|(name, value)| {
        Some((http::HeaderName::from_static(name), http::HeaderValue::from_str(&value).ok()?))
    });
    response.headers_mut().extend(headers);
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
