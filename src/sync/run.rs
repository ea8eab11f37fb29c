//! One run: read both sides, plan, record, apply.

use std::collections::HashSet;
use std::time::Instant;

use gateway_core::sync::{
    Calls, Change, EndedEarly, Finding, FindingKind, Grouping, MatchBy, Mode, Past, Plan, Rails, RunState,
    Sides, batch, plan,
};
use gateway_core::{SyncedClient, System};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::apply::{Apply, Guard};
use super::deps::EngineDeps;
use super::forbearance::Forbearance;
use super::order::{Order, PlanOrder};
use super::progress::{Observer, Progress};
use super::reasons;
use super::recorder::Recorder;
use super::report::Report;
use super::tally::{Fate, RunTally};
use crate::int6::{ReadingEnd, Readings};
use crate::ozmap::{Ozmap, Writer};
use crate::store::{KeepRecords, Locks, StoreError};
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
    /// OZmap refused the key, or everything.
    #[error("{why}; stopped after {done} of {all} changes, the next run goes on with the others")]
    GaveUp {
        /// What OZmap did.
        why: String,
        /// Changes that were tried.
        done: usize,
        /// Changes of the plan.
        all: usize,
    },
    /// The gateway stops, or the lease is lost, later.
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

/// Of the rows of the last good run, the share that makes a list whole that has no clear end.
const WHOLE_SHARE: f64 = 0.98;
/// The same of OZmap's clients, at a first run: some have no ONU.
const FIRST_WHOLE_SHARE: f64 = 0.9;

/// One run that holds the lease.
pub(super) struct Run<'a> {
    pub(super) deps: &'a EngineDeps,
    /// Written to only while the lease is held.
    pub(super) ozmap: &'a Ozmap,
    pub(super) observer: &'a Observer,
    pub(super) stop: &'a CancellationToken,
}

impl Run<'_> {
    pub(super) async fn run(&self, id: Uuid, order: Order) -> Report {
        let mut report = Report::new(id);
        let ended = match order {
            Order::Compare { mode, rails } => self.compare(&mut report, mode, rails).await,
            Order::Plan(plan) => self.apply_plan(&mut report, plan).await,
        };
        match ended {
            Ok(state) => report.ended(state, None),
            Err(error) => report.ended(RunState::Failed, Some(error.to_string())),
        }
    }

    async fn compare(&self, report: &mut Report, mode: Mode, rails: Rails) -> Result<RunState, RunError> {
        let EngineDeps { store, tenant, .. } = self.deps;
        let past = store.past(tenant, Timestamp::now()).await?;
        report.notes.is_first = past.last.is_none();
        let plan = self.planned(report, &past, rails).await?;
        let writes = mode == Mode::Apply && plan.halt.is_none();
        self.record(report, &plan, if writes { KeepRecords::No } else { KeepRecords::Yes }).await?;
        (self.observer)(Progress::Planned(&plan));
        if let Some(halt) = &plan.halt {
            report.halt = Some(halt.name());
            report.halted_because = Some(reasons::of_halt(halt));
            return Ok(RunState::Halted);
        }
        match mode {
            Mode::DryRun => Ok(RunState::Finished),
            Mode::Apply => {
                let good = plan.measure(&past);
                let Plan { changes, clients, .. } = plan;
                let state = self.apply(report, &changes, clients, Guard::Onu, Some(&self.deps.locks)).await?;
                report.good = Some(good);
                Ok(state)
            }
        }
    }

    /// Writes down what is planned, before any of it is written to OZmap.
    pub(super) async fn record(
        &self,
        report: &mut Report,
        plan: &Plan,
        keep: KeepRecords,
    ) -> Result<(), RunError> {
        let store = &self.deps.store;
        store.record_changes(report.id, &plan.changes, keep).await?;
        store.record_findings(report.id, &plan.findings).await?;
        report.counts = plan.counts;
        report.measures = Some(plan.measures);
        report.notes.held = plan.held.iter().map(reasons::of_held).collect();
        report.notes.remarks.extend(reasons::of_unreadable(plan));
        let fates: Vec<Fate> =
            plan.changes.iter().map(|change| if change.held { Fate::Held } else { Fate::Untried }).collect();
        report.notes.fields = RunTally::of(&plan.changes, &fates).fields;
        Ok(())
    }

    /// Applies what another run has shown, less what moved meanwhile.
    async fn apply_plan(&self, report: &mut Report, order: PlanOrder) -> Result<RunState, RunError> {
        let EngineDeps { store, tenant, .. } = self.deps;
        let PlanOrder { plan, fields, part, is_whole } = order;
        let (changes, lost) = store.plan_changes(plan, fields, part).await?;
        if lost > 0 {
            let remark = format!("{lost} changes of the plan were not understood, and are left alone");
            report.notes.remarks.push(remark);
        }
        store.record_changes(report.id, &changes, KeepRecords::No).await?;
        report.counts.matched = changes.chunk_by(|a, b| a.code == b.code).count() as u64;
        let outside = self.bystanders(report).await?;
        let state = self.apply(report, &changes, outside, Guard::All, Some(&self.deps.locks)).await?;
        if is_whole {
            report.good = store.run(tenant, plan).await?.and_then(|run| run.measures);
        }
        Ok(state)
    }

    async fn planned(&self, report: &mut Report, past: &Past, rails: Rails) -> Result<Plan, RunError> {
        let EngineDeps { ozmap, int6, rules, limits, .. } = self.deps;
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
        let (findings, ended_early) = judged_end(&ours, &theirs.clients, rules.match_by, past)?;
        let sides = Sides {
            clients: theirs.clients,
            elsewhere: theirs.elsewhere,
            readings: ours.readings,
            findings: [theirs.findings, ours.findings, findings].concat(),
            shape: ours.shape,
            ended_early: theirs.ended_early.or(ended_early),
        };
        let (rules, limits, past) = (rules.clone(), limits.clone(), *past);
        let planned = move || plan(sides, &rules, &limits, &past, rails, Timestamp::now());
        let plan = tokio::task::spawn_blocking(planned).await.map_err(|_| RunError::NoPlan)?;
        report.phases.plan = Some(millis(begun));
        Ok(plan)
    }

    /// Clients that a first batch must leave alone, where no batch was looked at yet.
    async fn bystanders(&self, report: &mut Report) -> Result<Vec<SyncedClient>, RunError> {
        let EngineDeps { ozmap, grouping, .. } = self.deps;
        if *grouping == Grouping::ByRecord || ozmap.writer().is_proved() {
            return Ok(Vec::new());
        }
        let reader = ozmap.reader();
        let read = reader.clients(|n| (self.observer)(Progress::OzmapRead(n))).await;
        report.calls.ozmap_reads += reader.calls();
        let read = read?;
        Ok([read.clients, read.elsewhere].concat())
    }

    /// Writes changes to OZmap, but for those that are held.
    pub(super) async fn apply(
        &self,
        report: &mut Report,
        changes: &[Change],
        outside: Vec<SyncedClient>,
        guard: Guard,
        locks: Option<&Locks>,
    ) -> Result<RunState, RunError> {
        let begun = Instant::now();
        let writer = self.ozmap.writer();
        let outside = if writer.is_proved() { Vec::new() } else { outside };
        let calls = batch(changes, self.deps.grouping, |value| writer.lacks_batch(value));
        let all = changes.iter().filter(|change| !change.held).count();
        let recorder = Recorder::start(self.deps.store.clone(), report.id, changes);
        let forbearance = Forbearance::default();
        let apply = Apply {
            writer: &writer,
            outside: &outside,
            changes,
            parallel: self.deps.parallel,
            stop: self.stop,
            done: |places: &[u32], outcome| {
                let done = recorder.note(places, outcome);
                (self.observer)(Progress::Applied(done, all));
            },
            guard,
            locks,
            forbearance: &forbearance,
        };
        apply.all(calls).await;
        let tally = recorder.finish(changes).await;
        report.calls.ozmap_reads += writer.reads();
        report.calls.ozmap_writes = writer.writes();
        report.phases.apply = Some(millis(begun));
        let (left, unrecorded) = report.take(tally);
        let over = forbearance.is_over().map(str::to_owned);
        report.notes.remarks.extend(forbearance.remarks());
        report.notes.remarks.extend(without_batches(&writer, self.deps.grouping));
        match (left, unrecorded, over) {
            (0, None, _) => Ok(RunState::Finished),
            (0, Some(why), _) => Err(RunError::Unrecorded(why)),
            (left, _, Some(why)) => Err(RunError::GaveUp { why, done: all - left, all }),
            (left, _, None) => Err(RunError::InterruptedApplying { done: all - left, all }),
        }
    }
}

