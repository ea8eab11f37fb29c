//! What comes is no list: pages of HTML, halves of pages, other formats.

use http::StatusCode;
use serde_json::{Value, json};

use crate::exchange::Answer;
use crate::faults::Fault;
use crate::int6::routes::PageRequest;
use crate::worlds::end::WorldEnd;
use crate::worlds::story::WorldStory;

/// Ten pages for the town.
const PAGES: &[(&str, &str)] = &[("INT6_PAGE_SIZE", "100")];
const NOT_JSON: &[&str] = &["json", "html"];
/// A gateway that reads such a body right does no harm either.
const FAILED_OR_READ: &[WorldEnd] = &[WorldEnd::Failed, WorldEnd::Finished, WorldEnd::Halted];

const SIGN_IN: &str = "<!DOCTYPE html>\n<html><head><title>Entrar</title></head><body><form action=\"/users/sign_in\" \
                       method=\"post\"><input name=\"user[email]\"><input type=\"password\" name=\"user[password]\"></form></body></html>";
const MAINTENANCE: &str = "<html><head><title>503 Service Temporarily Unavailable</title></head><body><h1>Voltamos logo</h1></body></html>";
const FATAL: &str = "<br />\n<b>Fatal error</b>:  Allowed memory size of 134217728 bytes exhausted in <b>onu_status.php</b> on line 88<br />";
const WARNING: &str =
    "<br />\n<b>Warning</b>:  Undefined array key \"rx\" in <b>onu_status.php</b> on line 41<br />\n";

