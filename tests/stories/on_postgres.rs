//! The gateway on PostgreSQL: replicas share a tenant's runs and never overlap, and the server may go away.

use std::time::Duration;

use gateway_core::sync::{Mode, Trigger};
use gateway_sandbox::{Options, Postgres};
use int6_ozmap_gateway::app::Gateway;
use int6_ozmap_gateway::store::{NewRun, Store};
use serde_json::{Value, json};

use crate::world::{KEY, World};

/// A messy town whose answers take long enough for two runs to meet.
async fn slow_town() -> World {
    let options = Options { clients: 200, latency: Duration::from_millis(150), ..Options::default() };
    World::new(options, false).await
}

struct Replica(Gateway);

impl Replica {
    async fn start(world: &World) -> Replica {
        Replica(Gateway::start(&world.config()).await.expect("the gateway starts"))
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.0.address)
    }

    /// Asks for a run; its path.
    async fn post(&self) -> String {
        let ask = reqwest::Client::new().post(self.url("/v1/sync-runs")).header("x-api-key", KEY);
        let answer = ask.send().await.expect("an answer");
        assert_eq!(answer.status(), 202);
        answer.headers()["location"].to_str().expect("a text").to_owned()
    }

    async fn get(&self, path: &str) -> Value {
        let ask = reqwest::Client::new().get(self.url(path)).header("x-api-key", KEY);
        ask.send().await.expect("an answer").json().await.expect("JSON")
    }

    async fn ended(&self, path: &str) -> Value {
        for _ in 0..1_000 {
            let run = self.get(path).await;
            if run["state"] != "running" {
                return run;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the run did not end in twenty seconds");
    }
}

#[tokio::test]
async fn of_two_replicas_one_runs_and_the_other_skips() {
    let server = Postgres::start();
    let mut world = slow_town().await;
    world.set("DATABASE_URL", &server.url());
    let (one, two) = tokio::join!(Replica::start(&world), Replica::start(&world));

    let (first, second) = tokio::join!(one.post(), two.post());
    // Each run is read from the other replica: the runs are shared.
    let runs = [two.ended(&first).await, one.ended(&second).await];
    let of =
        |state: &str| runs.iter().find(|run| run["state"] == state).unwrap_or_else(|| panic!("{runs:#?}"));
    let (finished, skipped) = (of("finished"), of("skipped"));
    assert_eq!(skipped["error"], "another run of this tenant is under way");
    assert_eq!((&skipped["counts"]["changed"], &skipped["calls"]["int6_reads"]), (&json!(0), &json!(0)));
    let changed = finished["counts"]["changed"].as_u64().expect("a number");
    assert!(changed > 0, "{finished:#?}");

    // The lease was given back: the other may run now, and finds its sibling's work done.
    let writes = world.writes();
    let again = two.ended(&two.post().await).await;
    assert_eq!((&again["state"], &again["counts"]["changed"]), (&json!("finished"), &json!(0)), "{again:#?}");
    assert_eq!(world.writes(), writes, "nothing is left to write");
    let list = one.get("/v1/sync-runs").await;
    assert_eq!(list["sync_runs"].as_array().map(Vec::len), Some(3));

    one.0.stop().await;
    two.0.stop().await;
}

#[tokio::test]
async fn a_replica_that_died_elsewhere_leaves_no_run_under_way() {
    let server = Postgres::start();
    let mut world = World::town(30).await;
    world.set("DATABASE_URL", &server.url());
    let gateway = Replica::start(&world).await;
    let store = Store::open(&server.url()).await.expect("the same database");
    let id = uuid::Uuid::now_v7();
    let run = NewRun {
        id,
        tenant: "default".to_owned(),
        trigger: Trigger::Timer,
        mode: Mode::Apply,
        // A run of release 0.1.0 that has only just begun may take its lease yet.
        started_at: jiff::Timestamp::now() - Duration::from_secs(60),
        holder: format!("elsewhere/1/mark/{id}"),
        plan: None,
    };
    store.begin_run(run).await.expect("written");

    // Nobody asks for a run meanwhile.
    let cut_off = gateway.ended(&format!("/v1/sync-runs/{id}")).await;
    assert_eq!(cut_off["state"], "failed");
    assert!(cut_off["error"].as_str().is_some_and(|why| why.starts_with("cut off")), "{cut_off}");
    gateway.0.stop().await;
}

#[tokio::test]
async fn a_server_that_goes_away_and_comes_back_is_used_again() {
    let server = Postgres::start();
    let mut world = World::town(30).await;
    world.set("DATABASE_URL", &server.url());
    let gateway = Replica::start(&world).await;
    assert_eq!(gateway.get("/health/ready").await["database"], "ok");
    let before = gateway.ended(&gateway.post().await).await;

    server.halt();
    let halted = std::time::Instant::now();
    // What was found holds for a second.
    while gateway.get("/health/ready").await["database"] != "failing" {
        assert!(halted.elapsed() < Duration::from_secs(5), "it is noticed soon, and no probe waits for long");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(gateway.get("/health/live").await["status"], "ok", "a restart of the gateway would not help");

    server.resume();
    let resumed = std::time::Instant::now();
    while gateway.get("/health/ready").await["database"] != "ok" {
        assert!(resumed.elapsed() < Duration::from_secs(10), "it is used again");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let after = gateway.ended(&gateway.post().await).await;
    assert_eq!(after["state"], "finished");
    let list = gateway.get("/v1/sync-runs").await;
    assert_eq!(list["sync_runs"], json!([after, before]), "nothing was lost");
    gateway.0.stop().await;
}
