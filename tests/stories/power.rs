//! The light of a client, as INT6 asks for it before it activates the client.

use std::time::{Duration, Instant};

use gateway_sandbox::{Fault, TestClient};
use reqwest::{Method, Response};
use rstest::rstest;
use serde_json::{Value, json};

use crate::api::{Api, problem};
use crate::world::World;

const POTENCY: &str = "GET /properties/client/10001/potency";

async fn in_town() -> Api {
    Api::over(World::town(30).await).await
}

async fn impatient() -> Api {
    let mut world = World::town(30).await;
    world.set("PROVISIONING_ANSWER_WITHIN_SECONDS", "2");
    Api::over(world).await
}

impl Api {
    async fn power(&self, query: &str) -> Response {
        let path = format!("/v1/clients/10001/power{query}");
        self.ask(Method::GET, &path).send().await.expect("an answer")
    }

    /// What OZmap itself calculates.
    async fn calculated(&self) -> Value {
        let sandbox = &self.world.sandbox;
        let url = format!("{}/api/v2/properties/client/10001/potency", sandbox.ozmap_url());
        let request = self.http.get(url).header("authorization", sandbox.ozmap_key());
        request.send().await.expect("an answer").json::<Value>().await.expect("JSON")[0].clone()
    }

    /// Requests for the client's potency that reached OZmap.
    fn asked(&self) -> usize {
        let calls = self.world.sandbox.ozmap().calls().recorded();
        calls.iter().filter(|call| call.path.ends_with("/10001/potency")).count()
    }

    fn away(&self) {
        self.world.sandbox.ozmap().faults().fail_route("/", 1_000_000, Fault::Status(503));
    }
}

async fn said(answer: Response) -> Value {
    assert_eq!(answer.status().as_u16(), 200);
    answer.json().await.expect("JSON")
}

#[tokio::test]
async fn it_is_what_ozmap_calculates() {
    let api = in_town().await;
    let path = api.calculated().await;
    let property = api.world.sandbox.ozmap().property_of("10001").expect("a property");
    let told = said(api.power("").await).await;
    assert_eq!(told["code"], "10001");
    assert_eq!(told["calculated_power_dbm"], path["arriving_potency"]);
    assert_eq!(told["read_power_dbm"], property["potencyRead"]);
    assert_eq!(told["launch_power_dbm"].as_f64(), path["potency"].as_f64());
    assert_eq!(told["attenuation_db"], path["attenuation"]);
    let metres = path["distance"].as_f64().map(|km| (km * 1e6).round() / 1e3);
    assert_eq!(told["distance_m"].as_f64(), metres);
    assert_eq!(told["olt"], json!({"id": path["olt"]["id"], "name": path["olt"]["name"]}));
    assert_eq!(told["slot"], json!({"id": path["slot"]["id"], "number": path["slot"]["number"]}));
    let pon = json!({"id": path["pon"]["id"], "number": path["pon"]["number"], "name": path["pon"]["name"]});
    assert_eq!(told["pon"], pon);
    assert_eq!((&told["other_routes"], &told["source"]), (&json!(0), &json!("ozmap")));
    assert!(told["as_of"].as_str().is_some_and(|at| at.ends_with('Z')));
    assert!(told.get("verdict").is_none(), "it was not asked for");
    for secret in ["sandbox-olt-user", "sandbox-olt-password", "192.0.2."] {
        assert!(path.to_string().contains(secret), "OZmap's answer has {secret}");
        assert!(!told.to_string().contains(secret), "{told}");
    }
}

