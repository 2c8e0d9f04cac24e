//! Properties that hold for all sizes and values, checked without stored numbers; and the effects of random draws.

use proptest::prelude::*;
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};
use testkit::{Tolerance, assert_close, tensor};
use vit::{Pool, Positions, Vit, VitConfig, accuracy, parameters, trunc_normal, warmup_cosine};

/// Two ways to one result in f32, through up to two blocks with sums of at most 100 terms of about 1.
const F32: Tolerance = Tolerance::new(1e-5, 1e-5);

/// A few operations in f64.
const F64: Tolerance = Tolerance::new(1e-9, 1e-12);

prop_compose! {
    /// Small models of all sorts.
    fn configs()(
        patches in 1..=3_i64,
        patch in 1..=4_i64,
        channels in 1..=3_i64,
        classes in 1..=4_i64,
        heads in 1..=2_i64,
        per_head in 2..=4_i64,
        depth in 0..=2_i64,
        mlp_ratio in 1..=3_i64,
        learned: bool,
        mean: bool,
    ) -> VitConfig {
        VitConfig {
            image: patches * patch,
            patch,
            channels,
            classes,
            dim: 2 * heads * per_head,
            depth,
            heads,
            mlp_ratio,
            dropout: 0.0,
            positions: if learned { Positions::Learned } else { Positions::Sinusoidal },
            pool: if mean { Pool::Mean } else { Pool::Cls },
        }
    }
}

proptest! {
    #![proptest_config(testkit::property::config(16))]

    /// `parameters` counts what a model has, for all sizes and choices.
    /// Look at: which terms have D², D, the number of tokens, or K; and that a fixed table is not learnt.
    #[test]
    fn parameters_are_as_many_as_a_model_has(config in configs()) {
        let vs = VarStore::new(Device::Cpu);
        let _vit = Vit::new(&vs.root(), &config);
        let variables = vs.trainable_variables();
        let count: i64 = variables.iter().map(|variable| variable.numel() as i64).sum();
        prop_assert_eq!(parameters(&config), count, "parameters says the number on the left, the model has the right one");
    }

    /// Without blocks, the features are what the first block would get, normalised: the class token and its position, then
    /// each patch through the convolution, with a position each.
    /// Look at: equation 1 of the handout: what comes first, and what gets a position.
    #[test]
    fn without_blocks_features_are_class_token_and_patches_with_positions(config in configs()) {
        let config = VitConfig { depth: 0, positions: Positions::Learned, ..config };
        let (vs, vit) = filled(&config);
        let images = images(&config, 2);
        let (weight, bias) = (of(&vs, "patch_embed.proj.weight"), of(&vs, "patch_embed.proj.bias"));
        let stride = [config.patch; 2];
        let patches = images.conv2d(&weight, Some(bias), stride, [0, 0], [1, 1], 1);
        let mut rows = vec![of(&vs, "cls_token").squeeze_dim(0).expand([2, 1, config.dim], false)];
        let grid = config.image / config.patch;
        for row in 0..grid {
            for column in 0..grid {
                rows.push(patches.select(3, column).select(2, row).unsqueeze(1));
            }
        }
        let tokens = Tensor::cat(&rows, 1) + of(&vs, "pos_embed");
        let expected = tokens.layer_norm([config.dim], Some(of(&vs, "norm.weight")), Some(of(&vs, "norm.bias")), 1e-6, false);
        assert_close!(&vit.forward_features(&images, false), &expected, F32);
    }

    /// The head gets the class token's feature, or the mean of the patches' features without it, and what it gives are
    /// logits: no softmax after it.
    /// Look at: which rows the head gets, and that nothing comes after it.
    #[test]
    fn logits_are_the_head_of_the_pooled_features(config in configs()) {
        let (vs, vit) = filled(&config);
        let images = images(&config, 2);
        let features = vit.forward_features(&images, false);
        let pooled = match config.pool {
            Pool::Cls => features.select(1, 0),
            Pool::Mean => features.narrow(1, 1, features.size()[1] - 1).mean_dim(1, false, Kind::Float),
        };
        let expected = pooled.linear(&of(&vs, "head.weight"), Some(&of(&vs, "head.bias")));
        assert_close!(&vit.forward_t(&images, false), &expected, F32);
    }

    /// The last norm is the last: with its weight 0, every feature is its bias.
    /// Look at: what comes behind the last block; every feature goes through the norm, before any pooling.
    #[test]
    fn every_feature_goes_through_the_last_norm(config in configs()) {
        let (vs, vit) = filled(&config);
        let _ = of(&vs, "norm.weight").zero_();
        let features = vit.forward_features(&images(&config, 2), false);
        let expected = of(&vs, "norm.bias").expand_as(&features);
        assert_close!(&features, &expected, F32);
    }

    /// Each image alone gives what it gives in a batch.
    /// Look at: the class token is the same for all, and no sum runs over the batch.
    #[test]
    fn each_image_of_a_batch_is_on_its_own(config in configs()) {
        let (_vs, vit) = filled(&config);
        let images = images(&config, 3);
        let together = vit.forward_t(&images, false);
        for i in 0..3 {
            let alone = vit.forward_t(&images.narrow(0, i, 1).contiguous(), false);
            assert_close!(&together.narrow(0, i, 1), &alone, F32);
        }
    }

    /// The learning rate rises up to the end of the warm-up, falls from there on, and stays at its minimum after the end;
    /// half way down it is half way between the two; and it never jumps.
    /// Look at: the three parts, and where one ends and the next begins.
    #[test]
    fn the_learning_rate_goes_up_and_then_down(warmup in 0..=20_i64, half in 1..=20_i64, base in 0.1..1.0_f64) {
        let (total, min) = (warmup + 2 * half, base / 50.0);
        let rate = |step| warmup_cosine(step, warmup, total, base, min);
        let rates: Vec<_> = (0..=total + 2).map(rate).collect();
        let (up, down) = rates.split_at(warmup as usize);
        prop_assert!(up.is_sorted() && up.iter().all(|&rate| rate < base), "up to the warm-up's end: {:?}", up);
        prop_assert!(down.is_sorted_by(|a, b| a >= b), "after it: {:?}", down);
        if warmup > 0 {
            assert_close!(&rate(0), &0.0, F64);
        }
        assert_close!(&rate(warmup), &base, F64);
        assert_close!(&rate(warmup + half), &((base + min) / 2.0), F64);
        for step in total..=total + 2 {
            assert_close!(&rate(step), &min, F64);
        }
        // The steepest is the middle of the cosine, or the line; and differences are rounded.
        let steepest = (base / warmup.max(1) as f64).max(base * 1.6 / (2 * half) as f64) * (1.0 + 1e-9);
        let largest = rates.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f64::max);
        prop_assert!(largest <= steepest, "it jumps by {largest}: {:?}", rates);
    }

    /// Accuracy counts the rows that are right, however the classes are numbered and whatever is added to a row.
    /// Look at: the largest of each row is what counts, not how large it is.
    #[test]
    fn accuracy_counts_right_rows(batch in 1..=20_i64, classes in 1..=5_i64, seed: u32) {
        let logits = tensor::uniform(&format!("logits {seed}"), &[batch, classes], Kind::Float);
        let draws = tensor::uniform(&format!("labels {seed}"), &[batch], Kind::Float);
        let labels = ((draws + 1.0) / 2.0 * classes as f64).floor().to_kind(Kind::Int64);
        let mut right = 0;
        for row in 0..batch {
            let of = |class| logits.double_value(&[row, class]);
            let label = of(labels.int64_value(&[row]));
            right += i64::from((0..classes).all(|class| of(class) <= label));
        }
        assert_close!(&accuracy(&logits, &labels), &(right as f64 / batch as f64), F64);
        let raised = logits + tensor::uniform(&format!("added {seed}"), &[batch, 1], Kind::Float) * 100.0;
        assert_close!(&accuracy(&raised.round_decimals(1), &raised.round_decimals(1).argmax(-1, false)), &1.0, F64);
    }
}