pub(super) const STORIES: &[WorldStory] = &[
    WorldStory::broken(
        "sign-in-page",
        "The session is gone, and INT6 answers with its sign-in page and status 200.",
    )
    .told(|told| told.pages(|_, _| Answer::html(200, SIGN_IN)))
    .fails(&["html", "sign-in", "sign in", "login", "log-in"]),
    WorldStory::broken(
        "sign-in-page-in-the-middle",
        "The session ends in mid-run: the sixth page is the sign-in page.",
    )
    .settings(PAGES)
    .told(|told| {
        told.pages(|asked, rows| if asked.page == 6 { Answer::html(200, SIGN_IN) } else { page(asked, rows) })
    })
    .fails(&["html", "sign-in", "sign in", "login", "log-in"]),
    WorldStory::broken("maintenance-page", "INT6 is being updated: 503 with a page for people.")
        .told(|told| {
            told.int6_faults().fail_next(
                1_000_000,
                Fault::StatusWith { status: 503, retry_after: None, body: MAINTENANCE.to_owned() },
            );
        })
        .fails(&["503", "unavailable", "reach"]),
    WorldStory::broken(
        "captive-portal",
        "The gateway's line is blocked for an unpaid bill: every address answers with a page about it.",
    )
    .told(|told| told.int6_faults().fail_next(1_000_000, Fault::NotJson))
    .fails(&["html", "json"]),
    WorldStory::broken("half-a-page-of-html", "In mid-page the interpreter ran out of memory, and wrote so.")
        .settings(PAGES)
        .told(|told| {
            told.pages(
                |asked, rows| if asked.page == 4 { half_then(asked, rows, FATAL) } else { page(asked, rows) },
            );
        })
        .fails(NOT_JSON),
    WorldStory::broken("a-warning-before-each-page", "The interpreter writes its warnings before the list.")
        .told(|told| {
            told.pages(|asked, rows| Answer::json_text(format!("{WARNING}{}", Value::from(asked.of(rows)))))
        })
        .words(NOT_JSON)
        .ends(FAILED_OR_READ),
    WorldStory::broken("a-page-cut-off", "The fifth page ends in the middle of a row, as if it were whole.")
        .settings(PAGES)
        .told(|told| {
            told.pages(
                |asked, rows| if asked.page == 5 { half_then(asked, rows, "") } else { page(asked, rows) },
            );
        })
        .fails(&["json", "ends", "cut"]),
    WorldStory::broken("a-connection-cut", "A firewall cuts every answer in mid-body.")
        .told(|told| told.int6_faults().fail_route("/api/diag", 1_000_000, Fault::Cut))
        .ends(&[WorldEnd::Failed]),
    WorldStory::broken("an-error-with-200", "INT6 says no, with status 200: the user lost a right.")
        .told(|told| told.pages(|_, _| Answer::ok(json!({"error": "Usuario sem permissao para esta API"}))))
        .fails(&["permissao"]),
    WorldStory::broken("an-error-in-the-middle", "The seventh page is an error object with status 200.")
        .settings(PAGES)
        .told(|told| {
            told.pages(|asked, rows| {
                if asked.page == 7 {
                    Answer::ok(json!({"error": "Lock wait timeout exceeded"}))
                } else {
                    page(asked, rows)
                }
            });
        })
        .fails(&["lock wait"]),
    WorldStory::broken("an-empty-body", "A proxy answers 200 and nothing.")
        .told(|told| told.pages(|_, _| Answer::json_text("")))
        .ends(&[WorldEnd::Failed, WorldEnd::Halted])
        .words(&["empty", "json", "no row", "body"]),
    WorldStory::broken("null-for-a-list", "The list is null: a query failed and nobody asked.")
        .told(|told| told.pages(|_, _| Answer::ok(Value::Null)))
        .ends(&[WorldEnd::Failed, WorldEnd::Halted])
        .words(&["null", "list", "no row", "array"]),
    WorldStory::broken("a-table-of-commas", "The answer became a CSV table.")
        .told(|told| told.pages(|asked, rows| Answer::raw(200, "text/csv", commas(&asked.of(rows)))))
        .fails(&["json"]),
    WorldStory::broken(
        "a-row-a-line",
        "The answer became one JSON object a line, without a list around them.",
    )
    .told(|told| {
        told.pages(|asked, rows| {
            let lines: Vec<String> = asked.of(rows).iter().map(Value::to_string).collect();
            Answer::raw(200, "application/x-ndjson", lines.join("\n"))
        });
    })
    .ends(FAILED_OR_READ)
    .words(&["json"]),
    WorldStory::broken("sixteen-bit-text", "The answer is UTF-16, and does not say so.")
        .told(|told| {
            told.pages(|asked, rows| {
                let text = format!("\u{FEFF}{}", Value::from(asked.of(rows)));
                Answer::json_text(text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>())
            });
        })
        .ends(FAILED_OR_READ),
    WorldStory::broken(
        "packed-and-not-said",
        "The answer begins like gzip, is garbage, and says that it is JSON.",
    )
    .told(|told| {
        told.pages(|_, _| Answer::json_text(vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xff, 0xfe, 0xfd]))
    })
    .ends(&[WorldEnd::Failed]),
    WorldStory::broken("nan-for-six-of-ten", "Six of ten rows have NaN for a power, which no JSON has.")
        .told(|told| {
            told.pages(|asked, rows| {
                let rows = asked.of(rows);
                let text = |(place, row): (usize, &Value)| {
                    let mut row = row.clone();
                    row["rx_power"] = json!("#");
                    row.to_string().replace("\"#\"", if place % 5 < 3 { "NaN" } else { "-21.07" })
                };
                let texts: Vec<String> = rows.iter().enumerate().map(text).collect();
                Answer::json_text(format!("[{}]", texts.join(",")))
            });
        })
        .ends(&[WorldEnd::Halted, WorldEnd::Failed]),
    WorldStory::broken("gone", "The route moved with a new version: 404 to every page.")
        .told(|told| {
            told.pages(|_, _| {
                Answer::json(StatusCode::NOT_FOUND.as_u16(), json!({"error": "No route matches [GET]"}))
            });
        })
        .ends(&[WorldEnd::Failed, WorldEnd::Halted])
        .words(&["404", "not found", "no row", "route"]),
];

/// The page that was asked for, as INT6 cuts it.
fn page(asked: PageRequest, rows: &[Value]) -> Answer {
    Answer::ok(asked.of(rows).into())
}

/// The first half of a page's text, and then something else.
fn half_then(asked: PageRequest, rows: &[Value], end: &str) -> Answer {
    let text = Value::from(asked.of(rows)).to_string();
    let half: String = text.chars().take(text.chars().count() / 2).collect();
    Answer::json_text(half + end)
}

fn commas(rows: &[Value]) -> String {
    let line = |row: &Value| {
        let fields = row.as_object().into_iter().flat_map(|fields| fields.values());
        fields.map(Value::to_string).collect::<Vec<_>>().join(",")
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}
