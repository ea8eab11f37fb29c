//! A pretend OZmap: state first, its HTTP face in `routes`.
//!
//! Source of every rule: OZmap's SDK 1.1.8 and help centre, and answers seen in production; what rests on neither is marked
//! `Inferred:`.

mod change;
mod credentials;
mod filter;
mod geometry;
mod home;
#[cfg(test)]
mod home_tests;
mod id;
mod list;
mod potency;
mod record;
mod refusal;
mod routes;
mod state;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use compact_str::CompactString;
pub(super) use credentials::Credentials;
pub(super) use geometry::distance;
pub(super) use id::{Id, Kind};
pub(super) use potency::{LOSS_PER_KM, arriving};
pub(super) use record::{Client, Onu, Output, Port, Property, Route, Splitter, Trace, hundredths, iso, now};
pub(super) use routes::Ozmap;
use serde_json::{Value, json};
pub(super) use state::State;

use crate::call_log::CallLog;
use crate::faults::FaultInjector;

/// Tells the story of a test to the pretend OZmap, and asks it what happened.
#[derive(Clone)]
pub struct OzmapHandle(Arc<Ozmap>);

/// A client and its property as a test wants them; [`Subscriber::new`] is implanted, OK, unread, and without ONU data.
#[derive(Clone, Debug, PartialEq)]
pub struct Subscriber {
    /// The business key.
    pub code: String,
    /// The name; none by default.
    pub name: Option<String>,
    /// Whether the client is implanted; true by default.
    pub implanted: bool,
    /// Whether the client is certified; false by default.
    pub certified: bool,
    /// 0 = OK (the default), 1 = ERROR.
    pub status: u8,
    /// Read power of the property in dBm; none by default.
    pub potency_read: Option<f64>,
    /// PPPoE user, serial number and MAC address; empty by default.
    pub onu: (String, String, String),
    /// Whether the property has a port; true by default.
    pub connected: bool,
}

impl Subscriber {
    /// An ordinary client with this code.
    pub fn new(code: &str) -> Subscriber {
        Subscriber {
            code: code.to_owned(),
            name: None,
            implanted: true,
            certified: false,
            status: 0,
            potency_read: None,
            onu: Default::default(),
            connected: true,
        }
    }

    /// Sets the name.
    pub fn name(mut self, name: &str) -> Subscriber {
        self.name = Some(name.to_owned());
        self
    }

    /// Sets the implantation.
    pub fn implanted(mut self, implanted: bool) -> Subscriber {
        self.implanted = implanted;
        self
    }

    /// Sets the status: 0 = OK, 1 = ERROR.
    pub fn status(mut self, status: u8) -> Subscriber {
        self.status = status;
        self
    }

    /// Sets the read power of the property, dBm.
    pub fn potency_read(mut self, dbm: f64) -> Subscriber {
        self.potency_read = Some(dbm);
        self
    }

    /// Sets the ONU data.
    pub fn onu(mut self, user_pppoe: &str, serial_number: &str, mac_address: &str) -> Subscriber {
        self.onu = (user_pppoe.to_owned(), serial_number.to_owned(), mac_address.to_owned());
        self
    }

    /// Gives the property no port.
    pub fn unconnected(mut self) -> Subscriber {
        self.connected = false;
        self
    }
}

/// What [`OzmapHandle::add_client`] made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// The client's identifier.
    pub client_id: String,
    /// The property's identifier.
    pub property_id: String,
    /// The splitter and port (from 1 on) that the property has, if any.
    pub port: Option<(String, u16)>,
}

impl OzmapHandle {
    pub(super) fn new(ozmap: Arc<Ozmap>) -> OzmapHandle {
        OzmapHandle(ozmap)
    }

    /// What goes wrong on purpose.
    pub fn faults(&self) -> &FaultInjector {
        &self.0.faults
    }

    /// Who called.
    pub fn calls(&self) -> &CallLog {
        &self.0.calls
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
        let id = state.home_of(state.client_by_code(code)?.id)?.id;
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
            if let Some(output) =
                usize::from(port).checked_sub(1).and_then(|index| splitter.outputs.get_mut(index))
            {
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
    pub fn add_client(&self, subscriber: Subscriber) -> Added {
        let mut state = self.0.write();
        let client_id = state.next_id(Kind::Client);
        let at = now();
        state.put_client(Client {
            id: client_id,
            code: CompactString::default(),
            name: None,
            observation: None,
            implanted: false,
            certified: false,
            status: 0,
            onu: Onu::default(),
            tags: Vec::new(),
            created: at,
            updated: at,
        });
        state.change_client(client_id, |client| assign(client, &subscriber));
        let port = if subscriber.connected { super::town::port_for_test(&mut state) } else { None };
        let property_id = super::town::home_for_test(&mut state, client_id, port, subscriber.potency_read);
        Added {
            client_id: client_id.to_string(),
            property_id: property_id.to_string(),
            port: port.map(|port| (port.splitter.to_string(), port.number)),
        }
    }

    /// Gives the client with this code these values, keeping its place on the map and its port unless
    /// it is to be unconnected; adds it if there is none.
    pub fn put_client(&self, subscriber: Subscriber) {
        let mut state = self.0.write();
        let Some(id) = state.client_by_code(&subscriber.code).map(|client| client.id) else {
            drop(state);
            self.add_client(subscriber);
            return;
        };
        state.change_client(id, |client| assign(client, &subscriber));
        if let Some(home) = state.home_of(id).map(|home| home.id) {
            state.change_property(home, |home| home.potency_read = subscriber.potency_read);
            if !subscriber.connected {
                state.disconnect(home);
            }
        }
    }

    /// Sets the read power in the property of this client, dBm; whether there is one.
    pub fn set_potency_read(&self, code: &str, dbm: Option<f64>) -> bool {
        let mut state = self.0.write();
        let home = state.client_by_code(code).and_then(|client| state.home_of(client.id)).map(|home| home.id);
        if let Some(home) = home {
            state.change_property(home, |home| home.potency_read = dbm);
        }
        home.is_some()
    }

    /// Removes the clients with this code and their properties, freeing the ports; whether there were any.
    pub fn remove_client(&self, code: &str) -> bool {
        let mut state = self.0.write();
        let ids: Vec<Id> = state.clients_with_code(code).collect();
        for id in &ids {
            match state.home_of(*id).map(|home| home.id) {
                Some(home) => state.remove_property(home),
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

    /// Whether the batch-update routes exist (else 404).
    pub fn set_batch_update(&self, exists: bool) {
        self.0.batch_update.store(exists, Ordering::Relaxed);
    }

    /// Tokens given by logins are worth nothing from now on; the API key stays good.
    pub fn expire_tokens(&self) {
        self.0.credentials.expire();
    }

    /// How many clients, properties and splitters there are.
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

fn assign(client: &mut Client, subscriber: &Subscriber) {
    let Subscriber { code, name, implanted, certified, status, potency_read: _, onu, connected: _ } =
        subscriber;
    client.code = code.into();
    client.name = name.as_ref().map(CompactString::from);
    client.implanted = *implanted;
    client.certified = *certified;
    client.status = *status;
    client.onu = Onu::new(&onu.0, &onu.1, &onu.2);
}

impl Ozmap {
    pub(super) fn new(faults: FaultInjector, state: State, next_urls: bool, batch_update: bool) -> Ozmap {
        Ozmap {
            faults,
            calls: CallLog::default(),
            credentials: Credentials::random(),
            state: state.into(),
            next_urls,
            batch_update: AtomicBool::new(batch_update),
        }
    }
}
