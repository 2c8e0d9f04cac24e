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
use tch::{Device, Kind, Tensor, nn, no_grad};
use vit::{INITIAL_STD, trunc_normal};

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
    let (rows, columns) = window;
    let size = size_of(x);
    assert_divides("rows", size.0, rows);
    assert_divides("columns", size.1, columns);
    x.unflatten(2, [-1, columns]) // [B, H, W/Ww, Ww, D]
        .unflatten(1, [-1, rows]) // [B, H/Wh, Wh, W/Ww, Ww, D]
        .transpose(2, 3) // [B, H/Wh, W/Ww, Wh, Ww, D]
        .flatten(0, 2) // [B·nW, Wh, Ww, D]
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
    let (rows, columns) = size_of(windows);
    assert_divides("rows", size.0, rows);
    assert_divides("columns", size.1, columns);
    let (down, across) = (size.0 / rows, size.1 / columns);
    let (count, of_a_map) = (windows.size()[0], down * across);
    assert!(
        count % of_a_map == 0,
        "{count} windows are no whole number of maps of {of_a_map}"
    );
    windows
        .unflatten(0, [-1, down, across]) // [B, H/Wh, W/Ww, Wh, Ww, D]
        .transpose(2, 3) // [B, H/Wh, Wh, W/Ww, Ww, D]
        .flatten(3, 4) // [B, H/Wh, Wh, W, D]
        .flatten(1, 2) // [B, H, W, D]
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
    let rows = regions(size.0, window.0, shift.0).unsqueeze(1); // [H, 1]
    let columns = regions(size.1, window.1, shift.1); // [W]
    let map = (rows * 3 + columns).view([1, size.0, size.1, 1]); // [1, H, W, 1]
    let windows = window_partition(&map, window).flatten(1, 3); // [nW, M]
    let differ = windows.unsqueeze(1).ne_tensor(&windows.unsqueeze(2)); // [nW, M, M]
    differ
        .zeros_like()
        .to_kind(Kind::Float)
        .masked_fill(&differ, MASKED)
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
    let (rows, columns) = window;
    assert_prefix(prefix);
    let apart = |places: Tensor, side: i64| places.unsqueeze(1) - &places + (side - 1); // [M, M]
    let row = count(rows).unsqueeze(1).expand([rows, columns], false);
    let column = count(columns).expand([rows, columns], false);
    let index =
        apart(row.flatten(0, 1), rows) * (2 * columns - 1) + apart(column.flatten(0, 1), columns); // [M, M]
    if prefix == 0 {
        return index;
    }
    let (tokens, first) = (rows * columns, relative_positions(window, 0));
    let filled = |shape: [i64; 2], row: i64| Tensor::full(shape, row, (Kind::Int64, Device::Cpu));
    let as_query = Tensor::cat(&[filled([1, 1], first + 2), filled([1, tokens], first)], 1); // [1, M+1]
    let as_key = filled([tokens, 1], first + 1);
    Tensor::cat(&[as_query, Tensor::cat(&[as_key, index], 1)], 0) // [M+1, M+1]
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
    let index = relative_index(window, prefix).to_device(table.device()); // [M+p, M+p]
    let (came, needed) = (table.size()[0], relative_positions(window, prefix));
    assert!(
        came == needed,
        "a table of {came} rows, where windows of {} × {} have {needed} relative positions",
        window.0,
        window.1
    );
    let tokens = index.size()[0];
    table
        .index_select(0, &index.flatten(0, 1)) // [(M+p)², h]
        .unflatten(0, [tokens, tokens]) // [M+p, M+p, h]
        .permute([2, 0, 1]) // [h, M+p, M+p]
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
        assert!(
            heads > 0 && dim % heads == 0,
            "{heads} heads do not divide a dimension of {dim}"
        );
        let table = trunc_normal(&[relative_positions(window, 0), heads], INITIAL_STD);
        Self {
            qkv: linear(vs / "qkv", dim, 3 * dim, true),
            proj: linear(vs / "proj", dim, dim, true),
            relative_position_bias_table: vs.var_copy("relative_position_bias_table", &table),
            heads,
            window,
        }
    }

    /// \[B·nW, M, D\] → \[B·nW, M, D\], with a mask \[nW, M, M\] if there is one: it belongs to the windows of a map,
    /// and is the same for all maps of the batch.
    ///
    /// # Panics
    /// Panics if the windows are of another number of tokens than M, naming both, or if the mask's nW does not divide
    /// their number, naming both.
    pub fn forward(&self, x: &Tensor, mask: Option<&Tensor>) -> Tensor {
        self.attend(x, mask).0
    }

    /// As [`forward`](Self::forward), and the weights of each head: \[B·nW, M, D\] → (\[B·nW, M, D\], \[B·nW, h, M,
    /// M\]).
    ///
    /// # Panics
    /// As [`forward`](Self::forward).
    pub fn attend(&self, x: &Tensor, mask: Option<&Tensor>) -> (Tensor, Tensor) {
        let (tokens, (rows, columns)) = (x.size()[1], self.window);
        assert!(
            tokens == rows * columns,
            "{tokens} tokens are no window of {rows} × {columns}, which has {}",
            rows * columns
        );
        let qkv = x
            .apply(&self.qkv) // [B·nW, M, 3·D]
            .unflatten(-1, [3, self.heads, -1]) // [B·nW, M, 3, h, d]
            .permute([2, 0, 3, 1, 4]); // [3, B·nW, h, M, d]
        let (q, k, v) = (qkv.get(0), qkv.get(1), qkv.get(2));
        let d = q.size()[3] as f64;
        let bias = relative_bias(&self.relative_position_bias_table, self.window, 0); // [h, M, M]
        let logits = q.matmul(&k.transpose(-2, -1)) / d.sqrt() + bias; // [B·nW, h, M, M]
        let logits = match mask {
            Some(mask) => masked(&logits, mask),
            None => logits,
        };
        let weights = logits.softmax(-1, logits.kind());
        let joined = weights.matmul(&v).transpose(1, 2).flatten(2, 3); // [B·nW, M, h, d], then [B·nW, M, D]
        (joined.apply(&self.proj), weights)
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
        for (shift, window) in [(shift.0, window.0), (shift.1, window.1)] {
            assert!(
                (0..window).contains(&shift),
                "a shift of {shift} is not from 0 to {window} - 1, as a window of {window} needs it"
            );
        }
        let mut mlp = Mlp::new(&(vs / "mlp"), dim, mlp_ratio * dim);
        for layer in [&mut mlp.fc1, &mut mlp.fc2] {
            initialise(layer);
        }
        Self {
            norm1: norm(vs / "norm1", dim),
            attn: WindowAttention::new(&(vs / "attn"), dim, heads, window),
            norm2: norm(vs / "norm2", dim),
            mlp,
            shift,
        }
    }

    /// \[B, H, W, D\] → \[B, H, W, D\], for maps of any size that the window divides.
    ///
    /// # Panics
    /// As [`window_partition`].
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let x = x + self.mix(&x.apply(&self.norm1)); // [B, H, W, D]
        let thought = self.mlp.forward_t(&x.apply(&self.norm2), false); // [B, H, W, D]
        x + thought
    }

    /// Attention within windows, which are shifted: \[B, H, W, D\] → \[B, H, W, D\].
    fn mix(&self, x: &Tensor) -> Tensor {
        let (size, window) = (size_of(x), self.attn.window);
        let along = |side: i64, window: i64, shift: i64| if side == window { 0 } else { shift };
        let down = along(size.0, window.0, self.shift.0);
        let right = along(size.1, window.1, self.shift.1);
        let is_shifted = (down, right) != (0, 0);
        let mask =
            is_shifted.then(|| shift_mask(size, window, (down, right)).to_device(x.device()));
        let rolled = x.roll([-down, -right], [1, 2]);
        let windows = window_partition(&rolled, window).flatten(1, 2); // [B·nW, M, D]
        let mixed = self.attn.forward(&windows, mask.as_ref()); // [B·nW, M, D]
        let mixed = mixed.unflatten(1, [window.0, window.1]); // [B·nW, Wh, Ww, D]
        window_reverse(&mixed, size).roll([down, right], [1, 2])
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
        Self {
            norm: norm(vs / "norm", 4 * dim),
            reduction: linear(vs / "reduction", 4 * dim, 2 * dim, false),
        }
    }

    /// \[B, H, W, D\] → \[B, H/2, W/2, 2·D\].
    ///
    /// # Panics
    /// Panics if H or W is odd, naming it and 2.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let size = size_of(x);
        assert_divides("rows", size.0, 2);
        assert_divides("columns", size.1, 2);
        x.unflatten(2, [-1, 2]) // [B, H, W/2, 2, D]
            .unflatten(1, [-1, 2]) // [B, H/2, 2, W/2, 2, D]
            .permute([0, 1, 3, 4, 2, 5]) // [B, H/2, W/2, 2 columns, 2 rows, D]
            .flatten(3, 5) // [B, H/2, W/2, 4·D]
            .apply(&self.norm)
            .apply(&self.reduction) // [B, H/2, W/2, 2·D]
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
    let tokens = size.0 * size.1;
    let layers = 4 * tokens * dim * dim;
    Cost {
        global: layers + 2 * tokens * tokens * dim,
        windowed: layers + 2 * window * window * tokens * dim,
    }
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
        Self {
            image: 28,
            patch: 2,
            channels: 1,
            classes: 10,
            ..Self::of_size(32, &[2, 2], 2)
        }
    }

    /// Swin-T.
    pub fn tiny() -> Self {
        Self::of_size(96, &[2, 2, 6, 2], 3)
    }

    /// Swin-S.
    pub fn small() -> Self {
        Self::of_size(96, &[2, 2, 18, 2], 3)
    }

    /// Swin-B.
    pub fn base() -> Self {
        Self::of_size(128, &[2, 2, 18, 2], 4)
    }

    /// Swin-L.
    pub fn large() -> Self {
        Self::of_size(192, &[2, 2, 18, 2], 6)
    }

    /// Each stage has twice the heads of the one before it.
    fn of_size(dim: i64, depths: &[i64], heads: i64) -> Self {
        Self {
            image: 224,
            patch: 4,
            channels: 3,
            classes: 1000,
            dim,
            depths: depths.to_vec(),
            heads: (0..depths.len()).map(|stage| heads << stage).collect(),
            window: 7,
            mlp_ratio: 4,
        }
    }

    /// The stages, one after another.
    fn stages(&self) -> Vec<Sizes> {
        let (depths, heads) = (&self.depths, &self.heads);
        assert!(
            depths.len() == heads.len() && !depths.is_empty(),
            "{} depths and {} numbers of heads: each stage has one of both",
            depths.len(),
            heads.len()
        );
        assert!(
            self.patch > 0 && self.image % self.patch == 0,
            "patches of {} pixels do not divide an image of {}",
            self.patch,
            self.image
        );
        let (mut side, mut dim) = (self.image / self.patch, self.dim);
        let mut stages = vec![];
        for (stage, (&depth, &heads)) in depths.iter().zip(heads).enumerate() {
            if stage > 0 {
                assert_divides("rows", side, 2);
                (side, dim) = (side / 2, 2 * dim);
            }
            // A window is never larger than the map.
            let window = self.window.min(side);
            assert_divides("rows", side, window);
            stages.push(Sizes {
                dim,
                depth,
                heads,
                window,
            });
        }
        stages
    }
}

