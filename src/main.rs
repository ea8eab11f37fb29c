//! The gateway's one binary: parses the command line and hands over to the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    int6_ozmap_gateway::cli::main()
}
