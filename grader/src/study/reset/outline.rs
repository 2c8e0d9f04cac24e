//! The outline of a source file: the items in it, and where each begins and ends. It is read from tokens, not from syntax: a
//! function is found although its body, or another one's, is not Rust yet.

use anyhow::{Result, anyhow};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use std::ops::Range;

/// An item with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// The modules that it is in.
    pub(super) modules: Vec<String>,
    /// The type or trait that it is a function of.
    pub(super) owner: Option<String>,
    /// The trait that its block implements.
    pub(super) of_trait: Option<String>,
    /// Its name.
    pub(super) name: String,
    /// True if it is a function.
    pub(super) is_function: bool,
    /// True if it has a doc comment.
    pub(super) has_docs: bool,
    /// Its bytes, with attributes and doc comments.
    pub(super) whole: Range<usize>,
    /// The first byte behind its attributes and doc comments.
    pub(super) bare: usize,
}

/// A block of functions: `impl Name { … }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// The type that it is of.
    pub(super) owner: String,
    /// The trait that it implements.
    pub(super) of_trait: Option<String>,
    /// The bytes up to and with its brace.
    pub(super) header: Range<usize>,
    /// The byte of its closing brace.
    pub(super) end: usize,
}

/// The outline of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outline {
    pub(super) parts: Vec<Part>,
    pub(super) blocks: Vec<Block>,
}

impl Part {
    /// Its path within the crate's public items: `Msa::forward`.
    pub(super) fn path(&self) -> String {
        match &self.owner {
            Some(owner) => format!("{owner}::{}", self.name),
            None => self.name.clone(),
        }
    }

    /// Returns whether it has the name of another, of the same type, whatever module it is in.
    pub(super) fn is_named_as(&self, other: &Self) -> bool {
        let name = |part: &Self| (part.owner.clone(), part.of_trait.clone(), part.name.clone());
        self.is_function == other.is_function && name(self) == name(other)
    }
}

/// The place that tokens are read in.
#[derive(Clone, Default)]
struct Scope {
    modules: Vec<String>,
    owner: Option<String>,
    of_trait: Option<String>,
}

impl Outline {
    /// Reads a file that is the module `modules` of its crate.
    ///
    /// # Errors
    /// Returns an error with the line if it is not made of tokens, as with a brace too many.
    pub(super) fn of(text: &str, modules: &[String]) -> Result<Self> {
        // The lexer skips the mark, and counts from behind it.
        let mark = text.len() - text.trim_start_matches('\u{feff}').len();
        let tokens: TokenStream =
            text[mark..]
                .parse()
                .map_err(|error: proc_macro2::LexError| {
                    let line = error.span().start().line;
                    anyhow!("line {line}: braces, brackets or quotes do not match")
                })?;
        let mut outline = Self::default();
        let scope = Scope {
            modules: modules.to_vec(),
            ..Scope::default()
        };
        outline.read(tokens, &scope);
        for part in &mut outline.parts {
            part.whole = part.whole.start + mark..part.whole.end + mark;
            part.bare += mark;
        }
        for block in &mut outline.blocks {
            block.header = block.header.start + mark..block.header.end + mark;
            block.end += mark;
        }
        Ok(outline)
    }

    fn read(&mut self, tokens: TokenStream, scope: &Scope) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let mut rest = tokens.as_slice();
        while let Some(first) = rest.first() {
            let start = bytes(first).start;
            let (bare, has_docs) = behind_attributes(rest);
            let Some(head) = bare.first() else { break };
            let item = Item::of(bare);
            let end = item.tokens.last().map_or(start, |last| bytes(last).end);
            let part = |name: &str, is_function: bool| Part {
                modules: scope.modules.clone(),
                owner: scope.owner.clone(),
                of_trait: scope.of_trait.clone(),
                name: name.to_owned(),
                is_function,
                has_docs,
                whole: start..end,
                bare: bytes(head).start,
            };
            match (item.keyword.as_str(), item.name, item.body) {
                ("fn", Some(name), _) => self.parts.push(part(&name, true)),
                ("mod", Some(name), Some(body)) => {
                    let mut inner = scope.clone();
                    inner.modules.push(name);
                    self.read(body.stream(), &inner);
                }
                ("impl", _, Some(body)) => self.read_block(item.tokens, body, scope, start),
                ("trait", Some(name), Some(body)) => {
                    self.parts.push(part(&name, false));
                    let mut inner = scope.clone();
                    inner.owner = Some(name);
                    self.read(body.stream(), &inner);
                }
                ("struct" | "enum" | "union" | "type" | "const" | "static", Some(name), _) => {
                    self.parts.push(part(&name, false));
                }
                _ => {}
            }
            rest = &bare[item.tokens.len().max(1)..];
        }
    }

    fn read_block(&mut self, tokens: &[TokenTree], body: &Group, scope: &Scope, start: usize) {
        let (of_trait, owner) = implemented(tokens);
        let Some(owner) = owner else { return };
        self.blocks.push(Block {
            owner: owner.clone(),
            of_trait: of_trait.clone(),
            header: start..body.span_open().byte_range().end,
            end: body.span_close().byte_range().start,
        });
        let inner = Scope {
            modules: scope.modules.clone(),
            owner: Some(owner),
            of_trait,
        };
        self.read(body.stream(), &inner);
    }
}

