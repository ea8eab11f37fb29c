//! The crates beside the root: the pure middle needs nothing impure, the sandbox shares nothing with the gateway.

use toml::{Table, Value};

use super::house::{Edge, Fault, House, Target, line_with};

/// This file, where the list's faults are.
const HERE: (&str, &str) = ("tests/architecture/crates.rs", include_str!("crates.rs"));

/// What the pure middle is made of; nothing else, and nothing of it for show.
const CORE_DEPENDENCIES: [&str; 7] =
    ["compact_str", "jiff", "serde", "serde_json", "strum", "thiserror", "unicode-normalization"];

/// What the pure middle must not name, and where it comes from instead. `*` is any path before.
const IMPURE: [(&[&str], &str); 8] = [
    (&["*", "Timestamp", "now"], CLOCK),
    (&["*", "Zoned", "now"], CLOCK),
    (&["*", "Instant", "now"], CLOCK),
    (&["*", "TimeZone", "system"], CLOCK),
    (&["*", "SystemTime"], CLOCK),
    (&["std", "net"], "the shell calls other systems and hands their answers over"),
    (&["std", "fs"], "the shell reads files and hands their content over"),
    (&["std", "env"], "settings are read by `config` and handed over"),
];
const CLOCK: &str = "a time is an argument";

const CORE: &str = "crates/core/Cargo.toml";
const SANDBOX: &str = "crates/sandbox/Cargo.toml";
/// The gateway's crates, as manifests and as sources name them.
const GATEWAYS: [(&str, &str); 2] =
    [("gateway-core", "gateway_core"), ("int6-ozmap-gateway", "int6_ozmap_gateway")];

/// Dependencies of the pure middle that are not in the list, or only there.
pub(crate) fn faults_of_core_manifest(house: &House) -> Vec<Fault> {
    let (text, dependencies) = match manifest(house, CORE) {
        Ok(manifest) => manifest,
        Err(fault) => return vec![fault],
    };
    let pure = |name: &str| CORE_DEPENDENCIES.contains(&name);
    let foreign = dependencies.iter().filter(|dependency| !dependency.is_dev && !pure(&dependency.package));
    let mut faults: Vec<Fault> = foreign
        .map(|dependency| {
            let what = format!(
                "`core` must not depend on `{}`: it is pure, and its dependencies are a closed list ({}). Use it in the shell, \
                 or, if it is pure too, add it to the list in {}",
                dependency.package,
                CORE_DEPENDENCIES.join(", "),
                HERE.0
            );
            Fault::new(CORE, line_of(text, &dependency.key), what)
        })
        .collect();
    let is_gone = |name: &&&str| !dependencies.iter().any(|known| !known.is_dev && known.package == **name);
    faults.extend(CORE_DEPENDENCIES.iter().filter(is_gone).map(|name| {
        let what = format!("`core` no longer depends on `{name}`: take it off the list");
        Fault::new(HERE.0, line_with(HERE.1, "const CORE_DEPENDENCIES"), what)
    }));
    faults
}

/// Where the pure middle reads a clock, a file, the network or the environment. Its tests may.
pub(crate) fn faults_of_core_sources(house: &House) -> Vec<Fault> {
    let mut faults = Vec::new();
    for Edge { from, line, path, ways, .. } in house.edges() {
        if house.modules[from].root != "core" {
            continue;
        }
        let foreign = ways.iter().filter_map(|way| match &way.target {
            Target::Foreign(path) => Some(path.as_slice()),
            _ => None,
        });
        let paths: Vec<&[String]> = foreign.chain([path]).collect();
        let is_named = |impure: &[&str]| paths.iter().any(|path| names(path, impure));
        if let Some((_, instead)) = IMPURE.iter().find(|(impure, _)| is_named(impure)) {
            let what = format!("`core` must not name `{}`: it is pure; {instead}", path.join("::"));
            faults.push(Fault::new(&house.modules[from].file, line, what));
        }
    }
    faults.sort();
    faults.dedup();
    faults
}

fn names(path: &[String], impure: &[&str]) -> bool {
    match impure.split_first() {
        Some((&"*", rest)) => path.windows(rest.len()).any(|part| part == rest),
        _ => path.len() >= impure.len() && path[..impure.len()] == *impure,
    }
}

/// What ties the sandbox to the gateway: a dependency, or a name. In its tests, too.
pub(crate) fn faults_of_sandbox(house: &House) -> Vec<Fault> {
    const WHY: &str = "the sandbox shares no type with the gateway, so that a misspelt field cannot pass on both sides: \
                       define what it needs there";
    let (text, dependencies) = match manifest(house, SANDBOX) {
        Ok(manifest) => manifest,
        Err(fault) => return vec![fault],
    };
    let of_gateway = |package: &str| GATEWAYS.iter().any(|(name, _)| *name == package);
    let mut faults: Vec<Fault> = dependencies
        .iter()
        .filter(|dependency| of_gateway(&dependency.package))
        .map(|dependency| {
            let what = format!("`sandbox` must not depend on `{}`: {WHY}", dependency.package);
            Fault::new(SANDBOX, line_of(text, &dependency.key), what)
        })
        .collect();
    let sources = house.files.keys().filter(|file| file.starts_with("crates/sandbox/"));
    for file in sources {
        let named = identifiers(house, file, &GATEWAYS.map(|(_, name)| name));
        faults.extend(
            named.into_iter().map(|(line, name)| {
                Fault::new(file, line, format!("`sandbox` must not name `{name}`: {WHY}"))
            }),
        );
    }
    faults
}

