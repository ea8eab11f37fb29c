//! Reading one of OZmap's lists: page after page to its end, or many pages at once.

use futures::stream::{self, StreamExt, TryStreamExt};
use http::StatusCode;
use serde_json::value::RawValue;
use tokio::sync::Semaphore;

use super::Ozmap;
use super::walk::{At, Identity, Step, Walk};
use super::wire::{self, OfRecord, PageInfo};
use crate::upstream::{CallError, Kind, Request};

/// More pages than any ISP has.
const MOST_PAGES_AT_ONCE: usize = 100_000;
/// Pages of one list that wait for a place at a time.
const MOST_PAGES_WAITING: usize = 16;
/// How often pages are read again that rows may have moved to, before the list is read anew.
const TRIES_AT_A_SEAM: usize = 3;

/// One list.
pub(super) struct List {
    pub(super) operation: &'static str,
    pub(super) route: &'static str,
    pub(super) select: &'static str,
    pub(super) populate: Option<&'static str>,
    /// Sent in the query; a host may ignore it, so that every row has to be looked at all the same.
    pub(super) filter: Option<serde_json::Value>,
}

/// How a list ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct ListEnd {
    /// Different rows that came.
    pub(super) rows: u64,
    /// How many there are by the last page that said so, if fewer came.
    pub(super) short_of: Option<u64>,
    /// What was odd about the end, for people; nothing is known to be missing.
    pub(super) odd: Option<&'static str>,
}

/// How one way through a list ended.
struct WayEnd {
    walk: Walk,
    by_number: bool,
    odd: Option<&'static str>,
}

impl Ozmap {
    /// Hands every row of a list to `sink` as it was read, each identifier once, the first time that it comes.
    ///
    /// The page base is unclear in the contract and treated as 1: when fewer rows came than `total` said, page 0 is asked for
    /// too. A list that is short all the same, or changed while it was read, is gone through once more.
    ///
    /// # Errors
    /// [`CallError`] if a page cannot be had after repeats, or the list has no end.
    pub(super) async fn each_row<T: OfRecord>(
        &self,
        list: &List,
        read: impl Fn(&RawValue) -> T,
        mut sink: impl FnMut(T),
    ) -> Result<ListEnd, CallError> {
        let WayEnd { mut walk, by_number, mut odd } = self.way(list, &read, &mut |row, _| sink(row)).await?;
        if walk.short_of().is_some() && by_number {
            self.page_zero(list, &read, &mut walk, &mut sink).await;
        }
        if (walk.short_of().is_some() || odd == Some(UNSETTLED)) && walk.had_pages() {
            tracing::info!(operation = list.operation, came = walk.came(), "the list is read once more");
            let again = self
                .way(list, &read, &mut |row, id| {
                    if walk.is_new(id.clone()) {
                        sink(row)
                    }
                })
                .await?;
            odd = again.odd;
            walk.take_total_of(&again.walk);
        }
        if let Some(total) = walk.short_of() {
            let came = walk.came();
            tracing::warn!(system = "OZmap", operation = list.operation, came, total, "a list ended early");
        }
        Ok(ListEnd { rows: walk.came(), short_of: walk.short_of(), odd })
    }

    /// How many rows a list has, for one call; `None` if the host does not say.
    ///
    /// # Errors
    /// [`CallError`].
    pub(super) async fn total(&self, list: &List) -> Result<Option<u64>, CallError> {
        let one = Ozmap { page_size: 1, ..self.clone() };
        let (info, _) = one.page(list, &At::Page(1), |_| ()).await?;
        Ok(info.total.filter(|total| *total > 0 || info.rows == 0))
    }

