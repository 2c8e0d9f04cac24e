//! Gradients: against PyTorch's, of the model and of the loss; the variables that they reach, and those that they must
//! not.

use deit::{Deit, Distillation, distillation_loss};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor, no_grad};
use testkit::gradient::{assert_reaches_every, vjp};
use testkit::{Tolerance, assert_close, snapshot, tensor};
use vit::{Pool, Positions, VitConfig};

/// Both sides are f64 with sums of at most 32 terms about as large as 1, so 1e-14 off.
const F64: Tolerance = Tolerance::new(1e-10, 1e-12);

/// Lengths of gradients in f32, which have gone through twelve blocks and back; roundings cancel in them.
const LENGTHS_IN_F32: Tolerance = Tolerance::new(1e-5, 0.0);

/// The cosine of a gradient with a direction: as far off as the gradient is of its own length.
const DIRECTIONS_IN_F32: Tolerance = Tolerance::new(0.0, 1e-5);

/// The gradients of the images and of all variables, from both heads at once, are those that PyTorch computes for timm's
/// model.
/// Look at: the snapshot tests first. If they pass, something between images and logits is cut off from the gradient.
/// The output of the test names the row at which each variable begins.
#[test]
fn deits_gradients_match_timms() {
    let config = VitConfig {
        dim: 6,
        depth: 1,
        classes: 3,
        ..small()
    };
    let (_vs, deit, inputs) = filled(&config, Kind::Double);
    let cotangent = tensor::uniform("cotangent", &[2, 2, 3], Kind::Double);
    let gradients = vjp(|| both_heads(&deit, &inputs[0].1), &inputs, &cotangent).gradients;
    let mut rows = 0;
    let mut all = vec![];
    for (name, _) in &inputs {
        let gradient = gradients.get(name);
        let gradient = gradient.unwrap_or_else(|| panic!("no gradient reaches {name}"));
        println!("{name} begins at row {rows}");
        rows += gradient.numel();
        all.push(gradient.flatten(0, -1));
    }
    snapshot!("gradients", &Tensor::cat(&all, 0).unsqueeze(1), F64);
}

/// The gradients of DeiT-Tiny's 5.9 million weights have the lengths of timm's, and make the same angles with a direction
/// for each.
/// Look at: smaller tests first. What is printed says which row is whose.
#[test]
fn deit_tinys_gradients_match_timms() {
    let config = VitConfig {
        image: 224,
        patch: 16,
        channels: 3,
        classes: 1000,
        dim: 192,
        depth: 12,
        ..small()
    };
    let vs = VarStore::new(Device::Cpu);
    let deit = Deit::new(&vs.root(), &config);
    fill(&vs);
    let image = tensor::uniform("image", &[1, 3, 224, 224], Kind::Float);
    let inputs = tensor::variables(&vs);
    let cotangent = tensor::uniform("cotangent", &[2, 1, 1000], Kind::Float);
    let gradients = vjp(|| both_heads(&deit, &image), &inputs, &cotangent).gradients;
    let (mut lengths, mut cosines) = (vec![], vec![]);
    for (row, (name, variable)) in inputs.iter().enumerate() {
        let gradient = gradients.get(name);
        let gradient = gradient.unwrap_or_else(|| panic!("no gradient reaches {name}"));
        println!("row {row} is {name}");
        let gradient = gradient.to_kind(Kind::Double);
        let shape = variable.size();
        let direction = tensor::uniform(&format!("direction of {name}"), &shape, Kind::Float);
        let direction = direction.to_kind(Kind::Double);
        let length = gradient.norm();
        let cosine = (gradient * &direction).sum(Kind::Double) / &length / direction.norm();
        lengths.push(length);
        cosines.push(cosine);
    }
    let column = |values: &[Tensor]| Tensor::stack(values, 0).unsqueeze(1);
    let (lengths, cosines) = (column(&lengths), column(&cosines));
    snapshot!("deit_tiny_gradient_lengths", &lengths, LENGTHS_IN_F32);
    snapshot!("deit_tiny_gradient_directions", &cosines, DIRECTIONS_IN_F32);
}

