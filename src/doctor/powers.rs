//! Whether INT6's powers are those of light at ONUs.

use gateway_core::sync::{Limits, Reading, Rules};
use gateway_core::{Dbm, PlausibleWindow, PowerReading};

use super::check::{Check, CheckStatus};
use crate::int6::wire::is_of_olt;

const WHAT: &str = "int6.power";
/// Figures from which on a median or a frequent figure says something.
const FEW: usize = 5;

/// Judges the powers of the readable rows, which stand in a field of this name.
pub(super) fn powers(readings: &[Reading], field: &str, rules: &Rules, limits: &Limits) -> Vec<Check> {
    let of_olt = is_of_olt(field).then(|| {
        let detail = format!("the power is read from `{field}`: is it the ONU's or the OLT's?");
        Check::warn(WHAT, detail, "set INT6_POWER_FIELD to the light that the ONU receives")
    });
    let told = readings.iter().filter(|reading| reading.power != PowerReading::Absent).count();
    if told == 0 {
        return of_olt.into_iter().collect();
    }
    let Figures { figures, words } = Figures::of(readings);
    let judged: Vec<Check> = if figures.is_empty() {
        vec![no_figure(field, words, told)]
    } else {
        let windowed = rules.plausible.and_then(|window| windowed(&figures, window));
        let found =
            [many_words(field, words, told), median(&figures, limits), same(&figures, limits), windowed];
        let far = far_out(&figures, limits).filter(|_| found[1].is_none());
        found.into_iter().flatten().chain(far).collect()
    };
    let mut checks: Vec<Check> = of_olt.into_iter().chain(judged).collect();
    if checks.is_empty() {
        let (low, high) = (figures[0], figures[figures.len() - 1]);
        let detail = format!(
            "INT6's powers are those of light: {} figures from {low} to {high} dBm, median {} dBm",
            figures.len(),
            middle(&figures)
        );
        checks.push(Check::ok(WHAT, detail));
    }
    checks
}

struct Figures {
    /// In order.
    figures: Vec<Dbm>,
    words: usize,
}

impl Figures {
    fn of(readings: &[Reading]) -> Figures {
        let (mut figures, mut words) = (Vec::new(), 0);
        for reading in readings {
            match reading.power {
                PowerReading::Measured(figure) => figures.push(figure),
                PowerReading::Text | PowerReading::Word(_) => words += 1,
                PowerReading::Zero | PowerReading::Absent => (),
            }
        }
        figures.sort_unstable();
        Figures { figures, words }
    }
}

fn middle(figures: &[Dbm]) -> Dbm {
    figures[figures.len() / 2]
}

/// Few figures prove little.
fn unless_few(figures: &[Dbm]) -> CheckStatus {
    if figures.len() < FEW { CheckStatus::Warn } else { CheckStatus::Fail }
}

fn no_figure(field: &str, words: usize, told: usize) -> Check {
    let detail = format!(
        "no row of INT6 has a figure in `{field}`: {words} have a word, {} have 0; each of these clients would turn to Error",
        told - words
    );
    let status = if told < FEW { CheckStatus::Warn } else { CheckStatus::Fail };
    Check::bad(status, WHAT, detail, "is INT6_POWER_FIELD the light at the ONU, in dBm?")
}

fn many_words(field: &str, words: usize, told: usize) -> Option<Check> {
    (words * 2 > told).then(|| {
        let detail = format!("`{field}` has a word instead of a figure in {words} of {told} rows of INT6");
        Check::warn(WHAT, detail, "are so many ONUs dark? Else: is INT6_POWER_FIELD the light at the ONU?")
    })
}

