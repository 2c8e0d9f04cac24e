//! Properties that hold for all sizes and values, checked without stored numbers; and the effects of random draws.

use blocks::{Block, Mlp, drop_path, layer_norm, rms_norm};
use proptest::prelude::*;
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor, no_grad};
use testkit::strategies::token_batch;
use testkit::{Tolerance, assert_close, tensor};

/// Two ways to one result in f64, by sums of a few terms: 1e-14 off. Divided by a standard deviation that is rarely
/// under 0.1, and with an epsilon of 1e-12 that the other way has not.
const F64: Tolerance = Tolerance::new(1e-8, 1e-8);

/// Two ways to one result in f32, by sums of at most 64 terms of at most 4 or so: each way is off by a few roundings of
/// up to 2e-7.
const F32: Tolerance = Tolerance::new(1e-5, 5e-6);

/// As [`F32`], but of a difference of tokens of up to 300, which is off by their roundings, 3e-5.
const F32_OF_LARGE_TOKENS: Tolerance = Tolerance::new(1e-4, 3e-4);

/// The number of samples on which the effects of random draws are measured.
const SAMPLES: i64 = 4096;

/// The largest difference of a mean over draws from its expectation, in its own standard deviations: beyond 6, two in a
/// thousand million.
const SIGMAS: f64 = 6.0;

