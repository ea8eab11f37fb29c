//! Which certificates are accepted for a host: those of the machine's CAs and of the CA file, and the very certificates that
//! are in that file.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, SignatureScheme};
use rustls_platform_verifier::Verifier;
use x509_parser::prelude::{FromDer, X509Certificate};

/// TLS that trusts this machine's CAs. They are read once for the whole process: hundreds of hosts share them.
///
/// # Errors
/// [`Error`]: no CA certificates at all.
pub(super) fn tls() -> Result<ClientConfig, Error> {
    static TLS: OnceLock<ClientConfig> = OnceLock::new();
    match TLS.get() {
        Some(tls) => Ok(tls.clone()),
        None => tls_with(Vec::new()).map(|tls| TLS.get_or_init(|| tls).clone()),
    }
}

/// TLS that also trusts these certificates, as CAs and as hosts' own.
///
/// # Errors
/// [`Error`]: no CA certificates at all, or one of these is not one.
pub(super) fn tls_with(certificates: Vec<CertificateDer<'static>>) -> Result<ClientConfig, Error> {
    let provider = match CryptoProvider::get_default() {
        Some(provider) => Arc::clone(provider),
        None => Arc::new(rustls::crypto::ring::default_provider()),
    };
    let by_ca = Verifier::new_with_extra_roots(certificates.clone(), Arc::clone(&provider))?;
    let mut tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Pinned { by_ca, certificates }))
        .with_no_client_auth();
    tls.alpn_protocols = [&b"h2"[..], b"http/1.1"].map(<[u8]>::to_vec).into();
    Ok(tls)
}

/// Asks the CAs first. A certificate that signed itself, as `openssl req -x509` makes it, is a CA to them and no host's: it is
/// accepted where it is the very one in the file, in its time, and for its host.
#[derive(Debug)]
struct Pinned {
    by_ca: Verifier,
    certificates: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let by_ca = self.by_ca.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match by_ca {
            Err(_) if self.certificates.contains(end_entity) => is_in_order(end_entity, server_name, now),
            Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)) if intermediates.is_empty() => {
                Err(why_unknown(end_entity).into())
            }
            by_ca => by_ca,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.by_ca.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.by_ca.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.by_ca.supported_verify_schemes()
    }
}

/// The host sent its own certificate alone, and nobody here knows who has issued it.
#[derive(Debug)]
pub(super) struct SentAlone {
    /// As the certificate says.
    pub(super) issuer: String,
}

impl fmt::Display for SentAlone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "issued by {}, whose certificate was not sent", self.issuer)
    }
}

impl std::error::Error for SentAlone {}

/// Why nobody knows the issuer of a certificate that came alone.
fn why_unknown(certificate: &CertificateDer<'_>) -> CertificateError {
    match X509Certificate::from_der(certificate) {
        Ok((_, parsed)) if parsed.issuer() != parsed.subject() => {
            let issuer = parsed.issuer();
            let name = issuer.iter_common_name().find_map(|name| name.as_str().ok().map(str::to_owned));
            let issuer = name.unwrap_or_else(|| issuer.to_string());
            CertificateError::Other(OtherError(Arc::new(SentAlone { issuer })))
        }
        _ => CertificateError::UnknownIssuer,
    }
}

/// Whether a certificate that is trusted itself is in its time, and for this host.
fn is_in_order(
    certificate: &CertificateDer<'_>,
    server_name: &ServerName<'_>,
    now: UnixTime,
) -> Result<ServerCertVerified, Error> {
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
    let unix = |time: x509_parser::time::ASN1Time| {
        UnixTime::since_unix_epoch(std::time::Duration::from_secs(
            time.timestamp().try_into().unwrap_or_default(),
        ))
    };
    let (not_before, not_after) = (unix(parsed.validity().not_before), unix(parsed.validity().not_after));
    if now < not_before {
        return Err(CertificateError::NotValidYetContext { time: now, not_before }.into());
    }
    if now > not_after {
        return Err(CertificateError::ExpiredContext { time: now, not_after }.into());
    }
    let has_names = parsed.subject_alternative_name().ok().flatten().is_some();
    let names: Vec<&str> =
        parsed.subject().iter_common_name().filter_map(|name| name.as_str().ok()).collect();
    // As OpenSSL's clients do: the common name counts where there is no other.
    if has_names {
        verify_server_name(&ParsedCertificate::try_from(certificate)?, server_name)?;
    } else if !names.iter().any(|name| name.eq_ignore_ascii_case(&server_name.to_str())) {
        return Err(CertificateError::NotValidForNameContext {
            expected: server_name.to_owned(),
            presented: names.into_iter().map(str::to_owned).collect(),
        }
        .into());
    }
    Ok(ServerCertVerified::assertion())
}
