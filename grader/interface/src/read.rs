//! From a description as it is written to an interface.

use crate::error::Error;
use crate::model::{
    ByHand, DescribedItem, Enum, Field, Function, Interface, Kind, Module, Parameter, Presets,
    Record, ReturnForm, Struct, Variant,
};
use crate::syntax::{Attributes, Declaration, File, Impl, Item};
use proc_macro2::Span;
use quote::ToTokens;
use std::fs;
use std::path::Path;
use syn::spanned::Spanned;
use syn::{
    Fields, FnArg, GenericArgument, Ident, ItemEnum, ItemStruct, ItemUse, Pat, PathArguments,
    ReturnType, Type, UseTree,
};

/// The description's file in an exercise's folder.
pub const DESCRIPTION: &str = "interface.rs";
/// The folder beside it, with what is written by hand.
pub const BY_HAND: &str = "interface";

/// Whole numbers that are sent.
const INTEGERS: [&str; 7] = ["usize", "i64", "u64", "u32", "i32", "u8", "i16"];
const FLOATS: [&str; 2] = ["f32", "f64"];
/// Numbers that a pair of rows and columns may have.
const SIDES: [&str; 2] = ["usize", "i64"];

impl Interface {
    /// The interface of the exercise in `exercises/FOLDER` of a course.
    ///
    /// # Errors
    /// Returns an error, with its place, if the description is invalid, or a file cannot be read.
    pub fn open(course: &Path, folder: &str) -> Result<Self, Error> {
        let exercises = course.join("exercises");
        let shown = |file: &str| format!("exercises/{folder}/{file}");
        let read = |file: &str| {
            fs::read_to_string(exercises.join(folder).join(file)).map_err(|error| {
                Error::of_file(&shown(file), format!("it cannot be read: {error}"))
            })
        };
        let by_hand = |name: &str| {
            let file = format!("{BY_HAND}/{name}.rs");
            let is_there = exercises.join(folder).join(&file).is_file();
            is_there.then(|| read(&file)).transpose()
        };
        let earlier = |name: &str| {
            let folder = folder_of(&exercises, name)?;
            Some(Interface::open(course, &folder))
        };
        let description = read(DESCRIPTION)?;
        let mut interface = Self::parse(folder, &description, &earlier)?;
        interface.worker = by_hand("worker")?;
        interface.judge = by_hand("judge")?;
        interface.check_by_hand()?;
        Ok(interface)
    }

    /// The interface that a description says. `earlier` has those of earlier exercises, by the names of their crates.
    ///
    /// # Errors
    /// Returns an error, with its place, if it is invalid.
    pub fn parse(
        folder: &str,
        description: &str,
        earlier: &dyn Fn(&str) -> Option<Result<Interface, Error>>,
    ) -> Result<Self, Error> {
        let file = format!("exercises/{folder}/{DESCRIPTION}");
        let parsed: File =
            syn::parse_str(description).map_err(|error| Error::of_syntax(&file, &error))?;
        let mut reader = Reader {
            interface: Interface {
                folder: folder.to_owned(),
                name: crate_of(folder).replace('-', "_"),
                earlier: vec![],
                uses: vec![],
                constants: vec![],
                enums: vec![],
                structs: vec![],
                records: vec![],
                parts: vec![],
                more: vec![],
                worker: None,
                judge: None,
            },
            file,
            impls: vec![],
        };
        reader.read(parsed, earlier)?;
        Ok(reader.interface)
    }

    /// That what is said to be written by hand is.
    fn check_by_hand(&self) -> Result<(), Error> {
        let (mut worker, mut judge) = (vec![], vec![]);
        for function in self.functions().filter(|it| it.by_hand.is_some()) {
            worker.push(function.operation.replace('.', "_"));
            judge.push(function.signature.ident.to_string());
        }
        let methods = self.modules().flat_map(|module| &module.methods);
        judge.extend(
            methods
                .filter_map(|it| it.then.as_ref())
                .map(Ident::to_string),
        );
        let more = self.more.iter().filter_map(|(_, path)| path.get_ident());
        worker.extend(more.map(Ident::to_string));
        for (name, source, wanted) in [
            ("worker", &self.worker, worker),
            ("judge", &self.judge, judge),
        ] {
            let file = format!("exercises/{}/{BY_HAND}/{name}.rs", self.folder);
            let source = source.as_deref().unwrap_or_default();
            syn::parse_file(source).map_err(|error| Error::of_syntax(&file, &error))?;
            for function in wanted {
                if !source.contains(&format!("fn {function}(")) {
                    let message =
                        format!("there is no `fn {function}`, which {DESCRIPTION} says is there");
                    return Err(Error::of_file(&file, message));
                }
            }
        }
        Ok(())
    }
}

