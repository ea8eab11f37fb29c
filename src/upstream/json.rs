//! Why another system's JSON is not understood, said without quoting it; each wire reads with this.

use compact_str::CompactString;
use gateway_core::{NumberError, RecordId};
use serde::Deserialize;
use serde_json::error::Category;
use serde_json::value::RawValue;

/// Category and place of a JSON error; its own text could repeat a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{} (line {line}, column {column})", in_words(*.category))]
pub struct JsonError {
    /// What is wrong.
    pub category: Category,
    /// Where, from 1.
    pub line: usize,
    /// Where in the line, from 1.
    pub column: usize,
}

fn in_words(category: Category) -> &'static str {
    match category {
        Category::Io => "it could not be read",
        Category::Syntax => "it is not JSON",
        Category::Data => "the JSON has another shape",
        Category::Eof => "it ends too early",
    }
}

impl From<serde_json::Error> for JsonError {
    fn from(error: serde_json::Error) -> JsonError {
        JsonError { category: error.classify(), line: error.line(), column: error.column() }
    }
}

/// Why an answer, or a row of one, is not understood. It names fields and identifiers, and repeats no other value
/// but what a host says of its own failure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// It is not JSON, or JSON of another shape.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The same, where it is known what should stand there.
    #[error("{expected} is expected: {error}")]
    Unexpected {
        /// `"a property"`.
        expected: &'static str,
        /// What stands there.
        error: JsonError,
    },
    /// What is there says something else than the contract.
    #[error("{0}")]
    Shape(&'static str),
    /// The other side says itself what is wrong. [`Upstream::malformed`](super::Upstream) cleans it.
    #[error("{what}; it said: {said}")]
    Said {
        /// What stands there instead.
        what: &'static str,
        /// Its own words.
        said: String,
    },
    /// A record without an identifier.
    #[error("{0} has no `id`")]
    NoId(&'static str),
    /// One field says something else than the contract.
    #[error("`{field}` {problem}")]
    Field {
        /// The field.
        field: CompactString,
        /// What is wrong with it.
        problem: FieldProblem,
    },
    /// Something in a record of this identifier.
    #[error("{kind} {id}: {error}")]
    Record {
        /// `"property"`.
        kind: &'static str,
        /// The record.
        id: RecordId,
        /// What is wrong in it.
        error: Box<WireError>,
    },
    /// Something in a member of a list whose members have no identifier.
    #[error("{kind} {index}: {error}")]
    Item {
        /// `"route"`.
        kind: &'static str,
        /// Its place, from 0.
        index: usize,
        /// What is wrong in it.
        error: Box<WireError>,
    },
}

impl WireError {
    pub(crate) fn field(field: &str, problem: impl Into<FieldProblem>) -> WireError {
        WireError::Field { field: field.into(), problem: problem.into() }
    }

    /// The same, with the record that it was met in.
    pub(crate) fn in_record(self, kind: &'static str, id: &RecordId) -> WireError {
        WireError::Record { kind, id: id.clone(), error: Box::new(self) }
    }
}

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FieldProblem {
    /// It is not there.
    #[error("is missing")]
    Missing,
    /// It is of another type: `"is no number"`.
    #[error("{0}")]
    Shape(&'static str),
    /// A number that cannot be.
    #[error(transparent)]
    Number(#[from] NumberError),
}

impl From<&'static str> for FieldProblem {
    fn from(shape: &'static str) -> FieldProblem {
        FieldProblem::Shape(shape)
    }
}

/// What is wrong with a row, and the client's code if that much could be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct RowError {
    /// The code as it stands there.
    pub code: Option<CompactString>,
    /// Which field, and what is wrong with it.
    pub what: WireError,
}

impl RowError {
    /// The same, with the record that it was met in.
    pub(crate) fn in_record(self, kind: &'static str, id: &RecordId) -> RowError {
        RowError { what: self.what.in_record(kind, id), ..self }
    }
}

impl From<WireError> for RowError {
    fn from(what: WireError) -> RowError {
        RowError { code: None, what }
    }
}

/// Parses an answer; `expected` is what should stand there: `"a list of routes"`.
///
/// # Errors
/// [`WireError::Unexpected`].
pub(crate) fn parse<'a, T: Deserialize<'a>>(expected: &'static str, body: &'a [u8]) -> Result<T, WireError> {
    serde_json::from_slice(body).map_err(|error| WireError::Unexpected { expected, error: error.into() })
}

/// The same of a row.
///
/// # Errors
/// [`WireError::Unexpected`].
pub(crate) fn parse_row<'a, T: Deserialize<'a>>(
    expected: &'static str,
    row: &'a RawValue,
) -> Result<T, WireError> {
    serde_json::from_str(row.get()).map_err(|error| WireError::Unexpected { expected, error: error.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_json_error_names_its_place_and_no_value() {
        let read = |body: &str| parse::<Vec<u8>>("a list", body.as_bytes()).expect_err(body).to_string();
        assert_eq!(read("<html>"), "a list is expected: it is not JSON (line 1, column 1)");
        assert_eq!(
            read("[1,\n\"secret\"]"),
            "a list is expected: the JSON has another shape (line 2, column 8)"
        );
        assert_eq!(read("[1,"), "a list is expected: it ends too early (line 1, column 3)");
        assert_eq!(
            JsonError::from(serde_json::from_str::<u8>("x").expect_err("no number")).category,
            Category::Syntax
        );
    }

    #[test]
    fn an_error_says_where_it_was_met() {
        let id = RecordId::new("a1").expect("an identifier");
        let error = WireError::field("potencyRead", "is no number");
        assert_eq!(
            error.clone().in_record("property", &id).to_string(),
            "property a1: `potencyRead` is no number"
        );
        let error = WireError::Item { kind: "route", index: 2, error: Box::new(error) };
        assert_eq!(error.to_string(), "route 2: `potencyRead` is no number");
        let error = WireError::field("code", FieldProblem::Missing);
        assert_eq!(error.in_record("client", &id).to_string(), "client a1: `code` is missing");
        assert_eq!(WireError::NoId("a box").to_string(), "a box has no `id`");
        let error = WireError::field("rx_power", NumberError);
        assert_eq!(error.to_string(), format!("`rx_power` {NumberError}"));
    }
}
