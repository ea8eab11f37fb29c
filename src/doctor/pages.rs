//! Whether INT6 gives its list page by page.

use super::check::Check;
use crate::int6::{Sample, SecondPage};

const WHAT: &str = "int6.pages";

/// Judges what came behind the first page; `page_size` is that of the settings.
pub(super) fn pages(sample: &Sample, second: &SecondPage, page_size: usize) -> Check {
    let (asked, rows) = (sample.asked, sample.rows);
    if rows > asked {
        let detail = format!("INT6 gave {rows} rows where {asked} were asked for: it ignores `per_page`");
        return Check::warn(
            WHAT,
            detail,
            "nothing to set; a run reads what comes, and notices where the list begins anew",
        );
    }
    match second {
        SecondPage::Same => {
            let detail =
                "INT6 gave the same rows again as page 2: it ignores `page`, or its list has one page";
            let remedy = format!(
                "if the ISP has more than {rows} clients, set INT6_PAGE_SIZE so high that one page has them all, and look at \
                 INT6_STATUS_PATH"
            );
            Check::warn(WHAT, detail, remedy)
        }
        SecondPage::Others(_) if rows < asked => {
            let detail = format!(
                "INT6 gives {rows} rows a page, however many are asked for: {asked} now, {page_size} in a run"
            );
            Check::warn(
                WHAT,
                detail,
                format!("set INT6_PAGE_SIZE to {rows}: it saves nothing else but doubt"),
            )
        }
        SecondPage::Others(_) => Check::ok(WHAT, "INT6 gives other rows as page 2"),
        SecondPage::Nothing => Check::ok(WHAT, format!("INT6's list has ended with its {rows} rows")),
        SecondPage::Refused(error) if rows == asked => {
            let detail = format!("INT6 refuses what comes behind {rows} rows: {error}");
            let remedy = "nothing to set if the ISP has so many clients; else ask INT6's operator how its list is paged";
            Check::warn(WHAT, detail, remedy)
        }
        SecondPage::Refused(_) => Check::ok(
            WHAT,
            format!("INT6's list has ended with its {rows} rows; it refuses a page behind them"),
        ),
    }
}
