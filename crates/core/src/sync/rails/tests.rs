use jiff::{SignedDuration, Timestamp};
use rstest::rstest;

use crate::client::{Client, ClientCode, RecordId, SyncedClient};
use crate::onu::{Onu, OnuSerial};
use crate::power::{Dbm, PowerReading};
use crate::status::{Implantation, Status};
use crate::sync::change::Field;
use crate::sync::fields::Fields;
use crate::sync::hold::{EndedEarly, Halt, HoldReason};
use crate::sync::limits::{Limits, Rules};
use crate::sync::past::{Measures, Past};
use crate::sync::plan::{Plan, plan};
use crate::sync::reading::{Reading, ReadingTime, RowShape};
use crate::sync::run::Rails;
use crate::sync::sides::Sides;
use crate::system::System;

/// A town in which both sides agree: client n reads −18 dBm and some, has serial number n, is OK and implanted.
struct Town {
    sides: Sides,
    rules: Rules,
    past: Past,
}

fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().expect("a time")
}

fn hundredths(value: i32) -> Dbm {
    Dbm::from_hundredths(value).expect("a power")
}

fn serial(n: u32) -> OnuSerial {
    OnuSerial::new(&format!("FHTT{n:08}")).expect("a serial number")
}

fn usual(n: u32) -> Dbm {
    hundredths(-1_800 - (n % 500) as i32)
}

impl Town {
    fn of(clients: u32) -> Town {
        let id = |kind: char, n: u32| RecordId::new(&format!("{kind}{n}")).expect("an identifier");
        let code = |n: u32| ClientCode::new(&n.to_string()).expect("a code");
        let client = |n: u32| Client {
            id: id('c', n),
            code: code(n),
            status: Some(Status::Ok),
            implantation: Implantation::Implanted,
            onu: Onu { serial_number: serial(n).as_str().into(), ..Onu::default() },
            onu_known: true,
        };
        let synced = |n: u32| SyncedClient {
            client: client(n),
            property: Some(id('p', n)),
            read_power: Some(usual(n)),
        };
        let reading = |n: u32| Reading {
            code: code(n),
            power: PowerReading::Measured(usual(n)),
            serial: Some(serial(n)),
            pppoe_user: None,
            mac: None,
            updated_at: ReadingTime::At(now()),
        };
        let sides = Sides {
            clients: (1..=clients).map(synced).collect(),
            readings: (1..=clients).map(reading).collect(),
            shape: RowShape { rows: clients.into(), ..RowShape::default() },
            ..Sides::default()
        };
        let last = Measures {
            matched: clients.into(),
            int6_rows: clients.into(),
            measured: clients.into(),
            median: Some(hundredths(-2_050)),
            most_alike: 3,
        };
        Town { sides, rules: Rules::default(), past: Past { last: Some(last), implanted_a_day: None } }
    }

    /// Changes the first readings.
    fn reads(mut self, first: usize, change: impl Fn(usize, &mut Reading)) -> Town {
        self.sides.readings.iter_mut().take(first).enumerate().for_each(|(n, reading)| change(n, reading));
        self
    }

    /// Changes the first clients.
    fn holds(mut self, first: usize, change: impl Fn(&mut SyncedClient)) -> Town {
        self.sides.clients.iter_mut().take(first).for_each(change);
        self
    }

    fn plan(&self, rails: Rails) -> Plan {
        plan(self.sides.clone(), &self.rules, &Limits::default(), &self.past, rails, now())
    }

    fn halt(&self) -> Option<Halt> {
        self.plan(Rails::Hold).halt
    }

    /// Field, clients and reason of what is held.
    fn held(&self) -> Vec<(Field, u64, HoldReason)> {
        let plan = self.plan(Rails::Hold);
        assert_eq!(plan.halt, None);
        plan.held.iter().map(|held| (held.field, held.clients, held.reason)).collect()
    }
}

fn power(value: i32) -> impl Fn(usize, &mut Reading) {
    move |_, reading| reading.power = PowerReading::Measured(hundredths(value))
}

#[test]
fn a_town_in_order_is_neither_halted_nor_held() {
    let plan = Town::of(500).plan(Rails::Hold);
    assert_eq!((plan.halt, plan.held.len(), plan.counts.unchanged), (None, 0, 500));
}

#[rstest]
#[case(350, false)]
#[case(349, true)]
fn fewer_than_seventy_of_a_hundred_of_the_last_good_run_halt(#[case] left: usize, #[case] halts: bool) {
    let mut town = Town::of(500);
    town.sides.readings.truncate(left);
    let expected = Halt::FewMatched { matched: left as u64, before: 500, min_percent: 70.0, duplicates: 0 };
    assert_eq!(town.halt(), halts.then_some(expected));
    town.past.last = None;
    assert_eq!(town.halt(), None, "a first run has nothing to compare with");
}

