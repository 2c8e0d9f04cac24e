//! A tensor, scaled: by the library's method.

use tch::Tensor;

/// Multiplies each value by `factor`.
pub fn scale(values: &Tensor, factor: f64) -> Tensor {
    values.multiply_scalar(factor) // [N, D]
}
