//! The source of an exercise's judge: stand-ins of the same names and signatures as what a student writes, which ask a
//! worker, and the reference within the judge's own process.

use crate::model::{
    DescribedItem, Enum, Field, Function, Interface, Kind, Module, Parameter, Record, ReturnForm,
    Struct,
};
use crate::rewrite::{in_f64, with_crate};
use crate::worker::{CHOICES, SIZES, TABLE};
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use std::path::{Path, PathBuf};
use syn::{FnArg, Ident, LitStr, Signature, Visibility, parse_quote};

/// A course's files that a judge is made of, besides the description.
#[derive(Clone, Debug, Default)]
pub struct JudgeFiles {
    /// The exercise's test files, each a module of the judge.
    pub tests: Vec<PathBuf>,
    /// True if the course was given out without the exercise's solution: the judge then holds no reference.
    pub is_without_solution: bool,
    /// The source of the solution's crate, where its functions take f32 alone.
    pub solution_in_f32: Option<String>,
    /// The crates that such a solution builds on, with the sources of their solutions.
    pub earlier_in_f32: Vec<(String, String)>,
}

impl Interface {
    /// Returns whether the exercise's functions take arrays of f32, and would take none of f64.
    pub fn is_in_f32(&self) -> bool {
        let mut kinds = self
            .functions()
            .flat_map(|it| &it.parameters)
            .map(|it| &it.kind);
        self.modules().next().is_none()
            && !kinds.any(|kind| matches!(kind, Kind::Tensor | Kind::OptionalTensor))
    }