/// The crate of an exercise's folder: `msa` of `03-msa`.
fn crate_of(folder: &str) -> &str {
    folder.split_once('-').map_or(folder, |(_, name)| name)
}

/// The folder of a crate's exercise.
fn folder_of(exercises: &Path, name: &str) -> Option<String> {
    let entries = fs::read_dir(exercises).ok()?;
    let folders = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut fitting =
        folders.filter(|folder| crate_of(folder).replace('-', "_") == name && *folder != name);
    fitting.find(|folder| exercises.join(folder).join(DESCRIPTION).is_file())
}

struct Reader {
    interface: Interface,
    file: String,
    /// Functions of types, which may stand before or after the types.
    impls: Vec<Impl>,
}

impl Reader {
    fn fault(&self, span: Span, message: impl Into<String>) -> Error {
        Error::at(&self.file, span, message)
    }

    /// The value of an attribute; `syn`'s error is given its place.
    fn attribute<T>(&self, read: syn::Result<T>) -> Result<T, Error> {
        read.map_err(|error| Error::of_syntax(&self.file, &error))
    }

    fn read(
        &mut self,
        file: File,
        earlier: &dyn Fn(&str) -> Option<Result<Interface, Error>>,
    ) -> Result<(), Error> {
        let mut attributes = Attributes::new(file.attributes);
        self.interface.more = self.attribute(attributes.paths("operations"))?;
        self.attribute(attributes.end())?;
        // Types first: what functions take is known by them. Structs wait for the enums of their fields.
        let mut structs = vec![];
        let mut rest = vec![];
        for item in file.items {
            match item {
                Item::Use(item) => self.a_use(item, earlier)?,
                Item::Const(item) => {
                    let home = self.interface.name.clone();
                    self.interface.constants.push((home, item));
                }
                Item::Enum(item) => self.an_enum(item)?,
                Item::Struct(item) if matches!(item.fields, Fields::Named(_)) => structs.push(item),
                Item::Impl(item) => self.impls.push(item),
                other => rest.push(other),
            }
        }
        for item in structs {
            self.a_struct(item)?;
        }
        for item in rest {
            let part = match item {
                Item::Struct(item) => DescribedItem::Module(self.a_module(item)?),
                Item::Function(declaration) => {
                    DescribedItem::Function(self.a_function(declaration)?)
                }
                _ => continue,
            };
            self.interface.parts.push(part);
        }
        match self.impls.first() {
            None => Ok(()),
            Some(left) => Err(self.fault(
                left.owner.span(),
                format!("{} is no struct of this description", left.owner),
            )),
        }
    }

    /// The functions of a type.
    fn functions_of(&mut self, owner: &Ident) -> Option<Impl> {
        let place = self.impls.iter().position(|it| it.owner == *owner)?;
        Some(self.impls.remove(place))
    }

