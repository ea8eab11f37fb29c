//! The time of a row, in the notations of platforms and of people.

use gateway_core::sync::ReadingTime;
use gateway_core::{UnknownWords, without_blanks};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::{rfc2822, strtime};
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::upstream::spoilt::is_spoilt;

/// Ruby's and others' with an offset. Source: `docs/contracts/int6-api.md`, "Ages and times".
const WITH_OFFSET: [&str; 6] = [
    "%Y-%m-%d %H:%M:%S%.f %z",
    "%Y-%m-%d %H:%M:%S%.f %:z",
    "%Y-%m-%dT%H:%M:%S%.f%z",
    "%d/%m/%Y %H:%M:%S%.f %z",
    "%d/%m/%Y %H:%M:%S%.f %:z",
    "%a %b %d %H:%M:%S %z %Y",
];
/// As Brazilian screens write a local time, and as C does.
const LOCAL: [&str; 7] = [
    "%d/%m/%Y %H:%M:%S%.f",
    "%d/%m/%Y %H:%M",
    "%d/%m/%Y, %H:%M:%S",
    "%d/%m/%Y, %H:%M",
    "%d-%m-%Y %H:%M:%S%.f",
    "%d-%m-%Y %H:%M",
    "%a %b %d %H:%M:%S %Y",
];
/// The first second that is taken for one since 1970: the year 2001. Inferred.
const FIRST_SECOND: f64 = 1e9;
/// The first that is taken for milliseconds: the year 1973 in those, the year 5138 in seconds. Inferred.
const FIRST_MILLISECOND: f64 = 1e11;
/// The last millisecond: the year 2286.
const LAST_MILLISECOND: f64 = 1e13;

