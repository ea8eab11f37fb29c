//! The sync's rules for one client, now, on a fresh reading.
//!
//! INT6 documents no question for one client by code, and no other name of a client is sure to be its own: so the bulk read is
//! read, once for all who wait for it.

use std::sync::Arc;

use gateway_core::sync::{
    Finding, FindingKind, MatchBy, Mode, Past, Plan, Rails, Reading, RunKind, RunState, Sides, Trigger, plan,
};
use gateway_core::{ClientCode, ClientRecord, Property, SyncedClient};
use jiff::Timestamp;
use tracing::{Instrument, error_span};

use super::apply::Guard;
use super::deps::EngineDeps;
use super::engine::Engine;
use super::progress::{Observer, Progress};
use super::report::Report;
use super::run::Run;
use crate::ozmap::Ozmap;
use crate::store::{self, Hold, KeepRecords, LockError, Turn};
use crate::{int6, upstream};

/// One client's run.
#[derive(Debug, Clone)]
pub struct Single {
    /// How it ended; its changes are in the store, as any run's.
    pub report: Report,
    /// What was reported instead of guessed.
    pub findings: Vec<Finding>,
}

/// Why a client could not be synced.
#[derive(Debug, thiserror::Error)]
pub enum SyncClientError {
    /// A code that the sync does not compare. Source: `docs/contracts/rules.md`, "Clients are matched by code".
    #[error("the code {0} is not numeric; the sync compares numeric codes only")]
    NotNumeric(ClientCode),
    /// OZmap has no such client.
    #[error("OZmap has no client of code {0}")]
    UnknownToOzmap(ClientCode),
    /// INT6 has no row of it.
    #[error("INT6 has no row of client {0}")]
    UnknownToInt6(ClientCode),
    /// Several clients in OZmap.
    #[error("OZmap has {1} properties or clients of code {0}; merge them there first")]
    Ambiguous(ClientCode, usize),
    /// A setting.
    #[error("this tenant is set to read only (`read_only`): nothing is written to OZmap")]
    ReadOnly,
    /// INT6 has nothing at all: an outage of INT6, not of the client.
    #[error("INT6 returned no row at all; nothing was written")]
    Int6Empty,
    /// One side cannot be read.
    #[error(transparent)]
    Upstream(#[from] upstream::CallError),
    /// Somebody works on this client.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The gateway's own database.
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

impl Engine {
    /// Syncs one client, and records it as a run of its own.
    ///
    /// It does not wait for a run of the whole tenant that is under way: both write what INT6 reads.
    ///
    /// # Errors
    /// [`SyncClientError`]; nothing was written then.
    pub async fn sync_one(&self, code: &ClientCode) -> Result<Single, SyncClientError> {
        self.sync_one_in_turn(code, &Turn::default()).await
    }

    /// The same for a caller that may give up while it stands in line.
    ///
    /// # Errors
    /// [`SyncClientError`]; nothing was written then.
    pub async fn sync_one_in_turn(&self, code: &ClientCode, turn: &Turn) -> Result<Single, SyncClientError> {
        if self.deps.read_only {
            return Err(SyncClientError::ReadOnly);
        }
        if self.deps.rules.match_by == MatchBy::Code && !code.is_numeric() {
            return Err(SyncClientError::NotNumeric(code.clone()));
        }
        let place = self.deps.locks.join_line("client", code.as_str());
        turn.joins("client", &place);
        let client = self.deps.locks.lock("client", code.as_str()).await?;
        let result = match turn.begins() {
            true => self.sync_locked(code, client.hold()).await,
            false => Err(LockError::InUse("client").into()),
        };
        self.deps.locks.release(client).await;
        result
    }

    async fn sync_locked(&self, code: &ClientCode, hold: &Arc<Hold>) -> Result<Single, SyncClientError> {
        let read = async { Ok::<_, SyncClientError>(self.shared_readings.read().await?) };
        let (readings, clients) = tokio::try_join!(read, self.with_those_alike(code))?;
        let plan = planned(code, clients, &readings, self)?;
        let id = self.begin(Trigger::Client, Mode::Apply, Some(&hold.lease().holder)).await?;
        self.deps.store.number_run(id, hold.lease()).await?;
        let ozmap = self.on_leash(hold);
        let span = error_span!("run", tenant = self.deps.tenant, run = %id);
        let run = async {
            let report = self.apply_one(Report::new(id), &ozmap, &plan).await;
            self.end(&report, RunKind::Client).await;
            report
        };
        let report = run.instrument(span).await;
        Ok(Single { report, findings: plan.findings })
    }

    /// The client, and others that have its key: where that is not the code, only the list of all clients tells whether the
    /// key is its own; and where only some projects are the tenant's, which clients are.
    async fn with_those_alike(&self, code: &ClientCode) -> Result<Vec<SyncedClient>, SyncClientError> {
        let EngineDeps { ozmap, rules, .. } = &*self.deps;
        let by = rules.match_by;
        if by == MatchBy::Code && !ozmap.has_project_rules() {
            return Ok(vec![only_client(code, ozmap.clients_by_code(code).await?)?]);
        }
        let mut clients = ozmap.reader().clients(|_| ()).await?.clients;
        let own: Vec<_> = clients.iter().filter(|synced| synced.client.code == *code).collect();
        let key = match own[..] {
            [] => return Err(SyncClientError::UnknownToOzmap(code.clone())),
            [synced] => by.of_client(&synced.client),
            _ => return Err(SyncClientError::Ambiguous(code.clone(), own.len())),
        };
        let has_key = |synced: &SyncedClient| key.is_some() && by.of_client(&synced.client) == key;
        clients.retain(|synced| synced.client.code == *code || has_key(synced));
        Ok(clients)
    }

    async fn apply_one(&self, mut report: Report, ozmap: &Ozmap, plan: &Plan) -> Report {
        let observer: Observer = Arc::new(|_: Progress<'_>| ());
        let run = Run { deps: &self.deps, ozmap, observer: &observer, stop: &self.deps.stop };
        if let Err(error) = run.record(&mut report, plan, KeepRecords::No).await {
            return report.ended(RunState::Failed, Some(error.to_string()));
        }
        // The client is locked already.
        match run.apply(&mut report, &plan.changes, Vec::new(), Guard::Onu, None).await {
            Ok(state) => report.ended(state, None),
            Err(error) => report.ended(RunState::Failed, Some(error.to_string())),
        }
    }
}

fn only_client(code: &ClientCode, mut records: Vec<ClientRecord>) -> Result<SyncedClient, SyncClientError> {
    if records.len() > 1 {
        return Err(SyncClientError::Ambiguous(code.clone(), records.len()));
    }
    let unknown = || SyncClientError::UnknownToOzmap(code.clone());
    let ClientRecord { client, property, .. } = records.pop().ok_or_else(unknown)?;
    let (property, read_power) = match property {
        Some(Property { id, read_power, .. }) => (Some(id), read_power),
        None => (None, None),
    };
    Ok(SyncedClient { client, property, read_power })
}

/// The plan for one client, from its own rows and those that claim its ONU.
fn planned(
    code: &ClientCode,
    clients: Vec<SyncedClient>,
    readings: &int6::Readings,
    engine: &Engine,
) -> Result<Plan, SyncClientError> {
    let int6::Readings { readings, findings, shape: _, end } = readings;
    if readings.is_empty() {
        return Err(SyncClientError::Int6Empty);
    }
    let EngineDeps { rules, limits, .. } = &*engine.deps;
    let by = rules.match_by;
    let key = clients.iter().find_map(|synced| by.of_client(&synced.client));
    let is_own = |reading: &&Reading| key.is_some() && by.of_reading(reading) == key;
    let own: Vec<&Reading> = readings.iter().filter(is_own).collect();
    // INT6's codes are not OZmap's where another key leads from one to the other.
    let is_of_code = |f: &&Finding| by == MatchBy::Code && f.code.as_deref() == Some(code.as_str());
    let unreadable: Vec<Finding> = findings.iter().filter(is_of_code).cloned().collect();
    if own.is_empty() && unreadable.is_empty() {
        // The client may stand in what was not read.
        if let int6::ReadingEnd::Refused(error) = end {
            return Err(error.clone().into());
        }
        return Err(SyncClientError::UnknownToInt6(code.clone()));
    }
    let shares_onu = |reading: &&Reading| {
        let same_onu = |row: &&Reading| {
            (reading.serial.is_some() && row.serial == reading.serial)
                || (reading.mac.is_some() && row.mac == reading.mac)
        };
        !is_own(reading) && own.iter().any(same_onu)
    };
    let rows = own.iter().copied().chain(readings.iter().filter(shares_onu)).cloned().collect();
    let sides = Sides { clients, readings: rows, findings: unreadable, ..Sides::default() };
    let mut plan = plan(sides, rules, limits, &Past::default(), Rails::OneClient, Timestamp::now());
    // Others are here only because their rows claim its ONU.
    let names_it = |text: &str| text.split(|c: char| !c.is_alphanumeric()).any(|word| word == code.as_str());
    let is_its = |f: &Finding| {
        f.code.as_deref() == Some(code.as_str()) || (f.kind == FindingKind::Duplicate && names_it(&f.detail))
    };
    plan.findings.retain(is_its);
    plan.counts.only_in_int6 = 0;
    Ok(plan)
}
