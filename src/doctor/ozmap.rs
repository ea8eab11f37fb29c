//! OZmap: reached, read, and what the key may do.

use gateway_core::System;
use gateway_core::sync::Grouping;

use super::check::Check;
use super::{calls, words};
use crate::config;
use crate::ozmap::{ListRoute, Look, Ozmap};
use crate::upstream::CallError;

/// Properties that are looked at.
const SAMPLE: usize = 5;

/// What OZmap showed, and what is to be said of it.
pub(super) struct OzmapSeen {
    pub(super) checks: Vec<Check>,
    /// `None` if it could not be reached.
    pub(super) look: Option<Look>,
}

/// Reads a few properties, and tries what the key may read.
pub(super) async fn look(tenant: &config::Tenant, ozmap: &Ozmap) -> OzmapSeen {
    let about = format!("OZmap at {}", tenant.ozmap_host.base);
    if let Err(error) = ozmap.check().await {
        return OzmapSeen { checks: vec![calls::failed("ozmap.reach", &about, &error)], look: None };
    }
    let mut checks = vec![Check::ok("ozmap.reach", format!("{about}: the key is accepted"))];
    checks.extend(calls::transport("ozmap.tls", System::Ozmap, &tenant.ozmap_host));
    let look = match ozmap.look(SAMPLE).await {
        Ok(look) => look,
        Err(error) => {
            checks.push(calls::failed("ozmap.clients", "OZmap's properties cannot be read", &error));
            checks.extend(rights(ozmap, None).await);
            return OzmapSeen { checks, look: None };
        }
    };
    checks.extend(clients(&look));
    checks.extend(filter(tenant, ozmap, &look).await);
    checks.extend(rights(ozmap, Some(&look)).await);
    OzmapSeen { checks, look: Some(look) }
}

/// Judges the first properties.
pub(super) fn clients(look: &Look) -> Vec<Check> {
    const WHAT: &str = "ozmap.clients";
    let Look { rows, total, properties, codes, by_identifier, with_read_power, unreadable, unclear } = look;
    if *rows == 0 {
        let remedy =
            "enter the clients in OZmap, with their properties; does this key see the ISP's project?";
        return vec![Check::warn(WHAT, "OZmap shows no property: there is nothing to sync to", remedy)];
    }
    let mut checks = Vec::new();
    let why = words::reasons(unreadable.iter().map(String::as_str));
    let remedy = "is OZMAP_URL an OZmap whose version this gateway knows? Tell us what is said there";
    if properties.is_empty() {
        return vec![Check::fail(
            WHAT,
            format!("none of {rows} properties of OZmap can be read: {why}"),
            remedy,
        )];
    }
    if !unreadable.is_empty() {
        let detail = format!(
            "{} of {rows} properties of OZmap cannot be read, and are left out: {why}",
            unreadable.len()
        );
        checks.push(Check::warn(WHAT, detail, remedy));
    }
    if !unclear.is_empty() {
        let why = words::reasons(unclear.iter().map(String::as_str));
        checks.push(Check::warn(WHAT, format!("fields of OZmap are not understood: {why}"), remedy));
    }
    if codes.is_empty() && *by_identifier == 0 {
        let detail = format!("none of {rows} properties of OZmap has a client");
        checks.push(Check::warn(WHAT, detail, "enter the clients in OZmap; may this key read them?"));
    }
    if checks.is_empty() {
        let total = total.map_or_else(String::new, |total| format!(" of {total}"));
        let joined = match by_identifier {
            0 => "",
            _ => "; it names clients by identifier only, so that they are listed on their own",
        };
        let detail = format!(
            "the first {rows}{total} properties of OZmap are understood: {} with a client, {with_read_power} with a read \
             power{joined}",
            codes.len() + by_identifier
        );
        checks.push(Check::ok(WHAT, detail));
    }
    checks
}

