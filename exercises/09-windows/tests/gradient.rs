//! Gradients: against timm's, against numbers that can be counted, and that training reaches all there is to train.

use tch::nn::VarStore;
use tch::{Device, Kind, Tensor, no_grad};
use testkit::gradient::{assert_matches_finite_differences, assert_reaches_every, vjp};
use testkit::snapshot::Stored;
use testkit::{Tolerance, assert_close, snapshot, stored, tensor};
use windows::{PatchMerging, Swin, SwinBlock, SwinConfig, relative_bias};

/// Both sides are f64 with sums of at most 96 terms about as large as 1, so 1e-14 off; the norms divide by standard
/// deviations of about 1.
const F64: Tolerance = Tolerance::new(1e-10, 1e-12);

/// The stored gradients, of x and of the variables of the first norm and of attention.
const GRADIENTS: [Stored; 8] = [
    stored!("gradient_x"),
    stored!("gradient_attn_proj_bias"),
    stored!("gradient_attn_proj_weight"),
    stored!("gradient_attn_qkv_bias"),
    stored!("gradient_attn_qkv_weight"),
    stored!("gradient_attn_relative_position_bias_table"),
    stored!("gradient_norm1_bias"),
    stored!("gradient_norm1_weight"),
];

/// The gradients of x, of the table, and of all else that attention is made of are those that PyTorch computes for
/// timm's `SwinTransformerBlock`, shifted along both axes.
/// Look at: the snapshot tests first. If they pass, something between x and the output is cut off from the gradient.
#[test]
fn a_blocks_gradients_match_timms() {
    let (_vs, block, inputs) = double_block((1, 2));
    let cotangent = tensor::uniform("cotangent", &[2, 4, 6, 6], Kind::Double);
    let gradients = vjp(|| block.forward(&inputs[0].1), &inputs, &cotangent).gradients;
    for (name, _) in inputs.iter().filter(|(name, _)| is_stored(name)) {
        let gradient = gradients.get(name);
        let gradient = gradient.unwrap_or_else(|| panic!("no gradient reaches {name}"));
        let stored = Stored::find(&GRADIENTS, &format!("gradient_{}", name.replace('.', "_")));
        snapshot!(stored, gradient, F64);
    }
}

fn is_stored(name: &str) -> bool {
    name == "x" || name.starts_with("attn") || name.starts_with("norm1")
}

/// A gradient reaches x, every variable, and every entry of the table, for each head: each relative position occurs in
/// a window.
/// Look at: whether all pairs of tokens take their number from the table, and none a copy of it.
#[test]
fn training_reaches_every_variable_and_every_entry_of_the_table() {
    for shift in [(0, 0), (1, 2)] {
        let (_vs, block, inputs) = double_block(shift);
        assert_reaches_every(|| block.forward(&inputs[0].1), &inputs);
        let cotangent = tensor::uniform("cotangent", &[2, 4, 6, 6], Kind::Double);
        let gradients = vjp(|| block.forward(&inputs[0].1), &inputs, &cotangent).gradients;
        let of_table = gradients["attn.relative_position_bias_table"].abs();
        // Zero but for roundings is zero; most are about as large as 1 here.
        let smallest = of_table.min().double_value(&[]);
        assert!(
            smallest > 1e-8,
            "with a shift of {shift:?}, an entry of the table has a gradient of {smallest:.1e}"
        );
    }
}

/// If every pair counts for 1, the gradient of an entry of the table is the number of pairs that take it: (Wh − |rows
/// apart|) · (Ww − |columns apart|).
/// Look at: the index; each relative position is one row of the table, in the order of the formula.
#[test]
fn the_tables_gradient_counts_pairs() {
    let table = tensor::uniform("table", &[15, 2], Kind::Double).set_requires_grad(true);
    let inputs = [("table".to_owned(), table.shallow_clone())];
    let ones = Tensor::ones([2, 6, 6], (Kind::Double, Device::Cpu));
    let vjp = vjp(|| relative_bias(&table, (2, 3), 0), &inputs, &ones);
    let counts: [f64; 15] = [
        1., 2., 3., 2., 1., // the key one row below the query
        2., 4., 6., 4., 2., // in the same row
        1., 2., 3., 2., 1., // one row above
    ];
    let expected = Tensor::from_slice(&counts)
        .unsqueeze(1)
        .expand([15, 2], false);
    assert_close!(&vjp.gradients["table"], &expected, F64);
}

/// The gradients of `PatchMerging` are the slopes of its output.
/// Look at: `detach`, `no_grad`, and copies through plain numbers: they cut the gradient off.
#[test]
fn the_gradients_of_merging_match_finite_differences() {
    let mut vs = VarStore::new(Device::Cpu);
    let merging = PatchMerging::new(&vs.root(), 3);
    let inputs = inputs(&mut vs, &[2, 4, 2, 3]);
    assert_matches_finite_differences(|| merging.forward(&inputs[0].1), &inputs);
}

/// A gradient reaches the images and every variable of a Swin, in each stage.
/// Look at: whether each part is used, and none cut off from what comes before it.
#[test]
fn training_reaches_every_variable_of_a_swin() {
    let config = SwinConfig {
        image: 12,
        patch: 2,
        channels: 2,
        classes: 3,
        dim: 4,
        depths: vec![2, 1],
        heads: vec![2, 4],
        window: 3,
        mlp_ratio: 2,
    };
    let mut vs = VarStore::new(Device::Cpu);
    let swin = Swin::new(&vs.root(), &config);
    let mut inputs = inputs(&mut vs, &[2, 2, 12, 12]);
    inputs[0].0 = "images".to_owned();
    assert_reaches_every(|| swin.forward(&inputs[0].1), &inputs);
}

/// A block of two heads with windows of 2 × 3 and an MLP of 2·D hidden units, on maps of 4 × 6.
fn double_block(shift: (i64, i64)) -> (VarStore, SwinBlock, Vec<(String, Tensor)>) {
    let mut vs = VarStore::new(Device::Cpu);
    let block = SwinBlock::new(&vs.root(), 6, 2, (2, 3), shift, 2);
    let inputs = inputs(&mut vs, &[2, 4, 6, 6]);
    (vs, block, inputs)
}

/// x and all variables in f64, with weights that do not depend on random draws. The norms' are about 1.
fn inputs(vs: &mut VarStore, shape: &[i64]) -> Vec<(String, Tensor)> {
    vs.double();
    tensor::fill(vs);
    let x = tensor::uniform("x", shape, Kind::Double) * 4.;
    let mut inputs = vec![("x".to_owned(), x.set_requires_grad(true))];
    for (name, mut variable) in tensor::variables(vs) {
        if name.contains("norm") && name.ends_with("weight") {
            let _ = no_grad(|| variable.g_add_scalar_(1.0));
        }
        inputs.push((name, variable));
    }
    inputs
}
