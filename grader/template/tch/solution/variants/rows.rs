//! A tensor, scaled: row by row.

use tch::Tensor;

/// Multiplies each value by `factor`.
pub fn scale(values: &Tensor, factor: f64) -> Tensor {
    let rows = values.unbind(0).into_iter().map(|row| row * factor);
    Tensor::stack(&rows.collect::<Vec<_>>(), 0) // [N, D]
}
