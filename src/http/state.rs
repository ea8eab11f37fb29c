//! What the handlers need.

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::http::HeaderValue;
use gateway_core::System;
use governor::DefaultDirectRateLimiter;
use ipnet::IpNet;
use jiff::Timestamp;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;

use super::upstream_state::UpstreamState;
use crate::key::TenantKey;
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
    /// One or more, none of another tenant.
    pub keys: Vec<TenantKey>,
    /// From where calls are admitted.
    pub allowed_ips: Vec<IpNet>,
    /// Requests that its keys may make together; `None` is unlimited.
    pub rate_limit: Option<Arc<DefaultDirectRateLimiter>>,
    /// Nothing is ever written to OZmap.
    pub read_only: bool,
    /// Starts its runs.
    pub engine: Engine,
    /// Answers its INT6.
    pub provisioning: Provisioning,
    /// Its systems, for platforms.
    pub upstreams: SignsOfLife,
}

/// Whom callers meet, and how they are let in; replaced as a whole when settings are taken over.
pub struct Served {
    /// One or more.
    pub tenants: Vec<Arc<TenantState>>,
    /// Peers whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpNet>,
    /// Web pages of these origins may call from a browser.
    pub cors_origins: Vec<HeaderValue>,
    /// SHA-256 of the key that `/metrics` asks for; `None` asks for none.
    pub metrics_key_sha256: Option<[u8; 32]>,
    /// Whether `/metrics` has a listener of its own.
    pub metrics_elsewhere: bool,
}

/// What the handlers need.
pub struct AppState {
    /// Runs, changes, activations, operations.
    pub store: Store,
    /// A request looks once, so that it ends with the tenant that it began with.
    pub served: Arc<ArcSwap<Served>>,
    /// What is counted.
    pub metrics: PrometheusHandle,
    /// Once cancelled, whoever still waits gets an answer.
    pub last_words: CancellationToken,
}

pub(super) type Shared = Arc<AppState>;
