//! Whether the reading as a whole is to be believed: both sides are there, in full, with the fields that are needed.

use super::context::{Context, Seen};
use crate::sync::draft::Draft;
use crate::sync::hold::{Halt, RowField};
use crate::sync::limits::exceeds;

/// Names that an error shows.
const MOST_NAMES: usize = 12;

/// Why the run is to be halted, if it is.
pub(super) fn halt(context: &Context<'_>, draft: &Draft) -> Option<Halt> {
    empty_side(context)
        .or_else(|| unread(context))
        .or_else(|| context.ended_early.map(Halt::EndedEarly))
        .or_else(|| untimely(context, draft))
        .or_else(|| foreign(context))
        .or_else(|| few_matched(context))
}

/// A side without a usable row is an outage of that side, not of every client.
fn empty_side(context: &Context<'_>) -> Option<Halt> {
    let Seen { clients, readings, unreadable_clients, unreadable_readings, .. } = *context.seen;
    match (clients, readings) {
        (0, _) => Some(Halt::NoClients { readings, unreadable: unreadable_clients }),
        (_, 0) => Some(Halt::NoReadings {
            clients,
            unreadable: unreadable_readings,
            names: names(context),
            example: context.seen.example.clone(),
        }),
        _ => None,
    }
}

fn names(context: &Context<'_>) -> Vec<compact_str::CompactString> {
    context.shape.field_names.iter().take(MOST_NAMES).cloned().collect()
}

/// A wrong field name looks like clients of whom INT6 says nothing.
fn unread(context: &Context<'_>) -> Option<Halt> {
    let (shape, limits) = (context.shape, context.limits);
    let is_most = |rows| exceeds(rows, shape.rows, limits.max_unread_percent, limits.min_rows);
    // Where no row has a field of that name, few rows are proof enough.
    let is_misnamed = shape.rows >= 3 && shape.without_power_field == shape.rows;
    let (field, rows) = if is_most(shape.without_code) {
        (RowField::Code, shape.without_code)
    } else if is_most(shape.without_power) || is_misnamed {
        (RowField::Power, shape.without_power.max(shape.without_power_field))
    } else {
        return None;
    };
    let example = context.seen.example.clone();
    Some(Halt::Unread { field, rows, of: shape.rows, names: names(context), example })
}

fn untimely(context: &Context<'_>, draft: &Draft) -> Option<Halt> {
    let (stale, of) = (context.counts.stale, context.counts.matched);
    let Draft { future, timeless, .. } = *draft;
    let limits = context.limits;
    let is_most = exceeds(stale + future + timeless, of, limits.max_stale_percent, limits.min_rows);
    (context.has_stale_limit && is_most).then_some(Halt::Untimely { stale, future, timeless, of })
}

fn foreign(context: &Context<'_>) -> Option<Halt> {
    let (codes, of) = (context.foreign_codes, context.int6_codes);
    let max_percent = context.limits.max_foreign_percent;
    exceeds(codes, of, max_percent, context.limits.min_foreign_codes).then_some(Halt::Foreign {
        codes,
        of,
        max_percent,
    })
}

fn few_matched(context: &Context<'_>) -> Option<Halt> {
    let (matched, min_percent) = (context.counts.matched, context.limits.min_matched_percent);
    let before = context.past.last?.matched;
    let is_few = (matched as f64) < before as f64 * min_percent / 100.0;
    let duplicates = context.counts.duplicates;
    is_few.then_some(Halt::FewMatched { matched, before, min_percent, duplicates })
}
