//! Data as it really is: duplicates, legacy codes, strangers, bad rows.

use serde_json::{Value, json};

use crate::exchange::Answer;
use crate::worlds::life::Light;
use crate::worlds::story::WorldStory;
use crate::worlds::telling::{CODE, POWER, TIME};

pub(super) const STORIES: &[WorldStory] = &[
    WorldStory::healthy("few-duplicates", "Five ONUs were seen on two PONs; the newer row counts.").told(|told| {
        let then = told.ago(7200);
        for place in told.pick(1, |_| true) {
            let mut old = told.rows[place].clone();
            (old[POWER], old[TIME]) = (json!("-27.77"), then.clone());
            told.rows.push(old);
        }
    }),
    WorldStory::healthy("duplicates-before-their-newer-rows", "Fifteen ONUs come twice, the older row first.").told(|told| {
        let then = told.ago(90_000);
        for place in told.pick(3, |_| true).into_iter().rev() {
            let mut old = told.rows[place].clone();
            (old[POWER], old[TIME]) = (json!("LOS"), then.clone());
            told.rows.insert(place, old);
        }
    }),
    WorldStory::healthy("rows-in-another-order", "INT6 sends its rows from the newest to the oldest.").told(|told| told.rows.reverse()),
    WorldStory::healthy("rows-with-forty-fields", "An update of INT6 added forty fields that nobody asked for.").told(|told| {
        told.each(|row| (0..40).for_each(|place| row[format!("extra_{place}")] = json!({"value": place, "list": [1, null]})));
    }),
    WorldStory::healthy("not-read-this-time", "A tenth of the ONUs were not read this time: null.").life(|people| {
        people.live_on();
        let tenth = people.percent(10);
        people.change(tenth, |life| life.is_lit(), |life, _| life.light = Light::Unknown);
    }),
    WorldStory::healthy("rows-that-are-none", "Among the rows are a null, a number, a list and a text.").told(|told| {
        for (place, row) in [(3, json!(null)), (77, json!(42)), (200, json!([1, 2])), (300, json!("total: 500"))] {
            told.rows.insert(place, row);
        }
    }),
    WorldStory::healthy("rows-without-a-code", "Six ONUs on the bench have no client.").told(|told| {
        for place in 0..6 {
            told.rows.push(json!({"id": 9000 + place, CODE: null, POWER: "-18.00", "serial_number": format!("FHTT0000000{place}")}));
        }
    }),
    WorldStory::healthy("legacy-codes", "Eight old clients have codes of letters in both systems: they are reported.").life(|people| {
        people.live_on();
        people.letter_codes(8);
    }),
    WorldStory::healthy("clients-without-a-property", "Ten clients of OZmap live nowhere: their powers have no place, the rest has.")
        .past(|people| people.lose_properties(10))
        .life(|people| {
            people.live_on();
            people.change(5, |life| life.homeless, |life, _| life.light = Light::Zero);
        }),
    WorldStory::healthy("one-bad-byte", "One name in one row is Windows-1252 and not UTF-8.").told(|told| {
        told.rows[40]["customer"] = json!("JO#O");
        told.pages(|asked, rows| {
            let text = Value::from(asked.of(rows)).to_string().into_bytes();
            Answer::json_text(replaced(&text, b"JO#O", b"JO\xC3O"))
        });
    }),
    WorldStory::healthy("a-mark-before-the-list", "INT6 begins each page with a byte order mark.").told(|told| {
        told.pages(|asked, rows| Answer::json_text(format!("\u{FEFF}{}", Value::from(asked.of(rows)))));
    }),
    WorldStory::healthy("nan-in-a-field-of-no-use", "One row has NaN where nobody looks.").told(|told| {
        told.rows.push(json!({"id": 9999, CODE: 999_999, POWER: "#"}));
        told.pages(|asked, rows| {
            Answer::json_text(Value::from(asked.of(rows)).to_string().replace("\"#\"", "NaN"))
        });
    }),
    WorldStory::healthy("an-envelope-with-no-errors", "INT6 puts its list into an object, beside an empty list of errors.").told(|told| {
        told.pages(|asked, rows| Answer::ok(json!({"data": asked.of(rows), "errors": []})));
    }),
    WorldStory::healthy("an-envelope-of-its-name", "INT6 puts its list into an object under its own name.").told(|told| {
        told.pages(|asked, rows| Answer::ok(json!({"onu_status": asked.of(rows)})));
    }),
];

/// A text with all of one part replaced by another.
fn replaced(text: &[u8], part: &[u8], by: &[u8]) -> Vec<u8> {
    let mut result = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(place) = rest.windows(part.len()).position(|window| window == part) {
        result.extend_from_slice(&rest[..place]);
        result.extend_from_slice(by);
        rest = &rest[place + part.len()..];
    }
    result.extend_from_slice(rest);
    result
}
