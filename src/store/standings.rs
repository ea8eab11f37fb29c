//! What was last told of a tenant's sync and of its two systems: a row each, so that a change is told once, whichever process
//! sees it, and that a restart repeats nothing.

use gateway_core::System;
use gateway_core::notice::{RunOutcome, SyncRecord, SyncStanding, UpstreamStanding};
use gateway_core::sync::{RunState, Trigger};
use jiff::Timestamp;
use sqlx::{Any, Transaction};

use super::error::During;
use super::notice_body::{ToldRun, of_run, of_upstream, word_of};
use super::payload::{read_standing, standing_text};
use super::runs::HeldField;
use super::{Store, StoreError, time_of, time_text};

/// What a run's error begins with if its gateway was stopped, or lost its lease: that says nothing of the sync.
const INTERRUPTED: &str = "interrupted";
/// What a run's error begins with if its process was killed.
const CUT_OFF: &str = "cut off";

/// The subject of the sync's row.
const SYNC: &str = "sync";

#[derive(sqlx::FromRow)]
struct EndedRun {
    id: String,
    tenant: String,
    started_by: String,
    dry_run: i64,
    plan: Option<String>,
    state: String,
    halted_because: Option<String>,
    error: Option<String>,
    held: String,
    finished_at: Option<String>,
}

impl EndedRun {
    /// What it says of the sync; `None` for a run of one client, a plan that somebody applied, a trial, a run that did not take
    /// place, and one that was interrupted. A timer's dry run is the sync of a tenant that is read only.
    fn outcome(&self, held: &[HeldField]) -> Option<RunOutcome> {
        let trigger = self.started_by.parse().unwrap_or(Trigger::Timer);
        let is_trial = self.dry_run != 0 && trigger != Trigger::Timer;
        if trigger == Trigger::Client || self.plan.is_some() || is_trial {
            return None;
        }
        let error = self.error.as_deref().unwrap_or_default();
        match self.state.parse().ok()? {
            RunState::Running | RunState::Skipped => None,
            RunState::Failed if error.starts_with(INTERRUPTED) => None,
            RunState::Failed if error.starts_with(CUT_OFF) => Some(RunOutcome::CutOff),
            RunState::Failed => Some(RunOutcome::Ended(SyncStanding::Failed)),
            RunState::Halted => Some(RunOutcome::Ended(SyncStanding::Halted)),
            RunState::Finished if held.is_empty() => Some(RunOutcome::Ended(SyncStanding::Good)),
            RunState::Finished => Some(RunOutcome::Ended(SyncStanding::Held(signature(held)))),
        }
    }
}

/// What is held, without the figures that differ from run to run.
fn signature(held: &[HeldField]) -> String {
    let mut parts: Vec<String> = held.iter().map(|held| format!("{}/{}", held.field, held.reason)).collect();
    parts.sort();
    parts.dedup();
    parts.join(" ")
}

/// The word without what is held, for people.
fn word(standing: &SyncStanding) -> &'static str {
    match standing {
        SyncStanding::Good => "good",
        SyncStanding::Held(_) => "held",
        SyncStanding::Halted => "halted",
        SyncStanding::Failed => "failed",
    }
}

