//! Serves the functions of 06 deit.

use deit::teacher::Teacher;
use deit::{Deit, Distillation, distillation_loss};
use std::process::ExitCode;
use tch::{Tensor, nn};
use vit::{Pool, Positions, VitConfig};
use wire::Fault;
use workers::training::{self, Batch, Learner, Lesson};
use workers::{
    Call, Operation, Outcome, attention_by_layer, differentiable, initial_values, serve,
    with_weights,
};

static OPERATIONS: &[Operation] = &[
    ("deit", deit),
    ("deit.new", |call| {
        let config = config(call)?;
        initial_values(|vs| Ok(Deit::new(vs, &config)))
    }),
    ("deit.forward_train", forward_train),
    ("deit.forward_eval", forward_eval),
    ("deit.attentions", attentions),
    ("distillation_loss", loss),
    ("train.device", training::find_device),
    ("train.data", training::data),
    ("train.start", start_training),
    ("train.load", training::load),
    ("train.steps", training::steps),
    ("train.state", training::state),
    ("train.logits", training::logits),
];

fn main() -> ExitCode {
    serve(OPERATIONS)
}

/// A DeiT that learns from labels and from what a teacher says. It has no dropout, so that both heads can be asked alone.
struct Student {
    deit: Deit,
    distillation: Distillation,
}

impl Learner for Student {
    fn logits(&self, images: &Tensor) -> Tensor {
        self.deit.forward_eval(images)
    }

    fn heads(&self, images: &Tensor) -> Vec<(&'static str, Tensor)> {
        let (class_logits, dist_logits) = self.deit.forward_train(images);
        vec![("class", class_logits), ("dist", dist_logits)]
    }

    /// The loss of exercise 06 smooths no labels.
    fn learn(&self, batch: &Batch<'_>, _smoothing: f64) -> Lesson {
        let (class, dist) = self.deit.forward_train(batch.images);
        let Some(teacher) = batch.teacher else {
            panic!("train.data came without the logits of a teacher");
        };
        let teacher = teacher.to_kind(class.kind());
        let loss = distillation_loss(&class, &dist, &teacher, batch.labels, self.distillation);
        let logits = (class + dist) / 2.0; // [B, K]
        Lesson { loss, logits }
    }
}

/// The network that a DeiT learns from, while it learns itself.
struct Schooled(Teacher);

impl Learner for Schooled {
    fn logits(&self, images: &Tensor) -> Tensor {
        self.0.forward_t(images, false)
    }

    fn learn(&self, batch: &Batch<'_>, smoothing: f64) -> Lesson {
        Lesson::of_logits(
            self.0.forward_t(batch.images, true),
            batch.labels,
            smoothing,
        )
    }
}

fn start_training(call: &Call) -> Outcome {
    let config = config(call)?;
    let is_teacher = call.choice("learner", &[("deit", false), ("teacher", true)])?;
    let distillation = match is_teacher {
        true => None,
        false => Some(distillation(call)?),
    };
    let build = |vs: &nn::Path<'_>| -> Result<Box<dyn Learner>, Fault> {
        Ok(match distillation {
            None => Box::new(Schooled(Teacher::new(vs, config.channels, config.classes))),
            Some(distillation) => Box::new(Student {
                deit: Deit::new(vs, &config),
                distillation,
            }),
        })
    };
    training::start(call, vit::warmup_cosine, Box::new(build))
}

/// A DeiT does not look at positions and pool.
fn config(call: &Call) -> Result<VitConfig, Fault> {
    Ok(VitConfig {
        image: call.argument("image")?,
        patch: call.argument("patch")?,
        channels: call.argument("channels")?,
        classes: call.argument("classes")?,
        dim: call.argument("dim")?,
        depth: call.argument("depth")?,
        heads: call.argument("heads")?,
        mlp_ratio: call.argument("mlp_ratio")?,
        dropout: call.argument("dropout")?,
        positions: Positions::Learned,
        pool: Pool::Cls,
    })
}

/// The logits of the evaluation, which a cotangent belongs to, those of each head in training, and the weights of each
/// block.
fn deit(call: &Call) -> Outcome {
    with_deit(call, |deit, images| {
        let (class_logits, dist_logits) = deit.forward_train(images);
        let mut results = vec![
            ("logits".to_owned(), deit.forward_eval(images)),
            ("class_logits".to_owned(), class_logits),
            ("dist_logits".to_owned(), dist_logits),
        ];
        results.extend(attention_by_layer(deit.attentions(images)));
        results
    })
}

/// Both heads' logits as one tensor, [2, B, K], so that one cotangent belongs to both.
fn forward_train(call: &Call) -> Outcome {
    with_deit(call, |deit, images| {
        let (class_logits, dist_logits) = deit.forward_train(images);
        let pair = match class_logits.size() == dist_logits.size() {
            true => Tensor::stack(&[&class_logits, &dist_logits], 0),
            false => class_logits.shallow_clone(), // the judge sees their sizes
        };
        vec![
            ("pair", pair),
            ("class_logits", class_logits),
            ("dist_logits", dist_logits),
        ]
    })
}

fn forward_eval(call: &Call) -> Outcome {
    with_deit(call, |deit, images| {
        vec![("logits", deit.forward_eval(images))]
    })
}

fn attentions(call: &Call) -> Outcome {
    with_deit(call, |deit, images| {
        attention_by_layer(deit.attentions(images)).collect()
    })
}

fn with_deit<N: Into<String>>(
    call: &Call,
    results: impl FnOnce(&Deit, &Tensor) -> Vec<(N, Tensor)>,
) -> Outcome {
    let config = config(call)?;
    let (vs, deit) = with_weights(call, &["images"], |vs| Ok(Deit::new(vs, &config)))?;
    differentiable(call, &["images"], Some(&vs), |images| {
        results(&deit, &images[0])
    })
}

fn distillation(call: &Call) -> Result<Distillation, Fault> {
    let is_soft = call.choice("mode", &[("soft", true), ("hard", false)])?;
    Ok(match is_soft {
        true => Distillation::Soft {
            temperature: call.argument("temperature")?,
            alpha: call.argument("alpha")?,
        },
        false => Distillation::Hard,
    })
}

fn loss(call: &Call) -> Outcome {
    let distillation = distillation(call)?;
    let labels = call.tensor("labels")?;
    let logits = ["class_logits", "dist_logits", "teacher_logits"];
    differentiable(call, &logits, None, |logits| {
        let loss = distillation_loss(&logits[0], &logits[1], &logits[2], &labels, distillation);
        vec![("loss", loss)]
    })
}
