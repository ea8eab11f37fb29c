//! How a run ended, in figures and in words.

use gateway_core::sync::{Calls, Counts, Measures, Phases, RunState};
use uuid::Uuid;

use super::tally::RunTally;
use crate::store::RunNotes;

/// How a run ended.
#[derive(Debug, Clone)]
pub struct Report {
    /// The run.
    pub id: Uuid,
    /// Its last state.
    pub state: RunState,
    /// What it met.
    pub counts: Counts,
    /// What it cost.
    pub calls: Calls,
    /// How long it took.
    pub phases: Phases,
    /// Why the rails halted it, as a word.
    pub halt: Option<&'static str>,
    /// The same for people.
    pub halted_because: Option<String>,
    /// Why it failed or was skipped.
    pub error: Option<String>,
    /// Each failed change with its reason.
    pub failures: Vec<(String, String)>,
    /// What was held, what came of each field, and what else a person should know.
    pub notes: RunNotes,
    /// What it measured.
    pub measures: Option<Measures>,
    /// The same, if later runs are held against it.
    pub good: Option<Measures>,
    /// Clients that it implanted.
    pub implanted: u64,
}

impl Report {
    pub(super) fn new(id: Uuid) -> Report {
        Report {
            id,
            state: RunState::Running,
            counts: Counts::default(),
            calls: Calls::default(),
            phases: Phases::default(),
            halt: None,
            halted_because: None,
            error: None,
            failures: Vec::new(),
            notes: RunNotes::default(),
            measures: None,
            good: None,
            implanted: 0,
        }
    }

    /// Takes the sum of the outcomes over; returns how many changes were not tried, and why the outcomes are not recorded.
    pub(super) fn take(&mut self, tally: RunTally) -> (usize, Option<String>) {
        let RunTally { changed, failed, held, skipped, kept, implanted, left, failures, fields, unrecorded } =
            tally;
        self.counts.changed = changed;
        self.counts.failed = failed;
        self.counts.held = held;
        self.counts.skipped = skipped;
        self.counts.unchanged = self.counts.matched.saturating_sub(changed + failed + kept);
        self.implanted = implanted;
        self.failures = failures;
        self.notes.fields = fields;
        (left, unrecorded)
    }

    /// Whether anything of the plan came to something: was written, refused, or found to have moved.
    pub(super) fn has_tried(&self) -> bool {
        self.notes.fields.iter().any(|field| field.applied + field.failed + field.skipped > 0)
    }

    pub(super) fn ended(self, state: RunState, error: Option<String>) -> Report {
        Report { state, error, ..self }
    }
}
