//! Lists: which records match, in which order, which page of them, and which fields.

use serde_json::{Map, Value, json};

use super::filter::{Filter, Vocabulary, compare};
use super::geometry::{self, Polygon};
use super::id::{Id, Kind};
use super::record::{Client, Property, Splitter};
use super::refusal::{Outcome, Refusal};
use super::state::State;
use crate::exchange::Call;

/// Rows on a page when the request does not say.
const DEFAULT_LIMIT: usize = 25;
/// Inferred: more rows than this are never sent at once; the envelope's `limit` tells.
const LARGEST_LIMIT: usize = 1000;

/// The fields of the plain records, by collection.
fn document_fields(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Project => &["name", "observation", "tags"],
        Kind::BoxType => {
            &["code", "brand", "prefix", "default_level", "default_reserve", "description", "config"]
        }
        Kind::BuildingType => &["code", "prefix", "description"],
        Kind::SplitterType => &["code", "brand", "prefix", "ratio", "isDrop", "isBalanced", "attenuation"],
        Kind::Pop => &["name", "address", "implanted", "project", "coords", "lat", "lng", "tags", "kind"],
        Kind::Shelf => &["name", "label", "parent", "project", "implanted", "kind"],
        Kind::Olt => &[
            "name",
            "label",
            "parent",
            "project",
            "implanted",
            "connectables",
            "ip",
            "port",
            "user",
            "password",
            "kind",
        ],
        Kind::Slot => &[
            "name",
            "label",
            "number",
            "parent",
            "project",
            "implanted",
            "connectables",
            "starting_pon_number",
            "kind",
        ],
        Kind::Pon => &[
            "name",
            "number",
            "parent",
            "project",
            "implanted",
            "connectables",
            "potency",
            "maximumClients",
            "kind",
        ],
        Kind::Box => &[
            "name",
            "boxType",
            "hierarchyLevel",
            "implanted",
            "draft",
            "certified",
            "project",
            "pole",
            "address",
            "observation",
            "coords",
            "lat",
            "lng",
            "tags",
            "kind",
        ],
        Kind::Building => &[
            "name",
            "address",
            "observation",
            "implanted",
            "hasProblem",
            "buildingType",
            "project",
            "coords",
            "lat",
            "lng",
            "tags",
            "kind",
        ],
        _ => &[],
    }
}

/// Whether records of a collection can have this top-level field.
pub(crate) fn knows_field(kind: Kind, name: &str) -> bool {
    let fields = match kind {
        Kind::Client => Client::FIELDS,
        Kind::Property => Property::FIELDS,
        Kind::Splitter => Splitter::FIELDS,
        _ => document_fields(kind),
    };
    matches!(name, "id" | "_id" | "createdAt" | "updatedAt" | "external_id") || fields.contains(&name)
}

struct Collection<'a> {
    state: &'a State,
    kind: Kind,
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

