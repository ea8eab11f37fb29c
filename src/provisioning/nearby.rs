//! Splitters nearby: candidates from the mirror, their ports checked with OZmap.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use gateway_core::{Coordinate, PortNumber, Ratio, RecordId, SiteKind, Splitter};
use jiff::Timestamp;
use tokio::time::Instant;

use crate::mirror::{self, Mirror, Network};
use crate::ozmap::{MOST_LOOKED_UP, Ozmap};

/// How long OZmap's word is waited for.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// How long a mirror that never loaded is waited for.
const FIRST_LOAD: Duration = Duration::from_secs(10);
/// Calls for one question. One is enough unless many ports were taken since the mirror was loaded.
const ROUNDS: usize = 3;

/// Which splitters to offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// Only those with a free port.
    WithFreePort,
    /// Full ones too.
    All,
}

/// What a technician asks.
#[derive(Debug, Clone, Copy)]
pub struct NearbySearch {
    /// Where the customer is.
    pub at: Coordinate,
    /// Metres, from 0 on.
    pub radius_m: f64,
    /// Splitters, 1 to 200.
    pub limit: usize,
    /// `None` is both.
    pub kind: Option<SiteKind>,
    /// Which of them.
    pub offer: Offer,
}

/// A splitter, and what is known of its ports.
pub struct Found<'a> {
    /// As the mirror has it: name, site.
    pub splitter: mirror::MirroredSplitter<'a>,
    /// From the customer to its site, haversine metres.
    pub distance_m: f64,
    /// `None` if OZmap does not say.
    pub ratio: Option<Ratio>,
    /// How many ports it has.
    pub ports: usize,
    /// To which of them a client may be connected, ascending.
    pub free: Vec<PortNumber>,
}

/// What OZmap said of the candidates that it was asked for.
#[derive(Default)]
pub struct Checked {
    /// `None` if it is gone.
    fresh: HashMap<RecordId, Option<Splitter>>,
    asked_at: Option<Timestamp>,
}

/// The answer: the nearest first, of equals the one with the lesser identifier.
pub struct NearbyAnswer<'a> {
    /// At most as many as were asked for.
    pub splitters: Vec<Found<'a>>,
    /// When OZmap was asked, or else when the mirror was loaded.
    pub as_of: Timestamp,
    /// Whether OZmap confirmed the ports of every splitter for this answer. False if nothing was near enough to ask for.
    pub verified: bool,
}

/// Checks the ports of what a query will be answered with; nothing if the mirror never loaded and OZmap is away.
///
/// A splitter that turns out full or gone is replaced by the next, which is checked in turn; so are some that were full,
/// because a port may have become free. Without OZmap's word in time, the mirror's stands.
pub async fn check(mirror: &Mirror, ozmap: &Ozmap, query: &NearbySearch) -> Option<(Arc<Network>, Checked)> {
    let network = mirror.network_within(FIRST_LOAD).await?;
    let mut checked = Checked::default();
    let deadline = Instant::now() + PATIENCE;
    for _ in 0..ROUNDS {
        let ids = checked.to_check(&network, query);
        if ids.is_empty() {
            break;
        }
        let asked_at = Timestamp::now();
        let within = deadline.saturating_duration_since(Instant::now());
        // The call ends by itself when the host is slow; the outer limit is for a place among the requests in flight.
        let call =
            tokio::time::timeout_at(deadline + Duration::from_millis(100), ozmap.splitters(&ids, within));
        match call.await {
            Ok(Ok(splitters)) => checked.note(ids, splitters, asked_at),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the ports of nearby splitters could not be checked");
                break;
            }
            Err(_) => {
                tracing::warn!(
                    "the ports of nearby splitters could not be checked: too many calls wait for OZmap"
                );
                break;
            }
        }
    }
    Some((network, checked))
}

