//! Settings: one TOML file with `[[tenant]]` tables, or environment variables alone for a single tenant.
//!
//! Every setting stands once, as a row of `table`; both sources are read by the same code, and all mistakes are reported at
//! once, before a port is bound. An environment variable that is empty counts as not set.

mod agreement;
mod files;
mod fingerprint;
mod keys;
mod parsers;
mod place;
mod setting;
mod source;
mod table;
mod webhooks;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use axum::http::HeaderValue;
pub use files::SettingsFiles;
pub use fingerprint::{Fingerprint, Fingerprints};
use gateway_core::sync::{Field, Grouping, Limits, Rules};
use gateway_core::{PlausibleWindow, ProjectRules, UnknownWords};
use ipnet::IpNet;
use jiff::SignedDuration;
pub use place::SettingsPlace;
use secrecy::SecretString;
use setting::{Scope, Setting};
use source::Source;
use url::Url;

use crate::key::{Role, TenantKey};
use crate::{int6, notices, ozmap, provisioning, upstream};

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
    /// Without a sign of life for so long, a process counts as dead.
    pub lease: Duration,
    /// How long runs are kept. Default 90 days.
    pub keep_runs: SignedDuration,
    /// Where `/metrics` has a listener of its own. Default none.
    pub metrics_listen: Option<SocketAddr>,
    /// SHA-256 of the key that `/metrics` asks for. Default none.
    pub metrics_key_sha256: Option<[u8; 32]>,
    /// The settings are taken over whenever their file changes. Default false.
    pub watch_config: bool,
    /// What was read.
    pub files: SettingsFiles,
    /// Connections of callers in all, at least 16. Default: by the limit of open files, 4,096 at most.
    pub max_connections: Option<usize>,
    /// Connections of one address, at least 1. Default 256.
    pub max_connections_per_address: usize,
    /// How long the end may take, once it was asked for. Default 20 s.
    pub shutdown: Duration,
    /// One or more.
    pub tenants: Vec<Tenant>,
}

/// One ISP.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// Its name in the store and in logs; `default` for a single tenant.
    pub name: String,
    /// SHA-256 of the single key, called `default`; it or one of `keys` is required to serve.
    pub key_sha256: Option<[u8; 32]>,
    /// Keys with a name and a role. Default none.
    pub keys: Vec<TenantKey>,
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
    /// What is compared and written.
    pub rules: Rules,
    /// The rails.
    pub limits: Limits,
    /// OZmap's projects that are its own. Default all.
    pub projects: ProjectRules,
    /// Nothing is ever written to OZmap. Default false.
    pub read_only: bool,
    /// By value, unless batching is switched off.
    pub grouping: Grouping,
    /// How INT6's questions are answered.
    pub provisioning: provisioning::ProvisioningSettings,
    /// Who is told what happens.
    pub notices: notices::TenantNotices,
    /// Whether something of all this is another than before.
    pub fingerprints: Fingerprints,
}

impl Tenant {
    /// All its keys; the single one may do everything, unless others stand beside it: then it is INT6's.
    ///
    /// Source: `docs/contracts/gateway-api.md`, "Roles".
    pub fn all_keys(&self) -> Vec<TenantKey> {
        let role = if self.keys.is_empty() { Role::Operator } else { Role::Int6 };
        let single = self.key_sha256.map(|sha256| TenantKey { name: keys::SINGLE.to_owned(), sha256, role });
        single.into_iter().chain(self.keys.iter().cloned()).collect()
    }
}

