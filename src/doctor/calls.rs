//! Calls that failed: what to do about them, by the settings that may be at fault.

use gateway_core::System;

use super::check::Check;
use crate::upstream::{CallError, HostSettings, Kind};

/// What to do about a call that failed.
pub(super) fn remedy(error: &CallError) -> String {
    let CallError { system, kind, .. } = error;
    let remedy = match (kind, system) {
        (Kind::Unauthorized { .. }, System::Int6) => {
            "look at INT6_EMAIL, INT6_TOKEN, INT6_AUTH and INT6_TOKEN_SCHEME, and at INT6_URL if a sign-in page came; \
             ask the ISP for a new token; is this machine's address on its list?"
        }
        (Kind::Unauthorized { .. }, System::Ozmap) => {
            "look at OZMAP_API_KEY: ask the ISP for a new key; is this machine's address on its list?"
        }
        (
            Kind::RateLimited { .. }
            | Kind::CircuitOpen
            | Kind::QuotaExhausted
            | Kind::Busy
            | Kind::LeaseLost
            | Kind::Stopped { .. },
            System::Int6 | System::Ozmap,
        ) => "wait, then try again",
        (Kind::Failing { .. }, System::Int6 | System::Ozmap) => {
            "the host is there, but fails: ask its operator"
        }
        (Kind::Rejected { .. } | Kind::Malformed { .. } | Kind::Page { .. }, System::Int6) => {
            "is INT6_URL the right one, and INT6_STATUS_PATH the path of the bulk read?"
        }
        (Kind::Rejected { .. } | Kind::Malformed { .. } | Kind::Page { .. }, System::Ozmap) => {
            "is OZMAP_URL the right one? It is OZmap's API, not the page that people use"
        }
        (Kind::Untrusted { .. }, System::Int6 | System::Ozmap) => {
            "the certificate is at fault, not the network: do what is said there, then try again"
        }
        (Kind::Unreachable { .. }, System::Int6) => {
            "is INT6_URL right, and does the firewall on the way admit this machine?"
        }
        (Kind::Unreachable { .. }, System::Ozmap) => {
            "is OZMAP_URL right, and does the firewall on the way admit this machine?"
        }
    };
    remedy.to_owned()
}

/// A call whose failure decides.
pub(super) fn failed(what: &'static str, about: &str, error: &CallError) -> Check {
    Check::fail(what, format!("{about}: {error}"), remedy(error))
}

/// How safe the way to a host is: whether somebody between could read the key. Nothing where the host is this machine.
pub(super) fn transport(what: &'static str, system: System, host: &HostSettings) -> Option<Check> {
    let (url, accept, ca_file) = match system {
        System::Int6 => ("INT6_URL", "INT6_ACCEPT_INVALID_CERTIFICATE", "INT6_CA_FILE"),
        System::Ozmap => ("OZMAP_URL", "OZMAP_ACCEPT_INVALID_CERTIFICATE", "OZMAP_CA_FILE"),
    };
    let is_here = match host.base.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if host.base.scheme() == "https" && host.accept_invalid_certificate {
        let detail = format!(
            "{system}'s certificate is not looked at: whoever stands between can read the credentials"
        );
        return Some(Check::warn(what, detail, format!("set {ca_file} and take {accept} away")));
    }
    if is_here {
        return None;
    }
    if host.base.scheme() == "https" {
        return Some(Check::ok(what, format!("{system} is called over TLS, its certificate is trusted")));
    }
    let detail = format!("{system} is called without TLS: whoever stands between can read the credentials");
    Some(Check::warn(what, detail, format!("use https in {url}, if the host has it")))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::check::CheckStatus;
    use super::*;

    fn host(url: &str, accept_invalid_certificate: bool) -> HostSettings {
        HostSettings { accept_invalid_certificate, ..HostSettings::new(url.parse().expect("a URL")) }
    }

    #[rstest]
    #[case("https://int6.example", false, Some(CheckStatus::Ok))]
    #[case("https://int6.example", true, Some(CheckStatus::Warn))]
    #[case("http://int6.example", false, Some(CheckStatus::Warn))]
    #[case("http://127.0.0.1:8080", false, None)]
    #[case("http://[::1]:8080", false, None)]
    fn a_way_on_which_the_key_can_be_read_is_told(
        #[case] url: &str,
        #[case] accept: bool,
        #[case] expected: Option<CheckStatus>,
    ) {
        let check = transport("int6.tls", System::Int6, &host(url, accept));
        assert_eq!(check.map(|check| check.status), expected);
    }

    #[test]
    fn a_refusal_names_the_setting_of_its_system() {
        let kind = Kind::Unauthorized { status: http::StatusCode::FORBIDDEN, excerpt: String::new() };
        let told =
            |system| remedy(&CallError { system, operation: "ask", is_write: false, kind: kind.clone() });
        assert!(told(System::Ozmap).contains("OZMAP_API_KEY") && told(System::Int6).contains("INT6_TOKEN"));
    }
}
