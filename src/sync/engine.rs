//! One tenant's runs: every way to start one enters here, and no two overlap.

use std::sync::Arc;

use gateway_core::sync::{Fields, Mode, Rails, RunKind, RunState, Trigger};
use jiff::Timestamp;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, error_span};
use uuid::Uuid;

use super::deps::EngineDeps;
use super::lease::{self, LEASE};
use super::order::{Order, PlanError, plan_order};
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
        let order = self.compared(mode, rails);
        let run = self.begin(trigger, order.mode(), None).await?;
        self.spawn(run, order);
        Ok(run)
    }

    /// Lets a run begin that applies what another has shown, whole or some of its fields; returns at once.
    ///
    /// # Errors
    /// [`PlanError`]; nothing is written then.
    pub async fn start_plan(
        &self,
        trigger: Trigger,
        plan: Uuid,
        fields: Option<Fields>,
    ) -> Result<Uuid, PlanError> {
        let (run, order) = self.begin_plan(trigger, plan, fields).await?;
        self.spawn(run, order);
        Ok(run)
    }

    /// The same, and waits for the run's end.
    ///
    /// # Errors
    /// [`PlanError`]; nothing is written then.
    pub async fn apply_plan(
        &self,
        trigger: Trigger,
        plan: Uuid,
        fields: Option<Fields>,
        observer: &Observer,
    ) -> Result<Report, PlanError> {
        let (run, order) = self.begin_plan(trigger, plan, fields).await?;
        Ok(self.under_way.track_future(self.carry_out(run, order, observer)).await)
    }

    fn spawn(&self, run: Uuid, order: Order) {
        let engine = self.clone();
        let observer: Observer = Arc::new(|_: Progress<'_>| ());
        let work = async move { engine.carry_out(run, order, &observer).await };
        self.under_way.spawn(work.in_current_span());
    }

    /// A tenant that is read only never gets another run than a dry one.
    fn compared(&self, mode: Mode, rails: Rails) -> Order {
        Order::Compare { mode: if self.deps.read_only { Mode::DryRun } else { mode }, rails }
    }

    async fn begin_plan(
        &self,
        trigger: Trigger,
        plan: Uuid,
        fields: Option<Fields>,
    ) -> Result<(Uuid, Order), PlanError> {
        let EngineDeps { tenant, store, process, .. } = &*self.deps;
        let order = plan_order(&self.deps, plan, fields, Timestamp::now()).await?;
        let id = Uuid::now_v7();
        let run = NewRun {
            id,
            tenant: tenant.clone(),
            trigger,
            mode: Mode::Apply,
            started_at: Timestamp::now(),
            holder: process.holder(id),
            plan: Some(plan),
        };
        if !store.begin_plan_run(plan, order.fields, run).await? {
            return Err(PlanError::Applied(order.fields));
        }
        Ok((id, Order::Plan(order)))
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
        let order = self.compared(mode, rails);
        let run = self.begin(trigger, order.mode(), None).await?;
        Ok(self.under_way.track_future(self.carry_out(run, order, observer)).await)
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
                .begin_run(NewRun {
                    id,
                    tenant,
                    trigger,
                    mode,
                    started_at: Timestamp::now(),
                    holder,
                    plan: None,
                })
                .await
            {
                // Another tenant's run began in this millisecond and drew the same number.
                Err(error) if error.is_taken() => (),
                result => return result.map(|()| id),
            }
        }
    }

    async fn carry_out(&self, id: Uuid, order: Order, observer: &Observer) -> Report {
        let span = error_span!("run", tenant = self.deps.tenant, run = %id);
        self.under_lease(id, order, observer).instrument(span).await
    }

    async fn under_lease(&self, id: Uuid, order: Order, observer: &Observer) -> Report {
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
                let report = Run { deps: &self.deps, observer, stop: &stop }.run(id, order).await;
                heartbeat.abort();
                report
            }
            Ok(Some(other)) => Report::new(id).ended(RunState::Skipped, Some(other)),
            Err(error) => Report::new(id).ended(RunState::Failed, Some(error.to_string())),
        };
        if matches!(order, Order::Plan(_)) && report.state != RunState::Finished && !report.has_tried() {
            // Nothing came of it: the plan may be asked for again.
            if let Err(error) = store.release_plan(id).await {
                tracing::warn!(%error, "a plan of which nothing was applied counts as applied");
            }
        }
        self.end(&report, order.kind()).await;
        // After the row has its end: until then the lease says that the run is alive.
        if let Err(error) = store.release_lease(tenant, &holder).await {
            tracing::warn!(%error, "the lease could not be given back; it expires by itself");
        }
        report
    }

    pub(super) async fn end(&self, report: &Report, kind: RunKind) {
        let store = &self.deps.store;
        let Report { id, state, counts, calls, phases, halted_because, error, failures, .. } = report.clone();
        let Report { notes, measures, good, implanted, .. } = report.clone();
        match state {
            RunState::Failed => tracing::error!(error, "the run failed"),
            RunState::Halted => tracing::error!(halted_because, "the run was halted"),
            _ => tracing::info!(
                state = state.name(),
                matched = counts.matched,
                changed = counts.changed,
                failed = counts.failed,
                held = counts.held,
                skipped = counts.skipped,
                failures = failures.len(),
                "the run ended"
            ),
        }
        for held in &notes.held {
            tracing::warn!(field = held.field, clients = held.clients, because = held.because, "held back");
        }
        self.count(report, kind);
        let end = RunEnd {
            state,
            counts,
            calls,
            phases,
            halted_because,
            error,
            finished_at: Timestamp::now(),
            notes,
            measures,
            good,
            implanted,
        };
        if let Err(error) = store.end_run(id, end).await {
            tracing::error!(%error, "the end of the run could not be recorded");
        }
    }

    /// Only what happened here: how the tenant stands is read from the store, for every replica alike.
    fn count(&self, report: &Report, kind: RunKind) {
        let (tenant, state) = (&self.deps.tenant, report.state.name());
        metrics::counter!("gateway_sync_runs_total", "tenant" => tenant.clone(), "kind" => kind.name(), "state" => state)
            .increment(1);
        for (result, clients) in [("changed", report.counts.changed), ("failed", report.counts.failed)] {
            metrics::counter!("gateway_sync_clients_total", "tenant" => tenant.clone(), "result" => result)
                .increment(clients);
        }
        if let Some(reason) = report.halt {
            metrics::counter!("gateway_sync_halts_total", "tenant" => tenant.clone(), "reason" => reason)
                .increment(1);
        }
    }
}