/// A patch says where it was: two patches swapped give other logits, with learned positions and with fixed ones. Where
/// all learned positions are zero they give the same, for attention knows no order.
/// Look at: what is added to the tokens, and that it differs from row to row.
#[test]
fn positions_tell_patches_apart() {
    for positions in [Positions::Learned, Positions::Sinusoidal] {
        let config = VitConfig {
            positions,
            ..small()
        };
        let (vs, vit) = filled(&config);
        let images = images(&config, 2);
        // The left third and the middle one, in each other's place.
        let order = Tensor::from_slice(&[4_i64, 5, 6, 7, 0, 1, 2, 3, 8, 9, 10, 11]);
        let swapped = images.index_select(3, &order);
        let difference = || {
            let difference = vit.forward_t(&images, false) - vit.forward_t(&swapped, false);
            difference.abs().max().double_value(&[])
        };
        let with = difference();
        assert!(
            with > 1e-3,
            "with {positions:?} positions, swapped patches change the logits by {with:.1e}"
        );
        if positions == Positions::Learned {
            let _ = of(&vs, "pos_embed").zero_();
            let without = difference();
            // Sums of ten terms in another order.
            assert!(
                without < 1e-5,
                "without positions, swapped patches change the logits by {without:.1e}"
            );
        }
    }
}

/// In evaluation dropout does nothing at all, and without dropout training does nothing else.
/// Look at: where `train` goes: behind the positions, and into each block. `attentions` evaluates.
#[test]
fn evaluation_has_no_randomness() {
    for depth in [0, 2] {
        let plain = VitConfig { depth, ..small() };
        let dropping = VitConfig {
            dropout: 0.5,
            ..plain.clone()
        };
        let images = images(&plain, 2);
        let (_vs, vit) = filled(&plain);
        let expected = vit.forward_t(&images, false);
        assert_close!(&vit.forward_t(&images, true), &expected, F32);
        let attentions = vit.attentions(&images);

        let (_vs, vit) = filled(&dropping);
        assert_close!(&vit.forward_t(&images, false), &expected, F32);
        for (got, expected) in vit.attentions(&images).iter().zip(&attentions) {
            assert_close!(got, expected, F32);
        }
    }
}

