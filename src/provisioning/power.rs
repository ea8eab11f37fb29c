//! The light that OZmap calculates for a client: read through, with a short memory and a long one.

use std::sync::Arc;
use std::time::Duration;

use gateway_core::provisioning::Refusal;
use gateway_core::{ClientCode, KnownPower};
use jiff::Timestamp;
use moka::future::Cache;
use tracing::Instrument;

use super::failure::Failure;
use crate::ozmap::{CalculatedPower, Ozmap};
use crate::store::Store;
use crate::upstream;

/// Answers that are kept for the short time, so that memory is bounded.
const MOST_CACHED: u64 = 100_000;
/// How long OZmap may take while an older answer is at hand.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where an answer comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// OZmap was asked for this call.
    Ozmap,
    /// It said so before; `as_of` tells when.
    Cache,
}

/// Why OZmap gave no calculated power; many callers may wait for one of these.
#[derive(Debug, Clone)]
enum NoPower {
    UnknownClient,
    Ambiguous(usize),
    NoRoute,
    Ozmap(upstream::CallError),
}

/// What is known, and how fresh it is.
pub type PowerAnswer = (Arc<KnownPower>, Origin);

/// Answers questions about light, for one tenant.
pub(super) struct Powers {
    tenant: String,
    ozmap: Ozmap,
    store: Store,
    fresh: Cache<ClientCode, Arc<KnownPower>>,
}

impl Powers {
    /// `keep` is how long an answer may be given again without asking OZmap; zero always asks.
    pub(super) fn new(tenant: String, ozmap: Ozmap, store: Store, keep: Duration) -> Powers {
        let fresh = Cache::builder().max_capacity(MOST_CACHED).time_to_live(keep).build();
        Powers { tenant, ozmap, store, fresh }
    }

    /// The calculated power of a client; with `anew`, what was cached does not count.
    ///
    /// One request per client is under way however many callers wait. What OZmap said last is the answer when it cannot be
    /// asked, or is too slow for somebody who stands at a wall. Source: `docs/ARCHITECTURE.md`, "Freshness".
    ///
    /// # Errors
    /// [`Failure`].
    pub(super) async fn of(self: &Arc<Self>, code: &ClientCode, anew: bool) -> Result<PowerAnswer, Failure> {
        if anew {
            self.fresh.invalidate(code).await;
        } else if let Some(known) = self.fresh.get(code).await {
            return Ok((known, Origin::Cache));
        }
        // In a task of its own: a caller who gives up does not lose the answer for the others.
        let (this, key) = (Arc::clone(self), code.clone());
        let ask = async move { this.fresh.try_get_with_by_ref(&key, this.ask(&key)).await };
        let mut asked = tokio::spawn(ask.in_current_span());
        let answer = match tokio::time::timeout(PATIENCE, &mut asked).await {
            Ok(answer) => answer,
            Err(_) => match self.before(code).await {
                Some(known) => return Ok((known, Origin::Cache)),
                None => asked.await,
            },
        };
        let why = match answer {
            Ok(Ok(known)) => return Ok((known, Origin::Ozmap)),
            Ok(Err(why)) => why,
            Err(_) => return Err(Failure::Stopping),
        };
        let code = code.clone();
        match &*why {
            NoPower::UnknownClient => Err(Refusal::UnknownClient(code).into()),
            NoPower::Ambiguous(count) => Err(Refusal::Ambiguous { code, count: *count }.into()),
            NoPower::NoRoute => Err(Failure::NoRoute(code)),
            NoPower::Ozmap(error) => match self.before(&code).await.filter(|_| error.kind.is_transient()) {
                Some(known) => Ok((known, Origin::Cache)),
                None => Err(error.clone().into()),
            },
        }
    }

    /// Knows nothing of a client any more: it was connected elsewhere, and a verdict on its old way would be a wrong one.
    pub(super) async fn forget(&self, code: &ClientCode) {
        self.fresh.invalidate(code).await;
        if let Err(error) = self.store.forget_power(&self.tenant, code.as_str()).await {
            tracing::warn!(%error, "the power of a client that was connected elsewhere could not be forgotten");
        }
    }

    /// What OZmap said last.
    async fn before(&self, code: &ClientCode) -> Option<Arc<KnownPower>> {
        let known = self.store.known_power(&self.tenant, code.as_str()).await;
        known
            .unwrap_or_else(|error| {
                tracing::warn!(%error, "what OZmap said before cannot be looked up");
                None
            })
            .map(Arc::new)
    }

    async fn ask(&self, code: &ClientCode) -> Result<Arc<KnownPower>, NoPower> {
        let (light, records) =
            tokio::try_join!(self.ozmap.calculated_power(code), self.ozmap.clients_by_code(code))
                .map_err(NoPower::Ozmap)?;
        let as_of = Timestamp::now();
        let record = match records.as_slice() {
            [] => return Err(NoPower::UnknownClient),
            [record] => record,
            several => return Err(NoPower::Ambiguous(several.len())),
        };
        let routes = match light {
            CalculatedPower::Routes(routes) => routes,
            CalculatedPower::NoRoute | CalculatedPower::UnknownClient => Vec::new(),
        };
        let (route, other_routes) = gateway_core::select_route(routes).ok_or(NoPower::NoRoute)?;
        let read = record.property.as_ref().and_then(|property| property.read_power);
        let known = KnownPower { code: code.clone(), route, other_routes, read, as_of };
        if let Err(error) = self.store.remember_power(&self.tenant, &known).await {
            tracing::warn!(%error, "the answer could not be remembered for when OZmap is away");
        }
        Ok(Arc::new(known))
    }
}
