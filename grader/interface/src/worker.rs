//! The source of an exercise's worker: a table of operations that call the exercise's functions by their names.

use crate::model::{
    DescribedItem, Enum, Function, Interface, Kind, Module, Parameter, ReturnForm, Struct,
};
use crate::read::DESCRIPTION;
use crate::rewrite::{in_f64, with_crate};
use proc_macro2::TokenStream;
use quote::ToTokens;
use std::collections::BTreeSet;
use std::fmt::Write;
use syn::Ident;

/// The module of a worker's source with what is written by hand.
const MODULE_BY_HAND: &str = "by_hand";

/// The table in a worker's source: `&[workers::Operation]`.
pub const TABLE: &str = "OPERATIONS";

impl Interface {
    /// The source of the worker, a program that serves the exercise's functions.
    pub fn worker(&self) -> String {
        let mut source = format!(
            "//! Serves the functions of {}. Made from exercises/{}/{DESCRIPTION}.\n\n",
            self.folder, self.folder
        );
        source.push_str("fn main() -> std::process::ExitCode {\n");
        let _ = writeln!(source, "    workers::serve({TABLE})\n}}\n");
        source.push_str(&self.operations_source());
        source
    }

    /// The items of the worker without `main`, with other crates behind the names of the exercise and of those that it
    /// builds on: the name of each is given, and what to put in its place.
    ///
    /// # Errors
    /// Returns an error if a replacement is no path.
    pub fn operations_of(
        &self,
        other: &dyn Fn(&str) -> String,
        is_double: bool,
    ) -> syn::Result<TokenStream> {
        let source: TokenStream = syn::parse_file(&self.operations_source())?.into_token_stream();
        let mut tokens = match is_double {
            true => in_f64(source),
            false => source,
        };
        for name in self.earlier.iter().chain([&self.name]) {
            tokens = with_crate(tokens, name, &syn::parse_str(&other(name))?);
        }
        Ok(tokens)
    }

    /// The names of all operations that the worker serves.
    pub fn served(&self) -> Vec<String> {
        self.table().into_iter().map(|(name, _)| name).collect()
    }

    /// Operations, and the paths of the functions that answer them.
    fn table(&self) -> Vec<(String, String)> {
        let answered = |name: String| {
            let answers = function_of(&name);
            (name, answers)
        };
        let mut names = vec![];
        for part in &self.parts {
            match part {
                DescribedItem::Function(function) => {
                    let name = function.operation.clone();
                    let answers = function_of(&name);
                    names.push(match function.by_hand {
                        Some(_) => (name, format!("{MODULE_BY_HAND}::{answers}")),
                        None => (name, answers),
                    });
                }
                DescribedItem::Module(module) => {
                    let own = [
                        module.operation.clone(),
                        format!("{}.new", module.operation),
                    ];
                    let methods = module.methods.iter().map(|it| it.operation.clone());
                    names.extend(own.into_iter().chain(methods).map(answered));
                }
            }
        }
        let presets = self.structs.iter().filter_map(|it| it.presets.as_ref());
        names.extend(presets.map(|it| answered(it.operation.clone())));
        names.extend(self.more.iter().map(|(name, path)| {
            let answers = match path.get_ident() {
                Some(function) => format!("{MODULE_BY_HAND}::{function}"),
                None => path.to_token_stream().to_string().replace(' ', ""),
            };
            (name.clone(), answers)
        }));
        names
    }

    fn operations_source(&self) -> String {
        let mut source = format!("pub(crate) static {TABLE}: &[workers::Operation] = &[\n");
        for (name, function) in self.table() {
            let _ = writeln!(source, "    ({name:?}, {function}),");
        }
        source.push_str("];\n");
        for part in &self.parts {
            match part {
                DescribedItem::Function(function) if function.by_hand.is_some() => {}
                DescribedItem::Function(function) => self.function(&mut source, function),
                DescribedItem::Module(module) => self.module(&mut source, module),
            }
        }
        for name in self.sent_types() {
            if let Some(it) = self.a_struct(&name) {
                self.read_struct(&mut source, it);
            } else if let Some(it) = self.an_enum(&name) {
                read_enum(&mut source, it);
            }
        }
        for it in &self.structs {
            self.presets(&mut source, it);
        }
        if let Some(by_hand) = &self.worker {
            let _ = writeln!(source, "\nmod {MODULE_BY_HAND} {{\n{by_hand}}}");
        }
        source
    }

