//! INT6 at its gateway: asks for installations, and sees in OZmap itself what came of them.

use std::time::Duration;

use int6_ozmap_gateway::app::Gateway;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::world::{KEY, World};

pub struct Technician {
    pub world: World,
    pub url: String,
    pub network: Network,
    http: reqwest::Client,
    _gateway: Option<Gateway>,
}

/// Splitters of the town, all their ports free.
pub struct Network {
    /// In boxes, one in each, 8 ports.
    pub ctos: Vec<String>,
    /// In one condominium.
    pub condominium: Vec<String>,
    /// In a box that is *em projeto*.
    pub draft: String,
    /// It feeds other splitters.
    pub feeder: String,
}

impl Technician {
    /// At a town without clients.
    pub async fn open() -> Technician {
        Technician::over(World::empty().await).await
    }

    pub async fn over(world: World) -> Technician {
        let gateway = Gateway::start(&world.config()).await.expect("the gateway starts");
        let url = format!("http://{}", gateway.address);
        let mut technician = Technician::at(world, url).await;
        technician._gateway = Some(gateway);
        technician
    }

    /// At a gateway that runs elsewhere.
    pub async fn at(world: World, url: String) -> Technician {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(30)).build().expect("a client");
        let network = Network::of(&world).await;
        Technician { world, url, network, http, _gateway: None }
    }

    pub fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).header("x-api-key", KEY)
    }

    pub async fn get(&self, path: &str) -> Value {
        said(self.ask(Method::GET, path).send().await.expect("an answer"), 200).await
    }

    /// `PUT /v1/clients/{code}/activation`.
    pub async fn activate(&self, code: &str, body: Value) -> Response {
        let path = format!("/v1/clients/{code}/activation");
        self.ask(Method::PUT, &path).json(&body).send().await.expect("an answer")
    }

    /// `POST /v1/clients`.
    pub async fn create(&self, code: &str, mut body: Value) -> Response {
        body["code"] = json!(code);
        self.ask(Method::POST, "/v1/clients").json(&body).send().await.expect("an answer")
    }

    /// What OZmap has: the client, its property, and the splitter and port that it holds.
    pub fn held(&self, code: &str) -> (Value, Value, (Value, Value)) {
        let ozmap = self.world.sandbox.ozmap();
        let property = ozmap.property_of(code).unwrap_or_default();
        let port = (property["connections"][0]["id"].clone(), property["connections"][0]["port"].clone());
        (ozmap.client(code).unwrap_or_default(), property, port)
    }

    /// The code of the client on a port.
    pub fn on_port(&self, splitter: &str, port: u16) -> Option<String> {
        let ozmap = self.world.sandbox.ozmap();
        let property = ozmap.record_of(&ozmap.holder(splitter, port)?)?;
        property["client"]["code"].as_str().map(str::to_owned)
    }

    /// How many clients and properties OZmap has.
    pub fn counted(&self) -> (u64, u64) {
        let summary = self.world.sandbox.ozmap().summary();
        let count = |name: &str| summary[name].as_u64().expect("a number");
        (count("clients"), count("properties"))
    }

    /// A request of somebody else's to OZmap.
    pub async fn directly(&self, method: Method, path: &str, body: Value) -> Response {
        let sandbox = &self.world.sandbox;
        let url = format!("{}/api/v2{path}", sandbox.ozmap_url());
        let request = self.http.request(method, url).header("authorization", sandbox.ozmap_key());
        request.json(&body).send().await.expect("an answer")
    }

    /// Puts somebody else's client on a port, past the gateway.
    pub async fn occupy(&self, code: &str, splitter: &str, port: u16) {
        let record = self.world.sandbox.ozmap().record_of(splitter).expect("a splitter");
        let body = json!({
            "box": record["parent"], "connector": splitter, "port": port, "coords": [-44.2, -26.5], "client": { "code": code },
        });
        let answer = self.directly(Method::POST, "/properties", body).await;
        assert_eq!(answer.status().as_u16(), 201, "{:?}", answer.text().await);
    }

    /// Waits until this is so.
    pub async fn until(&self, what: &str, mut so: impl FnMut(&Technician) -> bool) {
        for _ in 0..1_000 {
            if so(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{what}: not in ten seconds");
    }
}

impl Drop for Technician {
    /// Whatever the story: nobody is unplugged by force.
    fn drop(&mut self) {
        let forced = self
            .world
            .sandbox
            .ozmap()
            .calls()
            .writes()
            .into_iter()
            .find(|call| !call.body["force"].is_null());
        if !std::thread::panicking() {
            assert_eq!(forced, None);
        }
    }
}

impl Network {
    pub async fn of(world: &World) -> Network {
        let (ozmap, http) = (world.sandbox.ozmap(), reqwest::Client::new());
        let rows = async |route: &str| {
            let url = format!("{}/api/v2/{route}?limit=500", world.sandbox.ozmap_url());
            let request = http.get(url).header("authorization", world.sandbox.ozmap_key());
            let page: Value = request.send().await.expect("an answer").json().await.expect("JSON");
            page["rows"].as_array().expect("rows").clone()
        };
        let (splitters, buildings) = (rows("splitters").await, rows("buildings").await);
        let id = |row: &Value| row["id"].as_str().expect("an id").to_owned();
        let parent =
            |row: &Value| row["parent"].as_str().and_then(|id| ozmap.record_of(id)).unwrap_or_default();
        let buildings: Vec<Value> = buildings.iter().map(|row| row["id"].clone()).collect();
        let (drops, feeders): (Vec<Value>, Vec<Value>) =
            splitters.into_iter().partition(|row| row["isDrop"] == true);
        let (drafts, drops): (Vec<Value>, Vec<Value>) =
            drops.into_iter().partition(|row| parent(row)["draft"] == true);
        let (inside, outside): (Vec<Value>, Vec<Value>) =
            drops.into_iter().partition(|row| buildings.contains(&row["parent"]));
        let ids = |rows: Vec<Value>| -> Vec<String> { rows.iter().map(id).collect() };
        for splitter in inside.iter().chain(&outside) {
            (1..=8).for_each(|port| assert!(ozmap.block_port(&id(splitter), port, false)));
        }
        Network {
            ctos: ids(outside),
            condominium: ids(inside),
            draft: id(&drafts[0]),
            feeder: id(&feeders[0]),
        }
    }
}

/// What was answered with this status.
pub async fn said(answer: Response, status: u16) -> Value {
    let (came, text) = (answer.status().as_u16(), answer.text().await.expect("a body"));
    assert_eq!(came, status, "{text}");
    serde_json::from_str(&text).expect("JSON")
}
