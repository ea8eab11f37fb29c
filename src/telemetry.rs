//! Logs: one line per event on standard error, readable alone, with its values as fields.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts logging. `GATEWAY_LOG` is a filter such as `debug` or `int6_ozmap_gateway=debug`; `default` counts without it.
pub fn start(default: &str) {
    let filter = EnvFilter::try_from_env("GATEWAY_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    // A second start in one process, as in tests, keeps the first.
    drop(builder.try_init());
}
