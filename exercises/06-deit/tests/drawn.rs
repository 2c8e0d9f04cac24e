//! Each function against the reference, on sizes and values that are drawn; dropout and initial values against their
//! distributions.

use deit::{Deit, Distillation, distillation_loss};
use std::cell::RefCell;
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor, no_grad_guard};
use testkit::distribution::{PooledValues, Row, assert_independent, assert_numbers};
use testkit::drawn::{Case, Spread};
use testkit::dropout::{assert_kept, kept_before_norm};
use testkit::gradient::vjp;
use testkit::initialisation::assert_initial_values;
use testkit::{drawn, tensor};
use vit::{INITIAL_STD, Pool, Positions, VitConfig};

/// The answer, and its gradients, are the reference's for drawn weights, in f32 and f64.
///
/// Look at: which token each head sees, and the mean of their logits.
#[test]
fn evaluation_agrees_with_the_reference() {
    drawn!("evaluation", 6, |case| {
        let config = config(case);
        let (_vs, deit, inputs) = model(case, &config);
        let images = &inputs[0].1;
        let named = [
            "images",
            case.pick(&["cls_token", "dist_token", "pos_embed"]),
            case.pick(&["head.weight", "head_dist.weight", "norm.bias"]),
        ];
        let shape = [images.size()[0], config.classes];
        let forward = || deit.forward_eval(images);
        let logits = case.gradients_agree(&shape, forward, &inputs, &named);
        case.agrees("logits", &logits);
    });
}

/// Both heads' logits, and their gradients, are the reference's for drawn weights, in f32 and f64.
///
/// Look at: which token each head sees, and which of the two comes first.
#[test]
fn both_heads_agree_with_the_reference() {
    drawn!("both_heads", 6, |case| {
        let config = config(case);
        let (_vs, deit, inputs) = model(case, &config);
        let images = &inputs[0].1;
        let last = format!("blocks.{}.mlp.fc1.weight", config.depth - 1);
        let named = [
            "images",
            case.pick(&["cls_token", "dist_token", "pos_embed"]),
            case.pick(&["head.weight", "head_dist.bias", "patch_embed.proj.weight"]),
            &last,
        ];
        let shape = [2, images.size()[0], config.classes];
        let forward = || {
            let (class_logits, dist_logits) = deit.forward_train(images);
            Tensor::stack(&[class_logits, dist_logits], 0)
        };
        let pair = case.gradients_agree(&shape, forward, &inputs, &named);
        case.agrees("pair", &pair);
    });
}

/// The weights of each head in each block are the reference's, whatever dropout the model has.
///
/// Look at: the order of the blocks, and both tokens in front.
#[test]
fn attentions_agree_with_the_reference() {
    drawn!("attentions", 6, |case| {
        let config = VitConfig {
            depth: case.axis("L", 2..=3),
            dropout: 0.5,
            ..config(case)
        };
        let (_vs, deit, inputs) = model(case, &config);
        let attentions = deit.attentions(&inputs[0].1.detach());
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
fn deit_agrees_where_the_mean_is_large() {
    drawn!("deit_of_a_large_mean", 3, |case| {
        let config = config(case);
        let (vs, deit, inputs) = model_of(case, &config, Kind::Double);
        let mean = case.number("mean", 3e6, 1e7) * case.pick(&[-1.0, 1.0]);
        tensor::change(&vs, "pos_embed", |it| it + mean);
        assert_model_agrees(case, &deit, &inputs[0].1.detach(), 0.0);
    });
}

/// Weights of attention so large that logits are thousands, whose exponentials are infinite, or all 0, also in f64.
/// Whoever writes attention again within the model must subtract each row's largest logit before the exponential.
///
/// Look at: the softmax of attention, if it is not that of exercise 03.
#[test]
fn deit_agrees_for_large_logits_of_attention() {
    drawn!("deit_of_large_logits_of_attention", 3, |case| {
        let config = config(case);
        let (vs, deit, inputs) = model_of(case, &config, Kind::Double);
        tensor::change(&vs, "qkv", |it| it * 100.0);
        let images = inputs[0].1.detach();
        assert_model_agrees(case, &deit, &images, OF_LARGE_LOGITS);
    });
}

/// The soft loss and its gradients are the reference's for drawn temperatures and α, in f32 and f64.
///
/// Look at: T², the mean over the batch alone, and which of the two distributions is the teacher's.
#[test]
fn the_soft_loss_agrees_with_the_reference() {
    drawn!("soft_loss", 8, |case| {
        let (logits, labels) = logits(case, 2.0);
        let distillation = soft(case, 0.5, 5.0);
        assert_loss_agrees(case, &logits, &labels, distillation, 0.0);
    });
}

/// The hard loss and its gradients are the reference's, in f32 and f64.
///
/// Look at: the teacher's decision is the label of the distillation token, and both losses count half.
#[test]
fn the_hard_loss_agrees_with_the_reference() {
    drawn!("hard_loss", 8, |case| {
        let (logits, labels) = logits(case, 2.0);
        assert_loss_agrees(case, &logits, &labels, Distillation::Hard, 0.0);
    });
}

/// A sure teacher, a sure student, and a low temperature: logits that differ by hundreds, and divided by T by thousands. A
/// probability is then 0 in f32 and in f64, and its logarithm is infinite: the logarithm of a softmax is taken in one step.
///
/// Look at: every logarithm of a softmax, and every division by a probability.
#[test]
fn losses_agree_for_large_logits() {
    drawn!("losses_of_large_logits", 8, |case| {
        let (logits, labels) = logits(case, 300.0);
        let distillation = match case.pick(&[false, true, true]) {
            false => Distillation::Hard,
            true => soft(case, 0.05, 0.3),
        };
        assert_loss_agrees(case, &logits, &labels, distillation, SURE);
    });
}

/// Initial weights, both tokens and positions are those of `trunc_normal`, all of them drawn one by one and others in each new
/// model; biases are 0, norms start with weights of 1.
///
/// Look at: what a DeiT has beside a ViT, which starts as the rest does.
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
            let _deit = Deit::new(&vs.root(), &config);
            case.compares();
            (model, vs)
        });
        pooled.add(assert_initial_values(&models, INITIAL_STD));
    });
    pooled.assert_uniform("initial values, as places between both ends of the distribution,");
}

