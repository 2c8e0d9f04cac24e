//! Each function against the reference, on sizes and values that are drawn; initial weights against their distribution.

use msa::{HeadwiseMsa, Msa, attention};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};
use testkit::distribution::{PooledValues, assert_drawn_apart, assert_uniform};
use testkit::drawn::{Case, Spread};
use testkit::{AsValues, drawn, tensor};

/// Queries and keys of this size give logits that differ by a few units: weights neither even nor all at one key.
const TOKENS: Spread = Spread::of(1.5);

/// Queries and keys are about as large as tokens, and logits as large as their squares: some thousands.
const LARGE: Spread = Spread::of(80.0);

/// In f64, logits of up to 1e5 are off by some 1e-11, weights by as much, and outputs by some hundred times that.
const OF_LARGE_LOGITS: f64 = 1e-8;

/// Output and weights are the reference's for none to two leading axes, in f32 and f64.
///
/// Look at: the axes that are transposed and summed over, and what the logits are divided by.
#[test]
fn attention_agrees_with_the_reference() {
    drawn!("attention", 8, |case| {
        let [q, k, v] = queries_keys_and_values(case);
        let (y, weights) = attention(&q, &k, &v);
        case.agrees("y", &y);
        case.agrees("weights", &weights);
    });
}

/// Logits of a hundred to ten thousand, above 0 and below, are common in a trained network. The exponential of 89 is infinite in f32,
/// that of 710 in f64, and that of −746 is 0: whoever takes exponentials as they are divides infinity by infinity, or 0 by 0.
///
/// Look at: the softmax. It subtracts each row's own largest logit first; the library's does.
#[test]
fn attention_agrees_for_large_logits() {
    drawn!("attention_of_large_logits", 8, |case| {
        let kind = case.kind();
        let (n, d) = (case.axis("N", 3..=6), case.axis("d", 2..=7));
        let [q, k] = [(); 2].map(|()| case.tensor(&[2, n, d], kind, Spread::UNIT));
        let v = case.tensor(&[2, n, d], kind, Spread::UNIT);
        // One column that all keys share, and that queries meet with one sign or the other: it moves all logits of a query.
        let far = case.number("logits about", 200.0, 2000.0) * (d as f64).sqrt();
        let sign = case.tensor(&[2, n, 1], kind, Spread::UNIT).sign() * far;
        let q = Tensor::cat(&[&q * 2.0, sign], -1);
        let k = Tensor::cat(&[&k * 2.0, k.narrow(-1, 0, 1).ones_like()], -1);
        let v = Tensor::cat(&[&v, &v.narrow(-1, 0, 1)], -1);
        let (y, weights) = attention(&q, &k, &v);
        case.agrees("y", &y);
        case.agrees("weights", &weights);
    });
}

/// The gradients of q, k and v are the reference's, and so is the output beside them.
///
/// Look at: `detach`, `no_grad`, and copies through plain numbers: they cut the gradient off.
#[test]
fn attentions_gradients_agree_with_the_reference() {
    drawn!("gradients_of_attention", 6, |case| {
        let tensors = queries_keys_and_values(case).map(|it| it.set_requires_grad(true));
        let [q, k, v] = &tensors;
        let inputs = ["q", "k", "v"].map(str::to_owned);
        let inputs: Vec<_> = inputs
            .into_iter()
            .zip(tensors.iter().map(Tensor::shallow_clone))
            .collect();
        let forward = || attention(q, k, v).0;
        let y = case.gradients_agree(&q.size(), forward, &inputs, &["q", "k", "v"]);
        case.agrees("y", &y);
    });
}

