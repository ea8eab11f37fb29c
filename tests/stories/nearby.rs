//! Splitters nearby, as a technician asks for them.

use std::time::{Duration, Instant};

use gateway_sandbox::Fault;
use int6_ozmap_gateway::app::Gateway;
use reqwest::{Response, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};

use crate::town::{Town, rows};
use crate::world::{KEY, World};

/// A technician with a gateway.
struct Technician {
    world: World,
    gateway: Gateway,
    http: reqwest::Client,
}

impl Technician {
    async fn over(world: World) -> Technician {
        let gateway = Gateway::start(&world.config()).await.expect("the gateway starts");
        let http = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().expect("a client");
        Technician { world, gateway, http }
    }

    async fn in_town(clients: usize) -> Technician {
        Technician::over(World::town(clients).await).await
    }

    async fn ask(&self, query: &str) -> Response {
        let url = format!("http://{}/v1/splitters/nearby?{query}", self.gateway.address);
        self.http.get(url).header("x-api-key", KEY).send().await.expect("an answer")
    }

    async fn nearby(&self, query: &str) -> Value {
        let answer = self.ask(query).await;
        assert_eq!(answer.status(), StatusCode::OK, "{query}");
        answer.json().await.expect("JSON")
    }

    /// A record of OZmap, changed as its user would.
    async fn patch(&self, route: &str, id: &str, body: Value) {
        let url = format!("{}/api/v2/{route}/{id}", self.world.sandbox.ozmap_url());
        let request = self.http.patch(url).header("authorization", self.world.sandbox.ozmap_key());
        assert_eq!(request.json(&body).send().await.expect("an answer").status(), StatusCode::NO_CONTENT);
    }

    fn away(&self) {
        self.world.sandbox.ozmap().faults().fail_route("/", 1_000_000, Fault::Status(503));
    }
}

fn has_free_port(answer: &Value) -> bool {
    answer["ports"]["free"].as_array().is_some_and(|free| !free.is_empty())
}

/// Asserts that an answer is these splitters, to half a metre.
fn assert_same(answer: &Value, expected: &[(f64, Value)]) {
    let given = answer["splitters"].as_array().expect("a list");
    assert_eq!(given.len(), expected.len(), "{answer}");
    for (given, (distance, expected)) in given.iter().zip(expected) {
        let mut given = given.clone();
        let measured =
            given.as_object_mut().and_then(|fields| fields.remove("distance_m")).expect("a distance");
        assert!((measured.as_f64().expect("a number") - distance).abs() < 0.5, "{measured} {distance}");
        assert_eq!(given, *expected);
    }
}

fn at((lat, lng): (f64, f64)) -> String {
    format!("lat={lat}&lng={lng}")
}

#[tokio::test]
async fn the_nearest_splitters_are_those_that_a_look_at_the_whole_town_finds() {
    let technician = Technician::in_town(3_000).await;
    let town = Town::of(&technician.world).await;
    let places: Vec<(f64, f64)> = town
        .sites
        .values()
        .step_by(17)
        .map(|site| {
            (site["lat"].as_f64().expect("lat") + 0.000_31, site["lng"].as_f64().expect("lng") - 0.000_17)
        })
        .take(12)
        .collect();
    assert!(places.len() > 5);
    for place in places {
        let expected = town.around(place, 300.0, has_free_port);
        let answer = technician.nearby(&at(place)).await;
        assert_same(&answer, &expected[..expected.len().min(20)]);
        assert_eq!(answer["verified"], !expected.is_empty());
        let wide = town.around(place, 5_000.0, has_free_port);
        let answer = technician.nearby(&format!("{}&radius_m=5000&limit=200", at(place))).await;
        assert_same(&answer, &wide[..wide.len().min(200)]);
        let first = technician.nearby(&format!("{}&radius_m=5000&limit=1", at(place))).await;
        assert_same(&first, &wide[..1]);
    }
}

#[tokio::test]
async fn an_answer_says_how_fresh_it_is_and_costs_one_call() {
    let technician = Technician::in_town(300).await;
    let town = Town::of(&technician.world).await;
    let place = town.place_of(town.splitters[2]["id"].as_str().expect("an id"));
    technician.nearby(&at(place)).await;
    technician.world.sandbox.ozmap().calls().reset();
    let before = jiff::Timestamp::now();
    let answer = technician.nearby(&at(place)).await;
    let as_of: jiff::Timestamp = answer["as_of"].as_str().expect("a text").parse().expect("a time");
    assert!(as_of >= before - jiff::SignedDuration::from_millis(1), "{as_of} {before}");
    assert_eq!(
        (&answer["verified"], technician.world.sandbox.ozmap().calls().counts().reads),
        (&json!(true), 1)
    );
}

#[tokio::test]
async fn nothing_is_near_in_the_middle_of_nowhere() {
    let technician = Technician::in_town(30).await;
    for query in ["lat=0&lng=0", "lat=90&lng=180", "lat=-90&lng=-180", "lat=26.5&lng=135.8&radius_m=5000"] {
        assert_eq!(technician.nearby(query).await["splitters"], json!([]), "{query}");
    }
}

