//! Promises that are hard to keep: an OZmap that talks nonsense for a while, a splitter that is broken for good, a client that
//! is not found once, a process that is killed.

use std::time::Duration;

use gateway_sandbox::{Fault, Postgres, TestClient};
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::api::problem;
use crate::commands::serve;
use crate::operations::Way;
use crate::technician::{Technician, said};
use crate::world::World;

fn at(splitter: &str, port: u16) -> Value {
    json!({ "splitter_id": splitter, "port": port })
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Database {
    Sqlite,
    Postgres,
}

/// A technician at a gateway on this database; the server goes when it is dropped.
async fn open(database: Database) -> (Technician, Option<Postgres>) {
    let server = (database == Database::Postgres).then(Postgres::start);
    let mut world = World::empty().await;
    if let Some(server) = &server {
        world.set("DATABASE_URL", &server.url());
    }
    (Technician::over(world).await, server)
}

const HTML: &str = "<!doctype html><title>Em manutenção</title><p>Voltamos já</p>";

/// What a proxy, a firewall or a portal answers in OZmap's place.
fn raw(status: u16, headers: &[(&'static str, &str)], body: &str) -> Fault {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Fault::Raw { status, headers, body: body.as_bytes().to_vec() }
}

fn page(status: u16) -> Fault {
    raw(status, &[("content-type", "text/html")], HTML)
}

fn redirect(status: u16, to: &str) -> Fault {
    raw(status, &[("location", to), ("content-type", "text/html")], "<h1>Moved</h1>")
}

#[rstest]
#[case::to_a_login(redirect(302, "/users/sign_in"))]
#[case::to_maintenance(redirect(307, "http://127.0.0.1:9/manutencao"))]
#[case::to_itself(redirect(302, ""))]
#[case::not_found(page(404))]
#[case::not_found_in_words(raw(404, &[("content-type", "text/plain")], "404 page not found"))]
#[case::not_found_in_silence(raw(404, &[], ""))]
#[case::bad_request(page(400))]
#[case::forbidden_method(page(405))]
#[case::gone(page(410))]
#[case::to_be_paid(page(402))]
#[case::not_implemented(page(501))]
#[case::conflict(page(409))]
#[case::unprocessable(page(422))]
#[case::nothing(raw(200, &[], ""))]
#[case::null(raw(200, &[("content-type", "application/json")], "null"))]
#[case::an_empty_object(raw(200, &[("content-type", "application/json")], "{}"))]
#[case::a_page(page(200))]
#[case::unauthorised(page(401))]
#[case::forbidden(page(403))]
#[case::unavailable(page(503))]
#[case::of_a_cloud(page(520))]
#[tokio::test]
async fn nonsense_in_ozmaps_place_refuses_no_promise(#[case] nonsense: Fault) {
    let technician = Technician::open().await;
    let (faults, cto) = (technician.world.sandbox.ozmap().faults(), technician.network.ctos[0].clone());
    faults.fail_next(100_000, nonsense);
    let created = technician.promised(Way::Create, "147", at(&cto, 1)).await;
    let activated = technician.promised(Way::Activate, "148", at(&cto, 2)).await;
    technician.tried(&created).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    faults.heal();
    for (path, code, port) in [(created, "147", 1), (activated, "148", 2)] {
        let done = technician.done(&path).await;
        assert_eq!(done["state"], "succeeded", "{done:#}");
        assert_eq!(technician.on_port(&cto, port).as_deref(), Some(code));
    }
    assert_eq!((technician.counted(), technician.world.writes()), ((2, 2), 2));
}

#[rstest]
#[case::not_found(page(404))]
#[case::nothing(raw(200, &[], ""))]
#[case::null(raw(200, &[("content-type", "application/json")], "null"))]
#[case::a_redirect(redirect(302, "/login"))]
#[case::of_a_gateway(raw(404, &[("content-type", "application/json")], r#"{"message":"no Route matched with those values"}"#))]
#[tokio::test]
async fn nonsense_in_the_place_of_one_answer_refuses_no_promise(#[case] nonsense: Fault) {
    let technician = Technician::open().await;
    let (faults, ctos) = (technician.world.sandbox.ozmap().faults(), technician.network.ctos.clone());
    technician.world.sandbox.ozmap().add_client(TestClient::new("999").unconnected());
    let routes =
        ["GET /splitters/", "GET /boxes/", "GET /properties/client", "GET /ftth-clients", "POST /properties"];
    for (i, route) in routes.into_iter().enumerate() {
        let (cto, code, port) = (&ctos[i % ctos.len()], (200 + i).to_string(), (i / ctos.len() + 1) as u16);
        // Some are asked again at once, the others with the next try.
        faults.fail_route(route, 2, nonsense.clone());
        let path = technician.promised(Way::Activate, &code, at(cto, port)).await;
        let done = technician.done(&path).await;
        assert_eq!(done["state"], "succeeded", "{route}: {done:#}");
        assert_eq!(technician.on_port(cto, port), Some(code), "{route}");
        faults.heal();
    }
    assert_eq!(technician.counted(), (6, 6), "nothing was made twice");
}

#[rstest]
#[case::an_empty_list("[]")]
#[case::null("null")]
#[case::nothing("")]
#[tokio::test]
async fn a_client_that_is_not_found_once_is_made_no_second_time(
    #[case] nobody: &str,
    #[values(1, 3)] times: u64,
) {
    let technician = Technician::open().await;
    let (ozmap, cto) = (technician.world.sandbox.ozmap(), technician.network.ctos[0].clone());
    said(technician.activate("147", at(&cto, 1)).await, 201).await;
    ozmap.faults().fail_route("GET /properties/client", times, Fault::Body(nobody.to_owned()));
    let moved = said(technician.activate("147", at(&cto, 2)).await, 200).await;
    assert_eq!((&moved["outcome"], &moved["connection"]["port"]), (&json!("updated"), &json!(2)));
    assert_eq!(technician.counted(), (1, 1));
    ozmap.faults().heal();
    said(technician.ask(Method::GET, "/v1/clients/147").send().await.expect("an answer"), 200).await;
}

#[tokio::test]
async fn a_client_that_two_looks_do_not_find_and_a_third_does_is_not_created() {
    let technician = Technician::open().await;
    let (ozmap, cto) = (technician.world.sandbox.ozmap(), technician.network.ctos[0].clone());
    said(technician.activate("147", at(&cto, 1)).await, 201).await;
    ozmap.faults().fail_route("GET /properties/client", 1, Fault::Body("[]".to_owned()));
    let none = r#"{"total":0,"count":0,"rows":[],"start":0,"limit":10}"#;
    ozmap.faults().fail_route("GET /ftth-clients", 1, Fault::Body(none.to_owned()));
    let answer = technician.activate("147", at(&cto, 2)).await;
    assert!(answer.status().is_server_error(), "{}", answer.status());
    assert_eq!((technician.counted(), technician.on_port(&cto, 1).as_deref()), ((1, 1), Some("147")));
    said(technician.activate("147", at(&cto, 2)).await, 200).await;
    assert_eq!(technician.counted(), (1, 1));
}

#[tokio::test]
async fn two_clients_of_one_code_of_which_one_has_no_property_are_touched_by_nobody() {
    let technician = Technician::open().await;
    let (ozmap, cto) = (technician.world.sandbox.ozmap(), technician.network.ctos[0].clone());
    said(technician.activate("147", at(&cto, 1)).await, 201).await;
    let twin = ozmap.add_client(TestClient::new("147").unconnected());
    let path = format!("/properties/{}", twin.property_id);
    assert_eq!(technician.directly(Method::PATCH, &path, json!({"client": null})).await.status(), 204);
    let writes = technician.world.writes();
    problem(technician.activate("147", at(&cto, 2)).await, 409, "client_ambiguous").await;
    let asked = technician.ask(Method::GET, "/v1/clients/147").send().await.expect("an answer");
    problem(asked, 409, "client_ambiguous").await;
    let refused = technician.done(&technician.promised(Way::Activate, "147", at(&cto, 2)).await).await;
    assert_eq!(refused["problem"]["code"], "client_ambiguous");
    assert_eq!(technician.world.writes(), writes);
}

#[rstest]
#[tokio::test]
async fn a_promise_that_keeps_failing_gives_way_to_a_later_one_of_the_client(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let (technician, _server) = open(database).await;
    let (faults, ctos) = (technician.world.sandbox.ozmap().faults(), technician.network.ctos.clone());
    faults.fail_route(&format!("GET /splitters/{}", ctos[0]), 100_000, Fault::Status(500));
    let broken = technician.promised(Way::Activate, "147", at(&ctos[0], 1)).await;
    let works = technician.promised(Way::Activate, "147", at(&ctos[1], 2)).await;
    assert_eq!(technician.done(&works).await["state"], "succeeded");
    let over = technician.done(&broken).await;
    assert_eq!((&over["state"], &over["problem"]), (&json!("superseded"), &Value::Null), "{over:#}");
    faults.heal();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(technician.held("147").2, (json!(ctos[1]), json!(2)), "what was asked last stays");
    assert_eq!(technician.counted(), (1, 1));
}

#[rstest]
#[tokio::test]
async fn of_two_replicas_each_promise_is_carried_out_by_one(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let (technician, _server) = open(database).await;
    let (_other, _url) = serve(&technician.world).await;
    let ctos = technician.network.ctos.clone();
    technician.world.sandbox.ozmap().faults().fail_route("/", 100_000, Fault::Status(503));
    let mut promises = Vec::new();
    for i in 0..24_u16 {
        let place = at(&ctos[usize::from(i) % 3], 1 + i / 3);
        promises.push(technician.promised(Way::Create, &(500 + i).to_string(), place).await);
    }
    technician.world.sandbox.ozmap().faults().heal();
    for path in &promises {
        let done = technician.done(path).await;
        assert_eq!(
            (&done["state"], &done["client"]["outcome"]),
            (&json!("succeeded"), &json!("created")),
            "{done:#}"
        );
    }
    assert_eq!((technician.counted(), technician.world.writes()), ((24, 24), 24), "each was written once");
}

#[rstest]
#[tokio::test]
async fn an_activation_that_a_kill_cut_off_gets_an_end_in_the_record(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let server = (database == Database::Postgres).then(Postgres::start);
    let mut world = World::empty().await;
    if let Some(server) = &server {
        world.set("DATABASE_URL", &server.url());
    }
    let (mut child, url) = serve(&world).await;
    let mut technician = Technician::at(world, url).await;
    let (ozmap, cto) = (technician.world.sandbox.ozmap().clone(), technician.network.ctos[0].clone());
    ozmap.faults().fail_route("POST /properties", 1, Fault::Hang(Duration::from_secs(60)));
    let ask = technician.ask(Method::PUT, "/v1/clients/147/activation").json(&at(&cto, 1));
    let asked = tokio::spawn(async move { ask.send().await.is_err() });
    technician.until("the write is under way", |_| ozmap.faults().awaited("POST /properties") == 0).await;
    child.kill().await.expect("it can be killed");
    assert!(asked.await.expect("it ends"), "no answer came");

    let (_child, url) = serve(&technician.world).await;
    technician.url = url;
    for _ in 0..300 {
        let log = technician.get("/v1/activations?code=147").await;
        let cut_off = &log["activations"][0];
        if cut_off["result"] == "failed" {
            let why = cut_off["error"].as_str().expect("a reason");
            assert!(
                why.starts_with("unavailable: cut off: ") && cut_off["finished_at"].is_string(),
                "{log:#}"
            );
            return;
        }
        assert_eq!(cut_off["result"], "running", "{log:#}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it has no end after thirty seconds");
}
