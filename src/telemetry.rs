//! Logs: one line per event on standard error, readable alone, with its values as fields. Metrics: what is counted, in
//! Prometheus' text form.

mod log_filter;
mod log_lines;
pub mod series;

use std::io::IsTerminal;
use std::sync::{Arc, OnceLock};

use metrics::Label;
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};

pub use self::log_filter::LogSettingError;
use self::log_lines::LogLines;
use self::series::{SERIES, Series, SeriesKind, SeriesScope};

/// The gateway's version.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The commit that it was built from, if whoever built it said so.
const COMMIT: &str = match option_env!("GATEWAY_COMMIT") {
    Some(commit) => commit,
    None => "unknown",
};

/// Starts logging. `GATEWAY_LOG` is a filter such as `debug` or `int6_ozmap_gateway=debug`; `default` counts without it.
/// `GATEWAY_LOG_FORMAT=json` writes one JSON object a line, for log collectors; the default is `text`.
///
/// Every line stands in spans that say what it belongs to: `request` (request id, tenant, route), `tenant`, `run`,
/// `operation`, `call` (system, operation). They are of the level `error`, so that no filter but `off` hides them.
///
/// # Errors
/// [`LogSettingError`], which names the variable and what may stand there.
pub fn start(default: &str) -> Result<(), LogSettingError> {
    let filter = log_filter::from_environment(default)?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| LogLines(std::io::stderr()))
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    let format = std::env::var("GATEWAY_LOG_FORMAT").unwrap_or_default();
    if !["", "text", "json"].contains(&format.as_str()) {
        return Err(LogSettingError(format!("GATEWAY_LOG_FORMAT: `{format}` is neither text nor json")));
    }
    // A second start in one process, as in tests, keeps the first.
    drop(match format.as_str() {
        "json" => builder.json().with_ansi(false).try_init(),
        _ => builder.try_init(),
    });
    Ok(())
}

/// What the gateway counts: [`series::SERIES`].
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
    for Series { name, kind, unit, help, .. } in SERIES {
        match kind {
            SeriesKind::Counter => metrics::describe_counter!(*name, *unit, *help),
            SeriesKind::Gauge => metrics::describe_gauge!(*name, *unit, *help),
            SeriesKind::Histogram => metrics::describe_histogram!(*name, *unit, *help),
        }
    }
}

/// Shows every series of the process, at the figure where it begins.
pub fn begin_process() {
    metrics::gauge!("gateway_build_info", "version" => VERSION, "commit" => COMMIT).set(1.0);
    begin(SeriesScope::Process, None);
}

/// Shows every series of a tenant, at the figure where it begins. Once for each tenant: its gauges begin anew.
pub fn begin_tenant(tenant: &str) {
    begin(SeriesScope::Tenant, Some(tenant));
}

fn begin(scope: SeriesScope, tenant: Option<&str>) {
    for series in SERIES.iter().filter(|series| series.scope == scope) {
        for words in series.combinations() {
            let own = tenant.map(|tenant| Label::new("tenant", tenant.to_owned()));
            let labels = own.into_iter().chain(words.into_iter().map(|(name, word)| Label::new(name, word)));
            show(series, labels.collect());
        }
    }
}

fn show(series: &Series, labels: Vec<Label>) {
    match series.kind {
        SeriesKind::Counter => metrics::counter!(series.name, labels).increment(0),
        SeriesKind::Gauge => metrics::gauge!(series.name, labels).set(series.begins_at),
        SeriesKind::Histogram => drop(metrics::histogram!(series.name, labels)),
    }
}
