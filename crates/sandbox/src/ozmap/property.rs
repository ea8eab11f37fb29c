//! Creating, moving and removing properties: where a client gets its port.

mod request;
#[cfg(test)]
mod tests;

use serde_json::Value;

use self::request::{PropertyClient, PropertyRequest};
use super::fields::{object, only};
use super::geometry::{self, Point};
use super::id::{Id, Kind};
use super::record::client::Client;
use super::record::now;
use super::record::property::Property;
use super::refusal::{Outcome, Refusal};
use super::state::State;

/// What an update may name; `project`, `drop`, `parent`, `cables` and `external_id` may only be sent when creating, or never.
///
/// Source: `docs/contracts/ozmap-api.md`, "Updating a property".
const UPDATE_FIELDS: [&str; 16] = [
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
    "tags",
    "name",
];
/// What may be named when creating only.
const CREATE_FIELDS: [&str; 3] = ["project", "kind", "external_id"];

/// `POST /properties`; the new property's identifier.
///
/// # Errors
/// 422 for a taken or blocked port, a client code that exists, a client that lives elsewhere, and anything of the wrong type.
///
/// Source: `docs/contracts/ozmap-api.md`, "Creating a property".
pub(crate) fn create(state: &mut State, body: &Value) -> Outcome<Id> {
    let body = object(body)?;
    let allowed: Vec<&str> = UPDATE_FIELDS.into_iter().chain(CREATE_FIELDS).collect();
    only(body, &allowed)?;
    let mut request = PropertyRequest::read(state, body)?;
    let port = request.port(state, None, request.place.flatten())?;
    if let Some(port) = port {
        state.check_port(port, None, request.force)?;
    }
    let place = request.place(state, port, None)?;
    request.check_client(state, None)?;
    // Inferred: the project may be left out when the box tells it.
    let project = request.project.or_else(|| project_of(state, place?));
    let project =
        project.ok_or_else(|| Refusal::forbidden("project: must be there, or a box that tells it"))?;
    let location = Location::of(state, place, request.coords);
    if location.coords.is_none() && !location.in_building() {
        return Err(Refusal::forbidden("coords: must be there outside a building"));
    }

    let mut property = Property::new(state.next_id(Kind::Property), project, now());
    let id = property.id;
    property.client = request.client.take().and_then(|client| store_client(state, client));
    request.assign_to(&mut property);
    location.assign_to(&mut property);
    state.put_property(property);
    if let Some(port) = port {
        state.connect(id, port);
    }
    Ok(id)
}

/// `PATCH /properties/{id}`.
///
/// # Errors
/// As for [`create`]; 404 for an unknown property.
///
/// Source: `docs/contracts/ozmap-api.md`, "Updating a property".
pub(crate) fn update(state: &mut State, id: Id, body: &Value) -> Outcome<()> {
    let before = state.property(id).ok_or_else(|| Refusal::not_found("property"))?.clone();
    let body = object(body)?;
    only(body, &UPDATE_FIELDS)?;
    let mut request = PropertyRequest::read(state, body)?;
    let port = request.port(state, before.connection, request.place.unwrap_or(before.place))?;
    if let Some(port) = port {
        state.check_port(port, Some(id), request.force)?;
        // A property may be unplugged by force: its poison counts too.
        state.check_poison(state.holder(port).as_slice())?;
    }
    let place = request.place(state, port.or(before.connection), before.place)?;
    request.check_client(state, Some(id))?;
    state.check_poison(&[id])?;

    let location = Location::of(state, place, request.coords.or(before.coords));
    let client = request.client.take().map(|client| store_client(state, client));
    state.change_property(id, |property| {
        request.assign_to(property);
        location.assign_to(property);
    });
    if let Some(client) = client {
        state.set_client(id, client);
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

/// Stores a client that is new; which client the property has afterwards.
fn store_client(state: &mut State, client: PropertyClient) -> Option<Id> {
    match client {
        PropertyClient::None => None,
        PropertyClient::Known(client) => Some(client),
        PropertyClient::New(client) => {
            let id = state.next_id(Kind::Client);
            state.put_client(Client { id, ..*client });
            Some(id)
        }
    }
}

fn project_of(state: &State, place: Id) -> Option<Id> {
    Id::parse(state.document(place)?.get("project")?.as_str()?)
}

/// Where a property is.
struct Location {
    /// A CTO or a building.
    place: Option<Id>,
    /// None inside a building. Source: `docs/contracts/ozmap-api.md`, "Property inside a building".
    coords: Option<Point>,
    /// Kilometres of drop cable: a third more than the straight way; some metres inside a building.
    drop_km: f32,
}

impl Location {
    fn of(state: &State, place: Option<Id>, coords: Option<Point>) -> Location {
        let mut location = Location { place, coords: None, drop_km: 0.02 };
        if !location.in_building() {
            location.coords = coords;
            let from = place.and_then(|place| geometry::point(state.document(place)?.get("coords")?));
            if let Some((from, to)) = from.zip(coords) {
                location.drop_km = (geometry::distance(from, to) * 1.3 / 1000.0) as f32;
            }
        }
        location
    }

    fn in_building(&self) -> bool {
        self.place.is_some_and(|place| place.kind() == Kind::Building)
    }

    fn assign_to(&self, property: &mut Property) {
        property.place = self.place;
        property.coords = self.coords;
        property.drop_km = self.drop_km;
    }
}
