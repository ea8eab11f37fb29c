//! One try to carry an operation out, and what becomes of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ConstantBuilder, ExponentialBuilder, Retryable};
use gateway_core::PortNumber;
use gateway_core::provisioning::{Command, Done, OperationAnswer};
use jiff::Timestamp;
use tokio::sync::Notify;
use uuid::Uuid;

use super::hand::Hand;
use crate::provisioning::commands::{Commands, Promise, RequestOrigin};
use crate::provisioning::failure::Failure;
use crate::store::{Operation, Store, StoreError};

/// The pauses between two tries grow from here…
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// …to here.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Where it is not the operation that is at fault, but OZmap as a whole.
const LONGEST_PAUSE_IN_OUTAGE: Duration = Duration::from_secs(10);
/// The pause after another request was in the way.
const PAUSE_IN_LINE: Duration = Duration::from_millis(500);
/// How long an operation waits in line before it is tried later: meanwhile it takes a place.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often activations are looked for that were cut off.
const SWEEP: Duration = Duration::from_secs(5);
/// How often the end of an operation is tried to be recorded…
const RECORD_AGAIN: Duration = Duration::from_millis(500);
/// …and how many times; then it is carried out again, which finds it done.
const RECORD_TIMES: usize = 20;

/// What a tenant's operations are carried out with.
pub(super) struct QueueDeps {
    pub(super) tenant: String,
    pub(super) store: Store,
    pub(super) commands: Commands,
    /// Somebody has stored one.
    pub(super) wake: Notify,
}

/// What a try says of OZmap as a whole.
pub(super) struct TryOutcome {
    pub(super) begun: Instant,
    pub(super) concerns_all: bool,
}

impl QueueDeps {
    pub(super) async fn carry_out(&self, hand: &Hand, operation: &Operation, command: Command) -> TryOutcome {
        let begun = Instant::now();
        let concerns_all = match self.try_once(hand, operation, command).await {
            Ok(concerns_all) => concerns_all,
            Err(error) => {
                tracing::error!(%error, "what became of an accepted request cannot be recorded");
                false
            }
        };
        TryOutcome { begun, concerns_all }
    }

    /// Whether it failed for a reason that others would fail for as well.
    async fn try_once(
        &self,
        hand: &Hand,
        operation: &Operation,
        command: Command,
    ) -> Result<bool, StoreError> {
        let Operation { id, number, .. } = *operation;
        // This process may have been stopped for so long that another has it.
        if !self.store.has_claim(&hand.claimant, id).await? {
            return Ok(false);
        }
        let origin = RequestOrigin {
            by: operation.requested_by.clone(),
            at: operation.created_at,
            patience: PATIENCE,
            operation: Some(Promise { id, number }),
            turn: Arc::default(),
        };
        let result = self.commands.begin(command, origin).await.unwrap_or(Err(Failure::Stopping));
        match answer_of(result) {
            Ok(answer) => {
                self.end(hand, id, &answer).await?;
                Ok(false)
            }
            Err(failure) => {
                self.postpone(hand, operation, &failure).await?;
                Ok(failure.concerns_all())
            }
        }
    }

    /// Who is to be told is written with the end.
    async fn end(&self, hand: &Hand, id: Uuid, answer: &OperationAnswer) -> Result<(), StoreError> {
        let at = Timestamp::now();
        let write = || self.store.end_operation(&hand.claimant, id, answer, at);
        write.retry(again()).await.map(drop)
    }

    async fn postpone(
        &self,
        hand: &Hand,
        operation: &Operation,
        failure: &Failure,
    ) -> Result<(), StoreError> {
        let pause = match failure {
            Failure::Lock(_) | Failure::Busy { .. } => PAUSE_IN_LINE,
            failure if failure.concerns_all() => pause_after(operation.attempts).min(LONGEST_PAUSE_IN_OUTAGE),
            _ => pause_after(operation.attempts),
        };
        tracing::warn!(%failure, "an accepted request will be tried again");
        let (next_at, why) = (Timestamp::now() + pause, failure.to_string());
        let write = || self.store.postpone_operation(&hand.claimant, operation.id, pause, next_at, &why);
        write.retry(again()).await
    }

    /// Writes the end of activations whose process is gone.
    pub(super) async fn sweep(&self) {
        loop {
            match self.store.end_cut_off_activations(&self.tenant, Timestamp::now()).await {
                Ok(0) => (),
                Ok(ended) => {
                    tracing::warn!(ended, "activations were cut off, and have an end in the record now")
                }
                Err(error) => tracing::warn!(%error, "activations that were cut off cannot be looked up"),
            }
            tokio::time::sleep(SWEEP).await;
        }
    }
}

fn again() -> ConstantBuilder {
    ConstantBuilder::default().with_delay(RECORD_AGAIN).with_max_times(RECORD_TIMES)
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