    fn a_use(
        &mut self,
        mut item: ItemUse,
        earlier: &dyn Fn(&str) -> Option<Result<Interface, Error>>,
    ) -> Result<(), Error> {
        let mut attributes = Attributes::new(std::mem::take(&mut item.attrs));
        let fixed = self.attribute(attributes.paths("fixed"))?;
        self.attribute(attributes.end())?;
        let UseTree::Path(path) = &item.tree else {
            return Err(self.fault(item.span(), "write `use CRATE::…`"));
        };
        let name = path.ident.to_string();
        let Some(of) = earlier(&name) else {
            self.interface.uses.push(item);
            return Ok(());
        };
        let of = of?;
        if !self.interface.earlier.contains(&name) {
            self.interface.earlier.push(name);
        }
        for wanted in names(&path.tree) {
            if let Some(found) = of.a_struct(&wanted.to_string()) {
                let mut found = found.clone();
                found.presets = None;
                found.fixed.clone_from(&fixed);
                self.interface.structs.push(found);
            } else if let Some(found) = of.an_enum(&wanted.to_string()) {
                self.interface.enums.push(found.clone());
            } else if let Some(found) = of.constants.iter().find(|(_, it)| it.ident == wanted) {
                self.interface.constants.push(found.clone());
            } else {
                let message = format!(
                    "{wanted} is no struct, enum or constant of exercises/{}/{DESCRIPTION}",
                    of.folder
                );
                return Err(self.fault(wanted.span(), message));
            }
        }
        Ok(())
    }

    fn an_enum(&mut self, mut item: ItemEnum) -> Result<(), Error> {
        let attributes = Attributes::new(std::mem::take(&mut item.attrs));
        item.attrs = self.attribute(attributes.end())?;
        let mut variants = vec![];
        for variant in &mut item.variants {
            let attributes = Attributes::new(std::mem::take(&mut variant.attrs));
            self.attribute(attributes.end())?;
            if matches!(variant.fields, Fields::Unnamed(_)) {
                let message = "fields of a variant are sent by their names: give them names";
                return Err(self.fault(variant.ident.span(), message));
            }
            variants.push(Variant {
                name: variant.ident.clone(),
                word: snake_case(&variant.ident.to_string()),
                fields: self.fields(&mut variant.fields)?,
            });
        }
        self.interface.enums.push(Enum {
            home: self.interface.name.clone(),
            item,
            variants,
        });
        Ok(())
    }

    fn a_struct(&mut self, mut item: ItemStruct) -> Result<(), Error> {
        let attributes = Attributes::new(std::mem::take(&mut item.attrs));
        item.attrs = self.attribute(attributes.end())?;
        if let Some(fields) = self.results_of(&item) {
            return self.a_record(item, fields);
        }
        let fields = self.fields(&mut item.fields)?;
        let presets = match self.functions_of(&item.ident) {
            None => None,
            Some(functions) => Some(self.presets(functions, &fields)?),
        };
        self.interface.structs.push(Struct {
            home: self.interface.name.clone(),
            item,
            fields,
            fixed: vec![],
            presets,
        });
        Ok(())
    }

    /// The results in a struct's fields, if they are results and one of them cannot be an argument.
    fn results_of(&self, item: &ItemStruct) -> Option<Vec<ReturnForm>> {
        let types = || item.fields.iter().map(|field| &field.ty);
        let is_argument = |ty| self.kind(ty).is_some_and(|kind| !kind.is_tensor());
        let fields: Option<Vec<_>> = types().map(|ty| self.result(ty)).collect();
        let is_one = |it: &ReturnForm| {
            use ReturnForm::{Array, Float, Integer, Truths};
            matches!(it, Array | Float(_) | Integer(_) | Truths)
        };
        fields.filter(|fields| fields.iter().all(is_one) && !types().all(is_argument))
    }

    fn a_record(&mut self, mut item: ItemStruct, fields: Vec<ReturnForm>) -> Result<(), Error> {
        for field in &mut item.fields {
            let attributes = Attributes::new(std::mem::take(&mut field.attrs));
            self.attribute(attributes.end())?;
        }
        self.interface.records.push(Record {
            home: self.interface.name.clone(),
            item,
            fields,
        });
        Ok(())
    }

