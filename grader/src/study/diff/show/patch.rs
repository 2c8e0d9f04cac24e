//! A comparison as a patch, which makes a learner's items those of the solution.

use super::super::code::substituted;
use super::super::code::{Code, Item};
use super::super::compare::{Comparison, Verdict};
use super::super::solutions::Solution;
use diffy::DiffOptions;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use syn::UseTree;

/// The patch for a checkout's top folder, as `patch -p1` takes it. `folder` is the exercise's.
pub fn patch(
    folder: &str,
    yours: &Code,
    comparison: &Comparison,
    solutions: &[Solution],
) -> String {
    let mut plan = Plan {
        yours,
        edits: BTreeMap::new(),
        added: BTreeSet::new(),
        needed: BTreeSet::new(),
    };
    for item in &comparison.items {
        let solution = &solutions[item.parts.solution].code;
        if item.verdict != Verdict::Same
            && let (Some(&own), Some(&other)) =
                (item.parts.yours.first(), item.parts.theirs.first())
        {
            plan.replace(own, solution, other);
        }
    }
    plan.remove_unused(comparison);
    let mut patch = String::new();
    for (number, file) in yours.files.iter().enumerate() {
        let Some(edits) = plan.edits.remove(&number) else {
            continue;
        };
        let new = substituted(&file.raw, &edits);
        let path = format!("exercises/{folder}/src/{}", file.path);
        let of_file = DiffOptions::new()
            .set_original_filename(format!("a/{path}"))
            .set_modified_filename(format!("b/{path}"))
            .create_patch(&file.raw, &new)
            .to_string();
        patch.push_str(&of_file);
    }
    patch
}

struct Plan<'a> {
    yours: &'a Code,
    /// By file.
    edits: BTreeMap<usize, Vec<(Range<usize>, String)>>,
    /// Names of what was added.
    added: BTreeSet<String>,
    /// Words of what was put in.
    needed: BTreeSet<String>,
}

impl Plan<'_> {
    /// Puts a solution's item in the place of a learner's, with the helpers and imports that it needs and the learner has not.
    fn replace(&mut self, own: usize, solution: &Code, other: usize) {
        let yours = &self.yours.items[own];
        let mut text = raw(solution, other).to_owned();
        let mut apart = String::new();
        let mut needed = vec![other];
        let mut todo = vec![other];
        while let Some(next) = todo.pop() {
            for (number, helper) in solution.items.iter().enumerate() {
                let mentions = &solution.items[next].mentions;
                let is_helper = !helper.is_public && mentions.contains(&helper.name);
                let is_there = self.yours.find(&helper.path).is_some();
                if !is_helper || is_there || !self.added.insert(helper.path.clone()) {
                    continue;
                }
                needed.push(number);
                todo.push(number);
                match owner(helper) {
                    // A method goes where its item is, if that is one of the same type.
                    Some(of) if owner(&solution.items[other]) == Some(of) => {
                        text.push_str("\n\n");
                        text.push_str(raw(solution, number));
                    }
                    Some(of) => {
                        apart.push_str(&format!("\nimpl {of} {{\n{}\n}}\n", raw(solution, number)))
                    }
                    None => apart.push_str(&format!("\n{}\n", raw(solution, number))),
                }
            }
        }
        for item in &needed {
            self.needed
                .extend(solution.items[*item].mentions.iter().cloned());
        }
        let imports = self.imports(yours.file, solution, &needed);
        let end = self.yours.files[yours.file].raw.len();
        let edits = self.edits.entry(yours.file).or_default();
        edits.push((yours.raw.clone(), text));
        if !apart.is_empty() {
            edits.push((end..end, apart));
        }
        edits.extend(imports);
    }

    /// Takes out the learner's helpers that only what was replaced has used.
    fn remove_unused(&mut self, comparison: &Comparison) {
        let replaced = comparison.items.iter();
        let replaced = replaced.filter(|it| it.verdict != Verdict::Same);
        let mut gone: BTreeSet<usize> = BTreeSet::new();
        let mut helpers: BTreeSet<usize> = BTreeSet::new();
        for item in replaced {
            gone.extend(item.parts.yours.first());
            helpers.extend(item.parts.yours.iter().skip(1));
        }
        // One may be used by another that goes, too.
        loop {
            let is_used = |helper: &usize| {
                let name = &self.yours.items[*helper].name;
                let others = self.yours.items.iter().enumerate();
                let mut others = others.filter(|(i, _)| i != helper && !gone.contains(i));
                self.needed.contains(name) || others.any(|(_, it)| it.mentions.contains(name))
            };
            let unused = helpers.iter().copied().find(|it| !is_used(it));
            let Some(unused) = unused else { break };
            helpers.remove(&unused);
            gone.insert(unused);
            let item = &self.yours.items[unused];
            let text = &self.yours.files[item.file].raw;
            let rest = &text[item.raw.end..];
            let blank = rest.len() - rest.trim_start_matches(['\n', '\r']).len();
            let range = item.raw.start..item.raw.end + blank;
            self.edits
                .entry(item.file)
                .or_default()
                .push((range, String::new()));
        }
    }

    /// The imports of a solution that the items need, and those that no item names, as those of traits.
    fn imports(
        &mut self,
        file: usize,
        solution: &Code,
        needed: &[usize],
    ) -> Option<(Range<usize>, String)> {
        let of_solution = &solution.files[solution.items[needed[0]].file].raw;
        let (own, at) = imported(&self.yours.files[file].raw);
        let (other, _) = imported(of_solution);
        let mut lines = String::new();
        for (name, path) in other {
            let named = |item: &Item| item.mentions.contains(&name);
            let is_needed = needed.iter().any(|it| named(&solution.items[*it]))
                || !solution.items.iter().any(named);
            let is_there = own.iter().any(|(there, _)| *there == name);
            if is_needed && !is_there && self.added.insert(format!("use {name}")) {
                lines.push_str(&format!("use {path};\n"));
            }
        }
        (!lines.is_empty()).then_some((at..at, lines))
    }
}

