//! Promises (202): kept when OZmap is away for a while, when the process is killed, and only once.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use gateway_sandbox::{Fault, TestClient};
use int6_ozmap_gateway::app::Gateway;
use int6_ozmap_gateway::key::hash_of_key;
use reqwest::{Method, RequestBuilder, Response};
use rstest::rstest;
use serde_json::{Value, json};

use crate::api::problem;
use crate::commands::serve;
use crate::technician::{Technician, said};
use crate::world::World;

fn at(splitter: &str, port: u16) -> Value {
    json!({ "splitter_id": splitter, "port": port })
}

/// How INT6 asks: `PUT …/activation` or `POST /v1/clients`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Way {
    Activate,
    Create,
}

impl Technician {
    pub fn asynchronously(&self, way: Way, code: &str, mut body: Value) -> RequestBuilder {
        let request = match way {
            Way::Activate => self.ask(Method::PUT, &format!("/v1/clients/{code}/activation")),
            Way::Create => {
                body["code"] = json!(code);
                self.ask(Method::POST, "/v1/clients")
            }
        };
        request.header("prefer", "respond-async").json(&body)
    }

    /// Gets a promise; the path of its operation.
    pub async fn promised(&self, way: Way, code: &str, body: Value) -> String {
        promised(self.asynchronously(way, code, body).send().await.expect("an answer")).await
    }

