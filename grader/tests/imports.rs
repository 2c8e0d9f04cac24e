//! Imports form no circle: no module of the grader, or of its proofs, imports one that imports it, directly or through others.
//! A parent and the modules below it are one.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::Path;
use syn::visit::{self, Visit};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// A module's path within the crate: `naming`, `bench`.
type Module = Vec<String>;

/// The paths that a file names, but for those of its tests.
#[derive(Default)]
struct Named(Vec<Vec<String>>);

impl Named {
    fn tree(&mut self, tree: &syn::UseTree, before: &[String]) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.tree(&path.tree, &with(&path.ident)),
            syn::UseTree::Name(name) => self.0.push(with(&name.ident)),
            syn::UseTree::Rename(renamed) => self.0.push(with(&renamed.ident)),
            syn::UseTree::Glob(_) => self.0.push(before.to_vec()),
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.tree(tree, before);
                }
            }
        }
    }
}

impl<'a> Visit<'a> for Named {
    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        self.tree(&item.tree, &[]);
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        let names = path.segments.iter().map(|part| part.ident.to_string());
        self.0.push(names.collect());
        visit::visit_path(self, path);
    }

    fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
        if item.ident != "tests" && item.ident != "testing" {
            visit::visit_item_mod(self, item);
        }
    }
}

/// Each module's file below a folder.
fn modules(folder: &Path, within: &[String], found: &mut BTreeMap<Module, String>) -> Result {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let module = [within, &[name.to_string()]].concat();
        if path.is_dir() {
            modules(&path, &module, found)?;
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.insert(module, fs::read_to_string(&path)?);
        }
    }
    Ok(())
}

/// The modules that each one imports.
fn imports(modules: &BTreeMap<Module, String>) -> Result<BTreeMap<&Module, BTreeSet<&Module>>> {
    let mut imports = BTreeMap::new();
    for (module, source) in modules {
        let mut named = Named::default();
        named.visit_file(&syn::parse_file(source)?);
        let whole = named.0.iter().filter_map(|path| absolute(path, module));
        let targets = whole.filter_map(|path| {
            // The longest beginning that is a module.
            let lengths = (1..=path.len()).rev();
            let mut known = lengths.filter_map(|length| modules.get_key_value(&path[..length]));
            known.next().map(|(target, _)| target)
        });
        let others = targets.filter(|target| !target.starts_with(module));
        imports.insert(module, others.collect());
    }
    Ok(imports)
}

/// A path from the crate's root; nothing where it begins with another crate.
fn absolute(path: &[String], module: &[String]) -> Option<Vec<String>> {
    let up = path.iter().take_while(|name| *name == "super").count();
    match path.first()?.as_str() {
        "crate" => Some(path[1..].to_vec()),
        "super" => Some([&module[..module.len().checked_sub(up)?], &path[up..]].concat()),
        "self" => Some([module, &path[1..]].concat()),
        _ => None,
    }
}

/// A circle, as the modules that it goes through, if there is one.
fn circle<'a>(imports: &BTreeMap<&'a Module, BTreeSet<&'a Module>>) -> Option<Vec<&'a Module>> {
    fn search<'a>(
        at: &'a Module,
        imports: &BTreeMap<&'a Module, BTreeSet<&'a Module>>,
        way: &mut Vec<&'a Module>,
        done: &mut BTreeSet<&'a Module>,
    ) -> Option<Vec<&'a Module>> {
        if let Some(first) = way.iter().position(|module| *module == at) {
            return Some(way[first..].to_vec());
        }
        if !done.insert(at) {
            return None;
        }
        way.push(at);
        let mut next = imports.get(at).into_iter().flatten();
        let found = next.find_map(|next| search(next, imports, way, done));
        way.pop();
        found
    }
    let mut done = BTreeSet::new();
    let mut all = imports.keys();
    all.find_map(|module| search(module, imports, &mut vec![], &mut done))
}

#[test]
fn no_module_imports_one_that_imports_it() -> Result {
    for (source, least_modules, least_imports) in [("src", 100, 300), ("proofs/src", 30, 25)] {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(source);
        let mut found = BTreeMap::new();
        modules(&source, &[], &mut found)?;
        assert!(found.len() > least_modules, "{} modules", found.len());
        let imports = imports(&found)?;
        let count: usize = imports.values().map(BTreeSet::len).sum();
        assert!(count > least_imports, "{count} imports");
        let circle = circle(&imports).map(|circle| {
            let names = circle.iter().map(|module| module.join("::"));
            names.collect::<Vec<_>>().join(" → ")
        });
        assert_eq!(circle, None);
    }
    Ok(())
}

#[test]
fn a_circle_is_found_however_it_is_imported() -> Result {
    let files = [
        ("a", "use crate::b::{self, C as D};"),
        ("b", "fn f() -> super::c::C { todo!() }"),
        ("c", "#[cfg(test)] mod tests { use crate::a::A; }"),
    ];
    let mut files: BTreeMap<Module, String> = files
        .into_iter()
        .map(|(name, source)| (vec![name.to_owned()], source.to_owned()))
        .collect();
    // Imports of tests do not count.
    assert_eq!(circle(&imports(&files)?), None);
    files.insert(
        vec!["c".to_owned()],
        "const X: u8 = crate::a::X;".to_owned(),
    );
    let found = imports(&files)?;
    assert_eq!(circle(&found).map(|circle| circle.len()), Some(3));
    Ok(())
}