    fn fields(&self, fields: &mut Fields) -> Result<Vec<Field>, Error> {
        let mut read = vec![];
        for field in fields.iter_mut() {
            let mut attributes = Attributes::new(std::mem::take(&mut field.attrs));
            let about = attributes.about();
            let default = self.attribute(attributes.text("default"))?;
            self.attribute(attributes.end())?;
            let Some(name) = field.ident.clone() else {
                continue;
            };
            match self.kind(&field.ty) {
                Some(kind @ (Kind::Scalar(_) | Kind::Size(_) | Kind::List | Kind::Enum(_))) => {
                    self.check_default(name.span(), default.as_deref(), &kind)?;
                    read.push(Field {
                        name,
                        about,
                        default,
                        kind,
                    });
                }
                _ => {
                    let message = format!(
                        "a field of type `{}` cannot be an argument of a call: it must be a number, a truth value, (usize, usize), (i64, i64), Vec<i64> or an enum of this description",
                        field.ty.to_token_stream()
                    );
                    return Err(self.fault(field.ty.span(), message));
                }
            }
        }
        Ok(read)
    }

    /// Checks that a default is a value of its kind: a call reads a default as it reads what it is told.
    fn check_default(&self, span: Span, default: Option<&str>, kind: &Kind) -> Result<(), Error> {
        let Some(default) = default else {
            return Ok(());
        };
        let (is_value, wanted) = match kind {
            Kind::Scalar(name) if name == "bool" => {
                (default.parse::<bool>().is_ok(), "true or false".to_owned())
            }
            Kind::Scalar(name) if FLOATS.contains(&name.as_str()) => {
                (default.parse::<f64>().is_ok(), "a number".to_owned())
            }
            Kind::Scalar(name) => {
                let is_signed = name.starts_with('i');
                let number = default.parse::<i128>();
                let fits = number.is_ok_and(|number| is_signed || number >= 0);
                (fits, format!("a whole number, of {name}"))
            }
            Kind::Size(_) => {
                let sides = default.split_once('x');
                let is_side = |side: &str| side.parse::<usize>().is_ok();
                let fits = sides.is_some_and(|(rows, columns)| is_side(rows) && is_side(columns));
                (fits, "rows and columns, as 14x14".to_owned())
            }
            Kind::List => {
                let mut numbers = default.split(',');
                let fits = numbers.all(|number| number.parse::<i64>().is_ok());
                (fits, "whole numbers, as 2,2,6,2".to_owned())
            }
            Kind::Enum(name) => {
                let variants = self
                    .interface
                    .an_enum(name)
                    .map_or(&[][..], |it| &it.variants);
                let words: Vec<_> = variants.iter().map(|it| it.word.as_str()).collect();
                (words.contains(&default), words.join(" or "))
            }
            _ => (false, "of a number, a word or a size alone".to_owned()),
        };
        if is_value {
            return Ok(());
        }
        let message = format!("the default {default:?} is not {wanted}");
        Err(self.fault(span, message))
    }

    fn presets(&self, functions: Impl, fields: &[Field]) -> Result<Presets, Error> {
        let mut attributes = Attributes::new(functions.attributes);
        let operation = self.attribute(attributes.text("presets"))?;
        self.attribute(attributes.end())?;
        let Some(operation) = operation else {
            let message = format!(
                "say which operation gives {} by a name: #[presets = \"…\"]",
                functions.owner
            );
            return Err(self.fault(functions.owner.span(), message));
        };
        for field in fields {
            let travels = match &field.kind {
                Kind::Scalar(number) => number == "f64" || INTEGERS.contains(&number.as_str()),
                Kind::Enum(name) => self
                    .interface
                    .an_enum(name)
                    .is_some_and(|it| it.variants.iter().all(|it| it.fields.is_empty())),
                Kind::List => true,
                _ => false,
            };
            if !travels {
                let message =
                    "a preset has whole numbers, lists of them, f64 and enums without fields";
                return Err(self.fault(field.name.span(), message));
            }
        }
        let mut names = vec![];
        for declaration in functions.functions {
            let signature = declaration.signature;
            let gives_self =
                matches!(&signature.output, ReturnType::Type(_, it) if is_ident(it, "Self"));
            if !signature.inputs.is_empty() || !gives_self {
                let message = "a preset takes nothing and gives `Self`";
                return Err(self.fault(signature.ident.span(), message));
            }
            self.attribute(Attributes::new(declaration.attributes).end())?;
            names.push(signature.ident);
        }
        Ok(Presets { operation, names })
    }

