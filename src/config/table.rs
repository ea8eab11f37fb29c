//! Every setting but `GATEWAY_CONFIG`, which names the file, and `GATEWAY_LOG` and `GATEWAY_LOG_FORMAT`, which must
//! work before it is read.
//!
//! One row each, in the order of the README: type, environment variable, key in the file, parser with its range; then
//! whether it is a secret, and the default. A row without a default is required, unless it says [`Setting::or_none`].
//! The reader, the messages, and the tests of README and example file follow this table.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use axum::http::HeaderValue;
use gateway_core::sync::MatchBy;
use gateway_core::{Dbm, StatusWords};
use ipnet::IpNet;
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use secrecy::SecretString;
use url::Url;

use super::parsers::{
    age_or_off, allowance, auth_style, base_url, days, dbm, decibels, gateway_key, gateway_key_hash,
    header_text, host_names, key_name, match_by, networks, number, origins, path, percent, role, seconds,
    seconds_or_off, secret_header_text, secret_text, socket_address, status_words, switch, text, time_zone,
    token_scheme, words,
};
use super::setting::{AnySetting, Name, Setting, gateway, in_file, of_key, tenant};
use crate::int6::{AuthStyle, TokenScheme};
use crate::key::Role;

/// Makes a constant of each row, and the list of all: a row cannot be left out of it.
macro_rules! settings {
    ($($setting:ident: $type:ty = $row:expr;)*) => {
        $(pub(super) const $setting: Setting<$type> = $row;)*
        /// Every setting, in the order of the rows.
        pub(super) const ALL: &[&dyn AnySetting] = &[$(&$setting),*];
    };
}

