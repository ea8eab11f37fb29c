//! Changes and findings as CSV, streamed in bounded memory.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use futures::stream;
use uuid::Uuid;

use crate::store::{ChangeFilter, ChangeRow, FindingFilter, FindingRow, Store, StoreError};

/// Rows that are in memory at once.
const ROWS: u32 = 2_000;

/// Whether the caller asks for CSV.
pub(super) fn is_asked(headers: &HeaderMap) -> bool {
    let accept = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accept
        .flat_map(|value| value.split(','))
        .any(|kind| kind.split(';').next().is_some_and(|k| k.trim() == "text/csv"))
}

/// All changes that fit the filter.
pub(super) fn changes(store: Store, run: Uuid, filter: ChangeFilter) -> Response {
    let page = move |after| {
        let (store, filter) = (store.clone(), filter.clone());
        async move { store.changes(run, &filter, after, ROWS).await }
    };
    answer(&format!("changes-{run}.csv"), page)
}

/// All findings that fit the filter.
pub(super) fn findings(store: Store, run: Uuid, filter: FindingFilter) -> Response {
    let page = move |after| {
        let store = store.clone();
        async move { store.findings(run, filter, after, ROWS).await }
    };
    answer(&format!("findings-{run}.csv"), page)
}

/// A row of a table.
trait CsvLine: Send + 'static {
    const HEAD: &'static [&'static str];

    /// Its place in the list.
    fn place(&self) -> i64;

    fn cells(&self) -> Vec<String>;
}

impl CsvLine for ChangeRow {
    const HEAD: &'static [&'static str] = &["code", "field", "old", "new", "result", "error", "found"];

    fn place(&self) -> i64 {
        self.seq
    }

    fn cells(&self) -> Vec<String> {
        let ChangeRow { seq: _, code, field, old_value, new_value, result, error, found } = self;
        vec![
            guarded(code),
            field.clone(),
            cell(old_value),
            cell(new_value),
            result.clone(),
            guarded(error.as_deref().unwrap_or_default()),
            found.as_deref().map(cell).unwrap_or_default(),
        ]
    }
}

impl CsvLine for FindingRow {
    const HEAD: &'static [&'static str] = &["kind", "system", "code", "detail"];

    fn place(&self) -> i64 {
        self.seq
    }

    fn cells(&self) -> Vec<String> {
        let FindingRow { seq: _, kind, system, code, detail } = self;
        vec![kind.clone(), system.clone(), guarded(code.as_deref().unwrap_or_default()), guarded(detail)]
    }
}

/// `page` gives the rows after a place.
fn answer<T: CsvLine, F>(file: &str, page: impl Fn(Option<i64>) -> F + Send + 'static) -> Response
where
    F: Future<Output = Result<Vec<T>, StoreError>> + Send + 'static,
{
    let lines = stream::try_unfold(Some(None), move |after| {
        let rows = after.map(&page);
        async move {
            let Some((rows, after)) = rows.zip(after) else { return Ok::<_, std::io::Error>(None) };
            let rows = rows.await.map_err(std::io::Error::other)?;
            let next = rows.last().map(|row| Some(row.place())).filter(|_| rows.len() == ROWS as usize);
            Ok(Some((Bytes::from(text(&rows, after.is_none())?), next)))
        }
    });
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{file}\"")),
    ];
    (headers, Body::from_stream(lines)).into_response()
}

fn text<T: CsvLine>(rows: &[T], is_first: bool) -> std::io::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    if is_first {
        writer.write_record(T::HEAD)?;
    }
    for row in rows {
        writer.write_record(row.cells())?;
    }
    writer.into_inner().map_err(|error| std::io::Error::other(error.to_string()))
}

/// A JSON value as people read it: no quotes around a text, nothing for null.
fn cell(json: &str) -> String {
    match serde_json::from_str(json) {
        Ok(serde_json::Value::Null) => String::new(),
        Ok(serde_json::Value::String(text)) => guarded(&text),
        _ => json.to_owned(),
    }
}

/// A text that a spreadsheet would take for a formula gets an apostrophe before it.
fn guarded(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err() {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}
