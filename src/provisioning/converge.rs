//! Look, decide, write, and look again until nothing is left to write.

use std::time::Duration;

use gateway_core::provisioning::{
    ActivationOutcome, Command, Created, Done, Observed, Refusal, Write, decide,
};
use gateway_core::{ClientRecord, Site, Splitter};
use jiff::Timestamp;

use super::failure::Failure;
use crate::ozmap::Ozmap;
use crate::upstream::CallError;

/// Rounds of look, decide, write: one that writes and one that finds nothing left to do, and some for answers that got lost.
const ROUNDS: usize = 5;
/// How long OZmap gets to finish a request whose answer was lost, before what became of it is looked up.
const SETTLE: Duration = Duration::from_millis(300);

/// One command under way.
pub(super) struct Convergence<'a> {
    ozmap: &'a Ozmap,
    command: &'a Command,
    site: Option<Site>,
    /// What the list of clients said of the code not long ago.
    listed: Option<Vec<ClientRecord>>,
    /// The splitter at the last look at it.
    splitter: Option<Splitter>,
    /// The client at the first look, and at the last.
    before: Option<ClientRecord>,
    seen: Option<ClientRecord>,
    /// An earlier try of a stored operation was cut off: it may have created the client.
    tried_before: bool,
    created: Created,
    wrote: bool,
}

