//! What a module may import, by its top module: downwards only. The table stands in `docs/ARCHITECTURE.md`, "Imports", too.

use std::collections::{BTreeMap, BTreeSet};

use super::house::{Edge, Fault, House, Target, Way};

/// This file, where the table's faults are.
const HERE: &str = "tests/architecture/walls.rs";
/// Where people read the table.
const PAPER: &str = "docs/ARCHITECTURE.md";
/// Above the table in the paper.
const HEADING: &str = "### Imports";

/// What a top module may import.
pub(crate) struct Row {
    module: &'static str,
    may_import: &'static [&'static str],
    /// Where it stands in this file.
    line: u32,
}

macro_rules! row {
    ($module:literal => $($may_import:literal)*) => {
        Row { module: $module, may_import: &[$($may_import),*], line: line!() }
    };
}

/// One row for each top module of the root package, from the edge to the middle; `core` and `sandbox` are the crates. Each
/// import in it occurs: one that is no longer needed goes.
pub(crate) const TABLE: &[Row] = &[
    row!("main" => "cli"),
    row!("cli" => "app" "config" "doctor" "http" "key" "store" "sync" "telemetry" "sandbox" "core"),
    row!("lib" =>),
    row!("app" => "http" "notices" "sync" "provisioning" "doctor" "mirror" "ozmap" "int6" "store" "upstream" "config" "schedule" "telemetry" "core"),
    row!("http" => "sync" "provisioning" "store" "key" "core"),
    row!("notices" => "provisioning" "store" "upstream" "core"),
    row!("doctor" => "config" "ozmap" "int6" "store" "upstream" "key" "core"),
    row!("config" => "notices" "provisioning" "ozmap" "int6" "upstream" "key" "core"),
    row!("sync" => "ozmap" "int6" "store" "upstream" "core"),
    row!("provisioning" => "mirror" "ozmap" "store" "upstream" "core"),
    row!("mirror" => "ozmap" "store" "upstream" "core"),
    row!("ozmap" => "upstream" "core"),
    row!("int6" => "upstream" "core"),
    row!("store" => "core"),
    row!("upstream" => "core"),
    row!("telemetry" => "core"),
    row!("key" =>),
    row!("schedule" =>),
];

/// Where a top module imports another for the first time.
type Imports<'a> = BTreeMap<(&'a str, &'a str), (&'a str, usize, String)>;

/// Imports that the table does not allow, and rows and imports of the table that are not there.
pub(crate) fn faults(house: &House, table: &[Row]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let (modules, imports) = (tops(house), imports(house));
    for (module, file) in &modules {
        if !table.iter().any(|row| row.module == *module) {
            let what = format!(
                "`{module}` has no row in the table of allowed imports: add one to {HERE} and to {PAPER}, \"Imports\""
            );
            faults.push(Fault::new(file, 1, what));
        }
    }
    for ((module, imported), (file, line, path)) in &imports {
        let row = table.iter().find(|row| row.module == *module);
        if let Some(row) = row.filter(|row| !row.may_import.contains(imported)) {
            faults.push(Fault::new(file, *line, forbidden(row, imported, path)));
        }
    }
    faults.extend(table.iter().flat_map(|row| idle(row, &modules, &imports)));
    faults
}

fn forbidden(row: &Row, imported: &str, path: &str) -> String {
    format!(
        "`{}` must not import `{imported}` (`{path}`); it may import {}. Move the code to a module that may, hand the value over \
         as an argument, or define it further down",
        row.module,
        list(row.may_import)
    )
}