fn median(figures: &[Dbm], limits: &Limits) -> Option<Check> {
    let (median, expected) = (middle(figures), limits.first_median);
    (!expected.contains(median)).then(|| {
        let detail = format!(
            "the median of INT6's powers is {median} dBm; that of light at ONUs lies between {} and {} dBm{}",
            expected.min,
            expected.max,
            unit(median, expected)
        );
        let remedy = "is INT6_POWER_FIELD the light that the ONU receives, in dBm? Until then a first run would be halted; if \
                      these powers are right, move SYNC_FIRST_MEDIAN_MIN_DBM or SYNC_FIRST_MEDIAN_MAX_DBM";
        Check::bad(unless_few(figures), WHAT, detail, remedy)
    })
}

/// What the unit could be, so that the median would be right: a clause, or nothing.
fn unit(median: Dbm, expected: PlausibleWindow) -> String {
    let is_light = |dbm: f64| Dbm::from_f64(dbm).is_ok_and(|power| expected.contains(power));
    let median = median.to_f64();
    let could_be = [
        ("hundredths of a dBm", median / 100.0),
        ("tenths of a dBm", median / 10.0),
        ("dBm without the minus sign", -median),
        ("hundredths of a dBm without the minus sign", -median / 100.0),
        ("tenths of a dBm without the minus sign", -median / 10.0),
        // Of a negative number there is no logarithm: no power.
        ("microwatts", 10.0 * (median / 1000.0).log10()),
    ];
    let units: Vec<&str> =
        could_be.into_iter().filter(|(_, dbm)| is_light(*dbm)).map(|(unit, _)| unit).collect();
    if units.is_empty() { String::new() } else { format!("; are these {}?", units.join(", or ")) }
}

fn same(figures: &[Dbm], limits: &Limits) -> Option<Check> {
    if figures.len() < FEW {
        return None;
    }
    let group = figures.chunk_by(|a, b| a == b).max_by_key(|group| group.len())?;
    let is_most = group.len() as f64 * 100.0 > figures.len() as f64 * limits.max_same_percent;
    is_most.then(|| {
        let detail = format!(
            "{} of {} powers of INT6 are {} dBm: no light is so even",
            group.len(),
            figures.len(),
            group[0]
        );
        let would_halt = group.len() as u64 >= limits.min_figure_clients;
        let status = if would_halt { CheckStatus::Fail } else { CheckStatus::Warn };
        let remedy = "look at INT6: did it stop to measure? Is INT6_POWER_FIELD the light at the ONU?";
        Check::bad(status, WHAT, detail, remedy)
    })
}

fn far_out(figures: &[Dbm], limits: &Limits) -> Option<Check> {
    let light = limits.light;
    let outside = figures.iter().filter(|figure| !light.contains(**figure)).count();
    let share = outside as f64 * 100.0 / figures.len() as f64;
    (share > limits.max_implausible_percent).then(|| {
        let detail = format!(
            "{outside} of {} powers of INT6 are no light: outside {} to {} dBm",
            figures.len(),
            light.min,
            light.max
        );
        let remedy = "does INT6 write a figure for no light (-40, -99)? Set SYNC_PLAUSIBLE_MIN_DBM and SYNC_PLAUSIBLE_MAX_DBM, so \
                      that it counts as a word. Is INT6_POWER_FIELD the light at the ONU?";
        let status = if outside * 2 > figures.len() { CheckStatus::Fail } else { CheckStatus::Warn };
        Check::bad(status, WHAT, detail, remedy)
    })
}

/// The ISP's own window makes words of figures.
fn windowed(figures: &[Dbm], window: PlausibleWindow) -> Option<Check> {
    let outside = figures.iter().filter(|figure| !window.contains(**figure)).count();
    (outside * 2 > figures.len()).then(|| {
        let detail = format!(
            "{outside} of {} powers of INT6 lie outside the settings' window of {} to {} dBm, count as words, and would turn \
             their clients to Error",
            figures.len(),
            window.min,
            window.max
        );
        let remedy = "look at SYNC_PLAUSIBLE_MIN_DBM and SYNC_PLAUSIBLE_MAX_DBM";
        Check::bad(unless_few(figures), WHAT, detail, remedy)
    })
}

#[cfg(test)]
mod tests;
