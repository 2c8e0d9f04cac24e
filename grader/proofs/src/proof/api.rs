//! That a stub and its solution declare the same public items, with the same docs: read from both sources, and
//! compared item by item. And that they are those of the exercise's description, which judge and worker are made from.
//!
//! The comment at the top of a file (`//!`) is not compared: there the stub teaches, and the solution points to its
//! README.

use super::Finding;
use anyhow::Result;
use grader::grading::grade::Grader;
use intake::{Candidate, IntakeLimits, Source};
use interface::{DESCRIPTION, Interface};
use quote::ToTokens;
use std::collections::BTreeMap;
use std::fmt::Write;
use syn::{
    Attribute, Expr, Field, Fields, FnArg, ImplItem, Item, ItemImpl, Lit, Meta, Pat, Signature,
    TraitItem, Visibility,
};

pub(super) fn prove(grader: &Grader) -> Result<Finding> {
    let root = &grader.environment.course.root;
    let folders = grader.environment.course.folders();
    let read = |place: &str| {
        let candidate = Candidate::new(place, root.join(place));
        candidate.read(&folders, &IntakeLimits::default())
    };
    let mut finding = Finding::default();
    let (stubs, solutions) = match (read("exercises"), read("solutions")) {
        (Ok(stubs), Ok(solutions)) => {
            let left_out = stubs.left_out.into_values();
            finding
                .faults
                .extend(left_out.chain(solutions.left_out.into_values()));
            (stubs.exercises, solutions.exercises)
        }
        (stubs, solutions) => {
            for refusal in [stubs.err(), solutions.err()].into_iter().flatten() {
                finding.faults.push(refusal.to_string());
            }
            return Ok(finding);
        }
    };
    let mut items = 0;
    for exercise in &grader.environment.exercises {
        let of = |place: &str, sources: Option<&Vec<Source>>| {
            surface(sources.map_or(&[][..], Vec::as_slice))
                .map_err(|error| format!("{place}/{}/src/{error}", exercise.folder))
        };
        let stub = of("exercises", stubs.get(&exercise.folder));
        let solution = of("solutions", solutions.get(&exercise.folder));
        match (stub, solution) {
            (Ok(stub), Ok(solution)) => {
                items += stub.len();
                finding
                    .faults
                    .extend(differences(&exercise.folder, &stub, &solution));
                let described = Interface::open(root, &exercise.folder)?;
                finding
                    .faults
                    .extend(not_as_described(&exercise.folder, &described, &stub));
            }
            (stub, solution) => {
                let errors = [stub.err(), solution.err()];
                finding.faults.extend(errors.into_iter().flatten());
            }
        }
    }
    finding.showed = format!("{items} public items compared");
    Ok(finding)
}

/// The public items of a crate, by what they are and where: `fn attention`, `Msa::forward`, `Msa.heads`.
type Surface = BTreeMap<String, Declared>;

/// The declaration and docs of a public item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Declared {
    /// Its attributes and signature, without its body.
    signature: String,
    /// Its doc comment.
    docs: String,
}

/// The public items in all files of a crate.
///
/// # Errors
/// Returns an error if a file does not parse, with its path and the place in it.
fn surface(sources: &[Source]) -> Result<Surface, String> {
    let mut surface = Surface::new();
    for source in sources {
        let text = String::from_utf8_lossy(&source.bytes);
        let file = syn::parse_file(&text).map_err(|error| {
            let place = error.span().start();
            format!("{}:{}: {error}", source.path, place.line)
        })?;
        Collector {
            place: module_of(&source.path),
            surface: &mut surface,
        }
        .items(&file.items);
    }
    Ok(surface)
}

/// The prefix of the names of a file's items: none for `lib.rs`, `heads::` for `heads.rs` and `heads/mod.rs`.
fn module_of(path: &str) -> String {
    let path = path.strip_suffix(".rs").unwrap_or(path);
    let path = path.strip_suffix("/mod").unwrap_or(path);
    match path {
        "lib" => String::new(),
        module => format!("{}::", module.replace('/', "::")),
    }
}

/// Goes through items and keeps the public ones.
struct Collector<'a> {
    place: String,
    surface: &'a mut Surface,
}

