//! `completions`: what a shell needs to complete our commands; for packages.

use std::io::Write as _;
use std::process::ExitCode;

use clap_complete::Shell;

use super::failure::failed;

#[derive(clap::Args)]
pub(super) struct CompletionsArguments {
    /// Whose completions are printed.
    shell: Shell,
}

pub(super) fn print(
    CompletionsArguments { shell }: &CompletionsArguments,
    mut command: clap::Command,
) -> ExitCode {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(*shell, &mut command, name, &mut script);
    match std::io::stdout().write_all(&script) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&format!("the completions cannot be printed: {error}")),
    }
}
