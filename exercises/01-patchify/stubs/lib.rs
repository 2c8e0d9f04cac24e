//! An image as a sequence of tokens.
//!
//! A transformer reads sequences, and an image is not one. So cut it into patches, lay each patch flat as one row of
//! numbers, and send all rows through the same linear layer: each comes out as a *token*.
//!
//! ```text
//!  images [B, C, H, W]          patches [B, G², C·P·P]             tokens [B, G², D]
//!    ┌─────┬─────┐
//!    │  0  │  1  │  patchify    0 │▪▪▪▪▪▪▪▪▪▪▪▪│                   0 │▫▫▫▫│
//!    │     │     │ ──────────►  1 │▪▪▪▪▪▪▪▪▪▪▪▪│  embed            1 │▫▫▫▫│
//!    ├─────┼─────┤              2 │▪▪▪▪▪▪▪▪▪▪▪▪│ ───────────────►  2 │▫▫▫▫│
//!    │  2  │  3  │ ◄──────────  3 │▪▪▪▪▪▪▪▪▪▪▪▪│  x·weightᵀ + bias 3 │▫▫▫▫│
//!    │     │     │  unpatchify
//!    └─────┴─────┘
//! ```
//!
//! Source: Dosovitskiy et al. 2021, *An Image is Worth 16×16 Words* (arXiv:2010.11929), section 3.1 and
//! equation 1. The handout, README.md, has an example to do by hand.

use ndarray::{Array3, Array4, ArrayView1, ArrayView2, ArrayView3, ArrayView4};

/// Cuts each image into `grid` × `grid` patches and lays each patch flat.
///
/// With G = `grid`, a patch has P = H/G rows and Q = W/G columns; P = Q where the image is square.
///
/// ```text
/// patches[b, i·G + j, (c·P + r)·Q + s] = images[b, c, i·P + r, j·Q + s]
/// ```
///
/// i and j say which patch: the grid is read row by row. c, r and s say where inside it: channel, then row,
/// then column, as the weights of a convolution lie in memory.
///
/// Shapes: `images` \[B, C, H, W\] → \[B, G², C·P·Q\].
///
/// # Panics
/// Panics if `grid` does not divide both H and W, naming `grid` and the side that does not fit.
///
/// Source: ViT, section 3.1, there x → x_p.
pub fn patchify(images: ArrayView4<'_, f32>, grid: usize) -> Array3<f32> {
    todo!(
        "cut each image along both sides, and move what numbers the patches in front of what lies inside one"
    )
}

/// Puts patches back where [`patchify`] took them from, and gives square images.
///
/// The side P of a patch follows from its length, which is `channels`·P². With G = `grid`:
///
/// ```text
/// images[b, c, i·P + r, j·P + s] = patches[b, i·G + j, (c·P + r)·P + s]
/// ```
///
/// Shapes: `patches` \[B, G², C·P·P\] → \[B, C, G·P, G·P\].
///
/// # Panics
/// Panics if there are not `grid`² patches, naming their number and `grid`; or if the length of a patch is not
/// `channels` times a square, naming that length and `channels`.
pub fn unpatchify(patches: ArrayView3<'_, f32>, channels: usize, grid: usize) -> Array4<f32> {
    todo!("find the side of a patch, then do what patchify does in the reverse order")
}

/// Maps each patch to a token by one linear layer, the same for all patches of all images.
///
/// ```text
/// tokens[b, n, d] = Σₖ patches[b, n, k] · weight[d, k] + bias[d]
/// ```
///
/// Shapes: `patches` \[B, N, K\], `weight` \[D, K\], `bias` \[D\] → \[B, N, D\], with K = C·P·P.
///
/// # Panics
/// Panics if the rows of `weight` are not as long as a patch, or if `bias` does not have one value for each row
/// (nothing is broadcast), naming both lengths.
///
/// Source: ViT, equation 1, there x_p E; `weight` is Eᵀ, and the bias is left out there.
pub fn embed(
    patches: ArrayView3<'_, f32>,
    weight: ArrayView2<'_, f32>,
    bias: ArrayView1<'_, f32>,
) -> Array3<f32> {
    todo!("multiply each patch with each row of the weight, and add the bias")
}

/// The cost of a patch size for a Vision Transformer. See [`cost`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Patches of one image: (image / patch)².
    pub patches: usize,
    /// Tokens that attention sees: the patches and one class token.
    pub tokens: usize,
    /// Weights and biases of the embedding: dim · channels · patch² + dim.
    pub params: usize,
    /// Floating-point operations of QKᵀ and AV, one self-attention layer, one image: 4 · tokens² · dim.
    pub attention_flops: usize,
}

/// Counts what patches of `patch` × `patch` pixels cost on a square image of side `image`.
///
/// With T tokens and D = `dim`:
///
/// ```text
/// patches         = (image / patch)²
/// tokens          = patches + 1                      T, with the class token
/// params          = D · channels · patch² + D        weight and bias of embed
/// attention_flops = 2·T²·D + 2·T²·D = 4·T²·D         QKᵀ and AV
/// ```
///
/// Each of the two products takes T²·D multiplications, each followed by one addition, and both are counted: **two
/// operations for a multiply-add**. The number of heads h does not matter, for h · T² · (D/h) = T²·D. The linear
/// layers that produce Q, K, V and the output, the scaling and the softmax are not counted.
///
/// # Panics
/// Panics if `patch` does not divide `image`, naming both.
///
/// Source: ViT, section 3.1 (N = HW/P²); Vaswani et al. 2017 (arXiv:1706.03762), table 1: a layer of
/// self-attention is O(n²·d).
pub fn cost(image: usize, patch: usize, channels: usize, dim: usize) -> Cost {
    todo!("count patches, tokens, parameters and operations")
}
