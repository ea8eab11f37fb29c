//! How a command ends that could not do its work.

use std::process::ExitCode;

/// Exit status of a command that could not do its work.
pub(super) const FAILED: u8 = 2;

/// Says why on standard error.
pub(super) fn failed(why: &str) -> ExitCode {
    eprintln!("error: {why}");
    ExitCode::from(FAILED)
}