/// The store is tested on PostgreSQL, too; its throw-away server is a feature of the sandbox.
const TEST_OF_STORE: &str = "src/store/tests.rs";

/// Where the gateway names the sandbox, other than for the command of that name.
pub(crate) fn faults_of_naming_sandbox(house: &House) -> Vec<Fault> {
    let is_judged = |file: &&String| {
        (file.starts_with("src/") && *file != "src/cli.rs" && !file.starts_with("src/cli/"))
            || file.starts_with("crates/core/")
    };
    let is_judged = |file: &&String| is_judged(file) && *file != TEST_OF_STORE;
    let mut faults = Vec::new();
    for file in house.files.keys().filter(is_judged) {
        let named = identifiers(house, file, &["gateway_sandbox"]);
        faults.extend(named.into_iter().map(|(line, name)| {
            let what = format!(
                "only src/cli and the stories may name `{name}`: a production build can leave it out. Tell it as a story in \
                 tests/stories/, or use a value of your own"
            );
            Fault::new(file, line, what)
        }));
    }
    faults
}

/// Where a source names one of these, in code or in macros.
fn identifiers<'a>(house: &House, file: &str, names: &[&'a str]) -> Vec<(usize, &'a str)> {
    let named = |(text, line): &(String, usize)| Some((*line, *names.iter().find(|name| *name == text)?));
    house.files[file].identifiers.iter().filter_map(named).collect()
}

struct Dependency {
    /// What it is called in the manifest.
    key: String,
    /// What it is called in the registry.
    package: String,
    is_dev: bool,
}

/// A manifest's text and all that it depends on.
fn manifest<'a>(house: &'a House, path: &str) -> Result<(&'a str, Vec<Dependency>), Fault> {
    let text = house.texts.get(path).ok_or_else(|| Fault::new(path, 1, "there is no such manifest"))?;
    let table: Table = text.parse().map_err(|e| Fault::new(path, 1, format!("cannot be read: {e}")))?;
    let inherited =
        house.texts.get("Cargo.toml").and_then(|text| text.parse::<Table>().ok()).unwrap_or_default();
    let inherited = inherited.get("workspace").and_then(|workspace| workspace.get("dependencies")).cloned();
    let inherited = inherited.and_then(|table| table.try_into::<Table>().ok()).unwrap_or_default();
    Ok((text, dependencies(&table, &inherited)))
}

/// Those of every kind, and of every target.
fn dependencies(manifest: &Table, inherited: &Table) -> Vec<Dependency> {
    let mut found = Vec::new();
    for (section, content) in manifest {
        let Value::Table(content) = content else { continue };
        match section.as_str() {
            "target" => {
                let targets = content.values().filter_map(Value::as_table);
                found.extend(targets.flat_map(|target| dependencies(target, inherited)));
            }
            "dependencies" | "dev-dependencies" | "build-dependencies" => {
                let is_dev = section == "dev-dependencies";
                found.extend(content.iter().map(|(key, value)| Dependency {
                    key: key.clone(),
                    package: package(key, value, inherited),
                    is_dev,
                }));
            }
            _ => (),
        }
    }
    found
}

/// A dependency may have another name here than in the registry.
fn package(key: &str, value: &Value, inherited: &Table) -> String {
    let renamed = |value: &Value| value.get("package").and_then(Value::as_str).map(str::to_owned);
    renamed(value).or_else(|| inherited.get(key).and_then(renamed)).unwrap_or_else(|| key.to_owned())
}

/// Where a manifest names a dependency.
fn line_of(manifest: &str, key: &str) -> usize {
    let begins = |line: &str| {
        let rest = line.trim_start().trim_start_matches(['"', '[']).trim_start_matches("dependencies.");
        rest.strip_prefix(key).is_some_and(|rest| rest.starts_with([' ', '=', '.', '"', ']']))
    };
    manifest.lines().position(begins).map_or(1, |at| at + 1)
}

fn places(faults: &[Fault]) -> Vec<String> {
    faults.iter().map(|fault| format!("{}:{}", fault.file, fault.line)).collect()
}

/// Where a list is told of that is longer than it need be.
fn list() -> String {
    format!("{}:{}", HERE.0, line_with(HERE.1, "const CORE_DEPENDENCIES"))
}

/// A manifest as it should be.
const PURE: &str = r#"[dependencies]
compact_str = "1"
jiff.workspace = true
serde = { version = "1" }
serde_json = "1"
strum = "1"
thiserror = "2"
unicode-normalization = "0.1"

[dev-dependencies]
proptest = "1"
"#;

