//! How many clients the changes of a field concern.

use super::context::{Context, Hold};
use crate::onu::OnuSerial;
use crate::status::{Implantation, Status};
use crate::sync::change::{Change, Field, FieldValue};
use crate::sync::draft::Draft;
use crate::sync::fields::Fields;
use crate::sync::hold::HoldReason;
use crate::sync::limits::exceeds;

pub(super) fn holds(context: &Context<'_>, draft: &Draft) -> Vec<Hold> {
    [outage(context, draft), implantation(context, draft), onu(context, draft)]
        .into_iter()
        .flatten()
        .flatten()
        .collect()
}

fn rows_with(draft: &Draft, is_meant: impl Fn(&Change) -> bool) -> Vec<usize> {
    let rows = draft.rows.iter().enumerate();
    rows.filter(|(_, row)| draft.of(row).iter().any(&is_meant)).map(|(place, _)| place).collect()
}

/// A field's whole part, and more fields of some of the clients.
fn hold(draft: &Draft, reason: HoldReason, field: Field, rows: Vec<usize>, fields: Fields) -> Vec<Hold> {
    let all = rows_with(draft, |change| change.edit.field() == field);
    vec![
        Hold { reason, rows: all, fields: Fields::NONE.with(field) },
        Hold { reason, rows, fields: fields.without(field) },
    ]
}

fn outage(context: &Context<'_>, draft: &Draft) -> Option<Vec<Hold>> {
    let (limits, matched) = (context.limits, context.counts.matched);
    let rows = rows_with(draft, |c| matches!(c.edit, FieldValue::Status { new: Status::Error, .. }));
    let (clients, max_percent) = (rows.len() as u64, limits.max_error_percent);
    let reason = HoldReason::MassOutage { clients, matched, max_percent };
    exceeds(clients, matched, max_percent, limits.min_error_clients)
        .then(|| hold(draft, reason, Field::Status, rows, Fields::NONE.with(Field::ReadPower)))
}

fn implantation(context: &Context<'_>, draft: &Draft) -> Option<Vec<Hold>> {
    let (limits, matched) = (context.limits, context.counts.matched);
    let rows = rows_with(draft, |change| matches!(change.edit, FieldValue::Implant));
    let (clients, max_percent) = (rows.len() as u64, limits.max_implantation_percent);
    let least = limits.min_implantation_clients;
    let a_day = context.past.implanted_a_day;
    let is_unusual = a_day.is_some_and(|a_day| {
        clients >= least && clients as f64 > a_day as f64 * limits.max_implantation_factor
    });
    if !is_unusual && !exceeds(clients, matched, max_percent, least) {
        return None;
    }
    let is_reserved = |implantation| implantation == Implantation::NotImplanted;
    let reservations =
        context.pairs.iter().filter(|(synced, _)| is_reserved(synced.client.implantation)).count() as u64;
    let reason = HoldReason::MassImplantation { clients, reservations, matched, max_percent, a_day };
    let light = Fields::NONE.with(Field::ReadPower).with(Field::Status);
    Some(hold(draft, reason, Field::Implantation, rows, light))
}

fn onu(context: &Context<'_>, draft: &Draft) -> Option<Vec<Hold>> {
    let (limits, matched) = (context.limits, context.counts.matched);
    let clients = rows_with(draft, |change| change.edit.field() == Field::Onu).len() as u64;
    let max_percent = limits.max_onu_percent;
    if !exceeds(clients, matched, max_percent, limits.min_onu_clients) {
        return None;
    }
    // Whose ONU is another one may be another client: nothing of it is believed.
    let swaps = rows_with(draft, |change| changes_known_serial(&change.edit));
    let reason = HoldReason::MassOnu { clients, serials: swaps.len() as u64, matched, max_percent };
    Some(hold(draft, reason, Field::Onu, swaps, Fields::ALL))
}

fn changes_known_serial(edit: &FieldValue) -> bool {
    match edit {
        FieldValue::Onu { old, new } => {
            old.serial_number != new.serial_number && OnuSerial::new(&old.serial_number).is_some()
        }
        _ => false,
    }
}
