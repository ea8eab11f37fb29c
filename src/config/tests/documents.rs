//! What people read about the settings is true: the README's table, the example file, the deployment's files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;
use secrecy::ExposeSecret;

use crate::config::setting::{AnySetting, Name, Scope};
use crate::config::source::PREFIXES;
use crate::config::{Config, Mistakes, Purpose, table};

const README: &str = include_str!("../../../README.md");
const EXAMPLE: &str = include_str!("../../../deploy/gateway.example.toml");
/// Variables that are read elsewhere: one names the file, the others must work before it is read.
const NO_SETTINGS: [&str; 3] = ["GATEWAY_CONFIG", "GATEWAY_LOG", "GATEWAY_LOG_FORMAT"];

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern")
}

/// A row of the README's table: what stands in backticks in the columns of names, and the other columns as they are.
struct DocumentedSetting {
    variables: Vec<String>,
    keys: Vec<String>,
    meaning: String,
    default: String,
}

impl DocumentedSetting {
    /// The row of the table that it describes; `None` for a variable that is read elsewhere.
    fn setting(&self) -> Option<&'static dyn AnySetting> {
        let key = self.keys.first()?;
        table::ALL.iter().copied().find(|setting| setting.name().toml == key)
    }
}

fn in_backticks(cell: &str) -> Vec<String> {
    pattern("`([^`]+)`").captures_iter(cell).map(|found| found[1].to_owned()).collect()
}

fn rows() -> Vec<DocumentedSetting> {
    let (_, section) = README.split_once("\n## Settings\n").expect("README has a section \"Settings\"");
    let section = section.split("\n## ").next().unwrap_or_default();
    let lines = section.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| variable"));
    lines
        .map(|line| match line.trim_matches('|').split(" | ").collect::<Vec<_>>()[..] {
            [variables, keys, meaning, default] => DocumentedSetting {
                variables: in_backticks(variables),
                keys: in_backticks(keys),
                meaning: meaning.to_owned(),
                default: default.trim().to_owned(),
            },
            _ => panic!("a row of the table has no four columns: {line}"),
        })
        .collect()
}

/// The names under which a setting may be given, the secret's file included.
fn with_file(name: &str, setting: &Name, suffix: &str) -> Vec<String> {
    let file = setting.secret.then(|| format!("{name}{suffix}"));
    [Some(name.to_owned()), file].into_iter().flatten().collect()
}

#[test]
fn the_readme_lists_every_setting_and_no_other() {
    let expected: BTreeSet<(Vec<String>, Vec<String>)> = table::names()
        .map(|name| {
            let variables = name.env.map(|env| with_file(env, name, "_FILE")).unwrap_or_default();
            (variables, with_file(name.toml, name, "_file"))
        })
        .chain(NO_SETTINGS.map(|variable| (vec![variable.to_owned()], Vec::new())))
        .collect();
    let listed: BTreeSet<_> = rows().into_iter().map(|row| (row.variables, row.keys)).collect();
    let missing: Vec<_> = expected.difference(&listed).collect();
    let unknown: Vec<_> = listed.difference(&expected).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "README lacks {missing:?} and has {unknown:?}");
    assert_eq!(rows().len(), listed.len(), "a setting is listed twice");
}

const LEAST: &str = r#"
[[tenant]]
api_key = "a-key-of-the-gateway"
int6 = { url = "http://127.0.0.1:1", email = "gateway@isp.example", token = "t" }
ozmap = { url = "http://127.0.0.1:2", api_key = "k" }
[[tenant.key]]
name = "panel"
key_sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
role = "operator"
"#;

/// The settings in this text, as text with their secrets.
fn outcome(text: &str) -> Result<String, Mistakes> {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), text).expect("it can be written");
    let config = Config::load([], Some(file.path().to_owned()), Purpose::Serve)?;
    let hosts = config.tenants.iter().flat_map(|tenant| [&tenant.int6_host, &tenant.ozmap_host]);
    let secrets = hosts.flat_map(|host| &host.secrets).chain([&config.database_url]);
    let secrets: Vec<_> = secrets.map(|secret| secret.expose_secret()).collect();
    Ok(format!("{secrets:?} {config:#?}"))
}

/// As [`outcome`], of settings that have no mistake.
fn shown(text: &str) -> String {
    outcome(text).unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}"))
}

