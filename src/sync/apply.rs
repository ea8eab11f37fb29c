//! Carrying a plan's calls out: what rests on an old reading is compared with what OZmap holds now; a failure does not stop
//! the rest, and a failed batch is narrowed down to the records at fault.

use std::collections::{HashMap, HashSet};

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use gateway_core::sync::{Call, Change, ChangeOutcome, Field, FieldValue, Record, Settled, edits, settle};
use gateway_core::{RecordId, SyncedClient};
use tokio_util::sync::CancellationToken;

use super::forbearance::Forbearance;
use super::records_now::records_now;
use crate::ozmap::{WriteError, Writer};
use crate::store::{LockGuard, Locks};
use crate::upstream::{CallError, Kind};

/// Records that are compared and written at a time, so that little time lies between.
const WAVE: usize = 2_000;
/// The same where each client is locked meanwhile.
const LOCKED_WAVE: usize = 200;

/// What is compared with what OZmap holds now, before it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// ONU data: the object is sent whole, with what others may have written into it since it was read.
    Onu,
    /// Everything: the plan was shown long ago.
    All,
}

/// What is needed to carry calls out.
pub struct Apply<'a, D> {
    /// The only thing here that can change OZmap.
    pub(crate) writer: &'a Writer,
    /// Clients as they were read: what a first batch must leave alone, and gets back if it does not.
    pub outside: &'a [SyncedClient],
    /// The plan's changes; calls name them by their place.
    pub changes: &'a [Change],
    /// Calls under way at once, at least 1.
    pub parallel: usize,
    /// Once cancelled, no further call is started; those under way are finished.
    pub stop: &'a CancellationToken,
    /// Hears what became of each change, exactly once unless it was stopped before.
    pub done: D,
    /// What is compared first.
    pub guard: Guard,
    /// One at a time for one client; `None` where the caller holds its lock.
    pub locks: Option<&'a Locks>,
    /// When to give up.
    pub(super) forbearance: &'a Forbearance,
}

/// Edits that were settled anew, by the place of their change.
type Fresh = HashMap<u32, FieldValue>;

