//! The Transformer block: tokens look at each other, then each token thinks for itself.
//! Both steps only ever add to what is there, and both see it normalised.
//!
//! ```text
//! x ← x + attn(norm1(x))
//! x ← x + mlp(norm2(x))
//! ```
//!
//! Shapes: B batch, N tokens, D embedding dimension, h heads, r·D hidden units of the MLP.
//!
//! Sources: Dosovitskiy et al. 2021, arXiv:2010.11929, equations 2 and 3 and section 3.1;
//! Ba et al. 2016, arXiv:1607.06450; Zhang & Sennrich 2019, arXiv:1910.07467;
//! Hendrycks & Gimpel 2016, arXiv:1606.08415; Huang et al. 2016, arXiv:1603.09382.

use msa::Msa;
use tch::{Tensor, nn};

/// The number added to the variance in a block's two norms.
pub const EPSILON: f64 = 1e-6;

/// Layer normalisation: each token alone is shifted and scaled to mean 0 and variance 1, then scaled by `gamma` and
/// shifted by `beta`, column by column.
///
/// ```text
/// μ  = mean of x over the D columns
/// σ² = mean of (x − μ)² over the D columns
/// y  = (x − μ) / √(σ² + eps) · gamma + beta
/// ```
///
/// | tensor | shape |
/// |---|---|
/// | `x` and the result | \[.., D\] |
/// | `gamma`, `beta` | \[D\] |
///
/// `..` stands for any number of leading axes, none included. The library has this ready; here it is to be written out.
///
/// Source: Ba et al. 2016, equations 3 and 4, with the usual `eps`.
pub fn layer_norm(x: &Tensor, gamma: &Tensor, beta: &Tensor, eps: f64) -> Tensor {
    todo!(
        "take the mean of each token's columns away, divide by the root of their variance, then scale and shift the columns"
    )
}

/// Root mean square normalisation: `layer_norm` without the mean and without the shift.
///
/// ```text
/// y = x / √(mean of x² over the D columns + eps) · gamma
/// ```
///
/// | tensor | shape |
/// |---|---|
/// | `x` and the result | \[.., D\] |
/// | `gamma` | \[D\] |
///
/// An extra: no Vision Transformer of this course needs it, but most language models of today do.
///
/// Source: Zhang & Sennrich 2019, equation 4, with the usual `eps`.
pub fn rms_norm(x: &Tensor, gamma: &Tensor, eps: f64) -> Tensor {
    todo!("divide each token by the root of the mean of its squares, then scale the columns")
}

/// Stochastic depth: in training, a branch is left out for some samples of the batch.
///
/// ```text
/// y[b] = 0                 with probability p, 0 ≤ p < 1
/// y[b] = x[b] / (1 − p)    else
/// ```
///
/// One draw for each sample b, the first axis of `x`, \[B, ..\]. The division keeps the expected value. Where `train` is
/// false, or `p` is 0, `x` comes back as it is.
///
/// Source: Huang et al. 2016, section 3, which scales in evaluation where this scales in training.
pub fn drop_path(x: &Tensor, p: f64, train: bool) -> Tensor {
    todo!(
        "in training, draw once for each sample whether it is kept, and make up for those that are not"
    )
}

/// The block's second half: two maps with a GELU between them, for each token alone.
///
/// ```text
/// y = GELU(x W1ᵀ + b1) W2ᵀ + b2        GELU(z) = z · Φ(z)
/// ```
///
/// Φ is the distribution function of the standard normal distribution: the exact GELU, not its approximation by tanh.
///
/// | variable | shape |
/// |---|---|
/// | `fc1.weight` | \[hidden, D\] |
/// | `fc1.bias` | \[hidden\] |
/// | `fc2.weight` | \[D, hidden\] |
/// | `fc2.bias` | \[D\] |
///
/// Source: Dosovitskiy et al. 2021, section 3.1; Hendrycks & Gimpel 2016, section 2.
#[derive(Debug)]
pub struct Mlp {
    /// D → hidden.
    pub fc1: nn::Linear,
    /// hidden → D.
    pub fc2: nn::Linear,
    /// The dropout probability, after the GELU and after `fc2`.
    pub dropout: f64,
}

