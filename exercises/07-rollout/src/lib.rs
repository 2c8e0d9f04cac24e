//! Attention rollout: which parts of the image a Vision Transformer looked at.
//!
//! The last layer's attention says which *tokens* the class token looked at. But by then every token is a mixture of
//! many patches. Rollout follows the mixing from the image up, layer by layer, and says which *patches* are in the
//! class token. As a map it can be laid over the image.
//!
//! ```text
//!   each layer                      all layers              the class token's row         the image's size
//!   [h, N, N]                       A_L · … · A₁            [1 │ 2 3 4 5 6 7 …]           ┌────────────┐
//!      │ fuse_heads                    │                       │ class_map                │  ░▒▓█▓░    │
//!   [N, N]                             ▼                       ▼                          │   ▒▓██▒    │
//!      │ discard smallest,          [N, N]   ────────────►  [rows, columns] ──────────►   │    ░▒░     │
//!      │ with_residual              rollout                                   upsample    └────────────┘
//!   A_l [N, N]
//! ```
//!
//! Sources: Abnar & Zuidema 2020, *Quantifying Attention Flow in Transformers* (arXiv:2005.00928), section 3 and equation
//! 1; Dosovitskiy et al. 2021, *An Image is Worth 16×16 Words* (arXiv:2010.11929), appendices D.7 and D.8. The handout,
//! README.md, has an example to do by hand.

use ndarray::{Array1, Array2, Array3, ArrayView2, ArrayView3};

/// The fusion of a layer's heads into one map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fusion {
    /// The mean over heads, as in the ViT paper. Rows that sum to 1 still do.
    Mean,
    /// The largest weight of any head: where at least one head looks. Rows sum to 1 or more.
    Max,
    /// The smallest weight of any head: where all heads look. Rows sum to 1 or less.
    Min,
}

/// Makes one map of a layer's heads: their mean, largest or smallest weight, for each query and key by itself.
///
/// Shapes: `attention` \[h, N, N\] → \[N, N\].
///
/// # Panics
/// Panics if there are no heads.
///
/// Source: ViT (arXiv:2010.11929), appendix D.8, for the mean; the other two are in neither paper, but in many
/// implementations.
pub fn fuse_heads(attention: ArrayView3<'_, f32>, fusion: Fusion) -> Array2<f32> {
    todo!("go over the heads, the first axis, with a mean, a maximum or a minimum")
}

/// Adds the residual connection, and normalises each row to sum 1.
///
/// ```text
/// mixed = ½ · attention + ½ · I
/// result[i, j] = mixed[i, j] / Σₖ mixed[i, k]
/// ```
///
/// Half of a token after a layer is the token before it, the other half is what it attended to. If the rows of
/// `attention` sum to 1, so do those of `mixed`; but after fusion by maximum or minimum, or with weights discarded,
/// they do not: hence the second line.
///
/// Shapes: `attention` \[N, N\] → \[N, N\].
///
/// # Panics
/// Panics if `attention` is not square, naming both sides.
///
/// Source: Abnar & Zuidema 2020 (arXiv:2005.00928), section 3.
pub fn with_residual(attention: ArrayView2<'_, f32>) -> Array2<f32> {
    todo!("add the identity, and divide each row by its sum")
}

