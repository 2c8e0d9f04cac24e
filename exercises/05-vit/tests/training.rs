//! Training: a few steps beside PyTorch's, one batch by heart, and enough to read digits that were held back.

use datasets::batch::Batches;
use datasets::digits::{DigitsConfig, generate};
use datasets::standardise::{mean_and_std, standardise};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor, no_grad_guard};
use testkit::distribution::{assert_independent, assert_share};
use testkit::property::{seed_for, stream};
use testkit::{Tolerance, assert_close, snapshot, tensor};
use vit::{Pool, Positions, Vit, VitConfig, fit, warmup_cosine};

/// Losses of about 1 in f32, after sums of up to 32 terms; tch takes the loss in f32 even of f64 logits. AdamW divides gradients by
/// about their own size, so after three steps a weight is as far off as its gradients are, times rates of at most 0.01. A
/// ten-millionth was seen; gradients that are not set to zero make the third loss differ by 2e-2.
const F32: Tolerance = Tolerance::new(1e-5, 2e-6);

/// Three steps, each with a batch of its own, begin with the losses that PyTorch's AdamW gives, and leave the head's weights that it
/// leaves.
/// Look at: the first loss that is off. The first itself: logits go into the loss, not probabilities. The second: the rate and the
/// optimiser's settings. Only the third: what is left over from the steps before.
#[test]
fn steps_of_adamw_are_pytorchs() {
    let (vs, vit) = filled(&tiny());
    let batch = |step: usize| {
        let images = tensor::uniform(&format!("images {step}"), &[4, 2, 12, 12], Kind::Float);
        (images, Tensor::from_slice(&LABELS[step]))
    };
    let batches = [batch(0), batch(1), batch(2)];
    let losses = fit(&vs, &vit, &batches, |step| 0.01 / (1.0 + step as f64));
    snapshot!("losses", &Tensor::from_slice(&losses).unsqueeze(0), F32);
    snapshot!("head_after_training", &vs.variables()["head.weight"], F32);
}

const LABELS: [[i64; 4]; 3] = [[0, 2, 1, 1], [2, 2, 0, 1], [1, 0, 0, 2]];

/// Dropout is on, draws anew in each step, and takes as many numbers as it says: at a rate of 0, steps on one image begin with one of three
/// losses, which follow from what dropout left of the class token's two numbers, each as often as chance has it.
/// Look at: what `fit` tells `forward_t` about training.
#[test]
fn training_has_dropout() {
    let (steps, p) = (300, 0.3);
    let config = VitConfig {
        classes: 2,
        dim: 2,
        depth: 0,
        heads: 1,
        dropout: p,
        ..tiny()
    };
    let (vs, vit) = filled(&config);
    {
        let _guard = no_grad_guard();
        for (name, mut variable) in tensor::variables(&vs) {
            let value = match name.as_str() {
                "cls_token" | "norm.weight" => 1.0,
                _ => 0.0,
            };
            let _ = variable.fill_(value);
        }
        // The head gives back the first of the class token's numbers as the first logit; the other logit is 0.
        let head = Tensor::from_slice(&[1_f32, 0., 0., 0.]).view([2, 2]);
        vs.variables()["head.weight"].shallow_clone().copy_(&head);
    }
    let images = tensor::uniform("images", &[1, 2, 12, 12], Kind::Float);
    let batch = || (images.shallow_clone(), Tensor::from_slice(&[0_i64]));
    let batches: Vec<_> = (0..steps).map(|_| batch()).collect();
    let losses = fit(&vs, &vit, &batches, |_| 0.0);
    assert_eq!(losses.len(), steps, "a loss for each step");
    // Both numbers are kept or none: the norm makes 0 of them. One is kept: it makes 1 and −1, but for its epsilon.
    let near = |loss: f64| {
        let these = losses.iter();
        these
            .map(|it| (it - loss).abs() < 1e-4)
            .collect::<Vec<bool>>()
    };
    let (even, first, second) = (2_f64.ln(), (-1_f64).exp().ln_1p(), 1_f64.exp().ln_1p());
    let (even, first, second) = (near(even), near(first), near(second));
    for (step, loss) in losses.iter().enumerate() {
        assert!(
            even[step] || first[step] || second[step],
            "step {step} has a loss of {loss}, which no choice of dropout gives"
        );
    }
    for (what, these, share) in [
        (
            "steps that keep the first number alone",
            &first,
            p * (1.0 - p),
        ),
        ("steps that keep the second alone", &second, p * (1.0 - p)),
        (
            "steps that keep both or none",
            &even,
            1.0 - 2.0 * p * (1.0 - p),
        ),
    ] {
        let count = these.iter().filter(|&&it| it).count();
        assert_share(what, count, steps, share);
    }
    let (here, next): (Vec<_>, Vec<_>) =
        even.chunks_exact(2).map(|pair| (pair[0], pair[1])).unzip();
    assert_independent("two steps", &here, &next, 2.0 * p * (1.0 - p));
}

