//! Where the settings are, to be read again while the gateway runs.

use std::path::PathBuf;

use super::{Config, Mistakes, Purpose};

/// An environment and perhaps a file.
#[derive(Clone, Default)]
pub struct SettingsPlace {
    environment: Vec<(String, String)>,
    file: Option<PathBuf>,
}

impl SettingsPlace {
    /// This environment, and the file that `file` or its `GATEWAY_CONFIG` names. Nothing is read yet.
    pub fn new(
        environment: impl IntoIterator<Item = (String, String)>,
        file: Option<PathBuf>,
    ) -> SettingsPlace {
        SettingsPlace { environment: environment.into_iter().collect(), file }
    }

    /// What they say now.
    ///
    /// # Errors
    /// [`Mistakes`], all at once.
    pub fn load(&self, purpose: Purpose) -> Result<Config, Mistakes> {
        Config::load(self.environment.clone(), self.file.clone(), purpose)
    }
}
