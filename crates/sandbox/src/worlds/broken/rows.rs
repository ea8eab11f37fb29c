//! INT6 leaves clients out: a poller that stopped, a filter that stayed, a node that is gone.

use serde_json::{Value, json};

use crate::worlds::end::WorldEnd;
use crate::worlds::story::WorldStory;
use crate::worlds::telling::{SERIAL, is_dark, text};

/// How an operator may be told that most clients are gone.
const FEWER: &[&str] = &["fewer", "missing", "matched", "70"];

/// Less than the rails ask for: nothing wrong may be written, and the rest goes on.
const HARMLESS: &[WorldEnd] = &[WorldEnd::Finished];

pub(super) const STORIES: &[WorldStory] = &[
    WorldStory::broken("rows-missing-5", "A twentieth of INT6's rows is not there.")
        .told(|told| told.lose(5))
        .ends(HARMLESS),
    WorldStory::broken("rows-missing-10", "A tenth of INT6's rows is not there.")
        .told(|told| told.lose(10))
        .ends(HARMLESS),
    WorldStory::broken("rows-missing-28", "Just fewer of INT6's rows are missing than would stop the sync.")
        .told(|told| told.lose(28))
        .ends(HARMLESS),
    WorldStory::broken("rows-missing-32", "Just more of INT6's rows are missing than is borne.")
        .told(|told| told.lose(32))
        .halts(FEWER),
    WorldStory::broken(
        "rows-missing-50",
        "Every other poller of INT6 is down: half of the rows are missing.",
    )
    .told(|told| told.lose(50))
    .halts(FEWER),
    WorldStory::broken("rows-missing-90", "One poller in ten is left: nine of ten rows are missing.")
        .told(|told| told.lose(90))
        .halts(FEWER),
    WorldStory::broken("rows-missing-99", "INT6 answers with a handful of rows.")
        .told(|told| told.lose(99))
        .halts(FEWER),
    WorldStory::broken("no-rows", "INT6's table was emptied for a reload: the list is there, without a row.")
        .told(|told| told.rows.clear())
        .halts(&["no row", "no usable", "empty", "0 of", "without"]),
    WorldStory::broken("no-rows-on-the-first-run", "INT6's list is empty the first time that it is read.")
        .first_run()
        .told(|told| told.rows.clear())
        .halts(&["no row", "no usable", "empty", "0 of", "without"]),
    WorldStory::broken(
        "one-olt-left-out",
        "The poller's list of OLTs lost an entry: four tenths of the town are missing in one block.",
    )
    .told(|told| {
        let (from, to) = (told.rows.len() / 5, told.rows.len() * 3 / 5);
        told.rows.drain(from..to);
    })
    .halts(FEWER),
    WorldStory::broken(
        "only-the-dark-rows",
        "Someone left the screen's filter on: INT6 sends only the ONUs that are down.",
    )
    .told(|told| told.rows.retain(is_dark))
    .halts(FEWER),
    WorldStory::broken(
        "only-what-changed",
        "The nightly copy became incremental: only the rows that changed today are sent.",
    )
    .told(|told| told.lose(80))
    .halts(FEWER),
    WorldStory::broken(
        "one-maker-left",
        "The drivers of all makers but one crashed: only the ONUs with serials FHTT are sent.",
    )
    .told(|told| told.rows.retain(|row| text(row, SERIAL).starts_with("FHTT")))
    .halts(FEWER),
    WorldStory::broken(
        "two-shards-of-three-gone",
        "INT6's table is spread over three databases, and two of them do not answer.",
    )
    .told(|told| {
        let mut place = 0;
        told.rows.retain(|_| {
            place += 1;
            place % 3 == 0
        });
    })
    .halts(FEWER),
    WorldStory::broken("rows-limit-100", "A LIMIT 100 from a debugging session went live.")
        .told(|told| told.rows.truncate(100))
        .halts(FEWER),
    WorldStory::broken(
        "rows-are-empty-objects",
        "The serialiser of INT6's rows lost its fields: every row is {}.",
    )
    .told(|told| told.each(|row| *row = json!({})))
    .halts(&["row", "field", "code"]),
    WorldStory::broken("rows-are-lists", "INT6 sends bare lists of values in the place of objects.")
        .told(|told| {
            told.each(|row| {
                *row = row.as_object().map(|fields| fields.values().cloned().collect()).unwrap_or_default()
            });
        })
        .ends(&[WorldEnd::Halted, WorldEnd::Failed])
        .words(&["row", "object", "unreadable", "usable"]),
    WorldStory::broken("rows-are-null", "INT6 sends the right number of rows, each of them null.")
        .told(|told| told.each(|row| *row = Value::Null))
        .ends(&[WorldEnd::Halted, WorldEnd::Failed])
        .words(&["row", "object", "unreadable", "usable"]),
    WorldStory::broken(
        "half-of-the-rows-are-errors",
        "For half of the ONUs INT6 sends the poller's error in the place of a row.",
    )
    .told(|told| told.share(50, |row| *row = json!({"error": "SNMP timeout"})))
    .halts(&["fewer", "missing", "matched", "70", "can be read"]),
];
