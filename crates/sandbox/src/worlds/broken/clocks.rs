//! Old readings and wrong clocks, where the ISP has set how old a reading may be.

use serde_json::json;

use crate::worlds::end::WorldEnd;
use crate::worlds::story::WorldStory;
use crate::worlds::telling::{POWER, TIME, Telling, dbm, is_lit, repower};

/// A reading may be an hour old.
const AN_HOUR: &[(&str, &str)] = &[("SYNC_STALE_AFTER_SECONDS", "3600")];
const STALE: &[&str] = &["stale", "old", "clock", "poller", "age"];
const FUTURE: &[&str] = &["future", "clock", "ahead"];
/// A time that is not understood is of no known age: such readings are not written, and a run of nothing else may be halted.
const NOTHING_WRITTEN: &[WorldEnd] = &[WorldEnd::Halted, WorldEnd::Finished];

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

pub(super) const STORIES: &[WorldStory] = &[
    WorldStory::broken(
        "poller-stopped-two-hours-ago",
        "INT6's poller stopped two hours ago; the table stands as it was.",
    )
    .settings(AN_HOUR)
    .told(|told| age_all(told, 2 * HOUR))
    .halts(STALE),
    WorldStory::broken("poller-stopped-a-week-ago", "INT6's poller stopped a week ago.")
        .settings(AN_HOUR)
        .told(|told| age_all(told, 7 * DAY))
        .halts(STALE),
    WorldStory::broken(
        "poller-of-six-of-ten-stopped",
        "The poller of the larger OLT, six of ten ONUs, stopped yesterday.",
    )
    .settings(AN_HOUR)
    .told(|told| age_some(told, 60, DAY))
    .halts(STALE),
    WorldStory::broken(
        "poller-of-four-of-ten-stopped",
        "The poller of the smaller OLT, four of ten ONUs, stopped yesterday.",
    )
    .settings(AN_HOUR)
    .told(|told| age_some(told, 40, DAY))
    .ends(&[WorldEnd::Finished]),
    WorldStory::broken("backup-of-last-month", "INT6 was restored from last month's backup.")
        .settings(AN_HOUR)
        .told(|told| age_all(told, 31 * DAY))
        .halts(STALE),
    WorldStory::broken("clock-a-year-behind", "INT6's clock fell back by a year.")
        .settings(AN_HOUR)
        .told(|told| age_all(told, 365 * DAY))
        .halts(STALE),
    WorldStory::broken(
        "clock-a-year-ahead",
        "INT6's clock jumped ahead by a year: no reading will ever be old.",
    )
    .settings(AN_HOUR)
    .told(|told| age_all(told, -365 * DAY))
    .halts(FUTURE),
    WorldStory::broken(
        "clock-an-hour-ahead",
        "INT6's clock still keeps the summer time that Brazil gave up.",
    )
    .settings(AN_HOUR)
    .told(|told| age_all(told, -HOUR))
    .halts(FUTURE),
    WorldStory::broken("local-time-called-utc", "The times are Brasília's, and end in Z.")
        .settings(AN_HOUR)
        .told(|told| age_all(told, 3 * HOUR))
        .halts(STALE),
    WorldStory::broken("utc-called-local-time", "The times are UTC, and end in -03:00.")
        .settings(AN_HOUR)
        .told(|told| retime(told, |at| format!("{}-03:00", at.trim_end_matches('Z'))))
        .halts(FUTURE),
    WorldStory::broken(
        "six-of-ten-in-the-future",
        "Six of ten ONUs were stamped by an OLT whose clock is three hours ahead.",
    )
    .settings(AN_HOUR)
    .told(|told| age_some(told, 60, -3 * HOUR))
    .halts(FUTURE),
    WorldStory::broken("epoch-zero", "The clock of the poller starts in 1970 after each loss of power.")
        .settings(AN_HOUR)
        .told(|told| retime(told, |_| "1970-01-01T00:00:00Z".to_owned()))
        .halts(STALE),
    WorldStory::broken("times-of-zero", "MySQL's zero date: 0000-00-00 00:00:00.")
        .settings(AN_HOUR)
        .told(|told| retime(told, |_| "0000-00-00 00:00:00".to_owned()))
        .ends(NOTHING_WRITTEN),
    WorldStory::broken("times-in-words", "The times became what a screen says: \"3 hours ago\".")
        .settings(AN_HOUR)
        .told(|told| retime(told, |_| "há 3 horas".to_owned()))
        .ends(NOTHING_WRITTEN),
    WorldStory::broken("times-gone", "The rows no longer say when they were read.")
        .settings(AN_HOUR)
        .told(|told| {
            yesterday(told, 100);
            told.each(|row| row[TIME] = json!(null));
        })
        .ends(NOTHING_WRITTEN),
    WorldStory::broken(
        "times-in-days-since-1900",
        "A spreadsheet wrote the times as days since 1900: 46346.41.",
    )
    .settings(AN_HOUR)
    .told(|told| {
        yesterday(told, 100);
        told.each(|row| row[TIME] = json!(46_346.41));
    })
    .ends(NOTHING_WRITTEN),
    WorldStory::broken("times-in-microseconds", "The times became microseconds since 1970, of a day ago.")
        .settings(AN_HOUR)
        .told(|told| {
            yesterday(told, 100);
            let then = (told.now - DAY) * 1_000_000;
            told.each(|row| row[TIME] = json!(then));
        })
        .ends(NOTHING_WRITTEN),
    WorldStory::broken(
        "stale-on-the-first-run",
        "The first run meets a host whose poller stopped yesterday.",
    )
    .first_run()
    .settings(AN_HOUR)
    .told(|told| age_all(told, DAY))
    .halts(STALE),
];

/// Moves the times of all rows back, and their readings with them.
fn age_all(told: &mut Telling<'_>, seconds: i64) {
    age_some(told, 100, seconds);
}

fn age_some(told: &mut Telling<'_>, percent: usize, seconds: i64) {
    let places = yesterday(told, percent);
    for place in places {
        let age = told.age(&told.rows[place]);
        told.rows[place][TIME] = told.ago(age + seconds);
    }
}

fn retime(told: &mut Telling<'_>, time: impl Fn(&str) -> String) {
    yesterday(told, 100);
    told.each(|row| row[TIME] = json!(time(row[TIME].as_str().unwrap_or_default())));
}

/// Readings of another day, for this share of the rows: some decibels other, and light where there is none now.
fn yesterday(told: &mut Telling<'_>, percent: usize) -> Vec<usize> {
    let places = told.pick(percent, |_| true);
    for (ordinal, place) in places.iter().enumerate() {
        let row = &mut told.rows[*place];
        if is_lit(row) && ordinal % 12 == 5 {
            row[POWER] = json!(0);
        } else if is_lit(row) {
            repower(row, |dbm| dbm + [0.4, -0.7, 1.1, -1.3][ordinal % 4]);
        } else if dbm(row).is_none() && ordinal % 3 == 0 {
            row[POWER] = json!("-22.22");
        }
    }
    places
}
