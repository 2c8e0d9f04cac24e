//! The interface of exercise 03. grader/README.md says how it is read: "The interface of an exercise".

use tch::{Tensor, nn};

/// scaled dot-product attention
#[gives(y = "[.., N, d]", weights = "[.., N, N]")]
pub fn attention(
    /// [.., N, d]
    q: &Tensor,
    /// [.., N, d]
    k: &Tensor,
    /// [.., N, d]
    v: &Tensor,
) -> (Tensor, Tensor);

/// self-attention one head at a time, without an output map
#[operation = "headwise"]
pub struct HeadwiseMsa;

impl HeadwiseMsa {
    pub fn new(
        vs: &nn::Path<'_>,
        /// embedding dimension D
        dim: i64,
        /// number of heads h
        heads: i64,
    ) -> Self;

    #[gives(y = "[B, N, D]")]
    pub fn forward(
        &self,
        /// [B, N, D]
        x: &Tensor,
    ) -> Tensor;
}

/// multi-head self-attention
pub struct Msa;

impl Msa {
    pub fn new(
        vs: &nn::Path<'_>,
        /// embedding dimension D
        dim: i64,
        /// number of heads h
        heads: i64,
    ) -> Self;

    #[gives(y = "[B, N, D]")]
    pub fn forward(
        &self,
        /// [B, N, D]
        x: &Tensor,
    ) -> Tensor;

    #[gives(y = "[B, N, D]", weights = "[B, h, N, N]")]
    pub fn attend(
        &self,
        /// [B, N, D]
        x: &Tensor,
    ) -> (Tensor, Tensor);
}
