//! The places of an exercise's items in a learner's sources, with the mark of those that are still stubs.

use super::items::written;
use crate::course::Exercise;
use intake::Source;
use interface::Item;
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use std::path::PathBuf;
use syn::visit::{self, Visit};

/// The place of an item in a learner's sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemPlace {
    /// The item's path: `Msa::forward`.
    pub item: String,
    /// The file, from the top of the checkout.
    pub file: PathBuf,
    /// The line of the function's name, from 1.
    pub line: usize,
    /// True if its body is still to be written: it holds a `todo!`.
    pub is_stub: bool,
}

impl ItemPlace {
    /// The place as editors and compilers write it: `exercises/03-msa/src/lib.rs:41`.
    pub fn shown(&self) -> String {
        format!("{}:{}", self.file.display(), self.line)
    }
}

/// The places of the functions that a learner writes, in the order of the files. Sources that cannot be parsed have none.
pub fn places(exercise: &Exercise, sources: &[Source]) -> Vec<ItemPlace> {
    let mut found = vec![];
    let folder = PathBuf::from("exercises")
        .join(&exercise.folder)
        .join("src");
    let items: Vec<_> = written(exercise).collect();
    for source in sources {
        let text = String::from_utf8_lossy(&source.bytes);
        if let Ok(file) = syn::parse_file(&text) {
            let mut search = Search {
                items: &items,
                file: folder.join(&source.path),
                owner: None,
                found: &mut found,
            };
            search.visit_file(&file);
        }
    }
    found
}

struct Search<'a> {
    items: &'a [&'a Item],
    file: PathBuf,
    /// The type whose functions are read.
    owner: Option<String>,
    found: &'a mut Vec<ItemPlace>,
}

impl Search<'_> {
    fn keep(&mut self, name: &syn::Ident, body: &syn::Block) {
        let path = match &self.owner {
            Some(owner) => format!("{owner}::{name}"),
            None => name.to_string(),
        };
        let is_known = self.found.iter().any(|it| it.item == path);
        if is_known || !self.items.iter().any(|item| item.path == path) {
            return;
        }
        self.found.push(ItemPlace {
            item: path,
            file: self.file.clone(),
            line: name.span().start().line,
            is_stub: holds_todo(body.to_token_stream()),
        });
    }
}

impl<'a> Visit<'a> for Search<'_> {
    fn visit_item_fn(&mut self, function: &'a syn::ItemFn) {
        self.keep(&function.sig.ident, &function.block);
    }

    fn visit_item_impl(&mut self, item: &'a syn::ItemImpl) {
        if let (None, syn::Type::Path(path)) = (&item.trait_, &*item.self_ty) {
            self.owner = path.path.segments.last().map(|it| it.ident.to_string());
            visit::visit_item_impl(self, item);
            self.owner = None;
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'a syn::ImplItemFn) {
        self.keep(&function.sig.ident, &function.block);
    }
}

/// Returns whether tokens hold `todo!` or `unimplemented!`.
fn holds_todo(tokens: TokenStream) -> bool {
    let mut before = None;
    tokens.into_iter().any(|token| {
        let is_stub = match &token {
            TokenTree::Group(group) => holds_todo(group.stream()),
            TokenTree::Punct(punct) => {
                let names = ["todo", "unimplemented"];
                punct.as_char() == '!' && names.iter().any(|name| before.as_deref() == Some(*name))
            }
            _ => false,
        };
        before = match token {
            TokenTree::Ident(ident) => Some(ident.to_string()),
            _ => None,
        };
        is_stub
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use interface::ItemKind;

    fn item(path: &str, kind: ItemKind) -> Item {
        Item {
            path: path.to_owned(),
            kind,
            operations: vec![path.to_owned()],
        }
    }

    #[test]
    fn functions_and_methods_are_found_and_those_with_a_todo_are_stubs() -> anyhow::Result<()> {
        let course =
            crate::course::Course::open(concat!(env!("CARGO_MANIFEST_DIR"), "/..").as_ref())?;
        let mut exercise = course.exercises[0].clone();
        exercise.folder = "01-a".to_owned();
        exercise.items = vec![
            item("Layer", ItemKind::Type),
            item("total", ItemKind::Function),
            item("Layer::new", ItemKind::Method),
            item("Layer::total", ItemKind::Method),
        ];
        let lib = "\
pub struct Layer;
impl Layer {
    pub fn new() -> Self {
        if true { todo!(\"make it\") }
        Self
    }
    /// todo!()
    pub fn total(&self) -> &str { \"todo!\" }
}
impl Clone for Layer { fn clone(&self) -> Self { todo!() } }
fn helper() { todo!() }
";
        let source = |path: &str, text: &str| Source {
            path: path.to_owned(),
            bytes: text.as_bytes().to_owned(),
        };
        let sources = [
            source("lib.rs", lib),
            source("more.rs", "\npub fn total() { unimplemented!() }"),
            source("broken.rs", "fn ("),
        ];
        let places = places(&exercise, &sources);
        let shown: Vec<_> = places
            .iter()
            .map(|place| (place.item.as_str(), place.shown(), place.is_stub))
            .collect();
        let at = |file: &str, line| format!("exercises/01-a/src/{file}:{line}");
        assert_eq!(
            shown,
            [
                ("Layer::new", at("lib.rs", 3), true),
                ("Layer::total", at("lib.rs", 8), false),
                ("total", at("more.rs", 2), true),
            ]
        );
        Ok(())
    }
}