    /// The structs and enums that calls have among their arguments.
    fn sent_types(&self) -> BTreeSet<String> {
        let parameters = self.parts.iter().flat_map(|part| match part {
            DescribedItem::Function(it) => it.parameters.iter().collect::<Vec<_>>(),
            DescribedItem::Module(module) => {
                let functions = module.builders.iter().chain(&module.methods);
                let of_functions = functions.flat_map(|it| &it.parameters);
                module.parameters.iter().chain(of_functions).collect()
            }
        });
        let mut todo: Vec<&Kind> = parameters.map(|it| &it.kind).collect();
        let mut types = BTreeSet::new();
        while let Some(kind) = todo.pop() {
            let (Kind::Struct { name, .. } | Kind::Enum(name)) = kind else {
                continue;
            };
            types.insert(name.clone());
            let fields = self.a_struct(name).into_iter().flat_map(|it| {
                let is_fixed = |name: &Ident| it.fixed.iter().any(|(fixed, _)| name == fixed);
                it.fields.iter().filter(move |it| !is_fixed(&it.name))
            });
            todo.extend(fields.map(|it| &it.kind));
        }
        types
    }

    fn function(&self, source: &mut String, function: &Function) {
        let _ = writeln!(
            source,
            "\nfn {}(call: &workers::Call) -> workers::CallResult {{",
            function_of(&function.operation)
        );
        let is_of_tensors = function.returned.is_of_tensors();
        let inputs = inputs_of(function.parameters.iter(), is_of_tensors);
        read(source, 1, &function.parameters, &inputs);
        let name = format!("{}::{}", self.name, function.signature.ident);
        let called = format!("{name}({})", arguments(&function.parameters, &inputs));
        if is_of_tensors {
            let _ = writeln!(
                source,
                "    workers::differentiable(call, &{inputs:?}, None, |{}| {{",
                parameter_of(&inputs)
            );
            results(source, function, &called, &all_of(function));
            source.push_str("    })\n}\n");
        } else {
            self.values(source, function, &called);
            source.push_str("}\n");
        }
    }

    fn module(&self, source: &mut String, module: &Module) {
        let name = format!("{}::{}", self.name, module.name);
        let snake = function_of(&module.operation);
        let head = format!(
            "(call: &workers::Call, vs: &tch::nn::Path<'_>) -> Result<{name}, wire::Fault> {{"
        );
        let _ = writeln!(source, "\nfn new_{snake}{head}");
        read(source, 1, &module.parameters, &[]);
        let rest = arguments(&module.parameters, &[]);
        let separator = if rest.is_empty() { "" } else { ", " };
        let _ = writeln!(source, "    Ok({name}::new(vs{separator}{rest}))\n}}");

        let _ = writeln!(
            source,
            "\nfn {snake}_new(call: &workers::Call) -> workers::CallResult {{\n    workers::initial_values(|vs| new_{snake}(call, vs))\n}}"
        );
        let built = match module.builders.is_empty() {
            true => format!("new_{snake}"),
            false => {
                let _ = writeln!(
                    source,
                    "\n/// With what the call asks for besides.\nfn built_{snake}{head}\n    let mut module_ = new_{snake}(call, vs)?;"
                );
                for builder in &module.builders {
                    let name = &builder.signature.ident;
                    let _ = writeln!(source, "    if call.argument(\"{name}\")? {{");
                    read(source, 2, &builder.parameters, &[]);
                    let _ = writeln!(
                        source,
                        "        module_ = module_.{name}({});\n    }}",
                        arguments(&builder.parameters, &[])
                    );
                }
                source.push_str("    Ok(module_)\n}\n");
                format!("built_{snake}")
            }
        };
        for method in &module.methods {
            self.method(source, method, &built);
        }
        self.evaluation(source, module);
    }