impl<'a> Convergence<'a> {
    pub(super) fn new(ozmap: &'a Ozmap, command: &'a Command, tried_before: bool) -> Convergence<'a> {
        Convergence {
            ozmap,
            command,
            site: None,
            listed: None,
            splitter: None,
            before: None,
            seen: None,
            tried_before,
            created: Created::No,
            wrote: false,
        }
    }

    /// The box or building of the splitter that is to be connected, if one is.
    ///
    /// # Errors
    /// [`Failure`]; a splitter that OZmap does not have, or that is in a project that is not the tenant's, is refused at once.
    pub(super) async fn look_at_site(&mut self) -> Result<(), Failure> {
        let Some(id) = self.command.splitter() else { return Ok(()) };
        let splitter = self.ozmap.splitter_in_project(id).await?;
        let (splitter, own) = splitter.ok_or_else(|| Refusal::NoSuchSplitter(id.clone()))?;
        let site = match &splitter.site {
            Some(site) => self.ozmap.site_in_project(site).await?,
            None => None,
        };
        let (site, its) = site.map_or((None, None), |(site, project)| (Some(site), project));
        self.site = site;
        match self.ozmap.admits(own.as_ref(), its.as_ref()).await? {
            true => Ok(()),
            false => Err(Refusal::NotADropSplitter { splitter: splitter.id, why: ELSEWHERE }.into()),
        }
    }

    /// The same by an earlier look, not long ago.
    pub(super) fn know_site(&mut self, site: Site) {
        self.site = Some(site);
    }

    /// What the list of clients said of the code, not long ago.
    pub(super) fn know_listed(&mut self, listed: Vec<ClientRecord>) {
        self.listed = Some(listed);
    }

    /// What a look at the site found.
    pub(super) fn site(&self) -> Option<&Site> {
        self.site.as_ref()
    }

    /// Whether OZmap may hold something else than before.
    pub(super) fn has_written(&self) -> bool {
        self.wrote || self.created != Created::No
    }

    /// The client at the first look, and at the last.
    pub(super) fn seen(self) -> (Option<ClientRecord>, Option<ClientRecord>) {
        (self.before, self.seen)
    }

    /// Looks, decides and writes until nothing is left to do. What a lost answer left behind is found by looking; a port that
    /// was lost to somebody else is found by the same look.
    ///
    /// # Errors
    /// [`Failure`].
    pub(super) async fn run(&mut self) -> Result<Done, Failure> {
        let mut last: Option<Result<(), CallError>> = None;
        for round in 0..ROUNDS {
            let (observed, as_of) = (self.look(round).await?, Timestamp::now());
            if round == 0 && observed.records.is_empty() {
                self.refuse_blanks().await?;
            }
            self.seen = observed.records.first().cloned();
            if round == 0 {
                self.before = self.seen.clone();
            }
            let writes = decide(self.command, &observed)?;
            // All was written, and what is left is a text or place that OZmap keeps in a way of its own.
            let settled = match &last {
                Some(Ok(())) => !writes.iter().any(Write::is_essential),
                _ => writes.is_empty(),
            };
            if let Some(record) = self.seen.clone().filter(|_| settled) {
                return Ok(Done { outcome: self.outcome(), record, as_of });
            }
            let written = self.write_all(&writes).await;
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
            _ => self.ozmap.not_applied(self.command.operation(), NOT_APPLIED).into(),
        })
    }

    /// A client whose code has blanks around it in OZmap is not created a second time.
    async fn refuse_blanks(&self) -> Result<(), Failure> {
        match self.ozmap.code_with_blanks(self.command.code()).await? {
            Some(held) => Err(Refusal::BlankInCode { held }.into()),
            None => Ok(()),
        }
    }

    /// The first look asks whether there is anybody else of the code, too; the later ones see what came of a write.
    async fn look(&mut self, round: usize) -> Result<Observed, CallError> {
        let (ozmap, code) = (self.ozmap, self.command.code());
        let records = if round == 0 {
            let records = ozmap.all_of_code(code, self.listed.take());
            let (records, splitter) = tokio::join!(records, self.splitter_now());
            self.splitter = splitter?;
            records?
        } else {
            let records = ozmap.clients_by_code(code).await?;
            // Whose port it is need not be asked of a splitter on which the client is.
            if !self.is_held_by(&records) {
                self.splitter = self.splitter_now().await?;
            }
            records
        };
        let created = match self.created {
            Created::No if self.tried_before => Created::Perhaps,
            created => created,
        };
        Ok(Observed { records, splitter: self.splitter.clone(), site: self.site.clone(), created })
    }

    fn is_held_by(&self, records: &[ClientRecord]) -> bool {
        match (self.command, records) {
            (Command::Create(request) | Command::Activate(request), [record]) => {
                record.holds(&request.splitter, request.port)
            }
            _ => false,
        }
    }

    async fn splitter_now(&self) -> Result<Option<Splitter>, CallError> {
        match self.command.splitter() {
            Some(id) => self.ozmap.splitter(id).await,
            None => Ok(None),
        }
    }

    /// In order, up to the first that fails.
    async fn write_all(&mut self, writes: &[Write]) -> Result<(), CallError> {
        for write in writes {
            let written = self.ozmap.carry_out(write).await;
            self.note(write, &written);
            written?;
        }
        Ok(())
    }

    fn note(&mut self, write: &Write, written: &Result<(), CallError>) {
        if !write.creates_client() {
            self.wrote = true;
            return;
        }
        match written {
            Ok(()) => self.created = Created::Yes,
            Err(error) if error.kind.outcome_unknown() && self.created == Created::No => {
                self.created = Created::Perhaps;
            }
            Err(_) => (),
        }
    }

    fn outcome(&self) -> ActivationOutcome {
        match (self.created, self.wrote) {
            (Created::Yes | Created::Perhaps, _) => ActivationOutcome::Created,
            (Created::No, true) => ActivationOutcome::Updated,
            (Created::No, false) => ActivationOutcome::Unchanged,
        }
    }
}

const ELSEWHERE: &str =
    "it is in a project that the tenant's settings leave out (`projects.include`, `projects.exclude`)";
const NOT_APPLIED: &str = "the writes were accepted, but port, implantation or ONU are not what was written";

fn was_rejected(last: &Option<Result<(), CallError>>) -> bool {
    matches!(last, Some(Err(error)) if error.kind.rejected_with().is_some())
}
