//! Each function against the reference, on sizes and values that are drawn; dropout and initial values against their
//! distributions; and steps of a training from drawn weights.

use std::cell::RefCell;
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};
use testkit::distribution::{
    PooledValues, Row, assert_drawn_apart, assert_few_alike, assert_independent, assert_numbers,
};
use testkit::drawn::{Case, Spread};
use testkit::dropout::{assert_kept, kept_before_norm};
use testkit::initialisation::{assert_initial_values, truncated_normal_scores};
use testkit::{drawn, tensor};
use vit::{
    INITIAL_STD, Pool, Positions, Vit, VitConfig, accuracy, fit, parameters, trunc_normal,
    warmup_cosine,
};

/// A fixed table whose angles were computed in f32 is off by up to 1.2e-5 at ten tokens, and a norm may make it several
/// times as much.
const FIXED_TABLE: f64 = 1e-4;

/// Logits and gradients are the reference's for drawn weights, one or two blocks, both ways of pooling, in training without
/// dropout and in evaluation, in f32 and f64.
///
/// Look at: the order of tokens, what gets a position, the last norm, and what the head sees.
#[test]
fn vit_agrees_with_the_reference() {
    drawn!("vit", 6, |case| {
        let config = config(case);
        let (_vs, vit, inputs) = model(case, &config);
        let images = &inputs[0].1;
        let train = case.pick(&[false, true]);
        let last = format!("blocks.{}.mlp.fc1.weight", config.depth - 1);
        let named = [
            "images",
            case.pick(&["cls_token", "pos_embed", "head.weight"]),
            case.pick(&["patch_embed.proj.weight", "norm.weight", "head.bias"]),
            &last,
        ];
        let shape = [images.size()[0], config.classes];
        let forward = || vit.forward_t(images, train);
        let logits = case.gradients_agree(&shape, forward, &inputs, &named);
        case.agrees("logits", &logits);
    });
}

/// With fixed positions, too, logits are the reference's: those of f32, as the table is.
///
/// Look at: exercise 02's table, row 0 for the class token.
#[test]
fn vit_agrees_with_fixed_positions() {
    drawn!("vit_with_fixed_positions", 6, |case| {
        let config = VitConfig {
            positions: Positions::Sinusoidal,
            ..config(case)
        };
        let vs = VarStore::new(Device::Cpu);
        let vit = Vit::new(&vs.root(), &config);
        case.fill(&vs);
        let images = images(case, &config, Kind::Float);
        case.agrees_within("logits", &vit.forward_t(&images, false), FIXED_TABLE);
    });
}

/// Features are the reference's, of all tokens, and behind the last norm.
///
/// Look at: what comes behind the last block.
#[test]
fn features_agree_with_the_reference() {
    drawn!("features", 6, |case| {
        let config = config(case);
        let (_vs, vit, inputs) = model(case, &config);
        let features = vit.forward_features(&inputs[0].1.detach(), false);
        case.agrees("features", &features);
    });
}

/// The weights of each head in each block are the reference's, whatever dropout the model has.
///
/// Look at: the order of the blocks; each gets what the one before it gave.
#[test]
fn attentions_agree_with_the_reference() {
    drawn!("attentions", 6, |case| {
        let config = VitConfig {
            depth: case.axis("L", 2..=3),
            dropout: 0.5,
            ..config(case)
        };
        let (_vs, vit, inputs) = model(case, &config);
        let attentions = vit.attentions(&inputs[0].1.detach());
        assert_eq!(
            attentions.len() as i64,
            config.depth,
            "a map for each block"
        );
        for (l, weights) in attentions.iter().enumerate() {
            case.agrees(&format!("attention.{l}"), weights);
        }
    });
}