    fn a_module(&mut self, mut item: ItemStruct) -> Result<Module, Error> {
        let name = item.ident.clone();
        let mut attributes = Attributes::new(std::mem::take(&mut item.attrs));
        let about = attributes.about();
        let operation = self.attribute(attributes.text("operation"))?;
        let operation = operation.unwrap_or_else(|| snake_case(&name.to_string()));
        let is_listed = !self.attribute(attributes.word("unlisted"))?;
        self.attribute(attributes.end())?;
        let Some(functions) = self.functions_of(&name) else {
            let message = format!("{name} has no `impl` with `new`");
            return Err(self.fault(name.span(), message));
        };
        self.attribute(Attributes::new(functions.attributes).end())?;
        let mut new = None;
        let (mut builders, mut methods) = (vec![], vec![]);
        for declaration in functions.functions {
            let signature = &declaration.signature;
            match signature.inputs.first() {
                Some(FnArg::Receiver(receiver)) if receiver.reference.is_some() => {
                    methods.push(self.a_method(declaration, &operation)?);
                }
                Some(FnArg::Receiver(_)) => builders.push(self.a_builder(declaration)?),
                _ if signature.ident == "new" => new = Some(declaration),
                _ => {
                    let message = "a module has `new`, methods, and builders that take `self`";
                    return Err(self.fault(signature.ident.span(), message));
                }
            }
        }
        let Some(new) = new else {
            return Err(self.fault(name.span(), format!("{name} has no `new`")));
        };
        self.attribute(Attributes::new(new.attributes).end())?;
        let mut signature = new.signature;
        let takes_path = matches!(signature.inputs.first(), Some(FnArg::Typed(it))
            if it.ty.to_token_stream().to_string().contains("Path"));
        if !takes_path {
            let message = "the first parameter of a module's `new` is `vs: &nn::Path<'_>`";
            return Err(self.fault(signature.ident.span(), message));
        }
        let parameters = self.parameters(&mut signature, 1)?;
        if let Some(tensor) = parameters.iter().find(|it| it.kind.is_tensor()) {
            return Err(self.fault(tensor.span, "a module's `new` takes no tensors"));
        }
        self.check_about(is_listed, &about, name.span(), &parameters)?;
        Ok(Module {
            name,
            operation,
            about,
            is_listed,
            parameters,
            new: signature,
            builders,
            methods,
        })
    }

    fn a_method(&self, declaration: Declaration, module: &str) -> Result<Function, Error> {
        let Declaration {
            attributes,
            mut signature,
        } = declaration;
        let mut attributes = Attributes::new(attributes);
        let gives = self.attribute(attributes.texts("gives"))?;
        let stacked = self.attribute(attributes.text("stacked"))?;
        let then = self.attribute(attributes.text("then"))?;
        let attributes = self.attribute(attributes.end())?;
        let parameters = self.parameters(&mut signature, 1)?;
        let returned = self.returned(&signature)?;
        self.check_gives(&signature.ident, &gives, &returned)?;
        let is_stack = matches!(&returned, ReturnForm::Tuple(parts)
            if parts.iter().all(|part| *part == ReturnForm::Tensor));
        if stacked.is_some() && !is_stack {
            let message = "what is stacked is several tensors";
            return Err(self.fault(signature.ident.span(), message));
        }
        Ok(Function {
            operation: format!("{module}.{}", signature.ident),
            about: String::new(),
            is_listed: false,
            attributes,
            parameters,
            returned,
            gives,
            by_hand: None,
            stacked,
            then: then.map(|name| Ident::new(&name, Span::call_site())),
            signature,
        })
    }

    fn a_builder(&self, declaration: Declaration) -> Result<Function, Error> {
        let Declaration {
            attributes,
            mut signature,
        } = declaration;
        let attributes = self.attribute(Attributes::new(attributes).end())?;
        let parameters = self.parameters(&mut signature, 1)?;
        let gives_self =
            matches!(&signature.output, ReturnType::Type(_, it) if is_ident(it, "Self"));
        if !gives_self || parameters.iter().any(|it| it.kind.is_tensor()) {
            let message = "what takes `self` takes no tensors and gives `Self`";
            return Err(self.fault(signature.ident.span(), message));
        }
        Ok(Function {
            operation: signature.ident.to_string(),
            about: String::new(),
            is_listed: false,
            attributes,
            parameters,
            returned: ReturnForm::Anything,
            gives: vec![],
            by_hand: None,
            stacked: None,
            then: None,
            signature,
        })
    }