#[tokio::test]
async fn the_verdict_needs_both_parameters_and_the_limit_is_still_authorised() {
    let api = in_town().await;
    let calculated = api.calculated().await["arriving_potency"].as_f64().expect("a power");
    let verdict = async |query: String| said(api.power(&query).await).await["verdict"].clone();
    let read = calculated - 3.65;
    let near = verdict(format!("?read_dbm={read:.2}&limit_db=3.65")).await;
    assert_eq!((&near["difference_db"], &near["authorised"]), (&json!(3.65), &json!(true)));
    let far = verdict(format!("?read_dbm={read:.2}&limit_db=3.64")).await;
    assert_eq!((&far["authorised"], &far["limit_db"]), (&json!(false), &json!(3.64)));
    let comma = format!("{read:.2}").replace('.', ",");
    assert_eq!(verdict(format!("?read_dbm={comma}%20dBm&limit_db=3.65")).await["authorised"], true);
    for dark in ["0", "0.0", "-0", "LOS", "N%C3%A3o%20Dispon%C3%ADvel", ""] {
        let none = verdict(format!("?read_dbm={dark}&limit_db=99")).await;
        assert_eq!((&none["authorised"], &none["difference_db"]), (&json!(false), &Value::Null), "{dark}");
    }
    assert_eq!(verdict(format!("?read_dbm={read:.2}")).await, Value::Null);
    assert_eq!(verdict("?limit_db=3".to_owned()).await, Value::Null);
}

#[rstest]
#[case("?read_dbm=-20&limit_db=-1")]
#[case("?read_dbm=-20&limit_db=much")]
#[case("?read_dbm=-20&limit_db=NaN")]
#[case("?read_dbm=-20&limit_db=1e9")]
#[case("?read_dbm=NaN&limit_db=3")]
#[case("?read_dbm=inf&limit_db=3")]
#[case("?read_dbm=-20000&limit_db=3")]
#[case("?read=-20&limit_db=3")]
#[case("?read_dbm=-20&read_dbm=-21&limit_db=3")]
#[tokio::test]
async fn a_question_that_makes_no_sense_is_refused(#[case] query: &str) {
    let api = in_town().await;
    problem(api.power(query).await, 400, "invalid_request").await;
    assert_eq!(api.asked(), 0);
}

const LIT: &str = r#"{"pon_reached":true,"potency":4,"attenuation":23.45,"arriving_potency":-19.45,"distance":0.987,
    "olt":{"id":"a1","name":"OLT-01","user":"SECRET"},"slot":{"id":"b2","number":"2"},"pon":{"id":"c3","number":"2","name":"PON 2"}}"#;
const DARK: &str = r#"{"pon_reached":false,"potency":0,"arriving_potency":null,"pon":null}"#;

#[tokio::test]
async fn of_several_routes_the_first_that_reaches_a_pon_counts() {
    let api = in_town().await;
    let body = format!("[{DARK},{LIT},{LIT}]");
    api.world.sandbox.ozmap().faults().fail_route(POTENCY, 1, Fault::Body(body));
    let told = said(api.power("").await).await;
    assert_eq!((&told["calculated_power_dbm"], &told["other_routes"]), (&json!(-19.45), &json!(2)));
    assert_eq!((&told["distance_m"], &told["pon"]["name"]), (&json!(987.0), &json!("PON 2")));
}

#[rstest]
#[case(Fault::StatusWith { status: 422, retry_after: None, body: String::new() })]
#[case(Fault::Body("[]".to_owned()))]
#[case(Fault::Body("null".to_owned()))]
#[case(Fault::Body(String::new()))]
#[case(Fault::Body(format!("[{DARK}]")))]
#[tokio::test]
async fn without_a_route_there_is_no_power(#[case] fault: Fault) {
    let api = in_town().await;
    api.world.sandbox.ozmap().faults().fail_route(POTENCY, 1, fault);
    problem(api.power("").await, 422, "no_fibre_route").await;
    said(api.power("").await).await;
}

#[tokio::test]
async fn a_client_whom_ozmap_does_not_know_is_not_found() {
    let api = in_town().await;
    for code in ["999", "a%2Fb", "12%20c%C3%A7", "%23"] {
        let answer =
            api.ask(Method::GET, &format!("/v1/clients/{code}/power")).send().await.expect("an answer");
        let status = if code == "%23" { 400 } else { 404 };
        problem(answer, status, if status == 404 { "client_not_found" } else { "invalid_request" }).await;
    }
}

#[tokio::test]
async fn of_two_clients_of_one_code_none_is_meant() {
    let api = in_town().await;
    api.world.sandbox.ozmap().add_client(TestClient::new("10001"));
    problem(api.power("").await, 409, "client_ambiguous").await;
}

