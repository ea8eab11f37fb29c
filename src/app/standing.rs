//! Whose an address is, for the door.

use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use ipnet::IpNet;

use crate::http::{Served, Standing, StandingOf};

/// By the settings that hold when it is asked.
pub(super) fn standing_in(served: Arc<ArcSwap<Served>>) -> StandingOf {
    Arc::new(move |address| {
        let served = served.load();
        let admitted = served.tenants.iter().flat_map(|tenant| &tenant.allowed_ips);
        standing(address, &served.trusted_proxies, admitted)
    })
}

fn standing<'a>(
    address: IpAddr,
    proxies: &[IpNet],
    mut admitted: impl Iterator<Item = &'a IpNet>,
) -> Standing {
    match address {
        address if address.is_loopback() => Standing::Local,
        address if proxies.iter().any(|block| block.contains(&address)) => Standing::Proxy,
        address if admitted.any(|block| block.contains(&address)) => Standing::Admitted,
        _ => Standing::Stranger,
    }
}

/// At the metrics' own listener, where nobody's address is known: whoever reaches it is a scraper.
pub(super) fn standing_at_metrics() -> StandingOf {
    Arc::new(|address| match address.is_loopback() {
        true => Standing::Local,
        false => Standing::Admitted,
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("127.0.0.9", Standing::Local)]
    #[case("::1", Standing::Local)]
    #[case("10.0.0.5", Standing::Proxy)]
    #[case("192.0.2.7", Standing::Admitted)]
    #[case("2001:db8::7", Standing::Admitted)]
    #[case("192.0.2.8", Standing::Stranger)]
    fn an_address_is_this_machines_or_a_proxys_before_it_is_a_tenants(
        #[case] address: &str,
        #[case] expected: Standing,
    ) {
        let block = |text: &str| text.parse::<IpNet>().expect("a block");
        let proxies = [block("10.0.0.0/24")];
        let admitted =
            [block("10.0.0.0/8"), block("192.0.2.7/32"), block("2001:db8::/64"), block("127.0.0.0/8")];
        let address = address.parse().expect("an address");
        assert_eq!(standing(address, &proxies, admitted.iter()), expected);
    }
}
