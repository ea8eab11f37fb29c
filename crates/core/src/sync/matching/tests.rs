use proptest::prelude::*;

use super::*;
use crate::sync::reading::ReadingTime;
use crate::{Client, Implantation, MacAddress, Onu, OnuSerial, PowerReading, RecordId, Status};

fn client(code: &str, id: &str) -> SyncedClient {
    let client = Client {
        id: RecordId::new(id).expect("an identifier"),
        code: ClientCode::new(code).expect("a code"),
        status: Some(Status::Ok),
        implantation: Implantation::Implanted,
        onu: Onu::default(),
        onu_known: true,
    };
    let property = RecordId::new(&format!("p{id}")).expect("an identifier");
    SyncedClient { client, property: Some(property), read_power: None }
}

fn reading(code: &str, power: f64, updated_at: Option<&str>) -> Reading {
    Reading {
        code: ClientCode::new(code).expect("a code"),
        power: PowerReading::from_number(power).expect("a power"),
        serial: None,
        pppoe_user: None,
        mac: None,
        updated_at: updated_at.map_or(ReadingTime::Unsaid, |at| {
            ReadingTime::At(format!("2026-11-20T{at}:00Z").parse().expect("a time"))
        }),
    }
}

fn with_mac(reading: Reading) -> Reading {
    Reading { mac: MacAddress::new("94e3ee0e1055"), ..reading }
}

fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().expect("a time")
}

fn side_by_side(clients: Vec<SyncedClient>, readings: Vec<Reading>, unreadable: Vec<Finding>) -> Matched {
    matched(clients, readings, unreadable, now())
}

fn with_serial(serial: &str, reading: Reading) -> Reading {
    Reading { serial: Some(OnuSerial::new(serial).expect("a serial number")), ..reading }
}

/// Codes that findings of this kind are about.
fn told(matched: &Matched, kind: FindingKind) -> Vec<&str> {
    matched.findings.iter().filter(|f| f.kind == kind).filter_map(|f| f.code.as_deref()).collect()
}

/// Codes that are compared, with the power that counts.
fn pairs(matched: &Matched) -> Vec<(String, PowerReading)> {
    matched.pairs.iter().map(|(client, reading)| (client.client.code.to_string(), reading.power)).collect()
}

fn power(value: f64) -> PowerReading {
    PowerReading::from_number(value).expect("a power")
}

#[test]
fn clients_on_one_side_only_are_reported() {
    let matched = side_by_side(
        vec![client("1", "a"), client("2", "b")],
        vec![reading("2", -20.0, None), reading("3", -20.0, None)],
        vec![],
    );
    assert_eq!(pairs(&matched), [("2".to_owned(), power(-20.0))]);
    assert_eq!((matched.counts.only_in_ozmap, matched.counts.only_in_int6), (1, 1));
    let kinds: Vec<_> =
        matched.findings.iter().map(|f| (f.kind, f.code.as_deref().unwrap_or_default())).collect();
    assert_eq!(kinds, [(FindingKind::OnlyInOzmap, "1"), (FindingKind::OnlyInInt6, "3")]);
}

#[test]
fn pairs_come_in_numeric_order() {
    let codes = ["10", "9", "100"];
    let clients = codes.iter().map(|code| client(code, code)).collect();
    let readings = codes.iter().map(|code| reading(code, -20.0, None)).collect();
    let order: Vec<String> =
        pairs(&side_by_side(clients, readings, vec![])).into_iter().map(|(code, _)| code).collect();
    assert_eq!(order, ["9", "10", "100"]);
}

#[test]
fn two_ozmap_clients_of_one_code_are_not_touched() {
    let matched =
        side_by_side(vec![client("1", "a"), client("1", "b")], vec![reading("1", -20.0, None)], vec![]);
    assert_eq!((matched.pairs.len(), matched.counts.duplicates, matched.counts.only_in_int6), (0, 1, 0));
    assert_eq!(matched.findings[0].system, System::Ozmap);
}

#[test]
fn of_two_rows_with_one_code_the_newest_counts() {
    let rows = vec![
        reading("1", -25.0, Some("10:00")),
        reading("1", -20.0, Some("11:00")),
        reading("1", -30.0, Some("09:00")),
    ];
    let matched = side_by_side(vec![client("1", "a")], rows, vec![]);
    assert_eq!(pairs(&matched), [("1".to_owned(), power(-20.0))]);
    assert_eq!((matched.counts.duplicates, matched.counts.int6_readings), (1, 3));
}

