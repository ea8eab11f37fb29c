//! What may be done with each port of a splitter. Source: `docs/contracts/ozmap-api.md`, "Index of a port".

use std::collections::HashSet;

use gateway_core::{PortState, Ratio};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::fields::{number, switch};

/// More ports than any splitter has; a row that names more is not believed.
const MOST_PORTS: usize = 1_024;

/// An entry of `ports`.
#[derive(Deserialize)]
pub(super) struct PortRow {
    #[serde(default)]
    index: Value,
    #[serde(default)]
    blocked: Value,
}

impl PortRow {
    /// The index as it stands there, in a text too; `None` if there is none that is understood.
    fn index(&self) -> Option<usize> {
        let index = number(&self.index).ok().flatten()?;
        (index.fract() == 0.0 && (0.0..=MOST_PORTS as f64).contains(&index)).then_some(index as usize)
    }

    /// What is not understood keeps the port from being offered.
    fn is_blocked(&self) -> bool {
        switch(&self.blocked).unwrap_or(true)
    }
}

/// One state for each port; `None` if there are too many.
///
/// The ratio says how many ports there are; where an output beyond it is connected, that port is there too and taken. Empty
/// outputs beyond the ratio are no ports, and an `output` shorter than the ratio has nothing on the rest. Without a ratio
/// the outputs are counted. `ports` only says what is blocked, and may be of any length.
/// Inferred: the contract says only that index = port − 1.
pub(super) fn port_states(
    ratio: Option<Ratio>,
    outputs: &[Option<IgnoredAny>],
    rows: &[Option<PortRow>],
) -> Option<Vec<PortState>> {
    let connected = outputs.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
    let count = ratio.map_or(outputs.len(), |ratio| usize::from(ratio.output).max(connected));
    if count > MOST_PORTS {
        return None;
    }
    let blocked = blocked(rows, count);
    let state = |place: usize| match outputs.get(place) {
        Some(Some(_)) => PortState::Taken,
        _ if blocked.contains(&place) => PortState::Blocked,
        _ => PortState::Free,
    };
    Some((0..count).map(state).collect())
}

/// Places (port − 1) that an entry calls blocked.
///
/// An entry with an `index` speaks of that port, wherever it stands in the list; one without speaks of the port at its place.
/// Inferred: an index of 0 in the set says that it counts from 0, one of the number of ports that it counts from 1; where
/// neither or both are there, a blocked entry keeps both ports that it may mean from being offered.
fn blocked(rows: &[Option<PortRow>], count: usize) -> HashSet<usize> {
    let rows = || rows.iter().enumerate().filter_map(|(place, row)| Some((place, row.as_ref()?)));
    let indices: HashSet<usize> = rows().filter_map(|(_, row)| row.index()).collect();
    let from_one = |index: usize| index.checked_sub(1);
    let mut blocked = HashSet::new();
    for (place, row) in rows().filter(|(_, row)| row.is_blocked()) {
        match row.index() {
            None => blocked.extend([place]),
            Some(index) => match (indices.contains(&0), indices.contains(&count)) {
                (true, false) => blocked.extend([index]),
                (false, true) => blocked.extend(from_one(index)),
                (true, true) | (false, false) => {
                    blocked.extend([Some(index), from_one(index)].into_iter().flatten())
                }
            },
        }
    }
    blocked
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn free(count: usize, ports: Value) -> Vec<usize> {
        let rows: Vec<Option<PortRow>> = serde_json::from_value(ports).expect("entries");
        let states = port_states(None, &vec![None; count], &rows).expect("a splitter");
        (1..=count).filter(|port| states[port - 1] == PortState::Free).collect()
    }

    #[rstest]
    #[case::by_place(json!([{}, {"blocked": true}]), &[1, 3, 4, 5, 6, 7, 8])]
    #[case::a_null_between(json!([null, null, {"blocked": "1"}]), &[1, 2, 4, 5, 6, 7, 8])]
    #[case::one_that_may_be_5_or_6(json!([{"index": 5, "blocked": true}]), &[1, 2, 3, 4, 7, 8])]
    #[case::from_7_to_0(json!((0..8).rev().map(|i| json!({"index": i, "blocked": i == 7})).collect::<Vec<_>>()), &[1, 2, 3, 4, 5, 6, 7])]
    #[case::from_8_to_1(json!((1..9).rev().map(|i| json!({"index": i.to_string(), "blocked": i == 7})).collect::<Vec<_>>()), &[1, 2, 3, 4, 5, 6, 8])]
    #[case::mixed(json!([{"blocked": true}, {"index": 0}, {"index": 4.0, "blocked": 1}]), &[2, 3, 4, 6, 7, 8])]
    #[case::twice_the_same(json!([{"index": 0, "blocked": false}, {"index": 0, "blocked": true}]), &[2, 3, 4, 5, 6, 7, 8])]
    #[case::both_bases(json!([{"index": 0}, {"index": 8}, {"index": 3, "blocked": true}]), &[1, 2, 5, 6, 7, 8])]
    #[case::no_index_at_all(json!([{"index": "first", "blocked": true}]), &[2, 3, 4, 5, 6, 7, 8])]
    #[case::beyond(json!([{"index": 0}, {"index": 40, "blocked": true}]), &[1, 2, 3, 4, 5, 6, 7, 8])]
    #[case::not_understood(json!([{"index": 0, "blocked": "perhaps"}]), &[2, 3, 4, 5, 6, 7, 8])]
    fn the_index_decides_where_it_is_there(#[case] ports: Value, #[case] expected: &[usize]) {
        assert_eq!(free(8, ports), expected);
    }

    proptest! {
        #[test]
        fn the_order_of_the_entries_does_not_matter_where_they_have_an_index(
            blocked in prop::collection::vec(any::<bool>(), 1..17), base in 0usize..2, turn in 0usize..16,
        ) {
            let row = |(i, blocked): (usize, &bool)| json!({ "index": i + base, "blocked": blocked });
            let mut rows: Vec<Value> = blocked.iter().enumerate().map(row).collect();
            rows.rotate_left(turn % blocked.len());
            let expected: Vec<usize> = (1..=blocked.len()).filter(|port| !blocked[port - 1]).collect();
            prop_assert_eq!(free(blocked.len(), Value::from(rows)), expected);
        }
    }
}
