//! One run: read both sides, plan, record, apply.

use std::time::Instant;

use gateway_core::sync::{Calls, Mode, Plan, Rails, RunState, batch, plan};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::apply::Apply;
use super::deps::EngineDeps;
use super::progress::{Observer, Progress};
use super::recorder::Recorder;
use super::report::{Report, in_words};
use crate::ozmap::Writer;
use crate::store::StoreError;
use crate::upstream::CallError;

/// Why a run did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum RunError {
    /// A side could not be read.
    #[error(transparent)]
    Upstream(#[from] CallError),
    /// The plan could not be recorded; nothing was written to OZmap then.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The gateway stops, or the lease is lost.
    #[error("interrupted while both sides were read; nothing was written")]
    InterruptedReading,
    /// The same, later.
    #[error("interrupted after {done} of {all} changes; the next run goes on with the others")]
    InterruptedApplying {
        /// Changes that were tried.
        done: usize,
        /// Changes of the plan.
        all: usize,
    },
    /// A defect of the gateway.
    #[error("the plan could not be made")]
    NoPlan,
    /// OZmap was written to, and the outcomes are not in the store.
    #[error("{0}")]
    Unrecorded(String),
}

/// One run that holds the lease.
pub(super) struct Run<'a> {
    pub(super) deps: &'a EngineDeps,
    pub(super) observer: &'a Observer,
    pub(super) stop: &'a CancellationToken,
}

impl Run<'_> {
    pub(super) async fn run(&self, id: Uuid, mode: Mode, rails: Rails) -> Report {
        let mut report = Report::new(id);
        match self.steps(&mut report, mode, rails).await {
            Ok(state) => report.ended(state, None),
            Err(error) => report.ended(RunState::Failed, Some(error.to_string())),
        }
    }

    async fn steps(&self, report: &mut Report, mode: Mode, rails: Rails) -> Result<RunState, RunError> {
        let plan = self.planned(report, rails).await?;
        let store = &self.deps.store;
        store.record_changes(report.id, &plan.changes).await?;
        store.record_findings(report.id, &plan.findings).await?;
        (self.observer)(Progress::Planned(&plan));
        report.counts = plan.counts;
        if let Some(halt) = plan.halt {
            report.halted_because = Some(in_words(halt));
            return Ok(RunState::Halted);
        }
        match mode {
            Mode::DryRun => Ok(RunState::Finished),
            Mode::Apply => self.apply(report, &plan, &self.deps.ozmap.writer()).await,
        }
    }

    async fn planned(&self, report: &mut Report, rails: Rails) -> Result<Plan, RunError> {
        let EngineDeps { ozmap, int6, limits, .. } = self.deps;
        let begun = Instant::now();
        let (reader, int6) = (ozmap.reader(), int6.with_own_counter());
        let both = async {
            tokio::try_join!(
                reader.clients(|n| (self.observer)(Progress::OzmapRead(n))),
                int6.readings(|n| (self.observer)(Progress::Int6Read(n))),
            )
        };
        let read = tokio::select! {
            read = both => read.map_err(RunError::from),
            () = self.stop.cancelled() => Err(RunError::InterruptedReading),
        };
        report.calls = Calls { ozmap_reads: reader.calls(), int6_reads: int6.calls(), ozmap_writes: 0 };
        report.phases.read = Some(millis(begun));
        let (theirs, ours) = read?;

        let begun = Instant::now();
        let unreadable = [theirs.findings, ours.unreadable].concat();
        let limits = limits.clone();
        let planned =
            move || plan(theirs.clients, ours.readings, unreadable, &limits, rails, Timestamp::now());
        let plan = tokio::task::spawn_blocking(planned).await.map_err(|_| RunError::NoPlan)?;
        report.phases.plan = Some(millis(begun));
        Ok(plan)
    }

    pub(super) async fn apply(
        &self,
        report: &mut Report,
        plan: &Plan,
        writer: &Writer,
    ) -> Result<RunState, RunError> {
        let begun = Instant::now();
        let calls = batch(&plan.changes, self.deps.grouping, |value| writer.lacks_batch(value));
        let recorder = Recorder::start(self.deps.store.clone(), report.id, plan.changes.len());
        let apply = Apply {
            writer,
            changes: &plan.changes,
            parallel: self.deps.parallel,
            stop: self.stop,
            done: |changes: &[u32], outcome| {
                let done = recorder.note(changes, outcome);
                (self.observer)(Progress::Applied(done, plan.changes.len()));
            },
        };
        apply.all(calls).await;
        tracing::debug!(batch_update = ?writer.batching(), "the calls were carried out");
        let tally = recorder.finish(&plan.changes).await;
        report.calls.ozmap_reads += writer.reads();
        report.calls.ozmap_writes = writer.writes();
        report.phases.apply = Some(millis(begun));
        report.counts.changed = tally.changed;
        report.counts.failed = tally.failed;
        report.counts.unchanged = report.counts.matched - tally.changed - tally.failed;
        report.failures = tally.failures;
        match (tally.left, tally.unrecorded) {
            (0, None) => Ok(RunState::Finished),
            (0, Some(why)) => Err(RunError::Unrecorded(why)),
            (left, _) => {
                let all = plan.changes.len();
                Err(RunError::InterruptedApplying { done: all - left, all })
            }
        }
    }
}

fn millis(since: Instant) -> u64 {
    since.elapsed().as_millis() as u64
}
