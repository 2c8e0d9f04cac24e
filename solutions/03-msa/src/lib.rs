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
    let d = q.size()[q.dim() - 1] as f64;
    let logits = q.matmul(&k.transpose(-2, -1)) / d.sqrt(); // [.., N, N]
    let weights = logits.softmax(-1, logits.kind());
    (weights.matmul(v), weights) // [.., N, d], [.., N, N]
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
        let d = head_width(dim, heads);
        let maps = |name: &str| (0..heads).map(|i| linear(vs / name / i, d, d)).collect();
        Self {
            q_mappings: maps("q_mappings"),
            k_mappings: maps("k_mappings"),
            v_mappings: maps("v_mappings"),
        }
    }

    /// \[B, N, D\] → \[B, N, D\].
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let heads = self.q_mappings.len();
        let columns = x.chunk(heads as i64, -1); // h times [B, N, d]
        let head = |i: usize| {
            let q = columns[i].apply(&self.q_mappings[i]);
            let k = columns[i].apply(&self.k_mappings[i]);
            let v = columns[i].apply(&self.v_mappings[i]);
            attention(&q, &k, &v).0
        };
        let outputs: Vec<_> = (0..heads).map(head).collect();
        Tensor::cat(&outputs, -1) // [B, N, D]
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
        head_width(dim, heads);
        Self {
            qkv: linear(vs / "qkv", dim, 3 * dim),
            proj: linear(vs / "proj", dim, dim),
            heads,
        }
    }

    /// \[B, N, D\] → \[B, N, D\].
    pub fn forward(&self, x: &Tensor) -> Tensor {
        self.attend(x).0
    }

    /// As [`forward`](Self::forward), and the weights of each head: \[B, N, D\] → (\[B, N, D\], \[B, h, N, N\]).
    pub fn attend(&self, x: &Tensor) -> (Tensor, Tensor) {
        let qkv = x
            .apply(&self.qkv) // [B, N, 3·D]
            .unflatten(-1, [3, self.heads, -1]) // [B, N, 3, h, d]
            .permute([2, 0, 3, 1, 4]); // [3, B, h, N, d]
        let (heads, weights) = attention(&qkv.get(0), &qkv.get(1), &qkv.get(2)); // [B, h, N, d]
        let joined = heads.transpose(1, 2).flatten(2, 3); // [B, N, h, d], then [B, N, D]
        (joined.apply(&self.proj), weights)
    }
}

/// The width d of one head.
fn head_width(dim: i64, heads: i64) -> i64 {
    assert!(
        heads > 0 && dim % heads == 0,
        "{heads} heads do not divide a dimension of {dim}"
    );
    dim / heads
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
