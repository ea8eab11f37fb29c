//! Words that several checks use.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use jiff::SignedDuration;

/// Names that are shown.
const NAMES: usize = 20;
/// Reasons that are shown.
const REASONS: usize = 3;

/// A length of time in its two largest units, without a sign: `3 h 5 min`.
pub(super) fn time(length: SignedDuration) -> String {
    let seconds = length.as_secs().unsigned_abs();
    let units = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let first = units.iter().position(|(unit, _)| seconds >= *unit).unwrap_or(3);
    let (unit, name) = units[first];
    let large = format!("{} {name}", seconds / unit);
    match units.get(first + 1).map(|(small, name)| (seconds % unit / small, name)) {
        Some((rest, name)) if rest > 0 => format!("{large} {rest} {name}"),
        _ => large,
    }
}

/// The names that rows have, with commas between.
pub(super) fn names(names: &BTreeSet<CompactString>) -> String {
    let shown: Vec<&str> = names.iter().take(NAMES).map(CompactString::as_str).collect();
    match names.len() {
        0 => "no field at all".to_owned(),
        all if all > NAMES => format!("{} and {} more", shown.join(", "), all - NAMES),
        _ => shown.join(", "),
    }
}

/// The most frequent of some reasons: `why (48), other (2)`.
pub(super) fn reasons<'a>(reasons: impl Iterator<Item = &'a str>) -> String {
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for reason in reasons {
        *times.entry(reason).or_default() += 1;
    }
    let mut times: Vec<(&str, usize)> = times.into_iter().collect();
    times.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    let shown: Vec<String> =
        times.iter().take(REASONS).map(|(reason, times)| format!("{reason} ({times})")).collect();
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0, "0 s")]
    #[case(59, "59 s")]
    #[case(-60, "1 min")]
    #[case(11_100, "3 h 5 min")]
    #[case(86_400 * 3 + 59, "3 d")]
    fn a_length_of_time_has_two_units(#[case] seconds: i64, #[case] expected: &str) {
        assert_eq!(time(SignedDuration::from_secs(seconds)), expected);
    }

    #[test]
    fn the_most_frequent_reason_comes_first() {
        assert_eq!(reasons(["a", "b", "b"].into_iter()), "b (2), a (1)");
    }
}