proptest! {
    #![proptest_config(testkit::property::config(24))]

    /// Before gamma and beta, each token has mean 0 and variance 1; the variance is the mean of the squares.
    /// Look at: the axis of both means, and that the variance is divided by D, not by D − 1.
    #[test]
    fn normalised_tokens_have_mean_0_and_variance_1(n in 1..=5_i64, d in 3..=12_i64, seed: u32) {
        let x = tensor::uniform(&format!("tokens {seed}"), &[2, n, d], Kind::Double) * 4. + 1.;
        let (one, zero) = (plain(d, 1.), plain(d, 0.));
        let y = layer_norm(&x, &one, &zero, 1e-12);
        let mean = |t: Tensor| t.mean_dim(-1, false, Kind::Double);
        assert_close!(&mean(y.shallow_clone()), &Tensor::zeros([2, n], F64_ON_CPU), F64);
        assert_close!(&mean(y.square()), &Tensor::ones([2, n], F64_ON_CPU), F64);

        let y = rms_norm(&x, &one, 1e-12);
        assert_close!(&mean(y.square()), &Tensor::ones([2, n], F64_ON_CPU), F64);
    }

    /// Whatever a token is shifted and scaled by, `layer_norm` takes away again. `rms_norm` takes away the scale only, and
    /// is `layer_norm` where the mean is 0 already.
    /// Look at: the mean is taken away first, and the variance is that of what is left.
    #[test]
    fn layer_norm_ignores_shift_and_scale(n in 1..=5_i64, d in 3..=12_i64, seed: u32) {
        let named = |name: &str, shape: &[i64]| tensor::uniform(&format!("{name} {seed}"), shape, Kind::Double);
        let x = named("tokens", &[2, n, d]) * 4.;
        let (gamma, beta) = (named("gamma", &[d]), named("beta", &[d]));
        let (scale, shift) = (named("scale", &[2, n, 1]) + 2., named("shift", &[2, n, 1]) * 100.);
        let y = layer_norm(&x, &gamma, &beta, 1e-12);
        let moved = layer_norm(&(&x * &scale + shift), &gamma, &beta, 1e-12);
        assert_close!(&moved, &y, F64);

        let root_mean_square = rms_norm(&x, &gamma, 1e-12);
        assert_close!(&rms_norm(&(&x * scale), &gamma, 1e-12), &root_mean_square, F64);
        let centred = &x - x.mean_dim(-1, true, Kind::Double);
        assert_close!(&(rms_norm(&centred, &gamma, 1e-12) + beta), &y, F64);
    }

    /// Epsilon is added to the variance, so it counts as the square of x: three times x with nine times epsilon give the
    /// same. A token whose columns are all the same has variance 0 and comes to beta, not to NaN.
    /// Look at: where epsilon is added; before the root is taken.
    #[test]
    fn epsilon_is_added_to_the_variance(n in 1..=5_i64, d in 3..=12_i64, seed: u32) {
        let named = |name: &str, shape: &[i64]| tensor::uniform(&format!("{name} {seed}"), shape, Kind::Double);
        let x = named("tokens", &[2, n, d]);
        let (gamma, beta) = (named("gamma", &[d]), named("beta", &[d]));
        assert_close!(
            &layer_norm(&(&x * 3.), &gamma, &beta, 0.9),
            &layer_norm(&x, &gamma, &beta, 0.1),
            F64
        );
        assert_close!(&rms_norm(&(&x * 3.), &gamma, 0.9), &rms_norm(&x, &gamma, 0.1), F64);

        let even = named("tokens", &[2, n, 1]).expand([2, n, d], false).contiguous();
        let expected = beta.expand([2, n, d], false);
        assert_close!(&layer_norm(&even, &gamma, &beta, 1e-6), &expected, F64);
    }

    /// Norms and MLP work on each token alone: one token gives what it gives among the others.
    /// Look at: the axis of the means, the last one; [B, N, D] has its tokens on the one before.
    #[test]
    fn norms_and_mlp_take_each_token_alone(batch in token_batch()) {
        let x = &batch.x * 4.;
        let (tokens, dim) = (x.size()[1], x.size()[2]);
        let gamma = tensor::uniform("gamma", &[dim], Kind::Float);
        let vs = VarStore::new(Device::Cpu);
        let mlp = Mlp::new(&vs.root(), dim, 2 * dim);
        tensor::fill(&vs);
        let all = |x: &Tensor| {
            // An epsilon of 1 keeps tokens that are nearly even from blowing up their roundings.
            let norms = [layer_norm(x, &gamma, &gamma, 1.0), rms_norm(x, &gamma, 1.0)];
            Tensor::stack(&[&norms[0], &norms[1], &mlp.forward_t(x, false)], 0)
        };
        let together = all(&x);
        let i = tokens / 2;
        let alone = all(&x.narrow(1, i, 1).contiguous());
        assert_close!(&together.narrow(2, i, 1), &alone, F32);
    }

    /// If attention's output map and the MLP's second one are zero, a block returns its input.
    /// Look at: what is added to what. Nothing may stand on the way from x to the output but two additions.
    #[test]
    fn zeroed_branches_are_the_identity(batch in token_batch()) {
        let x = &batch.x * 4.;
        let (vs, block) = filled_block(x.size()[2], batch.heads);
        zero(&vs, &["attn.proj", "mlp.fc2"]);
        for train in [false, true] {
            assert_close!(&block.forward_t(&x, train), &x, Tolerance::EXACT);
        }
        assert_close!(&block.attend(&x).0, &x, Tolerance::EXACT);
    }

    /// If attention adds nothing, a block adds to x the output of the MLP for x normalised with the second norm.
    /// Look at: the second half; x itself is added to, not its normalised form, and the norm is the second.
    #[test]
    fn without_attention_a_block_adds_the_mlp_of_the_normalised_tokens(batch in token_batch()) {
        let x = &batch.x * 4.;
        let dim = x.size()[2];
        let (vs, block) = filled_block(dim, batch.heads);
        zero(&vs, &["attn.proj"]);
        let mlp_vs = VarStore::new(Device::Cpu);
        let mlp = Mlp::new(&mlp_vs.root(), dim, 4 * dim);
        for (name, mut variable) in tensor::variables(&mlp_vs) {
            no_grad(|| variable.copy_(&of(&vs, &format!("mlp.{name}"))));
        }
        let (gamma, beta) = (of(&vs, "norm2.weight"), of(&vs, "norm2.bias"));
        let expected = &x + mlp.forward_t(&layer_norm(&x, &gamma, &beta, 1e-6), false);
        // Tokens of one or two columns may be nearly even, and the norm then blows up roundings.
        if dim > 2 {
            assert_close!(&block.forward_t(&x, false), &expected, F32);
        }
    }

    /// If the MLP adds nothing, what a block adds to a token does not change when tokens are shifted and scaled:
    /// attention sees them normalised, and they are added to as they were.
    /// Look at: the first half; the norm stands before attention, and on that branch alone.
    #[test]
    fn without_an_mlp_a_block_adds_the_same_to_shifted_and_scaled_tokens(n in 1..=5_i64, heads in 1..=3_i64, seed: u32) {
        let named = |name: &str, shape: &[i64]| tensor::uniform(&format!("{name} {seed}"), shape, Kind::Float);
        let dim = 4 * heads;
        let (vs, block) = filled_block(dim, heads);
        zero(&vs, &["mlp.fc2"]);
        // Large against the block's epsilon.
        let x = named("tokens", &[2, n, dim]) * 100.;
        let moved = &x * (named("scale", &[2, n, 1]) * 0.5 + 1.) + named("shift", &[2, n, 1]) * 100.;
        let added = |x: &Tensor| block.forward_t(x, false) - x;
        assert_close!(&added(&moved), &added(&x), F32_OF_LARGE_TOKENS);
    }
}

