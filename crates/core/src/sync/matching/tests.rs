use super::*;
use crate::{Client, Implantation, MacAddress, Onu, PowerReading, RecordId, Status};

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

/// Codes that are compared, with the power that counts.
fn pairs(matched: &Matched) -> Vec<(String, PowerReading)> {
    matched.pairs.iter().map(|(client, reading)| (client.client.code.to_string(), reading.power)).collect()
}

fn power(value: f64) -> PowerReading {
    PowerReading::from_number(value).expect("a power")
}

#[test]
fn clients_on_one_side_only_are_reported() {
    let matched = matched(
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
        pairs(&matched(clients, readings, vec![])).into_iter().map(|(code, _)| code).collect();
    assert_eq!(order, ["9", "10", "100"]);
}

#[test]
fn two_ozmap_clients_of_one_code_are_not_touched() {
    let matched = matched(vec![client("1", "a"), client("1", "b")], vec![reading("1", -20.0, None)], vec![]);
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
    let matched = matched(vec![client("1", "a")], rows, vec![]);
    assert_eq!(pairs(&matched), [("1".to_owned(), power(-20.0))]);
    assert_eq!((matched.counts.duplicates, matched.counts.int6_readings), (1, 3));
}

#[test]
fn rows_of_which_none_is_newest_are_not_guessed() {
    for (a, b) in [(None, None), (Some("10:00"), None), (Some("10:00"), Some("10:00"))] {
        let matched =
            matched(vec![client("1", "a")], vec![reading("1", -25.0, a), reading("1", -20.0, b)], vec![]);
        assert_eq!(matched.pairs.len(), 0, "{a:?} {b:?}");
        assert_eq!((matched.counts.duplicates, matched.counts.only_in_ozmap), (1, 0));
    }
}

#[test]
fn equal_rows_need_no_time() {
    let matched =
        matched(vec![client("1", "a")], vec![reading("1", -25.0, None), reading("1", -25.0, None)], vec![]);
    assert_eq!((matched.pairs.len(), matched.counts.duplicates), (1, 1));
}

#[test]
fn an_onu_seen_at_two_clients_counts_where_it_was_seen_last() {
    let rows =
        vec![with_mac(reading("1", -25.0, Some("10:00"))), with_mac(reading("2", -20.0, Some("11:00")))];
    let matched = matched(vec![client("1", "a"), client("2", "b")], rows, vec![]);
    assert_eq!(pairs(&matched), [("2".to_owned(), power(-20.0))]);
    assert_eq!((matched.counts.duplicates, matched.counts.only_in_ozmap), (1, 0));
    assert_eq!(matched.findings[0].detail, "2 rows have one MAC address (clients 1, 2); the newest counts");
}

#[test]
fn codes_that_are_not_numeric_are_reported_and_not_compared() {
    let matched = matched(
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
    let matched = matched(vec![client("1", "a")], vec![], vec![unreadable]);
    assert_eq!(
        (matched.counts.unreadable, matched.counts.only_in_ozmap, matched.counts.int6_readings),
        (1, 0, 1)
    );
}
