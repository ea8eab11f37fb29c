//! Whose metrics a caller sees: by its address, with the metrics key, on a listener of their own.

use int6_ozmap_gateway::app::Gateway;
use int6_ozmap_gateway::config::Config;
use int6_ozmap_gateway::key::hash_of_key;
use reqwest::Response;

use crate::api::problem;
use crate::world::World;

const METRICS_KEY: &str = "the-key-of-the-metrics";

/// A world with two tenants: `north` admits this machine, `south` the address 192.0.2.7; proxies on this machine are trusted.
async fn two_tenants() -> (World, Config) {
    let world = World::empty().await;
    let mut config = world.config();
    config.trusted_proxies = vec!["127.0.0.1".parse::<std::net::IpAddr>().expect("an address").into()];
    let mut south = config.tenants[0].clone();
    config.tenants[0].name = "north".to_owned();
    south.name = "south".to_owned();
    south.key_sha256 = Some(hash_of_key("the-key-of-the-south"));
    south.allowed_ips = vec!["192.0.2.7".parse::<std::net::IpAddr>().expect("an address").into()];
    config.tenants.push(south);
    (world, config)
}

/// `/metrics` at an address, asked for from another.
async fn ask(at: impl std::fmt::Display, from: Option<&str>, key: Option<&str>) -> Response {
    let mut ask = reqwest::Client::new().get(format!("http://{at}/metrics"));
    if let Some(from) = from {
        ask = ask.header("x-forwarded-for", from);
    }
    if let Some(key) = key {
        ask = ask.bearer_auth(key);
    }
    ask.send().await.expect("an answer")
}

/// Which of the two tenants an answer names, in series that both have once their mirror is loaded.
async fn named(answer: Response) -> Vec<&'static str> {
    assert_eq!(answer.status().as_u16(), 200);
    let text = answer.text().await.expect("a text");
    assert!(text.contains("gateway_http_requests_total"), "{text}");
    let is_named = |name: &&str| text.contains(&format!("tenant=\"{name}\""));
    ["north", "south"].into_iter().filter(is_named).collect()
}

/// Asks until both tenants have loaded their mirrors.
async fn until_both(ask: impl AsyncFn() -> Response) {
    for _ in 0..500 {
        if named(ask().await).await.len() == 2 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the mirrors are not loaded in ten seconds");
}

#[tokio::test]
async fn an_address_sees_its_own_tenants_and_no_others_name() {
    let (_world, mut config) = two_tenants().await;
    config.metrics_listen = Some("127.0.0.1:0".parse().expect("an address"));
    let apart = Gateway::start(&config).await.expect("the gateway starts");
    until_both(async || ask(apart.metrics_address.expect("a listener"), None, None).await).await;
    // One recorder counts for the whole process: what both tenants have is there for the next one, too.
    config.metrics_listen = None;
    let gateway = Gateway::start(&config).await.expect("the gateway starts");
    assert_eq!(named(ask(gateway.address, None, None).await).await, ["north"]);
    assert_eq!(named(ask(gateway.address, Some("192.0.2.7"), None).await).await, ["south"]);
    problem(ask(gateway.address, Some("192.0.2.8"), None).await, 403, "address_not_admitted").await;
    problem(ask(gateway.address, Some("unknown"), None).await, 403, "address_not_admitted").await;
    // An API key is no metrics key, and opens nothing.
    let key = Some("the-key-of-the-south");
    assert_eq!(named(ask(gateway.address, None, key).await).await, ["north"]);
}

#[tokio::test]
async fn with_the_metrics_key_every_tenant_is_seen_from_everywhere_and_without_it_none() {
    let (_world, mut config) = two_tenants().await;
    config.metrics_key_sha256 = Some(hash_of_key(METRICS_KEY));
    let gateway = Gateway::start(&config).await.expect("the gateway starts");
    until_both(async || ask(gateway.address, Some("203.0.113.9"), Some(METRICS_KEY)).await).await;
    for wrong in [None, Some("wrong"), Some(""), Some(crate::world::KEY)] {
        problem(ask(gateway.address, None, wrong).await, 401, "unauthorised").await;
    }
}

#[tokio::test]
async fn on_a_listener_of_their_own_every_tenant_is_seen_and_the_api_has_no_metrics() {
    let (_world, mut config) = two_tenants().await;
    config.metrics_listen = Some("127.0.0.1:0".parse().expect("an address"));
    let gateway = Gateway::start(&config).await.expect("the gateway starts");
    let place = gateway.metrics_address.expect("a listener");
    until_both(async || ask(place, None, None).await).await;
    problem(ask(gateway.address, None, None).await, 404, "not_found").await;
    let api = reqwest::get(format!("http://{place}/v1/activations")).await.expect("an answer");
    problem(api, 404, "not_found").await;
    gateway.stop().await;

    config.metrics_key_sha256 = Some(hash_of_key(METRICS_KEY));
    let gateway = Gateway::start(&config).await.expect("the gateway starts");
    let place = gateway.metrics_address.expect("a listener");
    problem(ask(place, None, None).await, 401, "unauthorised").await;
    assert_eq!(named(ask(place, None, Some(METRICS_KEY)).await).await, ["north", "south"]);
    gateway.stop().await;
}

#[tokio::test]
async fn a_tenant_that_is_added_while_the_gateway_runs_has_its_series_at_once_and_a_removed_one_none() {
    let begun = jiff::Timestamp::now().as_second() as f64;
    let (world, mut both) = two_tenants().await;
    both.metrics_key_sha256 = Some(hash_of_key(METRICS_KEY));
    // What a process counts is one for all of its gateways: names of its own.
    for (tenant, name) in both.tenants.iter_mut().zip(["stays", "comes"]) {
        name.clone_into(&mut tenant.name);
    }
    let mut one = both.clone();
    one.tenants.pop();
    let gateway = Gateway::start(&one).await.expect("the gateway starts");
    let series = async |name: &str| -> Vec<String> {
        let text = ask(gateway.address, None, Some(METRICS_KEY)).await.text().await.expect("a text");
        let of_tenant = format!("tenant=\"{name}\"");
        text.lines().filter(|line| line.contains(&of_tenant)).map(str::to_owned).collect()
    };
    assert_eq!(series("comes").await, Vec::<String>::new());
    gateway.take_over(&both).await.expect("good settings");
    let (comes, stays) = (series("comes").await, series("stays").await);
    let late_from = comes.iter().find(|line| line.starts_with("gateway_sync_without_good_run_since"));
    let late_from: f64 =
        late_from.expect("a series").rsplit(' ').next().expect("a figure").parse().expect("one");
    assert!(late_from > begun, "it is late from now on, not from 1970 on: {late_from}");
    let names = |series: &[String]| -> Vec<String> {
        let name = |line: &String| line.split('{').next().expect("a name").to_owned();
        let mut names: Vec<String> = series.iter().map(name).collect();
        names.dedup();
        names
    };
    assert!(names(&comes).len() > 20, "{comes:?}");
    for name in names(&comes) {
        assert!(names(&stays).contains(&name), "{name} is the new one's alone");
    }
    gateway.take_over(&one).await.expect("good settings");
    assert_eq!(series("comes").await, Vec::<String>::new());
    assert!(!series("stays").await.is_empty());
    gateway.stop().await;
    drop(world);
}
