//! Pages of INT6 that come twice, come short, or do not come.

use serde_json::{Value, json};

use crate::exchange::Answer;
use crate::faults::Fault;
use crate::int6::routes::PageRequest;
use crate::worlds::end::WorldEnd;
use crate::worlds::story::WorldStory;
use crate::worlds::telling::{CODE, POWER};

/// Ten pages for the town.
const PAGES: &[(&str, &str)] = &[("INT6_PAGE_SIZE", "100")];
const FEWER: &[&str] = &["fewer", "missing", "matched", "70", "early"];
/// Whoever notices may stop; whoever has read every row all the same may go on.
const ANY: &[WorldEnd] = &[WorldEnd::Finished, WorldEnd::Halted, WorldEnd::Failed];
const STOPPED: &[WorldEnd] = &[WorldEnd::Halted, WorldEnd::Failed];
const FOR_EVER: &[&str] = &["page", "same", "again", "fewer", "repeat"];

pub(super) const STORIES: &[WorldStory] = &[
    WorldStory::broken(
        "a-page-twice",
        "The third page is the second once more: a tenth of the town is missing.",
    )
    .settings(PAGES)
    .told(|told| told.pages(|asked, rows| as_page(asked, rows, if asked.page == 3 { 2 } else { asked.page })))
    .ends(ANY),
    WorldStory::broken(
        "every-page-twice",
        "A cache that knows no page number answers each second page with the one before.",
    )
    .settings(PAGES)
    .told(|told| told.pages(|asked, rows| as_page(asked, rows, asked.page - (asked.page + 1) % 2)))
    .words(&["page", "same", "again", "fewer", "matched", "repeat", "early"])
    .ends(STOPPED),
    WorldStory::broken("one-page-for-ever", "INT6 ignores the page number: every page is the first.")
        .settings(PAGES)
        .told(|told| told.pages(|asked, rows| as_page(asked, rows, 1)))
        .words(FOR_EVER)
        .ends(STOPPED),
    WorldStory::broken(
        "one-page-for-ever-and-alive",
        "Every page is the first, with powers that differ a little each time.",
    )
    .settings(PAGES)
    .told(|told| told.pages(alive))
    .words(FOR_EVER)
    .ends(STOPPED),
    WorldStory::broken("pages-go-round", "After the last page INT6 begins with the first again.")
        .settings(PAGES)
        .told(|told| {
            told.pages(|asked, rows| {
                let skip = (asked.page.saturating_sub(1) * asked.per_page) % rows.len().max(1);
                Answer::ok(rows.iter().cycle().skip(skip).take(asked.per_page).cloned().collect())
            });
        })
        .ends(ANY),
    WorldStory::broken("only-the-first-page", "After the first page, which is full, come empty ones.")
        .settings(PAGES)
        .told(|told| {
            told.pages(|asked, rows| if asked.page == 1 { page(asked, rows) } else { Answer::ok(json!([])) })
        })
        .halts(FEWER),
    WorldStory::broken("an-empty-page-in-the-middle", "The fifth page is empty; behind it the town goes on.")
        .settings(PAGES)
        .told(|told| {
            told.pages(|asked, rows| if asked.page == 5 { Answer::ok(json!([])) } else { page(asked, rows) })
        })
        .words(FEWER)
        .ends(ANY),
    WorldStory::broken(
        "a-short-page-in-the-middle",
        "The fourth page has sixty rows in the place of a hundred, and looks like the last.",
    )
    .settings(PAGES)
    .told(|told| {
        told.pages(|asked, rows| {
            let mut rows = asked.of(rows);
            rows.truncate(if asked.page == 4 { 60 } else { 100 });
            Answer::ok(rows.into())
        });
    })
    .ends(ANY),
    WorldStory::broken(
        "pages-in-no-order",
        "A query without an order draws each page anew: some clients twice, a third not at all.",
    )
    .settings(PAGES)
    .told(|told| told.pages(drawn))
    .ends(ANY),
    WorldStory::broken(
        "pages-leave-gaps",
        "The offset is counted in the wrong size: every second hundred is left out.",
    )
    .settings(PAGES)
    .told(|told| {
        told.pages(|asked, rows| {
            Answer::ok(asked.from(asked.page.saturating_sub(1) * asked.per_page * 2, rows).into())
        });
    })
    .halts(FEWER),
    WorldStory::broken(
        "pages-overlap",
        "The offset is counted in the wrong size: each page repeats half of the one before.",
    )
    .settings(PAGES)
    .told(|told| {
        told.pages(|asked, rows| {
            Answer::ok(asked.from(asked.page.saturating_sub(1) * asked.per_page / 2, rows).into())
        });
    })
    .ends(ANY),
    WorldStory::broken(
        "pages-counted-from-zero",
        "Page 1 is the second hundred: the first is never asked for.",
    )
    .settings(PAGES)
    .told(|told| told.pages(|asked, rows| as_page(asked, rows, asked.page + 1)))
    .ends(&[WorldEnd::Finished]),
    WorldStory::broken("pages-of-fifty-for-a-hundred", "INT6 cuts every page to fifty rows without a word.")
        .settings(PAGES)
        .told(|told| {
            told.pages(|asked, rows| {
                let asked = PageRequest { per_page: asked.per_page.min(50), ..asked };
                page(asked, rows)
            });
        })
        .ends(ANY),
    WorldStory::broken("a-page-fails-for-good", "The fifth page answers 500, however often it is asked for.")
        .settings(PAGES)
        .told(|told| {
            told.pages(|asked, rows| {
                if asked.page == 5 {
                    Answer::json(500, json!({"error": "Internal Server Error"}))
                } else {
                    page(asked, rows)
                }
            });
        })
        .fails(&["500"]),
    WorldStory::broken(
        "a-page-of-a-neighbour",
        "A proxy answers the fifth page from another ISP's cache: strangers for a tenth of the town.",
    )
    .settings(PAGES)
    .told(|told| {
        told.pages(|asked, rows| {
            let mut rows = asked.of(rows);
            if asked.page == 5 {
                rows.iter_mut().for_each(estrange);
            }
            Answer::ok(rows.into())
        });
    })
    .ends(&[WorldEnd::Finished]),
    WorldStory::broken(
        "token-refused",
        "The ISP changed the password of INT6's user: every token is refused.",
    )
    .told(|told| {
        told.int6_faults().fail_route("/api/diag", 1_000_000, Fault::Status(401));
    })
    .fails(&["401", "token", "refused", "credential", "unauthor", "sign"]),
    WorldStory::broken(
        "address-refused",
        "The ISP's firewall no longer lets the gateway in: 403 to everything.",
    )
    .told(|told| told.int6_faults().fail_next(1_000_000, Fault::Status(403)))
    .fails(&["403", "refused", "forbidden", "firewall", "token"]),
];

