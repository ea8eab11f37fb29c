//! Calls to a small host in this process.

use std::sync::Mutex;

use axum::Router;
use axum::body::Body;
use axum::extract::Request as Incoming;
use axum::response::Response;
use http::header::{ACCEPT, ACCEPT_ENCODING};
use http::{HeaderMap, StatusCode};
use tokio::net::TcpListener;

use super::*;

type Answering = dyn Fn(&HeaderMap) -> Response + Send + Sync;

/// A host that answers every request so.
async fn host(answer: impl Fn(&HeaderMap) -> Response + Send + Sync + 'static) -> Upstream {
    // A second test in one process finds it installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let answer: Arc<Answering> = Arc::new(answer);
    let router = Router::new().fallback(async move |request: Incoming| answer(request.headers()));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let base = format!("http://{}/", listener.local_addr().expect("an address")).parse().expect("a URL");
    tokio::spawn(async move { axum::serve(listener, router).await });
    let settings = HostSettings { retry_pause: Duration::from_millis(2), ..HostSettings::new(base) };
    Upstream::new(System::Int6, &settings).expect("an HTTP client")
}

fn status(status: StatusCode, header: Option<(&'static str, &'static str)>, body: &'static str) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    if let Some((name, value)) = header {
        response.headers_mut().insert(name, value.parse().expect("a header"));
    }
    response
}

fn ok(body: &'static str) -> Response {
    status(StatusCode::OK, None, body)
}

fn too_many(retry_after: &'static str) -> Response {
    status(StatusCode::TOO_MANY_REQUESTS, Some(("retry-after", retry_after)), "{}")
}

async fn read(upstream: &Upstream) -> Result<serde_json::Value, CallError> {
    upstream.call(Request::get("list rows", ["rows"]), |body| json::parse("rows", body)).await
}

fn runs(upstream: &Upstream) -> Upstream {
    upstream.for_runs(&CancellationToken::new())
}

#[tokio::test]
async fn every_call_asks_for_json_and_for_nothing_but_gzip_around_it() {
    let seen: Arc<Mutex<Option<HeaderMap>>> = Arc::default();
    let kept = Arc::clone(&seen);
    let upstream = host(move |headers| {
        *kept.lock().expect("nobody panics") = Some(headers.clone());
        ok("[]")
    })
    .await;
    read(&upstream).await.expect("an answer");
    let headers = seen.lock().expect("nobody panics").take().expect("a call");
    let sent = [ACCEPT, ACCEPT_ENCODING].map(|name| headers.get(name).and_then(|value| value.to_str().ok()));
    assert_eq!(sent, [Some("application/json"), Some("gzip")]);
}

