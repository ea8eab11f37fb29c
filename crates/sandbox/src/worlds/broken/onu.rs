//! ONUs that are not the client's: columns swapped, cut, filled with one value.

use serde_json::{Value, json};

use crate::town::names;
use crate::worlds::end::{ALL_FIELDS, WorldEnd, WorldField};
use crate::worlds::story::WorldStory;
use crate::worlds::telling::{MAC, SERIAL, Telling, USER, rename, text};

/// Only what INT6 says of ONUs is held: the powers are right and go on.
const ONU: &[WorldEnd] = &[WorldEnd::Held(&[WorldField::Onu])];
/// As before; or the values are no such thing, and are not taken.
const ONU_OR_NOTHING: &[WorldEnd] = &[WorldEnd::Held(&[WorldField::Onu]), WorldEnd::Finished];
/// Where a serial is no serial the row may be unreadable as a whole.
const ANY_BUT_FAILED: &[WorldEnd] = &[WorldEnd::Held(ALL_FIELDS), WorldEnd::Finished, WorldEnd::Halted];
const HELD: &[&str] = &["onu"];
const JOINED: &[&str] = &["serial", "another client", "wrong row", "wrong client", "joined"];

pub(super) const STORIES: &[WorldStory] = &[
    WorldStory::broken(
        "serials-shifted",
        "The column of serials slipped by one row; powers and codes are right.",
    )
    .told(|told| told.shift(&[SERIAL], &told.all()))
    .halts(JOINED),
    WorldStory::broken("serial-of-the-olt", "Every ONU shows the serial of its OLT.")
        .told(|told| told.each(|row| row[SERIAL] = json!("HWTC00C0FFEE")))
        .halts(JOINED),
    WorldStory::broken(
        "serials-of-a-factory-for-a-third",
        "A third of the ONUs show the maker's default serial.",
    )
    .told(|told| told.share(33, |row| row[SERIAL] = json!("GPON00000001")))
    .halts(JOINED),
    WorldStory::broken(
        "serials-anew",
        "The inventory was reset: every ONU shows a serial that was drawn by chance.",
    )
    .told(|told| {
        for place in told.all() {
            told.rows[place][SERIAL] = json!(names::serial(&mut told.rng));
        }
    })
    .halts(JOINED),
    WorldStory::broken("serials-without-their-end", "The column of serials is eight characters wide.")
        .told(|told| told.each(|row| cut(row, 8)))
        .ends(ANY_BUT_FAILED),
    WorldStory::broken(
        "serials-without-two-digits",
        "The column of serials is ten characters wide: each is a good serial, and a wrong one.",
    )
    .told(|told| told.each(|row| cut(row, 10)))
    .halts(JOINED),
    WorldStory::broken("serial-and-mac-swapped", "The columns of serial and MAC address changed places.")
        .told(|told| swap(told, SERIAL, MAC))
        .ends(ANY_BUT_FAILED),
    WorldStory::broken("serial-and-user-swapped", "The columns of serial and PPPoE user changed places.")
        .told(|told| swap(told, SERIAL, USER))
        .ends(ANY_BUT_FAILED),
    WorldStory::broken("user-and-mac-swapped", "The columns of PPPoE user and MAC address changed places.")
        .told(|told| swap(told, USER, MAC))
        .ends(ANY_BUT_FAILED),
    WorldStory::broken("users-shifted", "The column of PPPoE users slipped by one row.")
        .told(|told| told.shift(&[USER], &told.all()))
        .words(HELD)
        .ends(ONU),
    WorldStory::broken("one-user-for-all", "INT6 shows its own user as everybody's: admin.")
        .told(|told| told.each(|row| row[USER] = json!("admin")))
        .words(HELD)
        .ends(ONU),
    WorldStory::broken(
        "users-of-the-portal",
        "The PPPoE user is now the customer's e-mail at the portal, for one in ten.",
    )
    .told(|told| {
        let places = told.pick(10, |row| !text(row, USER).is_empty());
        for place in places {
            told.rows[place][USER] = json!(format!("cliente{place}@correio.example"));
        }
    })
    .words(HELD)
    .ends(ONU),
    WorldStory::broken("users-decoded-twice", "Each user with a dot got what two wrong decodings leave: Ã£.")
        .told(|told| {
            told.share_of(
                100,
                |row| text(row, USER).contains('.'),
                |row| {
                    row[USER] = json!(text(row, USER).replace('.', "Ã£"));
                },
            );
        })
        .words(HELD)
        .ends(ONU),
    WorldStory::broken("macs-of-the-routers", "The MAC address is that of whatever stands behind the ONU.")
        .told(|told| {
            for place in told.all() {
                told.rows[place][MAC] = json!(names::plain_mac(names::mac(&mut told.rng)));
            }
        })
        .words(HELD)
        .ends(ONU),
    WorldStory::broken("macs-shifted", "The column of MAC addresses slipped by one row.")
        .told(|told| told.shift(&[MAC], &told.all()))
        .words(HELD)
        .ends(ONU),
    WorldStory::broken("one-mac-for-all", "The MAC address is that of the poller.")
        .told(|told| told.each(|row| row[MAC] = json!("02:00:00:00:00:01")))
        .ends(ONU_OR_NOTHING),
    WorldStory::broken("macs-all-zero", "The MAC address of every ONU is zero.")
        .told(|told| told.each(|row| row[MAC] = json!("00:00:00:00:00:00")))
        .ends(ONU_OR_NOTHING),
    WorldStory::broken("onus-erased", "INT6 forgot all ONUs: serial, user and MAC are empty.")
        .told(|told| {
            told.each(|row| [SERIAL, USER, MAC].iter().for_each(|name| row[*name] = json!("")));
        })
        .ends(&[WorldEnd::Finished]),
    WorldStory::broken("onus-unknown-in-words", "INT6 forgot all ONUs, and says so in a dozen ways.")
        .told(forget_in_words)
        .ends(&[WorldEnd::Finished]),
    WorldStory::broken("onus-without-fields", "An update of INT6 sends neither serial nor user nor MAC.")
        .told(|told| {
            told.each(|row| [SERIAL, USER, MAC].iter().for_each(|name| rename(row, name, "")));
            told.each(|row| rename(row, "", "onu_id"));
        })
        .ends(&[WorldEnd::Finished]),
];

fn cut(row: &mut Value, length: usize) {
    let serial: String = text(row, SERIAL).chars().take(length).collect();
    row[SERIAL] = json!(serial);
}

fn swap(told: &mut Telling<'_>, one: &str, other: &str) {
    told.each(|row| {
        let first = row[one].take();
        row[one] = row[other].take();
        row[other] = first;
    });
}

fn forget_in_words(told: &mut Telling<'_>) {
    const WORDS: [&str; 12] = [
        "N/A",
        "N/D",
        "Não Disponível",
        "nao disponivel",
        "Indisponível",
        "None",
        "null",
        "nil",
        "undefined",
        "desconhecido",
        "-",
        "--",
    ];
    let mut words = WORDS.into_iter().cycle();
    told.each(|row| {
        for name in [SERIAL, USER, MAC] {
            row[name] = json!(words.next());
        }
    });
}
