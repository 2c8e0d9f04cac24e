//! The interface of exercise 09. grader/README.md says how it is read: "The interface of an exercise".

use tch::{Tensor, nn};
use vit::INITIAL_STD;

/// cut a map into windows
#[gives(windows = "[B·nW, Wh, Ww, D]")]
pub fn window_partition(
    /// [B, H, W, D]
    x: &Tensor,
    /// rows and columns of a window, as 7x7
    window: (i64, i64),
) -> Tensor;

/// put windows together to a map
#[gives(x = "[B, H, W, D]")]
pub fn window_reverse(
    /// [B·nW, Wh, Ww, D]
    windows: &Tensor,
    /// rows and columns of the map, as 56x56
    size: (i64, i64),
) -> Tensor;

/// what is added to the logits of a shifted map: 0 within a region, −100 between regions
#[gives(mask = "[nW, M, M]")]
pub fn shift_mask(
    /// rows and columns of the map, as 56x56
    size: (i64, i64),
    /// rows and columns of a window, as 7x7
    window: (i64, i64),
    /// rows and columns of the shift, as 3x3
    shift: (i64, i64),
) -> Tensor;

/// the row of the bias table for each pair of tokens
#[gives(index = "i64 [M+p, M+p]")]
pub fn relative_index(
    /// rows and columns of a window, as 7x7
    window: (i64, i64),
    /// class tokens p in front of the window's tokens: 0 or 1
    prefix: i64,
) -> Tensor;

/// the bias of each pair of tokens, for each head
#[gives(bias = "[h, M+p, M+p]")]
pub fn relative_bias(
    /// [T, h]
    table: &Tensor,
    /// rows and columns of a window, as 7x7
    window: (i64, i64),
    /// class tokens p in front of the window's tokens: 0 or 1
    prefix: i64,
) -> Tensor;

/// attention within windows, with a bias by relative position
pub struct WindowAttention;

impl WindowAttention {
    pub fn new(
        vs: &nn::Path<'_>,
        /// embedding dimension D
        dim: i64,
        /// number of heads h
        heads: i64,
        /// rows and columns of a window, as 7x7
        window: (i64, i64),
    ) -> Self;

    #[gives(y = "[B·nW, M, D]")]
    pub fn forward(
        &self,
        /// [B·nW, M, D]
        x: &Tensor,
        /// [nW, M, M]
        mask: Option<&Tensor>,
    ) -> Tensor;

    #[gives(y = "[B·nW, M, D]", weights = "[B·nW, h, M, M]")]
    pub fn attend(
        &self,
        /// [B·nW, M, D]
        x: &Tensor,
        /// [nW, M, M]
        mask: Option<&Tensor>,
    ) -> (Tensor, Tensor);
}

/// a Swin block: attention within windows, which may be shifted, and an MLP
pub struct SwinBlock;

impl SwinBlock {
    pub fn new(
        vs: &nn::Path<'_>,
        /// embedding dimension D
        dim: i64,
        /// number of heads h
        heads: i64,
        /// rows and columns of a window, as 7x7
        window: (i64, i64),
        /// rows and columns of the shift, as 3x3; 0x0 for none
        shift: (i64, i64),
        /// expansion ratio of the MLP
        mlp_ratio: i64,
    ) -> Self;

    #[gives(y = "[B, H, W, D]")]
    pub fn forward(
        &self,
        /// [B, H, W, D]
        x: &Tensor,
    ) -> Tensor;
}

/// merge each 2 × 2 neighbours into one token of twice the dimension
pub struct PatchMerging;

impl PatchMerging {
    pub fn new(
        vs: &nn::Path<'_>,
        /// embedding dimension D
        dim: i64,
    ) -> Self;

    #[gives(y = "[B, H/2, W/2, 2·D]")]
    pub fn forward(
        &self,
        /// [B, H, W, D]
        x: &Tensor,
    ) -> Tensor;
}

#[derive(Clone, Debug, PartialEq)]
pub struct SwinConfig {
    /// side of the images in pixels
    pub image: i64,
    /// side of the patches P
    pub patch: i64,
    /// channels C
    pub channels: i64,
    /// classes K
    pub classes: i64,
    /// embedding dimension D of the first stage
    pub dim: i64,
    /// blocks of each stage, as 2,2,6,2
    pub depths: Vec<i64>,
    /// heads of each stage, as 3,6,12,24
    pub heads: Vec<i64>,
    /// side of the square windows
    pub window: i64,
    /// expansion ratio of the MLPs
    #[default = "4"]
    pub mlp_ratio: i64,
}

#[presets = "config"]
impl SwinConfig {
    pub fn mnist() -> Self;
    pub fn tiny() -> Self;
    pub fn small() -> Self;
    pub fn base() -> Self;
    pub fn large() -> Self;
}

/// a Swin: stages of blocks, with a merging between two of them
pub struct Swin;

impl Swin {
    pub fn new(vs: &nn::Path<'_>, config: &SwinConfig) -> Self;

    #[gives(logits = "[B, K]")]
    pub fn forward(
        &self,
        /// [B, C, H, W]
        images: &Tensor,
    ) -> Tensor;

    #[gives(features = "[B, H', W', D']")]
    pub fn forward_features(
        &self,
        /// [B, C, H, W]
        images: &Tensor,
    ) -> Tensor;
}

/// the number of trainable parameters of a Swin
#[gives(parameters = "i64 []")]
pub fn parameters(config: &SwinConfig) -> i64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    pub global: i64,
    pub windowed: i64,
}

/// multiplications of attention over a whole map, and within windows
#[gives(cost = "i64 [global, windowed]")]
pub fn cost(
    /// rows and columns of the map, as 56x56
    size: (i64, i64),
    /// embedding dimension D
    dim: i64,
    /// side of the square windows
    window: i64,
) -> Cost;
