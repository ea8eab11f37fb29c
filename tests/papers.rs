//! The papers hold together: what a comment cites is a file of this repository and a heading in it, and every relative link
//! of the papers leads somewhere.
//!
//! A citation names file and heading: `` `docs/contracts/rules.md`, "Rails" ``; further headings follow with `and`, details
//! after a colon. It may be broken over two lines of a comment.

use std::collections::HashMap;
use std::fs;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Where Rust sources are, below the root.
const SOURCES: [&str; 4] = ["src", "crates", "tests", "benches"];
/// Folders in which nothing is ours.
const FOREIGN: [&str; 2] = ["target", "node_modules"];
/// Papers beside those in `docs`.
const PAPERS: [&str; 4] = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"];
/// Fewer citations of a heading than these: the search has gone wrong, or the sources are no longer named.
const FEWEST_CITATIONS: usize = 20;
/// Likewise for relative links.
const FEWEST_LINKS: usize = 20;

#[test]
fn every_citation_leads_to_a_file_and_a_heading() {
    let (mut citations, mut faults) = (0, Vec::new());
    for path in rust_files() {
        let found = Citations::of(&read(&path));
        citations += found.headings.len();
        faults.extend(found.faults(Path::new(ROOT)).into_iter().map(|fault| in_file(&path, &fault)));
    }
    assert!(faults.is_empty(), "citations that lead nowhere:\n{}", faults.join("\n"));
    assert!(
        citations >= FEWEST_CITATIONS,
        "{citations} citations were found, {FEWEST_CITATIONS} at least are expected"
    );
}

#[test]
fn every_relative_link_of_the_papers_leads_somewhere() {
    let (mut links, mut faults) = (0, Vec::new());
    for path in papers() {
        let text = read(&path);
        let found = relative_links(&text);
        links += found.len();
        let broken = found.iter().filter_map(|link| broken(&path, link));
        faults.extend(broken.map(|fault| in_file(&path, &fault)));
    }
    assert!(faults.is_empty(), "links that lead nowhere:\n{}", faults.join("\n"));
    assert!(links >= FEWEST_LINKS, "{links} relative links were found, {FEWEST_LINKS} at least are expected");
}

/// A line and what is wrong there.
type Fault = (usize, String);

fn in_file(path: &Path, (line, what): &Fault) -> String {
    format!("  {}:{line}: {what}", path.strip_prefix(ROOT).unwrap_or(path).display())
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{} cannot be read: {error}", path.display()))
}

/// Every Rust source but this one, which shows how a wrong citation looks.
fn rust_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in SOURCES {
        collect(&Path::new(ROOT).join(folder), "rs", &mut files);
    }
    files.retain(|path| !path.ends_with("tests/papers.rs"));
    files.sort();
    files
}

fn papers() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = PAPERS.iter().map(|name| Path::new(ROOT).join(name)).collect();
    collect(&Path::new(ROOT).join("docs"), "md", &mut files);
    files.sort();
    files
}

fn collect(folder: &Path, extension: &str, files: &mut Vec<PathBuf>) {
    // A folder may be missing: the workspace grows.
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.expect("the folder can be listed").path()) {
        if path.is_dir() {
            if !FOREIGN.iter().any(|name| path.ends_with(name)) {
                collect(&path, extension, files);
            }
        } else if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
}

/// A source whose comments are joined, so that a citation stands in one line, and where each piece of it came from.
struct Joined {
    text: String,
    /// Where each source line begins in `text`.
    begins: Vec<usize>,
}

impl Joined {
    fn of(source: &str) -> Joined {
        let (mut text, mut begins, mut in_comment) = (String::new(), Vec::new(), false);
        for line in source.lines() {
            let comment = comment_text(line);
            text.push(if in_comment && comment.is_some() { ' ' } else { '\n' });
            begins.push(text.len());
            text.push_str(comment.unwrap_or(line));
            in_comment = comment.is_some();
        }
        Joined { text, begins }
    }

    /// The source line of a place, from 1 on.
    fn line(&self, place: usize) -> usize {
        self.begins.partition_point(|begin| *begin <= place)
    }
}

/// What a line says that is a comment as a whole.
fn comment_text(line: &str) -> Option<&str> {
    let text = line.trim_start().strip_prefix("//")?;
    Some(text.trim_start_matches(['/', '!']).trim())
}