/// What a run says of a host that takes no batches, so that its many calls are understood.
fn without_batches(writer: &Writer, grouping: Grouping) -> impl Iterator<Item = String> {
    let is_meant = grouping != Grouping::ByRecord;
    let missing = writer.batching().into_iter().filter(move |(_, state)| is_meant && *state == "missing");
    missing.map(|(route, _)| {
        format!(
            "OZmap's batch-update of {route} cannot be used now: its records are written one by one, and it is tried again within the hour"
        )
    })
}

/// Whether a list without a clear end is whole by the other signs: about as many rows as in the last good run came or, at a
/// first run, most of OZmap's clients are among them.
fn judged_end(
    ours: &Readings,
    clients: &[SyncedClient],
    by: MatchBy,
    past: &Past,
) -> Result<(Vec<Finding>, Option<EndedEarly>), RunError> {
    if matches!(ours.end, ReadingEnd::Whole) {
        return Ok((Vec::new(), None));
    }
    let read = ours.shape.rows;
    let (expected, enough) = match past.last {
        Some(last) => (last.int6_rows, read as f64 >= last.int6_rows as f64 * WHOLE_SHARE),
        None => {
            let keys: HashSet<_> =
                ours.readings.iter().filter_map(|reading| by.of_reading(reading)).collect();
            let is_known =
                |synced: &&SyncedClient| by.of_client(&synced.client).is_some_and(|key| keys.contains(&key));
            let known = clients.iter().filter(is_known).count();
            (clients.len() as u64, known as f64 >= clients.len() as f64 * FIRST_WHOLE_SHARE)
        }
    };
    match &ours.end {
        ReadingEnd::Whole => Ok((Vec::new(), None)),
        ReadingEnd::Refused(error) if !enough => Err(error.clone().into()),
        ReadingEnd::Refused(error) => {
            let detail =
                format!("after {read} rows INT6 refused the next page, which is taken for the end: {error}");
            let kind = FindingKind::IncompleteList;
            Ok((vec![Finding { kind, system: System::Int6, code: None, detail }], None))
        }
        ReadingEnd::Repeated if enough => Ok((Vec::new(), None)),
        ReadingEnd::Repeated => {
            Ok((Vec::new(), Some(EndedEarly { system: System::Int6, read, total: expected })))
        }
    }
}

fn millis(since: Instant) -> u64 {
    since.elapsed().as_millis() as u64
}