/// A new block does the same in training as in evaluation: dropout and stochastic depth are off unless asked for.
/// Look at: the two numbers that `new` starts with.
#[test]
fn a_new_block_has_no_randomness() {
    let (_vs, block) = filled_block(8, 2);
    let x = tensor::uniform("x", &[3, 5, 8], Kind::Float);
    let expected = block.forward_t(&x, false);
    assert_close!(&block.forward_t(&x, true), &expected, F32);
}

/// In evaluation dropout and stochastic depth do nothing at all, however large they are; in training each of them does
/// something.
/// Look at: where `train` goes; the MLP needs it too. `attend` evaluates.
#[test]
fn evaluation_has_no_randomness() {
    let x = tensor::uniform("x", &[64, 5, 8], Kind::Float);
    let expected = filled_block(8, 2).1.forward_t(&x, false);
    for (dropout, drop_path) in [(0.5, 0.0), (0.0, 0.5), (0.5, 0.5)] {
        let block = filled_block(8, 2).1.with_dropout(dropout, drop_path);
        assert_close!(&block.forward_t(&x, false), &expected, F32);
        assert_close!(&block.attend(&x).0, &expected, F32);
        let off = (block.forward_t(&x, true) - &expected).abs().max();
        assert!(
            off.double_value(&[]) > 1e-3,
            "dropout {dropout} and stochastic depth {drop_path} do nothing in training"
        );
    }
}

/// Dropout of one half sets half of the numbers of attention's output to 0, half of the MLP's, and half of the numbers
/// between the MLP's two maps, so that what is left of its output varies.
/// Look at: the three places: after attention, after the GELU, after the second map.
#[test]
fn dropout_acts_after_attention_after_the_gelu_and_after_the_mlp() {
    for (branch, kept_varies) in [("mlp.fc2", false), ("attn.proj", true)] {
        let (_, added, _) = added_under(branch, 0.5, 0.0);
        let left_out = added.eq(0.0).to_kind(Kind::Double).mean(Kind::Double);
        // Over 98,304 numbers the share varies by 0.0016, and by 0.008 if those of a sample hung together.
        let left_out = left_out.double_value(&[]);
        assert!(
            (left_out - 0.5).abs() < 0.05,
            "where {branch} is zero, {:.1} % of what the block adds is 0, instead of half",
            100.0 * left_out
        );
        let first = added.select(1, 0).select(1, 0);
        let kept = first.masked_select(&first.ne(0.0));
        let spread = (kept.max() - kept.min()).double_value(&[]);
        assert_eq!(
            spread > 1e-3,
            kept_varies,
            "where {branch} is zero, what is kept of one number varies by {spread:.1e}"
        );
    }
}

/// Stochastic depth of one half leaves out a branch for half of the samples, for each of the two branches anew, and
/// doubles it for the others.
/// Look at: one draw for each sample, not for each number and not for the batch; two draws in a block.
#[test]
fn stochastic_depth_leaves_out_a_branch_for_whole_samples() {
    for branch in ["mlp.fc2", "attn.proj"] {
        let (_, added, expected) = added_under(branch, 0.0, 0.5);
        // The samples that are kept have the expected values; all others are left out.
        let kept = (&added - expected * 2.)
            .abs()
            .amax([1, 2].as_slice(), false)
            .lt(1e-4);
        let left_out = added.abs().amax([1, 2].as_slice(), false).eq(0.0);
        let neither = kept.logical_or(&left_out).logical_not();
        assert_eq!(
            neither.sum(Kind::Int64).int64_value(&[]),
            0,
            "of {SAMPLES} samples, the left number has the branch neither whole nor not at all"
        );
        assert_share(&left_out, 0.5);
    }

    let (_vs, block) = filled_block(8, 2);
    let block = block.with_dropout(0.0, 0.5);
    let x = one_sample().expand([SAMPLES, 3, 8], false).contiguous();
    let unchanged = block.forward_t(&x, true).eq_tensor(&x);
    // Both branches are left out for a quarter.
    assert_share(&unchanged.flatten(1, 2).all_dim(1, false), 0.25);
}

