//! Collections: which fields their records have, and which records a filter finds.

use serde_json::Value;

use super::filter::{Filter, Vocabulary};
use super::geometry::{self, Polygon};
use super::id::{Id, Kind};
use super::record::client::Client;
use super::record::property::Property;
use super::record::splitter::Splitter;
use super::refusal::Outcome;
use super::state::State;

/// Whether records of a collection can have this top-level field.
pub(crate) fn knows_field(kind: Kind, name: &str) -> bool {
    let known = |fields: &[&str]| fields.contains(&name);
    let is_own = match kind {
        Kind::Client => known(Client::FIELDS),
        Kind::Property => known(Property::FIELDS),
        Kind::Splitter => known(Splitter::FIELDS),
        _ => document_fields(kind).split_whitespace().any(|field| field == name),
    };
    is_own || matches!(name, "id" | "_id" | "createdAt" | "updatedAt" | "external_id")
}

/// The fields of the plain records, by collection.
fn document_fields(kind: Kind) -> &'static str {
    match kind {
        Kind::Project => "name observation tags",
        Kind::BoxType => "code brand prefix default_level default_reserve description config",
        Kind::BuildingType => "code prefix description",
        Kind::SplitterType => "code brand prefix ratio isDrop isBalanced attenuation",
        Kind::Pop => "name address implanted project coords lat lng tags kind",
        Kind::Shelf => "name label parent project implanted kind",
        Kind::Olt => "name label parent project implanted connectables ip port user password kind",
        Kind::Slot => "name label number parent project implanted connectables starting_pon_number kind",
        Kind::Pon => "name number parent project implanted connectables potency maximumClients kind",
        Kind::Box => {
            "name boxType hierarchyLevel implanted draft certified project pole address observation coords lat lng tags kind"
        }
        Kind::Building => {
            "name address observation implanted hasProblem buildingType project coords lat lng tags kind"
        }
        _ => "",
    }
}

/// All records of a kind.
pub(crate) struct Collection<'a> {
    pub(crate) state: &'a State,
    pub(crate) kind: Kind,
}

impl Vocabulary for Collection<'_> {
    fn knows(&self, path: &[String]) -> bool {
        let Some((first, rest)) = path.split_first() else { return false };
        match (self.kind, first.as_str(), rest) {
            (_, first, []) => knows_field(self.kind, first),
            (Kind::Client, "onu", [part]) => {
                matches!(part.as_str(), "user_PPPoE" | "serial_number" | "mac_address")
            }
            (Kind::Property, "client", rest) => Collection { kind: Kind::Client, ..*self }.knows(rest),
            (Kind::Client, ..) => false,
            (_, first, _) => knows_field(self.kind, first),
        }
    }

    fn polygon(&self, model: &str, id: &str) -> Option<Polygon> {
        let id = Id::parse(id).filter(|id| model == "project" && id.kind() == Kind::Project)?;
        geometry::polygon(self.state.document(id)?.get("polygon")?)
    }
}

/// Reads a filter for a collection.
pub(crate) fn parse_filter(state: &State, kind: Kind, filter: &Value) -> Outcome<Filter> {
    Filter::parse(filter, &Collection { state, kind })
}

/// Every record that passes a filter, ascending; by an index where the filter allows it.
pub(crate) fn matching(state: &State, kind: Kind, filter: &Filter) -> Vec<Id> {
    let passes = |id: &Id| filter.matches(|path| lookup(state, *id, path));
    match candidates(state, kind, filter) {
        Some(mut ids) => {
            ids.retain(|id| id.kind() == kind && state.has(*id) && passes(id));
            ids.sort_unstable();
            ids.dedup();
            ids
        }
        None => state.ids(kind, None).filter(passes).collect(),
    }
}

/// A superset of what matches, by an index; none when the filter allows no index.
fn candidates(state: &State, kind: Kind, filter: &Filter) -> Option<Vec<Id>> {
    let parsed = |texts: Vec<&str>| texts.into_iter().filter_map(Id::parse).collect::<Vec<_>>();
    if let Some(ids) = filter.required("id").or_else(|| filter.required("_id")) {
        return Some(parsed(ids));
    }
    let of_codes =
        |codes: Vec<&str>| codes.into_iter().flat_map(|code| state.clients_with_code(code)).collect();
    let properties =
        |clients: Vec<Id>| clients.into_iter().filter_map(|id| Some(state.property_of(id)?.id)).collect();
    let client_ids = |name: &str| filter.required(name).map(parsed);
    match kind {
        Kind::Client => filter.required("code").map(of_codes),
        Kind::Property => client_ids("client")
            .or_else(|| client_ids("client.id"))
            .or_else(|| client_ids("client._id"))
            .or_else(|| filter.required("client.code").map(of_codes))
            .map(properties),
        Kind::Splitter => filter.required("parent").map(|places| {
            parsed(places)
                .into_iter()
                .flat_map(|place| state.splitters_in(place))
                .map(|splitter| splitter.id)
                .collect()
        }),
        _ => None,
    }
}

/// The value at a dotted path of a record, null when there is none.
pub(crate) fn lookup(state: &State, id: Id, path: &[String]) -> Value {
    let Some((first, rest)) = path.split_first() else { return Value::Null };
    let mut value = state.field(id, first).unwrap_or_default();
    for key in rest {
        // A summary calls it `id`; both names work.
        let key = if key == "_id" { "id" } else { key };
        value = match value {
            Value::Object(mut object) => object.remove(key).unwrap_or_default(),
            Value::Array(items) => items.iter().filter_map(|item| item.get(key).cloned()).collect(),
            _ => Value::Null,
        };
    }
    value
}
