//! The interface of exercise 01. grader/README.md says how it is read: "The interface of an exercise".

use ndarray::{Array3, Array4, ArrayView1, ArrayView2, ArrayView3, ArrayView4};

/// cut images into patches and lay each flat
#[gives(patches = "[B, G², C·P·P]")]
pub fn patchify(
    /// [B, C, H, W]
    images: ArrayView4<'_, f32>,
    /// patches per side G; divides H and W
    grid: usize,
) -> Array3<f32>;

/// put patches back together into square images
#[gives(images = "[B, C, G·P, G·P]")]
pub fn unpatchify(
    /// [B, G², C·P·P]
    patches: ArrayView3<'_, f32>,
    /// channels C
    channels: usize,
    /// patches per side G
    grid: usize,
) -> Array4<f32>;

/// map each patch to a token: patches · weightᵀ + bias
#[gives(tokens = "[B, N, D]")]
pub fn embed(
    /// [B, N, C·P·P]
    patches: ArrayView3<'_, f32>,
    /// [D, C·P·P]
    weight: ArrayView2<'_, f32>,
    /// [D]
    bias: ArrayView1<'_, f32>,
) -> Array3<f32>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    pub patches: usize,
    pub tokens: usize,
    pub params: usize,
    pub attention_flops: usize,
}

/// what a patch size costs: patches, tokens = patches + 1, params = dim·channels·patch² + dim, attention_flops = 4·tokens²·dim (QKᵀ and AV of one layer; an addition and a multiplication are two)
#[gives(cost = "i64 [4]")]
pub fn cost(
    /// side of the image in pixels
    image: usize,
    /// side P of a patch in pixels; divides image
    patch: usize,
    /// channels C
    channels: usize,
    /// embedding dimension D
    dim: usize,
) -> Cost;
