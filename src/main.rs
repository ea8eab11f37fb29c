//! The gateway's one binary: parses the command line and hands over to the library.

mod cli;

/// Runs make and drop millions of small values: this one takes less time for them than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
