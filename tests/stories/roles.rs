//! What a key's role may do. The routes are those of the API's own description: a new one fails here until somebody says whose
//! it is.

use gateway_core::provisioning::OperationState;
use int6_ozmap_gateway::app::Gateway;
use int6_ozmap_gateway::config::Config;
use int6_ozmap_gateway::key::{Role, TenantKey, hash_of_key};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::activation::at;
use crate::api::problem;
use crate::technician::{Network, said};
use crate::world::World;

const RUN: &str = "019aa1c2-7a10-7c00-8000-5a2f0d1e9b3c";

/// Whose each operation of the API is. Viewers have every GET beside.
const OF_INT6: [&str; 8] = [
    "get_client",
    "sync_client",
    "get_client_power",
    "list_splitters_nearby",
    "create_client",
    "activate_client",
    "list_activations",
    "get_operation",
];
const OF_OPERATORS: [&str; 5] =
    ["list_sync_runs", "start_sync_run", "get_sync_run", "list_changes", "list_findings"];

fn key(name: &str, role: Role) -> TenantKey {
    TenantKey { name: name.to_owned(), sha256: hash_of_key(&secret(name)), role }
}

/// The key that goes by this name.
fn secret(name: &str) -> String {
    format!("the-key-called-{name}")
}

/// A gateway whose tenant has a key of each role, and a second one for INT6 whose name begins as the first's.
struct Keys {
    world: World,
    config: Config,
    gateway: Gateway,
}

impl Keys {
    async fn open() -> Keys {
        let world = World::empty().await;
        let mut config = world.config();
        config.tenants[0].keys = vec![
            key("provisioning", Role::Int6),
            key("provisioning two", Role::Int6),
            key("panel", Role::Operator),
            key("wall", Role::Viewer),
        ];
        let gateway = Gateway::start(&config).await.expect("the gateway starts");
        Keys { world, config, gateway }
    }

    fn ask(&self, key: &str, method: Method, path: &str) -> RequestBuilder {
        let url = format!("http://{}{path}", self.gateway.address);
        reqwest::Client::new().request(method, url).bearer_auth(key)
    }

    async fn get(&self, key: &str, path: &str) -> Value {
        said(self.ask(key, Method::GET, path).send().await.expect("an answer"), 200).await
    }
}

/// Each operation of the API under `/v1`: its name, its method, and its path filled in.
async fn operations(keys: &Keys) -> Vec<(String, Method, String)> {
    let described = keys.get(crate::world::KEY, "/openapi.json").await;
    let mut found = Vec::new();
    for (template, item) in described["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("an object") {
            if template.starts_with("/v1/") {
                let name = operation["operationId"].as_str().expect("a name").to_owned();
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
                found.push((name, method, template.replace("{code}", "147").replace("{id}", RUN)));
            }
        }
    }
    assert!(found.len() >= 13, "{} operations", found.len());
    found
}

#[tokio::test]
async fn each_role_goes_as_far_as_the_contract_says_on_every_route_there_is() {
    let keys = Keys::open().await;
    for (name, method, path) in operations(&keys).await {
        let of_int6 = OF_INT6.contains(&name.as_str());
        assert!(of_int6 || OF_OPERATORS.contains(&name.as_str()), "say here whose {name} is");
        let looks = method == Method::GET;
        // The one without a name is INT6's where others stand beside it.
        for (key, may) in [
            (secret("provisioning"), of_int6),
            (crate::world::KEY.to_owned(), of_int6),
            (secret("panel"), true),
            (secret("wall"), looks),
        ] {
            // What is wrong with the request itself is told to whoever may make it.
            let answer = keys.ask(&key, method.clone(), &path).body("[]").send().await.expect("an answer");
            if may {
                assert!(![401, 403].contains(&answer.status().as_u16()), "{key}: {name} {}", answer.status());
            } else {
                problem(answer, 403, "not_permitted").await;
            }
        }
    }
    assert_eq!(keys.world.writes(), 0, "nothing was written to OZmap");
}

