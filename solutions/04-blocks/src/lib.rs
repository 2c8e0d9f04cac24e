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
    let centred = x - x.mean_dim(-1, true, x.kind()); // [.., D]
    let variance = centred.square().mean_dim(-1, true, x.kind()); // [.., 1]
    centred * (variance + eps).rsqrt() * gamma + beta // [.., D]
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
    let mean_square = x.square().mean_dim(-1, true, x.kind()); // [.., 1]
    x * (mean_square + eps).rsqrt() * gamma // [.., D]
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
    if !train || p == 0.0 {
        return x.shallow_clone();
    }
    let mut one_per_sample = vec![1; x.dim()];
    one_per_sample[0] = x.size()[0];
    let ones = Tensor::ones(&one_per_sample, (x.kind(), x.device())); // [B, 1, ..]
    x * ones.dropout(p, train) // the mask is 0 or 1 / (1 − p)
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
        Self {
            fc1: linear(vs / "fc1", dim, hidden),
            fc2: linear(vs / "fc2", hidden, dim),
            dropout: 0.0,
        }
    }

    /// \[B, N, D\] → \[B, N, D\]; with dropout where `train` is true.
    pub fn forward_t(&self, x: &Tensor, train: bool) -> Tensor {
        x.apply(&self.fc1) // [B, N, hidden]
            .gelu("none")
            .dropout(self.dropout, train)
            .apply(&self.fc2) // [B, N, D]
            .dropout(self.dropout, train)
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
        Self {
            norm1: norm(vs / "norm1", dim),
            attn: Msa::new(&(vs / "attn"), dim, heads),
            norm2: norm(vs / "norm2", dim),
            mlp: Mlp::new(&(vs / "mlp"), dim, mlp_ratio * dim),
            dropout: 0.0,
            drop_path: 0.0,
        }
    }

    /// The same block with dropout after attention, after the GELU and after the MLP, and with stochastic depth for each
    /// of the two branches. Both are probabilities, from 0 to 1, and act in training alone.
    #[must_use]
    pub fn with_dropout(mut self, dropout: f64, drop_path: f64) -> Self {
        self.dropout = dropout;
        self.mlp.dropout = dropout;
        self.drop_path = drop_path;
        self
    }

    /// \[B, N, D\] → \[B, N, D\]; with dropout and stochastic depth where `train` is true.
    pub fn forward_t(&self, x: &Tensor, train: bool) -> Tensor {
        self.run(x, train).0
    }

    /// As [`forward_t`](Self::forward_t) in evaluation, and the weights of each head:
    /// \[B, N, D\] → (\[B, N, D\], \[B, h, N, N\]).
    pub fn attend(&self, x: &Tensor) -> (Tensor, Tensor) {
        self.run(x, false)
    }

    fn run(&self, x: &Tensor, train: bool) -> (Tensor, Tensor) {
        let (mixed, weights) = self.attn.attend(&x.apply(&self.norm1)); // [B, N, D], [B, h, N, N]
        let x = x + drop_path(&mixed.dropout(self.dropout, train), self.drop_path, train);
        let thought = self.mlp.forward_t(&x.apply(&self.norm2), train); // [B, N, D]
        (&x + drop_path(&thought, self.drop_path, train), weights)
    }
}

/// The library's norm, which is one operation where one's own is nine; its own epsilon would be 1e-5.
fn norm(vs: nn::Path<'_>, dim: i64) -> nn::LayerNorm {
    let config = nn::LayerNormConfig {
        eps: EPSILON,
        ..Default::default()
    };
    nn::layer_norm(vs, vec![dim], config)
}

/// A map as PyTorch's `nn.Linear` makes it. tch's default for the weights is √6 times as wide; its default
/// for the bias is right.
fn linear(vs: nn::Path<'_>, inputs: i64, outputs: i64) -> nn::Linear {
    let bound = 1.0 / (inputs as f64).sqrt();
    let as_pytorch = nn::LinearConfig {
        ws_init: nn::Init::Uniform {
            lo: -bound,
            up: bound,
        },
        ..Default::default()
    };
    nn::linear(vs, inputs, outputs, as_pytorch)
}