    fn method(&self, source: &mut String, method: &Function, built: &str) {
        let _ = writeln!(
            source,
            "\nfn {}(call: &workers::Call) -> workers::CallResult {{",
            function_of(&method.operation)
        );
        let is_of_tensors = method.returned.is_of_tensors();
        let inputs = inputs_of(method.parameters.iter(), is_of_tensors);
        read(source, 1, &method.parameters, &inputs);
        let name = &method.signature.ident;
        let called = format!("module_.{name}({})", arguments(&method.parameters, &inputs));
        let _ = writeln!(
            source,
            "    let (variables_, module_) =\n        workers::with_weights(call, &{:?}, |vs| {built}(call, vs))?;",
            tensors_of(method.parameters.iter())
        );
        if is_of_tensors {
            let _ = writeln!(
                source,
                "    workers::differentiable(call, &{inputs:?}, Some(&variables_), |{}| {{",
                parameter_of(&inputs)
            );
            results(source, method, &called, &all_of(method));
            source.push_str("    })\n}\n");
        } else {
            self.values(source, method, &called);
            source.push_str("}\n");
        }
    }

    /// The module's own operation: what all methods give in evaluation.
    fn evaluation(&self, source: &mut String, module: &Module) {
        let snake = function_of(&module.operation);
        let asked = module.evaluation();
        let all = || {
            let methods = asked.iter().flat_map(|(method, _)| &method.parameters);
            let mut seen = BTreeSet::new();
            methods.filter(move |it| !it.is_train() && seen.insert(it.name.clone()))
        };
        let inputs = inputs_of(all(), true);
        let _ = writeln!(
            source,
            "\n/// In evaluation.\nfn {snake}(call: &workers::Call) -> workers::CallResult {{"
        );
        let parameters: Vec<Parameter> = all().cloned().collect();
        read(source, 1, &parameters, &inputs);
        let _ = writeln!(
            source,
            "    let (variables_, module_) =\n        workers::with_weights(call, &{:?}, |vs| new_{snake}(call, vs))?;",
            tensors_of(all())
        );
        let _ = writeln!(
            source,
            "    workers::differentiable(call, &{inputs:?}, Some(&variables_), |{}| {{\n        let mut all_: Vec<(String, tch::Tensor)> = vec![];",
            parameter_of(&inputs)
        );
        for (method, wanted) in &asked {
            let given: Vec<_> = method
                .parameters
                .iter()
                .map(|it| match it.is_train() {
                    true => "false".to_owned(),
                    false => argument(it, &inputs),
                })
                .collect();
            let called = format!("module_.{}({})", method.signature.ident, given.join(", "));
            if let Some(start) = list_of(method) {
                let _ = writeln!(
                    source,
                    "        all_.extend(workers::numbered({start:?}, {called}));"
                );
                continue;
            }
            let mut body = String::new();
            results(&mut body, &without_stack(method), &called, wanted);
            source.push_str("        all_.extend({\n");
            for line in body.lines() {
                let _ = writeln!(source, "    {line}");
            }
            source.push_str("        });\n");
        }
        source.push_str("        all_\n    })\n}\n");
    }

    /// The end of a function whose results are no tensors of libtorch.
    fn values(&self, source: &mut String, function: &Function, called: &str) {
        let parts = function.returned.parts();
        let names: Vec<_> = (0..parts.len()).map(|i| format!("result_{i}")).collect();
        let pattern = match &names[..] {
            names if let ReturnForm::Record { name, .. } = &function.returned => {
                self.pattern(name, names)
            }
            [one] => one.clone(),
            several => format!("({})", several.join(", ")),
        };
        let _ = writeln!(source, "    let {pattern} = {called};");
        let sent =
            parts
                .iter()
                .zip(&names)
                .zip(&function.gives)
                .map(|((part, value), (name, _))| {
                    format!("({name:?}, (&{}).into())", self.sent(part, value))
                });
        let sent: Vec<_> = sent.collect();
        let _ = writeln!(source, "    workers::gives_all(vec![{}])", sent.join(", "));
    }

