//! Swin's windows: tokens look at each other within small windows alone, and in every second block the windows are
//! shifted, so that news travels from one to the next.
//!
//! ```text
//! x ← x + un-roll(attention within windows(roll(norm1(x))))
//! x ← x + mlp(norm2(x))
//! ```
//!
//! Shapes: B batch, H × W the map of tokens, D embedding dimension, h heads, d = D/h; windows of Wh × Ww tokens, M =
//! Wh·Ww tokens in each, nW = H·W/M windows in a map; p class tokens (0 or 1), T = (2·Wh − 1)·(2·Ww − 1) + 3·p relative
//! positions; C channels, P patch side, K classes, S stages, r·D hidden units of the MLPs. Sizes, windows and shifts
//! are pairs: rows, then columns.
//!
//! Sources: Liu et al. 2021, arXiv:2103.14030, sections 3.1 and 3.2 and equations 1 to 4; for the class token's bias,
//! Bao et al. 2022, arXiv:2106.08254, and its code.

use blocks::Mlp;
use tch::{Tensor, nn};

/// The number added to the variance in the norms: PyTorch's default, with which Swin was trained. That of exercises 04
/// and 05 is 1e-6.
pub const EPSILON: f64 = 1e-5;

/// The logit that is added between tokens of two regions. The exponential of −100 is 4e-44: nothing beside any other
/// weight.
pub const MASKED: f64 = -100.0;

/// Cuts maps of tokens into windows: row by row, and all windows of the first map before those of the second.
///
/// ```text
/// windows[b·nW + i·(W/Ww) + j, r, c] = x[b, i·Wh + r, j·Ww + c]
/// ```
///
/// | tensor | shape |
/// |---|---|
/// | `x` | \[B, H, W, D\] |
/// | the windows | \[B·nW, Wh, Ww, D\] |
///
/// # Panics
/// Panics if the window does not divide the map along an axis, naming both sides.
pub fn window_partition(x: &Tensor, window: (i64, i64)) -> Tensor {
    todo!(
        "take both axes of the map apart, bring the windows' axes together, and join them with the batch"
    )
}

/// Puts windows together to maps of this size: what [`window_partition`] cut.
///
/// | tensor | shape |
/// |---|---|
/// | `windows` | \[B·nW, Wh, Ww, D\] |
/// | the maps | \[B, H, W, D\] |
///
/// # Panics
/// Panics if the windows do not divide the map along an axis, naming both sides, or if there are windows left over,
/// naming their number and nW.
pub fn window_reverse(windows: &Tensor, size: (i64, i64)) -> Tensor {
    todo!("the steps of window_partition, each undone, in the opposite order")
}

/// The mask of a map that was rolled by a shift: within a window, 0 between tokens of the same region, and [`MASKED`]
/// between tokens of two regions, which were no neighbours before.
///
/// Rolled by −s, the last s rows of a map are those that were its first. With a row r counted *after* the roll:
///
/// ```text
/// region of r = 0 for r < H − Wh      no window holds rows of two regions here
///               1 for r < H − s
///               2 else                 these came from the other edge
/// ```
///
/// and likewise for columns. Tokens are in the same region if both their rows and their columns are. Windows are
/// numbered as [`window_partition`] numbers them, and tokens within a window row by row. With a shift of 0 along an
/// axis, that axis masks nothing.
///
/// The result is f32, \[nW, M, M\].
///
/// # Panics
/// As [`window_partition`].
///
/// Source: Liu et al. 2021, section 3.2, "Efficient batch computation for shifted configuration", and its code.
pub fn shift_mask(size: (i64, i64), window: (i64, i64), shift: (i64, i64)) -> Tensor {
    todo!(
        "give each token of the map the number of its region, cut that into windows, and compare all pairs within each"
    )
}

