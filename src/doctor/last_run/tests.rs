use gateway_core::Dbm;
use gateway_core::sync::{Calls, Counts, Measures, Phases, Trigger};
use uuid::Uuid;

use super::super::check::CheckStatus;
use super::*;
use crate::store::{FieldCounts, HeldField, RunNotes};

fn now() -> Timestamp {
    "2026-11-20T10:00:00Z".parse().expect("a time")
}

fn run(state: RunState) -> RunRow {
    RunRow {
        id: Uuid::nil(),
        trigger: Trigger::Timer,
        mode: Mode::Apply,
        state,
        started_at: now() - SignedDuration::from_mins(10),
        finished_at: None,
        counts: Counts { matched: 30, changed: 2, ..Counts::default() },
        calls: Calls::default(),
        phases: Phases::default(),
        halted_because: None,
        error: None,
        notes: RunNotes::default(),
        measures: None,
        plan: None,
    }
}

fn with_a_plan(state: RunState) -> RunRow {
    let mut run = run(state);
    run.notes.fields = vec![FieldCounts { field: "status".to_owned(), ..FieldCounts::default() }];
    run
}

#[test]
fn before_the_first_run_there_is_nothing_to_say() {
    assert_eq!(last(&[], "north", now())[0].status, CheckStatus::Ok);
}

#[test]
fn a_run_that_finished_is_in_order_and_one_that_was_skipped_is_passed_over() {
    let checks = last(&[run(RunState::Skipped), run(RunState::Finished)], "north", now());
    assert_eq!((checks.len(), checks[0].status), (1, CheckStatus::Ok));
    assert!(checks[0].detail.ends_with("10 min ago) finished: 30 clients compared, 2 changed"), "{checks:?}");
}

#[test]
fn what_is_held_is_told_with_the_command_that_applies_it() {
    let mut row = with_a_plan(RunState::Finished);
    row.notes.held = vec![HeldField {
        field: "read_power".to_owned(),
        clients: 30,
        reason: "repeated".to_owned(),
        because: "too many".to_owned(),
    }];
    row.counts.failed = 1;
    let checks = last(std::slice::from_ref(&row), "north", now());
    assert_eq!(checks.iter().map(|check| check.status).collect::<Vec<_>>(), [CheckStatus::Warn; 2]);
    assert!(checks[0].detail.contains("held read power of 30 clients: too many"), "{checks:?}");
    let command = format!("int6-ozmap-gateway sync --tenant north --plan {}", row.id);
    assert!(checks[0].remedy.as_ref().is_some_and(|remedy| remedy.contains(&command)), "{checks:?}");
    assert!(checks[1].detail.contains("could not write 1 of 30 clients"), "{checks:?}");
}

#[test]
fn a_plan_that_is_too_old_is_made_anew() {
    let row = RunRow { halted_because: Some("it is empty".to_owned()), ..with_a_plan(RunState::Halted) };
    let later = now() + SignedDuration::from_hours(25);
    let checks = last(&[row], "north", later);
    assert!(checks[0].detail.ends_with("was halted: it is empty"), "{checks:?}");
    assert!(checks[0].remedy.as_ref().is_some_and(|remedy| remedy.contains("--dry-run")), "{checks:?}");
}

#[test]
fn a_run_that_failed_says_why() {
    let row = RunRow { error: Some("INT6 was away".to_owned()), ..run(RunState::Failed) };
    let checks = last(&[row], "north", now());
    assert_eq!(checks[0].status, CheckStatus::Warn);
    assert!(checks[0].detail.ends_with("failed: INT6 was away"), "{checks:?}");
}

#[test]
fn what_the_rails_have_learnt_is_said() {
    assert_eq!(learnt(&Past::default(), &Limits::default()), None);
    let last = Measures { matched: 1000, median: Some(Dbm::whole(-21)), ..Measures::default() };
    let past = Past { last: Some(last), implanted_a_day: Some(12) };
    let check = learnt(&past, &Limits::default()).expect("there was a run");
    let told = "learnt from the last good run: the next must match 700 of 1000 clients or more, a median within 6.00 dB of -21.00 \
                dBm; the most clients implanted on a day of the last 30 were 12";
    assert_eq!((check.status, check.detail.as_str()), (CheckStatus::Ok, told));
}
