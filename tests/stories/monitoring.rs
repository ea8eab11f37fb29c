//! What `/metrics` says when something is wrong, and that it says so after a restart and on a replica that did nothing.
//!
//! The alerts themselves are tried by `tests/alarms/run`, on series that `series.rs` holds to a running gateway.

use std::collections::BTreeMap;

use gateway_core::ClientCode;
use gateway_core::sync::{Mode, Rails, RunState, Trigger};
use gateway_sandbox::Fault;
use int6_ozmap_gateway::app::{self, Gateway};
use int6_ozmap_gateway::config::Config;
use int6_ozmap_gateway::store::{NewRun, Process};
use int6_ozmap_gateway::sync::{Engine, Report};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

use crate::world::{KEY, World};

/// A gateway whose tenant has a name of its own: what a process counts is one for all of its gateways.
pub struct Watched {
    pub world: World,
    config: Config,
}

/// What `/metrics` said: each series with its labels, as it is written there.
pub struct Scrape(pub BTreeMap<String, f64>);

impl Watched {
    pub fn over(world: World, tenant: &str) -> Watched {
        let mut config = world.config();
        tenant.clone_into(&mut config.tenants[0].name);
        Watched { world, config }
    }

    fn tenant(&self) -> &str {
        &self.config.tenants[0].name
    }

    pub async fn start(&self) -> Gateway {
        Gateway::start(&self.config).await.expect("the gateway starts")
    }

    /// What a replica shows that is started now, and has done nothing yet.
    async fn fresh(&self) -> Scrape {
        let gateway = self.start().await;
        let scrape = Scrape::of(&gateway).await;
        gateway.stop().await;
        scrape
    }

    fn engine(&self) -> Engine {
        let tenant = &self.config.tenants[0];
        app::engine(tenant, &self.world.store, &Process::current(), &self.world.stop).expect("an engine")
    }

    async fn sync(&self) -> Report {
        self.world.run(&self.engine(), Mode::Apply, Rails::Hold).await
    }

    /// The figure of a series of this tenant.
    fn figure(&self, scrape: &Scrape, name: &str, labels: &str) -> f64 {
        let comma = if labels.is_empty() { "" } else { "," };
        scrape.figure(&format!(r#"{name}{{tenant="{}"{comma}{labels}}}"#, self.tenant()))
    }

    /// The end of its last good run, its last failure, its last halt.
    fn sync_stands(&self, scrape: &Scrape) -> (f64, f64, f64) {
        let time = |what: &str| self.figure(scrape, &format!("gateway_sync_{what}_timestamp_seconds"), "");
        (time("good"), time("failed"), time("halted"))
    }
}

impl Scrape {
    pub async fn of(gateway: &Gateway) -> Scrape {
        let url = format!("http://{}/metrics", gateway.address);
        let answer =
            reqwest::Client::new().get(url).header("x-api-key", KEY).send().await.expect("an answer");
        let text = answer.text().await.expect("a text");
        let lines =
            text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.rsplit_once(' '));
        let mut series = BTreeMap::new();
        for (name, figure) in lines {
            let twice = series.insert(name.to_owned(), figure.parse().expect("a number"));
            assert!(twice.is_none(), "{name} is there twice");
        }
        Scrape(series)
    }

    pub fn figure(&self, series: &str) -> f64 {
        *self.0.get(series).unwrap_or_else(|| panic!("{series} is not there"))
    }
}

fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1_000.0
}

#[tokio::test]
async fn one_failed_run_shows_until_a_good_one_follows_on_every_replica() {
    let watched = Watched::over(World::town(30).await, "one-failed-run");
    assert_eq!(watched.sync_stands(&watched.fresh().await), (0.0, 0.0, 0.0));
    assert_eq!(watched.sync().await.state, RunState::Finished);
    let (good, failed, _) = watched.sync_stands(&watched.fresh().await);
    assert!(good > seconds(Timestamp::now()) - 60.0 && failed == 0.0);

    watched.world.sandbox.int6().faults().fail_next(u64::MAX, Fault::Status(500));
    assert_eq!(watched.sync().await.state, RunState::Failed);
    let (still, failed, _) = watched.sync_stands(&watched.fresh().await);
    assert!(still == good && failed > good, "{still} {failed}");

    watched.world.sandbox.int6().faults().heal();
    assert_eq!(watched.sync().await.state, RunState::Finished);
    let (later, failed, _) = watched.sync_stands(&watched.fresh().await);
    assert!(later > good && failed == 0.0, "{later} {failed}");
}

