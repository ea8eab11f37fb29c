//! What a command prints.

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use super::failure::failed;

/// Prints on standard output. Somebody who pipes into `head` has seen enough: that nobody reads any more is no failure.
pub(super) fn print(text: &str) -> ExitCode {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            failed(&format!("standard output cannot be written: {error}"))
        }
        _ => ExitCode::SUCCESS,
    }
}
