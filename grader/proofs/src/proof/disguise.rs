//! A source that does the same and looks otherwise: without comments, with other names for what is private, its items in
//! another order, and lines that do nothing.

use anyhow::{Context, Result};
use proc_macro2::{Delimiter, Group, Ident, Literal, Spacing, TokenStream, TokenTree};
use quote::ToTokens;
use std::collections::{BTreeMap, BTreeSet};
use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Block, File, ImplItem, Item, Member, Visibility, parse_quote};

/// The source in disguise, in one line.
///
/// # Errors
/// Returns an error if the source is not a Rust file.
pub(super) fn disguised(source: &str) -> Result<String> {
    let mut file = syn::parse_file(source).context("it is no Rust file")?;
    Undress.visit_file_mut(&mut file);
    turn_around(&mut file);
    let names = Names::of(&file).to_change();
    Ok(renamed(file.to_token_stream(), &names).to_string())
}

/// Takes comments away, and puts a line that does nothing into each function.
struct Undress;

impl VisitMut for Undress {
    fn visit_attributes_mut(&mut self, attributes: &mut Vec<Attribute>) {
        attributes.retain(|attribute| !attribute.path().is_ident("doc"));
    }

    fn visit_block_mut(&mut self, block: &mut Block) {
        visit_mut::visit_block_mut(self, block);
        block.stmts.insert(0, parse_quote! { let _ = "nothing"; });
    }
}

/// Puts the last item first, and in each `impl` the last function. What is imported stays on top.
fn turn_around(file: &mut File) {
    let items = std::mem::take(&mut file.items);
    let (imports, mut rest): (Vec<_>, Vec<_>) = items
        .into_iter()
        .partition(|item| matches!(item, Item::Use(_)));
    // A macro must stand before what uses it.
    if !rest.iter().any(|item| matches!(item, Item::Macro(_))) {
        rest.reverse();
    }
    for item in &mut rest {
        if let Item::Impl(of) = item {
            let functions = of
                .items
                .iter()
                .filter(|item| matches!(item, ImplItem::Fn(_)));
            if functions.count() == of.items.len() {
                of.items.reverse();
            }
        }
    }
    file.items = [imports, rest].concat();
}

/// The names of a file.
#[derive(Default)]
struct Names {
    /// Those of local variables and private functions.
    private: BTreeSet<String>,
    /// Those that mean something else as well, and so must stay.
    fixed: BTreeSet<String>,
}

impl Names {
    fn of(file: &File) -> Self {
        let mut names = Self::default();
        names.visit_file(file);
        names
    }

    /// New names for those that can be changed.
    fn to_change(&self) -> BTreeMap<String, String> {
        let changed = self.private.difference(&self.fixed).enumerate();
        changed
            .map(|(number, name)| (name.clone(), format!("renamed_{number}")))
            .collect()
    }
}

impl<'a> Visit<'a> for Names {
    fn visit_pat_ident(&mut self, pattern: &'a syn::PatIdent) {
        let name = pattern.ident.to_string();
        // A name that begins with a capital may be a constant or a variant.
        if name.starts_with(|c: char| c.is_lowercase()) {
            self.private.insert(name);
        }
        visit::visit_pat_ident(self, pattern);
    }

