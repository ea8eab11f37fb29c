//! Splitters nearby, and the mirror behind them.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use int6_ozmap_gateway::app::{self, Gateway};
use int6_ozmap_gateway::mirror::{Mirror, Parts};
use int6_ozmap_gateway::ozmap::Ozmap;
use int6_ozmap_gateway::sandbox::{Fault, Options};
use reqwest::{Response, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};

use crate::world::{KEY, World};

/// A technician with a gateway.
struct Desk {
    world: World,
    gateway: Gateway,
    http: reqwest::Client,
}

impl Desk {
    async fn over(world: World) -> Desk {
        let gateway = Gateway::start(&world.config()).await.expect("the gateway starts");
        let http = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().expect("a client");
        Desk { world, gateway, http }
    }

    async fn in_town(clients: usize) -> Desk {
        Desk::over(World::town(clients).await).await
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
        self.world.sandbox.ozmap().fail_route("/", 1_000_000, Fault::Status(503));
    }
}

/// Every row of a route of the pretend OZmap.
async fn rows(world: &World, route: &str) -> Vec<Value> {
    let http = reqwest::Client::new();
    let mut rows = Vec::new();
    loop {
        let page = rows.len() / 1_000 + 1;
        let url = format!("{}/api/v2/{route}?limit=1000&page={page}", world.sandbox.ozmap_url());
        let request = http.get(url).header("authorization", world.sandbox.ozmap_key());
        let list: Value = request.send().await.expect("an answer").json().await.expect("JSON");
        rows.extend(list["rows"].as_array().expect("rows").clone());
        if rows.len() as u64 >= list["total"].as_u64().expect("a total") {
            return rows;
        }
    }
}

fn metres(a: (f64, f64), b: (f64, f64)) -> f64 {
    let (from, to) = (a.0.to_radians(), b.0.to_radians());
    let h = ((to - from) / 2.0).sin().powi(2)
        + from.cos() * to.cos() * ((b.1 - a.1).to_radians() / 2.0).sin().powi(2);
    2.0 * 6_371_008.8 * h.sqrt().min(1.0).asin()
}

/// What the pretend OZmap holds, looked at one by one.
struct Town {
    sites: HashMap<String, Value>,
    splitters: Vec<Value>,
}

impl Town {
    async fn of(world: &World) -> Town {
        let mut sites = HashMap::new();
        for (route, kind) in [("boxes", "cto"), ("buildings", "condominium")] {
            for mut site in rows(world, route).await {
                site["kind"] = json!(kind);
                sites.insert(site["id"].as_str().expect("an id").to_owned(), site);
            }
        }
        Town { sites, splitters: rows(world, "splitters").await }
    }

    /// Distance and answer of every splitter that may be offered around a place.
    fn around(&self, at: (f64, f64), radius: f64, offered: impl Fn(&Value) -> bool) -> Vec<(f64, Value)> {
        let mut found: Vec<(f64, Value)> = Vec::new();
        for splitter in self.splitters.iter().filter(|splitter| splitter["isDrop"] == true) {
            let Some(site) = self.sites.get(splitter["parent"].as_str().expect("a parent")) else { continue };
            let place = (site["lat"].as_f64().expect("lat"), site["lng"].as_f64().expect("lng"));
            let distance = metres(at, place);
            let answer = as_answered(splitter, site, place);
            if site["draft"] != true && distance <= radius && offered(&answer) {
                found.push((distance, answer));
            }
        }
        found.sort_by(|(near, a), (far, b)| {
            near.total_cmp(far).then_with(|| a["id"].as_str().cmp(&b["id"].as_str()))
        });
        found
    }

    fn place_of(&self, splitter: &str) -> (f64, f64) {
        let splitter = self.splitters.iter().find(|row| row["id"] == splitter).expect("a splitter");
        let site = &self.sites[splitter["parent"].as_str().expect("a parent")];
        (site["lat"].as_f64().expect("lat"), site["lng"].as_f64().expect("lng"))
    }
}

