//! The hand-written part of exercise 06's worker: training step by step, of a DeiT and of its teacher.

use super::{new_deit, read_distillation};
use deit::teacher::Teacher;
use deit::{Deit, Distillation, distillation_loss};
use tch::Tensor;
use wire::Fault;
use workers::training::{self, Batch, Learner, StepOutput};
use workers::{Call, CallResult};

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
    fn learn(&self, batch: &Batch<'_>, _smoothing: f64) -> StepOutput {
        let (class, dist) = self.deit.forward_train(batch.images);
        let Some(teacher) = batch.teacher else {
            panic!("train.data came without the logits of a teacher");
        };
        let teacher = teacher.to_kind(class.kind());
        let loss = distillation_loss(&class, &dist, &teacher, batch.labels, self.distillation);
        let logits = (class + dist) / 2.0; // [B, K]
        StepOutput { loss, logits }
    }
}

/// The network that a DeiT learns from, while it learns itself.
struct Schooled(Teacher);

impl Learner for Schooled {
    fn logits(&self, images: &Tensor) -> Tensor {
        self.0.forward_t(images, false)
    }

    fn learn(&self, batch: &Batch<'_>, smoothing: f64) -> StepOutput {
        StepOutput::of_logits(
            self.0.forward_t(batch.images, true),
            batch.labels,
            smoothing,
        )
    }
}

pub(super) fn start_training(call: &Call) -> CallResult {
    let is_teacher = call.choice("learner", &[("student", false), ("teacher", true)])?;
    let distillation = match is_teacher {
        true => None,
        false => Some(read_distillation(call, "mode")?),
    };
    let build = |vs: &tch::nn::Path<'_>| -> Result<Box<dyn Learner>, Fault> {
        Ok(match distillation {
            None => {
                let (channels, classes) = (call.argument("channels")?, call.argument("classes")?);
                Box::new(Schooled(Teacher::new(vs, channels, classes)))
            }
            Some(distillation) => Box::new(Student {
                deit: new_deit(call, vs)?,
                distillation,
            }),
        })
    };
    training::start(call, vit::warmup_cosine, Box::new(build))
}