#[tokio::test]
async fn an_answer_is_given_again_for_a_while_unless_the_caller_wants_another() {
    let api = in_town().await;
    let first = said(api.power("").await).await;
    let second = said(api.power("?read_dbm=-20&limit_db=3").await).await;
    assert_eq!((&second["source"], &second["as_of"]), (&json!("cache"), &first["as_of"]));
    assert_eq!(api.asked(), 1);
    let anew = api.ask(Method::GET, "/v1/clients/10001/power").header("cache-control", "no-cache");
    let third = said(anew.send().await.expect("an answer")).await;
    assert_eq!((&third["source"], api.asked()), (&json!("ozmap"), 2));
}

#[tokio::test]
async fn however_many_wait_ozmap_is_asked_once() {
    let api = in_town().await;
    api.world.sandbox.ozmap().faults().set_latency(Duration::from_millis(200));
    let answers = futures::future::join_all((0..50).map(|_| api.power(""))).await;
    assert!(answers.iter().all(|answer| answer.status().as_u16() == 200));
    assert_eq!(api.asked(), 1);
    let anew = || api.ask(Method::GET, "/v1/clients/10001/power").header("cache-control", "no-cache").send();
    futures::future::join_all((0..50).map(|_| anew())).await;
    assert!(api.asked() <= 3, "{} questions", api.asked());
}

#[tokio::test]
async fn when_ozmap_is_away_what_it_said_last_counts_after_a_restart_too() {
    let mut world = World::town(30).await;
    world.set("PROVISIONING_POWER_CACHE_SECONDS", "0");
    let api = Api::over(world).await;
    let first = said(api.power("").await).await;
    assert_eq!(said(api.power("").await).await["source"], "ozmap", "nothing is cached");
    api.away();
    let known = said(api.power("").await).await;
    assert_eq!(
        (&known["source"], &known["calculated_power_dbm"]),
        (&json!("cache"), &first["calculated_power_dbm"])
    );
    let Api { world, gateway, .. } = api;
    gateway.stop().await;
    let api = Api::over(world).await;
    let known = said(api.power("?read_dbm=-20&limit_db=3").await).await;
    assert_eq!((&known["source"], &known["read_power_dbm"]), (&json!("cache"), &first["read_power_dbm"]));
    assert!(known["as_of"].as_str() >= first["as_of"].as_str() && known["verdict"].is_object());
    let other = api.ask(Method::GET, "/v1/clients/10002/power").send().await.expect("an answer");
    let pause = other.headers()["retry-after"].to_str().ok().and_then(|seconds| seconds.parse::<u64>().ok());
    assert!(pause.is_some_and(|seconds| seconds >= 1));
    problem(other, 503, "ozmap_unreachable").await;
}

#[tokio::test]
async fn a_slow_ozmap_is_not_waited_for_longer_than_the_caller_can() {
    let api = impatient().await;
    api.world.sandbox.ozmap().faults().fail_route("/properties", 1_000, Fault::Hang(Duration::from_secs(30)));
    let asked = Instant::now();
    problem(api.power("").await, 503, "ozmap_unreachable").await;
    assert!(asked.elapsed() < Duration::from_secs(4), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn a_key_that_ozmap_refuses_is_told_and_not_shown() {
    let mut world = World::town(30).await;
    world.set("OZMAP_API_KEY", "another-key-altogether");
    let api = Api::over(world).await;
    let told = problem(api.power("").await, 502, "ozmap_rejected").await;
    assert!(!told.to_string().contains("another-key"), "{told}");
}

#[tokio::test]
async fn a_client_who_moved_is_calculated_anew() {
    let api = in_town().await;
    said(api.power("").await).await;
    let (splitter, port) = api.world.sandbox.ozmap().free_port().expect("a free port");
    let moved = api.ask(Method::PUT, "/v1/clients/10001/activation");
    said(moved.json(&json!({"splitter_id": splitter, "port": port})).send().await.expect("an answer")).await;
    api.away();
    problem(api.power("").await, 503, "ozmap_unreachable").await;
    api.world.sandbox.ozmap().faults().heal();
    assert_eq!(said(api.power("").await).await["source"], "ozmap");
}
