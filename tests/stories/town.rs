//! The pretend OZmap's network, read over HTTP and looked at one by one: what a search must find.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::world::World;

/// Every row of a route of the pretend OZmap.
pub async fn rows(world: &World, route: &str) -> Vec<Value> {
    let http = reqwest::Client::new();
    let mut rows = Vec::new();
    loop {
        let page = rows.len() / 1_000 + 1;
        let url = format!("{}/api/v2/{route}?limit=1000&page={page}", world.sandbox.ozmap_url());
        let request = http.get(url).header("authorization", world.sandbox.ozmap_key());
        let list: Value = request.send().await.expect("an answer").json().await.expect("JSON");
        rows.extend(list["rows"].as_array().expect("rows").clone());
        if rows.len() as u64 >= list["total"].as_u64().expect("a total") {
            return rows;
        }
    }
}

fn metres(a: (f64, f64), b: (f64, f64)) -> f64 {
    let (from, to) = (a.0.to_radians(), b.0.to_radians());
    let h = ((to - from) / 2.0).sin().powi(2)
        + from.cos() * to.cos() * ((b.1 - a.1).to_radians() / 2.0).sin().powi(2);
    2.0 * 6_371_008.8 * h.sqrt().min(1.0).asin()
}

/// What the pretend OZmap holds, looked at one by one.
pub struct Town {
    pub sites: HashMap<String, Value>,
    pub splitters: Vec<Value>,
}

impl Town {
    pub async fn of(world: &World) -> Town {
        let mut sites = HashMap::new();
        for (route, kind) in [("boxes", "cto"), ("buildings", "condominium")] {
            for mut site in rows(world, route).await {
                site["kind"] = json!(kind);
                sites.insert(site["id"].as_str().expect("an id").to_owned(), site);
            }
        }
        Town { sites, splitters: rows(world, "splitters").await }
    }

    /// Distance and answer of every splitter that may be offered around a place.
    pub fn around(&self, at: (f64, f64), radius: f64, offered: impl Fn(&Value) -> bool) -> Vec<(f64, Value)> {
        let mut found: Vec<(f64, Value)> = Vec::new();
        for splitter in self.splitters.iter().filter(|splitter| splitter["isDrop"] == true) {
            let Some(site) = self.sites.get(splitter["parent"].as_str().expect("a parent")) else { continue };
            let place = (site["lat"].as_f64().expect("lat"), site["lng"].as_f64().expect("lng"));
            let distance = metres(at, place);
            let answer = as_answered(splitter, site, place);
            if site["draft"] != true && distance <= radius && offered(&answer) {
                found.push((distance, answer));
            }
        }
        found.sort_by(|(near, a), (far, b)| {
            near.total_cmp(far).then_with(|| a["id"].as_str().cmp(&b["id"].as_str()))
        });
        found
    }

    pub fn place_of(&self, splitter: &str) -> (f64, f64) {
        let splitter = self.splitters.iter().find(|row| row["id"] == splitter).expect("a splitter");
        let site = &self.sites[splitter["parent"].as_str().expect("a parent")];
        (site["lat"].as_f64().expect("lat"), site["lng"].as_f64().expect("lng"))
    }
}

fn as_answered(splitter: &Value, site: &Value, (lat, lng): (f64, f64)) -> Value {
    let outputs = splitter["connectables"]["output"].as_array().expect("outputs");
    let free: Vec<usize> = (0..outputs.len())
        .filter(|index| outputs[*index].is_null() && splitter["ports"][index]["blocked"] != true)
        .map(|index| index + 1)
        .collect();
    json!({
        "id": splitter["id"], "name": splitter["name"], "ratio": splitter["ratio"],
        "site": {
            "kind": site["kind"], "id": site["id"], "name": site["name"], "address": site["address"],
            "coordinate": {"lat": lat, "lng": lng}, "implanted": site["implanted"],
        },
        "ports": {"total": outputs.len(), "free": free},
    })
}
