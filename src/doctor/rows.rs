//! Whether INT6's rows can be read at all.

use gateway_core::sync::FindingKind;

use super::check::Check;
use super::{suggestion, words};
use crate::int6::Sample;
use crate::int6::wire::{FieldRole, Fields};

const WHAT: &str = "int6.rows";

/// How many rows can be read, and why others cannot.
pub(super) fn rows(sample: &Sample, fields: &Fields) -> Check {
    let all = sample.rows;
    if all == 0 {
        let remedy = "does this user of INT6 see the ISP's clients, and is INT6_STATUS_PATH the path of the bulk read?";
        return Check::warn(WHAT, "INT6 has no row: there is nothing to judge, and nothing to sync", remedy);
    }
    let unreadable = sample.findings.iter().filter(|finding| finding.kind == FindingKind::Unreadable);
    let reasons: Vec<&str> = unreadable.map(|finding| finding.detail.as_str()).collect();
    let lost = reasons.len();
    let why = words::reasons(reasons.iter().copied());
    if sample.readings.is_empty() || lost * 2 > all {
        let readable = if sample.readings.is_empty() { "none".to_owned() } else { (all - lost).to_string() };
        let detail = format!(
            "of {all} rows of INT6 {readable} can be read: {why}. The rows have: {}",
            words::names(&sample.shape.field_names)
        );
        return Check::fail(WHAT, detail, remedy(sample, fields));
    }
    if lost > 0 {
        let detail = format!("of {all} rows of INT6 {lost} cannot be read and are left out: {why}");
        return Check::warn(
            WHAT,
            detail,
            "look at these rows in INT6; the findings of a run name their codes",
        );
    }
    Check::ok(WHAT, format!("all {all} rows that INT6 gave can be read"))
}

fn remedy(sample: &Sample, fields: &Fields) -> String {
    let shape = &sample.shape;
    let (role, setting) = match shape.without_code * 2 > shape.rows {
        true => (FieldRole::Code, "INT6_CODE_FIELD"),
        false => (FieldRole::Power, "INT6_POWER_FIELD"),
    };
    let clause = suggestion::clause(role, fields, &shape.field_names);
    format!(
        "is INT6_STATUS_PATH the path of the bulk read? If it is, set {setting} to a field that the rows have{clause}"
    )
}
