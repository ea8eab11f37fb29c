//! Reading the network: every site and drop splitter for the mirror, and a few splitters again for their ports.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::stream::{self, StreamExt, TryStreamExt};
use gateway_core::{RecordId, Site, Splitter};
use reqwest::StatusCode;
use serde_json::value::RawValue;
use tokio::sync::Semaphore;

use super::Ozmap;
use super::pages::List;
use super::wire::{self, PageInfo, RowError, network_record as rows};
use crate::upstream::{CallError, Request};

/// Most splitters that are looked up in one call: a URL of about 7 kB, below the 8 kB at which common servers refuse.
pub const MOST_LOOKED_UP: usize = 200;
/// Most splitters that are looked up one by one, on a host that does not filter by identifier.
const MOST_ONE_BY_ONE: usize = 32;
/// Of them under way at a time. Source: `docs/contracts/ozmap-api.md`, "Limits and retries".
const ONE_BY_ONE_AT_ONCE: usize = 8;

/// A record of the network.
#[derive(Debug, Clone, PartialEq)]
pub enum NetworkRecord {
    /// A box or a building.
    Site(Site),
    /// A drop splitter.
    Splitter(Splitter),
}

/// What a load met beside the pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LoadStats {
    /// Rows that could not be understood.
    pub unreadable: u64,
    /// Splitters that do not serve clients, from a host that ignored the filter.
    pub not_drop: u64,
}

/// How a tenant's host gives splitters by identifier, learnt once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lookup {
    /// By a filter on this property.
    By(&'static str),
    /// Not by a filter.
    OneByOne,
}

impl Ozmap {
    /// Hands every box, building and drop splitter to `sink`, each once, in no order. At most `at_once` requests are under
    /// way at a time, so that a technician's question finds a place between them.
    ///
    /// # Errors
    /// [`CallError`] if a page cannot be had after repeats, or fewer rows came than the host says there are; a bad row is
    /// counted instead.
    pub async fn network(
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
        let (boxes, buildings, splitters) = tokio::try_join!(
            self.whole(list("list boxes", "boxes", rows::BOX_FIELDS), &permits, site(rows::cto), &sink),
            self.whole(
                list("list buildings", "buildings", rows::BUILDING_FIELDS),
                &permits,
                site(rows::building),
                &sink
            ),
            self.whole(drop_splitters(), &permits, splitter, &sink),
        )?;
        let unreadable = boxes.unreadable + buildings.unreadable + splitters.unreadable;
        Ok(LoadStats { unreadable, not_drop: splitters.passed_over })
    }

    /// A list from end to end: in parallel pages, or row by row where those do not add up.
    async fn whole(
        &self,
        list: List,
        permits: &Semaphore,
        read: impl Fn(&RawValue) -> Result<(RecordId, Option<NetworkRecord>), RowError>,
        sink: impl Fn(NetworkRecord),
    ) -> Result<Seen, CallError> {
        let mut seen = Seen::default();
        let reported_total =
            self.pages_at_once(&list, permits, |row| seen.note(&list, read(row), &sink)).await?;
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
        match self.each_row(&list, |row| seen.note(&list, read(row), &sink)).await? {
            Some(reported_total) if seen.rows() < reported_total => {
                let what = format!("{} of {reported_total} rows came", seen.rows());
                Err(self.upstream.malformed(list.operation, what))
            }
            _ => Ok(seen),
        }
    }