/// What a source cites.
#[derive(Debug, Default, PartialEq)]
struct Citations {
    /// Paths below `docs/`, with their lines.
    paths: Vec<(usize, String)>,
    /// Path and heading.
    headings: Vec<(usize, String, String)>,
    /// What is no citation as it ought to be.
    malformed: Vec<Fault>,
}

impl Citations {
    fn of(source: &str) -> Citations {
        let joined = Joined::of(source);
        let text = joined.text.as_str();
        let mut citations = Citations::default();
        for (place, _) in text.match_indices("docs/") {
            // `/docs/errors` is a path of the API, `http/docs/` a module.
            if text[..place].ends_with(is_of_a_path) {
                continue;
            }
            let (path, line) = (path_at(&text[place..]), joined.line(place));
            citations.paths.push((line, path.to_owned()));
            if path.ends_with(".md") {
                let headings = headings_cited(&text[place + path.len()..]).into_iter();
                let cited = headings.map(|heading| (line, path.to_owned(), heading.to_owned()));
                citations.headings.extend(cited);
            }
        }
        for (place, _) in text.match_indices("contracts/") {
            let before = &text[..place];
            if !before.ends_with("docs/") && !before.ends_with(|c: char| c.is_alphanumeric() || c == '_') {
                let path = path_at(&text[place..]);
                citations.malformed.push((joined.line(place), format!("{path} is cited as docs/{path}")));
            }
        }
        for (place, _) in text.match_indices("design, \"") {
            let what = "the design is cited as docs/ARCHITECTURE.md with a heading".to_owned();
            citations.malformed.push((joined.line(place), what));
        }
        citations
    }

    /// What is wrong with them, where `root` has the files.
    fn faults(&self, root: &Path) -> Vec<Fault> {
        let mut faults = self.malformed.clone();
        let missing = self.paths.iter().filter(|(_, path)| !root.join(path).exists());
        faults.extend(missing.map(|(line, path)| (*line, format!("there is no {path}"))));
        let mut known: HashMap<&str, Vec<String>> = HashMap::new();
        for (line, path, heading) in &self.headings {
            let headings = known.entry(path).or_insert_with(|| {
                fs::read_to_string(root.join(path)).map(|text| headings(&text)).unwrap_or_default()
            });
            match headings.iter().filter(|known| *known == heading).count() {
                1 => (),
                // Said already, once for the file.
                0 if !root.join(path).exists() => (),
                0 => faults.push((*line, format!("{path} has no heading \"{heading}\""))),
                times => faults.push((*line, format!("{path} has the heading \"{heading}\" {times} times"))),
            }
        }
        faults.sort();
        faults
    }
}

fn is_of_a_path(c: char) -> bool {
    c.is_alphanumeric() || "_-./".contains(c)
}

/// The path with which a text begins, without the full stop of a sentence.
fn path_at(text: &str) -> &str {
    let length = text.find(|c: char| !is_of_a_path(c)).unwrap_or(text.len());
    text[..length].trim_end_matches('.')
}

/// The headings that follow a path: `` `, "One" and "Two"``.
fn headings_cited(after: &str) -> Vec<&str> {
    let mut headings = Vec::new();
    let mut rest = after.trim_start_matches('`').strip_prefix(", \"");
    while let Some((heading, others)) = rest.and_then(|rest| rest.split_once('"')) {
        headings.push(heading);
        rest = others.strip_prefix(" and \"").or_else(|| others.strip_prefix(", \""));
    }
    headings
}

/// The headings of a paper, as they stand there.
fn headings(paper: &str) -> Vec<String> {
    let plain = without(paper, &fences(paper));
    let heading = |line: &str| {
        let text = line.trim_start_matches('#');
        (text.len() < line.len() && text.starts_with(' ')).then(|| text.trim().to_owned())
    };
    plain.lines().filter_map(heading).collect()
}

/// The anchors that GitHub gives the headings of a paper.
fn anchors(paper: &str) -> Vec<String> {
    let mut times: HashMap<String, usize> = HashMap::new();
    let anchor = |heading: String| {
        let letters = heading.to_lowercase().replace(' ', "-");
        let plain: String = letters.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect();
        let before = times.entry(plain.clone()).or_default();
        *before += 1;
        if *before == 1 { plain } else { format!("{plain}-{}", *before - 1) }
    };
    headings(paper).into_iter().map(anchor).collect()
}

/// A relative link, as it stands there.
#[derive(Debug, PartialEq)]
struct Link<'a> {
    line: usize,
    target: &'a str,
}