/// Output and gradients are the reference's for drawn weights, two to four heads, in f32 and f64.
///
/// Look at: which columns are which head's, and which of its three linear layers is which.
#[test]
fn headwise_agrees_with_the_reference() {
    drawn!("headwise", 6, |case| {
        let (heads, width) = heads_and_width(case);
        let (mut vs, dim) = (VarStore::new(Device::Cpu), heads * width);
        let msa = HeadwiseMsa::new(&vs.root(), dim, heads);
        let inputs = inputs(case, &mut vs, dim);
        let last = heads - 1;
        let named = [
            "x".to_owned(),
            "q_mappings.0.weight".to_owned(),
            format!("k_mappings.{last}.weight"),
            format!("v_mappings.{last}.bias"),
        ];
        let named = named.each_ref().map(String::as_str);
        let x = &inputs[0].1;
        let y = case.gradients_agree(&x.size(), || msa.forward(x), &inputs, &named);
        case.agrees("y", &y);
    });
}

/// Output and gradients are the reference's for drawn weights, two to four heads, in f32 and f64.
///
/// Look at: how q, k and v, and then heads, are split and merged.
#[test]
fn msa_agrees_with_the_reference() {
    drawn!("msa", 6, |case| {
        let (heads, width) = heads_and_width(case);
        let (mut vs, dim) = (VarStore::new(Device::Cpu), heads * width);
        let msa = Msa::new(&vs.root(), dim, heads);
        let inputs = inputs(case, &mut vs, dim);
        let named = ["x", "qkv.weight", "qkv.bias", "proj.weight", "proj.bias"];
        let x = &inputs[0].1;
        let y = case.gradients_agree(&x.size(), || msa.forward(x), &inputs, &named);
        case.agrees("y", &y);
    });
}

/// `attend` gives the reference's output and weights of each head.
///
/// Look at: that the weights are those of the heads, after the softmax, with an axis for each.
#[test]
fn attend_agrees_with_the_reference() {
    drawn!("attend", 6, |case| {
        let (heads, width) = heads_and_width(case);
        let (mut vs, dim) = (VarStore::new(Device::Cpu), heads * width);
        let msa = Msa::new(&vs.root(), dim, heads);
        let inputs = inputs(case, &mut vs, dim);
        let (y, weights) = msa.attend(&inputs[0].1.detach());
        case.agrees("y", &y);
        case.agrees("weights", &weights);
    });
}

/// Large tokens give logits of thousands, whose exponentials are infinite, or all 0, also in f64; attention is no less
/// defined there. Whoever writes the softmax again within a head must subtract each row's largest logit again.
///
/// Look at: the softmax, if it is not that of `attention`.
#[test]
fn headwise_agrees_for_large_logits() {
    drawn!("headwise_of_large_logits", 4, |case| {
        let (heads, width) = heads_and_width(case);
        let (mut vs, dim) = (VarStore::new(Device::Cpu), heads * width);
        let msa = HeadwiseMsa::new(&vs.root(), dim, heads);
        let x = tokens(case, &mut vs, dim, Kind::Double, LARGE);
        case.agrees_within("y", &msa.forward(&x), OF_LARGE_LOGITS);
    });
}

/// Large tokens give logits of thousands, whose exponentials are infinite, or all 0, also in f64; attention is no less
/// defined there. Whoever writes the softmax again within the module must subtract each row's largest logit again.
///
/// Look at: the softmax, if it is not that of `attention`.
#[test]
fn msa_agrees_for_large_logits() {
    drawn!("msa_of_large_logits", 4, |case| {
        let (heads, width) = heads_and_width(case);
        let (mut vs, dim) = (VarStore::new(Device::Cpu), heads * width);
        let msa = Msa::new(&vs.root(), dim, heads);
        let x = tokens(case, &mut vs, dim, Kind::Double, LARGE);
        case.agrees_within("y", &msa.forward(&x), OF_LARGE_LOGITS);
        let (y, weights) = msa.attend(&x);
        case.agrees_within("y", &y, OF_LARGE_LOGITS);
        case.agrees_within("weights", &weights, OF_LARGE_LOGITS);
    });
}

