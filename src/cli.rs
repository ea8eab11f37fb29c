//! The command line.

mod doctor;
#[cfg(feature = "sandbox")]
mod sandbox;
mod sync;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use int6_ozmap_gateway::config::{Config, Mistakes, Purpose};
use int6_ozmap_gateway::{app, http, telemetry};

/// Keeps OZmap in step with INT6: every 10 minutes what INT6 reads of each client's light reaches OZmap.
#[derive(Parser)]
#[command(version, arg_required_else_help = true, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the gateway: the sync's beat and the HTTP API.
    Serve(ConfigFile),
    /// Runs the sync once. Exit status: 0 fine, 1 some changes failed, 2 the run failed, was halted or skipped.
    Sync(sync::SyncArguments),
    /// Checks settings, database, URLs and credentials, and says the remedy.
    Doctor(ConfigFile),
    /// Prints the OpenAPI document.
    Openapi,
    /// Makes a gateway key and prints it with its SHA-256.
    Keygen,
    #[cfg(feature = "sandbox")]
    /// Starts a pretend OZmap, a pretend INT6 and the gateway in front of them, all on loopback.
    Sandbox(sandbox::SandboxArguments),
}

#[derive(clap::Args)]
struct ConfigFile {
    /// TOML file with the settings; without it GATEWAY_CONFIG, then the environment alone.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl ConfigFile {
    fn load(self, purpose: Purpose) -> Result<Config, Mistakes> {
        // Names and values that are not UTF-8 are none of ours.
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Config::load(environment, self.config, purpose)
    }
}

/// Exit status of a command that could not do its work.
const FAILED: u8 = 2;

/// Parses the command line and carries it out.
pub(crate) fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Err(error) = rustls::crypto::ring::default_provider().install_default() {
        tracing::debug!(?error, "a TLS provider was installed already");
    }
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&format!("the runtime cannot start: {error}")),
    };
    runtime.block_on(carry_out(arguments.command))
}

async fn carry_out(command: Command) -> ExitCode {
    match command {
        Command::Serve(file) => {
            telemetry::start("info");
            match file.load(Purpose::Serve) {
                Ok(config) => {
                    app::serve(&config).await.map_or_else(|e| failed(&e.to_string()), |()| ExitCode::SUCCESS)
                }
                Err(mistakes) => failed(&mistakes.to_string()),
            }
        }
        Command::Sync(arguments) => sync::run(arguments).await,
        Command::Doctor(file) => doctor::run(file).await,
        Command::Openapi => {
            print!("{}", http::openapi_json());
            ExitCode::SUCCESS
        }
        Command::Keygen => {
            let (key, hash) = keygen();
            println!("GATEWAY_API_KEY={key}\nGATEWAY_API_KEY_SHA256={hash}");
            eprintln!("Give INT6 the key; the gateway needs only one of the two lines, best the second.");
            ExitCode::SUCCESS
        }
        #[cfg(feature = "sandbox")]
        Command::Sandbox(arguments) => sandbox::run(arguments).await,
    }
}

/// A key of 256 random bits and its SHA-256, both in hexadecimal digits.
fn keygen() -> (String, String) {
    let key = hex(&rand::random::<[u8; 32]>());
    let hash = hex(&int6_ozmap_gateway::config::hash_of_key(&key));
    (key, hash)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn failed(why: &str) -> ExitCode {
    eprintln!("error: {why}");
    ExitCode::from(FAILED)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn help_names_every_command() {
        insta::assert_snapshot!(Arguments::command().term_width(100).render_long_help().to_string());
    }

    #[test]
    fn a_new_key_is_good_enough_for_the_settings_and_hashes_to_its_hash() {
        let (key, hash) = keygen();
        assert_eq!(key.len(), 64);
        assert_eq!(hash, hex(&int6_ozmap_gateway::config::hash_of_key(&key)));
        assert_ne!(key, keygen().0);
    }
}
