//! Every figure is wrong: units, signs, columns, one value for all.

use serde_json::json;

use crate::worlds::end::WorldEnd;
use crate::worlds::story::WorldStory;
use crate::worlds::telling::{POWER, dbm, is_lit, repower};

/// How an operator may be told that all have one figure.
const SAME: &[&str] = &["same figure", "one figure", "same value", "one and the same", "same power"];
/// How an operator may be told that the figures of the whole town moved.
const MOVED: &[&str] = &["median", "moved", "unit", "typical", "dBm"];

pub(super) const STORIES: &[WorldStory] = &[
    WorldStory::broken("one-figure-for-all", "A cache answers for every ONU: all read −20.00.")
        .told(|told| told.each(|row| row[POWER] = json!("-20.00")))
        .halts(SAME),
    WorldStory::broken(
        "one-figure-for-the-lit",
        "All ONUs that have light read −21.37, the first answer of the day.",
    )
    .told(|told| told.share_of(100, is_lit, |row| row[POWER] = json!(-21.37)))
    .halts(SAME),
    WorldStory::broken(
        "one-figure-for-six-of-ten",
        "A frozen poller answers for six of ten ONUs with one figure.",
    )
    .told(|told| told.share_of(60, is_lit, |row| row[POWER] = json!(-22.15)))
    .halts(SAME),
    WorldStory::broken(
        "minus-40-for-all",
        "The receivers' threshold is sent in the place of the power: all read −40.",
    )
    .told(|told| told.each(|row| row[POWER] = json!(-40)))
    .halts(SAME),
    WorldStory::broken(
        "default-of-a-column-for-all",
        "The column was made anew, NOT NULL DEFAULT −1: all read −1.",
    )
    .told(|told| told.each(|row| row[POWER] = json!(-1)))
    .halts(SAME),
    WorldStory::broken("largest-integer-for-all", "All read 2147483647, an SNMP agent's word for invalid.")
        .told(|told| told.each(|row| row[POWER] = json!(2_147_483_647)))
        .halts(&[
            "same figure",
            "one figure",
            "same value",
            "one and the same",
            "outside",
            "implausible",
            "median",
        ]),
    WorldStory::broken("tenths", "A new driver sends tenths of a dB: −215.3.")
        .told(|told| told.each(|row| repower(row, |dbm| dbm * 10.0)))
        .halts(MOVED),
    WorldStory::broken("hundredths", "A new driver sends hundredths of a dB: −2153.")
        .told(|told| told.each(|row| repower(row, |dbm| dbm * 100.0)))
        .halts(MOVED),
    WorldStory::broken("thousandths", "A new driver sends thousandths of a dB as text: \"-21530\".")
        .told(|told| {
            told.each(|row| {
                if let Some(dbm) = dbm(row) {
                    row[POWER] = json!(format!("{:.0}", dbm * 1000.0));
                }
            });
        })
        .halts(MOVED),
    WorldStory::broken("tenths-of-a-tenth", "Somebody divided by ten once too often: −2.15.")
        .told(|told| told.each(|row| repower(row, |dbm| dbm / 10.0)))
        .halts(MOVED),
    WorldStory::broken("sign-lost", "An unsigned column swallowed the minus: 21.53.")
        .told(|told| told.each(|row| repower(row, f64::abs)))
        .halts(MOVED),
    WorldStory::broken("milliwatts", "The power is in milliwatts: 0.00703.")
        .told(|told| {
            told.each(|row| {
                if let Some(dbm) = dbm(row) {
                    row[POWER] = json!(format!("{:.5}", 10_f64.powf(dbm / 10.0)));
                }
            });
        })
        .halts(&["median", "moved", "unit", "typical", "same figure", "one and the same"]),
    WorldStory::broken("microwatts", "The power is in microwatts: 7.03.")
        .told(|told| told.each(|row| repower(row, |dbm| 1000.0 * 10_f64.powf(dbm / 10.0))))
        .halts(MOVED),
    WorldStory::broken("decibels-over-a-microwatt", "The power is in dBµW, thirty more than in dBm: 8.47.")
        .told(|told| told.each(|row| repower(row, |dbm| dbm + 30.0)))
        .halts(MOVED),
    WorldStory::broken(
        "sixteen-bits-without-a-sign",
        "Hundredths in sixteen bits, read without a sign: 63383 for −21.53.",
    )
    .told(|told| told.each(|row| repower(row, |dbm| 65_536.0 + (dbm * 100.0).round())))
    .halts(MOVED),
    WorldStory::broken("transmitted-power", "The column is the power that the ONU sends: about +2.3.")
        .told(|told| told.each(|row| repower(row, |dbm| 2.3 + dbm.fract() / 2.0)))
        .halts(MOVED),
    WorldStory::broken("temperature", "The column is the temperature of the ONU: about 47.")
        .told(|told| told.each(|row| repower(row, |dbm| 47.0 + dbm.fract() * 6.0)))
        .halts(MOVED),
    WorldStory::broken("voltage", "The column is the supply voltage: about 3.3.")
        .told(|told| told.each(|row| repower(row, |dbm| 3.3 + dbm.fract() / 20.0)))
        .halts(&["median", "moved", "unit", "typical", "same figure", "one and the same"]),
    WorldStory::broken(
        "attenuation-for-power",
        "The column is the attenuation since the OLT: power less four, without its sign.",
    )
    .told(|told| told.each(|row| repower(row, |dbm| 4.0 - dbm)))
    .halts(MOVED),
    WorldStory::broken(
        "seven-decibels-lost",
        "A calibration with the wrong sign takes 7 dB from every reading.",
    )
    .told(|told| told.each(|row| repower(row, |dbm| dbm - 7.0)))
    .halts(MOVED),
    WorldStory::broken(
        "seven-decibels-gained",
        "A calibration with the wrong sign gives 7 dB to every reading.",
    )
    .told(|told| told.each(|row| repower(row, |dbm| dbm + 7.0)))
    .halts(MOVED),
    WorldStory::broken("tenths-on-the-first-run", "The first run meets a host that sends tenths of a dB.")
        .first_run()
        .told(|told| told.each(|row| repower(row, |dbm| dbm * 10.0)))
        .halts(MOVED),
    WorldStory::broken("sign-lost-on-the-first-run", "The first run meets a host that has no minus.")
        .first_run()
        .told(|told| told.each(|row| repower(row, f64::abs)))
        .halts(MOVED),
    WorldStory::broken(
        "one-figure-on-the-first-run",
        "The first run meets a host that has one figure for all.",
    )
    .first_run()
    .told(|told| told.each(|row| row[POWER] = json!("-20.00")))
    .halts(SAME),
    WorldStory::broken("all-zero", "The poller's results were reset: every ONU reads 0.")
        .told(|told| told.each(|row| row[POWER] = json!(0)))
        .holds(&["error", "status", "light"]),
    WorldStory::broken("six-of-ten-zero", "Six of ten ONUs read 0.0, as after a restart of the poller.")
        .told(|told| told.share(60, |row| row[POWER] = json!("0.0")))
        .holds(&["error", "status", "light"]),
    WorldStory::broken("zero-on-the-first-run", "The first run meets a host where three quarters read 0.")
        .first_run()
        .told(|told| told.share(75, |row| row[POWER] = json!(0)))
        .holds(&["error", "status", "light"]),
    WorldStory::broken(
        "null-for-six-of-ten",
        "Six of ten ONUs have no power at all: the column was filled from a table that is half empty.",
    )
    .told(|told| told.share(60, |row| row[POWER] = json!(null)))
    .halts(&["rx_power", "power field", "power"]),
    WorldStory::broken(
        "null-for-four-of-ten",
        "Four of ten ONUs have no power: not enough to stop the others.",
    )
    .told(|told| told.share(40, |row| row[POWER] = json!(null)))
    .ends(&[WorldEnd::Finished]),
];