/// In training, dropout takes single numbers with probability p behind the sum with the positions, behind each block's attention and
/// behind each block's MLP, divides what is left by 1 − p, and draws anew in each call.
///
/// In each case all tokens are one small constant at one of these places, and nothing else adds to it; both heads give back
/// what they see. The logits are then the norm of what dropout leaves. The constant is as small as the root of epsilon, so
/// that its size can be seen behind the norm.
///
/// Look at: dropout behind the sum with the positions, and what each block is told of training.
#[test]
fn dropout_takes_numbers_by_chance() {
    // Over all cases: the numbers kept in each call, for each of the three places, and of all tokens behind the positions.
    let all = RefCell::new([vec![], vec![], vec![], vec![]]);
    drawn!("chance", 4, |case| {
        let p = case.pick(&[0.1, 0.2, 0.3]);
        case.note("dropout", p);
        let config = VitConfig {
            image: 6,
            patch: 3,
            classes: 24,
            dim: 24,
            depth: 2,
            heads: 3,
            dropout: p,
            ..config(case)
        };
        let level = case.number("thousandths", 1.0, 3.0) / 1000.0;
        let block = case.pick(&[0, 1]);
        let embedding = [
            "cls_token",
            "dist_token",
            "patch_embed.proj.bias",
            "pos_embed",
        ];
        let places = [
            embedding.map(str::to_owned).to_vec(),
            vec![format!("blocks.{block}.attn.proj.bias")],
            vec![format!("blocks.{block}.mlp.fc2.bias")],
        ];
        for (number, place) in places.iter().enumerate() {
            let mut vs = VarStore::new(Device::Cpu);
            let deit = Deit::new(&vs.root(), &config);
            vs.double();
            tensor::set_all(&vs, |name| match name {
                // A token and its position together are the constant.
                "pos_embed" if place.len() > 1 => level / 4.0,
                _ if place.len() > 1 && place.iter().any(|it| it == name) => level * 0.75,
                _ if place.iter().any(|it| it == name) => level,
                "norm.weight" => 1.0,
                _ => 0.0,
            });
            for head in ["head.weight", "head_dist.weight"] {
                let _guard = no_grad_guard();
                let same = Tensor::eye(24, (Kind::Double, Device::Cpu));
                vs.variables()[head].shallow_clone().copy_(&same);
            }
            let shape = [60, config.channels, 6, 6];
            let images = case.tensor(&shape, Kind::Double, Spread::UNIT);
            let masks = [(); 2].map(|()| {
                let (class_logits, dist_logits) = deit.forward_train(&images);
                case.compares();
                let features = Tensor::stack(&[class_logits, dist_logits], 0);
                kept_before_norm(&features, level, p)
            });
            let what = &place[0];
            for kept in &masks {
                assert_kept(&format!("kept where {what} is all"), kept, p);
                all.borrow_mut()[number].push(Row::of(kept, 1.0 - p));
                let (class, dist) = kept.split_at(kept.len() / 2);
                assert_independent("both tokens", class, dist, p);
            }
            assert_independent("two calls", &masks[0], &masks[1], p);
        }
        let rows = position_rows(case, &config, p);
        all.borrow_mut()[3].extend(rows);
    });
    for rows in all.borrow().iter() {
        assert_numbers("numbers kept in all cases", rows);
    }
}

