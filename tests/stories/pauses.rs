//! Hosts that ask for fewer calls, or that fail for some records only.

use std::time::{Duration, Instant};

use gateway_core::sync::RunState;
use gateway_sandbox::Fault;
use reqwest::Method;
use serde_json::{Value, json};

use crate::api::Api;
use crate::world::World;

fn too_many(retry_after: Option<u64>) -> Fault {
    Fault::StatusWith { status: 429, retry_after, body: r#"{"message":"slow down"}"#.to_owned() }
}

/// Clients whose readings differ from what OZmap holds, each from the others.
async fn busy_world(clients: u32) -> World {
    let world = World::empty().await;
    for i in 0..clients {
        let code = (147 + i).to_string();
        world.client(&code);
        world.reading(&code, json!(-21.0 - f64::from(i) / 100.0));
    }
    world
}

#[tokio::test]
async fn a_pause_in_the_middle_of_writing_costs_no_write() {
    let world = busy_world(40).await;
    world.sandbox.ozmap().faults().fail_route("PATCH /properties", 8, too_many(Some(1)));
    let begun = Instant::now();
    let report = world.sync().await;
    assert_eq!((report.state, report.counts.changed, report.counts.failed), (RunState::Finished, 40, 0));
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_host_that_does_not_say_for_how_long_is_asked_again_until_it_answers() {
    let world = busy_world(20).await;
    world.sandbox.ozmap().faults().fail_route("PATCH /properties", 30, too_many(None));
    let report = world.sync().await;
    assert_eq!((report.state, report.counts.changed, report.counts.failed), (RunState::Finished, 20, 0));
}

#[tokio::test]
async fn a_technician_is_told_of_a_pause_at_once_and_when_to_come_again() {
    const POTENCY: &str = "/properties/client/10001/potency";
    let api = Api::over(World::town(30).await).await;
    api.world.sandbox.ozmap().faults().fail_route(POTENCY, 1_000, too_many(Some(120)));
    let begun = Instant::now();
    let mut answers = Vec::new();
    for _ in 0..3 {
        let answer = api.ask(Method::GET, "/v1/clients/10001/power").send().await.expect("an answer");
        let after: u64 = answer.headers()["retry-after"].to_str().expect("text").parse().expect("seconds");
        answers.push((answer.status().as_u16(), (110..=121).contains(&after)));
    }
    assert_eq!(answers, [(503, true); 3]);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let asked = api.world.sandbox.ozmap().calls().recorded();
    let asked = asked.iter().filter(|call| call.path.ends_with(POTENCY)).count();
    assert_eq!(asked, 1, "the host was left in peace");
}

#[tokio::test]
async fn a_sync_that_waits_for_a_pause_ends_when_the_gateway_stops() {
    let world = busy_world(3).await;
    world.sandbox.ozmap().faults().fail_route("PATCH /properties", 1, too_many(Some(600)));
    let stopping = async {
        while world.sandbox.ozmap().faults().awaited("PATCH /properties") > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        world.stop.cancel();
    };
    let begun = Instant::now();
    let (report, ()) = tokio::join!(world.sync(), stopping);
    assert!(report.counts.failed + report.counts.changed < 4, "{:?}", report.counts);
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn records_that_ozmap_cannot_write_do_not_shut_technicians_out() {
    let world = World::town(30).await;
    for (i, code) in world.sandbox.ozmap().codes().iter().take(8).enumerate() {
        world.reading(code, json!(-31.0 - i as f64 / 100.0));
    }
    let api = Api::over(world).await;
    api.world.sandbox.ozmap().faults().fail_route("PATCH /properties", 1_000, Fault::Status(502));
    let run = api.ask(Method::POST, "/v1/sync-runs").send().await.expect("an answer");
    let run: Value = run.json().await.expect("JSON");
    let path = format!("/v1/sync-runs/{}", run["id"].as_str().expect("an id"));
    let ended = loop {
        let run = api.ask(Method::GET, &path).send().await.expect("an answer");
        let run: Value = run.json().await.expect("JSON");
        if run["state"] != "running" {
            break run;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(ended["counts"]["failed"], 8, "{ended}");
    let power = api.ask(Method::GET, "/v1/clients/10001/power").send().await.expect("an answer");
    assert_eq!(power.status().as_u16(), 200);
}
