//! Values: examples done by hand, the rest stored from PyTorch and timm (`snapshots/expected.py`).

use blocks::{Block, Mlp, layer_norm, rms_norm};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor, no_grad};
use testkit::{Tolerance, assert_close, snapshot, tensor};

/// Stored values are right to the last digit of f32. One's own are sums of up to 768 terms of at most 4 or so, in an
/// order that differs from machine to machine: each term adds a rounding error of up to 2e-7, and such errors mostly
/// cancel. A millionth was seen; the named mistakes are off by 3e-4 and more.
const F32: Tolerance = Tolerance::new(1e-5, 5e-6);

/// The handout's example: five columns with mean 4 and variance 4. An epsilon of 12, larger than anybody would take,
/// shows where it is added: √(4 + 12) is 4.
/// Look at: the handout's example, line by line. With the unbiased variance, 5, the first row comes to −1.34.
#[test]
fn layer_norm_gives_the_example_done_by_hand() {
    let x = Tensor::from_slice(&[1_f32, 3., 4., 5., 7.]);
    let gamma = Tensor::from_slice(&[1_f32, 1., 1., 2., 2.]);
    let beta = Tensor::from_slice(&[0_f32, 0., 10., 0., -1.]);
    let expected = Tensor::from_slice(&[-1.5_f32, -0.5, 10., 1., 2.]);
    assert_close!(&layer_norm(&x, &gamma, &beta, 0.0), &expected, F32);
    let expected = Tensor::from_slice(&[-0.75_f32, -0.25, 10., 0.5, 0.5]);
    assert_close!(&layer_norm(&x, &gamma, &beta, 12.0), &expected, F32);
}

/// The handout's example once more: the mean of the squares is 20, and √(20 + 5) is 5.
/// Look at: no mean is taken away, and nothing is added at the end.
#[test]
fn rms_norm_gives_the_example_done_by_hand() {
    let x = Tensor::from_slice(&[1_f32, 3., 4., 5., 7.]);
    let gamma = Tensor::from_slice(&[1_f32, 1., 1., 2., 2.]);
    let expected = Tensor::from_slice(&[0.2_f32, 0.6, 0.8, 2., 2.8]);
    assert_close!(&rms_norm(&x, &gamma, 5.0), &expected, F32);
}

/// `layer_norm` gives what PyTorch's gives, for tokens of about 1, and for tokens so small that epsilon matters.
/// Look at: which of the two fails. Small tokens only: where epsilon is added.
#[test]
fn layer_norm_matches_pytorch() {
    let x = tensor::uniform("x", &[2, 5, 12], Kind::Float);
    let [gamma, beta] = ["gamma", "beta"].map(|name| tensor::uniform(name, &[12], Kind::Float));
    snapshot!(
        "layer_norm",
        &layer_norm(&(&x * 4.), &gamma, &beta, 1e-6),
        F32
    );
    snapshot!(
        "layer_norm_of_small_tokens",
        &layer_norm(&(x * SMALL), &gamma, &beta, 1e-6),
        F32
    );
}

/// `rms_norm` gives what PyTorch's gives, for tokens of about 1, and for tokens so small that epsilon matters.
/// Look at: the mean of the squares, not their sum; the root of both, with epsilon.
#[test]
fn rms_norm_matches_pytorch() {
    let x = tensor::uniform("x", &[2, 5, 12], Kind::Float);
    let gamma = tensor::uniform("gamma", &[12], Kind::Float);
    snapshot!("rms_norm", &rms_norm(&(&x * 4.), &gamma, 1e-6), F32);
    snapshot!(
        "rms_norm_of_small_tokens",
        &rms_norm(&(x * SMALL), &gamma, 1e-6),
        F32
    );
}

/// An MLP of one column whose maps do nothing shows its activation: the exact GELU at 33 points from −4 to 4.
/// Look at: the argument of `gelu`. The approximation by tanh is up to 5e-4 off, and ReLU up to 0.17.
#[test]
fn the_activation_is_the_exact_gelu() {
    let vs = VarStore::new(Device::Cpu);
    let mlp = Mlp::new(&vs.root(), 1, 1);
    for (name, mut variable) in tensor::variables(&vs) {
        let value = if name.ends_with("weight") { 1.0 } else { 0.0 };
        let _ = no_grad(|| variable.fill_(value));
    }
    let x = Tensor::linspace(-4, 4, 33, (Kind::Float, Device::Cpu)).view([1, 33, 1]);
    snapshot!("gelu", &mlp.forward_t(&x, false), F32);
}

/// `Mlp` gives what timm's gives.
/// Look at: the activation stands between the maps, and there is none after the second.
#[test]
fn mlp_matches_timm() {
    let vs = VarStore::new(Device::Cpu);
    let mlp = Mlp::new(&vs.root(), 12, 20);
    tensor::fill(&vs);
    snapshot!("mlp", &mlp.forward_t(&tokens(), false), F32);
}

/// `Block` gives what timm's gives.
/// Look at: what is added to what. x itself goes on; only the branches see it normalised.
#[test]
fn block_matches_timm() {
    let (_vs, block) = filled_block(12, 3);
    snapshot!("block", &block.forward_t(&tokens(), false), F32);
}

/// `Block` gives what timm's gives for small tokens too, as they are after a careful initialisation.
/// Look at: epsilon, which is 1e-6 for Vision Transformers; the library's default is 1e-5.
#[test]
fn block_has_timms_epsilon() {
    let (_vs, block) = filled_block(12, 3);
    let x = tensor::uniform("x", &[2, 5, 12], Kind::Float) * SMALL;
    snapshot!("block_of_small_tokens", &block.forward_t(&x, false), F32);
}

/// `attend` gives the weights that timm's block computes on the way, and the output that `forward_t` gives.
/// Look at: attention sees the normalised tokens, and sees them once.
#[test]
fn a_blocks_weights_match_timm() {
    let (_vs, block) = filled_block(12, 3);
    let (output, weights) = block.attend(&tokens());
    snapshot!("block_weights", &weights, F32);
    assert_close!(&output, &block.forward_t(&tokens(), false), F32);
}

/// The sizes of ViT-Tiny, 197 tokens of 192 with three heads: what becomes of the class token.
/// Look at: smaller tests first. Where only this one fails, something grows with N or D.
#[test]
fn block_of_the_size_of_vit_tiny_matches_timm() {
    let (_vs, block) = filled_block(192, 3);
    let x = tensor::uniform("tokens of an image", &[1, 197, 192], Kind::Float) * 4.;
    let y = block.forward_t(&x, false);
    snapshot!("vit_tiny_class_token", &y.select(1, 0), F32);
}

/// Tokens of this size have a variance of about 3e-7, less than a block's epsilon.
const SMALL: f64 = 1.0 / 1024.0;

/// A block with an MLP of 4·D hidden columns, and weights that do not depend on random draws. The norms' are about 1.
fn filled_block(dim: i64, heads: i64) -> (VarStore, Block) {
    let vs = VarStore::new(Device::Cpu);
    let block = Block::new(&vs.root(), dim, heads, 4);
    tensor::fill(&vs);
    for (name, mut variable) in tensor::variables(&vs) {
        if name.starts_with("norm") && name.ends_with("weight") {
            let _ = no_grad(|| variable.g_add_scalar_(1.0));
        }
    }
    (vs, block)
}

fn tokens() -> Tensor {
    tensor::uniform("x", &[2, 5, 12], Kind::Float) * 4.
}
