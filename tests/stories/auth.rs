//! What every operation does with requests that are wrong. The operations are those of the API's own description, so that a
//! new one is held to it as well.

use std::time::{Duration, Instant};

use int6_ozmap_gateway::app::Gateway;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::api::{Api, problem};
use crate::world::{KEY, World};

/// An operation with its path filled in.
struct Operation {
    method: Method,
    template: String,
    path: String,
    takes_body: bool,
}

const RUN: &str = "019aa1c2-7a10-7c00-8000-5a2f0d1e9b3c";

async fn operations(api: &Api) -> Vec<Operation> {
    let described = api.get("/openapi.json").await;
    let paths = described["paths"].as_object().expect("paths").clone();
    let mut operations = Vec::new();
    for (template, item) in paths.into_iter().filter(|(path, _)| path.starts_with("/v1/")) {
        for (method, operation) in item.as_object().expect("an object") {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
            let path = template.replace("{code}", "147").replace("{id}", RUN);
            let takes_body = operation.get("requestBody").is_some();
            operations.push(Operation { method, template: template.clone(), path, takes_body });
        }
    }
    assert!(operations.len() >= 13, "{} operations", operations.len());
    operations
}

async fn nothing_was_done(api: &Api) {
    assert_eq!(api.world.writes(), 0, "nothing was written to OZmap");
    assert_eq!(api.get("/v1/activations").await["activations"], json!([]));
    assert_eq!(api.get("/v1/sync-runs").await["sync_runs"], json!([]));
}

#[tokio::test]
async fn no_operation_works_without_the_key_or_with_a_wrong_one_beside_it() {
    let api = Api::over(World::empty().await).await;
    for Operation { method, path, .. } in operations(&api).await {
        let ask = || api.http.request(method.clone(), api.url(&path));
        problem(ask().send().await.expect("an answer"), 401, "unauthorised").await;
        let both = ask().header("x-api-key", KEY).bearer_auth("wrong");
        problem(both.send().await.expect("an answer"), 401, "unauthorised").await;
        let empty = ask().header("authorization", "Bearer ");
        problem(empty.send().await.expect("an answer"), 401, "unauthorised").await;
    }
    nothing_was_done(&api).await;
}

#[tokio::test]
async fn a_wrong_method_names_the_right_ones() {
    let api = Api::over(World::empty().await).await;
    let operations = operations(&api).await;
    for Operation { path, template, .. } in &operations {
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            if operations.iter().any(|o| o.template == *template && o.method == method) {
                continue;
            }
            let answer = api.ask(method.clone(), path).send().await.expect("an answer");
            let allowed = answer.headers()["allow"].to_str().expect("a text").to_owned();
            assert!(!allowed.contains(method.as_str()), "{path}: {allowed}");
            problem(answer, 405, "method_not_allowed").await;
        }
    }
    nothing_was_done(&api).await;
}