    /// The pattern that takes a record apart.
    fn pattern(&self, record: &str, names: &[String]) -> String {
        let Some(it) = self.a_record(record) else {
            return "_".to_owned();
        };
        let fields = it.item.fields.iter().filter_map(|it| it.ident.as_ref());
        let fields = fields
            .zip(names)
            .map(|(field, name)| format!("{field}: {name}"));
        let fields: Vec<_> = fields.collect();
        format!("{}::{record} {{ {} }}", it.home, fields.join(", "))
    }

    /// An array of a value.
    fn sent(&self, returned: &ReturnForm, value: &str) -> String {
        match returned {
            ReturnForm::Integer(_) => format!("ndarray::arr0({value} as i64)"),
            ReturnForm::Float(_) => format!("ndarray::arr0({value})"),
            ReturnForm::Numbers(_) => format!("ndarray::Array1::from({value})"),
            ReturnForm::Truths => {
                format!("ndarray::Array1::from_iter({value}.into_iter().map(u8::from))")
            }
            ReturnForm::Struct(name) => {
                let fields = self.a_struct(name).map_or(&[][..], |it| &it.fields);
                let fields: Vec<_> = fields
                    .iter()
                    .map(|field| format!("{value}.{} as i64", field.name))
                    .collect();
                format!("ndarray::arr1(&[{}])", fields.join(", "))
            }
            _ => value.to_owned(),
        }
    }

    fn read_struct(&self, source: &mut String, it: &Struct) {
        let name = format!("{}::{}", it.home, it.item.ident);
        let _ = writeln!(
            source,
            "\nfn {}(call: &workers::Call) -> Result<{name}, wire::Fault> {{\n    Ok({name} {{",
            reader_of(&it.item.ident.to_string())
        );
        for field in &it.fields {
            let fixed = it.fixed.iter().find(|(fixed, _)| field.name == fixed);
            let value = match (fixed, &field.kind) {
                (Some((_, variant)), Kind::Enum(of)) => {
                    let home = self.an_enum(of).map_or(&self.name, |it| &it.home);
                    format!("{home}::{of}::{}", variant.to_token_stream())
                }
                (Some((_, value)), _) => value.to_token_stream().to_string(),
                (None, kind) => reading(kind, &field.name.to_string()),
            };
            let _ = writeln!(source, "        {}: {value},", field.name);
        }
        source.push_str("    })\n}\n");
    }

    /// The operation that gives a preset of a struct by its name.
    fn presets(&self, source: &mut String, it: &Struct) {
        let Some(presets) = &it.presets else { return };
        let name = format!("{}::{}", it.home, it.item.ident);
        let _ = writeln!(
            source,
            "\nfn {}(call: &workers::Call) -> workers::CallResult {{\n    let known = [",
            function_of(&presets.operation)
        );
        for (i, preset) in presets.names.iter().enumerate() {
            let typed = if i == 0 {
                format!(" as fn() -> {name}")
            } else {
                String::new()
            };
            let _ = writeln!(source, "        (\"{preset}\", {name}::{preset}{typed}),");
        }
        source.push_str("    ];\n    let given = call.choice(\"name\", &known)?();\n");
        let (mut sizes, mut choices, mut others) = (vec![], vec![], vec![]);
        for field in &it.fields {
            let place = format!("given.{}", field.name);
            match &field.kind {
                Kind::Enum(of) => {
                    let variants = self.an_enum(of).map_or(&[][..], |it| &it.variants);
                    let home = self.an_enum(of).map_or(&self.name, |it| &it.home);
                    let arms = variants.iter().enumerate();
                    let arms: Vec<_> = arms
                        .map(|(i, it)| format!("{home}::{of}::{} => {i}_i64", it.name))
                        .collect();
                    choices.push(format!("match {place} {{ {} }}", arms.join(", ")));
                }
                Kind::Scalar(number) if number == "f64" => {
                    others.push(format!(
                        "(\"{}\", (&ndarray::arr0({place})).into())",
                        field.name
                    ));
                }
                Kind::List => others.push(format!(
                    "(\"{}\", (&ndarray::arr1(&{place})).into())",
                    field.name
                )),
                _ => sizes.push(format!("{place} as i64")),
            }
        }
        let sizes = format!(
            "(\"{SIZES}\", (&ndarray::arr1(&[{}])).into())",
            sizes.join(", ")
        );
        let choices = format!(
            "(\"{CHOICES}\", (&ndarray::arr1::<i64>(&[{}])).into())",
            choices.join(", ")
        );
        let all: Vec<_> = [sizes].into_iter().chain(others).chain([choices]).collect();
        let _ = writeln!(
            source,
            "    workers::gives_all(vec![\n        {},\n    ])\n}}",
            all.join(",\n        ")
        );
    }
}

