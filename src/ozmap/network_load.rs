//! Loading the network for the mirror: every site and every drop splitter, in parallel pages.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use gateway_core::{RecordId, Site, Splitter};
use serde_json::value::RawValue;
use tokio::sync::Semaphore;

use super::Ozmap;
use super::pages::List;
use super::projects::Admission;
use super::wire::{self, network_record as rows};
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
        let sink = |record: NetworkRecord| locked(&sink)(record);
        let (seen, elsewhere) = match self.admission().await? {
            None => (self.all_of_it(&permits, sink).await?, 0),
            Some(admission) => self.admitted_part(&permits, &Offered::by(admission), sink).await?,
        };
        let [boxes, buildings, splitters] = seen;
        let unreadable = boxes.unreadable + buildings.unreadable + splitters.unreadable;
        if elsewhere > 0 {
            tracing::info!(elsewhere, "records of the network are in other projects, and left aside");
        }
        Ok(LoadStats { unreadable, not_drop: splitters.passed_over })
    }

    async fn all_of_it(
        &self,
        permits: &Semaphore,
        sink: impl Fn(NetworkRecord) + Copy,
    ) -> Result<[Seen; 3], CallError> {
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
            self.whole(&of_boxes, permits, site(rows::cto), &sink),
            self.whole(&of_buildings, permits, site(rows::building), &sink),
            self.drop_splitters(rows::SPLITTER_FIELDS, permits, splitter, &sink),
        )?;
        Ok([boxes, buildings, splitters])
    }

    /// What is in the tenant's projects, and how many records are not. Sites first: a splitter may be in its site's project.
    async fn admitted_part(
        &self,
        permits: &Semaphore,
        offered: &Offered<'_>,
        sink: impl Fn(NetworkRecord) + Copy,
    ) -> Result<([Seen; 3], u64), CallError> {
        let site = |read: fn(&RawValue) -> Result<Site, RowError>| {
            move |row: &RawValue| {
                let site = read(row)?;
                let id = site.id.clone();
                Ok((id, offered.admits_site(&site.id, row).then_some(NetworkRecord::Site(site))))
            }
        };
        let splitter = |row: &RawValue| {
            let splitter = rows::splitter(row)?;
            let (id, is_drop) = (splitter.id.clone(), splitter.is_drop);
            let is_offered = is_drop && offered.admits_splitter(&splitter, row);
            Ok((id, is_offered.then_some(NetworkRecord::Splitter(splitter))))
        };
        let populated = |list: List| List { populate: Some("project"), ..list };
        let of_boxes = populated(list("list boxes", "boxes", rows::BOX_FIELDS_WITH_PROJECT));
        let of_buildings = populated(list("list buildings", "buildings", rows::BUILDING_FIELDS_WITH_PROJECT));
        let (boxes, buildings) = tokio::try_join!(
            self.whole(&of_boxes, permits, site(rows::cto), sink),
            self.whole(&of_buildings, permits, site(rows::building), sink),
        )?;
        let fields = rows::SPLITTER_FIELDS_WITH_PROJECT;
        let mut splitters = self.drop_splitters(fields, permits, splitter, sink).await?;
        if let Some(error) = locked(&offered.error).take() {
            return Err(error);
        }
        splitters.passed_over -=
            offered.splitters_elsewhere.load(Ordering::Relaxed).min(splitters.passed_over);
        Ok(([boxes, buildings, splitters], offered.elsewhere.load(Ordering::Relaxed)))
    }

    /// The drop splitters; all splitters, where something dislikes the filter: each row says what it is.
    async fn drop_splitters(
        &self,
        fields: &'static str,
        permits: &Semaphore,
        read: impl Fn(&RawValue) -> Result<(RecordId, Option<NetworkRecord>), RowError> + Copy,
        sink: impl Fn(NetworkRecord) + Copy,
    ) -> Result<Seen, CallError> {
        let list = drop_splitters(fields);
        match self.whole(&list, permits, read, sink).await {
            Err(error) => match list.unfiltered(&error) {
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
            self.pages_at_once(list, permits, &read, |row| seen.note(list, row, &sink)).await?;
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
        let end = self.each_row(list, RawValue::to_owned, |row| seen.note(list, read(&row), &sink)).await?;
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

fn drop_splitters(fields: &'static str) -> List {
    let list = list("list drop splitters", "splitters", fields);
    let populate = (fields == rows::SPLITTER_FIELDS_WITH_PROJECT).then_some("project");
    List { filter: Some(rows::drop_splitters()), populate, ..list }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Which records are in the tenant's projects.
struct Offered<'a> {
    admission: Admission<'a>,
    /// Sites that are in no project, where that matters: they are offered as far as their splitters are in one.
    nowhere: Mutex<HashSet<RecordId>>,
    elsewhere: AtomicU64,
    splitters_elsewhere: AtomicU64,
    /// Why it could not be told of a record.
    error: Mutex<Option<CallError>>,
}

impl<'a> Offered<'a> {
    fn by(admission: Admission<'a>) -> Offered<'a> {
        let (elsewhere, splitters_elsewhere) = Default::default();
        Offered {
            admission,
            nowhere: Mutex::default(),
            elsewhere,
            splitters_elsewhere,
            error: Mutex::default(),
        }
    }

    fn admits_site(&self, id: &RecordId, row: &RawValue) -> bool {
        match wire::project_of(row) {
            None => {
                if self.admission.wants_a_project() {
                    locked(&self.nowhere).insert(id.clone());
                }
                true
            }
            project => self.noted(self.admission.admits(project.as_ref())),
        }
    }

    fn admits_splitter(&self, splitter: &Splitter, row: &RawValue) -> bool {
        let admitted = match (wire::project_of(row), &splitter.site) {
            // Its site's project counts, which was looked at.
            (None, Some(site)) => Ok(!locked(&self.nowhere).contains(site)),
            (project, _) => self.admission.admits(project.as_ref()),
        };
        let is_admitted = self.noted(admitted);
        self.splitters_elsewhere.fetch_add(u64::from(!is_admitted), Ordering::Relaxed);
        is_admitted
    }

    fn noted(&self, admitted: Result<bool, CallError>) -> bool {
        let is_admitted = admitted.unwrap_or_else(|error| {
            locked(&self.error).get_or_insert(error);
            false
        });
        self.elsewhere.fetch_add(u64::from(!is_admitted), Ordering::Relaxed);
        is_admitted
    }
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
