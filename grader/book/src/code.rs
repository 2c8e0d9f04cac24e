//! Code as HTML, coloured when the book is made: Rust by its own tokens, shell by its comments.

use maud::{Markup, PreEscaped, html};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::ops::Range;

/// The class of a piece of code in the style sheet.
type Class = &'static str;

const COMMENT: Class = "c";
const KEYWORD: Class = "k";
const TYPE: Class = "t";
const FUNCTION: Class = "f";
const MACRO: Class = "m";
const NUMBER: Class = "n";
const STRING: Class = "s";
const ATTRIBUTE: Class = "a";

/// All classes, for the test of their contrast.
#[cfg(test)]
pub(crate) const CLASSES: [Class; 8] = [
    COMMENT, KEYWORD, TYPE, FUNCTION, MACRO, NUMBER, STRING, ATTRIBUTE,
];

/// Rust's keywords, as far as code of a course uses them.
const KEYWORDS: [&str; 37] = [
    "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum", "extern",
    "false", "fn", "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub",
    "ref", "return", "self", "Self", "static", "struct", "super", "trait", "true", "type", "use",
    "where", "while",
];

/// A block of Rust.
pub(crate) fn rust(text: &str) -> Markup {
    html! { pre.code { code { (coloured(text, &rust_classes(text))) } } }
}

/// A block of commands.
pub(crate) fn shell(text: &str) -> Markup {
    html! { pre.code { code { (coloured(text, &shell_classes(text))) } } }
}

/// A block of anything else.
pub(crate) fn plain(text: &str) -> Markup {
    html! { pre.code { code { (text) } } }
}

fn coloured(text: &str, classes: &[(Range<usize>, Class)]) -> Markup {
    let mut html = String::new();
    let mut at = 0;
    let mut push = |piece: Option<&str>, class: Option<Class>| {
        let piece = piece.unwrap_or_default();
        html += &match class {
            Some(class) => html! { span class=(class) { (piece) } }.0,
            None => html! { (piece) }.0,
        };
    };
    for (range, class) in classes {
        if range.start >= at {
            push(text.get(at..range.start), None);
            push(text.get(range.clone()), Some(class));
            at = range.end;
        }
    }
    push(text.get(at..), None);
    PreEscaped(html)
}

/// Comments of shell commands: from a `#` at a word's beginning to the line's end.
fn shell_classes(text: &str) -> Vec<(Range<usize>, Class)> {
    let mut classes = vec![];
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let comment = match line.starts_with('#') {
            true => Some(0),
            false => line.find(" #").map(|at| at + 1),
        };
        if let Some(comment) = comment {
            classes.push((start + comment..start + line.trim_end().len(), COMMENT));
        }
        start += line.len();
    }
    classes
}

/// The classes of Rust's tokens, and of the comments between them; none where the text is not Rust.
fn rust_classes(text: &str) -> Vec<(Range<usize>, Class)> {
    let Ok(stream) = text.parse::<TokenStream>() else {
        return vec![];
    };
    let mut tokens = vec![];
    flatten(stream, text, &mut tokens);
    let mut classes = vec![];
    let mut at = 0;
    for (range, class) in tokens {
        if range.start < at {
            continue;
        }
        comments(text, at..range.start, &mut classes);
        at = range.end;
        classes.extend(class.map(|class| (range, class)));
    }
    comments(text, at..text.len(), &mut classes);
    classes
}

