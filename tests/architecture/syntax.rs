//! What one module of a source says: its names, its imports, the paths and the words in it. Test code is left out.

use std::collections::HashSet;

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItem, Item, ItemUse, Lit, Meta, Path, Type, UseTree, Visibility};

/// Features that exist for tests alone: what needs one of them is test code.
const TEST_FEATURES: [&str; 1] = ["fuzzing"];

/// A file, with the code of its tests.
#[derive(Default)]
pub(crate) struct Source {
    /// Every identifier, in macros too, and its line.
    pub(crate) identifiers: Vec<(String, usize)>,
    /// Lines of `#[path = …]`.
    pub(crate) path_attributes: Vec<usize>,
}

impl Source {
    /// Reads a file's tokens.
    pub(crate) fn of(tokens: &TokenStream) -> Source {
        let mut source = Source::default();
        source.read(tokens);
        source
    }

    fn read(&mut self, tokens: &TokenStream) {
        let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Ident(ident) => self.identifiers.push((plain(ident), line(ident.span()))),
                TokenTree::Group(group) => {
                    if is_attribute(&tokens, at, group) && sets_path(&group.stream()) {
                        self.path_attributes.push(line(group.span_open()));
                    }
                    self.read(&group.stream());
                }
                _ => (),
            }
        }
    }
}

/// `path = …`, alone or among those of `cfg_attr`.
fn sets_path(attribute: &TokenStream) -> bool {
    let tokens: Vec<TokenTree> = attribute.clone().into_iter().collect();
    match tokens.as_slice() {
        [TokenTree::Ident(name), TokenTree::Punct(sign), ..] => name == "path" && sign.as_char() == '=',
        [TokenTree::Ident(name), TokenTree::Group(condition)] if name == "cfg_attr" => {
            let tokens: Vec<TokenTree> = condition.stream().into_iter().collect();
            let is_path = |pair: &[TokenTree]| match pair {
                [TokenTree::Ident(name), TokenTree::Punct(sign)] => name == "path" && sign.as_char() == '=',
                _ => false,
            };
            tokens.windows(2).any(is_path)
        }
        _ => false,
    }
}

/// A module, without the code of its tests.
#[derive(Default)]
pub(crate) struct Facts {
    /// What is defined at its level.
    pub(crate) names: Vec<Name>,
    /// Its `mod` items, those of tests too.
    pub(crate) children: Vec<Child>,
    /// What `use` says, a leaf of the tree each; those inside functions too.
    pub(crate) imports: Vec<Import>,
    /// Every other path.
    pub(crate) mentions: Vec<Mention>,
    /// Identifiers and texts.
    pub(crate) words: Vec<Word>,
    /// Names of variables: such a name need not be the imported one.
    pub(crate) bound: HashSet<String>,
}

/// What a module defines.
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) kind: Kind,
    pub(crate) line: usize,
}

/// What is defined.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A struct, an enum, a trait, a type alias.
    Type,
    /// A function, a constant.
    Value,
    /// By `macro_rules!`.
    Macro,
}

/// A `mod` item.
pub(crate) struct Child {
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) is_test: bool,
    /// What stands between its braces; `None` if it is a file.
    pub(crate) inside: Option<Facts>,
}

/// A leaf of a `use`.
pub(crate) struct Import {
    pub(crate) path: Vec<String>,
    /// It begins with `::`.
    pub(crate) is_absolute: bool,
    /// What it is called here; `None` is everything (`*`).
    pub(crate) name: Option<String>,
    /// It has a `pub`, of whatever reach.
    pub(crate) is_public: bool,
    pub(crate) line: usize,
}

/// A path in the code.
pub(crate) struct Mention {
    pub(crate) path: Vec<String>,
    /// It begins with `::`.
    pub(crate) is_absolute: bool,
    /// It is followed by `!`.
    pub(crate) is_macro: bool,
    pub(crate) line: usize,
}

/// An identifier or a text.
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) is_literal: bool,
    pub(crate) line: usize,
}

