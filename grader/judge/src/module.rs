//! A stand-in for a module with variables.

use crate::worker::interrupt;
use crate::{Answered, Call, Exercise};
use tch::nn::{Init, Path};
use tch::{Tensor, no_grad};

/// A module in the worker, which is built anew for each call around the weights that are sent.
#[derive(Debug)]
pub struct Module {
    exercise: &'static Exercise,
    operation: &'static str,
    arguments: Vec<(&'static str, String)>,
    variables: Vec<(String, Tensor)>,
}

impl Module {
    /// Has the worker build the module, and registers variables of the same names, shapes and values in `vs`.
    pub fn new(
        vs: &Path<'_>,
        exercise: &'static Exercise,
        operation: &'static str,
        arguments: &[(&'static str, impl ToString)],
    ) -> Self {
        let mut module = Self {
            exercise,
            operation,
            arguments: arguments
                .iter()
                .map(|(name, value)| (*name, value.to_string()))
                .collect(),
            variables: vec![],
        };
        let initial = module.call("new").send().into_tensors();
        for (name, raw) in initial {
            let value = Tensor::from(&raw);
            let mut place = vs.set_group(0);
            let (path, last) = name.rsplit_once('.').unwrap_or(("", &name));
            for part in path.split('.').filter(|part| !part.is_empty()) {
                place = place / part;
            }
            let mut variable = place.var(last, &value.size(), Init::Const(0.0));
            no_grad(|| variable.copy_(&value));
            module.variables.push((name, variable));
        }
        module
    }

    /// A call of one of the module's functions: of the operation itself where `function` is empty.
    pub fn call(&self, function: &str) -> Call {
        let name = match function {
            "" => self.operation.to_owned(),
            _ => format!("{}.{function}", self.operation),
        };
        self.call_of(&name)
    }

    /// A call of a function that takes the module.
    pub fn call_of(&self, operation: &str) -> Call {
        let call = self.arguments.iter().fold(
            Call::new(self.exercise, operation),
            |call, (name, value)| call.argument(name, value),
        );
        self.variables
            .iter()
            .fold(call, |call, (name, variable)| call.tensor(name, variable))
    }

    /// The variables, by name.
    pub fn variables(&self) -> &[(String, Tensor)] {
        &self.variables
    }

    /// Takes the variables' new values out of an answer.
    ///
    /// # Panics
    /// Where one is missing or of another shape: a forged answer.
    pub fn update(&self, answer: &mut Answered) {
        for (name, variable) in &self.variables {
            let value = answer.tensor(name);
            if value.size() != variable.size() || value.kind() != variable.kind() {
                interrupt(&format!(
                    "the answer is forged: {name} is {:?} {:?}, and was {:?} {:?}",
                    value.kind(),
                    value.size(),
                    variable.kind(),
                    variable.size()
                ));
            }
            no_grad(|| variable.shallow_clone().copy_(&value));
        }
    }
}
