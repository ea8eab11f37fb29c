//! Pages of odd sizes, and what hosts answer beyond the last one.

use serde_json::{Value, json};

use crate::exchange::Answer;
use crate::int6::routes::PageRequest;
use crate::ozmap::list::ListHabit;
use crate::worlds::story::WorldStory;
use crate::worlds::telling::{CODE, POWER, SERIAL, Telling};

/// Pages that the town does not fill.
const PAGES: &[(&str, &str)] = &[("INT6_PAGE_SIZE", "100"), ("OZMAP_PAGE_SIZE", "100")];

pub(super) const STORIES: &[WorldStory] = &[
    WorldStory::healthy("pages-of-37", "Pages of 37 rows on both sides.")
        .settings(&[("INT6_PAGE_SIZE", "37"), ("OZMAP_PAGE_SIZE", "37")]),
    WorldStory::healthy("a-last-page-of-one-row", "INT6's last page has a single row.")
        .clients(200)
        .settings(&[("INT6_PAGE_SIZE", "65")])
        .told(|told| fill_up(told, 65, 1)),
    WorldStory::healthy("a-full-last-page", "INT6's last page is full, and an empty one follows.")
        .clients(200)
        .settings(&[("INT6_PAGE_SIZE", "49")])
        .told(|told| fill_up(told, 49, 0)),
    WorldStory::healthy("beyond-the-end-500", "Beyond its last page, which is short, INT6 answers 500.")
        .settings(PAGES)
        .told(|told| {
            told.pages(|asked, rows| {
                beyond(asked, rows, Answer::json(500, json!({"error": "undefined method"})))
            })
        }),
    WorldStory::healthy("beyond-the-end-404", "Beyond its last page, which is short, INT6 answers 404.")
        .settings(PAGES)
        .told(|told| {
            told.pages(|asked, rows| beyond(asked, rows, Answer::json(404, json!({"error": "not found"}))))
        }),
    WorldStory::healthy(
        "beyond-the-end-422",
        "Beyond its last page, which is short, INT6 answers 422 with a page for people.",
    )
    .settings(PAGES)
    .told(|told| {
        told.pages(|asked, rows| beyond(asked, rows, Answer::html(422, "<h1>Página inválida</h1>")))
    }),
    WorldStory::healthy("beyond-the-end-null", "Beyond its last page, which is short, INT6 answers null.")
        .settings(PAGES)
        .told(|told| told.pages(|asked, rows| beyond(asked, rows, Answer::ok(Value::Null)))),
    WorldStory::healthy(
        "beyond-the-end-the-last-again",
        "Beyond its last page, which is short, INT6 answers it once more.",
    )
    .settings(PAGES)
    .told(|told| {
        told.pages(|asked, rows| {
            let last = PageRequest { page: rows.len().div_ceil(asked.per_page), ..asked };
            beyond(asked, rows, page(last, rows))
        });
    }),
    WorldStory::healthy("map-of-pages-of-fifty", "OZmap never sends more than fifty rows, and says so.")
        .told(|told| {
            told.lists(ListHabit {
                understand: |asked| asked.limit = asked.limit.min(50),
                ..ListHabit::default()
            })
        }),
    WorldStory::healthy("map-without-next-urls", "OZmap is an older one, without nextUrl and hasNextPage.")
        .settings(PAGES)
        .without_next_urls(),
    WorldStory::healthy("map-total-zero", "OZmap's lists say a total of 0, with rows in them.")
        .settings(PAGES)
        .without_next_urls()
        .told(|told| {
            told.lists(ListHabit {
                answer: |_, rows| Answer::ok(with_total(rows, |_| 0)),
                ..ListHabit::default()
            })
        }),
    WorldStory::healthy("map-total-of-a-page", "OZmap's lists say the rows of the page for a total.")
        .settings(PAGES)
        .without_next_urls()
        .told(|told| {
            told.lists(ListHabit {
                answer: |_, rows| Answer::ok(with_total(rows, |count| count)),
                ..ListHabit::default()
            })
        }),
    WorldStory::healthy("map-without-a-total", "OZmap's lists have rows and nothing else.")
        .settings(PAGES)
        .without_next_urls()
        .told(|told| {
            told.lists(ListHabit {
                answer: |_, mut list| Answer::ok(json!({"rows": list["rows"].take()})),
                ..ListHabit::default()
            });
        }),
];

/// Adds strangers until the last page of this size has so many rows; 0 is a full one.
fn fill_up(told: &mut Telling<'_>, page: usize, last: usize) {
    while told.rows.len() % page != last {
        let stranger = 800_000 + told.rows.len();
        told.rows.push(json!({CODE: stranger, POWER: "-20.40", SERIAL: format!("FHTT00{stranger}")}));
    }
}

/// The page that was asked for, as INT6 cuts it.
fn page(asked: PageRequest, rows: &[Value]) -> Answer {
    Answer::ok(asked.of(rows).into())
}

/// The page that was asked for; something else beyond the last.
fn beyond(asked: PageRequest, rows: &[Value], end: Answer) -> Answer {
    if asked.is_beyond(rows) { end } else { page(asked, rows) }
}

fn with_total(mut list: Value, total: impl Fn(u64) -> u64) -> Value {
    list["total"] = json!(total(list["count"].as_u64().unwrap_or_default()));
    list
}
