//! Creating and activating clients in OZmap: look, decide, write, look again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gateway_core::provisioning::{
    ClientPatch, ConnectRequest, Decision, Intent, PropertyPatch, Refusal, decide,
};
use gateway_core::{ClientCode, ClientRecord, Site, Splitter, System};
use jiff::Timestamp;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::Failure;
use super::power::Powers;
use crate::ozmap::Ozmap;
use crate::store::{ActivationEnd, ActivationResult, LockGuard, Locks, NewActivation, Store};
use crate::upstream;

/// Rounds of look, decide, write: one that writes and one that finds nothing left to do, and some for answers that got lost.
const ROUNDS: usize = 5;
/// How long OZmap gets to finish a request whose answer was lost, before what became of it is looked up.
const SETTLE: Duration = Duration::from_millis(300);
/// Longest work on one request; with the time in line before it, shorter than a lock lives.
const LONGEST: Duration = Duration::from_secs(120);

/// What became of the client in OZmap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActivationOutcome {
    /// OZmap did not know the client.
    Created,
    /// Something was written.
    Updated,
    /// Everything was so already.
    Unchanged,
}

impl From<ActivationOutcome> for ActivationResult {
    fn from(outcome: ActivationOutcome) -> ActivationResult {
        match outcome {
            ActivationOutcome::Created => ActivationResult::Created,
            ActivationOutcome::Updated => ActivationResult::Updated,
            ActivationOutcome::Unchanged => ActivationResult::Unchanged,
        }
    }
}

impl ActivationOutcome {
    /// As the API writes it.
    pub fn name(self) -> &'static str {
        match self {
            ActivationOutcome::Created => "created",
            ActivationOutcome::Updated => "updated",
            ActivationOutcome::Unchanged => "unchanged",
        }
    }
}

/// The client as OZmap holds him after it was done.
#[derive(Debug, Clone, PartialEq)]
pub struct Done {
    /// What was done.
    pub outcome: ActivationOutcome,
    /// Read back from OZmap.
    pub record: ClientRecord,
    /// When it was read.
    pub as_of: Timestamp,
}

/// Who asks.
#[derive(Debug, Clone)]
pub struct RequestOrigin {
    /// The caller's address and request id.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// How long it may wait in line; what has begun by then is finished, what has not is not begun any more.
    pub patience: Duration,
    /// The stored operation that is carried out, if it is one; it gives way to what was asked later and is done already.
    pub operation: Option<Uuid>,
}

/// Activates clients of one tenant; clones are the same.
#[derive(Clone)]
pub struct Activations {
    parts: Arc<ActivationDeps>,
    under_way: TaskTracker,
}

/// What a tenant's activations are made of.
pub struct ActivationDeps {
    /// The tenant's name in the store.
    pub tenant: String,
    /// Where clients are connected.
    pub ozmap: Ozmap,
    /// Where every activation is recorded.
    pub store: Store,
    /// One at a time for one client and one splitter.
    pub locks: Arc<Locks>,
    /// What is known of a client's light is old once he is connected elsewhere.
    pub powers: Arc<Powers>,
}

impl Activations {
    /// Nothing is done yet.
    pub fn new(parts: ActivationDeps) -> Activations {
        Activations { parts: Arc::new(parts), under_way: TaskTracker::new() }
    }

    /// Carries a request out in a task of its own: a caller who gives up does not leave half an activation.
    pub fn begin(
        &self,
        intent: Intent,
        request: ConnectRequest,
        origin: RequestOrigin,
    ) -> JoinHandle<Result<Done, Failure>> {
        let parts = Arc::clone(&self.parts);
        self.under_way.spawn(async move { parts.recorded(intent, &request, origin).await })
    }

    /// What OZmap holds of a client now.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn client(&self, code: &ClientCode) -> Result<ClientRecord, Failure> {
        let mut records = self.parts.ozmap.clients_by_code(code).await?;
        match (records.pop(), records.len()) {
            (None, _) => Err(Failure::UnknownClient(code.clone())),
            (Some(record), 0) => Ok(record),
            (Some(_), others) => Err(Refusal::Ambiguous { code: code.clone(), count: others + 1 }.into()),
        }
    }

    /// Waits until every activation has written its end.
    pub async fn finished(&self) {
        self.under_way.close();
        self.under_way.wait().await;
    }
}

