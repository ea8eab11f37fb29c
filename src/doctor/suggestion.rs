//! "Did you mean": a name that the rows have, for one that they do not.

use std::collections::BTreeSet;

use compact_str::CompactString;

use crate::int6::wire::{FieldRole, Fields, is_of_olt};

/// So much alike: a slip of the keyboard.
const TYPO: f64 = 0.93;
/// So much alike: probably the same thing.
const ALIKE: f64 = 0.84;

/// The name that the rows have for what the settings call otherwise, if one is likely.
///
/// A slip of the keyboard goes before a usual name, a usual name before one that is merely alike. Names that the settings use for
/// something else are left out, and for the power those of the OLT's end.
pub(super) fn did_you_mean<'a>(
    role: FieldRole,
    fields: &Fields,
    names: &'a BTreeSet<CompactString>,
) -> Option<&'a str> {
    let configured = role.name_in(fields);
    let is_taken = |name: &str| FieldRole::ALL.iter().any(|other| other.name_in(fields) == name);
    let is_other_end = |name: &str| role == FieldRole::Power && is_of_olt(name);
    let candidates: Vec<&str> = names
        .iter()
        .map(CompactString::as_str)
        .filter(|name| !is_taken(name) && !is_other_end(name))
        .collect();
    let usual = || {
        let found = |usual: &&str| candidates.iter().find(|name| name.eq_ignore_ascii_case(usual)).copied();
        role.usual_names().iter().find_map(found)
    };
    let alike = || role.usual_names().iter().filter_map(|usual| nearest(usual, &candidates, ALIKE)).next();
    nearest(configured, &candidates, TYPO)
        .or_else(usual)
        .or_else(|| nearest(configured, &candidates, ALIKE))
        .or_else(alike)
}

/// The same as a clause for people, or nothing.
pub(super) fn clause(role: FieldRole, fields: &Fields, names: &BTreeSet<CompactString>) -> String {
    did_you_mean(role, fields, names).map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

fn nearest<'a>(wanted: &str, candidates: &[&'a str], least: f64) -> Option<&'a str> {
    let wanted = wanted.to_lowercase();
    let alike = |name: &&'a str| (strsim::jaro_winkler(&wanted, &name.to_lowercase()), *name);
    let best = candidates.iter().map(alike).max_by(|(a, _), (b, _)| a.total_cmp(b));
    best.filter(|(alike, _)| *alike >= least).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn named(role: FieldRole, name: &str) -> Fields {
        let (name, mut fields) = (name.to_owned(), Fields::default());
        match role {
            FieldRole::Code => fields.code = name,
            FieldRole::Power => fields.power = name,
            FieldRole::Serial => fields.serial = name,
            FieldRole::PppoeUser => fields.pppoe_user = name,
            FieldRole::Mac => fields.mac = name,
            FieldRole::UpdatedAt => fields.updated_at = name,
        }
        fields
    }

    fn defaults_and(more: &[&'static str]) -> BTreeSet<CompactString> {
        let defaults = Fields::default();
        let names = FieldRole::ALL.map(|role| role.name_in(&defaults).to_owned());
        let names = names.iter().map(String::as_str).chain(more.iter().copied());
        names.map(CompactString::from).collect()
    }

    #[rstest]
    #[case::another_language(FieldRole::Power, "potencia", Fields::default().power)]
    #[case::nonsense(FieldRole::Code, "nope", Fields::default().code)]
    #[case::a_slip(FieldRole::Code, "gpon_cleint_id", Fields::default().code)]
    #[case::another_field(FieldRole::Code, "contract_id", Fields::default().code)]
    #[case::a_serial(FieldRole::Serial, "serialnumber", Fields::default().serial)]
    #[case::a_time(FieldRole::UpdatedAt, "updatedAt", Fields::default().updated_at)]
    fn the_usual_name_is_found_for_a_wrong_one(
        #[case] role: FieldRole,
        #[case] wrong: &str,
        #[case] right: String,
    ) {
        let names = defaults_and(&["olt_rx", "id", "contract_id"]);
        assert_eq!(did_you_mean(role, &named(role, wrong), &names), Some(right.as_str()));
    }

    #[test]
    fn rows_with_other_names_are_known_by_their_usual_ones() {
        let names: BTreeSet<CompactString> =
            ["client_id", "power", "sn", "zone"].into_iter().map(CompactString::from).collect();
        let fields = Fields::default();
        assert_eq!(did_you_mean(FieldRole::Code, &fields, &names), Some("client_id"));
        assert_eq!(did_you_mean(FieldRole::Power, &fields, &names), Some("power"));
        assert_eq!(did_you_mean(FieldRole::Mac, &fields, &names), None);
        assert_eq!(clause(FieldRole::Mac, &fields, &names), "");
    }

    #[test]
    fn the_olts_end_is_never_proposed_for_the_onus() {
        let names: BTreeSet<CompactString> = ["olt_rx_signal"].into_iter().map(CompactString::from).collect();
        assert_eq!(did_you_mean(FieldRole::Power, &Fields::default(), &names), None);
    }
}
