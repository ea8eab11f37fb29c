//! Whether the fields that the settings name are in INT6's rows, and say something.

use gateway_core::sync::{FindingKind, Reading};

use super::check::{Check, CheckStatus};
use super::{suggestion, words};
use crate::int6::Sample;
use crate::int6::wire::{FieldRole, Fields};

const WHAT: &str = "int6.fields";

/// Whether a reading knows the value of a field.
type Knows = fn(&Reading) -> bool;

/// Judges every field but the time, which has a check of its own. One `ok` if all are in order.
pub(super) fn fields(sample: &Sample, fields: &Fields) -> Vec<Check> {
    if sample.rows == 0 {
        return Vec::new();
    }
    let mut checks = twice(fields);
    checks.extend(code(sample, fields));
    checks.extend(power(sample, fields));
    let of_onu: [(FieldRole, Knows); 3] = [
        (FieldRole::Serial, |reading| reading.serial.is_some()),
        (FieldRole::PppoeUser, |reading| reading.pppoe_user.is_some()),
        (FieldRole::Mac, |reading| reading.mac.is_some()),
    ];
    checks.extend(of_onu.iter().filter_map(|(role, knows)| onu(*role, sample, fields, *knows)));
    if checks.is_empty() {
        let Fields { code, power, serial, pppoe_user, mac, updated_at: _ } = fields;
        let detail = format!(
            "INT6's rows have `{code}`, `{power}`, `{serial}`, `{pppoe_user}` and `{mac}`, and values in them"
        );
        checks.push(Check::ok(WHAT, detail));
    }
    checks
}

/// The setting of a field's name, as messages write it.
pub(super) fn setting(role: FieldRole) -> &'static str {
    match role {
        FieldRole::Code => "INT6_CODE_FIELD",
        FieldRole::Power => "INT6_POWER_FIELD",
        FieldRole::Serial => "`int6.serial_field`",
        FieldRole::PppoeUser => "`int6.pppoe_field`",
        FieldRole::Mac => "`int6.mac_field`",
        FieldRole::UpdatedAt => "`int6.updated_at_field`",
    }
}

/// No row has a field of this name.
pub(super) fn misnamed(
    what: &'static str,
    status: CheckStatus,
    role: FieldRole,
    sample: &Sample,
    fields: &Fields,
) -> Check {
    let (setting, name, names) = (setting(role), role.name_in(fields), &sample.shape.field_names);
    let clause = suggestion::clause(role, fields, names);
    let detail =
        format!("no row of INT6 has a field `{name}` ({setting}); the rows have: {}", words::names(names));
    Check::bad(status, what, detail, format!("set {setting} to the right name{clause}"))
}

/// One field for two things: at least one of them is wrong.
fn twice(fields: &Fields) -> Vec<Check> {
    let pairs = FieldRole::ALL
        .iter()
        .enumerate()
        .flat_map(|(i, a)| FieldRole::ALL[i + 1..].iter().map(move |b| (*a, *b)));
    pairs
        .filter(|(a, b)| a.name_in(fields) == b.name_in(fields))
        .map(|(a, b)| {
            let detail = format!("`{}` is both {} and {}", a.name_in(fields), setting(a), setting(b));
            Check::fail(WHAT, detail, "set each of the two to a field of its own")
        })
        .collect()
}

fn code(sample: &Sample, fields: &Fields) -> Option<Check> {
    let (shape, name) = (&sample.shape, &fields.code);
    let (missing, all) = (shape.without_code, shape.rows);
    if missing == 0 {
        return None;
    }
    if missing == all && !shape.field_names.contains(name.as_str()) {
        return Some(misnamed(WHAT, CheckStatus::Fail, FieldRole::Code, sample, fields));
    }
    let detail = format!("{missing} of {all} rows of INT6 have no code in `{name}`, and are left out");
    let clause = suggestion::clause(FieldRole::Code, fields, &shape.field_names);
    let remedy = format!("is INT6_CODE_FIELD the field with the client's code in OZmap?{}", aside(&clause));
    let is_most = missing * 2 > all;
    Some(Check::bad(if is_most { CheckStatus::Fail } else { CheckStatus::Warn }, WHAT, detail, remedy))
}

fn power(sample: &Sample, fields: &Fields) -> Option<Check> {
    let (shape, name) = (&sample.shape, &fields.power);
    let all = shape.rows;
    if shape.without_power_field == all {
        return Some(misnamed(WHAT, CheckStatus::Fail, FieldRole::Power, sample, fields));
    }
    if shape.without_power * 2 <= all {
        return None;
    }
    let detail = format!(
        "{} of {all} rows of INT6 say nothing in `{name}`, and no field of these clients would be written",
        shape.without_power
    );
    let clause = suggestion::clause(FieldRole::Power, fields, &shape.field_names);
    let remedy = format!("is INT6_POWER_FIELD the light at the ONU?{}", aside(&clause));
    Some(Check::fail(WHAT, detail, remedy))
}

/// A suggestion behind a question.
fn aside(clause: &str) -> String {
    clause.strip_prefix("; d").map_or_else(String::new, |rest| format!(" D{rest}"))
}

fn onu(role: FieldRole, sample: &Sample, fields: &Fields, knows: Knows) -> Option<Check> {
    let name = role.name_in(fields);
    if !sample.shape.field_names.contains(name) {
        return Some(misnamed(WHAT, CheckStatus::Warn, role, sample, fields));
    }
    let known = sample.readings.iter().filter(|reading| knows(reading)).count();
    let about = format!("`{name}`");
    let is_unclear =
        |detail: &str, kind| kind == FindingKind::UnclearField && detail.starts_with(about.as_str());
    let unclear = sample.findings.iter().filter(|f| is_unclear(&f.detail, f.kind)).count();
    let clause = suggestion::clause(role, fields, &sample.shape.field_names);
    let remedy = format!("is {} the right name?{}", setting(role), aside(&clause));
    if unclear > known {
        let detail = format!("`{name}` is not understood in {unclear} rows of INT6, and known in {known}");
        return Some(Check::warn(WHAT, detail, remedy));
    }
    let is_silent = known == 0 && !sample.readings.is_empty();
    is_silent.then(|| {
        let detail = format!("`{name}` says nothing in any of {} rows of INT6", sample.readings.len());
        Check::warn(WHAT, detail, remedy)
    })
}
