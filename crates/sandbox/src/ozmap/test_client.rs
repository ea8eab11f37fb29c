//! Clients that a test adds to the town, each with a property beside a box that has a port for it.

use compact_str::CompactString;

use super::geometry::shifted;
use super::id::{Id, Kind};
use super::record::client::{Client, Onu};
use super::record::now;
use super::record::property::Property;
use super::record::splitter::{Output, Port, Splitter};
use super::state::State;

/// A client and its property as a test wants them; [`TestClient::new`] is implanted, OK, unread, and without ONU data.
#[derive(Clone, Debug, PartialEq)]
pub struct TestClient {
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

impl TestClient {
    /// An ordinary client with this code.
    pub fn new(code: &str) -> TestClient {
        TestClient {
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
    pub fn name(mut self, name: &str) -> TestClient {
        self.name = Some(name.to_owned());
        self
    }

    /// Sets the implantation.
    pub fn implanted(mut self, implanted: bool) -> TestClient {
        self.implanted = implanted;
        self
    }

    /// Sets the status: 0 = OK, 1 = ERROR.
    pub fn status(mut self, status: u8) -> TestClient {
        self.status = status;
        self
    }

    /// Sets the read power of the property, dBm.
    pub fn potency_read(mut self, dbm: f64) -> TestClient {
        self.potency_read = Some(dbm);
        self
    }

    /// Sets the ONU data.
    pub fn onu(mut self, user_pppoe: &str, serial_number: &str, mac_address: &str) -> TestClient {
        self.onu = (user_pppoe.to_owned(), serial_number.to_owned(), mac_address.to_owned());
        self
    }

    /// Gives the property no port.
    pub fn unconnected(mut self) -> TestClient {
        self.connected = false;
        self
    }

    /// Gives a client of OZmap these values; what belongs to its property is not among them.
    fn assign_to(&self, client: &mut Client) {
        let TestClient { code, name, implanted, certified, status, potency_read: _, onu, connected: _ } =
            self;
        client.code = code.into();
        client.name = name.as_ref().map(CompactString::from);
        client.implanted = *implanted;
        client.certified = *certified;
        client.status = Some(*status);
        client.onu = Onu::new(&onu.0, &onu.1, &onu.2);
    }
}

/// What [`OzmapHandle::add_client`](crate::OzmapHandle::add_client) made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddedClient {
    /// The client's identifier.
    pub client_id: String,
    /// The property's identifier.
    pub property_id: String,
    /// The splitter and port (from 1 on) that the property has, if any.
    pub port: Option<(String, u16)>,
}

/// Adds a client in a property of its own, whether or not its code exists already.
pub(crate) fn add(state: &mut State, wanted: &TestClient) -> AddedClient {
    let client_id = add_alone(state, wanted);
    let port = if wanted.connected { port_for_test(state) } else { None };
    let property_id = property_for_test(state, client_id, port, wanted.potency_read);
    AddedClient {
        client_id: client_id.to_string(),
        property_id: property_id.to_string(),
        port: port.map(|port| (port.splitter.to_string(), port.number)),
    }
}

/// Adds a client that has no property.
pub(crate) fn add_alone(state: &mut State, wanted: &TestClient) -> Id {
    let mut client = Client::new(state.next_id(Kind::Client), now());
    let id = client.id;
    wanted.assign_to(&mut client);
    state.put_client(client);
    id
}

/// Gives the first client with this code these values; it keeps its place on the map, and its port unless it is to be
/// unconnected. Adds it if there is none.
pub(crate) fn put(state: &mut State, wanted: &TestClient) {
    let Some(id) = state.client_by_code(&wanted.code).map(|client| client.id) else {
        add(state, wanted);
        return;
    };
    state.change_client(id, |client| wanted.assign_to(client));
    if let Some(property) = state.property_of(id).map(|property| property.id) {
        state.change_property(property, |property| property.potency_read = wanted.potency_read);
        if !wanted.connected {
            state.disconnect(property);
        }
    }
}

/// A free port: an existing one, else on a splitter made for it in a new box.
fn port_for_test(state: &mut State) -> Option<Port> {
    if let Some(port) = state.free_port() {
        return Some(port);
    }
    let lit = state.ids(Kind::Splitter, None).filter_map(|id| state.splitter(id));
    let model = lit.filter(|splitter| splitter.is_drop).find(|splitter| splitter.route.is_some())?.clone();
    let place = state.next_id(Kind::Box);
    let id = state.next_id(Kind::Splitter);
    let mut fields = state.document(model.parent)?.clone();
    fields.retain(|name, _| !matches!(name.as_str(), "buildingType" | "hasProblem"));
    fields.extend([
        ("name".to_owned(), format!("CTO-X{place}").into()),
        ("draft".to_owned(), false.into()),
        ("kind".to_owned(), "Box".into()),
    ]);
    state.put_document(place, fields);
    let outputs = vec![Output::default(); 16];
    let input = Some(id.as_kind(Kind::Fiber));
    state.put_splitter(Splitter { id, parent: place, input, outputs, ..model });
    state.free_port()
}

/// A property for a client, beside the box of its port.
fn property_for_test(state: &mut State, client: Id, port: Option<Port>, potency_read: Option<f64>) -> Id {
    let id = state.next_id(Kind::Property);
    let of_port = port.and_then(|port| state.splitter(port.splitter)).map(|s| (Some(s.parent), s.project));
    let (place, project) = of_port
        .unwrap_or_else(|| (None, state.ids(Kind::Project, None).next().unwrap_or(Id::first(Kind::Project))));
    let coordinate = |name: &str| place.and_then(|place| state.document(place)?.get(name)?.as_f64());
    let at = coordinate("lng").zip(coordinate("lat")).unwrap_or((-44.2, -26.5));
    let in_building = place.is_some_and(|place| place.kind() == Kind::Building);
    state.put_property(Property {
        coords: (!in_building).then(|| shifted(at, 10.0, 10.0)),
        place,
        client: Some(client),
        potency_read,
        drop_km: 0.02,
        ..Property::new(id, project, now())
    });
    if let Some(port) = port {
        state.connect(id, port);
    }
    id
}
