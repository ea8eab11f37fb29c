//! Logs: one line per event on standard error, readable alone, with its values as fields. Metrics: what is counted, in
//! Prometheus' text form.

use std::io::IsTerminal;
use std::sync::{Arc, OnceLock};

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

/// Starts logging. `GATEWAY_LOG` is a filter such as `debug` or `int6_ozmap_gateway=debug`; `default` counts without it.
/// `GATEWAY_LOG_FORMAT=json` writes one JSON object a line, for log collectors; the default is `text`.
///
/// Every line stands in spans that say what it belongs to: `request` (request id, tenant, route), `tenant`, `run`,
/// `operation`, `call` (system, operation). They are of the level `error`, so that no filter but `off` hides them.
pub fn start(default: &str) {
    let filter = EnvFilter::try_from_env("GATEWAY_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    let format = std::env::var("GATEWAY_LOG_FORMAT").unwrap_or_default();
    // A second start in one process, as in tests, keeps the first.
    drop(match format.as_str() {
        "json" => builder.json().with_ansi(false).try_init(),
        _ => builder.try_init(),
    });
    if !["", "text", "json"].contains(&format.as_str()) {
        tracing::warn!(format, "GATEWAY_LOG_FORMAT is neither text nor json; the log is text");
    }
}

/// What the gateway counts: requests, calls to other systems, runs, activations, the mirror's age.
///
/// One recorder for the process, whoever starts it first. Bring it up to date now and then with [`PrometheusHandle::run_upkeep`]:
/// histograms that nobody reads would grow.
///
/// # Errors
/// [`BuildError`] if another recorder was installed.
pub fn metrics() -> Result<PrometheusHandle, Arc<BuildError>> {
    static HANDLE: OnceLock<Result<PrometheusHandle, Arc<BuildError>>> = OnceLock::new();
    let install = || {
        let handle = PrometheusBuilder::new().set_buckets(&SECONDS)?.install_recorder()?;
        describe();
        Ok(handle)
    };
    HANDLE.get_or_init(install).clone()
}

/// Upper ends of the histograms' buckets: from a cached answer to a host that hangs.
const SECONDS: [f64; 11] = [0.001, 0.005, 0.02, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 20.0, 60.0];

fn describe() {
    use metrics::{describe_counter, describe_gauge, describe_histogram};
    describe_counter!("gateway_http_requests_total", "Requests answered, by route, method and status.");
    describe_histogram!("gateway_http_request_seconds", "Time to the first byte of an answer, by route.");
    describe_counter!(
        "gateway_upstream_calls_total",
        "Calls to OZmap and INT6, repeats not counted, by outcome."
    );
    describe_histogram!("gateway_upstream_call_seconds", "Time of a call, repeats and waiting included.");
    describe_counter!("gateway_sync_runs_total", "Runs that ended, by tenant and state.");
    describe_counter!(
        "gateway_sync_clients_total",
        "Clients that runs changed or failed to change, by tenant."
    );
    describe_counter!("gateway_sync_halts_total", "Runs that the rails halted, by tenant and reason.");
    describe_gauge!(
        "gateway_sync_held_clients",
        "Clients of whom the last run held something back, by tenant, field and reason."
    );
    describe_gauge!("gateway_sync_finished_timestamp_seconds", "When a tenant's last run finished.");
    describe_counter!("gateway_activations_total", "Activations that ended, by tenant and result.");
    describe_gauge!(
        "gateway_operations_not_understood",
        "Accepted requests of a tenant that wait for a release that understands them."
    );
    describe_gauge!(
        "gateway_ozmap_batch_update",
        "Whether the OZmap that was written to last has a usable batch-update, by route: 1, or 0."
    );
    describe_counter!(
        "gateway_notices_total",
        "Notices by tenant and result: delivered, tries that failed, given up after a day."
    );
    describe_gauge!("gateway_notices_waiting", "Notices of a tenant that wait to be delivered.");
    describe_gauge!("gateway_notices_oldest_seconds", "Age of the oldest notice of a tenant that waits.");
    describe_gauge!("gateway_mirror_splitters", "Splitters in a tenant's mirror.");
    describe_gauge!("gateway_mirror_loaded_timestamp_seconds", "When a tenant's mirror was loaded.");
}