impl Collector<'_> {
    fn keep(&mut self, name: &str, attributes: &[Attribute], signature: String) {
        let mut text = String::new();
        for attribute in attributes.iter().filter(|attribute| matters(attribute)) {
            let _ = write!(text, "{} ", words(attribute));
        }
        text.push_str(&signature);
        let declared = Declared {
            signature: text,
            docs: docs(attributes),
        };
        self.surface
            .insert(format!("{}{name}", self.place), declared);
    }

    fn items(&mut self, items: &[Item]) {
        for item in items {
            self.item(item);
        }
    }

    fn item(&mut self, item: &Item) {
        match item {
            Item::Fn(it) if is_public(&it.vis) => {
                let name = format!("fn {}", it.sig.ident);
                self.keep(&name, &it.attrs, words(without_patterns(&it.sig)));
            }
            Item::Struct(it) if is_public(&it.vis) => {
                let (name, generics) = (&it.ident, &it.generics);
                let clause = &generics.where_clause;
                let what = match &it.fields {
                    Fields::Named(_) => "{}",
                    Fields::Unnamed(_) => "()",
                    Fields::Unit => "",
                };
                let head = format!("struct {name}{} {}{what}", words(generics), words(clause));
                self.keep(&format!("struct {name}"), &it.attrs, head);
                self.fields(&name.to_string(), &it.fields, |field| is_public(&field.vis));
            }
            Item::Enum(it) if is_public(&it.vis) => {
                let (name, generics) = (&it.ident, &it.generics);
                let head = format!("enum {name}{}", words(generics));
                self.keep(&format!("enum {name}"), &it.attrs, head);
                for (number, variant) in it.variants.iter().enumerate() {
                    let full = format!("{name}::{}", variant.ident);
                    let value = variant.discriminant.as_ref().map(|(_, value)| words(value));
                    let head = format!(
                        "variant {number}, {}{}",
                        variant.ident,
                        value.map(|value| format!(" = {value}")).unwrap_or_default()
                    );
                    self.keep(&full, &variant.attrs, head);
                    self.fields(&full, &variant.fields, |_| true);
                }
            }
            Item::Impl(it) => self.implementation(it),
            Item::Trait(it) if is_public(&it.vis) => {
                let head = format!(
                    "trait {}{}: {}",
                    it.ident,
                    words(&it.generics),
                    words(&it.supertraits)
                );
                self.keep(&format!("trait {}", it.ident), &it.attrs, head);
                for item in &it.items {
                    self.trait_item(&it.ident.to_string(), item);
                }
            }
            Item::Const(it) if is_public(&it.vis) => {
                let text = format!(
                    "const {}: {} = {}",
                    it.ident,
                    words(&it.ty),
                    words(&it.expr)
                );
                self.keep(&format!("const {}", it.ident), &it.attrs, text);
            }
            Item::Static(it) if is_public(&it.vis) => {
                let text = format!("static {}: {}", it.ident, words(&it.ty));
                self.keep(&format!("static {}", it.ident), &it.attrs, text);
            }
            Item::Type(it) if is_public(&it.vis) => {
                let (name, generics) = (&it.ident, &it.generics);
                let text = format!("type {name}{} = {}", words(generics), words(&it.ty));
                self.keep(&format!("type {name}"), &it.attrs, text);
            }
            Item::Use(it) if is_public(&it.vis) => {
                self.keep(
                    &format!("use {}", words(&it.tree)),
                    &it.attrs,
                    words(&it.tree),
                );
            }
            Item::Mod(it) => {
                if is_public(&it.vis) {
                    let text = format!("mod {}", it.ident);
                    self.keep(&format!("mod {}", it.ident), &it.attrs, text);
                }
                // Items of a private module may be public by another name.
                if let Some((_, items)) = &it.content {
                    Collector {
                        place: format!("{}{}::", self.place, it.ident),
                        surface: self.surface,
                    }
                    .items(items);
                }
            }
            _ => {}
        }
    }

    fn fields(&mut self, owner: &str, fields: &Fields, is_seen: impl Fn(&Field) -> bool) {
        for (number, field) in fields
            .iter()
            .enumerate()
            .filter(|(_, field)| is_seen(field))
        {
            let name = match &field.ident {
                Some(name) => name.to_string(),
                None => number.to_string(),
            };
            self.keep(&format!("{owner}.{name}"), &field.attrs, words(&field.ty));
        }
    }

    /// Of a trait's implementation, that there is one; of others, what says `pub`.
    fn implementation(&mut self, it: &ItemImpl) {
        let owner = words(&it.self_ty);
        if let Some((_, path, _)) = &it.trait_ {
            let name = format!("impl {} for {owner}", words(path));
            self.keep(&name, &it.attrs, words(&it.generics));
            return;
        }
        for item in &it.items {
            match item {
                ImplItem::Fn(it) if is_public(&it.vis) => {
                    let name = format!("{owner}::{}", it.sig.ident);
                    self.keep(&name, &it.attrs, words(without_patterns(&it.sig)));
                }
                ImplItem::Const(it) if is_public(&it.vis) => {
                    let text = format!(
                        "const {}: {} = {}",
                        it.ident,
                        words(&it.ty),
                        words(&it.expr)
                    );
                    self.keep(&format!("{owner}::{}", it.ident), &it.attrs, text);
                }
                _ => {}
            }
        }
    }

    fn trait_item(&mut self, owner: &str, item: &TraitItem) {
        match item {
            TraitItem::Fn(it) => {
                let name = format!("{owner}::{}", it.sig.ident);
                self.keep(&name, &it.attrs, words(without_patterns(&it.sig)));
            }
            TraitItem::Const(it) => {
                let text = format!("const {}: {}", it.ident, words(&it.ty));
                self.keep(&format!("{owner}::{}", it.ident), &it.attrs, text);
            }
            TraitItem::Type(it) => {
                let text = format!("type {}: {}", it.ident, words(&it.bounds));
                self.keep(&format!("{owner}::{}", it.ident), &it.attrs, text);
            }
            _ => {}
        }
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// Attributes that only speak to the compiler's lints are no part of an interface; docs are compared on their own.
fn matters(attribute: &Attribute) -> bool {
    let path = attribute.path();
    !["doc", "allow", "expect", "warn", "deny", "inline"]
        .iter()
        .any(|name| path.is_ident(name))
}

/// A signature as a caller sees it: `mut x: T` is `x: T`, and a comma behind the last one says nothing.
fn without_patterns(signature: &Signature) -> Signature {
    let mut signature = signature.clone();
    signature.inputs.pop_punct();
    for argument in &mut signature.inputs {
        match argument {
            FnArg::Typed(argument) => {
                if let Pat::Ident(name) = &mut *argument.pat {
                    name.mutability = None;
                }
            }
            FnArg::Receiver(receiver) if receiver.reference.is_none() => receiver.mutability = None,
            FnArg::Receiver(_) => {}
        }
    }
    signature
}

fn words(tokens: impl ToTokens) -> String {
    tokens.to_token_stream().to_string()
}

fn docs(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| {
        let Meta::NameValue(pair) = &attribute.meta else {
            return None;
        };
        match &pair.value {
            Expr::Lit(value) if pair.path.is_ident("doc") => match &value.lit {
                Lit::Str(text) => Some(text.value().trim_end().to_owned()),
                _ => None,
            },
            _ => None,
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn differences(folder: &str, stub: &Surface, solution: &Surface) -> Vec<String> {
    let mut faults = vec![];
    if stub.is_empty() {
        faults.push(format!("exercises/{folder} declares nothing public"));
    }
    for (name, in_stub) in stub {
        let Some(in_solution) = solution.get(name) else {
            faults.push(format!("{folder}: {name} is only in the stub"));
            continue;
        };
        if in_stub.signature != in_solution.signature {
            faults.push(format!(
                "{folder}: {name} is declared in two ways\nstub:     {}\nsolution: {}",
                in_stub.signature, in_solution.signature
            ));
        }
        if in_stub.docs != in_solution.docs {
            let (stub, solution) = first_difference(&in_stub.docs, &in_solution.docs);
            faults.push(format!(
                "{folder}: {name} is documented in two ways\nstub:     {stub}\nsolution: {solution}"
            ));
        }
    }
    let only_solution = solution.keys().filter(|name| !stub.contains_key(*name));
    faults.extend(only_solution.map(|name| format!("{folder}: {name} is only in the solution")));
    faults
}

/// Differences between a description and its stub, and functions of the stub that the description lacks.
fn not_as_described(folder: &str, description: &Interface, stub: &Surface) -> Vec<String> {
    let described = Source {
        path: "lib.rs".to_owned(),
        bytes: description.declarations().to_string().into_bytes(),
    };
    let described = match surface(&[described]) {
        Ok(described) => described,
        Err(error) => return vec![format!("exercises/{folder}/{DESCRIPTION}: {error}")],
    };
    let mut faults = vec![];
    for (name, declared) in &described {
        match stub.get(name) {
            None => faults.push(format!(
                "{folder}: {DESCRIPTION} has {name}, which the stub has not"
            )),
            Some(in_stub) if in_stub.signature != declared.signature => faults.push(format!(
                "{folder}: {name} is described in another way than declared\nstub:        {}\ndescription: {}",
                in_stub.signature, declared.signature
            )),
            Some(_) => {}
        }
    }
    let missing = stub.iter().filter(|(name, declared)| {
        is_called(name, declared, stub) && !described.contains_key(*name)
    });
    faults
        .extend(missing.map(|(name, _)| {
            format!("{folder}: the stub has {name}, which {DESCRIPTION} has not")
        }));
    faults
}

/// Returns whether it is a function or a method of `lib.rs`, which only a judge can call: those of modules are their own affair.
fn is_called(name: &str, declared: &Declared, surface: &Surface) -> bool {
    match name.split_once("::") {
        None => name.starts_with("fn "),
        Some((owner, rest)) => {
            let is_function = declared.signature.split(' ').any(|word| word == "fn");
            let is_of_trait = surface.contains_key(&format!("trait {owner}"));
            is_function && !is_of_trait && !rest.contains("::") && !rest.starts_with("fn ")
        }
    }
}

/// The first line that two texts do not share.
fn first_difference<'a>(a: &'a str, b: &'a str) -> (&'a str, &'a str) {
    const END: &str = "(no such line)";
    let (mut a, mut b) = (a.lines(), b.lines());
    loop {
        match (a.next(), b.next()) {
            (Some(a), Some(b)) if a == b => {}
            (a, b) => return (a.unwrap_or(END).trim(), b.unwrap_or(END).trim()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surface_of(files: &[(&str, &str)]) -> Result<Surface, String> {
        let sources: Vec<_> = files
            .iter()
            .map(|&(path, text)| Source {
                path: path.to_owned(),
                bytes: text.into(),
            })
            .collect();
        surface(&sources)
    }

    /// The differences that the comparison reports between two versions of lib.rs.
    fn faults(stub: &str, solution: &str) -> Vec<String> {
        let [stub, solution] =
            [stub, solution].map(|text| surface_of(&[("lib.rs", text)]).expect("it parses"));
        differences("01-one", &stub, &solution)
    }

    #[test]
    fn bodies_private_items_and_the_top_of_the_file_do_not_matter() {
        let stub = "//! A lesson.\n/// Cuts.\npub fn cut(x: u8) -> u8 { todo!() }
            #[derive(Debug)] pub struct Net { a: u8 }";
        let solution =
            "/// Cuts.\npub fn cut(mut x: u8) -> u8 { x += 1; help(x) }\nfn help(x: u8) -> u8 { x }
            #[derive(Debug)] pub struct Net { b: Vec<u8> }";
        assert_eq!(faults(stub, solution), [""; 0]);
    }

    #[test]
    fn a_signature_that_differs_is_a_fault_that_shows_both() {
        let got = faults("pub fn cut(x: u8) {}", "pub fn cut(x: u16) {}");
        assert_eq!(
            got,
            [
                "01-one: fn cut is declared in two ways\nstub:     fn cut (x : u8)\nsolution: fn cut (x : u16)"
            ]
        );
    }

    #[test]
    fn a_doc_comment_that_differs_is_a_fault_that_shows_the_line() {
        let got = faults(
            "/// Cuts.\n///\n/// In two.\npub fn cut() {}",
            "/// Cuts.\npub fn cut() {}",
        );
        assert_eq!(
            got,
            ["01-one: fn cut is documented in two ways\nstub:     \nsolution: (no such line)"]
        );
    }

    #[test]
    fn an_item_on_one_side_only_is_a_fault() {
        let got = faults("pub fn cut() {}", "pub fn paste() {}");
        assert_eq!(
            got,
            [
                "01-one: fn cut is only in the stub",
                "01-one: fn paste is only in the solution"
            ]
        );
    }

    #[test]
    fn every_sort_of_public_item_is_compared() {
        let base = "
            #[derive(Clone)] pub struct Net { pub heads: u8 }
            impl Net { pub fn new(heads: u8) -> Self { todo!() } pub const SIZE: u8 = 1; }
            impl Drop for Net { fn drop(&mut self) {} }
            pub enum Way { Mean, Max = 3 }
            pub trait Layer { fn forward(&self) -> u8; }
            pub const LIMIT: u8 = 4;
            pub type Map = Vec<u8>;
            pub use std::fs;
            pub mod inner { pub struct Pair(pub u8, u8); }
        ";
        assert_eq!(faults(base, base), [""; 0]);
        for (from, to, name) in [
            ("derive(Clone)", "derive(Debug)", "struct Net"),
            ("pub heads: u8", "pub heads: u16", "Net.heads"),
            ("pub heads: u8", "heads: u8", "Net.heads"),
            ("new(heads: u8)", "new(heads: u16)", "Net::new"),
            ("SIZE: u8 = 1", "SIZE: u8 = 2", "Net::SIZE"),
            (
                "impl Drop for Net",
                "impl Drop for Other",
                "impl Drop for Net",
            ),
            ("Max = 3", "Max = 4", "Way::Max"),
            ("Mean, Max = 3", "Max = 3, Mean", "Way::Mean"),
            ("-> u8;", "-> u16;", "Layer::forward"),
            ("LIMIT: u8 = 4", "LIMIT: u8 = 5", "const LIMIT"),
            ("Map = Vec<u8>", "Map = Vec<u16>", "type Map"),
            ("use std::fs", "use std::io", "use std :: fs"),
            ("Pair(pub u8", "Pair(pub u16", "inner::Pair.0"),
            ("pub mod inner", "mod inner", "mod inner"),
        ] {
            assert!(base.contains(from), "{from}");
            let got = faults(base, &base.replacen(from, to, 1));
            assert!(
                got.iter()
                    .any(|fault| fault.contains(&format!(": {name} is "))),
                "{from} → {to}: {got:?}"
            );
        }
    }

    #[test]
    fn a_module_in_a_file_of_its_own_is_a_module() {
        let inline = surface_of(&[("lib.rs", "mod heads { pub fn split() {} }")]);
        let file = surface_of(&[("lib.rs", "mod heads;"), ("heads.rs", "pub fn split() {}")]);
        let folder = surface_of(&[
            ("lib.rs", "mod heads;"),
            ("heads/mod.rs", "pub fn split() {}"),
        ]);
        assert!(
            inline
                .as_ref()
                .is_ok_and(|it| it.contains_key("heads::fn split"))
        );
        assert_eq!(inline, file);
        assert_eq!(inline, folder);
    }

    #[test]
    fn a_stub_that_is_not_as_described_is_a_fault() {
        let description = "use tch::{Tensor, nn};
            #[derive(Clone, Copy)] pub enum Mode { Mean, Max }
            /// mixes
            #[gives(y = \"[N]\")]
            pub fn mix(#[doc = \"[N]\"] x: &Tensor, #[doc = \"mean or max\"] mode: Mode,) -> Tensor;";
        let description =
            Interface::parse("01-one", description, &|_| None).expect("a description");
        let faults = |stub: &str| {
            let stub = surface_of(&[("lib.rs", stub)]).expect("it parses");
            not_as_described("01-one", &description, &stub)
        };
        let mode = "#[derive(Clone, Copy)] pub enum Mode { /// The mean.\n Mean, Max }";
        let mix = "/// Mixes.\npub fn mix(x: &Tensor, mode: Mode) -> Tensor { todo!() }";
        assert_eq!(faults(&format!("{mode} {mix}")), [""; 0]);
        assert_eq!(
            faults(&format!("{mode} pub mod other {{ pub fn f() {{}} }}")),
            ["01-one: interface.rs has fn mix, which the stub has not"]
        );
        assert_eq!(
            faults(&format!("{mode} {mix} pub fn more() {{}}")),
            ["01-one: the stub has fn more, which interface.rs has not"]
        );
        let other = mix.replace("mode: Mode", "m: Mode");
        let [fault] = &faults(&format!("{mode} {other}"))[..] else {
            panic!("one fault")
        };
        assert!(
            fault.starts_with("01-one: fn mix is described in another way than declared\n"),
            "{fault}"
        );
    }

    #[test]
    fn nothing_public_and_a_file_that_does_not_parse_are_faults() {
        assert_eq!(faults("", ""), ["exercises/01-one declares nothing public"]);
        let error = surface_of(&[("lib.rs", "pub fn a() {}\npub fn 3() {}")]).expect_err("no name");
        assert!(error.starts_with("lib.rs:2: "), "{error}");
    }
}
