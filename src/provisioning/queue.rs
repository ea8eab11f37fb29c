//! Promised activations (202): stored before the answer, carried out with growing pauses until they succeed or are refused.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use gateway_core::provisioning::{ConnectRequest, Intent};
use gateway_core::{ClientRecord, PortNumber};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use url::Url;
use uuid::Uuid;

use super::Failure;
use super::activation::{Activations, Done, RequestOrigin};
use super::callback::Callbacks;
use crate::store::{self, Locks, NewOperation, OperationRow, Store};

/// How often the store is looked at, for operations of another replica and for pauses that end.
const LOOK: Duration = Duration::from_secs(1);
/// The pauses between two tries grow from here…
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// …to here.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// OperationQueue under way at once.
const PARALLEL: usize = 8;
/// OperationQueue of one look.
const ROWS: u32 = 64;
/// How long an operation waits in line before it is tried later.
const PATIENCE: Duration = Duration::from_secs(30);

/// What an operation's caller would have been answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum OperationAnswer {
    /// It was done.
    Done {
        /// `created`, `updated` or `unchanged`.
        outcome: String,
        /// The client as OZmap held him afterwards.
        record: Box<ClientRecord>,
        /// When.
        as_of: Timestamp,
    },
    /// It may not be done.
    Refused {
        /// The stable code.
        code: String,
        /// The sentence.
        detail: String,
        /// Ports that could be asked for instead.
        free_ports: Option<Vec<PortNumber>>,
    },
    /// A later request for the same client was carried out before.
    Superseded,
}

impl OperationAnswer {
    fn state(&self) -> &'static str {
        match self {
            OperationAnswer::Done { .. } => "succeeded",
            OperationAnswer::Refused { .. } => "refused",
            OperationAnswer::Superseded => "superseded",
        }
    }

    fn of(result: Result<Done, Failure>) -> Result<OperationAnswer, Failure> {
        match result {
            Ok(Done { outcome, record, as_of }) => Ok(OperationAnswer::Done {
                outcome: outcome.name().to_owned(),
                record: Box::new(record),
                as_of,
            }),
            Err(Failure::Superseded) => Ok(OperationAnswer::Superseded),
            Err(failure) if failure.is_transient() => Err(failure),
            Err(failure) => Ok(OperationAnswer::Refused {
                code: failure.code().to_string(),
                detail: failure.to_string(),
                free_ports: failure.free_ports().map(<[PortNumber]>::to_vec),
            }),
        }
    }
}

/// A tenant's promises; clones are the same.
#[derive(Clone)]
pub struct OperationQueue {
    parts: Arc<QueueDeps>,
}

struct QueueDeps {
    tenant: String,
    store: Store,
    locks: Arc<Locks>,
    activations: Activations,
    callbacks: Callbacks,
    wake: Notify,
}

impl OperationQueue {
    /// Nothing is carried out before [`OperationQueue::run_worker`].
    pub fn new(
        tenant: String,
        store: Store,
        locks: Arc<Locks>,
        activations: Activations,
        callbacks: Callbacks,
    ) -> OperationQueue {
        let wake = Notify::new();
        OperationQueue { parts: Arc::new(QueueDeps { tenant, store, locks, activations, callbacks, wake }) }
    }

    /// Writes a promise down; only then may it be given.
    ///
    /// # Errors
    /// [`store::StoreError`].
    pub async fn enqueue(
        &self,
        intent: Intent,
        request: &ConnectRequest,
        asked_by: &str,
        callback: Option<&Url>,
    ) -> Result<Uuid, store::StoreError> {
        let (id, parts) = (Uuid::now_v7(), &self.parts);
        let operation = NewOperation {
            id,
            tenant: &parts.tenant,
            code: request.code.as_str(),
            kind: if intent == Intent::Activate { "activate" } else { "create" },
            request: serde_json::to_string(request).unwrap_or_default(),
            asked_by,
            callback_url: callback.map(Url::as_str),
            created_at: Timestamp::now(),
        };
        parts.store.enqueue_operation(operation).await?;
        parts.wake.notify_one();
        Ok(id)
    }