#[tokio::test]
async fn a_gateway_that_is_restarted_over_and_over_and_never_has_a_good_run_grows_late() {
    let watched = Watched::over(World::town(30).await, "never-good");
    let since = async || {
        let scrape = watched.fresh().await;
        assert_eq!(watched.sync_stands(&scrape).0, 0.0, "no run was good");
        watched.figure(&scrape, "gateway_sync_without_good_run_since_timestamp_seconds", "")
    };
    let begun = seconds(Timestamp::now());
    assert!(since().await >= begun - 1.0, "before the first attempt it counts from the start");
    watched.world.sandbox.int6().faults().fail_next(u64::MAX, Fault::Status(500));
    let first = watched.sync().await;
    watched.world.backdate(first.id, 2).await;
    watched.sync().await;
    let late = since().await;
    assert!((begun - late - 7_200.0).abs() < 60.0, "{begun} {late}");
    assert_eq!(since().await, late, "a restart changes nothing");
}

#[tokio::test]
async fn runs_that_end_with_their_gateway_and_those_of_one_client_and_dry_ones_are_no_failure_and_no_good_run()
 {
    let watched = Watched::over(World::town(30).await, "no-failure");
    let id = Uuid::now_v7();
    let dead = NewRun {
        id,
        tenant: watched.tenant().to_owned(),
        trigger: Trigger::Timer,
        mode: Mode::Apply,
        started_at: Timestamp::now() - SignedDuration::from_mins(5),
        holder: "elsewhere/1/gone/run".to_owned(),
        plan: None,
    };
    watched.world.store.begin_run(dead).await.expect("recorded");
    let scrape = watched.fresh().await;
    let run = watched.world.store.run(watched.tenant(), id).await.expect("read").expect("a run");
    assert_eq!(run.state, RunState::Failed, "it was cut off");
    assert_eq!(watched.sync_stands(&scrape), (0.0, 0.0, 0.0));

    let gateway = watched.start().await;
    let engine = watched.engine();
    let dry = watched.world.run(&engine, Mode::DryRun, Rails::Hold).await;
    assert_eq!(dry.state, RunState::Finished);
    let code = ClientCode::new(&watched.world.sandbox.ozmap().codes()[0]).expect("a code");
    assert_eq!(engine.sync_one(&code).await.expect("synced").report.state, RunState::Finished);
    watched.world.sandbox.int6().clear();
    let halted = watched.world.run(&engine, Mode::DryRun, Rails::Hold).await;
    assert_eq!(halted.state, RunState::Halted);
    assert_eq!(watched.sync_stands(&watched.fresh().await), (0.0, 0.0, 0.0));

    let scrape = Scrape::of(&gateway).await;
    for (kind, state, runs) in [
        ("dry", "finished", 1.0),
        ("dry", "halted", 1.0),
        ("client", "finished", 1.0),
        ("full", "finished", 0.0),
    ] {
        let labels = format!(r#"kind="{kind}",state="{state}""#);
        assert_eq!(watched.figure(&scrape, "gateway_sync_runs_total", &labels), runs, "{labels}");
    }
}

#[tokio::test]
async fn an_int6_that_lists_too_little_shows_as_halted_and_as_fewer_rows() {
    let watched = Watched::over(World::town(100).await, "short-list");
    watched.sync().await;
    let before = watched.fresh().await;
    assert_eq!(watched.figure(&before, "gateway_sync_readings", ""), 100.0);
    let codes = watched.world.sandbox.ozmap().codes();
    for code in codes.iter().take(70) {
        watched.world.sandbox.int6().remove_row(code);
    }
    assert_eq!(watched.sync().await.state, RunState::Halted);
    let after = watched.fresh().await;
    let (good, failed, halted) = watched.sync_stands(&after);
    assert!(halted > good && failed == 0.0);
    assert_eq!(watched.figure(&after, "gateway_sync_readings", ""), 30.0);
    assert_eq!(watched.figure(&after, "gateway_sync_findings", r#"kind="only_in_ozmap""#), 70.0);
    assert_eq!(watched.figure(&after, "gateway_sync_halts_total", r#"reason="few_matched""#), 1.0);
}

#[tokio::test]
async fn held_changes_and_absent_readings_show_on_every_replica_and_go_with_the_next_run() {
    let watched = Watched::over(World::town(100).await, "held");
    let codes = watched.world.sandbox.ozmap().codes();
    for code in codes.iter().take(60) {
        watched.world.reading(code, json!("LOS"));
    }
    for code in codes.iter().skip(60).take(7) {
        watched.world.reading(code, json!(null));
    }
    watched.sync().await;
    let held = r#"field="status",reason="mass_outage""#;
    let scrape = watched.fresh().await;
    assert_eq!(watched.figure(&scrape, "gateway_sync_held_clients", held), 60.0);
    assert_eq!(watched.figure(&scrape, "gateway_sync_findings", r#"kind="absent""#), 7.0);
    for code in &codes {
        watched.world.reading(code, json!(-20.0));
    }
    watched.sync().await;
    let scrape = watched.fresh().await;
    assert_eq!(watched.figure(&scrape, "gateway_sync_held_clients", held), 0.0);
    assert_eq!(watched.figure(&scrape, "gateway_sync_findings", r#"kind="absent""#), 0.0);
}

#[tokio::test]
async fn a_revoked_key_and_a_host_that_is_away_show_until_the_host_answers() {
    let watched = Watched::over(World::town(30).await, "revoked");
    let gateway = watched.start().await;
    let ozmap = watched.world.sandbox.ozmap();
    let times = async || {
        let scrape = Scrape::of(&gateway).await;
        let time = |what: &str| {
            let name = format!("gateway_upstream_{what}_timestamp_seconds");
            watched.figure(&scrape, &name, r#"system="OZmap""#)
        };
        (time("answered"), time("key_refused"), time("failed"))
    };
    watched.sync().await;
    let (answered, refused, failed) = times().await;
    assert!(answered > 0.0 && refused == 0.0 && failed == 0.0);
    ozmap.faults().fail_next(u64::MAX, Fault::Status(401));
    watched.sync().await;
    let (answered, refused, _) = times().await;
    assert!(refused > answered, "{refused} {answered}");
    ozmap.faults().heal();
    ozmap.faults().fail_next(u64::MAX, Fault::Status(503));
    watched.sync().await;
    let (answered, refused, failed) = times().await;
    assert!(failed > answered && refused > answered);
    ozmap.faults().heal();
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    watched.sync().await;
    let (answered, refused, failed) = times().await;
    assert!(answered > refused && answered > failed);
}

#[tokio::test]
async fn an_accepted_request_that_waits_shows_with_its_age() {
    let watched = Watched::over(World::empty().await, "stuck");
    let gateway = watched.start().await;
    let ozmap = watched.world.sandbox.ozmap();
    ozmap.faults().fail_next(u64::MAX, Fault::Status(503));
    let url = format!("http://{}/v1/clients/147/activation", gateway.address);
    let ask = reqwest::Client::new().put(url).header("x-api-key", KEY).header("prefer", "respond-async");
    let answer = ask.json(&json!({"splitter_id": "0123456789abcdef01234567", "port": 1})).send().await;
    assert_eq!(answer.expect("an answer").status().as_u16(), 202);
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let scrape = watched.fresh().await;
    assert_eq!(watched.figure(&scrape, "gateway_operations_pending", ""), 1.0);
    assert!(watched.figure(&scrape, "gateway_operations_oldest_age_seconds", "") >= 0.02);
}

#[tokio::test]
async fn a_tenant_that_is_read_only_is_good_when_its_dry_runs_are() {
    let mut world = World::town(30).await;
    world.set("GATEWAY_READ_ONLY", "true");
    let watched = Watched::over(world, "read-only");
    watched.sync().await;
    let (good, ..) = watched.sync_stands(&watched.fresh().await);
    assert!(good > seconds(Timestamp::now()) - 60.0);
}