#[test]
fn the_closed_list_of_dependencies_is_held_in_both_directions() {
    let with = |text: &str| faults_of_core_manifest(&House::made_up(&[(CORE, text)]));
    assert_eq!(with(PURE), []);
    assert_eq!(places(&with(&PURE.replace("jiff.", "tokio.workspace = true\njiff."))), [format!("{CORE}:3")]);
    assert_eq!(places(&with(&PURE.replace("strum = \"1\"\n", ""))), [list()]);
    for more in ["[build-dependencies]", "[target.'cfg(unix)'.dependencies]"] {
        assert_eq!(places(&with(&format!("{PURE}{more}\nrand = \"0\"\n"))), [format!("{CORE}:13")], "{more}");
    }
    let own_table = format!("{PURE}[dependencies.rand]\nversion = \"0\"\n");
    assert_eq!(places(&with(&own_table)), [format!("{CORE}:12")]);
    assert_eq!(with(&format!("{PURE}rand = \"0\"\n")), [], "the tests may use more");
    assert_eq!(places(&faults_of_core_manifest(&House::made_up(&[]))), [format!("{CORE}:1")]);
}

#[test]
fn a_dependency_under_another_name_is_seen() {
    let renamed = PURE.replace("strum = \"1\"", "strum = { package = \"tokio\", version = \"1\" }");
    let found = faults_of_core_manifest(&House::made_up(&[(CORE, &renamed)]));
    assert_eq!(places(&found), [format!("{CORE}:6"), list()]);
    let workspace = "[workspace.dependencies]\njiff = { package = \"tokio\", version = \"1\" }\n";
    let found = faults_of_core_manifest(&House::made_up(&[(CORE, PURE), ("Cargo.toml", workspace)]));
    assert_eq!(places(&found), [format!("{CORE}:3"), list()]);
}

#[test]
fn the_pure_middle_reads_no_clock_and_no_machine() {
    for impure in [
        "fn f() { jiff::Timestamp::now() }",
        "use jiff::Timestamp as Time; fn f() { Time::now() }",
        "use std::time::*; fn f() { <Instant>::now() }",
        "use std::time::SystemTime;",
        "use std::{fmt, fs};",
        "use std::net::IpAddr;",
        "fn f() { format!(\"{}\", std::env::var(\"HOME\")) }",
        "use std as machine; fn f() { machine::env::args() }",
        "fn f() -> u8 { let now = jiff::Zoned::now; now() }",
        "fn f() { jiff::tz::TimeZone::system() }",
    ] {
        let source = format!("\n{impure}");
        let house = House::made_up(&[("crates/core/src/lib.rs", &source)]);
        assert_eq!(places(&faults_of_core_sources(&house)), ["crates/core/src/lib.rs:2"], "{impure}");
    }
    let pure = "use std::time::Duration; use jiff::Timestamp; fn f(now: Timestamp) -> u8 { now.as_second() } #[cfg(test)] mod tests { use std::fs; }";
    assert_eq!(faults_of_core_sources(&House::made_up(&[("crates/core/src/lib.rs", pure)])), []);
    let shell = [("crates/core/src/lib.rs", ""), ("src/lib.rs", "use std::fs;")];
    assert_eq!(faults_of_core_sources(&House::made_up(&shell)), [], "the shell may");
}

#[test]
fn the_sandbox_neither_depends_on_the_gateway_nor_names_it() {
    let lib = "crates/sandbox/src/lib.rs";
    let with = |manifest: &str, source: &str| {
        places(&faults_of_sandbox(&House::made_up(&[(SANDBOX, manifest), (lib, source)])))
    };
    assert!(
        with(
            "[dependencies]\naxum = \"0.8\"\n",
            "//! Knows no `gateway_core`.\n/// Nor gateway_core.\nfn f() {}"
        )
        .is_empty()
    );
    for kind in ["dependencies", "dev-dependencies"] {
        let manifest = format!("[{kind}]\naxum = \"0.8\"\ngateway-core = {{ path = \"../core\" }}\n");
        assert_eq!(with(&manifest, ""), [format!("{SANDBOX}:3")], "{kind}");
    }
    let renamed = "[dependencies]\ncore = { path = \"../..\", package = \"int6-ozmap-gateway\" }\n";
    assert_eq!(with(renamed, ""), [format!("{SANDBOX}:2")]);
    let source = "\nuse gateway_core::Dbm;\n#[cfg(test)]\nmod tests { fn f() { vec![int6_ozmap_gateway::app::serve] } }";
    assert_eq!(with("", source), [format!("{lib}:2"), format!("{lib}:4")]);
}

#[test]
fn the_gateway_does_not_name_the_sandbox() {
    let house = House::made_up(&[
        ("src/lib.rs", "mod app;"),
        ("src/app.rs", "\n#[cfg(test)]\nmod tests;"),
        ("src/app/tests.rs", "use gateway_sandbox::Sandbox;"),
        ("src/main.rs", "mod cli;"),
        ("src/cli.rs", "mod sandbox; use gateway_sandbox::Sandbox;"),
        ("src/cli/sandbox.rs", "use gateway_sandbox::Sandbox;"),
    ]);
    assert_eq!(places(&faults_of_naming_sandbox(&house)), ["src/app/tests.rs:1"]);
}
