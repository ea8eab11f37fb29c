//! The sources as a whole: files, crates, modules; and to which file a path goes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::{fmt, fs};

use proc_macro2::TokenStream;

use super::syntax::{Facts, Import, Kind, Mention, Source, line};

/// Folders with sources that are judged.
const SOURCES: [&str; 4] = ["src", "crates", "benches", "fuzz"];
/// Folders in which nothing is ours, or nothing is judged.
const LEFT_OUT: [&str; 3] = ["target", "node_modules", "tests"];
/// Papers and manifests that are judged beside the sources.
const TEXTS: [&str; 3] = ["docs/ARCHITECTURE.md", "crates/core/Cargo.toml", "crates/sandbox/Cargo.toml"];
/// A manifest that dependencies inherit from.
const WORKSPACE: &str = "Cargo.toml";

/// The crates whose imports are judged: the name in a path, the name of its root in the table, the root's file.
const CRATES: [(&str, &str, &str); 4] = [
    ("int6_ozmap_gateway", "lib", "src/lib.rs"),
    // Nothing can name the binary.
    ("", "main", "src/main.rs"),
    ("gateway_core", "core", "crates/core/src/lib.rs"),
    ("gateway_sandbox", "sandbox", "crates/sandbox/src/lib.rs"),
];

/// Something that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fault {
    pub(crate) file: String,
    pub(crate) line: usize,
    /// The rule, how it is broken, and what to do.
    pub(crate) what: String,
}

impl Fault {
    pub(crate) fn new(file: &str, line: usize, what: impl Into<String>) -> Fault {
        Fault { file: file.to_owned(), line, what: what.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

/// Number of a module.
pub(crate) type Id = usize;

/// A module that is not test code.
pub(crate) struct Module {
    /// Relative to the root, with `/`.
    pub(crate) file: String,
    pub(crate) parent: Option<Id>,
    /// The name of its crate's root in the table.
    pub(crate) root: &'static str,
    /// Empty for a crate's root.
    pub(crate) name: String,
    pub(crate) facts: Facts,
    children: HashMap<String, Id>,
}

/// A tree of sources.
#[derive(Default)]
pub(crate) struct House {
    pub(crate) modules: Vec<Module>,
    /// Every Rust source, tests in `src` too.
    pub(crate) files: BTreeMap<String, Source>,
    /// The workspace's manifest and [`TEXTS`].
    pub(crate) texts: BTreeMap<String, String>,
    /// What could not be read as it should be.
    pub(crate) unread: Vec<Fault>,
    roots: HashMap<&'static str, Id>,
}

/// To what a path goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A module, or something in it that is not seen, because a macro makes it.
    Module(Id),
    /// Something that this module defines.
    Item(Id),
    /// Something in a crate that is not judged.
    Foreign(Vec<String>),
}

/// A path, followed.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    /// The modules that it leads through, re-exports included.
    pub(crate) through: Vec<Id>,
    pub(crate) target: Target,
}

impl Way {
    /// The module at its end; `None` if it leads outside.
    pub(crate) fn end(&self) -> Option<Id> {
        match self.target {
            Target::Module(id) | Target::Item(id) => Some(id),
            Target::Foreign(_) => None,
        }
    }
}

/// Where something is used that stands elsewhere.
pub(crate) struct Edge<'a> {
    pub(crate) from: Id,
    pub(crate) line: usize,
    /// As it is written.
    pub(crate) path: &'a [String],
    pub(crate) ways: Vec<Way>,
    pub(crate) kind: EdgeKind,
}

/// How it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EdgeKind {
    /// By `use`.
    Import,
    /// By `pub use child::Thing`: what the module shows to others, it does not need itself.
    Reexport,
    /// By a path in the code.
    Mention,
}

impl EdgeKind {
    /// Whether it stands in a `use`.
    pub(crate) fn is_import(self) -> bool {
        matches!(self, EdgeKind::Import | EdgeKind::Reexport)
    }
}

/// What is being looked up, so that a circle of names ends.
type Stack = Vec<(Id, String)>;

/// What reads a tree.
struct Reader<'a> {
    root: &'a Path,
    tokens: BTreeMap<String, TokenStream>,
    /// Files that a `mod` leads to.
    reached: HashSet<String>,
    house: House,
}