/// Batch-update cannot be tried without writing; that it would be believed can be seen on a read.
async fn filter(tenant: &config::Tenant, ozmap: &Ozmap, look: &Look) -> Option<Check> {
    const WHAT: &str = "ozmap.filter";
    // Of all that there is a host that ignores filters gives the same.
    let some = look.properties.len().div_ceil(2).min(look.rows.saturating_sub(1));
    if some == 0 {
        return None;
    }
    let batching = match tenant.grouping {
        Grouping::ByValue { .. } => {
            "batch-update itself was not tried, because that would write: a run proves it first"
        }
        Grouping::ByRecord => "SYNC_BATCHING is off: records are written one by one all the same",
    };
    let check = match ozmap.honours_id_filter(&look.properties[..some]).await {
        Ok(true) => Check::ok(WHAT, format!("OZmap honours filters by identifier on a read; {batching}")),
        Ok(false) => {
            let detail = "OZmap, or something in front of it, does not honour filters by identifier: records will be written one \
                          by one, and read one by one";
            let remedy = "if it is a firewall, let it pass requests with `filter=`; else set SYNC_BATCHING=false, and expect longer \
                          runs";
            Check::warn(WHAT, detail, remedy)
        }
        Err(error) => {
            let detail = format!("whether OZmap honours filters could not be seen: {error}");
            Check::warn(WHAT, detail, calls::remedy(&error))
        }
    };
    Some(check)
}

/// What a list is needed for, and whether nothing goes without it.
const LISTS: [(ListRoute, Need, &str); 5] = [
    (ListRoute::Properties, Need::Must, "the sync reads and writes them"),
    (ListRoute::Clients, Need::Must, "the sync reads and writes them"),
    (ListRoute::Splitters, Need::Must, "activations need their ports"),
    (ListRoute::Boxes, Need::Should, "splitters nearby are found by them"),
    (ListRoute::Buildings, Need::Should, "splitters nearby are found by them"),
];

/// Whether something goes without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Must,
    Should,
}

/// Tries each list, and the calculated power of one client.
async fn rights(ozmap: &Ozmap, look: Option<&Look>) -> Vec<Check> {
    let (mut checks, mut read) = (Vec::new(), Vec::new());
    for (route, need, why) in LISTS {
        match ozmap.may_read(route).await {
            Ok(()) => read.push(format!("/{}", route.path())),
            Err(error) => checks.push(refused(&format!("/{}", route.path()), need, why, &error)),
        }
    }
    if let Some(code) = look.and_then(|look| look.codes.first()) {
        let (what, why) = ("a client's calculated power", "technicians ask for it");
        match ozmap.may_calculate(code).await {
            Ok(()) => read.push(what.to_owned()),
            Err(error) => checks.push(refused(what, Need::Should, why, &error)),
        }
    }
    if checks.is_empty() {
        let detail = format!("the key may read {}; whether it may write was not tried", read.join(", "));
        checks.push(Check::ok("ozmap.rights", detail));
    }
    checks
}

fn refused(what: &str, need: Need, why: &str, error: &CallError) -> Check {
    let detail = format!("{what} cannot be read ({why}): {error}");
    let remedy = match error.kind.is_rejection() {
        true => format!("let the ISP give the user of OZMAP_API_KEY the right to read {what}"),
        false => calls::remedy(error),
    };
    match need {
        Need::Must => Check::fail("ozmap.rights", detail, remedy),
        Need::Should => Check::warn("ozmap.rights", detail, remedy),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::check::CheckStatus;
    use super::*;

    fn sound() -> Look {
        let id = gateway_core::RecordId::new("a").expect("an identifier");
        let code = gateway_core::ClientCode::new("147").expect("a code");
        Look { rows: 1, properties: vec![id], codes: vec![code], ..Look::default() }
    }

    #[rstest]
    #[case::sound(sound(), CheckStatus::Ok, "1 with a client, 0 with a read power")]
    #[case::empty(Look::default(), CheckStatus::Warn, "shows no property")]
    #[case::strange(Look { rows: 2, unreadable: vec!["`id` is missing".into(); 2], ..Look::default() }, CheckStatus::Fail, "`id` is missing (2)")]
    #[case::half(Look { rows: 2, unreadable: vec!["why".into()], ..sound() }, CheckStatus::Warn, "1 of 2 properties")]
    #[case::unclear(Look { unclear: vec!["`x` is odd".into()], ..sound() }, CheckStatus::Warn, "`x` is odd (1)")]
    #[case::homeless(Look { codes: Vec::new(), ..sound() }, CheckStatus::Warn, "has a client")]
    #[case::by_id(Look { codes: Vec::new(), by_identifier: 1, ..sound() }, CheckStatus::Ok, "by identifier only")]
    fn the_first_properties_say_whether_ozmap_is_understood(
        #[case] look: Look,
        #[case] expected: CheckStatus,
        #[case] told: &str,
    ) {
        let checks = clients(&look);
        assert_eq!((checks.len(), checks[0].status), (1, expected), "{checks:?}");
        assert!(checks[0].detail.contains(told), "{checks:?}");
    }
}
