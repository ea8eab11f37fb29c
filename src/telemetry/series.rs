//! Every series that the gateway shows at `/metrics`: its name, its labels with their words, and where it begins.
//!
//! A series that does not exist cannot grow: a counter that appears with its first failure has no increase, and an alert on it
//! stays silent. So each is there from the start, for each tenant. Whoever counts names the series where it happens;
//! `tests/stories/monitoring.rs` holds these names and labels to this table.

use gateway_core::System;
use gateway_core::provisioning::ActivationResult;
use gateway_core::sync::{Field, FindingKind, Halt, HoldReason, RunKind, RunState};
use metrics::Unit;
use strum::VariantArray;

use self::SeriesKind::{Counter, Gauge, Histogram};

/// What may be done to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeriesKind {
    /// Grows.
    Counter,
    /// Moves.
    Gauge,
    /// Durations in buckets.
    Histogram,
}

/// How many there are of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeriesScope {
    /// One for each tenant, which is its first label.
    Tenant,
    /// One for the process.
    Process,
}

/// One series, or one for each combination of its labels' words.
pub struct Series {
    /// Its name.
    pub name: &'static str,
    /// What may be done to it.
    pub kind: SeriesKind,
    /// Of its figures.
    pub unit: Unit,
    /// Whose.
    pub scope: SeriesScope,
    /// Its labels, but for `tenant`.
    pub labels: &'static [Label],
    /// What a gauge shows before anything happened.
    pub begins_at: f64,
    /// One sentence for people.
    pub help: &'static str,
}

/// A label and its words.
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// All of them; of a label whose words are not known beforehand (routes), one.
    pub words: fn() -> Vec<&'static str>,
}

impl Series {
    /// Every combination of its labels' words, in the order of its labels.
    pub fn combinations(&self) -> Vec<Vec<(&'static str, &'static str)>> {
        self.labels.iter().fold(vec![Vec::new()], |combinations, label| {
            let words = (label.words)();
            let with =
                |before: &Vec<_>, word: &'static str| [before.clone(), vec![(label.name, word)]].concat();
            combinations.iter().flat_map(|before| words.iter().map(move |word| with(before, word))).collect()
        })
    }

    const fn begins_at(self, begins_at: f64) -> Series {
        Series { begins_at, ..self }
    }

    const fn in_seconds(self) -> Series {
        Series { unit: Unit::Seconds, ..self }
    }
}

const fn of_tenant(
    kind: SeriesKind,
    name: &'static str,
    labels: &'static [Label],
    help: &'static str,
) -> Series {
    Series { name, kind, unit: Unit::Count, scope: SeriesScope::Tenant, labels, begins_at: 0.0, help }
}

const fn of_process(
    kind: SeriesKind,
    name: &'static str,
    labels: &'static [Label],
    help: &'static str,
) -> Series {
    Series { name, kind, unit: Unit::Count, scope: SeriesScope::Process, labels, begins_at: 0.0, help }
}

macro_rules! label {
    ($name:literal: [$($word:literal),*]) => {
        Label { name: $name, words: || vec![$($word),*] }
    };
    ($name:literal: $type:ident) => {
        Label { name: $name, words: || $type::VARIANTS.iter().map(|word| word.name()).collect() }
    };
}

const SYSTEM: Label = label!("system": System);
const ROUTE: Label = label!("route": ["properties", "ftth-clients"]);
/// How a run may end.
const STATE: Label = Label {
    name: "state",
    words: || RunState::VARIANTS.iter().filter(|s| **s != RunState::Running).map(|s| s.name()).collect(),
};
/// How an activation may end.
const RESULT: Label = Label {
    name: "result",
    words: || {
        let ends = ActivationResult::VARIANTS.iter().filter(|result| **result != ActivationResult::Running);
        ends.map(|result| result.name()).collect()
    },
};

