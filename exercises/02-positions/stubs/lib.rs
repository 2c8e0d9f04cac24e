//! Positions: a table that tells each token where in the sequence it stands.
//!
//! Attention sees a set: shuffle the tokens, and the results are shuffled likewise. A vector for each place, added to
//! the token there, tells it where each patch was. Here you write down the oldest of these tables, see how alike its
//! rows are, and resize one that was learnt for another size of image.
//!
//! ```text
//!   column   0    1    2    3    4    5  …          similarity of position 3
//!            sin  cos  sin  cos  sin  cos           with all positions
//!            └ ω₀ ┘    └ ω₁ ┘    └ ω₂ ┘
//! position 0  0    1    0    1    0    1              ▂
//!          1  fast      slower    slow              ▄
//!          2   ⋮         ⋮         ⋮                ▆
//!          3                                         █
//!          4                                        ▆
//! ```
//!
//! Sources: Vaswani et al. 2017, *Attention Is All You Need* (arXiv:1706.03762), section 3.5; Dosovitskiy et al. 2021,
//! *An Image is Worth 16×16 Words* (arXiv:2010.11929), sections 3.1 and 3.2. The handout, README.md, has an example to
//! do by hand.

use ndarray::{Array2, ArrayView2};

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
    todo!(
        "give each pair of columns its rate; the sine of position times rate in the even column, its cosine in the odd one"
    )
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
    todo!("bring every row to length 1, then multiply each with each")
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
    todo!(
        "find which old positions lie on both sides of each new one, and how near; rows and columns alike"
    )
}
