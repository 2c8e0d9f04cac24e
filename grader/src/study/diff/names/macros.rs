//! Local names in calls of macros: those that are known are read as what they stand for, in all others names are fixed.

use super::{Form, Scopes};
use proc_macro2::{TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::visit::Visit;
use syn::{Expr, ExprLit, Lit, Pat, Token};

/// Macros whose arguments are expressions, and the place of the format string among them, if they have one.
fn arguments_of(name: &str) -> Option<Option<usize>> {
    Some(match name {
        "format" | "format_args" | "print" | "println" | "eprint" | "eprintln" | "panic"
        | "todo" | "unimplemented" | "unreachable" => Some(0),
        "assert" | "debug_assert" | "write" | "writeln" => Some(1),
        "assert_eq" | "assert_ne" | "debug_assert_eq" | "debug_assert_ne" => Some(2),
        "vec" | "dbg" | "array" | "stack" | "concatenate" | "s" => None,
        _ => return None,
    })
}

/// The arguments of a call of `matches!`.
type MatchesArguments = (Expr, Pat, Option<Expr>);

impl Scopes<'_> {
    /// Reads a call of a macro.
    pub(super) fn macro_call(&mut self, called: &syn::Macro) {
        let name = called.path.segments.last().map(|it| it.ident.to_string());
        let name = name.unwrap_or_default();
        if name == "matches"
            && let Ok((value, pattern, guard)) = matched.parse2(called.tokens.clone())
        {
            self.visit_expr(&value);
            return self.within(|scopes| {
                scopes.pattern(&pattern, false, None);
                if let Some(guard) = &guard {
                    scopes.visit_expr(guard);
                }
            });
        }
        let arguments = arguments_of(&name);
        match (arguments, expressions(called.tokens.clone())) {
            (Some(format), Some(expressions)) => self.arguments(&expressions, format),
            _ => self.fix_all(called.tokens.clone()),
        }
    }

    fn arguments(&mut self, expressions: &[Expr], format: Option<usize>) {
        let mut named = vec![];
        for (i, expression) in expressions.iter().enumerate() {
            match expression {
                Expr::Assign(given) if format.is_some_and(|format| i > format) => {
                    if let Expr::Path(path) = &*given.left {
                        named.extend(path.path.get_ident().map(ToString::to_string));
                    }
                    self.visit_expr(&given.right);
                }
                _ => self.visit_expr(expression),
            }
        }
        if let Some(Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        })) = format.and_then(|format| expressions.get(format))
        {
            let range = text.span().byte_range();
            let source = self.text.get(range.clone()).unwrap_or_default().to_owned();
            for (at, name) in captured(&source) {
                if !named.contains(&name)
                    && let Some(binding) = self.find(&name)
                {
                    let start = range.start + at;
                    self.occurs(binding, start..start + name.len(), Form::Captured);
                }
            }
        }
    }

    /// Fixes all names that a macro may see, within texts too.
    fn fix_all(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.fix_all(group.stream()),
                TokenTree::Ident(name) => self.fix(&name.to_string()),
                TokenTree::Literal(literal) => {
                    for (_, name) in captured(&literal.to_string()) {
                        self.fix(&name);
                    }
                }
                TokenTree::Punct(_) => {}
            }
        }
    }
}

/// Expressions between commas, or `value; count`.
fn expressions(tokens: TokenStream) -> Option<Vec<Expr>> {
    let list = Punctuated::<Expr, Token![,]>::parse_terminated;
    if let Ok(list) = list.parse2(tokens.clone()) {
        return Some(list.into_iter().collect());
    }
    let repeated = |input: ParseStream<'_>| {
        let value: Expr = input.parse()?;
        input.parse::<Token![;]>()?;
        Ok(vec![value, input.parse()?])
    };
    repeated.parse2(tokens).ok()
}

fn matched(input: ParseStream<'_>) -> syn::Result<MatchesArguments> {
    let value = input.parse()?;
    input.parse::<Token![,]>()?;
    let pattern = Pat::parse_multi_with_leading_vert(input)?;
    let guard = match input.parse::<Option<Token![if]>>()? {
        Some(_) => Some(input.parse()?),
        None => None,
    };
    input.parse::<Option<Token![,]>>()?;
    Ok((value, pattern, guard))
}

/// The names that a format string captures, or may capture, and their places in its source: `{name}`, `{name:…}`, and
/// `name$` in widths and precisions.
pub(in super::super) fn captured(source: &str) -> Vec<(usize, String)> {
    let bytes = source.as_bytes();
    let is_raw = source.starts_with('r');
    let mut found = vec![];
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if !is_raw && bytes.get(at + 1) == Some(&b'u') => {
                at += source[at..].find('}').map_or(2, |end| end + 1);
            }
            b'\\' if !is_raw => at += 2,
            b'{' if bytes.get(at + 1) == Some(&b'{') => at += 2,
            b'{' => {
                let end = source[at..].find('}').map_or(source.len(), |end| at + end);
                let within = &source[at + 1..end];
                let (argument, spec) = within.split_once(':').unwrap_or((within, ""));
                if is_name(argument.trim()) {
                    let blanks = argument.len() - argument.trim_start().len();
                    found.push((at + 1 + blanks, argument.trim().to_owned()));
                }
                let of_spec = at + 2 + argument.len();
                for (dollar, _) in spec.match_indices('$') {
                    let before = &spec[..dollar];
                    let start = before
                        .char_indices()
                        .rev()
                        .take_while(|(_, c)| c.is_alphanumeric() || *c == '_')
                        .last()
                        .map_or(dollar, |(start, _)| start);
                    // A fill or a flag in front of it is no part of a name: `{:0width$}`.
                    let digits = before[start..].len()
                        - before[start..]
                            .trim_start_matches(|c: char| c.is_ascii_digit())
                            .len();
                    let name = &before[start + digits..];
                    if is_name(name) {
                        found.push((of_spec + start + digits, name.to_owned()));
                    }
                }
                at = end + 1;
            }
            _ => at += 1,
        }
    }
    found
}

fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    let begins = characters
        .next()
        .is_some_and(|c| c.is_alphabetic() || c == '_');
    begins && characters.all(|c| c.is_alphanumeric() || c == '_') && text != "_"
}
