use proptest::prelude::*;

use super::*;
use crate::power::PlausibleWindow;
use crate::status::Status;
use crate::sync::fields::Fields;
use crate::sync::hold::HoldReason;
use crate::sync::matching::matched;
use crate::{ClientCode, Dbm, MacAddress, Onu, OnuSerial, RecordId};

fn dbm(value: f64) -> Dbm {
    Dbm::from_f64(value).expect("a power")
}

/// A client in order: −20.00 dBm, OK, implanted.
fn client(code: u32) -> SyncedClient {
    let client = Client {
        id: RecordId::new(&format!("c{code}")).expect("an identifier"),
        code: ClientCode::new(&code.to_string()).expect("a code"),
        status: Some(Status::Ok),
        implantation: Implantation::Implanted,
        onu: Onu::default(),
        onu_known: true,
    };
    let property = RecordId::new(&format!("p{code}")).expect("an identifier");
    SyncedClient { client, property: Some(property), read_power: Some(dbm(-20.0)) }
}

/// The same with another record of the client.
fn with(code: u32, change: impl FnOnce(&mut Client)) -> SyncedClient {
    let mut synced = client(code);
    change(&mut synced.client);
    synced
}

fn reading(code: u32, power: PowerReading) -> Reading {
    let code = ClientCode::new(&code.to_string()).expect("a code");
    Reading { code, power, serial: None, pppoe_user: None, mac: None, updated_at: ReadingTime::Unsaid }
}

fn measured(value: f64) -> PowerReading {
    PowerReading::from_number(value).expect("a power")
}

fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().expect("a time")
}

fn planned(clients: Vec<SyncedClient>, readings: Vec<Reading>) -> Plan {
    held_to(clients, readings, &Rules::default(), Rails::Hold)
}

fn held_to(clients: Vec<SyncedClient>, readings: Vec<Reading>, rules: &Rules, rails: Rails) -> Plan {
    let sides = Sides { clients, readings, ..Sides::default() };
    plan(sides, rules, &Limits::default(), &Past::default(), rails, now())
}

const FORCED: Rails = Rails::Forced(Fields::ALL);

fn lines(plan: &Plan) -> Vec<String> {
    plan.changes.iter().map(ToString::to_string).collect()
}

#[test]
fn equal_sides_leave_nothing_to_do() {
    let plan =
        planned(vec![client(1), client(2)], vec![reading(2, measured(-20.0)), reading(1, measured(-20.0))]);
    assert_eq!((plan.changes.len(), plan.findings.len(), plan.halt), (0, 0, None));
    assert_eq!((plan.counts.matched, plan.counts.unchanged, plan.counts.changed), (2, 2, 0));
}

#[test]
fn a_measured_reading_sets_power_status_and_implantation() {
    let down = with(1, |client| {
        client.status = Some(Status::Error);
        client.implantation = Implantation::NotImplanted;
    });
    let down = SyncedClient { read_power: None, ..down };
    let plan = planned(vec![down], vec![reading(1, measured(-21.53))]);
    assert_eq!(
        lines(&plan),
        ["~ 1  power (none) -> -21.53 dBm", "~ 1  status error -> ok", "~ 1  not implanted -> implanted"]
    );
    assert_eq!(plan.counts.changed, 1);
}

#[test]
fn a_zero_reading_sets_power_to_zero_and_marks_the_client_as_error() {
    let plan = planned(vec![client(1)], vec![reading(1, PowerReading::Zero)]);
    assert_eq!(lines(&plan), ["~ 1  power -20.00 -> 0.00 dBm", "~ 1  status ok -> error"]);
}

#[test]
fn a_text_reading_marks_the_client_as_error_and_keeps_the_power() {
    let plan = planned(vec![client(1)], vec![reading(1, PowerReading::Text)]);
    assert_eq!(lines(&plan), ["~ 1  status ok -> error"]);
}

#[test]
fn an_absent_reading_changes_nothing_and_is_counted() {
    let plan = planned(vec![client(1)], vec![reading(1, PowerReading::Absent)]);
    assert_eq!((plan.changes.len(), plan.counts.absent, plan.counts.unchanged), (0, 1, 1));
    assert_eq!(plan.findings[0].kind, FindingKind::Absent);
}

#[test]
fn a_dark_client_is_never_un_implanted() {
    for power in [PowerReading::Zero, PowerReading::Text, PowerReading::Absent] {
        let plan = planned(vec![client(1)], vec![reading(1, power)]);
        assert!(plan.changes.iter().all(|c| c.edit != FieldValue::Implant), "{power:?}");
    }
}

