use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use gateway_core::sync::{FindingKind, MatchBy};
use gateway_core::{StatusWords, UnknownWords};
use jiff::tz::TimeZone;
use rstest::rstest;
use serde::Deserialize;
use serde_json::{Value, json};

use super::*;
use crate::int6::{AuthStyle, Credentials, Int6Settings, TokenScheme};
use crate::upstream::{HostSettings, Upstream};

/// A host that answers as a test says, and remembers which pages it was asked for.
struct Host {
    api: Api,
    asked: Arc<Mutex<Vec<usize>>>,
}

#[derive(Deserialize)]
struct Asked {
    page: usize,
    per_page: usize,
}

impl Host {
    /// Pages of `size` rows are asked for; `answer` gets the number of the page, its size, and how often it was asked for before.
    async fn new(
        size: usize,
        answer: impl Fn(usize, usize, usize) -> (u16, String) + Send + Sync + 'static,
    ) -> Host {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (asked, answer) = (Arc::new(Mutex::new(Vec::new())), Arc::new(answer));
        let heard = Arc::clone(&asked);
        let router = Router::new().fallback(async move |Query(Asked { page, per_page }): Query<Asked>| {
            let mut heard = heard.lock().expect("nobody panics");
            let before = heard.iter().filter(|known| **known == page).count();
            heard.push(page);
            let (status, body) = answer(page, per_page, before);
            (StatusCode::from_u16(status).expect("a status"), body)
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback can be bound");
        let url = format!("http://{}", listener.local_addr().expect("an address")).parse().expect("a URL");
        tokio::spawn(async move { axum::serve(listener, router).await });
        let settings =
            HostSettings { retry_pause: std::time::Duration::from_millis(1), ..HostSettings::new(url) };
        let upstream = Upstream::new(gateway_core::System::Int6, &settings).expect("an upstream");
        let (style, scheme) = (AuthStyle::Bearer, TokenScheme::Bearer);
        let int6 = Int6Settings {
            credentials: Credentials { style, scheme, email: String::new(), token: "t".into() },
            status_path: "/api/diag/v2/onu_status".to_owned(),
            page_size: size,
            fields: wire::Fields::default(),
            time_zone: TimeZone::UTC,
            unknown_words: UnknownWords::default(),
            status_words: StatusWords::default(),
            match_by: MatchBy::Code,
        };
        Host { api: Api::new(upstream, int6), asked }
    }

    async fn read(&self) -> Readings {
        self.api.readings(|_| ()).await.expect("the list is read")
    }

    fn asked(&self) -> Vec<usize> {
        self.asked.lock().expect("nobody panics").clone()
    }
}

fn row(n: usize) -> Value {
    json!({"id": 1_000 + n, "gpon_client_id": n, "rx_power": -20.0, "serial_number": format!("FHTT{n:08}")})
}

/// The rows `from` to `to`, without the latter.
fn rows(from: usize, to: usize) -> (u16, String) {
    (200, Value::from_iter((from..to).map(row)).to_string())
}

/// Page `page` of a list of `count`.
fn page(count: usize, page: usize, size: usize) -> (u16, String) {
    let from = ((page - 1) * size).min(count);
    rows(from, (from + size).min(count))
}

fn said(status: u16, body: &str) -> (u16, String) {
    (status, body.to_owned())
}

fn codes(readings: &Readings) -> Vec<usize> {
    let mut codes: Vec<usize> =
        readings.readings.iter().map(|reading| reading.code.as_str().parse().expect("a number")).collect();
    codes.sort_unstable();
    codes
}

fn kinds(readings: &Readings) -> Vec<FindingKind> {
    readings.findings.iter().map(|finding| finding.kind).collect()
}

fn is_whole(readings: &Readings, count: usize) -> bool {
    codes(readings) == Vec::from_iter(0..count) && matches!(readings.end, ReadingEnd::Whole)
}

#[tokio::test]
async fn an_empty_list_is_read_with_one_question() {
    let host = Host::new(3, |_, _, _| said(200, "[]")).await;
    assert!(is_whole(&host.read().await, 0));
    assert_eq!(host.asked(), [1]);
}

#[tokio::test]
async fn a_list_is_read_to_its_end_whatever_the_size_of_a_page() {
    for count in 1..=13 {
        for size in 1..=5 {
            let host = Host::new(size, move |number, size, _| page(count, number, size)).await;
            let readings = host.read().await;
            assert!(is_whole(&readings, count), "{count} rows in pages of {size}: {readings:?}");
            assert_eq!((readings.findings.len(), readings.shape.rows), (0, count as u64));
        }
    }
}

#[rstest]
#[case(said(500, ""))]
#[case(said(503, "<html>"))]
#[case(said(400, "{}"))]
#[case(said(416, ""))]
#[case(said(422, r#"{"error":"page out of range"}"#))]
#[case(said(403, ""))]
#[case(said(204, ""))]
#[case(said(200, ""))]
#[case(said(200, "null"))]
#[case(said(200, r#"{"onu_status":null}"#))]
#[case(said(200, r#"{"error":"no such page"}"#))]
#[case(said(200, "<html>sign in</html>"))]
#[case(said(302, ""))]
#[tokio::test]
async fn nothing_behind_a_short_page_matters_or_is_asked_for_twice(#[case] beyond: (u16, String)) {
    let behind = beyond.clone();
    let host =
        Host::new(3, move |number, size, _| if number > 3 { behind.clone() } else { page(7, number, size) });
    let host = host.await;
    let readings = host.read().await;
    assert!(is_whole(&readings, 7) && readings.findings.is_empty(), "{beyond:?}: {readings:?}");
    let mut asked = host.asked();
    let all = asked.len();
    asked.sort_unstable();
    asked.dedup();
    assert!(asked.len() == all && all <= 1 + 6, "{asked:?}");

    let behind = beyond.clone();
    let host = Host::new(500, move |number, _, _| if number > 1 { behind.clone() } else { rows(0, 1) }).await;
    let readings = host.read().await;
    assert!(is_whole(&readings, 1) && readings.findings.is_empty(), "{beyond:?}: {readings:?}");
    assert_eq!(host.asked(), [1, 2], "{beyond:?}");
}

#[rstest]
#[case(said(204, ""))]
#[case(said(200, ""))]
#[case(said(200, "null"))]
#[case(said(200, "[]"))]
#[case(said(200, r#"{"onu_status":null}"#))]
#[case(said(200, r#"{"onu_status":[],"errors":[]}"#))]
#[case(said(404, r#"{"error":"not found"}"#))]
#[tokio::test]
async fn a_full_last_page_ends_with_nothing_behind_it(#[case] beyond: (u16, String)) {
    let behind = beyond.clone();
    let host =
        Host::new(3, move |number, size, _| if number > 2 { behind.clone() } else { page(6, number, size) });
    let readings = host.await.read().await;
    assert!(is_whole(&readings, 6) && readings.findings.is_empty(), "{beyond:?}: {readings:?}");
}

#[rstest]
#[case(said(400, ""))]
#[case(said(416, ""))]
#[case(said(422, ""))]
#[case(said(500, ""))]
#[case(said(200, r#"{"error":"no such page"}"#))]
#[case(said(200, "<html>"))]
#[tokio::test]
async fn a_refusal_behind_a_full_page_is_handed_on_with_all_that_was_read(#[case] beyond: (u16, String)) {
    let behind = beyond.clone();
    let host =
        Host::new(3, move |number, size, _| if number > 2 { behind.clone() } else { page(6, number, size) });
    let readings = host.await.read().await;
    assert_eq!(codes(&readings), Vec::from_iter(0..6));
    assert!(matches!(readings.end, ReadingEnd::Refused(_)), "{beyond:?}: {readings:?}");
}

#[rstest]
#[case(said(401, ""))]
#[case(said(429, ""))]
#[tokio::test]
async fn a_page_that_must_be_there_and_cannot_be_had_fails_the_read(#[case] beyond: (u16, String)) {
    let host =
        Host::new(3, move |number, size, _| if number > 2 { beyond.clone() } else { page(9, number, size) });
    host.await.api.readings(|_| ()).await.expect_err("the third page");
}

#[tokio::test]
async fn a_passing_failure_in_the_middle_is_repeated() {
    for fault in [said(500, ""), said(503, ""), said(200, "<html>"), said(200, "[{"), said(429, "")] {
        let host = Host::new(3, move |number, size, before| match (number, before) {
            (2 | 3, 0 | 1) => fault.clone(),
            _ => page(11, number, size),
        });
        let readings = host.await.read().await;
        assert!(is_whole(&readings, 11), "{readings:?}");
    }
}

#[tokio::test]
async fn a_host_that_gives_fewer_rows_than_it_is_asked_for_is_read_whole_and_remembered() {
    let capped = Host::new(500, |number, _, _| page(7, number, 3)).await;
    let readings = capped.read().await;
    assert!(is_whole(&readings, 7) && readings.findings.is_empty(), "{readings:?}");
    // From now on three rows are a full page, behind which something must be.
    let behind = Host::new(500, |number, _, before| match (number, before) {
        (2, 1) => said(500, ""),
        _ => page(7, number, 3),
    });
    let behind = behind.await;
    assert!(is_whole(&behind.read().await, 7));
    assert!(is_whole(&behind.read().await, 7), "the failure is repeated, not taken for the end");
}

#[tokio::test]
async fn a_page_that_was_cut_in_the_middle_is_not_the_end_and_is_told() {
    let host =
        Host::new(3, |number, size, _| if number == 3 { rows(6, 7) } else { page(15, number, size) }).await;
    let readings = host.read().await;
    assert_eq!(codes(&readings), Vec::from_iter((0..15).filter(|n| *n != 7 && *n != 8)));
    assert_eq!(kinds(&readings), [FindingKind::IncompleteList]);
    assert!(readings.findings[0].detail.starts_with("page 3 of INT6's list"), "{readings:?}");
}

#[tokio::test]
async fn a_host_that_ignores_the_page_is_noticed_within_three_and_told() {
    let host = Host::new(3, |_, _, before| {
        // Only the identities stay: the light and the time are live.
        let live = |n| json!({"id": n, "gpon_client_id": n, "rx_power": -20.0 - before as f64, "updated_at": before});
        said(200, &Value::from_iter((0..3).map(live)).to_string())
    });
    let host = host.await;
    let error = host.api.readings(|_| ()).await.expect_err("the same page for ever").to_string();
    assert!(error.contains("ignores `page`, set the page size"), "{error}");
    assert!(host.asked().len() <= 1 + LOOKED_AT, "{:?}", host.asked());
}

#[tokio::test]
async fn a_host_that_ignores_page_and_size_gives_what_it_has_and_that_is_told() {
    let host = Host::new(3, |_, _, _| rows(0, 7)).await;
    let readings = host.read().await;
    assert_eq!(
        (codes(&readings), kinds(&readings)),
        (Vec::from_iter(0..7), vec![FindingKind::IncompleteList])
    );
    assert!(matches!(readings.end, ReadingEnd::Repeated));
}

/// Pages that may be asked for ahead.
const LOOKED_AT: usize = 4;

#[rstest]
#[case::at_the_end_of_a_page(6)]
#[case::within_a_page(7)]
#[case::within_another(8)]
#[tokio::test]
async fn a_list_that_begins_anew_behind_its_end_is_whole(#[case] count: usize) {
    let host = Host::new(3, move |number, size, before| {
        let from = (number - 1) * size;
        let live = |n: usize| {
            let mut row = row(n % count);
            row["rx_power"] = json!(-20.0 - before as f64 - number as f64 / 100.0);
            row
        };
        said(200, &Value::from_iter((from..from + size).map(live)).to_string())
    });
    let host = host.await;
    let readings = host.read().await;
    assert!(is_whole(&readings, count) && readings.findings.is_empty(), "{readings:?}");
    assert!(host.asked().len() <= count / 3 + 2 + LOOKED_AT, "{:?}", host.asked());
}

#[tokio::test]
async fn a_host_that_gives_its_last_page_for_ever_is_read_whole() {
    let host = Host::new(3, |number, size, _| page(9, number.min(3), size)).await;
    let readings = host.read().await;
    assert!(is_whole(&readings, 9) && readings.findings.is_empty(), "{readings:?}");
    assert!(host.asked().len() <= 3 + LOOKED_AT, "{:?}", host.asked());
}

#[tokio::test]
async fn a_full_page_of_known_rows_that_is_no_new_beginning_is_told() {
    let host =
        Host::new(3, |number, size, _| if number > 3 { rows(4, 7) } else { page(9, number, size) }).await;
    let readings = host.read().await;
    assert_eq!(
        (codes(&readings), kinds(&readings)),
        (Vec::from_iter(0..9), vec![FindingKind::IncompleteList])
    );
    assert!(matches!(readings.end, ReadingEnd::Repeated));
}

#[tokio::test]
async fn a_row_that_is_pushed_to_the_next_page_is_one_row_and_counts_as_it_is_now() {
    // A row comes in before the first while page 1 is read: row 2 stands on page 2 again, with a newer light.
    let host = Host::new(3, |number, size, _| match number {
        1 => page(7, 1, size),
        _ => {
            let shifted = [99, 0, 1, 2, 3, 4, 5, 6];
            let of_page = shifted.chunks(3).nth(number - 1).unwrap_or_default();
            let light = |n: &usize| {
                let mut row = row(*n);
                row["rx_power"] = json!(if *n == 2 { -25.0 } else { -20.0 });
                row
            };
            said(200, &Value::from_iter(of_page.iter().map(light)).to_string())
        }
    });
    let readings = host.await.read().await;
    assert!(is_whole(&readings, 7) && readings.findings.is_empty(), "{readings:?}");
    let of_2 = readings.readings.iter().find(|reading| reading.code.as_str() == "2").expect("row 2");
    assert_eq!(of_2.power, gateway_core::PowerReading::from_number(-25.0).expect("a power"));
}

#[tokio::test]
async fn two_rows_of_one_client_stay_two_rows() {
    let two = json!([
        {"gpon_client_id": 1, "rx_power": -20.0}, {"gpon_client_id": 1, "rx_power": -21.0},
        {"id": 5, "gpon_client_id": 2, "rx_power": -20.0}, {"id": 6, "gpon_client_id": 2, "rx_power": -20.0}
    ]);
    let host = Host::new(50, move |number, _, _| {
        said(200, &if number == 1 { two.clone() } else { json!([]) }.to_string())
    });
    assert_eq!(codes(&host.await.read().await), [1, 1, 2, 2]);
}

#[tokio::test]
async fn odd_rows_and_fields_are_told_and_cost_no_other() {
    let rows = json!([
        null, 17, {"gpon_client_id": 1, "rx_power": true}, {"gpon_client_id": 2, "rx_power": -20, "mac_address": 5},
        {"gpon_client_id": 3, "rx_power": "\u{ffff}NaN"}, {"gpon_client_id": 4, "rx_power": -20}
    ]);
    let host = Host::new(50, move |number, _, _| {
        said(200, &if number == 1 { rows.clone() } else { json!([]) }.to_string())
    });
    let readings = host.await.read().await;
    assert_eq!(codes(&readings), [2, 4]);
    let told: Vec<_> = readings.findings.iter().map(|f| (f.kind, f.code.as_deref().unwrap_or("-"))).collect();
    let unreadable = FindingKind::Unreadable;
    let expected = [
        (unreadable, "-"),
        (unreadable, "-"),
        (unreadable, "1"),
        (FindingKind::UnclearField, "2"),
        (unreadable, "3"),
    ];
    assert_eq!(told, expected);
    assert_eq!((readings.shape.rows, readings.shape.without_code, readings.shape.without_power), (6, 2, 4));
}

#[tokio::test]
async fn a_sample_is_one_page_of_as_many_rows() {
    let host = Host::new(500, |number, size, _| page(120, number, size)).await;
    let sample = host.api.sample(50).await.expect("a page");
    assert_eq!((sample.rows, sample.readings.len(), sample.shape.rows), (50, 50, 50));
    assert!(sample.findings.is_empty() && sample.shape.field_names.contains("rx_power"));
    assert_eq!(host.asked(), [1]);
}

#[tokio::test]
async fn what_int6_says_of_itself_is_quoted_without_secrets() {
    let host = Host::new(3, |_, _, _| said(200, r#"{"error":"Usuario sem permissao para esta API"}"#)).await;
    let error = host.api.readings(|_| ()).await.expect_err("an error object").to_string();
    assert!(error.ends_with("it said: Usuario sem permissao para esta API"), "{error}");
}