/// An item as it was written.
fn raw(code: &Code, item: usize) -> &str {
    let item = &code.items[item];
    &code.files[item.file].raw[item.raw.clone()]
}

/// The type that an item is a function of.
fn owner(item: &Item) -> Option<&str> {
    let (owner, _) = item.path.rsplit_once("::")?;
    owner.chars().next()?.is_uppercase().then_some(owner)
}

/// The names that a file imports, with their paths, and the place for more imports.
fn imported(source: &str) -> (Vec<(String, String)>, usize) {
    let mut names = vec![];
    let Ok(file) = syn::parse_file(source) else {
        return (names, 0);
    };
    let mut place = None;
    for item in &file.items {
        use syn::spanned::Spanned;
        if let syn::Item::Use(item) = item {
            leaves(&item.tree, &mut vec![], &mut names);
            place = Some(item.span().byte_range().end);
        }
        if place.is_none() && !matches!(item, syn::Item::Mod(_)) {
            place = Some(item.span().byte_range().start);
        }
    }
    let place = place.unwrap_or(source.len());
    // A new line after the last import, or in front of the first item.
    let rest = &source[place..];
    let line = match source[..place].ends_with(';') {
        true => rest.find('\n').map_or(source.len(), |end| place + end + 1),
        false => source[..place].rfind('\n').map_or(0, |end| end + 1),
    };
    (names, line)
}

fn leaves(tree: &UseTree, before: &mut Vec<String>, found: &mut Vec<(String, String)>) {
    let path = |before: &[String], last: &str| match last {
        "self" => before.join("::"),
        last => [before, &[last.to_owned()]].concat().join("::"),
    };
    match tree {
        UseTree::Path(it) => {
            before.push(it.ident.to_string());
            leaves(&it.tree, before, found);
            before.pop();
        }
        UseTree::Name(it) => {
            let name = match it.ident.to_string() {
                name if name == "self" => before.last().cloned().unwrap_or_default(),
                name => name,
            };
            found.push((name, path(before, &it.ident.to_string())));
        }
        UseTree::Rename(it) => {
            let of = path(before, &it.ident.to_string());
            found.push((it.rename.to_string(), format!("{of} as {}", it.rename)));
        }
        UseTree::Glob(_) => found.push(("*".to_owned(), path(before, "*"))),
        UseTree::Group(it) => it.items.iter().for_each(|it| leaves(it, before, found)),
    }
}