/// The numbers that dropout keeps behind the sum with the positions in several calls, of all tokens of an image, of which the logits
/// show two: drawn one by one, they are not as many each time.
///
/// A position has a gradient where its number is kept.
fn position_rows(case: &mut Case<'_>, config: &VitConfig, p: f64) -> [Row; 4] {
    let config = VitConfig {
        image: 24,
        patch: 3,
        ..config.clone()
    };
    let mut vs = VarStore::new(Device::Cpu);
    let deit = Deit::new(&vs.root(), &config);
    vs.double();
    case.fill(&vs);
    let images = case.tensor(&[1, config.channels, 24, 24], Kind::Double, Spread::UNIT);
    let inputs = tensor::variables(&vs);
    let cotangent = case.tensor(&[2, 1, config.classes], Kind::Double, Spread::UNIT);
    [(); 4].map(|()| {
        let both = || {
            let (class_logits, dist_logits) = deit.forward_train(&images);
            Tensor::stack(&[class_logits, dist_logits], 0)
        };
        let gradients = vjp(both, &inputs, &cotangent).gradients;
        case.compares();
        Row::of(&tensor::bits(&gradients["pos_embed"].ne(0.0)), 1.0 - p)
    })
}

/// A model's sizes: two or three patches to a side, one or two blocks, two or three heads.
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
        pool: Pool::Cls,
    }
}

/// A model of drawn weights, images, and both by name.
fn model(case: &mut Case<'_>, config: &VitConfig) -> (VarStore, Deit, Vec<(String, Tensor)>) {
    let kind = case.kind();
    model_of(case, config, kind)
}

/// As `model`, of this type.
fn model_of(
    case: &mut Case<'_>,
    config: &VitConfig,
    kind: Kind,
) -> (VarStore, Deit, Vec<(String, Tensor)>) {
    let mut vs = VarStore::new(Device::Cpu);
    let deit = Deit::new(&vs.root(), config);
    if kind == Kind::Double {
        vs.double();
    }
    case.fill(&vs);
    let batch = case.axis("B", 1..=3);
    let shape = [batch, config.channels, config.image, config.image];
    let images = case.tensor(&shape, kind, Spread::UNIT);
    let mut inputs = vec![("images".to_owned(), images.set_requires_grad(true))];
    inputs.extend(tensor::variables(&vs));
    (vs, deit, inputs)
}

/// In f64, logits of up to 1e5 are off by some 1e-11, and a second block makes that up to 1e5 times as much.
const OF_LARGE_LOGITS: f64 = 1e-6;

/// Fails unless the answer, both heads' logits and the weights of attention are the reference's, within `absolute` more than usual.
fn assert_model_agrees(case: &Case<'_>, deit: &Deit, images: &Tensor, absolute: f64) {
    case.agrees_within("logits", &deit.forward_eval(images), absolute);
    let (class_logits, dist_logits) = deit.forward_train(images);
    case.agrees_within(
        "pair",
        &Tensor::stack(&[class_logits, dist_logits], 0),
        absolute,
    );
    for (l, weights) in deit.attentions(images).iter().enumerate() {
        case.agrees_within(&format!("attention.{l}"), weights, absolute);
    }
}

/// The class token's, the distillation token's and the teacher's logits, by name, and labels.
fn logits(case: &mut Case<'_>, std: f64) -> (Vec<(String, Tensor)>, Tensor) {
    let (batch, classes, kind) = (case.axis("B", 2..=7), case.axis("K", 3..=9), case.kind());
    let names = ["class_logits", "dist_logits", "teacher_logits"];
    let logits = names.map(|name| {
        let logits = case.tensor(&[batch, classes], kind, Spread::of(std));
        (name.to_owned(), logits.set_requires_grad(true))
    });
    (logits.into(), case.labels(batch, classes))
}

/// A temperature from `low` to `high`, and α.
fn soft(case: &mut Case<'_>, low: f64, high: f64) -> Distillation {
    Distillation::Soft {
        temperature: case.number("T", low, high),
        alpha: case.number("α", 0.1, 0.9),
    }
}

/// A gradient is a probability times T. As the exponential of logit/T − logsumexp, a probability near 1 keeps what f32 rounds of
/// both, 6e-8 · logit/T, however little it depends on the logits: with logits of up to 1500 that is 9e-5 of the gradient, and four
/// times that is allowed.
const SURE: f64 = 4e-4;

/// Fails unless the loss agrees, and its gradients within `absolute` more.
fn assert_loss_agrees(
    case: &mut Case<'_>,
    logits: &[(String, Tensor)],
    labels: &Tensor,
    distillation: Distillation,
    absolute: f64,
) {
    let [class, dist, teacher] = [0, 1, 2].map(|i| &logits[i].1);
    let forward = || distillation_loss(class, dist, teacher, labels, distillation);
    let cotangent = Tensor::from(case.number("cotangent", 0.5, 1.0)).to_kind(class.kind());
    let vjp = vjp(forward, logits, &cotangent);
    case.agrees("loss", &vjp.output);
    for name in ["class_logits", "dist_logits"] {
        let gradient = vjp.gradients.get(name);
        let gradient = gradient.unwrap_or_else(|| panic!("no gradient reaches {name}"));
        case.agrees_within(&format!("grad.{name}"), gradient, absolute);
    }
}
