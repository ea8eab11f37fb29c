//! Changes as CSV, streamed in bounded memory.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use futures::stream;
use uuid::Uuid;

use crate::store::{ChangeFilter, ChangeRow, Store};

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
pub(super) fn answer(store: Store, run: Uuid, filter: ChangeFilter) -> Response {
    let pages = stream::try_unfold(Some(None), move |after| {
        let (store, filter) = (store.clone(), filter.clone());
        async move {
            let Some(after) = after else { return Ok::<_, std::io::Error>(None) };
            let rows = store.changes(run, &filter, after, ROWS).await.map_err(std::io::Error::other)?;
            let next = rows.last().map(|row| Some(row.seq)).filter(|_| rows.len() == ROWS as usize);
            Ok(Some((Bytes::from(page(&rows, after.is_none())?), next)))
        }
    });
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"changes-{run}.csv\"")),
    ];
    (headers, Body::from_stream(pages)).into_response()
}

fn page(rows: &[ChangeRow], is_first: bool) -> std::io::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    if is_first {
        writer.write_record(["code", "field", "old", "new", "result", "error"])?;
    }
    for row in rows {
        let (old, new) = (cell(&row.old_value), cell(&row.new_value));
        let error = guarded(row.error.as_deref().unwrap_or_default().to_owned());
        writer.write_record([&guarded(row.code.clone()), &row.field, &old, &new, &row.result, &error])?;
    }
    writer.into_inner().map_err(|error| std::io::Error::other(error.to_string()))
}

/// A JSON value as people read it: no quotes around a text, nothing for null.
fn cell(json: &str) -> String {
    match serde_json::from_str(json) {
        Ok(serde_json::Value::Null) => String::new(),
        Ok(serde_json::Value::String(text)) => guarded(text),
        _ => json.to_owned(),
    }
}

/// A text that a spreadsheet would take for a formula gets an apostrophe before it.
fn guarded(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err() {
        format!("'{text}")
    } else {
        text
    }
}
