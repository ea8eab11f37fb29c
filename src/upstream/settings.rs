//! How a host is called.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gateway_core::System;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, HeaderMap, HeaderValue};
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};
use secrecy::SecretString;
use url::{Host, Url};

use super::pinned;
use super::sockets::Sockets;

/// Longest that a connection waits for the next call: well below what proxies allow.
const LONGEST_IDLE: Duration = Duration::from_secs(20);

/// How a host is called.
#[derive(Debug, Clone)]
pub struct HostSettings {
    /// Scheme, host, port and an optional path below which the API is.
    pub base: Url,
    /// For one try, from the connection to the last byte.
    pub timeout: Duration,
    /// Requests in flight at the same time, at least 1.
    pub max_in_flight: usize,
    /// `None` is unlimited.
    pub calls_per_hour: Option<NonZeroU32>,
    /// A PEM file with further CA certificates, for a host whose chain is incomplete, or with the host's own certificate if it
    /// signed itself.
    pub ca_file: Option<PathBuf>,
    /// Accept any certificate. Off by default; the start warns loudly.
    pub accept_invalid_certificate: bool,
    /// What must never stand in an error.
    pub secrets: Vec<SecretString>,
    /// First pause before a repeated try; it doubles.
    pub retry_pause: Duration,
    /// How long the circuit stays open when the host fails again and again: at first, and at most.
    pub open_for: (Duration, Duration),
    /// What it shares with the process's other hosts. Default: no bound.
    pub sockets: Sockets,
}

impl HostSettings {
    /// The defaults for a base URL.
    pub fn new(base: Url) -> HostSettings {
        HostSettings {
            base,
            timeout: Duration::from_secs(60),
            max_in_flight: 8,
            calls_per_hour: None,
            ca_file: None,
            accept_invalid_certificate: false,
            secrets: Vec::new(),
            retry_pause: Duration::from_millis(250),
            open_for: (Duration::from_secs(30), Duration::from_secs(300)),
            sockets: Sockets::default(),
        }
    }

    pub(super) fn http_client(&self, system: System) -> Result<reqwest::Client, HttpClientError> {
        // A portal may answer with pages unless it is asked for JSON. Source: `docs/contracts/int6-api.md`, "Asking for JSON".
        let asked_for = [(ACCEPT, "application/json"), (ACCEPT_ENCODING, "gzip")];
        let asked_for: HeaderMap =
            asked_for.map(|(name, value)| (name, HeaderValue::from_static(value))).into_iter().collect();
        let mut builder = reqwest::Client::builder()
            .default_headers(asked_for)
            .user_agent(concat!("int6-ozmap-gateway/", env!("CARGO_PKG_VERSION")))
            .timeout(self.timeout)
            .connect_timeout(self.timeout.min(Duration::from_secs(10)))
            .pool_max_idle_per_host(self.sockets.idle_of_a_host(self.max_in_flight))
            .pool_idle_timeout(LONGEST_IDLE)
            // A redirect would carry the key to another host.
            .redirect(reqwest::redirect::Policy::none());
        // A proxy knows another machine under this name than is meant.
        if is_loopback(&self.base) {
            builder = builder.no_proxy();
        }
        let certificates = self.ca_file.as_deref().map(|path| certificates(system, path)).transpose()?;
        if !self.accept_invalid_certificate
            && let Some(tls) = self.tls(system, certificates.unwrap_or_default())?
        {
            builder = builder.tls_backend_preconfigured(tls);
        }
        if self.accept_invalid_certificate {
            tracing::warn!(%system, "ANY CERTIFICATE IS ACCEPTED for this host: whoever stands between can read the key");
            builder = builder.danger_accept_invalid_certs(true);
        }
        builder.build().map_err(|error| HttpClientError::Unbuildable { system, error })
    }

    /// Which certificates are accepted; `None` where none is needed.
    fn tls(
        &self,
        system: System,
        certificates: Vec<CertificateDer<'static>>,
    ) -> Result<Option<ClientConfig>, HttpClientError> {
        let Some(file) = &self.ca_file else {
            return match pinned::tls() {
                Ok(tls) => Ok(Some(tls)),
                Err(error) if self.base.scheme() == "https" => {
                    Err(HttpClientError::NoAuthorities { system, error })
                }
                Err(_) => Ok(None),
            };
        };
        let not_usable = |error| HttpClientError::NotUsable { system, file: file.clone(), error };
        pinned::tls_with(certificates).map(Some).map_err(not_usable)
    }
}

