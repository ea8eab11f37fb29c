//! INT6's HTTP face: tokens, the bulk read, and one client at a time.

use std::collections::HashMap;
use std::sync::{Mutex, RwLock};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::reading::{PonLink, Row};
use crate::call_log::CallLog;
use crate::exchange::{Answer, Call};
use crate::faults::FaultInjector;
use crate::lock::{lock, read};
use crate::secret::random_secret;
use crate::simulator::Simulator;

/// A pretend INT6.
pub(crate) struct Int6 {
    pub(crate) faults: FaultInjector,
    pub(crate) calls: CallLog,
    pub(crate) email: String,
    pub(crate) token: String,
    pub(crate) rows: RwLock<Vec<Row>>,
    /// How pages of the bulk read are answered, if not as INT6 does.
    pub(crate) page_habit: RwLock<Option<PageHabit>>,
    pub(crate) tokens: Mutex<Tokens>,
}

/// A page of the bulk read as it was asked for.
#[derive(Clone, Copy)]
pub(crate) struct PageRequest {
    /// From 1 on.
    pub(crate) page: usize,
    pub(crate) per_page: usize,
}

impl PageRequest {
    /// The rows of this page, as INT6 cuts them.
    pub(crate) fn of(self, rows: &[Value]) -> Vec<Value> {
        self.from(self.page.saturating_sub(1).saturating_mul(self.per_page), rows)
    }

    /// As many rows as a page holds, from after this many on.
    pub(crate) fn from(self, skip: usize, rows: &[Value]) -> Vec<Value> {
        rows.iter().skip(skip).take(self.per_page).cloned().collect()
    }

    /// Whether the page before this one was INT6's last.
    pub(crate) fn is_beyond(self, rows: &[Value]) -> bool {
        self.page.saturating_sub(1).saturating_mul(self.per_page) >= rows.len()
    }
}

/// Answers a page of the bulk read from all rows.
pub(crate) type PageHabit = fn(PageRequest, &[Value]) -> Answer;

/// The tokens given out, and for how long each is good.
#[derive(Default)]
pub(crate) struct Tokens {
    pub(crate) good_until: HashMap<String, Option<Instant>>,
    pub(crate) lifetime: Option<Duration>,
    pub(crate) requests: usize,
}

/// Rows on a page when the request does not say. Inferred.
const DEFAULT_PER_PAGE: usize = 50;
/// Inferred: larger pages are cut to this, as a short page would otherwise mean the end.
const LARGEST_PER_PAGE: usize = 1000;

impl Simulator for Int6 {
    fn faults(&self) -> &FaultInjector {
        &self.faults
    }

    fn calls(&self) -> &CallLog {
        &self.calls
    }

    fn answer(&self, call: &Call) -> Answer {
        let segments = call.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        if (call.method.as_str(), segments.as_slice()) == ("POST", &["api", "auth", "v2", "request_token"]) {
            return self.request_token(call);
        }
        if !self.admits(call) {
            return failure(401, "unauthorized");
        }
        match (call.method.as_str(), segments.as_slice()) {
            ("GET", ["api", "diag", "v2", "onu_status"]) => self.onu_status(call),
            ("GET", ["api", "info", "v2", "gpon_info"]) => self.of_user(call, gpon_info),
            ("GET", ["api", "diag", "v2", "live", "gpon_status"]) => self.of_user(call, gpon_status),
            ("GET", ["gpon_clients", code, "last_power_readings"]) => self.last_power_readings(code),
            _ => failure(404, "not found"),
        }
    }

    fn error_body(&self, message: &str) -> Value {
        json!({ "error": message })
    }
}

fn failure(status: u16, message: &str) -> Answer {
    Answer::json(status, json!({ "error": message }))
}

impl Int6 {
    pub(crate) fn new(faults: FaultInjector, rows: Vec<Row>) -> Int6 {
        Int6 {
            faults,
            calls: CallLog::default(),
            email: "ozmap@provedor.example".to_owned(),
            token: random_secret(),
            rows: rows.into(),
            page_habit: RwLock::default(),
            tokens: Mutex::default(),
        }
    }

