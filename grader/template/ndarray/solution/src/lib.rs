//! An array, scaled.

use ndarray::{Array2, ArrayView2};

/// Multiplies each value by `factor`.
///
/// ```text
/// scaled[i, j] = factor · values[i, j]
/// ```
///
/// Shapes: `values` \[N, D\] → \[N, D\].
pub fn scale(values: ArrayView2<'_, f32>, factor: f32) -> Array2<f32> {
    values.mapv(|value| factor * value) // [N, D]
}