#[tokio::test]
async fn a_kind_is_asked_for_alone() {
    let technician = Technician::in_town(1_000).await;
    let town = Town::of(&technician.world).await;
    let building = town.sites.values().find(|site| site["kind"] == "condominium").expect("a building");
    let place = (building["lat"].as_f64().expect("lat"), building["lng"].as_f64().expect("lng"));
    for kind in ["cto", "condominium"] {
        let expected =
            town.around(place, 1_000.0, |answer| has_free_port(answer) && answer["site"]["kind"] == kind);
        assert!(!expected.is_empty());
        let answer = technician.nearby(&format!("{}&radius_m=1000&limit=200&kind={kind}", at(place))).await;
        assert_same(&answer, &expected[..expected.len().min(200)]);
    }
}

#[tokio::test]
async fn full_splitters_are_given_when_they_are_asked_for() {
    let technician = Technician::in_town(300).await;
    let splitter = rows(&technician.world, "splitters")
        .await
        .into_iter()
        .find(|row| row["isDrop"] == true)
        .expect("one");
    let id = splitter["id"].as_str().expect("an id");
    let blocked: Vec<Value> =
        splitter["ports"].as_array().expect("ports").iter().map(|_| json!({"blocked": true})).collect();
    technician.patch("splitters", id, json!({"ports": blocked})).await;
    let town = Town::of(&technician.world).await;
    let place = town.place_of(id);
    let all = town.around(place, 500.0, |_| true);
    assert!(all.iter().any(|(_, answer)| answer["id"] == id));
    assert_same(
        &technician.nearby(&format!("{}&radius_m=500&limit=200&include_full=true", at(place))).await,
        &all,
    );
    let free = town.around(place, 500.0, has_free_port);
    assert!(free.len() < all.len());
    assert_same(
        &technician.nearby(&format!("{}&radius_m=500&limit=200&include_full=false", at(place))).await,
        &free,
    );
}

