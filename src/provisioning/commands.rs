//! Carrying commands out, one shell for all of them: record, lock, converge, record the end.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backon::{ConstantBuilder, Retryable};
use gateway_core::provisioning::{ActivationResult, Command, Done, LockOn};
use gateway_core::{ClientCode, ClientRecord, System};
use jiff::Timestamp;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;
use uuid::Uuid;

use super::converge::Convergence;
use super::failure::Failure;
use super::foreseen::Foreseen;
use super::power::Powers;
use crate::ozmap::Ozmap;
use crate::store::{
    ActivationEnd, LockError, LockGuard, Locks, NewActivation, PlaceInLine, Since, Store, Turn,
};
use crate::upstream::Leash;

/// Longest work on one command; with the time in line before it, shorter than a lock lives.
const LONGEST: Duration = Duration::from_secs(120);

/// How often an activation that is under way says so; several times before it counts as cut off.
const SIGN_OF_LIFE: Duration = Duration::from_secs(4);
/// How long the end of an activation is waited for where the database is away…
const RECORD_WITHIN: Duration = Duration::from_secs(5);
/// …how often it is tried again…
const RECORD_AGAIN: Duration = Duration::from_millis(500);
/// …and how many times afterwards, each of which may wait for a connection.
const RECORD_TIMES: usize = 1_000;

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
    pub operation: Option<Promise>,
    /// Tells whether it has begun, and lets it be given up before.
    pub turn: Arc<Turn>,
}

/// A stored operation, as far as its carrying out has to know.
#[derive(Debug, Clone, Copy)]
pub struct Promise {
    /// Its name.
    pub id: Uuid,
    /// Its place among the tenant's requests.
    pub number: i64,
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
    /// What was looked up for several stored requests together.
    pub(super) foreseen: Foreseen,
    /// Cancelled when whoever still stands in line is to be told that the gateway stops.
    pub(super) cut: CancellationToken,
}

/// A lock that is held, and the place in its line.
struct HeldLock {
    lock: LockGuard,
    _place: Arc<PlaceInLine>,
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

