//! Whether INT6 says when it read its rows, and whether that is now.

use gateway_core::sync::ReadingTime;
use jiff::{SignedDuration, Timestamp};

use super::check::{Check, CheckStatus};
use super::{fields, words};
use crate::int6::Sample;
use crate::int6::wire::{FieldRole, Fields};

const WHAT: &str = "int6.ages";
/// A reading this far ahead is from another clock, or from another zone.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);
/// INT6 reads its ONUs more often than this.
const OLD: SignedDuration = SignedDuration::from_hours(1);
/// How late a reading may be that is otherwise off by whole hours.
const BEAT: i64 = 20 * 60;
/// Hours by which zones differ.
const HOURS: std::ops::RangeInclusive<i64> = 1..=14;

/// Judges the times of the readable rows; `stale_after` is the limit of the settings.
pub(super) fn ages(
    sample: &Sample,
    names: &Fields,
    stale_after: Option<SignedDuration>,
    now: Timestamp,
) -> Vec<Check> {
    if sample.readings.is_empty() {
        return Vec::new();
    }
    let name = &names.updated_at;
    let times = || sample.readings.iter().map(|reading| reading.updated_at);
    let mut ages: Vec<SignedDuration> =
        times().filter_map(ReadingTime::known).map(|at| now.duration_since(at)).collect();
    ages.sort_unstable();
    let unclear = times().filter(|time| *time == ReadingTime::NotUnderstood).count();
    let unguarded = if stale_after.is_some() { CheckStatus::Fail } else { CheckStatus::Warn };
    if ages.is_empty() && unclear == 0 {
        let check = if sample.shape.field_names.contains(name.as_str()) {
            let detail = format!("`{name}` says no time in any row of INT6");
            Check::bad(unguarded, WHAT, detail, "is `int6.updated_at_field` the right name?")
        } else {
            fields::misnamed(WHAT, unguarded, FieldRole::UpdatedAt, sample, names)
        };
        return vec![unseen(check, stale_after)];
    }
    if unclear > 0 {
        let detail = format!("{unclear} times in `{name}` of INT6 are not understood, {} are", ages.len());
        let most = if ages.len() < unclear { unguarded } else { CheckStatus::Warn };
        let remedy = "is `int6.updated_at_field` the right name? Tell us how INT6 writes its times";
        return vec![unseen(Check::bad(most, WHAT, detail, remedy), stale_after)];
    }
    known(&ages, stale_after)
}

/// What it means that ages are not known.
fn unseen(mut check: Check, stale_after: Option<SignedDuration>) -> Check {
    check.detail.push_str(match stale_after {
        Some(_) => "; the guard of SYNC_STALE_AFTER_SECONDS cannot see the ages of these readings",
        None => "; of two rows of one code it is not known which is newer, and an INT6 that stands still is not noticed",
    });
    check
}

fn known(ages: &[SignedDuration], stale_after: Option<SignedDuration>) -> Vec<Check> {
    let (newest, median, all) = (ages[0], ages[ages.len() / 2], ages.len());
    let ahead = ages.iter().filter(|age| **age < -AHEAD).count();
    if ahead > 0 {
        return vec![in_the_future(newest, ahead, all, stale_after)];
    }
    let stale = ages.iter().filter(|age| stale_after.is_some_and(|limit| **age > limit)).count();
    let told = format!("median age {}, the newest {}", words::time(median), words::time(newest));
    let zone = if is_off_by_hours(newest) {
        " The newest is late by whole hours: is INT6_TIME_ZONE the zone in which INT6 writes its times?"
    } else {
        ""
    };
    if stale * 2 > all {
        let limit = stale_after.map(words::time).unwrap_or_default();
        let detail = format!(
            "{stale} of {all} readings of INT6 are older than {limit}, and would be left alone: {told}"
        );
        let remedy = format!(
            "does INT6 still measure? Are SYNC_STALE_AFTER_SECONDS and `int6.updated_at_field` right?{zone}"
        );
        return vec![Check::fail(WHAT, detail, remedy)];
    }
    if newest > OLD {
        let detail = format!("INT6's readings are old: {told}");
        let remedy =
            format!("does INT6 still measure? Is `int6.updated_at_field` the time of the reading?{zone}");
        return vec![Check::warn(WHAT, detail, remedy)];
    }
    vec![Check::ok(WHAT, format!("INT6's readings are fresh: {told}"))]
}

fn in_the_future(
    newest: SignedDuration,
    ahead: usize,
    all: usize,
    stale_after: Option<SignedDuration>,
) -> Check {
    let detail =
        format!("{ahead} of {all} readings of INT6 are from the future, by up to {}", words::time(newest));
    let remedy = "look at INT6's clock, and at INT6_TIME_ZONE: the zone of times that name none";
    // Such readings are left alone by a stale limit, and most of them halt a run.
    let would_halt = stale_after.is_some() && ahead * 2 > all;
    Check::bad(if would_halt { CheckStatus::Fail } else { CheckStatus::Warn }, WHAT, detail, remedy)
}

fn is_off_by_hours(age: SignedDuration) -> bool {
    let seconds = age.as_secs();
    HOURS.contains(&(seconds / 3600)) && seconds % 3600 <= BEAT
}

#[cfg(test)]
mod tests;
