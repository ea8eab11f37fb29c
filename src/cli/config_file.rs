//! `--config`: where a command finds its settings.

use std::net::SocketAddr;
use std::path::PathBuf;

use int6_ozmap_gateway::config::{Config, Mistakes, Purpose, SettingsPlace};

#[derive(clap::Args)]
pub(super) struct ConfigFile {
    /// TOML file with the settings; without it GATEWAY_CONFIG, then the environment alone.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}

impl ConfigFile {
    pub(super) fn load(self, purpose: Purpose) -> Result<Config, Mistakes> {
        self.place().load(purpose)
    }

    /// Where `serve` listens with these settings.
    pub(super) fn listen_address(self) -> Result<SocketAddr, Mistakes> {
        Config::listen_address(environment(), self.config)
    }

    /// Where the settings are, to be read again later.
    pub(super) fn place(self) -> SettingsPlace {
        SettingsPlace::new(environment(), self.config)
    }
}

/// Names and values that are not UTF-8 are none of ours.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}
