//! What an ISP is told by itself, and when: edges, so that what goes on for hours is told once.

use std::collections::BTreeSet;

use strum::{Display, EnumString, IntoStaticStr, VariantArray};

/// What a notice tells of.
///
/// Source: `docs/contracts/gateway-api.md`, "Notices".
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Display, EnumString, IntoStaticStr, VariantArray,
)]
pub enum Event {
    /// A run failed, and the one before had not.
    #[strum(serialize = "sync.failed")]
    SyncFailed,
    /// The rails halted a run, and not the one before.
    #[strum(serialize = "sync.halted")]
    SyncHalted,
    /// A run held something back that the one before had not.
    #[strum(serialize = "sync.held")]
    SyncHeld,
    /// A run finished after one that failed, was halted, or held something back.
    #[strum(serialize = "sync.recovered")]
    SyncRecovered,
    /// One of the two systems cannot be reached any more.
    #[strum(serialize = "upstream.unreachable")]
    UpstreamUnreachable,
    /// One of the two systems does not take the credentials any more.
    #[strum(serialize = "upstream.refused_key")]
    UpstreamRefusedKey,
    /// It answers, or takes them, again.
    #[strum(serialize = "upstream.recovered")]
    UpstreamRecovered,
    /// A stored request has ended.
    #[strum(serialize = "operation.ended")]
    OperationEnded,
    /// A reservation was undone at its time.
    #[strum(serialize = "reservation.expired")]
    ReservationExpired,
}

impl Event {
    /// The word in settings, notices and the store.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Somebody who is to be told, and of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Its name in the store.
    pub destination: String,
    /// What it is told of.
    pub events: BTreeSet<Event>,
}

/// How a tenant's sync stands, by what was told of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SyncStanding {
    /// The last run finished and held nothing back.
    #[default]
    Good,
    /// The last run held this back: fields with reasons, in words that differ where they do.
    Held(String),
    /// The rails halted the last run.
    Halted,
    /// The last run failed.
    Failed,
}

/// How a run of a whole tenant ended, as far as it says something of the sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunOutcome {
    /// It leaves the sync in this state.
    Ended(SyncStanding),
    /// Its process was killed: that says nothing of the sync, unless it happens to the next one too.
    CutOff,
}

/// A tenant's sync between two runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SyncRecord {
    /// How it stands.
    pub standing: SyncStanding,
    /// Runs in a row that were cut off since.
    pub cut_off: u32,
}

/// Runs that are cut off one after the other before that counts as a failure.
const CUT_OFF_TOO_OFTEN: u32 = 2;

impl SyncRecord {
    /// The record after one more run, and what is to be told of it, in this order.
    pub fn after(&self, outcome: RunOutcome) -> (SyncRecord, Vec<Event>) {
        let (standing, cut_off) = match outcome {
            RunOutcome::Ended(standing) => (standing, 0),
            RunOutcome::CutOff if self.cut_off + 1 >= CUT_OFF_TOO_OFTEN => {
                (SyncStanding::Failed, self.cut_off + 1)
            }
            RunOutcome::CutOff => (self.standing.clone(), self.cut_off + 1),
        };
        let told = told(&self.standing, &standing);
        (SyncRecord { standing, cut_off }, told)
    }
}

fn told(before: &SyncStanding, after: &SyncStanding) -> Vec<Event> {
    use SyncStanding::{Failed, Good, Halted, Held};
    match (before, after) {
        (before, after) if before == after => Vec::new(),
        (_, Good) => vec![Event::SyncRecovered],
        (Failed | Halted, Held(_)) => vec![Event::SyncRecovered, Event::SyncHeld],
        (_, Held(_)) => vec![Event::SyncHeld],
        (_, Halted) => vec![Event::SyncHalted],
        (_, Failed) => vec![Event::SyncFailed],
    }
}