/// The sizes of a stage.
struct Sizes {
    dim: i64,
    depth: i64,
    heads: i64,
    /// Side of its windows.
    window: i64,
}

/// The number of trainable parameters of a Swin of these sizes, counted without making one.
///
/// # Panics
/// As [`Swin::new`].
///
/// Source: the table of variables at [`Swin`].
pub fn parameters(config: &SwinConfig) -> i64 {
    let r = config.mlp_ratio;
    let patch_embed = (config.channels * config.patch.pow(2) + 3) * config.dim; // with its norm
    let stages = config.stages();
    let blocks = stages.iter().map(|stage| {
        let (d, positions) = (
            stage.dim,
            relative_positions((stage.window, stage.window), 0),
        );
        stage.depth * ((4 + 2 * r) * d * d + (9 + r) * d + positions * stage.heads)
    });
    // From 4 · D/2 to D, in front of each stage but the first.
    let merging = stages
        .iter()
        .skip(1)
        .map(|stage| 4 * stage.dim + 2 * stage.dim.pow(2));
    let last = stages.last().map_or(0, |stage| stage.dim);
    let head = 2 * last + (last + 1) * config.classes; // with the last norm
    patch_embed + blocks.sum::<i64>() + merging.sum::<i64>() + head
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
        let &SwinConfig {
            patch,
            channels,
            dim,
            ..
        } = config;
        let stages = config.stages();
        let last = stages.last().map_or(dim, |stage| stage.dim);
        let stride = nn::ConvConfig {
            stride: patch,
            ..Default::default()
        };
        let place = vs / "patch_embed";
        let mut patch_embed = nn::conv2d(&place / "proj", channels, dim, patch, stride);
        draw(&mut patch_embed.ws, &mut patch_embed.bs);
        Self {
            patch_embed,
            patch_norm: norm(&place / "norm", dim),
            stages: (0..)
                .zip(&stages)
                .map(|(s, sizes)| Stage::new(&(vs / "layers" / s), s > 0, sizes, config.mlp_ratio))
                .collect(),
            norm: norm(vs / "norm", last),
            head: linear(vs / "head" / "fc", last, config.classes, true),
        }
    }

    /// Images, \[B, C, H, W\], to the map of tokens behind the last norm, \[B, H', W', D'\].
    ///
    /// # Panics
    /// Panics if 2 or a stage's window does not divide its map, naming both numbers.
    pub fn forward_features(&self, images: &Tensor) -> Tensor {
        let patches = images.apply(&self.patch_embed); // [B, D, H/P, W/P]
        let map = patches.permute([0, 2, 3, 1]).apply(&self.patch_norm); // [B, H/P, W/P, D]
        let through = |x: Tensor, stage: &Stage| stage.forward(x);
        self.stages.iter().fold(map, through).apply(&self.norm) // [B, H', W', D']
    }

    /// Images, \[B, C, H, W\], to logits, \[B, K\].
    ///
    /// # Panics
    /// As [`forward_features`](Self::forward_features).
    pub fn forward(&self, images: &Tensor) -> Tensor {
        let features = self.forward_features(images); // [B, H', W', D']
        let mean = features.mean_dim([1, 2].as_slice(), false, features.kind()); // [B, D']
        mean.apply(&self.head) // [B, K]
    }
}

