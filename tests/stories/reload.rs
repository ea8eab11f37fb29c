//! Settings taken over while the gateway runs: keys, tenants, mistakes; by a real signal to a real process, and by the file.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use gateway_sandbox::Options;
use int6_ozmap_gateway::app::{Gateway, TakenOver};
use int6_ozmap_gateway::config::{Config, Purpose, SettingsPlace};
use int6_ozmap_gateway::key::NewKey;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::activation::at;
use crate::commands::{Log, serve_from};
use crate::receiver::{Receiver, SECRET};
use crate::technician::Network;
use crate::world::World;

/// A tenant of the file: name, single key, and what else stands in its table.
#[derive(Clone)]
struct Entry {
    name: &'static str,
    key: &'static str,
    more: &'static str,
}

const NORTH: Entry = Entry { name: "north", key: "the-key-of-the-north", more: "" };
const SOUTH: Entry = Entry { name: "south", key: "the-key-of-the-south", more: "" };

/// A file of settings beside the database.
struct Settings {
    world: World,
    folder: tempfile::TempDir,
}

impl Settings {
    fn over(world: World) -> Settings {
        Settings { world, folder: tempfile::tempdir().expect("a temporary folder") }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("gateway.toml")
    }

    fn place(&self) -> SettingsPlace {
        SettingsPlace::new([], Some(self.path()))
    }

    fn load(&self) -> Config {
        self.place().load(Purpose::Serve).expect("good settings")
    }

    /// Replaces the file as editors do: another one takes its name.
    fn write(&self, of_gateway: &str, tenants: &[Entry]) {
        let sandbox = &self.world.sandbox;
        let tenant = |Entry { name, key, more }: &Entry| {
            format!(
                "[[tenant]]\nname = \"{name}\"\napi_key = \"{key}\"\n\
                 int6 = {{ url = \"{}\", email = \"{}\", token = \"{}\" }}\n\
                 ozmap = {{ url = \"{}\", api_key = \"{}\" }}\n{more}\n",
                sandbox.int6_url(),
                sandbox.int6_email(),
                sandbox.int6_token(),
                sandbox.ozmap_url(),
                sandbox.ozmap_key(),
            )
        };
        let tenants: String = tenants.iter().map(tenant).collect();
        let database = self.world.database_url();
        let text = format!("database_url = \"{database}\"\n{of_gateway}\n{tenants}");
        let text =
            if of_gateway.contains("listen") { text } else { format!("listen = \"127.0.0.1:0\"\n{text}") };
        self.write_text(&text);
    }

    fn write_text(&self, text: &str) {
        let new = self.folder.path().join("gateway.toml.new");
        std::fs::write(&new, text).expect("it can be written");
        std::fs::rename(new, self.path()).expect("it can be replaced");
    }
}

fn still(entry: &Entry) -> Entry {
    Entry { more: "sync = { interval_seconds = 0 }", ..entry.clone() }
}

async fn status(url: &str, key: &str, path: &str) -> u16 {
    let ask = reqwest::Client::new().get(format!("{url}{path}")).header("x-api-key", key);
    ask.send().await.expect("an answer").status().as_u16()
}

/// Waits, for five seconds at most, until it is so.
async fn within_five_seconds(what: &str, is_so: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < Duration::from_secs(5), "{what}: not within five seconds");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn hang_up(child: &Child) {
    let pid = child.id().expect("it runs").to_string();
    assert!(Command::new("kill").args(["-HUP", &pid]).status().await.expect("kill").success());
}

fn told(log: &Log, words: &[&str]) -> bool {
    let log = log.lock().expect("the log");
    log.iter().any(|line| words.iter().all(|word| line.contains(word)))
}

#[tokio::test]
async fn sighup_takes_new_keys_and_tenants_over_and_lets_removed_ones_go() {
    let settings = Settings::over(World::empty().await);
    settings.write("", &[still(&NORTH)]);
    let (child, url, log) = serve_from(&settings.path()).await;
    assert_eq!(status(&url, NORTH.key, "/v1/sync-runs").await, 200);
    assert_eq!(status(&url, SOUTH.key, "/v1/sync-runs").await, 401);

    settings.write("", &[still(&NORTH), still(&SOUTH)]);
    hang_up(&child).await;
    let south = async || status(&url, SOUTH.key, "/v1/sync-runs").await;
    within_five_seconds("the new tenant is served", async || south().await == 200).await;
    assert_eq!(status(&url, NORTH.key, "/v1/sync-runs").await, 200);
    assert!(told(&log, &["taken over", "south"]), "{log:?}");
    for _ in 0..20 {
        hang_up(&child).await;
    }
    assert_eq!(south().await, 200, "signals that come in a row harm nobody");

    let NewKey { key, sha256 } = NewKey::generate();
    let more = format!(
        "[tenant.sync]\ninterval_seconds = 0\n[[tenant.key]]\nname = \"wall\"\nkey_sha256 = \"{sha256}\"\nrole = \"viewer\""
    );
    settings.write("", &[Entry { more: more.leak(), ..SOUTH.clone() }]);
    hang_up(&child).await;
    let with_new = async || status(&url, &key, "/v1/sync-runs").await;
    within_five_seconds("the new key is good", async || with_new().await == 200).await;
    assert_eq!(status(&url, NORTH.key, "/v1/sync-runs").await, 401, "the removed tenant is not served");
    assert_eq!(south().await, 403, "the key without a name is INT6's now");
    drop(child);
}

