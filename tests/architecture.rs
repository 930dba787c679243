//! Holds docs/architecture.md: which folder of src/ may import from which, and that no files import each other in a
//! circle. Unit tests inside src/ may import what they like.

#![allow(
    clippy::unwrap_used,
    reason = "a source that cannot be read is a failure that names the file"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use syn::ext::IdentExt as _;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, UseTree, Visibility};

/// The top-level modules, and what else each may import. A file of src/ that is not named here fails the test.
const MAY_IMPORT: [(&str, &[&str]); 14] = [
    ("bin", &["commands", "helper", "sys"]),
    (
        "commands",
        &[
            "cluster", "docker", "error", "keychain", "ledger", "model", "output", "registry", "sys",
        ],
    ),
    ("helper", &["keychain", "model", "sys"]),
    ("output", &["error", "model"]),
    (
        "error",
        &["cluster", "docker", "keychain", "ledger", "model", "registry", "sys"],
    ),
    ("cluster", &["model", "sys", "tls"]),
    ("docker", &["model", "sys"]),
    ("keychain", &["model", "sys"]),
    ("ledger", &["model", "sys"]),
    ("registry", &["model", "sys", "tls"]),
    ("tls", &["model"]),
    ("model", &[]),
    ("sys", &["model"]),
    ("lib", &[]),
];

/// A module by its path below the crate: `["cluster", "plan"]`.
type ModulePath = Vec<String>;

/// What one file says of itself.
#[derive(Default)]
struct Module {
    /// Paths that it names, as written: the first segment is `crate`, `self`, `super` or a child module.
    paths: Vec<Vec<String>>,
    /// Names that it re-exports, and from which path.
    exports: BTreeMap<String, Vec<String>>,
}

impl Module {
    fn read(file: &Path) -> Self {
        let text = fs::read_to_string(file).unwrap();
        let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut module = Self::default();
        module.visit_file(&parsed);
        module
    }
}

impl<'ast> Visit<'ast> for Module {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_test(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_use(&mut self, import: &'ast ItemUse) {
        let mut leaves = Vec::new();
        flatten(&import.tree, &mut Vec::new(), &mut leaves);
        for (name, path) in leaves {
            if matches!(import.vis, Visibility::Inherited) {
                self.paths.push(path);
            } else {
                self.exports.insert(name, path);
            }
        }
    }

    /// `pub(in crate::commands)` names a module and imports nothing.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            self.paths
                .push(path.segments.iter().map(|segment| name(&segment.ident)).collect());
        }
        visit::visit_path(self, path);
    }
}

/// The name of a file or an item, without the `r#` of a raw identifier.
fn name(ident: &syn::Ident) -> String {
    ident.unraw().to_string()
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// `#[cfg(test)]`, or `#[cfg(all(test, …))]`.
fn is_test(attributes: &[Attribute]) -> bool {
    let mut found = false;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")) {
        // An error is a condition of another kind.
        let _ = attribute.parse_nested_meta(|meta| {
            found |= meta.path.is_ident("test");
            if meta.path.is_ident("all") {
                return meta.parse_nested_meta(|inner| {
                    found |= inner.path.is_ident("test");
                    Ok(())
                });
            }
            Ok(())
        });
    }
    found
}

/// The names that a `use` brings in, each with its full path.
fn flatten(tree: &UseTree, before: &mut Vec<String>, leaves: &mut Vec<(String, Vec<String>)>) {
    let mut leaf = |name: String, original: Option<String>| {
        let path = before.iter().cloned().chain(original).collect();
        leaves.push((name, path));
    };
    match tree {
        UseTree::Path(path) => {
            before.push(name(&path.ident));
            flatten(&path.tree, before, leaves);
            before.pop();
        }
        UseTree::Name(name) if name.ident == "self" => leaf(before.last().unwrap().clone(), None),
        UseTree::Name(leaf_name) => leaf(name(&leaf_name.ident), Some(name(&leaf_name.ident))),
        UseTree::Rename(name) if name.ident == "self" => leaf(name.rename.to_string(), None),
        UseTree::Rename(renamed) => leaf(name(&renamed.rename), Some(name(&renamed.ident))),
        UseTree::Glob(_) => leaf("*".to_owned(), None),
        UseTree::Group(group) => group.items.iter().for_each(|tree| flatten(tree, before, leaves)),
    }
}

/// Read once, for every test.
static SOURCES: LazyLock<Sources> = LazyLock::new(Sources::read);

/// Every module of src/, unit tests' own files left out.
struct Sources(BTreeMap<ModulePath, Module>);

