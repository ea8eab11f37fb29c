//! A request to create or change a property, read strictly.

use compact_str::CompactString;
use serde_json::{Map, Value};

use crate::ozmap::change;
use crate::ozmap::fields::{boolean, coordinates, power, string_or_null, strings};
use crate::ozmap::geometry::Point;
use crate::ozmap::id::{Id, Kind};
use crate::ozmap::record::client::Client;
use crate::ozmap::record::property::Property;
use crate::ozmap::record::splitter::{Port, Splitter};
use crate::ozmap::refusal::{Outcome, Refusal};
use crate::ozmap::state::State;

/// A request to create or change a property, checked as far as it can be without looking at the property.
pub(crate) struct PropertyRequest {
    pub(crate) coords: Option<Point>,
    pub(crate) address: Option<Option<CompactString>>,
    pub(crate) observation: Option<Option<CompactString>>,
    pub(crate) project: Option<Id>,
    pub(crate) place: Option<Option<Id>>,
    pub(crate) pole: Option<Option<CompactString>>,
    pub(crate) potency_read: Option<Option<f64>>,
    pub(crate) tags: Option<Vec<CompactString>>,
    pub(crate) client: Option<PropertyClient>,
    pub(crate) auto_connect: bool,
    pub(crate) force: bool,
    pub(crate) connector: Option<Id>,
    pub(crate) port: Option<u16>,
}

/// The client that a request puts into the property.
pub(crate) enum PropertyClient {
    /// The property is to have no client.
    None,
    /// A client that is in OZmap already.
    Known(Id),
    /// A client that is created with the property.
    New(Box<Client>),
}

impl PropertyRequest {
    pub(crate) fn read(state: &State, body: &Map<String, Value>) -> Outcome<PropertyRequest> {
        let get = |name: &'static str| body.get(name).map(|value| (name, value));
        let flag = |name| get(name).map_or(Ok(false), |(name, value)| boolean(name, value));
        if let Some((name, poles)) = get("drop_poles") {
            strings(name, poles)?;
        }
        Ok(PropertyRequest {
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
            client: get("client").map(|(_, value)| read_client(state, value)).transpose()?,
            auto_connect: flag("auto_connect")?,
            force: flag("force")?,
            connector: match get("connector") {
                None | Some((_, Value::Null)) => None,
                Some((name, value)) => Some(reference(state, name, value, &[Kind::Splitter])?),
            },
            port: get("port").map(|(_, value)| read_port(value)).transpose()?,
        })
    }

    /// The port that is asked for, if any; `connection` and `place` are those that the property has, or is to have.
    pub(crate) fn port(
        &self,
        state: &State,
        connection: Option<Port>,
        place: Option<Id>,
    ) -> Outcome<Option<Port>> {
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
                splitter.free_port().map(Some).ok_or_else(none_free)
            }
            (Some(_), None) => Err(Refusal::forbidden("port: must be there, or auto_connect")),
            (None, None) if self.auto_connect && connection.is_none() => {
                let place =
                    place.ok_or_else(|| Refusal::forbidden("auto_connect: needs a box or a connector"))?;
                let free = state
                    .splitters_in(place)
                    .filter(|splitter| splitter.is_drop)
                    .find_map(Splitter::free_port);
                free.map(Some).ok_or_else(|| Refusal::forbidden("auto_connect: the box has no free port"))
            }
            (None, None) => Ok(None),
        }
    }

    /// Where the property stands afterwards: as said, else where its splitter is, else where it was.
    ///
    /// Inferred: OZmap documents no rule for a box that contradicts the splitter; it is refused here.
    pub(crate) fn place(&self, state: &State, port: Option<Port>, before: Option<Id>) -> Outcome<Option<Id>> {
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

    /// Refuses a client that another property than this has.
    pub(crate) fn check_client(&self, state: &State, property: Option<Id>) -> Outcome<()> {
        if let Some(PropertyClient::Known(client)) = self.client
            && let Some(other) = state.property_of(client).filter(|other| Some(other.id) != property)
        {
            return Err(Refusal::forbidden(format!("client: lives in property {}", other.id)));
        }
        Ok(())
    }

    /// Gives a property what the request says of it alone; place, client and port are the caller's.
    pub(crate) fn assign_to(self, property: &mut Property) {
        if let Some(address) = self.address {
            property.address = address;
        }
        if let Some(observation) = self.observation {
            property.observation = observation;
        }
        if let Some(pole) = self.pole {
            property.pole = pole;
        }
        if let Some(potency_read) = self.potency_read {
            property.potency_read = potency_read;
        }
        if let Some(tags) = self.tags {
            property.tags = tags;
        }
    }
}

/// Coordinates come as `coords`, or as `lat` and `lng`.
fn read_coords(body: &Map<String, Value>) -> Outcome<Option<Point>> {
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
fn read_client(state: &State, value: &Value) -> Outcome<PropertyClient> {
    match value {
        Value::Null => Ok(PropertyClient::None),
        Value::Object(fields) if !fields.contains_key("id") && !fields.contains_key("_id") => {
            Ok(PropertyClient::New(Box::new(change::new_client(state, fields)?)))
        }
        value => Ok(PropertyClient::Known(reference(state, "client", value, &[Kind::Client])?)),
    }
}
