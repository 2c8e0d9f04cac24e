//! The functions that a misconception changes, and the program in which several misconceptions can be switched on at once.

use super::misconception::Misconception;
use anyhow::{Context, Result};
use quote::{ToTokens, quote};
use std::collections::{BTreeMap, BTreeSet};
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Block, File, ImplItem, Item, Signature, parse_quote};

/// Names of functions, of methods with their types.
pub type Functions = BTreeSet<String>;

/// The functions that each misconception changes; nothing for one that changes something besides their bodies.
///
/// # Errors
/// Returns an error if the solution or a misconception is no Rust file.
pub fn changed(solution: &str, misconceptions: &[Misconception]) -> Result<Vec<Option<Functions>>> {
    let solution = Source::read(solution)?;
    let each = misconceptions.iter().map(|misconception| {
        let source =
            Source::read(&misconception.source).with_context(|| misconception.id.clone())?;
        Ok(solution.changed_in(&source))
    });
    each.collect()
}

/// The solution, each of whose functions does what the misconceptions do that are switched on.
///
/// # Errors
/// Returns an error if the solution or a version is no Rust file.
pub fn joined(solution: &str, versions: &[(&str, String)]) -> Result<File> {
    let right = Source::read(solution)?;
    let mut bodies: BTreeMap<String, Vec<(&str, Block)>> = BTreeMap::new();
    for (name, source) in versions {
        let version = Source::read(source).with_context(|| (*name).to_owned())?;
        for function in right.changed_in(&version).into_iter().flatten() {
            let body = version.bodies[&function].clone();
            bodies.entry(function).or_default().push((*name, body));
        }
    }
    let mut file = syn::parse_file(solution)?;
    each_function(&mut file, &mut |name, _, block| {
        let Some(versions) = bodies.get(name) else {
            return;
        };
        let names = versions.iter().map(|(name, _)| name);
        let arms = versions
            .iter()
            .enumerate()
            .map(|(number, (_, body))| quote! { Some(#number) => #body });
        let right = &*block;
        *block = parse_quote! {{
            match workers::versions::switched_on(&[#(#names),*]) {
                #(#arms)*
                _ => #right
            }
        }};
    });
    Ok(file)
}

/// The solution with the bodies that a version has for these functions.
///
/// # Errors
/// Returns an error if the solution or the version is no Rust file.
pub fn limited(solution: &str, version: &str, functions: &Functions) -> Result<File> {
    let version = Source::read(version)?;
    let mut file = syn::parse_file(solution)?;
    each_function(&mut file, &mut |name, _, block| {
        if let Some(body) = version.bodies.get(name)
            && functions.contains(name)
        {
            *block = body.clone();
        }
    });
    Ok(file)
}

/// A source's functions, and the rest of it.
struct Source {
    bodies: BTreeMap<String, Block>,
    /// Functions whose bodies cannot stand beside others: each has a type of its own.
    opaque: BTreeSet<String>,
    /// Its tokens without the bodies.
    rest: String,
}

impl Source {
    fn read(source: &str) -> Result<Self> {
        let mut file = syn::parse_file(source).context("it is no Rust file")?;
        Comments.visit_file_mut(&mut file);
        let (mut bodies, mut opaque) = (BTreeMap::new(), BTreeSet::new());
        each_function(&mut file, &mut |name, signature, block| {
            let returns = signature.output.to_token_stream().to_string();
            if returns.split(' ').any(|word| word == "impl") || signature.constness.is_some() {
                opaque.insert(name.to_owned());
            }
            let body = std::mem::replace(block, parse_quote! {{}});
            bodies.insert(name.to_owned(), body);
        });
        let rest = file.to_token_stream().to_string();
        Ok(Self {
            bodies,
            opaque,
            rest,
        })
    }

    fn changed_in(&self, version: &Self) -> Option<Functions> {
        let functions = self.bodies.iter();
        let changed = functions.filter(|(name, body)| version.bodies.get(*name) != Some(*body));
        let changed: Functions = changed.map(|(name, _)| name.clone()).collect();
        let is_whole = self.rest == version.rest && changed.is_disjoint(&self.opaque);
        is_whole.then_some(changed)
    }
}

/// Takes doc comments away: they are no part of what a function does.
struct Comments;

impl VisitMut for Comments {
    fn visit_attributes_mut(&mut self, attributes: &mut Vec<Attribute>) {
        attributes.retain(|attribute| !attribute.path().is_ident("doc"));
        for attribute in attributes {
            visit_mut::visit_attribute_mut(self, attribute);
        }
    }
}

/// Does something with each function of a file: its name, its signature, its body.
fn each_function(file: &mut File, act: &mut dyn FnMut(&str, &Signature, &mut Block)) {
    for item in &mut file.items {
        match item {
            Item::Fn(function) => {
                act(
                    &function.sig.ident.to_string(),
                    &function.sig,
                    &mut function.block,
                );
            }
            Item::Impl(of) => {
                let owner = of.self_ty.to_token_stream().to_string();
                let as_what = of
                    .trait_
                    .as_ref()
                    .map(|(_, path, _)| path.to_token_stream().to_string());
                for item in &mut of.items {
                    if let ImplItem::Fn(method) = item {
                        let as_what = as_what.as_deref().unwrap_or_default();
                        let name = format!("{owner} {as_what}::{}", method.sig.ident);
                        act(&name, &method.sig, &mut method.block);
                    }
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOLUTION: &str = "
        /// One.
        fn one() -> u8 { 1 }
        struct Two(u8);
        impl Two {
            const fn fixed() -> u8 { 7 }
            fn two(&self) -> u8 { self.0 }
        }
    ";

    fn changed_by(from: &str, to: &str) -> Option<Functions> {
        let source = SOLUTION.replace(from, to);
        let one = Misconception {
            source,
            ..Misconception::default()
        };
        changed(SOLUTION, &[one]).expect("sources").remove(0)
    }

    #[test]
    fn the_functions_whose_bodies_differ_are_changed() {
        let names = |changed: Option<Functions>| changed.map(Vec::from_iter);
        assert_eq!(
            names(changed_by("{ 1 }", "{ 2 }")),
            Some(vec!["one".to_owned()])
        );
        assert_eq!(
            names(changed_by("{ self.0 }", "{ 2 }")),
            Some(vec!["Two ::two".to_owned()])
        );
        assert_eq!(names(changed_by("/// One.", "/// A.")), Some(vec![]));
    }

    #[test]
    fn what_changes_more_than_bodies_cannot_be_joined() {
        assert_eq!(changed_by("Two(u8)", "Two(u8, u8)"), None);
        assert_eq!(changed_by("{ 7 }", "{ 8 }"), None);
    }

    #[test]
    fn a_joined_function_has_the_body_of_the_version_that_is_switched_on() {
        let versions = ["2", "3"].map(|body| SOLUTION.replace("{ 1 }", &format!("{{ {body} }}")));
        let [a, b] = versions;
        let file = joined(SOLUTION, &[("a", a), ("b", b)]).expect("a file");
        let joined = file.to_token_stream().to_string();
        let one = r#"match workers :: versions :: switched_on (& ["a" , "b"]) { Some (0usize) => { 2 } Some (1usize) => { 3 } _ => { 1 } }"#;
        assert!(joined.contains(one), "{joined}");
        assert!(
            joined.contains("fn two (& self) -> u8 { self . 0 }"),
            "{joined}"
        );
    }

    #[test]
    fn a_limited_version_differs_in_the_functions_named_alone() {
        let version = SOLUTION.replace("{ 1 }", "{ 2 }");
        let version = version.replace("{ self.0 }", "{ 3 }");
        let functions = Functions::from(["one".to_owned()]);
        let file = limited(SOLUTION, &version, &functions).expect("a file");
        let limited = file.to_token_stream().to_string();
        assert!(limited.contains("fn one () -> u8 { 2 }"), "{limited}");
        assert!(
            limited.contains("fn two (& self) -> u8 { self . 0 }"),
            "{limited}"
        );
    }
}
