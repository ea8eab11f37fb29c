use gateway_core::ClientCode;
use gateway_core::sync::ReadingTime;
use rstest::rstest;

use super::*;

fn reading(power: PowerReading) -> Reading {
    let code = ClientCode::new("147").expect("a code");
    Reading { code, power, serial: None, pppoe_user: None, mac: None, updated_at: ReadingTime::Unsaid }
}

fn figures(figures: impl IntoIterator<Item = f64>) -> Vec<Reading> {
    let power = |figure: f64| PowerReading::from_number(figure).expect("a power");
    figures.into_iter().map(|figure| reading(power(figure))).collect()
}

/// From −18 dBm downwards, each another.
fn light(count: usize) -> impl Iterator<Item = f64> {
    (0..count).map(|i| -18.0 - i as f64 / 10.0)
}

fn judged(readings: &[Reading], field: &str) -> Vec<Check> {
    powers(readings, field, &Rules::default(), &Limits::default())
}

#[test]
fn light_is_in_order() {
    let checks = judged(&figures(light(50)), "power");
    assert_eq!((checks.len(), checks[0].status), (1, CheckStatus::Ok), "{checks:?}");
    assert!(checks[0].detail.contains("50 figures from -22.90 to -18.00 dBm"), "{checks:?}");
}

#[rstest]
#[case::hundredths(100.0, "are these hundredths of a dBm?")]
#[case::tenths(10.0, "are these tenths of a dBm?")]
#[case::no_sign(-1.0, "are these dBm without the minus sign")]
#[case::no_sign_and_hundredths(-100.0, "are these hundredths of a dBm without the minus sign")]
fn another_unit_is_named(#[case] factor: f64, #[case] told: &str) {
    let checks = judged(&figures(light(50).map(|figure| figure * factor)), "power");
    assert_eq!((checks.len(), checks[0].status), (1, CheckStatus::Fail), "{checks:?}");
    assert!(checks[0].detail.contains(told), "{checks:?}");
    assert!(
        checks[0].remedy.as_ref().is_some_and(|remedy| remedy.contains("INT6_POWER_FIELD")),
        "{checks:?}"
    );
}

#[test]
fn microwatts_are_named() {
    let microwatts = light(50).map(|figure| 10f64.powf((figure - 5.0) / 10.0) * 1000.0);
    let checks = judged(&figures(microwatts), "power");
    assert!(checks[0].detail.contains("are these microwatts?"), "{checks:?}");
}

#[test]
fn few_strange_figures_are_a_warning() {
    assert_eq!(judged(&figures([3.0]), "power")[0].status, CheckStatus::Warn);
}

#[test]
fn one_figure_for_most_is_told() {
    let same = |count: usize| judged(&figures(std::iter::repeat_n(-20.0, count).chain([-21.0])), "power");
    assert_eq!(same(30)[0].status, CheckStatus::Fail);
    assert_eq!(same(10)[0].status, CheckStatus::Warn, "a run halts from 20 on");
    assert!(same(30)[0].detail.contains("30 of 31 powers of INT6 are -20.00 dBm"), "{:?}", same(30));
}

#[test]
fn what_is_no_light_is_told_with_the_window_that_makes_words_of_it() {
    let checks = judged(&figures(light(40).chain(std::iter::repeat_n(-40.0, 5))), "power");
    assert_eq!((checks.len(), checks[0].status), (1, CheckStatus::Warn), "{checks:?}");
    assert!(checks[0].remedy.as_ref().is_some_and(|r| r.contains("SYNC_PLAUSIBLE_MIN_DBM")), "{checks:?}");
}

#[test]
fn words_and_zeros_alone_are_no_power() {
    let mut rows = vec![reading(PowerReading::Text); 4];
    rows.extend(vec![reading(PowerReading::Zero); 4]);
    let checks = judged(&rows, "state");
    assert_eq!(checks[0].status, CheckStatus::Fail);
    assert!(checks[0].detail.contains("4 have a word, 4 have 0"), "{checks:?}");
    assert_eq!(judged(&rows[..2], "state")[0].status, CheckStatus::Warn);
}

#[test]
fn a_word_in_most_rows_is_told() {
    let mut rows = figures(light(4));
    rows.extend(vec![reading(PowerReading::Text); 6]);
    let checks = judged(&rows, "power");
    assert_eq!((checks.len(), checks[0].status), (1, CheckStatus::Warn), "{checks:?}");
}

#[test]
fn rows_that_say_nothing_are_another_checks() {
    assert_eq!(judged(&[reading(PowerReading::Absent)], "power"), []);
}

#[test]
fn the_olts_end_is_asked_about() {
    let checks = judged(&figures(light(50)), "olt_rx");
    assert_eq!((checks.len(), checks[0].status), (1, CheckStatus::Warn), "{checks:?}");
    assert!(checks[0].detail.ends_with("is it the ONU's or the OLT's?"), "{checks:?}");
}

#[test]
fn a_window_that_makes_words_of_most_figures_is_named() {
    let window = PlausibleWindow { min: Dbm::whole(-15), max: Dbm::whole(-8) };
    let rules = Rules { plausible: Some(window), ..Rules::default() };
    let checks = powers(&figures(light(50)), "power", &rules, &Limits::default());
    assert_eq!((checks.len(), checks[0].status), (1, CheckStatus::Fail), "{checks:?}");
    assert!(checks[0].detail.contains("-15.00 to -8.00 dBm"), "{checks:?}");
}
