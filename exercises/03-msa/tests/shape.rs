//! Sizes: of outputs and weights, of the variables and their initial values, and the panic that bad sizes get.

use msa::{HeadwiseMsa, Msa, attention};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};
use testkit::{assert_names, assert_shape, panic_message, tensor};

/// Attention takes any number of leading axes, none included: q, k and v of [.., 5, 4] give an output of
/// [.., 5, 4] and weights of [.., 5, 5].
/// Look at: the axes that are transposed and summed over; counted from the end, they are the same for every rank.
#[test]
fn attention_takes_any_leading_axes() {
    for leading in [&[][..], &[2], &[2, 3], &[2, 1, 3]] {
        let shape = [leading, &[5, 4]].concat();
        let [q, k, v] = ["q", "k", "v"].map(|name| tensor::uniform(name, &shape, Kind::Float));
        let (output, weights) = attention(&q, &k, &v);

        let leading: Vec<_> = leading.iter().map(|&axis| axis as usize).collect();
        assert_shape!(&output, [&leading[..], &[5, 4]].concat());
        assert_shape!(&weights, [&leading[..], &[5, 5]].concat());
    }
}

/// `HeadwiseMsa` gives an output of the shape of its input, for one head, three, and as many as there are columns.
/// Look at: the axis along which the heads' outputs are joined.
#[test]
fn headwise_keeps_the_shape() {
    let x = tensor::uniform("x", &[2, 5, 12], Kind::Float);
    for heads in [1, 3, 12] {
        let vs = VarStore::new(Device::Cpu);
        let msa = HeadwiseMsa::new(&vs.root(), 12, heads);
        tensor::fill(&vs);
        assert_shape!(&msa.forward(&x), [2, 5, 12]);
    }
}

/// `Msa` gives an output of the shape of its input, and weights between all pairs of tokens for each head:
/// [B, h, N, N].
/// Look at: the order of the axes of q, k and v when they go into `attention`; it must be [B, h, N, d].
#[test]
fn msa_keeps_the_shape_and_gives_one_map_for_each_head() {
    let x = tensor::uniform("x", &[2, 5, 12], Kind::Float);
    for heads in [1, 3, 12] {
        let vs = VarStore::new(Device::Cpu);
        let msa = Msa::new(&vs.root(), 12, heads);
        tensor::fill(&vs);
        assert_shape!(&msa.forward(&x), [2, 5, 12]);

        let (output, weights) = msa.attend(&x);
        assert_shape!(&output, [2, 5, 12]);
        assert_shape!(&weights, [2, heads as usize, 5, 5]);
    }
}

/// The variables bear the names and shapes of the tables in the docs, no more and no fewer.
/// Look at: the paths given to `nn::linear`. A name that ends in `__1` was taken twice.
#[test]
fn variables_have_the_names_and_shapes_that_checkpoints_have() {
    let vs = VarStore::new(Device::Cpu);
    let _msa = Msa::new(&vs.root(), 12, 3);
    let timm: [(&str, &[i64]); 4] = [
        ("proj.bias", &[12]),
        ("proj.weight", &[12, 12]),
        ("qkv.bias", &[36]),
        ("qkv.weight", &[36, 12]),
    ];
    let timm = timm.map(|(name, shape)| (name.to_owned(), shape.to_vec()));
    assert_eq!(
        names_and_shapes(&vs),
        timm,
        "Msa has the variables on the left, timm those on the right"
    );

    let vs = VarStore::new(Device::Cpu);
    let _msa = HeadwiseMsa::new(&vs.root(), 12, 3);
    let small = ["k", "q", "v"].into_iter().flat_map(|map| {
        (0..3).flat_map(move |head| {
            [
                (format!("{map}_mappings.{head}.bias"), vec![4]),
                (format!("{map}_mappings.{head}.weight"), vec![4, 4]),
            ]
        })
    });
    let small: Vec<_> = small.collect();
    assert_eq!(
        names_and_shapes(&vs),
        small,
        "HeadwiseMsa has the variables on the left; the right ones are needed"
    );
}

fn names_and_shapes(vs: &VarStore) -> Vec<(String, Vec<i64>)> {
    let variables = tensor::variables(vs).into_iter();
    variables
        .map(|(name, variable)| (name, variable.size()))
        .collect()
}

/// Weights and biases start uniform in ±1/√inputs, as PyTorch's do.
/// Look at: the configuration given to `nn::linear`. Its default for weights is made for ReLU and is √6 times as wide.
#[test]
fn initial_weights_are_spread_as_pytorchs_are() {
    let vs = VarStore::new(Device::Cpu);
    let _msa = Msa::new(&vs.root(), 96, 3);
    assert_uniform_within(&vs, 1.0 / 96_f64.sqrt());

    let vs = VarStore::new(Device::Cpu);
    let _msa = HeadwiseMsa::new(&vs.root(), 96, 3);
    assert_uniform_within(&vs, 1.0 / 32_f64.sqrt());
}

/// All weights together, and all biases together, lie within ±bound and have the standard deviation that a
/// uniform distribution has, bound/√3.
///
/// These are random draws, at least 288 of each. The standard deviation of so many varies by 2.7 % of itself,
/// so the 25 % granted are nine times that; zeros, and values √6 times as wide, are farther off.
fn assert_uniform_within(vs: &VarStore, bound: f64) {
    for kind in ["weight", "bias"] {
        let variables = tensor::variables(vs)
            .into_iter()
            .filter(|(name, _)| name.ends_with(kind));
        let values: Vec<_> = variables
            .map(|(_, variable)| variable.detach().flatten(0, -1))
            .collect();
        assert!(
            !values.is_empty(),
            "there is no variable whose name ends in {kind}"
        );

        let values = Tensor::cat(&values, 0).to_kind(Kind::Double) / bound;
        let largest = values.abs().max().double_value(&[]);
        // Rounding to f32 may carry the bound itself 6e-8 of it too far.
        assert!(
            largest <= 1.0 + 1e-6,
            "a {kind} of {largest:.3} times the bound of {bound:.4}"
        );
        let spread = values.std(false).double_value(&[]) * 3_f64.sqrt();
        assert!(
            (spread - 1.0).abs() < 0.25,
            "the standard deviation of a {kind} is {spread:.3} times that of uniform values in ±{bound:.4}"
        );
    }
}

/// If `heads` does not divide `dim`, `new` panics and names both numbers, instead of leaving columns out.
/// Look at: a check with `assert!` before anything is made.
#[test]
fn heads_that_do_not_divide_the_dimension_panic_with_both_numbers() {
    let vs = VarStore::new(Device::Cpu);
    let _ = Msa::new(&(vs.root() / "all"), 48, 6); // no panic
    let _ = HeadwiseMsa::new(&(vs.root() / "headwise"), 48, 6);
    let messages = [
        panic_message(|| Msa::new(&vs.root(), 1000, 48)),
        panic_message(|| HeadwiseMsa::new(&vs.root(), 1000, 48)),
    ];
    for message in messages {
        assert_names(&message, &[1000, 48]);
    }
}
