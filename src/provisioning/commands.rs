//! Carrying commands out, one shell for all of them: record, lock, converge, record the end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gateway_core::provisioning::{ActivationResult, Command, Done, LockOn};
use gateway_core::{ClientRecord, System};
use jiff::Timestamp;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;
use tracing::Instrument;
use uuid::Uuid;

use super::converge::Convergence;
use super::failure::Failure;
use super::power::Powers;
use crate::ozmap::Ozmap;
use crate::store::{ActivationEnd, LockError, LockGuard, Locks, NewActivation, Store};

/// Longest work on one command; with the time in line before it, shorter than a lock lives.
const LONGEST: Duration = Duration::from_secs(120);

/// Who asks, and how long the request may wait.
#[derive(Debug, Clone)]
pub struct RequestOrigin {
    /// The key's name, the caller's address and the request's id.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// How long it may wait in line; what has begun by then is finished, what has not is not begun any more.
    pub patience: Duration,
    /// The stored operation that is carried out, if it is one; it gives way to what was requested later and is done already.
    pub operation: Option<Uuid>,
}

/// Carries out commands of one tenant; clones are the same.
#[derive(Clone)]
pub(super) struct Commands {
    deps: Arc<CommandDeps>,
    under_way: TaskTracker,
}

/// What a tenant's commands are carried out with.
pub(super) struct CommandDeps {
    /// The tenant's name in the store.
    pub(super) tenant: String,
    /// Where clients are connected.
    pub(super) ozmap: Ozmap,
    /// Where every command is recorded.
    pub(super) store: Store,
    /// One at a time for one client and one splitter.
    pub(super) locks: Arc<Locks>,
    /// What is known of a client's calculated power is old once it is connected elsewhere.
    pub(super) powers: Arc<Powers>,
}

impl Commands {
    /// Nothing is done yet.
    pub(super) fn new(deps: CommandDeps) -> Commands {
        Commands { deps: Arc::new(deps), under_way: TaskTracker::new() }
    }

    /// Carries a command out in a task of its own: a caller that gives up does not leave half an activation.
    pub(super) fn begin(&self, command: Command, origin: RequestOrigin) -> JoinHandle<Result<Done, Failure>> {
        let deps = Arc::clone(&self.deps);
        let work = async move { deps.recorded(&command, &origin).await };
        self.under_way.spawn(work.in_current_span())
    }

    /// Waits until every command has written its end.
    pub(super) async fn finished(&self) {
        self.under_way.close();
        self.under_way.wait().await;
    }
}

impl CommandDeps {
    /// One row in the store for each command, written before OZmap is asked for anything.
    async fn recorded(&self, command: &Command, origin: &RequestOrigin) -> Result<Done, Failure> {
        let id = Uuid::now_v7();
        let tried_before = match origin.operation {
            Some(operation) => self.store.was_tried(operation).await?,
            None => false,
        };
        let begun = NewActivation {
            id,
            tenant: &self.tenant,
            command,
            requested_at: origin.at,
            requested_by: &origin.by,
            operation: origin.operation,
        };
        self.store.begin_activation(begun).await?;
        let mut guards = Vec::new();
        let mut convergence = Convergence::new(&self.ozmap, command, tried_before);
        let result = self.alone(command, origin, &mut guards, &mut convergence).await;
        if convergence.has_written() {
            self.powers.forget(command.code()).await;
        }
        self.end(id, command, &result, convergence).await;
        // Only now, so that whoever comes next sees what was done.
        for guard in guards.into_iter().rev() {
            self.locks.release(guard).await;
        }
        result
    }

    /// Serialised with everything else that concerns the same client or splitter; what is locked stays in `guards`.
    async fn alone(
        &self,
        command: &Command,
        origin: &RequestOrigin,
        guards: &mut Vec<LockGuard>,
        convergence: &mut Convergence<'_>,
    ) -> Result<Done, Failure> {
        // Afterwards the caller may have chosen otherwise.
        let until = Instant::now() + origin.patience;
        // Where the splitter stands does not change while one waits in line.
        convergence.look_at_site().await?;
        for lock in command.locks() {
            guards.push(self.lock(lock, until).await?);
            if let LockOn::Client(code) = lock
                && origin.operation.is_some()
                && self.store.activated_since(&self.tenant, code.as_str(), origin.at).await?
            {
                return Err(Failure::Superseded);
            }
        }
        let work = tokio::time::timeout(LONGEST, convergence.run());
        work.await.unwrap_or(Err(Failure::Late(System::Ozmap)))
    }

    async fn lock(&self, lock: LockOn<'_>, until: Instant) -> Result<LockGuard, LockError> {
        let (kind, key) = match lock {
            LockOn::Client(code) => ("client", code.as_str()),
            LockOn::Splitter(id) => ("splitter", id.as_str()),
        };
        self.locks.lock_until(kind, key, until).await
    }

    async fn end(
        &self,
        id: Uuid,
        command: &Command,
        result: &Result<Done, Failure>,
        convergence: Convergence<'_>,
    ) {
        let (before, seen) = convergence.seen();
        let end = ended(result, before, seen);
        let (code, outcome) = (command.code(), end.result.name());
        match result {
            Ok(_) => tracing::info!(%code, outcome, "activation"),
            Err(failure) => {
                tracing::warn!(%code, error = failure.code().name(), %failure, "activation")
            }
        }
        metrics::counter!("gateway_activations_total", "tenant" => self.tenant.clone(), "result" => outcome)
            .increment(1);
        if let Err(error) = self.store.end_activation(id, Timestamp::now(), end).await {
            tracing::error!(activation = %id, %error, "the end of an activation could not be recorded");
        }
    }
}

/// What is remembered of a command; what was half done, too.
fn ended(
    result: &Result<Done, Failure>,
    before: Option<ClientRecord>,
    seen: Option<ClientRecord>,
) -> ActivationEnd {
    match result {
        Ok(done) => ActivationEnd {
            result: done.outcome.into(),
            before,
            after: Some(done.record.clone()),
            error: None,
        },
        Err(failure) => ActivationEnd {
            result: if failure.is_transient() { ActivationResult::Failed } else { ActivationResult::Refused },
            after: seen.filter(|seen| before.as_ref() != Some(seen)),
            before,
            error: Some(format!("{}: {failure}", failure.code().name())),
        },
    }
}
