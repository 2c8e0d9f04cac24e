//! Values: one example done by hand, the rest stored from PyTorch and timm (`snapshots/expected.py`).

use msa::{HeadwiseMsa, Msa, attention};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};
use testkit::{Tolerance, assert_close, snapshot, tensor};

/// Stored values are right to the last digit of f32. One's own are sums of up to 200 terms of at most 4 or so, in an
/// order that differs from machine to machine: each term adds a rounding error of up to 2e-7, and such errors mostly
/// cancel. Half a millionth was seen; the named mistakes are off by 3e-3 and more.
const F32: Tolerance = Tolerance::new(1e-5, 5e-6);

/// The handout's example: three tokens, d = 4, and logits that are small whole numbers, so that weights are ratios of powers of e.
/// Look at: the handout's example, line by line; print the logits and the weights.
#[test]
fn attention_gives_the_example_done_by_hand() {
    let q = Tensor::from_slice2(&[[1_f32, 0., 1., 0.], [0., 2., 0., 0.], [0., 0., 0., 0.]]);
    let k = Tensor::from_slice2(&[[0_f32, 1., 0., 3.], [1., 1., 1., 0.], [2., 0., 2., 1.]]);
    let v = Tensor::from_slice2(&[[3_f32, 0., 0., 1.], [0., 3., 0., 1.], [0., 0., 3., 1.]]);
    let (output, weights) = attention(&q, &k, &v);

    // softmax of the logits (0, 1, 2), (1, 1, 0) and (0, 0, 0).
    let e = std::f64::consts::E;
    let (first, second, third) = (1.0 + e + e * e, e + e + 1.0, 3.0);
    let expected = [
        [1.0 / first, e / first, e * e / first],
        [e / second, e / second, 1.0 / second],
        [1.0 / third, 1.0 / third, 1.0 / third],
    ];
    let expected = Tensor::from_slice2(&expected).to_kind(Kind::Float);
    assert_close!(&weights, &expected, F32);
    // The values are 3 times a unit vector each, and a 1: the output shows the weights, and their sum.
    let sums = Tensor::ones([3, 1], (Kind::Float, Device::Cpu));
    assert_close!(&output, &Tensor::cat(&[expected * 3., sums], 1), F32);
}

/// Attention over a batch of 2 with 3 heads gives PyTorch's weights and output.
/// Look at: which of the two is off. Weights: the scale, the softmax's axis, which of q and k is transposed.
/// Output only: what the weights are multiplied with.
#[test]
fn attention_matches_pytorch() {
    let [q, k, v] = ["q", "k", "v"].map(|name| tensor::uniform(name, &[2, 3, 5, 4], Kind::Float));
    let (output, weights) = attention(&(q * 2.), &(k * 2.), &v);
    snapshot!("attention_weights", &weights, F32);
    snapshot!("attention_output", &output, F32);
}

/// `HeadwiseMsa` with three heads gives what nine `nn.Linear` give in PyTorch, three for each head.
/// Look at: which columns of x each head takes, and in which order the outputs are joined.
#[test]
fn headwise_matches_pytorch() {
    let vs = VarStore::new(Device::Cpu);
    let msa = HeadwiseMsa::new(&vs.root(), 12, 3);
    tensor::fill(&vs);
    snapshot!("headwise", &msa.forward(&tokens()), F32);
}

/// `Msa` with one head gives what timm's `Attention` gives. One head needs no splitting and no merging.
/// Look at: where this fails, the order of q, k and v in `qkv`, or the output map; where it passes and three heads
/// fail, how the heads are split and merged.
#[test]
fn msa_with_one_head_matches_timm() {
    let (_vs, msa) = filled_msa(12, 1);
    snapshot!("msa_one_head", &msa.forward(&tokens()), F32);
}

/// `Msa` with three heads gives what timm's `Attention` gives.
/// Look at: the test of the weights. Where it passes, heads are split well, and merging them is at fault.
#[test]
fn msa_with_three_heads_matches_timm() {
    let (_vs, msa) = filled_msa(12, 3);
    snapshot!("msa", &msa.forward(&tokens()), F32);
}

/// `attend` gives the weights that timm computes, head by head, and the output that `forward` gives.
/// Look at: the axes after the split, [3, B, h, N, d]: first into q, k, v, then into heads, then into columns.
#[test]
fn msas_weights_match_timm() {
    let (_vs, msa) = filled_msa(12, 3);
    let (output, weights) = msa.attend(&tokens());
    snapshot!("msa_weights", &weights, F32);
    assert_close!(&output, &msa.forward(&tokens()), F32);
}

/// The sizes of ViT-Tiny, 197 tokens of 192 with three heads: what the class token takes from whom, and its output.
/// Look at: smaller tests first. Where only this one fails, something grows with N or D.
#[test]
fn msa_of_the_size_of_vit_tiny_matches_timm() {
    let (_vs, msa) = filled_msa(192, 3);
    let x = tensor::uniform("tokens of an image", &[1, 197, 192], Kind::Float) * 4.;
    let (output, weights) = msa.attend(&x);
    snapshot!("vit_tiny_class_token_weights", &weights.select(2, 0), F32);
    snapshot!("vit_tiny_class_token", &output.select(1, 0), F32);
}

fn filled_msa(dim: i64, heads: i64) -> (VarStore, Msa) {
    let vs = VarStore::new(Device::Cpu);
    let msa = Msa::new(&vs.root(), dim, heads);
    tensor::fill(&vs);
    (vs, msa)
}

/// Large enough for logits of about ±1.5: weights far from even.
fn tokens() -> Tensor {
    tensor::uniform("x", &[2, 5, 12], Kind::Float) * 4.
}