fn read_enum(source: &mut String, it: &Enum) {
    let name = format!("{}::{}", it.home, it.item.ident);
    let words = it.variants.iter().enumerate();
    let words: Vec<_> = words
        .map(|(i, it)| format!("({:?}, {i})", it.word))
        .collect();
    let _ = writeln!(
        source,
        "\nfn {}(call: &workers::Call, name: &str) -> Result<{name}, wire::Fault> {{\n    Ok(match call.choice(name, &[{}])? {{",
        reader_of(&it.item.ident.to_string()),
        words.join(", ")
    );
    for (i, variant) in it.variants.iter().enumerate() {
        let number = match i + 1 == it.variants.len() {
            true => "_".to_owned(),
            false => i.to_string(),
        };
        let fields = variant.fields.iter().map(|field| {
            let value = reading(&field.kind, &field.name.to_string());
            format!("{}: {value}", field.name)
        });
        let fields: Vec<_> = fields.collect();
        let _ = writeln!(
            source,
            "        {number} => {name}::{} {{ {} }},",
            variant.name,
            fields.join(", ")
        );
    }
    source.push_str("    })\n}\n");
}

/// The whole numbers of a preset, in the order of its fields.
pub(crate) const SIZES: &str = "sizes";
/// The enums of a preset, by the numbers of their variants.
pub(crate) const CHOICES: &str = "choices";

/// The function that answers an operation.
fn function_of(operation: &str) -> String {
    operation.replace('.', "_")
}

/// The function that reads a struct or an enum of a call.
fn reader_of(name: &str) -> String {
    let mut reader = "read".to_owned();
    for letter in name.chars() {
        if letter.is_uppercase() {
            reader.push('_');
        }
        reader.extend(letter.to_lowercase());
    }
    reader
}

/// The names of the tensors among parameters that libtorch calculates gradients for.
fn inputs_of<'a>(
    parameters: impl Iterator<Item = &'a Parameter>,
    is_of_tensors: bool,
) -> Vec<String> {
    let inputs = parameters.filter(|it| is_of_tensors && it.is_differentiable());
    inputs.map(|it| it.sent.clone()).collect()
}

/// The names of all tensors among parameters.
fn tensors_of<'a>(parameters: impl Iterator<Item = &'a Parameter>) -> Vec<String> {
    let tensors = parameters.filter(|it| it.kind.is_tensor());
    tensors.map(|it| it.sent.clone()).collect()
}

/// The closure's parameter.
fn parameter_of(inputs: &[String]) -> &'static str {
    if inputs.is_empty() { "_" } else { "inputs_" }
}

/// Takes all parameters but the inputs out of the call.
fn read(source: &mut String, depth: usize, parameters: &[Parameter], inputs: &[String]) {
    for parameter in parameters.iter().filter(|it| !inputs.contains(&it.sent)) {
        let _ = writeln!(
            source,
            "{}let {} = {};",
            "    ".repeat(depth),
            parameter.name,
            reading(&parameter.kind, &parameter.sent)
        );
    }
}

