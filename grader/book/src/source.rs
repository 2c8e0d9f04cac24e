//! Rust sources as the book shows them: each item with its documentation, its signature and its code.

use anyhow::{Context, Result};
use proc_macro2::Span;
use std::path::Path;
use syn::spanned::Spanned;
use syn::{Attribute, Expr, ImplItem, Item as Syntax, Lit, Meta, Type, Visibility};

/// A source file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Source {
    /// The documentation of the file as a whole.
    pub(crate) docs: String,
    /// Its public items, in order.
    pub(crate) items: Vec<Item>,
    /// All code but tests, in order, each piece with the item that it belongs to.
    pub(crate) pieces: Vec<Piece>,
}

/// A public item.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// The name within the file: `attention`, `Msa::forward`.
    pub(crate) path: String,
    /// The kind, as it is shown: "function", "struct".
    pub(crate) kind: &'static str,
    /// The documentation, as Markdown.
    pub(crate) docs: String,
    /// The declaration without documentation and body.
    pub(crate) signature: String,
    /// Fields and variants that are documented, with their documentation.
    pub(crate) parts: Vec<(String, String)>,
    /// The methods of a type.
    pub(crate) methods: Vec<Item>,
    /// True if a body is left to be written.
    pub(crate) is_open: bool,
}

/// A piece of code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The function or type that it belongs to; none for imports and modules.
    pub(crate) owner: Option<String>,
    /// The code, without documentation.
    pub(crate) code: String,
}

impl Source {
    /// Parses a file.
    ///
    /// # Errors
    /// Returns an error if it is not Rust.
    pub(crate) fn parse(text: &str, path: &Path) -> Result<Self> {
        let file = syn::parse_file(text)
            .with_context(|| format!("cannot read {} as Rust", path.display()))?;
        let mut source = Self {
            docs: docs(&file.attrs),
            ..Self::default()
        };
        for item in &file.items {
            source.take(item, text);
        }
        Ok(source)
    }

    fn take(&mut self, item: &Syntax, text: &str) {
        let (attributes, name, visibility, kind) = match item {
            Syntax::Fn(it) => (
                &it.attrs,
                Some(it.sig.ident.to_string()),
                Some(&it.vis),
                "function",
            ),
            Syntax::Struct(it) => (
                &it.attrs,
                Some(it.ident.to_string()),
                Some(&it.vis),
                "struct",
            ),
            Syntax::Enum(it) => (&it.attrs, Some(it.ident.to_string()), Some(&it.vis), "enum"),
            Syntax::Trait(it) => (
                &it.attrs,
                Some(it.ident.to_string()),
                Some(&it.vis),
                "trait",
            ),
            Syntax::Const(it) => (
                &it.attrs,
                Some(it.ident.to_string()),
                Some(&it.vis),
                "constant",
            ),
            Syntax::Type(it) => (&it.attrs, Some(it.ident.to_string()), Some(&it.vis), "type"),
            Syntax::Impl(it) => (&it.attrs, type_name(&it.self_ty), None, "impl"),
            Syntax::Mod(it) => (&it.attrs, None, None, "module"),
            Syntax::Use(it) => (&it.attrs, None, None, "import"),
            _ => return,
        };
        if attributes.iter().any(is_test) {
            return;
        }
        let code = without_docs(&cut(text, bare(item.span(), attributes, text)));
        self.pieces.push(Piece {
            owner: name.clone(),
            code,
        });
        if let Syntax::Impl(block) = item {
            return self.take_methods(block, text);
        }
        let (Some(path), Some(Visibility::Public(_))) = (name, visibility) else {
            return;
        };
        let (signature, parts, is_open) = match item {
            Syntax::Fn(it) => (
                signature(it.span(), &it.attrs, it.block.span(), text),
                vec![],
                is_open(&it.block),
            ),
            Syntax::Struct(it) => (String::new(), fields(&it.fields), false),
            Syntax::Enum(it) => (
                String::new(),
                it.variants
                    .iter()
                    .map(|it| (it.ident.to_string(), docs(&it.attrs)))
                    .collect(),
                false,
            ),
            _ => (String::new(), vec![], false),
        };
        let whole = || without_docs(&cut(text, bare(item.span(), attributes, text)));
        self.items.push(Item {
            path,
            kind,
            docs: docs(attributes),
            signature: if signature.is_empty() {
                whole()
            } else {
                signature
            },
            parts: parts
                .into_iter()
                .filter(|(_, docs)| !docs.is_empty())
                .collect(),
            methods: vec![],
            is_open,
        });
    }

    fn take_methods(&mut self, block: &syn::ItemImpl, text: &str) {
        let Some(owner) = type_name(&block.self_ty) else {
            return;
        };
        let Some(item) = self.items.iter_mut().find(|item| item.path == owner) else {
            return;
        };
        for part in &block.items {
            let ImplItem::Fn(method) = part else { continue };
            if block.trait_.is_none() && !matches!(method.vis, Visibility::Public(_)) {
                continue;
            }
            let is_open = is_open(&method.block);
            item.is_open |= is_open;
            item.methods.push(Item {
                path: format!("{owner}::{}", method.sig.ident),
                kind: "method",
                docs: docs(&method.attrs),
                signature: signature(method.span(), &method.attrs, method.block.span(), text),
                parts: vec![],
                methods: vec![],
                is_open,
            });
        }
    }
}

