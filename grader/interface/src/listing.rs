//! The list of an exercise's operations for readers: `cargo grader call --list`.

use crate::model::{Function, Interface, Kind, Module, Parameter, Part};
use indexmap::IndexMap;

/// An operation: what it takes and gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operation {
    /// In one line.
    pub about: String,
    /// The tensors it takes, by name, and their shapes.
    pub tensors: IndexMap<String, String>,
    /// True if it takes the variables of a module by their names as well.
    pub weights: bool,
    /// The scalars it takes, by name, and what they mean.
    pub arguments: IndexMap<String, String>,
    /// The tensors it gives.
    pub gives: IndexMap<String, String>,
    /// True if it takes a `cotangent` and gives gradients for it.
    pub gradients: bool,
}

impl Interface {
    /// The operations that a reader is told of, in the order of the description.
    pub fn operations(&self) -> IndexMap<String, Operation> {
        let listed = self.parts.iter().filter_map(|part| match part {
            Part::Function(it) if it.is_listed => {
                Some((it.operation.clone(), self.of_function(it)))
            }
            Part::Module(it) if it.is_listed => Some((it.operation.clone(), self.of_module(it))),
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
                let (name, shape) = (&parameter.sent, &parameter.about);
                operation.tensors.insert(name.clone(), shape.clone());
            } else {
                self.add_argument(
                    operation,
                    &parameter.sent,
                    &parameter.about,
                    &parameter.kind,
                );
            }
        }
    }

    /// An argument, and those of the fields that come with it.
    fn add_argument(&self, operation: &mut Operation, name: &str, about: &str, kind: &Kind) {
        let (fields, fixed) = match kind {
            Kind::Struct { name, .. } => {
                let of = self.a_struct(name);
                let fixed = of.map_or(&[][..], |it| &it.fixed);
                (of.map_or(vec![], |it| it.fields.iter().collect()), fixed)
            }
            Kind::Enum(enumeration) => {
                operation
                    .arguments
                    .insert(name.to_owned(), about.to_owned());
                let variants = self.an_enum(enumeration).map_or(&[][..], |it| &it.variants);
                let fields = variants.iter().flat_map(|it| &it.fields).collect();
                (fields, &[][..])
            }
            _ => {
                operation
                    .arguments
                    .insert(name.to_owned(), about.to_owned());
                return;
            }
        };
        for field in fields {
            let name = field.name.to_string();
            if !fixed.iter().any(|(it, _)| *it == name) {
                self.add_argument(operation, &name, &field.about, &field.kind);
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
