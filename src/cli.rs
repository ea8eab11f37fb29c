//! The command line.

mod completions;
mod config_file;
mod doctor;
mod failure;
mod healthcheck;
mod man;
mod output;
#[cfg(feature = "sandbox")]
mod sandbox;
mod sync;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use int6_ozmap_gateway::config::Purpose;
use int6_ozmap_gateway::key::NewKey;
use int6_ozmap_gateway::{app, http, telemetry};

use self::config_file::ConfigFile;
use self::failure::failed;

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
    /// Checks settings, machine, database, both systems and what they say, and names the remedy. Exit status: 0 fine or
    /// warnings only, 2 something is to be mended.
    Doctor(doctor::DoctorArguments),
    /// Asks the gateway that runs with these settings whether it can work. Exit status: 0 yes, 1 no.
    Healthcheck(healthcheck::HealthcheckArguments),
    /// Prints the OpenAPI document.
    Openapi,
    /// Makes a gateway key and prints it with its SHA-256.
    Keygen,
    /// Prints the completions of a shell; packages install them.
    #[command(hide = true)]
    Completions(completions::CompletionsArguments),
    /// Writes the manual's pages; packages install them.
    #[command(hide = true)]
    Man(man::ManArguments),
    #[cfg(feature = "sandbox")]
    /// Starts a pretend OZmap, a pretend INT6 and the gateway in front of them, all on loopback.
    Sandbox(sandbox::SandboxArguments),
}

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
            if let Err(error) = telemetry::start("info") {
                return failed(&error.to_string());
            }
            let place = file.place();
            match place.load(Purpose::Serve) {
                Ok(config) => {
                    let served = app::serve(&config, &place).await;
                    served.map_or_else(|e| failed(&e.to_string()), |()| ExitCode::SUCCESS)
                }
                Err(mistakes) => failed(&mistakes.to_string()),
            }
        }
        Command::Sync(arguments) => sync::run(arguments).await,
        Command::Doctor(arguments) => doctor::run(arguments).await,
        Command::Healthcheck(arguments) => healthcheck::run(arguments).await,
        Command::Openapi => output::print(&http::openapi_json()),
        Command::Keygen => {
            let NewKey { key, sha256 } = NewKey::generate();
            let printed = output::print(&format!("GATEWAY_API_KEY={key}\nGATEWAY_API_KEY_SHA256={sha256}\n"));
            eprintln!("Give INT6 the key; the gateway needs only one of the two lines, best the second.");
            printed
        }
        Command::Completions(arguments) => completions::print(&arguments, Arguments::command()),
        Command::Man(arguments) => man::write(&arguments, Arguments::command()),
        #[cfg(feature = "sandbox")]
        Command::Sandbox(arguments) => sandbox::run(arguments).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn help_names_every_command() {
        insta::assert_snapshot!(Arguments::command().term_width(100).render_long_help().to_string());
    }
}