    /// These splitters as they are now, asked for in one call and within a time; one that is gone is left out, and so is one
    /// that cannot be read.
    ///
    /// A host that ignores the filter, or knows identifiers by no name that a filter could use, is asked for one after the
    /// other, if they are few.
    ///
    /// # Errors
    /// [`CallError`]; also if there are more than [`MOST_LOOKED_UP`], or the host cannot tell so many.
    pub async fn splitters(&self, ids: &[RecordId], within: Duration) -> Result<Vec<Splitter>, CallError> {
        const OPERATION: &str = "look splitters up";
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        if ids.len() > MOST_LOOKED_UP {
            return Err(self.upstream.malformed(OPERATION, format!("{} are too many", ids.len())));
        }
        match self.splitter_lookup.get() {
            Some(Lookup::By(property)) => {
                return Ok(self.filtered(ids, property, within).await?.unwrap_or_default());
            }
            Some(Lookup::OneByOne) => return self.one_by_one(ids, within).await,
            None => (),
        }
        for property in wire::ID_PROPERTIES {
            // Nothing may mean that none is left, or that the property is unknown: that is not learnt from.
            if let Some(found) = self.filtered(ids, property, within).await?.filter(|found| !found.is_empty())
            {
                self.splitter_lookup.get_or_init(|| Lookup::By(property));
                return Ok(found);
            }
        }
        let found = self.one_by_one(ids, within).await?;
        if !found.is_empty() {
            tracing::warn!(system = "OZmap", "the host does not filter splitters by identifier");
            self.splitter_lookup.get_or_init(|| Lookup::OneByOne);
        }
        Ok(found)
    }

    /// `None` if the host refuses the filter or gives others than were asked for.
    async fn filtered(
        &self,
        ids: &[RecordId],
        property: &'static str,
        within: Duration,
    ) -> Result<Option<Vec<Splitter>>, CallError> {
        let mut request = self.request(Request::get("look splitters up", wire::path("splitters")));
        let filter = wire::filter_by_id(property, ids.iter()).to_string();
        let limit = ids.len().to_string();
        let query =
            [("page", "1"), ("limit", &limit), ("select", rows::SPLITTER_FIELDS), ("filter", &filter)];
        request.query = query.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        request.within = Some(within);
        let wanted: HashSet<&RecordId> = ids.iter().collect();
        let answer = self
            .upstream
            .call(request, |reply| {
                let (mut found, mut others) = (Vec::new(), 0usize);
                let info = wire::page(&reply.body, &mut |row| match rows::splitter(row) {
                    Ok(splitter) if wanted.contains(&splitter.id) => found.push(splitter),
                    Ok(_) => others += 1,
                    Err(_) => (),
                })?;
                Ok((info, found, others))
            })
            .await;
        match answer {
            Ok((PageInfo { total, .. }, found, others)) => {
                let honoured = others == 0 && total.is_none_or(|total| total <= ids.len() as u64);
                Ok(honoured.then_some(found))
            }
            Err(error) if error.kind.rejected_with().is_some() => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn one_by_one(&self, ids: &[RecordId], within: Duration) -> Result<Vec<Splitter>, CallError> {
        if ids.len() > MOST_ONE_BY_ONE {
            let what =
                format!("the host does not filter by identifier, and {} are too many to ask for", ids.len());
            return Err(self.upstream.malformed("look splitters up", what));
        }
        let one = async |id: &RecordId| {
            let mut request =
                self.request(Request::get("get a splitter", wire::path(&format!("splitters/{id}"))));
            request.query = vec![("select".to_owned(), rows::SPLITTER_FIELDS.to_owned())];
            request.within = Some(within);
            let answer = self
                .upstream
                .call(request, |reply| {
                    let row: Box<RawValue> =
                        serde_json::from_slice(&reply.body).map_err(|e| wire::explain(&e))?;
                    // One bad row costs that splitter only.
                    Ok(rows::splitter(&row).ok())
                })
                .await;
            match answer {
                Ok(splitter) => Ok(splitter.filter(|splitter| splitter.id == *id)),
                Err(error) if error.kind.rejected_with() == Some(StatusCode::NOT_FOUND) => Ok(None),
                Err(error) => Err(error),
            }
        };
        let found: Vec<Option<Splitter>> =
            stream::iter(ids).map(one).buffer_unordered(ONE_BY_ONE_AT_ONCE).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
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
                tracing::debug!(operation = list.operation, what = error.what, "a row is set aside");
                self.unreadable += 1;
            }
        }
    }

    /// Different rows.
    fn rows(&self) -> u64 {
        self.ids.len() as u64 + self.unreadable
    }
}
