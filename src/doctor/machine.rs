//! This machine: how many descriptors there may be, whether there are CA certificates.

use rustix::process::{Resource, getrlimit};

use super::check::Check;
use crate::config::Config;

/// Connections, files and sockets of a gateway under load.
const LEAST_DESCRIPTORS: u64 = 4_096;

/// Looks at the machine.
pub fn of_machine(config: &Config) -> Vec<Check> {
    let certificates = rustls_native_certs::load_native_certs();
    let hosts = || config.tenants.iter().flat_map(|tenant| [&tenant.int6_host, &tenant.ozmap_host]);
    let needs = hosts().any(|host| host.base.scheme() == "https" && !host.accept_invalid_certificate);
    let why = certificates.errors.first().map(ToString::to_string);
    vec![
        descriptors(getrlimit(Resource::Nofile).current),
        authorities(certificates.certs.len(), needs, why.as_deref()),
    ]
}

/// `None` is no limit.
fn descriptors(limit: Option<u64>) -> Check {
    const WHAT: &str = "machine.descriptors";
    match limit {
        Some(limit) if limit < LEAST_DESCRIPTORS => {
            let detail = format!(
                "a process started here may open {limit} files and connections; {LEAST_DESCRIPTORS} are wanted, and callers that \
                 say nothing may use up so few"
            );
            let remedy = "`ulimit -n 65536` before `serve`, LimitNOFILE=65536 in its systemd unit, or `ulimits` of its container";
            Check::warn(WHAT, detail, remedy)
        }
        Some(limit) => {
            Check::ok(WHAT, format!("a process started here may open {limit} files and connections"))
        }
        None => Check::ok(WHAT, "a process started here may open any number of files and connections"),
    }
}

fn authorities(certificates: usize, needs: bool, why: Option<&str>) -> Check {
    const WHAT: &str = "machine.certificates";
    let why = why.map_or_else(String::new, |why| format!(" ({why})"));
    let remedy = "install the CA certificates (Debian: apt install ca-certificates)";
    match (certificates, needs) {
        (0, true) => Check::fail(
            WHAT,
            format!("this machine has no CA certificates: no TLS host is trusted{why}"),
            remedy,
        ),
        (0, false) => Check::warn(WHAT, format!("this machine has no CA certificates{why}"), remedy),
        (some, _) => Check::ok(WHAT, format!("this machine has {some} CA certificates")),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::check::CheckStatus;
    use super::*;

    #[rstest]
    #[case(Some(1_024), CheckStatus::Warn)]
    #[case(Some(4_096), CheckStatus::Ok)]
    #[case(None, CheckStatus::Ok)]
    fn few_descriptors_are_told(#[case] limit: Option<u64>, #[case] expected: CheckStatus) {
        assert_eq!(descriptors(limit).status, expected);
    }

    #[rstest]
    #[case(0, true, CheckStatus::Fail)]
    #[case(0, false, CheckStatus::Warn)]
    #[case(140, true, CheckStatus::Ok)]
    fn a_machine_without_authorities_is_told(
        #[case] certificates: usize,
        #[case] needs: bool,
        #[case] expected: CheckStatus,
    ) {
        assert_eq!(authorities(certificates, needs, Some("why")).status, expected);
    }
}
