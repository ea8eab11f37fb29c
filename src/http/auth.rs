//! Authentication: a tenant's key, from an admitted address, within its rate limit, in its role.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use gateway_core::ErrorCode;
use governor::clock::Clock;
use ipnet::IpNet;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use super::problem::Problem;
use super::roles::permitted;
use super::state::{Served, Shared, TenantState};
use super::trace::RequestId;
use crate::key::{Role, TenantKey, hash_of_key};
use crate::provisioning::Requester;

/// The address of the connection's other end.
pub(super) type Peer = ConnectInfo<SocketAddr>;

/// The tenant of the key that came; handlers see no other.
#[derive(Clone)]
pub(super) struct Caller {
    tenant: Arc<TenantState>,
    key: TenantKey,
    address: IpAddr,
}

impl Caller {
    pub(super) fn tenant(&self) -> &TenantState {
        &self.tenant
    }

    /// Who asks, for the record: the key's name, the address, the request's id.
    pub(super) fn requester(&self, request: &RequestId) -> Requester {
        Requester { key: self.key.name.clone(), address: self.address, request: request.0.clone() }
    }

    /// The key whose operations and activations alone the caller may see; `None` is all.
    pub(super) fn confined_to(&self) -> Option<&str> {
        (self.key.role == Role::Int6).then_some(self.key.name.as_str())
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Caller, Problem> {
        let caller = parts.extensions.get::<Caller>().cloned();
        caller.ok_or_else(|| Problem::new(ErrorCode::Unauthorised, "The request has no key."))
    }
}

/// Lets a request through if its key is a tenant's, its address is admitted there, and the key's role goes so far.
pub(super) async fn guard(State(app): State<Shared>, mut request: Request, next: Next) -> Response {
    // No guard is held across the handler: who was let in ends with the tenant as it is now.
    let admitted = admitted(&app.served.load(), &request);
    match admitted {
        Ok(caller) => {
            // The request's span: every line from here on says whose it is.
            tracing::Span::current().record("tenant", caller.tenant.name.as_str());
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

fn admitted(served: &Served, request: &Request) -> Result<Caller, Problem> {
    let headers = request.headers();
    let (tenant, key) = tenant_of(&served.tenants, headers)?;
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0);
    let address = peer.and_then(|peer| caller_address(peer, headers, &served.trusted_proxies));
    let address = match address {
        Some(address) if tenant.allowed_ips.iter().any(|block| block.contains(&address)) => address,
        Some(address) => {
            let detail = format!("Calls from {address} are not admitted.");
            return Err(Problem::new(ErrorCode::AddressNotAdmitted, detail));
        }
        None => {
            let detail = "The caller's address is not known.";
            return Err(Problem::new(ErrorCode::AddressNotAdmitted, detail));
        }
    };
    within_rate_limit(tenant)?;
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    permitted(key.role, request.method(), route)?;
    Ok(Caller { tenant: Arc::clone(tenant), key: key.clone(), address })
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

/// The tenant and the key that were meant. Source: `docs/contracts/gateway-api.md`, "Keys".
fn tenant_of<'a>(
    tenants: &'a [Arc<TenantState>],
    headers: &HeaderMap,
) -> Result<(&'a Arc<TenantState>, &'a TenantKey), Problem> {
    let find = |presented: Presented<'_>| owner_of(tenants, presented.key);
    let authorization = presented_in_authorization(headers);
    let is_foreign = authorization.is_some_and(|presented| presented.is_foreign);
    let x_api_key = headers.get("x-api-key").map(|value| value.to_str().unwrap_or_default().trim());
    let x_api_key = x_api_key.map(|key| Presented { key, is_foreign: false });
    match (authorization.map(find), x_api_key.map(find)) {
        (None, None) => Err(Problem::new(ErrorCode::Unauthorised, "The request has no key.")),
        (Some(Some(owner)), None) | (None, Some(Some(owner))) => Ok(owner),
        // What another system's proxy or browser sends along is no key of ours.
        (Some(None), Some(Some(owner))) if is_foreign => Ok(owner),
        (Some(Some(one)), Some(Some(owner))) if Arc::ptr_eq(one.0, owner.0) => Ok(owner),
        // Of two keys, one that is wrong is a mistake that somebody should hear of.
        _ => Err(Problem::new(ErrorCode::Unauthorised, "The key is not known here.")),
    }
}

/// A text that may be a key.
#[derive(Clone, Copy)]
struct Presented<'a> {
    key: &'a str,
    /// It stands behind the name of another scheme than `Bearer`, such as `Basic`.
    is_foreign: bool,
}

fn presented_in_authorization(headers: &HeaderMap) -> Option<Presented<'_>> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().unwrap_or_default().trim();
    let is_scheme = |word: &str| word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    Some(match value.split_once(' ') {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => {
            Presented { key: key.trim(), is_foreign: false }
        }
        Some((scheme, _)) => Presented { key: value, is_foreign: is_scheme(scheme) },
        None => Presented { key: value, is_foreign: false },
    })
}

/// Compares with every key's hash, so that the time tells nothing.
fn owner_of<'a>(tenants: &'a [Arc<TenantState>], key: &str) -> Option<(&'a Arc<TenantState>, &'a TenantKey)> {
    let hash = hash_of_key(key);
    let mut found = u64::MAX;
    let keys = || tenants.iter().flat_map(|tenant| tenant.keys.iter().map(move |key| (tenant, key)));
    for (index, (_, key)) in (0u64..).zip(keys()) {
        let same: Choice = key.sha256.ct_eq(&hash);
        found.conditional_assign(&index, same);
    }
    keys().nth(usize::try_from(found).ok()?)
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
