//! The field names of OZmap and INT6 stop at the `wire` modules.

use std::collections::HashSet;

use super::house::{Fault, House, line_with};

/// This file, where the list's faults are.
const HERE: (&str, &str) = ("tests/architecture/words.rs", include_str!("words.rs"));

/// Names in the JSON of the two systems. Not here: names that our own API shares with them, such as `serial_number`.
const FOREIGN: [&str; 14] = [
    // OZmap
    "_id",
    "arriving_potency",
    "connectables",
    "coords",
    "hasNextPage",
    "isDrop",
    "nextUrl",
    "pon_reached",
    "potency",
    "potencyRead",
    "user_PPPoE",
    // INT6
    "gpon_client_id",
    "pppoe_username",
    "rx_power",
];

/// Modules that may name them: those that read and write the JSON, ...
const WIRE: [&str; 2] = ["src/ozmap/wire", "src/int6/wire"];
/// ... the settings, which have INT6's names as defaults, and the walkthrough, which speaks to the pretend systems in
/// INT6's place.
const OTHERS: [&str; 2] = ["src/config", "src/cli/sandbox"];
/// Where sources are judged.
const JUDGED: [&str; 2] = ["src/", "crates/core/src/"];

/// Where a foreign word stands elsewhere, and words of the list that stand nowhere.
pub(crate) fn faults(house: &House) -> Vec<Fault> {
    let (mut faults, mut used) = (Vec::new(), HashSet::new());
    for module in
        house.modules.iter().filter(|module| JUDGED.iter().any(|folder| module.file.starts_with(folder)))
    {
        let (is_wire, is_other) = (is_in(&module.file, &WIRE), is_in(&module.file, &OTHERS));
        for word in &module.facts.words {
            for foreign in FOREIGN.iter().filter(|foreign| stands_in(foreign, &word.text, word.is_literal)) {
                if is_wire {
                    used.insert(*foreign);
                } else if !is_other {
                    faults.push(Fault::new(&module.file, word.line, stray(foreign)));
                }
            }
        }
    }
    faults.sort();
    faults.dedup();
    let idle = FOREIGN.iter().filter(|foreign| !used.contains(**foreign));
    faults.extend(idle.map(|foreign| {
        let what = format!("no wire module names `{foreign}`: take it off the list of foreign words");
        Fault::new(HERE.0, line_with(HERE.1, &format!("{foreign:?}")), what)
    }));
    faults
}

fn stray(foreign: &str) -> String {
    format!(
        "`{foreign}` is a foreign word and stops at `wire` (src/ozmap/wire.rs, src/int6/wire.rs and below). Put what needs it \
         there, and name it here in our terms (docs/ARCHITECTURE.md, \"Glossary\")"
    )
}

/// `src/ozmap/wire` is `src/ozmap/wire.rs` and what is below `src/ozmap/wire/`.
fn is_in(file: &str, modules: &[&str]) -> bool {
    let rests = modules.iter().filter_map(|module| file.strip_prefix(module));
    rests.into_iter().any(|rest| rest == ".rs" || rest.starts_with('/'))
}

/// An identifier as a whole; in a text, a whole word.
fn stands_in(foreign: &str, text: &str, is_literal: bool) -> bool {
    let is_of_word = |c: char| c.is_alphanumeric() || c == '_';
    if !is_literal {
        return text == foreign;
    }
    text.match_indices(foreign).any(|(at, _)| {
        !text[..at].ends_with(is_of_word) && !text[at + foreign.len()..].starts_with(is_of_word)
    })
}

/// A tree in which every word stands where it may, with `source` beside it.
fn made_up(source: &str) -> Vec<Fault> {
    let wire = format!("const ALL: &[&str] = &{FOREIGN:?};");
    faults(&House::made_up(&[
        ("src/lib.rs", "mod ozmap; mod config;"),
        ("src/ozmap.rs", "mod wire; mod reader;"),
        ("src/ozmap/wire.rs", "mod row;"),
        ("src/ozmap/wire/row.rs", &wire),
        ("src/ozmap/reader.rs", source),
        ("src/config.rs", "const CODE: &str = \"gpon_client_id\";"),
    ]))
}

#[test]
fn a_foreign_word_outside_wire_is_a_fault() {
    for source in [
        "fn f(potency: u8) {}",
        "struct Row { potency: u8 }",
        "const FIELDS: &str = \"id potencyRead\";",
        "fn f() { json!({ \"isDrop\": true }) }",
        "fn f() { format!(\"`nextUrl` is wrong\") }",
        "#[serde(rename = \"user_PPPoE\")] struct Row;",
        "use super::wire::potency;",
        "const BYTES: &[u8] = b\"rx_power\";",
    ] {
        let found = made_up(&format!("\n{source}"));
        let places: Vec<_> = found.iter().map(|fault| (fault.file.as_str(), fault.line)).collect();
        assert_eq!(places, [("src/ozmap/reader.rs", 2)], "{source}");
    }
}

#[test]
fn comments_tests_and_longer_words_are_fine() {
    for source in [
        "// potencyRead\n/// `potencyRead`\nfn f() {}",
        "#[cfg(test)] mod tests { const A: &str = \"potencyRead\"; }",
        "const A: &str = \"splitter_id potencyReadings\"; fn potency_read() {}",
        "settings! { /// `potencyRead`\n A }",
    ] {
        assert_eq!(made_up(source), [], "{source}");
    }
}

#[test]
fn a_word_that_no_wire_names_is_a_fault() {
    let found = faults(&House::made_up(&[("src/lib.rs", "")]));
    assert_eq!(found.len(), FOREIGN.len());
    let listed = HERE.1.lines().nth(found[0].line - 1);
    assert_eq!((found[0].file.as_str(), listed), (HERE.0, Some("    \"_id\",")));
}