/// The row of the bias table for each pair of a window's tokens: the same for all pairs that lie in the same way to
/// each other.
///
/// ```text
/// index[i, j] = (rᵢ − rⱼ + Wh − 1) · (2·Ww − 1) + (cᵢ − cⱼ + Ww − 1)
/// ```
///
/// Token i, the query, is at row rᵢ and column cᵢ of the window; tokens are numbered row by row.
///
/// With `prefix` 1, a class token comes first, as plain Vision Transformers with relative positions have it. It has no
/// place, so the table has three rows more: the first of them for the class token as query, the second for it as key,
/// the third for itself.
///
/// ```text
/// index[0, j] = T − 3        index[i, 0] = T − 2        index[0, 0] = T − 1
/// ```
///
/// The result is i64, \[M+p, M+p\].
///
/// # Panics
/// Panics if `prefix` is neither 0 nor 1, naming it.
///
/// Sources: Liu et al. 2021, section 3.2, equation 4, and its code; Bao et al. 2022, its code, for the class token.
pub fn relative_index(window: (i64, i64), prefix: i64) -> Tensor {
    todo!(
        "for all pairs: the difference of their rows and that of their columns, both made to begin at 0, as one number"
    )
}

/// The bias that is added to the logits: for each head, and each pair of a window's tokens, the number that the table
/// has for their relative position.
///
/// ```text
/// bias[k, i, j] = table[index[i, j], k]
/// ```
///
/// | tensor | shape |
/// |---|---|
/// | `table` | \[T, h\] |
/// | the bias | \[h, M+p, M+p\] |
///
/// # Panics
/// Panics if the table does not have T rows, naming both numbers; otherwise as [`relative_index`].
///
/// Source: Liu et al. 2021, equation 4.
pub fn relative_bias(table: &Tensor, window: (i64, i64), prefix: i64) -> Tensor {
    todo!("take a row of the table for each pair, and bring the heads to the front")
}

/// Multi-head self-attention within windows, with a bias by relative position.
///
/// ```text
/// [q, k, v] = x Wqkvᵀ + bqkv
/// weights   = softmax(q kᵀ / √d + B + mask)
/// y         = [weights₀ v₀; …; weightsₕ₋₁ vₕ₋₁] Wprojᵀ + bproj
/// ```
///
/// B is [`relative_bias`] of the table, without a class token, and the same for all windows. q, k, v and heads lie in
/// `qkv` as in exercise 03.
///
/// | variable | shape |
/// |---|---|
/// | `relative_position_bias_table` | \[T, h\] |
/// | `qkv.weight`, `qkv.bias` | \[3·D, D\], \[3·D\] |
/// | `proj.weight`, `proj.bias` | \[D, D\], \[D\] |
///
/// Names, shapes and order are those of timm's `WindowAttention`.
///
/// Source: Liu et al. 2021, equation 4.
#[derive(Debug)]
pub struct WindowAttention {
    /// The query, key and value layers of all heads in one: D → 3·D.
    pub qkv: nn::Linear,
    /// The output layer, which mixes the heads: D → D.
    pub proj: nn::Linear,
    /// A number for each relative position and head: \[T, h\].
    pub relative_position_bias_table: Tensor,
    /// Number of heads, h.
    pub heads: i64,
    /// Rows and columns of a window.
    pub window: (i64, i64),
}

impl WindowAttention {
    /// Makes both linear layers and the table below `vs`.
    ///
    /// Weights and table are initialised by exercise 05's [`vit::trunc_normal`] with [`vit::INITIAL_STD`], biases with
    /// 0.
    ///
    /// # Panics
    /// Panics if `heads` does not divide `dim`, naming both.
    pub fn new(vs: &nn::Path<'_>, dim: i64, heads: i64, window: (i64, i64)) -> Self {
        todo!("check that heads divides dim; make both linear layers and the table")
    }

    /// \[B·nW, M, D\] → \[B·nW, M, D\], with a mask \[nW, M, M\] if there is one: it belongs to the windows of a map,
    /// and is the same for all maps of the batch.
    ///
    /// # Panics
    /// Panics if the windows are of another number of tokens than M, naming both, or if the mask's nW does not divide
    /// their number, naming both.
    pub fn forward(&self, x: &Tensor, mask: Option<&Tensor>) -> Tensor {
        todo!("the first of what attend gives")
    }

