//! Where a list ends. Pure: it is told of each page, and says which one to ask for next.
//!
//! The end is the short page. Progress is measured by rows that were not there before, so that a host that ignores `page`,
//! wraps round or leads its cursor in a circle is noticed at the first page without one.
//! Source: `docs/contracts/ozmap-api.md`, "Where a list ends".

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use gateway_core::RecordId;
use serde_json::value::RawValue;

use super::wire::{self, OfRecord, PageInfo};

/// More pages than any ISP has; a host that never stops is stopped here.
const MOST_PAGES: usize = 100_000;
/// More rows than any ISP has.
const MOST_ROWS: usize = 2_000_000;

/// Rows that place is made for at once.
const MOST_RESERVED: u64 = 500_000;

/// Where a page is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum At {
    /// By its number.
    Page(usize),
    /// By the query that the page before it named.
    Cursor(Vec<(String, String)>),
}

/// What tells a row from others: its identifier, or else what it says, and how many of its page said it before.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Identity {
    /// The record.
    Id(RecordId),
    /// A row without an identifier that can be read.
    Text(u64, usize),
}

impl Identity {
    /// Of a row, as if no other of its page said the same.
    pub(super) fn of(row: &RawValue, read: &impl OfRecord) -> Identity {
        read.record().or_else(|| wire::id_of(row)).map_or_else(|| Identity::of_text(row.get()), Identity::Id)
    }

    fn of_text(text: &str) -> Identity {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        Identity::Text(hasher.finish(), 0)
    }

    /// Two rows of one page that say the same are two rows.
    pub(super) fn number<'a>(page: impl Iterator<Item = &'a mut Identity>) {
        let mut times: HashMap<u64, usize> = HashMap::new();
        for identity in page {
            if let Identity::Text(text, before) = identity {
                let times = times.entry(*text).or_default();
                *before = *times;
                *times += 1;
            }
        }
    }
}

/// What to do after a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Ask for this one.
    On {
        /// The next page.
        next: At,
        /// Pages by number that have to be read again before: rows went away meanwhile, so that others moved to them.
        again: std::ops::Range<usize>,
        /// Whether the list may have ended here, so that a next page that cannot be had says no more than that.
        may_have_ended: bool,
    },
    /// That was the last page.
    Ended,
    /// The host gives the same rows for ever.
    Endless(&'static str),
}

/// One way through a list.
pub(super) struct Walk {
    /// Rows that were asked for on each page.
    limit: usize,
    seen: HashSet<Identity>,
    pages: usize,
    /// Pages that brought a row.
    fruitful: usize,
    /// Rows of the fullest page.
    fullest: usize,
    /// Rows in all, as the last page that said so has it.
    total: Option<u64>,
    /// Whether the end hangs on a total that is the rows of one page, from a host that gave that page twice.
    is_doubtful: bool,
}

impl Walk {
    /// At the beginning of a list, whose pages are asked for with this `limit`.
    pub(super) fn new(limit: usize) -> Walk {
        Walk {
            limit,
            seen: HashSet::new(),
            pages: 0,
            fruitful: 0,
            fullest: 0,
            total: None,
            is_doubtful: false,
        }
    }

    /// Different rows so far.
    pub(super) fn came(&self) -> u64 {
        self.seen.len() as u64
    }

    /// Rows in all, if more than came.
    pub(super) fn short_of(&self) -> Option<u64> {
        self.total.filter(|total| *total > self.came())
    }

    /// Whether it cannot be told from a host that ignores `page` and says the rows of the page as total.
    pub(super) fn is_doubtful(&self) -> bool {
        self.is_doubtful
    }

    /// Whether going the way again may find more: more than one page brought rows.
    pub(super) fn had_pages(&self) -> bool {
        self.fruitful > 1
    }

    /// Takes a row in; false if it was there before.
    pub(super) fn is_new(&mut self, identity: Identity) -> bool {
        self.seen.insert(identity)
    }

    /// Whether a page that was read again says that nothing went away since the page after it.
    pub(super) fn is_settled_by(&mut self, info: &PageInfo) -> bool {
        let before = self.total;
        self.total = told(info).or(before);
        self.total >= before
    }

    /// Believes what another way through the same list was told last.
    pub(super) fn take_total_of(&mut self, later: &Walk) {
        self.total = later.total;
    }

    /// What to do after the page `at`, which brought `new` rows that were not there before.
    pub(super) fn step(&mut self, at: &At, info: &PageInfo, new: usize) -> Step {
        let total_before = self.total;
        self.total = told(info).or(self.total);
        if self.pages == 0 {
            // What it says need not be true.
            self.seen.reserve(self.total.map_or(0, |total| total.min(MOST_RESERVED) as usize));
        }
        self.pages += 1;
        self.fruitful += usize::from(new > 0);
        let limit = info.limit.map_or(self.limit, |limit| self.limit.min(limit as usize));
        // Told by the host, or by an earlier page: it may give fewer rows than were asked for.
        let is_short = info.rows < limit && (info.limit.is_some() || info.rows < self.fullest);
        let is_full = info.rows >= limit || (self.fullest > 0 && info.rows >= self.fullest);
        self.fullest = self.fullest.max(info.rows);
        let all_came = self.total.is_some_and(|total| self.came() >= total);
        let has_ended = !is_full && (all_came || (is_short && self.total.is_none()));
        if info.rows == 0 || info.has_next == Some(false) || (info.has_next.is_none() && has_ended) {
            return Step::Ended;
        }
        if new == 0 {
            // Inferred: some hosts give their last page again where an empty one belongs. A total that is less than what came
            // is none.
            return match self.total {
                Some(total) if total >= self.came() => {
                    self.is_doubtful = total == info.rows as u64;
                    Step::Ended
                }
                _ => Step::Endless("no page brings new rows, and the list does not end"),
            };
        }
        if self.pages >= MOST_PAGES || self.seen.len() > MOST_ROWS {
            return Step::Endless("the list has no end");
        }
        let next = match (info.has_next, info.next_query.is_empty()) {
            (Some(true), false) => At::Cursor(info.next_query.clone()),
            _ => At::Page(self.pages + 1),
        };
        // A total that is the page's rows is no sign at all.
        let is_told = all_came && self.total > Some(info.rows as u64);
        let may_have_ended = info.has_next.is_none() && (is_told || !is_full && self.total.is_none());
        Step::On { next, again: self.moved(at, total_before), may_have_ended }
    }

    /// Pages to which rows may have moved since they were read, because rows before them went away.
    fn moved(&self, at: &At, total_before: Option<u64>) -> std::ops::Range<usize> {
        let At::Page(page) = *at else { return 0..0 };
        let (Some(before), Some(now)) = (total_before, self.total) else { return 0..0 };
        let gone = before.saturating_sub(now) as usize;
        page.saturating_sub(gone.div_ceil(self.fullest.max(1))).max(1)..page
    }
}

/// A total that can be true: samples of OZmap show 0 with rows.
fn told(info: &PageInfo) -> Option<u64> {
    info.total.filter(|total| *total > 0 || info.rows == 0)
}

#[cfg(test)]
mod tests;