/// The expression that reads a value of that kind.
fn reading(kind: &Kind, name: &str) -> String {
    match kind {
        Kind::Array { element, axes } => {
            format!("call.array::<{element}, ndarray::Ix{axes}>({name:?})?")
        }
        Kind::Arrays { element, axes } => {
            let start = name.trim_end_matches('*');
            format!("call.arrays::<{element}, ndarray::Ix{axes}>({start:?})?")
        }
        Kind::Tensor => format!("call.tensor({name:?})?"),
        Kind::OptionalTensor => format!("call.optional_tensor({name:?})?"),
        Kind::Integers => format!("call.array::<i64, ndarray::Ix1>({name:?})?.to_vec()"),
        Kind::Scalar(number) => format!("call.argument::<{number}>({name:?})?"),
        Kind::Size(number) => format!("call.size::<{number}>({name:?})?"),
        Kind::List => format!("call.list({name:?})?"),
        Kind::Enum(of) => format!("{}(call, {name:?})?", reader_of(of)),
        Kind::Struct { name, .. } => format!("{}(call)?", reader_of(name)),
    }
}

/// The parameters as arguments of a call of the function.
fn arguments(parameters: &[Parameter], inputs: &[String]) -> String {
    let arguments: Vec<_> = parameters.iter().map(|it| argument(it, inputs)).collect();
    arguments.join(", ")
}

fn argument(parameter: &Parameter, inputs: &[String]) -> String {
    let name = &parameter.name;
    if let Some(i) = inputs.iter().position(|input| *input == parameter.sent) {
        return format!("&inputs_[{i}]");
    }
    match &parameter.kind {
        Kind::Array { .. } => format!("{name}.view()"),
        Kind::Arrays { .. } | Kind::Tensor | Kind::Integers => format!("&{name}"),
        Kind::OptionalTensor => format!("{name}.as_ref()"),
        Kind::Struct { is_lent: true, .. } => format!("&{name}"),
        _ => name.to_string(),
    }
}

/// The places of all results.
fn all_of(function: &Function) -> Vec<usize> {
    (0..function.gives.len()).collect()
}

fn without_stack(method: &Function) -> Function {
    Function {
        stacked: None,
        ..method.clone()
    }
}

/// The beginning of the names of a list's tensors, where a function gives one.
fn list_of(function: &Function) -> Option<&str> {
    match (&function.returned, &function.gives[..]) {
        (ReturnForm::Tensors, [(name, _)]) => Some(name.trim_end_matches("<l>")),
        _ => None,
    }
}

/// Names for the results of a call that gives tensors: those of the wanted places.
fn results(source: &mut String, function: &Function, called: &str, wanted: &[usize]) {
    let parts = function.returned.parts();
    if let Some(start) = list_of(function) {
        let _ = writeln!(source, "        workers::numbered({start:?}, {called})");
        return;
    }
    let is_wanted = |i: &usize| wanted.contains(i) || function.stacked.is_some();
    let names: Vec<_> = (0..parts.len())
        .map(|i| {
            if is_wanted(&i) {
                format!("result_{i}")
            } else {
                "_".to_owned()
            }
        })
        .collect();
    let pattern = match &names[..] {
        [one] => one.clone(),
        several => format!("({})", several.join(", ")),
    };
    let _ = writeln!(source, "        let {pattern} = {called};");
    let mut given = vec![];
    if let Some(stack) = &function.stacked {
        let lent: Vec<_> = names.iter().map(|it| format!("&{it}")).collect();
        given.push(format!(
            "({stack:?}.to_owned(), workers::stacked(&[{}]))",
            lent.join(", ")
        ));
    }
    for &i in wanted {
        given.push(format!(
            "({:?}.to_owned(), result_{i})",
            function.gives[i].0
        ));
    }
    let _ = writeln!(source, "        vec![{}]", given.join(", "));
}
