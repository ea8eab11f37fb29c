//! Creating, moving and removing properties: where a client gets its port.

use compact_str::CompactString;
use serde_json::{Map, Value};

use super::change::{self, coordinates, object, only, power, string_or_null, strings};
use super::geometry;
use super::id::{Id, Kind};
use super::record::{Client, Port, Property, Trace, now};
use super::refusal::{Outcome, Refusal};
use super::state::State;

/// What an update may name; `project`, `drop`, `parent`, `cables` and `external_id` may only be sent when creating, or never.
const UPDATE_FIELDS: [&str; 14] = [
    "coords",
    "lat",
    "lng",
    "address",
    "observation",
    "box",
    "pole",
    "potencyRead",
    "client",
    "auto_connect",
    "force",
    "connector",
    "port",
    "drop_poles",
];

/// A request to create or change a property, checked as far as it can be without looking at the property.
struct Wish {
    coords: Option<(f64, f64)>,
    address: Option<Option<CompactString>>,
    observation: Option<Option<CompactString>>,
    project: Option<Id>,
    place: Option<Option<Id>>,
    pole: Option<Option<CompactString>>,
    potency_read: Option<Option<f64>>,
    tags: Option<Vec<CompactString>>,
    client: Option<Resident>,
    auto_connect: bool,
    force: bool,
    connector: Option<Id>,
    port: Option<u16>,
}

enum Resident {
    Nobody,
    Known(Id),
    New(Box<Client>),
}

impl Wish {
    fn read(state: &State, body: &Map<String, Value>) -> Outcome<Wish> {
        let get = |name: &'static str| body.get(name).map(|value| (name, value));
        let flag = |name| get(name).map_or(Ok(false), |(name, value)| change::boolean(name, value));
        if let Some((name, poles)) = get("drop_poles") {
            strings(name, poles)?;
        }
        Ok(Wish {
            coords: read_coords(body)?,
            address: get("address").map(|(name, value)| string_or_null(name, value)).transpose()?,
            observation: get("observation").map(|(name, value)| string_or_null(name, value)).transpose()?,
            project: get("project")
                .map(|(name, value)| reference(state, name, value, &[Kind::Project]))
                .transpose()?,
            place: get("box").map(|(name, value)| optional_place(state, name, value)).transpose()?,
            pole: get("pole").map(|(name, value)| string_or_null(name, value)).transpose()?,
            potency_read: get("potencyRead").map(|(name, value)| power(name, value)).transpose()?,
            tags: get("tags").map(|(name, value)| strings(name, value)).transpose()?,
            client: get("client").map(|(_, value)| read_resident(state, value)).transpose()?,
            auto_connect: flag("auto_connect")?,
            force: flag("force")?,
            connector: match get("connector") {
                None | Some((_, Value::Null)) => None,
                Some((name, value)) => Some(reference(state, name, value, &[Kind::Splitter])?),
            },
            port: get("port").map(|(_, value)| read_port(value)).transpose()?,
        })
    }

    /// The port that is wished for, if any; `now` is where the property is connected and stands.
    fn port(&self, state: &State, connection: Option<Port>, place: Option<Id>) -> Outcome<Option<Port>> {
        let connector =
            self.connector.or(connection.filter(|_| self.port.is_some()).map(|port| port.splitter));
        match (connector, self.port) {
            (Some(splitter), Some(number)) => Ok(Some(Port { splitter, number })),
            (None, Some(_)) => Err(Refusal::forbidden("port: needs a connector")),
            (Some(splitter), None) if self.auto_connect => {
                let splitter =
                    state.splitter(splitter).ok_or_else(|| Refusal::forbidden("connector: unknown"))?;
                let none_free =
                    || Refusal::forbidden(format!("connector: {} has no free port", splitter.name));
                State::free_port_of(splitter).map(Some).ok_or_else(none_free)
            }
            (Some(_), None) => Err(Refusal::forbidden("port: must be there, or auto_connect")),
            (None, None) if self.auto_connect && connection.is_none() => {
                let place =
                    place.ok_or_else(|| Refusal::forbidden("auto_connect: needs a box or a connector"))?;
                let free = state
                    .splitters_in(place)
                    .filter(|splitter| splitter.is_drop)
                    .find_map(State::free_port_of);
                free.map(Some).ok_or_else(|| Refusal::forbidden("auto_connect: the box has no free port"))
            }
            (None, None) => Ok(None),
        }
    }

