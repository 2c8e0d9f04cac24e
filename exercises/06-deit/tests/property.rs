//! Properties that hold for all sizes and values, checked without stored numbers; and the effects of random draws.

use deit::{Deit, Distillation, distillation_loss};
use proptest::prelude::*;
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};
use testkit::{Tolerance, assert_close, tensor};
use vit::{Pool, Positions, VitConfig};

/// Two ways to one result in f32, through up to two blocks with sums of at most 100 terms of about 1.
const F32: Tolerance = Tolerance::new(1e-5, 1e-5);

/// Two ways to one loss in f64: sums of at most 36 terms, none larger than 100.
const F64: Tolerance = Tolerance::new(1e-10, 1e-11);

prop_compose! {
    /// Small models of all sorts.
    fn configs()(
        patches in 1..=3_i64,
        patch in 1..=4_i64,
        channels in 1..=3_i64,
        classes in 2..=4_i64,
        heads in 1..=2_i64,
        per_head in 2..=4_i64,
        depth in 0..=2_i64,
    ) -> VitConfig {
        VitConfig {
            image: patches * patch,
            patch,
            channels,
            classes,
            dim: heads * per_head,
            depth,
            heads,
            ..small()
        }
    }
}

/// A batch for the loss. Prints its sizes and its seed.
#[derive(Clone, Copy, Debug)]
struct Batch {
    images: i64,
    classes: i64,
    temperature: f64,
    alpha: f64,
    seed: u32,
}

prop_compose! {
    fn batches()(
        images in 1..=4_i64,
        classes in 2..=6_i64,
        temperature in 0.5..8.0_f64,
        alpha in 0.1..0.9_f64,
        seed: u32,
    ) -> Batch {
        Batch { images, classes, temperature, alpha, seed }
    }
}

impl Batch {
    fn logits(&self, whose: &str) -> Tensor {
        let name = format!("{whose} {}", self.seed);
        tensor::uniform(&name, &[self.images, self.classes], Kind::Double) * 4.0
    }

    fn labels(&self) -> Tensor {
        let draws = tensor::uniform(
            &format!("labels {}", self.seed),
            &[self.images],
            Kind::Double,
        );
        ((draws + 1.0) / 2.0 * self.classes as f64)
            .floor()
            .to_kind(Kind::Int64)
    }

    fn soft(&self) -> Distillation {
        Distillation::Soft {
            temperature: self.temperature,
            alpha: self.alpha,
        }
    }

    fn with_alpha(&self, alpha: f64) -> Distillation {
        Distillation::Soft {
            temperature: self.temperature,
            alpha,
        }
    }
}