impl Reader<'_> {
    fn folder(&mut self, folder: &str) {
        // A folder may be missing: the workspace grows.
        let Ok(entries) = fs::read_dir(self.root.join(folder)) else { return };
        for entry in entries {
            let entry = entry.expect("the folder can be listed");
            let name = entry.file_name().into_string().expect("names of files are UTF-8");
            let (path, is_folder) = (format!("{folder}/{name}"), entry.path().is_dir());
            // `src/store/tests/` belongs to the sources, `crates/x/tests/` does not.
            let is_left_out =
                LEFT_OUT.contains(&name.as_str()) && !(name == "tests" && path.contains("src/"));
            if is_folder && !is_left_out {
                self.folder(&path);
            } else if !is_folder && name.ends_with(".rs") {
                let text =
                    fs::read_to_string(entry.path()).unwrap_or_else(|e| panic!("{path} cannot be read: {e}"));
                let tokens = text.parse().unwrap_or_else(|e| panic!("{path} is no Rust: {e}"));
                self.house.files.insert(path.clone(), Source::of(&tokens));
                self.tokens.insert(path, tokens);
            }
        }
    }

    fn texts(&mut self) {
        for path in TEXTS.into_iter().chain([WORKSPACE]) {
            if let Ok(text) = fs::read_to_string(self.root.join(path)) {
                self.house.texts.insert(path.to_owned(), text);
            }
        }
    }

    fn crates(&mut self) {
        for (name, root, file) in CRATES {
            if self.tokens.contains_key(file) {
                let id = self.module(Module::new(None, "", root, file, self.facts(file)), folder_of(file));
                self.house.roots.insert(name, id);
            }
        }
    }

    fn facts(&self, file: &str) -> Facts {
        let parsed: syn::Result<syn::File> = syn::parse2(self.tokens[file].clone());
        let parsed = parsed.unwrap_or_else(|e| panic!("{file}:{}: cannot be parsed: {e}", line(e.span())));
        Facts::of(&parsed.items)
    }

    /// Adds a module and what is below it; `folder` is where the files of its children stand.
    fn module(&mut self, mut module: Module, folder: &str) -> Id {
        let (id, file, root) = (self.house.modules.len(), module.file.clone(), module.root);
        self.reached.insert(file.clone());
        let children = std::mem::take(&mut module.facts.children);
        self.house.modules.push(module);
        for child in children {
            let below = format!("{folder}/{}", child.name);
            let of_child = [format!("{below}.rs"), format!("{below}/mod.rs")];
            let own = of_child.into_iter().find(|file| self.tokens.contains_key(file));
            let (child_file, facts) = match (child.inside, own) {
                (_, own) if child.is_test => {
                    self.leave_out(own, &below);
                    continue;
                }
                (Some(facts), _) => (file.clone(), facts),
                (None, Some(own)) => (own.clone(), self.facts(&own)),
                (None, None) => {
                    let what = format!("module `{}` has no file {below}.rs: put it there", child.name);
                    self.house.unread.push(Fault::new(&file, child.line, what));
                    continue;
                }
            };
            let added = self.module(Module::new(Some(id), &child.name, root, &child_file, facts), &below);
            self.house.modules[id].children.insert(child.name, added);
        }
        id
    }

    /// A module of tests, and all that is below it.
    fn leave_out(&mut self, file: Option<String>, folder: &str) {
        self.reached.extend(file);
        let inside = format!("{folder}/");
        self.reached.extend(self.tokens.keys().filter(|file| file.starts_with(&inside)).cloned());
    }

    /// A source that no `mod` leads to would be judged by nothing.
    fn unreached(&mut self) {
        let folders = CRATES.map(|(_, _, file)| format!("{}/", folder_of(file)));
        for file in self.tokens.keys().filter(|file| !self.reached.contains(*file)) {
            if folders.iter().any(|folder| file.starts_with(folder)) {
                let what =
                    "no `mod` leads to this file, so that no rule reaches it: declare it, or delete it";
                self.house.unread.push(Fault::new(file, 1, what));
            }
        }
    }
}

impl House {
    /// Reads the sources below `root`.
    pub(crate) fn read(root: &Path) -> House {
        let (tokens, reached) = (BTreeMap::new(), HashSet::new());
        let mut reader = Reader { root, tokens, reached, house: House::default() };
        SOURCES.iter().for_each(|folder| reader.folder(folder));
        reader.texts();
        reader.crates();
        reader.unreached();
        reader.house
    }