impl Sources {
    fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut modules = BTreeMap::new();
        read_folder(&root, &mut Vec::new(), &mut modules);
        assert!(modules.len() > 100, "src/ was not found: {} modules", modules.len());
        Self(modules)
    }

    /// The module that a path leads to, through re-exports; `None` where it leads to another crate or to a local item.
    fn resolve(&self, from: &[String], path: &[String]) -> Option<ModulePath> {
        // A chain of re-exports is short; the bound is for one that leads back to itself.
        let (mut from, mut path) = (from.to_vec(), path.to_vec());
        for _ in 0..16 {
            let (module, rest) = self.longest(&from, &path)?;
            let exported = rest.first().and_then(|name| self.0[&module].exports.get(name));
            let Some(exported) = exported else { return Some(module) };
            path = exported.iter().chain(&rest[1..]).cloned().collect();
            from = module;
        }
        None
    }

    /// The longest part of a path that is a module, and what follows it.
    fn longest(&self, from: &[String], path: &[String]) -> Option<(ModulePath, Vec<String>)> {
        let mut module = from.to_vec();
        let mut rest = path;
        match path.first()?.as_str() {
            "crate" | "regcred" => {
                module.clear();
                rest = &rest[1..];
            }
            "self" => rest = &rest[1..],
            "super" => {
                while rest.first().is_some_and(|segment| segment == "super") {
                    module.pop()?;
                    rest = &rest[1..];
                }
            }
            child if self.0.contains_key(&joined(from, child)) => {}
            _ => return None,
        }
        while let Some((child, after)) = rest.split_first()
            && self.0.contains_key(&joined(&module, child))
        {
            module.push(child.clone());
            rest = after;
        }
        Some((module, rest.to_vec()))
    }

    /// For each module the modules that it imports.
    fn imports(&self) -> BTreeMap<&ModulePath, BTreeSet<ModulePath>> {
        self.0
            .iter()
            .map(|(name, module)| {
                let found = module.paths.iter().filter_map(|path| self.resolve(name, path));
                (name, found.filter(|found| found != name).collect())
            })
            .collect()
    }
}

fn joined(module: &[String], child: &str) -> ModulePath {
    module.iter().cloned().chain([child.to_owned()]).collect()
}

fn read_folder(folder: &Path, module: &mut ModulePath, modules: &mut BTreeMap<ModulePath, Module>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            module.push(stem);
            read_folder(&path, module, modules);
            module.pop();
        } else if stem == "mod" || stem == "lib" && module.is_empty() {
            modules.insert(module.clone(), Module::read(&path));
        } else if stem != "tests" && path.extension().is_some_and(|extension| extension == "rs") {
            modules.insert(joined(module, &stem), Module::read(&path));
        }
    }
}

fn shown(module: &[String]) -> String {
    if module.is_empty() {
        "lib".to_owned()
    } else {
        module.join("/")
    }
}

#[test]
fn folders_import_one_way() {
    let rules = BTreeMap::from(MAY_IMPORT);
    let folder = |module: &[String]| module.first().map_or("lib", String::as_str).to_owned();
    let mut wrong = Vec::new();
    for (module, imports) in SOURCES.imports() {
        let from = folder(module);
        let Some(allowed) = rules.get(from.as_str()) else {
            wrong.push(format!("{from} is a top-level module that has no rule"));
            continue;
        };
        for import in imports {
            let to = folder(&import);
            if to != from && !allowed.contains(&to.as_str()) {
                wrong.push(format!("{} imports {}", shown(module), shown(&import)));
            }
        }
    }
    assert!(wrong.is_empty(), "against docs/architecture.md:\n{}", wrong.join("\n"));
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let imports = SOURCES.imports();
    let reach: BTreeMap<_, _> = imports
        .keys()
        .map(|module| (*module, reached(module, &imports)))
        .collect();
    let mut circles = BTreeSet::new();
    for (module, reached) in &reach {
        let circle: Vec<_> = reached.iter().filter(|other| reach[*other].contains(*module)).collect();
        if circle.len() > 1 {
            circles.insert(circle.iter().map(|module| shown(module)).collect::<Vec<_>>().join(", "));
        }
    }
    let circles = Vec::from_iter(circles);
    assert!(circles.is_empty(), "these import each other:\n{}", circles.join("\n"));
}

/// Everything that a module imports, directly or through others.
fn reached<'a>(
    module: &'a ModulePath,
    imports: &'a BTreeMap<&'a ModulePath, BTreeSet<ModulePath>>,
) -> BTreeSet<&'a ModulePath> {
    let mut reached = BTreeSet::new();
    let mut waiting = vec![module];
    while let Some(module) = waiting.pop() {
        waiting.extend(imports[module].iter().filter(|import| reached.insert(*import)));
    }
    reached
}

/// The two tests above say nothing where paths are not understood: what they must understand, on a small example.
#[test]
fn paths_lead_to_modules() {
    let module = |text: &str| {
        let mut module = Module::default();
        module.visit_file(&syn::parse_file(text).unwrap());
        module
    };
    let path = |text: &str| -> ModulePath {
        text.split('/')
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let sources = Sources(BTreeMap::from([
        (path(""), module("pub mod a; mod b;")),
        (
            path("a"),
            module("mod inner; pub use inner::{Thing as Renamed, other}; fn f() { inner::g(); }"),
        ),
        (
            path("a/inner"),
            module(
                "use crate::b; use super::super::b::B; #[cfg(test)] mod tests { use crate::c::C; } #[cfg(all(test, unix))] mod on_unix { use crate::c::C; }",
            ),
        ),
        (
            path("b"),
            module("use crate::a::{self, Renamed}; use std::fmt; fn f() -> crate::a::other::X { std::mem::take() }"),
        ),
        (path("c"), module("fn f() { Self::g(); fmt::Display; }")),
    ]));
    let imports = sources.imports();
    let of = |name: &str| {
        imports[&path(name)]
            .iter()
            .map(|module| shown(module))
            .collect::<Vec<_>>()
    };
    assert_eq!(of("a"), ["a/inner"]);
    assert_eq!(of("a/inner"), ["b"]);
    assert_eq!(of("b"), ["a", "a/inner"]);
    assert_eq!(of("c"), Vec::<String>::new());
}