    /// From the first page to the last; rows that are new to this way go to `sink`.
    async fn way<T: OfRecord>(
        &self,
        list: &List,
        read: &impl Fn(&RawValue) -> T,
        sink: &mut impl FnMut(T, &Identity),
    ) -> Result<WayEnd, CallError> {
        let mut walk = Walk::new(self.page_size);
        let (mut at, mut may_have_ended, mut by_number) = (At::Page(1), false, true);
        let mut odd = None;
        loop {
            let (info, rows) = match self.named_page(list, &at, read).await {
                Err(error) if may_have_ended && says_no_page(&error) => {
                    let odd = Some(
                        "what came after the last page was no page; by all other signs the list was whole",
                    );
                    return Ok(WayEnd { walk, by_number, odd });
                }
                page => page?,
            };
            let new = take(&mut walk, rows, sink);
            match walk.step(&at, &info, new) {
                Step::Ended => {
                    let odd = odd.or(walk.is_doubtful().then_some(DOUBTFUL));
                    return Ok(WayEnd { walk, by_number, odd });
                }
                Step::Endless(what) => return Err(self.upstream.malformed(list.operation, what)),
                Step::On { next, again, may_have_ended: may } => {
                    if !again.is_empty() && !self.read_again(list, again, read, &mut walk, sink).await? {
                        odd = Some(UNSETTLED);
                    }
                    by_number &= matches!(next, At::Page(_));
                    (at, may_have_ended) = (next, may);
                }
            }
        }
    }