    fn a_function(&self, declaration: Declaration) -> Result<Function, Error> {
        let Declaration {
            attributes,
            mut signature,
        } = declaration;
        let mut attributes = Attributes::new(attributes);
        let about = attributes.about();
        let operation = self.attribute(attributes.text("operation"))?;
        let is_listed = !self.attribute(attributes.word("unlisted"))?;
        let is_by_hand = self.attribute(attributes.word("by_hand"))?;
        let takes = self.attribute(attributes.texts("takes"))?;
        let gives = self.attribute(attributes.texts("gives"))?;
        let attributes = self.attribute(attributes.end())?;
        let span = signature.ident.span();
        let (parameters, returned, by_hand) = if is_by_hand {
            let module = signature.inputs.iter().find_map(|input| match input {
                FnArg::Typed(input) => self.module_of(&input.ty),
                FnArg::Receiver(_) => None,
            });
            (vec![], ReturnForm::Anything, Some(ByHand { takes, module }))
        } else {
            if !takes.is_empty() {
                let message = "its parameters say what it takes, unless it is #[by_hand]";
                return Err(self.fault(span, message));
            }
            let parameters = self.parameters(&mut signature, 0)?;
            let returned = self.returned(&signature)?;
            self.check_gives(&signature.ident, &gives, &returned)?;
            (parameters, returned, None)
        };
        self.check_about(is_listed, &about, span, &parameters)?;
        Ok(Function {
            operation: operation.unwrap_or_else(|| signature.ident.to_string()),
            about,
            is_listed,
            attributes,
            parameters,
            returned,
            gives,
            by_hand,
            stacked: None,
            then: None,
            signature,
        })
    }

    /// That a reader is told what there is.
    fn check_about(
        &self,
        is_listed: bool,
        about: &str,
        span: Span,
        parameters: &[Parameter],
    ) -> Result<(), Error> {
        if !is_listed {
            return Ok(());
        }
        if about.is_empty() {
            let message = "say in a doc comment what the operation does, or that it is #[unlisted]";
            return Err(self.fault(span, message));
        }
        let is_silent = |it: &&Parameter| {
            it.about.is_empty() && !it.is_train() && !matches!(it.kind, Kind::Struct { .. })
        };
        match parameters.iter().find(is_silent) {
            None => Ok(()),
            Some(silent) => {
                let message = format!(
                    "say in a doc comment of the parameter {} what it means, or a tensor's shape",
                    silent.name
                );
                Err(self.fault(silent.span, message))
            }
        }
    }

    /// That each result has a name.
    fn check_gives(
        &self,
        name: &Ident,
        gives: &[(String, String)],
        returned: &ReturnForm,
    ) -> Result<(), Error> {
        let results = returned.parts();
        if gives.len() != results.len() {
            let message = format!(
                "{name} has {} results, and #[gives(…)] names {}",
                results.len(),
                gives.len()
            );
            return Err(self.fault(name.span(), message));
        }
        for ((result, _), returned) in gives.iter().zip(results) {
            if (*returned == ReturnForm::Tensors) != result.ends_with(".<l>") {
                let message = format!(
                    "{result:?} names a result of {name}: that of a list ends with `.<l>`, and no other"
                );
                return Err(self.fault(name.span(), message));
            }
        }
        Ok(())
    }

