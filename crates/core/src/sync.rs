//! The sync's words, and everything that it decides: which clients can be compared, what would change, in which calls.

mod batch;
mod change;
mod finding;
mod matching;
mod plan;
mod reading;
mod run;

pub use batch::{Call, Grouping, batch, edits};
pub use change::{Change, ChangeOutcome, ChangeResult, Field, FieldValue, Record, SharedValue};
pub use finding::{Finding, FindingKind};
pub use matching::{Matched, matched};
pub use plan::{Halt, Limits, Plan, plan};
pub use reading::{Reading, ReadingTime, RowShape};
pub use run::{Calls, Counts, Mode, Phases, Rails, RunState, Trigger};