#[tokio::test]
async fn a_body_that_is_no_request_is_refused_by_every_operation_that_takes_one() {
    let api = Api::over(World::empty().await).await;
    let bodies =
        ["{", "[]", "[{}]", "5", "\"text\"", r#"{"no_such_field": 1}"#, "{} {}", "\u{feff}{}", "<xml/>"];
    for Operation { method, path, .. } in operations(&api).await.iter().filter(|o| o.takes_body) {
        let ask = || api.ask(method.clone(), path);
        for body in bodies {
            let answer = ask().body(body).send().await.expect("an answer");
            let told = problem(answer, 400, "invalid_request").await;
            assert!(told["detail"].as_str().is_some_and(|d| !d.is_empty()), "{method} {path} {body}: {told}");
        }
        problem(ask().body(vec![0xff, 0xfe]).send().await.expect("an answer"), 400, "invalid_request").await;
        let deep = "[".repeat(60_000);
        problem(ask().body(deep).send().await.expect("an answer"), 400, "invalid_request").await;
        let large =
            ask().body(vec![b' '; 10 << 20]).send().await.expect("an answer, not a broken connection");
        problem(large, 413, "invalid_request").await;
    }
    nothing_was_done(&api).await;
}

#[tokio::test]
async fn a_code_that_cannot_be_one_is_refused_by_every_operation_with_a_code() {
    let api = Api::over(World::empty().await).await;
    let long = "1".repeat(10_000);
    let codes = ["%00", "%0A", "1%007", "%FF", "%20", "..%2Fboxes", "%2E%2E", long.as_str()];
    for Operation { method, template, .. } in
        operations(&api).await.iter().filter(|o| o.template.contains("{code}"))
    {
        for code in codes {
            let path = template.replace("{code}", code);
            let body = r#"{"splitter_id": "5da61e13493d9c0006665477", "port": 1}"#;
            let answer = api.ask(method.clone(), &path).body(body).send().await.expect("an answer");
            // `%2E%2E` is resolved by the caller's own library.
            if code == "%2E%2E" && answer.status() != StatusCode::BAD_REQUEST {
                assert!(answer.status().is_client_error(), "{method} {path}");
                continue;
            }
            problem(answer, 400, "invalid_request").await;
        }
    }
    nothing_was_done(&api).await;
}

#[tokio::test]
async fn a_request_that_is_sent_by_drips_or_by_halves_is_ended() {
    let api = Api::over(World::empty().await).await;
    let begun = Instant::now();
    let mut drips = TcpStream::connect(api.gateway.address).await.expect("a connection");
    let head = format!(
        "POST /v1/sync-runs HTTP/1.1\r\nhost: gateway\r\nx-api-key: {KEY}\r\ncontent-length: 20\r\n\r\n{{"
    );
    drips.write_all(head.as_bytes()).await.expect("sent");
    let mut half = TcpStream::connect(api.gateway.address).await.expect("a connection");
    half.write_all(b"GET /health/live HTTP/1.1\r\nhost:").await.expect("sent");
    let (mut of_drips, mut of_half) = (vec![0; 4_096], Vec::new());
    let both = async { tokio::join!(drips.read(&mut of_drips), half.read_to_end(&mut of_half)) };
    let (answered, _) = tokio::time::timeout(Duration::from_secs(25), both).await.expect("both are ended");
    let answer = String::from_utf8_lossy(&of_drips[..answered.unwrap_or_default()]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    assert!(begun.elapsed() > Duration::from_secs(5), "a slow caller has some seconds");
    nothing_was_done(&api).await;
}

#[tokio::test]
async fn a_key_has_its_share_of_requests_and_strangers_cannot_spend_it() {
    let mut world = World::empty().await;
    world.set("GATEWAY_REQUESTS_PER_MINUTE", "5");
    let api = Api::over(world).await;
    for _ in 0..20 {
        let stranger = api.http.get(api.url("/v1/sync-runs")).bearer_auth("wrong");
        problem(stranger.send().await.expect("an answer"), 401, "unauthorised").await;
    }
    for _ in 0..5 {
        api.get("/v1/sync-runs").await;
    }
    let spent = api.ask(Method::GET, "/v1/sync-runs").send().await.expect("an answer");
    let pause: u64 =
        spent.headers()["retry-after"].to_str().ok().and_then(|s| s.parse().ok()).expect("seconds");
    assert!((1..=13).contains(&pause), "{pause}");
    problem(spent, 429, "too_many_requests").await;
    assert_eq!(api.get("/health/live").await["status"], "ok", "signs of life have no share");
}

#[tokio::test]
async fn pages_of_other_hosts_may_call_only_if_they_are_named() {
    let mut world = World::empty().await;
    world.set("GATEWAY_CORS_ORIGINS", "https://panel.isp.example");
    let named = Gateway::start(&world.config()).await.expect("the gateway starts");
    let api = Api::over(World::empty().await).await;
    let ask = |address: std::net::SocketAddr, origin: &'static str| {
        let request = api.http.request(Method::OPTIONS, format!("http://{address}/v1/sync-runs"));
        let request = request.header("origin", origin).header("access-control-request-method", "POST");
        async move { request.send().await.expect("an answer").headers().clone() }
    };
    let allowed = |headers: reqwest::header::HeaderMap| headers.get("access-control-allow-origin").cloned();
    let of_named = ask(named.address, "https://panel.isp.example").await;
    assert_eq!(allowed(of_named).as_ref().map(|o| o.as_bytes()), Some(&b"https://panel.isp.example"[..]));
    assert_eq!(allowed(ask(named.address, "https://elsewhere.example").await), None);
    assert_eq!(allowed(ask(api.gateway.address, "https://panel.isp.example").await), None);
    named.stop().await;
}

#[tokio::test]
async fn the_description_names_each_operation_once_and_has_an_example_of_every_error() {
    let api = Api::over(World::empty().await).await;
    let described = api.get("/openapi.json").await;
    let errors = api.http.get(api.url("/docs/errors")).send().await.expect("an answer");
    let errors = errors.text().await.expect("a text");
    let text = described.to_string();
    let codes: Vec<&str> =
        errors.split("<h2 id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(codes.len() >= 19, "{codes:?}");
    // No operation has a method that its path has not, and none answers how a stored request may end.
    for code in codes.iter().filter(|code| !["method_not_allowed", "superseded"].contains(code)) {
        assert!(text.contains(&format!("\"code\":\"{code}\"")), "no example of {code}");
    }
    // The documentation page finds an operation by this name: of two that share one it calls the wrong one.
    let operations = described["paths"].as_object().expect("paths").values();
    let operations = operations.flat_map(|item| item.as_object().expect("an object").values());
    let mut names: Vec<&str> = operations.filter_map(|operation| operation["operationId"].as_str()).collect();
    names.sort_unstable();
    let before = names.len();
    names.dedup();
    assert!(before >= 15 && names.len() == before, "{names:?}");
    let schemas = described["components"]["schemas"].as_object().expect("schemas");
    assert!(schemas.values().all(Value::is_object) && schemas.len() > 20, "{}", schemas.len());
}
