//! The sources of an exercise, cut into items: by span, so that comments stay.

use super::format::Formatter;
use super::names::Names;
use super::tokens::Tokens;
use anyhow::{Context, Result, anyhow};
use intake::Source;
use proc_macro2::Span;
use quote::ToTokens;
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;
use syn::spanned::Spanned;
use syn::{Attribute, ImplItem, Item as Syntax, Type, Visibility};

/// The sources of an exercise.
#[derive(Clone, Debug)]
pub struct Code {
    /// The files.
    pub(super) files: Vec<File>,
    /// The items of all files, in the order in which they stand.
    pub(super) items: Vec<Item>,
}

/// A file.
#[derive(Clone, Debug)]
pub(super) struct File {
    /// Its path below `src`.
    pub(super) path: String,
    /// Its content.
    pub(super) raw: String,
    /// Its content, formatted.
    pub(super) text: String,
}

/// An item: a function, method, type, constant, trait or macro.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// Its path within the crate: `Msa::attend`, `<Fusion as Display>::fmt`.
    pub(super) path: String,
    /// The last part of its path.
    pub(super) name: String,
    /// Its kind: `fn`, `struct`, ….
    pub(super) kind: &'static str,
    /// True if it is a part of the public interface.
    pub(super) is_public: bool,
    /// The number of its file.
    pub(super) file: usize,
    /// Its lines in the formatted file: with the comments in front of it.
    pub(super) range: Range<usize>,
    /// The place in the formatted file where it begins: after the comments in front of it.
    pub(super) start: usize,
    /// Its lines in the file as it was written.
    pub(super) raw: Range<usize>,
    /// Its tokens; places are those from `start`.
    pub(super) tokens: Tokens,
    /// Its local names.
    pub(super) names: Names,
    /// The types of its parameters and its result, if it is a function.
    pub(super) signature: Option<String>,
    /// All words in it that are no local names.
    pub(super) mentions: BTreeSet<String>,
}

impl Item {
    /// Its text, from its first attribute on.
    pub(super) fn text<'a>(&self, code: &'a Code) -> &'a str {
        &code.files[self.file].text[self.start..self.range.end]
    }
}

impl Code {
    /// Reads the sources of an exercise.
    ///
    /// # Errors
    /// Returns an error if a file does not parse, which names the place.
    pub fn read(sources: &[Source], formatter: &Formatter) -> Result<Self> {
        let mut files = vec![];
        for source in sources {
            let text = String::from_utf8_lossy(&source.bytes);
            files.push((source.path.clone(), text.into_owned()));
        }
        Self::of(files, formatter)
    }

    /// Reads files, given by their paths below `src`.
    ///
    /// # Errors
    /// Returns an error if one does not parse, which names the place.
    pub fn of(mut sources: Vec<(String, String)>, formatter: &Formatter) -> Result<Self> {
        // The crate root comes first.
        sources.sort_by_key(|(path, _)| (path != "lib.rs", path.clone()));
        let mut code = Self {
            files: vec![],
            items: vec![],
        };
        for (number, (path, raw)) in sources.into_iter().enumerate() {
            let says = |error: syn::Error| {
                let place = error.span().start();
                anyhow!("src/{path}:{}:{}: {error}", place.line, place.column + 1)
            };
            let raw = raw.strip_prefix('\u{feff}').unwrap_or(&raw).to_owned();
            let places = places(&path, &raw).map_err(says)?;
            let text = formatter.format(&raw)?;
            let formatted = self::places(&path, &text).map_err(says)?;
            if places.len() != formatted.len() {
                return Err(anyhow!("src/{path}: rustfmt changed its items"));
            }
            for (place, raw) in formatted.into_iter().zip(places) {
                let item = place
                    .read(&text, number, raw.range)
                    .map_err(|error| anyhow!("src/{path}: {error}"))?;
                code.items.push(item);
            }
            code.files.push(File { path, raw, text });
        }
        Ok(code)
    }

    /// The item of a path.
    pub(super) fn find(&self, path: &str) -> Option<usize> {
        self.items.iter().position(|item| item.path == path)
    }

    /// The content of a file with others in the place of items, as they stand in it.
    pub(super) fn with(&self, file: usize, other: &[(Range<usize>, String)]) -> String {
        substituted(&self.files[file].text, other)
    }
}

/// A text in which other texts stand in the place of parts of it.
pub(super) fn substituted(text: &str, other: &[(Range<usize>, String)]) -> String {
    let mut parts: Vec<_> = other.iter().collect();
    parts.sort_by_key(|(range, _)| range.start);
    let mut all = String::with_capacity(text.len());
    let mut from = 0;
    for (range, other) in parts {
        all.push_str(&text[from..range.start]);
        all.push_str(other);
        from = range.end;
    }
    all.push_str(&text[from..]);
    all
}

