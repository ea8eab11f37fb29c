//! Some figures are wrong, the others are right: one driver of several, no light told as a figure, gaps that were filled.

use serde_json::json;

use crate::worlds::end::{WorldEnd, WorldField};
use crate::worlds::life::Light;
use crate::worlds::story::WorldStory;
use crate::worlds::telling::{POWER, SERIAL, dbm, is_dark, is_lit, repower, text};

/// How an operator may be told of figures that no receiver shows.
const OUTSIDE: &[&str] = &["implausible", "outside", "-38", "−38"];
/// No power can be so large: such a row may count as unreadable, which is told, too.
const HELD_OR_UNREADABLE: &[WorldEnd] = &[
    WorldEnd::Held(&[WorldField::ReadPower, WorldField::Status, WorldField::Implantation]),
    WorldEnd::Finished,
];
/// How an operator may be told that many moved alike.
const STEP: &[&str] = &["step", "same amount", "unit", "sign"];
/// How an operator may be told that many have one figure.
const SAME: &[&str] = &["same figure", "one figure", "same value", "one and the same", "same power"];
/// How an operator may be told that many are to be implanted.
const IMPLANTS: &[&str] = &["implant"];

pub(super) const STORIES: &[WorldStory] = &[
    WorldStory::broken("minus-40-for-no-light", "A new version writes −40 where there is no light.")
        .told(|told| told.share_of(100, is_dark, |row| row[POWER] = json!(-40)))
        .holds(OUTSIDE),
    WorldStory::broken("minus-99-for-no-light", "A new version writes −99.00 where there is no light.")
        .told(|told| told.share_of(100, is_dark, |row| row[POWER] = json!("-99.00")))
        .holds(OUTSIDE),
    WorldStory::broken(
        "largest-integer-for-no-light",
        "A new version passes SNMP's 2147483647 on where there is no light.",
    )
    .told(|told| told.share_of(100, is_dark, |row| row[POWER] = json!(2_147_483_647)))
    .ends(HELD_OR_UNREADABLE)
    .words(OUTSIDE),
    WorldStory::broken("sixteen-bits-for-no-light", "A new version writes 655.35 where there is no light.")
        .told(|told| told.share_of(100, is_dark, |row| row[POWER] = json!(655.35)))
        .holds(OUTSIDE),
    WorldStory::broken(
        "minus-inf-for-no-light",
        "The logarithm of nothing was cut to the column's width: −327.68.",
    )
    .told(|told| told.share_of(100, is_dark, |row| row[POWER] = json!(-327.68)))
    .holds(OUTSIDE),
    WorldStory::broken("minus-40-in-a-storm", "A third of the town is dark, and the host writes −40 for it.")
        .life(|people| {
            let third = people.percent(33);
            people.change(third, |life| life.is_lit(), |life, _| life.light = Light::Zero);
        })
        .told(|told| told.share_of(100, is_dark, |row| row[POWER] = json!(-40.0)))
        .holds(OUTSIDE),
    WorldStory::broken(
        "frozen-olt",
        "One OLT's poller answers with one figure for all of its ONUs, a seventh of the town.",
    )
    .told(|told| {
        let places: Vec<usize> = told.all().into_iter().filter(|place| (200..345).contains(place)).collect();
        for place in places {
            told.rows[place][POWER] = json!("-19.87");
        }
    })
    .holds(SAME),
    WorldStory::broken(
        "frozen-maker",
        "A quarter of the ONUs, all of one maker, answer with the driver's example: −23.00.",
    )
    .told(|told| {
        told.share_of(100, |row| text(row, SERIAL).starts_with("HWTC"), |row| row[POWER] = json!("-23.00"));
    })
    .holds(SAME),
    WorldStory::broken("tenths-of-one-maker", "The driver of one maker sends tenths of a dB.")
        .told(|told| {
            told.share_of(
                100,
                |row| text(row, SERIAL).starts_with("ZTEG"),
                |row| repower(row, |dbm| dbm * 10.0),
            );
        })
        .holds(OUTSIDE),
    WorldStory::broken(
        "hundredths-on-a-tenth",
        "A tenth of the ONUs were moved to firmware that sends hundredths.",
    )
    .told(|told| told.share_of(10, is_lit, |row| repower(row, |dbm| (dbm * 100.0).round())))
    .holds(OUTSIDE),
    WorldStory::broken("sign-lost-on-a-tenth", "A tenth of the ONUs lost the minus.")
        .told(|told| told.share_of(10, is_lit, |row| repower(row, f64::abs)))
        .holds(OUTSIDE),
    WorldStory::broken(
        "sixteen-bits-on-a-tenth",
        "A tenth of the ONUs send hundredths in sixteen bits without a sign.",
    )
    .told(|told| told.share_of(10, is_lit, |row| repower(row, |dbm| 65_536.0 + (dbm * 100.0).round())))
    .ends(HELD_OR_UNREADABLE)
    .words(OUTSIDE),
    WorldStory::broken(
        "seven-decibels-on-a-tenth",
        "The driver of a tenth of the ONUs takes off 7 dB too many.",
    )
    .told(|told| told.share_of(10, is_lit, |row| repower(row, |dbm| dbm - 7.0)))
    .holds(STEP),
    WorldStory::broken(
        "nine-decibels-on-a-quarter",
        "The driver of one maker, a quarter of the ONUs, adds 9 dB.",
    )
    .told(|told| {
        told.share_of(100, |row| text(row, SERIAL).starts_with("ALCL"), |row| repower(row, |dbm| dbm + 9.0));
    })
    .holds(STEP),
    WorldStory::broken(
        "ten-decibels-on-four-tenths",
        "Four of ten ONUs are read with the scale of another optic: 10 dB less.",
    )
    .told(|told| told.share_of(40, is_lit, |row| repower(row, |dbm| dbm - 10.0)))
    .holds(&["step", "same amount", "unit", "sign", "implausible"]),
    WorldStory::broken(
        "gaps-filled-from-above",
        "A script fills gaps with the row above: who has no light gets a neighbour's.",
    )
    .dark(0)
    .life(|people| {
        let tenth = people.percent(10);
        people.change(tenth, |life| life.is_lit(), |life, rng| life.drift(rng, 6));
    })
    .told(|told| {
        let mut above = json!("-21.00");
        told.each(
            |row| if dbm(row).is_some() { above = row[POWER].clone() } else { row[POWER] = above.clone() },
        );
    })
    .holds(IMPLANTS),
    WorldStory::broken(
        "gaps-filled-by-a-mean",
        "A script fills gaps with the mean of the town, so that its curves have no holes.",
    )
    .dark(0)
    .life(|people| {
        let tenth = people.percent(10);
        people.change(tenth, |life| life.is_lit(), |life, rng| life.drift(rng, 6));
    })
    .told(|told| {
        let powers: Vec<f64> = told.rows.iter().filter_map(dbm).collect();
        let mean = powers.iter().sum::<f64>() / powers.len() as f64;
        told.share_of(100, is_dark, |row| row[POWER] = json!(format!("{mean:.2}")));
    })
    .holds(&["implant", "same figure", "one and the same"]),
    WorldStory::broken(
        "light-before-the-customer",
        "An installer's test light is read on every reserved port at once.",
    )
    .dark(0)
    .life(|people| {
        let tenth = people.percent(10);
        people.change(tenth, |life| life.is_lit(), |life, rng| life.drift(rng, 6));
    })
    .told(|told| {
        let mut power = -17.0;
        told.share_of(100, is_dark, |row| {
            power -= 0.07;
            row[POWER] = json!(format!("{power:.2}"));
        });
    })
    .holds(IMPLANTS),
];