/// Follows attention through all layers: how much of each input token is in each output token.
///
/// With A_l = [`with_residual`] (`fused_l`), where `fused_l` is [`fuse_heads`] of `layers[l − 1]` with its smallest
/// weights discarded:
///
/// ```text
/// rollout = A_L · … · A₂ · A₁          L layers, the first of them nearest to the image
/// ```
///
/// Row i of the result belongs to output token i, column j to input token j.
///
/// **What `discard` does.** Weights *to the class token*, column 0, are never discarded. Of the N·(N − 1) others of a
/// fused map, the ⌊`discard` · N·(N − 1)⌋ smallest become 0, over all rows together; of equal ones, those that come
/// first, row by row. The product is taken in f32, where 0.9 of 30 is 27. With `discard` 0 nothing changes; with 1 only
/// weights to the class token are left. This comes before the residual is added, so that each token keeps its way to
/// itself.
///
/// Shapes: `layers` L × \[h, N, N\] → \[N, N\].
///
/// # Panics
/// Panics if `discard` is not between 0 and 1, naming it; if there are no layers; or if a layer is not square or the
/// layers differ in N, naming both numbers.
///
/// Source: Abnar & Zuidema 2020, equation 1. `discard` is not in the paper.
pub fn rollout(layers: &[Array3<f32>], fusion: Fusion, discard: f32) -> Array2<f32> {
    todo!(
        "make one map of each layer, discard its smallest weights, add the residual, and multiply all maps"
    )
}

/// The parts of the image that are in the class token: its row of a rollout, without the first `prefix` columns, as a
/// grid.
///
/// ```text
/// map[r, c] = rollout[0, prefix + r·columns + c]          grid = (rows, columns)
/// ```
///
/// `prefix` counts the tokens in front of the patches: 1 for ViT, the class token; 2 for DeiT, which has a distillation
/// token as well. Values are taken as they are.
///
/// Shapes: `rollout` \[N, N\] → \[rows, columns\], where N = `prefix` + rows·columns.
///
/// # Panics
/// Panics if N is another number, naming N and `prefix` + rows·columns.
pub fn class_map(rollout: ArrayView2<'_, f32>, prefix: usize, grid: (usize, usize)) -> Array2<f32> {
    todo!("take the first row, leave out the tokens in front, and lay the rest out as a grid")
}

/// Resizes a map to `size`, (rows, columns): bilinear, with half-pixel centres, as in exercise 02.
///
/// ```text
/// resized[i, j] = Σₖ Σₗ w(i, k) · w(j, l) · map[k, l]          w(i, k) = max(0, 1 − |s(i) − k|)
/// s(i) = (i + ½) · old/new − ½,   no less than 0 and no more than old − 1
/// ```
///
/// with rows in w(i, k) and columns in w(j, l). A map may grow along one side and shrink along the other.
///
/// Shapes: `map` \[h, w\] → `size`.
///
/// # Panics
/// Panics if a side of `map` or of `size` is 0, naming both sizes of that side.
pub fn upsample(map: ArrayView2<'_, f32>, size: (usize, usize)) -> Array2<f32> {
    todo!(
        "find which old values lie on both sides of each new one, and how near; rows and columns alike"
    )
}

/// The attention distance of each head of a layer, in pixels: the mean distance between a patch and the patches it
/// attends to.
///
/// Patch i stands at row ⌊i / columns⌋ and column i mod columns of `grid` = (rows, columns). With P = `patch`, a
/// patch's side in pixels, and A = `attention` of one head without the rows and columns of the first `prefix` tokens,
/// which have no place in the image:
///
/// ```text
/// distance[i, j] = P · √( (rowᵢ − rowⱼ)² + (columnᵢ − columnⱼ)² )
/// mean over all patches i of   Σⱼ A[i, j] · distance[i, j] / Σⱼ A[i, j]
/// ```
///
/// The weights that patches give to the first `prefix` tokens are thus left out, and the rest is normalised to sum 1. A
/// patch that gives no weight to patches counts 0.
///
/// Shapes: `attention` \[h, N, N\] → \[h\], where N = `prefix` + rows·columns.
///
/// # Panics
/// Panics if N is another number, naming N and `prefix` + rows·columns, or if there are no patches.
///
/// Source: ViT (arXiv:2010.11929), figure 7, on the right, and appendix D.7.
pub fn attention_distance(
    attention: ArrayView3<'_, f32>,
    prefix: usize,
    grid: (usize, usize),
    patch: usize,
) -> Array1<f32> {
    todo!("weigh the distance of each two patches with the attention between them")
}