fn list(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

/// What a row says that is not so.
fn idle(row: &Row, modules: &BTreeMap<&str, &str>, imports: &Imports<'_>) -> Vec<Fault> {
    let fault = |what: String| Fault::new(HERE, row.line as usize, what);
    if !modules.contains_key(row.module) {
        return vec![fault(format!(
            "the table has a row for `{}`, which is no module: delete it",
            row.module
        ))];
    }
    let is_idle = |imported: &&&str| !imports.contains_key(&(row.module, **imported));
    let what = |imported: &&str| {
        fault(format!(
            "the table allows `{}` to import `{imported}`, which it does not: delete it there",
            row.module
        ))
    };
    row.may_import.iter().filter(is_idle).map(what).collect()
}

/// The top modules of the root package and their files.
fn tops(house: &House) -> BTreeMap<&str, &str> {
    let modules =
        house.modules.iter().enumerate().filter(|(_, module)| ["lib", "main"].contains(&module.root));
    let mut tops = BTreeMap::new();
    for (id, module) in modules {
        tops.entry(house.top(id)).or_insert(module.file.as_str());
    }
    tops
}

fn imports(house: &House) -> Imports<'_> {
    let mut imports = Imports::new();
    for Edge { from, line, path, ways, .. } in house.edges() {
        let (file, module) = (house.modules[from].file.as_str(), house.top(from));
        let judged = ["lib", "main"].contains(&house.modules[from].root);
        let imported: BTreeSet<&str> = ways.iter().flat_map(|way| named(house, way)).collect();
        for imported in
            imported.into_iter().filter(|imported| judged && *imported != module && *imported != "lib")
        {
            imports.entry((module, imported)).or_insert_with(|| (file, line, path.join("::")));
        }
    }
    // A crate's root declares its modules; what it re-exports of them is theirs.
    imports.retain(|(module, _), _| *module != "lib");
    imports
}

/// The top modules that a path names, and the one at its end: a re-export opens no wall.
fn named<'a>(house: &'a House, way: &Way) -> Vec<&'a str> {
    let outside = match &way.target {
        Target::Foreign(path) if path[0] == "gateway_core" => Some("core"),
        Target::Foreign(path) if path[0] == "gateway_sandbox" => Some("sandbox"),
        _ => None,
    };
    way.through.iter().copied().chain(way.end()).map(|id| house.top(id)).chain(outside).collect()
}

/// Where the table in the paper says something else than [`TABLE`].
pub(crate) fn faults_of_paper(house: &House, table: &[Row]) -> Vec<Fault> {
    let Some(paper) = house.texts.get(PAPER) else {
        return vec![Fault::new(PAPER, 1, "there is no such paper: it has the table of imports")];
    };
    let told = told(paper);
    let rows: Vec<(&str, BTreeSet<&str>)> =
        table.iter().map(|row| (row.module, row.may_import.iter().copied().collect())).collect();
    let mut faults = Vec::new();
    for (module, imports) in rows.iter().filter(|(_, imports)| !imports.is_empty()) {
        let is_told = |(_, known, told): &&(usize, &str, BTreeSet<&str>)| known == module && told == imports;
        if !told.iter().any(|row| is_told(&row)) {
            let imports: Vec<&str> = imports.iter().copied().collect();
            let line =
                told.iter().find(|(_, known, _)| known == module).or(told.first()).map_or(1, |row| row.0);
            let what =
                format!("under \"Imports\" `{module}` has to import {}, as {HERE} has it", list(&imports));
            faults.push(Fault::new(PAPER, line, what));
        }
    }
    let unknown = told
        .iter()
        .filter(|(_, module, _)| !rows.iter().any(|(known, imports)| known == module && !imports.is_empty()));
    faults.extend(unknown.map(|(line, module, _)| {
        Fault::new(PAPER, *line, format!("`{module}` has no row with imports in {HERE}: delete the row here"))
    }));
    faults
}

/// The rows of the paper's table: line, module, imports.
fn told(paper: &str) -> Vec<(usize, &str, BTreeSet<&str>)> {
    let lines = paper.lines().enumerate().skip_while(|(_, line)| *line != HEADING).skip(1);
    let section = lines.take_while(|(_, line)| !line.starts_with('#'));
    let rows = section.filter(|(_, line)| line.starts_with("| `"));
    rows.filter_map(|(at, line)| {
        let mut names = line.split('`').skip(1).step_by(2);
        Some((at + 1, names.next()?, names.collect()))
    })
    .collect()
}

const MADE_UP: &[Row] = &[
    row!("lib" =>),
    row!("top" => "low" "core"),
    row!("low" =>),
    row!("cli" => "top"),
    row!("main" => "cli"),
];

fn made_up(top: &str, low: &str) -> House {
    House::made_up(&[
        ("src/lib.rs", "pub mod top;\npub mod low;"),
        ("src/top.rs", top),
        ("src/low.rs", "pub mod inner;"),
        ("src/low/inner.rs", low),
        ("src/main.rs", "mod cli; fn main() { cli::main() }"),
        ("src/cli.rs", "use int6_ozmap_gateway::top; pub fn main() {}"),
    ])
}

