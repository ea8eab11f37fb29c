//! Which records are the tenant's by their project.

use std::collections::HashMap;

use compact_str::CompactString;
use gateway_core::{Project, ProjectRules, RecordId};
use serde_json::value::RawValue;

use super::pages::List;
use super::{Ozmap, wire};
use crate::upstream::{CallError, Kind};

const PROJECTS: List = List {
    operation: "list projects",
    route: wire::PROJECTS_ROUTE,
    select: wire::PROJECT_FIELDS,
    populate: None,
    filter: None,
};

/// What helps where a host has no list of projects.
const NO_NAMES: &str = "`projects.include` and `projects.exclude` have names, and a record gives its project's identifier \
                        alone: write identifiers there";

/// The tenant's projects during one reading of OZmap.
pub(super) struct Admission<'a> {
    rules: &'a ProjectRules,
    /// Names by identifier, where they may be needed; or why the host does not give them.
    names: Result<HashMap<RecordId, CompactString>, CallError>,
}

impl Ozmap {
    /// The same OZmap, of which only records in these projects are the tenant's. Default all.
    pub fn in_projects(self, rules: ProjectRules) -> Ozmap {
        Ozmap { projects: rules.into(), ..self }
    }

    /// Whether any record is left out because of its project.
    pub(crate) fn has_project_rules(&self) -> bool {
        self.projects.is_used()
    }

    /// What was said of the projects; one saved form of the network is not that of another.
    pub(crate) fn project_rules(&self) -> &ProjectRules {
        &self.projects
    }

    /// The tenant's projects; `None` if they are all. Lists them if names may be needed.
    ///
    /// # Errors
    /// [`CallError`] if the host is away. One that has no such list gives identifiers: that is told where a name is needed.
    pub(super) async fn admission(&self) -> Result<Option<Admission<'_>>, CallError> {
        let rules = &*self.projects;
        if !rules.is_used() {
            return Ok(None);
        }
        let mut names = HashMap::new();
        if rules.has_names() {
            let read = self
                .each_row(&PROJECTS, RawValue::to_owned, |row| names.extend(wire::named_project(&row)))
                .await;
            match read {
                Err(error) if error.kind.is_rejection() => {
                    return Ok(Some(Admission { rules, names: Err(without_names(error)) }));
                }
                read => drop(read?),
            }
        }
        Ok(Some(Admission { rules, names: Ok(names) }))
    }

    /// Whether the tenant's rules admit a splitter, by its own project and that of its site.
    ///
    /// # Errors
    /// [`CallError`] if a name is needed and cannot be had.
    pub(crate) async fn admits(
        &self,
        own: Option<&Project>,
        site: Option<&Project>,
    ) -> Result<bool, CallError> {
        match self.admission().await? {
            None => Ok(true),
            Some(admission) => admission.admits_all([own, site]),
        }
    }
}

impl Admission<'_> {
    /// Whether a project is the tenant's. One whose name is neither in the record nor in the list is not: it might be one that
    /// is left out.
    ///
    /// # Errors
    /// [`CallError`] if its name is needed and the host has no list of projects.
    pub(super) fn admits(&self, project: Option<&Project>) -> Result<bool, CallError> {
        if let Some(admitted) = self.rules.admits(project) {
            return Ok(admitted);
        }
        let names = self.names.as_ref().map_err(CallError::clone)?;
        let name = project.and_then(|project| names.get(project.id.as_ref()?)).cloned();
        let named = project.cloned().map(|project| Project { name, ..project });
        Ok(self.rules.admits(named.as_ref()).unwrap_or(false))
    }

    /// Whether all of the projects that are known are the tenant's; if none is known, as without a project.
    ///
    /// # Errors
    /// As [`Admission::admits`].
    pub(super) fn admits_all(&self, projects: [Option<&Project>; 2]) -> Result<bool, CallError> {
        match projects.iter().flatten().count() {
            0 => self.admits(None),
            _ => projects
                .iter()
                .flatten()
                .try_fold(true, |all, project| Ok(all && self.admits(Some(project))?)),
        }
    }

    /// Findings on what the settings name and the host does not list.
    pub(super) fn misnamed(&self) -> Vec<String> {
        let Ok(names) = &self.names else { return Vec::new() };
        if !self.rules.has_names() {
            return Vec::new();
        }
        let listed = |(id, name): (&RecordId, &CompactString)| Project {
            id: Some(id.clone()),
            name: Some(name.clone()),
        };
        let known: Vec<Project> = names.iter().map(listed).collect();
        let told = |(setting, text)| format!("`{setting}`: OZmap lists no project \"{text}\"");
        self.rules.unknown(&known).into_iter().map(told).collect()
    }

    /// Whether what has no project is left out.
    pub(super) fn wants_a_project(&self) -> bool {
        self.rules.wants_a_project()
    }
}

/// The same error, with what helps.
fn without_names(error: CallError) -> CallError {
    let what = NO_NAMES.to_owned();
    let kind = match error.kind {
        Kind::Rejected { status, said_in, excerpt: _ } => Kind::Rejected { status, said_in, excerpt: what },
        Kind::Unauthorized { status, excerpt: _ } => Kind::Unauthorized { status, excerpt: what },
        _ => Kind::Malformed { what },
    };
    CallError { kind, ..error }
}