    /// The source of the judge: what its tests' file includes.
    ///
    /// # Errors
    /// Returns an error if something that is written by hand, or the solution, is no Rust.
    pub fn judge(&self, files: &JudgeFiles) -> syn::Result<String> {
        let names = self.earlier.iter().chain([&self.name]);
        let names = names.map(|name| Ident::new(name, Span::call_site()));
        let reference = self.reference(files)?;
        let stand_ins = self.stand_ins()?;
        let tests = files.tests.iter().map(|path| test_module(path));
        let source = quote! {
            #(extern crate self as #names;)*
            #reference
            #[allow(clippy::all, dead_code, unused_imports, missing_debug_implementations)]
            mod stand_ins { #stand_ins }
            pub(crate) use stand_ins::*;
            #(#tests)*
        };
        Ok(source.to_string())
    }

    /// The exercise's operations, answered by the solution, if there is one.
    fn reference(&self, files: &JudgeFiles) -> syn::Result<TokenStream> {
        if files.is_without_solution {
            return Ok(quote! {
                pub(crate) static EXERCISE: judge::Exercise = judge::Exercise {
                    reference: None,
                    reference_in_f64: None,
                };
            });
        }
        let table = Ident::new(TABLE, Span::call_site());
        let single = self.operations_of(&|name| format!("{name}_solution"), false)?;
        let mut double = quote! {};
        let mut in_double = quote! { None };
        if let Some(solution) = &files.solution_in_f32 {
            let earlier = files.earlier_in_f32.iter();
            let solutions = earlier.map(|(name, source)| (name, source));
            let solutions = solutions.chain([(&self.name, solution)]);
            for (name, source) in solutions {
                let module = Ident::new(&module_in_f64(name), Span::call_site());
                let solution = self.solution_in_f64(source, files)?;
                double.extend(quote! {
                    #[allow(clippy::all, dead_code, unreachable_pub, unused_imports)]
                    mod #module { #solution }
                });
            }
            let operations = self.operations_of(&path_in_f64, true)?;
            double.extend(quote! {
                #[allow(clippy::all, dead_code, unused_imports)]
                mod reference_in_f64 { #operations }
            });
            in_double = quote! { Some(reference_in_f64::#table) };
        }
        Ok(quote! {
            #[allow(clippy::all, dead_code, unused_imports)]
            mod reference { #single }
            #double
            pub(crate) static EXERCISE: judge::Exercise = judge::Exercise {
                reference: Some(reference::#table),
                reference_in_f64: #in_double,
            };
        })
    }

    /// The items of a solution in double precision, which uses those before it in double precision, too.
    fn solution_in_f64(&self, source: &str, files: &JudgeFiles) -> syn::Result<TokenStream> {
        let items = syn::parse_file(source)?.items;
        let mut tokens = in_f64(items.iter().map(ToTokens::into_token_stream).collect());
        for (name, _) in &files.earlier_in_f32 {
            tokens = with_crate(tokens, name, &syn::parse_str(&path_in_f64(name))?);
        }
        Ok(tokens)
    }

    fn stand_ins(&self) -> syn::Result<TokenStream> {
        let (uses, constants) = (&self.uses, &self.constants);
        let constants = constants.iter().cloned().map(|(_, mut it)| {
            it.vis = within_the_crate();
            it
        });
        let enums = self.enums.iter().map(an_enum);
        let structs = self.structs.iter().map(|it| self.a_struct_of(it));
        let records = self.records.iter().map(a_record);
        let parts = self.parts.iter().map(|part| match part {
            DescribedItem::Function(function) => self.a_function(function),
            DescribedItem::Module(module) => self.a_module_of(module),
        });
        let by_hand = match &self.judge {
            None => quote! {},
            Some(source) => {
                let items = syn::parse_file(source)?.items;
                quote! {
                    mod by_hand { #(#items)* }
                    pub(crate) use by_hand::*;
                }
            }
        };
        Ok(quote! {
            use super::EXERCISE;
            #(#uses)*
            #(#constants)*
            #(#enums)*
            #(#structs)*
            #(#records)*
            #(#parts)*
            #by_hand
        })
    }

    fn a_struct_of(&self, it: &Struct) -> TokenStream {
        let mut item = it.item.clone();
        item.vis = within_the_crate();
        for field in &mut item.fields {
            field.vis = within_the_crate();
        }
        let name = &item.ident;
        let is_sent = |field: &&Field| !it.fixed.iter().any(|(fixed, _)| field.name == fixed);
        let sent = it.fields.iter().filter(is_sent).map(|field| {
            let field = &field.name;
            let text = field.to_string();
            quote! { .value(#text, &self.#field) }
        });
        let presets = self.presets_of(it);
        quote! {
            #item
            impl judge::Value for #name {
                fn put(&self, _name: &str, call_: judge::Call) -> judge::Call { call_ #(#sent)* }
            }
            #presets
        }
    }

    /// The presets of a struct, asked for by their names.
    fn presets_of(&self, it: &Struct) -> TokenStream {
        let Some(presets) = &it.presets else {
            return quote! {};
        };
        let (name, operation) = (&it.item.ident, &presets.operation);
        let functions = presets.names.iter().map(|preset| {
            let text = preset.to_string();
            quote! { pub(crate) fn #preset() -> Self { Self::preset_(#text) } }
        });
        let (mut sizes, mut choices) = (0_usize, 0_usize);
        let fields = it.fields.iter().map(|field| {
            let name = &field.name;
            let value = match &field.kind {
                Kind::Enum(of) => {
                    let variants = self.an_enum(of).map_or(&[][..], |it| &it.variants);
                    let of = Ident::new(of, Span::call_site());
                    let place = choices;
                    choices += 1;
                    let arms = variants.iter().enumerate().map(|(i, variant)| {
                        let variant = &variant.name;
                        match i + 1 == variants.len() {
                            true => quote! { _ => #of::#variant },
                            false => {
                                let number = i as i64;
                                quote! { Some(#number) => #of::#variant }
                            }
                        }
                    });
                    quote! { match choices_.get(#place).copied() { #(#arms),* } }
                }
                Kind::Scalar(number) if number == "f64" => {
                    let text = name.to_string();
                    quote! { answer_.array::<f64, ndarray::Ix0>(#text).into_scalar() }
                }
                Kind::List => {
                    let text = name.to_string();
                    quote! { answer_.array::<i64, ndarray::Ix1>(#text).to_vec() }
                }
                kind => {
                    let place = sizes;
                    sizes += 1;
                    let number = quote! { sizes_.get(#place).copied() };
                    match kind {
                        // An answer that is too short is forged.
                        Kind::Scalar(ty) if ty == "i64" => quote! { #number.unwrap_or(-1) },
                        Kind::Scalar(ty) => whole_number(&number, ty),
                        _ => quote! { Default::default() },
                    }
                }
            };
            quote! { #name: #value }
        });
        let fields: Vec<_> = fields.collect();
        // A preset without fields of that kind is not asked for them.
        let choices = (choices > 0).then(|| {
            quote! { let choices_ = answer_.array::<i64, ndarray::Ix1>(#CHOICES); }
        });
        let sizes = (sizes > 0).then(|| {
            quote! { let sizes_ = answer_.array::<i64, ndarray::Ix1>(#SIZES); }
        });
        quote! {
            impl #name {
                #(#functions)*
                fn preset_(name: &str) -> Self {
                    let mut answer_ =
                        judge::Call::new(&EXERCISE, #operation).argument("name", name).send();
                    #sizes
                    #choices
                    Self { #(#fields),* }
                }
            }
        }
    }

    fn a_function(&self, function: &Function) -> TokenStream {
        if function.by_hand.is_some() {
            return quote! {};
        }
        let operation = &function.operation;
        let call = quote! { judge::Call::new(&EXERCISE, #operation) };
        self.asking(function, &call)
    }

    /// A function or a method that asks.
    fn asking(&self, function: &Function, call: &TokenStream) -> TokenStream {
        let (attributes, signature) = (&function.attributes, &function.signature);
        let given = function.parameters.iter().map(given);
        let send = match function.has_gradients() {
            true => quote! { send_differentiable },
            false => quote! { send },
        };
        let parts = function.returned.parts();
        let mut taken: Vec<_> = parts
            .iter()
            .zip(&function.gives)
            .map(|(part, (name, _))| self.taken(part, name))
            .collect();
        let record = match &function.returned {
            ReturnForm::Record { name, .. } => self.a_record(name),
            _ => None,
        };
        let result = match (record, parts.len()) {
            (Some(record), _) => {
                let name = &record.item.ident;
                let fields = record.item.fields.iter().map(|field| &field.ident);
                quote! { #name { #(#fields: #taken),* } }
            }
            (None, 1) => taken.remove(0),
            (None, _) => quote! { (#(#taken),*) },
        };
        let then = function.then.as_ref().map(|then| {
            let names = function.parameters.iter().map(|it| &it.name);
            quote! { self.#then(#(#names,)* &result_); }
        });
        quote! {
            #(#attributes)*
            pub(crate) #signature {
                let call_ = #call #(#given)*;
                let mut answer_ = call_.#send();
                let result_ = #result;
                #then
                result_
            }
        }
    }

    /// The expression that takes a result out of an answer.
    fn taken(&self, returned: &ReturnForm, name: &str) -> TokenStream {
        let scalar = |ty: TokenStream| {
            quote! { answer_.array::<#ty, ndarray::Ix0>(#name).into_scalar() }
        };
        match returned {
            ReturnForm::Array => quote! { answer_.array(#name) },
            ReturnForm::Tensor => quote! { answer_.tensor(#name) },
            ReturnForm::Tensors => {
                let start = name.trim_end_matches("<l>");
                quote! { answer_.tensors(#start) }
            }
            ReturnForm::Integer(ty) if ty == "i64" => scalar(quote! { i64 }),
            ReturnForm::Integer(ty) => {
                let number = scalar(quote! { i64 });
                whole_number(&quote! { Some(#number) }, ty)
            }
            ReturnForm::Float(ty) => scalar(Ident::new(ty, Span::call_site()).into_token_stream()),
            ReturnForm::Numbers(ty) => {
                let ty = Ident::new(ty, Span::call_site());
                quote! { answer_.array::<#ty, ndarray::Ix1>(#name).to_vec() }
            }
            ReturnForm::Truths => quote! {
                answer_.array::<u8, ndarray::Ix1>(#name).iter().map(|truth_| *truth_ != 0).collect()
            },
            ReturnForm::Struct(of) => {
                let fields = self.a_struct(of).map_or(&[][..], |it| &it.fields);
                let fields = fields.iter().enumerate().map(|(i, field)| {
                    let (name, Kind::Scalar(ty)) = (&field.name, &field.kind) else {
                        return quote! {};
                    };
                    let value = whole_number(&quote! { numbers_.get(#i).copied() }, ty);
                    quote! { #name: #value, }
                });
                let of = Ident::new(of, Span::call_site());
                quote! {{
                    let numbers_ = answer_.array::<i64, ndarray::Ix1>(#name);
                    #of { #(#fields)* }
                }}
            }
            ReturnForm::Tuple(_) | ReturnForm::Record { .. } | ReturnForm::Anything => {
                quote! { Default::default() }
            }
        }
    }

    fn a_module_of(&self, module: &Module) -> TokenStream {
        let (name, operation) = (&module.name, &module.operation);
        let new = &module.new;
        let Some(path) = name_of_first(new) else {
            return quote! {};
        };
        let given = module.parameters.iter().map(given);
        let states: Vec<_> = module
            .builders
            .iter()
            .map(|it| (&it.signature.ident, types_of(&it.signature)))
            .collect();
        let fields = states
            .iter()
            .map(|(name, types)| quote! { #name: Option<(#(#types,)*)> });
        let none = states.iter().map(|(name, _)| quote! { #name: None });
        let builders = module.builders.iter().map(|builder| {
            let (attributes, name) = (&builder.attributes, &builder.signature.ident);
            let names: Vec<_> = builder.parameters.iter().map(|it| &it.name).collect();
            let typed = builder.signature.inputs.iter().skip(1);
            quote! {
                #(#attributes)*
                pub(crate) fn #name(mut self, #(#typed),*) -> Self {
                    self.#name = Some((#(#names,)*));
                    self
                }
            }
        });
        let asked = module.builders.iter().map(|builder| {
            let name = &builder.signature.ident;
            let text = name.to_string();
            let names: Vec<_> = builder.parameters.iter().map(|it| &it.name).collect();
            let given = builder.parameters.iter().map(|it| {
                let (name, sent) = (&it.name, &it.sent);
                quote! { .value(#sent, #name) }
            });
            quote! {
                let call_ = call_.value(#text, &self.#name.is_some());
                let call_ = match &self.#name {
                    None => call_,
                    Some((#(#names,)*)) => call_ #(#given)*,
                };
            }
        });
        let methods = module.methods.iter().map(|method| {
            let operation = &method.operation;
            self.asking(method, &quote! { self.call_(#operation) })
        });
        let state = format_ident!("module");
        quote! {
            #[derive(Debug)]
            pub(crate) struct #name {
                #state: judge::Module,
                #(#fields,)*
            }
            impl #name {
                pub(crate) #new {
                    let call_ = judge::Call::new(&EXERCISE, concat!(#operation, ".new")) #(#given)*;
                    Self { #state: judge::Module::new(#path, call_), #(#none,)* }
                }
                #(#builders)*
                #(#methods)*
                /// A call with the module and what was asked of it.
                fn call_(&self, operation: &str) -> judge::Call {
                    let call_ = self.#state.call(operation);
                    #(#asked)*
                    call_
                }
            }
        }
    }
}

fn a_record(it: &Record) -> TokenStream {
    let mut item = it.item.clone();
    item.vis = within_the_crate();
    for field in &mut item.fields {
        field.vis = within_the_crate();
    }
    item.to_token_stream()
}

fn an_enum(it: &Enum) -> TokenStream {
    let mut item = it.item.clone();
    item.vis = within_the_crate();
    let name = &item.ident;
    let arms = it.variants.iter().map(|variant| {
        let (variant, word) = (&variant.name, &variant.word);
        let fields = &it.variants.iter().find(|it| it.name == *variant);
        let fields: Vec<_> = fields.map_or(vec![], |it| it.fields.iter().map(|it| &it.name).collect());
        let texts = fields.iter().map(|it| it.to_string());
        quote! {
            #name::#variant { #(#fields),* } => call_.argument(name, #word) #(.value(#texts, #fields))*
        }
    });
    quote! {
        #item
        impl judge::Value for #name {
            fn put(&self, name: &str, call_: judge::Call) -> judge::Call {
                match self { #(#arms),* }
            }
        }
    }
}

/// The module of a judge that has a crate's solution in double precision.
fn module_in_f64(name: &str) -> String {
    format!("{name}_solution_in_f64")
}

fn path_in_f64(name: &str) -> String {
    format!("crate::{}", module_in_f64(name))
}

/// A module of tests, in its file.
fn test_module(path: &Path) -> TokenStream {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = Ident::new(&name, Span::call_site());
    let path = LitStr::new(&path.to_string_lossy(), Span::call_site());
    quote! {
        #[path = #path]
        mod #name;
    }
}

/// A parameter as part of a call.
fn given(parameter: &Parameter) -> TokenStream {
    let (name, sent) = (&parameter.name, &parameter.sent);
    match &parameter.kind {
        Kind::Array { .. } => quote! { .array(#sent, &#name) },
        Kind::Arrays { .. } => {
            let start = sent.trim_end_matches('*');
            quote! { .arrays(#start, #name) }
        }
        Kind::Tensor => quote! { .tensor(#sent, #name) },
        Kind::OptionalTensor => quote! { .optional_tensor(#sent, #name) },
        Kind::Integers => quote! { .array(#sent, &ndarray::arr1(#name)) },
        Kind::Struct { is_lent: true, .. } => quote! { .value(#sent, #name) },
        _ => quote! { .value(#sent, &#name) },
    }
}

/// A whole number of an answer. One that is missing or does not fit is wrong, whatever it is.
fn whole_number(number: &TokenStream, ty: &str) -> TokenStream {
    let ty = Ident::new(ty, Span::call_site());
    quote! { #number.and_then(|number_| number_.try_into().ok()).unwrap_or(#ty::MAX) }
}

fn within_the_crate() -> Visibility {
    parse_quote!(pub(crate))
}

fn name_of_first(signature: &Signature) -> Option<TokenStream> {
    match signature.inputs.first()? {
        FnArg::Typed(input) => Some(input.pat.to_token_stream()),
        FnArg::Receiver(_) => None,
    }
}

/// The types of the parameters but `self`.
fn types_of(signature: &Signature) -> Vec<TokenStream> {
    let typed = signature.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(input) => Some(input.ty.to_token_stream()),
        FnArg::Receiver(_) => None,
    });
    typed.collect()
}