#[tokio::test]
async fn the_single_key_alone_may_do_everything() {
    let mut keys = Keys::open().await;
    keys.config.tenants[0].keys.clear();
    let alone = Gateway::start(&keys.config).await.expect("the gateway starts");
    keys.gateway = alone;
    for (name, method, path) in operations(&keys).await {
        let answer = keys.ask(crate::world::KEY, method, &path).body("[]").send().await.expect("an answer");
        assert!(![401, 403].contains(&answer.status().as_u16()), "{name}: {}", answer.status());
    }
}

#[tokio::test]
async fn a_key_of_int6_sees_what_was_asked_for_with_it_and_no_other() {
    let keys = Keys::open().await;
    let network = Network::of(&keys.world).await;
    let mut asked = Vec::new();
    for (port, name) in [(1, "provisioning"), (2, "provisioning two"), (3, "panel")] {
        let path = format!("/v1/clients/14{port}/activation");
        let ask = keys.ask(&secret(name), Method::PUT, &path).header("prefer", "respond-async");
        let ask = ask.header("x-request-id", "story-1").json(&at(&network.ctos[0], port));
        let operation = said(ask.send().await.expect("an answer"), 202).await;
        asked.push((name, format!("/v1/operations/{}", operation["id"].as_str().expect("an id"))));
    }
    for (name, path) in &asked {
        for _ in 0..200 {
            if keys.get(&secret("wall"), path).await["state"] != OperationState::Pending.name() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        for reader in ["provisioning", "provisioning two", "panel", "wall"] {
            let answer = keys.ask(&secret(reader), Method::GET, path).send().await.expect("an answer");
            if reader == *name || ["panel", "wall"].contains(&reader) {
                assert_eq!(said(answer, 200).await["state"], "succeeded");
            } else {
                problem(answer, 403, "not_permitted").await;
            }
        }
    }
    let recorded = async |reader: &str| -> Vec<String> {
        let page = keys.get(&secret(reader), "/v1/activations").await;
        let rows = page["activations"].as_array().expect("a list").iter();
        rows.map(|row| row["requested_by"].as_str().expect("a text").to_owned()).collect()
    };
    assert_eq!(recorded("provisioning").await, ["provisioning 127.0.0.1 story-1"]);
    assert_eq!(recorded("provisioning two").await, ["provisioning two 127.0.0.1 story-1"]);
    assert_eq!((recorded("panel").await.len(), recorded("wall").await.len()), (3, 3));
    let unknown = format!("/v1/operations/{RUN}");
    let answer = keys.ask(&secret("provisioning"), Method::GET, &unknown).send().await.expect("an answer");
    problem(answer, 404, "not_found").await;
}

#[tokio::test]
async fn what_a_proxy_sends_along_is_no_key_but_a_wrong_key_is_a_mistake() {
    let keys = Keys::open().await;
    let ask = |authorization: &str, key: &str| {
        let url = format!("http://{}/v1/activations", keys.gateway.address);
        let ask = reqwest::Client::new().get(url).header("authorization", authorization);
        ask.header("x-api-key", key).send()
    };
    for foreign in ["Basic dXNlcjpwYXNz", "Digest username=\"x\"", "Negotiate YII="] {
        said(ask(foreign, &secret("wall")).await.expect("an answer"), 200).await;
        problem(ask(foreign, "wrong-key-of-nobody").await.expect("an answer"), 401, "unauthorised").await;
    }
    for wrong in ["Bearer wrong", "wrong"] {
        problem(ask(wrong, &secret("wall")).await.expect("an answer"), 401, "unauthorised").await;
    }
    let both = format!("Bearer {}", secret("provisioning"));
    said(ask(&both, &secret("wall")).await.expect("an answer"), 200).await;
    let runs = keys.ask(&secret("provisioning"), Method::GET, "/v1/sync-runs");
    let runs = runs.header("x-api-key", secret("wall")).send().await.expect("an answer");
    assert_eq!(said(runs, 200).await["sync_runs"], json!([]), "of two keys the one in X-API-Key counts");
}