#[tokio::test]
async fn drafts_feeders_and_what_is_nowhere_on_the_map_are_not_offered() {
    let world = World::town(300).await;
    let town = Town::of(&world).await;
    let draft = town.sites.values().find(|site| site["draft"] == true).expect("a draft box");
    let feeder = town.splitters.iter().find(|row| row["isDrop"] == false).expect("a feeder");
    let lost = town.splitters.iter().rfind(|row| row["isDrop"] == true).expect("a drop splitter");
    let (lost, lost_at) =
        (lost["id"].as_str().expect("an id"), town.place_of(lost["id"].as_str().expect("an id")));
    let technician = Technician::over(world).await;
    let parent = town.splitters.iter().find(|row| row["id"] == lost).expect("it")["parent"].clone();
    technician
        .patch("boxes", parent.as_str().expect("an id"), json!({"coords": null, "lat": null, "lng": null}))
        .await;
    technician.gateway.stop().await;
    let technician = Technician::over(technician.world).await;
    let nowhere = async || {
        let everything =
            technician.nearby(&format!("{}&radius_m=50&limit=200&include_full=true", at(lost_at))).await;
        !everything.to_string().contains(lost)
    };
    // It starts with what it saved; the fresh load follows at once.
    for _ in 0..200 {
        if nowhere().await {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(nowhere().await);
    let draft_at = (draft["lat"].as_f64().expect("lat"), draft["lng"].as_f64().expect("lng"));
    for place in [draft_at, town.place_of(feeder["id"].as_str().expect("an id"))] {
        let answer = technician
            .nearby(&format!("{}&radius_m=1000&limit=200&include_full=true", at(place)))
            .await
            .to_string();
        assert!(!answer.contains(draft["id"].as_str().expect("an id")), "{answer}");
        assert!(!answer.contains(feeder["id"].as_str().expect("an id")), "{answer}");
    }
}

#[tokio::test]
async fn a_port_that_was_taken_a_moment_ago_is_seen_as_taken() {
    let technician = Technician::in_town(100).await;
    let (id, port) = technician.world.sandbox.ozmap().free_port().expect("a free port");
    let place = Town::of(&technician.world).await.place_of(&id);
    let free = async || {
        let answer =
            technician.nearby(&format!("{}&radius_m=5&limit=200&include_full=true", at(place))).await;
        assert_eq!(answer["verified"], true);
        let splitter = answer["splitters"].as_array().expect("a list").iter().find(|row| row["id"] == id);
        splitter.expect("it is there")["ports"]["free"].as_array().expect("ports").clone()
    };
    assert!(free().await.contains(&json!(port)));
    assert!(technician.world.sandbox.ozmap().block_port(&id, port, true));
    assert!(!free().await.contains(&json!(port)));
    for port in free().await {
        technician.world.sandbox.ozmap().block_port(&id, port.as_u64().expect("a port") as u16, true);
    }
    let answer = technician.nearby(&format!("{}&radius_m=5", at(place))).await;
    assert!(!answer.to_string().contains(&id), "a full splitter is not offered: {answer}");
    technician.world.sandbox.ozmap().block_port(&id, port, false);
    assert_eq!(free().await, [json!(port)], "and offered again when a port is free");
}

#[tokio::test]
async fn without_ozmap_the_mirror_answers_and_says_so() {
    let technician = Technician::in_town(300).await;
    let town = Town::of(&technician.world).await;
    let place = town.place_of(town.splitters[2]["id"].as_str().expect("an id"));
    let verified = technician.nearby(&at(place)).await;
    technician.away();
    let begun = Instant::now();
    for _ in 0..8 {
        let answer = technician.nearby(&at(place)).await;
        assert_eq!((&answer["verified"], &answer["splitters"]), (&json!(false), &verified["splitters"]));
        assert!(answer["as_of"].as_str() < verified["as_of"].as_str());
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let calls = technician.world.sandbox.ozmap().calls().counts().reads;
    technician.nearby(&at(place)).await;
    assert_eq!(technician.world.sandbox.ozmap().calls().counts().reads, calls, "the host is left alone");
}

#[tokio::test]
async fn an_ozmap_that_hangs_is_not_waited_for_long() {
    let technician = Technician::in_town(300).await;
    let town = Town::of(&technician.world).await;
    let place = town.place_of(town.splitters[2]["id"].as_str().expect("an id"));
    technician.nearby(&at(place)).await;
    technician.world.sandbox.ozmap().faults().fail_route("/", 1_000, Fault::Hang(Duration::from_secs(60)));
    let begun = Instant::now();
    let answer = technician.nearby(&at(place)).await;
    assert_eq!(
        (&answer["verified"], answer["splitters"].as_array().map(Vec::is_empty)),
        (&json!(false), Some(false))
    );
    assert!((4..8).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_restart_starts_warm() {
    let technician = Technician::in_town(300).await;
    let town = Town::of(&technician.world).await;
    let place = town.place_of(town.splitters[2]["id"].as_str().expect("an id"));
    let before = technician.nearby(&at(place)).await;
    technician.away();
    let loaded = technician.nearby(&at(place)).await;
    assert_eq!(loaded["verified"], false);
    technician.gateway.stop().await;
    let technician = Technician::over(technician.world).await;
    let answer = technician.nearby(&at(place)).await;
    assert_eq!((&answer["splitters"], &answer["verified"]), (&before["splitters"], &json!(false)));
    assert_eq!(answer["as_of"], loaded["as_of"], "the time of the load, not of the start");
}

#[tokio::test]
async fn a_mirror_that_never_loaded_says_that_ozmap_is_away() {
    let world = World::town(30).await;
    world.sandbox.ozmap().faults().fail_route("/", 1_000_000, Fault::Status(503));
    let technician = Technician::over(world).await;
    let answer = technician.ask("lat=0&lng=0").await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key("retry-after"));
    assert_eq!(answer.json::<Value>().await.expect("JSON")["code"], "ozmap_unreachable");
}

#[rstest]
#[case("", "lat")]
#[case("lat=1", "lng")]
#[case("lng=1", "lat")]
#[case("lat=91&lng=0", "lat")]
#[case("lat=-90.001&lng=0", "lat")]
#[case("lat=0&lng=180.5", "lng")]
#[case("lat=NaN&lng=0", "lat")]
#[case("lat=0&lng=inf", "lng")]
#[case("lat=here&lng=0", "lat")]
#[case("lat=&lng=0", "lat")]
#[case("lat=0&lng=0&radius_m=0", "radius_m")]
#[case("lat=0&lng=0&radius_m=-5", "radius_m")]
#[case("lat=0&lng=0&radius_m=5001", "radius_m")]
#[case("lat=0&lng=0&radius_m=NaN", "radius_m")]
#[case("lat=0&lng=0&limit=0", "limit")]
#[case("lat=0&lng=0&limit=201", "limit")]
#[case("lat=0&lng=0&limit=1.5", "limit")]
#[case("lat=0&lng=0&kind=tower", "kind")]
#[case("lat=0&lng=0&include_full=maybe", "include_full")]
#[case("lat=0&lng=0&colour=red", "colour")]
#[case("lat=0&lat=0&lng=0", "lat")]
#[tokio::test]
async fn a_bad_question_is_refused_by_the_name_of_what_is_wrong(#[case] query: &str, #[case] name: &str) {
    let technician = Technician::in_town(20).await;
    let answer = technician.ask(query).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{query}");
    let problem: Value = answer.json().await.expect("JSON");
    assert_eq!(problem["code"], "invalid_request");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(name)), "{problem}");
}

#[tokio::test]
async fn a_key_is_needed() {
    let technician = Technician::in_town(20).await;
    let url = format!("http://{}/v1/splitters/nearby?lat=0&lng=0", technician.gateway.address);
    assert_eq!(technician.http.get(url).send().await.expect("an answer").status(), StatusCode::UNAUTHORIZED);
}
