//! The parts of the image that a Vision Transformer looked at: the solution. README.md says why it is so.

#![allow(clippy::unnecessary_cast)] // to `Single`, which is another type in double precision

use ndarray::{Array1, Array2, Array3, ArrayView2, ArrayView3, Axis, Slice};
// In double precision, too, as many weights are discarded as in single.
use std::primitive::f32 as Single;

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
    let heads = attention.len_of(Axis(0));
    assert!(heads > 0, "there are {heads} heads, and nothing to fuse");
    match fusion {
        Fusion::Mean => attention.sum_axis(Axis(0)) / heads as f32, // [N, N]
        Fusion::Max => attention.fold_axis(Axis(0), f32::NEG_INFINITY, |a, &b| a.max(b)), // [N, N]
        Fusion::Min => attention.fold_axis(Axis(0), f32::INFINITY, |a, &b| a.min(b)), // [N, N]
    }
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
    let (n, columns) = attention.dim();
    assert!(
        n == columns,
        "attention of {n} tokens to {columns} is not square"
    );
    let mixed = &attention + &Array2::<f32>::eye(n); // [N, N]
    let sums = mixed.sum_axis(Axis(1)).insert_axis(Axis(1)); // [N, 1]
    mixed / sums // [N, N], in which a factor of ½ would cancel out
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
    assert!(
        (0.0..=1.0).contains(&discard),
        "discard is a share between 0 and 1, not {discard}"
    );
    layers
        .iter()
        .map(|layer| {
            let mut fused = fuse_heads(layer.view(), fusion); // [N, N]
            discard_smallest(&mut fused, discard);
            with_residual(fused.view()) // [N, N]
        })
        .reduce(|below, layer| layer.dot(&below)) // [N, N]
        .expect("there are no layers to follow")
}

/// Sets the smallest weights to 0, but for column 0.
fn discard_smallest(fused: &mut Array2<f32>, discard: f32) {
    let rows = fused.rows_mut().into_iter();
    let mut weights: Vec<&mut f32> = rows.flat_map(|row| row.into_iter().skip(1)).collect();
    weights.sort_by(|a, b| a.total_cmp(b)); // stable: equal ones stay in order
    let count = (discard as Single * weights.len() as Single) as usize; // rounded down
    for weight in weights.into_iter().take(count) {
        *weight = 0.0;
    }
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
    assert_tokens(rollout.ncols(), prefix, grid);
    rollout
        .row(0) // [N]
        .slice_axis(Axis(0), Slice::from(prefix..)) // [rows·columns]
        .to_shape(grid) // [rows, columns]
        .expect("N = prefix + rows·columns")
        .into_owned()
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
    let rows = bilinear(map.nrows(), size.0); // [H, h]
    let columns = bilinear(map.ncols(), size.1); // [W, w]
    rows.dot(&map).dot(&columns.t()) // [H, h] · [h, w] · [w, W] = [H, W]
}

/// The share of each of `from` old values in each of `to` new ones along a side: \[to, from\], rows sum to 1.
fn bilinear(from: usize, to: usize) -> Array2<f32> {
    assert!(from > 0 && to > 0, "cannot resize a side of {from} to {to}");
    let (old, new) = (from as f32, to as f32);
    Array2::from_shape_fn((to, from), |(i, k)| {
        let centre = ((i as f32 + 0.5) * old / new - 0.5).clamp(0.0, old - 1.0);
        (1.0 - (centre - k as f32).abs()).max(0.0)
    })
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
    assert_tokens(attention.len_of(Axis(2)), prefix, grid);
    let (rows, columns) = grid;
    let place = |i: usize| ((i / columns) as f32, (i % columns) as f32);
    let distances = Array2::from_shape_fn((rows * columns, rows * columns), |(i, j)| {
        let ((row_i, column_i), (row_j, column_j)) = (place(i), place(j));
        patch as f32 * (row_i - row_j).hypot(column_i - column_j)
    }); // [G, G], G = rows·columns
    let between_patches = attention
        .slice_axis(Axis(1), Slice::from(prefix..)) // [h, G, N]
        .slice_axis_move(Axis(2), Slice::from(prefix..)); // [h, G, G]
    let given = between_patches.sum_axis(Axis(2)); // [h, G]
    let weighted = (&between_patches * &distances).sum_axis(Axis(2)); // [h, G]
    let means = weighted / given.mapv(|sum| sum.max(f32::MIN_POSITIVE)); // [h, G]
    means
        .mean_axis(Axis(1))
        .expect("there are no patches to look from") // [h]
}

fn assert_tokens(tokens: usize, prefix: usize, (rows, columns): (usize, usize)) {
    let wanted = prefix + rows * columns;
    assert!(
        tokens == wanted,
        "there are {tokens} tokens, but {prefix} in front of {rows} × {columns} patches are {wanted}"
    );
}