/// `drop_path` draws once for each sample, divides what it keeps by 1 − p, and works for any number of axes. Without
/// training, and for p = 0, it gives back what it got.
/// Look at: the shape of what is drawn, [B, 1, ..], and the division.
#[test]
fn drop_path_keeps_or_drops_whole_samples() {
    for shape in [&[SAMPLES][..], &[SAMPLES, 3], &[SAMPLES, 2, 3]] {
        let x = tensor::uniform("x", shape, Kind::Float) + 2.;
        assert_close!(&drop_path(&x, 0.25, false), &x, Tolerance::EXACT);
        assert_close!(&drop_path(&x, 0.0, true), &x, Tolerance::EXACT);

        let share = (drop_path(&x, 0.25, true) / &x).reshape([SAMPLES, -1]);
        let first = share.narrow(1, 0, 1);
        assert_close!(&share, &first.expand_as(&share), F32);
        let kept = first.ne(0.0);
        assert_close!(&first, &(kept.to_kind(Kind::Float) / 0.75), F32);
        assert_share(&kept, 0.75);
    }
}

const F64_ON_CPU: (Kind, Device) = (Kind::Double, Device::Cpu);

/// The same number in each of D columns.
fn plain(d: i64, value: f64) -> Tensor {
    Tensor::full([d], value, F64_ON_CPU)
}

/// Fails unless about this share of independent samples is true.
fn assert_share(samples: &Tensor, expected: f64) {
    let count = samples.numel() as f64;
    let share = samples
        .to_kind(Kind::Double)
        .mean(Kind::Double)
        .double_value(&[]);
    let deviation = (expected * (1.0 - expected) / count).sqrt();
    assert!(
        (share - expected).abs() <= SIGMAS * deviation,
        "{:.1} % of {count} samples instead of {:.1} %",
        100.0 * share,
        100.0 * expected
    );
}

/// Many copies of one sample, what a block in training adds to each of them where the maps below `zeroed` are zero, and
/// what it adds without randomness.
fn added_under(zeroed: &str, dropout: f64, drop_path: f64) -> (Tensor, Tensor, Tensor) {
    let (vs, block) = filled_block(8, 2);
    zero(&vs, &[zeroed]);
    let block = block.with_dropout(dropout, drop_path);
    let sample = one_sample();
    let expected = block.forward_t(&sample, false) - &sample;
    let x = sample.expand([SAMPLES, 3, 8], false).contiguous();
    let added = block.forward_t(&x, true) - &x;
    (x, added, expected.squeeze_dim(0))
}

fn one_sample() -> Tensor {
    tensor::uniform("x", &[1, 3, 8], Kind::Float)
}

/// A block with an MLP of 4·D hidden columns, and weights that do not depend on random draws.
fn filled_block(dim: i64, heads: i64) -> (VarStore, Block) {
    let vs = VarStore::new(Device::Cpu);
    let block = Block::new(&vs.root(), dim, heads, 4);
    tensor::fill(&vs);
    (vs, block)
}

/// Sets weight and bias of the maps to zero.
fn zero(vs: &VarStore, maps: &[&str]) {
    for map in maps {
        for kind in ["weight", "bias"] {
            let _ = of(vs, &format!("{map}.{kind}")).zero_();
        }
    }
}

/// The values of a variable, which writing to the tensor changes.
fn of(vs: &VarStore, name: &str) -> Tensor {
    let variables = vs.variables();
    let variable = variables
        .get(name)
        .unwrap_or_else(|| panic!("there is no variable named {name}"));
    variable.detach()
}
