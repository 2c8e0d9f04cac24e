//! A tensor, scaled.

use tch::Tensor;

/// Multiplies each value by `factor`.
///
/// ```text
/// scaled[i, j] = factor · values[i, j]
/// ```
///
/// Shapes: `values` \[N, D\] → \[N, D\], in f32 or f64.
pub fn scale(values: &Tensor, factor: f64) -> Tensor {
    values * factor // [N, D]
}