proptest! {
    #![proptest_config(testkit::property::config(16))]

    /// Evaluation gives the mean of the two heads' logits, of the logits themselves: no softmax before it or behind it.
    /// Look at: `forward_eval`, which needs both heads.
    #[test]
    fn evaluation_is_the_mean_of_both_heads_logits(config in configs()) {
        let (_vs, deit) = filled(&config);
        let images = images(&config, 2);
        let (class_logits, dist_logits) = deit.forward_train(&images);
        assert_close!(&deit.forward_eval(&images), &((class_logits + dist_logits) / 2.0), F32);
    }

    /// Without blocks, each head sees its own token with its position, normalised, and nothing else: row 0 is the class
    /// token's, row 1 the distillation token's.
    /// Look at: which token stands where, and which row goes to which head.
    #[test]
    fn without_blocks_each_head_sees_its_own_token(config in configs()) {
        let config = VitConfig { depth: 0, ..config };
        let (vs, deit) = filled(&config);
        let (class_logits, dist_logits) = deit.forward_train(&images(&config, 2));
        let positions = of(&vs, "pos_embed");
        let expected = |token: &str, row: i64, head: &str| {
            let token = of(&vs, token).squeeze_dim(0) + positions.select(1, row);
            let token = token.layer_norm([config.dim], Some(of(&vs, "norm.weight")), Some(of(&vs, "norm.bias")), 1e-6, false);
            let (weight, bias) = (of(&vs, &format!("{head}.weight")), of(&vs, &format!("{head}.bias")));
            token.linear(&weight, Some(&bias)).expand([2, -1], false)
        };
        assert_close!(&class_logits, &expected("cls_token", 0, "head"), F32);
        assert_close!(&dist_logits, &expected("dist_token", 1, "head_dist"), F32);
    }

    /// Each image alone gives what it gives in a batch.
    /// Look at: both tokens are the same for all images, and no sum runs over the batch.
    #[test]
    fn each_image_of_a_batch_is_on_its_own(config in configs()) {
        let (_vs, deit) = filled(&config);
        let images = images(&config, 3);
        let together = deit.forward_eval(&images);
        for i in 0..3 {
            let alone = deit.forward_eval(&images.narrow(0, i, 1).contiguous());
            assert_close!(&together.narrow(0, i, 1), &alone, F32);
        }
    }

    /// With α = 1 the soft loss is the labels' cross entropy, whatever the teacher says. With α = 0 labels and class token do
    /// not matter. In between, the loss lies on the line from one to the other.
    /// Look at: which part α stands before, and that T² belongs to the other one alone.
    #[test]
    fn alpha_weighs_the_labels_against_the_teacher(batch in batches()) {
        let (class, dist, teacher) = (batch.logits("class"), batch.logits("dist"), batch.logits("teacher"));
        let labels = batch.labels();
        let labels_alone = distillation_loss(&class, &dist, &teacher, &labels, batch.with_alpha(1.0));
        let expected = -(class.log_softmax(-1, Kind::Double) * labels.onehot(batch.classes)).sum(Kind::Double) / batch.images;
        assert_close!(&labels_alone, &expected, F64);

        let teacher_alone = distillation_loss(&class, &dist, &teacher, &labels, batch.with_alpha(0.0));
        let (other_class, other_labels) = (batch.logits("other class"), (&labels + 1).remainder(batch.classes));
        let of_others = distillation_loss(&other_class, &dist, &teacher, &other_labels, batch.with_alpha(0.0));
        assert_close!(&of_others, &teacher_alone, F64);

        let both = distillation_loss(&class, &dist, &teacher, &labels, batch.soft());
        let expected = labels_alone * batch.alpha + teacher_alone * (1.0 - batch.alpha);
        assert_close!(&both, &expected, F64);
    }

    /// The loss of a batch is the mean of its images' losses, soft and hard.
    /// Look at: what the sums are divided by: images, not classes.
    #[test]
    fn the_loss_of_a_batch_is_the_mean_over_its_images(batch in batches()) {
        let (class, dist, teacher) = (batch.logits("class"), batch.logits("dist"), batch.logits("teacher"));
        let labels = batch.labels();
        for distillation in [batch.soft(), Distillation::Hard] {
            let together = distillation_loss(&class, &dist, &teacher, &labels, distillation);
            let mut sum = Tensor::from(0.0);
            for i in 0..batch.images {
                let [class, dist, teacher, labels] = [&class, &dist, &teacher, &labels].map(|of| of.narrow(0, i, 1).contiguous());
                sum += distillation_loss(&class, &dist, &teacher, &labels, distillation);
            }
            assert_close!(&together, &(sum / batch.images), F64);
        }
    }

    /// One class more, which neither teacher nor student gives any probability, changes no loss: it is a sum over the
    /// classes, not a mean.
    /// Look at: what the divergence is divided by.
    #[test]
    fn a_class_that_nobody_thinks_of_changes_no_loss(batch in batches()) {
        let logits = [batch.logits("class"), batch.logits("dist"), batch.logits("teacher")];
        let labels = batch.labels();
        // e^(−1000/8) is 5e-55.
        let wider = logits.each_ref().map(|logits| {
            let column = Tensor::full([batch.images, 1], -1000.0, (Kind::Double, Device::Cpu));
            Tensor::cat(&[logits, &column], 1)
        });
        for distillation in [batch.soft(), Distillation::Hard] {
            let [class, dist, teacher] = &logits;
            let expected = distillation_loss(class, dist, teacher, &labels, distillation);
            let [class, dist, teacher] = &wider;
            let got = distillation_loss(class, dist, teacher, &labels, distillation);
            assert_close!(&got, &expected, F64);
        }
    }

    /// A student that says what its teacher says has nothing to learn from it: with α = 0 its soft loss is 0, also where its
    /// logits are all higher by the same number. For a student that says anything else, it is above 0.
    /// Look at: both logits get the same temperature and the same softmax.
    #[test]
    fn the_soft_loss_is_zero_for_a_student_that_agrees(batch in batches()) {
        let (class, dist, teacher) = (batch.logits("class"), batch.logits("dist"), batch.logits("teacher"));
        let labels = batch.labels();
        let agreeing = distillation_loss(&class, &(&teacher + 3.0), &teacher, &labels, batch.with_alpha(0.0));
        assert_close!(&agreeing, &Tensor::from(0.0), F64);
        let loss = distillation_loss(&class, &dist, &teacher, &labels, batch.with_alpha(0.0)).double_value(&[]);
        prop_assert!(loss > 0.0, "a student that does not agree has a loss of {loss}");
    }

    /// The hard loss knows the teacher's decision and nothing else: how sure it is changes nothing, another decision does.
    /// Look at: `argmax` over the classes, and cross entropy of the distillation token's logits with it.
    #[test]
    fn the_hard_loss_sees_the_teachers_decision_alone(batch in batches()) {
        let (class, dist, teacher) = (batch.logits("class"), batch.logits("dist"), batch.logits("teacher"));
        let labels = batch.labels();
        let loss = |teacher: &Tensor| distillation_loss(&class, &dist, teacher, &labels, Distillation::Hard);
        let expected = loss(&teacher);
        assert_close!(&loss(&(&teacher * 0.1 - 7.0)), &expected, F64);
        let decision = teacher.argmax(-1, false);
        assert_close!(&loss(&decision.onehot(batch.classes).to_kind(Kind::Double)), &expected, F64);

        // Everybody's next class instead, which costs the distillation token's logits what they differ by.
        let next = (&decision + 1).remainder(batch.classes);
        let at = |classes: &Tensor| dist.gather(1, &classes.unsqueeze(1), false).sum(Kind::Double);
        let change = (at(&decision) - at(&next)) / (2 * batch.images);
        let other = loss(&next.onehot(batch.classes).to_kind(Kind::Double));
        assert_close!(&other, &(expected + change), F64);
    }
}