impl Stage {
    fn new(vs: &nn::Path<'_>, has_merging: bool, sizes: &Sizes, mlp_ratio: i64) -> Self {
        let &Sizes {
            dim, heads, window, ..
        } = sizes;
        let block = |i: i64| {
            let shift = if i % 2 == 0 { 0 } else { window / 2 };
            let place = vs / "blocks" / i;
            SwinBlock::new(
                &place,
                dim,
                heads,
                (window, window),
                (shift, shift),
                mlp_ratio,
            )
        };
        Self {
            downsample: has_merging.then(|| PatchMerging::new(&(vs / "downsample"), dim / 2)),
            blocks: (0..sizes.depth).map(block).collect(),
        }
    }

    fn forward(&self, x: Tensor) -> Tensor {
        let map = match &self.downsample {
            Some(merging) => merging.forward(&x), // [B, H/2, W/2, 2·D]
            None => x,
        };
        let through = |x: Tensor, block: &SwinBlock| block.forward(&x);
        self.blocks.iter().fold(map, through)
    }
}

/// Rows and columns of maps, or of windows: the second and the third axis.
fn size_of(x: &Tensor) -> (i64, i64) {
    let size = x.size();
    (size[1], size[2])
}

fn assert_divides(what: &str, side: i64, part: i64) {
    assert!(
        part > 0 && side % part == 0,
        "{part} {what} do not divide the {side} {what} of the map"
    );
}

