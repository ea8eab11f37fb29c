//! What the bulk read brings.

use gateway_core::sync::{Finding, Reading, RowShape};

use crate::upstream::CallError;

/// What it is called in errors and logs.
pub(super) const OPERATION: &str = "read all ONUs";

/// INT6's side of a run.
#[derive(Debug, Default)]
pub struct Readings {
    /// Readable rows, as they came; one code may stand more than once, one row does not.
    pub readings: Vec<Reading>,
    /// Rows and fields that could not be understood, and what is odd about the list.
    pub findings: Vec<Finding>,
    /// What the rows look like as a whole.
    pub shape: RowShape,
    /// How the list ended.
    pub end: ReadingEnd,
}

/// How INT6's list ended. Source: `docs/contracts/int6-api.md`, "Pages of the bulk read".
#[derive(Debug, Clone, Default)]
pub enum ReadingEnd {
    /// With a short page, with nothing behind a full one, or where it began anew.
    #[default]
    Whole,
    /// A full page had only rows that were there before, and neither of the list's beginning nor of the page before: a finding tells.
    Repeated,
    /// A full page was followed by a refusal or by something that is no page. Perhaps that is this host's way to end a list.
    Refused(CallError),
}
