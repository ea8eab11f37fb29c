//! Where a setting's text comes from, and the mistakes met on the way.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Display;
use std::hash::Hash;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::setting::{Fault, Name, Scope, Setting};
use super::{table, webhooks};
use crate::notices::Webhook;

/// Prefixes of our environment variables; others are not ours to judge.
pub(super) const PREFIXES: [&str; 8] =
    ["DATABASE_URL", "GATEWAY_", "INT6_", "OZMAP_", "PROJECTS_", "PROVISIONING_", "SYNC_", "UPSTREAM_"];

/// The environment and the file, with all that is wrong in them.
pub(super) struct Source {
    environment: BTreeMap<String, String>,
    /// The file that was read.
    file: Option<PathBuf>,
    gateway: Table,
    tenants: Vec<Table>,
    /// Of each tenant.
    keys: Vec<Vec<Table>>,
    /// What the tenants say of webhooks.
    webhooks: Vec<Option<Value>>,
    current: usize,
    current_key: usize,
    /// Whether a file was named, and could not be read.
    lost_file: bool,
    mistakes: Vec<String>,
}

impl Source {
    pub(super) fn new(
        environment: impl IntoIterator<Item = (String, String)>,
        file: Option<PathBuf>,
    ) -> Source {
        let environment: BTreeMap<String, String> =
            environment.into_iter().filter(|(_, value)| !value.trim().is_empty()).collect();
        let file = file.or_else(|| environment.get("GATEWAY_CONFIG").map(PathBuf::from));
        let mut source = Source {
            environment,
            file: file.clone(),
            gateway: Table::new(),
            tenants: Vec::new(),
            keys: Vec::new(),
            webhooks: Vec::new(),
            current: 0,
            current_key: 0,
            lost_file: false,
            mistakes: Vec::new(),
        };
        if let Some(path) = file {
            match table_of(&path) {
                Ok(table) => source.take_table(&path, table),
                Err(fault) => {
                    source.lost_file = true;
                    source.mistakes.push(format!("the file {} {fault}", path.display()));
                }
            }
        }
        source.refuse_unknown_variables();
        source
    }

    /// Each once: a setting that is asked for twice is wrong once.
    pub(super) fn into_mistakes(mut self) -> Vec<String> {
        let mut reported = HashSet::new();
        self.mistakes.retain(|mistake| reported.insert(mistake.clone()));
        self.mistakes
    }

    fn take_table(&mut self, path: &Path, mut table: Table) {
        let mut mistakes = Vec::new();
        match table.remove("tenant") {
            None => (),
            Some(Value::Array(tenants)) => {
                for tenant in tenants {
                    match tenant {
                        Value::Table(mut tenant) => {
                            self.webhooks.push(tenant.remove("webhook"));
                            self.tenants.push(tenant);
                        }
                        _ => mistakes.push("`tenant` is not written as [[tenant]]".to_owned()),
                    }
                }
            }
            Some(_) => mistakes.push("`tenant` is not written as [[tenant]]".to_owned()),
        }
        for tenant in &mut self.tenants {
            self.keys.push(keys_of(tenant).unwrap_or_else(|| {
                mistakes.push("`key` is not written as [[tenant.key]]".to_owned());
                Vec::new()
            }));
        }
        let of_keys = self.keys.iter().flatten().flat_map(|key| unknown_keys(key, Scope::Key, "key"));
        let unknown = unknown_keys(&table, Scope::Gateway, "")
            .into_iter()
            .chain(self.tenants.iter().flat_map(|tenant| unknown_keys(tenant, Scope::Tenant, "")))
            .chain(of_keys);
        mistakes.extend(unknown.map(|key| format!("`{key}` is no setting")));
        if self.tenants.len() > 1 && self.tenants.iter().any(|tenant| !tenant.contains_key("name")) {
            mistakes.push("every [[tenant]] needs a `name`".to_owned());
        }
        self.gateway = table;
        let shown = path.display();
        self.mistakes.extend(mistakes.into_iter().map(|mistake| format!("the file {shown}: {mistake}")));
    }