#[test]
fn onu_data_follow_int6_where_it_has_a_value() {
    let held =
        Onu { serial_number: "FHTT9A0B1C2D".into(), pppoe_user: "old.1".into(), mac_address: "".into() };
    let known = Reading {
        pppoe_user: Some("new.1".into()),
        mac: MacAddress::new("94E3EE0E1055"),
        ..reading(1, measured(-20.0))
    };
    let plan = planned(vec![with(1, |client| client.onu = held)], vec![known]);
    assert_eq!(lines(&plan), ["~ 1  ONU PPPoE user old.1 -> new.1, MAC (none) -> 94:e3:ee:0e:10:55"]);
    let FieldValue::Onu { new, .. } = &plan.changes[0].edit else { panic!("an ONU edit") };
    assert_eq!(new.serial_number, "FHTT9A0B1C2D", "all three fields are sent");
}

#[test]
fn an_empty_side_halts_and_force_does_not_invent_clients() {
    let clients: Vec<SyncedClient> = (1..=3812).map(client).collect();
    let plan = planned(clients.clone(), Vec::new());
    assert_eq!(
        plan.halt,
        Some(Halt::NoReadings { clients: 3812, unreadable: 0, names: vec![], example: None })
    );
    let plan = planned(Vec::new(), vec![reading(1, measured(-20.0))]);
    assert_eq!(plan.halt, Some(Halt::NoClients { readings: 1, unreadable: 0 }));
    let forced = held_to(clients, Vec::new(), &Rules::default(), FORCED);
    assert_eq!((forced.halt, forced.changes.len()), (None, 0));
}

#[test]
fn a_mass_outage_is_held_unless_it_is_small_or_forced() {
    let town = |dark: u32, all: u32| {
        let clients: Vec<SyncedClient> = (1..=all).map(client).collect();
        let power =
            |code| if code <= dark { PowerReading::Zero } else { measured(-20.0 - f64::from(code) / 100.0) };
        (clients, (1..=all).map(|code| reading(code, power(code))).collect::<Vec<_>>())
    };
    let plan = |(clients, readings): (Vec<SyncedClient>, Vec<Reading>)| planned(clients, readings);
    let held = plan(town(21, 40));
    assert_eq!(held.halt, None);
    let reason = HoldReason::MassOutage { clients: 21, matched: 40, max_percent: 50.0 };
    assert_eq!(held.held, [Field::Status, Field::ReadPower].map(|field| Held { field, clients: 21, reason }),);
    assert_eq!((held.counts.held, held.counts.changed), (21, 19), "the powers of the others are written");
    assert!(plan(town(20, 40)).held.is_empty(), "the share itself is still allowed");
    assert!(plan(town(19, 19)).held.is_empty(), "fewer than 20 clients never hold");
    let (clients, readings) = town(40, 40);
    let forced = held_to(clients, readings, &Rules::default(), FORCED);
    assert_eq!((forced.halt, forced.held.len(), forced.counts.changed), (None, 0, 40));
}

#[test]
fn clients_that_are_in_error_already_do_not_halt() {
    let clients: Vec<SyncedClient> =
        (1..=40).map(|code| with(code, |client| client.status = Some(Status::Error))).collect();
    let readings = (1..=40).map(|code| reading(code, PowerReading::Text)).collect();
    let plan = planned(clients, readings);
    assert_eq!((plan.halt, plan.changes.len()), (None, 0));
}

#[test]
fn a_stale_reading_is_left_alone_only_where_a_limit_is_set() {
    let old = Reading {
        updated_at: ReadingTime::At("2026-11-20T08:00:00Z".parse().expect("a time")),
        ..reading(1, measured(-25.0))
    };
    assert_eq!(planned(vec![client(1)], vec![old.clone()]).changes.len(), 1);
    let rules = Rules { stale_after: Some(SignedDuration::from_hours(3)), ..Rules::default() };
    let plan = held_to(vec![client(1)], vec![old], &rules, Rails::Hold);
    assert_eq!((plan.changes.len(), plan.counts.stale, plan.findings[0].kind), (0, 1, FindingKind::Stale));
}

#[test]
fn outside_the_plausible_window_a_number_is_no_light() {
    let window = PlausibleWindow { min: dbm(-39.0), max: dbm(10.0) };
    let rules = Rules { plausible: Some(window), ..Rules::default() };
    let plan = held_to(vec![client(1)], vec![reading(1, measured(-40.0))], &rules, Rails::Hold);
    assert_eq!(lines(&plan), ["~ 1  status ok -> error"]);
}

fn any_power() -> impl Strategy<Value = PowerReading> {
    prop_oneof![
        (-400i32..50).prop_map(|tenths| measured(f64::from(tenths) / 10.0)),
        Just(PowerReading::Zero),
        Just(PowerReading::Text),
        Just(PowerReading::Absent),
    ]
}