    /// Reads pages again to which rows may have moved; false if still more went away meanwhile.
    async fn read_again<T: OfRecord>(
        &self,
        list: &List,
        pages: std::ops::Range<usize>,
        read: &impl Fn(&RawValue) -> T,
        walk: &mut Walk,
        sink: &mut impl FnMut(T, &Identity),
    ) -> Result<bool, CallError> {
        if pages.len() > TRIES_AT_A_SEAM {
            return Ok(false);
        }
        for _ in 0..TRIES_AT_A_SEAM {
            let mut settled = true;
            for page in pages.clone() {
                let (info, rows) = self.named_page(list, &At::Page(page), read).await?;
                take(walk, rows, sink);
                settled &= walk.is_settled_by(&info);
            }
            if settled {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Some hosts may count pages from 0; one that does not have it says so in its own way.
    async fn page_zero<T: OfRecord>(
        &self,
        list: &List,
        read: &impl Fn(&RawValue) -> T,
        walk: &mut Walk,
        sink: &mut impl FnMut(T),
    ) {
        if let Ok((_, rows)) = self.named_page(list, &At::Page(0), read).await {
            take(walk, rows, &mut |row, _| sink(row));
        }
    }

    /// One page of a list, each row with what tells it from others.
    async fn named_page<T: OfRecord>(
        &self,
        list: &List,
        at: &At,
        read: &impl Fn(&RawValue) -> T,
    ) -> Result<(PageInfo, Vec<(Identity, T)>), CallError> {
        let named = |row: &RawValue| {
            let value = read(row);
            (Identity::of(row, &value), value)
        };
        let (info, mut rows) = self.page(list, at, named).await?;
        Identity::number(rows.iter_mut().map(|(identity, _)| identity));
        Ok((info, rows))
    }

    /// Hands the rows of a list to `sink` as they were read, in no order, several pages under way at a time, each with a permit of `permits`.
    ///
    /// A cursor leads from page to page and cannot do this; page numbers can, once the first page says how many there are.
    /// The answer is how many rows there should be, and it is for the caller to look whether so many *different* ones came:
    /// a host that ignores `page`, or a list that changed meanwhile, gives others twice. `None` if the host does not say, or
    /// said different things, or nothing that can be true.
    pub(super) async fn pages_at_once<T>(
        &self,
        list: &List,
        permits: &Semaphore,
        read: impl Fn(&RawValue) -> T,
        mut sink: impl FnMut(T),
    ) -> Result<Option<u64>, CallError> {
        let one = async |page: usize| {
            // Never closed, so that the only failure cannot happen.
            let _permit = permits.acquire().await;
            self.page(list, &At::Page(page), &read).await
        };
        let (first, rows) = one(1).await?;
        rows.into_iter().for_each(&mut sink);
        let limit = first.limit.map_or(self.page_size, |limit| self.page_size.min(limit as usize));
        let is_last = first.has_next == Some(false) || first.rows < limit;
        // Samples of OZmap show 0 with rows, and the rows of the page may stand there.
        let says_nothing =
            |total: &u64| *total <= first.rows as u64 && !is_last || *total < first.rows as u64;
        let Some(total) = first.total.filter(|total| !says_nothing(total)) else { return Ok(None) };
        // The host may give smaller pages than were asked for.
        let pages = if first.rows == 0 { 1 } else { total.div_ceil(first.rows as u64) as usize };
        if pages > MOST_PAGES_AT_ONCE {
            return Ok(None);
        }
        let mut others = stream::iter(2..=pages).map(one).buffer_unordered(MOST_PAGES_WAITING);
        let mut totals_agree = true;
        while let Some((info, rows)) = others.try_next().await? {
            totals_agree &= info.total == Some(total);
            rows.into_iter().for_each(&mut sink);
        }
        Ok(Some(total).filter(|_| totals_agree))
    }

    /// One page of a list, its rows as they were read.
    pub(super) async fn page<T>(
        &self,
        list: &List,
        at: &At,
        read: impl Fn(&RawValue) -> T,
    ) -> Result<(PageInfo, Vec<T>), CallError> {
        let mut request = self.request(Request::get(list.operation, wire::path(list.route)));
        request.query = list.query(self.page_size, at);
        self.upstream
            .call(request, |body| {
                let mut rows = Vec::new();
                let info = wire::page(body, &mut |row| rows.push(read(row)))?;
                Ok((info, rows))
            })
            .await
    }
}

/// For people.
const DOUBTFUL: &str = "the first page came again as the second; the list is whole only if its total is true";
/// For people.
const UNSETTLED: &str = "the list changed while it was read, and did not settle";

/// Hands on the rows that are new, and says how many they are.
fn take<T>(walk: &mut Walk, rows: Vec<(Identity, T)>, sink: &mut impl FnMut(T, &Identity)) -> usize {
    let before = walk.came();
    for (identity, row) in rows {
        if walk.is_new(identity.clone()) {
            sink(row, &identity);
        }
    }
    (walk.came() - before) as usize
}

/// Whether the host is there, and gives something else than a page.
fn says_no_page(error: &CallError) -> bool {
    match &error.kind {
        Kind::Rejected { .. } | Kind::Malformed { .. } | Kind::Page { .. } => true,
        Kind::Failing { status, .. } => *status == StatusCode::INTERNAL_SERVER_ERROR,
        _ => false,
    }
}

impl List {
    /// The same list without its filter, if this error may be that of a firewall that dislikes filters; a refused key is refused
    /// again.
    pub(super) fn unfiltered(&self, error: &CallError) -> Option<List> {
        let is_disliked =
            matches!(error.kind, Kind::Unauthorized { .. } | Kind::Malformed { .. } | Kind::Page { .. });
        let List { operation, route, select, populate, ref filter } = *self;
        (is_disliked && filter.is_some()).then_some(List { operation, route, select, populate, filter: None })
    }

    fn query(&self, page_size: usize, at: &At) -> Vec<(String, String)> {
        let mut query =
            vec![("limit".to_owned(), page_size.to_string()), ("select".to_owned(), self.select.to_owned())];
        query.extend(self.populate.map(|populate| ("populate".to_owned(), populate.to_owned())));
        query.extend(self.filter.iter().map(|filter| ("filter".to_owned(), filter.to_string())));
        match at {
            At::Page(page) => query.push(("page".to_owned(), page.to_string())),
            At::Cursor(cursor) => {
                query.retain(|(name, _)| !cursor.iter().any(|(theirs, _)| theirs == name));
                query.extend(cursor.iter().cloned());
            }
        }
        query
    }
}
