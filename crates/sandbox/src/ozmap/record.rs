//! The records that are many (clients, properties, splitters), stored compactly; JSON only on demand.

use compact_str::CompactString;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::id::{Id, Kind};

/// Milliseconds since 1970, as OZmap stamps its records.
pub(crate) type Millis = i64;

pub(crate) fn now() -> Millis {
    Timestamp::now().as_millisecond()
}

/// ISO 8601 with milliseconds and `Z`.
pub(crate) fn iso(at: Millis) -> Value {
    Timestamp::from_millisecond(at).map_or(Value::Null, |at| Value::String(format!("{at:.3}")))
}

fn optional(text: &Option<CompactString>) -> Option<Value> {
    text.as_ref().map(|text| json!(text))
}

/// A subscriber.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) id: Id,
    pub(crate) code: CompactString,
    pub(crate) name: Option<CompactString>,
    pub(crate) observation: Option<CompactString>,
    pub(crate) implanted: bool,
    pub(crate) certified: bool,
    /// 0 = OK, 1 = ERROR.
    pub(crate) status: u8,
    pub(crate) onu: Onu,
    pub(crate) tags: Vec<CompactString>,
    pub(crate) created: Millis,
    pub(crate) updated: Millis,
}

/// A client's ONU; a part that was never sent, or was lost when the object was replaced, is `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Onu {
    pub(crate) user: Option<CompactString>,
    pub(crate) serial: Option<CompactString>,
    pub(crate) mac: Option<CompactString>,
}

impl Onu {
    pub(crate) fn new(user: &str, serial: &str, mac: &str) -> Onu {
        Onu { user: Some(user.into()), serial: Some(serial.into()), mac: Some(mac.into()) }
    }

    fn json(&self) -> Value {
        let mut object = Map::new();
        let parts = [("user_PPPoE", &self.user), ("serial_number", &self.serial), ("mac_address", &self.mac)];
        for (name, value) in parts {
            if let Some(value) = value {
                object.insert(name.to_owned(), json!(value));
            }
        }
        Value::Object(object)
    }
}

impl Client {
    pub(crate) const FIELDS: &[&str] = &[
        "id",
        "code",
        "name",
        "observation",
        "implanted",
        "certified",
        "status",
        "onu",
        "tags",
        "kind",
        "createdAt",
        "updatedAt",
    ];

    pub(crate) fn field(&self, name: &str) -> Option<Value> {
        Some(match name {
            "id" | "_id" => self.id.into(),
            "code" => json!(self.code),
            "name" => return optional(&self.name),
            "observation" => return optional(&self.observation),
            "implanted" => json!(self.implanted),
            "certified" => json!(self.certified),
            "status" => json!(self.status),
            "onu" => self.onu.json(),
            "tags" => json!(self.tags),
            "kind" => json!("ftth"),
            "createdAt" => iso(self.created),
            "updatedAt" => iso(self.updated),
            _ => return None,
        })
    }

    /// The part that lists of properties show.
    pub(crate) fn summary(&self) -> Value {
        let shown = ["id", "code", "name", "implanted", "certified", "status", "onu", "tags", "kind"];
        Value::Object(shown.iter().filter_map(|name| Some(((*name).to_owned(), self.field(name)?))).collect())
    }
}

/// A home (*imóvel*) on the map.
#[derive(Clone, Debug)]
pub(crate) struct Property {
    pub(crate) id: Id,
    /// Longitude and latitude; none inside a building.
    pub(crate) coords: Option<(f64, f64)>,
    pub(crate) address: Option<CompactString>,
    pub(crate) observation: Option<CompactString>,
    pub(crate) project: Id,
    /// A CTO or a building.
    pub(crate) place: Option<Id>,
    pub(crate) pole: Option<CompactString>,
    pub(crate) client: Option<Id>,
    pub(crate) potency_read: Option<f64>,
    pub(crate) connection: Option<Port>,
    /// Whether a drop cable was ever laid.
    pub(crate) has_drop: bool,
    pub(crate) drop_km: f32,
    pub(crate) trace: Trace,
    pub(crate) tags: Vec<CompactString>,
    /// Clients that lived here before.
    pub(crate) former_clients: Vec<Id>,
    pub(crate) created: Millis,
    pub(crate) updated: Millis,
}

/// How the calculated power of a property is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trace {
    /// One path from the PON.
    Single,
    /// Two paths, the first of which does not reach a PON.
    Double,
    /// An empty array, although there is a connection.
    Empty,
}

/// One output of a splitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Port {
    pub(crate) splitter: Id,
    /// From 1 on.
    pub(crate) number: u16,
}

impl Property {
    pub(crate) const FIELDS: &[&str] = &[
        "id",
        "kind",
        "coords",
        "lat",
        "lng",
        "address",
        "observation",
        "project",
        "box",
        "pole",
        "drop",
        "parent",
        "client",
        "potencyRead",
        "connections",
        "history",
        "tags",
        "createdAt",
        "updatedAt",
    ];

    pub(crate) fn drop_id(&self) -> Option<Id> {
        self.has_drop.then(|| self.id.as_kind(Kind::Drop))
    }

    /// The fibre that stands in a splitter's `connectables` while this property is connected.
    pub(crate) fn fiber_id(&self) -> Id {
        self.id.as_kind(Kind::Fiber)
    }

