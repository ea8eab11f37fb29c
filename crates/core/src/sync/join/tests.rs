use rstest::rstest;

use super::*;
use crate::sync::matching::{Matched, matched_of};
use crate::sync::reading::ReadingTime;
use crate::{Client, Implantation, Onu, PowerReading, RecordId, Status};

/// `onu` is serial number, MAC address and PPPoE user.
fn client(code: &str, onu: [&str; 3]) -> SyncedClient {
    let [serial_number, mac_address, pppoe_user] = onu.map(Into::into);
    let client = Client {
        id: RecordId::new(&format!("c{code}")).expect("an identifier"),
        code: ClientCode::new(code).expect("a code"),
        status: Some(Status::Ok),
        implantation: Implantation::Implanted,
        onu: Onu { serial_number, pppoe_user, mac_address },
        onu_known: true,
    };
    SyncedClient { client, property: None, read_power: None }
}

fn row(name: &str, [serial, mac, user]: [&str; 3]) -> Reading {
    Reading {
        code: ClientCode::new(name).expect("a code"),
        power: PowerReading::Zero,
        serial: OnuSerial::new(serial),
        pppoe_user: (!user.is_empty()).then(|| user.into()),
        mac: MacAddress::new(mac),
        updated_at: ReadingTime::Unsaid,
    }
}

fn matched(by: MatchBy, clients: Vec<SyncedClient>, rows: Vec<Reading>) -> Matched {
    let now = "2026-11-20T12:00:00Z".parse().expect("a time");
    matched_of(joined(by, clients, &[], rows, Vec::new()), now)
}

/// `only_in_int6 9 OZmap has no client of this serial number`
fn told(matched: &Matched) -> Vec<String> {
    let line =
        |f: &Finding| format!("{} {} {}", f.kind.name(), f.code.as_deref().unwrap_or_default(), f.detail);
    matched.findings.iter().map(line).collect()
}

const ONU: [&str; 3] = ["FHTT00000001", "94:e3:ee:00:00:01", "maria.1"];

#[rstest]
#[case(MatchBy::Serial, ["4648545400000001", "", ""])]
#[case(MatchBy::Mac, ["", "94-E3-EE-00-00-01", ""])]
#[case(MatchBy::Pppoe, ["", "", " Maria.1 "])]
fn a_key_finds_its_client_in_every_notation(#[case] by: MatchBy, #[case] held: [&str; 3]) {
    let matched = matched(by, vec![client("A-1", held)], vec![row("9", ONU)]);
    let [(client, reading)] = &matched.pairs[..] else { panic!("one pair: {matched:?}") };
    assert_eq!((client.client.code.as_str(), reading.code.as_str()), ("A-1", "A-1"));
    assert_eq!(told(&matched), Vec::<String>::new(), "a code that is not numeric is good enough");
}

#[rstest]
#[case(MatchBy::Serial, ["FHTT00000002", "94:e3:ee:00:00:02", "maria.2"])]
#[case(MatchBy::Mac, ["FHTT00000002", "94:e3:ee:00:00:02", "maria.2"])]
#[case(MatchBy::Pppoe, ["FHTT00000002", "94:e3:ee:00:00:02", "maria.2"])]
fn what_has_no_counterpart_is_reported_and_never_guessed(#[case] by: MatchBy, #[case] other: [&str; 3]) {
    let clients = vec![client("1", other), client("2", ["", "N/A", "-"])];
    let rows = vec![row("1", ONU), row("7", ["", "", ""])];
    let matched = matched(by, clients, rows);
    let what = by.words();
    assert_eq!(
        told(&matched),
        [
            format!("only_in_ozmap 1 INT6 has no row of this client's {what}"),
            format!("only_in_ozmap 2 the client has no {what} in OZmap, by which clients are matched"),
            format!("only_in_int6 1 OZmap has no client of this {what}"),
            format!(
                "unclear_field 7 the row has no {what}, by which clients are matched; it is not compared"
            ),
        ]
    );
    let counts = matched.counts;
    assert_eq!((counts.matched, counts.ozmap_clients, counts.int6_readings), (0, 2, 2));
    assert_eq!((counts.only_in_ozmap, counts.only_in_int6, counts.unclear_field), (2, 1, 1));
    assert_eq!(matched.alone.len(), 2);
}

#[test]
fn a_key_that_several_clients_share_leads_to_none() {
    let clients = vec![client("1", ONU), client("2", ONU), client("3", ["FHTT00000003", "", ""])];
    let rows = vec![row("1", ONU), row("3", ["FHTT00000003", "", ""])];
    let matched = matched(MatchBy::Serial, clients, rows);
    let detail = "2 clients have one serial number (1, 2); none of them is touched";
    assert_eq!(told(&matched), [format!("duplicate 1 {detail}"), format!("duplicate 2 {detail}")]);
    assert_eq!((matched.counts.duplicates, matched.counts.matched), (1, 1));
    assert_eq!(matched.pairs[0].0.client.code.as_str(), "3");
}

#[test]
fn a_mac_address_of_several_onus_leads_to_none() {
    let mac = "94:e3:ee:00:00:01";
    let rows = vec![row("1", ["FHTT00000001", mac, ""]), row("2", ["FHTT00000002", mac, ""])];
    let matched = matched(MatchBy::Mac, vec![client("1", ["", mac, ""])], rows);
    assert_eq!((matched.counts.matched, matched.counts.duplicates, matched.alone.len()), (0, 1, 1));
    let kinds: Vec<_> = matched.findings.iter().map(|f| (f.kind, f.code.as_deref())).collect();
    assert_eq!(kinds, [(FindingKind::Duplicate, Some("1")), (FindingKind::Duplicate, Some("2"))]);
}

#[test]
fn rows_of_clients_elsewhere_are_counted_and_nothing_else() {
    let serial = |serial| [serial, "", ""];
    for by in [MatchBy::Code, MatchBy::Serial] {
        let clients = vec![client("1", serial("FHTT00000001"))];
        let elsewhere = [client("1", serial("FHTT00000001")), client("2", serial("FHTT00000002"))];
        let rows = [row("1", serial("FHTT00000001")), row("2", serial("FHTT00000002"))];
        let now = "2026-11-20T12:00:00Z".parse().expect("a time");
        let matched = matched_of(joined(by, clients, &elsewhere, rows.to_vec(), Vec::new()), now);
        assert_eq!(
            told(&matched),
            Vec::<String>::new(),
            "the tenant's own client goes before those elsewhere"
        );
        assert_eq!((matched.counts.matched, matched.counts.int6_readings), (1, 2));
    }
}