/// From its own initial values, the model learns ten images and their random labels by heart in a hundred steps: every
/// model that is wired right can. Images and labels are drawn. On the way, after drawn numbers of steps, the loss that the
/// weights give is the one that the next step begins with, and no weight has moved farther than AdamW moves it.
/// Look at: the other tests. If they pass, the initial values: all too small, all the same, or all zero.
#[test]
fn one_batch_is_learnt_by_heart() {
    let config = VitConfig {
        dim: 24,
        depth: 2,
        classes: 5,
        ..tiny()
    };
    let vs = VarStore::new(Device::Cpu);
    let vit = Vit::new(&vs.root(), &config);
    let mut draw = stream(&format!("by heart {}", seed_for("by heart")));
    let mut whole = |most: f64| ((draw.next().unwrap_or(0.0) + 1.0) / 2.0 * most) as i64;
    let images = tensor::uniform(
        &format!("images to learn {}", seed_for("images to learn")),
        &[10, 2, 12, 12],
        Kind::Float,
    );
    let labels: Vec<_> = (0..10).map(|_| whole(5.0)).collect();
    let labels = Tensor::from_slice(&labels);
    let batch = || (images.shallow_clone(), labels.shallow_clone());
    let mut left = 100;
    while left > 0 {
        let steps = (40 + whole(30.0)).min(left);
        left -= steps;
        let batches: Vec<_> = (0..steps).map(|_| batch()).collect();
        train(&vs, &vit, &batches, |_| 3e-3);
    }
    let last = loss(&vit, &batch());
    assert!(
        last < 0.1,
        "after a hundred steps the loss is {last:.3}; by guessing it is 1.61"
    );
}

/// After six times 4,000 digits the model reads more than half of those that it has never seen. By guessing it is one of ten.
/// It starts from drawn weights. On the way, the loss that the weights give is the one that the next step begins with, and
/// no weight moves farther than AdamW moves it: what is trained here is not brought along.
/// Look at: the other tests. Where they pass and this one does not, compare the whole model with the handout's picture.
#[test]
fn a_short_training_reads_digits_that_were_held_back() {
    let digits = generate(&DigitsConfig {
        seed: seed_for("digits"),
        train: 4000,
        validation: 0,
        test: 500,
    });
    let (mean, std) = mean_and_std(&digits.train);
    let tensors = |batch: datasets::batch::Batch| {
        let (mut images, labels) = (batch.images, batch.labels);
        standardise(&mut images, mean, std);
        let size = images.shape().iter().map(|&axis| axis as i64);
        let images = Tensor::from_slice(images.as_slice().expect("an array of its own"))
            .view(size.collect::<Vec<_>>().as_slice()); // [B, 1, 28, 28]
        (images, Tensor::from_slice(&labels.to_vec()))
    };
    let config = VitConfig {
        image: 28,
        patch: 7,
        channels: 1,
        classes: 10,
        dim: 32,
        depth: 1,
        heads: 4,
        mlp_ratio: 2,
        ..tiny()
    };
    let (vs, vit) = drawn(&config);
    let (epochs, steps) = (6, 80);
    for epoch in 0..epochs {
        let batches = Batches::shuffled(&digits.train, 50, seed_for("batches"), epoch);
        let batches: Vec<_> = batches.map(tensors).collect();
        let from = epoch as i64 * steps;
        train(&vs, &vit, &batches, |step| {
            warmup_cosine(from + step, steps, epochs as i64 * steps, 5e-3, 0.0)
        });
    }
    let (images, labels) = Batches::in_order(&digits.test, 500)
        .map(tensors)
        .next()
        .expect("a batch");
    let logits = {
        let _guard = no_grad_guard();
        vit.forward_t(&images, false)
    };
    let right = logits.argmax(-1, false).eq_tensor(&labels);
    let share = right.to_kind(Kind::Double).mean(Kind::Double);
    let share = share.double_value(&[]);
    assert!(
        share >= THRESHOLD,
        "the test accuracy is {:.1} % of 500 digits; {:.0} % is required",
        share * 100.0,
        THRESHOLD * 100.0
    );
}

/// Of ten seeds, the solution's worst was 66.8 %.
const THRESHOLD: f64 = 0.5;