fn as_answered(splitter: &Value, site: &Value, (lat, lng): (f64, f64)) -> Value {
    let outputs = splitter["connectables"]["output"].as_array().expect("outputs");
    let free: Vec<usize> = (0..outputs.len())
        .filter(|index| outputs[*index].is_null() && splitter["ports"][index]["blocked"] != true)
        .map(|index| index + 1)
        .collect();
    json!({
        "id": splitter["id"], "name": splitter["name"], "ratio": splitter["ratio"],
        "site": {
            "kind": site["kind"], "id": site["id"], "name": site["name"], "address": site["address"],
            "coordinate": {"lat": lat, "lng": lng}, "implanted": site["implanted"],
        },
        "ports": {"total": outputs.len(), "free": free},
    })
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
    let desk = Desk::in_town(3_000).await;
    let town = Town::of(&desk.world).await;
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
        let answer = desk.nearby(&at(place)).await;
        assert_same(&answer, &expected[..expected.len().min(20)]);
        assert_eq!(answer["verified"], !expected.is_empty());
        let wide = town.around(place, 5_000.0, has_free_port);
        let answer = desk.nearby(&format!("{}&radius_m=5000&limit=200", at(place))).await;
        assert_same(&answer, &wide[..wide.len().min(200)]);
        let first = desk.nearby(&format!("{}&radius_m=5000&limit=1", at(place))).await;
        assert_same(&first, &wide[..1]);
    }
}

#[tokio::test]
async fn an_answer_says_how_fresh_it_is_and_costs_one_call() {
    let desk = Desk::in_town(300).await;
    let town = Town::of(&desk.world).await;
    let place = town.place_of(town.splitters[2]["id"].as_str().expect("an id"));
    desk.nearby(&at(place)).await;
    desk.world.sandbox.ozmap().reset_calls();
    let before = jiff::Timestamp::now();
    let answer = desk.nearby(&at(place)).await;
    let as_of: jiff::Timestamp = answer["as_of"].as_str().expect("a text").parse().expect("a time");
    assert!(as_of >= before - jiff::SignedDuration::from_millis(1), "{as_of} {before}");
    assert_eq!((&answer["verified"], desk.world.sandbox.ozmap().counts().reads), (&json!(true), 1));
}

#[tokio::test]
async fn nothing_is_near_in_the_middle_of_nowhere() {
    let desk = Desk::in_town(30).await;
    for query in ["lat=0&lng=0", "lat=90&lng=180", "lat=-90&lng=-180", "lat=26.5&lng=135.8&radius_m=5000"] {
        assert_eq!(desk.nearby(query).await["splitters"], json!([]), "{query}");
    }
}

#[tokio::test]
async fn a_kind_is_asked_for_alone() {
    let desk = Desk::in_town(1_000).await;
    let town = Town::of(&desk.world).await;
    let building = town.sites.values().find(|site| site["kind"] == "condominium").expect("a building");
    let place = (building["lat"].as_f64().expect("lat"), building["lng"].as_f64().expect("lng"));
    for kind in ["cto", "condominium"] {
        let expected =
            town.around(place, 1_000.0, |answer| has_free_port(answer) && answer["site"]["kind"] == kind);
        assert!(!expected.is_empty());
        let answer = desk.nearby(&format!("{}&radius_m=1000&limit=200&kind={kind}", at(place))).await;
        assert_same(&answer, &expected[..expected.len().min(200)]);
    }
}

