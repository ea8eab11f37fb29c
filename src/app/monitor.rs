//! How the gateway and each of its tenants stand, looked up now and then for whoever watches `/metrics`.
//!
//! What a replica did itself is counted where it happens. What concerns a tenant is read from the database: every replica then
//! shows the same, an idle one too, and a restart forgets nothing.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use gateway_core::sync::{Counts, Field, FindingKind, HoldReason};
use jiff::Timestamp;
use strum::VariantArray;
use tokio_util::sync::CancellationToken;

use crate::store::{HeldField, Overview, Store, Watched};
use crate::{config, telemetry};

/// How often the database is looked at: scrapes come every 15 s or less often.
const LOOK: Duration = Duration::from_secs(10);

/// How long a look may take: a database that hangs is as good as away.
const WITHIN: Duration = Duration::from_secs(10);

/// Looks at the database for metrics.
pub(super) struct Monitor {
    store: Store,
    watched: ArcSwap<Vec<Watched>>,
    /// When each of them was first looked at.
    since: ArcSwap<BTreeMap<String, Timestamp>>,
    connections: axum_server::Handle<SocketAddr>,
    process: metrics_process::Collector,
    begun: Timestamp,
}

impl Monitor {
    /// Shows every series of the process and of these tenants, before anything happened.
    pub(super) fn begin(
        tenants: &[config::Tenant],
        store: Store,
        connections: axum_server::Handle<SocketAddr>,
    ) -> Monitor {
        let process = metrics_process::Collector::default();
        process.describe();
        telemetry::begin_process();
        let begun = Timestamp::now();
        metrics::gauge!("gateway_started_timestamp_seconds").set(seconds(Some(begun)));
        let (watched, since) = (ArcSwap::default(), ArcSwap::default());
        let monitor = Monitor { watched, since, store, connections, process, begun };
        monitor.watch(tenants);
        monitor
    }

    /// Looks at these tenants from now on, and at no other. What is known of those that it looked at before stays.
    pub(super) fn watch(&self, tenants: &[config::Tenant]) {
        let (before, now) = (self.since.load_full(), Timestamp::now());
        let watched = tenants.iter().map(|tenant| {
            if !before.contains_key(&tenant.name) {
                telemetry::begin_tenant(&tenant.name);
            }
            let beat = tenant.sync_interval.unwrap_or_default();
            metrics::gauge!("gateway_sync_interval_seconds", "tenant" => tenant.name.clone()).set(beat);
            Watched { tenant: tenant.name.clone(), read_only: tenant.read_only }
        });
        self.watched.store(Arc::new(watched.collect()));
        let since = |tenant: &config::Tenant| before.get(&tenant.name).copied().unwrap_or(now);
        let since = tenants.iter().map(|tenant| (tenant.name.clone(), since(tenant)));
        self.since.store(Arc::new(since.collect()));
    }

    /// Looks every ten seconds until `stop`.
    pub(super) async fn run(self: Arc<Self>, stop: CancellationToken) {
        let look_again = async || {
            tokio::time::sleep(LOOK).await;
            self.look().await;
        };
        while stop.run_until_cancelled(look_again()).await.is_some() {}
    }

    /// Looks once.
    pub(super) async fn look(&self) {
        self.process.collect();
        metrics::gauge!("gateway_http_connections").set(self.connections.connection_count() as f64);
        let seen = async {
            self.store.ready().await.map_err(|error| error.to_string())?;
            self.store.overview(&self.watched.load_full()).await.map_err(|error| error.to_string())
        };
        let seen = match tokio::time::timeout(WITHIN, seen).await {
            Ok(Ok(seen)) => Some(seen),
            Ok(Err(error)) => {
                tracing::warn!(%error, "metrics show what was so before");
                None
            }
            Err(_) => {
                tracing::warn!(
                    "the database did not say in ten seconds how the tenants stand: metrics show what was so before"
                );
                None
            }
        };
        metrics::gauge!("gateway_database_ready").set(if seen.is_some() { 1.0 } else { 0.0 });
        let since = self.since.load_full();
        for overview in seen.unwrap_or_default() {
            show(&overview, since.get(&overview.tenant).copied().unwrap_or(self.begun));
        }
    }
}

/// 0 if it never was.
fn seconds(at: Option<Timestamp>) -> f64 {
    at.map_or(0.0, |at| at.as_millisecond() as f64 / 1_000.0)
}

/// A tenant that never ran a run is late from when it was first looked at: by this process, and in its settings.
fn show(overview: &Overview, since: Timestamp) {
    let Overview { tenant, first_at, good_at, failed_at, halted_at, finished_at, last, .. } = overview;
    let Overview { pending, oldest_pending_at, .. } = overview;
    let late_from = good_at.or(*first_at).unwrap_or(since);
    let age: f64 = oldest_pending_at.map_or(0.0, |at| at.duration_until(Timestamp::now()).as_secs_f64());
    metrics::gauge!("gateway_sync_good_timestamp_seconds", "tenant" => tenant.clone()).set(seconds(*good_at));
    metrics::gauge!("gateway_sync_without_good_run_since_timestamp_seconds", "tenant" => tenant.clone())
        .set(seconds(Some(late_from)));
    metrics::gauge!("gateway_sync_failed_timestamp_seconds", "tenant" => tenant.clone())
        .set(seconds(*failed_at));
    metrics::gauge!("gateway_sync_halted_timestamp_seconds", "tenant" => tenant.clone())
        .set(seconds(*halted_at));
    metrics::gauge!("gateway_sync_finished_timestamp_seconds", "tenant" => tenant.clone())
        .set(seconds(*finished_at));
    metrics::gauge!("gateway_operations_pending", "tenant" => tenant.clone()).set(*pending as f64);
    metrics::gauge!("gateway_operations_oldest_age_seconds", "tenant" => tenant.clone()).set(age.max(0.0));
    let Some(last) = last else { return };
    show_counts(tenant, &last.counts);
    show_held(tenant, &last.held);
}

fn show_counts(tenant: &str, counts: &Counts) {
    let tenant = || tenant.to_owned();
    let Counts { ozmap_clients, int6_readings, matched, .. } = counts;
    metrics::gauge!("gateway_sync_ozmap_clients", "tenant" => tenant()).set(*ozmap_clients as f64);
    metrics::gauge!("gateway_sync_readings", "tenant" => tenant()).set(*int6_readings as f64);
    metrics::gauge!("gateway_sync_matched_clients", "tenant" => tenant()).set(*matched as f64);
    for kind in FindingKind::VARIANTS {
        metrics::gauge!("gateway_sync_findings", "tenant" => tenant(), "kind" => kind.name())
            .set(counts.of(*kind) as f64);
    }
}

/// What is held no longer is shown as 0.
fn show_held(tenant: &str, held: &[HeldField]) {
    for field in Field::VARIANTS {
        for reason in HoldReason::NAMES {
            let is_it = |held: &&HeldField| held.field == field.name() && held.reason == *reason;
            let clients: u64 = held.iter().filter(is_it).map(|held| held.clients).sum();
            metrics::gauge!("gateway_sync_held_clients", "tenant" => tenant.to_owned(), "field" => field.name(), "reason" => *reason)
                .set(clients as f64);
        }
    }
}
