//! The list of an exercise's operations for readers: `cargo grader call --list`.

use crate::model::{DescribedItem, Field, Function, Interface, Kind, Module, Parameter};
use indexmap::IndexMap;
use std::collections::{BTreeMap, BTreeSet};

/// A scalar that an operation takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Argument {
    /// Its meaning, in a few words.
    pub about: String,
    /// The value in a call that does not name it; where there is none, a call names it.
    pub default: Option<String>,
    /// The argument and its words to which alone this belongs: `temperature` to `mode`, `soft`.
    pub only_with: Option<(String, Vec<String>)>,
}

impl Argument {
    /// Returns whether it means something in a call with these arguments.
    pub fn belongs_to(&self, arguments: &BTreeMap<String, String>) -> bool {
        let other_word = |(name, words): &(String, Vec<String>)| {
            let given = arguments.get(name);
            given.is_some_and(|given| !words.contains(given))
        };
        !self.only_with.as_ref().is_some_and(other_word)
    }
}

/// An operation: what it takes and gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operation {
    /// In one line.
    pub about: String,
    /// The tensors it takes, by name, and their shapes.
    pub tensors: IndexMap<String, String>,
    /// Those of them that a call may leave out.
    pub optional: BTreeSet<String>,
    /// True if it takes the variables of a module by their names as well.
    pub weights: bool,
    /// The scalars it takes, by name.
    pub arguments: IndexMap<String, Argument>,
    /// The tensors it gives.
    pub gives: IndexMap<String, String>,
    /// True if it takes a `cotangent` and gives gradients for it.
    pub gradients: bool,
}

impl Interface {
    /// The operations that a reader is told of, in the order of the description.
    pub fn operations(&self) -> IndexMap<String, Operation> {
        let listed = self.parts.iter().filter_map(|part| match part {
            DescribedItem::Function(it) if it.is_listed => {
                Some((it.operation.clone(), self.of_function(it)))
            }
            DescribedItem::Module(it) if it.is_listed => {
                Some((it.operation.clone(), self.of_module(it)))
            }
            _ => None,
        });
        listed.collect()
    }

    fn of_function(&self, function: &Function) -> Operation {
        let mut operation = Operation {
            about: function.about.clone(),
            gives: function.gives.iter().cloned().collect(),
            gradients: function.has_gradients(),
            ..Operation::default()
        };
        self.add(&mut operation, &function.parameters);
        if let Some(by_hand) = &function.by_hand {
            operation.tensors.extend(by_hand.takes.iter().cloned());
            let module = by_hand.module.as_ref();
            if let Some(module) = module.and_then(|name| self.a_module(name)) {
                operation.weights = true;
                self.add(&mut operation, &module.parameters);
            }
        }
        operation
    }

    fn of_module(&self, module: &Module) -> Operation {
        let mut operation = Operation {
            about: module.about.clone(),
            weights: true,
            ..Operation::default()
        };
        self.add(&mut operation, &module.parameters);
        for (method, results) in module.evaluation() {
            operation.gradients |= method.has_gradients();
            let asked = method.parameters.iter().filter(|it| !it.is_train());
            self.add(&mut operation, asked);
            let gives = results.into_iter().map(|i| method.gives[i].clone());
            operation.gives.extend(gives);
        }
        operation
    }

    fn add<'a>(
        &self,
        operation: &mut Operation,
        parameters: impl IntoIterator<Item = &'a Parameter>,
    ) {
        for parameter in parameters {
            if parameter.kind.is_tensor() {
                let (name, mut shape) = (&parameter.sent, parameter.about.clone());
                if parameter.kind == Kind::OptionalTensor {
                    operation.optional.insert(name.clone());
                    shape.push_str(", optional");
                }
                operation.tensors.insert(name.clone(), shape);
            } else {
                let argument = Argument {
                    about: parameter.about.clone(),
                    default: parameter.default.clone(),
                    only_with: None,
                };
                self.add_argument(operation, &parameter.sent, argument, &parameter.kind);
            }
        }
    }

    /// An argument, and those of the fields that come with it.
    fn add_argument(&self, operation: &mut Operation, name: &str, argument: Argument, kind: &Kind) {
        let of_field = |field: &Field, only_with: Option<(String, Vec<String>)>| Argument {
            about: field.about.clone(),
            default: field.default.clone(),
            only_with,
        };
        match kind {
            Kind::Struct { name, .. } => {
                let Some(of) = self.a_struct(name) else {
                    return;
                };
                let is_fixed = |field: &Field| of.fixed.iter().any(|(it, _)| field.name == it);
                for field in of.fields.iter().filter(|field| !is_fixed(field)) {
                    let argument = of_field(field, argument.only_with.clone());
                    self.add_argument(operation, &field.name.to_string(), argument, &field.kind);
                }
            }
            Kind::Enum(enumeration) => {
                operation.arguments.insert(name.to_owned(), argument);
                let variants = self.an_enum(enumeration).map_or(&[][..], |it| &it.variants);
                for variant in variants {
                    for field in &variant.fields {
                        let field_name = field.name.to_string();
                        // A field of several variants is one argument.
                        let before = operation.arguments.get(&field_name);
                        let before = before.and_then(|it| it.only_with.clone());
                        let mut words = before.map_or(vec![], |(_, words)| words);
                        words.push(variant.word.clone());
                        let argument = of_field(field, Some((name.to_owned(), words)));
                        self.add_argument(operation, &field_name, argument, &field.kind);
                    }
                }
            }
            _ => {
                operation.arguments.insert(name.to_owned(), argument);
            }
        }
    }
}

impl Module {
    /// The methods that the module's own operation asks in evaluation, and which of their results it gives: each that no
    /// method before has.
    pub(crate) fn evaluation(&self) -> Vec<(&Function, Vec<usize>)> {
        let mut known = vec![];
        let mut asked = vec![];
        let methods = self.methods.iter();
        for method in methods.filter(|it| it.returned.is_of_tensors()) {
            let mut new = vec![];
            for (i, (name, _)) in method.gives.iter().enumerate() {
                if !known.contains(name) {
                    known.push(name.clone());
                    new.push(i);
                }
            }
            if !new.is_empty() {
                asked.push((method, new));
            }
        }
        asked
    }
}
