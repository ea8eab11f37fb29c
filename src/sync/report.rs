//! How a run ended, in figures and in words.

use gateway_core::System;
use gateway_core::sync::{Calls, Counts, Halt, Phases, RunState};
use indicatif::HumanCount;
use uuid::Uuid;

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
    /// Why the rails held it.
    pub halted_because: Option<String>,
    /// Why it failed or was skipped.
    pub error: Option<String>,
    /// Each failed change with its reason.
    pub failures: Vec<(String, String)>,
}

impl Report {
    pub(super) fn new(id: Uuid) -> Report {
        Report {
            id,
            state: RunState::Running,
            counts: Counts::default(),
            calls: Calls::default(),
            phases: Phases::default(),
            halted_because: None,
            error: None,
            failures: Vec::new(),
        }
    }

    pub(super) fn ended(self, state: RunState, error: Option<String>) -> Report {
        Report { state, error, ..self }
    }
}

/// Why the rails held a run, for an operator.
pub(super) fn in_words(halt: Halt) -> String {
    match halt {
        Halt::NoClients { readings, unreadable } => {
            let bad = unreadable_rows(unreadable, System::Ozmap.name());
            format!("OZmap returned 0 clients for {} readings of INT6{bad}", HumanCount(readings))
        }
        Halt::NoReadings { clients, unreadable } => {
            let bad = unreadable_rows(unreadable, "INT6 in the settings");
            format!("INT6 returned 0 of {} clients{bad}", HumanCount(clients))
        }
        Halt::MassOutage { clients, matched, max_percent } => format!(
            "{} of {} clients would turn to Error in one run, more than {max_percent} %; look at INT6, then force the run if it is true",
            HumanCount(clients),
            HumanCount(matched),
        ),
    }
}

fn unreadable_rows(rows: u64, fields_of: &str) -> String {
    match rows {
        0 => String::new(),
        rows => format!(
            ", and {} rows that could not be read: are the field names of {fields_of} right?",
            HumanCount(rows)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_halt_is_told_with_its_figures() {
        let told = |halt| in_words(halt);
        assert_eq!(
            told(Halt::NoReadings { clients: 3812, unreadable: 0 }),
            "INT6 returned 0 of 3,812 clients"
        );
        assert_eq!(
            told(Halt::NoClients { readings: 1, unreadable: 2 }),
            "OZmap returned 0 clients for 1 readings of INT6, and 2 rows that could not be read: are the field names of OZmap right?"
        );
        let outage = told(Halt::MassOutage { clients: 21, matched: 40, max_percent: 50.0 });
        assert!(
            outage.starts_with("21 of 40 clients would turn to Error in one run, more than 50 %"),
            "{outage}"
        );
    }
}