#[tokio::test]
async fn a_mistake_in_the_new_file_changes_nothing_and_is_told_by_name() {
    let settings = Settings::over(World::empty().await);
    settings.write("", &[still(&NORTH)]);
    let (child, url, log) = serve_from(&settings.path()).await;
    let two =
        Entry { more: "sync = { interval_seconds = 0, max_error_percent = 101 }\nno_such = 1", ..SOUTH };
    settings.write("keep_runs_days = 0", &[still(&NORTH), two]);
    hang_up(&child).await;
    let all = [
        vec!["keep_runs_days", "is \\\"0\\\""],
        vec!["max_error_percent", "of tenant south"],
        vec!["no_such", "is no setting"],
        vec!["not taken over"],
    ];
    let unquoted = |line: &str| line.replace('\\', "");
    let is_told = |words: &Vec<&str>| {
        let log = log.lock().expect("the log");
        let has = |line: &String| words.iter().all(|word| unquoted(line).contains(&unquoted(word)));
        log.iter().any(has)
    };
    within_five_seconds("every mistake is told", async || all.iter().all(is_told)).await;
    assert_eq!(status(&url, NORTH.key, "/v1/sync-runs").await, 200);
    assert_eq!(status(&url, SOUTH.key, "/v1/sync-runs").await, 401);

    settings.write_text("listen = \"127.0.0.1:0");
    hang_up(&child).await;
    within_five_seconds("what is no TOML is told", async || told(&log, &["is not TOML, line 1"])).await;
    std::fs::remove_file(settings.path()).expect("it is there");
    hang_up(&child).await;
    within_five_seconds("a file that is gone is told", async || told(&log, &["cannot be read"])).await;
    assert_eq!(status(&url, NORTH.key, "/v1/sync-runs").await, 200);

    settings.write("", &[still(&NORTH), still(&SOUTH)]);
    hang_up(&child).await;
    let south = async || status(&url, SOUTH.key, "/v1/sync-runs").await == 200;
    within_five_seconds("mended, it is taken over", south).await;
}

#[tokio::test]
async fn a_file_that_is_watched_is_taken_over_without_a_signal() {
    let settings = Settings::over(World::empty().await);
    settings.write("watch_config = true", &[still(&NORTH)]);
    let (_child, url, log) = serve_from(&settings.path()).await;
    let south = async || status(&url, SOUTH.key, "/v1/sync-runs").await;
    settings.write("watch_config = true", &[still(&NORTH), still(&SOUTH)]);
    within_five_seconds("a replaced file is noticed", async || south().await == 200).await;
    let text = std::fs::read_to_string(settings.path()).expect("it can be read");
    std::fs::write(settings.path(), text.replace(SOUTH.key, "another-key-of-the-south")).expect("written");
    within_five_seconds("a file that is written over is noticed", async || south().await == 401).await;
    settings.write("watch_config = true\nlisten = \"127.0.0.1:1\"", &[still(&NORTH)]);
    within_five_seconds("what needs a restart is told", async || told(&log, &["restart", "GATEWAY_LISTEN"]))
        .await;
    assert_eq!(status(&url, NORTH.key, "/v1/sync-runs").await, 200, "it listens where it did");
}

