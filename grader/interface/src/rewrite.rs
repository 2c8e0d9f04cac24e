//! Rust source with other names in it: a worker's for another crate, a solution's in another precision.

use proc_macro2::{Group, Ident, Literal, Spacing, TokenStream, TokenTree};
use quote::ToTokens;
use syn::Path;

/// The same tokens with `other` in place of the crate's name, wherever a path begins with it: `msa::Msa` becomes
/// `msa_solution::Msa`. A function or a variable of that name stays.
pub fn with_crate(tokens: TokenStream, name: &str, other: &Path) -> TokenStream {
    rewrite(tokens, &|before, token, after| {
        let is_crate = matches!(token, TokenTree::Ident(ident) if ident == name)
            && begins_path(after)
            && !ends_path(before);
        is_crate.then(|| other.to_token_stream())
    })
}

/// The same tokens in double precision: `f64` in place of `f32`, in suffixes of literals too. What is to stay in single
/// precision says `std::primitive::f32`.
pub fn in_f64(tokens: TokenStream) -> TokenStream {
    rewrite(tokens, &|before, token, _| match token {
        TokenTree::Ident(ident) if ident == "f32" && !ends_primitive(before) => {
            Some(Ident::new("f64", ident.span()).into_token_stream())
        }
        TokenTree::Literal(literal) => {
            let text = literal.to_string();
            let double: Literal = format!("{}f64", text.strip_suffix("f32")?).parse().ok()?;
            Some(double.into_token_stream())
        }
        _ => None,
    })
}

/// A token's replacement; none where it stays. It sees what stands before and after the token in its group.
type Replacement<'a> = dyn Fn(&[TokenTree], &TokenTree, &[TokenTree]) -> Option<TokenStream> + 'a;

fn rewrite(tokens: TokenStream, replacement: &Replacement<'_>) -> TokenStream {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let rewritten = tokens.iter().enumerate().map(|(i, token)| {
        if let TokenTree::Group(group) = token {
            let mut rewritten = Group::new(group.delimiter(), rewrite(group.stream(), replacement));
            rewritten.set_span(group.span());
            return TokenTree::Group(rewritten).into();
        }
        replacement(&tokens[..i], token, &tokens[i + 1..]).unwrap_or_else(|| token.clone().into())
    });
    rewritten.collect()
}

/// Returns whether the tokens begin with `::`.
fn begins_path(after: &[TokenTree]) -> bool {
    matches!(after, [TokenTree::Punct(first), TokenTree::Punct(second), ..]
        if first.as_char() == ':' && first.spacing() == Spacing::Joint && second.as_char() == ':')
}

/// Returns whether the tokens end with `::`.
fn ends_path(before: &[TokenTree]) -> bool {
    matches!(before, [.., first, second] if begins_path(&[first.clone(), second.clone()]))
}

/// Returns whether the tokens end with `primitive::`.
fn ends_primitive(before: &[TokenTree]) -> bool {
    ends_path(before) && matches!(before, [.., TokenTree::Ident(name), _, _] if name == "primitive")
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    fn tokens(text: &str) -> TokenStream {
        text.parse().expect("tokens")
    }

    #[test]
    fn a_path_that_begins_with_the_crate_begins_with_the_other() {
        let worker = "use msa::{Msa}; fn msa(x: msa::Msa) { msa(x.msa); other::msa::f(msa::f()) }";
        let other: Path = parse_quote!(msa_solution);
        assert_eq!(
            with_crate(tokens(worker), "msa", &other).to_string(),
            tokens(
                "use msa_solution::{Msa}; fn msa(x: msa_solution::Msa) { msa(x.msa); other::msa::f(msa_solution::f()) }"
            )
            .to_string()
        );
    }

    #[test]
    fn every_f32_but_the_primitive_by_its_full_name_is_an_f64() {
        let single = "fn a(x: Array3<f32>) -> f32 { x as f32 + 1.5f32 + 2_f32 + f32::MAX } use std::primitive::f32 as Single;";
        assert_eq!(
            in_f64(tokens(single)).to_string(),
            tokens(
                "fn a(x: Array3<f64>) -> f64 { x as f64 + 1.5f64 + 2_f64 + f64::MAX } use std::primitive::f32 as Single;"
            )
            .to_string()
        );
    }
}
