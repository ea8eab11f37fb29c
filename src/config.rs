//! Settings: one TOML file with `[[tenant]]` tables, or environment variables alone for a single tenant.
//!
//! Every setting stands once, in [`names`]; both sources are read by the same code, and all mistakes are told at once,
//! before a port is bound. An environment variable that is empty counts as not set.

pub mod names;
mod source;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use axum::http::HeaderValue;
use gateway_core::sync::{Grouping, Limits};
use gateway_core::{Dbm, PlausibleWindow};
use ipnet::IpNet;
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use source::Source;
use url::Url;

use crate::{int6, ozmap, provisioning, upstream};

/// Everything that the gateway is told.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where it listens. Default `127.0.0.1:8080`.
    pub listen: SocketAddr,
    /// `sqlite://…` or `postgres://…`, which may carry a password. Default `sqlite://gateway.db`.
    pub database_url: SecretString,
    /// Peers whose `X-Forwarded-For` counts. Default none.
    pub trusted_proxies: Vec<IpNet>,
    /// Web pages of these origins may call from a browser. Default none.
    pub cors_origins: Vec<HeaderValue>,
    /// How long runs are kept. Default 90 days.
    pub keep_runs: SignedDuration,
    /// One or more.
    pub tenants: Vec<Tenant>,
}

/// One ISP.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// Its name in the store and in logs; `default` for a single tenant.
    pub name: String,
    /// SHA-256 of the key that its INT6 presents; required to serve.
    pub key_sha256: Option<[u8; 32]>,
    /// Who may call. Default loopback only.
    pub allowed_ips: Vec<IpNet>,
    /// Requests of its key; `None` is unlimited. Default 600,000.
    pub requests_per_minute: Option<NonZeroU32>,
    /// How its INT6 is called.
    pub int6_host: upstream::HostSettings,
    /// How its INT6 is asked.
    pub int6: int6::Int6Settings,
    /// How its OZmap is called.
    pub ozmap_host: upstream::HostSettings,
    /// OZmap's API key.
    pub ozmap_key: SecretString,
    /// Rows of a page, 1 to 1,000. Default 500.
    pub ozmap_page_size: usize,
    /// Beat of the sync; `None` is off. Default 600 s.
    pub sync_interval: Option<Duration>,
    /// Rails and options.
    pub limits: Limits,
    /// By value, unless batching is switched off.
    pub grouping: Grouping,
    /// How INT6's questions are answered.
    pub provisioning: provisioning::ProvisioningSettings,
}

/// What the settings are needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Needs a gateway key.
    Serve,
    /// Works without.
    Once,
}

/// Everything that is wrong with the settings, one sentence each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the settings have {} mistake(s):\n  - {}", .0.len(), .0.join("\n  - "))]
pub struct Mistakes(pub Vec<String>);

impl Config {
    /// Reads the settings from the environment and the file that `GATEWAY_CONFIG` (or `file`) names.
    ///
    /// # Errors
    /// [`Mistakes`], all at once.
    pub fn load(
        environment: impl IntoIterator<Item = (String, String)>,
        file: Option<PathBuf>,
        purpose: Purpose,
    ) -> Result<Config, Mistakes> {
        let mut source = Source::new(environment, file);
        let config = read(&mut source, purpose);
        match (source.into_mistakes(), config) {
            (mistakes, Some(config)) if mistakes.is_empty() => Ok(config),
            (mistakes, _) => Err(Mistakes(mistakes)),
        }
    }
}

/// How long an OZmap that fails is left alone: at first, and at most.
const OZMAP_REST: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(60));