    fn request_token(&self, call: &Call) -> Answer {
        let Ok(body) = call.json() else { return failure(400, "the body is not JSON") };
        let mut tokens = lock(&self.tokens);
        tokens.requests += 1;
        let is = |name: &str, wanted: &str| body.get(name).and_then(Value::as_str) == Some(wanted);
        if !is("username", &self.email) || !is("password", &self.token) {
            return failure(401, "invalid credentials");
        }
        let token = random_secret();
        let lifetime = tokens.lifetime;
        tokens.good_until.insert(token.clone(), lifetime.map(|lifetime| Instant::now() + lifetime));
        let mut answer = json!({ "token": token });
        if let Some(lifetime) = lifetime {
            answer["expires_in"] = json!(lifetime.as_secs());
        }
        Answer::ok(answer)
    }

    /// Any of the contract's three styles of authentication.
    fn admits(&self, call: &Call) -> bool {
        if let Some(authorization) = call.authorization() {
            let Some((scheme, token)) = authorization.split_once(' ') else { return false };
            let is_issued = || match lock(&self.tokens).good_until.get(token) {
                Some(until) => until.is_none_or(|until| Instant::now() < until),
                None => false,
            };
            return match scheme {
                "Bearer" => token == self.token || is_issued(),
                "JWT" => is_issued(),
                _ => false,
            };
        }
        call.header("x-user-email") == Some(&self.email) && call.header("x-user-token") == Some(&self.token)
    }

    fn onu_status(&self, call: &Call) -> Answer {
        let number = |name: &str, default: usize| match call.query_value(name) {
            None => Some(default),
            Some(text) => text.trim().parse::<usize>().ok(),
        };
        let (Some(page), Some(per_page)) = (number("page", 1), number("per_page", DEFAULT_PER_PAGE)) else {
            return failure(400, "page and per_page must be whole numbers");
        };
        let per_page = per_page.clamp(1, LARGEST_PER_PAGE);
        if let Some(habit) = *read(&self.page_habit) {
            let rows: Vec<Value> = read(&self.rows).iter().map(Row::json).collect();
            return habit(PageRequest { page, per_page }, &rows);
        }
        let skip = page.saturating_sub(1).saturating_mul(per_page);
        Answer::ok(read(&self.rows).iter().skip(skip).take(per_page).map(Row::json).collect())
    }

    fn of_user(&self, call: &Call, show: fn(&Row) -> Value) -> Answer {
        let Some(user) = call.query_value("pppoe_username") else {
            return failure(400, "pppoe_username is missing");
        };
        let rows = read(&self.rows);
        rows.iter()
            .find(|row| row.has_user(&user))
            .map_or_else(|| failure(404, "client not found"), |row| Answer::ok(show(row)))
    }

    fn last_power_readings(&self, code: &str) -> Answer {
        let rows = read(&self.rows);
        let readings: Vec<Value> = rows
            .iter()
            .filter(|row| row.has_code(code))
            .map(Row::json)
            .map(|row| json!({"read_power": row.get("rx_power"), "olt_read_power": row.get("olt_rx_power")}))
            .collect();
        if readings.is_empty() { failure(404, "client not found") } else { Answer::ok(json!(readings)) }
    }
}

fn gpon_info(row: &Row) -> Value {
    let PonLink { olt, slot, pon } = row.link();
    let row = row.json();
    json!({
        "olt_hostname": format!("OLT-{olt:02}"),
        "ponlink": format!("gpon 0/{slot}/{pon}"),
        "onu": {"id": row.get("id"), "serial_number": row.get("serial_number"), "mac_address": row.get("mac_address")},
        "contract_id": row.get("contract_id"),
    })
}

fn gpon_status(row: &Row) -> Value {
    let row = row.json();
    let shown = |name: &str| match row.get(name) {
        Some(Value::Number(number)) => json!({"text": format!("{number} dBm")}),
        Some(Value::String(text)) => json!({ "text": text }),
        Some(object @ Value::Object(_)) => object.clone(),
        _ => json!({"text": "Não Disponível"}),
    };
    json!({"rx_power": shown("rx_power"), "olt_rx_power": shown("olt_rx_power"), "status": {"text": "up"}})
}
