//! Softmax with temperature.

use ndarray::{Array2, ArrayView2};

/// The probabilities of K classes from their logits, for each of N rows.
///
/// ```text
/// probabilities[n, k] = exp(logits[n, k] / T) / Σⱼ exp(logits[n, j] / T)
/// ```
///
/// With T = `temperature` below 1 the largest logit gets nearly all, above 1 all classes get more alike. Logits of any size
/// give finite results.
///
/// Shapes: `logits` \[N, K\] → \[N, K\].
///
/// # Panics
/// Panics if `temperature` is not above 0, naming it.
///
/// Source: Hinton, Vinyals & Dean 2015, *Distilling the Knowledge in a Neural Network* (arXiv:1503.02531), equation 1.
pub fn softmax(logits: ArrayView2<'_, f32>, temperature: f32) -> Array2<f32> {
    todo!("divide by the temperature, take exponentials, and divide each row by its sum")
}
