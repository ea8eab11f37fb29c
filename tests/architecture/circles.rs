//! No two files import each other in a circle, of whatever length.

use std::collections::BTreeMap;

use super::house::{Edge, EdgeKind, Fault, House};

/// From one file to others: where the first import of each stands, and what it says.
type Graph = BTreeMap<String, BTreeMap<String, (usize, String)>>;

const TODO: &str =
    "Move what both sides need into a file below them, or import it from the file that defines it.";

/// Circles of files.
pub(crate) fn faults(house: &House) -> Vec<Fault> {
    let graph = graph(house);
    Circles::of(&graph).into_iter().map(|circle| fault(&graph, &circle)).collect()
}

/// How many imports there are between files.
pub(crate) fn imports(house: &House) -> usize {
    graph(house).values().map(BTreeMap::len).sum()
}

fn graph(house: &House) -> Graph {
    let mut graph = Graph::new();
    for Edge { from, line, path, ways, kind } in house.edges() {
        let file = &house.modules[from].file;
        for to in ways.iter().filter_map(|way| way.end()).map(|end| &house.modules[end].file) {
            if to != file && kind != EdgeKind::Reexport {
                let imports = graph.entry(file.clone()).or_default();
                let first = imports.entry(to.clone()).or_insert_with(|| (line, path.join("::")));
                *first = first.clone().min((line, path.join("::")));
            }
        }
    }
    graph
}

fn fault(graph: &Graph, circle: &[&str]) -> Fault {
    let mut lines = Vec::new();
    let mut place = ("", 0);
    for file in circle {
        for (to, (line, path)) in graph[*file].iter().filter(|(to, _)| circle.contains(&to.as_str())) {
            if lines.is_empty() {
                place = (file, *line);
            }
            lines.push(format!("      {file}:{line}: `{path}` stands in {to}"));
        }
    }
    let what = format!("{} files import each other in a circle. {TODO}\n{}", circle.len(), lines.join("\n"));
    Fault::new(place.0, place.1, what)
}

/// Tarjan's search for files that reach each other.
struct Circles<'a> {
    graph: &'a Graph,
    /// When a file was found, and the earliest file that it reaches.
    found: BTreeMap<&'a str, (usize, usize)>,
    open: Vec<&'a str>,
    circles: Vec<Vec<&'a str>>,
}

