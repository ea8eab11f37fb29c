//! The files that the settings were read from.

use std::fmt;
use std::path::{Path, PathBuf};

use super::setting::Scope;
use super::source::Source;
use super::table;

/// Files whose change may change the settings: the settings' own, those of secrets, those of certificates.
#[derive(Clone, Default)]
pub struct SettingsFiles(Vec<PathBuf>);

impl fmt::Debug for SettingsFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SettingsFiles")
    }
}

impl SettingsFiles {
    /// Their paths, each once.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(PathBuf::as_path)
    }
}

/// All that are named, whether they are there or not.
pub(super) fn files(source: &mut Source) -> SettingsFiles {
    let mut files: Vec<PathBuf> = source.file().map(Path::to_owned).into_iter().collect();
    files.extend(named(source, Scope::Gateway));
    for index in 0..source.tenants() {
        source.turn_to(index);
        files.extend(named(source, Scope::Tenant));
        files.extend(source.webhooks_as_written().1);
    }
    files.sort_unstable();
    files.dedup();
    SettingsFiles(files)
}

fn named(source: &Source, scope: Scope) -> Vec<PathBuf> {
    let names = table::names().filter(|name| name.scope == scope);
    let file = |name| match source.secret_file(name) {
        None if name.toml.ends_with(".ca_file") => source.text(name).ok().flatten().map(PathBuf::from),
        file => file,
    };
    names.filter_map(file).collect()
}
