//! Walking through one of OZmap's lists: row by row, by cursor where the host offers one, else by page number; or many
//! pages at once.

use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::value::RawValue;
use tokio::sync::Semaphore;

use super::Ozmap;
use super::wire::{self, PageInfo};
use crate::upstream::{CallError, Request};

/// More pages than any ISP has; a host that never stops is stopped here.
const MOST_PAGES: usize = 100_000;

/// Pages of one list that wait for a place at a time.
const MOST_PAGES_WAITING: usize = 16;

/// Where the next page is.
enum NextPage {
    Page(usize),
    Cursor(Vec<(String, String)>),
}

/// One list.
pub(super) struct List {
    pub(super) operation: &'static str,
    pub(super) route: &'static str,
    pub(super) select: &'static str,
    pub(super) populate: Option<&'static str>,
    /// Sent in the query; a host may ignore it, so that every row has to be looked at all the same.
    pub(super) filter: Option<serde_json::Value>,
}

impl Ozmap {
    /// Hands every row of a list to `sink`; a row may come twice if the list changes meanwhile.
    ///
    /// The page base is unclear in the contract and treated as 1: when fewer rows came than `total` said, page 0 is asked
    /// for too. The answer is how many rows there should be, where the host does not itself say that the list has ended.
    pub(super) async fn each_row(
        &self,
        list: &List,
        mut sink: impl FnMut(&RawValue),
    ) -> Result<Option<u64>, CallError> {
        let mut next = NextPage::Page(1);
        let mut seen: u64 = 0;
        for _ in 0..MOST_PAGES {
            let (info, rows) = self.page(list, &next).await?;
            rows.iter().for_each(|row| sink(row));
            seen += info.rows as u64;
            next = match (following(&next, &info, seen), next) {
                (Some(NextPage::Cursor(cursor)), NextPage::Cursor(before)) if cursor == before => {
                    return Err(self
                        .upstream
                        .malformed(list.operation, "the address of the next page is the page itself"));
                }
                (Some(next), _) => next,
                (None, _) => {
                    if info.total.is_some_and(|total| total > seen) {
                        let short = info.total.unwrap_or_default() - seen;
                        tracing::warn!(
                            system = "OZmap",
                            operation = list.operation,
                            missing = short,
                            "fewer rows came than `total` says"
                        );
                        if let Ok((_, rows)) = self.page(list, &NextPage::Page(0)).await {
                            rows.iter().for_each(|row| sink(row));
                        }
                    }
                    return Ok(info.total.filter(|_| info.has_next.is_none()));
                }
            };
        }
        Err(self.upstream.malformed(list.operation, format!("the list has no end after {MOST_PAGES} pages")))
    }

    /// Hands the rows of a list to `sink`, in no order, several pages under way at a time, each with a permit of `permits`.
    ///
    /// A cursor leads from page to page and cannot do this; page numbers can, once the first page says how many there are.
    /// The answer is how many rows there should be, and it is for the caller to look whether so many *different* ones came:
    /// a host that ignores `page`, or a list that changed meanwhile, gives others twice. `None` if the host does not say, or
    /// said different things.
    pub(super) async fn pages_at_once(
        &self,
        list: &List,
        permits: &Semaphore,
        mut sink: impl FnMut(&RawValue),
    ) -> Result<Option<u64>, CallError> {
        let one = async |page: usize| {
            // Never closed, so that the only failure cannot happen.
            let _permit = permits.acquire().await;
            self.page(list, &NextPage::Page(page)).await
        };
        let (first, rows) = one(1).await?;
        rows.iter().for_each(|row| sink(row));
        let Some(total) = first.total else { return Ok(None) };
        // The host may give smaller pages than were asked for.
        let pages = if first.rows == 0 { 1 } else { total.div_ceil(first.rows as u64) as usize };
        if pages > MOST_PAGES {
            return Ok(None);
        }
        let mut others = stream::iter(2..=pages).map(one).buffer_unordered(MOST_PAGES_WAITING);
        let mut totals_agree = true;
        while let Some((info, rows)) = others.try_next().await? {
            totals_agree &= info.total == Some(total);
            rows.iter().for_each(|row| sink(row));
        }
        Ok(Some(total).filter(|_| totals_agree))
    }

    async fn page(&self, list: &List, at: &NextPage) -> Result<(PageInfo, Vec<Box<RawValue>>), CallError> {
        let mut request = self.request(Request::get(list.operation, wire::path(list.route)));
        request.query = list.query(self.page_size, at);
        self.upstream
            .call(request, |body| {
                let mut rows = Vec::new();
                let info = wire::page(body, &mut |row| rows.push(row.to_owned()))?;
                Ok((info, rows))
            })
            .await
    }
}

impl List {
    fn query(&self, page_size: usize, at: &NextPage) -> Vec<(String, String)> {
        let mut query =
            vec![("limit".to_owned(), page_size.to_string()), ("select".to_owned(), self.select.to_owned())];
        query.extend(self.populate.map(|populate| ("populate".to_owned(), populate.to_owned())));
        query.extend(self.filter.iter().map(|filter| ("filter".to_owned(), filter.to_string())));
        match at {
            NextPage::Page(page) => query.push(("page".to_owned(), page.to_string())),
            NextPage::Cursor(cursor) => {
                query.retain(|(name, _)| !cursor.iter().any(|(theirs, _)| theirs == name));
                query.extend(cursor.iter().cloned());
            }
        }
        query
    }
}

/// `None` at the end of the list.
fn following(at: &NextPage, info: &PageInfo, seen: u64) -> Option<NextPage> {
    let page_number = match at {
        NextPage::Page(page) => page + 1,
        NextPage::Cursor(_) => 2,
    };
    match info.has_next {
        Some(false) => None,
        Some(true) if !info.next_query.is_empty() => Some(NextPage::Cursor(info.next_query.clone())),
        Some(true) if info.rows == 0 => None,
        Some(true) => Some(NextPage::Page(page_number)),
        None if info.rows == 0 || info.total.is_some_and(|total| seen >= total) => None,
        None => Some(NextPage::Page(page_number)),
    }
}
