//! Splitters as they are now, for their ports: a few by identifier, or one; and the site of one.

use std::collections::HashSet;
use std::time::Duration;

use futures::stream::{self, StreamExt, TryStreamExt};
use gateway_core::{Project, RecordId, Site, Splitter};
use http::StatusCode;
use serde_json::value::RawValue;

use super::Ozmap;
use super::capabilities::SplitterLookup;
use super::wire::{self, PageInfo, network_record as rows};
use crate::upstream::{CallError, JsonError, Request};

/// Most splitters that are looked up in one call: a URL of about 7 kB, below the 8 kB at which common servers refuse.
pub(crate) const MOST_LOOKED_UP: usize = 200;
/// Most splitters that are looked up one by one, on a host that does not filter by identifier.
const MOST_ONE_BY_ONE: usize = 32;
/// Of them under way at a time. Source: `docs/contracts/ozmap-api.md`, "Limits and retries".
const ONE_BY_ONE_AT_ONCE: usize = 8;

impl Ozmap {
    /// A splitter as it is now; `None` if OZmap has none of this identifier.
    ///
    /// # Errors
    /// [`CallError`].
    pub(crate) async fn splitter(&self, id: &RecordId) -> Result<Option<Splitter>, CallError> {
        self.record_for_sure("read a splitter", "splitters", id, rows::splitter).await
    }

    /// A splitter as it is now, with its project.
    ///
    /// # Errors
    /// [`CallError`].
    pub(crate) async fn splitter_in_project(
        &self,
        id: &RecordId,
    ) -> Result<Option<(Splitter, Option<Project>)>, CallError> {
        let read = |row: &RawValue| Ok((rows::splitter(row)?, wire::project_of(row)));
        self.record_for_sure("read a splitter", "splitters", id, read).await
    }

    /// The box or building of this identifier, with its project; `None` if it is neither.
    ///
    /// # Errors
    /// [`CallError`].
    pub(crate) async fn site_in_project(
        &self,
        id: &RecordId,
    ) -> Result<Option<(Site, Option<Project>)>, CallError> {
        let cto = |row: &RawValue| Ok((rows::cto(row)?, wire::project_of(row)));
        let building = |row: &RawValue| Ok((rows::building(row)?, wire::project_of(row)));
        if let Some(site) = self.record("read a box", "boxes", id, cto).await? {
            return Ok(Some(site));
        }
        let site = self.record_for_sure("read a building", "buildings", id, building).await?;
        if site.is_none() {
            self.refuse_contradiction("read a box", "boxes", id).await?;
        }
        Ok(site)
    }

    /// These splitters as they are now, asked for in one call and within a time; one that is gone is left out, and so is one
    /// that cannot be read.
    ///
    /// A host that ignores the filter, or knows identifiers by no name that a filter could use, is asked for one after the
    /// other, if they are few.
    ///
    /// # Errors
    /// [`CallError`]; also if there are more than 200, or the host cannot give so many.
    pub async fn splitters(&self, ids: &[RecordId], within: Duration) -> Result<Vec<Splitter>, CallError> {
        const OPERATION: &str = "look splitters up";
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        if ids.len() > MOST_LOOKED_UP {
            return Err(self.upstream.malformed(OPERATION, format!("{} are too many", ids.len())));
        }
        match self.capabilities.splitter_lookup() {
            Some(SplitterLookup::By(property)) => {
                return Ok(self.filtered(ids, property, within).await?.unwrap_or_default());
            }
            Some(SplitterLookup::OneByOne) => return self.one_by_one(ids, within).await,
            None => (),
        }
        for property in wire::ID_PROPERTIES {
            // Nothing may mean that none is left, or that the property is unknown: that is not learnt from.
            if let Some(found) = self.filtered(ids, property, within).await?.filter(|found| !found.is_empty())
            {
                self.capabilities.learn_splitter_lookup(SplitterLookup::By(property));
                return Ok(found);
            }
        }
        let found = self.one_by_one(ids, within).await?;
        if !found.is_empty() {
            tracing::warn!(system = "OZmap", "the host does not filter splitters by identifier");
            self.capabilities.learn_splitter_lookup(SplitterLookup::OneByOne);
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
            .call(request, |body| {
                let (mut found, mut others) = (Vec::new(), 0usize);
                let info = wire::page(body, &mut |row| match rows::splitter(row) {
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
                .call(request, |body| {
                    let row: Box<RawValue> = serde_json::from_slice(body).map_err(JsonError::from)?;
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