impl ActivationDeps {
    /// One row in the store for each activation, written before OZmap is asked for anything.
    async fn recorded(
        &self,
        intent: Intent,
        request: &ConnectRequest,
        origin: RequestOrigin,
    ) -> Result<Done, Failure> {
        let id = Uuid::now_v7();
        self.store
            .begin_activation(NewActivation {
                id,
                tenant: &self.tenant,
                code: request.code.as_str(),
                asked_at: origin.at,
                asked_by: &origin.by,
                operation: origin.operation,
                request: json(request),
            })
            .await?;
        let mut work = Work {
            parts: self,
            intent,
            request,
            held: Vec::new(),
            old: None,
            seen: None,
            created: false,
            wrote: false,
        };
        let result = work.alone(&origin).await;
        if work.created || work.wrote {
            self.powers.forget(&request.code).await;
        }
        let end = ActivationEnd {
            result: match &result {
                Ok(done) => done.outcome.into(),
                Err(failure) if failure.is_transient() => ActivationResult::Failed,
                Err(_) => ActivationResult::Refused,
            },
            old: work.old.as_ref().map(json),
            // What was half done is remembered, too.
            new: match &result {
                Ok(done) => Some(json(&done.record)),
                Err(_) => work.seen.as_ref().filter(|_| work.seen != work.old).map(json),
            },
            error: result.as_ref().err().map(|failure| format!("{}: {failure}", failure.code())),
        };
        match &result {
            Ok(done) => {
                tracing::info!(tenant = self.tenant, code = %request.code, outcome = done.outcome.name(), "activation")
            }
            Err(failure) => {
                tracing::warn!(tenant = self.tenant, code = %request.code, error = failure.code().name(), %failure, "activation")
            }
        }
        metrics::counter!("gateway_activations_total", "tenant" => self.tenant.clone(), "result" => end.result.name())
            .increment(1);
        if let Err(error) = self.store.end_activation(id, Timestamp::now(), end).await {
            tracing::error!(tenant = self.tenant, activation = %id, %error, "the end of an activation could not be recorded");
        }
        // Only now, so that whoever comes next sees what was done.
        for lock in work.held.into_iter().rev() {
            self.locks.release(lock).await;
        }
        result
    }
}

/// One activation under way.
struct Work<'a> {
    parts: &'a ActivationDeps,
    intent: Intent,
    request: &'a ConnectRequest,
    held: Vec<LockGuard>,
    /// The client at the first look, and at the last.
    old: Option<ClientRecord>,
    seen: Option<ClientRecord>,
    created: bool,
    wrote: bool,
}

