//! Records as JSON, with what the rest of the state knows of them.

use serde_json::{Value, json};

use super::State;
use crate::ozmap::id::{Id, Kind};
use crate::ozmap::record::client::Client;
use crate::ozmap::record::property::Property;
use crate::ozmap::record::splitter::Splitter;

impl State {
    /// One top-level field of any record.
    pub(crate) fn field(&self, id: Id, name: &str) -> Option<Value> {
        if let Some(shown) = self.shown.get(&id).and_then(|fields| fields.get(name)) {
            return Some(shown.clone());
        }
        match id.kind() {
            Kind::Client => self.clients.get(&id)?.field(name),
            Kind::Property => {
                let property = self.properties.get(&id)?;
                match name {
                    "client" => {
                        Some(self.client_of(property).map_or(Value::Null, |client| self.summary(client)))
                    }
                    "connections" => Some(self.connections(property)),
                    _ => property.field(name),
                }
            }
            Kind::Splitter => self.splitters.get(&id)?.field(name, |pon| self.launch_power(pon)),
            _ if matches!(name, "id" | "_id") => self.documents.contains_key(&id).then(|| id.into()),
            _ => self.documents.get(&id)?.get(name).cloned(),
        }
    }

    /// A whole record as JSON.
    pub(crate) fn render(&self, id: Id) -> Option<Value> {
        let names = match id.kind() {
            Kind::Client => Client::FIELDS,
            Kind::Property => Property::FIELDS,
            Kind::Splitter => Splitter::FIELDS,
            _ => {
                let mut object = self.documents.get(&id)?.clone();
                object.insert("id".to_owned(), id.into());
                return Some(Value::Object(object));
            }
        };
        self.has(id).then(|| {
            names.iter().filter_map(|name| Some(((*name).to_owned(), self.field(id, name)?))).collect()
        })
    }

    fn summary(&self, client: &Client) -> Value {
        let mut summary = client.summary();
        if let (Some(shown), Value::Object(fields)) = (self.shown.get(&client.id), &mut summary) {
            fields.extend(shown.clone());
        }
        summary
    }

    fn client_of(&self, property: &Property) -> Option<&Client> {
        property.client.and_then(|id| self.clients.get(&id))
    }

    fn connections(&self, property: &Property) -> Value {
        let Some((port, splitter)) =
            property.connection.and_then(|port| Some((port, self.splitter(port.splitter)?)))
        else {
            return json!([]);
        };
        json!([{
            "id": Value::from(splitter.id),
            "kind": "Splitter",
            "port": port.number,
            "name": splitter.name,
            "implanted": splitter.implanted,
            "fiber": Value::from(property.fiber_id()),
        }])
    }
}
