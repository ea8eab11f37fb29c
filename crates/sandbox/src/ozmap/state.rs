//! Everything a pretend OZmap knows, with the indexes that keep it quick at 200,000 clients.

mod ports;
mod render;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound;

use compact_str::CompactString;
use serde_json::{Map, Value};

use super::id::{Id, Kind};
use super::record::client::Client;
use super::record::now;
use super::record::property::Property;
use super::record::splitter::Splitter;
use super::refusal::{Outcome, Refusal};

/// The state of one OZmap tenant.
#[derive(Default)]
pub(crate) struct State {
    clients: BTreeMap<Id, Client>,
    codes: BTreeSet<(CompactString, Id)>,
    properties: BTreeMap<Id, Property>,
    /// The property of each client that has one.
    property_of_client: HashMap<Id, Id>,
    splitters: BTreeMap<Id, Splitter>,
    /// Which splitters a box or building holds.
    inside: BTreeSet<(Id, Id)>,
    /// The few and plain records: OLTs, boxes, buildings, types and the like.
    documents: BTreeMap<Id, Map<String, Value>>,
    /// Codes and identifiers whose changes are refused.
    poisoned: HashSet<String>,
    /// Fields that answers show in another shape than the record's own.
    shown: HashMap<Id, Map<String, Value>>,
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
    pub(crate) fn property_of(&self, client: Id) -> Option<&Property> {
        self.property_of_client.get(&client).and_then(|id| self.properties.get(id))
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

    // Changing things

    /// Shows fields of a record in another shape until it is changed; whether there is such a record.
    pub(crate) fn show_as(&mut self, id: Id, fields: Map<String, Value>) -> bool {
        self.shown.insert(id, fields);
        self.has(id)
    }

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
        self.shown.remove(&id);
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
        if let Some(property) =
            self.property_of_client.remove(&id).and_then(|id| self.properties.get_mut(&id))
        {
            property.client = None;
            property.former_clients.push(id);
            property.updated = now();
        }
        true
    }

    /// Adds a property that has no connection yet.
    pub(crate) fn put_property(&mut self, property: Property) {
        if let Some(client) = property.client {
            self.property_of_client.insert(client, property.id);
        }
        self.properties.insert(property.id, property);
    }

    /// Stamps a property and changes it in place; client and connection have their own ways.
    pub(crate) fn change_property(&mut self, id: Id, change: impl FnOnce(&mut Property)) {
        if let Some(property) = self.properties.get_mut(&id) {
            self.shown.remove(&id);
            property.updated = now();
            change(property);
        }
    }

    /// Gives a property a client, or none.
    pub(crate) fn set_client(&mut self, id: Id, client: Option<Id>) {
        let Some(property) = self.properties.get_mut(&id) else { return };
        if property.client == client {
            return;
        }
        if let Some(former) = property.client {
            self.property_of_client.remove(&former);
            property.former_clients.push(former);
        }
        property.client = client;
        if let Some(client) = client {
            self.property_of_client.insert(client, id);
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
        self.property_of_client.clear();
        for splitter in self.splitters.values_mut().filter(|splitter| splitter.is_drop) {
            splitter.outputs.iter_mut().for_each(|output| output.fiber = None);
        }
        self.first_free = Some(Id::first(Kind::Splitter));
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
            Kind::Client => {
                bad_client(id) || self.property_of_client.get(&id).is_some_and(|property| bad(*property))
            }
            Kind::Property => {
                bad(id) || self.property(id).and_then(|property| property.client).is_some_and(bad_client)
            }
            _ => bad(id),
        };
        match ids.iter().find(|id| touched(**id)) {
            Some(id) => Err(Refusal::forbidden(format!("{id} cannot be changed"))),
            None => Ok(()),
        }
    }
}
