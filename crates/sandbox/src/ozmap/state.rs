//! Everything a pretend OZmap knows, with the indexes that keep it quick at 200,000 clients.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound;

use compact_str::CompactString;
use serde_json::{Map, Value, json};

use super::id::{Id, Kind};
use super::record::{Client, Port, Property, Splitter, now};
use super::refusal::{Outcome, Refusal};

/// The state of one OZmap tenant.
#[derive(Default)]
pub(crate) struct State {
    clients: BTreeMap<Id, Client>,
    codes: BTreeSet<(CompactString, Id)>,
    properties: BTreeMap<Id, Property>,
    homes: HashMap<Id, Id>,
    splitters: BTreeMap<Id, Splitter>,
    /// Which splitters a box or building holds.
    inside: BTreeSet<(Id, Id)>,
    /// The few and plain records: OLTs, boxes, buildings, types and the like.
    documents: BTreeMap<Id, Map<String, Value>>,
    /// Codes and identifiers whose changes are refused.
    poisoned: HashSet<String>,
    last_number: u32,
    /// No splitter before this one has a free port.
    first_free: Option<Id>,
}

impl State {
    /// A new identifier, later than all others of its kind.
    pub(crate) fn next_id(&mut self, kind: Kind) -> Id {
        self.last_number += 1;
        Id::new(kind, self.last_number)
    }

    // Looking things up

    pub(crate) fn client(&self, id: Id) -> Option<&Client> {
        self.clients.get(&id)
    }

    pub(crate) fn client_by_code(&self, code: &str) -> Option<&Client> {
        self.clients_with_code(code).next().and_then(|id| self.client(id))
    }

    pub(crate) fn clients_with_code(&self, code: &str) -> impl Iterator<Item = Id> {
        let code = CompactString::from(code);
        let range = (code.clone(), Id::first(Kind::Client))..=(code, Id::last(Kind::Client));
        self.codes.range(range).map(|(_, id)| *id)
    }

    pub(crate) fn codes(&self) -> impl Iterator<Item = &str> {
        self.clients.values().map(|client| client.code.as_str())
    }

    pub(crate) fn property(&self, id: Id) -> Option<&Property> {
        self.properties.get(&id)
    }

    /// The property where a client lives.
    pub(crate) fn home_of(&self, client: Id) -> Option<&Property> {
        self.homes.get(&client).and_then(|id| self.properties.get(id))
    }

    pub(crate) fn splitter(&self, id: Id) -> Option<&Splitter> {
        self.splitters.get(&id)
    }

    pub(crate) fn splitters_in(&self, place: Id) -> impl Iterator<Item = &Splitter> {
        let range = (place, Id::first(Kind::Splitter))..=(place, Id::last(Kind::Splitter));
        self.inside.range(range).filter_map(|(_, id)| self.splitters.get(id))
    }

    pub(crate) fn document(&self, id: Id) -> Option<&Map<String, Value>> {
        self.documents.get(&id)
    }

    pub(crate) fn has(&self, id: Id) -> bool {
        match id.kind() {
            Kind::Client => self.clients.contains_key(&id),
            Kind::Property => self.properties.contains_key(&id),
            Kind::Splitter => self.splitters.contains_key(&id),
            _ => self.documents.contains_key(&id),
        }
    }

    /// The launch power of a PON, dBm.
    pub(crate) fn launch_power(&self, pon: Id) -> Option<f64> {
        self.document(pon)?.get("potency")?.as_f64()
    }

