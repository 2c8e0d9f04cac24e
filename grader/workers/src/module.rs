//! Operations on tensors of libtorch: modules rebuilt around the weights that came, and gradients.
//!
//! Generic functions here are thin, since they are compiled again for each worker of each submission; the functions
//! that they call are not generic.

use crate::{Call, CallResult};
use std::collections::BTreeSet;
use tch::nn::{Path, VarStore};
use tch::{Device, Kind, Tensor, no_grad};
use wire::words::GRADIENT;
use wire::{Fault, RawTensor, Tensors};

/// The cotangent's name.
const COTANGENT: &str = "cotangent";

/// Builds a module and gives its variables as it initialises them.
///
/// # Errors
/// Returns an error if `build` does.
pub fn initial_values<M>(build: impl FnOnce(&Path<'_>) -> Result<M, Fault>) -> CallResult {
    let vs = VarStore::new(Device::Cpu);
    build(&vs.root())?;
    sent(vs.variables())
}

/// Builds a module around the weights of the request, which are all its tensors but `inputs` and the cotangent.
///
/// # Errors
/// Returns an error if `build` does, or if a weight is missing, is none of the module's, or has another shape.
pub fn with_weights<M>(
    call: &Call,
    inputs: &[&str],
    build: impl FnOnce(&Path<'_>) -> Result<M, Fault>,
) -> Result<(VarStore, M), Fault> {
    let mut vs = VarStore::new(Device::Cpu);
    let module = build(&vs.root())?;
    take_weights(call, inputs, &mut vs)?;
    Ok((vs, module))
}

fn take_weights(call: &Call, inputs: &[&str], vs: &mut VarStore) -> Result<(), Fault> {
    let is_weight = |name: &&String| !inputs.contains(&name.as_str()) && *name != COTANGENT;
    let came: BTreeSet<_> = call.tensors().keys().filter(is_weight).cloned().collect();
    let wanted: BTreeSet<_> = vs.variables().into_keys().collect();
    if came != wanted {
        let lacking = listed(wanted.difference(&came)).map(|names| format!("it lacks {names}"));
        let surplus = listed(came.difference(&wanted));
        let surplus = surplus.map(|names| format!("the module has no variable {names}"));
        let differences: Vec<_> = lacking.into_iter().chain(surplus).collect();
        return Err(Fault::bad_request(format!(
            "the request's weights are not the module's variables: {}",
            differences.join("; ")
        )));
    }
    if came
        .iter()
        .any(|name| call.tensors()[name].dtype() == wire::Dtype::F64)
    {
        vs.double();
    }
    for (name, mut variable) in vs.variables() {
        let weight = call.tensor(&name)?;
        if weight.size() != variable.size() {
            return Err(Fault::wrong_shape(format!(
                "{name} is {:?} in the module, {:?} came",
                variable.size(),
                weight.size()
            )));
        }
        no_grad(|| variable.copy_(&weight));
    }
    Ok(())
}

/// The most names that are listed.
const LISTED: usize = 4;

/// Names, the first few of them; None where there are none.
fn listed<'a>(names: impl Iterator<Item = &'a String>) -> Option<String> {
    let names: Vec<_> = names.map(String::as_str).collect();
    let shown = names.len().min(LISTED);
    let more = match names.len() - shown {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (shown > 0).then(|| format!("{}{more}", names[..shown].join(", ")))
}

/// The results of an operation, with their names.
type Results = Vec<(String, Tensor)>;

/// A function from the inputs of an operation to its results.
type Function<'a> = Box<dyn FnOnce(&[Tensor]) -> Results + 'a>;

/// Runs `function` on `inputs`. It returns named results. If the request has a cotangent, it belongs to the first
/// result, and the answer holds the gradients of `inputs` and of the variables in `vs` too.
///
/// # Errors
/// Returns an error if a result is of a type that the wire does not support, or the cotangent does not have the first
/// result's shape.
pub fn differentiable(
    call: &Call,
    inputs: &[&str],
    vs: Option<&VarStore>,
    function: impl FnOnce(&[Tensor]) -> Vec<(String, Tensor)>,
) -> CallResult {
    with_gradients(call, inputs, vs, Box::new(function))
}

fn with_gradients(
    call: &Call,
    inputs: &[&str],
    vs: Option<&VarStore>,
    function: Function<'_>,
) -> CallResult {
    let mut inputs = inputs
        .iter()
        .map(|&name| Ok((name.to_owned(), call.tensor(name)?)))
        .collect::<Result<Vec<_>, Fault>>()?;
    let tensors = |inputs: &[(String, Tensor)]| -> Vec<Tensor> {
        inputs
            .iter()
            .map(|(_, tensor)| tensor.shallow_clone())
            .collect()
    };
    if !call.tensors().contains_key(COTANGENT) {
        // The guard, not `no_grad`: that one leaves gradients off after a panic.
        let _guard = tch::no_grad_guard();
        return all_sent(function(&tensors(&inputs)));
    }
    let cotangent = call.tensor(COTANGENT)?;
    for (_, input) in &mut inputs {
        *input = input.set_requires_grad(true);
    }
    let results = function(&tensors(&inputs));
    let Some((name, output)) = results.first() else {
        return all_sent(results);
    };
    if output.size() != cotangent.size() {
        return Err(Fault::wrong_shape(format!(
            "{name} is {:?}, the cotangent is {:?}",
            output.size(),
            cotangent.size()
        )));
    }
    assert!(
        output.requires_grad(),
        "{name} has no gradient: it is cut off from all of its inputs (detach, no_grad, or a copy through plain numbers)"
    );
    (output * cotangent).sum(Kind::Double).backward();
    inputs.extend(vs.map(VarStore::variables).unwrap_or_default());
    let gradients = inputs
        .iter()
        .map(|(name, input)| (format!("{GRADIENT}{name}"), input.grad()))
        .filter(|(_, gradient)| gradient.defined());
    let mut answer = all_sent(results)?;
    answer.extend(all_sent(gradients.collect())?);
    Ok(answer)
}

/// The tensors of a list, numbered from 0 behind the beginning of their names.
pub fn numbered(start: &str, tensors: Vec<Tensor>) -> Vec<(String, Tensor)> {
    let numbered = tensors.into_iter().enumerate();
    numbered
        .map(|(i, tensor)| (format!("{start}{i}"), tensor))
        .collect()
}

/// Tensors of one size as one, behind a new first axis: one cotangent belongs to all. Of several sizes the first, so that
/// whoever asked sees them.
///
/// # Panics
/// Panics if there are none.
pub fn stacked(tensors: &[&Tensor]) -> Tensor {
    let (first, others) = tensors.split_first().expect("there is a tensor to stack");
    if others.iter().all(|tensor| tensor.size() == first.size()) {
        Tensor::stack(tensors, 0)
    } else {
        first.shallow_clone()
    }
}

/// Converts tensors into an answer.
///
/// # Errors
/// Returns an error if a tensor is of a type that the wire does not support.
pub fn sent(tensors: impl IntoIterator<Item = (impl Into<String>, Tensor)>) -> CallResult {
    let tensors = tensors.into_iter();
    all_sent(
        tensors
            .map(|(name, tensor)| (name.into(), tensor))
            .collect(),
    )
}

fn all_sent(tensors: Results) -> CallResult {
    let tensors = tensors.into_iter();
    let sent = tensors.map(|(name, tensor)| match RawTensor::try_from(&tensor) {
        Ok(raw) => Ok((name, raw)),
        Err(error) => Err(Fault::wrong_shape(format!("{name} {error}"))),
    });
    sent.collect::<Result<Tensors, _>>()
}
