//! An array, scaled: by ndarray's operator.

use ndarray::{Array2, ArrayView2};

/// Multiplies each value by `factor`.
pub fn scale(values: ArrayView2<'_, f32>, factor: f32) -> Array2<f32> {
    &values * factor // [N, D]
}