    /// The identifiers of a collection in ascending order, from after `cursor` on.
    pub(crate) fn ids(&self, kind: Kind, cursor: Option<Id>) -> Box<dyn Iterator<Item = Id> + '_> {
        let from =
            cursor.filter(|id| id.kind() == kind).map_or(Bound::Included(Id::first(kind)), Bound::Excluded);
        let range = (from, Bound::Included(Id::last(kind)));
        if matches!(range, (Bound::Excluded(from), Bound::Included(to)) if from == to) {
            return Box::new(std::iter::empty());
        }
        match kind {
            Kind::Client => Box::new(self.clients.range(range).map(|(id, _)| *id)),
            Kind::Property => Box::new(self.properties.range(range).map(|(id, _)| *id)),
            Kind::Splitter => Box::new(self.splitters.range(range).map(|(id, _)| *id)),
            _ => Box::new(self.documents.range(range).map(|(id, _)| *id)),
        }
    }

    pub(crate) fn count(&self, kind: Kind) -> usize {
        match kind {
            Kind::Client => self.clients.len(),
            Kind::Property => self.properties.len(),
            Kind::Splitter => self.splitters.len(),
            _ => self.ids(kind, None).count(),
        }
    }

    /// One top-level field of any record.
    pub(crate) fn field(&self, id: Id, name: &str) -> Option<Value> {
        match id.kind() {
            Kind::Client => self.clients.get(&id)?.field(name),
            Kind::Property => {
                let property = self.properties.get(&id)?;
                match name {
                    "client" => Some(self.resident(property).map_or(Value::Null, Client::summary)),
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

    pub(crate) fn resident(&self, property: &Property) -> Option<&Client> {
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

    // Changing things

    pub(crate) fn put_document(&mut self, id: Id, fields: Map<String, Value>) {
        self.documents.insert(id, fields);
    }

    pub(crate) fn document_mut(&mut self, id: Id) -> Option<&mut Map<String, Value>> {
        self.documents.get_mut(&id)
    }

    pub(crate) fn put_splitter(&mut self, splitter: Splitter) {
        self.inside.insert((splitter.parent, splitter.id));
        if self.first_free.is_none_or(|first| splitter.id < first) {
            self.first_free = Some(splitter.id);
        }
        self.splitters.insert(splitter.id, splitter);
    }

    /// Stamps a splitter and changes it in place; its parent must stay.
    pub(crate) fn change_splitter(&mut self, id: Id, change: impl FnOnce(&mut Splitter)) {
        if let Some(splitter) = self.splitters.get_mut(&id) {
            splitter.updated = now();
            change(splitter);
            if self.first_free.is_none_or(|first| id < first) {
                self.first_free = Some(id);
            }
        }
    }

    /// Adds a client, or puts it in the place of the one with its identifier.
    pub(crate) fn put_client(&mut self, client: Client) {
        let (id, code) = (client.id, client.code.clone());
        if let Some(before) = self.clients.insert(id, client) {
            self.codes.remove(&(before.code, id));
        }
        self.codes.insert((code, id));
    }

    /// Stamps a client and changes it in place.
    pub(crate) fn change_client(&mut self, id: Id, change: impl FnOnce(&mut Client)) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        let before = client.code.clone();
        client.updated = now();
        change(client);
        if client.code != before {
            self.codes.insert((client.code.clone(), id));
            self.codes.remove(&(before, id));
        }
    }

    /// Removes a client; its property stays, without a client.
    pub(crate) fn remove_client(&mut self, id: Id) -> bool {
        let Some(client) = self.clients.remove(&id) else { return false };
        self.codes.remove(&(client.code, id));
        if let Some(property) = self.homes.remove(&id).and_then(|home| self.properties.get_mut(&home)) {
            property.client = None;
            property.former_clients.push(id);
            property.updated = now();
        }
        true
    }

    /// Adds a property that has no connection yet.
    pub(crate) fn put_property(&mut self, property: Property) {
        if let Some(client) = property.client {
            self.homes.insert(client, property.id);
        }
        self.properties.insert(property.id, property);
    }

    /// Stamps a property and changes it in place; client and connection have their own ways.
    pub(crate) fn change_property(&mut self, id: Id, change: impl FnOnce(&mut Property)) {
        if let Some(property) = self.properties.get_mut(&id) {
            property.updated = now();
            change(property);
        }
    }

    /// Lets a client live in a property, or nobody.
    pub(crate) fn settle(&mut self, property: Id, client: Option<Id>) {
        let Some(home) = self.properties.get_mut(&property) else { return };
        if home.client == client {
            return;
        }
        if let Some(former) = home.client {
            self.homes.remove(&former);
            home.former_clients.push(former);
        }
        home.client = client;
        if let Some(client) = client {
            self.homes.insert(client, property);
        }
    }

    /// Removes a property with its client, and frees its port.
    pub(crate) fn remove_property(&mut self, id: Id) -> bool {
        self.disconnect(id);
        let Some(property) = self.properties.remove(&id) else { return false };
        if let Some(client) = property.client {
            self.remove_client(client);
        }
        true
    }

    /// Removes every client and property; the network stays, all its unblocked ports free.
    pub(crate) fn clear_clients(&mut self) {
        self.clients.clear();
        self.codes.clear();
        self.properties.clear();
        self.homes.clear();
        for splitter in self.splitters.values_mut().filter(|splitter| splitter.is_drop) {
            splitter.outputs.iter_mut().for_each(|output| output.fiber = None);
        }
        self.first_free = Some(Id::first(Kind::Splitter));
    }

    // Ports

    /// The property on a port, if any.
    pub(crate) fn holder(&self, port: Port) -> Option<Id> {
        let fiber =
            self.splitter(port.splitter)?.outputs.get(usize::from(port.number).checked_sub(1)?)?.fiber?;
        Some(fiber.as_kind(Kind::Property)).filter(|property| self.properties.contains_key(property))
    }

    /// Whether `property` may take a port, as far as OZmap's rules go.
    ///
    /// Inferred: a port that another property holds is refused unless `force` is sent; a blocked port always is.
    pub(crate) fn check_port(&self, port: Port, property: Option<Id>, force: bool) -> Outcome<()> {
        let splitter =
            self.splitter(port.splitter).ok_or_else(|| Refusal::forbidden("connector: no such splitter"))?;
        if !splitter.is_drop {
            return Err(Refusal::forbidden("connector: this splitter does not serve clients"));
        }
        let output = usize::from(port.number).checked_sub(1).and_then(|index| splitter.outputs.get(index));
        let output = output.ok_or_else(|| {
            Refusal::forbidden(format!("port: must be between 1 and {}", splitter.outputs.len()))
        })?;
        if let Some(fiber) = output.fiber {
            let own = property.is_some_and(|property| property.as_kind(Kind::Fiber) == fiber);
            if own || (force && !output.blocked) {
                return Ok(());
            }
            return Err(Refusal::forbidden(format!("port: {} of {} is in use", port.number, splitter.name)));
        }
        if output.blocked {
            return Err(Refusal::forbidden(format!("port: {} of {} is blocked", port.number, splitter.name)));
        }
        Ok(())
    }

    /// Puts a property on a port that [`State::check_port`] allowed; whoever else was there is unplugged.
    pub(crate) fn connect(&mut self, property: Id, port: Port) {
        if let Some(other) = self.holder(port).filter(|other| *other != property) {
            self.disconnect(other);
        }
        self.disconnect(property);
        let Some(home) = self.properties.get_mut(&property) else { return };
        home.connection = Some(port);
        home.has_drop = true;
        let fiber = home.fiber_id();
        let output = self
            .splitters
            .get_mut(&port.splitter)
            .and_then(|splitter| splitter.outputs.get_mut(usize::from(port.number).checked_sub(1)?));
        if let Some(output) = output {
            output.fiber = Some(fiber);
        }
    }

    /// Frees the port of a property, which stays; whether it had one.
    pub(crate) fn disconnect(&mut self, property: Id) -> bool {
        let Some(port) = self.properties.get_mut(&property).and_then(|home| home.connection.take()) else {
            return false;
        };
        self.change_splitter(port.splitter, |splitter| {
            if let Some(output) =
                usize::from(port.number).checked_sub(1).and_then(|i| splitter.outputs.get_mut(i))
            {
                output.fiber = None;
            }
        });
        true
    }

    /// The first free port of a splitter.
    pub(crate) fn free_port_of(splitter: &Splitter) -> Option<Port> {
        let index = splitter.outputs.iter().position(|output| output.is_free())?;
        Some(Port { splitter: splitter.id, number: u16::try_from(index + 1).ok()? })
    }

    /// The first free port of any lit drop splitter.
    pub(crate) fn free_port(&mut self) -> Option<Port> {
        let from = self.first_free?;
        let mut candidates = self.splitters.range(from..).map(|(_, splitter)| splitter);
        let found = candidates
            .by_ref()
            .filter(|splitter| splitter.is_drop && splitter.route.is_some())
            .find_map(State::free_port_of);
        self.first_free = found.map(|port| port.splitter);
        found
    }

    // Poison

    /// From now on every change that touches this code or identifier is refused.
    pub(crate) fn poison(&mut self, key: &str) {
        self.poisoned.insert(key.to_owned());
    }

    pub(crate) fn forgive(&mut self) {
        self.poisoned.clear();
    }

    /// Refuses if a client or property among these, or its counterpart, is poisoned.
    pub(crate) fn check_poison(&self, ids: &[Id]) -> Outcome<()> {
        if self.poisoned.is_empty() {
            return Ok(());
        }
        let bad = |id: Id| self.poisoned.contains(&id.to_string());
        let bad_client = |id: Id| {
            bad(id) || self.client(id).is_some_and(|client| self.poisoned.contains(client.code.as_str()))
        };
        let touched = |id: Id| match id.kind() {
            Kind::Client => bad_client(id) || self.homes.get(&id).is_some_and(|home| bad(*home)),
            Kind::Property => {
                bad(id) || self.property(id).and_then(|home| home.client).is_some_and(bad_client)
            }
            _ => bad(id),
        };
        match ids.iter().find(|id| touched(**id)) {
            Some(id) => Err(Refusal::forbidden(format!("{id} cannot be changed"))),
            None => Ok(()),
        }
    }
}