impl Checked {
    /// The answer by the best that is known.
    pub fn answer<'a>(&self, network: &'a Network, query: &NearbySearch) -> NearbyAnswer<'a> {
        let candidates = self.candidates(network, query).into_iter();
        let offered = candidates.filter(|(_, splitter)| self.is_offered(*splitter, query.offer));
        let splitters: Vec<Found<'a>> = offered.take(query.limit).map(|found| self.found(found)).collect();
        let known = splitters.iter().all(|found| self.is_known(found.splitter));
        match self.asked_at {
            Some(as_of) if known => NearbyAnswer { splitters, as_of, verified: true },
            _ => NearbyAnswer { splitters, as_of: network.as_of(), verified: false },
        }
    }

    fn note(&mut self, ids: Vec<RecordId>, splitters: Vec<Splitter>, asked_at: Timestamp) {
        self.fresh.extend(ids.into_iter().map(|id| (id, None)));
        self.fresh.extend(splitters.into_iter().map(|splitter| (splitter.id.clone(), Some(splitter))));
        self.asked_at.get_or_insert(asked_at);
    }

    /// Candidates that OZmap was not asked for yet, some to spare and some full ones among them; none if the whole answer is
    /// known.
    fn to_check(&self, network: &Network, query: &NearbySearch) -> Vec<RecordId> {
        let candidates = self.candidates(network, query).into_iter().map(|(_, splitter)| splitter);
        let (offered, full): (Vec<_>, Vec<_>) =
            candidates.partition(|splitter| self.is_offered(*splitter, query.offer));
        let is_unknown = |splitter: &mirror::MirroredSplitter<'_>| !self.is_known(*splitter);
        if !offered.iter().take(query.limit).any(is_unknown) {
            return Vec::new();
        }
        let full = full.into_iter().filter(is_unknown).take(query.limit);
        let ids = offered.into_iter().filter(is_unknown).chain(full).map(|splitter| splitter.id().clone());
        ids.take(MOST_LOOKED_UP).collect()
    }

    /// Splitters in the order of the answer, offered or not, until somewhat more are offered than were asked for.
    fn candidates<'a>(
        &self,
        network: &'a Network,
        query: &NearbySearch,
    ) -> Vec<(f64, mirror::MirroredSplitter<'a>)> {
        /// Metres within which sites count as equally far until they are sorted.
        const TIE: f64 = 0.001;
        let enough = query.limit + query.limit / 4 + 2;
        let (mut candidates, mut offered, mut reached) = (Vec::new(), 0, 0.0);
        let sites = network.around(query.at, query.radius_m);
        for (distance, site) in sites.filter(|(_, site)| query.kind.is_none_or(|kind| kind == site.kind())) {
            if offered >= enough && distance > reached + TIE {
                break;
            }
            reached = distance;
            for splitter in site.splitters() {
                offered += usize::from(self.is_offered(splitter, query.offer));
                candidates.push((distance, splitter));
            }
        }
        candidates.sort_by(|(near, a), (far, b)| near.total_cmp(far).then_with(|| a.id().cmp(b.id())));
        candidates
    }

    fn is_known(&self, splitter: mirror::MirroredSplitter<'_>) -> bool {
        self.fresh.contains_key(splitter.id())
    }

    fn is_offered(&self, splitter: mirror::MirroredSplitter<'_>, offer: Offer) -> bool {
        match (self.fresh.get(splitter.id()), offer) {
            (Some(None), _) => false,
            (Some(Some(fresh)), Offer::All) => fresh.is_drop,
            (Some(Some(fresh)), Offer::WithFreePort) => fresh.is_drop && fresh.free_ports().next().is_some(),
            (None, Offer::All) => true,
            (None, Offer::WithFreePort) => splitter.has_free_port(),
        }
    }

    fn found<'a>(&self, (distance_m, splitter): (f64, mirror::MirroredSplitter<'a>)) -> Found<'a> {
        let (ratio, ports, free) = match self.fresh.get(splitter.id()) {
            Some(Some(fresh)) => (fresh.ratio, fresh.ports.len(), fresh.free_ports().collect()),
            _ => (splitter.ratio(), splitter.ports().into(), splitter.free_ports().collect()),
        };
        Found { splitter, distance_m, ratio, ports, free }
    }
}

#[cfg(test)]
mod tests;