#[test]
fn a_plan_that_is_halted_stands_as_planned_whatever_else_would_be_held() {
    let plan = Town::of(500).reads(500, power(-4_000)).plan(Rails::Hold);
    assert!(plan.halt.is_some() && plan.counts.implausible == 500);
    assert!(plan.held.is_empty() && plan.changes.iter().all(|change| !change.held));
}

#[test]
fn a_list_that_ended_early_halts() {
    let mut town = Town::of(50);
    let early = EndedEarly { system: System::Ozmap, read: 50, total: 200 };
    town.sides.ended_early = Some(early);
    assert_eq!(town.halt(), Some(Halt::EndedEarly(early)));
}

#[rstest]
#[case(100, 500, None)]
#[case(101, 500, Some("serials"))]
#[case(9, 40, None)]
#[case(10, 40, Some("serials"))]
fn other_serial_numbers_for_more_than_a_fifth_halt(
    #[case] changed: usize,
    #[case] clients: u32,
    #[case] halts: Option<&str>,
) {
    let new = |n: usize, reading: &mut Reading| reading.serial = Some(serial(90_000 + n as u32));
    let halt = Town::of(clients).reads(changed, new).halt();
    assert_eq!(halt.map(|halt| matches!(halt, Halt::Serials { .. })), halts.map(|_| true));
}

#[test]
fn serial_numbers_of_others_halt_soon_and_an_onu_that_is_used_again_does_not() {
    // Each of eleven gets the serial number of the next, whose own changes, too.
    let shifted = |n: usize, reading: &mut Reading| {
        reading.serial = Some(serial(if n == 10 { 1 } else { n as u32 + 2 }));
    };
    let halt = Town::of(500).reads(11, shifted).halt();
    assert_eq!(halt, Some(Halt::Swapped { swapped: 11, known: 500, max_percent: 1.0 }));
    // Ten more clients show the ONUs of clients that INT6 does not list any more.
    let mut town = Town::of(500);
    let used_again = |n: usize, reading: &mut Reading| reading.serial = Some(serial(490 + n as u32 + 1));
    town.sides.readings.truncate(490);
    assert_eq!(town.reads(10, used_again).halt(), None);
}

#[test]
fn rows_of_another_isp_halt() {
    let mut town = Town::of(500);
    let mut strangers: Vec<Reading> = town.sides.readings[..26].to_vec();
    for (n, reading) in (80_000..).zip(&mut strangers) {
        reading.serial = Some(serial(n));
    }
    town.sides.readings.extend(strangers);
    assert!(matches!(town.halt(), Some(Halt::Foreign { codes: 26, of: 500, .. })), "{:?}", town.halt());
}

#[rstest]
#[case(5, 10, 0, 0, false)]
#[case(6, 10, 0, 0, false)]
#[case(11, 20, 0, 0, true)]
#[case(0, 0, 3, 3, true)]
#[case(0, 0, 2, 2, false)]
fn a_power_that_most_rows_lack_halts(
    #[case] without: u64,
    #[case] of: u64,
    #[case] without_field: u64,
    #[case] rows: u64,
    #[case] halts: bool,
) {
    let mut town = Town::of(20);
    town.sides.shape = RowShape {
        rows: of.max(rows),
        without_power: without,
        without_power_field: without_field,
        ..RowShape::default()
    };
    assert_eq!(matches!(town.halt(), Some(Halt::Unread { .. })), halts, "{:?}", town.halt());
}

#[rstest]
#[case(-7, 11, true)]
#[case(-7, 10, false)]
#[case(1, 11, true)]
fn untimely_readings_of_more_than_half_halt_where_a_stale_limit_is_set(
    #[case] hours: i64,
    #[case] readings: usize,
    #[case] halts: bool,
) {
    let at = now() + SignedDuration::from_hours(hours);
    let mut town = Town::of(20).reads(readings, |_, reading| reading.updated_at = ReadingTime::At(at));
    assert_eq!(town.halt(), None, "without a limit ages are nobody's business");
    town.rules.stale_after = Some(SignedDuration::from_hours(6));
    assert_eq!(matches!(town.halt(), Some(Halt::Untimely { .. })), halts, "{:?}", town.halt());
}

#[test]
fn one_figure_for_more_than_half_halts_and_for_more_than_a_tenth_is_held() {
    let town = Town::of(500).reads(251, power(-2_000));
    assert!(matches!(town.halt(), Some(Halt::OneFigure { clients: 251.., measured: 500, .. })));
    let held = Town::of(500).reads(60, power(-2_000)).held();
    let [(Field::ReadPower, clients, HoldReason::Repeated { measured: 500, .. })] = held[..] else {
        panic!("{held:?}")
    };
    assert!(clients >= 59, "all but the one that reads so always: {clients}");
    let mut usual = Town::of(500).reads(60, power(-2_000));
    usual.past.last = usual.past.last.map(|last| Measures { most_alike: 25, ..last });
    assert_eq!(usual.held(), [], "a town of few different figures is used to it");
}