/// All of them. Times are seconds since 1970, and 0 if it never happened.
#[rustfmt::skip]
pub const SERIES: &[Series] = &[
    // The process.
    of_process(Gauge, "gateway_build_info", &[label!("version": []), label!("commit": [])],
        "1, with the version and the commit that this gateway was built from."),
    of_process(Gauge, "gateway_started_timestamp_seconds", &[],
        "When this gateway was started.").in_seconds(),
    of_process(Counter, "gateway_http_requests_total", &[label!("method": ["GET"]), label!("route": ["/health/live"]), label!("status": ["200"])],
        "Requests answered, by method, route and status; those of a status begin with the first."),
    of_process(Histogram, "gateway_http_request_seconds", &[label!("route": ["/health/live"])],
        "Time to the first byte of an answer, by route.").in_seconds(),
    of_process(Gauge, "gateway_http_connections", &[],
        "Callers' connections that are open."),
    of_process(Counter, "gateway_http_connections_refused_total", &[label!("reason": ["address", "strangers", "all", "system"])],
        "Connections that were refused, because their address, strangers, or all together had too many, or the system had no descriptor."),
    of_process(Counter, "gateway_http_connections_closed_total", &[label!("reason": ["room", "idle", "stalled"])],
        "Connections that were closed: to make room, because nothing was asked for, or because the answer was not taken."),
    of_process(Histogram, "gateway_upstream_call_seconds", &[SYSTEM],
        "Time of a call, repeats and waiting included.").in_seconds(),
    of_process(Gauge, "gateway_database_ready", &[],
        "Whether the database did what it was asked when this gateway last looked: 1, or 0.").begins_at(1.0),
    of_process(Counter, "gateway_replica_takeovers_total", &[],
        "Replicas that this gateway found dead, and took over from."),
    of_process(Counter, "gateway_lease_takeovers_total", &[],
        "Leases and locks that this gateway took over from replicas that were gone."),
    // How the sync of a tenant stands, by the database: the same on every replica, and after a restart.
    of_tenant(Gauge, "gateway_sync_interval_seconds", &[],
        "The beat of the tenant's sync; 0 if it is switched off.").in_seconds(),
    of_tenant(Gauge, "gateway_sync_good_timestamp_seconds", &[],
        "When the last full run came to its end.").in_seconds(),
    of_tenant(Gauge, "gateway_sync_without_good_run_since_timestamp_seconds", &[],
        "Since when there was no good full run: the end of the last one; before the first, the beginning of the first attempt.").in_seconds(),
    of_tenant(Gauge, "gateway_sync_failed_timestamp_seconds", &[],
        "When the last full run failed; 0 if a good one followed. One that ended with its gateway did not fail.").in_seconds(),
    of_tenant(Gauge, "gateway_sync_halted_timestamp_seconds", &[],
        "When the rails last halted a full run; 0 if a good one followed.").in_seconds(),
    of_tenant(Gauge, "gateway_sync_finished_timestamp_seconds", &[],
        "When a run of any kind last came to its end.").in_seconds(),
    of_tenant(Gauge, "gateway_sync_held_clients", &[label!("field": Field), Label { name: "reason", words: || HoldReason::NAMES.to_vec() }],
        "Clients of whom the last full run held something back, by field and reason."),
    of_tenant(Gauge, "gateway_sync_findings", &[label!("kind": FindingKind)],
        "What the last full run reported instead of guessing, by kind; `absent` are clients for which INT6 has no reading."),
    of_tenant(Gauge, "gateway_sync_ozmap_clients", &[],
        "Clients that OZmap gave the last full run."),
    of_tenant(Gauge, "gateway_sync_readings", &[],
        "Rows that INT6 gave the last full run."),
    of_tenant(Gauge, "gateway_sync_matched_clients", &[],
        "Clients that the last full run found on both sides."),
    // What the sync did in this process.
    of_tenant(Counter, "gateway_sync_runs_total", &[label!("kind": RunKind), STATE],
        "Runs that ended, by kind and state."),
    of_tenant(Counter, "gateway_sync_clients_total", &[label!("result": ["changed", "failed"])],
        "Clients that runs changed or failed to change."),
    of_tenant(Counter, "gateway_sync_halts_total", &[Label { name: "reason", words: || Halt::NAMES.to_vec() }],
        "Runs that the rails halted, by reason."),
    // Installations.
    of_tenant(Counter, "gateway_activations_total", &[RESULT],
        "Activations that ended, by result."),
    of_tenant(Gauge, "gateway_operations_pending", &[],
        "Accepted requests that wait, by the database."),
    of_tenant(Gauge, "gateway_operations_oldest_age_seconds", &[],
        "How long ago the oldest of them was accepted; 0 if none waits.").in_seconds(),
    of_tenant(Gauge, "gateway_operations_not_understood", &[],
        "Accepted requests that wait for a release that understands them."),
    // What is told by itself.
    of_tenant(Counter, "gateway_notices_total", &[label!("result": ["delivered", "failed", "given_up"])],
        "Notices to webhooks and callbacks, by result: delivered, tries that failed, given up after a day."),
    of_tenant(Gauge, "gateway_notices_waiting", &[],
        "Notices that wait to be delivered, by the database."),
    of_tenant(Gauge, "gateway_notices_oldest_age_seconds", &[],
        "How long ago the oldest of them was written; 0 if none waits.").in_seconds(),
    // The two systems.
    of_tenant(Counter, "gateway_upstream_calls_total", &[SYSTEM, label!("outcome": ["ok", "refused", "failed"])],
        "Calls to OZmap and INT6, repeats not counted, by outcome."),
    of_tenant(Gauge, "gateway_upstream_answered_timestamp_seconds", &[SYSTEM],
        "When the system last took the key and answered, if only with a refusal.").in_seconds(),
    of_tenant(Gauge, "gateway_upstream_key_refused_timestamp_seconds", &[SYSTEM],
        "When the system last refused the key.").in_seconds(),
    of_tenant(Gauge, "gateway_upstream_failed_timestamp_seconds", &[SYSTEM],
        "When a call last failed: no answer, or one that is not the system's.").in_seconds(),
    of_tenant(Gauge, "gateway_upstream_breaker_open", &[SYSTEM, label!("caller": ["requests", "sync"])],
        "Whether the system is left alone because it failed again and again, by who calls: 1, or 0."),
    of_tenant(Gauge, "gateway_ozmap_batch_update", &[label!("system": ["OZmap"]), ROUTE],
        "Whether OZmap has a usable batch-update, by route: 1, also before it was tried, or 0.").begins_at(1.0),
    of_tenant(Counter, "gateway_ozmap_batch_fallbacks_total", &[ROUTE],
        "How often batch-update turned out not to be usable, so that records are written one by one for half an hour."),
    of_tenant(Gauge, "gateway_mirror_splitters", &[],
        "Splitters in the mirror."),
    of_tenant(Gauge, "gateway_mirror_loaded_timestamp_seconds", &[],
        "When the mirror was loaded.").in_seconds(),
];
