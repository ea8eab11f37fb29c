//! Who may send what: HTTP methods that change something, and the HTTP client itself.

use std::collections::BTreeSet;

use super::house::{Edge, Fault, House, Target, line_with};

/// This file, where the table's faults are.
const HERE: &str = "tests/architecture/writes.rs";
const TEXT: &str = include_str!("writes.rs");

/// Methods that may change what they are sent to.
const WRITING: [&str; 4] = ["DELETE", "PATCH", "POST", "PUT"];

/// Files that send them, and which. Nothing deletes; of INT6 a token is asked for by POST.
const WRITERS: [(&str, &[&str]); 3] = [
    ("src/ozmap/writer.rs", &["PATCH", "POST"]),
    ("src/ozmap/clients.rs", &["PATCH", "POST"]),
    ("src/int6/auth.rs", &["POST"]),
];
/// The API answers these methods and sends none: it cannot reach OZmap, by the table of imports.
const API: &str = "src/http";

/// Modules that use the HTTP client; everybody else calls by `upstream`.
const CALLERS: [&str; 2] = ["src/upstream", "src/notices/post"];

/// Writing methods in other files than [`WRITERS`], and writers that do not write.
pub(crate) fn faults_of_methods(house: &House) -> Vec<Fault> {
    let (mut faults, mut used) = (Vec::new(), BTreeSet::new());
    for (file, line, method) in methods(house) {
        let is_writer = WRITERS.iter().find(|(writer, methods)| *writer == file && methods.contains(&method));
        match is_writer {
            Some((writer, _)) => drop(used.insert((*writer, method))),
            None => faults.push(Fault::new(file, line, stray(method))),
        }
    }
    let writers =
        WRITERS.iter().flat_map(|(file, methods)| methods.iter().map(move |method| (*file, *method)));
    faults.extend(writers.filter(|writer| !used.contains(writer)).map(|(file, method)| {
        Fault::new(
            HERE,
            line_with(TEXT, file),
            format!("{file} sends no {method}: take it off the list of writers"),
        )
    }));
    faults.sort();
    faults.dedup();
    faults
}

fn stray(method: &str) -> String {
    format!(
        "{method} changes what it is sent to, and may be sent by {} alone, each what {HERE} allows. Send it there, so that every \
         write to OZmap is a value before it is a call (docs/ARCHITECTURE.md, \"Who may write to OZmap\")",
        WRITERS.map(|(file, _)| file).join(", ")
    )
}

/// Where a method is named: as `Method::POST`, by an import, or as a text.
fn methods(house: &House) -> Vec<(&str, usize, &'static str)> {
    let mut found = Vec::new();
    for Edge { from, line, path, ways, .. } in house.edges() {
        let foreign = ways.iter().filter_map(|way| match &way.target {
            Target::Foreign(path) => Some(path.as_slice()),
            _ => None,
        });
        let names = |method: &str| {
            foreign
                .clone()
                .chain([path])
                .any(|path| path.ends_with(&["Method".to_owned(), method.to_owned()]))
        };
        found.extend(WRITING.into_iter().filter(|method| names(method)).map(|method| (from, line, method)));
    }
    for (id, module) in house.modules.iter().enumerate() {
        let texts = module.facts.words.iter().filter(|word| word.is_literal);
        let methods = texts.flat_map(|word| {
            WRITING.into_iter().filter(|method| word.text == *method).map(|method| (id, word.line, method))
        });
        found.extend(methods);
    }
    let found = found.into_iter().map(|(id, line, method)| (house.modules[id].file.as_str(), line, method));
    found.filter(|(file, _, _)| file.starts_with("src/") && !is_in(file, API)).collect()
}

/// Where the HTTP client is named beside [`CALLERS`], and callers that do not name it.
pub(crate) fn faults_of_client(house: &House) -> Vec<Fault> {
    let (mut faults, mut used) = (Vec::new(), BTreeSet::new());
    for Edge { from, line, path, ways, kind } in house.edges() {
        let is_client = |way: &Target| matches!(way, Target::Foreign(path) if path[0] == "reqwest");
        // What an import has brought is told of once, where it is imported.
        let is_named =
            path[0] == "reqwest" || (kind.is_import() && ways.iter().any(|way| is_client(&way.target)));
        let file = house.modules[from].file.as_str();
        if !file.starts_with("src/") || !is_named {
            continue;
        }
        match CALLERS.iter().find(|caller| is_in(file, caller)) {
            Some(caller) => drop(used.insert(*caller)),
            None => {
                let what = format!(
                    "`{}` is of reqwest, which only {} may use: elsewhere a client has no time-out and no redaction. Call by \
                     `upstream`; methods and status codes are in the crate `http`, too",
                    path.join("::"),
                    CALLERS.join(" and ")
                );
                faults.push(Fault::new(file, line, what));
            }
        }
    }
    faults.sort();
    faults.dedup_by(|one, other| (&one.file, one.line) == (&other.file, other.line));
    let idle = CALLERS.iter().filter(|caller| !used.contains(**caller));
    faults.extend(idle.map(|caller| {
        let what = format!("{caller} does not use reqwest: take it off the list of callers");
        Fault::new(HERE, line_with(TEXT, &format!("{caller:?}")), what)
    }));
    faults
}