/// Links of a paper that lead neither to another host nor to a mailbox; what stands in code is none.
fn relative_links(paper: &str) -> Vec<Link<'_>> {
    let mut code = fences(paper);
    code.extend(code_spans(paper, &code));
    let plain = without(paper, &code);
    let mut places: Vec<Range<usize>> = Vec::new();
    for (place, mark) in plain.match_indices("](") {
        let begin = place + mark.len();
        let length = plain[begin..].find([')', ' ', '\n']).unwrap_or(plain.len() - begin);
        places.push(begin..begin + length);
    }
    // `[name]: target`
    for (place, mark) in plain.match_indices("]: ") {
        let line_begins = plain[..place].rfind('\n').map_or(0, |end| end + 1);
        if plain[line_begins..place].trim_start().starts_with('[') {
            let begin = place + mark.len();
            let length = plain[begin..].find(char::is_whitespace).unwrap_or(plain.len() - begin);
            places.push(begin..begin + length);
        }
    }
    let link = |place: Range<usize>| {
        let line = paper[..place.start].matches('\n').count() + 1;
        Link { line, target: &paper[place] }
    };
    let is_relative = |link: &Link<'_>| !link.target.contains("://") && !link.target.starts_with("mailto:");
    places.into_iter().map(link).filter(is_relative).collect()
}

/// Blocks of code.
fn fences(paper: &str) -> Vec<Range<usize>> {
    let (mut blocks, mut open, mut place) = (Vec::new(), None, 0);
    for line in paper.split_inclusive('\n') {
        let end = place + line.len();
        if line.trim_start().starts_with("```") {
            match open.take() {
                None => open = Some(place),
                Some(begin) => blocks.push(begin..end),
            }
        }
        place = end;
    }
    blocks.extend(open.map(|begin| begin..paper.len()));
    blocks
}

/// Code between backticks, outside blocks of code.
fn code_spans(paper: &str, blocks: &[Range<usize>]) -> Vec<Range<usize>> {
    let (plain, mut spans, mut place) = (without(paper, blocks), Vec::new(), 0);
    while let Some(begin) = plain[place..].find('`').map(|at| place + at) {
        let after = plain[begin..].trim_start_matches('`');
        let ticks = &plain[begin..plain.len() - after.len()];
        // A span ends with as many as it began with, in the same paragraph.
        let paragraph = after.find("\n\n").unwrap_or(after.len());
        match after[..paragraph].find(ticks) {
            Some(at) => {
                place = begin + ticks.len() + at + ticks.len();
                spans.push(begin..place);
            }
            None => place = begin + ticks.len(),
        }
    }
    spans
}

/// The same text with blanks in the place of some of it; line ends stay, and so do the places of all the rest.
fn without(text: &str, parts: &[Range<usize>]) -> String {
    let mut plain = text.as_bytes().to_vec();
    for byte in parts.iter().flat_map(Clone::clone) {
        if plain[byte] != b'\n' {
            plain[byte] = b' ';
        }
    }
    String::from_utf8(plain).expect("whole characters were blanked")
}

/// Why a link of a paper leads nowhere, if it does.
fn broken(paper: &Path, link: &Link<'_>) -> Option<Fault> {
    let fault = |what: String| Some((link.line, what));
    let (path, anchor) = match link.target.split_once('#') {
        Some((path, anchor)) => (path, Some(anchor)),
        None => (link.target, None),
    };
    let target = match path {
        "" => paper.to_owned(),
        path => resolved(&paper.parent().unwrap_or(Path::new(ROOT)).join(path)),
    };
    if !target.starts_with(ROOT) {
        return fault(format!("{path} is outside the repository"));
    }
    if !target.exists() {
        return fault(format!("there is no {path}"));
    }
    let anchor = anchor?;
    if target.extension().is_none_or(|extension| extension != "md") {
        return fault(format!("{path} is no paper, so that it has no anchor #{anchor}"));
    }
    if anchors(&read(&target)).iter().any(|known| known == anchor) {
        return None;
    }
    fault(format!("{} has no anchor #{anchor}", if path.is_empty() { "this paper" } else { path }))
}

/// Without `.` and `..`.
fn resolved(path: &Path) -> PathBuf {
    let mut resolved = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => (),
            Component::ParentDir => drop(resolved.pop()),
            part => resolved.push(part),
        }
    }
    resolved
}

mod tests {
    use super::*;

