//! Notices: signed, at least once, kept over kills and restarts; edges, not floods.

use std::collections::BTreeMap;
use std::path::PathBuf;

use gateway_sandbox::{Fault, Postgres};
use int6_ozmap_gateway::app::Gateway;
use int6_ozmap_gateway::config::{Config, Purpose};
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::process::Child;

use crate::commands::serve_by;
use crate::operations::Way;
use crate::receiver::{Receiver, Reply, SECRET, Told};
use crate::technician::Technician;
use crate::world::{KEY, World};

/// A gateway whose settings stand in a file, as webhooks do.
struct Settings {
    folder: tempfile::TempDir,
    environment: Vec<(String, String)>,
}

impl Settings {
    /// Of a world's one tenant, with these lines at its end.
    fn of(world: &World, webhooks: &str) -> Settings {
        let given: BTreeMap<String, String> = world.settings().into_iter().collect();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let text = format!(
            "[[tenant]]\napi_key = \"{KEY}\"\n\
             int6 = {{ url = \"{INT6_URL}\", email = \"{INT6_EMAIL}\", token = \"{INT6_TOKEN}\" }}\n\
             ozmap = {{ url = \"{OZMAP_URL}\", api_key = \"{OZMAP_API_KEY}\" }}\n\
             sync = {{ interval_seconds = 0 }}\n\
             provisioning = {{ callback_hosts = [\"127.0.0.1\"] }}\n{webhooks}",
            INT6_URL = given["INT6_URL"],
            INT6_EMAIL = given["INT6_EMAIL"],
            INT6_TOKEN = given["INT6_TOKEN"],
            OZMAP_URL = given["OZMAP_URL"],
            OZMAP_API_KEY = given["OZMAP_API_KEY"],
        );
        std::fs::write(folder.path().join("gateway.toml"), text).expect("it can be written");
        let mut environment: Vec<(String, String)> =
            ["GATEWAY_LISTEN", "DATABASE_URL", "GATEWAY_LEASE_SECONDS"]
                .iter()
                .filter_map(|name| Some(((*name).to_owned(), given.get(*name)?.clone())))
                .collect();
        let file = folder.path().join("gateway.toml").display().to_string();
        environment.push(("GATEWAY_CONFIG".to_owned(), file));
        Settings { folder, environment }
    }

    fn config(&self) -> Config {
        let file: PathBuf = self.folder.path().join("gateway.toml");
        let environment = self.environment.iter().filter(|(name, _)| name != "GATEWAY_CONFIG").cloned();
        Config::load(environment, Some(file), Purpose::Serve).expect("good settings")
    }

    /// In this process.
    async fn gateway(&self) -> (Gateway, String) {
        let gateway = Gateway::start(&self.config()).await.expect("the gateway starts");
        let url = format!("http://{}", gateway.address);
        (gateway, url)
    }

    /// In one of its own.
    async fn serve(&self) -> (Child, String) {
        let (child, url, _) = serve_by(&self.environment).await;
        (child, url)
    }
}

fn webhook(url: &str, events: &str) -> String {
    format!("[[tenant.webhook]]\nurl = \"{url}\"\nsecret = \"{SECRET}\"\nevents = [{events}]\n")
}

fn at(splitter: &str, port: u16) -> Value {
    json!({ "splitter_id": splitter, "port": port })
}