    /// Sources that are made up, by path and text.
    pub(crate) fn made_up(files: &[(&str, &str)]) -> House {
        let root = tempfile::tempdir().expect("a folder for a made-up tree");
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("a file is in a folder"))
                .expect("the folder can be made");
            fs::write(path, text).expect("the file can be written");
        }
        House::read(root.path())
    }

    /// The name in the table of imports: the top module that it is in, or its crate's root.
    pub(crate) fn top(&self, mut id: Id) -> &str {
        let is_whole = ["core", "sandbox"].contains(&self.modules[id].root);
        while let Some(parent) = self.modules[id].parent {
            if !is_whole && self.modules[parent].parent.is_none() {
                return &self.modules[id].name;
            }
            id = parent;
        }
        self.modules[id].root
    }

    /// Everything that stands in one module and is used in another, or comes from elsewhere.
    pub(crate) fn edges(&self) -> Vec<Edge<'_>> {
        let mut edges = Vec::new();
        for (from, module) in self.modules.iter().enumerate() {
            for import in &module.facts.imports {
                let ways = self.ways(from, &import.path, import.is_absolute);
                let is_reexport = import.is_public && self.is_of_child(from, &ways);
                let kind = if is_reexport { EdgeKind::Reexport } else { EdgeKind::Import };
                edges.push(Edge { from, line: import.line, path: &import.path, ways, kind });
            }
            for mention in &module.facts.mentions {
                let ways = self.ways_of_mention(from, mention);
                if !ways.is_empty() {
                    edges.push(Edge {
                        from,
                        line: mention.line,
                        path: &mention.path,
                        ways,
                        kind: EdgeKind::Mention,
                    });
                }
            }
        }
        edges
    }

    fn is_of_child(&self, module: Id, ways: &[Way]) -> bool {
        !ways.is_empty()
            && ways.iter().all(|way| {
                way.through.first().is_some_and(|first| self.modules[*first].parent == Some(module))
            })
    }

    fn ways_of_mention(&self, from: Id, mention: &Mention) -> Vec<Way> {
        let [name] = mention.path.as_slice() else {
            return self.ways(from, &mention.path, mention.is_absolute);
        };
        if ["self", "super", "crate", "Self"].contains(&name.as_str()) {
            return Vec::new();
        }
        if mention.is_macro {
            return self.ways_of_macro(from, name);
        }
        self.ways_of_lone_name(from, name)
    }

    /// A name that came by a plain `use` is counted there. One that came by `pub use child::Name` or by `*` is counted here,
    /// so that a re-export does not hide that its module needs the child.
    fn ways_of_lone_name(&self, from: Id, name: &str) -> Vec<Way> {
        let Module { facts, .. } = &self.modules[from];
        let is_variable = name.starts_with(char::is_lowercase) && facts.bound.contains(name);
        let is_defined = facts.names.iter().any(|own| own.text == name);
        let is_import = |import: &&Import| import.name.as_deref() == Some(name) && !import.is_public;
        if is_variable || is_defined || facts.imports.iter().any(|import| is_import(&import)) {
            return Vec::new();
        }
        let ways = self.lookup(from, name, &mut Stack::new());
        ways.into_iter().filter(|way| matches!(way.target, Target::Item(_))).collect()
    }

    /// A macro of ours is seen without an import below the place where it is defined.
    fn ways_of_macro(&self, from: Id, name: &str) -> Vec<Way> {
        let ways = self.lookup(from, name, &mut Stack::new());
        if !ways.is_empty() {
            return ways;
        }
        let is_macro = |id: Id| {
            self.modules[id].facts.names.iter().any(|own| own.kind == Kind::Macro && own.text == name)
        };
        let of_crate = (0..self.modules.len()).filter(|id| self.modules[*id].root == self.modules[from].root);
        of_crate
            .filter(|id| is_macro(*id))
            .map(|id| Way { through: Vec::new(), target: Target::Item(id) })
            .collect()
    }

    /// Where a path leads that stands in a module. Two ways if a module and a function have one name.
    pub(crate) fn ways(&self, from: Id, path: &[String], is_absolute: bool) -> Vec<Way> {
        self.follow(from, path, is_absolute, &mut Stack::new())
    }

    fn follow(&self, from: Id, path: &[String], is_absolute: bool, stack: &mut Stack) -> Vec<Way> {
        let (mut ways, rest) = self.begin(from, path, is_absolute, stack);
        for name in rest {
            ways = ways.into_iter().flat_map(|way| self.step(way, name, stack)).collect();
        }
        ways
    }

    /// Follows `crate`, `self`, `super`, or the first name.
    fn begin<'p>(
        &self,
        from: Id,
        path: &'p [String],
        is_absolute: bool,
        stack: &mut Stack,
    ) -> (Vec<Way>, &'p [String]) {
        let Some((first, mut rest)) = path.split_first() else { return (Vec::new(), path) };
        let at = |id| vec![Way { through: Vec::new(), target: Target::Module(id) }];
        match first.as_str() {
            "Self" => (Vec::new(), &[]),
            "crate" => (at(self.root_of(from)), rest),
            "self" | "super" => {
                let mut module = if first == "self" { from } else { self.parent_of(from) };
                while let Some(("super", more)) = rest.split_first().map(|(name, more)| (name.as_str(), more))
                {
                    (module, rest) = (self.parent_of(module), more);
                }
                (at(module), rest)
            }
            name => {
                let known = if is_absolute { Vec::new() } else { self.lookup(from, name, stack) };
                let outside = || match self.roots.get(name) {
                    Some(root) => vec![Way { through: vec![*root], target: Target::Module(*root) }],
                    None => vec![Way { through: Vec::new(), target: Target::Foreign(vec![name.to_owned()]) }],
                };
                (if known.is_empty() { outside() } else { known }, rest)
            }
        }
    }

    fn step(&self, way: Way, name: &str, stack: &mut Stack) -> Vec<Way> {
        match way.target {
            Target::Module(module) => {
                let found = self.lookup(module, name, stack);
                if found.is_empty() {
                    return vec![Way { target: Target::Item(module), ..way }];
                }
                let longer =
                    |next: Way| Way { through: [way.through.as_slice(), &next.through].concat(), ..next };
                found.into_iter().map(longer).collect()
            }
            // What belongs to a type stands where the type does.
            Target::Item(_) => vec![way],
            Target::Foreign(mut path) => {
                path.push(name.to_owned());
                vec![Way { target: Target::Foreign(path), ..way }]
            }
        }
    }

    /// What a name means in a module.
    fn lookup(&self, module: Id, name: &str, stack: &mut Stack) -> Vec<Way> {
        if stack.iter().any(|(known, under_way)| *known == module && under_way == name) {
            return Vec::new();
        }
        stack.push((module, name.to_owned()));
        let Module { facts, children, .. } = &self.modules[module];
        let mut ways = Vec::new();
        ways.extend(
            children.get(name).map(|child| Way { through: vec![*child], target: Target::Module(*child) }),
        );
        if facts.names.iter().any(|own| own.text == name) {
            ways.push(Way { through: Vec::new(), target: Target::Item(module) });
        }
        for import in facts.imports.iter().filter(|import| import.name.as_deref() == Some(name)) {
            ways.extend(self.follow(module, &import.path, import.is_absolute, stack));
        }
        if ways.is_empty() {
            ways = self.lookup_in_globs(module, name, stack);
        }
        stack.pop();
        ways
    }

    fn lookup_in_globs(&self, module: Id, name: &str, stack: &mut Stack) -> Vec<Way> {
        let globs = self.modules[module].facts.imports.iter().filter(|import| import.name.is_none());
        let found = globs.flat_map(|glob| {
            let modules = self.follow(module, &glob.path, glob.is_absolute, stack);
            let inside = modules.into_iter().filter_map(|way| match way.target {
                Target::Module(id) => Some((id, way.through)),
                _ => None,
            });
            inside
                .flat_map(|(id, through)| {
                    let longer =
                        |next: Way| Way { through: [through.as_slice(), &next.through].concat(), ..next };
                    self.lookup(id, name, stack).into_iter().map(longer).collect::<Vec<_>>()
                })
                .collect::<Vec<_>>()
        });
        found.collect()
    }

    fn root_of(&self, mut id: Id) -> Id {
        while let Some(parent) = self.modules[id].parent {
            id = parent;
        }
        id
    }

    fn parent_of(&self, id: Id) -> Id {
        self.modules[id].parent.unwrap_or(id)
    }
}

impl Module {
    fn new(parent: Option<Id>, name: &str, root: &'static str, file: &str, facts: Facts) -> Module {
        Module { file: file.to_owned(), parent, root, name: name.to_owned(), facts, children: HashMap::new() }
    }
}

/// The line of a text that has this first; 1 if none has.
pub(crate) fn line_with(text: &str, part: &str) -> usize {
    text.lines().position(|line| line.contains(part)).map_or(1, |at| at + 1)
}

fn folder_of(file: &str) -> &str {
    file.rsplit_once('/').map_or("", |(folder, _)| folder)
}
