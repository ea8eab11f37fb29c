//! INT6: reached, read, and judged by one page of its rows.

use gateway_core::System;
use jiff::Timestamp;

use super::check::Check;
use super::{ages, calls, codes, fields, pages, powers, rows};
use crate::config;
use crate::int6::{Api, Sample};

/// Rows that are judged.
const SAMPLE: usize = 50;

/// What INT6 showed, and what is to be said of it.
pub(super) struct Int6Seen {
    pub(super) checks: Vec<Check>,
    /// `None` if it could not be read.
    pub(super) sample: Option<Sample>,
}

/// Reads one page and looks at the next.
pub(super) async fn look(tenant: &config::Tenant, int6: &Api, now: Timestamp) -> Int6Seen {
    let about = format!("INT6 at {}", tenant.int6_host.base);
    let sample = match int6.sample(SAMPLE).await {
        Ok(sample) => sample,
        Err(error) => {
            return Int6Seen { checks: vec![calls::failed("int6.reach", &about, &error)], sample: None };
        }
    };
    let mut checks = vec![Check::ok("int6.reach", format!("{about}: the credentials are accepted"))];
    checks.extend(calls::transport("int6.tls", System::Int6, &tenant.int6_host));
    checks.extend(judged(tenant, &sample, now));
    // Of rows that cannot be told apart nothing can be said.
    if sample.readings.len() * 2 > sample.rows {
        let second = int6.second_page(&sample).await;
        checks.push(pages::pages(&sample, &second, tenant.int6.page_size));
    }
    Int6Seen { checks, sample: Some(sample) }
}

/// Pure.
fn judged(tenant: &config::Tenant, sample: &Sample, now: Timestamp) -> Vec<Check> {
    let names = &tenant.int6.fields;
    let mut checks = vec![rows::rows(sample, names)];
    checks.extend(fields::fields(sample, names));
    checks.extend(powers::powers(&sample.readings, &names.power, &tenant.rules, &tenant.limits));
    checks.extend(ages::ages(sample, names, tenant.rules.stale_after, now));
    checks.extend(codes::codes(&sample.readings));
    checks
}