    fn visit_item_fn(&mut self, function: &'a syn::ItemFn) {
        let names = match function.vis {
            Visibility::Inherited => &mut self.private,
            _ => &mut self.fixed,
        };
        names.insert(function.sig.ident.to_string());
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'a syn::ImplItemFn) {
        self.fixed.insert(function.sig.ident.to_string());
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_item_mod(&mut self, module: &'a syn::ItemMod) {
        // It is the name of a file.
        self.fixed.insert(module.ident.to_string());
        visit::visit_item_mod(self, module);
    }

    fn visit_field(&mut self, field: &'a syn::Field) {
        self.fixed
            .extend(field.ident.as_ref().map(Ident::to_string));
        visit::visit_field(self, field);
    }

    fn visit_member(&mut self, member: &'a Member) {
        if let Member::Named(name) = member {
            self.fixed.insert(name.to_string());
        }
    }
}

/// The tokens with other names. A name that follows a dot, or stands beside `::`, is another's.
fn renamed(tokens: TokenStream, names: &BTreeMap<String, String>) -> TokenStream {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let is = |position: Option<usize>, c: char| {
        let token = position.and_then(|position| tokens.get(position));
        matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == c)
    };
    let is_path = |position: usize| {
        let after = tokens.get(position + 1);
        let before = is(position.checked_sub(1), ':') && is(position.checked_sub(2), ':');
        let goes_on = matches!(
            after,
            Some(TokenTree::Punct(punct)) if punct.as_char() == ':' && punct.spacing() == Spacing::Joint
        );
        before || goes_on
    };
    let is_member =
        |position: usize| is(position.checked_sub(1), '.') && !is(position.checked_sub(2), '.');
    let changed = tokens
        .iter()
        .enumerate()
        .map(|(position, token)| match token {
            TokenTree::Ident(ident) if !is_path(position) && !is_member(position) => {
                match names.get(&ident.to_string()) {
                    Some(name) => Ident::new(name, ident.span()).into(),
                    None => token.clone(),
                }
            }
            TokenTree::Literal(literal) => renamed_within(literal, names).into(),
            TokenTree::Group(group) => {
                let delimiter: Delimiter = group.delimiter();
                Group::new(delimiter, renamed(group.stream(), names)).into()
            }
            _ => token.clone(),
        });
    changed.collect()
}

/// A text with other names in its braces: `"{n} patches"`.
fn renamed_within(literal: &Literal, names: &BTreeMap<String, String>) -> Literal {
    let mut text = literal.to_string();
    if text.starts_with('"') {
        for (name, new) in names {
            for end in ['}', ':'] {
                text = text.replace(&format!("{{{name}{end}"), &format!("{{{new}{end}"));
            }
        }
    }
    text.parse().unwrap_or_else(|_| literal.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = r#"
        //! About.
        use std::ops;
        /// A pair.
        pub struct Pair { pub left: i64 }
        impl Pair {
            /// Makes one.
            pub fn new(left: i64) -> Self { Self { left } }
            pub fn sum(&self, right: i64) -> i64 { let sum = self.left + right; sum }
        }
        pub fn half(whole: usize) -> usize {
            // A comment.
            assert!(whole % 2 == 0, "{whole} is odd, {whole:?}");
            divide(whole, 2)
        }
        fn divide(whole: usize, parts: usize) -> usize {
            let all = [0; 9];
            let some = &all[..whole];
            ops::Div::div(some.len(), parts)
        }
    "#;

    fn in_one_line(source: &str) -> String {
        let tokens: TokenStream = source.parse().expect("tokens");
        tokens.to_string()
    }

    #[test]
    fn what_is_private_has_other_names_in_another_order() {
        let expected = r#"
            use std::ops;
            fn renamed_1(renamed_5: usize, renamed_2: usize) -> usize {
                let _ = "nothing";
                let renamed_0 = [0; 9];
                let renamed_4 = &renamed_0[..renamed_5];
                ops::Div::div(renamed_4.len(), renamed_2)
            }
            pub fn half(renamed_5: usize) -> usize {
                let _ = "nothing";
                assert!(renamed_5 % 2 == 0, "{renamed_5} is odd, {renamed_5:?}");
                renamed_1(renamed_5, 2)
            }
            impl Pair {
                pub fn sum(&self, renamed_3: i64) -> i64 {
                    let _ = "nothing";
                    let sum = self.left + renamed_3;
                    sum
                }
                pub fn new(left: i64) -> Self {
                    let _ = "nothing";
                    Self { left }
                }
            }
            pub struct Pair { pub left: i64 }
        "#;
        let got = disguised(SOURCE).expect("a source in disguise");
        assert_eq!(in_one_line(&got), in_one_line(expected));
    }

    #[test]
    fn a_module_keeps_the_name_of_its_file() -> Result<()> {
        let disguised = disguised("pub mod teacher; fn ask(teacher: u8) -> u8 { teacher }")?;
        let disguised = in_one_line(&disguised);
        assert!(disguised.contains(&in_one_line("pub mod teacher;")));
        assert!(!disguised.contains("ask"), "{disguised}");
        Ok(())
    }

    #[test]
    fn what_is_no_source_is_an_error() {
        assert!(disguised("fn (").is_err());
    }
}