/// Positions move every token to a mean of millions, which goes through all blocks; its standard deviation is still a few
/// units. In f64, the library's norm keeps half of the digits; one that takes the variance as the mean of the squares without the
/// square of the mean keeps hardly any.
///
/// Look at: each norm that is not the library's. The mean is taken away before anything is squared.
#[test]
fn vit_agrees_where_the_mean_is_large() {
    drawn!("vit_of_a_large_mean", 3, |case| {
        let config = config(case);
        let (vs, vit, inputs) = model_of(case, &config, Kind::Double);
        let mean = case.number("mean", 3e6, 1e7) * case.pick(&[-1.0, 1.0]);
        tensor::change(&vs, "pos_embed", |it| it + mean);
        assert_evaluation_agrees(case, &vit, &inputs[0].1.detach(), 0.0);
    });
}

/// Weights of attention so large that logits are thousands, whose exponentials are infinite, or all 0, also in f64.
/// Whoever writes attention again within the model must subtract each row's largest logit before the exponential.
///
/// Look at: the softmax of attention, if it is not that of exercise 03.
#[test]
fn vit_agrees_for_large_logits_of_attention() {
    drawn!("vit_of_large_logits_of_attention", 3, |case| {
        let config = config(case);
        let (vs, vit, inputs) = model_of(case, &config, Kind::Double);
        tensor::change(&vs, "qkv", |it| it * 100.0);
        let images = inputs[0].1.detach();
        assert_evaluation_agrees(case, &vit, &images, OF_LARGE_LOGITS);
    });
}

/// The number of parameters is the reference's for models of any size.
///
/// Look at: which terms have D², D, the number of tokens, or K; and that a fixed table is not trained.
#[test]
fn parameters_agree_with_the_reference() {
    drawn!("parameters", 8, |case| {
        let (heads, patch) = (case.axis("h", 1..=16), case.axis("patch", 2..=32));
        let config = VitConfig {
            image: patch * case.axis("patches per side", 2..=30),
            patch,
            channels: case.axis("C", 1..=4),
            classes: case.axis("K", 2..=2000),
            dim: heads * 2 * case.axis("d / 2", 2..=40),
            depth: case.axis("L", 1..=32),
            heads,
            mlp_ratio: case.axis("r", 1..=5),
            dropout: 0.1,
            positions: case.pick(&[Positions::Learned, Positions::Sinusoidal]),
            pool: case.pick(&[Pool::Cls, Pool::Mean]),
        };
        case.agrees("parameters", &parameters(&config));
    });
}

/// Rates are the reference's at drawn steps of the warm-up and of the cosine, at both ends, and beyond.
///
/// Look at: the three parts, and where one ends and the next begins.
#[test]
fn warmup_cosine_agrees_with_the_reference() {
    drawn!("warmup_cosine", 8, |case| {
        let warmup = case.axis("warmup", 5..=400);
        let total = warmup + case.axis("steps behind it", 5..=2000);
        let base = case.number("base", 1e-4, 2.0);
        let min = base * case.number("min / base", 0.0, 0.5);
        let inside = |case: &mut Case<'_>, from: i64, to: i64| {
            from + ((to - from) as f64 * case.number("at", 0.1, 0.9)) as i64
        };
        let (up, down) = (inside(case, 0, warmup), inside(case, warmup, total));
        for step in [up, down, 0, warmup - 1, warmup, total - 1, total, total + 7] {
            let rate = warmup_cosine(step, warmup, total, base, min);
            // 1 + cos is a difference near the end: it keeps the roundings of 1, some of 1.1e-16, whatever is left.
            case.agrees_within("rate", &rate, base * 1e-14);
        }
    });
}

/// The accuracy is the reference's for batches in which some rows are right, and logits so far from 0 that exponentials are
/// infinite or 0: the largest logit is found without them.
///
/// Look at: the axis of the largest logit, the mean over rows, and its type.
#[test]
fn accuracy_agrees_with_the_reference() {
    drawn!("accuracy", 8, |case| {
        let (batch, classes) = (case.axis("B", 7..=60), case.axis("K", 3..=9));
        let kind = case.kind();
        let raised = case.tensor(&[batch, 1], kind, Spread::of(1000.0));
        let logits = case.tensor(&[batch, classes], kind, Spread::of(30.0)) + raised;
        let other = case.labels(batch, classes);
        let share = case.number("share of rows with their largest logit as label", 0.2, 0.8);
        let right: Vec<_> = (0..batch).map(|_| case.unit() < share).collect();
        let right = Tensor::from_slice(&right);
        let labels = logits.argmax(-1, false).where_self(&right, &other);
        case.agrees("accuracy", &accuracy(&logits, &labels));
    });
}