#[test]
fn a_figure_that_is_held_for_being_repeated_does_not_become_usual() {
    let town = Town::of(500).reads(60, power(-2_000));
    assert!(town.plan(Rails::Hold).measure(&town.past).most_alike <= 3);
    let forced = town.plan(Rails::Forced(Fields::ALL));
    assert!(forced.measure(&town.past).most_alike >= 60, "what a person forces is true");
}

#[test]
fn a_median_that_moves_by_more_than_six_decibels_halts() {
    let weaker = |by: i32| {
        Town::of(500).reads(500, move |_, reading| {
            if let PowerReading::Measured(power) = reading.power {
                reading.power = PowerReading::Measured(hundredths(power.hundredths() - by));
            }
        })
    };
    assert!(matches!(weaker(610).halt(), Some(Halt::MedianMoved { .. })));
    assert_eq!(weaker(500).halt(), None);
    let mut first = weaker(1_500);
    first.past.last = None;
    assert!(matches!(first.halt(), Some(Halt::MedianOdd { .. })), "{:?}", first.halt());
}

#[test]
fn figures_that_no_light_has_are_held_and_never_implant() {
    let reserved = |client: &mut SyncedClient| client.client.implantation = Implantation::NotImplanted;
    let few = Town::of(500).holds(3, reserved).reads(3, power(-4_000)).held();
    assert_eq!(few.len(), 1, "{few:?}");
    assert!(matches!(few[0], (Field::Implantation, 3, HoldReason::NoLight { .. })));
    let many = Town::of(500).holds(30, reserved).reads(30, power(-4_000)).held();
    let fields: Vec<(Field, u64)> = many.iter().map(|(field, clients, _)| (*field, *clients)).collect();
    assert_eq!(fields, [(Field::ReadPower, 30), (Field::Implantation, 30)]);
    let plan = Town::of(500).reads(3, power(-4_000)).plan(Rails::OneClient);
    assert_eq!(
        (plan.counts.implausible, plan.counts.held),
        (3, 0),
        "the documented rule holds for the power"
    );
}

#[test]
fn a_step_of_many_by_one_amount_is_held() {
    let town = Town::of(500).reads(40, |_, reading| {
        if let PowerReading::Measured(power) = reading.power {
            reading.power = PowerReading::Measured(hundredths(power.hundredths() - 700));
        }
    });
    let held = town.held();
    assert!(matches!(held[..], [(Field::ReadPower, 40, HoldReason::Step { clients: 40, .. })]), "{held:?}");
    let dark = |client: &mut SyncedClient| client.read_power = Some(Dbm::ZERO);
    assert_eq!(Town::of(500).holds(40, dark).held(), [], "from no light to light is no step");
}

#[rstest]
#[case(25, None, false)]
#[case(26, None, true)]
#[case(19, Some(0), false)]
#[case(20, Some(6), true)]
#[case(20, Some(7), false)]
fn implantations_beyond_the_limits_are_held_with_power_and_status(
    #[case] reservations: usize,
    #[case] a_day: Option<u64>,
    #[case] holds: bool,
) {
    let mut town = Town::of(500).holds(reservations, |client| {
        client.client.implantation = Implantation::NotImplanted;
        client.client.status = Some(Status::Error);
        client.read_power = None;
    });
    town.past.implanted_a_day = a_day;
    let held: Vec<(Field, u64)> = town.held().iter().map(|(field, clients, _)| (*field, *clients)).collect();
    let n = reservations as u64;
    let expected = [(Field::Implantation, n), (Field::ReadPower, n), (Field::Status, n)];
    assert_eq!(held, if holds { expected.to_vec() } else { vec![] });
}

#[test]
fn onu_data_of_many_are_held_and_whoever_changes_its_serial_number_is_held_whole() {
    let mut town = Town::of(500).reads(30, |n, reading| {
        reading.pppoe_user = Some(format!("user.{n}").into());
        reading.power = PowerReading::Measured(hundredths(-2_345 - n as i32));
    });
    for (n, reading) in (70_000..).zip(&mut town.sides.readings[..5]) {
        reading.serial = Some(serial(n));
    }
    let held: Vec<(Field, u64)> = town.held().iter().map(|(field, clients, _)| (*field, *clients)).collect();
    assert_eq!(held, [(Field::Onu, 30), (Field::ReadPower, 5)]);
}

#[test]
fn forced_fields_go_and_the_others_stay_where_a_run_would_be_halted() {
    let dark = |_: usize, reading: &mut Reading| reading.power = PowerReading::Measured(hundredths(-2_000));
    let town = Town::of(500).reads(400, dark).holds(400, |client| client.client.status = Some(Status::Error));
    assert!(town.halt().is_some());
    let plan = town.plan(Rails::Forced(Fields::NONE.with(Field::ReadPower)));
    assert_eq!(plan.halt, None);
    assert!(plan.changes.iter().all(|change| change.held == (change.edit.field() != Field::ReadPower)));
    let whole = town.plan(Rails::Forced(Fields::ALL));
    assert!(whole.changes.iter().all(|change| !change.held) && whole.held.is_empty());
}