    /// The parameters after the first `skipped`, which lose their attributes.
    fn parameters(
        &self,
        signature: &mut syn::Signature,
        skipped: usize,
    ) -> Result<Vec<Parameter>, Error> {
        let mut parameters = vec![];
        for input in signature.inputs.iter_mut().skip(skipped) {
            let span = input.span();
            let FnArg::Typed(input) = input else {
                return Err(self.fault(span, "a function has no `self`"));
            };
            let Pat::Ident(name) = &*input.pat else {
                return Err(self.fault(span, "a parameter is a name and a type"));
            };
            let name = name.ident.clone();
            let mut attributes = Attributes::new(std::mem::take(&mut input.attrs));
            let about = attributes.about();
            let sent = self.attribute(attributes.text("name"))?;
            let default = self.attribute(attributes.text("default"))?;
            self.attribute(attributes.end())?;
            let Some(kind) = self.kind(&input.ty) else {
                let message = format!(
                    "the parameter `{name}: {}` cannot be sent: write the function by hand, #[by_hand]",
                    input.ty.to_token_stream()
                );
                return Err(self.fault(name.span(), message));
            };
            self.check_default(name.span(), default.as_deref(), &kind)?;
            if name == "call" {
                let message = "`call` is the request in a worker: choose another name";
                return Err(self.fault(name.span(), message));
            }
            let sent = sent.unwrap_or_else(|| match kind {
                Kind::Arrays { .. } => format!("{name}.*"),
                _ => name.to_string(),
            });
            if matches!(kind, Kind::Arrays { .. }) != sent.ends_with(".*") {
                let message = format!("the name of a list, and no other, ends with `.*`: {sent:?}");
                return Err(self.fault(name.span(), message));
            }
            parameters.push(Parameter {
                span: name.span(),
                name,
                sent,
                about,
                default,
                kind,
            });
        }
        Ok(parameters)
    }

    /// The form in which a parameter of that type travels.
    fn kind(&self, ty: &Type) -> Option<Kind> {
        let (ty, is_lent) = match ty {
            Type::Reference(reference) if reference.mutability.is_none() => {
                (&*reference.elem, true)
            }
            Type::Reference(_) => return None,
            ty => (ty, false),
        };
        if let Type::Slice(slice) = ty {
            let (name, arguments) = named(&slice.elem)?;
            return match axes_of(&name, "Array") {
                Some(axes) => Some(Kind::Arrays {
                    element: element(&arguments)?,
                    axes,
                }),
                None => (name == "i64").then_some(Kind::Integers),
            };
        }
        if let Type::Tuple(tuple) = ty {
            let is_pair_of = |number: &&str| {
                tuple.elems.len() == 2 && tuple.elems.iter().all(|it| is_ident(it, number))
            };
            let number = SIDES.into_iter().find(is_pair_of)?;
            return Some(Kind::Size(number.to_owned()));
        }
        let (name, arguments) = named(ty)?;
        if name == "Tensor" {
            return is_lent.then_some(Kind::Tensor);
        }
        if name == "Vec" && !is_lent {
            let is_of_integers = matches!(&arguments[..], [number] if is_ident(number, "i64"));
            return is_of_integers.then_some(Kind::List);
        }
        if name == "Option" && !is_lent {
            let is_tensor =
                matches!(&arguments[..], [inner] if self.kind(inner) == Some(Kind::Tensor));
            return is_tensor.then_some(Kind::OptionalTensor);
        }
        if let Some(axes) = axes_of(&name, "ArrayView") {
            return Some(Kind::Array {
                element: element(&arguments)?,
                axes,
            });
        }
        if self.interface.a_struct(&name).is_some() {
            return Some(Kind::Struct { name, is_lent });
        }
        let is_number =
            name == "bool" || INTEGERS.contains(&name.as_str()) || FLOATS.contains(&name.as_str());
        match is_lent {
            true => None,
            false if is_number => Some(Kind::Scalar(name)),
            false => self
                .interface
                .an_enum(&name)
                .is_some()
                .then_some(Kind::Enum(name)),
        }
    }