/// The same settings with one more.
fn with(text: &str, name: &Name, value: &str) -> String {
    let mut table: toml::Table = text.parse().expect("TOML");
    let place = match name.scope {
        Scope::Gateway => &mut table,
        Scope::Tenant => table["tenant"][0].as_table_mut().expect("a table"),
        Scope::Key => table["tenant"][0]["key"][0].as_table_mut().expect("a table"),
    };
    let value = toml::Value::String(value.to_owned());
    let toml = name.toml.strip_prefix("key.").filter(|_| name.scope == Scope::Key).unwrap_or(name.toml);
    match toml.split_once('.') {
        None => place.insert(toml.to_owned(), value),
        Some((section, key)) => place
            .entry(section)
            .or_insert(toml::Value::Table(toml::Table::new()))
            .as_table_mut()
            .expect("a table")
            .insert(key.to_owned(), value),
    };
    table.to_string()
}

#[test]
fn the_readmes_defaults_are_those_that_count() {
    let plain = shown(LEAST);
    let mut reported = 0;
    for row in rows() {
        let Some(setting) = row.setting() else { continue };
        let name = setting.name();
        let value = row.default.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
        assert_eq!(value, setting.default(), "the default of {}", name.toml);
        match value {
            Some(value) => {
                reported += 1;
                assert_eq!(shown(&with(LEAST, name, value)), plain, "the default of {}", name.toml);
            }
            None if setting.check(None).is_err() => {
                assert_eq!(row.default, "required", "{}", name.toml);
            }
            None => {
                let words = ["none", "no limit", "required by ", "required, but "];
                let known = words.iter().any(|word| row.default.starts_with(word));
                assert!(known, "README: the default of {} is \"{}\"", name.toml, row.default);
            }
        }
    }
    assert!(reported > 20, "only {reported} defaults were found");
    assert_ne!(shown(&with(LEAST, &table::INT6_PAGE_SIZE.name, "499")), plain);
}

/// Values of which at least one fits each setting and is not its default.
const OTHER_VALUES: [&str; 13] = [
    "7",
    "77",
    "false",
    "true",
    "bearer",
    "JWT",
    "192.0.2.1:1",
    "http://192.0.2.1",
    "192.0.2.0/24",
    "America/Sao_Paulo",
    "serial",
    "power_fail=keep",
    "viewer",
];

/// A value that fits counts: the settings are others, or no longer go together.
#[test]
fn every_setting_does_something() {
    let hash = "0".repeat(64);
    let values: Vec<&str> = OTHER_VALUES.into_iter().chain([hash.as_str()]).collect();
    let plain = shown(LEAST);
    for setting in table::ALL {
        let fitting = values.iter().filter(|value| setting.check(Some(value)).is_ok());
        let mut outcomes = fitting.map(|value| outcome(&with(LEAST, setting.name(), value)));
        let counts = outcomes.any(|outcome| outcome.is_err() || outcome.is_ok_and(|shown| shown != plain));
        assert!(counts, "nothing comes of {}", setting.name().toml);
    }
}

/// `3600` as the README writes it: `3,600`.
fn with_commas(number: &str) -> String {
    let digits = number.chars().rev().enumerate();
    let backwards: String = digits
        .flat_map(|(i, digit)| (i > 0 && i % 3 == 0).then_some(',').into_iter().chain([digit]))
        .collect();
    backwards.chars().rev().collect()
}

#[test]
fn the_readmes_ranges_and_choices_are_those_that_count() {
    let range = pattern(r"number from (\d+) to (\d+) is expected$");
    let choice = pattern("one of (.+) is expected$");
    let (mut ranges, mut choices) = (0, 0);
    for row in rows() {
        let Some(Err(fault)) = row.setting().map(|setting| setting.check(Some("\u{1}"))) else { continue };
        let fault = fault.to_string();
        if let Some(found) = range.captures(&fault) {
            let words = format!("{} to {}", with_commas(&found[1]), with_commas(&found[2]));
            assert!(row.meaning.contains(&words), "README: {} lacks {words}", row.keys[0]);
            ranges += 1;
        } else if let Some(found) = choice.captures(&fault) {
            for word in found[1].split(", ") {
                assert!(row.meaning.contains(&format!("`{word}`")), "README: {} lacks {word}", row.keys[0]);
            }
            choices += 1;
        }
    }
    assert!(ranges > 10 && choices == 4, "only {ranges} ranges and {choices} choices were found");
}

