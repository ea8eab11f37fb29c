//! Clocks and ages within limits, and times in every notation.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::worlds::story::WorldStory;
use crate::worlds::telling::{TIME, Telling};

/// A reading may be an hour old.
const AN_HOUR: &[(&str, &str)] = &[("SYNC_STALE_AFTER_SECONDS", "3600")];
/// A reading may be half a day old.
const HALF_A_DAY: &[(&str, &str)] = &[("SYNC_STALE_AFTER_SECONDS", "43200")];

pub(super) const STORIES: &[WorldStory] = &[
    WorldStory::healthy("fresh-readings", "Readings are minutes old, and may be an hour old.")
        .settings(AN_HOUR),
    WorldStory::healthy(
        "slow-waves",
        "Readings are refreshed in waves: up to ten hours old, and may be twelve.",
    )
    .settings(HALF_A_DAY)
    .told(|told| age(told, |place| (place % 10) * 3600)),
    WorldStory::healthy(
        "old-readings-without-a-limit",
        "Readings are up to three days old, and no limit is set.",
    )
    .told(|told| age(told, |place| (place % 72) * 3600)),
    WorldStory::healthy("clock-four-minutes-ahead", "INT6's clock is four minutes ahead.")
        .settings(AN_HOUR)
        .told(|told| {
            let soon = told.ago(-225);
            told.each(|row| row[TIME] = soon.clone());
        }),
    WorldStory::healthy("clock-ten-minutes-behind", "INT6's clock is ten minutes behind.")
        .settings(AN_HOUR)
        .told(|told| age(told, |_| 600)),
    WorldStory::healthy("times-without-a-zone", "The times say no zone, and no limit is set.").told(|told| {
        retime(told, |at| {
            json!(at.to_zoned_datetime(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S").to_string())
        })
    }),
    WorldStory::healthy("times-of-ruby", "The times are as Ruby prints them, at Brasília.")
        .settings(AN_HOUR)
        .told(|told| {
            retime(told, |at| {
                json!(at.to_zoned_datetime(brasilia()).strftime("%Y-%m-%d %H:%M:%S %z").to_string())
            })
        }),
    WorldStory::healthy("times-of-ruby-in-utc", "The times are as Ruby prints them, in UTC.")
        .settings(AN_HOUR)
        .told(|told| {
            retime(told, |at| {
                json!(at.to_zoned_datetime(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
            })
        }),
    WorldStory::healthy("times-in-seconds", "The times are seconds since 1970.")
        .settings(AN_HOUR)
        .told(|told| retime(told, |at| json!(at.as_second()))),
    WorldStory::healthy("times-in-milliseconds", "The times are milliseconds since 1970.")
        .settings(AN_HOUR)
        .told(|told| retime(told, |at| json!(at.as_millisecond()))),
    WorldStory::healthy("times-of-http", "The times are as in a header of HTTP.").settings(AN_HOUR).told(
        |told| {
            retime(told, |at| {
                json!(at.to_zoned_datetime(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
            })
        },
    ),
    WorldStory::healthy(
        "times-of-a-screen",
        "The times are as a screen in Brazil shows them, and no limit is set.",
    )
    .told(|told| {
        retime(told, |at| json!(at.to_zoned_datetime(brasilia()).strftime("%d/%m/%Y %H:%M:%S").to_string()))
    }),
    WorldStory::healthy("times-with-an-offset", "The times have an offset and fractions of a second.")
        .settings(AN_HOUR)
        .told(|told| {
            retime(told, |at| {
                json!(at.to_zoned_datetime(brasilia()).strftime("%Y-%m-%dT%H:%M:%S.123456%:z").to_string())
            })
        }),
    WorldStory::healthy("a-tenth-stale", "A tenth of the readings are a day old: those are not written.")
        .settings(AN_HOUR)
        .life(|people| {
            people.live_on();
            let tenth = people.percent(10);
            people.change(
                tenth,
                |life| life.is_lit(),
                |life, _| {
                    life.age = 86_400;
                    life.reported = true;
                },
            );
        }),
];

/// Three hours behind UTC, as all of the coast since 2019.
fn brasilia() -> TimeZone {
    TimeZone::fixed(jiff::tz::offset(-3))
}

fn age(told: &mut Telling<'_>, seconds: impl Fn(i64) -> i64) {
    for place in told.all() {
        let more = seconds(i64::try_from(place).unwrap_or_default());
        let age = told.age(&told.rows[place]);
        told.rows[place][TIME] = told.ago(age + more);
    }
}

fn retime(told: &mut Telling<'_>, write: impl Fn(Timestamp) -> Value) {
    told.each(|row| {
        if let Some(at) = row[TIME].as_str().and_then(|text| text.parse::<Timestamp>().ok()) {
            row[TIME] = write(at);
        }
    });
}