    /// As [`forward`](Self::forward), and the weights of each head: \[B·nW, M, D\] → (\[B·nW, M, D\], \[B·nW, h, M,
    /// M\]).
    ///
    /// # Panics
    /// As [`forward`](Self::forward).
    pub fn attend(&self, x: &Tensor, mask: Option<&Tensor>) -> (Tensor, Tensor) {
        todo!("attention as in exercise 03, with the bias and the mask added to the scaled logits")
    }
}

/// A Swin block: attention within windows, which are shifted in every second block, and an MLP; the norms stand before
/// both.
///
/// ```text
/// x ← x + un-roll(reverse(attn(partition(roll(norm1(x))))))
/// x ← x + mlp(norm2(x))
/// ```
///
/// The map is rolled by −shift, so that the windows of the rolled map are those of the map, shifted by +shift; and back
/// afterwards. Attention gets the [`shift_mask`] of the map, and none where nothing is shifted. Along an axis that one
/// window covers, nothing is shifted: each call looks at the map that it gets.
///
/// | variable | shape |
/// |---|---|
/// | `norm1.weight`, `norm1.bias` | \[D\] |
/// | `attn.…` | those of [`WindowAttention`] |
/// | `norm2.weight`, `norm2.bias` | \[D\] |
/// | `mlp.fc1.weight`, `mlp.fc1.bias` | \[r·D, D\], \[r·D\] |
/// | `mlp.fc2.weight`, `mlp.fc2.bias` | \[D, r·D\], \[D\] |
///
/// Names, shapes and order are those of timm's `SwinTransformerBlock`.
///
/// Source: Liu et al. 2021, equation 3.
#[derive(Debug)]
pub struct SwinBlock {
    /// The layer norm before attention: the library's, with [`EPSILON`].
    pub norm1: nn::LayerNorm,
    /// Attention within windows.
    pub attn: WindowAttention,
    /// The layer norm before the MLP: the library's, with [`EPSILON`].
    pub norm2: nn::LayerNorm,
    /// The MLP of exercise 04: each token on its own.
    pub mlp: Mlp,
    /// Rows and columns by which the windows are shifted: (0, 0) in every first block.
    pub shift: (i64, i64),
}

impl SwinBlock {
    /// Makes the four parts below `vs`. The MLP has `mlp_ratio` times `dim` hidden units.
    ///
    /// All weights and the table are initialised by exercise 05's [`vit::trunc_normal`] with [`vit::INITIAL_STD`],
    /// those of the MLP, too; all biases with 0; norms with weights of 1 and biases of 0.
    ///
    /// # Panics
    /// Panics if a shift is below 0 or not below its window, naming both; otherwise as [`WindowAttention::new`].
    pub fn new(
        vs: &nn::Path<'_>,
        dim: i64,
        heads: i64,
        window: (i64, i64),
        shift: (i64, i64),
        mlp_ratio: i64,
    ) -> Self {
        todo!(
            "check the shift; make norm, attention, norm and MLP, and initialise the MLP's layers anew"
        )
    }

    /// \[B, H, W, D\] → \[B, H, W, D\], for maps of any size that the window divides.
    ///
    /// # Panics
    /// As [`window_partition`].
    pub fn forward(&self, x: &Tensor) -> Tensor {
        todo!(
            "add to x what attention within windows makes of the normalised x, then what the MLP makes of that, normalised"
        )
    }
}

/// Makes one token of each 2 × 2 neighbours: a quarter of the tokens, twice the dimension.
///
/// ```text
/// y[r, c] = norm([x[2r, 2c]; x[2r + 1, 2c]; x[2r, 2c + 1]; x[2r + 1, 2c + 1]]) Wᵀ
/// ```
///
/// The order of the four is down before right, not row by row: that of all published checkpoints.
///
/// | variable | shape |
/// |---|---|
/// | `norm.weight`, `norm.bias` | \[4·D\] |
/// | `reduction.weight` | \[2·D, 4·D\] |
///
/// Names, shapes and order are those of timm's `PatchMerging`.
///
/// Source: Liu et al. 2021, section 3.1; the order, the norm and the missing bias are those of its code.
#[derive(Debug)]
pub struct PatchMerging {
    /// The layer norm of the four, joined: the library's, with [`EPSILON`].
    pub norm: nn::LayerNorm,
    /// 4·D → 2·D, without a bias.
    pub reduction: nn::Linear,
}