/// Trains, and holds the steps against what the weights say: the first loss is that of the weights before, all losses are
/// numbers, and no weight moves farther than the rates allow.
///
/// AdamW moves a weight by [`largest_step`] rates at most, and takes a hundredth of the rate of the weight itself.
fn train(vs: &VarStore, vit: &Vit, batches: &[(Tensor, Tensor)], rate: impl Fn(i64) -> f64) {
    let before = weights(vs);
    let expected = loss(vit, &batches[0]);
    let losses = fit(vs, vit, batches, &rate);
    assert_eq!(losses.len(), batches.len(), "a loss for each step");
    for (step, loss) in losses.iter().enumerate() {
        assert!(loss.is_finite(), "step {step} has a loss of {loss}");
    }
    assert_close!(&losses[0], &expected, RECOMPUTED);
    let steps = 0..batches.len() as i64;
    let rates: f64 = steps.clone().map(&rate).sum();
    let farthest: f64 = steps.map(|step| rate(step) * largest_step(step)).sum();
    for ((name, after), before) in tensor::variables(vs).into_iter().zip(&before) {
        // A thousandth more, and a millionth, for roundings.
        let allowed = (before.abs() + farthest) * (0.01 * rates) + 1.001 * farthest + 1e-6;
        let beyond = ((after.detach() - before).abs() - allowed).max();
        let beyond = beyond.double_value(&[]);
        assert!(
            beyond <= 0.0,
            "a weight of {name} moved by {beyond:.2e} more than AdamW moves it at these rates"
        );
    }
}

/// The largest ratio that AdamW's two corrected means of gradients, the first and the root of the second, can have in a step,
/// whatever the gradients are (Cauchy and Schwarz): 1 in the first, 1.16 in the 20th, 2.02 in the 80th.
fn largest_step(step: i64) -> f64 {
    let (b1, b2, t) = (0.9_f64, 0.999_f64, step as i32 + 1);
    let q = b1 * b1 / b2;
    let sum = (1.0 - q.powi(t)) / (1.0 - q);
    let corrections = (1.0 - b2.powi(t)).sqrt() / (1.0 - b1.powi(t));
    (1.0 - b1) / (1.0 - b2).sqrt() * sum.sqrt() * corrections
}

/// Losses of up to a few units, twice calculated in f32.
const RECOMPUTED: Tolerance = Tolerance::new(1e-4, 1e-4);

fn weights(vs: &VarStore) -> Vec<Tensor> {
    let variables = tensor::variables(vs).into_iter();
    variables.map(|(_, it)| it.detach().copy()).collect()
}

/// The mean over the batch of −log softmax(logits)\[label\], in evaluation.
fn loss(vit: &Vit, (images, labels): &(Tensor, Tensor)) -> f64 {
    let _guard = no_grad_guard();
    let logits = vit.forward_t(images, false);
    let loss = logits.log_softmax(-1, Kind::Double).nll_loss(labels);
    loss.double_value(&[])
}

/// With weights that the run's seed says; the norms' are about 1.
fn drawn(config: &VitConfig) -> (VarStore, Vit) {
    let (vs, vit) = filled(config);
    let _guard = no_grad_guard();
    for (name, mut variable) in tensor::variables(&vs) {
        let (shape, kind) = (variable.size(), variable.kind());
        let width = shape.last().copied().unwrap_or(1).max(1) as f64;
        let mean = f64::from(u8::from(name.contains("norm") && name.ends_with("weight")));
        let values = tensor::uniform(&format!("{name} {}", seed_for("weights")), &shape, kind);
        variable.copy_(&(values / width.sqrt() + mean));
    }
    (vs, vit)
}

/// With weights that do not depend on random draws; the norms' are about 1.
fn filled(config: &VitConfig) -> (VarStore, Vit) {
    let vs = VarStore::new(Device::Cpu);
    let vit = Vit::new(&vs.root(), config);
    tensor::fill(&vs);
    let _guard = no_grad_guard();
    for (name, mut variable) in tensor::variables(&vs) {
        if name.contains("norm") && name.ends_with("weight") {
            let _ = variable.g_add_scalar_(1.0);
        }
    }
    (vs, vit)
}

/// Nine patches of two channels, one block with three heads, three classes.
fn tiny() -> VitConfig {
    VitConfig {
        image: 12,
        patch: 4,
        channels: 2,
        classes: 3,
        dim: 6,
        depth: 1,
        heads: 3,
        mlp_ratio: 4,
        dropout: 0.0,
        positions: Positions::Learned,
        pool: Pool::Cls,
    }
}