impl Tenant {
    /// The same, bounded with the other tenants of the process.
    pub fn sharing(mut self, sockets: &upstream::Sockets) -> Tenant {
        self.int6_host.sockets = sockets.clone();
        self.ozmap_host.sockets = sockets.clone();
        self
    }
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
        check(&mut source, purpose);
        let config = read(&mut source);
        match (source.into_mistakes(), config) {
            (mistakes, Some(config)) if mistakes.is_empty() => Ok(config),
            (mistakes, _) => Err(Mistakes(mistakes)),
        }
    }

    /// Where `serve` listens, whatever else is wrong with the settings: a gateway goes on with the old ones where a file was
    /// spoilt meanwhile.
    ///
    /// # Errors
    /// [`Mistakes`] if the address itself is wrong, or stands in a file that cannot be read.
    pub fn listen_address(
        environment: impl IntoIterator<Item = (String, String)>,
        file: Option<PathBuf>,
    ) -> Result<SocketAddr, Mistakes> {
        let mut source = Source::new(environment, file);
        let is_known = source.has_file() || source.is_given(&table::GATEWAY_LISTEN.name);
        match source.get(&table::GATEWAY_LISTEN) {
            Some(listen) if is_known => Ok(listen),
            _ => Err(Mistakes(source.into_mistakes())),
        }
    }
}

/// How long an OZmap that fails is left alone: at first, and at most.
const OZMAP_REST: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(60));

/// Notes every mistake, in the order of the table.
fn check(source: &mut Source, purpose: Purpose) {
    source.check(Scope::Gateway);
    agreement::check_listeners(source);
    let (mut names, mut hashes) = (Vec::new(), keys::Hashes::default());
    for index in 0..source.tenants() {
        source.turn_to(index);
        source.check(Scope::Tenant);
        keys::check(source, purpose == Purpose::Serve, &mut hashes);
        agreement::check_email(source);
        agreement::check_window(source);
        // Their mistakes are noted by looking.
        source.webhooks();
        names.extend(source.get(&table::NAME));
    }
    source.must_differ(&names, "two tenants have one name");
    hashes.tell(source);
}

/// Puts the settings together; `None` after a mistake.
fn read(source: &mut Source) -> Option<Config> {
    Some(Config {
        listen: source.get(&table::GATEWAY_LISTEN)?,
        database_url: source.get(&table::DATABASE_URL)?,
        trusted_proxies: source.get(&table::GATEWAY_TRUSTED_PROXIES)?,
        cors_origins: source.get(&table::GATEWAY_CORS_ORIGINS)?,
        lease: source.get(&table::GATEWAY_LEASE_SECONDS)?,
        keep_runs: source.get(&table::GATEWAY_KEEP_RUNS_DAYS)?,
        metrics_listen: source.get(&table::GATEWAY_METRICS_LISTEN)?,
        metrics_key_sha256: source.get(&table::GATEWAY_METRICS_KEY_SHA256)?,
        watch_config: source.get(&table::GATEWAY_WATCH_CONFIG)?,
        files: files::files(source),
        max_connections: source.get(&table::GATEWAY_MAX_CONNECTIONS)?,
        max_connections_per_address: source.get(&table::GATEWAY_MAX_CONNECTIONS_PER_ADDRESS)?,
        shutdown: source.get(&table::GATEWAY_SHUTDOWN_SECONDS)?,
        tenants: (0..source.tenants()).map(|index| tenant(source, index)).collect::<Option<_>>()?,
    })
}

