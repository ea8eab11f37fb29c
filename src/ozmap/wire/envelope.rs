//! What stands around OZmap's records: the envelope of a list, the body of one record.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::fields::{number, switch};
use crate::upstream::{RowError, WireError, json};

/// What a list says beside its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageInfo {
    /// Rows on this page.
    pub rows: usize,
    /// Rows in all, if it says so.
    pub total: Option<u64>,
    /// Most rows that the host puts on a page, if it says so.
    pub limit: Option<u64>,
    /// Whether more follow; older hosts do not say.
    pub has_next: Option<bool>,
    /// Query of the next page, with its cursor.
    pub next_query: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    rows: Vec<&'a RawValue>,
    #[serde(default)]
    total: Value,
    #[serde(default)]
    limit: Value,
    #[serde(default, rename = "hasNextPage")]
    has_next_page: Value,
    #[serde(default, rename = "nextUrl")]
    next_url: Value,
}

/// Reads a list and hands each row to `sink`, unread, so that one bad row does not cost the others.
///
/// # Errors
/// [`WireError`] of the envelope.
pub fn page(body: &[u8], sink: &mut dyn FnMut(&RawValue)) -> Result<PageInfo, WireError> {
    let envelope: Envelope<'_> = json::parse("a list with `rows`", body)?;
    let Envelope { rows, total, limit, has_next_page, next_url } = envelope;
    for row in &rows {
        sink(row);
    }
    Ok(PageInfo {
        rows: rows.len(),
        total: whole(&total),
        limit: whole(&limit),
        has_next: Some(&has_next_page).filter(|told| !told.is_null()).and_then(|told| switch(told).ok()),
        next_query: next_url.as_str().map(query_of).unwrap_or_default(),
    })
}

/// Reads one record; `None` for an empty body and `null`.
///
/// # Errors
/// [`WireError`] of the record.
pub fn row<T>(body: &[u8], read: impl Fn(&RawValue) -> Result<T, RowError>) -> Result<Option<T>, WireError> {
    if is_empty(body) {
        return Ok(None);
    }
    let row: Option<&RawValue> = json::parse("a record", body)?;
    row.map(read).transpose().map_err(|error| error.what)
}

/// A number of rows, in a text too.
fn whole(value: &Value) -> Option<u64> {
    let value = number(value).ok().flatten()?;
    (value >= 0.0 && value.fract() == 0.0).then_some(value as u64)
}

/// Whether an answer has no body.
pub(super) fn is_empty(body: &[u8]) -> bool {
    body.iter().all(u8::is_ascii_whitespace)
}

/// `nextUrl` is relative; a host that names itself in it gains nothing, only the query is taken.
fn query_of(next_url: &str) -> Vec<(String, String)> {
    let query = next_url.split_once('?').map_or("", |(_, query)| query);
    url::form_urlencoded::parse(query.as_bytes()).map(|(k, v)| (k.into_owned(), v.into_owned())).collect()
}