/// Without dropout, training and evaluation are the same model. With dropout, evaluation does not change: it has none, and
/// neither have the attentions.
/// Look at: where `train` goes: behind the positions, and into each block.
#[test]
fn evaluation_has_no_randomness() {
    for depth in [0, 2] {
        let plain = VitConfig { depth, ..small() };
        let dropping = VitConfig {
            dropout: 0.5,
            ..plain.clone()
        };
        let images = images(&plain, 2);
        let (_vs, deit) = filled(&plain);
        let (logits, attentions) = (deit.forward_eval(&images), deit.attentions(&images));

        let (_vs, deit) = filled(&dropping);
        assert_close!(&deit.forward_eval(&images), &logits, F32);
        for (got, expected) in deit.attentions(&images).iter().zip(&attentions) {
            assert_close!(got, expected, F32);
        }
    }
}

/// Dropout acts in training, behind the positions and in each block: logits of copies of one image vary where there is
/// nothing but a block, since tokens, patches and positions are zero, and where there are no blocks. Both heads' do.
/// Look at: dropout behind the sum with the positions, and that the blocks are told that this is training.
#[test]
fn dropout_acts_in_training_behind_the_positions_and_in_the_blocks() {
    for depth in [1, 0] {
        let config = VitConfig {
            depth,
            dropout: 0.5,
            ..small()
        };
        let (vs, deit) = filled(&config);
        let embedding = [
            "cls_token",
            "dist_token",
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
        let (class_logits, dist_logits) = deit.forward_train(&images);
        for (whose, logits) in [("class", class_logits), ("distillation", dist_logits)] {
            let spread = logits.std_dim(0, true, false).min().double_value(&[]);
            assert!(
                spread > 1e-3,
                "with {depth} blocks, copies of one image have {whose} logits with a standard deviation of {spread:.1e} in training"
            );
        }
    }
}

/// A model with weights that do not depend on random draws.
fn filled(config: &VitConfig) -> (VarStore, Deit) {
    let vs = VarStore::new(Device::Cpu);
    let deit = Deit::new(&vs.root(), config);
    tensor::fill(&vs);
    for (name, variable) in tensor::variables(&vs) {
        if name.contains("norm") && name.ends_with("weight") {
            let _ = variable.detach().g_add_scalar_(1.0);
        }
    }
    (vs, deit)
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
        mlp_ratio: 2,
        dropout: 0.0,
        positions: Positions::Learned,
        pool: Pool::Cls,
    }
}