/// When the row was renewed; a time without a zone is local in `zone`.
pub(super) fn time(value: &Value, zone: &TimeZone, unknown: &UnknownWords) -> ReadingTime {
    let read = match value {
        Value::Null => return ReadingTime::Unsaid,
        Value::String(text) if is_spoilt(text) => None,
        Value::String(text) if unknown.has(text) => return ReadingTime::Unsaid,
        Value::String(text) => of_text(without_blanks(text), zone),
        Value::Number(number) => number.as_f64().and_then(since_1970),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    read.map_or(ReadingTime::NotUnderstood, ReadingTime::At)
}

fn of_text(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    text.parse::<Timestamp>()
        .ok()
        .or_else(|| text.parse().ok().and_then(since_1970))
        .or_else(|| in_utc(text))
        .or_else(|| rfc2822::parse(text).ok().map(|at| at.timestamp()))
        .or_else(|| {
            WITH_OFFSET.iter().find_map(|format| strtime::parse(format, text).ok()?.to_timestamp().ok())
        })
        .or_else(|| zone.to_timestamp(local(text)?).ok())
}

/// `… UTC`, as Ruby writes it.
fn in_utc(text: &str) -> Option<Timestamp> {
    let local_text = [" UTC", " GMT", " Z"].iter().find_map(|zone| text.strip_suffix(zone))?;
    TimeZone::UTC.to_timestamp(local(local_text.trim_end())?).ok()
}

fn local(text: &str) -> Option<DateTime> {
    let in_format = |format: &&str| strtime::parse(format, text).ok()?.to_datetime().ok();
    text.parse().ok().or_else(|| LOCAL.iter().find_map(in_format))
}

/// Seconds or milliseconds.
fn since_1970(number: f64) -> Option<Timestamp> {
    let milliseconds = match number {
        FIRST_SECOND..FIRST_MILLISECOND => number * 1_000.0,
        FIRST_MILLISECOND..LAST_MILLISECOND => number,
        _ => return None,
    };
    Timestamp::from_millisecond(milliseconds as i64).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> ReadingTime {
        time(value, &TimeZone::fixed(jiff::tz::offset(-3)), &UnknownWords::default())
    }

    #[rstest]
    #[case(json!("2026-11-20T13:03:11Z"))]
    #[case(json!("2026-11-20T10:03:11-03:00"))]
    #[case(json!("2026-11-20T10:03:11-0300"))]
    #[case(json!("2026-11-20T10:03:11.000-03:00"))]
    #[case(json!("2026-11-20 10:03:11-03:00"))]
    #[case(json!("2026-11-20 10:03:11 -0300"))]
    #[case(json!("2026-11-20 10:03:11 -03:00"))]
    #[case(json!("2026-11-20 13:03:11 UTC"))]
    #[case(json!("2026-11-20 13:03:11.000 UTC"))]
    #[case(json!("Fri, 20 Nov 2026 13:03:11 GMT"))]
    #[case(json!("Fri, 20 Nov 2026 10:03:11 -0300"))]
    #[case(json!("Fri Nov 20 10:03:11 2026"))]
    #[case(json!("2026-11-20T10:03:11"))]
    #[case(json!("2026-11-20 10:03:11"))]
    #[case(json!("20/11/2026 10:03:11"))]
    #[case(json!("20/11/2026, 10:03:11"))]
    #[case(json!("20/11/2026 10:03:11 -0300"))]
    #[case(json!("20/11/2026 13:03:11 UTC"))]
    #[case(json!(" 2026-11-20 10:03:11\0"))]
    #[case(json!(1_795_179_791))]
    #[case(json!(1_795_179_791_000_i64))]
    #[case(json!(1_795_179_791.0))]
    #[case(json!("1795179791"))]
    #[case(json!("1795179791000"))]
    fn a_time_is_read_in_every_notation(#[case] value: Value) {
        assert_eq!(read(&value), ReadingTime::At("2026-11-20T13:03:11Z".parse().expect("a time")), "{value}");
    }

    #[test]
    fn a_time_may_do_without_seconds() {
        let expected = ReadingTime::At("2026-11-20T13:03:00Z".parse().expect("a time"));
        assert_eq!(read(&json!("20/11/2026 10:03")), expected);
        assert_eq!(read(&json!("2026-11-20 10:03")), expected);
    }

    #[rstest]
    #[case(json!(null))]
    #[case(json!(""))]
    #[case(json!("N/A"))]
    #[case(json!("--"))]
    fn no_time_is_no_mistake(#[case] value: Value) {
        assert_eq!(read(&value), ReadingTime::Unsaid);
    }

    #[rstest]
    #[case(json!("yesterday"))]
    #[case(json!("há 5 minutos"))]
    #[case(json!("11/20/2026 10:03:11"))]
    #[case(json!("0000-00-00 00:00:00"))]
    #[case(json!("2026-11-31T10:00:00Z"))]
    #[case(json!("2026-11-20T10:03:11\u{fffd}"))]
    #[case(json!(0))]
    #[case(json!(17))]
    #[case(json!(1e18))]
    #[case(json!(true))]
    #[case(json!({"at": "2026-11-20T10:03:11Z"}))]
    fn a_time_that_is_not_understood_is_told_from_none(#[case] value: Value) {
        assert_eq!(read(&value), ReadingTime::NotUnderstood, "{value}");
    }

    proptest! {
        #[test]
        fn no_text_makes_a_time_panic(text in any::<String>(), near in "[0-9]{0,4}[-/ T:.,UTCGMZ+0-9]{0,24}") {
            prop_assert_eq!(read(&json!(near)), read(&json!(format!(" {near} "))));
            let _ = read(&json!(text));
        }

        #[test]
        fn one_instant_is_the_same_in_every_notation(second in 1_000_000_000_i64..4_000_000_000) {
            let at = Timestamp::from_second(second).expect("a time");
            let local = TimeZone::fixed(jiff::tz::offset(-3)).to_datetime(at);
            for text in [
                at.to_string(),
                second.to_string(),
                (second * 1_000).to_string(),
                at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
                local.strftime("%Y-%m-%d %H:%M:%S -0300").to_string(),
                local.strftime("%d/%m/%Y %H:%M:%S").to_string(),
                local.strftime("%a, %d %b %Y %H:%M:%S -0300").to_string(),
            ] {
                prop_assert_eq!(read(&json!(text)), ReadingTime::At(at), "{}", text);
            }
        }
    }
}
