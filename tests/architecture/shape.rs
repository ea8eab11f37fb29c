//! How files and names are laid out: one module style, no type name twice.

use std::collections::BTreeMap;

use super::house::{Fault, House};
use super::syntax::Kind;

/// Files called `mod.rs`.
pub(crate) fn faults_of_mod_files(house: &House) -> Vec<Fault> {
    let files = house.files.keys().filter(|file| file.ends_with("/mod.rs"));
    let what = |file: &String| {
        let folder = file.trim_end_matches("/mod.rs");
        Fault::new(file, 1, format!("a module stands beside its folder: move this file to {folder}.rs"))
    };
    files.map(what).collect()
}

/// Attributes `#[path]`, in tests in `src` too.
pub(crate) fn faults_of_paths(house: &House) -> Vec<Fault> {
    let attributes = house
        .files
        .iter()
        .flat_map(|(file, source)| source.path_attributes.iter().map(move |line| (file, *line)));
    let what = "a module is found by its name, without `#[path]`: put the file where its name says, or what tests share into tests/";
    attributes.map(|(file, line)| Fault::new(file, line, what)).collect()
}

/// Structs, enums, traits and aliases of one name in the root package. Not those that a macro makes; tests may have what names
/// they like.
pub(crate) fn faults_of_names(house: &House) -> Vec<Fault> {
    let mut places: BTreeMap<&str, Vec<(&str, usize)>> = BTreeMap::new();
    for module in house.modules.iter().filter(|module| module.file.starts_with("src/")) {
        for name in module.facts.names.iter().filter(|name| name.kind == Kind::Type) {
            places.entry(&name.text).or_default().push((&module.file, name.line));
        }
    }
    let mut faults = Vec::new();
    for (name, places) in places.iter().filter(|(_, places)| places.len() > 1) {
        for (file, line) in places {
            let others = places.iter().filter(|place| **place != (*file, *line));
            let others: Vec<String> = others.map(|(file, line)| format!("{file}:{line}")).collect();
            let what = format!(
                "`{name}` is a type of {} too: name one of them by what sets it apart, or share it",
                others.join(", ")
            );
            faults.push(Fault::new(file, *line, what));
        }
    }
    faults
}

/// How many types have a name in the root package.
pub(crate) fn types(house: &House) -> usize {
    let modules = house.modules.iter().filter(|module| module.file.starts_with("src/"));
    modules.flat_map(|module| &module.facts.names).filter(|name| name.kind == Kind::Type).count()
}

fn places(faults: &[Fault]) -> Vec<String> {
    faults.iter().map(|fault| format!("{}:{}", fault.file, fault.line)).collect()
}

#[test]
fn a_mod_rs_is_a_fault() {
    let house = House::made_up(&[("src/lib.rs", "mod a;"), ("src/a/mod.rs", "mod b;"), ("src/a/b.rs", "")]);
    assert_eq!(places(&faults_of_mod_files(&house)), ["src/a/mod.rs:1"]);
    assert_eq!(house.unread, []);
}

#[test]
fn an_attribute_path_is_a_fault_and_other_attributes_are_not() {
    let house = House::made_up(&[
        ("src/lib.rs", "\n#[path = \"x/a.rs\"]\nmod a;\n#[cfg(test)]\nmod tests;"),
        (
            "src/a.rs",
            "#[utoipa::path(get, path = \"/v1\")]\nfn f() {}\n#[cfg_attr(unix, path = \"b.rs\")]\nmod b {}",
        ),
        ("src/tests.rs", "#[path = \"../tests/support/x.rs\"]\nmod x;"),
        ("crates/core/tests/all.rs", "#[path = \"y.rs\"]\nmod y;"),
    ]);
    assert_eq!(places(&faults_of_paths(&house)), ["src/a.rs:3", "src/lib.rs:2", "src/tests.rs:1"]);
}

#[test]
fn a_type_name_twice_is_a_fault() {
    let house = House::made_up(&[
        ("src/lib.rs", "mod a; mod b;\ntype Error = u8; fn f() { struct Inner; }"),
        (
            "src/a.rs",
            "pub struct RowError;\nstruct One; struct Inner; #[cfg(test)] mod tests { struct One; }",
        ),
        ("src/b.rs", "\n\nenum RowError {} mod inner { trait Error {} fn RowError() {} }"),
        ("crates/core/src/lib.rs", "struct One;"),
    ]);
    let found = faults_of_names(&house);
    assert_eq!(places(&found), ["src/lib.rs:2", "src/b.rs:3", "src/a.rs:1", "src/b.rs:3"]);
    assert!(found[2].what.contains("`RowError` is a type of src/b.rs:3 too"), "{}", found[2]);
}

#[test]
fn a_source_that_no_module_leads_to_is_a_fault() {
    let house = House::made_up(&[
        ("src/lib.rs", "mod a;\nmod gone;\n#[cfg(test)]\nmod tests;"),
        ("src/a.rs", "pub mod inner { mod deep; }"),
        ("src/a/inner/deep.rs", ""),
        ("src/tests.rs", "mod more;"),
        ("src/tests/more.rs", ""),
        ("src/lost.rs", ""),
    ]);
    assert_eq!(places(&house.unread), ["src/lib.rs:2", "src/lost.rs:1"]);
}
