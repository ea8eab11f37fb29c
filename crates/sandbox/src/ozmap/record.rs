//! The records that are many (clients, properties, splitters), stored compactly; JSON only on demand.

pub(crate) mod client;
pub(crate) mod property;
pub(crate) mod splitter;

use compact_str::CompactString;
use jiff::Timestamp;
use serde_json::{Value, json};

/// Milliseconds since 1970, as OZmap stamps its records.
pub(crate) type Millis = i64;

pub(crate) fn now() -> Millis {
    Timestamp::now().as_millisecond()
}

/// ISO 8601 with milliseconds and `Z`.
pub(crate) fn iso(at: Millis) -> Value {
    Timestamp::from_millisecond(at).map_or(Value::Null, |at| Value::String(format!("{at:.3}")))
}

fn optional(text: &Option<CompactString>) -> Option<Value> {
    text.as_ref().map(|text| json!(text))
}

/// Rounds decibels to the two places that both systems show.
pub(crate) fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
