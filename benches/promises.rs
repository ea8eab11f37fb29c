//! What a promise costs that is on the disk before it is given, and how fast promises are worked off.
//!
//! `cargo bench --bench promises [-- PROMISES]`; default 1,500 promises that wait for an OZmap that takes 50 ms for a call.
//! First 200 promises a second are given for five seconds, with the database on the disk and in memory (/dev/shm), where a
//! flush costs nothing: the difference is its price. `OZMAP_MAX_IN_FLIGHT` (default 8) is what OZmap may be sent at a time.

#![allow(clippy::disallowed_methods)] // A caller, not the gateway.

use std::path::Path;
use std::time::{Duration, Instant};

use futures::stream::{FuturesUnordered, StreamExt};
use gateway_sandbox::{Fault, Options, Sandbox};
use int6_ozmap_gateway::app::Gateway;
use int6_ozmap_gateway::config::{Config, Purpose};
use serde_json::{Value, json};

const KEY: &str = "the-key-of-the-gateway";
const A_SECOND: u32 = 200;
const SECONDS: u32 = 5;
const PORTS: usize = 8;

fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let promises = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(1_500);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let disk = tempfile::tempdir_in(std::env::current_dir().expect("a folder")).expect("a folder");
        println!("{A_SECOND} promises a second for {SECONDS} s, each answered with 202:");
        given("on the disk", disk.path()).await;
        match tempfile::tempdir_in("/dev/shm") {
            Ok(memory) => given("in memory", memory.path()).await,
            Err(error) => println!("  in memory: {error}"),
        }
        worked_off(promises, disk.path()).await;
    });
}

struct Bench {
    sandbox: Sandbox,
    gateway: Gateway,
    splitters: Vec<String>,
    http: reqwest::Client,
}

impl Bench {
    async fn start(folder: &Path, clients: usize) -> Bench {
        let options = Options { clients, messy: false, ..Options::default() };
        let sandbox = Sandbox::start(options).await.expect("loopback can be bound");
        let in_flight = std::env::var("OZMAP_MAX_IN_FLIGHT").unwrap_or_else(|_| "8".to_owned());
        let settings = [
            ("GATEWAY_LISTEN", "127.0.0.1:0".to_owned()),
            ("GATEWAY_API_KEY", KEY.to_owned()),
            ("GATEWAY_REQUESTS_PER_MINUTE", "0".to_owned()),
            ("DATABASE_URL", format!("sqlite://{}", folder.join(format!("{clients}.db")).display())),
            ("SYNC_INTERVAL_SECONDS", "0".to_owned()),
            ("UPSTREAM_MAX_IN_FLIGHT", in_flight),
            ("OZMAP_URL", sandbox.ozmap_url()),
            ("OZMAP_API_KEY", sandbox.ozmap_key()),
            ("INT6_URL", sandbox.int6_url()),
            ("INT6_EMAIL", sandbox.int6_email()),
            ("INT6_TOKEN", sandbox.int6_token()),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value));
        let config = Config::load(settings, None, Purpose::Serve).expect("good settings");
        sandbox.ozmap().clear();
        let splitters = drop_splitters(&sandbox).await;
        let gateway = Gateway::start(&config).await.expect("it starts");
        Bench { sandbox, gateway, splitters, http: reqwest::Client::new() }
    }

    /// The path of a promise's operation, and how long it took to be given.
    async fn promise(&self, code: usize) -> (String, Duration) {
        let place = code % (self.splitters.len() * PORTS);
        let body = json!({"splitter_id": self.splitters[place / PORTS], "port": place % PORTS + 1});
        let url = format!("http://{}/v1/clients/{}/activation", self.gateway.address, 100_000 + code);
        let ask = self.http.put(url).header("x-api-key", KEY).header("prefer", "respond-async").json(&body);
        let asked = Instant::now();
        let answer = ask.send().await.expect("an answer");
        let took = asked.elapsed();
        assert_eq!(answer.status().as_u16(), 202);
        (answer.headers()["location"].to_str().expect("a text").to_owned(), took)
    }

    fn connected(&self) -> usize {
        self.sandbox.ozmap().summary()["clients"].as_u64().expect("a number") as usize
    }
}

/// Splitters of boxes that are no drafts, with every port free.
async fn drop_splitters(sandbox: &Sandbox) -> Vec<String> {
    let ask = reqwest::Client::new()
        .get(format!("{}/api/v2/splitters?limit=100000", sandbox.ozmap_url()))
        .header("authorization", sandbox.ozmap_key());
    let page: Value = ask.send().await.expect("an answer").json().await.expect("JSON");
    let ozmap = sandbox.ozmap();
    let rows = page["rows"].as_array().expect("rows").iter().filter(|row| row["isDrop"] == true);
    let of_boxes = rows.filter(|row| {
        let site = row["parent"].as_str().and_then(|id| ozmap.record_of(id)).unwrap_or_default();
        site["draft"] == false
    });
    let ids: Vec<String> = of_boxes.filter_map(|row| row["id"].as_str().map(str::to_owned)).collect();
    for id in &ids {
        (1..=PORTS as u16).for_each(|port| {
            ozmap.block_port(id, port, false);
        });
    }
    ids
}

async fn given(place: &str, folder: &Path) {
    let bench = Bench::start(folder, 2_000).await;
    bench.sandbox.ozmap().faults().fail_route("/", 1_000_000, Fault::Status(503));
    let mut beat = tokio::time::interval(Duration::from_secs(1) / A_SECOND);
    let mut asked = FuturesUnordered::new();
    let mut took = Vec::new();
    let mut code = 0;
    while took.len() < (A_SECOND * SECONDS) as usize {
        tokio::select! {
            _ = beat.tick(), if code < (A_SECOND * SECONDS) as usize => {
                asked.push(bench.promise(code));
                code += 1;
            }
            Some((_, one)) = asked.next() => took.push(one),
        }
    }
    drop(asked);
    took.sort_unstable();
    let at = |percent: usize| took[(took.len() - 1) * percent / 100];
    println!("  {place}: p50 {:?}, p99 {:?}, longest {:?}", at(50), at(99), at(100));
    bench.gateway.stop().await;
}

async fn worked_off(promises: usize, folder: &Path) {
    // A town with ports enough.
    let bench = Bench::start(folder, promises * 2).await;
    let faults = bench.sandbox.ozmap().faults();
    faults.fail_route("/", 1_000_000, Fault::Status(503));
    for code in 0..promises {
        bench.promise(code).await;
    }
    println!("{promises} promises wait; OZmap is back, and takes 50 ms for a call:");
    faults.set_latency(Duration::from_millis(50));
    faults.heal();
    let begun = Instant::now();
    while bench.connected() < promises {
        assert!(begun.elapsed() < Duration::from_secs(600), "{} are done", bench.connected());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let took = begun.elapsed();
    println!("  worked off in {took:.1?}: {:.0} a second", promises as f64 / took.as_secs_f64());
    bench.gateway.stop().await;
}
