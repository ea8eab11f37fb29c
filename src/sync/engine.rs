//! One tenant's runs: every way to start one enters here, and no two overlap.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gateway_core::sync::{Calls, Grouping, Limits, Mode, Plan, Rails, RunState, Trigger, batch, plan};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::apply::Apply;
use super::recorder::Recorder;
use super::report::{Report, in_words};
use crate::int6;
use crate::ozmap::{Ozmap, Writer};
use crate::store::{self, Locks, NewRun, Process, RunEnd, Store};

/// A lease lives this long unless it is renewed, so that a machine that dies does not stop the sync for long.
const LEASE: Duration = Duration::from_secs(30);

/// What a tenant's engine needs.
pub struct EngineDeps {
    /// The tenant's name in the store.
    pub tenant: String,
    /// Runs, changes and leases.
    pub store: Store,
    /// One side.
    pub ozmap: Ozmap,
    /// The other.
    pub int6: int6::Api,
    /// Rails and options.
    pub limits: Limits,
    /// By value, or record by record.
    pub grouping: Grouping,
    /// Writes under way at once.
    pub parallel: usize,
    /// This process, in leases.
    pub process: Process,
    /// One at a time for one client.
    pub locks: Arc<Locks>,
    /// Cancelled when the gateway is to stop.
    pub stop: CancellationToken,
}

/// Starts a tenant's runs; clones are the same engine.
#[derive(Clone)]
pub struct Engine {
    pub(super) parts: Arc<EngineDeps>,
    pub(super) under_way: TaskTracker,
    /// INT6's readings for the clients that are synced one by one.
    pub(super) shared_readings: int6::SharedReadings,
}

/// What a run tells while it goes, for a progress bar.
pub enum Progress<'a> {
    /// Clients of OZmap so far.
    OzmapRead(u64),
    /// Rows of INT6 so far.
    Int6Read(u64),
    /// Both sides are compared.
    Planned(&'a Plan),
    /// Changes done so far, and of how many.
    Applied(usize, usize),
}

