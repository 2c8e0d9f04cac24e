//! Sizes: of outputs and weights, of the variables and their initial values.

use blocks::{Block, Mlp, layer_norm, rms_norm};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};
use testkit::{Tolerance, assert_close, assert_shape, tensor};

/// Both norms take any number of leading axes, none included, and give the shape and the type that came.
/// Look at: the axis that the means run over; counted from the end, it is the same for every rank. It must be kept, as
/// an axis of 1, for the subtraction.
#[test]
fn norms_take_any_leading_axes_and_both_types() {
    for kind in [Kind::Float, Kind::Double] {
        let [gamma, beta] = ["gamma", "beta"].map(|name| tensor::uniform(name, &[6], kind));
        for leading in [&[][..], &[2], &[2, 3], &[2, 1, 3]] {
            let x = tensor::uniform("x", &[leading, &[6]].concat(), kind);
            let shape: Vec<_> = x.size().iter().map(|&axis| axis as usize).collect();
            for y in [
                layer_norm(&x, &gamma, &beta, 1e-6),
                rms_norm(&x, &gamma, 1e-6),
            ] {
                assert_shape!(&y, shape);
                assert_eq!(y.kind(), kind, "{kind:?} went in, the left came out");
            }
        }
    }
}

/// MLP and block give an output of the shape of their input; a block also gives the weights between all pairs of tokens
/// for each head, [B, h, N, N].
/// Look at: what `attend` returns, and that the MLP's second map leads back to D columns.
#[test]
fn mlp_and_block_keep_the_shape_and_a_block_shows_its_weights() {
    let x = tensor::uniform("x", &[2, 5, 12], Kind::Float);
    let vs = VarStore::new(Device::Cpu);
    assert_shape!(
        &Mlp::new(&vs.root(), 12, 20).forward_t(&x, false),
        [2, 5, 12]
    );
    for heads in [1, 3] {
        let vs = VarStore::new(Device::Cpu);
        let block = Block::new(&vs.root(), 12, heads, 4);
        for train in [false, true] {
            assert_shape!(&block.forward_t(&x, train), [2, 5, 12]);
        }
        let (output, weights) = block.attend(&x);
        assert_shape!(&output, [2, 5, 12]);
        assert_shape!(&weights, [2, heads as usize, 5, 5]);
    }
}

/// The variables bear the names and shapes of the tables in the docs, no more and no fewer.
/// Look at: the paths. A name that ends in `__1` was taken twice; a norm that is missing was perhaps used twice.
#[test]
fn variables_have_the_names_and_shapes_that_checkpoints_have() {
    let vs = VarStore::new(Device::Cpu);
    let _block = Block::new(&vs.root(), 12, 3, 2);
    let timm: [(&str, &[i64]); 12] = [
        ("attn.proj.bias", &[12]),
        ("attn.proj.weight", &[12, 12]),
        ("attn.qkv.bias", &[36]),
        ("attn.qkv.weight", &[36, 12]),
        ("mlp.fc1.bias", &[24]),
        ("mlp.fc1.weight", &[24, 12]),
        ("mlp.fc2.bias", &[12]),
        ("mlp.fc2.weight", &[12, 24]),
        ("norm1.bias", &[12]),
        ("norm1.weight", &[12]),
        ("norm2.bias", &[12]),
        ("norm2.weight", &[12]),
    ];
    assert_eq!(
        names_and_shapes(&vs),
        owned(&timm),
        "Block has the variables on the left, timm those on the right"
    );

    let vs = VarStore::new(Device::Cpu);
    let _mlp = Mlp::new(&vs.root(), 12, 20);
    let timm: [(&str, &[i64]); 4] = [
        ("fc1.bias", &[20]),
        ("fc1.weight", &[20, 12]),
        ("fc2.bias", &[12]),
        ("fc2.weight", &[12, 20]),
    ];
    assert_eq!(
        names_and_shapes(&vs),
        owned(&timm),
        "Mlp has the variables on the left, timm those on the right"
    );
}

fn names_and_shapes(vs: &VarStore) -> Vec<(String, Vec<i64>)> {
    let variables = tensor::variables(vs).into_iter();
    variables
        .map(|(name, variable)| (name, variable.size()))
        .collect()
}

fn owned(table: &[(&str, &[i64])]) -> Vec<(String, Vec<i64>)> {
    let rows = table.iter();
    rows.map(|&(name, shape)| (name.to_owned(), shape.to_vec()))
        .collect()
}

/// A block has (4 + 2r)·D² + (9 + r)·D numbers to learn, r being `mlp_ratio`: 12·D² + 13·D for the usual r = 4, whatever
/// the number of heads.
/// Look at: which part has too many. Every map has a bias, each norm has 2·D numbers, and there are two norms.
#[test]
fn a_block_has_as_many_parameters_as_the_formula_says() {
    for (dim, heads, ratio) in [(12, 1, 4), (12, 3, 4), (8, 2, 3), (192, 3, 4)] {
        let vs = VarStore::new(Device::Cpu);
        let _block = Block::new(&vs.root(), dim, heads, ratio);
        let variables = vs.trainable_variables();
        let count: i64 = variables
            .iter()
            .map(|variable| variable.numel() as i64)
            .sum();
        assert_eq!(
            count,
            (4 + 2 * ratio) * dim * dim + (9 + ratio) * dim,
            "D = {dim}, {heads} heads, r = {ratio}: the block has the number on the left"
        );
    }
}

/// Norms start with weights of 1 and biases of 0; the MLP's maps start uniform in ±1/√inputs, as PyTorch's do.
/// Look at: the configuration given to `nn::linear`. Its default for weights is made for ReLU and is √6 times as wide.
#[test]
fn initial_values_are_pytorchs() {
    let vs = VarStore::new(Device::Cpu);
    let _block = Block::new(&vs.root(), 96, 3, 4);
    for (name, variable) in tensor::variables(&vs) {
        let inputs = match name.as_str() {
            "norm1.weight" | "norm2.weight" => {
                assert_close!(&variable, &variable.ones_like(), Tolerance::EXACT);
                continue;
            }
            "norm1.bias" | "norm2.bias" => {
                assert_close!(&variable, &variable.zeros_like(), Tolerance::EXACT);
                continue;
            }
            "mlp.fc2.weight" | "mlp.fc2.bias" => 384_f64,
            _ => 96.0,
        };
        assert_uniform_within(&name, &variable, 1.0 / inputs.sqrt());
    }
}

/// The values lie within ±bound and have the standard deviation that a uniform distribution has, bound/√3.
///
/// These are random draws, at least 96 of each. The standard deviation of so many varies by 4.6 % of itself, so the
/// 30 % granted are more than six times that; zeros, and values √6 times as wide, are farther off.
fn assert_uniform_within(name: &str, variable: &Tensor, bound: f64) {
    let values = variable.detach().to_kind(Kind::Double) / bound;
    let largest = values.abs().max().double_value(&[]);
    // Rounding to f32 may carry the bound itself 6e-8 of it too far.
    assert!(
        largest <= 1.0 + 1e-6,
        "{name} holds {largest:.3} times the bound of {bound:.4}"
    );
    let spread = values.std(false).double_value(&[]) * 3_f64.sqrt();
    assert!(
        (spread - 1.0).abs() < 0.3,
        "the standard deviation of {name} is {spread:.3} times that of uniform values in ±{bound:.4}"
    );
}