fn is_in(file: &str, module: &str) -> bool {
    file.strip_prefix(module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

/// A tree in which everything is as it should be, with `source` beside it.
fn made_up(source: &str) -> House {
    House::made_up(&[
        ("src/lib.rs", "mod http; mod int6; mod notices; mod ozmap; mod upstream;"),
        ("src/http.rs", "fn f() { axum::http::Method::DELETE }"),
        ("src/int6.rs", "mod auth;"),
        ("src/int6/auth.rs", "use http::Method; fn f() { Method::POST }"),
        ("src/ozmap.rs", "mod clients; mod reader; mod writer;"),
        ("src/ozmap/clients.rs", "use http::Method; fn f() { (Method::POST, Method::PATCH) }"),
        ("src/ozmap/writer.rs", "use http::Method; fn f() { (Method::POST, Method::PATCH) }"),
        ("src/ozmap/reader.rs", source),
        ("src/notices.rs", "mod post;"),
        ("src/notices/post.rs", "use reqwest::Client;"),
        ("src/upstream.rs", "mod settings;"),
        ("src/upstream/settings.rs", "fn f() { reqwest::Client::builder() }"),
    ])
}

fn places(faults: &[Fault]) -> Vec<String> {
    faults.iter().map(|fault| format!("{}:{}", fault.file, fault.line)).collect()
}

#[test]
fn a_writing_method_in_another_file_is_a_fault() {
    for source in [
        "use http::Method; fn f() { Method::PATCH }",
        "use http::Method as Verb; fn f() { Verb::DELETE }",
        "use http::Method::PUT;",
        "fn f() { vec![http::Method::POST] }",
        "fn f() { \"POST\".parse::<http::Method>() }",
        "fn f() { http::Method::from_bytes(b\"PATCH\") }",
    ] {
        let found = faults_of_methods(&made_up(&format!("\n{source}")));
        assert_eq!(places(&found), ["src/ozmap/reader.rs:2"], "{source}");
    }
    let reading =
        "use http::Method; fn f() { Method::GET } #[cfg(test)] mod tests { fn f() { http::Method::POST } }";
    assert_eq!(faults_of_methods(&made_up(reading)), []);
}

#[test]
fn a_writer_may_send_what_the_list_says_and_does() {
    let house = House::made_up(&[
        ("src/lib.rs", "mod ozmap;"),
        ("src/ozmap.rs", "mod writer;"),
        (
            "src/ozmap/writer.rs",
            "fn f() { (http::Method::POST, http::Method::PATCH,\n http::Method::DELETE) }",
        ),
    ]);
    let found = faults_of_methods(&house);
    let here = |file: &str| format!("{HERE}:{}", line_with(TEXT, file));
    let idle = [here("src/ozmap/clients.rs"), here("src/ozmap/clients.rs"), here("src/int6/auth.rs")];
    assert_eq!(places(&found), [["src/ozmap/writer.rs:2".to_owned()].as_slice(), &idle].concat());
}

#[test]
fn the_http_client_in_another_file_is_a_fault() {
    for source in [
        "use reqwest::Client;",
        "use ::reqwest as web;",
        "fn f() { tokio::join!(reqwest::get(\"x\")) }",
        "extern crate reqwest;",
    ] {
        let found = faults_of_client(&made_up(&format!("\n{source}")));
        assert_eq!(places(&found), ["src/ozmap/reader.rs:2"], "{source}");
    }
    assert_eq!(faults_of_client(&made_up("#[cfg(test)] mod tests { use reqwest::Client; }")), []);
    let callers = line_with(TEXT, "const CALLERS");
    let idle = format!("{HERE}:{callers}");
    assert_eq!(places(&faults_of_client(&House::made_up(&[]))), [idle.clone(), idle]);
}