/// A gradient reaches the images and every variable, both tokens and both heads among them.
/// Look at: whether both tokens, positions, each block, norm and both heads are used.
#[test]
fn training_reaches_every_variable() {
    let (_vs, deit, inputs) = filled(&small(), Kind::Double);
    assert_reaches_every(|| both_heads(&deit, &inputs[0].1), &inputs);
}

/// Evaluation has a gradient, too, for whoever looks at which pixels an answer comes from: half of either head's.
/// Look at: nothing in `forward_eval` may switch gradients off.
#[test]
fn evaluations_gradient_is_half_of_each_heads() {
    let (_vs, deit, inputs) = filled(&small(), Kind::Double);
    let cotangent = tensor::uniform("cotangent", &[2, 5], Kind::Double);
    let evaluation = vjp(|| deit.forward_eval(&inputs[0].1), &inputs, &cotangent);
    let halves = Tensor::stack(&[&cotangent, &cotangent], 0) / 2.0;
    let training = vjp(|| both_heads(&deit, &inputs[0].1), &inputs, &halves);
    for (name, _) in &inputs {
        let of = |vjp: &testkit::gradient::Vjp| {
            let gradient = vjp.gradients.get(name).map(Tensor::shallow_clone);
            gradient.unwrap_or_else(|| panic!("no gradient reaches {name}"))
        };
        assert_close!(&of(&evaluation), &of(&training), F64);
    }
}

/// The soft loss of six images has PyTorch's gradients, for the logits of both tokens (T = 3, α = 0.3).
/// Look at: the test of the loss itself. Where it passes, something is cut off: `detach` is for the teacher alone.
#[test]
fn the_soft_losss_gradients_match_pytorch() {
    let soft = Distillation::Soft {
        temperature: 3.0,
        alpha: 0.3,
    };
    snapshot!("soft_loss_gradients", &gradients_of_six(soft), F64);
}

/// The hard loss of six images has PyTorch's gradients, for the logits of both tokens.
/// Look at: each head's logits come into the loss once, the class token's with the labels, the distillation token's with the
/// teacher's decisions.
#[test]
fn the_hard_losss_gradients_match_pytorch() {
    let gradients = gradients_of_six(Distillation::Hard);
    snapshot!("hard_loss_gradients", &gradients, F64);
}

/// No gradient goes to the teacher, soft or hard, though its logits could take one: a teacher that learns from its student
/// makes the lesson easier until there is nothing left to learn.
/// Look at: `detach`, before the teacher's logits are used.
#[test]
fn no_gradient_reaches_the_teacher() {
    let soft = Distillation::Soft {
        temperature: 3.0,
        alpha: 0.3,
    };
    for distillation in [soft, Distillation::Hard] {
        let (inputs, labels) = six();
        let loss = || loss_of(&inputs, &labels, distillation);
        let gradients = vjp(loss, &inputs, &Tensor::from(1.0)).gradients;
        assert!(
            gradients.contains_key("dist_logits"),
            "no gradient reaches the student"
        );
        if let Some(gradient) = gradients.get("teacher_logits") {
            assert_close!(gradient, &gradient.zeros_like(), Tolerance::EXACT);
        }
    }
}

/// At a high temperature the gradient for the student's logits z is what Hinton et al. 2015, equation 4, say: the difference
/// from the teacher's logits v, without the part that all classes share, over K (and over B). Without T² it would be 10¹²
/// times smaller at T = 10⁶, with T once, 10⁶ times.
/// Look at: T² before the divergence; and both logits, not only one, are divided by T.
#[test]
fn t_squared_keeps_the_gradients_size() {
    let (inputs, labels) = six();
    let differences = (&inputs[1].1 - &inputs[2].1).detach();
    let common = differences.mean_dim(-1, true, Kind::Double);
    let expected = (differences - common) / (5.0 * 6.0) * 0.75;
    let hot = Distillation::Soft {
        temperature: 1e6,
        alpha: 0.25,
    };
    let gradients = vjp(
        || loss_of(&inputs, &labels, hot),
        &inputs,
        &Tensor::from(1.0),
    )
    .gradients;
    let gradient = gradients.get("dist_logits");
    let gradient = gradient.unwrap_or_else(|| panic!("no gradient reaches dist_logits"));
    // Equation 4 leaves out about z²/T of 1/40, 2e-7 with z up to 3. The softmaxes, of about 1/5, are rounded at 3e-17,
    // and their difference is multiplied by T: 3e-11.
    assert_close!(gradient, &expected, Tolerance::new(1e-5, 1e-6));
}

