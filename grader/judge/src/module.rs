//! A stand-in for a module with variables.

use crate::worker::interrupt;
use crate::{Answered, Call, Exercise};
use std::cell::Cell;
use std::collections::BTreeMap;
use tch::nn::{Init, Path};
use tch::{Tensor, no_grad};

/// A module in the worker, which is built anew for each call around the weights that are sent.
#[derive(Debug)]
pub struct Module {
    exercise: &'static Exercise,
    arguments: BTreeMap<String, String>,
    variables: Vec<(String, Tensor)>,
    is_trained: Cell<bool>,
}

impl Module {
    /// Has the worker build the module by this call, and registers variables of the same names, shapes and values in `vs`.
    /// The call's arguments are the module's.
    pub fn new(vs: &Path<'_>, call: Call) -> Self {
        let mut module = Self {
            exercise: call.exercise,
            arguments: call.request.arguments.clone(),
            variables: vec![],
            is_trained: Cell::new(false),
        };
        let initial = call.send().into_tensors();
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

    /// A call of an operation that takes the module.
    pub fn call(&self, operation: &str) -> Call {
        let arguments = self.arguments.iter();
        let call = arguments.fold(
            Call::new(self.exercise, operation),
            |call, (name, value)| call.argument(name, value),
        );
        self.variables
            .iter()
            .fold(call, |call, (name, variable)| call.tensor(name, variable))
    }

    /// Takes the variables' new values out of an answer: from here on, the module is trained.
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
        self.is_trained.set(true);
    }

    /// Whether the worker has given the variables other values.
    pub fn is_trained(&self) -> bool {
        self.is_trained.get()
    }
}