#[tokio::test]
async fn full_splitters_are_given_when_they_are_asked_for() {
    let desk = Desk::in_town(300).await;
    let splitter =
        rows(&desk.world, "splitters").await.into_iter().find(|row| row["isDrop"] == true).expect("one");
    let id = splitter["id"].as_str().expect("an id");
    let blocked: Vec<Value> =
        splitter["ports"].as_array().expect("ports").iter().map(|_| json!({"blocked": true})).collect();
    desk.patch("splitters", id, json!({"ports": blocked})).await;
    let town = Town::of(&desk.world).await;
    let place = town.place_of(id);
    let all = town.around(place, 500.0, |_| true);
    assert!(all.iter().any(|(_, answer)| answer["id"] == id));
    assert_same(&desk.nearby(&format!("{}&radius_m=500&limit=200&include_full=true", at(place))).await, &all);
    let free = town.around(place, 500.0, has_free_port);
    assert!(free.len() < all.len());
    assert_same(
        &desk.nearby(&format!("{}&radius_m=500&limit=200&include_full=false", at(place))).await,
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
    let desk = Desk::over(world).await;
    let parent = town.splitters.iter().find(|row| row["id"] == lost).expect("it")["parent"].clone();
    desk.patch("boxes", parent.as_str().expect("an id"), json!({"coords": null, "lat": null, "lng": null}))
        .await;
    desk.gateway.stop().await;
    let desk = Desk::over(desk.world).await;
    let nowhere = async || {
        let everything =
            desk.nearby(&format!("{}&radius_m=50&limit=200&include_full=true", at(lost_at))).await;
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
        let answer = desk
            .nearby(&format!("{}&radius_m=1000&limit=200&include_full=true", at(place)))
            .await
            .to_string();
        assert!(!answer.contains(draft["id"].as_str().expect("an id")), "{answer}");
        assert!(!answer.contains(feeder["id"].as_str().expect("an id")), "{answer}");
    }
}

#[tokio::test]
async fn a_port_that_was_taken_a_moment_ago_is_seen_as_taken() {
    let desk = Desk::in_town(100).await;
    let (id, port) = desk.world.sandbox.ozmap().free_port().expect("a free port");
    let place = Town::of(&desk.world).await.place_of(&id);
    let free = async || {
        let answer = desk.nearby(&format!("{}&radius_m=5&limit=200&include_full=true", at(place))).await;
        assert_eq!(answer["verified"], true);
        let splitter = answer["splitters"].as_array().expect("a list").iter().find(|row| row["id"] == id);
        splitter.expect("it is there")["ports"]["free"].as_array().expect("ports").clone()
    };
    assert!(free().await.contains(&json!(port)));
    assert!(desk.world.sandbox.ozmap().block_port(&id, port, true));
    assert!(!free().await.contains(&json!(port)));
    for port in free().await {
        desk.world.sandbox.ozmap().block_port(&id, port.as_u64().expect("a port") as u16, true);
    }
    let answer = desk.nearby(&format!("{}&radius_m=5", at(place))).await;
    assert!(!answer.to_string().contains(&id), "a full splitter is not offered: {answer}");
    desk.world.sandbox.ozmap().block_port(&id, port, false);
    assert_eq!(free().await, [json!(port)], "and offered again when a port is free");
}

#[tokio::test]
async fn without_ozmap_the_mirror_answers_and_says_so() {
    let desk = Desk::in_town(300).await;
    let town = Town::of(&desk.world).await;
    let place = town.place_of(town.splitters[2]["id"].as_str().expect("an id"));
    let verified = desk.nearby(&at(place)).await;
    desk.away();
    let begun = Instant::now();
    for _ in 0..8 {
        let answer = desk.nearby(&at(place)).await;
        assert_eq!((&answer["verified"], &answer["splitters"]), (&json!(false), &verified["splitters"]));
        assert!(answer["as_of"].as_str() < verified["as_of"].as_str());
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let calls = desk.world.sandbox.ozmap().counts().reads;
    desk.nearby(&at(place)).await;
    assert_eq!(desk.world.sandbox.ozmap().counts().reads, calls, "the host is left alone");
}

#[tokio::test]
async fn an_ozmap_that_hangs_is_not_waited_for_long() {
    let desk = Desk::in_town(300).await;
    let town = Town::of(&desk.world).await;
    let place = town.place_of(town.splitters[2]["id"].as_str().expect("an id"));
    desk.nearby(&at(place)).await;
    desk.world.sandbox.ozmap().fail_route("/", 1_000, Fault::Hang(Duration::from_secs(60)));
    let begun = Instant::now();
    let answer = desk.nearby(&at(place)).await;
    assert_eq!(
        (&answer["verified"], answer["splitters"].as_array().map(Vec::is_empty)),
        (&json!(false), Some(false))
    );
    assert!((4..8).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_restart_starts_warm() {
    let desk = Desk::in_town(300).await;
    let town = Town::of(&desk.world).await;
    let place = town.place_of(town.splitters[2]["id"].as_str().expect("an id"));
    let before = desk.nearby(&at(place)).await;
    desk.away();
    let loaded = desk.nearby(&at(place)).await;
    assert_eq!(loaded["verified"], false);
    desk.gateway.stop().await;
    let desk = Desk::over(desk.world).await;
    let answer = desk.nearby(&at(place)).await;
    assert_eq!((&answer["splitters"], &answer["verified"]), (&before["splitters"], &json!(false)));
    assert_eq!(answer["as_of"], loaded["as_of"], "the time of the load, not of the start");
}

#[tokio::test]
async fn a_mirror_that_never_loaded_says_that_ozmap_is_away() {
    let world = World::town(30).await;
    world.sandbox.ozmap().fail_route("/", 1_000_000, Fault::Status(503));
    let desk = Desk::over(world).await;
    let answer = desk.ask("lat=0&lng=0").await;
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
    let desk = Desk::in_town(20).await;
    let answer = desk.ask(query).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{query}");
    let problem: Value = answer.json().await.expect("JSON");
    assert_eq!(problem["code"], "invalid_request");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(name)), "{problem}");
}

#[tokio::test]
async fn a_key_is_needed() {
    let desk = Desk::in_town(20).await;
    let url = format!("http://{}/v1/splitters/nearby?lat=0&lng=0", desk.gateway.address);
    assert_eq!(desk.http.get(url).send().await.expect("an answer").status(), StatusCode::UNAUTHORIZED);
}

fn ozmap_of(world: &World) -> Ozmap {
    app::upstreams(&world.config().tenants[0]).expect("good settings").ozmap
}

fn mirror_of(world: &World) -> Mirror {
    let (ozmap, store, stop) = (ozmap_of(world), world.store.clone(), world.stop.clone());
    Mirror::new(Parts { tenant: "default".to_owned(), ozmap, store, at_once: 4, stop })
}

#[rstest]
#[case::with_cursors(true)]
#[case::with_the_older_envelope(false)]
#[tokio::test]
async fn a_network_of_many_pages_is_loaded_whole(#[case] next_urls: bool) {
    let options = Options { clients: 2_000, messy: false, next_urls, ..Options::default() };
    let mut world = World::new(options, false).await;
    world.set("OZMAP_PAGE_SIZE", "25");
    let town = Town::of(&world).await;
    world.sandbox.ozmap().reset_calls();
    let network = mirror_of(&world).refresh().await.expect("a load");
    let offered = town.around((0.0, 0.0), f64::INFINITY, |_| true).len() as u64;
    assert_eq!((network.tally().splitters, network.tally().unreadable), (offered, 0));
    assert!(network.tally().in_draft > 0);
    let rows = town.sites.len() as u64 + offered + network.tally().in_draft;
    let calls = world.sandbox.ozmap().counts().reads;
    assert!((rows / 25..=rows / 25 + 3).contains(&calls), "each page once: {calls} calls for {rows} rows");
}

#[tokio::test]
async fn whoever_asks_during_a_load_gets_that_one() {
    let world = World::town(300).await;
    let mirror = mirror_of(&world);
    let loads = futures::future::join_all((0..20).map(|_| mirror.refresh())).await;
    assert!(loads.into_iter().all(|load| load.is_ok()));
    let calls = world.sandbox.ozmap().counts().reads;
    mirror.refresh().await.expect("another load");
    assert_eq!(world.sandbox.ozmap().counts().reads, 2 * calls);
}

#[rstest]
#[case::no_splitters("/splitters", r#"{"total":0,"count":0,"rows":[],"start":0,"limit":500}"#)]
#[case::half_a_list("/splitters", r#"{"total":900,"count":1,"rows":[{"id":"5da61e13493d9c0006665477","isDrop":true,"connectables":{"output":[]}}]}"#)]
#[case::other_shape("/boxes", r#"{"total":1,"rows":{}}"#)]
#[tokio::test]
async fn a_load_that_cannot_be_believed_leaves_what_was_there(#[case] route: &str, #[case] body: &str) {
    let world = World::town(300).await;
    let mirror = mirror_of(&world);
    let before = mirror.refresh().await.expect("a load");
    world.sandbox.ozmap().fail_route(route, 10_000, Fault::Body(body.to_owned()));
    assert!(mirror.refresh().await.is_err());
    assert_eq!(mirror.network().map(|network| network.as_of()), Some(before.as_of()));
    let restarted = mirror_of(&world);
    restarted.warm_up().await.expect("the database answers");
    assert_eq!(restarted.network().map(|network| network.tally().splitters), Some(before.tally().splitters));
    world.sandbox.ozmap().heal();
    assert!(mirror.refresh().await.expect("a load").as_of() > before.as_of());
}

#[tokio::test]
async fn a_bad_row_costs_itself_only() {
    let world = World::town(60).await;
    let before = mirror_of(&world).refresh().await.expect("a load").tally();
    let boxes = rows(&world, "boxes").await;
    let mut list = boxes.clone();
    list[0] = json!({"id": "b1", "draft": "perhaps"});
    list[1] = json!(17);
    let body = json!({"total": list.len(), "rows": list}).to_string();
    world.sandbox.ozmap().fail_route("/boxes", 1, Fault::Body(body));
    let after = mirror_of(&world).refresh().await.expect("a load").tally();
    assert_eq!((after.unreadable, after.splitters + after.without_site), (2, before.splitters));
}

#[rstest]
#[case::ignores_the_filter(Fault::Body(r#"{"total":9000,"rows":[{"id":"aaaaaaaaaaaaaaaaaaaaaaaa","isDrop":true,"connectables":{"output":[]}}]}"#.to_owned()))]
#[case::refuses_the_filter(Fault::Status(400))]
#[case::finds_nothing(Fault::Body(r#"{"total":0,"rows":[]}"#.to_owned()))]
#[tokio::test]
async fn a_host_that_does_not_filter_by_identifier_is_asked_one_by_one(#[case] fault: Fault) {
    let world = World::town(60).await;
    let ozmap = ozmap_of(&world);
    let town = Town::of(&world).await;
    let ids: Vec<_> = town
        .splitters
        .iter()
        .take(10)
        .filter_map(|row| row["id"].as_str())
        .chain(["ffffffffffffffffffffffff"])
        .filter_map(int6_ozmap_gateway::domain::RecordId::new)
        .collect();
    world.sandbox.ozmap().fail_route("/splitters", 2, fault);
    world.sandbox.ozmap().reset_calls();
    let found = ozmap.splitters(&ids, Duration::from_secs(5)).await.expect("an answer");
    assert_eq!((ids.len(), found.len()), (11, 10), "the one that is gone is left out");
    assert_eq!(world.sandbox.ozmap().counts().reads, 2 + 11);
    assert_eq!(ozmap.splitters(&ids, Duration::from_secs(5)).await.expect("an answer").len(), 10);
    assert_eq!(world.sandbox.ozmap().counts().reads, 2 + 22, "and that is remembered");
    let many = vec![ids[0].clone(); 33];
    assert!(ozmap.splitters(&many, Duration::from_secs(5)).await.is_err());
}

#[tokio::test]
async fn splitters_are_looked_up_in_one_call() {
    let world = World::town(3_000).await;
    let ozmap = ozmap_of(&world);
    let rows = rows(&world, "splitters").await;
    let ids: Vec<_> = rows
        .iter()
        .filter_map(|row| row["id"].as_str())
        .filter_map(int6_ozmap_gateway::domain::RecordId::new)
        .take(200)
        .collect();
    world.sandbox.ozmap().reset_calls();
    assert_eq!(ozmap.splitters(&ids, Duration::from_secs(5)).await.expect("an answer").len(), 200);
    assert_eq!(world.sandbox.ozmap().counts().reads, 1);
}
