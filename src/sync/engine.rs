//! One tenant's runs: every way to start one enters here, and no two overlap.

use std::sync::Arc;
use std::time::Duration;

use gateway_core::sync::{Fields, Mode, Rails, RunKind, RunState, Trigger};
use jiff::Timestamp;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, error_span};
use uuid::Uuid;

use super::deps::EngineDeps;
use super::lease;
use super::order::{Order, PlanError, plan_order};
use super::progress::{Observer, Progress};
use super::report::Report;
use super::run::Run;
use crate::int6;
use crate::ozmap::Ozmap;
use crate::store::{self, Hold, NewRun, RunEnd, StoreError};
use crate::upstream::Leash;

/// Time between two tries to record how a run ended.
const AGAIN: Duration = Duration::from_secs(1);

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
        process.join(store).await?;
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

    /// Ends runs, of all tenants, that a dead process left under way.
    ///
    /// # Errors
    /// [`store::StoreError`].
    pub async fn recover(&self) -> Result<(), store::StoreError> {
        self.deps.process.take_over(&self.deps.store).await
    }

    /// Writes the run's row. `holder` has the lease that says that the run is alive; `None` is the tenant's own.
    pub(super) async fn begin(
        &self,
        trigger: Trigger,
        mode: Mode,
        holder: Option<&str>,
    ) -> Result<Uuid, store::StoreError> {
        let EngineDeps { tenant, store, process, .. } = &*self.deps;
        // A run whose process gives no signs of life was cut off.
        process.join(store).await?;
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
        let EngineDeps { store, .. } = &*self.deps;
        let kind = order.kind();
        let (report, hold) = match lease::take(&self.deps, id).await {
            Ok(Some(hold)) => (self.held(id, order, observer, &hold).await, Some(hold)),
            Ok(None) => {
                let other = "another run of this tenant is under way".to_owned();
                (Report::new(id).ended(RunState::Skipped, Some(other)), None)
            }
            Err(error) => (Report::new(id).ended(RunState::Failed, Some(error.to_string())), None),
        };
        if matches!(order, Order::Plan(_)) && report.state != RunState::Finished && !report.has_tried() {
            // Nothing came of it: the plan may be asked for again.
            if let Err(error) = store.release_plan(id).await {
                tracing::warn!(%error, "a plan of which nothing was applied counts as applied");
            }
        }
        self.end(&report, kind).await;
        // After the row has its end: until then the lease keeps others away.
        if let Some(hold) = hold {
            hold.release().await;
        }
        report
    }

    /// The run under its lease, which it carries to each record that it makes and to each write.
    async fn held(&self, id: Uuid, order: Order, observer: &Observer, hold: &Arc<Hold>) -> Report {
        let EngineDeps { store, stop, .. } = &*self.deps;
        match store.number_run(id, hold.lease()).await {
            Ok(true) => (),
            Ok(false) => {
                return Report::new(id).ended(RunState::Failed, Some(StoreError::LeaseLost.to_string()));
            }
            Err(error) => return Report::new(id).ended(RunState::Failed, Some(error.to_string())),
        }
        let stop = stop.child_token();
        let watch = tokio::spawn(lease::watch(Arc::clone(hold), stop.clone()).in_current_span());
        let ozmap = self.on_leash(hold);
        let report = Run { deps: &self.deps, ozmap: &ozmap, observer, stop: &stop }.run(id, order).await;
        watch.abort();
        report
    }

    /// OZmap, which is written to only while this is held.
    pub(super) fn on_leash(&self, hold: &Arc<Hold>) -> Ozmap {
        let leash = Leash::default();
        leash.fasten(hold.proof());
        self.deps.ozmap.on_leash(leash)
    }

    pub(super) async fn end(&self, report: &Report, kind: RunKind) {
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
        if let Err(error) = self.record_end(id, end.clone()).await {
            tracing::error!(%error, "the end of the run could not be recorded; it is tried again until the database answers");
            let (engine, stop) = (self.clone(), self.deps.stop.clone());
            let again = async move {
                while stop.run_until_cancelled(tokio::time::sleep(AGAIN)).await.is_some() {
                    if engine.record_end(id, end.clone()).await.is_ok() {
                        return;
                    }
                }
            };
            self.under_way.spawn(again.in_current_span());
        }
    }

    async fn record_end(&self, id: Uuid, end: RunEnd) -> Result<(), StoreError> {
        if !self.deps.store.end_run(id, end).await? {
            tracing::warn!("the run was recorded as cut off before: another replica has taken over");
        }
        Ok(())
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