    /// The operation once it is done: within 30 s, in which what a killed process had in hand is free again.
    pub async fn done(&self, path: &str) -> Value {
        for _ in 0..3_000 {
            let operation = self.get(path).await;
            if operation["state"] != "pending" {
                return operation;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{:#}", self.get(path).await);
    }

    /// The operation once a try has failed.
    pub async fn tried(&self, path: &str) -> Value {
        for _ in 0..1_000 {
            let operation = self.get(path).await;
            if operation["attempts"] != 0 {
                assert_eq!(operation["state"], "pending", "{operation:#}");
                return operation;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{:#}", self.get(path).await);
    }
}

async fn promised(answer: Response) -> String {
    assert_eq!(answer.headers()["preference-applied"], "respond-async");
    let location = answer.headers()["location"].to_str().expect("a text").to_owned();
    let operation = said(answer, 202).await;
    assert_eq!((&operation["state"], &operation["attempts"]), (&json!("pending"), &json!(0)));
    assert_eq!(location, format!("/v1/operations/{}", operation["id"].as_str().expect("an id")));
    location
}

/// OZmap does not answer those who install, while it gives the mirror what it needs.
fn away(technician: &Technician) {
    technician.world.sandbox.ozmap().faults().fail_route("GET /splitters/", 1_000, Fault::Status(503));
}

#[tokio::test]
async fn a_promise_of_what_is_so_already_writes_nothing() {
    let technician = Technician::open().await;
    let cto = technician.network.ctos[0].clone();
    said(technician.activate("147", at(&cto, 3)).await, 201).await;
    let writes = technician.world.writes();
    let done = technician.done(&technician.promised(Way::Activate, "147", at(&cto, 3)).await).await;
    assert_eq!((&done["state"], &done["client"]["outcome"]), (&json!("succeeded"), &json!("unchanged")));
    assert_eq!(technician.world.writes(), writes);
}

#[rstest]
#[tokio::test]
async fn a_promise_is_carried_out_and_its_end_can_be_asked_for(
    #[values(Way::Activate, Way::Create)] way: Way,
) {
    let technician = Technician::open().await;
    let cto = technician.network.ctos[0].clone();
    let path = technician.promised(way, "147", at(&cto, 3)).await;
    let done = technician.done(&path).await;
    assert_eq!(
        (&done["state"], &done["attempts"], &done["code"]),
        (&json!("succeeded"), &json!(1), &json!("147"))
    );
    assert_eq!(
        (&done["client"]["outcome"], &done["client"]["connection"]["port"]),
        (&json!("created"), &json!(3))
    );
    assert_eq!(done["client"]["implanted"], json!(way == Way::Activate));
    assert_eq!(
        (&done["problem"], &done["last_error"], &done["next_attempt_at"]),
        (&json!(null), &json!(null), &json!(null))
    );
    assert!(done["finished_at"].as_str() >= done["created_at"].as_str() && done["created_at"].is_string());
    assert_eq!((technician.on_port(&cto, 3).as_deref(), technician.world.writes()), (Some("147"), 1));
    let log = technician.get("/v1/activations").await;
    assert_eq!(log["activations"][0]["operation_id"], done["id"]);
}

#[tokio::test]
async fn a_promise_that_may_not_be_kept_ends_with_the_error_that_the_caller_would_have_got() {
    let technician = Technician::open().await;
    let cto = technician.network.ctos[0].clone();
    technician.occupy("999", &cto, 1).await;
    let writes = technician.world.writes();
    let refused = technician.done(&technician.promised(Way::Activate, "147", at(&cto, 1)).await).await;
    assert_eq!((&refused["state"], &refused["client"]), (&json!("refused"), &Value::Null));
    assert_eq!(
        (&refused["problem"]["code"], &refused["problem"]["status"]),
        (&json!("port_taken"), &json!(409))
    );
    assert_eq!(refused["problem"]["free_ports"], json!([2, 3, 4, 5, 6, 7, 8]));
    let exists = technician.done(&technician.promised(Way::Create, "999", at(&cto, 2)).await).await;
    assert_eq!(exists["problem"]["code"], "client_exists");
    assert_eq!(technician.world.writes(), writes);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_at_once_and_never_promised() {
    let technician = Technician::open().await;
    let cto = technician.network.ctos[0].clone();
    for body in [at(&cto, 0), json!({"port": 1}), json!({"splitter_id": cto, "port": 1, "force": true})] {
        for way in [Way::Activate, Way::Create] {
            let answer = technician.asynchronously(way, "147", body.clone()).send().await.expect("an answer");
            problem(answer, 400, "invalid_request").await;
        }
    }
    let elsewhere = technician
        .asynchronously(Way::Activate, "147", at(&cto, 1))
        .header("callback-url", "http://example.com/");
    let refused = problem(elsewhere.send().await.expect("an answer"), 400, "invalid_request").await;
    assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("Callback-Url")), "{refused}");
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!((technician.world.writes(), technician.counted()), (0, (0, 0)));
}

#[tokio::test]
async fn while_ozmap_is_away_a_promise_waits_and_is_kept_when_it_is_back() {
    let technician = Technician::open().await;
    let cto = technician.network.ctos[0].clone();
    away(&technician);
    let path = technician.promised(Way::Create, "147", at(&cto, 3)).await;
    let waits = technician.tried(&path).await;
    assert!(waits["last_error"].as_str().is_some_and(|error| error.contains("status 503")), "{waits}");
    assert!(waits["next_attempt_at"].as_str() > waits["created_at"].as_str());
    assert_eq!(technician.world.writes(), 0);
    technician.world.sandbox.ozmap().faults().heal();
    let done = technician.done(&path).await;
    assert_eq!((&done["state"], &done["client"]["outcome"]), (&json!("succeeded"), &json!("created")));
    assert!(done["attempts"].as_u64() >= Some(2));
    assert_eq!((technician.world.writes(), technician.counted()), (1, (1, 1)));
}

#[tokio::test]
async fn promises_of_one_client_are_kept_in_their_order() {
    let technician = Technician::open().await;
    let cto = technician.network.ctos[0].clone();
    away(&technician);
    let first = technician.promised(Way::Create, "147", at(&cto, 1)).await;
    let second = technician.promised(Way::Activate, "147", at(&cto, 2)).await;
    let other = technician.promised(Way::Activate, "148", at(&cto, 3)).await;
    technician.tried(&first).await;
    assert_eq!(technician.get(&second).await["attempts"], 0, "it is not tried before the first is done");
    technician.world.sandbox.ozmap().faults().heal();
    for (path, port, outcome) in [(&first, 1, "created"), (&second, 2, "updated"), (&other, 3, "created")] {
        let done = technician.done(path).await;
        assert_eq!(
            (&done["client"]["outcome"], &done["client"]["connection"]["port"]),
            (&json!(outcome), &json!(port))
        );
    }
    assert_eq!(technician.held("147").2, (json!(cto), json!(2)));
}

#[tokio::test]
async fn a_promise_that_a_later_request_overtook_is_given_up() {
    let technician = Technician::open().await;
    let cto = technician.network.ctos[0].clone();
    away(&technician);
    let path = technician.promised(Way::Activate, "147", at(&cto, 1)).await;
    technician.tried(&path).await;
    technician.world.sandbox.ozmap().faults().heal();
    said(technician.activate("147", at(&cto, 2)).await, 201).await;
    let over = technician.done(&path).await;
    assert_eq!(
        (&over["state"], &over["client"], &over["problem"]),
        (&json!("superseded"), &Value::Null, &Value::Null)
    );
    assert_eq!(
        (technician.held("147").2, technician.world.writes()),
        ((json!(cto), json!(2)), 1),
        "what was chosen last stays"
    );
}

#[tokio::test]
async fn a_promise_that_a_later_request_overtakes_while_it_stands_in_line_is_given_up() {
    let technician = Technician::open().await;
    let cto = technician.network.ctos[0].clone();
    technician.world.sandbox.ozmap().add_client(TestClient::new("147").unconnected());
    // The promise looks where its splitter stands while the later request is done.
    technician.world.sandbox.ozmap().faults().fail_route(
        "GET /splitters/",
        1,
        Fault::Hang(Duration::from_millis(700)),
    );
    let path = technician.promised(Way::Activate, "147", at(&cto, 1)).await;
    technician
        .until("it is begun", |technician| {
            technician.world.sandbox.ozmap().faults().awaited("GET /splitters/") == 0
        })
        .await;
    said(technician.activate("147", at(&cto, 2)).await, 200).await;
    assert_eq!(technician.done(&path).await["state"], "superseded");
    assert_eq!(technician.held("147").2, (json!(cto), json!(2)), "what was chosen last stays");
}

#[rstest]
#[tokio::test]
async fn killed_before_the_write_a_promise_is_kept_once(#[values(Way::Activate, Way::Create)] way: Way) {
    let mut world = World::empty().await;
    world.set("GATEWAY_LEASE_SECONDS", "4");
    let (mut child, url) = serve(&world).await;
    let mut technician = Technician::at(world, url).await;
    let cto = technician.network.ctos[0].clone();
    let ozmap = technician.world.sandbox.ozmap().clone();
    ozmap.faults().fail_route("POST /properties", 1, Fault::Hang(Duration::from_secs(60)));
    let path = technician.promised(way, "147", at(&cto, 3)).await;
    technician.until("the write is under way", |_| ozmap.faults().awaited("POST /properties") == 0).await;
    child.kill().await.expect("it can be killed");
    assert_eq!(technician.counted(), (0, 0));

    let (_child, url) = serve(&technician.world).await;
    technician.url = url;
    let done = technician.done(&path).await;
    assert_eq!((&done["state"], &done["client"]["connection"]["port"]), (&json!("succeeded"), &json!(3)));
    assert_eq!((technician.counted(), technician.on_port(&cto, 3).as_deref()), ((1, 1), Some("147")));
}

#[rstest]
#[tokio::test]
async fn killed_after_the_write_a_promise_is_found_kept(#[values(Way::Activate, Way::Create)] way: Way) {
    let mut world = World::empty().await;
    world.set("GATEWAY_LEASE_SECONDS", "4");
    let (mut child, url) = serve(&world).await;
    let mut technician = Technician::at(world, url).await;
    let cto = technician.network.ctos[0].clone();
    let ozmap = technician.world.sandbox.ozmap().clone();
    ozmap.faults().fail_route("POST /properties", 1, Fault::DoThenHang(Duration::from_secs(60)));
    let path = technician.promised(way, "147", at(&cto, 3)).await;
    technician.until("it is written", |technician| technician.on_port(&cto, 3).is_some()).await;
    child.kill().await.expect("it can be killed");

    let (_child, url) = serve(&technician.world).await;
    technician.url = url;
    let done = technician.done(&path).await;
    assert_eq!((&done["state"], &done["problem"]), (&json!("succeeded"), &Value::Null), "{done:#}");
    assert_eq!(
        (technician.counted(), technician.world.writes()),
        ((1, 1), 0),
        "the first write's answer was never given"
    );
    let running = technician.get("/v1/activations?result=running").await;
    assert_eq!(running["activations"], json!([]), "what was cut off has an end");
    let cut_off = technician.get("/v1/activations?result=failed").await;
    assert_eq!(cut_off["activations"].as_array().map(Vec::len), Some(1), "what was cut off can be seen");
    let why = cut_off["activations"][0]["error"].as_str().expect("a reason");
    assert!(why.starts_with("unavailable: cut off: "), "{why}");
}

#[tokio::test]
async fn a_promise_that_was_given_by_a_process_that_is_gone_is_kept_by_the_next() {
    let world = World::empty().await;
    let (mut child, url) = serve(&world).await;
    let mut technician = Technician::at(world, url).await;
    let cto = technician.network.ctos[0].clone();
    away(&technician);
    let paths = [1, 2, 3].map(|port| (port.to_string(), port));
    let mut promises = Vec::new();
    for (code, port) in &paths {
        promises.push(technician.promised(Way::Activate, code, at(&cto, *port)).await);
    }
    child.kill().await.expect("it can be killed");
    technician.world.sandbox.ozmap().faults().heal();
    let (_child, url) = serve(&technician.world).await;
    technician.url = url;
    for path in &promises {
        assert_eq!(technician.done(path).await["state"], "succeeded");
    }
    assert_eq!((technician.counted(), technician.world.writes()), ((3, 3), 3));
}

/// Keeps what it is told.
async fn listener() -> (String, Arc<Mutex<Vec<Value>>>) {
    let told: Arc<Mutex<Vec<Value>>> = Arc::default();
    let kept = Arc::clone(&told);
    let hear = axum::routing::post(move |axum::Json(body): axum::Json<Value>| async move {
        kept.lock().expect("nobody panicked").push(body);
    });
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback can be bound");
    let url = format!("http://{}/done?token=x", socket.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(socket, Router::new().route("/done", hear)).await });
    (url, told)
}

#[tokio::test]
async fn an_admitted_host_is_told_when_a_promise_is_done() {
    let mut world = World::empty().await;
    world.set("PROVISIONING_CALLBACK_HOSTS", "127.0.0.1");
    let technician = Technician::over(world).await;
    let (cto, (url, told)) = (technician.network.ctos[0].clone(), listener().await);
    technician.occupy("999", &cto, 1).await;
    for (port, state) in [(1, "refused"), (2, "succeeded")] {
        let request =
            technician.asynchronously(Way::Activate, "147", at(&cto, port)).header("callback-url", &url);
        let path = promised(request.send().await.expect("an answer")).await;
        let id = path.rsplit('/').next().expect("an id").to_owned();
        technician.until("the listener is told", |_| told.lock().expect("nobody panicked").len() == 1).await;
        let heard = told.lock().expect("nobody panicked").remove(0);
        assert_eq!(heard, json!({"operation_id": id, "code": "147", "state": state}));
    }
    for wrong in ["ftp://127.0.0.1/", "http://127.0.0.2/", "http://127.0.0.1.example.com/", "nonsense", ""] {
        let request =
            technician.asynchronously(Way::Activate, "147", at(&cto, 2)).header("callback-url", wrong);
        problem(request.send().await.expect("an answer"), 400, "invalid_request").await;
    }
}

#[tokio::test]
async fn operations_of_another_tenant_and_unknown_ones_are_not_found() {
    let technician = Technician::open().await;
    let mut config = technician.world.config();
    let mut other = config.tenants[0].clone();
    (other.name, other.key_sha256) = ("other".to_owned(), Some(hash_of_key("the-key-of-the-other-tenant")));
    config.tenants.push(other);
    let both = Gateway::start(&config).await.expect("the gateway starts");
    let path = technician.promised(Way::Activate, "147", at(&technician.network.ctos[0], 1)).await;
    technician.done(&path).await;
    let ask = async |key: &str, path: &str| {
        let url = format!("http://{}{path}", both.address);
        reqwest::Client::new().get(url).header("x-api-key", key).send().await.expect("an answer")
    };
    said(ask(crate::world::KEY, &path).await, 200).await;
    problem(ask("the-key-of-the-other-tenant", &path).await, 404, "not_found").await;
    let list = said(ask("the-key-of-the-other-tenant", "/v1/activations").await, 200).await;
    assert_eq!(list["activations"], json!([]));
    for path in ["/v1/operations/147", "/v1/operations/019aa1c2-7a10-7c00-8000-5a2f0d1e9b3c"] {
        problem(ask(crate::world::KEY, path).await, 404, "not_found").await;
    }
}
