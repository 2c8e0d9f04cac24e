//! DeiT: a Vision Transformer that learns from a teacher as well as from labels.
//! One token more stands among the patches, and learns to say what the teacher says.
//!
//! ```text
//! x    = [class token; distillation token; patches · E] + positions      [B, N+2, D]
//! x    = norm(block(x), L times)
//! y    = head(x[class token])                  is to say what the label says      [B, K]
//! y'   = head_dist(x[distillation token])      is to say what the teacher says    [B, K]
//! ```
//!
//! Shapes: B batch, C channels, P patch side, N patches, D embedding dimension, h heads, L blocks, K classes.
//!
//! Sources: Touvron et al. 2021, arXiv:2012.12877, section 4; Hinton et al. 2015, arXiv:1503.02531, section 2.

pub mod teacher;

use tch::{Tensor, nn};
use vit::{Vit, VitConfig};

/// A Vision Transformer with a token and a classifier more, which learn from a teacher.
///
/// ```text
/// z₀ = [class token; distillation token; x₁ E; x₂ E; …; x_N E] + positions
/// zₗ = blockₗ(zₗ₋₁)
/// y  = norm(z_L), of which the class token goes to head, the distillation token to head_dist
/// ```
///
/// | variable | shape |
/// |---|---|
/// | `cls_token`, `dist_token` | \[1, 1, D\] |
/// | `pos_embed` | \[1, N+2, D\] |
/// | `patch_embed.proj.weight`, `patch_embed.proj.bias` | \[D, C, P, P\], \[D\] |
/// | `blocks.<l>.…`, for l from 0 to L−1 | those of exercise 04's `Block` |
/// | `norm.weight`, `norm.bias` | \[D\] |
/// | `head.weight`, `head.bias` | \[K, D\], \[K\] |
/// | `head_dist.weight`, `head_dist.bias` | \[K, D\], \[K\] |
///
/// Names, shapes and order are those of timm's `VisionTransformerDistilled`, so its checkpoints load unchanged.
///
/// Source: Touvron et al. 2021, section 4 and figure 2.
#[derive(Debug)]
pub struct Deit {
    /// The parts that a DeiT has in common with a ViT: patch embedding, class token, blocks, norm, and the class
    /// token's head. It is made with fixed positions, which are not a variable and are not used.
    pub vit: Vit,
    /// The token that stands between the class token and the patches.
    pub dist_token: Tensor,
    /// The positions, added to the tokens: two rows more than there are patches.
    pub pos_embed: Tensor,
    /// The distillation token's classifier: D → K.
    pub head_dist: nn::Linear,
}

impl Deit {
    /// Makes all parts below `vs`. A DeiT's positions are learned, and each of its heads has a token of its own: `positions`
    /// and `pool` of the configuration play no part.
    ///
    /// The `vit` in it is made below the same path, with [`vit::Positions::Sinusoidal`]: with learned positions it would
    /// make a variable `pos_embed` of N + 1 rows, where this model has its own, of N + 2.
    ///
    /// All weights, both tokens and the positions are initialised by [`vit::trunc_normal`] with [`vit::INITIAL_STD`],
    /// all biases with 0; norms have initial weights of 1 and biases of 0.
    ///
    /// # Panics
    /// Panics as [`Vit::new`] does: if `patch` does not divide `image` or `heads` does not divide `dim`, naming both numbers.
    pub fn new(vs: &nn::Path<'_>, config: &VitConfig) -> Self {
        todo!("what a ViT has, one more token, one more head, and positions for all of them")
    }

    /// For the loss: images, \[B, C, H, W\], to the logits of the class token and those of the distillation token,
    /// \[B, K\] each; with dropout.
    pub fn forward_train(&self, images: &Tensor) -> (Tensor, Tensor) {
        todo!(
            "embed, both tokens first; add the positions; blocks and the norm; each token through its own head"
        )
    }

    /// The model's answer: images, \[B, C, H, W\], to the mean of both tokens' logits, \[B, K\]; without dropout.
    ///
    /// Source: Touvron et al. 2021, section 4, where the two softmaxes are added; the authors' code and timm take the mean of
    /// the logits, and so does this.
    pub fn forward_eval(&self, images: &Tensor) -> Tensor {
        todo!("the same way, without dropout, and the mean of what the two heads say")
    }

    /// The weights of each head in each block, in evaluation: \[B, C, H, W\] → L times \[B, h, N+2, N+2\].
    pub fn attentions(&self, images: &Tensor) -> Vec<Tensor> {
        todo!("embed, then collect what each block's attend says of its weights")
    }
}

/// The kind of distillation: what a student takes from its teacher.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Distillation {
    /// Soft distillation: the teacher's probabilities of all classes.
    Soft {
        /// The temperature T, above 0, by which logits are divided before the softmax. The higher it is, the more the
        /// small probabilities count.
        temperature: f64,
        /// α, from 0 to 1: the weight of the label loss. The loss against the teacher has the weight 1 − α.
        alpha: f64,
    },
    /// Hard distillation: the teacher's decision alone, as if it were a label.
    Hard,
}

/// The distillation loss of a batch: the loss against the labels and the loss against the teacher, in one number.
///
/// ```text
/// soft   α · CE(class, labels) + (1 − α) · T² · KL(softmax(teacher / T) ‖ softmax(dist / T))
/// hard   ½ · CE(class, labels) + ½ · CE(dist, argmax teacher)
/// KL(p ‖ q) = Σ p · (ln p − ln q), over the classes
/// ```
///
/// | tensor | shape |
/// |---|---|
/// | `class_logits`, `dist_logits`, `teacher_logits` | \[B, K\] |
/// | `labels`, of type i64 | \[B\] |
/// | the result, of the logits' type | \[\] |
///
/// CE and KL are sums over the classes and means over the batch. No gradient goes to the teacher.
///
/// Sources: Touvron et al. 2021, equation 2, whose λ is 1 − α, and equation 3, with the distillation token's logits where
/// the teacher is followed; Hinton et al. 2015, section 2, for T².
///
/// # Panics
/// Panics if the logits of the class token, of the distillation token and of the teacher differ in shape, naming both
/// shapes.
pub fn distillation_loss(
    class_logits: &Tensor,
    dist_logits: &Tensor,
    teacher_logits: &Tensor,
    labels: &Tensor,
    distillation: Distillation,
) -> Tensor {
    todo!(
        "check the shapes, keep the gradient from the teacher, then calculate one of the two formulas"
    )
}