fn tenant(source: &mut Source, index: usize) -> Option<Tenant> {
    source.turn_to(index);
    Some(Tenant {
        name: source.get(&table::NAME)?,
        key_sha256: keys::single(source),
        keys: keys::named(source)?,
        allowed_ips: source.get(&table::GATEWAY_ALLOWED_IPS)?,
        requests_per_minute: source.get(&table::GATEWAY_REQUESTS_PER_MINUTE)?,
        int6_host: host(
            source,
            &table::INT6_URL,
            &table::INT6_CA_FILE,
            &table::INT6_ACCEPT_INVALID_CERTIFICATE,
        )?,
        int6: int6_settings(source)?,
        ozmap_host: upstream::HostSettings {
            // A technician waits for OZmap; INT6's firewall bans hosts that hammer, so that its rest is longer.
            open_for: OZMAP_REST,
            ..host(
                source,
                &table::OZMAP_URL,
                &table::OZMAP_CA_FILE,
                &table::OZMAP_ACCEPT_INVALID_CERTIFICATE,
            )?
        },
        ozmap_key: source.get(&table::OZMAP_API_KEY)?,
        ozmap_page_size: source.get(&table::OZMAP_PAGE_SIZE)?,
        sync_interval: source.get(&table::SYNC_INTERVAL_SECONDS)?,
        rules: rules(source)?,
        limits: limits(source)?,
        projects: ProjectRules::new(
            source.get(&table::PROJECTS_INCLUDE)?,
            source.get(&table::PROJECTS_EXCLUDE)?,
        ),
        read_only: source.get(&table::GATEWAY_READ_ONLY)?,
        grouping: match source.get(&table::SYNC_BATCHING)? {
            true => Grouping::ByValue { largest: ozmap::LARGEST_BATCH },
            false => Grouping::ByRecord,
        },
        provisioning: provisioning::ProvisioningSettings {
            power_cache: source.get(&table::PROVISIONING_POWER_CACHE_SECONDS)?,
            answer_within: source.get(&table::PROVISIONING_ANSWER_WITHIN_SECONDS)?,
            callback_hosts: callback_hosts(source)?,
        },
        notices: notices::TenantNotices {
            webhooks: source.webhooks(),
            callback_hosts: callback_hosts(source)?,
        },
        fingerprints: fingerprint::of_tenant(source),
    })
}

fn callback_hosts(source: &mut Source) -> Option<provisioning::CallbackHosts> {
    source.get(&table::PROVISIONING_CALLBACK_HOSTS).map(provisioning::CallbackHosts)
}

fn int6_settings(source: &mut Source) -> Option<int6::Int6Settings> {
    Some(int6::Int6Settings {
        credentials: int6::Credentials {
            style: source.get(&table::INT6_AUTH)?,
            scheme: source.get(&table::INT6_TOKEN_SCHEME)?,
            email: source.get(&table::INT6_EMAIL)?.unwrap_or_default(),
            token: source.get(&table::INT6_TOKEN)?,
        },
        status_path: source.get(&table::INT6_STATUS_PATH)?,
        page_size: source.get(&table::INT6_PAGE_SIZE)?,
        fields: int6::wire::Fields {
            code: source.get(&table::INT6_CODE_FIELD)?,
            power: source.get(&table::INT6_POWER_FIELD)?,
            serial: source.get(&table::INT6_SERIAL_FIELD)?,
            pppoe_user: source.get(&table::INT6_PPPOE_FIELD)?,
            mac: source.get(&table::INT6_MAC_FIELD)?,
            updated_at: source.get(&table::INT6_UPDATED_AT_FIELD)?,
        },
        time_zone: source.get(&table::INT6_TIME_ZONE)?,
        unknown_words: UnknownWords::with(source.get(&table::INT6_UNKNOWN_WORDS)?),
        status_words: source.get(&table::SYNC_STATUS_OF)?,
        match_by: source.get(&table::SYNC_MATCH_BY)?,
    })
}

/// How one of the two systems is called: these settings are its own, the others both share.
fn host(
    source: &mut Source,
    base: &Setting<Url>,
    ca_file: &Setting<Option<PathBuf>>,
    accept_invalid_certificate: &Setting<bool>,
) -> Option<upstream::HostSettings> {
    Some(upstream::HostSettings {
        timeout: source.get(&table::UPSTREAM_TIMEOUT_SECONDS)?,
        max_in_flight: source.get(&table::UPSTREAM_MAX_IN_FLIGHT)?,
        calls_per_hour: source.get(&table::UPSTREAM_CALLS_PER_HOUR)?,
        ca_file: source.get(ca_file)?,
        accept_invalid_certificate: source.get(accept_invalid_certificate)?,
        // Both systems' secrets, because a proxy that stands before both may mix them up.
        secrets: vec![source.get(&table::INT6_TOKEN)?, source.get(&table::OZMAP_API_KEY)?],
        ..upstream::HostSettings::new(source.get(base)?)
    })
}

