//! Logs: one line per event on standard error, readable alone, with its values as fields.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts logging. `GATEWAY_LOG` is a filter such as `debug` or `int6_ozmap_gateway=debug`; `quiet` is the level without it.
///
/// People get text; where standard error is no terminal, JSON lines, unless `quiet` asks for a one-off command's text.
pub fn start(default: &str, json: bool) {
    let filter = EnvFilter::try_from_env("GATEWAY_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // A second start in one process, as in tests, keeps the first.
    let _ = if json {
        builder.json().flatten_event(true).try_init()
    } else {
        builder.with_ansi(std::io::stderr().is_terminal()).try_init()
    };
}
