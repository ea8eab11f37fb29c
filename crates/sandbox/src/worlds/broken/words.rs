//! What is no figure stands where the power should be.

use serde_json::json;

use crate::worlds::end::{READING_FIELDS, WorldEnd};
use crate::worlds::story::WorldStory;
use crate::worlds::telling::{POWER, TIME, USER, is_lit};

/// Words belong to the status line of the rails; a gateway that knows that they are no words of INT6 may stop altogether.
const HELD_OR_HALTED: &[WorldEnd] = &[WorldEnd::Held(READING_FIELDS), WorldEnd::Halted];
const ERRORS: &[&str] = &["error", "status", "light", "power"];
/// The words for a field that is neither figure nor word.
const NO_POWER: &[&str] = &["rx_power", "power field", "power"];

pub(super) const STORIES: &[WorldStory] = &[
    WorldStory::broken("all-los", "The OLTs were asked while they restarted: every ONU reads LOS.")
        .told(|told| told.each(|row| row[POWER] = json!("LOS")))
        .holds(ERRORS),
    WorldStory::broken(
        "six-of-ten-los",
        "The poller's session on the larger OLT broke: six of ten ONUs read LOS.",
    )
    .told(|told| told.share(60, |row| row[POWER] = json!("LOS")))
    .holds(ERRORS),
    WorldStory::broken("all-words-of-a-state", "The column is the state of the ONU: up.")
        .told(|told| told.each(|row| row[POWER] = json!("up")))
        .words(ERRORS)
        .ends(HELD_OR_HALTED),
    WorldStory::broken("all-text", "The column is the PPPoE user.")
        .told(|told| {
            told.each(|row| row[POWER] = json!(format!("joao {}", row[USER].as_str().unwrap_or_default())))
        })
        .words(ERRORS)
        .ends(HELD_OR_HALTED),
    WorldStory::broken(
        "all-errors-of-a-poller",
        "The poller's message is stored as the reading: SNMP timeout.",
    )
    .told(|told| told.each(|row| row[POWER] = json!("Timeout: No Response from host")))
    .words(ERRORS)
    .ends(HELD_OR_HALTED),
    WorldStory::broken(
        "all-html-in-the-cell",
        "The reading is stored with the screen's markup and nothing in it.",
    )
    .told(|told| told.each(|row| row[POWER] = json!("<span class=\"badge\"></span>")))
    .words(ERRORS)
    .ends(HELD_OR_HALTED),
    WorldStory::broken(
        "two-figures-in-one-cell",
        "The cell has both directions, \"-21.53 / -23.10\": which is which is not said.",
    )
    .told(|told| {
        told.share_of(100, is_lit, |row| {
            row[POWER] = json!(format!("{} / -23.{:02}", row[POWER].as_str().unwrap_or_default(), 11));
        });
    })
    .words(ERRORS)
    .ends(HELD_OR_HALTED),
    WorldStory::broken("all-times", "The columns slipped: the power is the time of the reading.")
        .told(|told| told.each(|row| row[POWER] = row[TIME].clone()))
        .words(ERRORS)
        .ends(HELD_OR_HALTED),
    WorldStory::broken(
        "all-words-on-the-first-run",
        "The first run meets a host whose power is a word for seven of ten.",
    )
    .first_run()
    .told(|told| told.share(70, |row| row[POWER] = json!("Sem leitura")))
    .words(ERRORS)
    .ends(HELD_OR_HALTED),
    WorldStory::broken("all-unknown", "INT6 lost its readings and says so: Não Disponível, for all.")
        .told(|told| told.each(|row| row[POWER] = json!("Não Disponível")))
        .words(ERRORS)
        .ends(HELD_OR_HALTED),
    WorldStory::broken("all-booleans", "The column became a boolean: is there light?")
        .told(|told| told.each(|row| row[POWER] = json!(is_lit(row))))
        .halts(NO_POWER),
    WorldStory::broken("all-lists", "The column became a list of the last readings, empty after a restart.")
        .told(|told| told.each(|row| row[POWER] = json!([])))
        .halts(NO_POWER),
    WorldStory::broken("all-objects", "The column became an object without a text: {}.")
        .told(|told| told.each(|row| row[POWER] = json!({})))
        .halts(NO_POWER),
    WorldStory::broken("all-null", "The column is there and empty for all.")
        .told(|told| told.each(|row| row[POWER] = json!(null)))
        .halts(NO_POWER),
];
