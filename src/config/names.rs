//! Every setting by its names, so that one table serves the reader, the messages and the README.

/// A setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name {
    /// Environment variable; `None` if it stands in the file only.
    pub env: Option<&'static str>,
    /// Place in the TOML file; those of a tenant are below `[[tenant]]`.
    pub toml: &'static str,
    /// Whose it is.
    pub scope: Scope,
    /// A secret may also stand in a file: `…_FILE`, `…_file`.
    pub secret: bool,
}

/// Whose a setting is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The whole gateway's.
    Gateway,
    /// One tenant's.
    Tenant,
}

const fn gateway(env: &'static str, toml: &'static str) -> Name {
    Name { env: Some(env), toml, scope: Scope::Gateway, secret: false }
}

const fn tenant(env: &'static str, toml: &'static str) -> Name {
    Name { env: Some(env), toml, scope: Scope::Tenant, secret: false }
}

const fn in_file(toml: &'static str) -> Name {
    Name { env: None, toml, scope: Scope::Tenant, secret: false }
}

const fn secret(name: Name) -> Name {
    Name { secret: true, ..name }
}

/// Every setting but `GATEWAY_CONFIG`, which names the file.
pub const ALL: &[Name] = &[
    gateway("GATEWAY_LISTEN", "listen"),
    secret(gateway("DATABASE_URL", "database_url")),
    gateway("GATEWAY_TRUSTED_PROXIES", "trusted_proxies"),
    gateway("GATEWAY_CORS_ORIGINS", "cors_origins"),
    gateway("GATEWAY_KEEP_RUNS_DAYS", "keep_runs_days"),
    in_file("name"),
    secret(tenant("GATEWAY_API_KEY", "api_key")),
    tenant("GATEWAY_API_KEY_SHA256", "api_key_sha256"),
    tenant("GATEWAY_ALLOWED_IPS", "allowed_ips"),
    tenant("GATEWAY_REQUESTS_PER_MINUTE", "requests_per_minute"),
    tenant("INT6_URL", "int6.url"),
    tenant("INT6_EMAIL", "int6.email"),
    secret(tenant("INT6_TOKEN", "int6.token")),
    tenant("INT6_AUTH", "int6.auth"),
    tenant("INT6_TOKEN_SCHEME", "int6.token_scheme"),
    tenant("INT6_STATUS_PATH", "int6.status_path"),
    tenant("INT6_PAGE_SIZE", "int6.page_size"),
    tenant("INT6_CODE_FIELD", "int6.code_field"),
    tenant("INT6_POWER_FIELD", "int6.power_field"),
    in_file("int6.serial_field"),
    in_file("int6.pppoe_field"),
    in_file("int6.mac_field"),
    in_file("int6.updated_at_field"),
    tenant("INT6_TIME_ZONE", "int6.time_zone"),
    tenant("INT6_CA_FILE", "int6.ca_file"),
    tenant("INT6_ACCEPT_INVALID_CERTIFICATE", "int6.accept_invalid_certificate"),
    tenant("OZMAP_URL", "ozmap.url"),
    secret(tenant("OZMAP_API_KEY", "ozmap.api_key")),
    tenant("OZMAP_PAGE_SIZE", "ozmap.page_size"),
    tenant("OZMAP_CA_FILE", "ozmap.ca_file"),
    tenant("OZMAP_ACCEPT_INVALID_CERTIFICATE", "ozmap.accept_invalid_certificate"),
    tenant("UPSTREAM_MAX_IN_FLIGHT", "upstream.max_in_flight"),
    tenant("UPSTREAM_TIMEOUT_SECONDS", "upstream.timeout_seconds"),
    tenant("UPSTREAM_CALLS_PER_HOUR", "upstream.calls_per_hour"),
    tenant("SYNC_INTERVAL_SECONDS", "sync.interval_seconds"),
    tenant("SYNC_MAX_ERROR_PERCENT", "sync.max_error_percent"),
    tenant("SYNC_MIN_ERROR_CLIENTS", "sync.min_error_clients"),
    tenant("SYNC_STALE_AFTER_SECONDS", "sync.stale_after_seconds"),
    tenant("SYNC_PLAUSIBLE_MIN_DBM", "sync.plausible_min_dbm"),
    tenant("SYNC_PLAUSIBLE_MAX_DBM", "sync.plausible_max_dbm"),
    tenant("SYNC_BATCHING", "sync.batching"),
    tenant("PROVISIONING_POWER_CACHE_SECONDS", "provisioning.power_cache_seconds"),
    tenant("PROVISIONING_ANSWER_WITHIN_SECONDS", "provisioning.answer_within_seconds"),
    tenant("PROVISIONING_CALLBACK_HOSTS", "provisioning.callback_hosts"),
];

/// The setting at this place of the TOML file.
pub fn find(toml: &str) -> Option<&'static Name> {
    ALL.iter().find(|name| name.toml == toml)
}

/// `int6` and `url` → `int6.url`, as the table has it.
pub(super) fn joined(section: &str, key: &str) -> &'static str {
    let fits = |name: &&Name| name.toml.split_once('.') == Some((section, key));
    ALL.iter().find(fits).map_or("", |name| name.toml)
}

/// Environment variables with our prefixes that are no settings: `GATEWAY_URL` is what the sandbox prints for callers,
/// and Kubernetes adds variables for a service called "gateway".
pub(super) fn is_foreign(variable: &str) -> bool {
    variable == "GATEWAY_URL"
        || variable == "GATEWAY_LOG"
        || variable == "GATEWAY_LOG_FORMAT"
        || variable.ends_with("_SERVICE_HOST")
        || variable.contains("_SERVICE_PORT")
        || variable.ends_with("_PORT")
        || variable.contains("_PORT_")
}