/// Listens to a run.
pub type Observer = Arc<dyn Fn(Progress<'_>) + Send + Sync>;

impl Engine {
    /// An engine; it does nothing until it is asked.
    pub fn new(parts: EngineDeps) -> Engine {
        let shared_readings = int6::SharedReadings::new(parts.int6.clone());
        Engine { parts: Arc::new(parts), under_way: TaskTracker::new(), shared_readings }
    }

    /// Writes a run's row and lets the run begin; returns at once.
    ///
    /// # Errors
    /// [`store::StoreError`] if the row cannot be written.
    pub async fn start(&self, trigger: Trigger, mode: Mode, rails: Rails) -> Result<Uuid, store::StoreError> {
        let run = self.begin(trigger, mode, None).await?;
        let engine = self.clone();
        self.under_way.spawn(async move {
            engine.carry_out(run, mode, rails, &(Arc::new(|_: Progress<'_>| ()) as Observer)).await;
        });
        Ok(run)
    }

    /// Writes a run's row and waits for the run's end.
    ///
    /// # Errors
    /// [`store::StoreError`] if the row cannot be written.
    pub async fn run(
        &self,
        trigger: Trigger,
        mode: Mode,
        rails: Rails,
        observer: &Observer,
    ) -> Result<Report, store::StoreError> {
        let run = self.begin(trigger, mode, None).await?;
        Ok(self.under_way.track_future(self.carry_out(run, mode, rails, observer)).await)
    }

    /// Waits until every run has written its end. Cancel the stop token first.
    pub async fn finished(&self) {
        self.under_way.close();
        self.under_way.wait().await;
    }

    /// Marks runs that a dead process left under way as failed. A run that has only just begun may not have its lease yet.
    ///
    /// # Errors
    /// [`store::StoreError`].
    pub async fn recover(&self) -> Result<(), store::StoreError> {
        let EngineDeps { tenant, store, process, .. } = &*self.parts;
        if let Some(holder) = store.lease_holder(tenant).await?
            && process.is_dead(&holder)
        {
            store.release_lease(tenant, &holder).await?;
        }
        let now = Timestamp::now();
        for run in store.running(tenant, now).await? {
            let is_late = !run.has_lease && run.started_at < now - LEASE;
            if is_late || process.is_dead(&run.holder) {
                tracing::warn!(%tenant, run = run.id, "a run was cut off when its gateway ended");
                store.cut_off_run(&run.id, now).await?;
            }
        }
        Ok(())
    }

    /// Writes the run's row. `holder` has the lease that says that the run is alive; `None` is the tenant's own.
    pub(super) async fn begin(
        &self,
        trigger: Trigger,
        mode: Mode,
        holder: Option<&str>,
    ) -> Result<Uuid, store::StoreError> {
        let EngineDeps { tenant, store, process, .. } = &*self.parts;
        loop {
            let id = Uuid::now_v7();
            let holder = holder.map_or_else(|| process.holder(id), str::to_owned);
            let tenant = tenant.clone();
            match store
                .begin_run(NewRun { id, tenant, trigger, mode, started_at: Timestamp::now(), holder })
                .await
            {
                // Another tenant's run began in this millisecond and drew the same number.
                Err(error) if error.is_taken() => (),
                result => return result.map(|()| id),
            }
        }
    }

    async fn carry_out(&self, id: Uuid, mode: Mode, rails: Rails, observer: &Observer) -> Report {
        let EngineDeps { tenant, store, process, .. } = &*self.parts;
        let holder = process.holder(id);
        let report = match self.take_lease(&holder).await {
            Ok(None) => {
                // A replica that died elsewhere, and is not started again, has left its run under way.
                if let Err(error) = self.recover().await {
                    tracing::warn!(%tenant, %error, "runs that were cut off could not be ended");
                }
                let stop = self.parts.stop.child_token();
                let heartbeat =
                    tokio::spawn(keep_lease(store.clone(), tenant.clone(), holder.clone(), stop.clone()));
                let report = Run { parts: &self.parts, observer, stop: &stop }.run(id, mode, rails).await;
                heartbeat.abort();
                report
            }
            Ok(Some(other)) => Report::new(id).ended(RunState::Skipped, Some(other)),
            Err(error) => Report::new(id).ended(RunState::Failed, Some(error.to_string())),
        };
        self.end(&report).await;
        // After the row has its end: until then the lease says that the run is alive.
        if let Err(error) = store.release_lease(tenant, &holder).await {
            tracing::warn!(%tenant, %error, "the lease could not be given back; it expires by itself");
        }
        report
    }

    /// `None` if the lease is ours now, else who has it.
    async fn take_lease(&self, holder: &str) -> Result<Option<String>, store::StoreError> {
        let EngineDeps { tenant, store, process, .. } = &*self.parts;
        for _ in 0..2 {
            match store.try_lease(tenant, holder, Timestamp::now(), LEASE).await? {
                store::LeaseOutcome::Taken => return Ok(None),
                store::LeaseOutcome::HeldBy { holder: other, .. } if process.is_dead(&other) => {
                    store.release_lease(tenant, &other).await?;
                }
                store::LeaseOutcome::HeldBy { .. } => break,
            }
        }
        Ok(Some("another run of this tenant is under way".to_owned()))
    }

    pub(super) async fn end(&self, report: &Report) {
        let EngineDeps { tenant, store, .. } = &*self.parts;
        let Report { id, state, counts, calls, phases, halted_because, error, failures } = report.clone();
        match state {
            RunState::Failed => tracing::error!(%tenant, run = %id, error, "the run failed"),
            RunState::Halted => tracing::error!(%tenant, run = %id, halted_because, "the run was halted"),
            _ => tracing::info!(
                %tenant, run = %id, state = state.name(), matched = counts.matched, changed = counts.changed,
                failed = counts.failed, failures = failures.len(), "the run ended"
            ),
        }
        metrics::counter!("gateway_sync_runs_total", "tenant" => tenant.clone(), "state" => state.name())
            .increment(1);
        for (result, clients) in [("changed", counts.changed), ("failed", counts.failed)] {
            metrics::counter!("gateway_sync_clients_total", "tenant" => tenant.clone(), "result" => result)
                .increment(clients);
        }
        if state == RunState::Finished {
            metrics::gauge!("gateway_sync_finished_timestamp_seconds", "tenant" => tenant.clone())
                .set(Timestamp::now().as_second() as f64);
        }
        let end =
            RunEnd { state, counts, calls, phases, halted_because, error, finished_at: Timestamp::now() };
        if let Err(error) = store.end_run(id, end).await {
            tracing::error!(%tenant, run = %id, %error, "the end of the run could not be recorded");
        }
    }
}

/// Renews the lease until it is aborted; a lease that is lost stops the run, because another may have begun.
async fn keep_lease(store: Store, tenant: String, holder: String, stop: CancellationToken) {
    let mut renewed = Instant::now();
    loop {
        tokio::time::sleep(LEASE / 3).await;
        let asked = Instant::now();
        // A database that has gone away may never answer; the lease runs out all the same.
        let left = LEASE.saturating_sub(renewed.elapsed());
        let renewal = store.renew_lease(&tenant, &holder, Timestamp::now(), LEASE);
        match tokio::time::timeout(left, renewal).await {
            Ok(Ok(true)) => renewed = asked,
            Ok(Err(error)) if renewed.elapsed() < LEASE => {
                tracing::warn!(%tenant, %error, "the lease was not renewed")
            }
            Ok(Ok(false) | Err(_)) | Err(_) => {
                tracing::error!(%tenant, "the lease is lost: the run stops");
                return stop.cancel();
            }
        }
    }
}

/// One run that holds the lease.
pub(super) struct Run<'a> {
    pub(super) parts: &'a EngineDeps,
    pub(super) observer: &'a Observer,
    pub(super) stop: &'a CancellationToken,
}

impl Run<'_> {
    async fn run(&self, id: Uuid, mode: Mode, rails: Rails) -> Report {
        let mut report = Report::new(id);
        match self.steps(&mut report, mode, rails).await {
            Ok(state) => report.ended(state, None),
            Err(error) => report.ended(RunState::Failed, Some(error)),
        }
    }

    async fn steps(&self, report: &mut Report, mode: Mode, rails: Rails) -> Result<RunState, String> {
        let plan = self.planned(report, rails).await?;
        let store = &self.parts.store;
        let interrupted = |error: store::StoreError| error.to_string();
        store.record_changes(report.id, &plan.changes).await.map_err(interrupted)?;
        store.record_findings(report.id, &plan.findings).await.map_err(interrupted)?;
        (self.observer)(Progress::Planned(&plan));
        report.counts = plan.counts;
        if let Some(halt) = plan.halt {
            report.halted_because = Some(in_words(halt));
            return Ok(RunState::Halted);
        }
        match mode {
            Mode::DryRun => Ok(RunState::Finished),
            Mode::Apply => self.apply(report, &plan, &self.parts.ozmap.writer()).await,
        }
    }

    async fn planned(&self, report: &mut Report, rails: Rails) -> Result<Plan, String> {
        let EngineDeps { ozmap, int6, limits, .. } = self.parts;
        let begun = Instant::now();
        let (reader, int6) = (ozmap.reader(), int6.with_own_counter());
        let both = async {
            tokio::try_join!(
                reader.clients(|n| (self.observer)(Progress::OzmapRead(n))),
                int6.readings(|n| (self.observer)(Progress::Int6Read(n))),
            )
        };
        let read = tokio::select! {
            read = both => read.map_err(|error| error.to_string()),
            () = self.stop.cancelled() => Err("interrupted while both sides were read; nothing was written".to_owned()),
        };
        report.calls = Calls { ozmap_reads: reader.calls(), int6_reads: int6.calls(), ozmap_writes: 0 };
        report.phases.read = Some(millis(begun));
        let (theirs, ours) = read?;

        let begun = Instant::now();
        let unreadable = [theirs.unreadable, ours.unreadable].concat();
        let limits = limits.clone();
        let planned =
            move || plan(theirs.clients, ours.readings, unreadable, &limits, rails, Timestamp::now());
        let plan = tokio::task::spawn_blocking(planned)
            .await
            .map_err(|_| "the plan could not be made".to_owned())?;
        report.phases.plan = Some(millis(begun));
        Ok(plan)
    }

    pub(super) async fn apply(
        &self,
        report: &mut Report,
        plan: &Plan,
        writer: &Writer,
    ) -> Result<RunState, String> {
        let begun = Instant::now();
        let calls = batch(&plan.changes, self.parts.grouping, |value| writer.lacks_batch(value));
        let recorder = Recorder::start(self.parts.store.clone(), report.id, plan.changes.len());
        let apply = Apply {
            writer,
            changes: &plan.changes,
            parallel: self.parts.parallel,
            stop: self.stop,
            done: |changes: &[u32], outcome| {
                let done = recorder.note(changes, outcome);
                (self.observer)(Progress::Applied(done, plan.changes.len()));
            },
        };
        apply.all(calls).await;
        let tally = recorder.finish(&plan.changes).await;
        report.calls.ozmap_reads += writer.reads();
        report.calls.ozmap_writes = writer.writes();
        report.phases.apply = Some(millis(begun));
        report.counts.changed = tally.changed;
        report.counts.failed = tally.failed;
        report.counts.unchanged = report.counts.matched - tally.changed - tally.failed;
        report.failures = tally.failures;
        match tally.left {
            0 => tally.unrecorded.map_or(Ok(RunState::Finished), Err),
            left => {
                let (all, done) = (plan.changes.len(), plan.changes.len() - left);
                Err(format!(
                    "interrupted after {done} of {all} changes; the next run goes on with the others"
                ))
            }
        }
    }
}

fn millis(since: Instant) -> u64 {
    since.elapsed().as_millis() as u64
}