/// The hash under which a key is kept and compared.
pub fn hash_of_key(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

fn read(source: &mut Source, purpose: Purpose) -> Option<Config> {
    let listen = source.parsed("listen", "an address and a port, such as 127.0.0.1:8080");
    let database_url = source.text("database_url");
    let trusted_proxies = source.list("trusted_proxies", "addresses or CIDR blocks", network);
    let cors_origins = source.list("cors_origins", "origins such as https://panel.isp.example", origin);
    let keep_days = source.number("keep_runs_days", 1, 36_500);
    let count = source.tenants();
    // Each is read even if one before has mistakes, so that all are told.
    let tenants: Vec<Option<Tenant>> = (0..count).map(|index| tenant(source, index, purpose)).collect();
    let tenants: Vec<Tenant> = tenants.into_iter().collect::<Option<_>>()?;
    source.must_differ(tenants.iter().map(|t| t.name.as_str()), "two tenants have one name");
    let keys = tenants.iter().filter_map(|t| t.key_sha256);
    source.must_differ(keys, "two tenants have one API key, so that a call could not be told apart");
    Some(Config {
        listen: listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080))),
        database_url: database_url.unwrap_or_else(|| "sqlite://gateway.db".to_owned()).into(),
        trusted_proxies: trusted_proxies.unwrap_or_default(),
        cors_origins: cors_origins.unwrap_or_default(),
        keep_runs: SignedDuration::from_hours(24 * keep_days.unwrap_or(90) as i64),
        tenants,
    })
}

fn tenant(source: &mut Source, index: usize, purpose: Purpose) -> Option<Tenant> {
    source.turn_to(index);
    let name = source.text("name").unwrap_or_else(|| "default".to_owned());
    let key_sha256 = gateway_key(source, purpose);
    let allowed_ips = source.list("allowed_ips", "addresses or CIDR blocks", network);
    let requests_per_minute = source.number("requests_per_minute", 0, u64::from(u32::MAX)).unwrap_or(600_000);
    let int6_host = host(source, "int6");
    let int6 = int6_settings(source);
    // A technician waits for OZmap; INT6's firewall bans hosts that hammer, so that its rest is longer.
    let ozmap_host =
        host(source, "ozmap").map(|host| upstream::HostSettings { open_for: OZMAP_REST, ..host });
    let ozmap_key = source.required("ozmap.api_key").filter(|key| source.fits_a_header("ozmap.api_key", key));
    let ozmap_page_size = source.number("ozmap.page_size", 1, 1_000).unwrap_or(500) as usize;
    let interval = source.number("sync.interval_seconds", 0, 86_400).unwrap_or(600);
    let limits = limits(source);
    let grouping = match source.switch("sync.batching").unwrap_or(true) {
        true => Grouping::ByValue { largest: ozmap::LARGEST_BATCH },
        false => Grouping::ByRecord,
    };
    Some(Tenant {
        name,
        key_sha256,
        allowed_ips: allowed_ips.unwrap_or_else(loopback),
        requests_per_minute: NonZeroU32::new(requests_per_minute as u32),
        int6_host: int6_host?,
        int6: int6?,
        ozmap_host: ozmap_host?,
        ozmap_key: ozmap_key?.into(),
        ozmap_page_size,
        sync_interval: (interval > 0).then(|| Duration::from_secs(interval)),
        limits,
        grouping,
        provisioning: provisioning_settings(source),
    })
}

fn provisioning_settings(source: &mut Source) -> provisioning::ProvisioningSettings {
    let default = provisioning::ProvisioningSettings::default();
    let mut seconds = |name, least, most| source.number(name, least, most).map(Duration::from_secs);
    let power_cache = seconds("provisioning.power_cache_seconds", 0, 3_600);
    let answer_within = seconds("provisioning.answer_within_seconds", 1, 25);
    let host_name = |text: &str| url::Host::parse(text).ok().map(|host| host.to_string());
    let callback_hosts = source.list("provisioning.callback_hosts", "host names", host_name);
    provisioning::ProvisioningSettings {
        power_cache: power_cache.unwrap_or(default.power_cache),
        answer_within: answer_within.unwrap_or(default.answer_within),
        callback_hosts: callback_hosts.unwrap_or(default.callback_hosts),
    }
}

