//! Whether a tenant's settings are the same as before, told without keeping what they say.

use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::LazyLock;

use toml::Value;

use super::setting::{AnySetting, Scope};
use super::source::Source;
use super::table;

/// Of some settings; equal within one process if they say the same. It tells nothing of what they say.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(u64);

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint")
    }
}

/// Of one tenant's settings, by what has to be made anew when they change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprints {
    /// Who may call: keys, addresses, rate limit.
    pub door: Fingerprint,
    /// How its two systems are called, and what is seen of OZmap.
    pub upstreams: Fingerprint,
    /// What it does: everything but the door and the webhooks.
    pub work: Fingerprint,
    /// Who is told what happens.
    pub webhooks: Fingerprint,
}

/// Chance that nobody knows: a fingerprint of a secret is no use outside of this process.
static CHANCE: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// Of the current tenant.
pub(super) fn of_tenant(source: &mut Source) -> Fingerprints {
    Fingerprints {
        door: of(source, is_of_door),
        upstreams: of(source, is_of_upstreams),
        work: of(source, |toml| !is_of_door(toml)),
        webhooks: of_webhooks(source),
    }
}

fn is_of_door(toml: &str) -> bool {
    let door = ["api_key", "api_key_sha256", "allowed_ips", "requests_per_minute"];
    door.contains(&toml) || toml.starts_with("key.")
}

fn is_of_upstreams(toml: &str) -> bool {
    ["int6.", "ozmap.", "upstream.", "projects."].iter().any(|section| toml.starts_with(section))
}

/// Of those settings of the current tenant whose place in the file is one of these.
fn of(source: &mut Source, is_one: impl Fn(&str) -> bool) -> Fingerprint {
    let mut hasher = CHANCE.build_hasher();
    let of_scope = |scope| {
        let settings = table::ALL.iter().filter(move |setting| setting.name().scope == scope);
        settings.filter(|setting| is_one(setting.name().toml))
    };
    for setting in of_scope(Scope::Tenant) {
        add(source, *setting, &mut hasher);
    }
    for index in 0..source.keys() {
        source.turn_to_key(index);
        for setting in of_scope(Scope::Key) {
            add(source, *setting, &mut hasher);
        }
    }
    Fingerprint(hasher.finish())
}

/// A secret's file by what it holds.
fn of_webhooks(source: &Source) -> Fingerprint {
    let mut hasher = CHANCE.build_hasher();
    let (written, files) = source.webhooks_as_written();
    written.map(Value::to_string).hash(&mut hasher);
    for file in files {
        std::fs::read(file).ok().hash(&mut hasher);
    }
    Fingerprint(hasher.finish())
}

/// What a setting says, or what counts without it; a certificate's file by what it holds.
fn add(source: &Source, setting: &dyn AnySetting, hasher: &mut impl Hasher) {
    let name = setting.name();
    let text = source.text(name).ok().flatten().or(setting.default().map(str::to_owned));
    if name.toml.ends_with(".ca_file") {
        text.as_ref().and_then(|path| std::fs::read(path).ok()).hash(hasher);
    }
    (name.toml, text).hash(hasher);
}
