//! One bulk read for all who wait for it.

use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};

use super::Api;
use super::bulk::Readings;
use crate::upstream::CallError;

type SharedResult = Result<Arc<Readings>, CallError>;
type ReadingFlight = BoxFuture<'static, SharedResult>;

/// Reads INT6 once for all who ask while it is read; clones are the same one.
///
/// Nothing is kept: whoever asks after the end gets a fresh read, and a read that nobody waits for any more ends.
#[derive(Clone)]
pub(crate) struct SharedReadings {
    api: Api,
    under_way: Arc<Mutex<Option<WeakShared<ReadingFlight>>>>,
}

impl SharedReadings {
    pub(crate) fn new(api: Api) -> SharedReadings {
        SharedReadings { api, under_way: Arc::default() }
    }

    /// Every row of the bulk read that is under way, or of a new one.
    ///
    /// # Errors
    /// [`CallError`], as [`Api::readings`].
    pub(crate) async fn read(&self) -> SharedResult {
        self.flight().await
    }

    fn flight(&self) -> Shared<ReadingFlight> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let flight = under_way.as_ref().and_then(WeakShared::upgrade);
        // One that has ended is old.
        if let Some(flight) = flight.filter(|flight| flight.peek().is_none()) {
            return flight;
        }
        let api = self.api.with_own_counter();
        let flight = async move { api.readings(|_| ()).await.map(Arc::new) }.boxed().shared();
        *under_way = flight.downgrade();
        flight
    }
}
