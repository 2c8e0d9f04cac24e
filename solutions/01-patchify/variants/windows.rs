//! Written with chunks and slices: rectangles of the image are taken out and put back one by one.

use ndarray::{Array3, Array4, ArrayView1, ArrayView2, ArrayView3, ArrayView4, Axis, s};

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
    let (b, c, h, w) = images.dim();
    let p = divide(h, grid, "rows into a grid of");
    let q = divide(w, grid, "columns into a grid of");
    let mut patches = Array3::zeros((b, grid * grid, c * p * q));
    let rectangles = images.exact_chunks((b, c, p, q));
    for (rectangle, mut patch) in rectangles.into_iter().zip(patches.axis_iter_mut(Axis(1))) {
        let flat = rectangle.to_shape((b, c * p * q)).expect("C·P·Q pixels"); // [B, C·P·Q]
        patch.assign(&flat);
    }
    patches
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
    let (b, n, k) = patches.dim();
    assert!(
        n == grid * grid,
        "{n} patches do not fill a grid of {grid} × {grid}"
    );
    let area = divide(k, channels, "values of a patch into channels:");
    let p = area.isqrt();
    assert!(
        p * p == area,
        "{k} values in {channels} channels are no square patch"
    );
    let mut images = Array4::zeros((b, channels, grid * p, grid * p));
    for (number, patch) in patches.axis_iter(Axis(1)).enumerate() {
        let square = patch.to_shape((b, channels, p, p)).expect("C·P·P values"); // [B, C, P, P]
        let (top, left) = (number / grid * p, number % grid * p);
        let mut place = images.slice_mut(s![.., .., top..top + p, left..left + p]);
        place.assign(&square);
    }
    images
}

/// Maps each patch to a token: one linear map, the same for all patches of all images.
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
    let (b, n, k) = patches.dim();
    let (d, columns) = weight.dim();
    assert!(
        k == columns,
        "patches have {k} values, the weight's rows have {columns}"
    );
    assert!(
        d == bias.len(),
        "the weight has {d} rows, the bias has {} values",
        bias.len()
    );
    let mut tokens = Array3::zeros((b, n, d));
    for (image, mut rows) in patches.outer_iter().zip(tokens.outer_iter_mut()) {
        rows.assign(&(weight.dot(&image.t()).reversed_axes() + bias)); // [N, D]
    }
    tokens
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
/// Each of the two products takes T²·D multiplications, each followed by one addition, and both are counted:
/// **two operations for a multiply-add**. The number of heads h does not matter, for h · T² · (D/h) = T²·D.
/// Not counted are the linear maps that make Q, K, V and the output, the scaling and the softmax.
///
/// # Panics
/// Panics if `patch` does not divide `image`, naming both.
///
/// Source: ViT, section 3.1 (N = HW/P²); Vaswani et al. 2017 (arXiv:1706.03762), table 1: a layer of
/// self-attention is O(n²·d).
pub fn cost(image: usize, patch: usize, channels: usize, dim: usize) -> Cost {
    let patches = divide(image, patch, "pixels into patches of side").pow(2);
    let tokens = patches + 1;
    Cost {
        patches,
        tokens,
        params: dim * channels * patch * patch + dim,
        attention_flops: 4 * tokens * tokens * dim,
    }
}

/// `whole / parts`, which must come out even.
fn divide(whole: usize, parts: usize, what: &str) -> usize {
    assert!(
        whole.is_multiple_of(parts),
        "cannot divide {whole} {what} {parts}"
    );
    whole / parts
}