/// Dropout acts behind the positions and in each block: in training, the logits vary where there are no blocks, and where
/// there is nothing but a block, since class token, patches and positions are zero.
/// Look at: dropout behind the sum with the positions, and what `with_dropout` of each block gets.
#[test]
fn dropout_acts_behind_the_positions_and_in_the_blocks() {
    for depth in [0, 1] {
        let config = VitConfig {
            depth,
            dropout: 0.5,
            ..small()
        };
        let (vs, vit) = filled(&config);
        let embedding = [
            "cls_token",
            "pos_embed",
            "patch_embed.proj.weight",
            "patch_embed.proj.bias",
        ];
        if depth > 0 {
            for name in embedding {
                let _ = of(&vs, name).zero_();
            }
        }
        // Copies of one image, so that nothing but chance tells them apart.
        let images = images(&config, 1)
            .expand([32, -1, -1, -1], false)
            .contiguous();
        let logits = vit.forward_t(&images, true);
        let spread = logits.std_dim(0, true, false).min().double_value(&[]);
        assert!(
            spread > 1e-3,
            "with {depth} blocks, copies of one image have logits with a standard deviation of {spread:.1e} in training"
        );
    }
}

/// `trunc_normal` has mean 0, lies within two standard deviations, is 0.8796 times as wide as the whole distribution, and
/// has 71.5 % within one. Nothing heaps up at the ends.
/// Look at: numbers beyond the ends are drawn again, not moved to the ends.
#[test]
fn trunc_normal_is_cut_off_and_not_heaped_up() {
    let drawn = trunc_normal(&[400, 250], 0.5);
    assert_eq!(
        drawn.size(),
        [400, 250],
        "the shape asked for is on the right"
    );
    assert_eq!(drawn.kind(), Kind::Float, "f32 is on the right");
    let z = drawn.to_kind(Kind::Double) / 0.5;
    let mean = |t: Tensor| t.to_kind(Kind::Double).mean(Kind::Double).double_value(&[]);
    let largest = z.abs().max().double_value(&[]);
    assert!(
        largest <= 2.0 + 1e-6,
        "a number {largest} deviations from 0"
    );
    assert!(
        largest > 1.99,
        "no number is farther than {largest} deviations from 0"
    );
    // Within f32's rounding of the ends lie 0.005 of 100,000 draws in the mean.
    let at_the_ends = z.abs().gt(2.0 - 4e-7).sum(Kind::Int64).int64_value(&[]);
    assert!(
        at_the_ends <= 3,
        "{at_the_ends} numbers stand exactly two deviations from 0"
    );
    // 100,000 draws: each of these varies by its standard deviation over their root; six times that is allowed.
    for (what, got, expected, allowed) in [
        ("mean", mean(z.shallow_clone()), 0.0, 0.017),
        ("variance", mean(z.square()), 0.773_741, 0.017),
        (
            "share within one deviation",
            mean(z.abs().lt(1.0)),
            0.715_233,
            0.009,
        ),
        (
            "share beyond 1.9 deviations",
            mean(z.abs().gt(1.9)),
            0.012_502,
            0.002_2,
        ),
    ] {
        assert!(
            (got - expected).abs() <= allowed,
            "the {what} is {got:.4} instead of {expected:.4}"
        );
    }
}

/// A model with weights that do not depend on random draws.
fn filled(config: &VitConfig) -> (VarStore, Vit) {
    let vs = VarStore::new(Device::Cpu);
    let vit = Vit::new(&vs.root(), config);
    tensor::fill(&vs);
    for (name, variable) in tensor::variables(&vs) {
        if name.contains("norm") && name.ends_with("weight") {
            let _ = variable.detach().g_add_scalar_(1.0);
        }
    }
    (vs, vit)
}

fn images(config: &VitConfig, batch: i64) -> Tensor {
    let shape = [batch, config.channels, config.image, config.image];
    tensor::uniform("images", &shape, Kind::Float)
}

/// The values of a variable, which writing to the tensor changes.
fn of(vs: &VarStore, name: &str) -> Tensor {
    let variables = vs.variables();
    let variable = variables
        .get(name)
        .unwrap_or_else(|| panic!("there is no variable named {name}"));
    variable.detach()
}

/// Nine patches of two channels, two blocks with three heads, five classes.
fn small() -> VitConfig {
    VitConfig {
        image: 12,
        patch: 4,
        channels: 2,
        classes: 5,
        dim: 12,
        depth: 2,
        heads: 3,
        mlp_ratio: 4,
        dropout: 0.0,
        positions: Positions::Learned,
        pool: Pool::Cls,
    }
}
