//! One tenant's runs: every way to start one enters here, and no two overlap.

use std::sync::Arc;

use gateway_core::sync::{Mode, Rails, RunState, Trigger};
use jiff::Timestamp;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, error_span};
use uuid::Uuid;

use super::deps::EngineDeps;
use super::lease::{self, LEASE};
use super::progress::{Observer, Progress};
use super::report::Report;
use super::run::Run;
use crate::int6;
use crate::store::{self, NewRun, RunEnd};

/// Starts a tenant's runs; clones are the same engine.
#[derive(Clone)]
pub struct Engine {
    pub(super) deps: Arc<EngineDeps>,
    pub(super) under_way: TaskTracker,
    /// INT6's readings for the clients that are synced one by one.
    pub(super) shared_readings: int6::SharedReadings,
}

impl Engine {
    /// An engine; it does nothing until it is asked.
    pub fn new(deps: EngineDeps) -> Engine {
        let shared_readings = int6::SharedReadings::new(deps.int6.clone());
        Engine { deps: Arc::new(deps), under_way: TaskTracker::new(), shared_readings }
    }

    /// Writes a run's row and lets the run begin; returns at once.
    ///
    /// # Errors
    /// [`store::StoreError`] if the row cannot be written.
    pub async fn start(&self, trigger: Trigger, mode: Mode, rails: Rails) -> Result<Uuid, store::StoreError> {
        let run = self.begin(trigger, mode, None).await?;
        let engine = self.clone();
        let observer: Observer = Arc::new(|_: Progress<'_>| ());
        let work = async move { engine.carry_out(run, mode, rails, &observer).await };
        self.under_way.spawn(work.in_current_span());
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
        let EngineDeps { tenant, store, process, .. } = &*self.deps;
        if let Some(holder) = store.lease_holder(tenant).await?
            && process.is_dead(&holder)
        {
            store.release_lease(tenant, &holder).await?;
        }
        let now = Timestamp::now();
        for run in store.running(tenant, now).await? {
            let is_late = !run.has_lease && run.started_at < now - LEASE;
            if is_late || process.is_dead(&run.holder) {
                tracing::warn!(run = run.id, "a run was cut off when its gateway ended");
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
        let EngineDeps { tenant, store, process, .. } = &*self.deps;
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
        let span = error_span!("run", tenant = self.deps.tenant, run = %id);
        self.under_lease(id, mode, rails, observer).instrument(span).await
    }

    async fn under_lease(&self, id: Uuid, mode: Mode, rails: Rails, observer: &Observer) -> Report {
        let EngineDeps { tenant, store, process, .. } = &*self.deps;
        let holder = process.holder(id);
        let report = match lease::take(&self.deps, &holder).await {
            Ok(None) => {
                // A replica that died elsewhere, and is not started again, has left its run under way.
                if let Err(error) = self.recover().await {
                    tracing::warn!(%error, "runs that were cut off could not be ended");
                }
                let stop = self.deps.stop.child_token();
                let heartbeat = lease::keep(store.clone(), tenant.clone(), holder.clone(), stop.clone());
                let heartbeat = tokio::spawn(heartbeat.in_current_span());
                let report = Run { deps: &self.deps, observer, stop: &stop }.run(id, mode, rails).await;
                heartbeat.abort();
                report
            }
            Ok(Some(other)) => Report::new(id).ended(RunState::Skipped, Some(other)),
            Err(error) => Report::new(id).ended(RunState::Failed, Some(error.to_string())),
        };
        self.end(&report).await;
        // After the row has its end: until then the lease says that the run is alive.
        if let Err(error) = store.release_lease(tenant, &holder).await {
            tracing::warn!(%error, "the lease could not be given back; it expires by itself");
        }
        report
    }

    pub(super) async fn end(&self, report: &Report) {
        let EngineDeps { tenant, store, .. } = &*self.deps;
        let Report { id, state, counts, calls, phases, halted_because, error, failures } = report.clone();
        match state {
            RunState::Failed => tracing::error!(error, "the run failed"),
            RunState::Halted => tracing::error!(halted_because, "the run was halted"),
            _ => tracing::info!(
                state = state.name(),
                matched = counts.matched,
                changed = counts.changed,
                failed = counts.failed,
                failures = failures.len(),
                "the run ended"
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
            tracing::error!(%error, "the end of the run could not be recorded");
        }
    }
}
