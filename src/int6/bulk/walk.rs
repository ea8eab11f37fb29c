//! From the first page to the end of the list.

use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesOrdered;

use super::super::Api;
use super::collected::Collected;
use super::page::Page;
use super::readings::{OPERATION, ReadingEnd};
use crate::upstream::{CallError, Kind};

/// Pages asked for ahead of the one that is read. More would overshoot the end of a small ISP.
const LOOK_AHEAD: usize = 4;
/// More pages than any ISP has; a host that never stops is stopped here.
const MOST_PAGES: usize = 20_000;
/// How long a page behind a short one is waited for, if it was asked for before that was known to be short.
const PATIENCE: Duration = Duration::from_secs(1);

/// The host ignores `page`.
const SAME_PAGE: &str =
    "two pages in a row are the same: the host ignores `page`, set the page size above the number of ONUs";

type Glance<'a> = Pin<Box<dyn Future<Output = Result<Page, CallError>> + Send + 'a>>;

/// Reads page after page.
pub(super) struct PageWalk<'a> {
    api: &'a Api,
    /// Rows that are asked for.
    asked: usize,
    /// Rows of a full page.
    size: usize,
    /// Whether the last page that was read was full, so that there must be something behind it.
    was_full: bool,
    /// The page that is read next.
    number: usize,
    ahead: FuturesOrdered<Glance<'a>>,
}

impl<'a> PageWalk<'a> {
    /// Behind the first page. It is full if it has as many rows as were asked for, or as the host is known to give at most.
    pub(super) fn new(api: &'a Api, all: &Collected) -> PageWalk<'a> {
        let (asked, size) = (api.settings.page_size, all.first_page());
        let was_full = size > 0 && (size >= asked || size == api.cap.load(Ordering::Relaxed));
        PageWalk { api, asked, size, was_full, number: 2, ahead: FuturesOrdered::new() }
    }

    /// Reads on until the list ends. Source: `docs/contracts/int6-api.md`, "Pages of the bulk read".
    ///
    /// # Errors
    /// [`CallError`] if a page that must be there cannot be had and the host does not say why.
    pub(super) async fn until_the_end(
        mut self,
        all: &mut Collected,
        progress: impl Fn(u64),
    ) -> Result<ReadingEnd, CallError> {
        if self.size == 0 {
            return Ok(ReadingEnd::Whole);
        }
        while self.number <= MOST_PAGES {
            self.look_ahead();
            let page = match self.was_full {
                true => match self.needed().await {
                    Ok(page) if all.is_new(&page) => page,
                    Ok(page) => return self.without_news(all, &page),
                    Err(error) if is_an_answer(&error.kind) => return Ok(ReadingEnd::Refused(error)),
                    Err(error) => return Err(error),
                },
                false => match self.beyond().await {
                    Some(page) if all.is_new(&page) => {
                        self.note_short(all, &page);
                        page
                    }
                    _ => return Ok(ReadingEnd::Whole),
                },
            };
            self.was_full = page.len() >= self.size;
            self.number += 1;
            all.add(page);
            progress(all.len());
        }
        Err(self.api.upstream.malformed(OPERATION, "the list has no end"))
    }

    /// Asks ahead only behind a full page; behind a short first page for one, because the host may give fewer rows than it is
    /// asked for.
    fn look_ahead(&mut self) {
        let most = match (self.was_full, self.number) {
            (true, _) => LOOK_AHEAD,
            (false, 2) => 1,
            (false, _) => 0,
        };
        while self.ahead.len() < most {
            let number = self.number + self.ahead.len();
            let (api, asked) = (self.api, self.asked);
            self.ahead.push_back(Box::pin(api.glance(number, asked)));
        }
    }

    /// The page behind a full one.
    async fn needed(&mut self) -> Result<Page, CallError> {
        match self.ahead.next().await {
            Some(Err(error)) if error.kind.is_transient() => self.api.page(self.number, self.asked).await,
            Some(answer) => answer,
            None => self.api.page(self.number, self.asked).await,
        }
    }

    /// The page behind a short one, if it was asked for; whatever is wrong with it does not matter.
    async fn beyond(&mut self) -> Option<Page> {
        let next = self.ahead.next();
        let answer = match self.number {
            2 => next.await,
            _ => tokio::time::timeout(PATIENCE, next).await.ok()?,
        };
        answer?.ok()
    }

    /// A page with news behind a short one: the short one was not the last.
    fn note_short(&self, all: &mut Collected, page: &Page) {
        if self.number == 2 && page.len() <= self.size {
            self.api.cap.store(self.size, Ordering::Relaxed);
            return;
        }
        let number = self.number - 1;
        all.note_incomplete(format!(
            "page {number} of INT6's list has fewer rows than others, and is not the last: rows may be missing"
        ));
    }

    /// A page that must bring new rows, and brings none.
    fn without_news(&self, all: &mut Collected, page: &Page) -> Result<ReadingEnd, CallError> {
        if page.len() < self.size {
            return Ok(ReadingEnd::Whole);
        }
        if self.number == 2 && page.len() == self.asked {
            return Err(self.api.upstream.malformed(OPERATION, SAME_PAGE));
        }
        if self.number > 2 && all.begins_anew_with(page) {
            return Ok(ReadingEnd::Whole);
        }
        let number = self.number;
        all.note_incomplete(format!(
            "page {number} of INT6's list is full of rows that stand on earlier pages: the list may be longer than what was read"
        ));
        Ok(ReadingEnd::Repeated)
    }
}

/// Whether the host says something, however wrong; else nothing is known of what it has.
fn is_an_answer(kind: &Kind) -> bool {
    matches!(kind, Kind::Rejected { .. } | Kind::Failing { .. } | Kind::Malformed { .. } | Kind::Page { .. })
}