fn any_client() -> impl Strategy<Value = SyncedClient> {
    (0u32..30, prop::option::of(-400i32..50), prop::option::of(any::<bool>()), any::<bool>()).prop_map(
        |(code, power, ok, implanted)| {
            let varied = with(code, |client| {
                client.status = ok.map(|ok| if ok { Status::Ok } else { Status::Error });
                client.implantation =
                    if implanted { Implantation::Implanted } else { Implantation::NotImplanted };
            });
            SyncedClient { read_power: power.map(|tenths| dbm(f64::from(tenths) / 10.0)), ..varied }
        },
    )
}

fn any_reading() -> impl Strategy<Value = Reading> {
    (0u32..30, any_power(), prop::option::of(0i64..3), prop::option::of(0u32..20)).prop_map(
        |(code, power, second, onu)| Reading {
            updated_at: second.map_or(ReadingTime::Unsaid, |s| {
                ReadingTime::At(Timestamp::from_second(1_795_000_000 + s).expect("a time"))
            }),
            serial: onu.and_then(|n| OnuSerial::new(&format!("FHTT{n:08}"))),
            mac: onu.and_then(|n| MacAddress::new(&format!("94e3ee{n:06}"))),
            ..reading(code, power)
        },
    )
}

/// What OZmap holds after the plan was applied.
fn applied(clients: &[SyncedClient], changes: &[Change]) -> Vec<SyncedClient> {
    let mut clients = clients.to_vec();
    for change in changes {
        for client in clients.iter_mut().filter(|client| client.client.code == change.code) {
            match &change.edit {
                FieldValue::ReadPower { new, .. } => client.read_power = Some(*new),
                FieldValue::Status { new, .. } => client.client.status = Some(*new),
                FieldValue::Implant => client.client.implantation = Implantation::Implanted,
                FieldValue::Onu { new, .. } => client.client.onu = Onu::clone(new),
            }
        }
    }
    clients
}

/// Clients of whom everything is held.
fn wholly_held(plan: &Plan) -> u64 {
    let clients = plan.changes.chunk_by(|a, b| a.code == b.code);
    clients.filter(|changes| changes.iter().all(|change| change.held)).count() as u64
}

proptest! {
    #[test]
    fn planning_again_after_applying_is_empty(
        clients in prop::collection::vec(any_client(), 0..40),
        readings in prop::collection::vec(any_reading(), 0..40),
    ) {
        let first = held_to(clients.clone(), readings.clone(), &Rules::default(), FORCED);
        let again = held_to(applied(&clients, &first.changes), readings, &Rules::default(), FORCED);
        prop_assert_eq!(again.changes, Vec::new());
        prop_assert_eq!(again.counts.matched, first.counts.matched);
    }

    #[test]
    fn the_order_of_the_input_does_not_matter(
        clients in prop::collection::vec(any_client(), 0..40),
        (readings, shuffled) in prop::collection::vec(any_reading(), 0..40)
            .prop_flat_map(|readings| (Just(readings.clone()), Just(readings).prop_shuffle())),
    ) {
        let mut reversed = clients.clone();
        reversed.reverse();
        let in_any_order = |mut plan: Plan| {
            // Two clients may have one identifier here.
            plan.clients.sort_by_cached_key(|synced| format!("{synced:?}"));
            plan
        };
        let (one, other) = (planned(clients, readings), planned(reversed, shuffled));
        prop_assert_eq!(in_any_order(one), in_any_order(other));
    }

    #[test]
    fn no_client_vanishes_without_a_finding_that_names_it(
        clients in prop::collection::vec(any_client(), 0..40),
        readings in prop::collection::vec(any_reading(), 0..40),
    ) {
        let matched = matched(clients.clone(), readings.clone(), Vec::new(), now());
        let compared = |code: &ClientCode| matched.pairs.iter().any(|(client, _)| client.client.code == *code);
        let named = |code: &ClientCode| matched.findings.iter().any(|f| f.code.as_deref() == Some(code.as_str()));
        for code in clients.iter().map(|client| &client.client.code).chain(readings.iter().map(|row| &row.code)) {
            prop_assert!(compared(code) || named(code), "{} is neither compared nor named: {:?}", code, matched.findings);
        }
        let told = matched.alone.iter().all(|client| named(&client.client.code));
        prop_assert!(told, "a client that is left out is named");
    }

    #[test]
    fn the_counts_add_up(
        clients in prop::collection::vec(any_client(), 0..40),
        readings in prop::collection::vec(any_reading(), 0..40),
    ) {
        let plan = planned(clients.clone(), readings.clone());
        let counts = plan.counts;
        prop_assert_eq!(counts.matched, counts.unchanged + counts.changed + counts.failed + wholly_held(&plan));
        prop_assert_eq!(counts.ozmap_clients, clients.len() as u64);
        prop_assert_eq!(counts.int6_readings, readings.len() as u64);
        prop_assert!(counts.matched + counts.only_in_ozmap <= counts.ozmap_clients);
        prop_assert!(counts.matched + counts.only_in_int6 <= counts.int6_readings);
    }
}
