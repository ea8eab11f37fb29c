//! A property: where a client lives, and the port that it holds.

use compact_str::CompactString;
use serde_json::{Value, json};

use super::splitter::Port;
use super::{Millis, iso, optional};
use crate::ozmap::geometry::Point;
use crate::ozmap::id::{Id, Kind};

/// The place at which a client lives (*imóvel*). Source: `docs/contracts/ozmap-api.md`, "Property (imóvel)".
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Property {
    pub(crate) id: Id,
    /// Longitude and latitude; none inside a building.
    pub(crate) coords: Option<Point>,
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

impl Property {
    /// A property that is nowhere yet, without client and connection.
    pub(crate) fn new(id: Id, project: Id, at: Millis) -> Property {
        Property {
            id,
            coords: None,
            address: None,
            observation: None,
            project,
            place: None,
            pole: None,
            client: None,
            potency_read: None,
            connection: None,
            has_drop: false,
            drop_km: 0.0,
            trace: Trace::Single,
            tags: Vec::new(),
            former_clients: Vec::new(),
            created: at,
            updated: at,
        }
    }

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