impl Store {
    /// Tells what a run's end changes; its row has its end in this transaction. Wake afterwards.
    pub(super) async fn tell_run_end(
        &self,
        transaction: &mut Transaction<'_, Any>,
        run: &str,
    ) -> Result<(), sqlx::Error> {
        let row: Option<EndedRun> = sqlx::query_as(
            "SELECT id, tenant, started_by, dry_run, plan, state, halted_because, error, held, finished_at \
             FROM runs WHERE id = $1",
        )
        .bind(run)
        .fetch_optional(&mut **transaction)
        .await?;
        let Some(run) = row else { return Ok(()) };
        let held: Vec<HeldField> = serde_json::from_str(&run.held).unwrap_or_default();
        let Some(outcome) = run.outcome(&held) else { return Ok(()) };
        let at = run.finished_at.as_deref().map(time_of).unwrap_or_default();
        let (before, since) = locked_sync_record(transaction, &run.tenant, at).await?;
        let (after, events) = before.after(outcome);
        if after == before {
            return Ok(());
        }
        let told = ToldRun {
            tenant: &run.tenant,
            id: &run.id,
            state: &run.state,
            reason: run.halted_because.as_deref().or(run.error.as_deref()),
            held: &held,
            before: word(&before.standing),
            since: &since,
            at,
        };
        for event in events {
            self.tell(transaction, &run.tenant, event, &of_run(event, &told)).await?;
        }
        let since = if after.standing == before.standing { since } else { time_text(at) };
        sqlx::query(
            "UPDATE standings SET standing = $1, since = $2, cut_off = $3 WHERE tenant = $4 AND subject = $5",
        )
        .bind(standing_text(&after.standing))
        .bind(since)
        .bind(i64::from(after.cut_off))
        .bind(&run.tenant)
        .bind(SYNC)
        .execute(&mut **transaction)
        .await
        .map(drop)
    }

    /// Tells that one of a tenant's systems stands otherwise than was last told, with a reason for people.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is told then.
    pub async fn note_upstream(
        &self,
        tenant: &str,
        system: System,
        standing: UpstreamStanding,
        reason: &str,
    ) -> Result<(), StoreError> {
        let noted = self.upstream_standing(tenant, system).await?;
        if standing.told_after(noted).is_none() {
            return Ok(());
        }
        self.change_upstream(tenant, system, standing, reason).await.during("note how a system stands")?;
        self.subscribers.wake();
        Ok(())
    }

    /// What was last told of one of a tenant's systems.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn upstream_standing(
        &self,
        tenant: &str,
        system: System,
    ) -> Result<Option<UpstreamStanding>, StoreError> {
        let row: Option<(String,)> =
            sqlx::query_as("SELECT standing FROM standings WHERE tenant = $1 AND subject = $2")
                .bind(tenant)
                .bind(word_of(system))
                .fetch_optional(&self.reader)
                .await
                .during("see how a system stands")?;
        Ok(row.and_then(|(word,)| word.parse().ok()))
    }

    async fn change_upstream(
        &self,
        tenant: &str,
        system: System,
        standing: UpstreamStanding,
        reason: &str,
    ) -> Result<(), sqlx::Error> {
        let (at, mut transaction) = (Timestamp::now(), self.transaction().await?);
        let unknown = "unknown";
        let (before, _, _) = locked(&mut transaction, tenant, word_of(system), unknown, at).await?;
        let Some(event) = standing.told_after(before.parse().ok()) else { return Ok(()) };
        let body = of_upstream(event, tenant, system, reason, at);
        self.tell(&mut transaction, tenant, event, &body).await?;
        sqlx::query("UPDATE standings SET standing = $1, since = $2 WHERE tenant = $3 AND subject = $4")
            .bind(standing.name())
            .bind(time_text(at))
            .bind(tenant)
            .bind(word_of(system))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await
    }
}

async fn locked_sync_record(
    transaction: &mut Transaction<'_, Any>,
    tenant: &str,
    at: Timestamp,
) -> Result<(SyncRecord, String), sqlx::Error> {
    let good = standing_text(&SyncStanding::Good);
    let (standing, since, cut_off) = locked(transaction, tenant, SYNC, &good, at).await?;
    let cut_off = u32::try_from(cut_off).unwrap_or_default();
    Ok((SyncRecord { standing: read_standing(&standing), cut_off }, since))
}

/// A subject's row, made with `first` if it is not there; nobody else changes it before the end of the transaction.
async fn locked(
    transaction: &mut Transaction<'_, Any>,
    tenant: &str,
    subject: &str,
    first: &str,
    at: Timestamp,
) -> Result<(String, String, i64), sqlx::Error> {
    sqlx::query_as(
        "INSERT INTO standings (tenant, subject, standing, since) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (tenant, subject) DO UPDATE SET standing = standings.standing RETURNING standing, since, cut_off",
    )
    .bind(tenant)
    .bind(subject)
    .bind(first)
    .bind(time_text(at))
    .fetch_one(&mut **transaction)
    .await
}
