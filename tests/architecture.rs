//! The walls, read from the sources: what may import what, where foreign words and writes stand, how files are laid out. What
//! they are for stands in `docs/ARCHITECTURE.md`, "Invariants".
//!
//! Each rule is shown a made-up tree that breaks it, beside the rule; here it is shown the sources as they are. Test code is
//! free unless a rule says otherwise.

mod architecture {
    pub(crate) mod circles;
    pub(crate) mod crates;
    pub(crate) mod house;
    pub(crate) mod shape;
    pub(crate) mod syntax;
    pub(crate) mod walls;
    pub(crate) mod words;
    pub(crate) mod writes;
}

use std::path::Path;

use architecture::house::{Fault, House};
use architecture::{circles, crates, shape, walls, words, writes};

/// What finds that a rule is broken.
type Check = fn(&House) -> Vec<Fault>;

/// The rules.
const RULES: [(&str, Check); 14] = [
    ("every source is a module", |house| house.unread.clone()),
    ("a top module imports what the table allows, and all of it", |house| walls::faults(house, walls::TABLE)),
    ("the paper has the same table", |house| walls::faults_of_paper(house, walls::TABLE)),
    ("no two files import each other in a circle", circles::faults),
    ("the core depends on a closed list", crates::faults_of_core_manifest),
    ("the core knows no clock, file, network or environment", crates::faults_of_core_sources),
    ("the sandbox does not know the gateway", crates::faults_of_sandbox),
    ("the gateway does not know the sandbox", crates::faults_of_naming_sandbox),
    ("foreign words stop at wire", words::faults),
    ("few files send a method that changes something", writes::faults_of_methods),
    ("only upstream and the courier's post use the HTTP client", writes::faults_of_client),
    ("a module stands beside its folder", shape::faults_of_mod_files),
    ("a module is found by its name", shape::faults_of_paths),
    ("a type name is there once", shape::faults_of_names),
];

/// Fewer than these: the sources are no longer found, and every rule would hold.
const FEWEST_MODULES: usize = 100;
const FEWEST_IMPORTS: usize = 200;
const FEWEST_TYPES: usize = 100;

/// All rules in one test, because reading the sources takes longer than judging them.
#[test]
fn the_walls_stand() {
    let house = House::read(Path::new(env!("CARGO_MANIFEST_DIR")));
    assert_whole(&house);
    let broken = RULES.iter().map(|(rule, check)| told(rule, &check(&house))).collect::<String>();
    assert!(broken.is_empty(), "the walls (docs/ARCHITECTURE.md, \"Invariants\") are broken:\n{broken}");
}

/// A rule and how it is broken; nothing if it holds.
fn told(rule: &str, faults: &[Fault]) -> String {
    let lines = faults.iter().map(|fault| format!("  {fault}\n")).collect::<String>();
    if faults.is_empty() { lines } else { format!("\n{rule}; faults: {}\n{lines}", faults.len()) }
}

fn assert_whole(house: &House) {
    for root in ["lib", "main", "core", "sandbox"] {
        assert!(house.modules.iter().any(|module| module.root == root), "there are no sources of {root}");
    }
    let (modules, imports, types) = (house.modules.len(), circles::imports(house), shape::types(house));
    assert!(
        modules >= FEWEST_MODULES,
        "{modules} modules were found, {FEWEST_MODULES} at least are expected"
    );
    assert!(
        imports >= FEWEST_IMPORTS,
        "{imports} imports were found, {FEWEST_IMPORTS} at least are expected"
    );
    assert!(types >= FEWEST_TYPES, "{types} types were found, {FEWEST_TYPES} at least are expected");
}
