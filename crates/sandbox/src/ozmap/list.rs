//! Lists: which records match, in which order, which page of them, and which fields.

#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

use super::collection::{Collection, matching, parse_filter};
use super::filter::{Filter, Vocabulary};
use super::id::{Id, Kind};
use super::projection::Projection;
use super::record::property::Property;
use super::refusal::{Outcome, Refusal};
use super::sort::Sort;
use super::state::State;
use crate::exchange::{Answer, Call};

/// Rows on a page when the request does not say.
const DEFAULT_LIMIT: usize = 25;
/// Inferred: more rows than this are never sent at once; the envelope's `limit` tells.
const LARGEST_LIMIT: usize = 1000;

/// A page of a list as it was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListPage {
    /// From 1 on.
    pub(crate) page: usize,
    pub(crate) limit: usize,
    /// Whether only some records are wanted, by a filter.
    pub(crate) filtered: bool,
}

/// What an installation makes of lists of clients and properties.
#[derive(Clone, Copy)]
pub(crate) struct ListHabit {
    /// What it takes the request for.
    pub(crate) understand: fn(&mut ListPage),
    /// What becomes of the envelope.
    pub(crate) answer: fn(ListPage, Value) -> Answer,
}

impl Default for ListHabit {
    fn default() -> ListHabit {
        ListHabit { understand: |_| (), answer: |_, envelope| Answer::ok(envelope) }
    }
}

/// What a list request asks for; unknown parameters such as `code=X` are silently ignored, as OZmap does.
struct ListRequest {
    page: usize,
    limit: usize,
    last_seen: Option<Id>,
    filter: Value,
    sort: Sort,
    projection: Projection,
}

impl ListRequest {
    fn of(call: &Call, next_urls: bool) -> Outcome<ListRequest> {
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
        Ok(ListRequest {
            page: number("page")?.unwrap_or(1).max(1),
            limit,
            last_seen,
            filter: part("filter")?,
            sort: Sort::parse(&part("sort")?)?,
            projection: Projection::of(call),
        })
    }

    /// Becomes what an installation takes it for.
    fn understood_by(&mut self, habit: ListHabit) -> ListPage {
        let filtered = self.filter.as_array().is_some_and(|filter| !filter.is_empty());
        let mut page = ListPage { page: self.page, limit: self.limit, filtered };
        (habit.understand)(&mut page);
        (self.page, self.limit) = (page.page.max(1), page.limit.max(1));
        page
    }
}

/// OZmap's envelope for a list request, and what the habit took the request for; what becomes of both is for the caller.
///
/// With `next_urls`, `hasNextPage` and `nextUrl` are there, and the cursor `lastSeenId` is understood; a sorted list goes on by
/// `page` instead (inferred). `nextUrl` stands there even on the last page, as seen in production.
///
/// Source: `docs/contracts/ozmap-api.md`, "Pages of a list".
pub(crate) fn list(
    state: &State,
    kind: Kind,
    call: &Call,
    next_urls: bool,
    habit: ListHabit,
) -> Outcome<(ListPage, Value)> {
    let mut request = ListRequest::of(call, next_urls)?;
    let asked = request.understood_by(habit);
    let filter = parse_filter(state, kind, &request.filter)?;
    let vocabulary = Collection { state, kind };
    if let Some(path) = request.sort.paths().find(|path| !vocabulary.knows(path)) {
        return Err(Refusal::malformed(format!("sort: unknown property `{}`", path.join("."))));
    }
    let start = (request.page - 1).saturating_mul(request.limit);
    let (ids, total, has_next) = page_of(state, kind, &request, &filter, start);
    let rows: Vec<Value> = ids.iter().filter_map(|id| request.projection.render(state, *id)).collect();
    let mut envelope = json!({
        "total": total, "count": rows.len(), "rows": rows, "start": start, "limit": request.limit,
    });
    if next_urls {
        envelope["hasNextPage"] = json!(has_next);
        envelope["nextUrl"] = json!(next_url(call, &request, ids.last().copied().or(request.last_seen)));
    }
    Ok((asked, envelope))
}

/// The identifiers of a page, how many records match in all, and whether more come after it.
fn page_of(
    state: &State,
    kind: Kind,
    request: &ListRequest,
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
        request.sort.apply(state, &mut found);
    }
    let after_cursor = |id: &Id| cursor.is_none_or(|cursor| *id > cursor);
    let (ids, has_next) = take(&mut found.into_iter().filter(after_cursor), skip);
    (ids, total, has_next)
}

/// The same request from after `cursor` on, or for the next page, relative to the host.
fn next_url(call: &Call, request: &ListRequest, cursor: Option<Id>) -> Option<String> {
    let (name, value) = match cursor? {
        id if request.sort.is_empty() => ("lastSeenId", id.to_string()),
        _ => ("page", (request.page + 1).to_string()),
    };
    let is_other = |part: &&str| part.split('=').next() != Some(name) && !part.is_empty();
    let mut parts: Vec<&str> = call.query.split('&').filter(is_other).collect();
    let addition = format!("{name}={value}");
    parts.push(&addition);
    Some(format!("{}?{}", call.path, parts.join("&")))
}

/// The records as `GET /properties/client/{code}` shows them: the client populated, `_id` in the place of `id`.
///
/// Source: `docs/contracts/ozmap-api.md`, "Properties of a client".
pub(crate) fn properties_of_code(state: &State, code: &str) -> Value {
    let properties = state.clients_with_code(code).filter_map(|client| state.property_of(client));
    let render = |property: &Property| {
        let mut object = with_underscore(state.render(property.id)?)?;
        if let Some(client) = property.client.and_then(|id| with_underscore(state.render(id)?)) {
            object.insert("client".to_owned(), Value::Object(client));
        }
        Some(Value::Object(object))
    };
    properties.filter_map(render).collect()
}

fn with_underscore(record: Value) -> Option<Map<String, Value>> {
    let Value::Object(mut object) = record else { return None };
    let id = object.remove("id")?;
    object.insert("_id".to_owned(), id);
    Some(object)
}
