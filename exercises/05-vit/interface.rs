//! The interface of exercise 05. grader/README.md says how it is read: "The interface of an exercise".

#![operations(
    "train.device" = workers::training::find_device,
    "train.data" = workers::training::data,
    "train.start" = start_training,
    "train.load" = workers::training::load,
    "train.steps" = workers::training::steps,
    "train.state" = workers::training::state,
    "train.logits" = workers::training::logits,
)]

use tch::{Tensor, nn};

pub const INITIAL_STD: f64 = 0.02;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Positions {
    Learned,
    Sinusoidal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    Cls,
    Mean,
}

#[derive(Clone, Debug, PartialEq)]
pub struct VitConfig {
    /// side of the images in pixels
    pub image: i64,
    /// side of the patches P
    pub patch: i64,
    /// channels C
    pub channels: i64,
    /// classes K
    pub classes: i64,
    /// embedding dimension D
    pub dim: i64,
    /// blocks L
    pub depth: i64,
    /// number of heads h
    pub heads: i64,
    /// hidden columns of the MLPs, in D
    #[default = "4"]
    pub mlp_ratio: i64,
    /// share set to 0 in training
    #[default = "0"]
    pub dropout: f64,
    /// learned or sinusoidal
    #[default = "learned"]
    pub positions: Positions,
    /// cls or mean
    #[default = "cls"]
    pub pool: Pool,
}

#[presets = "config"]
impl VitConfig {
    pub fn mnist() -> Self;
    pub fn tiny() -> Self;
    pub fn small() -> Self;
    pub fn base() -> Self;
    pub fn large() -> Self;
    pub fn huge() -> Self;
}

/// a Vision Transformer, in evaluation
pub struct Vit;

impl Vit {
    pub fn new(vs: &nn::Path<'_>, config: &VitConfig) -> Self;

    #[gives(logits = "[B, K]")]
    #[then = "hold_against_reference"]
    pub fn forward_t(
        &self,
        /// [B, C, H, W]
        images: &Tensor,
        train: bool,
    ) -> Tensor;

    #[gives(features = "[B, N+1, D]")]
    pub fn forward_features(
        &self,
        /// [B, C, H, W]
        images: &Tensor,
        train: bool,
    ) -> Tensor;

    #[gives("attention.<l>" = "[B, h, N+1, N+1]")]
    pub fn attentions(
        &self,
        /// [B, C, H, W]
        images: &Tensor,
    ) -> Vec<Tensor>;
}

/// steps of AdamW, S batches of one size; without dropout where results are compared
#[by_hand]
#[takes(images = "[S, B, C, H, W]", labels = "i64 [S, B]", rates = "f64 [S]")]
#[gives(losses = "f64 [S]", "<variable>" = "as it came, after the last step")]
pub fn fit(
    vs: &nn::VarStore,
    vit: &Vit,
    batches: &[(Tensor, Tensor)],
    rate: impl Fn(i64) -> f64,
) -> Vec<f64>;

/// how many numbers a Vision Transformer has to learn
#[gives(parameters = "i64 []")]
pub fn parameters(config: &VitConfig) -> i64;

#[unlisted]
#[gives(drawn = "[shape]")]
pub fn trunc_normal(shape: &[i64], std: f64) -> Tensor;

/// the learning rate of a step
#[gives(rate = "f64 []")]
pub fn warmup_cosine(
    /// the step, from 0
    step: i64,
    /// steps of warm-up
    warmup: i64,
    /// steps in all
    total: i64,
    /// the largest rate
    base: f64,
    /// the rate at the end
    min: f64,
) -> f64;

/// the share of rows whose largest logit is the label's
#[gives(accuracy = "f64 []")]
pub fn accuracy(
    /// [B, K]
    logits: &Tensor,
    /// i64 [B]
    labels: &Tensor,
) -> f64;