    /// Carries promises out until `stop`; those of an earlier process, too. One that hangs holds up no other client's.
    pub async fn run_worker(self, stop: CancellationToken) {
        let (mut under_way, mut ids) = (JoinSet::new(), HashSet::new());
        while !stop.is_cancelled() {
            for operation in self.due().await {
                if under_way.len() < PARALLEL && ids.insert(operation.id.clone()) {
                    let parts = Arc::clone(&self.parts);
                    under_way.spawn(async move {
                        parts.carry_out(&operation).await;
                        operation.id
                    });
                }
            }
            tokio::select! {
                () = stop.cancelled() => (),
                () = self.parts.wake.notified() => (),
                () = tokio::time::sleep(LOOK) => (),
                Some(done) = under_way.join_next() => {
                    // A task that panicked does not say which it was: it is tried again after a restart.
                    done.map(|id| ids.remove(&id)).unwrap_or_default();
                }
            }
        }
        while under_way.join_next().await.is_some() {}
    }

    async fn due(&self) -> Vec<OperationRow> {
        let due = self.parts.store.due_operations(&self.parts.tenant, Timestamp::now(), ROWS).await;
        due.unwrap_or_else(|error| {
            tracing::warn!(tenant = self.parts.tenant, %error, "promised activations cannot be looked up");
            Vec::new()
        })
    }
}

impl QueueDeps {
    async fn carry_out(&self, operation: &OperationRow) {
        // Another replica may be at it.
        let lock = match self.locks.lock("operation", &operation.id).await {
            Ok(lock) => lock,
            Err(error) => {
                tracing::debug!(operation = operation.id, %error, "a promised activation is in other hands");
                return;
            }
        };
        if let Err(error) = self.try_once(operation).await {
            tracing::error!(tenant = self.tenant, operation = operation.id, %error, "a promised activation cannot be recorded");
            // It is found again at once: a database that does not write would be asked without a pause.
            tokio::time::sleep(LOOK).await;
        }
        self.locks.release(lock).await;
    }

    async fn try_once(&self, operation: &OperationRow) -> Result<(), store::StoreError> {
        let id: Uuid = operation.id.parse().unwrap_or_default();
        let still = self.store.operation(&self.tenant, id).await?;
        // Another replica may have ended it, or tried it and put it off.
        if still.is_none_or(|still| still.state != "pending" || still.attempts != operation.attempts) {
            return Ok(());
        }
        let answer = match self.answer(operation, id).await? {
            Ok(answer) => answer,
            Err(failure) => {
                let next_at = Timestamp::now() + pause_after(operation.attempts);
                tracing::warn!(tenant = self.tenant, operation = operation.id, %failure, "a promised activation will be tried again");
                return self.store.postpone_operation(&operation.id, next_at, &failure.to_string()).await;
            }
        };
        let text = serde_json::to_string(&answer).unwrap_or_default();
        self.store.end_operation(&operation.id, answer.state(), &text, Timestamp::now()).await?;
        if let Some(url) = &operation.callback_url {
            self.callbacks.tell(url, id, &operation.code, answer.state());
        }
        Ok(())
    }

    async fn answer(
        &self,
        operation: &OperationRow,
        id: Uuid,
    ) -> Result<Result<OperationAnswer, Failure>, store::StoreError> {
        let created_at: Timestamp = operation.created_at.parse().unwrap_or_default();
        let Ok(request) = serde_json::from_str::<ConnectRequest>(&operation.request) else {
            let detail = "the stored request cannot be read by this version of the gateway".to_owned();
            return Ok(Ok(OperationAnswer::Refused {
                code: "internal".to_owned(),
                detail,
                free_ports: None,
            }));
        };
        let intent = match operation.kind.as_str() {
            "activate" => Intent::Activate,
            // A try that was cut off may have created the client.
            _ if self.store.was_tried(id).await? => Intent::CreateAgain,
            _ => Intent::Create,
        };
        let origin = RequestOrigin {
            by: operation.asked_by.clone(),
            at: created_at,
            patience: PATIENCE,
            operation: Some(id),
        };
        let result = self.activations.begin(intent, request, origin).await;
        Ok(OperationAnswer::of(result.unwrap_or(Err(Failure::Stopping))))
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
