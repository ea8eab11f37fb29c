//! OZmap in our terms: a reader of clients, a writer of what the sync changes, look-ups and writes of one client, and the
//! network for the mirror.
//!
//! `wire` is the only module that knows OZmap's JSON.

mod capabilities;
mod clients;
mod fresh;
mod id_filter;
mod look;
mod network_load;
mod pages;
mod projects;
mod proof;
mod reader;
mod splitters;
mod walk;
pub mod wire;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use capabilities::Capabilities;
pub(crate) use clients::CalculatedPower;
pub use fresh::{FreshReader, FreshRecord, RecordKind};
use gateway_core::{ProjectRules, RecordId};
use http::StatusCode;
use jiff::SignedDuration;
pub use look::{ListRoute, Look};
pub use network_load::{LoadStats, NetworkRecord};
use secrecy::{ExposeSecret, SecretString};
use serde_json::value::RawValue;
pub(crate) use splitters::MOST_LOOKED_UP;
pub use writer::{WriteError, Writer};

use crate::upstream::{CallError, Leash, Request, RowError, Upstream};

/// Most records that one batch-update names: a body of about 54 kB, below the 100 kB at which common servers refuse.
pub(crate) const LARGEST_BATCH: usize = 2_000;

/// A tenant's OZmap.
#[derive(Clone)]
pub struct Ozmap {
    upstream: Upstream,
    key: SecretString,
    page_size: usize,
    capabilities: Arc<Capabilities>,
    projects: Arc<ProjectRules>,
}

impl Ozmap {
    /// `upstream` is the host, `key` the tenant's API key as OZmap gave it, `page_size` the rows of a page (1 to 1,000).
    pub fn new(upstream: Upstream, key: SecretString, page_size: usize) -> Ozmap {
        let capabilities = Arc::new(Capabilities::new(upstream.tenant()));
        Ozmap { upstream, key, page_size, capabilities, projects: Arc::default() }
    }

    /// The same OZmap, of which nothing is known yet, and which is asked again after this time for what it turned out to lack.
    /// Default 30 minutes.
    pub fn forgetting_after(self, time: Duration) -> Ozmap {
        let capabilities = Capabilities::new(self.upstream.tenant()).forgetting_after(time);
        Ozmap { capabilities: Arc::new(capabilities), ..self }
    }

    /// The same OZmap for callers who must hold something to write to it.
    pub(crate) fn on_leash(&self, leash: Leash) -> Ozmap {
        Ozmap { upstream: self.upstream.on_leash(leash), ..self.clone() }
    }

    /// How far OZmap's clock is ahead of this machine's, to about a second; `None` before an answer that says its time.
    pub fn clock_skew(&self) -> Option<SignedDuration> {
        self.upstream.clock_skew()
    }

    /// Asks for one box type, the cheapest question that needs the key. Source: `docs/contracts/ozmap-api.md`, "Connection".
    ///
    /// # Errors
    /// [`CallError`] if the host cannot be reached or refuses the key.
    pub async fn check(&self) -> Result<(), CallError> {
        let mut request = self.request(Request::get("test the connection", wire::path("box-types")));
        request.query = [("page", "1"), ("limit", "1")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        self.upstream.call(request, |body| wire::page(body, &mut |_| ()).map(drop)).await
    }

    /// The same OZmap with a call counter of its own.
    fn with_own_counter(&self) -> Ozmap {
        Ozmap { upstream: self.upstream.with_own_counter(), ..self.clone() }
    }

    /// Adds the raw key: OZmap wants no `Bearer`. Source: `docs/contracts/ozmap-api.md`, "Connection".
    fn request(&self, mut request: Request) -> Request {
        request.headers.push(("authorization", self.key.expose_secret().to_owned()));
        request
    }

    /// One record of a route; `None` if there is none of this identifier, which OZmap itself has to say: by an error of its own,
    /// or, where nothing came or something else than OZmap seems to answer, by a list that does not have the record.
    ///
    /// # Errors
    /// [`CallError`]; also if the list has what is not there by itself.
    async fn record<T>(
        &self,
        operation: &'static str,
        route: &str,
        id: &RecordId,
        read: impl Fn(&RawValue) -> Result<T, RowError>,
    ) -> Result<Option<T>, CallError> {
        let request = Request::get(operation, wire::path(&format!("{route}/{id}")));
        let answer = self.upstream.call(self.request(request), |body| wire::row(body, &read));
        let error = match answer.await {
            Ok(Some(record)) => return Ok(Some(record)),
            Ok(None) => self.not_applied(operation, "nothing came where a record is due"),
            Err(error) if is_about_no_record(&error) => error,
            Err(error) => return Err(error),
        };
        if error.kind.is_own_refusal() {
            return Ok(None);
        }
        match self.is_listed(route, id).await? {
            Some(false) => Ok(None),
            Some(true) | None => Err(error),
        }
    }

    /// As [`Ozmap::record`], where much hangs on it that there is none: OZmap's own error needs the list's word, too.
    ///
    /// # Errors
    /// [`CallError`]; also if the list has what is not there by itself.
    async fn record_for_sure<T>(
        &self,
        operation: &'static str,
        route: &str,
        id: &RecordId,
        read: impl Fn(&RawValue) -> Result<T, RowError>,
    ) -> Result<Option<T>, CallError> {
        let record = self.record(operation, route, id, read).await?;
        if record.is_none() {
            self.refuse_contradiction(operation, route, id).await?;
        }
        Ok(record)
    }

    /// # Errors
    /// [`CallError`] if the list has a record that is not there by itself.
    async fn refuse_contradiction(
        &self,
        operation: &'static str,
        route: &str,
        id: &RecordId,
    ) -> Result<(), CallError> {
        match self.is_listed(route, id).await? {
            Some(true) => {
                Err(self.not_applied(operation, "the record is not there by itself, and in its list"))
            }
            Some(false) | None => Ok(()),
        }
    }

    /// Whether the list of a route has a record; `None` if it cannot be asked for one by identifier.
    async fn is_listed(&self, route: &str, id: &RecordId) -> Result<Option<bool>, CallError> {
        let mut is_listed = None;
        for property in wire::ID_PROPERTIES {
            let mut request = self.request(Request::get("look a record up in its list", wire::path(route)));
            let filter = wire::filter_by_id(property, [id].into_iter()).to_string();
            let query = [("page", "1"), ("limit", "2"), ("select", "id"), ("filter", &filter)];
            request.query = query.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
            let answer = self.upstream.call(request, |body| {
                let mut ids = Vec::new();
                wire::page(body, &mut |row| ids.push(wire::id_of(row)))?;
                Ok(ids)
            });
            match answer.await {
                Ok(ids) if ids.iter().flatten().any(|listed| listed == id) => return Ok(Some(true)),
                Ok(ids) if ids.is_empty() => is_listed = Some(false),
                // The filter is ignored.
                Ok(_) => (),
                Err(error) if error.kind.is_own_refusal() => (),
                Err(error) => return Err(error),
            }
        }
        Ok(is_listed)
    }
}

/// Inferred: a host may call an identifier that it cannot have malformed instead of unknown.
fn is_about_no_record(error: &CallError) -> bool {
    matches!(error.kind.rejected_with().map(|status| status.as_u16()), Some(400 | 404 | 422))
}

/// 404 says that there is no such record.
fn none_if_missing<T>(answer: Result<T, CallError>) -> Result<Option<T>, CallError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.kind.rejected_with() == Some(StatusCode::NOT_FOUND) => Ok(None),
        Err(error) => Err(error),
    }
}
