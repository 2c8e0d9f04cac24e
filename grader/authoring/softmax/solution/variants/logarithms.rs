//! Softmax with temperature: by the logarithm of the sum.

use ndarray::{Array2, ArrayView2, Axis};

/// The probabilities of K classes from their logits, for each of N rows.
pub fn softmax(logits: ArrayView2<'_, f32>, temperature: f32) -> Array2<f32> {
    assert!(
        temperature > 0.0,
        "the temperature must be above 0, and is {temperature}"
    );
    let scaled = logits.mapv(|logit| logit / temperature); // [N, K]
    let largest = scaled.fold_axis(Axis(1), f32::NEG_INFINITY, |&a, &b| a.max(b)); // [N]
    let scaled = scaled - largest.insert_axis(Axis(1)); // [N, K]
    let sums = scaled.mapv(f32::exp).sum_axis(Axis(1)); // [N]
    (scaled - sums.mapv(f32::ln).insert_axis(Axis(1))).mapv(f32::exp) // [N, K]
}