fn gateway_key(source: &mut Source, purpose: Purpose) -> Option<[u8; 32]> {
    match (source.text("api_key"), source.text("api_key_sha256")) {
        (Some(_), Some(_)) => source.mistake("api_key", "stands beside its SHA-256; give one of them"),
        (Some(key), None) if key.len() < 16 => {
            source.mistake("api_key", "is shorter than 16 characters; `keygen` makes a good one")
        }
        (Some(key), None) => Some(hash_of_key(&key)),
        (None, Some(hash)) => match hex(&hash) {
            Some(hash) => Some(hash),
            None => source.mistake("api_key_sha256", "is not 64 hexadecimal digits"),
        },
        (None, None) if purpose == Purpose::Serve => source
            .mistake("api_key", "is missing: `serve` needs the key that INT6 presents; `keygen` makes one"),
        (None, None) => None,
    }
}

fn int6_settings(source: &mut Source) -> Option<int6::Int6Settings> {
    use int6::{AuthStyle, TokenScheme};
    let style = source.one_of(
        "int6.auth",
        &[
            ("request_token", AuthStyle::RequestToken),
            ("user_token_headers", AuthStyle::UserTokenHeaders),
            ("bearer", AuthStyle::Bearer),
        ],
    );
    let scheme =
        source.one_of("int6.token_scheme", &[("Bearer", TokenScheme::Bearer), ("JWT", TokenScheme::Jwt)]);
    let style = style.unwrap_or(AuthStyle::RequestToken);
    let email = match style {
        AuthStyle::Bearer => source.text("int6.email").or(Some(String::new())),
        AuthStyle::RequestToken | AuthStyle::UserTokenHeaders => source.required("int6.email"),
    };
    let token = source.required("int6.token").filter(|token| source.fits_a_header("int6.token", token));
    let email = email.filter(|email| source.fits_a_header("int6.email", email));
    let default = int6::wire::Fields::default();
    let mut field = |name: &str, default: String| source.text(name).unwrap_or(default);
    let fields = int6::wire::Fields {
        code: field("int6.code_field", default.code),
        power: field("int6.power_field", default.power),
        serial: field("int6.serial_field", default.serial),
        pppoe_user: field("int6.pppoe_field", default.pppoe_user),
        mac: field("int6.mac_field", default.mac),
        updated_at: field("int6.updated_at_field", default.updated_at),
    };
    let status_path = source.text("int6.status_path").unwrap_or_else(|| "/api/diag/v2/onu_status".to_owned());
    let page_size = source.number("int6.page_size", 1, 5_000).unwrap_or(500) as usize;
    let time_zone = source.with("int6.time_zone", "a time zone such as UTC or America/Sao_Paulo", |name| {
        TimeZone::get(name).ok()
    });
    Some(int6::Int6Settings {
        credentials: int6::Credentials {
            style,
            scheme: scheme.unwrap_or(TokenScheme::Bearer),
            email: email?,
            token: token?.into(),
        },
        status_path,
        page_size,
        fields,
        time_zone: time_zone.unwrap_or(TimeZone::UTC),
    })
}

fn host(source: &mut Source, system: &str) -> Option<upstream::HostSettings> {
    let base = source.required(names::joined(system, "url"));
    let base = base.and_then(|url| source.understood(names::joined(system, "url"), base_url(&url)));
    let ca_file = source.text(names::joined(system, "ca_file")).map(PathBuf::from);
    let accept_invalid_certificate =
        source.switch(names::joined(system, "accept_invalid_certificate")).unwrap_or(false);
    let max_in_flight = source.number("upstream.max_in_flight", 1, 256).unwrap_or(8) as usize;
    let timeout = source.number("upstream.timeout_seconds", 1, 600).unwrap_or(60);
    let calls_per_hour = source.number("upstream.calls_per_hour", 1, u64::from(u32::MAX));
    // Both systems' secrets, because a proxy that stands before both may mix them up.
    let secrets = ["int6.token", "ozmap.api_key"];
    let secrets = secrets.iter().filter_map(|name| source.text(name)).map(SecretString::from).collect();
    Some(upstream::HostSettings {
        timeout: Duration::from_secs(timeout),
        max_in_flight,
        calls_per_hour: calls_per_hour.and_then(|n| NonZeroU32::new(n as u32)),
        ca_file,
        accept_invalid_certificate,
        secrets,
        ..upstream::HostSettings::new(base?)
    })
}

