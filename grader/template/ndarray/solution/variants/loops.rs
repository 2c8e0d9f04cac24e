//! An array, scaled: value by value.

use ndarray::{Array2, ArrayView2};

/// Multiplies each value by `factor`.
pub fn scale(values: ArrayView2<'_, f32>, factor: f32) -> Array2<f32> {
    let mut scaled = Array2::zeros(values.dim()); // [N, D]
    for (place, value) in values.indexed_iter() {
        scaled[place] = value * factor;
    }
    scaled
}
