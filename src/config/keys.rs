//! A tenant's keys: the single one, and those with a name and a role.

use std::collections::HashMap;

use super::setting::Scope;
use super::source::Source;
use super::table;
use crate::key::TenantKey;

/// Name of the key that is given without one.
pub(super) const SINGLE: &str = "default";

/// Notes what is wrong with the current tenant's keys; with `is_needed` it has to have one.
pub(super) fn check(source: &mut Source, is_needed: bool, hashes: &mut Hashes) {
    check_single(source, is_needed);
    let mut names = Vec::new();
    if let Some(sha256) = single(source) {
        names.push(SINGLE.to_owned());
        hashes.add(source.tenant(), SINGLE, sha256);
    }
    for index in 0..source.keys() {
        source.turn_to_key(index);
        source.check(Scope::Key);
        let name = source.get(&table::KEY_NAME);
        if let (Some(name), Some(sha256)) = (&name, source.get(&table::KEY_SHA256)) {
            hashes.add(source.tenant(), name, sha256);
        }
        names.extend(name);
    }
    let has_two_singles = names.iter().filter(|name| *name == SINGLE).count() > 1;
    let of_single = if has_two_singles && single(source).is_some() {
        format!("; the one without a name is called `{SINGLE}`")
    } else {
        String::new()
    };
    let otherwise = format!("two keys of tenant {} have one name{of_single}", source.tenant());
    source.must_differ(&names, &otherwise);
}

/// The single key stands as itself or as its hash; `serve` needs a key.
fn check_single(source: &mut Source, is_needed: bool) {
    let key = &table::GATEWAY_API_KEY.name;
    let wrong = match (source.is_given(key), source.is_given(&table::GATEWAY_API_KEY_SHA256.name)) {
        (true, true) => "stands beside its SHA-256; give one of them",
        (false, false) if is_needed && source.keys() == 0 => {
            "is missing: `serve` needs the key that INT6 presents; `keygen` makes one"
        }
        _ => return,
    };
    source.mistake(key, wrong);
}

/// The hash of the current tenant's single key, whichever of the two is given.
pub(super) fn single(source: &mut Source) -> Option<[u8; 32]> {
    source.get(&table::GATEWAY_API_KEY)?.or(source.get(&table::GATEWAY_API_KEY_SHA256)?)
}

/// The current tenant's keys with a name; `None` after a mistake.
pub(super) fn named(source: &mut Source) -> Option<Vec<TenantKey>> {
    let count = source.keys();
    let key = |index| {
        source.turn_to_key(index);
        Some(TenantKey {
            name: source.get(&table::KEY_NAME)?,
            sha256: source.get(&table::KEY_SHA256)?,
            role: source.get(&table::KEY_ROLE)?,
        })
    };
    (0..count).map(key).collect()
}

/// Whose each hash is.
#[derive(Default)]
pub(super) struct Hashes(HashMap<[u8; 32], Vec<KeyOwner>>);

struct KeyOwner {
    tenant: String,
    key: String,
}

impl Hashes {
    fn add(&mut self, tenant: &str, key: &str, sha256: [u8; 32]) {
        let owner = KeyOwner { tenant: tenant.to_owned(), key: key.to_owned() };
        self.0.entry(sha256).or_default().push(owner);
    }

    /// Notes keys that are two at once: a call could not be told apart.
    pub(super) fn tell(self, source: &mut Source) {
        let shared = self.0.into_values().filter(|owners| owners.len() > 1);
        let mut mistakes: Vec<String> = shared.map(|owners| told(&owners)).collect();
        mistakes.sort_unstable();
        mistakes.into_iter().for_each(|mistake| source.mistake_of_all(mistake));
    }
}

fn told(owners: &[KeyOwner]) -> String {
    let whose: Vec<String> =
        owners.iter().map(|owner| format!("{} of tenant {}", owner.key, owner.tenant)).collect();
    format!("one API key has two names, so that a call could not be told apart: {}", whose.join(", "))
}
