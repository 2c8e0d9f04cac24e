//! The interface of exercise 07. grader/README.md says how it is read: "The interface of an exercise".

use ndarray::{Array1, Array2, Array3, ArrayView2, ArrayView3};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fusion {
    Mean,
    Max,
    Min,
}

/// make one map of a layer's heads
#[gives(attention = "[N, N]")]
pub fn fuse_heads(
    /// [h, N, N]
    attention: ArrayView3<'_, f32>,
    /// mean, max or min
    fusion: Fusion,
) -> Array2<f32>;

/// ½A + ½I, each row brought back to sum 1
#[gives(attention = "[N, N]")]
pub fn with_residual(
    /// [N, N]
    attention: ArrayView2<'_, f32>,
) -> Array2<f32>;

/// A_L · … · A_1 over all layers: layer.0, nearest to the image, layer.1, …
#[gives(rollout = "[N, N]")]
pub fn rollout(
    /// [h, N, N]
    #[name = "layer.*"]
    layers: &[Array3<f32>],
    /// mean, max or min
    fusion: Fusion,
    /// share of the smallest weights that become 0, 0 to 1; those to the class token stay
    discard: f32,
) -> Array2<f32>;

/// the class token's row of a rollout, as a grid of patches
#[gives(map = "[rows, columns]")]
pub fn class_map(
    /// [N, N]
    rollout: ArrayView2<'_, f32>,
    /// tokens in front of the patches: 1 for ViT, 2 for DeiT
    prefix: usize,
    /// rows and columns of patches, as 14x14
    grid: (usize, usize),
) -> Array2<f32>;

/// resize a map: bilinear, half-pixel centres
#[gives(map = "[rows, columns]")]
pub fn upsample(
    /// [h, w]
    map: ArrayView2<'_, f32>,
    /// rows and columns of the result, as 224x224
    size: (usize, usize),
) -> Array2<f32>;

/// how far each head looks, in pixels, from patch to patch
#[gives(distance = "[h]")]
pub fn attention_distance(
    /// [h, N, N]
    attention: ArrayView3<'_, f32>,
    /// tokens in front of the patches: 1 for ViT, 2 for DeiT
    prefix: usize,
    /// rows and columns of patches, as 14x14
    grid: (usize, usize),
    /// side of a patch in pixels
    patch: usize,
) -> Array1<f32>;