    fn refuse_unknown_variables(&mut self) {
        let in_file = !self.tenants.is_empty();
        for variable in self.environment.keys().filter(|variable| is_ours(variable)) {
            let plain = variable.strip_suffix("_FILE").filter(|plain| is_secret(plain)).unwrap_or(variable);
            match table::names().find(|name| name.env == Some(plain)) {
                None => self.mistakes.push(format!("the environment variable {variable} is no setting")),
                Some(name) if in_file && name.scope == Scope::Tenant => self.mistakes.push(format!(
                    "the environment variable {variable} contradicts the file, which has [[tenant]] tables: say it there"
                )),
                Some(_) => (),
            }
        }
    }

    /// Whether all is known that a file says: it was read, or none was named.
    pub(super) fn has_file(&self) -> bool {
        !self.lost_file
    }

    /// Number of tenants; at least one.
    pub(super) fn tenants(&self) -> usize {
        self.tenants.len().max(1)
    }

    /// The tenant whose settings are read from now on.
    pub(super) fn turn_to(&mut self, index: usize) {
        (self.current, self.current_key) = (index, 0);
    }

    /// Number of `[[tenant.key]]` tables of the current tenant.
    pub(super) fn keys(&self) -> usize {
        self.keys.get(self.current).map_or(0, Vec::len)
    }

    /// The key of the current tenant whose settings are read from now on.
    pub(super) fn turn_to_key(&mut self, index: usize) {
        self.current_key = index;
    }

    /// How a person would name the current tenant.
    pub(super) fn tenant(&self) -> &str {
        let name = self.tenants.get(self.current).and_then(|tenant| tenant.get("name"));
        name.and_then(Value::as_str).unwrap_or("default")
    }

    /// The file that was read.
    pub(super) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Notes a mistake that is no single setting's.
    pub(super) fn mistake_of_all(&mut self, mistake: String) {
        self.mistakes.push(mistake);
    }

    /// Notes what is wrong with each setting of the gateway, or of the current tenant, in the order of the table.
    pub(super) fn check(&mut self, scope: Scope) {
        for setting in table::ALL.iter().filter(|setting| setting.name().scope == scope) {
            let name = setting.name();
            let checked = self.text(name).and_then(|text| setting.check(text.as_deref()));
            if let Err(fault) = checked {
                self.mistake(name, fault);
            }
        }
    }

    /// A setting's value; `None` if it is wrong, which is noted.
    pub(super) fn get<T>(&mut self, setting: &Setting<T>) -> Option<T> {
        let value = self.text(&setting.name).and_then(|text| setting.value(text.as_deref()));
        value.map_err(|fault| self.mistake(&setting.name, fault)).ok()
    }

    /// The current tenant's webhooks; what is wrong with them is noted.
    pub(super) fn webhooks(&mut self) -> Vec<Webhook> {
        let Some(Some(value)) = self.webhooks.get(self.current) else { return Vec::new() };
        let (webhooks, mistakes) = webhooks::webhooks(value);
        let name = self.tenant().to_owned();
        self.mistakes.extend(mistakes.into_iter().map(|mistake| format!("tenant {name}: {mistake}")));
        webhooks
    }

    /// What the current tenant says of webhooks, and the files that their secrets are read from.
    pub(super) fn webhooks_as_written(&self) -> (Option<&Value>, Vec<PathBuf>) {
        let value = self.webhooks.get(self.current).and_then(Option::as_ref);
        (value, value.map(webhooks::secret_files).unwrap_or_default())
    }

    /// Whether a setting is given, be it wrong.
    pub(super) fn is_given(&self, name: &Name) -> bool {
        !matches!(self.text(name), Ok(None))
    }

