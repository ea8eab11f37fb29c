//! Rows that belong to others: joins by the wrong key, lists that slipped, another ISP's data.

use rand::seq::SliceRandom;
use serde_json::{Value, json};

use crate::town::names;
use crate::worlds::end::{ALL_FIELDS, WorldEnd};
use crate::worlds::story::WorldStory;
use crate::worlds::telling::{CODE, MAC, POWER, SERIAL, TIME, Telling, USER, text};

/// How an operator may be told that rows belong to others.
const JOINED: &[&str] = &["serial", "another client", "wrong row", "wrong client", "joined"];
/// How an operator may be told that no code is known.
const STRANGERS: &[&str] = &["match", "code", "known to both", "both sides"];

pub(super) const STORIES: &[WorldStory] = &[
    WorldStory::broken("codes-shifted-by-one", "The column of codes slipped by one row against all others.")
        .told(|told| told.shift(&[CODE], &told.all()))
        .halts(JOINED),
    WorldStory::broken("codes-reversed", "The codes were sorted the other way round than the readings they were put beside.")
        .told(|told| {
            let mut codes: Vec<Value> = told.rows.iter().map(|row| row[CODE].clone()).collect();
            codes.reverse();
            set_codes(told, codes);
        })
        .halts(JOINED),
    WorldStory::broken("codes-shuffled", "Codes and readings were joined without a key.")
        .told(|told| {
            let mut codes: Vec<Value> = told.rows.iter().map(|row| row[CODE].clone()).collect();
            codes.shuffle(&mut told.rng);
            set_codes(told, codes);
        })
        .halts(JOINED),
    WorldStory::broken("codes-sorted-as-text", "The codes were sorted as text, by their last digit first, the readings as numbers.")
        .told(|told| {
            let mut codes: Vec<Value> = told.rows.iter().map(|row| row[CODE].clone()).collect();
            codes.sort_by_key(|code| code.to_string().chars().rev().collect::<String>());
            set_codes(told, codes);
        })
        .halts(JOINED),
    WorldStory::broken("codes-shifted-on-a-tenth", "In one block, a tenth of the rows, the codes slipped by one.")
        .told(|told| told.shift(&[CODE], &(300..400).collect::<Vec<_>>()))
        .halts(JOINED),
    WorldStory::broken("codes-shifted-on-thirty-rows", "On one OLT of thirty ONUs each has its neighbour's code.")
        .told(|told| told.shift(&[CODE], &(500..530).collect::<Vec<_>>()))
        .halts(JOINED),
    WorldStory::broken("neighbours-swapped", "An unstable sort swaps every third pair of neighbours.")
        .told(|told| {
            for first in (0..told.rows.len() - 1).step_by(6) {
                told.shift(&[CODE], &[first, first + 1]);
            }
        })
        .halts(JOINED),
    WorldStory::broken("serials-and-powers-of-the-next-slot", "The driver counts ONUs from 0, the table from 1: everything but the user is the neighbour's.")
        .told(|told| told.shift(&[SERIAL, MAC, POWER, "olt_rx_power"], &told.all()))
        .halts(JOINED),
    WorldStory::broken("rows-of-the-last-build", "The ONUs' places on the OLT were renumbered, INT6's table of places was not: blocks of forty changed places.")
        .told(|told| {
            let places = told.all();
            let (first, second) = (&places[100..300], &places[400..600]);
            for (one, other) in first.iter().zip(second) {
                told.shift(&[CODE], &[*one, *other]);
            }
        })
        .halts(JOINED),
    WorldStory::broken("another-isp", "A wrong tenant in INT6: every row is another ISP's, whose codes happen to be the same numbers.")
        .told(|told| {
            let places = told.all();
            estrange(told, &places);
        })
        .halts(JOINED),
    WorldStory::broken("another-isp-for-a-third", "One of three workers is logged on to another ISP: a third of the rows are strangers with our codes.")
        .told(|told| {
            let places = told.pick(33, |_| true);
            estrange(told, &places);
        })
        .halts(JOINED),
    WorldStory::broken("another-isp-for-a-tenth", "A tenth of the rows are another ISP's, in the place of ours.")
        .all_known()
        .told(|told| {
            let places = told.pick(10, |_| true);
            estrange(told, &places);
        })
        .words(JOINED)
        .ends(&[WorldEnd::Held(ALL_FIELDS), WorldEnd::Halted]),
    WorldStory::broken("two-isps-in-one-list", "Two ISPs' tables were put into one list: each code comes twice, with two serials.")
        .told(|told| add_strangers(told, 100))
        .halts(&["serial", "isp", "several rows", "twice", "two rows", "same code"]),
    WorldStory::broken("two-isps-for-a-tenth", "A tenth of the codes come a second time, from another ISP.")
        .told(|told| add_strangers(told, 10))
        .halts(&["serial", "isp", "several rows", "twice", "two rows", "same code"]),
    WorldStory::broken("codes-are-contracts", "The ERP's contract number was put in the place of the client's code.")
        .told(|told| told.each(|row| row[CODE] = row["contract_id"].clone()))
        .halts(STRANGERS),
    WorldStory::broken("codes-are-row-numbers", "The code is the row's number: an index was exported as a column.")
        .told(|told| told.each(|row| row[CODE] = row["id"].clone()))
        .halts(STRANGERS),
    WorldStory::broken("codes-with-a-prefix", "INT6 began to write its codes as CLI-10001.")
        .told(|told| told.each(|row| row[CODE] = json!(format!("CLI-{}", text(row, CODE)))))
        .halts(STRANGERS),
    WorldStory::broken("codes-in-a-spreadsheet", "A spreadsheet rounded the codes to tens: ten ONUs share each.")
        .told(|told| {
            told.each(|row| row[CODE] = json!(row[CODE].as_u64().map_or(0, |code| code / 10 * 10)));
        })
        .ends(&[WorldEnd::Halted])
        .words(&["match", "code", "duplicate", "serial", "several", "fewer"]),
    WorldStory::broken("codes-all-zero", "An integer column was read as boolean: every code is 0.")
        .told(|told| told.each(|row| row[CODE] = json!(0)))
        .halts(&["match", "code", "duplicate", "serial", "several", "fewer"]),
    WorldStory::broken("archive-beside-the-live-rows", "The archive was joined in: each row comes a second time, as it was two days ago.")
        .told(|told| {
            let mut old = told.rows.clone();
            let then = told.ago(172_800);
            for row in &mut old {
                row[POWER] = json!("-19.99");
                row[TIME] = then.clone();
            }
            told.rows.extend(old);
        })
        .ends(&[WorldEnd::Finished]),
    WorldStory::broken("archive-restamped", "The archive was joined in and stamped with the time of the copy: no row says which is the newer.")
        .told(|told| {
            let now = told.ago(30);
            let mut old = told.rows.clone();
            old.iter_mut().for_each(|row| row[POWER] = json!("-19.99"));
            told.rows.extend(old);
            told.each(|row| row[TIME] = now.clone());
        })
        .ends(&[WorldEnd::Finished, WorldEnd::Halted]),
];

fn set_codes(told: &mut Telling<'_>, codes: Vec<Value>) {
    for (row, code) in told.rows.iter_mut().zip(codes) {
        row[CODE] = code;
    }
}

/// Lets these rows be another ISP's customers, who have our codes.
fn estrange(told: &mut Telling<'_>, places: &[usize]) {
    for place in places {
        let row = &mut told.rows[*place];
        row[SERIAL] = json!(names::serial(&mut told.rng));
        row[MAC] = json!(names::plain_mac(names::mac(&mut told.rng)));
        row[USER] = json!(format!("cliente{place}@outra"));
        row[POWER] = json!(format!("-{}.{:02}", 17 + place % 9, place % 100));
    }
}

/// Adds another ISP's rows for this share of the codes.
fn add_strangers(told: &mut Telling<'_>, percent: usize) {
    let places = told.pick(percent, |_| true);
    let ours = told.rows.clone();
    estrange(told, &places);
    let strangers: Vec<Value> = places.iter().map(|place| told.rows[*place].clone()).collect();
    told.rows = ours;
    told.rows.extend(strangers);
}
