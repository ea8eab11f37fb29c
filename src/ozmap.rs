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

    /// One record of a route; `None` if there is none of this identifier.
    async fn record<T>(
        &self,
        operation: &'static str,
        route: &str,
        id: &RecordId,
        read: impl Fn(&RawValue) -> Result<T, RowError>,
    ) -> Result<Option<T>, CallError> {
        let request = Request::get(operation, wire::path(&format!("{route}/{id}")));
        let answer = self.upstream.call(self.request(request), |body| wire::row(body, &read));
        match answer.await {
            // Inferred: a host may call an identifier that it cannot have malformed instead of unknown.
            Err(error) if matches!(error.kind.rejected_with().map(|s| s.as_u16()), Some(400 | 422)) => {
                Ok(None)
            }
            answer => none_if_missing(answer).map(Option::flatten),
        }
    }
}

/// 404 says that there is no such record.
fn none_if_missing<T>(answer: Result<T, CallError>) -> Result<Option<T>, CallError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.kind.rejected_with() == Some(StatusCode::NOT_FOUND) => Ok(None),
        Err(error) => Err(error),
    }
}