/// How one of the two systems stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum UpstreamStanding {
    /// It answers, and takes the credentials.
    Answers,
    /// It answers, and does not take the credentials.
    RefusesKey,
    /// It cannot be reached.
    Unreachable,
}

impl UpstreamStanding {
    /// The word in the store.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// What is to be told of the change from what was last told; `before` is `None` if nothing ever was.
    pub fn told_after(self, before: Option<UpstreamStanding>) -> Option<Event> {
        match (before, self) {
            (before, after) if before == Some(after) => None,
            (None, UpstreamStanding::Answers) => None,
            (_, UpstreamStanding::Answers) => Some(Event::UpstreamRecovered),
            (_, UpstreamStanding::RefusesKey) => Some(Event::UpstreamRefusedKey),
            (_, UpstreamStanding::Unreachable) => Some(Event::UpstreamUnreachable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SyncStanding::{Failed, Good, Halted, Held};
    use super::*;

    /// What is told of runs that end so, one after the other.
    fn story(outcomes: &[RunOutcome]) -> Vec<&'static str> {
        let mut record = SyncRecord::default();
        let mut heard = Vec::new();
        for outcome in outcomes {
            let (next, told) = record.after(outcome.clone());
            heard.extend(told.into_iter().map(Event::name));
            record = next;
        }
        heard
    }

    fn ended(standings: &[SyncStanding]) -> Vec<RunOutcome> {
        standings.iter().cloned().map(RunOutcome::Ended).collect()
    }

    fn held(what: &str) -> SyncStanding {
        Held(what.to_owned())
    }

    #[test]
    fn of_good_runs_nothing_is_told() {
        assert_eq!(story(&ended(&[Good, Good, Good])), [""; 0]);
    }

    #[test]
    fn a_streak_of_failures_is_told_once_and_its_end_once() {
        assert_eq!(
            story(&ended(&[Good, Failed, Failed, Failed, Good, Good])),
            ["sync.failed", "sync.recovered"]
        );
        assert_eq!(
            story(&ended(&[Halted, Halted, Failed, Good])),
            ["sync.halted", "sync.failed", "sync.recovered"]
        );
    }

    #[test]
    fn what_is_held_is_told_anew_only_if_it_is_something_else() {
        let (one, two) = (held("status"), held("status implantation"));
        assert_eq!(
            story(&ended(&[one.clone(), one.clone(), two.clone(), two, Good])),
            ["sync.held", "sync.held", "sync.recovered"]
        );
        assert_eq!(
            story(&ended(&[Failed, one, Good])),
            ["sync.failed", "sync.recovered", "sync.held", "sync.recovered"]
        );
    }

    #[test]
    fn one_run_that_was_cut_off_is_no_failure_and_two_in_a_row_are() {
        use RunOutcome::{CutOff, Ended};
        assert_eq!(story(&[CutOff, Ended(Good), CutOff, Ended(Good)]), [""; 0]);
        assert_eq!(story(&[CutOff, CutOff, CutOff, Ended(Good)]), ["sync.failed", "sync.recovered"]);
        let status = Ended(held("status"));
        assert_eq!(story(&[status.clone(), CutOff, status]), ["sync.held"], "a restart repeats nothing");
    }

    #[test]
    fn a_system_is_told_of_when_its_state_changes() {
        use UpstreamStanding::{Answers, RefusesKey, Unreachable};
        let told = |before, after: UpstreamStanding| after.told_after(before).map(Event::name);
        assert_eq!(told(None, Answers), None, "it was never away");
        assert_eq!(told(Some(Answers), Answers), None);
        assert_eq!(told(None, Unreachable), Some("upstream.unreachable"));
        assert_eq!(told(Some(Unreachable), Unreachable), None);
        assert_eq!(told(Some(Unreachable), RefusesKey), Some("upstream.refused_key"));
        assert_eq!(told(Some(RefusesKey), Answers), Some("upstream.recovered"));
    }
}