#[test]
fn rows_of_which_none_is_newest_are_not_guessed() {
    for (a, b) in [(None, None), (Some("10:00"), None), (Some("10:00"), Some("10:00"))] {
        let matched = side_by_side(
            vec![client("1", "a")],
            vec![reading("1", -25.0, a), reading("1", -20.0, b)],
            vec![],
        );
        assert_eq!(matched.pairs.len(), 0, "{a:?} {b:?}");
        assert_eq!((matched.counts.duplicates, matched.counts.only_in_ozmap), (1, 0));
    }
}

#[test]
fn equal_rows_need_no_time() {
    let matched = side_by_side(
        vec![client("1", "a")],
        vec![reading("1", -25.0, None), reading("1", -25.0, None)],
        vec![],
    );
    assert_eq!((matched.pairs.len(), matched.counts.duplicates), (1, 1));
}

#[test]
fn an_onu_seen_at_two_clients_counts_where_it_was_seen_last() {
    let rows =
        vec![with_mac(reading("1", -25.0, Some("10:00"))), with_mac(reading("2", -20.0, Some("11:00")))];
    let matched = side_by_side(vec![client("1", "a"), client("2", "b")], rows, vec![]);
    assert_eq!(pairs(&matched), [("2".to_owned(), power(-20.0))]);
    assert_eq!((matched.counts.duplicates, matched.counts.only_in_ozmap), (1, 0));
    assert_eq!(matched.findings[0].detail, "2 rows have one MAC address (clients 1, 2); the newest counts");
}

#[test]
fn codes_that_are_not_numeric_are_reported_and_not_compared() {
    let matched = side_by_side(
        vec![client("A1", "a"), client("1", "b")],
        vec![reading("A1", -20.0, None), reading("1", -20.0, None)],
        vec![],
    );
    assert_eq!((matched.pairs.len(), matched.counts.not_numeric), (1, 2));
}

#[test]
fn a_row_that_could_not_be_read_is_not_missing() {
    let unreadable = Finding {
        kind: FindingKind::Unreadable,
        system: System::Int6,
        code: Some("1".into()),
        detail: "`rx_power` is neither number nor text".to_owned(),
    };
    let matched = side_by_side(vec![client("1", "a")], vec![], vec![unreadable]);
    assert_eq!(
        (matched.counts.unreadable, matched.counts.only_in_ozmap, matched.counts.int6_readings),
        (1, 0, 1)
    );
}

fn onu(n: usize) -> String {
    format!("FHTT{n:08}")
}

#[test]
fn a_mac_that_different_serials_share_costs_no_client_and_is_nobodys() {
    let codes: Vec<String> = (1..=30).map(|n| n.to_string()).collect();
    let clients = codes.iter().map(|code| client(code, code)).collect();
    let rows =
        (1..=30).map(|n| with_mac(with_serial(&onu(n), reading(&n.to_string(), -20.0, None)))).collect();
    let matched = side_by_side(clients, rows, vec![]);
    assert_eq!((matched.pairs.len(), matched.counts.duplicates), (30, 1));
    assert!(matched.pairs.iter().all(|(_, reading)| reading.mac.is_none()));
    let [finding] = matched.findings.as_slice() else { panic!("{:?}", matched.findings) };
    assert!(finding.detail.contains("30 ONUs") && finding.detail.contains(", 29, 30)"), "{}", finding.detail);
}

#[test]
fn an_onu_is_known_by_its_serial_before_its_mac() {
    // One of the three has no serial number: its MAC address is a factory's all the same.
    let rows = vec![
        with_mac(with_serial(&onu(1), reading("1", -21.0, None))),
        with_mac(with_serial(&onu(2), reading("2", -22.0, None))),
        with_mac(reading("3", -23.0, None)),
    ];
    let clients = || vec![client("1", "a"), client("2", "b"), client("3", "c")];
    let matched = side_by_side(clients(), rows, vec![]);
    assert_eq!((matched.pairs.len(), matched.counts.duplicates), (3, 1));
    // The same serial number at two clients is one ONU, with or without a MAC address.
    let rows = vec![
        with_serial(&onu(1), reading("1", -21.0, Some("10:00"))),
        with_serial(&onu(1), reading("2", -22.0, Some("11:00"))),
        reading("3", -23.0, None),
    ];
    let matched = side_by_side(clients(), rows, vec![]);
    assert_eq!(pairs(&matched), [("2".to_owned(), power(-22.0)), ("3".to_owned(), power(-23.0))]);
    assert_eq!((matched.counts.duplicates, matched.counts.only_in_ozmap), (1, 0));
    assert_eq!(told(&matched, FindingKind::Duplicate), ["1", "1"], "the group, and the client left out");
}

