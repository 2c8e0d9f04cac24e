//! The tokens of an item, as two items are compared: without documentation, comments and what rustfmt adds and takes away.

use super::names::{Form, Names};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::HashMap;
use std::ops::Range;

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// Its text; of a format string, without the names that it captures.
    pub(super) text: String,
    /// Its binding, if it is a local name that may have another.
    pub(super) binding: Option<usize>,
    /// True if it is a word, and no part of a literal.
    pub(super) is_name: bool,
    /// Its bytes in the item's text.
    pub(super) range: Range<usize>,
}

/// The tokens of one item.
#[derive(Clone, Debug, Default)]
pub(super) struct Tokens {
    /// The tokens.
    pub(super) all: Vec<Token>,
    /// The number of those before the body.
    pub(super) head: usize,
}

/// Words in front of a parenthesis that call nothing.
const KEYWORDS: [&str; 12] = [
    "as", "break", "else", "for", "if", "in", "let", "match", "move", "mut", "return", "while",
];

impl Tokens {
    /// The tokens of an item's text.
    ///
    /// # Errors
    /// Returns an error if it is no Rust.
    pub(super) fn of(text: &str, names: &Names) -> syn::Result<Self> {
        let stream: TokenStream = text.parse()?;
        let occurrences = names.occurrences.iter();
        let reader = Reader {
            text,
            names,
            at: occurrences.map(|it| (it.range.start, it)).collect(),
            all: vec![],
        };
        let all = reader.read(stream);
        let body = names.body.unwrap_or(0);
        let head = all.iter().take_while(|it| it.range.start < body).count();
        Ok(Self { all, head })
    }
}

struct Reader<'a> {
    text: &'a str,
    names: &'a Names,
    at: HashMap<usize, &'a super::names::Occurrence>,
    all: Vec<Token>,
}

impl Reader<'_> {
    fn read(mut self, stream: TokenStream) -> Vec<Token> {
        self.stream(stream);
        self.all
    }

    fn push(&mut self, text: impl Into<String>, range: Range<usize>) {
        self.all.push(Token {
            text: text.into(),
            binding: None,
            is_name: false,
            range,
        });
    }

    fn stream(&mut self, stream: TokenStream) {
        let mut tokens = stream.into_iter().peekable();
        while let Some(token) = tokens.next() {
            let range = token.span().byte_range();
            match token {
                TokenTree::Punct(hash)
                    if hash.as_char() == '#' && tokens.peek().is_some_and(is_documentation) =>
                {
                    tokens.next();
                }
                TokenTree::Punct(comma)
                    if comma.as_char() == ',' && self.names.optional.contains(&range.start) => {}
                TokenTree::Punct(sign) => self.push(sign.as_char(), range),
                TokenTree::Ident(name) => self.name(&name.to_string(), range),
                TokenTree::Literal(literal) => self.literal(&literal.to_string(), range),
                TokenTree::Group(group) => self.group(&group),
            }
        }
    }

    fn group(&mut self, group: &proc_macro2::Group) {
        let (open, close) = match group.delimiter() {
            Delimiter::Parenthesis => ("(", ")"),
            Delimiter::Brace => ("{", "}"),
            Delimiter::Bracket => ("[", "]"),
            Delimiter::None => return self.stream(group.stream()),
        };
        let [from, to] = [group.span_open(), group.span_close()].map(|it| it.byte_range());
        let calls = self.all.last().is_some_and(|before| {
            let word = before.is_name && !KEYWORDS.contains(&before.text.as_str());
            word || [">", ")", "]", "!", "?"].contains(&before.text.as_str())
        });
        let is_optional = self.names.optional.contains(&from.start);
        if !is_optional {
            self.push(open, from);
        }
        let first = self.all.len();
        self.stream(group.stream());
        // A comma at the end means something in a tuple of one.
        let commas = group.stream().into_iter();
        let commas = commas.filter(|it| matches!(it, TokenTree::Punct(it) if it.as_char() == ','));
        let is_tuple = group.delimiter() == Delimiter::Parenthesis && !calls && commas.count() == 1;
        let ends = self.all.last().is_some_and(|it| it.text == ",");
        if ends && !is_tuple && self.all.len() > first {
            self.all.pop();
        }
        if !is_optional {
            self.push(close, to);
        }
    }

    fn name(&mut self, name: &str, range: Range<usize>) {
        let occurrence = self.at.get(&range.start).copied();
        let binding = occurrence.map(|it| it.binding);
        let binding = binding.filter(|&it| !self.names.bindings[it].fixed);
        if let Some(Form::Shorthand(_)) = occurrence.map(|it| &it.form) {
            // As if it were written `name: name`.
            for text in [name, ":"] {
                self.push(text, range.clone());
            }
        }
        self.all.push(Token {
            text: name.to_owned(),
            binding,
            is_name: true,
            range,
        });
    }

    fn literal(&mut self, text: &str, range: Range<usize>) {
        let mut within: Vec<_> = self.at.values().copied().collect();
        within.retain(|it| {
            it.form == Form::Captured
                && range.contains(&it.range.start)
                && !self.names.bindings[it.binding].fixed
        });
        within.sort_by_key(|it| it.range.start);
        if within.is_empty() {
            return self.push(text, range);
        }
        // The text without the names, then the names.
        let source = &self.text[range.clone()];
        let mut rest = String::new();
        let mut from = 0;
        for it in &within {
            rest.push_str(&source[from..it.range.start - range.start]);
            from = it.range.end - range.start;
        }
        rest.push_str(&source[from..]);
        self.push(rest, range);
        for it in within {
            self.all.push(Token {
                text: self.names.bindings[it.binding].name.clone(),
                binding: Some(it.binding),
                is_name: true,
                range: it.range.clone(),
            });
        }
    }
}

/// Returns whether it is the bracket of `#[doc = "…"]`.
fn is_documentation(token: &TokenTree) -> bool {
    let TokenTree::Group(group) = token else {
        return false;
    };
    let first = group.stream().into_iter().next();
    group.delimiter() == Delimiter::Bracket
        && matches!(first, Some(TokenTree::Ident(name)) if name == "doc")
}
