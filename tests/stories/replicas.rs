//! Several processes on one database: one writer of a tenant at a time, proved, whatever happens to one of them.

use std::time::{Duration, Instant};

use gateway_sandbox::{Fault, Options, Postgres};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::process::Child;

use crate::api::problem;
use crate::commands::{serve, serve_with_log};
use crate::technician::Technician;
use crate::world::{KEY, World};

/// Short, for a test: 4 s instead of 20.
const LIFE: Duration = Duration::from_secs(4);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Database {
    Sqlite,
    Postgres,
}

/// A town in which every client needs a value of its own, and OZmap takes its time.
async fn busy_town(server: Option<&Postgres>) -> World {
    let mut world = World::new(Options { clients: 300, messy: false, ..Options::default() }, false).await;
    if let Some(server) = server {
        world.set("DATABASE_URL", &server.url());
    }
    world.set("GATEWAY_LEASE_SECONDS", &LIFE.as_secs().to_string());
    world.set("SYNC_INTERVAL_SECONDS", "3600");
    read_anew(&world, -15.0);
    world.sandbox.ozmap().faults().set_latency(Duration::from_millis(100));
    world
}

/// INT6 reads another light at every client: so scattered that no rail takes it for one figure, or for one step of all.
fn read_anew(world: &World, from: f64) {
    for (i, code) in world.sandbox.ozmap().codes().iter().enumerate() {
        world.reading(code, json!(scattered(from, i)));
    }
}

fn scattered(from: f64, i: usize) -> f64 {
    from - (i * 7_919 % 1_000) as f64 / 100.0
}

async fn runs(url: &str) -> Vec<Value> {
    let ask = reqwest::Client::new().get(format!("{url}/v1/sync-runs")).header("x-api-key", KEY);
    let runs: Value = ask.send().await.expect("an answer").json().await.expect("JSON");
    runs["sync_runs"].as_array().expect("a list").clone()
}

/// Looks until it is so, for half a minute at most: that is how soon another takes over.
async fn within_half_a_minute<F: Future<Output = bool>>(what: &str, is_so: impl Fn() -> F) -> Duration {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < Duration::from_secs(30), "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    begun.elapsed()
}

fn signal(child: &Child, name: &str) {
    let pid = child.id().expect("it runs").to_string();
    let sent = std::process::Command::new("kill").args([name, &pid]).status().expect("kill can be started");
    assert!(sent.success(), "{name}");
}

#[rstest]
#[tokio::test]
async fn two_replicas_with_one_host_name_run_once_a_beat(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let server = (database == Database::Postgres).then(Postgres::start);
    let mut world = World::town(40).await;
    if let Some(server) = &server {
        world.set("DATABASE_URL", &server.url());
    }
    world.set("SYNC_INTERVAL_SECONDS", "2");
    let ((_one, url), (_two, _)) = tokio::join!(serve(&world), serve(&world));
    let begun = Instant::now();
    tokio::time::sleep(Duration::from_secs(9)).await;
    let runs = runs(&url).await;
    let beats = begun.elapsed().as_secs_f64() / 2.0;
    assert!(
        runs.len() >= 3 && runs.len() as f64 <= beats * 1.1 + 2.0,
        "{} runs in {beats} beats",
        runs.len()
    );
    let states: Vec<&Value> = runs.iter().map(|run| &run["state"]).collect();
    assert!(
        states.iter().all(|state| **state == "finished" || **state == "running"),
        "none is skipped: {states:?}"
    );
}

#[tokio::test]
async fn what_a_replica_was_at_when_it_was_killed_is_taken_over_by_the_other() {
    let server = Postgres::start();
    let world = busy_town(Some(&server)).await;
    let (mut one, _) = serve(&world).await;
    within_half_a_minute("the first writes", async || world.writes() > 20).await;
    let (_two, url) = serve(&world).await;
    one.kill().await.expect("it can be killed");
    let killed = Instant::now();
    within_half_a_minute("the end of the run that was cut off", async || {
        runs(&url).await.last().is_some_and(|first| first["state"] == "failed")
    })
    .await;
    let noticed = killed.elapsed();
    assert!(noticed < LIFE * 3, "{noticed:?}");
    within_half_a_minute("a run that finishes", async || {
        runs(&url).await.iter().any(|run| run["state"] == "finished")
    })
    .await;
    let runs = runs(&url).await;
    assert_eq!(runs.len(), 2, "{runs:#?}");
    assert!(runs[1]["error"].as_str().is_some_and(|why| why.starts_with("cut off:")), "{runs:#?}");
}