/// An item as its tokens tell it.
struct Item<'a> {
    keyword: String,
    name: Option<String>,
    body: Option<&'a Group>,
    /// All of it, without attributes.
    tokens: &'a [TokenTree],
}

impl<'a> Item<'a> {
    /// The item at the beginning of these tokens.
    fn of(tokens: &'a [TokenTree]) -> Self {
        let mut at = 0;
        // Tokens that may stand before an item's keyword.
        while let Some(token) = tokens.get(at) {
            let next = tokens
                .get(at + 1)
                .map(ToString::to_string)
                .unwrap_or_default();
            let is_before = match token {
                TokenTree::Group(group) => group.delimiter() == Delimiter::Parenthesis && at > 0,
                TokenTree::Literal(_) => at > 0,
                TokenTree::Punct(_) => false,
                TokenTree::Ident(word) => match word.to_string().as_str() {
                    "pub" | "default" | "unsafe" | "async" | "safe" => true,
                    "const" => ["fn", "unsafe", "async", "extern"].contains(&next.as_str()),
                    "extern" => next != "crate",
                    _ => false,
                },
            };
            if !is_before {
                break;
            }
            at += 1;
        }
        let word = |at: usize| match tokens.get(at) {
            Some(TokenTree::Ident(word)) => Some(word.to_string()),
            _ => None,
        };
        let keyword = word(at).unwrap_or_default();
        let ends_with_sign = ["const", "static", "use", "type"].contains(&keyword.as_str());
        let is_macro =
            matches!(tokens.get(at + 1), Some(TokenTree::Punct(it)) if it.as_char() == '!');
        let mut body = None;
        let mut end = tokens.len();
        // Within `<…>`, braces hold a constant.
        let mut angles = Angles::default();
        for (i, token) in tokens.iter().enumerate().skip(at) {
            angles.pass(token);
            match token {
                TokenTree::Punct(sign) if sign.as_char() == ';' => {
                    end = i + 1;
                    break;
                }
                TokenTree::Group(group)
                    if group.delimiter() == Delimiter::Brace
                        && (is_macro || !(ends_with_sign || angles.are_open())) =>
                {
                    body = Some(group);
                    end = i + 1;
                    break;
                }
                _ => {}
            }
        }
        let name_at = match word(at + 1).as_deref() {
            Some("mut") => at + 2,
            _ => at + 1,
        };
        Self {
            name: word(name_at),
            keyword,
            body,
            tokens: &tokens[..end],
        }
    }
}

/// The tokens behind attributes and doc comments, outer and inner, and whether docs are among the outer ones.
fn behind_attributes(tokens: &[TokenTree]) -> (&[TokenTree], bool) {
    let mut rest = tokens;
    let mut has_docs = false;
    loop {
        let is_sign = |at: usize, sign: char| matches!(rest.get(at), Some(TokenTree::Punct(it)) if it.as_char() == sign);
        if !is_sign(0, '#') {
            return (rest, has_docs);
        }
        let at = if is_sign(1, '!') { 2 } else { 1 };
        let Some(TokenTree::Group(group)) = rest.get(at) else {
            return (rest, has_docs);
        };
        let first = group.stream().into_iter().next();
        let is_doc = first.is_some_and(|first| first.to_string() == "doc");
        has_docs |= is_doc && at == 1;
        rest = &rest[at + 1..];
    }
}

/// The depth of `<…>` at a token.
#[derive(Default)]
struct Angles {
    depth: usize,
    /// True if the token before was `-` or `=`, which make an arrow of the next one.
    is_arrow: bool,
}

