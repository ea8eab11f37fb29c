//! The queue of accepted requests (202): stored before the answer, carried out with growing pauses until they succeed or are
//! refused.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBuilder};
use gateway_core::PortNumber;
use gateway_core::provisioning::{Command, Done, OperationAnswer, OperationState};
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error_span};
use url::Url;
use uuid::Uuid;

use super::commands::{Commands, RequestOrigin};
use super::failure::Failure;
use crate::store::{Locks, NewOperation, NotUnderstood, Operation, Store, StoreError};

/// How often the store is looked at, for operations of another replica and for pauses that end.
const LOOK: Duration = Duration::from_secs(1);
/// The pauses between two tries grow from here…
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// …to here.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Operations under way at once.
const PARALLEL: usize = 8;
/// Operations of one look.
const ROWS: u32 = 64;
/// How long an operation waits in line before it is tried later.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often operations that are not understood are counted and logged anew: another replica may have done them.
const REVIEW: Duration = Duration::from_secs(60);

/// A tenant's queue; clones are the same.
#[derive(Clone)]
pub(super) struct OperationQueue {
    deps: Arc<QueueDeps>,
}

struct QueueDeps {
    tenant: String,
    store: Store,
    locks: Arc<Locks>,
    commands: Commands,
    wake: Notify,
}

impl OperationQueue {
    /// Nothing is carried out before [`OperationQueue::run_worker`].
    pub(super) fn new(
        tenant: String,
        store: Store,
        locks: Arc<Locks>,
        commands: Commands,
    ) -> OperationQueue {
        let wake = Notify::new();
        OperationQueue { deps: Arc::new(QueueDeps { tenant, store, locks, commands, wake }) }
    }

    /// Stores a command; only then may it be acknowledged.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) async fn enqueue(
        &self,
        command: &Command,
        requested_by: &str,
        callback: Option<&Url>,
    ) -> Result<Uuid, StoreError> {
        let (id, deps) = (Uuid::now_v7(), &self.deps);
        let operation = NewOperation {
            id,
            tenant: &deps.tenant,
            command,
            requested_by,
            callback_url: callback.map(Url::as_str),
            created_at: Timestamp::now(),
        };
        deps.store.enqueue_operation(operation).await?;
        deps.wake.notify_one();
        Ok(id)
    }

    /// Carries operations out until `stop`; those of an earlier process, too. One that hangs holds up no other client's.
    pub(super) async fn run_worker(self, stop: CancellationToken) {
        let (mut under_way, mut ids) = (JoinSet::new(), HashSet::new());
        let mut foreign = Foreign::new(self.deps.tenant.clone());
        while !stop.is_cancelled() {
            for (operation, command) in self.due(&mut foreign).await {
                if under_way.len() < PARALLEL && ids.insert(operation.id) {
                    let deps = Arc::clone(&self.deps);
                    let span = error_span!("operation", tenant = deps.tenant, operation = %operation.id);
                    let work = async move {
                        deps.carry_out(&operation, command).await;
                        operation.id
                    };
                    under_way.spawn(work.instrument(span));
                }
            }
            tokio::select! {
                () = stop.cancelled() => (),
                () = self.deps.wake.notified() => (),
                () = tokio::time::sleep(LOOK) => (),
                Some(done) = under_way.join_next() => {
                    // A task that panicked does not say which it was: it is tried again after a restart.
                    done.map(|id| ids.remove(&id)).unwrap_or_default();
                }
            }
        }
        while under_way.join_next().await.is_some() {}
    }

    /// Operations whose time has come, and that this release understands.
    async fn due(&self, foreign: &mut Foreign) -> Vec<(Operation, Command)> {
        let QueueDeps { tenant, store, .. } = &*self.deps;
        foreign.review();
        loop {
            let due = match store.due_operations(tenant, Timestamp::now(), &foreign.keys, ROWS).await {
                Ok(due) => due,
                Err(error) => {
                    tracing::warn!(%error, "accepted requests cannot be looked up");
                    return Vec::new();
                }
            };
            let before = foreign.keys.len();
            let understood: Vec<_> =
                due.into_iter().filter_map(|operation| foreign.sort(operation)).collect();
            // Those that are not understood may have hidden others.
            if foreign.keys.len() == before {
                foreign.count();
                return understood;
            }
        }
    }
}

