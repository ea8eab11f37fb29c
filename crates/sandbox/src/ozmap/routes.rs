//! OZmap's HTTP face: which request means what.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde_json::{Value, json};

use super::credentials::Credentials;
use super::geometry::{self, Point};
use super::id::{Id, Kind};
use super::list::ListHabit;
use super::manners::OzmapManners;
use super::projection::Projection;
use super::refusal::{Outcome, Refusal, error_body};
use super::state::State;
use super::{change, list, potency, property};
use crate::call_log::CallLog;
use crate::exchange::{Answer, Call};
use crate::faults::FaultInjector;
use crate::lock::{read, write};
use crate::simulator::Simulator;

/// A pretend OZmap: state, credentials and the few things that differ between installations.
pub(crate) struct Ozmap {
    pub(crate) faults: FaultInjector,
    pub(crate) calls: CallLog,
    pub(crate) credentials: Credentials,
    pub(crate) state: RwLock<State>,
    /// Whether lists answer `hasNextPage` and `nextUrl`.
    pub(crate) next_urls: bool,
    /// What it makes of lists of clients and properties.
    pub(crate) list_habit: RwLock<ListHabit>,
    /// Whether the batch-update routes exist.
    pub(crate) batch_update: AtomicBool,
    /// What differs from the contract.
    pub(crate) manners: RwLock<OzmapManners>,
}

impl Simulator for Ozmap {
    fn faults(&self) -> &FaultInjector {
        &self.faults
    }

    fn calls(&self) -> &CallLog {
        &self.calls
    }

    fn answer(&self, call: &Call) -> Answer {
        self.route(call).unwrap_or_else(Answer::from)
    }

    fn error_body(&self, message: &str) -> Value {
        error_body(message)
    }
}