/// Whether the host is this machine.
/// Whether a URL is of this machine.
pub(crate) fn is_loopback(base: &Url) -> bool {
    match base.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        None => false,
    }
}

fn certificates(system: System, path: &Path) -> Result<Vec<CertificateDer<'static>>, HttpClientError> {
    let file = || path.to_owned();
    let pem = std::fs::read(path).map_err(|error| HttpClientError::CaFile { system, file: file(), error })?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => {
            Err(HttpClientError::NotPem { system, file: file(), error: pem::Error::NoItemsFound })
        }
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(HttpClientError::NotPem { system, file: file(), error }),
    }
}

/// Why a host cannot be called at all.
#[derive(Debug, thiserror::Error)]
pub enum HttpClientError {
    /// Look at the path and its rights.
    #[error("{system}: CA file {}: {error}", .file.display())]
    CaFile {
        /// Whose host.
        system: System,
        /// As the settings name it.
        file: PathBuf,
        /// Why it cannot be read.
        error: std::io::Error,
    },
    /// Look at what is in the file.
    #[error("{system}: CA file {} has no certificate in PEM: {error}", .file.display())]
    NotPem {
        /// Whose host.
        system: System,
        /// As the settings name it.
        file: PathBuf,
        /// What is wrong with it.
        error: pem::Error,
    },
    /// The same: it is PEM, and not a certificate.
    #[error("{system}: CA file {} has a certificate that cannot be used: {error}", .file.display())]
    NotUsable {
        /// Whose host.
        system: System,
        /// As the settings name it.
        file: PathBuf,
        /// What is wrong with it.
        error: rustls::Error,
    },
    /// Look at the machine.
    #[error(
        "{system}: no certificate can be checked: {error}. A machine without CA certificates is the usual cause \
         (Debian: install ca-certificates)"
    )]
    NoAuthorities {
        /// Whose host.
        system: System,
        /// Why.
        error: rustls::Error,
    },
    /// The same, for another reason.
    #[error(
        "{system}: no HTTP client can be built: {error:?}. A machine without CA certificates is the usual cause \
         (Debian: install ca-certificates)"
    )]
    Unbuildable {
        /// Whose host.
        system: System,
        /// Why.
        error: reqwest::Error,
    },
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn a_ca_file_that_is_not_there_is_named_with_its_host() {
        let base = "https://ozmap.example/".parse().expect("a URL");
        let settings = HostSettings { ca_file: Some("/nowhere/ca.pem".into()), ..HostSettings::new(base) };
        let error = settings.http_client(System::Ozmap).expect_err("no such file");
        assert!(matches!(error, HttpClientError::CaFile { .. }), "{error:?}");
        assert!(error.to_string().starts_with("OZmap: CA file /nowhere/ca.pem: "), "{error}");
    }

    #[rstest]
    #[case::empty("")]
    #[case::a_key("-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n")]
    #[case::no_pem("ozmap.example")]
    fn a_ca_file_without_a_certificate_is_refused(#[case] text: &str) {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("it can be written");
        let base = "https://ozmap.example/".parse().expect("a URL");
        let ca_file = Some(file.path().to_owned());
        let settings = HostSettings { ca_file, ..HostSettings::new(base) };
        let error = settings.http_client(System::Ozmap).expect_err("there is none in it");
        assert!(error.to_string().contains("has no certificate in PEM"), "{error}");
    }

    #[rstest]
    #[case("http://localhost:3000/", true)]
    #[case("http://int6.localhost/", true)]
    #[case("http://127.8.9.1/", true)]
    #[case("http://[::1]:80/", true)]
    #[case("http://[::ffff:127.0.0.1]/", true)]
    #[case("http://localhost.isp.example/", false)]
    #[case("http://128.0.0.1/", false)]
    fn this_machine_is_known_by_its_names(#[case] base: Url, #[case] expected: bool) {
        assert_eq!(is_loopback(&base), expected);
    }
}