    /// Where the property stands afterwards: as said, else where its splitter is, else where it was.
    ///
    /// Inferred: OZmap documents no rule for a box that contradicts the splitter; it is refused here.
    fn place(&self, state: &State, port: Option<Port>, before: Option<Id>) -> Outcome<Option<Id>> {
        let of_port = port.and_then(|port| state.splitter(port.splitter)).map(|splitter| splitter.parent);
        match (self.place, of_port) {
            (Some(Some(said)), Some(held)) if said != held => {
                Err(Refusal::forbidden("connector: is not in the box that was sent"))
            }
            (_, Some(held)) => Ok(Some(held)),
            (Some(said), None) => Ok(said),
            (None, None) => Ok(before),
        }
    }

    fn check_resident(&self, state: &State, property: Option<Id>) -> Outcome<()> {
        if let Some(Resident::Known(client)) = self.client
            && let Some(home) = state.home_of(client).filter(|home| Some(home.id) != property)
        {
            return Err(Refusal::forbidden(format!("client: lives in property {}", home.id)));
        }
        Ok(())
    }
}

fn read_coords(body: &Map<String, Value>) -> Outcome<Option<(f64, f64)>> {
    if let Some(value) = body.get("coords") {
        return coordinates("coords", value).map(Some);
    }
    match (body.get("lng"), body.get("lat")) {
        (None, None) => Ok(None),
        (Some(lng), Some(lat)) => {
            coordinates("lat, lng", &Value::Array(vec![lng.clone(), lat.clone()])).map(Some)
        }
        _ => Err(Refusal::forbidden("lat, lng: must be sent together")),
    }
}

/// A reference is an identifier, or an object that has one.
fn reference(state: &State, name: &str, value: &Value, kinds: &[Kind]) -> Outcome<Id> {
    let text = value.as_str().or_else(|| value.get("id").or_else(|| value.get("_id"))?.as_str());
    let text = text.ok_or_else(|| Refusal::forbidden(format!("{name}: must be an id")))?;
    let id = Id::parse(text).filter(|id| kinds.contains(&id.kind()) && state.has(*id));
    id.ok_or_else(|| Refusal::forbidden(format!("{name}: there is no such record")))
}

fn optional_place(state: &State, name: &str, value: &Value) -> Outcome<Option<Id>> {
    if value.is_null() {
        return Ok(None);
    }
    reference(state, name, value, &[Kind::Box, Kind::Building]).map(Some)
}

fn read_port(value: &Value) -> Outcome<u16> {
    let number = value.as_u64().and_then(|number| u16::try_from(number).ok()).filter(|number| *number > 0);
    number.ok_or_else(|| Refusal::forbidden("port: must be a whole number from 1 on"))
}

/// A client comes as null, as an identifier, or as the fields of a new one.
fn read_resident(state: &State, value: &Value) -> Outcome<Resident> {
    match value {
        Value::Null => Ok(Resident::Nobody),
        Value::Object(fields) if !fields.contains_key("id") && !fields.contains_key("_id") => {
            Ok(Resident::New(Box::new(change::new_client(state, fields)?)))
        }
        value => Ok(Resident::Known(reference(state, "client", value, &[Kind::Client])?)),
    }
}

/// `POST /properties`; the new property's identifier.
///
/// # Errors
/// 422 for a taken or blocked port, a client code that exists, a client that lives elsewhere, and anything of the wrong type.
pub(crate) fn create(state: &mut State, body: &Value) -> Outcome<Id> {
    let body = object(body)?;
    let allowed: Vec<&str> =
        UPDATE_FIELDS.into_iter().chain(["project", "tags", "name", "kind", "external_id"]).collect();
    only(body, &allowed)?;
    let wish = Wish::read(state, body)?;
    let port = wish.port(state, None, wish.place.flatten())?;
    if let Some(port) = port {
        state.check_port(port, None, wish.force)?;
    }
    let place = wish.place(state, port, None)?;
    wish.check_resident(state, None)?;
    // Inferred: the project may be left out when the box tells it.
    let project = match wish.project {
        Some(project) => project,
        None => place
            .and_then(|place| project_of(state, place))
            .ok_or_else(|| Refusal::forbidden("project: must be there, or a box that tells it"))?,
    };
    let in_building = place.is_some_and(|place| place.kind() == Kind::Building);
    if !in_building && wish.coords.is_none() {
        return Err(Refusal::forbidden("coords: must be there outside a building"));
    }

    let at = now();
    let id = state.next_id(Kind::Property);
    let client = settle_resident(state, wish.client);
    state.put_property(Property {
        id,
        coords: wish.coords.filter(|_| !in_building),
        address: wish.address.flatten(),
        observation: wish.observation.flatten(),
        project,
        place,
        pole: wish.pole.flatten(),
        client: client.flatten(),
        potency_read: wish.potency_read.flatten(),
        connection: None,
        has_drop: false,
        drop_km: drop_length(state, place, wish.coords),
        trace: Trace::Single,
        tags: wish.tags.unwrap_or_default(),
        former_clients: Vec::new(),
        created: at,
        updated: at,
    });
    if let Some(port) = port {
        state.connect(id, port);
    }
    Ok(id)
}