/// The page that was asked for, as INT6 cuts it.
fn page(asked: PageRequest, rows: &[Value]) -> Answer {
    Answer::ok(asked.of(rows).into())
}

/// Another page than the one that was asked for.
fn as_page(asked: PageRequest, rows: &[Value], other: usize) -> Answer {
    page(PageRequest { page: other, ..asked }, rows)
}

/// The first page, with powers that wander from page to page.
fn alive(asked: PageRequest, rows: &[Value]) -> Answer {
    let mut rows = asked.from(0, rows);
    for row in &mut rows {
        if let Some(dbm) = row[POWER].as_str().and_then(|text| text.parse::<f64>().ok()) {
            row[POWER] = json!(format!("{:.2}", dbm + asked.page as f64 / 100.0));
        }
    }
    Answer::ok(rows.into())
}

/// A row of somebody whom OZmap does not know.
fn estrange(row: &mut Value) {
    row[CODE] = json!(row[CODE].as_u64().map(|code| code + 700_000));
}

/// As many rows as the page has, strewn over the whole list in another way for each page.
fn drawn(asked: PageRequest, rows: &[Value]) -> Answer {
    const STRIDES: [usize; 10] = [1, 3, 7, 9, 11, 13, 17, 19, 23, 29];
    let count = asked.of(rows).len();
    let stride = STRIDES[asked.page % STRIDES.len()];
    let start = asked.page * 61;
    Answer::ok(
        (0..count).filter_map(|place| rows.get((start + place * stride) % rows.len()).cloned()).collect(),
    )
}