fn flatten(stream: TokenStream, text: &str, found: &mut Vec<(Range<usize>, Option<Class>)>) {
    let mut tokens = stream.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let range = token.span().byte_range();
        let source = text.get(range.clone()).unwrap_or_default();
        if source.starts_with("//") || source.starts_with("/*") {
            found.push((range, Some(COMMENT)));
            continue;
        }
        match token {
            TokenTree::Group(group) => {
                let (open, close) = (group.span_open(), group.span_close());
                found.push((open.byte_range(), None));
                flatten(group.stream(), text, found);
                found.push((close.byte_range(), None));
            }
            TokenTree::Ident(ident) => {
                let name = ident.to_string();
                let class = match tokens.peek() {
                    _ if KEYWORDS.contains(&name.as_str()) => Some(KEYWORD),
                    Some(TokenTree::Punct(next)) if next.as_char() == '!' => Some(MACRO),
                    _ if name.starts_with(char::is_uppercase) => Some(TYPE),
                    Some(TokenTree::Group(next)) if next.delimiter() == Delimiter::Parenthesis => {
                        Some(FUNCTION)
                    }
                    _ => None,
                };
                found.push((range, class));
            }
            TokenTree::Literal(_) => {
                let is_text = source.ends_with(['"', '\'', '#']);
                found.push((range, Some(if is_text { STRING } else { NUMBER })));
            }
            TokenTree::Punct(punct) => match (punct.as_char(), tokens.peek()) {
                ('#', Some(TokenTree::Group(next))) if next.delimiter() == Delimiter::Bracket => {
                    found.push((range.start..next.span().byte_range().end, Some(ATTRIBUTE)));
                    tokens.next();
                }
                ('\'', Some(TokenTree::Ident(next))) => {
                    found.push((range.start..next.span().byte_range().end, Some(TYPE)));
                    tokens.next();
                }
                _ => found.push((range, None)),
            },
        }
    }
}

/// The text between tokens: space, and comments.
fn comments(text: &str, gap: Range<usize>, classes: &mut Vec<(Range<usize>, Class)>) {
    let between = text.get(gap.clone()).unwrap_or_default();
    let trimmed = between.trim();
    if !trimmed.is_empty() {
        let start = gap.start + between.len() - between.trim_start().len();
        classes.push((start..start + trimmed.len(), COMMENT));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Vec<(&str, Class)> {
        let classes = rust_classes(text).into_iter();
        classes
            .map(|(range, class)| (&text[range], class))
            .collect()
    }

    #[test]
    fn each_token_of_rust_has_its_class() {
        let code = "/// Doc √.\n#[derive(Debug)]\npub fn f<'a>(x: &'a Tensor) -> f64 { // why ᵀ\n    g!(\"a\", 1.5) }";
        let expected = [
            ("/// Doc √.", COMMENT),
            ("#[derive(Debug)]", ATTRIBUTE),
            ("pub", KEYWORD),
            ("fn", KEYWORD),
            ("'a", TYPE),
            ("'a", TYPE),
            ("Tensor", TYPE),
            ("// why ᵀ", COMMENT),
            ("g", MACRO),
            ("\"a\"", STRING),
            ("1.5", NUMBER),
        ];
        assert_eq!(pieces(code), expected);
        assert_eq!(pieces("f(x)")[0], ("f", FUNCTION));
    }

    #[test]
    fn code_is_shown_whole_and_escaped_whether_it_is_rust_or_not() {
        let texts = [
            "fn f<T>() -> Vec<&'static str> { a && b } // <b>",
            "<b> }{ \"",
        ];
        for text in texts {
            let html = rust(text).0;
            let shown = html.replace("<pre class=\"code\"><code>", "");
            let shown = shown.replace("</code></pre>", "").replace("</span>", "");
            let shown = shown.split("<span class=\"").map(|piece| {
                let class = piece.find("\">").map(|at| at + 2);
                class.filter(|&at| at <= 3).map_or(piece, |at| &piece[at..])
            });
            let shown: String = shown.collect();
            let escaped = text.replace('&', "&amp;").replace('<', "&lt;");
            let escaped = escaped.replace('>', "&gt;").replace('"', "&quot;");
            assert_eq!(shown, escaped);
        }
    }

    #[test]
    fn comments_of_commands_begin_at_a_word() {
        let text = "cargo test # all\n# nothing\necho a#b\n";
        let found: Vec<_> = shell_classes(text)
            .into_iter()
            .map(|it| &text[it.0])
            .collect();
        assert_eq!(found, ["# all", "# nothing"]);
    }
}
