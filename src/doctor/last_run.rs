//! The last run: how it ended, what the rails kept back, and what they have learnt.

use gateway_core::sync::{Limits, Mode, Past, RunState};
use jiff::{SignedDuration, Timestamp};

use super::check::Check;
use super::words;
use crate::config;
use crate::store::{RunFilter, RunRow, Store, StoreError};

const WHAT: &str = "sync.last_run";
/// Runs that are looked at: the newest may be one that was skipped.
const LOOKED_AT: u32 = 20;
/// How long a plan can be applied; the sync refuses an older one.
const PLAN_LIVES: SignedDuration = SignedDuration::from_hours(24);
/// Beats without a run, after which nobody runs the sync.
const BEATS: u32 = 6;

/// Reads the tenant's last runs.
pub(super) async fn look(tenant: &config::Tenant, store: &Store, now: Timestamp) -> Vec<Check> {
    let read = async {
        let runs = store.runs(&tenant.name, &RunFilter::default(), LOOKED_AT).await?;
        Ok::<_, StoreError>((runs, store.past(&tenant.name, now).await?))
    };
    let (runs, past) = match read.await {
        Ok(read) => read,
        Err(error) => return vec![Check::fail(WHAT, error.to_string(), "look at DATABASE_URL")],
    };
    let mut checks = last(&runs, &tenant.name, now);
    checks.extend(beat(&runs, tenant, now));
    checks.extend(learnt(&past, &tenant.limits));
    checks
}

/// Judges the newest run that was not skipped.
fn last(runs: &[RunRow], tenant: &str, now: Timestamp) -> Vec<Check> {
    let Some(run) = runs.iter().find(|run| run.state != RunState::Skipped) else {
        return vec![Check::ok(WHAT, "there was no run yet; `sync --dry-run` shows what the first would do")];
    };
    let age = now.duration_since(run.started_at);
    let kind = if run.mode == Mode::DryRun { "dry run" } else { "run" };
    let about = format!("the last {kind} ({}, {} ago)", run.id, words::time(age));
    let again = "what is said there comes first; the next run shows whether it helped".to_owned();
    match run.state {
        RunState::Halted => {
            let because = run.halted_because.as_deref().unwrap_or("its rails did not let it pass");
            vec![Check::warn(WHAT, format!("{about} was halted: {because}"), apply(run, tenant, age))]
        }
        RunState::Failed => {
            let error = run.error.as_deref().unwrap_or("why is not known");
            vec![Check::warn(WHAT, format!("{about} failed: {error}"), again)]
        }
        RunState::Running => vec![Check::ok(WHAT, format!("{about} is under way"))],
        RunState::Finished | RunState::Skipped => finished(run, &about, tenant, age),
    }
}

fn finished(run: &RunRow, about: &str, tenant: &str, age: SignedDuration) -> Vec<Check> {
    let held = run.notes.held.iter().map(|held| {
        let detail = format!(
            "{about} held {} of {} clients: {}",
            held.field.replace('_', " "),
            held.clients,
            held.because
        );
        Check::warn(WHAT, detail, apply(run, tenant, age))
    });
    let mut checks: Vec<Check> = held.collect();
    let counts = &run.counts;
    if counts.failed > 0 {
        let detail = format!("{about} could not write {} of {} clients", counts.failed, counts.matched);
        let remedy = format!("GET /v1/sync-runs/{}/changes?result=failed says why", run.id);
        checks.push(Check::warn(WHAT, detail, remedy));
    }
    if checks.is_empty() {
        let detail =
            format!("{about} finished: {} clients compared, {} changed", counts.matched, counts.changed);
        checks.push(Check::ok(WHAT, detail));
    }
    checks
}

/// How what was kept back is applied.
fn apply(run: &RunRow, tenant: &str, age: SignedDuration) -> String {
    let id = run.id;
    if age < PLAN_LIVES && !run.notes.fields.is_empty() {
        return format!(
            "look at it; if it is true, apply it: int6-ozmap-gateway sync --tenant {tenant} --plan {id} (within 24 hours of the run)"
        );
    }
    format!(
        "look at it; if it is true: int6-ozmap-gateway sync --tenant {tenant} --dry-run, then sync --tenant {tenant} --plan with the \
         id that it prints"
    )
}

/// Whether anybody runs the sync.
fn beat(runs: &[RunRow], tenant: &config::Tenant, now: Timestamp) -> Option<Check> {
    let interval = SignedDuration::try_from(tenant.sync_interval?.saturating_mul(BEATS)).ok()?;
    let age = now.duration_since(runs.first()?.started_at);
    (age > interval).then(|| {
        let detail = format!(
            "no run began in the last {}, though SYNC_INTERVAL_SECONDS asks for one more often",
            words::time(age)
        );
        Check::warn("sync.beat", detail, "is `serve` running, and on this DATABASE_URL?")
    })
}

/// What the next run will be held against.
fn learnt(past: &Past, limits: &Limits) -> Option<Check> {
    let last = past.last?;
    let least = (last.matched as f64 * limits.min_matched_percent / 100.0).ceil();
    let median = last.median.map_or_else(String::new, |median| {
        format!(", a median within {} dB of {median} dBm", limits.max_median_step)
    });
    let implanted = past.implanted_a_day.map_or_else(String::new, |most| {
        format!("; the most clients implanted on a day of the last 30 were {most}")
    });
    let detail = format!(
        "learnt from the last good run: the next must match {least} of {} clients or more{median}{implanted}",
        last.matched
    );
    Some(Check::ok("sync.learnt", detail))
}

#[cfg(test)]
mod tests;
