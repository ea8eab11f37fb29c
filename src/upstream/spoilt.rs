//! Values that did not arrive as the host meant them.

use serde_json::Value;
use serde_json::value::RawValue;

/// Stands before what is no JSON value, such as `NaN`: no text of another system begins with it, because it is no character.
pub(super) const NO_JSON: char = '\u{ffff}';
/// This stands for a byte that is no character.
const NO_TEXT: char = '\u{fffd}';

/// Whether the text is not what the host meant.
pub(crate) fn is_spoilt(text: &str) -> bool {
    text.starts_with(NO_JSON) || text.contains(NO_TEXT)
}

/// A value that JSON has but nobody can hold (half a surrogate, 1e999) is as spoilt as one that JSON does not have.
pub(crate) fn parsed(raw: &RawValue) -> Value {
    serde_json::from_str(raw.get()).unwrap_or_else(|_| Value::from(NO_JSON.to_string()))
}
