//! Who may call with which key: told where several keys share the work.

use super::check::Check;
use crate::key::{Role, TenantKey};

/// Whether some key goes as far as INT6 needs. A single key may do everything, and nothing is to be said of it.
pub(super) fn of_roles(keys: &[TenantKey]) -> Option<Check> {
    if let [TenantKey { role: Role::Operator, .. }] | [] = keys {
        return None;
    }
    let told: Vec<String> = keys.iter().map(|key| format!("{} ({})", key.name, key.role.name())).collect();
    let told = format!("keys: {}", told.join(", "));
    if keys.iter().all(|key| key.role == Role::Viewer) {
        let remedy = "add a [[tenant.key]] of the role `int6`, and give it to INT6";
        return Some(Check::warn("keys", format!("{told}; none of them may activate a client"), remedy));
    }
    if keys.iter().all(|key| key.role == Role::Int6) {
        let remedy =
            "add a [[tenant.key]] of the role `operator`, or of `viewer`, for those who run the gateway";
        return Some(Check::warn(
            "keys",
            format!("{told}; none of them may look at the sync's runs"),
            remedy,
        ));
    }
    Some(Check::ok("keys", told))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::CheckStatus;

    #[test]
    fn a_role_that_nobody_has_is_missed() {
        let judged = |roles: &[Role]| {
            let key = |role: &Role| TenantKey { name: role.name().to_owned(), sha256: [0; 32], role: *role };
            let keys: Vec<TenantKey> = roles.iter().map(key).collect();
            of_roles(&keys).map(|check| (check.status, check.detail))
        };
        assert_eq!(judged(&[]), None);
        assert_eq!(judged(&[Role::Operator]), None, "a single key");
        let told = |status, detail: &str| Some((status, detail.to_owned()));
        assert_eq!(
            judged(&[Role::Int6, Role::Viewer]),
            told(CheckStatus::Ok, "keys: int6 (int6), viewer (viewer)")
        );
        let blind = "keys: int6 (int6); none of them may look at the sync's runs";
        assert_eq!(judged(&[Role::Int6]), told(CheckStatus::Warn, blind));
        let idle = "keys: viewer (viewer); none of them may activate a client";
        assert_eq!(judged(&[Role::Viewer]), told(CheckStatus::Warn, idle));
    }
}
