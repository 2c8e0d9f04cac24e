//! Values: some done by hand, the rest stored from PyTorch and timm (`snapshots/expected.py`).

use std::f64::consts::SQRT_2;
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor, no_grad};
use testkit::{Tolerance, assert_close, snapshot, stored, tensor};
use vit::{Pool, Positions, Vit, VitConfig, accuracy, warmup_cosine};

/// Stored values are right to the last digit of f32. One's own have gone through three blocks and sums of up to 48 terms
/// of about 1, in an order that differs from machine to machine. Six ten-millionths were seen; the named mistakes are off
/// by 1e-3 and more.
const F32: Tolerance = Tolerance::new(1e-5, 5e-6);

/// As [`F32`], through twelve blocks and sums of up to 768 terms: logits of about 1. A millionth was seen.
const F32_OF_VIT_TINY: Tolerance = Tolerance::new(1e-5, 1e-5);

/// A few operations in f64.
const F64: Tolerance = Tolerance::new(1e-12, 1e-15);

/// `forward_features` gives what timm's gives: class token and patches behind three blocks and the last norm.
/// Look at: the class token comes first, then the patches, row by row; positions are added to all of them.
#[test]
fn features_match_timm() {
    let (_vs, vit) = filled(&small());
    snapshot!("features", &vit.forward_features(&images(), false), F32);
}

/// The logits are timm's, where the classifier looks at the class token.
/// Look at: the test of the features. Where it passes, the row that the head gets is at fault.
#[test]
fn logits_of_the_class_token_match_timm() {
    let (_vs, vit) = filled(&small());
    snapshot!("logits", &vit.forward_t(&images(), false), F32);
}

/// The logits are timm's, where the classifier looks at the mean of the patches.
/// Look at: the class token is no patch; and the norm comes before the mean.
#[test]
fn logits_of_the_mean_match_timm() {
    let (_vs, vit) = filled(&VitConfig {
        pool: Pool::Mean,
        ..small()
    });
    snapshot!("logits_of_the_mean", &vit.forward_t(&images(), false), F32);
}

/// The logits are timm's with exercise 02's table for positions: sin and cos in turns, row 0 for the class token.
/// Look at: the table of exercise 02 has N+1 rows here, and is added as the learned one would be.
#[test]
fn logits_with_sinusoidal_positions_match_timm() {
    let (_vs, vit) = filled(&VitConfig {
        positions: Positions::Sinusoidal,
        ..small()
    });
    let logits = vit.forward_t(&images(), false);
    snapshot!("logits_with_sinusoidal_positions", &logits, F32);
}

/// `attentions` gives the weights that timm computes in each of three blocks.
/// Look at: the first block that is off. Each sees what the one before it has made.
#[test]
fn attentions_match_timm() {
    let (_vs, vit) = filled(&small());
    let attentions = vit.attentions(&images());
    assert_eq!(attentions.len(), 3, "there are three blocks");
    let stored = [
        stored!("attention_0"),
        stored!("attention_1"),
        stored!("attention_2"),
    ];
    for (weights, stored) in attentions.iter().zip(stored) {
        snapshot!(stored, weights, F32);
    }
}

/// `VitConfig::tiny` gives the thousand logits of timm's `vit_tiny_patch16_224`, from 5.7 million weights.
/// Look at: smaller tests first. Where only this one fails, something grows with the image or the depth.
#[test]
fn vit_tiny_matches_timm() {
    let (_vs, vit) = filled(&VitConfig::tiny());
    let image = tensor::uniform("image", &[1, 3, 224, 224], Kind::Float);
    let logits = vit.forward_t(&image, false);
    snapshot!("vit_tiny_logits", &logits, F32_OF_VIT_TINY);
}

/// The handout's learning rates: 100 steps of warm-up, 1100 in all, from 0 to 0.001 and down to 0.0001.
/// Look at: the handout's table, row by row. Progress along the cosine starts to count where the warm-up ends.
#[test]
fn learning_rates_are_those_of_the_handouts_table() {
    let eighth = 0.5 * (1.0 + SQRT_2 / 2.0);
    for (step, rate) in [
        (0, 0.0),
        (1, 1e-5),
        (50, 5e-4),
        (100, 1e-3),
        (350, 1e-4 + 9e-4 * eighth),
        (600, 5.5e-4),
        (850, 1e-4 + 9e-4 * (1.0 - eighth)),
        (1100, 1e-4),
        (5000, 1e-4),
    ] {
        assert_close!(&warmup_cosine(step, 100, 1100, 1e-3, 1e-4), &rate, F64);
    }
    // Without warm-up the first step has the whole rate.
    assert_close!(&warmup_cosine(0, 0, 1000, 1e-3, 1e-4), &1e-3, F64);
}

/// Of four rows of logits, three have their largest where the label says.
/// Look at: the axis of the largest, and that true and false become numbers before the mean is taken.
#[test]
fn accuracy_is_the_share_of_rows_whose_largest_logit_is_the_labels() {
    let logits = Tensor::from_slice2(&[
        [2_f32, 1., 0.],
        [-3., -1., -2.],
        [0., 9., 10.],
        [5., 6., 4.],
    ]);
    let labels = |labels: [i64; 4]| Tensor::from_slice(&labels);
    assert_close!(&accuracy(&logits, &labels([0, 1, 2, 0])), &0.75, F64);
    assert_close!(&accuracy(&logits, &labels([0, 1, 2, 1])), &1.0, F64);
    assert_close!(&accuracy(&logits, &labels([2, 0, 1, 2])), &0.0, F64);
}

/// A model with weights that do not depend on random draws. The norms' are about 1.
fn filled(config: &VitConfig) -> (VarStore, Vit) {
    let vs = VarStore::new(Device::Cpu);
    let vit = Vit::new(&vs.root(), config);
    tensor::fill(&vs);
    for (name, mut variable) in tensor::variables(&vs) {
        if name.contains("norm") && name.ends_with("weight") {
            let _ = no_grad(|| variable.g_add_scalar_(1.0));
        }
    }
    (vs, vit)
}

fn images() -> Tensor {
    tensor::uniform("images", &[2, 2, 12, 12], Kind::Float)
}

/// Nine patches of two channels, three blocks with three heads, five classes.
fn small() -> VitConfig {
    VitConfig {
        image: 12,
        patch: 4,
        channels: 2,
        classes: 5,
        dim: 12,
        depth: 3,
        heads: 3,
        mlp_ratio: 4,
        dropout: 0.0,
        positions: Positions::Learned,
        pool: Pool::Cls,
    }
}