fn assert_prefix(prefix: i64) {
    assert!(
        (0..=1).contains(&prefix),
        "a prefix of {prefix}: there is one class token or none"
    );
}

/// The region of each row or column after the roll: \[side\].
fn regions(side: i64, window: i64, shift: i64) -> Tensor {
    let place = count(side);
    let behind = |first: i64| place.ge(first).to_kind(Kind::Int64);
    behind(side - window) + behind(side - shift)
}

/// 0, 1, …, n − 1.
fn count(n: i64) -> Tensor {
    Tensor::arange(n, (Kind::Int64, Device::Cpu))
}

/// The rows of a table, T.
fn relative_positions((rows, columns): (i64, i64), prefix: i64) -> i64 {
    (2 * rows - 1) * (2 * columns - 1) + 3 * prefix
}

/// Adds the mask of a map's windows, \[nW, M, M\], to the logits of all maps, \[B·nW, h, M, M\].
fn masked(logits: &Tensor, mask: &Tensor) -> Tensor {
    let (windows, of_a_map) = (logits.size()[0], mask.size()[0]);
    assert!(
        of_a_map > 0 && windows % of_a_map == 0,
        "a mask of {of_a_map} windows does not divide {windows} windows"
    );
    let by_map = logits.unflatten(0, [-1, of_a_map]); // [B, nW, h, M, M]
    (by_map + mask.unsqueeze(1)).flatten(0, 1) // [B·nW, h, M, M]
}

/// The library's norm, with Swin's epsilon.
fn norm(vs: nn::Path<'_>, dim: i64) -> nn::LayerNorm {
    let config = nn::LayerNormConfig {
        eps: EPSILON,
        ..Default::default()
    };
    nn::layer_norm(vs, vec![dim], config)
}

fn linear(vs: nn::Path<'_>, inputs: i64, outputs: i64, bias: bool) -> nn::Linear {
    let config = nn::LinearConfig {
        bias,
        ..Default::default()
    };
    let mut layer = nn::linear(vs, inputs, outputs, config);
    initialise(&mut layer);
    layer
}

fn initialise(layer: &mut nn::Linear) {
    draw(&mut layer.ws, &mut layer.bs);
}

/// Gives a layer its initial weights and biases.
fn draw(weight: &mut Tensor, bias: &mut Option<Tensor>) {
    no_grad(|| {
        weight.copy_(&trunc_normal(&weight.size(), INITIAL_STD));
        if let Some(bias) = bias {
            let _ = bias.zero_();
        }
    });
}