/// Initial weights and biases are uniform in ±1/√D, all of them drawn one by one, and others in each new module.
///
/// Look at: the configuration given to `nn::linear`, for weights and for biases.
#[test]
fn msas_initial_weights_are_uniform_and_independent() {
    let pooled = <[PooledValues; 2]>::default();
    drawn!("initial_weights_of_msa", 4, |case| {
        let (heads, width) = (case.axis("h", 2..=4), case.axis("d", 5..=9));
        let dim = heads * width;
        assert_initialised(case, &pooled, 1.0 / (dim as f64).sqrt(), |vs| {
            Msa::new(&vs.root(), dim, heads);
        });
    });
    pooled[0].assert_uniform("√inputs · initial weights");
    pooled[1].assert_uniform("√inputs · initial biases");
}

/// Initial weights and biases are uniform in ±1/√d, all of them drawn one by one, and others in each new module.
///
/// Look at: the number of inputs of a head's linear layers, d, and that each of them is made for itself.
#[test]
fn headwises_initial_weights_are_uniform_and_independent() {
    let pooled = <[PooledValues; 2]>::default();
    drawn!("initial_weights_of_headwise", 4, |case| {
        let (heads, width) = (case.axis("h", 2..=4), case.axis("d", 6..=9));
        assert_initialised(case, &pooled, 1.0 / (width as f64).sqrt(), |vs| {
            HeadwiseMsa::new(&vs.root(), heads * width, heads);
        });
    });
    pooled[0].assert_uniform("√inputs · initial weights");
    pooled[1].assert_uniform("√inputs · initial biases");
}

/// Fails unless all weights, and all biases, of two modules are independent and uniform in ±`bound`; adds them, in bounds, to those
/// of other cases.
fn assert_initialised(
    case: &Case<'_>,
    pooled: &[PooledValues; 2],
    bound: f64,
    make: impl Fn(&VarStore),
) {
    let mut all = vec![];
    for module in ["first", "second"] {
        let vs = VarStore::new(Device::Cpu);
        make(&vs);
        case.compares();
        for (name, variable) in tensor::variables(&vs) {
            all.push((
                format!("{name} of the {module} module"),
                AsValues::values(&variable).data,
            ));
        }
    }
    for (kind, pooled) in [".weight", ".bias"].into_iter().zip(pooled) {
        let of_kind = all.iter().filter(|(name, _)| name.contains(kind));
        let values: Vec<_> = of_kind.flat_map(|(_, values)| values.clone()).collect();
        assert_uniform(&format!("an initial {}", &kind[1..]), &values, bound);
        pooled.add(values.iter().map(|value| value / bound));
    }
    assert_drawn_apart(&all);
}

/// q, k and v, of two to seven tokens, behind none to two leading axes.
fn queries_keys_and_values(case: &mut Case<'_>) -> [Tensor; 3] {
    let kind = case.kind();
    let leading: Vec<_> = (0..case.size("leading axes", 0..=2))
        .map(|_| case.axis("leading", 2..=3))
        .collect();
    let (n, d) = (case.axis("N", 2..=7), case.axis("d", 2..=9));
    let shape = [&leading[..], &[n, d]].concat();
    [(); 3].map(|()| case.tensor(&shape, kind, TOKENS))
}

/// Two to four heads, and how many columns each has.
fn heads_and_width(case: &mut Case<'_>) -> (i64, i64) {
    (case.axis("h", 2..=4), case.axis("d", 2..=4))
}

/// Tokens and all variables, with drawn values.
fn inputs(case: &mut Case<'_>, vs: &mut VarStore, dim: i64) -> Vec<(String, Tensor)> {
    let kind = case.kind();
    let x = tokens(case, vs, dim, kind, Spread::of(2.0));
    let mut inputs = vec![("x".to_owned(), x.set_requires_grad(true))];
    inputs.extend(tensor::variables(vs));
    inputs
}

/// Tokens of this spread, and drawn values for all variables.
fn tokens(case: &mut Case<'_>, vs: &mut VarStore, dim: i64, kind: Kind, spread: Spread) -> Tensor {
    if kind == Kind::Double {
        vs.double();
    }
    case.fill(vs);
    let shape = [case.axis("B", 1..=3), case.axis("N", 2..=6), dim];
    case.tensor(&shape, kind, spread)
}