    /// All fields but `client` and `connections`, which need the rest of the state.
    pub(crate) fn field(&self, name: &str) -> Option<Value> {
        Some(match name {
            "id" | "_id" => self.id.into(),
            "kind" => json!("Property"),
            "coords" => self.coords.map_or(Value::Null, |(lng, lat)| json!([lng, lat])),
            "lat" => self.coords.map_or(Value::Null, |(_, lat)| json!(lat)),
            "lng" => self.coords.map_or(Value::Null, |(lng, _)| json!(lng)),
            "address" => return optional(&self.address),
            "observation" => return optional(&self.observation),
            "project" => self.project.into(),
            "box" => self.place.map_or(Value::Null, Value::from),
            "pole" => optional(&self.pole).unwrap_or(Value::Null),
            "drop" => self.drop_id().map_or(Value::Null, Value::from),
            "parent" => match self.place {
                Some(place) if place.kind() == Kind::Building => json!({ "id": Value::from(place) }),
                _ => return None,
            },
            "potencyRead" => json!(self.potency_read),
            "history" => {
                let clients: Vec<Value> = self.former_clients.iter().map(|id| (*id).into()).collect();
                json!({ "clients": clients })
            }
            "tags" => json!(self.tags),
            "createdAt" => iso(self.created),
            "updatedAt" => iso(self.updated),
            _ => return None,
        })
    }
}

/// An optical splitter.
#[derive(Clone, Debug)]
pub(crate) struct Splitter {
    pub(crate) id: Id,
    pub(crate) name: CompactString,
    pub(crate) label: CompactString,
    pub(crate) observation: Option<CompactString>,
    /// A box or a building.
    pub(crate) parent: Id,
    pub(crate) project: Id,
    pub(crate) splitter_type: Id,
    /// Serves clients (*splitter de atendimento*).
    pub(crate) is_drop: bool,
    pub(crate) implanted: bool,
    /// Decibels lost between the input and any output.
    pub(crate) loss: f64,
    /// What feeds the input: a PON or the fibre of another splitter.
    pub(crate) input: Option<Id>,
    /// The way from the PON to this splitter's outputs; none when nothing lights it.
    pub(crate) route: Option<Route>,
    pub(crate) outputs: Vec<Output>,
    pub(crate) tags: Vec<CompactString>,
    pub(crate) created: Millis,
    pub(crate) updated: Millis,
}

/// The optical way from a PON to the outputs of a splitter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route {
    pub(crate) pon: Id,
    /// Decibels, the splitter's own loss included.
    pub(crate) attenuation: f64,
    pub(crate) km: f64,
}

/// One output port.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Output {
    /// The fibre that is connected, if any.
    pub(crate) fiber: Option<Id>,
    pub(crate) blocked: bool,
}

impl Output {
    pub(crate) fn is_free(self) -> bool {
        self.fiber.is_none() && !self.blocked
    }
}

impl Splitter {
    pub(crate) const FIELDS: &[&str] = &[
        "id",
        "kind",
        "name",
        "label",
        "observation",
        "parent",
        "project",
        "splitterType",
        "ratio",
        "isDrop",
        "isBalanced",
        "implanted",
        "attenuation",
        "connectables",
        "ports",
        "currentPower",
        "installPower",
        "tags",
        "createdAt",
        "updatedAt",
    ];

    /// `launch` is the power of the PON that lights this splitter, dBm.
    ///
    /// Inferred: the `index` of a port counts from 1; its place in the array is what the contract vouches for.
    pub(crate) fn field(&self, name: &str, launch: impl Fn(Id) -> Option<f64>) -> Option<Value> {
        let per_output = |value: Value| Value::Array(vec![value; self.outputs.len()]);
        Some(match name {
            "id" | "_id" => self.id.into(),
            "kind" => json!("Splitter"),
            "name" => json!(self.name),
            "label" => json!(self.label),
            "observation" => return optional(&self.observation),
            "parent" => self.parent.into(),
            "project" => self.project.into(),
            "splitterType" => self.splitter_type.into(),
            "ratio" => json!({"input": 1, "output": self.outputs.len()}),
            "isDrop" => json!(self.is_drop),
            "isBalanced" => json!(true),
            "implanted" => json!(self.implanted),
            "attenuation" => per_output(json!(self.loss)),
            "connectables" => {
                let outputs: Vec<Value> =
                    self.outputs.iter().map(|output| output.fiber.map_or(Value::Null, Value::from)).collect();
                json!({"input": [self.input.map_or(Value::Null, Value::from)], "output": outputs})
            }
            "ports" => self
                .outputs
                .iter()
                .enumerate()
                .map(|(index, output)| json!({"index": index + 1, "blocked": output.blocked, "tags": []}))
                .collect(),
            "currentPower" | "installPower" => {
                let power = self.route.and_then(|route| Some(launch(route.pon)? - route.attenuation));
                per_output(json!(power.map(hundredths)))
            }
            "tags" => json!(self.tags),
            "createdAt" => iso(self.created),
            "updatedAt" => iso(self.updated),
            _ => return None,
        })
    }
}

/// Rounds decibels to the two places that both systems show.
pub(crate) fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