impl<'a> Circles<'a> {
    fn of(graph: &'a Graph) -> Vec<Vec<&'a str>> {
        let mut search = Circles { graph, found: BTreeMap::new(), open: Vec::new(), circles: Vec::new() };
        for file in graph.keys() {
            if !search.found.contains_key(file.as_str()) {
                search.visit(file);
            }
        }
        search.circles.sort();
        search.circles
    }

    /// Follows a file's imports; the answer is the earliest file that it reaches.
    fn visit(&mut self, file: &'a str) -> usize {
        let (number, mut earliest) = (self.found.len(), self.found.len());
        self.found.insert(file, (number, number));
        self.open.push(file);
        for to in self.graph.get(file).into_iter().flat_map(BTreeMap::keys) {
            match self.found.get(to.as_str()) {
                None => earliest = earliest.min(self.visit(to)),
                Some((found, _)) if self.open.contains(&to.as_str()) => earliest = earliest.min(*found),
                Some(_) => (),
            }
        }
        if earliest == number {
            let at = self.open.iter().position(|open| *open == file).expect("it was opened above");
            let mut circle = self.open.split_off(at);
            circle.sort_unstable();
            if circle.len() > 1 {
                self.circles.push(circle);
            }
        }
        earliest
    }
}

/// Files of each circle of a made-up tree.
fn circles(files: &[(&str, &str)]) -> Vec<Vec<String>> {
    let house = House::made_up(files);
    let graph = graph(&house);
    Circles::of(&graph).into_iter().map(|circle| circle.into_iter().map(str::to_owned).collect()).collect()
}

#[test]
fn two_files_that_import_each_other_are_a_circle_with_its_lines() {
    let house = House::made_up(&[
        ("src/lib.rs", "mod a;\nmod b;\n"),
        ("src/a.rs", "use crate::b::B;\npub struct A(B);\n"),
        ("src/b.rs", "\npub struct B;\nfn f() { super::a::A::new() }\n"),
    ]);
    let faults = faults(&house);
    let [fault] = faults.as_slice() else { panic!("one circle: {faults:?}") };
    assert_eq!((fault.file.as_str(), fault.line), ("src/a.rs", 1));
    assert!(fault.what.contains("src/a.rs:1: `crate::b::B` stands in src/b.rs"), "{fault}");
    assert!(fault.what.contains("src/b.rs:3: `super::a::A::new` stands in src/a.rs"), "{fault}");
}

#[test]
fn a_longer_circle_is_found_behind_re_exports_and_in_other_crates() {
    let core = "crates/core/src";
    let found = circles(&[
        (&format!("{core}/lib.rs"), "mod a; mod b; mod c; mod d; pub use a::A; pub use self::b::*;"),
        (&format!("{core}/a.rs"), "use crate::B; pub struct A;"),
        (&format!("{core}/b.rs"), "use super::c; pub struct B; fn f() { c::c() }"),
        (&format!("{core}/c.rs"), "pub fn c() { use gateway_core::{A, d}; d::d!() }"),
        (&format!("{core}/d.rs"), "pub fn d() {}"),
    ]);
    let file = |name: &str| format!("{core}/{name}.rs");
    assert_eq!(found, [["a", "b", "c"].map(file)]);
}

#[test]
fn a_parents_mod_and_re_export_are_no_import_but_its_use_is() {
    let child = ("src/a/b.rs", "use super::A; pub struct B(A);");
    let with = |a: &str| circles(&[("src/lib.rs", "mod a;"), ("src/a.rs", a), child]);
    assert!(with("mod b; pub use b::B; pub(crate) use self::b::B as C; pub struct A;").is_empty());
    let circle = vec![vec!["src/a.rs".to_owned(), "src/a/b.rs".to_owned()]];
    assert_eq!(with("mod b; use b::B; pub struct A;"), circle);
    assert_eq!(with("mod b; pub struct A; fn f() -> b::B {}"), circle);
    assert_eq!(with("mod b; pub use b::B; pub struct A { b: B }"), circle, "the re-export hides nothing");
    assert_eq!(
        with("mod b; pub use b::B; pub struct A; fn f() { vec![B::new()] }"),
        circle,
        "nor does a macro"
    );
    assert_eq!(with("mod b; pub struct A; fn f() { routes!(b::handler) }"), circle);
    assert_eq!(with("mod b; pub struct A { #[serde(with = \"b::texts\")] c: u8 }"), circle);
}

#[test]
fn a_macro_without_an_import_counts() {
    let files = [
        ("src/lib.rs", "macro_rules! table { () => {} } mod a;"),
        ("src/a.rs", "table!();"),
        ("src/main.rs", "mod c; mod d;"),
        ("src/c.rs", "macro_rules! row { () => { $crate::d::D } }"),
        ("src/d.rs", "pub struct D; row!();"),
    ];
    assert_eq!(circles(&files), [["src/c.rs", "src/d.rs"].map(str::to_owned)]);
}

#[test]
fn tests_may_import_in_circles() {
    let test = "pub struct B; #[cfg(test)] mod tests { use super::super::a::A; } #[cfg(all(test, unix))] use super::a::A;";
    let files = [
        ("src/lib.rs", "mod a; mod b; #[cfg(any(test, feature = \"fuzzing\"))] mod fuzzing;"),
        ("src/a.rs", "use crate::b::B; #[cfg(test)] mod tests; pub struct A;"),
        ("src/a/tests.rs", "use super::*; #[test] fn f() {}"),
        ("src/fuzzing.rs", "use crate::b::B;"),
        ("src/b.rs", test),
    ];
    assert!(circles(&files).is_empty());
    let not_test = test.replace("all(test, unix)", "any(test, unix)");
    let mut files = files;
    files[4].1 = &not_test;
    assert_eq!(circles(&files).len(), 1);
}

#[test]
fn a_variable_is_no_import() {
    let files = [
        ("src/lib.rs", "mod a;"),
        ("src/a.rs", "mod b; pub use b::plan; pub struct A; fn f(plan: u8) { g(plan) }"),
        ("src/a/b.rs", "use super::A; pub fn plan() {}"),
    ];
    assert!(circles(&files).is_empty());
}