impl Facts {
    /// Reads a module's items.
    pub(crate) fn of(items: &[Item]) -> Facts {
        let mut facts = Facts::default();
        for item in items.iter().filter(|item| !is_test(attributes(item))) {
            facts.names.extend(name_of(item));
        }
        for item in items {
            facts.visit_item(item);
        }
        facts
    }

    fn word(&mut self, ident: &Ident) {
        self.words.push(Word { text: plain(ident), is_literal: false, line: line(ident.span()) });
    }

    fn literal(&mut self, text: String, span: Span) {
        self.words.push(Word { text, is_literal: true, line: line(span) });
    }

    fn lit(&mut self, lit: &Lit) {
        match lit {
            Lit::Str(text) => self.literal(text.value(), text.span()),
            Lit::ByteStr(bytes) => {
                self.literal(String::from_utf8_lossy(&bytes.value()).into_owned(), bytes.span());
            }
            _ => (),
        }
    }

    /// A path that serde and others take as a text, such as `with = "crate::texts"`.
    fn quoted_path(&mut self, lit: &Lit) {
        let Lit::Str(text) = lit else { return };
        let path: Vec<String> = text.value().split("::").map(str::to_owned).collect();
        let is_ident = |part: &String| {
            !part.is_empty()
                && part.chars().all(|c| c.is_alphanumeric() || c == '_')
                && !part.starts_with(char::is_numeric)
        };
        if path.len() > 1 && path.iter().all(is_ident) {
            self.mentions.push(Mention {
                path,
                is_absolute: false,
                is_macro: false,
                line: line(text.span()),
            });
        }
    }

    fn path(&mut self, path: &Path, is_macro: bool) {
        let Some(first) = path.segments.first() else { return };
        self.mentions.push(Mention {
            path: path.segments.iter().map(|segment| plain(&segment.ident)).collect(),
            is_absolute: path.leading_colon.is_some(),
            is_macro,
            line: line(first.ident.span()),
        });
    }

    /// Reads what the syntax tree does not: the inside of macros and attributes.
    fn tokens(&mut self, tokens: &TokenStream, in_attribute: bool) {
        let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            match token {
                TokenTree::Group(group) if is_doc(&tokens, at, group) => at += 1,
                TokenTree::Group(group) => {
                    self.tokens(&group.stream(), in_attribute);
                    at += 1;
                }
                TokenTree::Literal(literal) => {
                    let lit = Lit::new(literal.clone());
                    self.lit(&lit);
                    if in_attribute {
                        self.quoted_path(&lit);
                    }
                    at += 1;
                }
                TokenTree::Ident(ident) => at = self.path_of_tokens(&tokens, at, ident),
                TokenTree::Punct(_) => at += 1,
            }
        }
    }

    /// Reads the path that begins at `at`; the answer is the place behind it.
    fn path_of_tokens(&mut self, tokens: &[TokenTree], at: usize, first: &Ident) -> usize {
        let (mut path, mut next) = (vec![plain(first)], at + 1);
        self.word(first);
        while let (true, Some(TokenTree::Ident(ident))) = (is_colons(tokens, next), tokens.get(next + 2)) {
            self.word(ident);
            path.push(plain(ident));
            next += 3;
        }
        let before = |back: usize| at.checked_sub(back).and_then(|at| punct(tokens, at));
        let is_field = before(1) == Some('.') && before(2) != Some('.');
        let is_variable = before(1) == Some('$') && path[0] != "crate";
        let is_macro = punct(tokens, next) == Some('!') && punct(tokens, next + 1) != Some('=');
        let is_called = matches!(tokens.get(next), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis);
        // A lone small word is more often a field, a key or a variable than an imported function.
        let is_name = path.len() > 1 || is_macro || is_called || path[0].starts_with(char::is_uppercase);
        if is_name && !is_field && !is_variable && before(1) != Some('\'') {
            let is_absolute = before(1) == Some(':') && before(2) == Some(':') && before(3) != Some('>');
            self.mentions.push(Mention { path, is_absolute, is_macro, line: line(first.span()) });
        }
        next
    }

    fn use_tree(&mut self, tree: &UseTree, prefix: &[String], item: &ItemUse) {
        let with = |ident: &Ident| prefix.iter().cloned().chain([plain(ident)]).collect::<Vec<_>>();
        match tree {
            UseTree::Path(path) => self.use_tree(&path.tree, &with(&path.ident), item),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.use_tree(tree, prefix, item)),
            UseTree::Name(name) if name.ident == "self" && !prefix.is_empty() => {
                self.import(prefix.to_vec(), prefix.last().cloned(), name.ident.span(), item);
            }
            UseTree::Name(name) => {
                self.import(with(&name.ident), Some(plain(&name.ident)), name.ident.span(), item)
            }
            UseTree::Rename(renamed) => {
                let path = if renamed.ident == "self" { prefix.to_vec() } else { with(&renamed.ident) };
                self.import(path, Some(plain(&renamed.rename)), renamed.ident.span(), item);
            }
            UseTree::Glob(glob) => self.import(prefix.to_vec(), None, glob.star_token.spans[0], item),
        }
    }

    fn import(&mut self, path: Vec<String>, name: Option<String>, span: Span, item: &ItemUse) {
        self.imports.push(Import {
            path,
            is_absolute: item.leading_colon.is_some(),
            name,
            is_public: !matches!(item.vis, Visibility::Inherited),
            line: line(span),
        });
    }
}

