//! The sum of what became of a run's changes: by client, and by field.

use gateway_core::sync::{Change, ChangeOutcome, Field, FieldValue};
use strum::VariantArray;

use crate::store::FieldCounts;

/// Failures that are kept for the summary; all of them are in the store.
const MOST_FAILURES: usize = 20;

/// What became of one change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    Untried,
    Applied,
    Held,
    Skipped,
    /// For people.
    Failed(String),
}

impl Fate {
    pub(super) fn of(outcome: &ChangeOutcome) -> Fate {
        match outcome {
            ChangeOutcome::Planned => Fate::Untried,
            ChangeOutcome::Applied => Fate::Applied,
            ChangeOutcome::Held => Fate::Held,
            ChangeOutcome::Skipped(_) => Fate::Skipped,
            ChangeOutcome::Failed(reason) => Fate::Failed(reason.clone()),
        }
    }
}

/// The sum of a run's outcomes.
#[derive(Debug, Default)]
pub(super) struct RunTally {
    /// Clients of whom something was written, and nothing failed.
    pub(super) changed: u64,
    /// Clients of whom a change failed.
    pub(super) failed: u64,
    /// Clients of whom something is held.
    pub(super) held: u64,
    /// Clients of whom something was skipped.
    pub(super) skipped: u64,
    /// Clients of whom nothing was to be written in the end: all of it is held or skipped.
    pub(super) kept: u64,
    /// Clients that were implanted.
    pub(super) implanted: u64,
    /// Changes that were not tried.
    pub(super) left: usize,
    /// The first failures, with code and reason.
    pub(super) failures: Vec<(String, String)>,
    /// By field, those that have a change.
    pub(super) fields: Vec<FieldCounts>,
    /// Why the outcomes are not in the store, if they are not.
    pub(super) unrecorded: Option<String>,
}

impl RunTally {
    /// `changes` are in the order of their clients, each with its fate.
    pub(super) fn of(changes: &[Change], fates: &[Fate]) -> RunTally {
        let mut tally = RunTally::default();
        let mut fields: Vec<FieldCounts> = Field::VARIANTS
            .iter()
            .map(|field| FieldCounts { field: field.name().to_owned(), ..FieldCounts::default() })
            .collect();
        let mut rest = fates;
        for client in changes.chunk_by(|a, b| a.code == b.code) {
            let (own, others) = rest.split_at(client.len());
            rest = others;
            tally.add(client, own);
        }
        for (change, fate) in changes.iter().zip(fates) {
            count(&mut fields[change.edit.field() as usize], fate);
        }
        fields.retain(|field| field.changes > 0);
        RunTally { fields, ..tally }
    }

    fn add(&mut self, client: &[Change], fates: &[Fate]) {
        let has = |fate: &Fate| fates.contains(fate);
        let untried = fates.iter().filter(|fate| **fate == Fate::Untried).count();
        self.left += untried;
        self.held += u64::from(has(&Fate::Held));
        self.skipped += u64::from(has(&Fate::Skipped));
        let is_implanted =
            |(change, fate): (&Change, &Fate)| change.edit == FieldValue::Implant && *fate == Fate::Applied;
        self.implanted += u64::from(client.iter().zip(fates).any(is_implanted));
        let mut failures = client.iter().zip(fates).filter_map(|(change, fate)| match fate {
            Fate::Failed(reason) => Some((change.to_string(), reason.clone())),
            _ => None,
        });
        if let Some(first) = failures.next() {
            self.failed += 1;
            let room = MOST_FAILURES.saturating_sub(self.failures.len());
            self.failures.extend(std::iter::once(first).chain(failures).take(room));
        } else if untried == 0 {
            if has(&Fate::Applied) { self.changed += 1 } else { self.kept += 1 }
        }
    }
}

fn count(counts: &mut FieldCounts, fate: &Fate) {
    counts.changes += 1;
    match fate {
        Fate::Untried => (),
        Fate::Applied => counts.applied += 1,
        Fate::Held => counts.held += 1,
        Fate::Skipped => counts.skipped += 1,
        Fate::Failed(_) => counts.failed += 1,
    }
}

#[cfg(test)]
mod tests {
    use gateway_core::sync::Record;
    use gateway_core::{ClientCode, RecordId, Status};

    use super::*;

    fn change(code: &str, edit: FieldValue) -> Change {
        let id = RecordId::new(&format!("c{code}")).expect("an identifier");
        Change { code: ClientCode::new(code).expect("a code"), record: Record::Client(id), edit, held: false }
    }

    #[test]
    fn clients_and_fields_are_counted_by_what_became_of_them() {
        let ok = || FieldValue::Status { old: None, new: Status::Ok };
        let changes = [
            change("1", ok()),
            change("1", FieldValue::Implant),
            change("2", ok()),
            change("3", ok()),
            change("3", FieldValue::Implant),
            change("4", ok()),
            change("5", ok()),
        ];
        let fates = [
            Fate::Applied,
            Fate::Held,
            Fate::Skipped,
            Fate::Applied,
            Fate::Failed("no".to_owned()),
            Fate::Applied,
            Fate::Untried,
        ];
        let tally = RunTally::of(&changes, &fates);
        assert_eq!((tally.changed, tally.failed, tally.held, tally.skipped, tally.kept), (2, 1, 1, 1, 1));
        assert_eq!((tally.left, tally.implanted), (1, 0));
        assert_eq!(tally.failures.len(), 1);
        let status = FieldCounts {
            field: "status".to_owned(),
            changes: 5,
            applied: 3,
            skipped: 1,
            ..FieldCounts::default()
        };
        let implantation = FieldCounts {
            field: "implantation".to_owned(),
            changes: 2,
            held: 1,
            failed: 1,
            ..FieldCounts::default()
        };
        assert_eq!(tally.fields, [status, implantation]);
    }
}
