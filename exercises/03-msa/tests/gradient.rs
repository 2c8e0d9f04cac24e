//! Gradients: against PyTorch's, against finite differences, and that training reaches all there is to train.

use msa::{HeadwiseMsa, Msa};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};
use testkit::gradient::{assert_matches_finite_differences, assert_reaches_every, vjp};
use testkit::snapshot::Stored;
use testkit::{Tolerance, assert_close, snapshot, stored, tensor};

/// Both sides are f64 with sums of at most 24 terms about as large as 1, so 1e-14 off. What a gradient of exactly 0
/// (the key bias's) comes to is some 1e-16.
const F64: Tolerance = Tolerance::new(1e-10, 1e-12);

/// The stored gradients, of x and of each variable.
const GRADIENTS: [Stored; 5] = [
    stored!("gradient_x"),
    stored!("gradient_proj_bias"),
    stored!("gradient_proj_weight"),
    stored!("gradient_qkv_bias"),
    stored!("gradient_qkv_weight"),
];

/// The gradients of x and of all variables are those that PyTorch computes for timm's `Attention`.
/// Look at: the snapshot tests first. If they pass, something between x and the output is cut off from the
/// gradient, in part or whole.
#[test]
fn msas_gradients_match_timms() {
    let (_vs, msa, inputs) = double_msa();
    let cotangent = tensor::uniform("cotangent", &[2, 4, 6], Kind::Double);
    let vjp = vjp(|| msa.forward(&inputs[0].1), &inputs, &cotangent);
    for (name, _) in &inputs {
        let gradient = vjp.gradients.get(name);
        let gradient = gradient.unwrap_or_else(|| panic!("no gradient reaches {name}"));
        let stored = Stored::find(&GRADIENTS, &format!("gradient_{}", name.replace('.', "_")));
        snapshot!(stored, gradient, F64);
    }
}

/// `HeadwiseMsa`'s gradients are the slopes of its output, for x and for each of its maps.
/// Look at: `detach`, `no_grad`, and copies through `Vec<f32>`: they cut the gradient off.
#[test]
fn headwise_gradients_match_finite_differences() {
    let mut vs = VarStore::new(Device::Cpu);
    let msa = HeadwiseMsa::new(&vs.root(), 6, 3);
    let inputs = inputs(&mut vs);
    assert_matches_finite_differences(|| msa.forward(&inputs[0].1), &inputs);
}

/// A gradient reaches x and every variable of `Msa`, and each third of `qkv`; but for the key's third of the bias,
/// which adds the same to all logits of a query, so that softmax does not see it.
/// Look at: which thirds of `qkv` are used, and that `proj` is.
#[test]
fn training_reaches_everything_but_the_key_bias() {
    let (_vs, msa, inputs) = double_msa();
    assert_reaches_every(|| msa.forward(&inputs[0].1), &inputs);

    let cotangent = tensor::uniform("cotangent", &[2, 4, 6], Kind::Double);
    let gradients = vjp(|| msa.forward(&inputs[0].1), &inputs, &cotangent).gradients;
    for (third, name) in ["query", "key", "value"].into_iter().enumerate() {
        for variable in ["qkv.weight", "qkv.bias"] {
            let gradient = gradients[variable].narrow(0, 6 * third as i64, 6);
            if (name, variable) == ("key", "qkv.bias") {
                assert_close!(&gradient, &gradient.zeros_like(), F64);
            } else {
                // Zero but for roundings is zero; the others are about as large as 1 here.
                let largest = gradient.abs().max().double_value(&[]);
                assert!(
                    largest > 1e-6,
                    "no gradient reaches the {name}'s third of {variable}"
                );
            }
        }
    }
}

fn double_msa() -> (VarStore, Msa, Vec<(String, Tensor)>) {
    let mut vs = VarStore::new(Device::Cpu);
    let msa = Msa::new(&vs.root(), 6, 3);
    let inputs = inputs(&mut vs);
    (vs, msa, inputs)
}

/// x, and all variables, in f64 and with weights that do not depend on random draws.
fn inputs(vs: &mut VarStore) -> Vec<(String, Tensor)> {
    vs.double();
    tensor::fill(vs);
    let x = tensor::uniform("x", &[2, 4, 6], Kind::Double) * 4.;
    let mut inputs = vec![("x".to_owned(), x.set_requires_grad(true))];
    inputs.extend(tensor::variables(vs));
    inputs
}