impl Technician {
    /// Asks for a connection and for a call; the operation's id.
    async fn asks_to_be_called(&self, code: &str, port: u16, url: &str) -> String {
        let body = at(&self.network.ctos[0], port);
        let request = self.asynchronously(Way::Activate, code, body).header("callback-url", url);
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), 202);
        let path = answer.headers()["location"].to_str().expect("a text").to_owned();
        path.rsplit('/').next().expect("an id").to_owned()
    }

    /// One run of the whole tenant, to its end.
    async fn syncs(&self) -> Value {
        let answer = self.ask(Method::POST, "/v1/sync-runs").send().await.expect("an answer");
        let path = answer.headers()["location"].to_str().expect("a text").to_owned();
        for _ in 0..1_000 {
            let run = self.get(&path).await;
            if run["state"] != "running" {
                return run;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("the run did not end");
    }

    async fn metric(&self, line: &str) -> String {
        let answer = self.ask(Method::GET, "/metrics").send().await.expect("an answer");
        let text = answer.text().await.expect("a text");
        let found = text.lines().find_map(|found| found.strip_prefix(line));
        found.unwrap_or_else(|| panic!("no {line} in {text}")).trim().to_owned()
    }
}

#[tokio::test]
async fn where_nobody_is_to_be_told_nothing_waits() {
    let world = World::empty().await;
    let (_gateway, url) = Settings::of(&world, "").gateway().await;
    let technician = Technician::at(world, url).await;
    let path = technician.promised(Way::Activate, "147", at(&technician.network.ctos[0], 1)).await;
    assert_eq!(technician.done(&path).await["state"], "succeeded");
    assert_eq!(technician.world.store.waiting_notices().await.expect("read"), []);
    let delivered = r#"gateway_notices_total{tenant="default",result="delivered"}"#;
    assert_eq!(technician.metric(delivered).await, "0", "it is there from the start");
}

#[tokio::test]
async fn an_end_is_told_to_the_webhook_and_to_whoever_asked_signed_by_the_specification() {
    let world = World::empty().await;
    let receiver = Receiver::start().await;
    let (_gateway, url) =
        Settings::of(&world, &webhook(&receiver.url("/hook"), r#""operation.ended""#)).gateway().await;
    let technician = Technician::at(world, url).await;
    let id = technician.asks_to_be_called("147", 1, &receiver.url("/done")).await;
    receiver.until("both are told", |receiver| receiver.told().len() == 2).await;
    let told = receiver.told();
    let by_path = |path: &str| told.iter().find(|told| told.path == path).cloned().expect("it was told");
    let (notice, call) = (by_path("/hook"), by_path("/done"));
    let body = notice.json();
    assert_eq!(body["type"], "operation.ended");
    assert!(body["timestamp"].as_str().is_some_and(|at| at.parse::<jiff::Timestamp>().is_ok()), "{body}");
    let data = json!({
        "tenant": "default", "operation_id": id, "code": "147", "state": "succeeded", "error": null
    });
    assert_eq!(body["data"], data);
    assert_eq!(call.json(), json!({ "operation_id": id, "code": "147", "state": "succeeded" }));
    assert_ne!(notice.id, call.id);
    for told in [&notice, &call] {
        assert!(told.is_signed_with(SECRET).await, "{told:?}");
        assert!(!told.is_signed_with("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").await);
    }
    let now = jiff::Timestamp::now().as_second();
    assert!((now - notice.timestamp.parse::<i64>().expect("seconds")).abs() < 60);
}

#[tokio::test]
async fn who_gave_no_secret_is_called_without_a_signature_and_a_replaced_one_still_signs() {
    let world = World::empty().await;
    let (caller, receiver) = (Receiver::start().await, Receiver::start().await);
    let (url, newer) = (receiver.url("/hook"), "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
    let hook = format!("[[tenant.webhook]]\nurl = \"{url}\"\nsecret = [\"{newer}\", \"{SECRET}\"]\n");
    let (_gateway, url) = Settings::of(&world, &hook).gateway().await;
    let technician = Technician::at(world, url).await;
    technician.asks_to_be_called("147", 1, &caller.url("/done")).await;
    caller.until("the caller is called", |caller| caller.told().len() == 1).await;
    assert_eq!(caller.told()[0].signature, None);
    receiver.until("the webhook is told", |receiver| receiver.told().len() == 1).await;
    let told = &receiver.told()[0];
    assert!(told.is_signed_with(SECRET).await && told.is_signed_with(newer).await, "{told:?}");
}

#[rstest]
#[case::failing(Reply::Status(500))]
#[case::redirecting(Reply::Redirect)]
#[case::refusing_for_now(Reply::Status(401))]
#[tokio::test]
async fn a_receiver_that_fails_is_told_again_under_the_same_id_and_in_order(#[case] reply: Reply) {
    let world = World::empty().await;
    let receiver = Receiver::start().await;
    receiver.replies(reply);
    let (_gateway, url) =
        Settings::of(&world, &webhook(&receiver.url("/hook"), r#""operation.ended""#)).gateway().await;
    let technician = Technician::at(world, url).await;
    for code in ["147", "148", "149"] {
        let body = at(&technician.network.ctos[0], code.parse::<u16>().expect("a number") - 146);
        let path = technician.promised(Way::Activate, code, body).await;
        technician.done(&path).await;
    }
    receiver.until("two tries", |receiver| receiver.told().len() >= 2).await;
    receiver.replies(Reply::Status(202));
    receiver.until("all are told", |receiver| receiver.accepted().len() >= 3).await;
    let codes: Vec<Value> =
        receiver.accepted().iter().map(|told| told.json()["data"]["code"].clone()).collect();
    assert_eq!(codes, ["147", "148", "149"]);
    let first = &receiver.accepted()[0];
    let tries: Vec<Told> = receiver.told().into_iter().filter(|told| told.id == first.id).collect();
    assert!(tries.len() >= 3 && tries.iter().all(|told| told.body == first.body), "{tries:#?}");
    assert!(receiver.told().iter().all(|told| told.path == "/hook"), "no redirect is followed");
}

#[tokio::test]
async fn a_notice_that_is_disliked_holds_up_the_others_for_three_tries_only() {
    let world = World::empty().await;
    let receiver = Receiver::start().await;
    receiver.replies(Reply::Dislikes(r#""code":"147""#));
    let settings = Settings::of(&world, &webhook(&receiver.url("/hook"), r#""operation.ended""#));
    let (_gateway, url) = settings.gateway().await;
    let technician = Technician::at(world, url).await;
    for (code, port) in [("147", 1), ("148", 2)] {
        let path = technician.promised(Way::Activate, code, at(&technician.network.ctos[0], port)).await;
        technician.done(&path).await;
    }
    receiver.until("the other one is told", |receiver| receiver.accepted().len() == 1).await;
    assert!(receiver.accepted()[0].body.contains("148"));
    assert_eq!(receiver.told().iter().filter(|told| told.body.contains("147")).count(), 3);
    receiver.replies(Reply::Status(204));
    receiver.until("both are told", |receiver| receiver.accepted().len() == 2).await;
}

#[tokio::test]
async fn one_that_hangs_holds_nobody_up_and_one_that_was_away_hears_all() {
    let world = World::empty().await;
    let (hanging, other) = (Receiver::start().await, Receiver::start().await);
    let mut away = Receiver::start().await;
    hanging.replies(Reply::Hang);
    away.goes_away().await;
    let hooks: String = [&hanging, &other, &away]
        .map(|receiver| webhook(&receiver.url("/hook"), r#""operation.ended""#))
        .concat();
    let (_gateway, url) = Settings::of(&world, &hooks).gateway().await;
    let technician = Technician::at(world, url).await;
    // Each of them has an address of its own, and none of them answers.
    for port in 1..=8 {
        technician
            .asks_to_be_called(&format!("14{port}"), port, &hanging.url(&format!("/done/{port}")))
            .await;
    }
    other.until("the other one hears all", |other| other.accepted().len() == 8).await;
    let waited = hanging.told();
    assert!(waited.len() <= 5, "four callbacks of a tenant at once, and the webhook: {waited:#?}");
    away.comes_back().await;
    away.until("who was away hears all", |away| away.accepted().len() == 8).await;
}

#[tokio::test]
async fn who_answers_410_is_told_nothing_more_and_others_are() {
    let world = World::empty().await;
    let (gone, other) = (Receiver::start().await, Receiver::start().await);
    gone.replies(Reply::Status(410));
    let hooks =
        [&gone, &other].map(|receiver| webhook(&receiver.url("/hook"), r#""operation.ended""#)).concat();
    let settings = Settings::of(&world, &hooks);
    let (gateway, url) = settings.gateway().await;
    let mut technician = Technician::at(world, url).await;
    for (code, port) in [("147", 1), ("148", 2)] {
        let path = technician.promised(Way::Activate, code, at(&technician.network.ctos[0], port)).await;
        technician.done(&path).await;
        other.until("the other one is told", |other| other.accepted().len() == usize::from(port)).await;
        gone.until("it was asked once", |gone| !gone.told().is_empty()).await;
    }
    let given_up = r#"gateway_notices_total{tenant="default",result="given_up"}"#;
    assert_eq!(technician.metric(given_up).await, "1");
    gateway.stop().await;
    let (_gateway, url) = settings.gateway().await;
    technician.url = url;
    let path = technician.promised(Way::Activate, "149", at(&technician.network.ctos[0], 3)).await;
    technician.done(&path).await;
    other.until("the other one is told", |other| other.accepted().len() == 3).await;
    assert_eq!(gone.told().len(), 1, "also after a restart");
}

#[tokio::test]
async fn what_a_killed_process_was_telling_is_told_by_the_next_one() {
    let world = World::empty().await;
    let receiver = Receiver::start().await;
    receiver.replies(Reply::Hang);
    let settings = Settings::of(&world, &webhook(&receiver.url("/hook"), r#""operation.ended""#));
    let (mut child, url) = settings.serve().await;
    let technician = Technician::at(world, url).await;
    for (code, port) in [("147", 1), ("148", 2)] {
        let path = technician.promised(Way::Activate, code, at(&technician.network.ctos[0], port)).await;
        technician.done(&path).await;
    }
    receiver.until("it is being told", |receiver| receiver.told().len() == 1).await;
    child.kill().await.expect("it can be killed");
    receiver.replies(Reply::Status(204));
    let (_child, _) = settings.serve().await;
    receiver.until("both are told", |receiver| receiver.accepted().len() == 2).await;
    let told = receiver.told();
    assert_eq!((told.len(), &told[0].id), (3, &told[1].id), "again, and under the same id: {told:#?}");
    assert_eq!(told[0].body, told[1].body);
}

#[tokio::test]
async fn a_gateway_that_stops_leaves_nothing_that_its_successor_must_wait_for() {
    let world = World::empty().await;
    let receiver = Receiver::start().await;
    receiver.replies(Reply::Hang);
    let settings = Settings::of(&world, &webhook(&receiver.url("/hook"), r#""operation.ended""#));
    let (gateway, url) = settings.gateway().await;
    let technician = Technician::at(world, url).await;
    let path = technician.promised(Way::Activate, "147", at(&technician.network.ctos[0], 1)).await;
    technician.done(&path).await;
    receiver.until("it is being told", |receiver| receiver.told().len() == 1).await;
    gateway.stop().await;
    receiver.replies(Reply::Status(204));
    let begun = std::time::Instant::now();
    let (_gateway, _) = settings.gateway().await;
    receiver.until("it is told", |receiver| receiver.accepted().len() == 1).await;
    assert!(begun.elapsed().as_secs() < 15, "before its claim would have ended: {:?}", begun.elapsed());
}

#[tokio::test]
async fn two_replicas_tell_each_once() {
    let server = Postgres::start();
    let mut world = World::empty().await;
    world.set("DATABASE_URL", &server.url());
    let receiver = Receiver::start().await;
    let settings = Settings::of(&world, &webhook(&receiver.url("/hook"), r#""operation.ended""#));
    let ((_one, url), (_two, other_url)) = tokio::join!(settings.serve(), settings.serve());
    let mut technician = Technician::at(world, url.clone()).await;
    let splitters: Vec<(String, u16)> = technician
        .network
        .ctos
        .iter()
        .flat_map(|cto| (1..=8).map(|port| (cto.clone(), port)))
        .take(24)
        .collect();
    for (i, (splitter, port)) in splitters.iter().enumerate() {
        technician.url = if i % 2 == 0 { url.clone() } else { other_url.clone() };
        let request =
            technician.asynchronously(Way::Activate, &format!("{}", 1_000 + i), at(splitter, *port));
        let request = request.header("callback-url", receiver.url(&format!("/done/{}", i % 3)));
        assert_eq!(request.send().await.expect("an answer").status(), 202);
    }
    let all = splitters.len() * 2;
    receiver.until("all are told", |receiver| receiver.accepted().len() >= all).await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let mut ids: Vec<String> = receiver.told().into_iter().map(|told| told.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), receiver.told().len()), (all, all), "each once");
}

#[tokio::test]
async fn a_streak_of_failures_is_told_once_and_its_end_once_also_over_a_restart() {
    let world = World::town(30).await;
    let receiver = Receiver::start().await;
    let events = r#""sync.failed", "sync.halted", "sync.held", "sync.recovered""#;
    let settings = Settings::of(&world, &webhook(&receiver.url("/hook"), events));
    let (gateway, url) = settings.gateway().await;
    let mut technician = Technician::at(world, url).await;
    assert_eq!(technician.syncs().await["state"], "finished");
    let int6 = technician.world.sandbox.int6().faults();
    int6.fail_route("/api/diag", 1_000, Fault::Status(404));
    let failed = technician.syncs().await;
    assert_eq!(failed["state"], "failed", "{failed:#}");
    technician.syncs().await;
    receiver.until("the first is told", |receiver| receiver.told().len() == 1).await;
    gateway.stop().await;
    let (_gateway, url) = settings.gateway().await;
    technician.url = url;
    assert_eq!(technician.syncs().await["state"], "failed");
    technician.world.sandbox.int6().faults().heal();
    assert_eq!(technician.syncs().await["state"], "finished");
    assert_eq!(technician.syncs().await["state"], "finished");
    receiver.until("its end is told", |receiver| receiver.told().len() >= 2).await;
    assert_eq!(receiver.events(), ["sync.failed", "sync.recovered"]);
    let [first, last] = [0, 1].map(|i| receiver.told()[i].json());
    assert_eq!(first["data"]["run_id"], failed["id"], "{first:#}");
    assert!(first["data"]["reason"].as_str().is_some_and(|why| why.contains("INT6")), "{first:#}");
    assert_eq!((&last["data"]["after"], &last["data"]["state"]), (&json!("failed"), &json!("finished")));
}

#[rstest]
#[case::refusing_the_key(401, "upstream.refused_key")]
#[case::away(503, "upstream.unreachable")]
#[tokio::test]
async fn a_system_that_changes_is_told_of_once_whoever_sees_it(#[case] status: u16, #[case] event: &str) {
    let world = World::town(30).await;
    let receiver = Receiver::start().await;
    let events = r#""upstream.unreachable", "upstream.refused_key", "upstream.recovered""#;
    let settings = Settings::of(&world, &webhook(&receiver.url("/hook"), events));
    let (gateway, url) = settings.gateway().await;
    let mut technician = Technician::at(world, url).await;
    technician.syncs().await;
    let int6 = technician.world.sandbox.int6();
    int6.faults().fail_route("/", 1_000, Fault::Status(status));
    int6.expire_tokens();
    assert_eq!(technician.syncs().await["state"], "failed");
    receiver.until("it is told", |receiver| receiver.told().len() == 1).await;
    let told = receiver.told()[0].json();
    assert_eq!((told["type"].as_str(), &told["data"]["system"]), (Some(event), &json!("int6")), "{told:#}");
    assert!(told["data"]["reason"].as_str().is_some_and(|why| why.contains(&status.to_string())), "{told:#}");
    gateway.stop().await;
    let (_gateway, url) = settings.gateway().await;
    technician.url = url;
    assert_eq!(technician.syncs().await["state"], "failed");
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;
    assert_eq!(receiver.told().len(), 1, "a restart repeats nothing");
    technician.world.sandbox.int6().faults().heal();
    assert_eq!(technician.syncs().await["state"], "finished");
    receiver.until("its end is told", |receiver| receiver.told().len() == 2).await;
    assert_eq!(receiver.events(), [event, "upstream.recovered"]);
}