#[test]
fn every_client_that_is_left_out_is_named() {
    let codes: Vec<String> = (1..=12).map(|n| n.to_string()).collect();
    let clients = codes.iter().map(|code| client(code, code)).collect();
    let rows = codes.iter().map(|code| with_mac(reading(code, -20.0, None))).collect();
    let matched = side_by_side(clients, rows, vec![]);
    assert_eq!((matched.pairs.len(), matched.counts.duplicates, matched.counts.only_in_ozmap), (0, 1, 0));
    for code in &codes {
        let of_its_own =
            |f: &&Finding| f.code.as_deref() == Some(code) && f.detail.starts_with("not compared: ");
        assert_eq!(matched.findings.iter().filter(of_its_own).count(), 1, "{code}");
    }
}

#[test]
fn a_client_with_another_row_is_not_left_out() {
    let rows = vec![
        with_serial(&onu(1), reading("1", -21.0, Some("10:00"))),
        with_serial(&onu(1), reading("2", -22.0, Some("11:00"))),
        with_serial(&onu(3), reading("1", -23.0, Some("09:00"))),
    ];
    let matched = side_by_side(vec![client("1", "a"), client("2", "b")], rows, vec![]);
    assert_eq!(pairs(&matched), [("1".to_owned(), power(-23.0)), ("2".to_owned(), power(-22.0))]);
    assert!(matched.findings.iter().all(|f| !f.detail.starts_with("not compared: ")));
    assert_eq!((matched.int6_codes, matched.foreign_codes), (2, 1));
}

#[test]
fn a_time_that_is_not_understood_or_not_come_yet_makes_no_row_the_newest() {
    let odd = |time| Reading { updated_at: time, ..reading("1", -25.0, None) };
    let future = ReadingTime::At("2026-11-20T12:05:01Z".parse().expect("a time"));
    for time in [ReadingTime::NotUnderstood, future] {
        let rows = vec![odd(time), reading("1", -20.0, Some("11:00"))];
        let matched = side_by_side(vec![client("1", "a")], rows, vec![]);
        assert_eq!((matched.pairs.len(), matched.counts.duplicates), (0, 1), "{time:?}");
    }
    let soon = ReadingTime::At("2026-11-20T12:05:00Z".parse().expect("a time"));
    let rows = vec![odd(soon), reading("1", -20.0, Some("11:00"))];
    assert_eq!(pairs(&side_by_side(vec![client("1", "a")], rows, vec![])), [("1".to_owned(), power(-25.0))]);
}

#[test]
fn codes_in_rows_of_different_serials_are_counted() {
    let rows = vec![
        with_serial(&onu(1), reading("1", -20.0, None)),
        with_serial(&onu(2), reading("1", -20.0, None)),
        with_serial(&onu(3), reading("2", -20.0, None)),
        with_serial(&onu(3), reading("2", -21.0, None)),
        reading("3", -20.0, None),
        reading("3", -21.0, None),
        reading("A4", -20.0, None),
    ];
    let matched = side_by_side(vec![], rows, vec![]);
    assert_eq!((matched.int6_codes, matched.foreign_codes), (3, 1));
}

fn any_time() -> impl Strategy<Value = ReadingTime> {
    let at = (0i64..8)
        .prop_map(|minutes| ReadingTime::At(now() + jiff::SignedDuration::from_mins(2 * minutes - 6)));
    prop_oneof![Just(ReadingTime::Unsaid), Just(ReadingTime::NotUnderstood), at]
}

prop_compose! {
    fn any_row()(
        code in 1u8..7,
        light in 0u8..2,
        serial in prop::option::of(0usize..4),
        mac in prop::option::of(0u8..3),
        updated_at in any_time(),
    ) -> Reading {
        Reading {
            serial: serial.and_then(|n| OnuSerial::new(&onu(n))),
            mac: mac.and_then(|n| MacAddress::new(&format!("94e3ee0e10{n:02}"))),
            updated_at,
            ..reading(&code.to_string(), -20.0 - f64::from(light), None)
        }
    }
}

proptest! {
    #[test]
    fn the_order_of_the_rows_does_not_matter_and_nobody_vanishes(
        (rows, shuffled) in prop::collection::vec(any_row(), 0..12)
            .prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
    ) {
        let clients = || (1..7).map(|n| client(&n.to_string(), &n.to_string())).collect::<Vec<_>>();
        let one = side_by_side(clients(), rows, vec![]);
        let other = side_by_side(clients(), shuffled, vec![]);
        prop_assert_eq!(&one.pairs, &other.pairs);
        prop_assert_eq!(&one.findings, &other.findings);
        prop_assert_eq!(one.counts, other.counts);
        for n in 1..7 {
            let code = n.to_string();
            let compared = one.pairs.iter().any(|(client, _)| client.client.code.as_str() == code);
            prop_assert!(compared || one.findings.iter().any(|f| f.code.as_deref() == Some(&code)), "{}", code);
        }
    }
}
