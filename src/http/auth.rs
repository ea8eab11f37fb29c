//! Authentication: a tenant's key, from an admitted address, within its rate limit.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use gateway_core::ErrorCode;
use governor::clock::Clock;
use ipnet::IpNet;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use super::problem::Problem;
use super::state::{Shared, TenantState};
use crate::key::hash_of_key;

/// The address of the connection's other end.
pub(super) type Peer = ConnectInfo<SocketAddr>;

/// The tenant of the key that came; handlers see no other.
#[derive(Clone)]
pub(super) struct Caller {
    app: Shared,
    index: usize,
    address: IpAddr,
}

impl Caller {
    pub(super) fn tenant(&self) -> &TenantState {
        &self.app.tenants[self.index]
    }

    /// Where the call comes from, behind trusted proxies too.
    pub(super) fn address(&self) -> IpAddr {
        self.address
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Caller, Problem> {
        let caller = parts.extensions.get::<Caller>().cloned();
        caller.ok_or_else(|| Problem::new(ErrorCode::Unauthorised, "The request has no key."))
    }
}

/// Lets a request through if its key is a tenant's and its address is admitted there.
pub(super) async fn guard(State(app): State<Shared>, mut request: Request, next: Next) -> Response {
    let admitted = admitted(&app, &request).and_then(|(index, address)| {
        within_rate_limit(&app.tenants[index])?;
        Ok((index, address))
    });
    match admitted {
        Ok((index, address)) => {
            // The request's span: every line from here on says whose it is.
            tracing::Span::current().record("tenant", app.tenants[index].name.as_str());
            request.extensions_mut().insert(Caller { app: Arc::clone(&app), index, address });
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

fn admitted(app: &Shared, request: &Request) -> Result<(usize, IpAddr), Problem> {
    let headers = request.headers();
    let mut tenants = keys(headers).map(|key| tenant_of(&app.tenants, key));
    let index = match tenants.next() {
        None => return Err(Problem::new(ErrorCode::Unauthorised, "The request has no key.")),
        // Of two keys, one that is wrong is a mistake that somebody should hear of.
        Some(Some(index)) if tenants.all(|other| other == Some(index)) => index,
        Some(_) => return Err(Problem::new(ErrorCode::Unauthorised, "The key is not known here.")),
    };
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0);
    let address = peer.and_then(|peer| caller_address(peer, headers, &app.trusted_proxies));
    let admitted = &app.tenants[index].allowed_ips;
    match address {
        Some(address) if admitted.iter().any(|block| block.contains(&address)) => Ok((index, address)),
        Some(address) => Err(Problem::new(
            ErrorCode::AddressNotAdmitted,
            format!("Calls from {address} are not admitted."),
        )),
        None => Err(Problem::new(ErrorCode::AddressNotAdmitted, "The caller's address is not known.")),
    }
}

/// After the key: strangers cannot spend a tenant's rate limit.
fn within_rate_limit(tenant: &TenantState) -> Result<(), Problem> {
    let Some(limit) = &tenant.rate_limit else { return Ok(()) };
    limit.check().map_err(|spent| {
        let pause = spent.wait_time_from(limit.clock().now());
        let detail = "The key has made more requests than its share.";
        // A part of a second would be reported as none.
        Problem::new(ErrorCode::TooManyRequests, detail).retry_after(Some(pause + Duration::from_millis(999)))
    })
}

/// Keys in the three forms. Source: `docs/ARCHITECTURE.md`, "Keys and addresses".
fn keys(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let authorization = headers
        .get(header::AUTHORIZATION)
        .map(|value| value.to_str().unwrap_or_default())
        .map(|value| match value.split_at_checked(7) {
            Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer ") => key.trim(),
            _ => value.trim(),
        });
    let x_api_key = headers.get("x-api-key").map(|value| value.to_str().unwrap_or_default().trim());
    [authorization, x_api_key].into_iter().flatten()
}

/// Compares with every tenant's hash, so that the time tells nothing.
fn tenant_of(tenants: &[TenantState], key: &str) -> Option<usize> {
    let hash = hash_of_key(key);
    let mut found = u64::MAX;
    for (index, tenant) in (0u64..).zip(tenants) {
        let same: Choice = tenant.key_sha256.ct_eq(&hash);
        found.conditional_assign(&index, same);
    }
    usize::try_from(found).ok().filter(|index| *index < tenants.len())
}

/// The peer, or behind trusted proxies the last address that none of them vouches for as another proxy of ours; read from the
/// right. `None` if a proxy of ours forwarded something that is no address: the caller is unknown then.
///
/// Source: `docs/contracts/gateway-api.md`, "Forwarded addresses".
pub(super) fn caller_address(peer: SocketAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    let is_trusted = |address: IpAddr| trusted.iter().any(|block| block.contains(&address));
    let mut address = peer.ip().to_canonical();
    for header in headers.get_all("x-forwarded-for").iter().rev() {
        if !is_trusted(address) {
            break;
        }
        for hop in header.to_str().ok()?.split(',').rev() {
            if !is_trusted(address) {
                break;
            }
            address = forwarded_address(hop.trim())?;
        }
    }
    Some(address)
}

/// An address, also with a port, and in brackets if it is of version 6.
fn forwarded_address(hop: &str) -> Option<IpAddr> {
    let bare = || hop.parse::<IpAddr>().ok();
    let with_port = || hop.parse::<SocketAddr>().ok().map(|address| address.ip());
    let in_brackets = || hop.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::from);
    bare().or_else(with_port).or_else(in_brackets).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("10.0.0.1", &[], "10.0.0.1")]
    #[case("10.0.0.1", &["192.0.2.7"], "192.0.2.7")]
    #[case("10.0.0.1", &["203.0.113.9, 192.0.2.7"], "192.0.2.7")]
    #[case("10.0.0.1", &["203.0.113.9", "192.0.2.7, 10.0.0.2"], "192.0.2.7")]
    #[case("10.0.0.1", &["203.0.113.9:443"], "203.0.113.9")]
    #[case("10.0.0.1", &["[2001:db9::7]:443"], "2001:db9::7")]
    #[case("10.0.0.1", &["[2001:db9::7]"], "2001:db9::7")]
    #[case("10.0.0.1", &["203.0.113.9", "10.0.0.3:80 , 10.0.0.2"], "203.0.113.9")]
    #[case("10.0.0.1", &["nonsense"], "unknown")]
    #[case("10.0.0.1", &[""], "unknown")]
    #[case("10.0.0.1", &["192.0.2.7,"], "unknown")]
    #[case("10.0.0.1", &["192.0.2.7, unknown"], "unknown")]
    #[case("10.0.0.1", &["nonsense, 192.0.2.7"], "192.0.2.7")]
    #[case("10.0.0.1", &["192.0.2.7", "\u{e9}"], "unknown")]
    #[case("198.51.100.1", &["192.0.2.7"], "198.51.100.1")]
    #[case("::ffff:10.0.0.1", &["192.0.2.7"], "192.0.2.7")]
    fn a_forwarded_address_counts_only_behind_a_trusted_proxy(
        #[case] peer: &str,
        #[case] forwarded: &[&str],
        #[case] expected: &str,
    ) {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            let value = HeaderValue::from_bytes(value.as_bytes()).expect("a header");
            headers.append("x-forwarded-for", value);
        }
        let peer = SocketAddr::new(peer.parse().expect("an address"), 5);
        let trusted = ["10.0.0.0/8".parse().expect("a block")];
        let address = caller_address(peer, &headers, &trusted);
        assert_eq!(address.map_or("unknown".to_owned(), |address| address.to_string()), expected);
    }
}
