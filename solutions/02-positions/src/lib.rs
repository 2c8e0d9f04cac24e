//! Positions: the solution. README.md says why it is so.

use ndarray::linalg::kron;
use ndarray::{Array2, ArrayView2, Axis};

/// The length that a row of [`cosine_similarity`] has at least, so that nothing is divided by 0.
const SHORTEST: f32 = 1e-8;

/// A fixed table of positions: row p is position p, counted from 0, and every pair of columns turns at its own rate.
///
/// With D = `dim`, for the pair i = 0, 1, 2, …:
///
/// ```text
/// positions[p, 2i]     = sin(p · ωᵢ)
/// positions[p, 2i + 1] = cos(p · ωᵢ)          ωᵢ = 10000^(−2i/D)
/// ```
///
/// Sines stand in even columns and cosines in odd ones; both columns of a pair share one rate. Where D is odd, the
/// last pair is a sine alone. `len` and `dim` may be 0: the table is empty then.
///
/// Shapes: → \[len, D\].
///
/// Source: Vaswani et al. 2017 (arXiv:1706.03762), section 3.5.
pub fn sinusoidal(len: usize, dim: usize) -> Array2<f32> {
    Array2::from_shape_fn((len, dim), |(position, column)| {
        let pair = column - column % 2; // 2i
        let angle = position as f64 * 1e4_f64.powf(-(pair as f64) / dim as f64);
        let value = if column == pair {
            angle.sin()
        } else {
            angle.cos()
        };
        value as f32
    })
}

/// The cosine similarity of positions: the cosine of the angle between each pair of rows.
///
/// ```text
/// similarity[i, j] = xᵢ · xⱼ / (max(‖xᵢ‖, ε) · max(‖xⱼ‖, ε))          ε = 1e-8, xᵢ row i
/// ```
///
/// 1 where two rows point the same way, 0 where they are at right angles, −1 where they are opposed. The length of the
/// rows does not matter. A row of zeros points nowhere: its similarity is 0 with every row, itself included.
///
/// Shapes: `positions` \[N, D\] → \[N, N\].
///
/// Source: ViT (arXiv:2010.11929), figure 7, in the middle.
pub fn cosine_similarity(positions: ArrayView2<'_, f32>) -> Array2<f32> {
    let lengths = positions.map_axis(Axis(1), |row| row.dot(&row).sqrt().max(SHORTEST)); // [N]
    let units = &positions / &lengths.insert_axis(Axis(1)); // [N, D]
    units.dot(&units.t()) // [N, N]
}

/// Resizes a square grid of positions to another number of patches per side: bilinear, with half-pixel centres.
///
/// The rows of `positions` are a grid of G × G, row by row; no class token is among them. Each side is laid on the
/// same image, so patch i of `grid` has its centre at (i + ½)/`grid` of the way. On the old grid that is
///
/// ```text
/// s(i) = (i + ½) · G/grid − ½,   no less than 0 and no more than G − 1
/// ```
///
/// and the new position is a weighted mean of the old ones on both sides of s(i), in which the nearer one weighs more:
///
/// ```text
/// new[i·grid + j] = Σₖ Σₗ w(i, k) · w(j, l) · old[k·G + l]          w(i, k) = max(0, 1 − |s(i) − k|)
/// ```
///
/// It is the same when a grid gets smaller: nothing is averaged over more than two neighbours a side (PyTorch's
/// `antialias=False`, `align_corners=False`).
///
/// Shapes: `positions` \[G·G, D\] → \[grid², D\].
///
/// # Panics
/// Panics if the number of rows is not a square, naming that number, or if `grid` or G is 0, naming both.
///
/// Source: ViT, section 3.2, on fine-tuning at a higher resolution.
pub fn interpolate(positions: ArrayView2<'_, f32>, grid: usize) -> Array2<f32> {
    let side = positions.nrows().isqrt();
    assert!(
        side * side == positions.nrows(),
        "{} positions are no square grid; is the class token's among them?",
        positions.nrows()
    );
    assert!(
        side > 0 && grid > 0,
        "cannot resize a grid of {side} × {side} to {grid} × {grid}"
    );
    let weights = bilinear(side, grid); // [grid, G]
    kron(&weights, &weights).dot(&positions) // [grid², G·G] · [G·G, D] = [grid², D]
}

/// The share of each of `from` old values in each of `to` new ones along a side: \[to, from\], rows sum to 1.
fn bilinear(from: usize, to: usize) -> Array2<f32> {
    let (old, new) = (from as f32, to as f32);
    Array2::from_shape_fn((to, from), |(i, k)| {
        let centre = ((i as f32 + 0.5) * old / new - 0.5).clamp(0.0, old - 1.0);
        (1.0 - (centre - k as f32).abs()).max(0.0)
    })
}