    /// Notes a mistake: `what` goes on after the setting's name.
    pub(super) fn mistake(&mut self, name: &Name, what: impl Display) {
        let mistake = format!("{} {what}", self.shown(name));
        self.mistakes.push(mistake);
    }

    /// Notes `otherwise` if one value stands among these twice.
    pub(super) fn must_differ<T: Eq + Hash>(&mut self, values: &[T], otherwise: &str) {
        let mut seen = HashSet::new();
        if !values.iter().all(|value| seen.insert(value)) {
            self.mistakes.push(otherwise.to_owned());
        }
    }

    /// How a person would name the setting.
    fn shown(&self, Name { env, toml, scope, secret: _, table: _ }: &Name) -> String {
        match (env, scope) {
            (_, Scope::Tenant) if !self.tenants.is_empty() => {
                format!("`{toml}` of tenant {}", self.tenant())
            }
            (_, Scope::Key) => {
                format!("`{toml}` of key {} of tenant {}", self.current_key + 1, self.tenant())
            }
            (Some(env), _) => format!("{env} (`{toml}` in the file)"),
            (None, _) => format!("`{toml}`"),
        }
    }

    /// The file that a secret is read from, if it has one of its own.
    pub(super) fn secret_file(&self, name: &Name) -> Option<PathBuf> {
        self.given(name, "_FILE", "_file").ok().flatten().filter(|_| name.secret).map(PathBuf::from)
    }

    /// A setting's text, from the environment, the file, or the file that it names.
    pub(super) fn text(&self, name: &Name) -> Result<Option<String>, Fault> {
        let direct = self.given(name, "", "")?;
        if !name.secret {
            return Ok(direct);
        }
        match (direct, self.given(name, "_FILE", "_file")?) {
            (Some(_), Some(_)) => Err(Fault::GivenTwice),
            (None, Some(file)) => secret_in(file).map(Some),
            (direct, None) => Ok(direct),
        }
    }

    /// What the environment says under the variable with its suffix, or else the file under the key with its.
    fn given(&self, name: &Name, of_variable: &str, of_key: &str) -> Result<Option<String>, Fault> {
        let variable = name.env.map(|env| format!("{env}{of_variable}"));
        match variable.and_then(|variable| self.environment.get(&variable)) {
            Some(text) => Ok(Some(text.trim().to_owned())),
            None => self.in_table(name, of_key),
        }
    }

    fn in_table(&self, name: &Name, suffix: &str) -> Result<Option<String>, Fault> {
        let table = match name.scope {
            Scope::Gateway => Some(&self.gateway),
            Scope::Tenant => self.tenants.get(self.current),
            Scope::Key => self.keys.get(self.current).and_then(|keys| keys.get(self.current_key)),
        };
        let of_key = name.toml.strip_prefix("key.").filter(|_| name.scope == Scope::Key);
        let place = format!("{}{suffix}", of_key.unwrap_or(name.toml));
        let value = table.and_then(|table| match place.split_once('.') {
            Some((section, key)) => table.get(section)?.get(key),
            None => table.get(&place),
        });
        let Some(value) = value else { return Ok(None) };
        let text = match value {
            Value::String(text) => Some(text.trim().to_owned()),
            // A secret written as a number would lose its leading zeros before it came here.
            Value::Integer(_) | Value::Float(_) if name.secret => None,
            Value::Integer(number) => Some(number.to_string()),
            Value::Float(number) => Some(number.to_string()),
            Value::Boolean(switch) => Some(switch.to_string()),
            Value::Array(items) => {
                items.iter().map(Value::as_str).collect::<Option<Vec<_>>>().map(|items| joined(&items))
            }
            Value::Table(table) if name.table => {
                let pair = |(key, value): (&String, &Value)| Some(format!("{key}={}", value.as_str()?));
                let pairs: Option<Vec<String>> = table.iter().map(pair).collect();
                pairs.map(|pairs| joined(&pairs.iter().map(String::as_str).collect::<Vec<_>>()))
            }
            Value::Datetime(_) | Value::Table(_) => None,
        };
        let text = text.ok_or(Fault::NotText)?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }
}

