//! The declarations that a stub and a solution must have by their description.

use crate::model::{DescribedItem, Function, Interface};
use proc_macro2::TokenStream;
use quote::quote;

impl Interface {
    /// The public items of the exercise's crate as Rust, with empty bodies: of what is described, nothing else. What it
    /// takes of earlier exercises is not among them.
    pub fn declarations(&self) -> TokenStream {
        let is_own = |home: &String| *home == self.name;
        let constants = self.constants.iter().filter(|(home, _)| is_own(home));
        let constants = constants.map(|(_, it)| it);
        let enums = self.enums.iter().filter(|it| is_own(&it.home));
        let enums = enums.map(|it| &it.item);
        let structs = self.structs.iter().filter(|it| is_own(&it.home)).map(|it| {
            let (item, name) = (&it.item, &it.item.ident);
            let presets = it.presets.as_ref().map(|it| &it.names).into_iter();
            let presets = presets.flatten();
            quote! {
                #item
                impl #name { #(pub fn #presets() -> Self {})* }
            }
        });
        let records = self.records.iter().filter(|it| is_own(&it.home));
        let records = records.map(|it| &it.item);
        let parts = self.parts.iter().map(|part| match part {
            DescribedItem::Function(function) => declaration(function),
            DescribedItem::Module(module) => {
                let (name, new) = (&module.name, &module.new);
                let functions = module.builders.iter().chain(&module.methods);
                let functions = functions.map(declaration);
                quote! { impl #name { pub #new {} #(#functions)* } }
            }
        });
        quote! { #(#constants)* #(#enums)* #(#structs)* #(#records)* #(#parts)* }
    }
}

fn declaration(function: &Function) -> TokenStream {
    let (attributes, signature) = (&function.attributes, &function.signature);
    quote! { #(#attributes)* pub #signature {} }
}