    /// Looks up together what commands that are about to begin will need, in the background; each can do without.
    pub(super) fn foresee(&self, codes: Vec<ClientCode>) {
        let deps = Arc::clone(&self.deps);
        let look = async move { deps.foreseen.look(&deps.ozmap, &codes).await };
        self.under_way.spawn(look.in_current_span());
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
            Some(operation) => self.store.was_tried(operation.id).await?,
            None => false,
        };
        let begun = NewActivation {
            id,
            tenant: &self.tenant,
            command,
            requested_at: origin.at,
            requested_by: &origin.by,
            operation: origin.operation.map(|operation| operation.id),
            number: origin.operation.map(|operation| operation.number),
        };
        self.store.begin_activation(begun).await?;
        let mut guards = Vec::new();
        let leash = Leash::default();
        let ozmap = self.ozmap.on_leash(leash.clone());
        let mut convergence = Convergence::new(&ozmap, command, tried_before);
        let work = self.alone(command, origin, (&mut guards, &leash), &mut convergence);
        let result = tokio::select! {
            result = work => result,
            never = self.show_life(id) => match never {},
        };
        if convergence.has_written() {
            self.powers.forget(command.code()).await;
        }
        self.end(id, command, &result, convergence).await;
        // Only now, so that whoever comes next sees what was done.
        for HeldLock { lock, _place } in guards.into_iter().rev() {
            self.locks.release(lock).await;
        }
        result
    }

    /// Serialised with everything else that concerns the same client or splitter; what is locked stays in `guards`.
    async fn alone(
        &self,
        command: &Command,
        origin: &RequestOrigin,
        (guards, leash): (&mut Vec<HeldLock>, &Leash),
        convergence: &mut Convergence<'_>,
    ) -> Result<Done, Failure> {
        // Afterwards the caller may have chosen otherwise.
        let until = Instant::now() + origin.patience;
        // OZmap need not be there for a request that came too late.
        self.give_way(command, origin).await?;
        self.look_at_site(command, origin, convergence).await?;
        for lock in command.locks() {
            let held = self.lock(lock, until, &origin.turn).await?;
            leash.fasten(held.lock.hold().proof());
            guards.push(held);
            if matches!(lock, LockOn::Client(_)) {
                self.give_way(command, origin).await?;
            }
        }
        if !origin.turn.begins() {
            return Err(Failure::Busy { kind: "client", before: 1 });
        }
        let work = tokio::time::timeout(LONGEST, convergence.run());
        work.await.unwrap_or(Err(Failure::Late(System::Ozmap)))
    }

    /// # Errors
    /// [`Failure::Superseded`] if what is carried out is stored, and something later was done for the client.
    async fn give_way(&self, command: &Command, origin: &RequestOrigin) -> Result<(), Failure> {
        let Some(Promise { number, .. }) = origin.operation else { return Ok(()) };
        let since = Since { number, asked_at: origin.at };
        match self.store.activated_since(&self.tenant, command.code().as_str(), since).await? {
            true => Err(Failure::Superseded),
            false => Ok(()),
        }
    }

    /// Where the splitter stands does not change while one waits in line. Many stored requests are for one splitter, and nobody
    /// waits for them: they share a look.
    async fn look_at_site(
        &self,
        command: &Command,
        origin: &RequestOrigin,
        convergence: &mut Convergence<'_>,
    ) -> Result<(), Failure> {
        if origin.operation.is_none() {
            return convergence.look_at_site().await;
        }
        if let Some(listed) = self.foreseen.take_listed(command.code()).await {
            convergence.know_listed(listed);
        }
        let Some(splitter) = command.splitter() else { return Ok(()) };
        if let Some(site) = self.foreseen.site(splitter).await {
            convergence.know_site(site);
            return Ok(());
        }
        convergence.look_at_site().await?;
        if let Some(site) = convergence.site() {
            self.foreseen.keep_site(splitter, site).await;
        }
        Ok(())
    }

    /// Says again and again that an activation is under way.
    async fn show_life(&self, id: Uuid) -> Infallible {
        loop {
            tokio::time::sleep(SIGN_OF_LIFE).await;
            if let Err(error) = self.store.keep_activation(id).await {
                tracing::warn!(activation = %id, %error, "that an activation is under way cannot be recorded");
            }
        }
    }

    /// Stands in line for a lock, until this moment or the gateway's end.
    async fn lock(&self, lock: LockOn<'_>, until: Instant, turn: &Turn) -> Result<HeldLock, Failure> {
        let (kind, key) = match lock {
            LockOn::Client(code) => ("client", code.as_str().to_owned()),
            LockOn::Splitter(id) => ("splitter", id.as_str().to_owned()),
        };
        let place = self.locks.join_line(kind, &key);
        turn.joins(kind, &place);
        let locks = Arc::clone(&self.locks);
        // In a task of its own: half a lock would be nobody's to give back.
        let mut taken =
            tokio::spawn(async move { locks.lock_until(kind, &key, until).await }.in_current_span());
        let taken = tokio::select! {
            taken = &mut taken => taken.unwrap_or(Err(LockError::InUse(kind))),
            () = self.cut.cancelled() => {
                let locks = Arc::clone(&self.locks);
                tokio::spawn(async move {
                    if let Ok(Ok(lock)) = taken.await {
                        locks.release(lock).await;
                    }
                });
                return Err(Failure::Stopping);
            }
        };
        match taken {
            Ok(lock) => Ok(HeldLock { lock, _place: place }),
            Err(LockError::InUse(kind)) => Err(Failure::Busy { kind, before: place.before().max(1) }),
            Err(error @ LockError::Store(_)) => Err(error.into()),
        }
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
        self.record_end(id, end).await;
    }

    /// A database that is away for a moment is waited for; one that is away for longer is told when it is back.
    async fn record_end(&self, id: Uuid, end: ActivationEnd) {
        let (store, at) = (self.store.clone(), Timestamp::now());
        let write = move || {
            let (store, end) = (store.clone(), end.clone());
            async move { store.end_activation(id, at, end).await }
        };
        let pauses = ConstantBuilder::default().with_delay(RECORD_AGAIN).with_jitter();
        let soon = write.clone().retry(pauses.without_max_times());
        if matches!(tokio::time::timeout(RECORD_WITHIN, soon).await, Ok(Ok(()))) {
            return;
        }
        tracing::error!(activation = %id, "the end of an activation cannot be recorded now; it will be tried again");
        tokio::spawn(async move {
            if let Err(error) = write.retry(pauses.with_max_times(RECORD_TIMES)).await {
                tracing::error!(activation = %id, %error, "the end of an activation could not be recorded");
            }
        });
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