#[tokio::test]
async fn a_value_that_json_does_not_have_costs_that_value_only() {
    let upstream = host(|_| ok(r#"[{"rx_power":NaN},{"rx_power":-21.53}]"#)).await;
    let rows = read(&upstream).await.expect("rows");
    assert_eq!(rows, serde_json::json!([{"rx_power": "\u{ffff}NaN"}, {"rx_power": -21.53}]));
    assert_eq!(upstream.sent(), 1, "it is not asked for again");
}

#[tokio::test]
async fn an_error_that_came_as_a_success_is_quoted() {
    let upstream = host(|_| ok(r#"{"error":"Usuario sem permissao para esta API"}"#)).await;
    let request = Request { retries: 0, ..Request::get("list rows", ["rows"]) };
    let error =
        upstream.call(request, |body| json::parse::<Vec<u8>>("a list", body)).await.expect_err("no rows");
    let said = "a list is expected: the JSON has another shape (line 1, column 0); it said: Usuario sem permissao para esta API";
    assert_eq!(error.to_string(), format!("INT6, list rows: the answer is not understood: {said}"));
    assert_eq!(upstream.sent(), 1, "it was to be sent once");
}

#[tokio::test]
async fn a_pause_that_one_call_is_asked_for_holds_for_all_calls_to_the_host() {
    let upstream = host(|_| too_many("3600")).await;
    for handle in [&upstream, &upstream.clone(), &upstream.with_own_breaker(), &upstream.with_own_counter()] {
        let error = read(handle).await.expect_err("a pause");
        assert!(error.kind.retry_after().is_some_and(|left| left > Duration::from_secs(800)), "{error}");
    }
    assert_eq!(upstream.sent(), 1, "the others were not sent");
}

#[tokio::test]
async fn a_caller_who_has_the_time_waits_and_one_who_has_not_is_told_at_once() {
    let asked = AtomicU64::new(0);
    let upstream = host(move |_| match asked.fetch_add(1, Ordering::Relaxed) {
        0 => too_many("1"),
        _ => ok("[]"),
    })
    .await;
    let begun = Instant::now();
    let hasty = async {
        while upstream.sent() == 0 || upstream.host.pace.resumes(Instant::now()).is_none() {
            tokio::task::yield_now().await;
        }
        let request =
            Request { within: Some(Duration::from_millis(100)), ..Request::get("list rows", ["rows"]) };
        let error = upstream.call(request, |_| Ok(())).await.expect_err("a pause");
        (error, begun.elapsed())
    };
    let (patient, (error, told_after)) = tokio::join!(read(&upstream), hasty);
    patient.expect("an answer after the pause");
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
    assert!(told_after < Duration::from_secs(1), "{told_after:?}");
    assert_eq!(
        error.to_string(),
        "INT6, list rows: too many requests; not called: the host asked for a pause, of which 1 s are left"
    );
    assert_eq!(upstream.sent(), 2);
}

/// Five a second, told in fifths of it.
#[tokio::test]
async fn a_host_that_admits_few_calls_at_a_time_refuses_none_of_a_run_for_good() {
    let windows: Mutex<Vec<Instant>> = Mutex::default();
    let upstream = host(move |_| {
        let mut recent = windows.lock().expect("nobody panics");
        recent.retain(|at| at.elapsed() < Duration::from_millis(200));
        if recent.len() >= 5 {
            return too_many("0");
        }
        recent.push(Instant::now());
        ok("[]")
    })
    .await;
    let run = runs(&upstream);
    let outcomes = futures::future::join_all((0..60).map(|_| read(&run))).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_err()).count(), 0);
}

#[tokio::test]
async fn waiting_for_a_pause_ends_when_the_gateway_stops() {
    let (upstream, stop) = (host(|_| too_many("60")).await, CancellationToken::new());
    let run = upstream.for_runs(&stop);
    let stopping = async {
        while upstream.host.pace.resumes(Instant::now()).is_none() {
            tokio::task::yield_now().await;
        }
        stop.cancel();
    };
    let (outcome, ()) = tokio::join!(read(&run), stopping);
    assert!(matches!(outcome.expect_err("a pause").kind, Kind::RateLimited { .. }));
}

#[tokio::test]
async fn what_fails_behind_a_breaker_of_its_own_does_not_keep_others_from_calling() {
    let upstream = host(|headers| match headers.contains_key("x-bad-record") {
        true => status(StatusCode::BAD_GATEWAY, None, ""),
        false => ok("[]"),
    })
    .await;
    let sync = upstream.with_own_breaker();
    let bad = || Request {
        headers: vec![("x-bad-record", "1".to_owned())],
        retries: 0,
        ..Request::get("update a property", ["properties"])
    };
    for _ in 0..5 {
        let error = sync.call(bad(), |_| Ok(())).await.expect_err("a bad record");
        assert!(matches!(error.kind, Kind::Failing { .. }), "{error}");
    }
    assert!(matches!(read(&sync).await.expect_err("left alone").kind, Kind::CircuitOpen));
    read(&upstream).await.expect("the others are answered");
}

#[tokio::test]
async fn records_that_fail_among_others_that_do_not_leave_the_breaker_closed() {
    let upstream = host(|headers| match headers.contains_key("x-bad-record") {
        true => status(StatusCode::BAD_GATEWAY, None, ""),
        false => ok("[]"),
    })
    .await;
    for _ in 0..8 {
        let headers = vec![("x-bad-record", "1".to_owned())];
        let bad = Request { headers, retries: 0, ..Request::get("update a property", ["properties"]) };
        upstream.call(bad, |_| Ok(())).await.expect_err("a bad record");
        read(&upstream).await.expect("a sound one");
    }
}

#[tokio::test]
async fn the_hosts_clock_is_remembered() {
    let upstream =
        host(|_| status(StatusCode::OK, Some(("date", "Fri, 20 Nov 2026 10:03:11 GMT")), "[]")).await;
    assert_eq!(upstream.clock_skew(), None);
    read(&upstream).await.expect("an answer");
    let host_time = jiff::Timestamp::now() + upstream.clock_skew().expect("it said its time");
    let said: jiff::Timestamp = "2026-11-20T10:03:11Z".parse().expect("a time");
    assert!(host_time.duration_since(said).abs() < SignedDuration::from_secs(60), "{host_time}");
}

#[tokio::test]
async fn a_page_that_says_yes_to_a_write_is_no_yes() {
    let upstream =
        host(|_| status(StatusCode::OK, Some(("content-type", "text/html")), "<title>Portal</title>")).await;
    let body = serde_json::json!({});
    let write =
        Request::with_body("update a property", http::Method::PATCH, ["p"], body, Idempotency::NotIdempotent);
    let error = upstream.call(write, |_| Ok(())).await.expect_err("a page");
    assert!(error.to_string().contains("an HTML page (title: Portal), not JSON"), "{error}");
}
