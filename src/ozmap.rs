//! OZmap in our words: a [`Reader`] of clients, a [`Writer`] of what the sync changes, and the network for the mirror.
//!
//! `wire` is the only module that knows OZmap's JSON.

mod batch_routes;
mod clients;
mod network_load;
mod pages;
mod reader;
pub mod wire;
mod writer;

use std::sync::{Arc, OnceLock};

use batch_routes::BatchRoutes;
pub use clients::CalculatedPower;
pub use network_load::{LoadStats, MOST_LOOKED_UP, NetworkRecord};
pub use reader::{Clients, Reader};
use secrecy::{ExposeSecret, SecretString};
pub use writer::{WriteError, Writer};

use crate::upstream::{CallError, Request, Upstream};

/// Most records that one batch-update names: a body of about 54 kB, below the 100 kB at which common servers refuse.
pub const LARGEST_BATCH: usize = 2_000;

/// A tenant's OZmap.
#[derive(Clone)]
pub struct Ozmap {
    upstream: Upstream,
    key: SecretString,
    page_size: usize,
    batch_routes: Arc<BatchRoutes>,
    splitter_lookup: Arc<OnceLock<network_load::Lookup>>,
}

impl Ozmap {
    /// `upstream` is the host, `key` the tenant's API key as OZmap gave it, `page_size` the rows of a page (1 to 1,000).
    pub fn new(upstream: Upstream, key: SecretString, page_size: usize) -> Ozmap {
        Ozmap { upstream, key, page_size, batch_routes: Arc::default(), splitter_lookup: Arc::default() }
    }

    /// A reader with a call counter of its own.
    pub fn reader(&self) -> Reader {
        Reader::new(Ozmap { upstream: self.upstream.with_own_counter(), ..self.clone() })
    }

    /// A writer with a call counter of its own.
    pub fn writer(&self) -> Writer {
        Writer::new(Ozmap { upstream: self.upstream.with_own_counter(), ..self.clone() })
    }

    /// Asks for one box type, the cheapest question that needs the key. Source: `docs/contracts/ozmap-api.md`, "Connection".
    ///
    /// # Errors
    /// [`CallError`] if the host cannot be reached or refuses the key.
    pub async fn check(&self) -> Result<(), CallError> {
        let mut request = self.request(Request::get("test the connection", wire::path("box-types")));
        request.query = [("page", "1"), ("limit", "1")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        self.upstream.call(request, |reply| wire::page(&reply.body, &mut |_| ()).map(drop)).await
    }

    /// Adds the raw key: OZmap wants no `Bearer`. Source: `docs/contracts/ozmap-api.md`, "Connection".
    fn request(&self, mut request: Request) -> Request {
        request.headers.push(("authorization", self.key.expose_secret().to_owned()));
        request
    }
}