/// An item that was found in a file.
struct ItemPosition {
    path: String,
    name: String,
    kind: &'static str,
    is_public: bool,
    start: usize,
    range: Range<usize>,
    signature: Option<String>,
}

impl ItemPosition {
    fn read(self, text: &str, file: usize, raw: Range<usize>) -> syn::Result<Item> {
        let own = &text[self.start..self.range.end];
        let names = Names::of(own)?;
        let tokens = Tokens::of(own, &names)?;
        let words = tokens.all.iter();
        let words = words.filter(|it| it.is_name && it.binding.is_none());
        let mentions = words.map(|it| it.text.clone()).collect();
        Ok(Item {
            path: self.path,
            name: self.name,
            kind: self.kind,
            is_public: self.is_public,
            file,
            range: self.range,
            start: self.start,
            raw,
            tokens,
            names,
            signature: self.signature,
            mentions,
        })
    }
}

/// The items of a file.
fn places(path: &str, text: &str) -> syn::Result<Vec<ItemPosition>> {
    let file = syn::parse_str::<syn::File>(text)?;
    let mut finder = Finder {
        text,
        found: vec![],
    };
    let start = file.attrs.iter().map(|it| end_of(it.span())).max();
    let within: Vec<_> = Path::new(path)
        .with_extension("")
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .filter(|part| part != "lib" && part != "mod")
        .collect();
    finder.items(&file.items, &within, start.unwrap_or(0));
    Ok(finder.found)
}

struct Finder<'t> {
    text: &'t str,
    found: Vec<ItemPosition>,
}

fn start_of(span: Span) -> usize {
    span.byte_range().start
}

fn end_of(span: Span) -> usize {
    span.byte_range().end
}

impl Finder<'_> {
    /// Keeps the items of a module; `before` is where the one before them ends.
    fn items(&mut self, items: &[Syntax], within: &[String], mut before: usize) {
        for item in items {
            let span = item.span();
            let from = before;
            before = end_of(span);
            let (name, kind, visibility) = match item {
                Syntax::Fn(it) => (&it.sig.ident, "fn", &it.vis),
                Syntax::Struct(it) => (&it.ident, "struct", &it.vis),
                Syntax::Enum(it) => (&it.ident, "enum", &it.vis),
                Syntax::Union(it) => (&it.ident, "union", &it.vis),
                Syntax::Const(it) => (&it.ident, "const", &it.vis),
                Syntax::Static(it) => (&it.ident, "static", &it.vis),
                Syntax::Type(it) => (&it.ident, "type", &it.vis),
                Syntax::Trait(it) => (&it.ident, "trait", &it.vis),
                Syntax::Macro(it) => match &it.ident {
                    Some(name) => (name, "macro", &Visibility::Inherited),
                    None => continue,
                },
                Syntax::Mod(it) => {
                    if let Some((brace, items)) = &it.content
                        && !is_for_tests(&it.attrs)
                    {
                        let within = [within, &[it.ident.to_string()]].concat();
                        self.items(items, &within, end_of(brace.span.open()));
                    }
                    continue;
                }
                Syntax::Impl(it) => {
                    self.methods(it, within);
                    continue;
                }
                _ => continue,
            };
            let signature = match item {
                Syntax::Fn(it) => Some(signature(&it.sig)),
                _ => None,
            };
            let path = [within, &[name.to_string()]].concat().join("::");
            let is_public = matches!(visibility, Visibility::Public(_));
            let range = from..before;
            self.keep(ItemPosition {
                path,
                name: name.to_string(),
                kind,
                is_public,
                start: start_of(span),
                range,
                signature,
            });
        }
    }

    fn methods(&mut self, block: &syn::ItemImpl, within: &[String]) {
        let of = type_name(&block.self_ty);
        let of = match &block.trait_ {
            Some((_, path, _)) => format!("<{of} as {}>", plain(path)),
            None => of,
        };
        let of = [within, &[of]].concat().join("::");
        let mut before = end_of(block.brace_token.span.open());
        let attributes = block.attrs.iter();
        let of_block = attributes
            .filter(|it| matches!(it.style, syn::AttrStyle::Inner(_)))
            .map(|it| end_of(it.span()));
        before = of_block.fold(before, usize::max);
        for item in &block.items {
            let span = item.span();
            let from = before;
            before = end_of(span);
            let (name, kind, visibility) = match item {
                ImplItem::Fn(it) => (&it.sig.ident, "fn", &it.vis),
                ImplItem::Const(it) => (&it.ident, "const", &it.vis),
                ImplItem::Type(it) => (&it.ident, "type", &it.vis),
                _ => continue,
            };
            let signature = match item {
                ImplItem::Fn(it) => Some(signature(&it.sig)),
                _ => None,
            };
            let is_public = matches!(visibility, Visibility::Public(_)) || block.trait_.is_some();
            let range = from..before;
            self.keep(ItemPosition {
                path: format!("{of}::{name}"),
                name: name.to_string(),
                kind,
                is_public,
                start: start_of(span),
                range,
                signature,
            });
        }
    }

    /// Keeps a place, whose range begins where the item before it ends.
    fn keep(&mut self, place: ItemPosition) {
        let (start, range) = (place.start, &place.range);
        // The rest of the line on which the item before ends belongs to that one.
        let gap = &self.text[range.start..start];
        let line = gap.find('\n').map_or(gap.len(), |end| end + 1);
        let blank = gap[line..].len() - gap[line..].trim_start().len();
        let begin = match gap[line..].trim().is_empty() {
            true => start,
            false => range.start + line + blank,
        };
        let range = self.line_start(begin)..range.end;
        self.found.push(ItemPosition { range, ..place });
    }

    /// The start of the line of a place, if there is nothing but white space in front of it.
    fn line_start(&self, place: usize) -> usize {
        let line = self.text[..place].rfind('\n').map_or(0, |end| end + 1);
        match self.text[line..place].trim().is_empty() {
            true => line,
            false => place,
        }
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    let mut attributes = attributes.iter();
    attributes.any(|it| {
        let tokens = it.meta.to_token_stream().to_string();
        tokens.replace(' ', "") == "cfg(test)"
    })
}