fn limits(source: &mut Source) -> Limits {
    let default = Limits::default();
    let dbm = |text: &str| text.parse().ok().and_then(|dbm| Dbm::from_f64(dbm).ok());
    let min = source.with("sync.plausible_min_dbm", "a power in dBm", dbm);
    let max = source.with("sync.plausible_max_dbm", "a power in dBm", dbm);
    let plausible = match (min, max) {
        (Some(min), Some(max)) if min < max => Some(PlausibleWindow { min, max }),
        (None, None) => None,
        (Some(_), Some(_)) => {
            source.mistake("sync.plausible_min_dbm", "is not below the other end of the window")
        }
        (Some(_), None) => source.mistake("sync.plausible_max_dbm", "is missing: the window needs both ends"),
        (None, Some(_)) => source.mistake("sync.plausible_min_dbm", "is missing: the window needs both ends"),
    };
    let percent = |text: &str| text.parse().ok().filter(|p: &f64| (0.0..=100.0).contains(p));
    Limits {
        max_error_percent: source
            .with("sync.max_error_percent", "a number from 0 to 100", percent)
            .unwrap_or(default.max_error_percent),
        min_error_clients: source
            .number("sync.min_error_clients", 0, 1_000_000)
            .unwrap_or(default.min_error_clients),
        stale_after: match source.number("sync.stale_after_seconds", 0, 31_536_000) {
            None | Some(0) => None,
            Some(seconds) => Some(SignedDuration::from_secs(seconds as i64)),
        },
        plausible,
    }
}

/// Scheme, host and port; a trailing `/` and a trailing `/api/v2` go. Source: `docs/contracts/ozmap-api.md`, "Connection".
fn base_url(text: &str) -> Result<Url, String> {
    let text = text.trim().trim_end_matches('/');
    let text = text.strip_suffix("/api/v2").unwrap_or(text);
    let url = Url::parse(text).map_err(|e| format!("is no URL ({e}); https://host:port is expected"))?;
    match url.scheme() {
        "http" | "https" if url.has_host() => (),
        _ => return Err("is no URL that starts with http:// or https://".to_owned()),
    }
    if url.username() != "" || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(
            "has a user, a password, a query or a fragment; only scheme, host, port and path are expected"
                .to_owned(),
        );
    }
    Ok(url)
}

/// Scheme, host and port, exactly as a browser sends them; `*` would let every page in.
fn origin(text: &str) -> Option<HeaderValue> {
    let url = Url::parse(text).ok()?;
    let is_whole = url.origin().ascii_serialization() == text && url.origin().is_tuple();
    HeaderValue::from_str(text).ok().filter(|_| is_whole)
}

fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse().ok().map(|address: std::net::IpAddr| IpNet::from(address)))
}

fn loopback() -> Vec<IpNet> {
    ["127.0.0.0/8", "::1/128"].iter().filter_map(|block| block.parse().ok()).collect()
}

fn hex(text: &str) -> Option<[u8; 32]> {
    let text = text.trim();
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// Whether a secret's text could be sent in a header, told apart so that the message can name it.
fn is_header_text(text: &str) -> bool {
    text.bytes().all(|b| (0x20..0x7f).contains(&b))
}

#[cfg(test)]
mod document_tests;
#[cfg(test)]
mod tests;