/// Place of each fault and a part of what it says.
fn told_of(faults: &[Fault]) -> Vec<(String, bool)> {
    let is_forbidden = |fault: &Fault| fault.what.contains("must not import");
    faults.iter().map(|fault| (format!("{}:{}", fault.file, fault.line), is_forbidden(fault))).collect()
}

#[test]
fn what_the_table_allows_is_fine() {
    let house = made_up(
        "use gateway_core::Dbm; use crate::low::inner::Low;",
        "#[cfg(test)] mod tests { use crate::top::Top; } pub struct Low;",
    );
    assert_eq!(faults(&house, MADE_UP), []);
}

#[test]
fn an_import_upwards_is_a_fault_however_it_is_written() {
    for upwards in [
        "\nuse crate::top::Top;",
        "\nuse crate::{top};",
        "\nuse super::super::top::{self, Top};",
        "\nfn f() { crate::top::f() }",
        "\nfn f() { tokio::select! { _ = crate::top::f() => () } }",
        "\nuse int6_ozmap_gateway::top;",
        "\ntype Top = super::super::top::Top;",
        "\nuse crate::*; fn f(_: top::Top) {}",
    ] {
        let found = faults(&made_up("use gateway_core::Dbm; use crate::low::inner::Low;", upwards), MADE_UP);
        assert_eq!(told_of(&found), [("src/low/inner.rs:2".to_owned(), true)], "{upwards}");
        assert!(found[0].what.contains("it may import nothing"), "{}", found[0]);
    }
}

#[test]
fn a_re_export_opens_no_wall() {
    let house = House::made_up(&[
        ("src/lib.rs", "mod top; mod mid; mod low;"),
        ("src/top.rs", "\nuse crate::mid::Low;"),
        ("src/mid.rs", "pub use crate::low::Low;"),
        ("src/low.rs", "pub struct Low;"),
    ]);
    let table = &[row!("lib" =>), row!("top" => "mid"), row!("mid" => "low"), row!("low" =>)];
    let found = faults(&house, table);
    assert_eq!(told_of(&found), [("src/top.rs:2".to_owned(), true)]);
    assert!(found[0].what.contains("`top` must not import `low`"), "{}", found[0]);
}

#[test]
fn a_module_without_a_row_is_a_fault_and_so_is_a_row_that_says_what_is_not() {
    let house = made_up("use gateway_core::Dbm; use crate::low::inner::Low;", "");
    let without = &[row!("lib" =>), row!("top" => "low" "core"), row!("cli" => "top"), row!("main" => "cli")];
    assert_eq!(told_of(&faults(&house, without)), [("src/low.rs:1".to_owned(), false)]);

    let here = |line: u32| (format!("{HERE}:{line}"), false);
    let gone = Row { module: "gone", may_import: &[], line: 7 };
    let idle = Row { module: "low", may_import: &["core"], line: 8 };
    let table = &[
        row!("lib" =>),
        row!("top" => "low" "core"),
        idle,
        row!("cli" => "top"),
        row!("main" => "cli"),
        gone,
    ];
    assert_eq!(told_of(&faults(&house, table)), [here(8), here(7)]);
}

#[test]
fn the_sandbox_is_for_the_command_line_alone() {
    let house =
        made_up("use gateway_core::Dbm; use crate::low::inner::Low;\nuse gateway_sandbox::Sandbox;", "");
    assert_eq!(told_of(&faults(&house, MADE_UP)), [("src/top.rs:2".to_owned(), true)]);
}

#[test]
fn a_paper_that_says_otherwise_is_a_fault() {
    let with = |text: &str| faults_of_paper(&House::made_up(&[(PAPER, text)]), MADE_UP);
    let good = "### Imports\n\n| module | may import |\n|---|---|\n| `top` | `core`, `low` |\n| `cli` | `top` |\n| `main` | `cli` |\n";
    assert_eq!(with(good), []);
    assert_eq!(told_of(&with(&good.replace("`core`, ", ""))), [(format!("{PAPER}:5"), false)]);
    assert_eq!(told_of(&with(&format!("{good}| `gone` | `low` |\n"))), [(format!("{PAPER}:8"), false)]);
    assert_eq!(
        with(&good.replace("| `cli`", "## Next\n| `cli`")).len(),
        2,
        "beyond the section nothing counts"
    );
    assert_eq!(faults_of_paper(&House::made_up(&[]), MADE_UP).len(), 1);
}
