//! `completions`: what a shell needs to complete our commands; for packages.

use std::process::ExitCode;

use clap_complete::Shell;

use super::output;

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
    output::print(&String::from_utf8_lossy(&script))
}
