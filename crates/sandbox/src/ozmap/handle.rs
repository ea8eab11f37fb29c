//! What a test says to the pretend OZmap, and asks it.

use std::sync::atomic::Ordering;
use std::sync::{Arc, RwLockWriteGuard};

use serde_json::{Value, json};

use super::id::{Id, Kind};
use super::list::ListHabit;
use super::manners::OzmapManners;
use super::record::splitter::Port;
use super::routes::Ozmap;
use super::state::State;
use super::test_client::{self, AddedClient, TestClient};
use crate::call_log::CallLog;
use crate::faults::FaultInjector;
use crate::lock::write;

/// Tells the story of a test to the pretend OZmap, and asks it what happened.
#[derive(Clone)]
pub struct OzmapHandle(Arc<Ozmap>);

impl OzmapHandle {
    pub(crate) fn new(ozmap: Arc<Ozmap>) -> OzmapHandle {
        OzmapHandle(ozmap)
    }

    /// What it knows, to be changed past HTTP.
    pub(crate) fn state(&self) -> RwLockWriteGuard<'_, State> {
        self.0.write()
    }

    /// From now on lists of clients and properties are answered so.
    pub(crate) fn set_list_habit(&self, habit: ListHabit) {
        *write(&self.0.list_habit) = habit;
    }

    /// What goes wrong on purpose.
    pub fn faults(&self) -> &FaultInjector {
        &self.0.faults
    }

    /// Who called.
    pub fn calls(&self) -> &CallLog {
        &self.0.calls
    }

    /// The API key, sent as the whole `Authorization` header.
    pub(crate) fn key(&self) -> String {
        self.0.credentials.key.clone()
    }

    /// Login name and password.
    pub(crate) fn login(&self) -> (String, String) {
        (self.0.credentials.login.clone(), self.0.credentials.password.clone())
    }

    /// The stored client with this code (the first, if there are several), as `GET /ftth-clients/{id}` shows it.
    pub fn client(&self, code: &str) -> Option<Value> {
        let state = self.0.read();
        let id = state.client_by_code(code)?.id;
        state.render(id)
    }

    /// The property where the client with this code lives, as `GET /properties/{id}` shows it.
    pub fn property_of(&self, code: &str) -> Option<Value> {
        let state = self.0.read();
        let id = state.property_of(state.client_by_code(code)?.id)?.id;
        state.render(id)
    }

    /// Any record by its identifier, whichever collection it is in.
    pub fn record_of(&self, id: &str) -> Option<Value> {
        self.0.read().render(Id::parse(id)?)
    }

    /// The property on a splitter's port (from 1 on), if any.
    pub fn holder(&self, splitter_id: &str, port: u16) -> Option<String> {
        let splitter = Id::parse(splitter_id)?;
        self.0.read().holder(Port { splitter, number: port }).map(|id| id.to_string())
    }

    /// A free port of some lit drop splitter outside a draft box.
    pub fn free_port(&self) -> Option<(String, u16)> {
        self.0.write().free_port().map(|port| (port.splitter.to_string(), port.number))
    }

    /// Blocks or unblocks a splitter's port (from 1 on); whether there is such a port.
    pub fn block_port(&self, splitter_id: &str, port: u16, blocked: bool) -> bool {
        let Some(id) = Id::parse(splitter_id) else { return false };
        let mut found = false;
        self.0.write().change_splitter(id, |splitter| {
            if let Some(output) = splitter.output_mut(port) {
                output.blocked = blocked;
                found = true;
            }
        });
        found
    }

    /// The codes of all clients, in the order of their creation.
    pub fn codes(&self) -> Vec<String> {
        self.0.read().codes().map(str::to_owned).collect()
    }

    /// Adds a client in a property of its own, even if the code exists already: OZmap's data has such cases.
    pub fn add_client(&self, client: TestClient) -> AddedClient {
        test_client::add(&mut self.0.write(), &client)
    }

    /// Gives the client with this code these values, keeping its place on the map and its port unless
    /// it is to be unconnected; adds it if there is none.
    pub fn put_client(&self, client: TestClient) {
        test_client::put(&mut self.0.write(), &client);
    }

    /// Sets the read power in the property of this client, dBm; whether there is one.
    pub fn set_potency_read(&self, code: &str, dbm: Option<f64>) -> bool {
        let mut state = self.0.write();
        let client = state.client_by_code(code).map(|client| client.id);
        let property = client.and_then(|client| state.property_of(client)).map(|property| property.id);
        if let Some(property) = property {
            state.change_property(property, |property| property.potency_read = dbm);
        }
        property.is_some()
    }

    /// Removes the clients with this code and their properties, freeing the ports; whether there were any.
    pub fn remove_client(&self, code: &str) -> bool {
        let mut state = self.0.write();
        let ids: Vec<Id> = state.clients_with_code(code).collect();
        for id in &ids {
            match state.property_of(*id).map(|property| property.id) {
                Some(property) => state.remove_property(property),
                None => state.remove_client(*id),
            };
        }
        !ids.is_empty()
    }

    /// Removes all clients and properties; the network stays, with all its ports free but the blocked ones.
    pub fn clear(&self) {
        self.0.write().clear_clients();
    }

    /// From now on, every change of this client or its property is refused with 422, and nothing of that request is written.
    pub fn refuse_client(&self, code: &str) {
        self.poison(code);
    }

    /// As [`OzmapHandle::refuse_client`], by a code or by the identifier of a client, property or other record.
    pub fn poison(&self, code_or_id: &str) {
        self.0.write().poison(code_or_id);
    }

    /// Takes back every refusal.
    pub fn forgive(&self) {
        self.0.write().forgive();
    }

    /// From now on this OZmap differs so from the contract.
    pub fn set_manners(&self, manners: OzmapManners) {
        *write(&self.0.manners) = manners;
    }

    /// A record's answers show these fields so, whatever it holds, until the record is changed; whether there is such a record.
    pub fn show_as(&self, id: &str, fields: Value) -> bool {
        let Some((id, Value::Object(fields))) = Id::parse(id).map(|id| (id, fields)) else { return false };
        self.0.write().show_as(id, fields)
    }

    /// Adds a project; its identifier.
    pub fn add_project(&self, name: &str) -> String {
        let mut state = self.0.write();
        let id = state.next_id(Kind::Project);
        let fields = [("name".to_owned(), json!(name)), ("tags".to_owned(), json!([]))];
        state.put_document(id, fields.into_iter().collect());
        id.to_string()
    }

    /// Puts a box, building, splitter or property into a project, it alone; whether there are both.
    pub fn put_into_project(&self, id: &str, project: &str) -> bool {
        let mut state = self.0.write();
        let (Some(id), Some(project)) = (Id::parse(id), Id::parse(project)) else { return false };
        let is_there = state.has(id) && project.kind() == Kind::Project && state.has(project);
        match id.kind() {
            _ if !is_there => (),
            Kind::Property => state.change_property(id, |property| property.project = project),
            Kind::Splitter => state.change_splitter(id, |splitter| splitter.project = project),
            _ => {
                if let Some(fields) = state.document_mut(id) {
                    fields.insert("project".to_owned(), project.into());
                }
            }
        }
        is_there
    }

    /// Adds a client that has no property; the identifier of its record.
    pub fn add_client_without_property(&self, client: TestClient) -> String {
        test_client::add_alone(&mut self.0.write(), &client).to_string()
    }

    /// Whether the batch-update routes exist (else 404).
    pub fn set_batch_update(&self, exists: bool) {
        self.0.batch_update.store(exists, Ordering::Relaxed);
    }

    /// Tokens given by logins are worth nothing from now on; the API key stays good.
    pub fn expire_tokens(&self) {
        self.0.credentials.expire();
    }

    /// How many records of each kind there are.
    pub fn summary(&self) -> Value {
        let state = self.0.read();
        let count = |kind| state.count(kind);
        json!({
            "clients": count(Kind::Client),
            "properties": count(Kind::Property),
            "splitters": count(Kind::Splitter),
            "boxes": count(Kind::Box),
            "buildings": count(Kind::Building),
            "olts": count(Kind::Olt),
        })
    }
}