/// `trunc_normal` draws f32 numbers of the shape and the standard deviation asked for, from a normal distribution that is cut off at
/// two standard deviations, each by itself and anew in each call.
///
/// Look at: numbers beyond the ends are drawn again, not moved to the ends; `std` is the deviation before the cut.
#[test]
fn trunc_normal_has_its_distribution() {
    // The places of all cases together: a sum of two uniform numbers differs too little for those of one.
    let pooled = PooledValues::default();
    drawn!("trunc_normal", 6, |case| {
        let shape = [
            case.axis("first axis", 30..=50),
            case.axis("second axis", 20..=40),
        ];
        let std = case.number("std", 0.01, 3.0);
        let drawn: Vec<_> = ["first", "second"]
            .into_iter()
            .map(|call| {
                let drawn = trunc_normal(&shape, std);
                case.compares();
                assert_eq!(drawn.size(), shape, "the shape asked for is on the right");
                assert_eq!(drawn.kind(), Kind::Float, "f32 is on the right");
                (
                    format!("the {call} call"),
                    truncated_normal_scores(call, &drawn, std),
                )
            })
            .collect();
        for (call, scores) in &drawn {
            assert_few_alike(call, scores);
        }
        assert_drawn_apart(&drawn);
        let scores = drawn.into_iter().flat_map(|(_, scores)| scores);
        pooled.add(scores);
    });
    pooled.assert_uniform("places between both ends of the distribution");
}

/// Initial weights, class token and positions are those of `trunc_normal`, all of them drawn one by one and others in each
/// new model; biases are 0, norms start with weights of 1.
///
/// Look at: linear layers inside the blocks, too, which start otherwise by themselves.
#[test]
fn initial_values_have_their_distribution() {
    let pooled = PooledValues::default();
    drawn!("initial_values", 4, |case| {
        let config = VitConfig {
            dim: 4 * case.axis("D / 4", 2..=4),
            heads: case.pick(&[1, 2, 4]),
            ..config(case)
        };
        let models = ["first", "second"].map(|model| {
            let vs = VarStore::new(Device::Cpu);
            let _vit = Vit::new(&vs.root(), &config);
            case.compares();
            (model, vs)
        });
        pooled.add(assert_initial_values(&models, INITIAL_STD));
    });
    pooled.assert_uniform("initial values, as places between both ends of the distribution,");
}

