//! Multi-head self-attention: the one place in a Transformer where tokens look at each other.
//! Every token asks a question, every token holds up a key, and the answer is a mixture of values.
//!
//! ```text
//! attention(q, k, v) = softmax(q kᵀ / √d) v
//! ```
//!
//! Shapes: B batch, N tokens, D embedding dimension, h heads, d = D/h, the width of one head.
//!
//! Sources: Vaswani et al. 2017, arXiv:1706.03762, equation 1 and section 3.2.2;
//! Dosovitskiy et al. 2021, arXiv:2010.11929, appendix A, equations 5 to 8.

use tch::{Tensor, nn};

/// Scaled dot-product attention: each query takes a weighted mean of the values.
///
/// ```text
/// weights = softmax(q kᵀ / √d)      weights[i, j]: how much token i takes from token j
/// output  = weights · v
/// ```
///
/// | tensor | shape |
/// |---|---|
/// | `q`, `k`, `v` | \[.., N, d\] |
/// | output, first of the pair | \[.., N, d\] |
/// | weights, second of the pair | \[.., N, N\], each row sums to 1 |
///
/// `..` stands for any number of leading axes, none included. Attention is computed for each of their entries on its
/// own.
///
/// Source: Vaswani et al. 2017, equation 1.
pub fn attention(q: &Tensor, k: &Tensor, v: &Tensor) -> (Tensor, Tensor) {
    todo!("compare each query with each key, turn each query's row into weights, mix the values")
}

/// Self-attention one head at a time: the slow form that is easy to read.
///
/// Head i takes its own features of the tokens, i·d to (i+1)·d, and has three small linear layers of its own for query,
/// key and value. The heads' outputs are joined along the last axis. There is no output layer.
///
/// | variable, for each head i | shape |
/// |---|---|
/// | `q_mappings.<i>.weight`, `k_mappings.<i>.weight`, `v_mappings.<i>.weight` | \[d, d\] |
/// | `q_mappings.<i>.bias`, `k_mappings.<i>.bias`, `v_mappings.<i>.bias` | \[d\] |
#[derive(Debug)]
pub struct HeadwiseMsa {
    q_mappings: Vec<nn::Linear>,
    k_mappings: Vec<nn::Linear>,
    v_mappings: Vec<nn::Linear>,
}

impl HeadwiseMsa {
    /// Makes the 3·h linear layers below `vs`.
    ///
    /// Weights and biases are initialised as in PyTorch: uniform in ±1/√d, d being the number of a layer's inputs.
    ///
    /// # Panics
    /// Panics if `heads` does not divide `dim`, naming both.
    pub fn new(vs: &nn::Path<'_>, dim: i64, heads: i64) -> Self {
        todo!("check the sizes, then make a d → d map for each head, three times")
    }

    /// \[B, N, D\] → \[B, N, D\].
    pub fn forward(&self, x: &Tensor) -> Tensor {
        todo!("cut the columns into heads, let each attend on its own, join what they give")
    }
}

/// Multi-head self-attention as Vision Transformers have it: all heads at once, then a linear layer that mixes them.
///
/// ```text
/// [q, k, v] = x Wqkvᵀ + bqkv
/// headᵢ     = attention(qᵢ, kᵢ, vᵢ)
/// output    = [head₀; …; headₕ₋₁] Wprojᵀ + bproj
/// ```
///
/// The 3·D columns of x Wqkvᵀ + bqkv are first all of q, then all of k, then all of v. Within each, head i has
/// columns i·d to (i+1)·d.
///
/// Source: Dosovitskiy et al. 2021, equations 5 to 8, which leave out the biases that its code has.
///
/// | variable | shape |
/// |---|---|
/// | `qkv.weight` | \[3·D, D\] |
/// | `qkv.bias` | \[3·D\] |
/// | `proj.weight` | \[D, D\] |
/// | `proj.bias` | \[D\] |
///
/// Names, shapes and order are those of timm's `Attention` with `qkv_bias=True`, so a trained timm block's
/// `attn` loads unchanged.
#[derive(Debug)]
pub struct Msa {
    /// The query, key and value layers of all heads in one: D → 3·D.
    pub qkv: nn::Linear,
    /// The output layer, which mixes the heads: D → D.
    pub proj: nn::Linear,
    /// Number of heads, h.
    pub heads: i64,
}

impl Msa {
    /// Makes the two linear layers, `qkv` and `proj`, below `vs`.
    ///
    /// Weights and biases are initialised as in PyTorch: uniform in ±1/√D, D being the number of a layer's inputs.
    ///
    /// # Panics
    /// Panics if `heads` does not divide `dim`, naming both.
    pub fn new(vs: &nn::Path<'_>, dim: i64, heads: i64) -> Self {
        todo!("check the sizes, then make the two maps")
    }

    /// \[B, N, D\] → \[B, N, D\].
    pub fn forward(&self, x: &Tensor) -> Tensor {
        todo!("attend, and keep the output only")
    }

    /// As [`forward`](Self::forward), and the weights of each head: \[B, N, D\] → (\[B, N, D\], \[B, h, N, N\]).
    pub fn attend(&self, x: &Tensor) -> (Tensor, Tensor) {
        todo!("map to q, k and v, split each into heads, attend, merge the heads, map once more")
    }
}
