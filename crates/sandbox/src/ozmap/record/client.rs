//! A client and its ONU.

use compact_str::CompactString;
use serde_json::{Map, Value, json};

use super::{Millis, iso, optional};
use crate::ozmap::id::Id;

/// A client, the subscriber of an ISP. Source: `docs/contracts/ozmap-api.md`, "Client".
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Client {
    pub(crate) id: Id,
    pub(crate) code: CompactString,
    pub(crate) name: Option<CompactString>,
    pub(crate) observation: Option<CompactString>,
    pub(crate) implanted: bool,
    pub(crate) certified: bool,
    /// 0 = OK, 1 = ERROR; null where nothing has set it yet. Inferred.
    pub(crate) status: Option<u8>,
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
    /// A client of which nothing is known yet: not implanted, OK, with empty ONU data, without a code.
    pub(crate) fn new(id: Id, at: Millis) -> Client {
        Client {
            id,
            code: CompactString::default(),
            name: None,
            observation: None,
            implanted: false,
            certified: false,
            status: Some(0),
            onu: Onu::new("", "", ""),
            tags: Vec::new(),
            created: at,
            updated: at,
        }
    }

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
