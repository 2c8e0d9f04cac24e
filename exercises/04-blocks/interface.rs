//! The interface of exercise 04. grader/README.md says how it is read: "The interface of an exercise".

use tch::{Tensor, nn};

/// layer normalisation of each token
#[gives(y = "[.., D]")]
pub fn layer_norm(
    /// [.., D]
    x: &Tensor,
    /// [D]
    gamma: &Tensor,
    /// [D]
    beta: &Tensor,
    /// what is added to the variance
    eps: f64,
) -> Tensor;

/// root mean square normalisation of each token
#[gives(y = "[.., D]")]
pub fn rms_norm(
    /// [.., D]
    x: &Tensor,
    /// [D]
    gamma: &Tensor,
    /// what is added to the mean of the squares
    eps: f64,
) -> Tensor;

/// stochastic depth: some samples of a batch are left out
#[gives(y = "[B, ..]")]
pub fn drop_path(
    /// [B, ..]
    x: &Tensor,
    /// probability of leaving out a sample
    p: f64,
    /// true or false
    train: bool,
) -> Tensor;

/// two maps with a GELU between them, in evaluation
pub struct Mlp;

impl Mlp {
    pub fn new(
        vs: &nn::Path<'_>,
        /// embedding dimension D
        dim: i64,
        /// columns between the maps
        hidden: i64,
    ) -> Self;

    #[gives(y = "[B, N, D]")]
    pub fn forward_t(
        &self,
        /// [B, N, D]
        x: &Tensor,
        train: bool,
    ) -> Tensor;
}

/// a block with the norms before attention and MLP, in evaluation
pub struct Block;

impl Block {
    pub fn new(
        vs: &nn::Path<'_>,
        /// embedding dimension D
        dim: i64,
        /// number of heads h
        heads: i64,
        /// hidden columns of the MLP, in D
        mlp_ratio: i64,
    ) -> Self;

    #[must_use]
    pub fn with_dropout(self, dropout: f64, drop_path: f64) -> Self;

    #[gives(y = "[B, N, D]")]
    pub fn forward_t(
        &self,
        /// [B, N, D]
        x: &Tensor,
        train: bool,
    ) -> Tensor;

    #[gives(y = "[B, N, D]", weights = "[B, h, N, N]")]
    pub fn attend(
        &self,
        /// [B, N, D]
        x: &Tensor,
    ) -> (Tensor, Tensor);
}
