//! Whether INT6 and OZmap mean the same by a code.

use std::collections::BTreeSet;

use gateway_core::ClientCode;
use gateway_core::sync::Reading;

use super::check::{Check, CheckStatus};
use super::{calls, suggestion};
use crate::int6::Sample;
use crate::int6::wire::{FieldRole, Fields};
use crate::ozmap::Ozmap;
use crate::upstream::CallError;

const WHAT: &str = "int6.codes";
/// Codes that are looked up in OZmap.
const LOOKED_UP: usize = 5;
/// If it knows none of them, so many more.
const MORE: usize = 5;

/// What the look-up found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    asked: usize,
    known: usize,
}

/// Judges the codes by themselves: whether they are numbers, and each client's own.
pub(super) fn codes(readings: &[Reading]) -> Vec<Check> {
    let (all, distinct) = (readings.len(), distinct(readings).len());
    let odd = readings.iter().filter(|reading| !reading.code.is_numeric()).count();
    let mut checks = Vec::new();
    if odd * 10 > all {
        let detail = format!("{odd} of {all} codes of INT6 are no number, and are left out of the sync");
        let status = if odd * 2 > all { CheckStatus::Fail } else { CheckStatus::Warn };
        checks.push(Check::bad(
            status,
            WHAT,
            detail,
            "is INT6_CODE_FIELD the field with the client's code in OZmap?",
        ));
    }
    if distinct * 10 < all * 9 {
        let detail = format!("{all} rows of INT6 have only {distinct} different codes");
        let status = if distinct * 2 < all { CheckStatus::Fail } else { CheckStatus::Warn };
        let remedy = "is INT6_CODE_FIELD each client's own, and not that of an OLT or a plan?";
        checks.push(Check::bad(status, WHAT, detail, remedy));
    }
    checks
}

fn distinct(readings: &[Reading]) -> BTreeSet<&str> {
    readings.iter().map(|reading| reading.code.as_str()).collect()
}

/// Looks some of the codes up in OZmap, from end to end of the page.
///
/// # Errors
/// [`CallError`].
pub(super) async fn look_up(readings: &[Reading], ozmap: &Ozmap) -> Result<Known, CallError> {
    let codes = spread(readings, LOOKED_UP + MORE);
    let mut found = Known { asked: 0, known: 0 };
    for code in codes {
        if found.asked >= LOOKED_UP && found.known > 0 {
            break;
        }
        found.known += usize::from(ozmap.knows(&code).await?);
        found.asked += 1;
    }
    Ok(found)
}

/// Different codes, spread over the page; every other one first, so that the first few are spread, too.
fn spread(readings: &[Reading], most: usize) -> Vec<ClientCode> {
    let codes: BTreeSet<&str> = distinct(readings);
    let codes: Vec<ClientCode> = codes.into_iter().filter_map(ClientCode::new).collect();
    let step = codes.len().div_ceil(most).max(1);
    let some: Vec<ClientCode> = codes.into_iter().step_by(step).collect();
    let (even, odd) = (some.iter().step_by(2), some.iter().skip(1).step_by(2));
    even.chain(odd).cloned().collect()
}

/// Judges what the look-up found; `ozmap_has_clients` is whether OZmap showed any.
pub(super) fn matched(
    found: Result<Known, CallError>,
    sample: &Sample,
    fields: &Fields,
    ozmap_has_clients: bool,
) -> Check {
    let Known { asked, known } = match found {
        Ok(found) => found,
        Err(error) => return calls::failed(WHAT, "codes of INT6 could not be looked up in OZmap", &error),
    };
    if !ozmap_has_clients {
        let remedy = "enter the clients in OZmap, each with its code; the sync creates none";
        return Check::warn(WHAT, "OZmap shows no client: codes cannot be compared", remedy);
    }
    let clause = suggestion::clause(FieldRole::Code, fields, &sample.shape.field_names);
    let question =
        format!("is INT6_CODE_FIELD (`{}`) the OZmap code, not the contract number{clause}", fields.code);
    let question = if question.ends_with('?') { question } else { format!("{question}?") };
    if known == 0 {
        let detail = format!(
            "codes of INT6 and OZmap do not match: of {asked} codes that were looked up OZmap knows none"
        );
        return Check::fail(WHAT, detail, question);
    }
    if known * 2 < asked {
        let detail = format!("of {asked} codes of INT6 that were looked up OZmap knows only {known}");
        return Check::warn(WHAT, detail, format!("are these clients in OZmap? Else: {question}"));
    }
    Check::ok(WHAT, format!("OZmap knows {known} of {asked} codes of INT6 that were looked up"))
}

#[cfg(test)]
mod tests;