impl PatchMerging {
    /// Makes norm and linear layer below `vs`.
    ///
    /// The weight is initialised by exercise 05's [`vit::trunc_normal`] with [`vit::INITIAL_STD`], the norm with 1 and
    /// 0.
    pub fn new(vs: &nn::Path<'_>, dim: i64) -> Self {
        todo!("make the norm and the linear layer")
    }

    /// \[B, H, W, D\] → \[B, H/2, W/2, 2·D\].
    ///
    /// # Panics
    /// Panics if H or W is odd, naming it and 2.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        todo!(
            "join the features of each 2 × 2 tokens in the order of the docs, then norm and reduction"
        )
    }
}

/// The multiplications of self-attention for one map, by where tokens look. See [`cost`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Each token looks at all tokens of the map.
    pub global: i64,
    /// Each token looks at those of its window.
    pub windowed: i64,
}

/// Counts the multiplications of self-attention for a map of this size, with square windows of side `window`.
///
/// ```text
/// global   = 4·H·W·D² + 2·(H·W)²·D
/// windowed = 4·H·W·D² + 2·window²·H·W·D
/// ```
///
/// The first term is that of the four linear layers, for query, key, value and output, the second that of q kᵀ and
/// weights · v. The softmax is left out.
///
/// Source: Liu et al. 2021, equations 1 and 2, whose M is the side of a window.
pub fn cost(size: (i64, i64), dim: i64, window: i64) -> Cost {
    todo!("both equations")
}

/// The sizes that make a Swin.
#[derive(Clone, Debug, PartialEq)]
pub struct SwinConfig {
    /// Side of the square images, in pixels.
    pub image: i64,
    /// Side of the square patches, P; divides `image`.
    pub patch: i64,
    /// Channels, C: 1 for grey, 3 for colour.
    pub channels: i64,
    /// Classes, K.
    pub classes: i64,
    /// Embedding dimension of the first stage, D; each stage has twice that of the one before it.
    pub dim: i64,
    /// Blocks of each stage.
    pub depths: Vec<i64>,
    /// Heads of each stage.
    pub heads: Vec<i64>,
    /// Side of the square windows, where the map is not smaller.
    pub window: i64,
    /// Expansion ratio of the MLPs, r: the hidden size divided by the dimension.
    pub mlp_ratio: i64,
}

/// The usual sizes. All have windows of 7 × 7 and `mlp_ratio` 4.
///
/// | | image | patch | channels | classes | dim | depths | heads |
/// |---|---|---|---|---|---|---|---|
/// | `mnist` | 28 | 2 | 1 | 10 | 32 | 2, 2 | 2, 4 |
/// | `tiny` | 224 | 4 | 3 | 1000 | 96 | 2, 2, 6, 2 | 3, 6, 12, 24 |
/// | `small` | 224 | 4 | 3 | 1000 | 96 | 2, 2, 18, 2 | 3, 6, 12, 24 |
/// | `base` | 224 | 4 | 3 | 1000 | 128 | 2, 2, 18, 2 | 4, 8, 16, 32 |
/// | `large` | 224 | 4 | 3 | 1000 | 192 | 2, 2, 18, 2 | 6, 12, 24, 48 |
///
/// Source: Liu et al. 2021, section 3.3, whose heads have 32 features each. `mnist` is this course's.
impl SwinConfig {
    /// For MNIST's digits: 14 × 14 tokens in shifted windows, then 7 × 7 in one.
    pub fn mnist() -> Self {
        todo!("the row of the table")
    }

    /// Swin-T.
    pub fn tiny() -> Self {
        todo!("the row of the table")
    }

    /// Swin-S.
    pub fn small() -> Self {
        todo!("the row of the table")
    }

    /// Swin-B.
    pub fn base() -> Self {
        todo!("the row of the table")
    }

