//! Where a setting's value comes from, and the mistakes met on the way.

use std::collections::{BTreeMap, HashSet};
use std::hash::Hash;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use toml::{Table, Value};

use super::names::{self, Name, Scope};

/// Prefixes of our environment variables; others are not ours to judge.
const PREFIXES: [&str; 6] = ["GATEWAY_", "INT6_", "OZMAP_", "PROVISIONING_", "SYNC_", "UPSTREAM_"];

/// The environment and the file, with all that is wrong in them.
pub(super) struct Source {
    environment: BTreeMap<String, String>,
    gateway: Table,
    tenants: Vec<Table>,
    current: usize,
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
            gateway: Table::new(),
            tenants: Vec::new(),
            current: 0,
            mistakes: Vec::new(),
        };
        if let Some(path) = file {
            source.take_file(&path);
        }
        source.refuse_unknown_variables();
        source
    }

    pub(super) fn into_mistakes(mut self) -> Vec<String> {
        let mut told = HashSet::new();
        self.mistakes.retain(|mistake| told.insert(mistake.clone()));
        self.mistakes
    }

    fn take_file(&mut self, path: &Path) {
        let shown = path.display();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => return self.mistakes.push(format!("the file {shown} cannot be read: {error}")),
        };
        // The parser's message would show the line, which may hold a secret.
        let mut table: Table = match text.parse() {
            Ok(table) => table,
            Err(error) => {
                let error: toml::de::Error = error;
                let line = error.span().map_or(0, |span| text[..span.start].lines().count().max(1));
                return self
                    .mistakes
                    .push(format!("the file {shown} is not TOML, line {line}: {}", error.message()));
            }
        };
        match table.remove("tenant") {
            None => (),
            Some(Value::Array(tenants)) => {
                for tenant in tenants {
                    match tenant {
                        Value::Table(tenant) => self.tenants.push(tenant),
                        _ => self
                            .mistakes
                            .push(format!("the file {shown}: `tenant` is not written as [[tenant]]")),
                    }
                }
            }
            Some(_) => self.mistakes.push(format!("the file {shown}: `tenant` is not written as [[tenant]]")),
        }
        let unknown = unknown_keys(&table, Scope::Gateway, "")
            .into_iter()
            .chain(self.tenants.iter().flat_map(|tenant| unknown_keys(tenant, Scope::Tenant, "")));
        let unknown: Vec<String> =
            unknown.map(|key| format!("the file {shown}: `{key}` is no setting")).collect();
        self.mistakes.extend(unknown);
        self.gateway = table;
        if self.tenants.len() > 1 && self.tenants.iter().any(|tenant| !tenant.contains_key("name")) {
            self.mistakes.push(format!("the file {shown}: every [[tenant]] needs a `name`"));
        }
    }

    fn refuse_unknown_variables(&mut self) {
        let in_file = !self.tenants.is_empty();
        for variable in self.environment.keys() {
            let ours = PREFIXES.iter().any(|prefix| variable.starts_with(prefix))
                || variable.starts_with("DATABASE_URL");
            if !ours || variable == "GATEWAY_CONFIG" || names::is_foreign(variable) {
                continue;
            }
            let plain = variable.strip_suffix("_FILE").filter(|plain| is_secret(plain)).unwrap_or(variable);
            match names::ALL.iter().find(|name| name.env == Some(plain)) {
                None => self.mistakes.push(format!("the environment variable {variable} is no setting")),
                Some(name) if in_file && name.scope == Scope::Tenant => self.mistakes.push(format!(
                    "the environment variable {variable} contradicts the file, which has [[tenant]] tables: say it there"
                )),
                Some(_) => (),
            }
        }
    }

    /// Number of tenants; at least one.
    pub(super) fn tenants(&self) -> usize {
        self.tenants.len().max(1)
    }

    /// The tenant whose settings are read from now on.
    pub(super) fn turn_to(&mut self, index: usize) {
        self.current = index;
    }

    /// How a person would name the setting.
    fn shown(&self, toml: &str) -> String {
        let name = names::find(toml);
        match (name.and_then(|name| name.env), name.map(|name| name.scope)) {
            (_, Some(Scope::Tenant)) if !self.tenants.is_empty() => {
                let tenant =
                    self.tenants.get(self.current).and_then(|t| t.get("name")).and_then(Value::as_str);
                format!("`{toml}` of tenant {}", tenant.unwrap_or("default"))
            }
            (Some(env), _) => format!("{env} (`{toml}` in the file)"),
            (None, _) => format!("`{toml}`"),
        }
    }

    /// Notes a mistake; `None`, so that it can stand for the missing value.
    pub(super) fn mistake<T>(&mut self, toml: &str, what: &str) -> Option<T> {
        let mistake = format!("{} {what}", self.shown(toml));
        self.mistakes.push(mistake);
        None
    }

    pub(super) fn understood<T>(&mut self, toml: &str, value: Result<T, String>) -> Option<T> {
        value.map_or_else(|what| self.mistake(toml, &what), Some)
    }

    pub(super) fn must_differ<T: Eq + Hash>(&mut self, values: impl Iterator<Item = T>, otherwise: &str) {
        let mut seen = HashSet::new();
        let mut values = values;
        if !values.all(|value| seen.insert(value)) {
            self.mistakes.push(otherwise.to_owned());
        }
    }

    /// A setting's text, from the environment, the file, or the file that it names.
    pub(super) fn text(&mut self, toml: &str) -> Option<String> {
        let name = names::find(toml)?;
        let direct = self.in_environment(name, "").or_else(|| self.in_table(name, ""));
        if !name.secret {
            return direct;
        }
        let in_file = self.in_environment(name, "_FILE").or_else(|| self.in_table(name, "_file"));
        match (direct, in_file) {
            (Some(_), Some(_)) => self.mistake(toml, "stands both as itself and as a file; give one of them"),
            (None, Some(path)) => match std::fs::read_to_string(&path) {
                Ok(secret) => Some(secret.trim().to_owned())
                    .filter(|secret| !secret.is_empty())
                    .or_else(|| self.mistake(toml, &format!("is to be read from {path}, which is empty"))),
                Err(error) => self.mistake(toml, &format!("is to be read from {path}, which fails: {error}")),
            },
            (direct, None) => direct,
        }
    }

    fn in_environment(&self, name: &Name, suffix: &str) -> Option<String> {
        let variable = format!("{}{suffix}", name.env?);
        self.environment.get(&variable).map(|value| value.trim().to_owned())
    }

    fn in_table(&mut self, name: &Name, suffix: &str) -> Option<String> {
        let table = match name.scope {
            Scope::Gateway => &self.gateway,
            Scope::Tenant => self.tenants.get(self.current)?,
        };
        let place = format!("{}{suffix}", name.toml);
        let value = match place.split_once('.') {
            Some((section, key)) => table.get(section)?.get(key)?,
            None => table.get(&place)?,
        };
        let text = match value {
            Value::String(text) => Some(text.trim().to_owned()),
            // A secret written as a number would lose its leading zeros before it came here.
            Value::Integer(_) | Value::Float(_) if name.secret => None,
            Value::Integer(number) => Some(number.to_string()),
            Value::Float(number) => Some(number.to_string()),
            Value::Boolean(switch) => Some(switch.to_string()),
            Value::Array(items) => {
                items.iter().map(Value::as_str).collect::<Option<Vec<_>>>().map(|items| items.join(","))
            }
            Value::Datetime(_) | Value::Table(_) => None,
        };
        text.or_else(|| self.mistake(name.toml, "is not written as a text")).filter(|text| !text.is_empty())
    }

    pub(super) fn required(&mut self, toml: &str) -> Option<String> {
        let before = self.mistakes.len();
        let text = self.text(toml);
        // A file that cannot be read has been told already.
        if text.is_none() && self.mistakes.len() == before {
            return self.mistake(toml, "is missing");
        }
        text
    }

    pub(super) fn with<T>(
        &mut self,
        toml: &str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(toml)?;
        parse(&text).or_else(|| self.mistake(toml, &format!("is \"{text}\", but {expected} is expected")))
    }

    pub(super) fn parsed<T: FromStr>(&mut self, toml: &str, expected: &str) -> Option<T> {
        self.with(toml, expected, |text| text.parse().ok())
    }

    pub(super) fn number(&mut self, toml: &str, least: u64, most: u64) -> Option<u64> {
        let expected = format!("a whole number from {least} to {most}");
        self.with(toml, &expected, |text| text.parse().ok().filter(|n| (least..=most).contains(n)))
    }

    pub(super) fn switch(&mut self, toml: &str) -> Option<bool> {
        self.with(toml, "true or false", |text| match text.to_ascii_lowercase().as_str() {
            "true" | "on" | "yes" | "1" => Some(true),
            "false" | "off" | "no" | "0" => Some(false),
            _ => None,
        })
    }

    pub(super) fn one_of<T: Copy>(&mut self, toml: &str, choices: &[(&str, T)]) -> Option<T> {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let expected = format!("one of {}", words.join(", "));
        let find = |text: &str| {
            choices.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|(_, value)| *value)
        };
        self.with(toml, &expected, find)
    }

    pub(super) fn list<T>(
        &mut self,
        toml: &str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<Vec<T>> {
        let items = |text: &str| {
            text.split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(&parse)
                .collect::<Option<Vec<T>>>()
        };
        self.with(toml, &format!("a list of {expected}, separated by commas,"), items)
    }

    /// Notes a mistake if a text could not be sent as a header.
    pub(super) fn fits_a_header(&mut self, toml: &str, text: &str) -> bool {
        let fits = super::is_header_text(text);
        if !fits {
            let _: Option<()> = self.mistake(toml, "has characters that no header can carry");
        }
        fits
    }
}

fn is_secret(variable: &str) -> bool {
    names::ALL.iter().any(|name| name.secret && name.env == Some(variable))
}

/// Keys of a table that are no settings, with their sections.
fn unknown_keys(table: &Table, scope: Scope, section: &str) -> Vec<String> {
    let mut unknown = Vec::new();
    for (key, value) in table {
        let place = if section.is_empty() { key.clone() } else { format!("{section}.{key}") };
        let is_section =
            names::ALL.iter().any(|name| name.toml.split_once('.').is_some_and(|(s, _)| s == place));
        match value {
            Value::Table(inner) if is_section && scope == Scope::Tenant => {
                unknown.extend(unknown_keys(inner, scope, &place));
            }
            _ if is_known(&place, scope) => (),
            _ => unknown.push(place),
        }
    }
    unknown
}

fn is_known(place: &str, scope: Scope) -> bool {
    let plain =
        place.strip_suffix("_file").filter(|plain| names::find(plain).is_some_and(|name| name.secret));
    names::find(plain.unwrap_or(place)).is_some_and(|name| name.scope == scope)
}