/// Pending operations of another release: they stay pending, hold nobody up, and are counted and logged.
struct Foreign {
    tenant: String,
    keys: BTreeSet<String>,
    since: Instant,
}

impl Foreign {
    fn new(tenant: String) -> Foreign {
        Foreign { tenant, keys: BTreeSet::new(), since: Instant::now() }
    }

    /// Forgets them from time to time: whoever is still pending is found again.
    fn review(&mut self) {
        if self.since.elapsed() >= REVIEW {
            (self.keys, self.since) = (BTreeSet::new(), Instant::now());
        }
    }

    /// The command of an operation, or `None` if it is put aside.
    fn sort(&mut self, operation: Operation) -> Option<(Operation, Command)> {
        let why: NotUnderstood = match &operation.command {
            Ok(command) => {
                let command = command.clone();
                return Some((operation, command));
            }
            Err(why) => why.clone(),
        };
        let Operation { key, code, .. } = &operation;
        tracing::error!(operation = key, code, %why, "an accepted request is not understood: it stays pending until a release that knows it carries it out");
        self.keys.insert(operation.key);
        None
    }

    fn count(&self) {
        metrics::gauge!("gateway_operations_not_understood", "tenant" => self.tenant.clone())
            .set(self.keys.len() as f64);
    }
}

impl QueueDeps {
    async fn carry_out(&self, operation: &Operation, command: Command) {
        let id = operation.id;
        // Another replica may be at it.
        let guard = match self.locks.lock("operation", &id.to_string()).await {
            Ok(guard) => guard,
            Err(error) => {
                tracing::debug!(%error, "an accepted request is in other hands");
                return;
            }
        };
        if let Err(error) = self.try_once(operation, command).await {
            tracing::error!(%error, "what became of an accepted request cannot be recorded");
            // It is found again at once: a database that does not write would be asked without a pause.
            tokio::time::sleep(LOOK).await;
        }
        self.locks.release(guard).await;
    }

    async fn try_once(&self, operation: &Operation, command: Command) -> Result<(), StoreError> {
        let id = operation.id;
        let still = self.store.operation(&self.tenant, id).await?;
        // Another replica may have ended it, or tried it and put it off.
        let untouched = |still: Operation| {
            still.state == Ok(OperationState::Pending) && still.attempts == operation.attempts
        };
        if !still.is_some_and(untouched) {
            return Ok(());
        }
        let origin = RequestOrigin {
            by: operation.requested_by.clone(),
            at: operation.created_at,
            patience: PATIENCE,
            operation: Some(id),
        };
        let result = self.commands.begin(command, origin).await.unwrap_or(Err(Failure::Stopping));
        let answer = match answer_of(result) {
            Ok(answer) => answer,
            Err(failure) => {
                let next_at = Timestamp::now() + pause_after(operation.attempts);
                tracing::warn!(%failure, "an accepted request will be tried again");
                return self.store.postpone_operation(id, next_at, &failure.to_string()).await;
            }
        };
        self.store.end_operation(id, &answer, Timestamp::now()).await
    }
}

/// How an operation ends; the failure, if it is to be tried again.
fn answer_of(result: Result<Done, Failure>) -> Result<OperationAnswer, Failure> {
    match result {
        Ok(done) => Ok(OperationAnswer::Done(Box::new(done))),
        Err(Failure::Superseded) => Ok(OperationAnswer::Superseded),
        Err(failure) if failure.is_transient() => Err(failure),
        Err(failure) => Ok(OperationAnswer::Refused {
            code: failure.code(),
            detail: failure.to_string(),
            free_ports: failure.free_ports().map(<[PortNumber]>::to_vec),
        }),
    }
}

/// Grows with each try, and differs between operations so that they do not all come at once.
fn pause_after(attempts: i64) -> Duration {
    let pauses = ExponentialBuilder::default()
        .with_min_delay(FIRST_PAUSE)
        .with_max_delay(LONGEST_PAUSE)
        .without_max_times()
        .with_jitter();
    // Beyond that many the pause is the longest anyway.
    let tries = attempts.clamp(0, 20) as usize;
    pauses.build().nth(tries).unwrap_or(LONGEST_PAUSE)
}
