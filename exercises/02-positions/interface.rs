//! The interface of exercise 02. grader/README.md says how it is read: "The interface of an exercise".

use ndarray::{Array2, ArrayView2};

/// the fixed table of positions: sin in even columns, cos in odd ones
#[gives(positions = "[len, D]")]
pub fn sinusoidal(
    /// positions
    len: usize,
    /// embedding dimension D
    dim: usize,
) -> Array2<f32>;

/// the cosine of the angle between each two rows
#[gives(similarity = "[N, N]")]
pub fn cosine_similarity(
    /// [N, D]
    positions: ArrayView2<'_, f32>,
) -> Array2<f32>;

/// resize a square grid of positions: bilinear, half-pixel centres, no class token
#[gives(positions = "[grid², D]")]
pub fn interpolate(
    /// [G·G, D]
    positions: ArrayView2<'_, f32>,
    /// patches per side of the new grid
    grid: usize,
) -> Array2<f32>;
