//! One tenant: its two systems, what they mean to each other, its last run.

use jiff::Timestamp;

use super::check::Check;
use super::{clock, codes, int6, keys, last_run, ozmap};
use crate::config;
use crate::int6::Api;
use crate::ozmap::Ozmap;
use crate::store::Store;

/// Looks at a tenant's two systems and at its last run; without a store that is left out.
pub async fn of_tenant(
    tenant: &config::Tenant,
    ozmap: &Ozmap,
    int6: &Api,
    store: Option<&Store>,
    now: Timestamp,
) -> Vec<Check> {
    let ozmap::OzmapSeen { checks: of_ozmap, look } = ozmap::look(tenant, ozmap).await;
    let mut checks: Vec<Check> = keys::of_roles(&tenant.all_keys()).into_iter().chain(of_ozmap).collect();
    let seen = int6::look(tenant, int6, now).await;
    checks.extend(seen.checks);
    let sample = seen.sample.filter(|sample| !sample.readings.is_empty());
    if let Some((sample, look)) = sample.zip(look) {
        let found = codes::look_up(&sample.readings, ozmap).await;
        let has_clients = !look.codes.is_empty() || look.by_identifier > 0;
        checks.push(codes::matched(found, &sample, &tenant.int6.fields, has_clients));
    }
    checks.extend(clock::clocks(int6.clock_skew(), ozmap.clock_skew()));
    if let Some(store) = store {
        checks.extend(last_run::look(tenant, store, now).await);
    }
    checks.into_iter().map(|check| check.of(&tenant.name)).collect()
}

/// A tenant whose hosts cannot be called at all, and why.
pub fn not_callable(tenant: &config::Tenant, why: &str) -> Check {
    Check::fail("calls", why, "look at the CA file that is named, and at this machine's certificates")
        .of(&tenant.name)
}
