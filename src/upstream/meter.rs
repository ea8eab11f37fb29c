//! What is counted of the calls to one tenant's system, and when it last answered.

use std::sync::Arc;
use std::time::Duration;

use gateway_core::System;
use jiff::Timestamp;

use super::contact::Heard;
use super::error::Kind;

/// Counts the calls to one system of one tenant.
#[derive(Clone)]
pub(super) struct Meter {
    system: System,
    tenant: Arc<str>,
    caller: &'static str,
}

impl Meter {
    /// Of nobody's calls yet.
    pub(super) fn of(system: System) -> Meter {
        Meter { system, tenant: "".into(), caller: "requests" }
    }

    pub(super) fn of_tenant(&self, tenant: &str) -> Meter {
        Meter { tenant: tenant.into(), ..self.clone() }
    }

    /// The sync has a breaker of its own.
    pub(super) fn of_the_sync(&self) -> Meter {
        Meter { caller: "sync", ..self.clone() }
    }

    pub(super) fn tenant(&self) -> Arc<str> {
        Arc::clone(&self.tenant)
    }

    /// Counts a call that has come to its end, repeats included.
    pub(super) fn count(&self, error: Option<&Kind>, elapsed: Duration) {
        let (tenant, system) = (self.tenant.to_string(), self.system.name());
        let outcome = match error {
            None => "ok",
            Some(kind) if kind.is_rejection() => "refused",
            Some(_) => "failed",
        };
        metrics::counter!("gateway_upstream_calls_total", "tenant" => tenant.clone(), "system" => system, "outcome" => outcome)
            .increment(1);
        metrics::histogram!("gateway_upstream_call_seconds", "system" => system).record(elapsed);
        let now = Timestamp::now().as_millisecond() as f64 / 1_000.0;
        match Heard::of(error) {
            Some(Heard::Answer) => {
                metrics::gauge!("gateway_upstream_answered_timestamp_seconds", "tenant" => tenant, "system" => system)
            }
            Some(Heard::KeyRefusal) => {
                metrics::gauge!("gateway_upstream_key_refused_timestamp_seconds", "tenant" => tenant, "system" => system)
            }
            Some(Heard::Nonsense | Heard::Stranger | Heard::Outage) => {
                metrics::gauge!("gateway_upstream_failed_timestamp_seconds", "tenant" => tenant, "system" => system)
            }
            // It asks for a pause, or was not asked.
            Some(Heard::Plea) | None => return,
        }
        .set(now);
    }

    /// Whether the host is left alone.
    pub(super) fn breaker(&self, is_open: bool) {
        let (tenant, system) = (self.tenant.to_string(), self.system.name());
        let state = if is_open { 1.0 } else { 0.0 };
        metrics::gauge!("gateway_upstream_breaker_open", "tenant" => tenant, "system" => system, "caller" => self.caller)
            .set(state);
    }
}