impl Angles {
    fn pass(&mut self, token: &TokenTree) {
        let sign = match token {
            TokenTree::Punct(sign) => sign.as_char(),
            _ => ' ',
        };
        match sign {
            '<' => self.depth += 1,
            '>' if !self.is_arrow => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.is_arrow = ['-', '='].contains(&sign);
    }

    fn are_open(&self) -> bool {
        self.depth > 0
    }
}

/// The names of the trait and of the type in `impl<…> Trait for Type<…> where … {`.
fn implemented(tokens: &[TokenTree]) -> (Option<String>, Option<String>) {
    let mut angles = Angles::default();
    let mut names: Vec<String> = vec![];
    let mut of_trait = None;
    for token in tokens {
        angles.pass(token);
        match token {
            TokenTree::Ident(word) if !angles.are_open() => match word.to_string().as_str() {
                "for" => of_trait = names.pop(),
                "where" => break,
                word => names.push(word.to_owned()),
            },
            _ => {}
        }
    }
    let owner = names.pop().filter(|name| name != "impl");
    (of_trait, owner)
}

fn bytes(token: &TokenTree) -> Range<usize> {
    token.span().byte_range()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline(text: &str) -> Outline {
        Outline::of(text, &[]).expect("tokens")
    }

    fn texts(text: &str) -> Vec<(String, &str)> {
        let parts = outline(text).parts.into_iter();
        parts
            .map(|part| (part.path(), &text[part.bare..part.whole.end]))
            .collect()
    }

    #[test]
    fn every_kind_of_item_is_found_with_its_own_bytes() {
        let items = [
            (
                "a",
                "pub(crate) const unsafe extern \"C\" fn a<T: Into<u8>>(t: T) -> [u8; 2] where T: Copy { x }",
            ),
            ("A", "pub struct A<'a>(&'a str);"),
            ("B", "enum B { C { d: u8 }, E }"),
            ("F", "const F: [B; 1] = [{ B::E }];"),
            ("G", "static mut G: u8 = 1;"),
            ("H", "type H = fn(u8) -> u8;"),
            ("async_one", "pub async fn async_one() {}"),
        ];
        let all: Vec<_> = items.iter().map(|(_, text)| *text).collect();
        let others = "use std::{fs, io};\nmacro_rules! m { () => { fn hidden() {} } }\nm! {}\nm!();\nextern crate core;";
        let text = format!(
            "//! Docs.\n#![allow(unused)]\n{others}\n{}\n{others}",
            all.join("\n")
        );
        let found = texts(&text);
        let expected: Vec<_> = items
            .iter()
            .map(|(name, text)| ((*name).to_owned(), *text))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn functions_of_blocks_have_their_type_and_trait_whatever_the_generics() {
        let text = "impl<T: Fn() -> u8, const N: usize> fmt::Debug for crate::x::A<T, { N }> where T: Copy { fn f() {} }\n\
            impl A { pub fn f(&self) {} }\ntrait Z { fn g() {} }\nmod m { pub mod n { impl<'a> B<'a> { fn h() {} } } }";
        let parts = outline(text).parts;
        let named: Vec<_> = parts
            .iter()
            .map(|it| {
                (
                    it.modules.join("/"),
                    it.path(),
                    it.of_trait.clone().unwrap_or_default(),
                )
            })
            .collect();
        let expected = [
            ("", "A::f", "Debug"),
            ("", "A::f", ""),
            ("", "Z", ""),
            ("", "Z::g", ""),
            ("m/n", "B::h", ""),
        ];
        let expected = expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()));
        assert_eq!(named, expected);
        let blocks = outline(text).blocks;
        assert_eq!(&text[blocks[1].header.clone()], "impl A {");
        assert_eq!(&text[blocks[1].end..=blocks[1].end], "}");
    }

    #[test]
    fn docs_and_attributes_are_apart_in_files_of_windows_and_with_signs_of_many_bytes() {
        for end in ["\n", "\r\n"] {
            for mark in ["", "\u{feff}"] {
                let lines = [
                    "/// Größe 漢字.",
                    "#[inline]",
                    "// why",
                    "pub fn a() { /* ü */ }",
                    "fn b() {}",
                ];
                let text = format!("{mark}{}", lines.join(end));
                let parts = outline(&text).parts;
                let shown: Vec<_> = parts
                    .iter()
                    .map(|it| &text[it.bare..it.whole.end])
                    .collect();
                assert_eq!(shown, ["pub fn a() { /* ü */ }", "fn b() {}"]);
                assert!(text[parts[0].whole.clone()].starts_with("/// Größe"));
                assert_eq!([parts[0].has_docs, parts[1].has_docs], [true, false]);
            }
        }
    }

    #[test]
    fn a_body_that_is_not_rust_hides_nothing_and_a_brace_too_many_is_named_by_its_line() {
        let text = "fn a() { let = ; if else x.. => }\nfn b() { 1 }";
        assert_eq!(texts(text).len(), 2);
        let error = Outline::of("fn a() {\n  (\n}\n", &[])
            .expect_err("no tokens")
            .to_string();
        assert!(error.starts_with("line "), "{error}");
    }
}