/// A path without white space.
fn plain(tokens: impl ToTokens) -> String {
    tokens.to_token_stream().to_string().replace(' ', "")
}

/// The name of the type of an `impl`, without its parameters.
fn type_name(of: &Type) -> String {
    match of {
        Type::Path(path) => {
            let names = path.path.segments.iter().map(|it| it.ident.to_string());
            names.collect::<Vec<_>>().join("::")
        }
        other => plain(other),
    }
}

/// The types of the parameters and of the result.
fn signature(signature: &syn::Signature) -> String {
    let inputs = signature.inputs.iter().map(|input| match input {
        syn::FnArg::Receiver(it) => plain(it),
        syn::FnArg::Typed(it) => plain(&it.ty),
    });
    let inputs: Vec<_> = inputs.collect();
    format!("({}){}", inputs.join(","), plain(&signature.output))
}

/// The text of an item as it is shown: without documentation, and without the indentation of its block.
///
/// # Errors
/// Returns an error if the item's text does not parse, which it did before.
pub(super) fn shown(code: &Code, item: &Item) -> Result<String> {
    let text = &code.files[item.file].text[item.range.clone()];
    let stream: proc_macro2::TokenStream = text
        .parse()
        .map_err(|error| anyhow!("{}: {error}", item.path))
        .context("an item does not parse")?;
    let mut inside = BTreeSet::new();
    lines_of_texts(stream, &mut inside);
    let lines: Vec<&str> = text.lines().collect();
    let is_documentation = |line: &str| {
        let line = line.trim_start();
        line.starts_with("///") && !line.starts_with("////")
    };
    // Texts of several lines stay as they are.
    let is_own = |i: &usize| !inside.contains(i);
    let own = lines.iter().enumerate().filter(|(i, _)| is_own(i));
    let depth = own
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(_, line)| line.len() - line.trim_start_matches(' ').len())
        .min();
    let depth = depth.unwrap_or(0);
    let kept = lines.iter().enumerate();
    let kept = kept.filter(|(i, line)| !is_own(i) || !is_documentation(line));
    let kept: Vec<&str> = kept
        .map(|(i, line)| match is_own(&i) {
            true => line.get(depth..).unwrap_or_default(),
            false => line,
        })
        .collect();
    Ok(kept.join("\n"))
}

/// The lines, from 0, that begin within a literal.
fn lines_of_texts(stream: proc_macro2::TokenStream, lines: &mut BTreeSet<usize>) {
    for token in stream {
        match token {
            proc_macro2::TokenTree::Group(group) => lines_of_texts(group.stream(), lines),
            proc_macro2::TokenTree::Literal(literal) => {
                let span = literal.span();
                lines.extend(span.start().line..span.end().line);
            }
            _ => {}
        }
    }
}
