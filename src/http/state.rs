//! What the handlers need.

use std::sync::Arc;

use axum::http::HeaderValue;
use gateway_core::System;
use governor::DefaultDirectRateLimiter;
use ipnet::IpNet;
use jiff::Timestamp;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;

use super::upstream_state::UpstreamState;
use crate::provisioning::Provisioning;
use crate::store::Store;
use crate::sync::Engine;

/// What is known of one of a tenant's systems.
pub struct SignOfLife {
    /// Which.
    pub system: System,
    /// How it answered last.
    pub state: UpstreamState,
    /// When it last answered anything.
    pub last_answer_at: Option<Timestamp>,
}

/// Tells what is known of a tenant's systems now.
pub type SignsOfLife = Box<dyn Fn() -> Vec<SignOfLife> + Send + Sync>;

/// One ISP, as callers meet it.
pub struct TenantState {
    /// Its name in the store.
    pub name: String,
    /// SHA-256 of the key that its INT6 presents.
    pub key_sha256: [u8; 32],
    /// From where calls are admitted.
    pub allowed_ips: Vec<IpNet>,
    /// Requests that the key may make; `None` is unlimited.
    pub rate_limit: Option<DefaultDirectRateLimiter>,
    /// Nothing is ever written to OZmap.
    pub read_only: bool,
    /// Starts its runs.
    pub engine: Engine,
    /// Answers its INT6.
    pub provisioning: Provisioning,
    /// Its systems, for platforms.
    pub upstreams: SignsOfLife,
}

/// What the handlers need.
pub struct AppState {
    /// Runs, changes, activations, operations.
    pub store: Store,
    /// One or more.
    pub tenants: Vec<TenantState>,
    /// Peers whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpNet>,
    /// Web pages of these origins may call from a browser.
    pub cors_origins: Vec<HeaderValue>,
    /// What is counted.
    pub metrics: PrometheusHandle,
    /// Once cancelled, whoever still waits gets an answer.
    pub last_words: CancellationToken,
}

pub(super) type Shared = Arc<AppState>;
