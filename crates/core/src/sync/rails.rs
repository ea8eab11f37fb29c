//! The rails: what of a plan is not believed, and kept back. Pure.
//!
//! `whole` looks at the reading as a whole, and may halt the run; `figures` at the powers, `serials` at the ONUs, `masses` at
//! how many clients a field's changes concern. Source: `docs/contracts/rules.md`, "Rails, per field".

mod context;
mod figures;
mod masses;
mod serials;
mod whole;

use context::Hold;
pub(super) use context::{Context, Seen};
use strum::EnumCount;

use crate::sync::change::Field;
use crate::sync::draft::Draft;
use crate::sync::fields::Fields;
use crate::sync::hold::{Halt, Held, HoldReason};
use crate::sync::past::Measures;
use crate::sync::run::Rails;

/// What came of it.
pub(super) struct Verdict {
    pub(super) halt: Option<Halt>,
    pub(super) held: Vec<Held>,
    pub(super) measures: Measures,
    /// Rows with a figure outside what light can be.
    pub(super) implausible: Vec<usize>,
}

/// Marks the changes that are held, and says whether the run is to be halted.
pub(super) fn judge(context: &Context<'_>, draft: &mut Draft, rails: Rails) -> Verdict {
    let figures = figures::Figures::of(context, draft);
    let measures = Measures {
        matched: context.counts.matched,
        int6_rows: context.counts.int6_readings,
        measured: figures.measured(),
        median: figures.median(),
        most_alike: figures.most_alike(),
    };
    let halt = || {
        whole::halt(context, draft)
            .or_else(|| serials::halt(context))
            .or_else(|| figures.halt(context, &measures))
    };
    let (halt, forced) = match rails {
        Rails::Hold => (halt(), Fields::NONE),
        Rails::Forced(fields) => (halt(), fields),
        Rails::OneClient => (None, Fields::NONE),
    };
    let is_forced = !forced.is_empty();
    let implausible = figures.implausible_rows();
    if halt.is_some() && !is_forced {
        // Nothing is written at all: the whole plan stands as it is, to be looked at.
        return Verdict { halt, held: Vec::new(), measures, implausible };
    }
    let mut holds = figures.holds(context);
    if rails == Rails::OneClient {
        holds.retain(|hold| matches!(hold.reason, HoldReason::NoLight { .. }));
    } else {
        holds.extend(masses::holds(context, draft));
    }
    if halt.is_some() {
        let rows = (0..draft.rows.len()).collect();
        holds.push(Hold { reason: HoldReason::NotForced, rows, fields: Fields::ALL });
    }
    let mut held = Vec::new();
    for mut hold in holds {
        hold.fields = hold.fields.iter().filter(|field| !forced.contains(*field)).collect();
        mark(draft, hold, &mut held);
    }
    Verdict { halt: None, held, measures, implausible }
}

/// A change that several reasons hold is told with the first.
fn mark(draft: &mut Draft, hold: Hold, held: &mut Vec<Held>) {
    let Hold { reason, rows, fields } = hold;
    let mut clients = [0u64; Field::COUNT];
    for row in rows {
        for change in &mut draft.changes[draft.rows[row].changes.clone()] {
            let field = change.edit.field();
            if fields.contains(field) && !change.held {
                change.held = true;
                clients[field as usize] += 1;
            }
        }
    }
    let some =
        fields.iter().map(|field| (field, clients[field as usize])).filter(|(_, clients)| *clients > 0);
    held.extend(some.map(|(field, clients)| Held { field, clients, reason }));
}

#[cfg(test)]
mod tests;