/// Dropout takes single numbers with probability p behind the sum with the positions, behind each block's attention and behind
/// each block's MLP, divides what is left by 1 − p, and draws anew in each call.
///
/// In each case all tokens are one small constant at one of these places, and nothing else adds to it: the features are then
/// the norm of what dropout leaves. It is as small as the root of epsilon, so that its size can be seen behind the norm.
///
/// Look at: dropout behind the sum with the positions, and what `with_dropout` of each block gets.
#[test]
fn dropout_takes_numbers_by_chance() {
    // Over all cases: the numbers kept in each call, for each of the three places.
    let all = RefCell::new([vec![], vec![], vec![]]);
    drawn!("chance", 4, |case| {
        let p = case.pick(&[0.1, 0.2, 0.3]);
        case.note("dropout", p);
        let config = VitConfig {
            image: 6,
            patch: 3,
            dim: 24,
            depth: 2,
            heads: 3,
            dropout: p,
            ..config(case)
        };
        let level = case.number("thousandths", 1.0, 3.0) / 1000.0;
        let block = case.pick(&[0, 1]);
        let places = [
            vec![
                "cls_token".to_owned(),
                "patch_embed.proj.bias".to_owned(),
                "pos_embed".to_owned(),
            ],
            vec![format!("blocks.{block}.attn.proj.bias")],
            vec![format!("blocks.{block}.mlp.fc2.bias")],
        ];
        for (number, place) in places.iter().enumerate() {
            let mut vs = VarStore::new(Device::Cpu);
            let vit = Vit::new(&vs.root(), &config);
            vs.double();
            tensor::set_all(&vs, |name| match name {
                // A token and its position together are the constant.
                "pos_embed" if place.len() > 1 => level / 4.0,
                _ if place.len() > 1 && place.iter().any(|it| it == name) => level * 0.75,
                _ if place.iter().any(|it| it == name) => level,
                "norm.weight" => 1.0,
                _ => 0.0,
            });
            let images = case.tensor(&[60, config.channels, 6, 6], Kind::Double, Spread::UNIT);
            let masks = [(); 2].map(|()| {
                let features = vit.forward_features(&images, true);
                case.compares();
                kept_before_norm(&features, level, p)
            });
            let what = &place[0];
            for kept in &masks {
                assert_kept(&format!("kept where {what} is all"), kept, p);
                all.borrow_mut()[number].push(Row::of(kept, 1.0 - p));
                // Tokens of 24 numbers, and images of five tokens.
                for (apart, name) in [(24, "two tokens"), (120, "two images")] {
                    let halves: Vec<_> = kept.chunks_exact(2 * apart).collect();
                    let a: Vec<_> = halves.iter().flat_map(|it| it[..apart].to_vec()).collect();
                    let b: Vec<_> = halves.iter().flat_map(|it| it[apart..].to_vec()).collect();
                    assert_independent(name, &a, &b, p);
                }
            }
            assert_independent("two calls", &masks[0], &masks[1], p);
        }
    });
    for rows in all.borrow().iter() {
        assert_numbers("numbers kept in all cases", rows);
    }
}

/// Two to four steps from drawn weights, with drawn batches and rates, begin with the reference's losses and leave its
/// weights; and so do further steps from where these have led.
///
/// All is f64. A loss may still be f32, as tch's own is: of a few units, it is off by some 1e-7. AdamW divides gradients by about their
/// own size, so that a weight is off by a small share of the rate; without weight decay, it would be a hundredth.
///
/// Look at: the first loss that is off. The first itself: logits go into the loss, not probabilities. The second: the rate and
/// the optimiser's settings. Only a later one: what is left over from the steps before.
#[test]
fn fit_agrees_with_the_reference() {
    drawn!("fit", 6, |case| {
        let config = config(case);
        let mut vs = VarStore::new(Device::Cpu);
        let vit = Vit::new(&vs.root(), &config);
        vs.double();
        case.fill(&vs);
        let batch = case.axis("B", 3..=5);
        for _part in ["from drawn weights", "from there on"] {
            let steps = case.size("steps", 2..=4);
            let rates: Vec<_> = (0..steps)
                .map(|_| case.number("rate", 1e-3, 3e-2))
                .collect();
            let batches: Vec<_> = (0..steps)
                .map(|_| {
                    let shape = [batch, config.channels, config.image, config.image];
                    let images = case.tensor(&shape, Kind::Double, Spread::UNIT);
                    (images, case.labels(batch, config.classes))
                })
                .collect();
            let losses = fit(&vs, &vit, &batches, |step| rates[step as usize]);
            case.agrees_within("losses", &Tensor::from_slice(&losses), 3e-6);
            let largest = rates.iter().copied().fold(0.0, f64::max);
            // Not qkv.bias: a third of its gradient is 0 but for roundings, which AdamW makes as large as the rate.
            let named = [
                case.pick(&["head.weight", "norm.weight"]),
                case.pick(&["cls_token", "blocks.0.norm2.weight"]),
                case.pick(&["blocks.0.attn.proj.weight", "blocks.0.mlp.fc2.bias"]),
            ];
            for name in named {
                case.agrees_within(name, &tensor::variable(&vs, name), 2e-3 * largest);
            }
        }
    });
}

