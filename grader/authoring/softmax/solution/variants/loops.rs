//! Softmax with temperature: row by row, in f64.

use ndarray::{Array2, ArrayView2};

/// The probabilities of K classes from their logits, for each of N rows.
pub fn softmax(logits: ArrayView2<'_, f32>, temperature: f32) -> Array2<f32> {
    assert!(
        temperature > 0.0,
        "the temperature must be above 0, and is {temperature}"
    );
    let (n, k) = logits.dim();
    let mut probabilities = Array2::zeros((n, k)); // [N, K]
    for i in 0..n {
        let row: Vec<f64> = logits.row(i).iter().map(|&it| f64::from(it)).collect();
        let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let exponentials = row.iter().map(|it| ((it - largest) / f64::from(temperature)).exp());
        let exponentials: Vec<f64> = exponentials.collect();
        let sum: f64 = exponentials.iter().sum();
        for j in 0..k {
            probabilities[[i, j]] = (exponentials[j] / sum) as f32;
        }
    }
    probabilities
}