impl Mlp {
    /// Makes the two linear layers, `fc1` and `fc2`, below `vs`, without dropout.
    ///
    /// Weights and biases start as PyTorch's do: uniform in ±1/√(number of a map's inputs).
    pub fn new(vs: &nn::Path<'_>, dim: i64, hidden: i64) -> Self {
        todo!("make the two maps")
    }

    /// \[B, N, D\] → \[B, N, D\]; with dropout where `train` is true.
    pub fn forward_t(&self, x: &Tensor, train: bool) -> Tensor {
        todo!("map, bend, drop, map, drop")
    }
}

/// A block of a Vision Transformer, with the norms before attention and MLP ("pre-norm").
///
/// ```text
/// x ← x + attn(norm1(x))
/// x ← x + mlp(norm2(x))
/// ```
///
/// | variable | shape |
/// |---|---|
/// | `norm1.weight`, `norm1.bias` | \[D\] |
/// | `attn.qkv.weight`, `attn.qkv.bias` | \[3·D, D\], \[3·D\] |
/// | `attn.proj.weight`, `attn.proj.bias` | \[D, D\], \[D\] |
/// | `norm2.weight`, `norm2.bias` | \[D\] |
/// | `mlp.fc1.weight`, `mlp.fc1.bias` | \[r·D, D\], \[r·D\] |
/// | `mlp.fc2.weight`, `mlp.fc2.bias` | \[D, r·D\], \[D\] |
///
/// Names, shapes and order are those of timm's `Block` with `qkv_bias=True`, so a trained timm block loads unchanged.
///
/// Source: Dosovitskiy et al. 2021, equations 2 and 3.
#[derive(Debug)]
pub struct Block {
    /// The layer norm before attention: the library's, with [`EPSILON`].
    pub norm1: nn::LayerNorm,
    /// Multi-head self-attention, from exercise 03: tokens look at each other.
    pub attn: Msa,
    /// The layer norm before the MLP: the library's, with [`EPSILON`].
    pub norm2: nn::LayerNorm,
    /// The MLP: each token on its own.
    pub mlp: Mlp,
    /// The dropout probability of attention's output.
    pub dropout: f64,
    /// The stochastic depth (drop path) rate: the probability that training leaves out a branch for a sample.
    pub drop_path: f64,
}

impl Block {
    /// Makes the four parts below `vs`, without dropout and stochastic depth. The MLP has `mlp_ratio` times `dim`
    /// hidden units.
    ///
    /// The norms are initialised with weights of 1 and biases of 0, the linear layers as [`Msa`] and [`Mlp`] say.
    ///
    /// # Panics
    /// As [`Msa::new`].
    pub fn new(vs: &nn::Path<'_>, dim: i64, heads: i64, mlp_ratio: i64) -> Self {
        todo!("make norm, attention, norm and MLP")
    }

    /// The same block with dropout after attention, after the GELU and after the MLP, and with stochastic depth for each
    /// of the two branches. Both are probabilities, from 0 to 1, and act in training alone.
    #[must_use]
    pub fn with_dropout(self, dropout: f64, drop_path: f64) -> Self {
        todo!("keep both numbers, and give the MLP its own")
    }

    /// \[B, N, D\] → \[B, N, D\]; with dropout and stochastic depth where `train` is true.
    pub fn forward_t(&self, x: &Tensor, train: bool) -> Tensor {
        todo!(
            "add to x what attention makes of the normalised x, then what the MLP makes of that, normalised"
        )
    }

    /// As [`forward_t`](Self::forward_t) in evaluation, and the weights of each head:
    /// \[B, N, D\] → (\[B, N, D\], \[B, h, N, N\]).
    pub fn attend(&self, x: &Tensor) -> (Tensor, Tensor) {
        todo!("the same in evaluation, and what attention says of its weights")
    }
}
