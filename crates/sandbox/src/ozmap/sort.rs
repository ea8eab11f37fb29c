//! The order that a list is asked for in.

use std::cmp::Ordering;

use serde_json::Value;

use super::collection::lookup;
use super::filter::compare;
use super::id::Id;
use super::refusal::{Outcome, Refusal};
use super::state::State;

/// By which properties to sort, the first before the second; none leaves the order of identifiers.
pub(crate) struct Sort(Vec<SortBy>);

struct SortBy {
    path: Vec<String>,
    descending: bool,
}

impl Sort {
    /// Reads `[{"property","direction"}]`, direction 1 or −1; null is no order.
    ///
    /// # Errors
    /// 400 for anything else.
    pub(crate) fn parse(sort: &Value) -> Outcome<Sort> {
        let items = match sort {
            Value::Null => return Ok(Sort(Vec::new())),
            Value::Array(items) => items.as_slice(),
            item => std::slice::from_ref(item),
        };
        let wrong =
            || Refusal::malformed("sort: must be a list of {\"property\",\"direction\"}, direction 1 or -1");
        let read = |item: &Value| {
            let path = item.get("property")?.as_str()?.split('.').map(str::to_owned).collect();
            match item.get("direction")?.as_i64()? {
                1 => Some(SortBy { path, descending: false }),
                -1 => Some(SortBy { path, descending: true }),
                _ => None,
            }
        };
        Ok(Sort(items.iter().map(|item| read(item).ok_or_else(wrong)).collect::<Outcome<_>>()?))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The (dotted) properties that it needs.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &[String]> {
        self.0.iter().map(|by| by.path.as_slice())
    }

    /// Sorts records; missing values come first, as in the database behind OZmap.
    pub(crate) fn apply(&self, state: &State, ids: &mut [Id]) {
        let key =
            |id: &Id, by: &SortBy| SortKey { value: lookup(state, *id, &by.path), descending: by.descending };
        ids.sort_by_cached_key(|id| self.0.iter().map(|by| key(id, by)).collect::<Vec<_>>());
    }
}

struct SortKey {
    value: Value,
    descending: bool,
}

impl Ord for SortKey {
    fn cmp(&self, other: &Self) -> Ordering {
        // Values that do not compare are ordered by type, so that the order stays total.
        let rank = |value: &Value| match value {
            Value::Null => 0,
            Value::Number(_) => 1,
            Value::String(_) => 2,
            Value::Object(_) => 3,
            Value::Array(_) => 4,
            Value::Bool(_) => 5,
        };
        let by_value = || compare(&self.value, &other.value).unwrap_or(Ordering::Equal);
        let order = rank(&self.value).cmp(&rank(&other.value)).then_with(by_value);
        if self.descending { order.reverse() } else { order }
    }
}

impl PartialOrd for SortKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for SortKey {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for SortKey {}
