//! The rows of all pages, each once.

use compact_str::CompactString;
use gateway_core::System;
use gateway_core::sync::{Finding, FindingKind, Reading, RowShape};
use nohash_hasher::{IntMap, IntSet};

use super::super::wire::row::OnuRow;
use super::page::Page;
use super::readings::{ReadingEnd, Readings};

/// Names of fields that are remembered for people.
const NAMES: usize = 60;

/// What was read so far; of the rows beyond what counts, only their identities.
pub(super) struct Collected {
    readings: Vec<Reading>,
    findings: Vec<Finding>,
    shape: RowShape,
    /// ONUs that were seen.
    onus: IntSet<u64>,
    /// Where the reading of a row stands; `None` if it was unreadable.
    places: IntMap<u64, Option<usize>>,
    first_page: usize,
    first_onu: Option<u64>,
    previous: Vec<u64>,
    began_anew: bool,
}

impl Collected {
    /// Begins with the first page.
    pub(super) fn new(first: Page) -> Collected {
        let mut all = Collected {
            readings: Vec::new(),
            findings: Vec::new(),
            shape: RowShape::default(),
            onus: IntSet::default(),
            places: IntMap::default(),
            first_page: first.len(),
            first_onu: first.onus().next(),
            previous: Vec::new(),
            began_anew: false,
        };
        all.add(first);
        all.began_anew = false;
        all
    }

    /// Rows of the first page: as many has a full one.
    pub(super) fn first_page(&self) -> usize {
        self.first_page
    }

    pub(super) fn len(&self) -> u64 {
        self.readings.len() as u64
    }

    /// Whether the page has an ONU that was not seen yet.
    pub(super) fn is_new(&self, page: &Page) -> bool {
        page.onus().any(|onu| !self.onus.contains(&onu))
    }

    /// Whether a page without a new ONU is the list's beginning, or its last page once more.
    pub(super) fn begins_anew_with(&self, page: &Page) -> bool {
        self.began_anew
            || page.onus().next() == self.first_onu
            || page.onus().eq(self.previous.iter().copied())
    }

    /// Takes a page. A row that was seen on an earlier page is the same one, as it is now, or an older one if its time says so: rows
    /// that come and go push others from page to page.
    pub(super) fn add(&mut self, page: Page) {
        self.previous = page.onus().collect();
        self.began_anew |= page.onus().any(|onu| Some(onu) == self.first_onu);
        self.count(page.shape);
        let mut places = Vec::with_capacity(page.rows.len());
        for OnuRow { reading, unclear, identity } in page.rows {
            self.onus.insert(identity.onu);
            match (self.places.get(&identity.row), reading) {
                (Some(Some(place)), Ok(reading)) => match supersedes(&reading, &self.readings[*place]) {
                    Some(true) => self.readings[*place] = reading,
                    Some(false) => (),
                    None => self.readings.push(reading),
                },
                (Some(_), Err(_)) => (),
                (None | Some(None), Ok(reading)) => {
                    let about = |what: &crate::upstream::WireError| {
                        finding(
                            FindingKind::UnclearField,
                            Some(reading.code.as_str().into()),
                            what.to_string(),
                        )
                    };
                    self.findings.extend(unclear.iter().map(about));
                    places.push((identity.row, Some(self.readings.len())));
                    self.readings.push(reading);
                }
                (None, Err(error)) => {
                    self.findings.push(finding(FindingKind::Unreadable, error.code, error.what.to_string()));
                    places.push((identity.row, None));
                }
            }
        }
        // Only now: two rows of one page are two rows.
        self.places.extend(places);
    }

    fn count(&mut self, page: RowShape) {
        let RowShape { rows, without_code, without_power, without_power_field, field_names } = page;
        self.shape.rows += rows;
        self.shape.without_code += without_code;
        self.shape.without_power += without_power;
        self.shape.without_power_field += without_power_field;
        for name in field_names {
            if self.shape.field_names.len() < NAMES {
                self.shape.field_names.insert(name);
            }
        }
    }

    /// Notes that the list is not what lists are.
    pub(super) fn note_incomplete(&mut self, detail: String) {
        self.findings.push(finding(FindingKind::IncompleteList, None, detail));
    }

    pub(super) fn into_readings(self, end: ReadingEnd) -> Readings {
        let Collected { mut readings, findings, shape, .. } = self;
        readings.shrink_to_fit();
        Readings { readings, findings, shape, end }
    }
}

/// Whether a row that is seen again counts in the place of what was seen before; `None` if it says something else of the very
/// same time: then it is another row, and nobody knows which is true.
fn supersedes(again: &Reading, before: &Reading) -> Option<bool> {
    match (again.updated_at.known(), before.updated_at.known()) {
        (Some(now), Some(then)) if now == then => (again == before).then_some(false),
        (Some(now), Some(then)) => Some(now > then),
        // Without times the later look counts.
        _ => Some(true),
    }
}

fn finding(kind: FindingKind, code: Option<CompactString>, detail: String) -> Finding {
    Finding { kind, system: System::Int6, code, detail }
}