    /// Swin-L.
    pub fn large() -> Self {
        todo!("the row of the table")
    }
}

/// The number of trainable parameters of a Swin of these sizes, counted without making one.
///
/// # Panics
/// As [`Swin::new`].
///
/// Source: the table of variables at [`Swin`].
pub fn parameters(config: &SwinConfig) -> i64 {
    todo!("go through the table of variables; each stage has another D and other heads")
}

/// A stage of a Swin: blocks on maps of one size.
#[derive(Debug)]
pub struct Stage {
    /// The merging in front of the blocks; the first stage has none.
    pub downsample: Option<PatchMerging>,
    /// Its blocks, of which every second one is shifted.
    pub blocks: Vec<SwinBlock>,
}

/// A Swin: stages of blocks, and between two stages a merging, so that each looks at a coarser map than the one before
/// it.
///
/// ```text
/// x = norm(patches · E)            [B, image/P, image/P, D]
/// x = blocks(merging(x))           for each stage; the first has no merging
/// y = head(mean of norm(x))        over all tokens, [B, K]
/// ```
///
/// | variable | shape |
/// |---|---|
/// | `patch_embed.proj.weight`, `patch_embed.proj.bias` | \[D, C, P, P\], \[D\] |
/// | `patch_embed.norm.weight`, `patch_embed.norm.bias` | \[D\] |
/// | `layers.<s>.downsample.…`, for s from 1 | those of [`PatchMerging`] of D·2^(s−1) |
/// | `layers.<s>.blocks.<i>.…`, for s and i from 0 | those of [`SwinBlock`] of D·2^s |
/// | `norm.weight`, `norm.bias` | \[D'\], D' = D·2^(S−1) |
/// | `head.fc.weight`, `head.fc.bias` | \[K, D'\], \[K\] |
///
/// Blocks 0, 2, … of a stage are not shifted, blocks 1, 3, … are, by half a window, rounded down. Where a stage's map
/// is smaller than the window, the window is as large as the map.
///
/// Names, shapes and order are those of timm's `SwinTransformer` since 0.9. The authors' checkpoints have the merging
/// at a stage's end, and `head` for `head.fc`.
///
/// Source: Liu et al. 2021, figure 3 and section 3.1; the norm behind the patches is that of its code.
#[derive(Debug)]
pub struct Swin {
    /// Each patch to a token: a convolution whose stride is its size.
    pub patch_embed: nn::Conv2D,
    /// The norm of the patches' tokens.
    pub patch_norm: nn::LayerNorm,
    /// The stages, in their order.
    pub stages: Vec<Stage>,
    /// The final norm.
    pub norm: nn::LayerNorm,
    /// The classifier: D' → K.
    pub head: nn::Linear,
}

impl Swin {
    /// Makes all parts below `vs`.
    ///
    /// All weights and tables are initialised by exercise 05's [`vit::trunc_normal`] with [`vit::INITIAL_STD`], all
    /// biases with 0, norms with 1 and 0.
    ///
    /// # Panics
    /// Panics if `patch` does not divide `image`, 2 the side of a map that is to be merged, the window the side of a
    /// map that is larger, or the heads of a stage its dimension, naming both numbers; and if there are not as many
    /// `heads` as `depths`.
    pub fn new(vs: &nn::Path<'_>, config: &SwinConfig) -> Self {
        todo!(
            "make the patches' embedding and norm, each stage with its sizes, the last norm and the head"
        )
    }

    /// Images, \[B, C, H, W\], to the map of tokens behind the last norm, \[B, H', W', D'\].
    ///
    /// # Panics
    /// Panics if 2 or a stage's window does not divide its map, naming both numbers.
    pub fn forward_features(&self, images: &Tensor) -> Tensor {
        todo!("patches with the features last, their norm, all stages, the last norm")
    }

    /// Images, \[B, C, H, W\], to logits, \[B, K\].
    ///
    /// # Panics
    /// As [`forward_features`](Self::forward_features).
    pub fn forward(&self, images: &Tensor) -> Tensor {
        todo!("the mean over the map, and the head")
    }
}
