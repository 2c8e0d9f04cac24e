//! The hand-written part of exercise 05's worker: steps of AdamW, and training step by step.

use super::new_vit;
use tch::Tensor;
use vit::Vit;
use wire::Fault;
use workers::training::{self, Batch, Learner, StepOutput};
use workers::{Call, CallResult};

/// A Vision Transformer that learns from labels.
struct Pupil(Vit);

impl Learner for Pupil {
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
    let build = |vs: &tch::nn::Path<'_>| -> Result<Box<dyn Learner>, Fault> {
        Ok(Box::new(Pupil(new_vit(call, vs)?)))
    };
    training::start(call, vit::warmup_cosine, Box::new(build))
}

/// Losses of the steps, and the variables after the last. All batches are of one size.
pub(super) fn fit(call: &Call) -> CallResult {
    let inputs = ["images", "labels", "rates"];
    let (vs, vit) = workers::with_weights(call, &inputs, |vs| new_vit(call, vs))?;
    let rates = call.array::<f64, ndarray::Ix1>("rates")?;
    let images = call.tensor("images")?; // [S, B, C, H, W]
    let labels = call.tensor("labels")?; // [S, B]
    let steps = rates.len() as i64;
    for (name, tensor) in [("images", &images), ("labels", &labels)] {
        if tensor.size().first() != Some(&steps) {
            return Err(Fault::wrong_shape(format!(
                "{name} is {:?}, and there are {steps} rates",
                tensor.size()
            )));
        }
    }
    let batches: Vec<_> = images.unbind(0).into_iter().zip(labels.unbind(0)).collect();
    let rate = |step: i64| {
        let rate = usize::try_from(step).ok().and_then(|step| rates.get(step));
        *rate.unwrap_or_else(|| panic!("a rate is asked for step {step} of {steps}"))
    };
    let losses = ndarray::Array1::from(vit::fit(&vs, &vit, &batches, rate));
    let mut answer = workers::sent(vs.variables())?;
    answer.insert("losses".to_owned(), (&losses).into());
    Ok(answer)
}