    /// A root with one paper.
    fn root(name: &str, paper: &str) -> PathBuf {
        let root = std::env::temp_dir().join(format!("papers-{}-{name}", std::process::id()));
        fs::create_dir_all(root.join("docs/contracts")).expect("a folder can be made");
        fs::write(root.join("docs/contracts/rules.md"), paper).expect("a file can be written");
        root
    }

    fn faults(name: &str, paper: &str, source: &str) -> Vec<Fault> {
        let root = root(name, paper);
        let faults = Citations::of(source).faults(&root);
        fs::remove_dir_all(root).expect("the folder can be removed");
        faults
    }

    const PAPER: &str = "# Rules\n\n## Rails\n\n### Reported, never guessed\n\n```\n# No heading\n```\n";

    #[test]
    fn a_good_citation_is_fine() {
        let source = "/// Source: `docs/contracts/rules.md`, \"Rails\": the second row; `docs/contracts/rules.md`.\nfn a() {}\n";
        assert_eq!(Citations::of(source).headings.len(), 1);
        assert_eq!(faults("good", PAPER, source), []);
    }

    #[test]
    fn a_citation_may_be_broken_over_two_lines_and_name_two_headings() {
        let source = "fn a() {\n    // Source: `docs/contracts/rules.md`, \"Rails\" and \"Reported, never\n    // guessed\".\n}\n";
        let headings: Vec<_> =
            Citations::of(source).headings.into_iter().map(|(line, _, heading)| (line, heading)).collect();
        assert_eq!(headings, [(2, "Rails".to_owned()), (2, "Reported, never guessed".to_owned())]);
        let source = "//! Source:\n//! `docs/contracts/rules.md`,\n//! \"Rales\".\n";
        assert_eq!(
            faults("broken", PAPER, source),
            [(2, "docs/contracts/rules.md has no heading \"Rales\"".to_owned())]
        );
    }

    #[test]
    fn a_heading_or_a_file_that_is_not_there_is_reported() {
        for (heading, is_there) in
            [("Rails", true), ("Rail", false), ("# Rails", false), ("No heading", false)]
        {
            let source = format!("/// `docs/contracts/rules.md`, \"{heading}\".");
            assert_eq!(faults("heading", PAPER, &source).is_empty(), is_there, "{heading}");
        }
        let source =
            "let a = \"see docs/nothing.md, or docs/contracts/\";\n// `docs/contracts/rule.md`, \"Rails\"";
        let expected = [
            (1, "there is no docs/nothing.md".to_owned()),
            (2, "there is no docs/contracts/rule.md".to_owned()),
        ];
        assert_eq!(faults("file", PAPER, source), expected);
    }

    #[test]
    fn a_heading_that_is_there_twice_is_reported() {
        let reported = faults("twice", "# Rails\n## Rails\n", "// `docs/contracts/rules.md`, \"Rails\"");
        assert_eq!(reported, [(1, "docs/contracts/rules.md has the heading \"Rails\" 2 times".to_owned())]);
    }

    #[test]
    fn papers_that_are_not_in_the_repository_are_reported() {
        let source = "\n// Source: `contracts/rules.md`, \"Rails\".\nfn a() {}\n// Source: design,\n// \"Rails\"; ../shared/contracts/rules.md\n";
        let lines: Vec<usize> = faults("foreign", PAPER, source).into_iter().map(|(line, _)| line).collect();
        assert_eq!(lines, [2, 4, 5]);
    }

    #[test]
    fn a_path_of_the_api_is_no_citation() {
        assert_eq!(Citations::of("get(\"/docs/errors\"); // src/http/docs/page.rs\n"), Citations::default());
    }

    #[test]
    fn links_are_found_outside_code_and_anchors_are_githubs() {
        let paper = "[a](b.md#c), [over\ntwo lines](d)\n```\n[e](f)\n```\n`[g](h)` ``[i](`j`)`` [k](https://l/m)\n[n]: o.md\n";
        let found: Vec<_> = relative_links(paper).into_iter().map(|link| (link.line, link.target)).collect();
        assert_eq!(found, [(1, "b.md#c"), (2, "d"), (7, "o.md")]);
        let anchors =
            anchors("# INT6 → OZmap, every 10 minutes\n## Property (imóvel)\n## `GET` a\n## `GET` a\n");
        assert_eq!(anchors, ["int6--ozmap-every-10-minutes", "property-imóvel", "get-a", "get-a-1"]);
    }
}
