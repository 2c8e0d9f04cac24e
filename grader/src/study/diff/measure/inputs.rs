//! The input of an operation, of the sizes that the exercise's manifest gives.

use crate::course::{Exercise, Input};
use std::collections::BTreeMap;
use wire::words::NEW;
use wire::{Dtype, Mixer, RawTensor, Tensors};

/// The input of an operation.
pub(super) struct BenchmarkInput {
    /// Its shapes and arguments in words.
    pub(super) about: String,
    pub(super) arguments: BTreeMap<String, String>,
    pub(super) tensors: Tensors,
    /// The operation that gives the weights that it takes besides.
    pub(super) weights: Option<String>,
}

/// The input of an operation, if the manifest has one for it, or for the module that it is a method of.
pub(super) fn of(exercise: &Exercise, operation: &str) -> Option<BenchmarkInput> {
    let module = operation.split('.').next().unwrap_or(operation);
    let sizes = &exercise.facts.sizes;
    let sizes = sizes.get(operation).or_else(|| sizes.get(module))?;
    let listed = exercise.operations.get(operation);
    let listed = listed.or_else(|| exercise.operations.get(module));
    let constructs = operation.ends_with(NEW);
    let mut arguments = BTreeMap::new();
    for (name, argument) in listed.into_iter().flat_map(|it| &it.arguments) {
        arguments.extend(argument.default.clone().map(|value| (name.clone(), value)));
    }
    let mut tensors = Tensors::new();
    let mut about = vec![];
    let mut mixer = Mixer::new(operation);
    for (name, input) in sizes {
        if let Input::Argument(value) = input {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            about.push(format!("{name} = {text}"));
            arguments.insert(name.clone(), text);
            continue;
        }
        // A module is constructed without input.
        if constructs {
            continue;
        }
        match input {
            Input::Shape(shape) => {
                about.push(format!("{name} {shape:?}"));
                tensors.insert(name.clone(), uniform(shape, &mut mixer)?);
            }
            Input::Labels { shape, below } => {
                about.push(format!("{name} {shape:?}"));
                let count = shape.iter().product();
                let label = |_| i64::try_from(mixer.bits() >> 1).unwrap_or(0) % (*below).max(1);
                let labels: Vec<_> = (0..count).map(label).collect();
                tensors.insert(name.clone(), integers(shape, &labels)?);
            }
            Input::Several { count, shape } => {
                about.push(format!("{count} × {name} {shape:?}"));
                let start = name.trim_end_matches('*');
                for i in 0..*count {
                    tensors.insert(format!("{start}{i}"), uniform(shape, &mut mixer)?);
                }
            }
            Input::Values { values } => {
                about.push(format!("{name} = {values:?}"));
                tensors.insert(name.clone(), integers(&[values.len()], values)?);
            }
            Input::Argument(_) => {}
        }
    }
    let takes_weights = listed.is_some_and(|it| it.weights) && !constructs;
    Some(BenchmarkInput {
        about: about.join(", "),
        arguments,
        tensors,
        weights: takes_weights.then(|| format!("{module}{NEW}")),
    })
}

/// Numbers of 0 to 1: sums of them are not 0, and no root of them is imaginary.
fn uniform(shape: &[usize], mixer: &mut Mixer) -> Option<RawTensor> {
    let count: usize = shape.iter().product();
    let values = (0..count).map(|_| mixer.uniform().abs() as f32);
    let bytes: Vec<u8> = values.flat_map(f32::to_le_bytes).collect();
    RawTensor::new(Dtype::F32, shape.to_vec(), bytes).ok()
}

fn integers(shape: &[usize], values: &[i64]) -> Option<RawTensor> {
    let bytes: Vec<u8> = values.iter().flat_map(|it| it.to_le_bytes()).collect();
    RawTensor::new(Dtype::I64, shape.to_vec(), bytes).ok()
}
