//! Both simulators over real sockets.

use std::io;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{Fault, Options, RecordedCall, Sandbox};

/// Sends one request and reads until the server closes; status, head and body as they came.
pub(crate) async fn send(
    url: &str,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> io::Result<(u16, String, String)> {
    let address = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await?;
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    let status =
        head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
    Ok((status, head.to_owned(), body.to_owned()))
}

async fn small() -> Sandbox {
    Sandbox::start(Options { clients: 50, ..Options::default() }).await.expect("a sandbox")
}

async fn ozmap(sandbox: &Sandbox, method: &str, path: &str, body: &str) -> io::Result<(u16, String, String)> {
    let headers = format!("Authorization: {}\r\nContent-Type: application/json\r\n", sandbox.ozmap_key());
    send(&sandbox.ozmap_url(), method, &format!("/api/v2{path}"), &headers, body).await
}

#[tokio::test]
async fn both_answer_over_http() {
    let sandbox = small().await;
    let (status, _, body) =
        ozmap(&sandbox, "GET", "/ftth-clients?limit=1", r#"{"filter":[]}"#).await.expect("answer");
    let page: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((status, &page["total"]), (200, &json!(50)));
    let headers =
        format!("X-User-Email: {}\r\nX-User-Token: {}\r\n", sandbox.int6_email(), sandbox.int6_token());
    let (status, _, body) =
        send(&sandbox.int6_url(), "GET", "/api/diag/v2/onu_status?page=1&per_page=5", &headers, "")
            .await
            .expect("answer");
    let rows: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((status, rows.as_array().map(Vec::len)), (200, Some(5)));
    sandbox.stop().await;
}

#[tokio::test]
async fn requests_are_recorded_when_asked() {
    let sandbox = small().await;
    let id = sandbox.ozmap().client("10001").expect("client")["id"].as_str().expect("id").to_owned();
    let path = format!("/ftth-clients/{id}");
    ozmap(&sandbox, "PATCH", &path, r#"{"status":1}"#).await.expect("answer");
    assert_eq!((sandbox.ozmap().calls().recorded(), sandbox.ozmap().calls().counts().updates), (vec![], 1));
    sandbox.ozmap().calls().record(true);
    ozmap(&sandbox, "GET", "/boxes?limit=1", "").await.expect("answer");
    let (status, head, body) = ozmap(&sandbox, "PATCH", &path, r#"{"status":7}"#).await.expect("answer");
    assert_eq!((status, body.contains("message")), (422, true), "{head}");
    assert_eq!(sandbox.ozmap().calls().recorded().len(), 2);
    let wanted = RecordedCall {
        method: "PATCH".into(),
        path: format!("/api/v2{path}"),
        query: String::new(),
        body: json!({"status": 7}),
        status: 422,
    };
    assert_eq!(sandbox.ozmap().calls().writes(), [wanted]);
    assert_eq!(sandbox.ozmap().calls().counts().failures, 1);
    sandbox.ozmap().calls().reset();
    assert_eq!(sandbox.ozmap().calls().counts().total(), 0);
}

#[tokio::test]
async fn a_request_may_be_carried_out_and_never_answered() {
    let sandbox = small().await;
    let id = sandbox.ozmap().client("10001").expect("client")["id"].as_str().expect("id").to_owned();
    sandbox.ozmap().faults().fail_route("PATCH /ftth-clients", 1, Fault::DoThenCut);
    sandbox.ozmap().calls().record(true);
    let answer = ozmap(&sandbox, "PATCH", &format!("/ftth-clients/{id}"), r#"{"name":"Done"}"#).await;
    assert!(answer.is_err(), "{answer:?}");
    assert_eq!(sandbox.ozmap().client("10001").expect("client")["name"], "Done");
    assert_eq!(sandbox.ozmap().calls().recorded()[0].status, 0);
    assert_eq!(ozmap(&sandbox, "GET", "/boxes", "").await.expect("answer").0, 200);
}

#[tokio::test]
async fn a_request_may_be_carried_out_and_answered_wrongly_or_late() {
    let sandbox = small().await;
    let id = sandbox.ozmap().client("10001").expect("client")["id"].as_str().expect("id").to_owned();
    let (path, wait) = (format!("/ftth-clients/{id}"), Duration::from_millis(200));
    for (fault, name, status) in
        [(Fault::DoThenStatus(503), "One", 503), (Fault::DoThenHang(wait), "Two", 204)]
    {
        sandbox.ozmap().faults().fail_route("PATCH /ftth-clients", 1, fault);
        assert_eq!(sandbox.ozmap().faults().awaited("PATCH /ftth-clients"), 1);
        let (begun, body) = (Instant::now(), format!(r#"{{"name":"{name}"}}"#));
        let answer = ozmap(&sandbox, "PATCH", &path, &body).await.expect("answer");
        assert_eq!((answer.0, begun.elapsed() >= wait), (status, name == "Two"));
        assert_eq!(sandbox.ozmap().client("10001").expect("client")["name"], name);
        assert_eq!(sandbox.ozmap().faults().awaited("PATCH /ftth-clients"), 0);
    }
}

#[tokio::test]
async fn a_body_may_end_too_early() {
    let sandbox = small().await;
    sandbox.ozmap().faults().fail_next(1, Fault::Cut);
    let (status, head, body) = ozmap(&sandbox, "GET", "/boxes", "").await.expect("a beginning");
    assert_eq!(status, 200);
    assert!(head.contains("content-length: 1024") && body.len() < 1024, "{head}");
}

#[tokio::test]
async fn faults_answer_what_they_were_told() {
    let sandbox = small().await;
    let fault = Fault::StatusWith { status: 429, retry_after: Some(7), body: "slow down".into() };
    sandbox.ozmap().faults().fail_next(1, fault);
    sandbox.ozmap().faults().fail_next(1, Fault::Status(503));
    sandbox.ozmap().faults().fail_next(1, Fault::NotJson);
    sandbox.ozmap().faults().fail_next(1, Fault::Body("null".into()));
    let mut answers = Vec::new();
    for _ in 0..5 {
        answers.push(ozmap(&sandbox, "GET", "/boxes", "").await.expect("answer"));
    }
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.0).collect();
    assert_eq!(statuses, [429, 503, 200, 200, 200]);
    assert!(answers[0].1.contains("retry-after: 7") && answers[0].2 == "slow down");
    assert!(answers[2].2.starts_with("<!doctype html>"));
    assert_eq!(answers[3].2, "null");
}

#[tokio::test]
async fn a_caller_that_hangs_up_during_a_hang_has_changed_nothing() {
    let sandbox = small().await;
    let before = sandbox.ozmap().client("10001").expect("client");
    let path = format!("/ftth-clients/{}", before["id"].as_str().expect("id"));
    sandbox.ozmap().faults().fail_next(1, Fault::Hang(Duration::from_millis(300)));
    let call = ozmap(&sandbox, "PATCH", &path, r#"{"name":"Late"}"#);
    assert!(tokio::time::timeout(Duration::from_millis(50), call).await.is_err());
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(sandbox.ozmap().client("10001"), Some(before));
}

#[tokio::test]
async fn latency_is_added_to_each_answer() {
    let sandbox = small().await;
    sandbox.ozmap().faults().set_latency(Duration::from_millis(80));
    let start = Instant::now();
    ozmap(&sandbox, "GET", "/boxes?limit=1", "").await.expect("answer");
    assert!(start.elapsed() >= Duration::from_millis(80));
}

#[tokio::test]
async fn too_large_a_body_is_refused() {
    let sandbox = small().await;
    let body = " ".repeat(10 * 1024 * 1024 + 1);
    // The server may close before all was sent; what counts is that it refuses and lives on.
    if let Ok((status, ..)) = ozmap(&sandbox, "POST", "/properties", &body).await {
        assert_eq!(status, 413);
    }
    assert_eq!(ozmap(&sandbox, "GET", "/boxes?limit=1", "").await.expect("answer").0, 200);
}

#[tokio::test]
async fn stopping_cuts_idle_and_hanging_connections() {
    let sandbox = small().await;
    let url = sandbox.ozmap_url();
    let mut idle = TcpStream::connect(url.trim_start_matches("http://")).await.expect("connection");
    sandbox.ozmap().faults().fail_next(1, Fault::Hang(Duration::from_secs(60)));
    let hanging = tokio::spawn({
        let url = url.clone();
        async move { send(&url, "GET", "/api/v2/boxes", "", "").await.is_err() }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    tokio::time::timeout(Duration::from_secs(5), sandbox.stop()).await.expect("a quick stop");
    assert_eq!(idle.read(&mut [0; 1]).await.unwrap_or_default(), 0);
    assert!(hanging.await.expect("a task"));
    assert!(send(&url, "GET", "/", "", "").await.is_err());
}

#[tokio::test]
async fn some_requests_fail_when_asked_for() {
    let options = Options { clients: 5, fail_percent: 50.0, ..Options::default() };
    let sandbox = Sandbox::start(options).await.expect("a sandbox");
    for _ in 0..60 {
        let _ = ozmap(&sandbox, "GET", "/box-types", "").await;
    }
    let counts = sandbox.ozmap().calls().counts();
    assert!(counts.failures > 5 && counts.failures < 55, "{counts:?}");
}