/// A model that is sure of itself: its logits differ by thousands. A probability is then 0, also in f64, and its logarithm
/// infinite, and so is the sum of the exponentials; the loss is a number of that size all the same.
///
/// All is f64, but a loss may be f32, as tch's own is: with logits of up to some thousands, 1e4 · 2⁻²⁴ = 6e-4.
///
/// Look at: the loss. The logarithm of a softmax is taken in one step, by `log_softmax` or `cross_entropy_for_logits`; written
/// by hand, the row's largest logit is subtracted before the exponential, and no logarithm of a probability is taken.
#[test]
fn fit_agrees_for_large_logits() {
    drawn!("fit_of_large_logits", 4, |case| {
        let config = config(case);
        let mut vs = VarStore::new(Device::Cpu);
        let vit = Vit::new(&vs.root(), &config);
        vs.double();
        case.fill(&vs);
        tensor::change(&vs, "head.weight", |it| it * 3000.0);
        let batch = case.axis("B", 3..=5);
        let shape = [batch, config.channels, config.image, config.image];
        let images = case.tensor(&shape, Kind::Double, Spread::UNIT);
        let labels = case.labels(batch, config.classes);
        let rate = case.number("rate", 1e-3, 3e-2);
        let losses = fit(&vs, &vit, &[(images, labels)], |_| rate);
        case.agrees_within("losses", &Tensor::from_slice(&losses), 1e-3);
    });
}

/// In f64, logits of up to 1e5 are off by some 1e-11, and a second block makes that up to 1e5 times as much.
const OF_LARGE_LOGITS: f64 = 1e-6;

/// Fails unless logits, features and weights of attention are the reference's, within `absolute` more than usual.
fn assert_evaluation_agrees(case: &Case<'_>, vit: &Vit, images: &Tensor, absolute: f64) {
    case.agrees_within("logits", &vit.forward_t(images, false), absolute);
    case.agrees_within("features", &vit.forward_features(images, false), absolute);
    for (l, weights) in vit.attentions(images).iter().enumerate() {
        case.agrees_within(&format!("attention.{l}"), weights, absolute);
    }
}

/// A model's sizes: two or three patches to a side, one or two blocks, two or three heads; positions are learned.
fn config(case: &mut Case<'_>) -> VitConfig {
    let (patch, heads) = (case.axis("patch", 2..=4), case.axis("h", 2..=3));
    VitConfig {
        image: patch * case.axis("patches per side", 2..=3),
        patch,
        channels: case.axis("C", 1..=3),
        classes: case.axis("K", 3..=5),
        dim: heads * case.pick(&[2, 4]),
        depth: case.axis("L", 1..=2),
        heads,
        mlp_ratio: case.axis("r", 1..=3),
        dropout: 0.0,
        positions: Positions::Learned,
        pool: case.pick(&[Pool::Cls, Pool::Mean]),
    }
}

/// A model of drawn weights, images, and both by name.
fn model(case: &mut Case<'_>, config: &VitConfig) -> (VarStore, Vit, Vec<(String, Tensor)>) {
    let kind = case.kind();
    model_of(case, config, kind)
}

/// As `model`, of this type.
fn model_of(
    case: &mut Case<'_>,
    config: &VitConfig,
    kind: Kind,
) -> (VarStore, Vit, Vec<(String, Tensor)>) {
    let mut vs = VarStore::new(Device::Cpu);
    let vit = Vit::new(&vs.root(), config);
    if kind == Kind::Double {
        vs.double();
    }
    case.fill(&vs);
    let images = images(case, config, kind).set_requires_grad(true);
    let mut inputs = vec![("images".to_owned(), images)];
    inputs.extend(tensor::variables(&vs));
    (vs, vit, inputs)
}

fn images(case: &mut Case<'_>, config: &VitConfig, kind: Kind) -> Tensor {
    let batch = case.axis("B", 1..=3);
    let shape = [batch, config.channels, config.image, config.image];
    case.tensor(&shape, kind, Spread::UNIT)
}
