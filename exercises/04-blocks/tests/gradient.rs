//! Gradients: against PyTorch's, against finite differences, and that training reaches all there is to train.

use blocks::{Block, layer_norm, rms_norm};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor, no_grad};
use testkit::gradient::{assert_matches_finite_differences, assert_reaches_every, vjp};
use testkit::snapshot::Stored;
use testkit::{Tolerance, snapshot, stored, tensor};

/// Both sides are f64 with sums of at most 24 terms about as large as 1, so 1e-14 off; the norms of a block divide by
/// standard deviations of about 1.
const F64: Tolerance = Tolerance::new(1e-10, 1e-12);

/// The stored gradients, of x and of each variable.
const GRADIENTS: [Stored; 13] = [
    stored!("gradient_x"),
    stored!("gradient_attn_proj_bias"),
    stored!("gradient_attn_proj_weight"),
    stored!("gradient_attn_qkv_bias"),
    stored!("gradient_attn_qkv_weight"),
    stored!("gradient_mlp_fc1_bias"),
    stored!("gradient_mlp_fc1_weight"),
    stored!("gradient_mlp_fc2_bias"),
    stored!("gradient_mlp_fc2_weight"),
    stored!("gradient_norm1_bias"),
    stored!("gradient_norm1_weight"),
    stored!("gradient_norm2_bias"),
    stored!("gradient_norm2_weight"),
];

/// The gradients of x and of all twelve variables are those that PyTorch computes for timm's `Block`.
/// Look at: the snapshot tests first. If they pass, something between x and the output is cut off from the
/// gradient, in part or whole.
#[test]
fn blocks_gradients_match_timms() {
    let (_vs, block, inputs) = double_block();
    let cotangent = tensor::uniform("cotangent", &[2, 4, 6], Kind::Double);
    let forward = || block.forward_t(&inputs[0].1, true);
    let vjp = vjp(forward, &inputs, &cotangent);
    for (name, _) in &inputs {
        let gradient = vjp.gradients.get(name);
        let gradient = gradient.unwrap_or_else(|| panic!("no gradient reaches {name}"));
        let stored = Stored::find(&GRADIENTS, &format!("gradient_{}", name.replace('.', "_")));
        snapshot!(stored, gradient, F64);
    }
}

/// The gradients of both norms are the slopes of their outputs, for x, gamma and beta. Mean and variance depend on x
/// too, and the gradient goes through them.
/// Look at: `detach`, `no_grad`, and copies through plain numbers: they cut the gradient off.
#[test]
fn norms_gradients_match_finite_differences() {
    let inputs = ["x", "gamma", "beta"].map(|name| {
        let shape: &[i64] = if name == "x" { &[2, 3, 5] } else { &[5] };
        let tensor = tensor::uniform(name, shape, Kind::Double);
        (name.to_owned(), tensor.set_requires_grad(true))
    });
    let [x, gamma, beta] = inputs.each_ref().map(|(_, tensor)| tensor);
    assert_matches_finite_differences(|| layer_norm(x, gamma, beta, 1e-2), &inputs);
    assert_matches_finite_differences(|| rms_norm(x, gamma, 1e-2), &inputs[..2]);
}

/// A gradient reaches x and each of a block's twelve variables.
/// Look at: whether both norms, both branches and both maps of the MLP are used.
#[test]
fn training_reaches_every_variable() {
    let (_vs, block, inputs) = double_block();
    assert_reaches_every(|| block.forward_t(&inputs[0].1, true), &inputs);
}

/// A block with an MLP of 2·D hidden columns; x and all variables in f64, with weights that do not depend on random
/// draws. The norms' are about 1.
fn double_block() -> (VarStore, Block, Vec<(String, Tensor)>) {
    let mut vs = VarStore::new(Device::Cpu);
    let block = Block::new(&vs.root(), 6, 3, 2);
    vs.double();
    tensor::fill(&vs);
    let x = tensor::uniform("x", &[2, 4, 6], Kind::Double) * 4.;
    let mut inputs = vec![("x".to_owned(), x.set_requires_grad(true))];
    for (name, mut variable) in tensor::variables(&vs) {
        if name.starts_with("norm") && name.ends_with("weight") {
            let _ = no_grad(|| variable.g_add_scalar_(1.0));
        }
        inputs.push((name, variable));
    }
    (vs, block, inputs)
}