fn candidates(state: &State, kind: Kind, filter: &Filter) -> Option<Vec<Id>> {
    let parsed = |texts: Vec<&str>| texts.into_iter().filter_map(Id::parse).collect::<Vec<_>>();
    if let Some(ids) = filter.required("id").or_else(|| filter.required("_id")) {
        return Some(parsed(ids));
    }
    let of_codes =
        |codes: Vec<&str>| codes.into_iter().flat_map(|code| state.clients_with_code(code)).collect();
    let homes = |clients: Vec<Id>| clients.into_iter().filter_map(|id| Some(state.home_of(id)?.id)).collect();
    let client_ids = |name: &str| filter.required(name).map(parsed);
    match kind {
        Kind::Client => filter.required("code").map(of_codes),
        Kind::Property => client_ids("client")
            .or_else(|| client_ids("client.id"))
            .or_else(|| client_ids("client._id"))
            .or_else(|| filter.required("client.code").map(of_codes))
            .map(homes),
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

fn lookup(state: &State, id: Id, path: &[String]) -> Value {
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

/// What a list request asks for; unknown parameters such as `code=X` are silently ignored, as OZmap does.
struct Request {
    page: usize,
    limit: usize,
    last_seen: Option<Id>,
    filter: Value,
    sort: Vec<(Vec<String>, bool)>,
    shape: Shape,
}

/// Which fields to show, and which references to replace by what they refer to.
pub(crate) struct Shape {
    select: Vec<String>,
    populate: Vec<String>,
}

impl Shape {
    pub(crate) fn of(call: &Call) -> Shape {
        let words = |name: &str| {
            let text = call.query_value(name).unwrap_or_default();
            text.split([' ', ',']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
        };
        Shape { select: words("select"), populate: words("populate") }
    }

    /// Renders a record in this shape; `id` is always there.
    pub(crate) fn render(&self, state: &State, id: Id) -> Option<Value> {
        let root =
            |name: &str| name.trim_start_matches(['-', '+']).split('.').next().unwrap_or_default().to_owned();
        let (without, with): (Vec<&String>, Vec<&String>) =
            self.select.iter().partition(|name| name.starts_with('-'));
        let mut object = if with.is_empty() {
            match state.render(id)? {
                Value::Object(object) => object,
                other => return Some(other),
            }
        } else {
            state.field(id, "id")?;
            let wanted = with.into_iter().map(|name| root(name)).filter(|name| name != "_id");
            let wanted = std::iter::once("id".to_owned()).chain(wanted);
            wanted.filter_map(|name| state.field(id, &name).map(|value| (name, value))).collect()
        };
        for name in without {
            object.remove(&root(name));
        }
        for name in &self.populate {
            if let Some(reference) = object.get_mut(&root(name)) {
                populate(state, reference);
            }
        }
        Some(Value::Object(object))
    }
}

/// Replaces identifiers by the records they name; what is no identifier stays.
fn populate(state: &State, reference: &mut Value) {
    match reference {
        Value::String(text) => {
            if let Some(record) = Id::parse(text).and_then(|id| state.render(id)) {
                *reference = record;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| populate(state, item)),
        _ => {}
    }
}

impl Request {
    fn of(call: &Call, next_urls: bool) -> Outcome<Request> {
        let number = |name: &str| match call.query_value(name) {
            None => Ok(None),
            Some(text) => {
                let wrong = |_| Refusal::malformed(format!("{name}: must be a whole number"));
                text.trim().parse::<usize>().map(Some).map_err(wrong)
            }
        };
        let limit = number("limit")?.unwrap_or(DEFAULT_LIMIT).min(LARGEST_LIMIT);
        if limit == 0 {
            return Err(Refusal::malformed("limit: must be positive"));
        }
        // The official SDK sends filter and sort as the body of the GET.
        let body = call.json().map_err(|_| Refusal::malformed("the body is not JSON"))?;
        let part = |name: &str| match call.query_value(name) {
            Some(text) if !text.trim().is_empty() => {
                serde_json::from_str(&text).map_err(|_| Refusal::malformed(format!("{name}: is not JSON")))
            }
            _ => Ok(body.get(name).cloned().unwrap_or_default()),
        };
        let last_seen = match call.query_value("lastSeenId").filter(|_| next_urls) {
            None => None,
            Some(text) => Some(Id::parse(&text).ok_or_else(|| Refusal::malformed("lastSeenId: unknown"))?),
        };
        Ok(Request {
            page: number("page")?.unwrap_or(1).max(1),
            limit,
            last_seen,
            filter: part("filter")?,
            sort: parse_sort(&part("sort")?)?,
            shape: Shape::of(call),
        })
    }
}

/// Reads `[{"property","direction"}]`, direction 1 or −1; true means descending.
fn parse_sort(sort: &Value) -> Outcome<Vec<(Vec<String>, bool)>> {
    let items = match sort {
        Value::Null => return Ok(Vec::new()),
        Value::Array(items) => items.as_slice(),
        item => std::slice::from_ref(item),
    };
    let wrong =
        || Refusal::malformed("sort: must be a list of {\"property\",\"direction\"}, direction 1 or -1");
    let read = |item: &Value| {
        let property = item.get("property")?.as_str()?.split('.').map(str::to_owned).collect();
        match item.get("direction")?.as_i64()? {
            1 => Some((property, false)),
            -1 => Some((property, true)),
            _ => None,
        }
    };
    items.iter().map(|item| read(item).ok_or_else(wrong)).collect()
}

/// Answers a list request with OZmap's envelope.
///
/// With `next_urls`, `hasNextPage` and `nextUrl` are there, and the cursor `lastSeenId` is understood; a sorted list goes on by
/// `page` instead (inferred). `nextUrl` stands there even on the last page, as seen in production.
pub(crate) fn list(state: &State, kind: Kind, call: &Call, next_urls: bool) -> Outcome<Value> {
    let request = Request::of(call, next_urls)?;
    let filter = parse_filter(state, kind, &request.filter)?;
    let vocabulary = Collection { state, kind };
    if let Some((path, _)) = request.sort.iter().find(|(path, _)| !vocabulary.knows(path)) {
        return Err(Refusal::malformed(format!("sort: unknown property `{}`", path.join("."))));
    }
    let start = (request.page - 1).saturating_mul(request.limit);
    let (ids, total, has_next) = page_of(state, kind, &request, &filter, start);
    let rows: Vec<Value> = ids.iter().filter_map(|id| request.shape.render(state, *id)).collect();
    let mut envelope = json!({
        "total": total, "count": rows.len(), "rows": rows, "start": start, "limit": request.limit,
    });
    if next_urls {
        envelope["hasNextPage"] = json!(has_next);
        let cursor = ids.last().copied().or(request.last_seen);
        let addition = match cursor {
            Some(id) if request.sort.is_empty() => Some(("lastSeenId", id.to_string())),
            Some(_) => Some(("page", (request.page + 1).to_string())),
            None => None,
        };
        envelope["nextUrl"] = json!(addition.map(|(name, value)| next_url(call, name, &value)));
    }
    Ok(envelope)
}

fn page_of(
    state: &State,
    kind: Kind,
    request: &Request,
    filter: &Filter,
    start: usize,
) -> (Vec<Id>, usize, bool) {
    let cursor = request.last_seen.filter(|_| request.sort.is_empty());
    let take = |ids: &mut dyn Iterator<Item = Id>, skip: usize| {
        let mut ids: Vec<Id> = ids.skip(skip).take(request.limit.saturating_add(1)).collect();
        let has_next = ids.len() > request.limit;
        ids.truncate(request.limit);
        (ids, has_next)
    };
    let skip = if cursor.is_some() { 0 } else { start };
    if filter.is_empty() && request.sort.is_empty() {
        let (ids, has_next) = take(&mut state.ids(kind, cursor), skip);
        return (ids, state.count(kind), has_next);
    }
    let mut found = matching(state, kind, filter);
    let total = found.len();
    if !request.sort.is_empty() {
        sort(state, &mut found, &request.sort);
    }
    let after_cursor = |id: &Id| cursor.is_none_or(|cursor| *id > cursor);
    let (ids, has_next) = take(&mut found.into_iter().filter(after_cursor), skip);
    (ids, total, has_next)
}

fn sort(state: &State, ids: &mut [Id], by: &[(Vec<String>, bool)]) {
    // Missing values come first, as in the database behind OZmap.
    let key = |id: &Id| by.iter().map(|(path, _)| lookup(state, *id, path)).collect::<Vec<Value>>();
    ids.sort_by_cached_key(|id| {
        by.iter()
            .zip(key(id))
            .map(|((_, descending), value)| SortKey { value, descending: *descending })
            .collect::<Vec<_>>()
    });
}

struct SortKey {
    value: Value,
    descending: bool,
}

impl Ord for SortKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        // Values that do not compare are ordered by type, so that the order stays total.
        let rank = |value: &Value| match value {
            Value::Null => 0,
            Value::Number(_) => 1,
            Value::String(_) => 2,
            Value::Object(_) => 3,
            Value::Array(_) => 4,
            Value::Bool(_) => 5,
        };
        let by_value = || compare(&self.value, &other.value).unwrap_or(std::cmp::Ordering::Equal);
        let order = rank(&self.value).cmp(&rank(&other.value)).then_with(by_value);
        if self.descending { order.reverse() } else { order }
    }
}

impl PartialOrd for SortKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for SortKey {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for SortKey {}

/// The same request with one parameter set anew, relative to the host.
fn next_url(call: &Call, name: &str, value: &str) -> String {
    let is_other = |part: &&str| part.split('=').next() != Some(name) && !part.is_empty();
    let mut parts: Vec<&str> = call.query.split('&').filter(is_other).collect();
    let addition = format!("{name}={value}");
    parts.push(&addition);
    format!("{}?{}", call.path, parts.join("&"))
}

/// The records as `GET /properties/client/{code}` shows them: the client populated, `_id` in the place of `id`.
pub(crate) fn properties_of_code(state: &State, code: &str) -> Value {
    let homes = state.clients_with_code(code).filter_map(|client| state.home_of(client));
    let render = |home: &Property| {
        let mut object = with_underscore(state.render(home.id)?)?;
        if let Some(client) = home.client.and_then(|id| with_underscore(state.render(id)?)) {
            object.insert("client".to_owned(), Value::Object(client));
        }
        Some(Value::Object(object))
    };
    homes.filter_map(render).collect()
}

fn with_underscore(record: Value) -> Option<Map<String, Value>> {
    let Value::Object(mut object) = record else { return None };
    let id = object.remove("id")?;
    object.insert("_id".to_owned(), id);
    Some(object)
}
