//! The bulk read: one row per ONU, page by page.

use futures::StreamExt;
use gateway_core::System;
use gateway_core::sync::{Finding, FindingKind, Reading};

use super::{Api, wire};
use crate::upstream::{CallError, Request, WireError};

/// Pages asked for ahead of the one that is read. More would overshoot the end of a small ISP.
const LOOK_AHEAD: usize = 4;
/// More pages than any ISP has; a host that never stops is stopped here.
const MOST_PAGES: usize = 20_000;

/// INT6's side of a run.
#[derive(Debug, Default)]
pub(crate) struct Readings {
    /// Readable rows, as they came; one code may stand more than once.
    pub readings: Vec<Reading>,
    /// Rows that could not be understood.
    pub unreadable: Vec<Finding>,
}

#[derive(Debug, Default, PartialEq)]
pub(super) struct Page {
    rows: usize,
    readings: Vec<Reading>,
    unreadable: Vec<Finding>,
}

impl Api {
    /// Every row of the bulk read. `progress` gets the number of rows so far.
    ///
    /// The first page comes alone, so that wrong credentials are met once; the others a few at a time. A short page is
    /// the last one only if an empty one follows: a page may be cut, and a host may give fewer rows than it was asked for.
    ///
    /// # Errors
    /// [`CallError`] if a page cannot be had after repeats; a bad row is set aside instead.
    pub(crate) async fn readings(&self, progress: impl Fn(u64)) -> Result<Readings, CallError> {
        let mut all = Readings::default();
        let size = self.settings.page_size;
        let mut before = self.page(1, size).await?;
        let ahead = if before.rows < size { 1 } else { LOOK_AHEAD };
        let mut pages =
            futures::stream::iter(2..=MOST_PAGES).map(|number| self.page(number, size)).buffered(ahead);
        while before.rows > 0 {
            let page = match pages.next().await {
                Some(page) => page?,
                None => return Err(self.upstream.malformed("read all ONUs", "the list has no end")),
            };
            let repeated = page == before;
            if repeated && page.rows >= size {
                let what = "two pages in a row are the same: the host ignores `page`, set the page size above the number of ONUs";
                return Err(self.upstream.malformed("read all ONUs", what));
            }
            all.add(std::mem::replace(&mut before, page));
            progress(all.readings.len() as u64);
            if repeated {
                break;
            }
        }
        all.readings.shrink_to_fit();
        Ok(all)
    }

    /// One page; past the end some hosts answer 404, which is an empty one.
    pub(super) async fn page(&self, number: usize, size: usize) -> Result<Page, CallError> {
        let mut request = Request::get("read all ONUs", wire::path(&self.settings.status_path));
        request.query = wire::page_query(number, size);
        let answer = self.call(request, |body| self.read_page(body)).await;
        match answer {
            Err(error) if number > 1 && error.kind.rejected_with().is_some_and(|s| s.as_u16() == 404) => {
                Ok(Page::default())
            }
            other => other,
        }
    }

    fn read_page(&self, body: &[u8]) -> Result<Page, WireError> {
        let mut page = Page::default();
        page.rows = wire::rows(body, &mut |row| match wire::reading(
            row,
            &self.settings.fields,
            &self.settings.time_zone,
        ) {
            Ok(reading) => page.readings.push(reading),
            Err(error) => page.unreadable.push(Finding {
                kind: FindingKind::Unreadable,
                system: System::Int6,
                code: error.code,
                detail: error.what.to_string(),
            }),
        })?;
        Ok(page)
    }
}

impl Readings {
    fn add(&mut self, page: Page) {
        self.readings.extend(page.readings);
        self.unreadable.extend(page.unreadable);
    }
}