#[tokio::test]
async fn no_request_is_dropped_while_settings_are_taken_over_again_and_again() {
    let settings = Settings::over(World::empty().await);
    settings.write("", &[still(&NORTH), still(&SOUTH)]);
    let gateway = Gateway::start(&settings.load()).await.expect("the gateway starts");
    let url = format!("http://{}", gateway.address);
    let http = reqwest::Client::new();
    let stop = tokio_util::sync::CancellationToken::new();
    let ask = async || {
        let mut answered = 0;
        while !stop.is_cancelled() {
            let ask = http.get(format!("{url}/v1/activations")).header("x-api-key", NORTH.key);
            assert_eq!(ask.send().await.expect("an answer").status().as_u16(), 200);
            answered += 1;
        }
        answered
    };
    let change = async {
        for turn in 0..20 {
            let more = ["", "requests_per_minute = 100000", "provisioning = { power_cache_seconds = 3 }"];
            let north = Entry { more: more[turn % 3], ..NORTH };
            let north = Entry { more: format!("{}\n{}", still(&NORTH).more, north.more).leak(), ..NORTH };
            let tenants = if turn % 2 == 0 { vec![north, still(&SOUTH)] } else { vec![north] };
            settings.write("", &tenants);
            gateway.take_over(&settings.load()).await.expect("good settings");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        stop.cancel();
    };
    let (one, two, ()) = tokio::join!(ask(), ask(), change);
    assert!(one > 20 && two > 20, "{one} and {two} requests");
    gateway.stop().await;
}

#[tokio::test]
async fn a_removed_tenant_finishes_its_request_and_its_run_and_begins_no_other() {
    let world = World::new(Options { clients: 100, messy: false, ..Options::default() }, false).await;
    for (i, code) in world.sandbox.ozmap().codes().iter().enumerate() {
        world.reading(code, json!(-20.005 - i as f64 / 50.0));
    }
    let settings = Settings::over(world);
    let beating = Entry { more: "sync = { interval_seconds = 1, batching = false }", ..SOUTH };
    settings.world.sandbox.ozmap().faults().set_latency(Duration::from_millis(30));
    settings.write("", &[still(&NORTH), beating]);
    let gateway = Gateway::start(&settings.load()).await.expect("the gateway starts");
    let url = format!("http://{}", gateway.address);
    within_five_seconds("the run writes", async || settings.world.writes() > 5).await;
    let code = settings.world.sandbox.ozmap().codes()[0].clone();
    let path = format!("{url}/v1/clients/{code}?x");
    let under_way = reqwest::Client::new().get(path.trim_end_matches("?x")).header("x-api-key", SOUTH.key);
    let under_way = tokio::spawn(async move { under_way.send().await.expect("an answer").status().as_u16() });
    tokio::time::sleep(Duration::from_millis(10)).await;

    settings.write("", &[still(&NORTH)]);
    let taken = gateway.take_over(&settings.load()).await.expect("good settings");
    assert_eq!(taken, TakenOver { removed: vec!["south".to_owned()], ..TakenOver::default() });
    assert_eq!(status(&url, SOUTH.key, "/v1/sync-runs").await, 401);
    assert_eq!(under_way.await.expect("no panic"), 200, "what was under way is answered");
    let ended = async || {
        let rows = settings.world.store.runs("south", &Default::default(), 9).await.expect("read");
        rows.iter().all(|run| run.finished_at.is_some()).then_some(rows.len())
    };
    for _ in 0..500 {
        if ended().await.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let runs = ended().await.expect("the run has its end");
    let rows = settings.world.store.runs("south", &Default::default(), 9).await.expect("read");
    assert_eq!(rows[0].state.name(), "finished");
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(ended().await, Some(runs), "no other run was begun");
    gateway.stop().await;
}

#[tokio::test]
async fn what_did_not_change_keeps_its_state_and_what_did_gets_its_settings_at_once() {
    let settings = Settings::over(World::town(30).await);
    settings.write("", &[still(&NORTH), still(&SOUTH)]);
    let gateway = Gateway::start(&settings.load()).await.expect("the gateway starts");
    let url = format!("http://{}", gateway.address);
    let code = settings.world.sandbox.ozmap().codes()[0].clone();
    let ask = async |key: &str, method: Method, path: &str| -> (u16, Value) {
        let ask = reqwest::Client::new().request(method, format!("{url}{path}")).header("x-api-key", key);
        let answer = ask.send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    };
    let power = format!("/v1/clients/{code}/power");
    let source = async |key: &str| ask(key, Method::GET, &power).await.1["source"].clone();
    for key in [NORTH.key, SOUTH.key] {
        assert_eq!((source(key).await, source(key).await), (json!("ozmap"), json!("cache")));
    }
    let same = gateway.take_over(&settings.load()).await.expect("good settings");
    assert_eq!(same, TakenOver::default());

    settings.write(
        "listen = \"127.0.0.1:0\"\nlease_seconds = 19\nmax_connections = 99\nmax_connections_per_address = 9\n\
         shutdown_seconds = 9\nmetrics_listen = \"127.0.0.1:0\"\nkeep_runs_days = 9",
        &[still(&NORTH), still(&SOUTH)],
    );
    let taken = gateway.take_over(&settings.load()).await.expect("good settings");
    assert!(taken.gateway, "runs are kept for another time");
    let waiting = [
        "GATEWAY_METRICS_LISTEN",
        "GATEWAY_LEASE_SECONDS",
        "GATEWAY_MAX_CONNECTIONS",
        "GATEWAY_MAX_CONNECTIONS_PER_ADDRESS",
        "GATEWAY_SHUTDOWN_SECONDS",
    ];
    assert_eq!(taken.need_restart, waiting);
    let again = gateway.take_over(&settings.load()).await.expect("good settings");
    assert_eq!((again.gateway, again.need_restart), (false, waiting.to_vec()), "they are told until then");
    assert_eq!(source(NORTH.key).await, json!("cache"));

    // Only who may call is another: what the tenant knows stays.
    let door = Entry { key: "a-newer-key-of-the-north", ..still(&NORTH) };
    let read_only = Entry { more: "read_only = true\nsync = { interval_seconds = 0 }", ..SOUTH };
    settings.write("", &[door.clone(), read_only]);
    let taken = gateway.take_over(&settings.load()).await.expect("good settings");
    assert_eq!(taken.changed, ["north", "south"]);
    assert_eq!(ask(NORTH.key, Method::GET, "/v1/sync-runs").await.0, 401);
    assert_eq!(source(door.key).await, json!("cache"));
    let (status, dry) = ask(SOUTH.key, Method::POST, "/v1/sync-runs").await;
    assert_eq!((status, &dry["dry_run"]), (202, &json!(true)), "{dry}");

    // A tenant that cannot be put together is a mistake, too, and nothing of the rest is taken over.
    let broken = Entry { more: "sync = { interval_seconds = 0 }", name: "west", key: "the-key-of-the-west" };
    settings.write("", &[still(&NORTH), broken]);
    let text = std::fs::read_to_string(settings.path()).expect("it can be read");
    let west = text.rfind("ozmap = {").expect("a table");
    let text = format!(
        "{}{}",
        &text[..west],
        text[west..].replacen("ozmap = { ", "ozmap = { ca_file = \"/no/such\", ", 1)
    );
    settings.write_text(&text);
    let mistakes = gateway.take_over(&settings.load()).await.expect_err("no such file").0;
    assert!(mistakes.len() == 1 && mistakes[0].starts_with("tenant west: "), "{mistakes:?}");
    assert_eq!(ask(door.key, Method::GET, "/v1/sync-runs").await.0, 200);
    gateway.stop().await;
}

#[tokio::test]
async fn notices_go_where_the_settings_that_were_taken_over_say() {
    let (settings, receiver) = (Settings::over(World::empty().await), Receiver::start().await);
    let network = Network::of(&settings.world).await;
    let told_at = |path: &str| {
        let url = receiver.url(path);
        let more = format!(
            "{}\n[[tenant.webhook]]\nurl = \"{url}\"\nsecret = \"{SECRET}\"\nevents = [\"operation.ended\"]",
            still(&NORTH).more
        );
        Entry { more: more.leak(), ..NORTH }
    };
    settings.write("", &[told_at("/before")]);
    let gateway = Gateway::start(&settings.load()).await.expect("the gateway starts");
    let ask = async |code: &str, port: u16| {
        let url = format!("http://{}/v1/clients/{code}/activation", gateway.address);
        let ask = reqwest::Client::new().put(url).header("x-api-key", NORTH.key);
        let ask = ask.header("prefer", "respond-async").json(&at(&network.ctos[0], port));
        assert_eq!(ask.send().await.expect("an answer").status(), 202);
    };
    let paths = |receiver: &Receiver| -> Vec<String> {
        receiver.accepted().into_iter().map(|told| told.path).collect()
    };
    ask("141", 1).await;
    receiver.until("the first is told", |receiver| paths(receiver) == ["/before"]).await;

    settings.write("", &[told_at("/after")]);
    let taken = gateway.take_over(&settings.load()).await.expect("good settings");
    assert_eq!(taken, TakenOver { changed: vec!["north".to_owned()], ..TakenOver::default() });
    ask("142", 2).await;
    receiver.until("the second is told", |receiver| paths(receiver) == ["/before", "/after"]).await;

    // A mistake in another tenant's settings leaves the notices of this one where they are.
    let broken =
        Entry { more: "sync = { interval_seconds = 0 }\n[[tenant.webhook]]\nurl = \"ftp://x\"", ..SOUTH };
    settings.write("", &[told_at("/never"), broken]);
    let mistakes = settings.place().load(Purpose::Serve).expect_err("mistakes").0;
    let of_webhook: Vec<&String> = mistakes.iter().filter(|mistake| mistake.contains("webhook")).collect();
    assert_eq!(of_webhook.len(), mistakes.len(), "{mistakes:?}");
    assert_eq!(mistakes.len(), 2, "its URL and its secret, both at once: {mistakes:?}");
    ask("143", 3).await;
    receiver.until("the third is told", |receiver| paths(receiver).len() == 3).await;
    assert_eq!(paths(&receiver)[2], "/after");
    gateway.stop().await;
}
