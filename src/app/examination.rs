//! What `doctor` looks at, put together.

use jiff::Timestamp;

use super::tenant::{Upstreams, upstreams};
use crate::config::Config;
use crate::doctor::{self, Check, Diagnosis};

/// Looks at the machine, the database, and each tenant's systems and last run. Nothing is written to OZmap or INT6.
pub async fn examine(config: &Config) -> Diagnosis {
    let told = format!("settings: {} tenant(s)", config.tenants.len());
    let mut checks = vec![Check::ok("settings", told)];
    checks.extend(doctor::of_machine(config));
    let (of_database, store) = doctor::of_database(config).await;
    checks.extend(of_database);
    for tenant in &config.tenants {
        match upstreams(tenant) {
            Err(why) => checks.push(doctor::not_callable(tenant, &why.to_string())),
            Ok(Upstreams { ozmap, int6 }) => {
                let now = Timestamp::now();
                checks.extend(doctor::of_tenant(tenant, &ozmap, &int6, store.as_ref(), now).await);
            }
        }
    }
    Diagnosis::from(checks)
}