/// `PATCH /properties/{id}`.
///
/// # Errors
/// As for [`create`]; 404 for an unknown property.
pub(crate) fn update(state: &mut State, id: Id, body: &Value) -> Outcome<()> {
    let before = state.property(id).ok_or_else(|| Refusal::not_found("property"))?.clone();
    let body = object(body)?;
    let allowed: Vec<&str> = UPDATE_FIELDS.into_iter().chain(["tags", "name"]).collect();
    only(body, &allowed)?;
    let wish = Wish::read(state, body)?;
    let port = wish.port(state, before.connection, wish.place.unwrap_or(before.place))?;
    if let Some(port) = port {
        state.check_port(port, Some(id), wish.force)?;
        // Somebody may be unplugged by force: the poison of that one counts too.
        state.check_poison(state.holder(port).as_slice())?;
    }
    let place = wish.place(state, port.or(before.connection), before.place)?;
    wish.check_resident(state, Some(id))?;
    state.check_poison(&[id])?;

    let in_building = place.is_some_and(|place| place.kind() == Kind::Building);
    let coords = wish.coords.or(before.coords).filter(|_| !in_building);
    let drop_km = drop_length(state, place, coords);
    let client = settle_resident(state, wish.client);
    state.change_property(id, |property| {
        property.coords = coords;
        property.place = place;
        property.drop_km = drop_km;
        if let Some(address) = wish.address {
            property.address = address;
        }
        if let Some(observation) = wish.observation {
            property.observation = observation;
        }
        if let Some(pole) = wish.pole {
            property.pole = pole;
        }
        if let Some(potency_read) = wish.potency_read {
            property.potency_read = potency_read;
        }
        if let Some(tags) = wish.tags {
            property.tags = tags;
        }
    });
    if let Some(client) = client {
        state.settle(id, client);
    }
    if let Some(port) = port.filter(|port| before.connection != Some(*port)) {
        state.connect(id, port);
    }
    Ok(())
}

/// `DELETE /properties/{id}`: the client goes too, the port becomes free.
pub(crate) fn delete(state: &mut State, id: Id) -> Outcome<()> {
    state.property(id).ok_or_else(|| Refusal::not_found("property"))?;
    state.check_poison(&[id])?;
    state.remove_property(id);
    Ok(())
}

/// Stores a new client, if one was sent; who lives in the property afterwards.
fn settle_resident(state: &mut State, resident: Option<Resident>) -> Option<Option<Id>> {
    resident.map(|resident| match resident {
        Resident::Nobody => None,
        Resident::Known(client) => Some(client),
        Resident::New(mut client) => {
            client.id = state.next_id(Kind::Client);
            let id = client.id;
            state.put_client(*client);
            Some(id)
        }
    })
}

fn project_of(state: &State, place: Id) -> Option<Id> {
    Id::parse(state.document(place)?.get("project")?.as_str()?)
}

/// Kilometres of drop cable: a third more than the straight way; some metres inside a building.
fn drop_length(state: &State, place: Option<Id>, coords: Option<(f64, f64)>) -> f32 {
    let from = place.and_then(|place| geometry::point(state.document(place)?.get("coords")?));
    match (from, coords) {
        (Some(from), Some(to)) => (geometry::distance(from, to) * 1.3 / 1000.0) as f32,
        _ => 0.02,
    }
}