fn fields(fields: &syn::Fields) -> Vec<(String, String)> {
    let named = fields.iter().filter_map(|field| {
        let name = field.ident.as_ref()?.to_string();
        Some((name, docs(&field.attrs)))
    });
    named.collect()
}

fn type_name(of: &Type) -> Option<String> {
    match of {
        Type::Path(path) => Some(path.path.segments.last()?.ident.to_string()),
        _ => None,
    }
}

/// Returns whether a body still has a `todo!`.
fn is_open(block: &syn::Block) -> bool {
    let mut statements = block.stmts.iter().map(|statement| match statement {
        syn::Stmt::Macro(it) => it.mac.path.is_ident("todo"),
        syn::Stmt::Expr(Expr::Macro(it), _) => it.mac.path.is_ident("todo"),
        _ => false,
    });
    statements.any(|is_todo| is_todo)
}

fn is_test(attribute: &Attribute) -> bool {
    let Meta::List(list) = &attribute.meta else {
        return false;
    };
    list.path.is_ident("cfg") && list.tokens.to_string() == "test"
}

/// The text of doc comments.
fn docs(attributes: &[Attribute]) -> String {
    let mut lines = vec![];
    for attribute in attributes {
        let Meta::NameValue(pair) = &attribute.meta else {
            continue;
        };
        let Expr::Lit(literal) = &pair.value else {
            continue;
        };
        if let (true, Lit::Str(text)) = (pair.path.is_ident("doc"), &literal.lit) {
            let text = text.value();
            lines.extend(
                text.lines()
                    .map(|it| it.strip_prefix(' ').unwrap_or(it).to_owned()),
            );
            if text.is_empty() {
                lines.push(String::new());
            }
        }
    }
    lines.join("\n")
}

/// The place of an item without the doc comments before it.
fn bare(whole: Span, attributes: &[Attribute], text: &str) -> std::ops::Range<usize> {
    let range = whole.byte_range();
    let documented = attributes.iter().filter(|it| it.path().is_ident("doc"));
    let start = documented.map(|it| it.span().byte_range().end).max();
    let start = start.unwrap_or(range.start).max(range.start);
    let rest = text.get(start..range.end).unwrap_or_default();
    start + rest.len() - rest.trim_start().len()..range.end
}

fn signature(whole: Span, attributes: &[Attribute], body: Span, text: &str) -> String {
    let mut place = bare(whole, attributes, text);
    place.end = body.byte_range().start.max(place.start);
    cut(text, place).trim_end().to_owned()
}

/// A part of the text, moved to the left as far as its first line is from there.
fn cut(text: &str, place: std::ops::Range<usize>) -> String {
    let before = text.get(..place.start).unwrap_or_default();
    let line = before.rfind('\n').map_or(0, |at| at + 1);
    let indentation = &before[line..];
    let piece = text.get(place).unwrap_or_default();
    let lines = piece
        .lines()
        .map(|it| it.strip_prefix(indentation).unwrap_or(it));
    lines.collect::<Vec<_>>().join("\n")
}

/// Code without the lines of its doc comments, which are shown above it.
fn without_docs(code: &str) -> String {
    let lines = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("///"));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
//! A file.

use a::b;

/// Adds.
///
/// # Panics
/// Never.
#[must_use]
pub fn add(
    x: u8,
) -> u8 {
    todo!(\"x\")
}

/// A pair.
#[derive(Debug)]
pub struct Pair {
    /// The first.
    pub first: u8,
    second: u8,
}

impl Pair {
    /// Makes one.
    pub fn new(
        first: u8,
    ) -> Self {
        helper(first) // √
    }

    fn hidden() {}
}

fn helper(x: u8) -> Pair {
    Pair { first: x, second: x }
}

#[cfg(test)]
mod tests {}
";

    #[test]
    fn items_have_docs_signatures_methods_and_say_what_is_open() -> Result<()> {
        let source = Source::parse(TEXT, Path::new("lib.rs"))?;
        assert_eq!(source.docs, "A file.");
        let [add, pair] = source.items.as_slice() else {
            panic!("{:?}", source.items);
        };
        assert_eq!(
            add.signature,
            "#[must_use]\npub fn add(\n    x: u8,\n) -> u8"
        );
        assert_eq!(add.docs, "Adds.\n\n# Panics\nNever.");
        assert!(add.is_open && !pair.is_open);
        assert_eq!(pair.parts, [("first".to_owned(), "The first.".to_owned())]);
        let [new] = pair.methods.as_slice() else {
            panic!("{:?}", pair.methods);
        };
        assert_eq!(new.path, "Pair::new");
        assert_eq!(new.signature, "pub fn new(\n    first: u8,\n) -> Self");
        Ok(())
    }

    #[test]
    fn all_code_but_tests_is_a_piece_and_belongs_to_its_item() -> Result<()> {
        let source = Source::parse(TEXT, Path::new("lib.rs"))?;
        let owners: Vec<_> = source.pieces.iter().map(|it| it.owner.as_deref()).collect();
        let expected = [
            None,
            Some("add"),
            Some("Pair"),
            Some("Pair"),
            Some("helper"),
        ];
        assert_eq!(owners, expected);
        assert!(source.pieces[3].code.contains("// √"));
        assert!(source.pieces.iter().all(|it| !it.code.contains("///")));
        Ok(())
    }
}