impl<'ast> Visit<'ast> for Facts {
    fn visit_item(&mut self, item: &'ast Item) {
        match item {
            Item::Mod(module) => self.children.push(Child {
                name: plain(&module.ident),
                line: line(module.ident.span()),
                is_test: is_test(&module.attrs),
                inside: module.content.as_ref().map(|(_, items)| Facts::of(items)),
            }),
            item if !is_test(attributes(item)) => visit::visit_item(self, item),
            _ => (),
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.use_tree(&item.tree, &[], item);
        visit::visit_item_use(self, item);
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        let name = item.rename.as_ref().map_or(&item.ident, |(_, name)| name);
        self.imports.push(Import {
            path: vec![plain(&item.ident)],
            is_absolute: true,
            name: Some(plain(name)),
            is_public: !matches!(item.vis, Visibility::Inherited),
            line: line(item.ident.span()),
        });
        visit::visit_item_extern_crate(self, item);
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes: &[Attribute] = match item {
            ImplItem::Const(item) => &item.attrs,
            ImplItem::Fn(item) => &item.attrs,
            ImplItem::Type(item) => &item.attrs,
            ImplItem::Macro(item) => &item.attrs,
            _ => &[],
        };
        if !is_test(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_path(&mut self, path: &'ast Path) {
        self.path(path, false);
        visit::visit_path(self, path);
    }

    /// `<Type>::function` is a path, too.
    fn visit_expr_path(&mut self, expression: &'ast syn::ExprPath) {
        if let Some(qself) = &expression.qself
            && let Type::Path(of) = &*qself.ty
            && qself.position == 0
            && let Some(segment) = of.path.segments.first()
        {
            let path =
                of.path.segments.iter().chain(&expression.path.segments).map(|segment| plain(&segment.ident));
            let line = line(segment.ident.span());
            self.mentions.push(Mention { path: path.collect(), is_absolute: false, is_macro: false, line });
        }
        visit::visit_expr_path(self, expression);
    }

    fn visit_macro(&mut self, invocation: &'ast syn::Macro) {
        self.path(&invocation.path, true);
        invocation.path.segments.iter().for_each(|segment| self.word(&segment.ident));
        self.tokens(&invocation.tokens, false);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if attribute.path().is_ident("doc") {
            return;
        }
        match &attribute.meta {
            Meta::List(list) => self.tokens(&list.tokens, true),
            Meta::NameValue(pair) => {
                if let syn::Expr::Lit(value) = &pair.value {
                    self.quoted_path(&value.lit);
                }
                self.visit_expr(&pair.value);
            }
            Meta::Path(_) => (),
        }
    }

    fn visit_token_stream(&mut self, tokens: &'ast TokenStream) {
        self.tokens(tokens, false);
    }

    /// `pub(super)` is no import.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
        self.bound.insert(plain(&pattern.ident));
        visit::visit_pat_ident(self, pattern);
    }

    fn visit_ident(&mut self, ident: &'ast Ident) {
        self.word(ident);
    }

    fn visit_lit(&mut self, lit: &'ast Lit) {
        self.lit(lit);
    }
}

/// The line of a place, from 1 on.
pub(crate) fn line(span: Span) -> usize {
    span.start().line
}

/// A name without `r#`.
pub(crate) fn plain(ident: &Ident) -> String {
    let text = ident.to_string();
    text.strip_prefix("r#").map(str::to_owned).unwrap_or(text)
}

fn punct(tokens: &[TokenTree], at: usize) -> Option<char> {
    match tokens.get(at) {
        Some(TokenTree::Punct(punct)) => Some(punct.as_char()),
        _ => None,
    }
}

fn is_colons(tokens: &[TokenTree], at: usize) -> bool {
    punct(tokens, at) == Some(':') && punct(tokens, at + 1) == Some(':')
}

/// `#[…]`
fn is_attribute(tokens: &[TokenTree], at: usize, group: &Group) -> bool {
    let before = at.checked_sub(1).and_then(|at| punct(tokens, at));
    group.delimiter() == Delimiter::Bracket && before.is_some_and(|before| "#!".contains(before))
}

/// `#[doc = "…"]`, which is how a doc comment looks inside a macro.
fn is_doc(tokens: &[TokenTree], at: usize, group: &Group) -> bool {
    let first = group.stream().into_iter().next();
    is_attribute(tokens, at, group) && matches!(first, Some(TokenTree::Ident(name)) if name == "doc")
}

fn name_of(item: &Item) -> Option<Name> {
    let (kind, ident) = match item {
        Item::Enum(item) => (Kind::Type, &item.ident),
        Item::Struct(item) => (Kind::Type, &item.ident),
        Item::Trait(item) => (Kind::Type, &item.ident),
        Item::TraitAlias(item) => (Kind::Type, &item.ident),
        Item::Type(item) => (Kind::Type, &item.ident),
        Item::Union(item) => (Kind::Type, &item.ident),
        Item::Const(item) => (Kind::Value, &item.ident),
        Item::Fn(item) => (Kind::Value, &item.sig.ident),
        Item::Static(item) => (Kind::Value, &item.ident),
        Item::Macro(item) => (Kind::Macro, item.ident.as_ref()?),
        _ => return None,
    };
    Some(Name { text: plain(ident), kind, line: line(ident.span()) })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether it is compiled for tests alone.
fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg") => {
            syn::parse2::<Meta>(list.tokens.clone()).is_ok_and(|condition| needs_test(&condition))
        }
        meta => meta.path().is_ident("test"),
    })
}

/// Whether a condition of `cfg` holds in tests alone.
fn needs_test(condition: &Meta) -> bool {
    let parts = |list: &syn::MetaList| {
        let parse = syn::punctuated::Punctuated::<Meta, syn::Token![,]>::parse_terminated;
        list.parse_args_with(parse).map(|parts| parts.into_iter().collect::<Vec<_>>()).unwrap_or_default()
    };
    match condition {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("all") => parts(list).iter().any(needs_test),
        Meta::List(list) if list.path.is_ident("any") => {
            let parts = parts(list);
            !parts.is_empty() && parts.iter().all(needs_test)
        }
        Meta::NameValue(pair) if pair.path.is_ident("feature") => {
            matches!(&pair.value, syn::Expr::Lit(value)
                if matches!(&value.lit, Lit::Str(name) if TEST_FEATURES.contains(&name.value().as_str())))
        }
        _ => false,
    }
}
