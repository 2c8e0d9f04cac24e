//! Values: the handout's example done by hand, the rest stored from PyTorch and timm (`snapshots/expected.py`).

use deit::{Deit, Distillation, distillation_loss};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor, no_grad};
use testkit::{Tolerance, assert_close, snapshot, stored, tensor};
use vit::{Pool, Positions, VitConfig};

/// Stored values are right to the last digit of f32. One's own have gone through three blocks and sums of up to 48 terms
/// of about 1, in an order that differs from machine to machine. Six ten-millionths were seen; the named mistakes are off
/// by 1e-3 and more.
const F32: Tolerance = Tolerance::new(1e-5, 5e-6);

/// As [`F32`], through twelve blocks and sums of up to 768 terms: logits of about 1.
const F32_OF_DEIT_TINY: Tolerance = Tolerance::new(1e-5, 1e-5);

/// Sums of at most 30 terms of about 1 in f64, so 1e-14 off.
const F64: Tolerance = Tolerance::new(1e-10, 1e-12);

/// `forward_train` gives the logits of timm's two heads, the class token's first.
/// Look at: class token, distillation token, patches, in this order, get the positions; behind the last norm each of the two
/// tokens goes through its own head.
#[test]
fn both_heads_logits_match_timm() {
    let (_vs, deit) = filled(&small());
    let (class_logits, dist_logits) = deit.forward_train(&images());
    snapshot!("class_logits", &class_logits, F32);
    snapshot!("dist_logits", &dist_logits, F32);
}

/// `forward_eval` gives what timm's model gives in evaluation.
/// Look at: the test of both heads. Where it passes, what is made of their logits is at fault.
#[test]
fn evaluation_matches_timm() {
    let (_vs, deit) = filled(&small());
    snapshot!("evaluation", &deit.forward_eval(&images()), F32);
}

/// `attentions` gives the weights that timm computes in each of three blocks.
/// Look at: the first block that is off. Each sees what the one before it has made.
#[test]
fn attentions_match_timm() {
    let (_vs, deit) = filled(&small());
    let attentions = deit.attentions(&images());
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

/// With the sizes of DeiT-Ti, both heads give the thousand logits of timm's `deit_tiny_distilled_patch16_224`, from 5.9
/// million weights.
/// Look at: smaller tests first. Where only this one fails, something grows with the image or the depth.
#[test]
fn deit_tiny_matches_timm() {
    let (_vs, deit) = filled(&tiny());
    let image = tensor::uniform("image", &[1, 3, 224, 224], Kind::Float);
    let (class_logits, dist_logits) = deit.forward_train(&image);
    let both = Tensor::stack(&[class_logits, dist_logits], 0);
    snapshot!("deit_tiny_logits", &both, F32_OF_DEIT_TINY);
}

/// The handout's example: one image, three classes, probabilities that are tenths, quarters and fifths.
/// Look at: the handout's example, line by line; print the two softmaxes and the three terms of the sum.
#[test]
fn losses_are_those_of_the_example_done_by_hand() {
    let ln = f64::ln;
    let logits = |row: [f64; 3]| Tensor::from_slice2(&[row]);
    let class_logits = logits([0.0, ln(3.0), 0.0]);
    let dist_logits = logits([0.0, 2.0 * ln(2.0), 0.0]);
    let teacher_logits = logits([2.0 * ln(6.0), 2.0 * ln(3.0), 0.0]);
    let label = Tensor::from_slice(&[1_i64]);
    let loss = |distillation| {
        let (class_logits, teacher_logits) = (&class_logits, &teacher_logits);
        distillation_loss(
            class_logits,
            &dist_logits,
            teacher_logits,
            &label,
            distillation,
        )
    };
    let by_label = -ln(0.6);
    let divergence = 0.6 * ln(0.6 / 0.25) + 0.3 * ln(0.3 / 0.5) + 0.1 * ln(0.1 / 0.25);
    let soft = Distillation::Soft {
        temperature: 2.0,
        alpha: 0.25,
    };
    let expected = 0.25 * by_label + 0.75 * 4.0 * divergence; // 0.9689
    assert_close!(&loss(soft), &Tensor::from(expected), F64);
    let expected = 0.5 * by_label + 0.5 * ln(6.0); // 1.1513
    assert_close!(&loss(Distillation::Hard), &Tensor::from(expected), F64);
}

/// Soft losses of six images and five classes are PyTorch's, for temperatures from 0.5 to 10 and various α, in f64; and in f32
/// where the logits are.
/// Look at: the first row that is off. Row 0 has T = 1, where T² hides; the last two have α = 0 and α = 1. For numbers of f64
/// the result is f64, which tch's `cross_entropy_for_logits` is not.
#[test]
fn soft_losses_match_pytorch() {
    let settings = [
        (1.0, 0.5),
        (3.0, 0.1),
        (0.5, 0.9),
        (10.0, 0.3),
        (3.0, 0.0),
        (3.0, 1.0),
    ];
    let losses = |kind| {
        let losses = settings.map(|(temperature, alpha)| {
            loss_of_six(Distillation::Soft { temperature, alpha }, kind)
        });
        Tensor::stack(&losses, 0).unsqueeze(1)
    };
    let doubles = losses(Kind::Double);
    snapshot!("soft_losses", &doubles, F64);
    assert_close!(&losses(Kind::Float), &doubles.to_kind(Kind::Float), F32);
}

/// The hard loss of six images and five classes is PyTorch's; in f64, and in f32 where the logits are.
/// Look at: the teacher's decision is the place of its largest logit, and it is the distillation token's logits that are
/// held against it.
#[test]
fn the_hard_loss_matches_pytorch() {
    let double = loss_of_six(Distillation::Hard, Kind::Double);
    snapshot!("hard_loss", &double, F64);
    let single = loss_of_six(Distillation::Hard, Kind::Float);
    assert_close!(&single, &double.to_kind(Kind::Float), F32);
}

fn loss_of_six(distillation: Distillation, kind: Kind) -> Tensor {
    let logits = |whose| tensor::uniform(&format!("{whose} logits"), &[6, 5], kind) * 3.0;
    let labels = Tensor::from_slice(&[3_i64, 0, 4, 1, 1, 2]);
    let (class, dist, teacher) = (logits("class"), logits("dist"), logits("teacher"));
    distillation_loss(&class, &dist, &teacher, &labels, distillation)
}

/// A model with weights that do not depend on random draws. The norms' are about 1.
fn filled(config: &VitConfig) -> (VarStore, Deit) {
    let vs = VarStore::new(Device::Cpu);
    let deit = Deit::new(&vs.root(), config);
    tensor::fill(&vs);
    for (name, mut variable) in tensor::variables(&vs) {
        if name.contains("norm") && name.ends_with("weight") {
            let _ = no_grad(|| variable.g_add_scalar_(1.0));
        }
    }
    (vs, deit)
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

/// DeiT-Ti: ViT-Ti's sizes.
fn tiny() -> VitConfig {
    VitConfig {
        image: 224,
        patch: 16,
        channels: 3,
        classes: 1000,
        dim: 192,
        depth: 12,
        ..small()
    }
}
