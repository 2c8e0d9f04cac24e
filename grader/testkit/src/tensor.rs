//! Tensors and variables with the same values everywhere, made from their names.

use crate::values::stream;
use crate::{AsValues, Form, Values};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

impl AsValues for Tensor {
    fn form(&self) -> Form {
        let dtype = match self.kind() {
            Kind::Float => "f32".to_owned(),
            Kind::Double => "f64".to_owned(),
            Kind::Int64 => "i64".to_owned(),
            other => format!("{other:?}"),
        };
        let shape = self.size().iter().map(|&axis| axis as usize).collect();
        Form { dtype, shape }
    }

    fn values(&self) -> Values {
        let Form { dtype, shape } = self.form();
        let flat = self
            .detach()
            .to_device(Device::Cpu)
            .to_kind(Kind::Double)
            .contiguous()
            .view([-1]);
        let mut data = vec![0.0; flat.numel()];
        let count = data.len();
        flat.copy_data(&mut data, count);
        Values { dtype, shape, data }
    }
}

/// A tensor of values in [−1, 1), always the same for the same name, and the same as
/// [`uniform`](crate::uniform) gives.
pub fn uniform(name: &str, shape: &[i64], kind: Kind) -> Tensor {
    scaled(name, shape, 1.0, kind)
}

fn scaled(name: &str, shape: &[i64], scale: f64, kind: Kind) -> Tensor {
    let count = shape.iter().product::<i64>() as usize;
    let values: Vec<f64> = stream(name)
        .take(count)
        .map(|value| value * scale)
        .collect();
    Tensor::from_slice(&values).view(shape).to_kind(kind)
}

/// Gives every variable values from its own name: [`uniform`] · 1/√(size of its last axis), so that the
/// outputs of a layer are about as large as its inputs.
pub fn fill(vs: &VarStore) {
    let _guard = tch::no_grad_guard();
    for (name, mut variable) in variables(vs) {
        let shape = variable.size();
        let width = shape.last().copied().unwrap_or(1).max(1);
        variable.copy_(&scaled(
            &name,
            &shape,
            1.0 / (width as f64).sqrt(),
            variable.kind(),
        ));
    }
}

/// All variables and their names, in the order of the names. The tensors share their values with the store.
pub fn variables(vs: &VarStore) -> Vec<(String, Tensor)> {
    let mut variables: Vec<_> = vs.variables().into_iter().collect();
    variables.sort_by(|(a, _), (b, _)| a.cmp(b));
    variables
}

/// The values of a variable, which writing to the tensor changes.
///
/// # Panics
/// Panics if there is no variable of the name.
pub fn variable(vs: &VarStore, name: &str) -> Tensor {
    let variables = vs.variables();
    let variable = variables.get(name);
    let variable = variable.unwrap_or_else(|| panic!("there is no variable named {name}"));
    variable.detach()
}

/// Gives each variable one value, by its name.
pub fn set_all(vs: &VarStore, value: impl Fn(&str) -> f64) {
    let _guard = tch::no_grad_guard();
    for (name, mut variable) in variables(vs) {
        let _ = variable.fill_(value(&name));
    }
}

/// Changes every variable whose name contains `part`.
pub fn change(vs: &VarStore, part: &str, change: impl Fn(&Tensor) -> Tensor) {
    let _guard = tch::no_grad_guard();
    for (name, mut variable) in variables(vs) {
        if name.contains(part) {
            let changed = change(&variable);
            variable.copy_(&changed);
        }
    }
}

/// The elements of a mask, as true where they are not 0.
pub fn bits(mask: &Tensor) -> Vec<bool> {
    let values = AsValues::values(&mask.to_kind(Kind::Double)).data;
    values.iter().map(|&value| value != 0.0).collect()
}