    fn returned(&self, signature: &syn::Signature) -> Result<ReturnForm, Error> {
        let ReturnType::Type(_, ty) = &signature.output else {
            let message = "it gives nothing: write it by hand, #[by_hand]";
            return Err(self.fault(signature.ident.span(), message));
        };
        let unfit = |ty: &Type| {
            let message = format!(
                "a result of type `{}` cannot be sent: write the function by hand, #[by_hand]",
                ty.to_token_stream()
            );
            self.fault(ty.span(), message)
        };
        match &**ty {
            Type::Tuple(tuple) if !tuple.elems.is_empty() => {
                let parts = tuple.elems.iter();
                let parts = parts.map(|ty| self.result(ty).ok_or_else(|| unfit(ty)));
                let parts: Vec<_> = parts.collect::<Result<_, _>>()?;
                let returned = ReturnForm::Tuple(parts);
                let parts = returned.parts();
                let is_mixed = parts.contains(&ReturnForm::Tensor) && !returned.is_of_tensors();
                let is_nested = |it: &ReturnForm| matches!(it, ReturnForm::Record { .. });
                match is_mixed
                    || parts.contains(&ReturnForm::Tensors)
                    || parts.iter().any(is_nested)
                {
                    true => Err(unfit(ty)),
                    false => Ok(returned),
                }
            }
            ty => self.result(ty).ok_or_else(|| unfit(ty)),
        }
    }

    fn result(&self, ty: &Type) -> Option<ReturnForm> {
        let (name, arguments) = named(ty)?;
        if name == "Tensor" {
            return Some(ReturnForm::Tensor);
        }
        if axes_of(&name, "Array").is_some() {
            return element(&arguments).map(|_| ReturnForm::Array);
        }
        if name == "Vec" {
            return match element(&arguments)?.as_str() {
                "Tensor" => Some(ReturnForm::Tensors),
                number @ ("f64" | "i64") => Some(ReturnForm::Numbers(number.to_owned())),
                "bool" => Some(ReturnForm::Truths),
                _ => None,
            };
        }
        if INTEGERS.contains(&name.as_str()) {
            return Some(ReturnForm::Integer(name));
        }
        if FLOATS.contains(&name.as_str()) {
            return Some(ReturnForm::Float(name));
        }
        if let Some(record) = self.interface.a_record(&name) {
            let fields = record.fields.clone();
            return Some(ReturnForm::Record { name, fields });
        }
        let fields = &self.interface.a_struct(&name)?.fields;
        let are_integers = fields.iter().all(|field| {
            matches!(&field.kind, Kind::Scalar(number) if INTEGERS.contains(&number.as_str()))
        });
        are_integers.then_some(ReturnForm::Struct(name))
    }

    /// The module that a parameter lends.
    fn module_of(&self, ty: &Type) -> Option<Ident> {
        let Type::Reference(reference) = ty else {
            return None;
        };
        let (name, _) = named(&reference.elem)?;
        let module = self.interface.modules().find(|it| it.name == name)?;
        Some(module.name.clone())
    }
}

/// The names that a `use` brings in.
fn names(tree: &UseTree) -> Vec<Ident> {
    match tree {
        UseTree::Name(name) => vec![name.ident.clone()],
        UseTree::Group(group) => group.items.iter().flat_map(names).collect(),
        UseTree::Path(path) => vec![path.ident.clone()],
        UseTree::Rename(rename) => vec![rename.rename.clone()],
        UseTree::Glob(_) => vec![],
    }
}

/// The last part of a type's path, and its arguments that are types.
fn named(ty: &Type) -> Option<(String, Vec<Type>)> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    let arguments = match &last.arguments {
        PathArguments::AngleBracketed(arguments) => arguments
            .args
            .iter()
            .filter_map(|argument| match argument {
                GenericArgument::Type(ty) => Some(ty.clone()),
                _ => None,
            })
            .collect(),
        _ => vec![],
    };
    Some((last.ident.to_string(), arguments))
}

fn is_ident(ty: &Type, name: &str) -> bool {
    matches!(ty, Type::Path(path) if path.path.is_ident(name))
}

/// The number of axes in a name like `Array3`.
fn axes_of(name: &str, start: &str) -> Option<usize> {
    let axes: usize = name.strip_prefix(start)?.parse().ok()?;
    (axes <= 6).then_some(axes)
}

/// The only argument of a type.
fn element(arguments: &[Type]) -> Option<String> {
    match arguments {
        [element] => Some(named(element)?.0),
        _ => None,
    }
}

/// `ClassToken` as `class_token`.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for (i, letter) in name.char_indices() {
        if letter.is_uppercase() && i > 0 {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}
