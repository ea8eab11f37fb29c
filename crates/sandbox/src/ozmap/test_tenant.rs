//! The pretend OZmap as a caller meets it, without sockets: what its tests share.

use std::sync::Arc;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::handle::OzmapHandle;
use super::routes::Ozmap;
use crate::exchange::{Answer, Call};
use crate::faults::FaultInjector;
use crate::simulator::Simulator;
use crate::town;

/// A pretend OZmap of a clean town, and the handle by which its story is told.
pub(crate) struct Tenant {
    pub(crate) ozmap: Arc<Ozmap>,
    pub(crate) story: OzmapHandle,
}

impl Tenant {
    pub(crate) fn with(clients: usize, next_urls: bool) -> Tenant {
        let town = town::build(clients, 7, false);
        let ozmap =
            Arc::new(Ozmap::new(FaultInjector::new(Duration::ZERO, 0.0), town.state, next_urls, true));
        Tenant { story: OzmapHandle::new(ozmap.clone()), ozmap }
    }

    pub(crate) fn new() -> Tenant {
        Tenant::with(60, true)
    }

    pub(crate) fn call(&self, method: &str, path: &str, body: Value) -> Answer {
        self.ozmap.answer(&Call::test(method, &format!("/api/v2{path}"), &self.ozmap.credentials.key, body))
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        let answer = self.call("GET", path, Value::Null);
        assert_eq!(answer.status, 200, "{path}: {:?}", answer.body);
        answer.body.unwrap_or_default()
    }

    /// All pages of a list, by `nextUrl`.
    pub(crate) fn follow(&self, path: &str) -> Vec<Value> {
        let mut rows = Vec::new();
        let mut path = path.to_owned();
        loop {
            let page = self.get(&path);
            rows.extend(page["rows"].as_array().expect("rows").clone());
            if page["hasNextPage"] == false {
                return rows;
            }
            path = page["nextUrl"]
                .as_str()
                .expect("nextUrl")
                .strip_prefix("/api/v2")
                .expect("prefix")
                .to_owned();
        }
    }

    pub(crate) fn id_of(&self, code: &str) -> String {
        text(&self.story.client(code).expect("client")["id"])
    }

    pub(crate) fn property_of(&self, code: &str) -> Value {
        self.story.property_of(code).expect("property")
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}

/// A filter of one item, as a query parameter.
pub(crate) fn filter(property: &str, operator: &str, value: Value) -> String {
    let filter = json!([{"property": property, "operator": operator, "value": value}]).to_string();
    format!("filter={}", utf8_percent_encode(&filter, NON_ALPHANUMERIC))
}

pub(crate) fn codes(rows: &[Value]) -> Vec<String> {
    rows.iter().map(|row| text(&row["code"])).collect()
}

/// Holds that an answer is a refusal of this status, with a message.
pub(crate) fn refused(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{:?}", answer.body);
    assert!(answer.body.as_ref().is_some_and(|body| body["message"].is_string()), "{:?}", answer.body);
}
