//! Loading the network for the mirror: every site and every drop splitter, in parallel pages.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use gateway_core::{RecordId, Site, Splitter};
use serde_json::value::RawValue;
use tokio::sync::Semaphore;

use super::Ozmap;
use super::pages::List;
use super::wire::network_record as rows;
use crate::upstream::{CallError, RowError};

/// A record of the network.
#[derive(Debug, Clone, PartialEq)]
pub enum NetworkRecord {
    /// A box or a building.
    Site(Site),
    /// A drop splitter.
    Splitter(Splitter),
}

/// What a load met beside the records that it handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LoadStats {
    /// Rows that could not be understood.
    pub unreadable: u64,
    /// Splitters that do not serve clients, from a host that ignored the filter.
    pub not_drop: u64,
}

impl Ozmap {
    /// Hands every box, building and drop splitter to `sink`, each once, in no order. At most `at_once` requests are under
    /// way at a time, so that a technician's question finds a place between them.
    ///
    /// # Errors
    /// [`CallError`] if a page cannot be had after repeats, or fewer rows came than the host says there are; a bad row is
    /// counted instead.
    pub(crate) async fn network(
        &self,
        at_once: usize,
        sink: impl FnMut(NetworkRecord) + Send,
    ) -> Result<LoadStats, CallError> {
        let permits = Semaphore::new(at_once.max(1));
        let sink = Mutex::new(sink);
        let sink = |record: NetworkRecord| sink.lock().unwrap_or_else(PoisonError::into_inner)(record);
        let site = |read: fn(&RawValue) -> Result<Site, RowError>| {
            move |row: &RawValue| read(row).map(|site| (site.id.clone(), Some(NetworkRecord::Site(site))))
        };
        let splitter = |row: &RawValue| {
            let splitter = rows::splitter(row)?;
            Ok((splitter.id.clone(), splitter.is_drop.then_some(NetworkRecord::Splitter(splitter))))
        };
        let of_boxes = list("list boxes", "boxes", rows::BOX_FIELDS);
        let of_buildings = list("list buildings", "buildings", rows::BUILDING_FIELDS);
        let (boxes, buildings, splitters) = tokio::try_join!(
            self.whole(&of_boxes, &permits, site(rows::cto), &sink),
            self.whole(&of_buildings, &permits, site(rows::building), &sink),
            self.drop_splitters(&permits, splitter, &sink),
        )?;
        let unreadable = boxes.unreadable + buildings.unreadable + splitters.unreadable;
        Ok(LoadStats { unreadable, not_drop: splitters.passed_over })
    }

    /// The drop splitters; all splitters, where something dislikes the filter: each row says what it is.
    async fn drop_splitters(
        &self,
        permits: &Semaphore,
        read: impl Fn(&RawValue) -> Result<(RecordId, Option<NetworkRecord>), RowError> + Copy,
        sink: impl Fn(NetworkRecord) + Copy,
    ) -> Result<Seen, CallError> {
        match self.whole(&drop_splitters(), permits, read, sink).await {
            Err(error) => match drop_splitters().unfiltered(&error) {
                Some(all) => self.whole(&all, permits, read, sink).await,
                None => Err(error),
            },
            seen => seen,
        }
    }

    /// A list from end to end: in parallel pages, or row by row where those do not add up.
    async fn whole(
        &self,
        list: &List,
        permits: &Semaphore,
        read: impl Fn(&RawValue) -> Result<(RecordId, Option<NetworkRecord>), RowError>,
        sink: impl Fn(NetworkRecord),
    ) -> Result<Seen, CallError> {
        let mut seen = Seen::default();
        let reported_total =
            self.pages_at_once(list, permits, |row| seen.note(list, read(row), &sink)).await?;
        if reported_total.is_some_and(|reported_total| seen.rows() >= reported_total) {
            return Ok(seen);
        }
        tracing::info!(
            operation = list.operation,
            reported_total,
            came = seen.rows(),
            "the pages do not add up; the list is read again in order"
        );
        seen.unreadable = 0;
        let _permit = permits.acquire().await;
        let end = self.each_row(list, |row| seen.note(list, read(row), &sink)).await?;
        match end.short_of {
            Some(reported_total) if seen.rows() < reported_total => {
                let what = format!("{} of {reported_total} rows came", seen.rows());
                Err(self.upstream.malformed(list.operation, what))
            }
            _ => Ok(seen),
        }
    }
}

fn list(operation: &'static str, route: &'static str, select: &'static str) -> List {
    List { operation, route, select, populate: None, filter: None }
}

fn drop_splitters() -> List {
    let list = list("list drop splitters", "splitters", rows::SPLITTER_FIELDS);
    List { filter: Some(rows::drop_splitters()), ..list }
}

/// What came of a list so far.
#[derive(Default)]
struct Seen {
    ids: HashSet<RecordId>,
    unreadable: u64,
    passed_over: u64,
}

impl Seen {
    /// Hands a row on if it is good and new.
    fn note(
        &mut self,
        list: &List,
        row: Result<(RecordId, Option<NetworkRecord>), RowError>,
        sink: impl Fn(NetworkRecord),
    ) {
        match row {
            Ok((id, record)) => match (self.ids.insert(id), record) {
                (true, Some(record)) => sink(record),
                (true, None) => self.passed_over += 1,
                (false, _) => (),
            },
            Err(error) => {
                tracing::debug!(operation = list.operation, what = %error.what, "a row is set aside");
                self.unreadable += 1;
            }
        }
    }

    /// Different rows.
    fn rows(&self) -> u64 {
        self.ids.len() as u64 + self.unreadable
    }
}
