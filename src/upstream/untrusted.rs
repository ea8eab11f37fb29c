//! What is wrong with a host's certificate, and the setting that helps.

use std::error::Error;
use std::io;

use gateway_core::System;
use jiff::Timestamp;
use rustls::pki_types::UnixTime;
use rustls::{CertificateError, OtherError};

use super::pinned::SentAlone;

/// The TLS error among the causes of a failed connection.
pub(super) fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<rustls::Error>() {
            return Some(found);
        }
        // An I/O error hides what it was made of from `source`.
        let within = error.downcast_ref::<io::Error>().and_then(|error| error.get_ref());
        if let Some(found) = within.and_then(|within| tls_error(within)) {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

/// What is wrong with a certificate: a clause that goes on from "its certificate".
pub(super) fn in_words(error: &CertificateError, system: System) -> String {
    let ca_file = ca_file(system);
    match error {
        CertificateError::UnknownIssuer => format!(
            "is not trusted (UnknownIssuer): give the missing intermediate certificate, or the CA, as {ca_file}"
        ),
        CertificateError::Expired => "has expired: the host's operator has to renew it".to_owned(),
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("expired on {}: the host's operator has to renew it", day(*not_after))
        }
        CertificateError::NotValidYet => "is not valid yet: is this machine's clock right?".to_owned(),
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("is not valid before {}: is this machine's clock right?", day(*not_before))
        }
        CertificateError::NotValidForName => "is for another host: is the URL right?".to_owned(),
        CertificateError::NotValidForNameContext { expected, presented } => format!(
            "is for {} and not for {}: is the host's name in the URL right?",
            if presented.is_empty() { "no name".to_owned() } else { presented.join(", ") },
            expected.to_str()
        ),
        CertificateError::BadSignature => format!(
            "is not signed by the CA that it names (BadSignature): is the certificate in {ca_file} the right one?"
        ),
        CertificateError::Other(OtherError(other)) if other.is::<SentAlone>() => {
            let issuer = other.downcast_ref::<SentAlone>().map_or("nobody", |alone| alone.issuer.as_str());
            format!(
                "is issued by {issuer:?}, whose certificate the host does not send and this machine does not have (UnknownIssuer): \
                 the chain lacks its intermediate certificate, or the CA is a private one. The host has to send the whole chain; \
                 until it does, give the missing intermediate certificate, or the CA, as {ca_file}"
            )
        }
        CertificateError::Revoked => "was revoked: the host's operator has to renew it".to_owned(),
        other if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            format!(
                "is a CA's own, or signed by itself: if it is the host's, give that very certificate as {ca_file}"
            )
        }
        other => format!("is not accepted ({other}): if it is the host's, give its CA as {ca_file}"),
    }
}

/// The setting with further CA certificates.
fn ca_file(system: System) -> &'static str {
    match system {
        System::Ozmap => "OZMAP_CA_FILE",
        System::Int6 => "INT6_CA_FILE",
    }
}

fn day(time: UnixTime) -> String {
    let time = i64::try_from(time.as_secs()).ok().and_then(|secs| Timestamp::from_second(secs).ok());
    time.map_or_else(|| "an unknown day".to_owned(), |time| time.strftime("%Y-%m-%d").to_string())
}
