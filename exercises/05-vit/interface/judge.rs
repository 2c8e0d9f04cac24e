//! The hand-written stand-ins of exercise 05: training, and the check of a trained model's logits against the reference.

use super::*;
use ndarray::{Array1, Ix1};
use testkit::Tolerance;

/// Two ways of adding up in f32, through a few blocks, for logits of about 10. What memorises instead is off by 1 and more.
const AFTER_TRAINING: Tolerance = Tolerance::new(1e-3, 1e-3);

impl Vit {
    /// Logits that a submission gives after training must be those of a Vision Transformer with the weights that it
    /// trained, and not of something that has learnt the images in another way.
    ///
    /// # Panics
    /// Panics if they are not.
    pub(super) fn hold_against_reference(&self, images: &Tensor, train: bool, logits: &Tensor) {
        if train || !self.module.is_trained() {
            return;
        }
        let call = self.module.call("vit.forward_t").tensor("images", images);
        let expected = match call.argument("train", train).ask_reference() {
            // A course that was given out without its solution compares with nothing.
            None => return,
            Some(Ok(answer)) => Tensor::from(&answer["logits"]),
            Some(Err(fault)) => panic!("a Vision Transformer gives no logits: {}", fault.message),
        };
        if let Err(difference) = testkit::close(logits, &expected, AFTER_TRAINING) {
            panic!(
                "these are not the logits of a Vision Transformer with the trained weights\n{difference}"
            );
        }
    }
}

/// All batches are of one size.
pub(crate) fn fit(
    _vs: &nn::VarStore,
    vit: &Vit,
    batches: &[(Tensor, Tensor)],
    rate: impl Fn(i64) -> f64,
) -> Vec<f64> {
    let (images, labels): (Vec<_>, Vec<_>) = batches
        .iter()
        .map(|(images, labels)| (images, labels))
        .unzip();
    let rates: Array1<f64> = (0..).map(rate).take(batches.len()).collect();
    let call = vit.module.call("fit").array("rates", &rates);
    let call = call.tensor("images", &Tensor::stack(&images, 0));
    let mut answer = call.tensor("labels", &Tensor::stack(&labels, 0)).send();
    vit.module.update(&mut answer);
    answer.array::<f64, Ix1>("losses").to_vec()
}