impl Ozmap {
    pub(crate) fn new(faults: FaultInjector, state: State, next_urls: bool, batch_update: bool) -> Ozmap {
        Ozmap {
            faults,
            calls: CallLog::default(),
            credentials: Credentials::random(),
            state: state.into(),
            next_urls,
            list_habit: RwLock::default(),
            batch_update: AtomicBool::new(batch_update),
            manners: RwLock::default(),
        }
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, State> {
        read(&self.state)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, State> {
        write(&self.state)
    }

    fn manners(&self) -> OzmapManners {
        read(&self.manners).clone()
    }

    fn route(&self, call: &Call) -> Outcome<Answer> {
        let segments = call.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let ["api", "v2", route @ ..] = segments.as_slice() else {
            return Err(Refusal::not_in_sandbox(&call.path));
        };
        if (call.method.as_str(), route) == ("POST", &["users", "login"]) {
            return self.login(call);
        }
        if !self.credentials.admit(call.authorization()) {
            return Err(Refusal::unauthorized());
        }
        if let Some(answer) = self.manners().refusal(call) {
            return Ok(answer);
        }
        match (call.method.as_str(), route) {
            ("GET", ["properties", "client", code]) => {
                Ok(Answer::ok(list::properties_of_code(&self.read(), code)))
            }
            ("GET", ["properties", "client", code, "potency"]) => {
                Ok(Answer::ok(potency::potency(&self.read(), code)?))
            }
            ("GET", ["ftth-viability", "radius"]) => viability(&self.read(), call).map(Answer::ok),
            ("POST", ["cables", drop, "fibers", "disconnect"]) => self.disconnect(drop),
            ("POST", [name @ ("properties" | "ftth-clients"), "batch-update"]) => {
                self.batch_update(name, call)
            }
            (method, [name]) => match Kind::from_route(name) {
                Some(kind) => self.collection(method, kind, call),
                None => Err(Refusal::not_in_sandbox(&call.path)),
            },
            (method, [name, id]) => match Kind::from_route(name) {
                Some(kind) => self.one(method, kind, id, call),
                None => Err(Refusal::not_in_sandbox(&call.path)),
            },
            _ => Err(Refusal::not_in_sandbox(&call.path)),
        }
    }

    /// `POST /users/login?type=API`. Inferred: any other `type` is a login of the web page, which the sandbox has not.
    fn login(&self, call: &Call) -> Outcome<Answer> {
        if call.query_value("type").as_deref() != Some("API") {
            return Err(Refusal::malformed("type: must be API"));
        }
        let body = json_body(call)?;
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        let token =
            self.credentials.log_in(text("login"), text("password")).ok_or_else(Refusal::unauthorized)?;
        Ok(Answer::ok(json!({ "authorization": token })))
    }

    fn collection(&self, method: &str, kind: Kind, call: &Call) -> Outcome<Answer> {
        match (method, kind) {
            ("GET", kind) => {
                let (state, manners) = (self.read(), self.manners());
                let habit = match kind {
                    Kind::Client | Kind::Property => *read(&self.list_habit),
                    _ => ListHabit::default(),
                };
                let request = manners.list_request(&state, kind, call);
                let (asked, envelope) = list::list(&state, kind, &request, self.next_urls, habit)?;
                // A host has habits or manners, not both at once.
                match manners == OzmapManners::default() {
                    true => Ok((habit.answer)(asked, envelope)),
                    false => Ok(manners.list_answer(call, envelope)),
                }
            }
            ("POST", Kind::Property) => {
                let mut state = self.write();
                let id = property::create(&mut state, &json_body(call)?)?;
                let mut created = state.render(id).unwrap_or_default();
                let client = state.property(id).and_then(|property| property.client);
                created["client"] = client.map_or(Value::Null, Value::from);
                Ok(Answer::json(201, created))
            }
            _ => Err(Refusal::not_in_sandbox(&format!("{method} {}", call.path))),
        }
    }

    fn one(&self, method: &str, kind: Kind, id: &str, call: &Call) -> Outcome<Answer> {
        let not_found = || Refusal::not_found("record");
        let id = Id::parse(id).filter(|id| id.kind() == kind).ok_or_else(not_found);
        match method {
            "GET" => {
                let state = self.read();
                Projection::of(call).render(&state, id?).map(Answer::ok).ok_or_else(not_found)
            }
            "PATCH" => {
                let (id, body) = (id?, json_body(call)?);
                let mut state = self.write();
                match kind {
                    Kind::Client => change::patch_client(&mut state, id, &body)?,
                    Kind::Property => property::update(&mut state, id, &body)?,
                    Kind::Splitter => change::patch_splitter(&mut state, id, &body)?,
                    _ => change::patch_document(&mut state, id, &body)?,
                }
                Ok(self.manners().updated(|| state.render(id)))
            }
            "DELETE" if kind == Kind::Property => {
                property::delete(&mut self.write(), id?)?;
                Ok(Answer::no_content())
            }
            "DELETE" if kind == Kind::Client => {
                let id = id?;
                let mut state = self.write();
                state.client(id).ok_or_else(not_found)?;
                state.check_poison(&[id])?;
                state.remove_client(id);
                Ok(Answer::no_content())
            }
            _ => Err(Refusal::not_in_sandbox(&format!("{method} {}", call.path))),
        }
    }

    fn batch_update(&self, route: &str, call: &Call) -> Outcome<Answer> {
        if !self.batch_update.load(Ordering::Relaxed) {
            return Err(Refusal::not_found("route"));
        }
        let kind = if route == "properties" { Kind::Property } else { Kind::Client };
        let manners = self.manners();
        change::batch_update(&mut self.write(), kind, &manners.batch(json_body(call)?))?;
        Ok(manners.updated(|| None))
    }

    fn disconnect(&self, drop: &str) -> Outcome<Answer> {
        let not_found = || Refusal::not_found("cable");
        let drop = Id::parse(drop).filter(|id| id.kind() == Kind::Drop).ok_or_else(not_found)?;
        let property = drop.as_kind(Kind::Property);
        let mut state = self.write();
        state.property(property).filter(|property| property.has_drop).ok_or_else(not_found)?;
        state.check_poison(&[property])?;
        state.disconnect(property);
        Ok(Answer::no_content())
    }
}

fn json_body(call: &Call) -> Outcome<Value> {
    call.json().map_err(|_| Refusal::malformed("the body is not JSON"))
}

/// Inferred: the item fields of OZmap's answer are unknown; these are a guess that nothing should rest on.
fn viability(state: &State, call: &Call) -> Outcome<Value> {
    let number = |name: &str| call.query_value(name).and_then(|text| text.trim().parse::<f64>().ok());
    let centre: Point = match (number("lng"), number("lat")) {
        (Some(lng), Some(lat)) => (lng, lat),
        _ => return Err(Refusal::malformed("lat and lng must be numbers")),
    };
    let radius = number("radius").unwrap_or(300.0);
    let (mut viable, mut others) = (Vec::new(), Vec::new());
    for id in state.ids(Kind::Box, None).chain(state.ids(Kind::Building, None)) {
        let Some(place) = state.document(id) else { continue };
        let metres = place.get("coords").and_then(geometry::point).map(|at| geometry::distance(at, centre));
        let Some(metres) = metres.filter(|metres| *metres <= radius) else { continue };
        let is_draft = place.get("draft").and_then(Value::as_bool).unwrap_or_default();
        let is_viable = !is_draft && state.splitters_in(id).any(|s| s.is_drop && s.free_port().is_some());
        let item = json!({"id": Value::from(id), "name": place.get("name"), "distance": metres.round()});
        if is_viable { viable.push(item) } else { others.push(item) }
    }
    Ok(json!({"viable": !viable.is_empty(), "viableBoxes": viable, "nonViableBoxes": others}))
}
