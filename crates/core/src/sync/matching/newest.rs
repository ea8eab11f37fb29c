//! Which of several rows is the newest.

use jiff::{SignedDuration, Timestamp};

use crate::sync::reading::{Reading, ReadingTime};

/// How far ahead a clock may be; a later time is none. Source: `docs/contracts/int6-api.md`, "Ages and times".
const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// The row with the latest time; rows that say the same need no time to choose between them.
pub(super) fn newest(readings: &[Reading], rows: &[usize], now: Timestamp) -> Option<usize> {
    let time = |i: usize| {
        let known = readings[i].updated_at.known();
        known.filter(|at| at.duration_since(now) <= AHEAD)
    };
    let latest = rows.iter().filter_map(|&i| time(i)).max();
    let says = |i: usize| Reading { updated_at: ReadingTime::Unsaid, ..readings[i].clone() };
    let candidates = || rows.iter().copied().filter(|&i| time(i).is_none() || time(i) == latest);
    // One with a time, whatever their order: the time counts again where rows share a code.
    let chosen = candidates().max_by_key(|&i| (time(i), rank(readings[i].updated_at)))?;
    candidates().all(|other| says(other) == says(chosen)).then_some(chosen)
}

/// Rows that say the same are told apart by what they say of their time, so that their order never matters.
fn rank(at: ReadingTime) -> (u8, Option<Timestamp>) {
    match at {
        ReadingTime::Unsaid => (0, None),
        ReadingTime::NotUnderstood => (1, None),
        ReadingTime::At(at) => (2, Some(at)),
    }
}
