//! What a run is asked to do, and which plans may be applied by id.

use gateway_core::sync::{Field, Fields, Mode, Rails, RunKind, RunState};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::deps::EngineDeps;
use crate::store::{PlanPart, RunRow, StoreError};

/// How long a plan may be applied. Source: `docs/contracts/gateway-api.md`, "Plans".
const GOOD_FOR: SignedDuration = SignedDuration::from_hours(24);

/// What a run is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Read both sides and compare them; apply the plan, or not.
    Compare { mode: Mode, rails: Rails },
    /// Apply what another run has shown.
    Plan(PlanOrder),
}

/// A plan, or a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PlanOrder {
    /// The run that made it.
    pub(super) plan: Uuid,
    /// The fields that are taken of it.
    pub(super) fields: Fields,
    /// What of it was not written yet.
    pub(super) part: PlanPart,
    /// Whether nothing of it is left out, so that what it measured becomes the measure.
    pub(super) is_whole: bool,
}

impl Order {
    pub(super) fn mode(self) -> Mode {
        match self {
            Order::Compare { mode, .. } => mode,
            Order::Plan(_) => Mode::Apply,
        }
    }

    pub(super) fn kind(self) -> RunKind {
        match self {
            Order::Compare { mode, .. } => mode.into(),
            Order::Plan(_) => RunKind::Plan,
        }
    }
}

/// Why a plan is not applied; nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// Another tenant's, or none.
    #[error("this tenant has no run of this id")]
    Unknown,
    /// Wait for its end.
    #[error("the run is still under way: its plan can be applied once it has ended")]
    StillRunning,
    /// It did not come to a plan.
    #[error("the run ended as {} and left no plan; begin a new run", .0.name())]
    NoPlan(RunState),
    /// Make a new one.
    #[error("the plan was made more than 24 hours ago; begin a new dry run")]
    Expired,
    /// It is done.
    #[error("{} of this plan {} applied already; begin a new dry run for what is left", named(*.0), if .0.iter().count() == 1 { "was" } else { "were" })]
    Applied(Fields),
    /// The run that made it wrote it itself.
    #[error("the run wrote its plan itself, and nothing of it is held")]
    AppliedItself,
    /// Ask for other fields.
    #[error("the plan has nothing to apply of {}", named(*.0))]
    Nothing(Fields),
    /// A setting.
    #[error("this tenant is set to read only (`read_only`): nothing is written to OZmap")]
    ReadOnly,
    /// The gateway's own database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn named(fields: Fields) -> String {
    fields.iter().map(Field::name).collect::<Vec<_>>().join(", ")
}

/// Looks whether this plan, or these fields of it, can be applied now.
pub(super) async fn plan_order(
    deps: &EngineDeps,
    plan: Uuid,
    fields: Option<Fields>,
    now: Timestamp,
) -> Result<PlanOrder, PlanError> {
    if deps.read_only {
        return Err(PlanError::ReadOnly);
    }
    let run = deps.store.run(&deps.tenant, plan).await?.ok_or(PlanError::Unknown)?;
    let part = part_of(&run)?;
    if run.finished_at.is_none_or(|at| now.duration_since(at) > GOOD_FOR) {
        return Err(PlanError::Expired);
    }
    let listed = listed(&run, part);
    let asked = fields.unwrap_or(Fields::ALL);
    let applied = deps.store.applied_fields(plan).await?;
    let again: Fields = asked.iter().filter(|field| applied.contains(*field)).collect();
    if !again.is_empty() {
        return Err(PlanError::Applied(again));
    }
    if fields.is_some() && !asked.iter().any(|field| listed.contains(field)) {
        return Err(PlanError::Nothing(asked));
    }
    let is_whole = listed.iter().all(|field| asked.contains(field));
    Ok(PlanOrder { plan, fields: asked, part, is_whole })
}

fn part_of(run: &RunRow) -> Result<PlanPart, PlanError> {
    match (run.state, run.mode) {
        (RunState::Running, _) => Err(PlanError::StillRunning),
        (RunState::Failed | RunState::Skipped, _) => Err(PlanError::NoPlan(run.state)),
        (RunState::Halted, _) | (RunState::Finished, Mode::DryRun) => Ok(PlanPart::All),
        (RunState::Finished, Mode::Apply) if run.counts.held > 0 => Ok(PlanPart::Held),
        (RunState::Finished, Mode::Apply) => Err(PlanError::AppliedItself),
    }
}

/// The fields of which the plan has something to apply.
fn listed(run: &RunRow, part: PlanPart) -> Fields {
    let has_some = |field: &&crate::store::FieldCounts| match part {
        PlanPart::All => field.changes > 0,
        PlanPart::Held => field.held > 0,
    };
    run.notes.fields.iter().filter(has_some).filter_map(|field| field.field.parse::<Field>().ok()).collect()
}