/// The class token learns from the labels alone, the distillation token from the teacher alone.
/// Look at: which logits stand in which part of the loss.
#[test]
fn each_token_learns_from_its_own_teacher() {
    for (distillation, left_out) in
        [(1.0, "dist_logits"), (0.0, "class_logits")].map(|(alpha, of)| {
            let temperature = 3.0;
            (Distillation::Soft { temperature, alpha }, of)
        })
    {
        let (inputs, labels) = six();
        let loss = || loss_of(&inputs, &labels, distillation);
        let gradients = vjp(loss, &inputs, &Tensor::from(1.0)).gradients;
        for name in ["class_logits", "dist_logits"] {
            let gradient = gradients.get(name);
            let largest = gradient.map_or(0.0, |it| it.abs().max().double_value(&[]));
            assert_eq!(
                largest == 0.0,
                name == left_out,
                "with {distillation:?}, the largest gradient for {name} is {largest:.1e}"
            );
        }
    }
}

/// Logits of class token, distillation token and teacher for six images and five classes, and their labels.
fn six() -> (Vec<(String, Tensor)>, Tensor) {
    let inputs = ["class", "dist", "teacher"].map(|whose| {
        let logits = tensor::uniform(&format!("{whose} logits"), &[6, 5], Kind::Double) * 3.0;
        (format!("{whose}_logits"), logits.set_requires_grad(true))
    });
    (inputs.into(), Tensor::from_slice(&[3_i64, 0, 4, 1, 1, 2]))
}

fn loss_of(logits: &[(String, Tensor)], labels: &Tensor, distillation: Distillation) -> Tensor {
    let (class, dist, teacher) = (&logits[0].1, &logits[1].1, &logits[2].1);
    distillation_loss(class, dist, teacher, labels, distillation)
}

/// Of the loss, for the logits of both tokens: [2, B, K].
fn gradients_of_six(distillation: Distillation) -> Tensor {
    let (inputs, labels) = six();
    let loss = || loss_of(&inputs, &labels, distillation);
    let gradients = vjp(loss, &inputs, &Tensor::from(1.0)).gradients;
    let both = ["class_logits", "dist_logits"].map(|name| {
        let gradient = gradients.get(name).map(Tensor::shallow_clone);
        gradient.unwrap_or_else(|| panic!("no gradient reaches {name}"))
    });
    Tensor::stack(&both, 0)
}

/// Both heads' logits as one tensor, [2, B, K], so that one cotangent belongs to both.
fn both_heads(deit: &Deit, images: &Tensor) -> Tensor {
    let (class_logits, dist_logits) = deit.forward_train(images);
    Tensor::stack(&[class_logits, dist_logits], 0)
}

/// The model, its images and all its variables, with weights that do not depend on random draws. The norms' are about 1.
fn filled(config: &VitConfig, kind: Kind) -> (VarStore, Deit, Vec<(String, Tensor)>) {
    let mut vs = VarStore::new(Device::Cpu);
    let deit = Deit::new(&vs.root(), config);
    vs.set_kind(kind);
    fill(&vs);
    let images = tensor::uniform("images", &[2, 2, 12, 12], kind);
    let mut inputs = vec![("images".to_owned(), images.set_requires_grad(true))];
    inputs.extend(tensor::variables(&vs));
    (vs, deit, inputs)
}

fn fill(vs: &VarStore) {
    tensor::fill(vs);
    for (name, mut variable) in tensor::variables(vs) {
        if name.contains("norm") && name.ends_with("weight") {
            let _ = no_grad(|| variable.g_add_scalar_(1.0));
        }
    }
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