#[tokio::test]
async fn a_replica_that_was_stopped_beyond_its_lease_writes_nothing_more() {
    let server = Postgres::start();
    let world = busy_town(Some(&server)).await;
    let (one, _, log) = serve_with_log(&world).await;
    within_half_a_minute("the first writes", async || world.writes() > 20).await;
    signal(&one, "-STOP");
    // What was under way is answered; then there are newer readings.
    tokio::time::sleep(Duration::from_millis(500)).await;
    read_anew(&world, -15.5);
    let (_two, url) = serve(&world).await;
    within_half_a_minute("a run of the other", async || {
        runs(&url).await.iter().any(|run| run["state"] == "finished")
    })
    .await;
    let written = world.writes();
    signal(&one, "-CONT");
    within_half_a_minute("that the stopped one finds out", async || {
        log.lock().expect("the log").iter().any(|line| line.contains("lease is lost"))
    })
    .await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(world.writes(), written, "it has lost its lease");
    for (i, code) in world.sandbox.ozmap().codes().iter().enumerate() {
        let held = world.held(code).0.as_f64().expect("a number");
        assert!((held - scattered(-15.5, i)).abs() < 0.006, "{code} holds {held}");
    }
    let runs = runs(&url).await;
    let states: Vec<&str> = runs.iter().filter_map(|run| run["state"].as_str()).collect();
    assert_eq!(states, ["finished", "failed"], "{runs:#?}");
    assert!(runs[1]["error"].as_str().is_some_and(|why| why.starts_with("cut off:")), "{runs:#?}");
    assert!(one.id().is_some(), "it goes on living");
}

#[tokio::test]
async fn a_container_made_anew_takes_over_what_its_predecessor_held_and_its_create_has_landed_by_then() {
    let server = Postgres::start();
    let mut world = World::empty().await;
    world.set("DATABASE_URL", &server.url());
    world.set("GATEWAY_LEASE_SECONDS", &LIFE.as_secs().to_string());
    let (mut child, url) = serve(&world).await;
    let mut technician = Technician::at(world, url).await;
    let (ozmap, cto) = (technician.world.sandbox.ozmap().clone(), technician.network.ctos[0].clone());
    ozmap.faults().fail_route("POST /properties", 1, Fault::Hang(Duration::from_secs(60)));
    let (http, put) = (reqwest::Client::new(), format!("{}/v1/clients/147/activation", technician.url));
    let body = json!({ "splitter_id": cto, "port": 3 });
    let asked = tokio::spawn(http.put(put).header("x-api-key", KEY).json(&body).send());
    technician.until("the create is under way", |_| ozmap.faults().awaited("POST /properties") == 0).await;
    child.kill().await.expect("it can be killed");
    drop(asked.await.expect("no panic"));
    let killed = Instant::now();

    let (_child, url) = serve(&technician.world).await;
    technician.url = url;
    let landed = async {
        // OZmap goes on with what nobody waits for any more: the create that was under way lands now.
        tokio::time::sleep(Duration::from_secs(2)).await;
        technician.occupy("147", &cto, 3).await;
    };
    let activated = async {
        loop {
            let answer = technician.activate("148", body.clone()).await;
            if answer.status() != 503 {
                return (answer, killed.elapsed());
            }
            assert!(killed.elapsed() < Duration::from_secs(30), "the splitter is shut for too long");
        }
    };
    let ((answer, after), ()) = tokio::join!(activated, landed);
    assert!(after > Duration::from_secs(2), "the create was under way still: {after:?}");
    problem(answer, 409, "port_taken").await;
    assert_eq!(technician.on_port(&cto, 3).as_deref(), Some("147"), "one owner");
}
