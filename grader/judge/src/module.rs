//! A stand-in for a module with variables.

use crate::ask::{dismiss, interrupt};
use crate::text::harmless;
use crate::{Answered, Call, Exercise};
use std::cell::Cell;
use std::collections::BTreeMap;
use tch::nn::{Init, Path};
use tch::{Tensor, no_grad};
use wire::{Dtype, RawTensor, Tensors};

/// Variables of a module. A ViT-Huge has about 400, and a frame that is sent later holds its inputs besides.
const MOST_VARIABLES: usize = 1024;
/// Bytes of a variable's name, and parts between its dots: each part is a path of its own in libtorch's store.
const MOST_OF_A_NAME: usize = 256;
const MOST_PARTS: usize = 32;

/// The reason why these tensors are not the variables of a module.
fn fault_of(variables: &Tensors) -> Option<String> {
    if variables.len() > MOST_VARIABLES {
        let count = variables.len();
        return Some(format!(
            "it has {count} variables, of at most {MOST_VARIABLES}"
        ));
    }
    let is_long =
        |name: &&String| name.len() > MOST_OF_A_NAME || name.split('.').count() > MOST_PARTS;
    if let Some(name) = variables.keys().find(is_long) {
        let begin: String = name.chars().take(40).collect();
        return Some(format!(
            "the variable {}… has {} bytes and {} parts, of at most {MOST_OF_A_NAME} and {MOST_PARTS}",
            harmless(&begin),
            name.len(),
            name.split('.').count()
        ));
    }
    let is_odd =
        |(_, tensor): &(&String, &RawTensor)| !matches!(tensor.dtype(), Dtype::F32 | Dtype::F64);
    let (name, tensor) = variables.iter().find(is_odd)?;
    Some(format!(
        "the variable {} is of type {}, and variables are f32 or f64",
        harmless(name),
        tensor.dtype()
    ))
}

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
        let operation = call.request.operation.clone();
        let initial = call.send().into_tensors();
        if let Some(fault) = fault_of(&initial) {
            dismiss();
            interrupt(&format!("the answer to {operation} is invalid: {fault}"));
        }
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
    /// Panics if one is missing or of another shape: an invalid response.
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

    /// Returns whether the worker has given the variables other values.
    pub fn is_trained(&self) -> bool {
        self.is_trained.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(names: impl Iterator<Item = String>) -> Option<String> {
        let empty = RawTensor::new(Dtype::F32, vec![0], vec![]).expect("an empty tensor");
        fault_of(&names.map(|name| (name, empty.clone())).collect())
    }

    #[test]
    fn variables_are_counted_and_their_names_measured() {
        assert_eq!(
            fault(["blocks.11.attn.qkv.weight".to_owned()].into_iter()),
            None
        );
        assert_eq!(fault((0..400).map(|i| i.to_string())), None);
        let many = fault((0..2000).map(|i| i.to_string())).expect("too many");
        assert!(many.contains("2000 variables, of at most 1024"), "{many}");
        let deep = fault(["a.".repeat(100) + "w"].into_iter()).expect("too deep");
        assert!(deep.contains("101 parts"), "{deep}");
        let long = fault(["w".repeat(1000)].into_iter()).expect("too long");
        assert!(long.contains("1000 bytes") && long.len() < 200, "{long}");
    }

    #[test]
    fn variables_are_floats() {
        let of = |dtype| {
            let tensor = RawTensor::new(dtype, vec![0], vec![]).expect("an empty tensor");
            fault_of(&[("x.weight".to_owned(), tensor)].into())
        };
        assert_eq!([Dtype::F32, Dtype::F64].map(of), [None, None]);
        for dtype in [Dtype::U8, Dtype::I64] {
            let said = of(dtype).expect("no variable");
            assert!(said.contains("x.weight is of type"), "{said}");
        }
    }
}