impl Work<'_> {
    /// Serialised with everything else that concerns this client or this splitter; the locks stay in `held`.
    async fn alone(&mut self, origin: &RequestOrigin) -> Result<Done, Failure> {
        let ActivationDeps { tenant, store, locks, .. } = self.parts;
        let code = self.request.code.as_str();
        // Afterwards the caller may have chosen otherwise.
        let until = Instant::now() + origin.patience;
        // Where the splitter stands does not change while one waits in line.
        let site = self.site().await?;
        self.held.push(locks.lock_until("client", code, until).await?);
        if origin.operation.is_some() && store.activated_since(tenant, code, origin.at).await? {
            return Err(Failure::Superseded);
        }
        self.held.push(locks.lock_until("splitter", self.request.splitter.as_str(), until).await?);
        let work = tokio::time::timeout(LONGEST, self.converge(site.as_ref()));
        work.await.unwrap_or(Err(Failure::Late(System::Ozmap)))
    }

    async fn site(&self) -> Result<Option<Site>, Failure> {
        match &self.splitter().await?.site {
            Some(site) => Ok(self.parts.ozmap.site(site).await?),
            None => Ok(None),
        }
    }

    async fn splitter(&self) -> Result<Splitter, Failure> {
        let splitter = self.parts.ozmap.splitter(&self.request.splitter).await?;
        splitter.ok_or_else(|| Failure::NoSuchSplitter(self.request.splitter.clone()))
    }

    /// Looks, decides and writes until nothing is left to do. What a lost answer left behind is found by looking; a port
    /// that was lost to somebody else is found by the same look.
    async fn converge(&mut self, site: Option<&Site>) -> Result<Done, Failure> {
        let ozmap = &self.parts.ozmap;
        let mut last: Option<Result<(), upstream::CallError>> = None;
        for _ in 0..ROUNDS {
            let (records, splitter) =
                tokio::join!(ozmap.clients_by_code(&self.request.code), self.splitter());
            let (records, splitter, as_of) = (records?, splitter?, Timestamp::now());
            self.seen = records.first().cloned();
            if last.is_none() {
                self.old = self.seen.clone();
            }
            let decision = decide(self.intent, self.request, &records, &splitter, site)?;
            let settled = is_settled(&decision, matches!(last, Some(Ok(()))));
            if let Some(record) = records.into_iter().next().filter(|_| settled) {
                return Ok(Done { outcome: self.outcome(), record, as_of });
            }
            let written = self.write(&decision).await;
            match (&written, &last) {
                (Ok(()), _) => (),
                (Err(error), _) if error.kind.outcome_unknown() => tokio::time::sleep(SETTLE).await,
                // Another look tells whether somebody was quicker; refused twice, it was no race.
                (Err(error), before) if error.kind.rejected_with().is_some() && !was_rejected(before) => (),
                (Err(error), _) => return Err(error.clone().into()),
            }
            last = Some(written);
        }
        Err(match last {
            Some(Err(error)) => error.into(),
            _ => ozmap
                .not_applied(
                    "activate a client",
                    "the writes were accepted, but port, implantation or ONU are not what was written",
                )
                .into(),
        })
    }

    async fn write(&mut self, decision: &Decision) -> Result<(), upstream::CallError> {
        let ozmap = &self.parts.ozmap;
        match decision {
            Decision::Nothing => Ok(()),
            Decision::Create(home) => {
                let created = ozmap.create_property(home).await;
                match &created {
                    // Whoever has this code from now on is ours.
                    Ok(()) => (self.created, self.intent) = (true, Intent::Activate),
                    Err(error) if error.kind.outcome_unknown() => {
                        self.created = true;
                        if self.intent == Intent::Create {
                            self.intent = Intent::CreateAgain;
                        }
                    }
                    Err(_) => (),
                }
                created
            }
            Decision::Update { home, client } => {
                // The port first: it is what may be refused.
                if let Some(home) = home {
                    self.wrote = true;
                    ozmap.patch_property(home).await?;
                }
                if let Some((id, edit)) = client {
                    self.wrote = true;
                    ozmap.patch_client(id, edit).await?;
                }
                Ok(())
            }
        }
    }

    fn outcome(&self) -> ActivationOutcome {
        match (self.created, self.wrote) {
            (true, _) => ActivationOutcome::Created,
            (false, true) => ActivationOutcome::Updated,
            (false, false) => ActivationOutcome::Unchanged,
        }
    }
}

/// Nothing is left to do; or all was written and OZmap keeps some text or place in a way of its own, while port,
/// implantation and ONU, which must be right, are.
fn is_settled(decision: &Decision, written: bool) -> bool {
    match decision {
        Decision::Nothing => true,
        Decision::Create(_) => false,
        Decision::Update { home, client } => {
            let connects =
                matches!(home, Some(PropertyPatch::New(_) | PropertyPatch::Edit { connect: Some(_), .. }));
            let matters = |edit: &ClientPatch| edit.implantation.is_some() || edit.onu.is_some();
            written && !connects && !client.as_ref().is_some_and(|(_, edit)| matters(edit))
        }
    }
}

fn was_rejected(last: &Option<Result<(), upstream::CallError>>) -> bool {
    matches!(last, Some(Err(error)) if error.kind.rejected_with().is_some())
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
