//! The interface of exercise 06. grader/README.md says how it is read: "The interface of an exercise".

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
// A DeiT does not look at positions and pool.
#[fixed(positions = Learned, pool = Cls)]
use vit::VitConfig;
use vit::{INITIAL_STD, Pool, Positions};

/// a DeiT: logits in evaluation, which a cotangent belongs to, and of each head in training
pub struct Deit;

impl Deit {
    pub fn new(vs: &nn::Path<'_>, config: &VitConfig) -> Self;

    #[gives(logits = "[B, K]")]
    pub fn forward_eval(
        &self,
        /// [B, C, H, W]
        images: &Tensor,
    ) -> Tensor;

    // Tests ask for gradients of both results at once, stacked: so a cotangent belongs to `pair`.
    #[stacked = "pair"]
    #[gives(class_logits = "[B, K]", dist_logits = "[B, K]")]
    pub fn forward_train(
        &self,
        /// [B, C, H, W]
        images: &Tensor,
    ) -> (Tensor, Tensor);

    #[gives("attention.<l>" = "[B, h, N+2, N+2]")]
    pub fn attentions(
        &self,
        /// [B, C, H, W]
        images: &Tensor,
    ) -> Vec<Tensor>;
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Distillation {
    Soft {
        /// the temperature T
        temperature: f64,
        /// α, the weight of the labels' loss
        alpha: f64,
    },
    Hard,
}

/// what labels and teacher have to say against a student's logits
#[gives(loss = "[]")]
pub fn distillation_loss(
    /// [B, K]
    class_logits: &Tensor,
    /// [B, K]
    dist_logits: &Tensor,
    /// [B, K]
    teacher_logits: &Tensor,
    /// i64 [B]
    labels: &Tensor,
    /// soft or hard
    #[name = "mode"]
    distillation: Distillation,
) -> Tensor;