/// Takes a tenant's `[[tenant.key]]` tables out; `None` if they are written otherwise.
fn keys_of(tenant: &mut Table) -> Option<Vec<Table>> {
    match tenant.remove("key") {
        None => Some(Vec::new()),
        Some(Value::Array(keys)) => keys
            .into_iter()
            .map(|key| match key {
                Value::Table(key) => Some(key),
                _ => None,
            })
            .collect(),
        Some(_) => None,
    }
}

/// Items as one text: between commas, or in lines if one of them has a comma.
fn joined(items: &[&str]) -> String {
    match items.iter().any(|item| item.contains(',')) {
        true => items.iter().map(|item| format!("{item}\n")).collect(),
        false => items.join(","),
    }
}

/// Why a file gives no table. What it holds is not shown: the line at fault may be a secret's.
#[derive(Debug, thiserror::Error)]
enum FileFault {
    #[error("cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    #[error("is not TOML, line {line}: {message}")]
    NotToml { line: usize, message: String },
}

fn table_of(path: &Path) -> Result<Table, FileFault> {
    let text = std::fs::read_to_string(path)?;
    text.parse().map_err(|error: toml::de::Error| FileFault::NotToml {
        line: error.span().map_or(0, |span| text[..span.start].lines().count().max(1)),
        message: error.message().to_owned(),
    })
}

fn secret_in(file: String) -> Result<String, Fault> {
    match std::fs::read_to_string(&file) {
        Ok(secret) if secret.trim().is_empty() => Err(Fault::EmptyFile { file }),
        Ok(secret) => Ok(secret.trim().to_owned()),
        Err(error) => Err(Fault::UnreadableFile { file, error }),
    }
}

/// Whether a variable has to be a setting. `GATEWAY_CONFIG`, `GATEWAY_LOG` and `GATEWAY_LOG_FORMAT` are read elsewhere, `GATEWAY_URL` is what the
/// sandbox prints for callers, and Kubernetes adds variables for a service called "gateway".
fn is_ours(variable: &str) -> bool {
    let is_foreign = ["GATEWAY_CONFIG", "GATEWAY_LOG", "GATEWAY_LOG_FORMAT", "GATEWAY_URL"]
        .contains(&variable)
        || variable.ends_with("_SERVICE_HOST")
        || variable.contains("_SERVICE_PORT")
        || variable.ends_with("_PORT")
        || variable.contains("_PORT_");
    PREFIXES.iter().any(|prefix| variable.starts_with(prefix)) && !is_foreign
}

fn is_secret(variable: &str) -> bool {
    table::names().any(|name| name.secret && name.env == Some(variable))
}

/// Keys of a table that are no settings, with their sections.
fn unknown_keys(table: &Table, scope: Scope, section: &str) -> Vec<String> {
    let mut unknown = Vec::new();
    for (key, value) in table {
        let place = if section.is_empty() { key.clone() } else { format!("{section}.{key}") };
        match value {
            Value::Table(inner) if scope == Scope::Tenant && is_section(&place) => {
                unknown.extend(unknown_keys(inner, scope, &place));
            }
            _ if is_known(&place, scope) => (),
            _ => unknown.push(place),
        }
    }
    unknown
}

fn is_section(place: &str) -> bool {
    table::names().any(|name| name.toml.split_once('.').is_some_and(|(section, _)| section == place))
}

fn is_known(place: &str, scope: Scope) -> bool {
    let plain =
        place.strip_suffix("_file").filter(|plain| table::find(plain).is_some_and(|name| name.secret));
    table::find(plain.unwrap_or(place)).is_some_and(|name| name.scope == scope)
}
