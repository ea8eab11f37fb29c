//! A plan's changes as calls: one per value where many clients share it, one per record otherwise. Pure.

use std::collections::BTreeMap;

use crate::sync::change::{Change, FieldValue, Record, SharedValue};

/// How changes are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grouping {
    /// By value, at most so many records in one call.
    ByValue {
        /// At least 1.
        largest: usize,
    },
    /// One call per record, for hosts without batch-update.
    ByRecord,
}

/// One call to OZmap; changes are named by their place in the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// One value on several records.
    Set {
        /// What they get.
        value: SharedValue,
        /// Two or more changes, one per record.
        changes: Vec<u32>,
    },
    /// Several fields of one record.
    Patch {
        /// One or more changes, all of one record.
        changes: Vec<u32>,
    },
}

/// Groups changes into calls.
///
/// What is held is in none of them. The number of calls grows with the number of different values, not of clients. `lacks_batch` tells of which values the
/// host is known to have no batch-update. Source: `docs/ARCHITECTURE.md`, "Writes are grouped by value".
pub fn batch(changes: &[Change], grouping: Grouping, lacks_batch: impl Fn(SharedValue) -> bool) -> Vec<Call> {
    let mut shared: BTreeMap<SharedValue, Vec<u32>> = BTreeMap::new();
    let mut by_record: BTreeMap<&Record, Vec<u32>> = BTreeMap::new();
    for (index, change) in (0u32..).zip(changes).filter(|(_, change)| !change.held) {
        match SharedValue::of(&change.edit) {
            Some(value) if grouping != Grouping::ByRecord && !lacks_batch(value) => {
                shared.entry(value).or_default().push(index);
            }
            _ => by_record.entry(&change.record).or_default().push(index),
        }
    }
    let largest = match grouping {
        Grouping::ByValue { largest } => largest.max(1),
        Grouping::ByRecord => 1,
    };
    let mut calls = Vec::with_capacity(shared.len());
    for (value, members) in shared {
        for chunk in members.chunks(largest) {
            match *chunk {
                [single] => by_record.entry(&changes[single as usize].record).or_default().push(single),
                _ => calls.push(Call::Set { value, changes: chunk.to_vec() }),
            }
        }
    }
    calls.extend(by_record.into_values().map(|mut changes| {
        changes.sort_unstable();
        Call::Patch { changes }
    }));
    calls
}

impl Call {
    /// The changes that the call carries.
    pub fn changes(&self) -> &[u32] {
        match self {
            Call::Set { changes, .. } | Call::Patch { changes } => changes,
        }
    }

    /// The call with those of its changes that are wanted; `None` if none is.
    pub fn only(self, is_wanted: impl Fn(u32) -> bool) -> Option<Call> {
        let wanted = |changes: Vec<u32>| -> Vec<u32> {
            changes.into_iter().filter(|place| is_wanted(*place)).collect()
        };
        let call = match self {
            Call::Set { value, changes } => match wanted(changes) {
                changes if changes.len() == 1 => Call::Patch { changes },
                changes => Call::Set { value, changes },
            },
            Call::Patch { changes } => Call::Patch { changes: wanted(changes) },
        };
        (!call.changes().is_empty()).then_some(call)
    }

    /// The same changes in smaller calls, to find the one at fault; `None` if the call cannot be smaller.
    pub fn narrowed(&self) -> Option<[Call; 2]> {
        let changes = self.changes();
        if changes.len() < 2 {
            return None;
        }
        let (left, right) = changes.split_at(changes.len() / 2);
        Some([left, right].map(|half| match self {
            Call::Set { value, .. } if half.len() > 1 => Call::Set { value: *value, changes: half.to_vec() },
            _ => Call::Patch { changes: half.to_vec() },
        }))
    }

    /// The same changes record by record, for a host without batch-update.
    pub fn one_by_one(&self) -> Vec<Call> {
        self.changes().iter().map(|&change| Call::Patch { changes: vec![change] }).collect()
    }
}

/// The edits that a call carries.
pub fn edits<'a>(changes: &'a [Change], call: &'a Call) -> impl Iterator<Item = &'a FieldValue> {
    call.changes().iter().map(|&i| &changes[i as usize].edit)
}

#[cfg(test)]
mod tests;
