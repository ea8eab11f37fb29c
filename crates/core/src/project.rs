//! Which of OZmap's projects are a tenant's.

use std::collections::BTreeSet;

use compact_str::CompactString;

use crate::client::RecordId;
use crate::notation::without_blanks;

/// The project of a record, as far as the record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Its identifier.
    pub id: Option<RecordId>,
    /// Its name; `None` where a record gives the identifier alone.
    pub name: Option<CompactString>,
}

/// The projects whose clients are synced and whose splitters are on offer, by name or identifier. Default all.
///
/// Compared without blanks around and without case. Source: `docs/contracts/rules.md`, "Projects".
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ProjectRules {
    /// If there are any, these alone.
    include: BTreeSet<String>,
    /// Never these.
    exclude: BTreeSet<String>,
}

impl ProjectRules {
    /// Takes names and identifiers.
    pub fn new<T: AsRef<str>>(
        include: impl IntoIterator<Item = T>,
        exclude: impl IntoIterator<Item = T>,
    ) -> ProjectRules {
        let include = include.into_iter().map(|text| key(text.as_ref())).collect();
        ProjectRules { include, exclude: exclude.into_iter().map(|text| key(text.as_ref())).collect() }
    }

    /// Whether they leave anything out.
    pub fn is_used(&self) -> bool {
        !self.include.is_empty() || !self.exclude.is_empty()
    }

    /// Whether some of them can only be compared with a project's name.
    pub fn has_names(&self) -> bool {
        has_names(&self.include) || has_names(&self.exclude)
    }

    /// What is named and is no project of these, as it is compared; with the setting that names it.
    pub fn unknown<'a>(&'a self, known: &[Project]) -> Vec<(&'static str, &'a str)> {
        let texts = |project: &Project| {
            let id = project.id.as_ref().map(|id| key(id.as_str()));
            id.into_iter().chain(project.name.as_deref().map(key))
        };
        let known: BTreeSet<String> = known.iter().flat_map(texts).collect();
        let of = |setting, set: &'a BTreeSet<String>| {
            set.iter()
                .filter(|text| !known.contains(*text))
                .map(move |text| (setting, text.as_str()))
                .collect::<Vec<_>>()
        };
        [of("projects.include", &self.include), of("projects.exclude", &self.exclude)].concat()
    }

    /// Whether a record without a project is left out.
    pub fn wants_a_project(&self) -> bool {
        !self.include.is_empty()
    }

    /// Whether a project is the tenant's; `None` if that hangs on its name, which is not known.
    pub fn admits(&self, project: Option<&Project>) -> Option<bool> {
        let Some(project) = project else { return Some(!self.wants_a_project()) };
        let id = project.id.as_ref().map(|id| key(id.as_str()));
        let name = project.name.as_deref().map(key);
        // Unknown as long as there is a name that it might have.
        let is_among =
            |set: &BTreeSet<String>| match [&id, &name].into_iter().flatten().any(|k| set.contains(k)) {
                true => Some(true),
                false if name.is_none() && has_names(set) => None,
                false => Some(false),
            };
        match is_among(&self.exclude) {
            Some(false) if self.wants_a_project() => is_among(&self.include),
            excluded => excluded.map(|excluded| !excluded),
        }
    }
}

fn key(text: &str) -> String {
    without_blanks(text).to_lowercase()
}

/// An identifier of OZmap has 24 hexadecimal digits; everything else may be a name.
fn has_names(set: &BTreeSet<String>) -> bool {
    let is_id = |key: &String| key.len() == 24 && key.bytes().all(|b| b.is_ascii_hexdigit());
    !set.iter().all(is_id)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const ID: &str = "5da61e13493d9c0006665477";
    const OTHER: &str = "5da61e13493d9c0006665478";

    fn project(id: &str, name: Option<&str>) -> Project {
        Project { id: RecordId::new(id), name: name.map(Into::into) }
    }

    #[rstest]
    #[case(&[], &[], Some(true))]
    #[case(&[ID], &[], Some(true))]
    #[case(&[OTHER], &[], Some(false))]
    #[case(&[" REDE Sul "], &[], Some(true))]
    #[case(&["Rede Norte"], &[], Some(false))]
    #[case(&[], &[ID], Some(false))]
    #[case(&[], &["rede sul"], Some(false))]
    #[case(&[], &["Rede Norte", OTHER], Some(true))]
    #[case(&["Rede Sul"], &[ID], Some(false))]
    fn a_project_is_admitted_by_name_or_identifier(
        #[case] include: &[&str],
        #[case] exclude: &[&str],
        #[case] admitted: Option<bool>,
    ) {
        let rules = ProjectRules::new(include, exclude);
        assert_eq!(rules.admits(Some(&project(ID, Some("Rede Sul")))), admitted);
    }

    #[rstest]
    #[case(&[ID, "Rede Norte"], &[], Some(true))]
    #[case(&[OTHER], &[], Some(false))]
    #[case(&["Rede Sul"], &[], None)]
    #[case(&[], &["Rede Sul"], None)]
    #[case(&[ID], &["Rede Sul"], None)]
    #[case(&["Rede Sul"], &[ID], Some(false))]
    fn without_a_name_only_identifiers_decide(
        #[case] include: &[&str],
        #[case] exclude: &[&str],
        #[case] admitted: Option<bool>,
    ) {
        assert_eq!(ProjectRules::new(include, exclude).admits(Some(&project(ID, None))), admitted);
    }

    #[test]
    fn what_is_no_project_is_found_out() {
        let rules = ProjectRules::new(["Rede Sul", ID], ["Rede Nort"]);
        let known = [project(OTHER, Some("REDE SUL")), project(ID, None)];
        assert_eq!(rules.unknown(&known), [("projects.exclude", "rede nort")]);
    }

    #[test]
    fn what_has_no_project_is_in_unless_some_are_asked_for() {
        assert_eq!(ProjectRules::new([], [ID]).admits(None), Some(true));
        assert_eq!(ProjectRules::new([ID], []).admits(None), Some(false));
        assert!(!ProjectRules::default().is_used() && ProjectRules::new([], ["x"]).is_used());
    }
}