impl<D: Fn(&[u32], ChangeOutcome) + Sync> Apply<'_, D> {
    /// Carries the calls out, in no particular order.
    pub async fn all(&self, calls: Vec<Call>) {
        let (with_onu, others): (Vec<Call>, Vec<Call>) =
            calls.into_iter().partition(|call| self.edits(call).any(|edit| edit.field() == Field::Onu));
        match self.guard {
            Guard::Onu => self.send_all(others, &Fresh::new()).await,
            Guard::All => {
                for wave in waves(others, WAVE) {
                    self.compared(wave).await;
                }
            }
        }
        for wave in waves(with_onu, LOCKED_WAVE) {
            self.locked(wave).await;
        }
    }

    fn is_over(&self) -> bool {
        self.stop.is_cancelled() || self.forbearance.is_over().is_some()
    }

    fn edits<'a>(&'a self, call: &'a Call) -> impl Iterator<Item = &'a FieldValue> {
        edits(self.changes, call)
    }

    /// Compares and writes while nobody else works on these clients: an activation writes the same object.
    async fn locked(&self, wave: Vec<Call>) {
        let Some(locks) = self.locks else { return self.compared(wave).await };
        let mut held: Vec<LockGuard> = Vec::new();
        let mut free = Vec::new();
        // In the order of the codes: two that lock several clients cannot wait for each other.
        let mut codes: Vec<(&str, Call)> = wave.into_iter().map(|call| (self.code(&call), call)).collect();
        codes.sort_unstable_by_key(|(code, _)| *code);
        for (code, call) in codes {
            if self.is_over() {
                break;
            }
            match locks.lock("client", code).await {
                Ok(lock) => {
                    held.push(lock);
                    free.push(call);
                }
                Err(error) => (self.done)(call.changes(), ChangeOutcome::Failed(error.to_string())),
            }
        }
        self.compared(free).await;
        for lock in held {
            locks.release(lock).await;
        }
    }

    fn code(&self, call: &Call) -> &str {
        self.changes[call.changes()[0] as usize].code.as_str()
    }

    /// Compares with what OZmap holds now, and writes what can still be written as it was shown.
    fn compared(&self, wave: Vec<Call>) -> BoxFuture<'_, ()> {
        self.compare_and_send(wave).boxed()
    }

    async fn compare_and_send(&self, wave: Vec<Call>) {
        if self.is_over() || wave.is_empty() {
            return;
        }
        let places: Vec<u32> = wave.iter().flat_map(Call::changes).copied().collect();
        let record = |place: &u32| self.changes[*place as usize].record.clone();
        let records: HashSet<Record> = places.iter().map(record).collect();
        let now = match records_now(self.writer.fresh(), &records).boxed().await {
            Ok(now) => now,
            Err(error) => {
                self.forbearance.note(Some(&error));
                return (self.done)(&places, ChangeOutcome::Failed(error.to_string()));
            }
        };
        let mut fresh = Fresh::new();
        for place in places {
            let change = &self.changes[place as usize];
            match settle(&change.edit, now.get(&change.record)) {
                Settled::Write(edit) => drop(fresh.insert(place, edit)),
                Settled::Moved(found) => (self.done)(&[place], ChangeOutcome::Skipped(found)),
            }
        }
        let left = |call: Call| call.only(|place| fresh.contains_key(&place));
        self.send_all(wave.into_iter().filter_map(left).collect(), &fresh).await;
    }

    /// The first batch of each route goes alone: the others wait until it is seen to reach its records only.
    async fn send_all(&self, calls: Vec<Call>, fresh: &Fresh) {
        let mut first = HashSet::new();
        let (alone, others): (Vec<Call>, Vec<Call>) = calls.into_iter().partition(|call| match call {
            Call::Set { value, .. } => first.insert(std::mem::discriminant(value)),
            Call::Patch { .. } => false,
        });
        for call in alone {
            self.one(call, fresh).await;
        }
        let parallel = self.parallel.max(1);
        futures::stream::iter(others).for_each_concurrent(parallel, |call| self.one(call, fresh)).await;
    }

    /// Boxed, because a call that fails becomes smaller calls.
    fn one<'b>(&'b self, call: Call, fresh: &'b Fresh) -> BoxFuture<'b, ()> {
        Box::pin(async move {
            if self.is_over() {
                return;
            }
            let sent = self.send(&call, fresh).await;
            match &sent {
                Ok(()) | Err(WriteError::NoBatch) => self.forbearance.note(None),
                Err(WriteError::Call(error)) => self.forbearance.note(Some(error)),
                Err(WriteError::FilterIgnored { .. }) => (),
            }
            match sent {
                Ok(()) => (self.done)(call.changes(), ChangeOutcome::Applied),
                Err(WriteError::NoBatch) => {
                    let singles = futures::stream::iter(call.one_by_one());
                    singles.for_each_concurrent(self.parallel.max(1), |call| self.one(call, fresh)).await;
                }
                Err(error @ WriteError::FilterIgnored { .. }) => {
                    // Its own records hold the value; the others are none of this plan.
                    self.forbearance.remark(error.to_string());
                    (self.done)(call.changes(), ChangeOutcome::Applied);
                }
                // Nothing was tried: the change is another's to make.
                Err(WriteError::Call(CallError { kind: Kind::LeaseLost, .. })) => (),
                Err(WriteError::Call(error)) => match call.narrowed().filter(|_| is_about_records(&error)) {
                    // Both halves at once: the sound one tells the circuit breaker that the host is there.
                    Some([left, right]) => {
                        tokio::join!(self.one(left, fresh), self.one(right, fresh));
                    }
                    None => (self.done)(call.changes(), ChangeOutcome::Failed(error.to_string())),
                },
            }
        })
    }

    async fn send(&self, call: &Call, fresh: &Fresh) -> Result<(), WriteError> {
        match call {
            Call::Set { value, changes } => {
                let ids: Vec<&RecordId> =
                    changes.iter().map(|&place| self.changes[place as usize].record.id()).collect();
                self.writer.set(*value, &ids, self.outside).await
            }
            Call::Patch { changes } => {
                let record = &self.changes[changes[0] as usize].record;
                let edit = |place: &u32| fresh.get(place).unwrap_or(&self.changes[*place as usize].edit);
                Ok(self.writer.patch(record, changes.iter().map(edit)).await?)
            }
        }
    }
}

/// Calls in groups of at most so many records, each group with one call at least.
fn waves(calls: Vec<Call>, most: usize) -> Vec<Vec<Call>> {
    let mut waves: Vec<Vec<Call>> = Vec::new();
    let mut room = 0;
    for call in calls {
        let size = call.changes().len();
        match waves.last_mut() {
            Some(wave) if size <= room => {
                room -= size;
                wave.push(call);
            }
            _ => {
                room = most.saturating_sub(size);
                waves.push(vec![call]);
            }
        }
    }
    waves
}

/// Whether fewer records in the call could help. A host that is away is found out soon: the circuit breaker opens.
fn is_about_records(error: &CallError) -> bool {
    match error.kind {
        Kind::Rejected { .. }
        | Kind::Failing { .. }
        | Kind::Unreachable { .. }
        | Kind::Malformed { .. }
        | Kind::Page { .. } => true,
        Kind::Unauthorized { .. }
        | Kind::RateLimited { .. }
        | Kind::Untrusted { .. }
        | Kind::CircuitOpen
        | Kind::QuotaExhausted
        | Kind::Busy
        | Kind::LeaseLost
        | Kind::Stopped { .. } => false,
    }
}
