//! `man`: the manual's pages; for packages.

use std::path::PathBuf;
use std::process::ExitCode;

use super::failure::failed;

#[derive(clap::Args)]
pub(super) struct ManArguments {
    /// Folder into which a page for each command is written; it must be there.
    folder: PathBuf,
}

pub(super) fn write(ManArguments { folder }: &ManArguments, command: clap::Command) -> ExitCode {
    match clap_mangen::generate_to(command, folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&format!("the pages cannot be written to {}: {error}", folder.display())),
    }
}