/// The example with its secrets in files that exist.
fn example(folder: &std::path::Path) -> String {
    let paths = pattern(r#"(?m)^(\w+_file) = "/etc/int6-ozmap-gateway/secrets/(\w+)""#);
    for found in paths.captures_iter(EXAMPLE) {
        std::fs::write(folder.join(&found[2]), format!("a-secret-called-{}", &found[2])).expect("written");
    }
    paths.replace_all(EXAMPLE, format!("$1 = \"{}/$2\"", folder.display())).into_owned()
}

#[test]
fn the_example_loads_and_shows_true_defaults() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plain = example(folder.path());
    let explicit = pattern(r"(?m)^#(\w+ = )").replace_all(&plain, "$1").into_owned();
    assert!(explicit.parse::<toml::Table>().expect("TOML") != plain.parse().expect("TOML"));
    assert_eq!(shown(&explicit), shown(&plain));
}

#[test]
fn the_example_mentions_every_setting_and_no_other() {
    let line = pattern(r"^(?:#|# Example: )?(\w+) = ");
    let header = pattern(r"^(?:# Example: )?\[+tenant\.?(\w*)\]+$");
    let (mut section, mut mentioned) = (String::new(), BTreeMap::new());
    for text in EXAMPLE.lines() {
        if let Some(found) = header.captures(text) {
            section = found[1].to_owned();
        } else if let Some(found) = line.captures(text) {
            let place =
                if section.is_empty() { found[1].to_owned() } else { format!("{section}.{}", &found[1]) };
            mentioned.insert(place, text);
        }
    }
    let known: BTreeSet<String> =
        table::names().flat_map(|name| with_file(name.toml, name, "_file")).collect();
    let unknown: Vec<_> = mentioned.iter().filter(|(place, _)| !known.contains(*place)).collect();
    assert!(unknown.is_empty(), "the example has {unknown:?}");
    let missing = table::names().map(|name| name.toml);
    let missing: Vec<_> = missing
        .filter(|toml| !mentioned.contains_key(*toml) && !mentioned.contains_key(&format!("{toml}_file")))
        .collect();
    assert!(missing.is_empty(), "the example lacks {missing:?}");
}

#[test]
fn the_deployments_variables_are_settings() {
    let known: BTreeSet<String> = table::names()
        .flat_map(|name| name.env.map(|env| with_file(env, name, "_FILE")).unwrap_or_default())
        .chain(NO_SETTINGS.map(str::to_owned))
        .collect();
    let files = [
        include_str!("../../../deploy/Dockerfile"),
        include_str!("../../../deploy/compose.yaml"),
        include_str!("../../../deploy/compose.postgres.yaml"),
        include_str!("../../../deploy/int6-ozmap-gateway.service"),
    ];
    let variable = pattern(&format!(r"\b(?:{})[A-Z0-9_]*\b", PREFIXES.join("|")));
    for file in files {
        let found: BTreeSet<String> =
            variable.find_iter(file).map(|found| found.as_str().to_owned()).collect();
        assert!(!found.is_empty(), "no setting in\n{file}");
        assert!(found.is_subset(&known), "no settings: {:?}", found.difference(&known).collect::<Vec<_>>());
    }
}

/// Whoever reads a message looks for what it names: a setting that is called otherwise helps nobody.
#[test]
fn every_setting_that_a_message_names_exists() {
    let known: BTreeSet<String> = table::names()
        .flat_map(|name| name.env.map(|env| with_file(env, name, "_FILE")).unwrap_or_default())
        .chain(NO_SETTINGS.map(str::to_owned))
        // What the sandbox prints for a shell, and what whoever builds the gateway says.
        .chain(["GATEWAY_URL", "GATEWAY_COMMIT"].map(str::to_owned))
        .collect();
    let literal = pattern(r#""(?:[^"\\]|\\(?s:.))*""#);
    let variable = pattern(&format!(r"\b(?:{})[A-Z0-9_]*[A-Z0-9]\b", PREFIXES.join("|")));
    let mut named = BTreeSet::new();
    for source in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let text = fs::read_to_string(&source).expect("a source");
        for words in literal.find_iter(&text) {
            for name in variable.find_iter(words.as_str()).map(|name| name.as_str()) {
                assert!(known.contains(name), "{}: {name} is no setting", source.display());
                named.insert(name.to_owned());
            }
        }
    }
    assert!(named.len() > 40, "only {} were found", named.len());
}

/// All but tests.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let is_test = |path: &PathBuf| path.file_stem().is_some_and(|stem| stem == "tests");
    entries
        .filter(|path| !is_test(path))
        .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
        .collect()
}
