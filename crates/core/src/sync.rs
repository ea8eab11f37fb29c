//! The sync's words, and everything that it decides: which clients can be compared, what would change, what of it is not to be
//! believed, in which calls.
//!
//! `sides` are read; `join` and `matching` find which row is whose; `plan` compares and makes a `draft`, of which `rails` hold back
//! what goes beyond the `limits`, as told by `hold`. `batch` makes calls of a plan's changes, and `settle` looks whether one that
//! was shown earlier can still be written.

mod batch;
mod change;
mod draft;
mod fields;
mod finding;
mod hold;
mod join;
mod limits;
mod match_by;
mod matching;
mod past;
mod plan;
mod rails;
mod reading;
mod run;
mod settle;
mod sides;

pub use batch::{Call, Grouping, batch, edits};
pub use change::{Change, ChangeOutcome, ChangeResult, Field, FieldValue, Record, SharedValue};
pub use fields::Fields;
pub use finding::{Finding, FindingKind};
pub use hold::{EndedEarly, Halt, Held, HoldReason, RowField};
pub use limits::{Limits, Rules};
pub use match_by::{MatchBy, MatchKey};
pub use matching::{Matched, matched};
pub use past::{Measures, Past};
pub use plan::{Plan, plan};
pub use reading::{Reading, ReadingTime, RowShape};
pub use run::{Calls, Counts, Mode, Phases, Rails, RunKind, RunState, Trigger};
pub use settle::{RecordNow, Settled, settle};
pub use sides::Sides;