fn rules(source: &mut Source) -> Option<Rules> {
    let plausible =
        (source.get(&table::SYNC_PLAUSIBLE_MIN_DBM)?, source.get(&table::SYNC_PLAUSIBLE_MAX_DBM)?);
    let switches = [
        (Field::ReadPower, source.get(&table::SYNC_READ_POWER)?),
        (Field::Status, source.get(&table::SYNC_STATUS)?),
        (Field::Implantation, source.get(&table::SYNC_IMPLANTATION)?),
        (Field::Onu, source.get(&table::SYNC_ONU)?),
    ];
    Some(Rules {
        fields: switches.into_iter().filter(|(_, is_on)| *is_on).map(|(field, _)| field).collect(),
        stale_after: source.get(&table::SYNC_STALE_AFTER_SECONDS)?,
        plausible: match plausible {
            (Some(min), Some(max)) => Some(PlausibleWindow { min, max }),
            _ => None,
        },
        match_by: source.get(&table::SYNC_MATCH_BY)?,
    })
}

fn limits(source: &mut Source) -> Option<Limits> {
    Some(Limits {
        min_matched_percent: source.get(&table::SYNC_MIN_MATCHED_PERCENT)?,
        max_serial_percent: source.get(&table::SYNC_MAX_SERIAL_PERCENT)?,
        max_swapped_percent: source.get(&table::SYNC_MAX_SWAPPED_PERCENT)?,
        min_serial_clients: source.get(&table::SYNC_MIN_SERIAL_CLIENTS)?,
        max_foreign_percent: source.get(&table::SYNC_MAX_FOREIGN_PERCENT)?,
        min_foreign_codes: source.get(&table::SYNC_MIN_FOREIGN_CODES)?,
        max_unread_percent: source.get(&table::SYNC_MAX_UNREAD_PERCENT)?,
        max_stale_percent: source.get(&table::SYNC_MAX_STALE_PERCENT)?,
        min_rows: source.get(&table::SYNC_MIN_ROWS)?,
        max_same_percent: source.get(&table::SYNC_MAX_SAME_PERCENT)?,
        max_repeated_percent: source.get(&table::SYNC_MAX_REPEATED_PERCENT)?,
        max_repeated_factor: source.get(&table::SYNC_MAX_REPEATED_FACTOR)? as f64,
        max_median_step: source.get(&table::SYNC_MAX_MEDIAN_STEP_DB)?,
        max_implausible_percent: source.get(&table::SYNC_MAX_IMPLAUSIBLE_PERCENT)?,
        max_step: source.get(&table::SYNC_MAX_STEP_DB)?,
        max_step_percent: source.get(&table::SYNC_MAX_STEP_PERCENT)?,
        min_figure_clients: source.get(&table::SYNC_MIN_FIGURE_CLIENTS)?,
        max_error_percent: source.get(&table::SYNC_MAX_ERROR_PERCENT)?,
        min_error_clients: source.get(&table::SYNC_MIN_ERROR_CLIENTS)?,
        max_implantation_percent: source.get(&table::SYNC_MAX_IMPLANTATION_PERCENT)?,
        max_implantation_factor: source.get(&table::SYNC_MAX_IMPLANTATION_FACTOR)? as f64,
        min_implantation_clients: source.get(&table::SYNC_MIN_IMPLANTATION_CLIENTS)?,
        max_onu_percent: source.get(&table::SYNC_MAX_ONU_PERCENT)?,
        min_onu_clients: source.get(&table::SYNC_MIN_ONU_CLIENTS)?,
        first_median: PlausibleWindow {
            min: source.get(&table::SYNC_FIRST_MEDIAN_MIN_DBM)?,
            max: source.get(&table::SYNC_FIRST_MEDIAN_MAX_DBM)?,
        },
        light: PlausibleWindow {
            min: source.get(&table::SYNC_LIGHT_MIN_DBM)?,
            max: source.get(&table::SYNC_LIGHT_MAX_DBM)?,
        },
    })
}

#[cfg(test)]
mod tests;