settings! {
    GATEWAY_LISTEN: SocketAddr =
        gateway("GATEWAY_LISTEN", "listen", socket_address).or("127.0.0.1:8080");
    DATABASE_URL: SecretString =
        gateway("DATABASE_URL", "database_url", secret_text).secret().or("sqlite://gateway.db");
    GATEWAY_TRUSTED_PROXIES: Vec<IpNet> =
        gateway("GATEWAY_TRUSTED_PROXIES", "trusted_proxies", networks).or_none();
    GATEWAY_CORS_ORIGINS: Vec<HeaderValue> =
        gateway("GATEWAY_CORS_ORIGINS", "cors_origins", origins).or_none();
    GATEWAY_LEASE_SECONDS: Duration =
        gateway("GATEWAY_LEASE_SECONDS", "lease_seconds", seconds::<2, 25>).or("20");
    GATEWAY_KEEP_RUNS_DAYS: SignedDuration =
        gateway("GATEWAY_KEEP_RUNS_DAYS", "keep_runs_days", days::<1, 36_500>).or("90");
    GATEWAY_METRICS_LISTEN: Option<SocketAddr> =
        gateway("GATEWAY_METRICS_LISTEN", "metrics_listen", |text| socket_address(text).map(Some)).or_none();
    GATEWAY_METRICS_KEY_SHA256: Option<[u8; 32]> =
        gateway("GATEWAY_METRICS_KEY_SHA256", "metrics_key_sha256", |text| gateway_key_hash(text).map(Some))
            .or_none();
    GATEWAY_WATCH_CONFIG: bool =
        gateway("GATEWAY_WATCH_CONFIG", "watch_config", switch).or("false");
    GATEWAY_MAX_CONNECTIONS: Option<usize> =
        gateway("GATEWAY_MAX_CONNECTIONS", "max_connections", |text| number::<_, 16, 65_536>(text).map(Some)).or_none();
    GATEWAY_MAX_CONNECTIONS_PER_ADDRESS: usize =
        gateway("GATEWAY_MAX_CONNECTIONS_PER_ADDRESS", "max_connections_per_address", number::<_, 1, 65_536>).or("256");
    GATEWAY_SHUTDOWN_SECONDS: Duration =
        gateway("GATEWAY_SHUTDOWN_SECONDS", "shutdown_seconds", seconds::<1, 600>).or("20");

    NAME: String =
        in_file("name", text).or("default");
    GATEWAY_API_KEY: Option<[u8; 32]> =
        tenant("GATEWAY_API_KEY", "api_key", |text| gateway_key(text).map(Some)).secret().or_none();
    GATEWAY_API_KEY_SHA256: Option<[u8; 32]> =
        tenant("GATEWAY_API_KEY_SHA256", "api_key_sha256", |text| gateway_key_hash(text).map(Some)).or_none();
    KEY_NAME: String =
        of_key("key.name", key_name);
    KEY_SHA256: [u8; 32] =
        of_key("key.key_sha256", gateway_key_hash);
    KEY_ROLE: Role =
        of_key("key.role", role);
    GATEWAY_ALLOWED_IPS: Vec<IpNet> =
        tenant("GATEWAY_ALLOWED_IPS", "allowed_ips", networks).or("127.0.0.0/8,::1/128");
    GATEWAY_REQUESTS_PER_MINUTE: Option<NonZeroU32> =
        tenant("GATEWAY_REQUESTS_PER_MINUTE", "requests_per_minute", allowance::<0>).or("600000");

    GATEWAY_READ_ONLY: bool =
        tenant("GATEWAY_READ_ONLY", "read_only", switch).or("false");

    INT6_URL: Url =
        tenant("INT6_URL", "int6.url", base_url);
    INT6_EMAIL: Option<String> =
        tenant("INT6_EMAIL", "int6.email", |text| header_text(text).map(Some)).or_none();
    INT6_TOKEN: SecretString =
        tenant("INT6_TOKEN", "int6.token", secret_header_text).secret();
    INT6_AUTH: AuthStyle =
        tenant("INT6_AUTH", "int6.auth", auth_style).or("request_token");
    INT6_TOKEN_SCHEME: TokenScheme =
        tenant("INT6_TOKEN_SCHEME", "int6.token_scheme", token_scheme).or("Bearer");
    INT6_STATUS_PATH: String =
        tenant("INT6_STATUS_PATH", "int6.status_path", text).or("/api/diag/v2/onu_status");
    INT6_PAGE_SIZE: usize =
        tenant("INT6_PAGE_SIZE", "int6.page_size", number::<_, 1, 5_000>).or("500");
    INT6_CODE_FIELD: String =
        tenant("INT6_CODE_FIELD", "int6.code_field", text).or("gpon_client_id");
    INT6_POWER_FIELD: String =
        tenant("INT6_POWER_FIELD", "int6.power_field", text).or("rx_power");
    INT6_SERIAL_FIELD: String =
        in_file("int6.serial_field", text).or("serial_number");
    INT6_PPPOE_FIELD: String =
        in_file("int6.pppoe_field", text).or("pppoe_username");
    INT6_MAC_FIELD: String =
        in_file("int6.mac_field", text).or("mac_address");
    INT6_UPDATED_AT_FIELD: String =
        in_file("int6.updated_at_field", text).or("updated_at");
    INT6_UNKNOWN_WORDS: Vec<String> =
        tenant("INT6_UNKNOWN_WORDS", "int6.unknown_words", words).or_none();
    INT6_TIME_ZONE: TimeZone =
        tenant("INT6_TIME_ZONE", "int6.time_zone", time_zone).or("UTC");
    INT6_CA_FILE: Option<PathBuf> =
        tenant("INT6_CA_FILE", "int6.ca_file", |text| path(text).map(Some)).or_none();
    INT6_ACCEPT_INVALID_CERTIFICATE: bool =
        tenant("INT6_ACCEPT_INVALID_CERTIFICATE", "int6.accept_invalid_certificate", switch).or("false");

    OZMAP_URL: Url =
        tenant("OZMAP_URL", "ozmap.url", base_url);
    OZMAP_API_KEY: SecretString =
        tenant("OZMAP_API_KEY", "ozmap.api_key", secret_header_text).secret();
    OZMAP_PAGE_SIZE: usize =
        tenant("OZMAP_PAGE_SIZE", "ozmap.page_size", number::<_, 1, 1_000>).or("500");
    OZMAP_CA_FILE: Option<PathBuf> =
        tenant("OZMAP_CA_FILE", "ozmap.ca_file", |text| path(text).map(Some)).or_none();
    OZMAP_ACCEPT_INVALID_CERTIFICATE: bool =
        tenant("OZMAP_ACCEPT_INVALID_CERTIFICATE", "ozmap.accept_invalid_certificate", switch).or("false");

    UPSTREAM_MAX_IN_FLIGHT: usize =
        tenant("UPSTREAM_MAX_IN_FLIGHT", "upstream.max_in_flight", number::<_, 1, 256>).or("8");
    UPSTREAM_TIMEOUT_SECONDS: Duration =
        tenant("UPSTREAM_TIMEOUT_SECONDS", "upstream.timeout_seconds", seconds::<1, 600>).or("60");
    UPSTREAM_CALLS_PER_HOUR: Option<NonZeroU32> =
        tenant("UPSTREAM_CALLS_PER_HOUR", "upstream.calls_per_hour", allowance::<1>).or_none();

    SYNC_INTERVAL_SECONDS: Option<Duration> =
        tenant("SYNC_INTERVAL_SECONDS", "sync.interval_seconds", seconds_or_off::<86_400>).or("600");
    SYNC_STALE_AFTER_SECONDS: Option<SignedDuration> =
        tenant("SYNC_STALE_AFTER_SECONDS", "sync.stale_after_seconds", age_or_off::<31_536_000>).or("0");
    SYNC_PLAUSIBLE_MIN_DBM: Option<Dbm> =
        tenant("SYNC_PLAUSIBLE_MIN_DBM", "sync.plausible_min_dbm", |text| dbm(text).map(Some)).or_none();
    SYNC_PLAUSIBLE_MAX_DBM: Option<Dbm> =
        tenant("SYNC_PLAUSIBLE_MAX_DBM", "sync.plausible_max_dbm", |text| dbm(text).map(Some)).or_none();
    SYNC_BATCHING: bool =
        tenant("SYNC_BATCHING", "sync.batching", switch).or("true");
    SYNC_READ_POWER: bool =
        tenant("SYNC_READ_POWER", "sync.read_power", switch).or("true");
    SYNC_STATUS: bool =
        tenant("SYNC_STATUS", "sync.status", switch).or("true");
    SYNC_IMPLANTATION: bool =
        tenant("SYNC_IMPLANTATION", "sync.implantation", switch).or("true");
    SYNC_ONU: bool =
        tenant("SYNC_ONU", "sync.onu", switch).or("true");
    SYNC_MATCH_BY: MatchBy =
        tenant("SYNC_MATCH_BY", "sync.match_by", match_by).or("code");
    SYNC_STATUS_OF: StatusWords =
        tenant("SYNC_STATUS_OF", "sync.status_of", status_words).table().or_none();
    SYNC_MIN_MATCHED_PERCENT: f64 =
        tenant("SYNC_MIN_MATCHED_PERCENT", "sync.min_matched_percent", percent).or("70");
    SYNC_MAX_SERIAL_PERCENT: f64 =
        tenant("SYNC_MAX_SERIAL_PERCENT", "sync.max_serial_percent", percent).or("20");
    SYNC_MAX_SWAPPED_PERCENT: f64 =
        tenant("SYNC_MAX_SWAPPED_PERCENT", "sync.max_swapped_percent", percent).or("1");
    SYNC_MIN_SERIAL_CLIENTS: u64 =
        tenant("SYNC_MIN_SERIAL_CLIENTS", "sync.min_serial_clients", number::<_, 0, 1_000_000>).or("10");
    SYNC_MAX_FOREIGN_PERCENT: f64 =
        tenant("SYNC_MAX_FOREIGN_PERCENT", "sync.max_foreign_percent", percent).or("5");
    SYNC_MIN_FOREIGN_CODES: u64 =
        tenant("SYNC_MIN_FOREIGN_CODES", "sync.min_foreign_codes", number::<_, 0, 1_000_000>).or("20");
    SYNC_MAX_UNREAD_PERCENT: f64 =
        tenant("SYNC_MAX_UNREAD_PERCENT", "sync.max_unread_percent", percent).or("50");
    SYNC_MAX_STALE_PERCENT: f64 =
        tenant("SYNC_MAX_STALE_PERCENT", "sync.max_stale_percent", percent).or("50");
    SYNC_MIN_ROWS: u64 =
        tenant("SYNC_MIN_ROWS", "sync.min_rows", number::<_, 0, 1_000_000>).or("10");
    SYNC_MAX_SAME_PERCENT: f64 =
        tenant("SYNC_MAX_SAME_PERCENT", "sync.max_same_percent", percent).or("50");
    SYNC_MAX_REPEATED_PERCENT: f64 =
        tenant("SYNC_MAX_REPEATED_PERCENT", "sync.max_repeated_percent", percent).or("10");
    SYNC_MAX_REPEATED_FACTOR: u64 =
        tenant("SYNC_MAX_REPEATED_FACTOR", "sync.max_repeated_factor", number::<_, 1, 1_000>).or("3");
    SYNC_MAX_MEDIAN_STEP_DB: Dbm =
        tenant("SYNC_MAX_MEDIAN_STEP_DB", "sync.max_median_step_db", decibels).or("6");
    SYNC_FIRST_MEDIAN_MIN_DBM: Dbm =
        tenant("SYNC_FIRST_MEDIAN_MIN_DBM", "sync.first_median_min_dbm", dbm).or("-32");
    SYNC_FIRST_MEDIAN_MAX_DBM: Dbm =
        tenant("SYNC_FIRST_MEDIAN_MAX_DBM", "sync.first_median_max_dbm", dbm).or("-8");
    SYNC_LIGHT_MIN_DBM: Dbm =
        tenant("SYNC_LIGHT_MIN_DBM", "sync.light_min_dbm", dbm).or("-38");
    SYNC_LIGHT_MAX_DBM: Dbm =
        tenant("SYNC_LIGHT_MAX_DBM", "sync.light_max_dbm", dbm).or("10");
    SYNC_MAX_IMPLAUSIBLE_PERCENT: f64 =
        tenant("SYNC_MAX_IMPLAUSIBLE_PERCENT", "sync.max_implausible_percent", percent).or("1");
    SYNC_MAX_STEP_DB: Dbm =
        tenant("SYNC_MAX_STEP_DB", "sync.max_step_db", decibels).or("6");
    SYNC_MAX_STEP_PERCENT: f64 =
        tenant("SYNC_MAX_STEP_PERCENT", "sync.max_step_percent", percent).or("5");
    SYNC_MIN_FIGURE_CLIENTS: u64 =
        tenant("SYNC_MIN_FIGURE_CLIENTS", "sync.min_figure_clients", number::<_, 0, 1_000_000>).or("20");
    SYNC_MAX_ERROR_PERCENT: f64 =
        tenant("SYNC_MAX_ERROR_PERCENT", "sync.max_error_percent", percent).or("50");
    SYNC_MIN_ERROR_CLIENTS: u64 =
        tenant("SYNC_MIN_ERROR_CLIENTS", "sync.min_error_clients", number::<_, 0, 1_000_000>).or("20");
    SYNC_MAX_IMPLANTATION_PERCENT: f64 =
        tenant("SYNC_MAX_IMPLANTATION_PERCENT", "sync.max_implantation_percent", percent).or("5");
    SYNC_MAX_IMPLANTATION_FACTOR: u64 =
        tenant("SYNC_MAX_IMPLANTATION_FACTOR", "sync.max_implantation_factor", number::<_, 1, 1_000>).or("3");
    SYNC_MIN_IMPLANTATION_CLIENTS: u64 =
        tenant("SYNC_MIN_IMPLANTATION_CLIENTS", "sync.min_implantation_clients", number::<_, 0, 1_000_000>).or("20");
    SYNC_MAX_ONU_PERCENT: f64 =
        tenant("SYNC_MAX_ONU_PERCENT", "sync.max_onu_percent", percent).or("5");
    SYNC_MIN_ONU_CLIENTS: u64 =
        tenant("SYNC_MIN_ONU_CLIENTS", "sync.min_onu_clients", number::<_, 0, 1_000_000>).or("20");

    PROJECTS_INCLUDE: Vec<String> =
        tenant("PROJECTS_INCLUDE", "projects.include", words).or_none();
    PROJECTS_EXCLUDE: Vec<String> =
        tenant("PROJECTS_EXCLUDE", "projects.exclude", words).or_none();

    PROVISIONING_POWER_CACHE_SECONDS: Duration =
        tenant("PROVISIONING_POWER_CACHE_SECONDS", "provisioning.power_cache_seconds", seconds::<0, 3_600>)
            .or("30");
    PROVISIONING_ANSWER_WITHIN_SECONDS: Duration =
        tenant("PROVISIONING_ANSWER_WITHIN_SECONDS", "provisioning.answer_within_seconds", seconds::<1, 25>)
            .or("20");
    PROVISIONING_CALLBACK_HOSTS: Vec<String> =
        tenant("PROVISIONING_CALLBACK_HOSTS", "provisioning.callback_hosts", host_names).or_none();
}

/// Every setting's names.
pub(super) fn names() -> impl Iterator<Item = &'static Name> {
    ALL.iter().map(|setting| setting.name())
}

/// The setting at this place of the TOML file.
pub(super) fn find(toml: &str) -> Option<&'static Name> {
    names().find(|name| name.toml == toml)
}
