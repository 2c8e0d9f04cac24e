//! Small inputs against values from PyTorch. tests/snapshots/expected.py makes them.

use ndarray::{Array, Array1, Array2, Array3, Array4, array};
use patchify::{cost, embed, patchify, unpatchify};
use testkit::{Tolerance, assert_close, snapshot, uniform};

/// Patches hold the image's own values: they are moved, never calculated with. The file has ten digits of each,
/// which is off by up to 5e-10 of the value; the next f32 is 6e-8 of it away.
const STORED: Tolerance = Tolerance::new(5e-10, 0.0);

/// A token of these tests is a sum of at most 19 numbers below 1. In f32, in whatever order they are added,
/// it is off by less than 19 · 19 · 2⁻²⁴ = 2.2e-5. The mildest mistake is off by more than 1e-1.
const SUMMED: Tolerance = Tolerance::new(0.0, 3e-5);

/// The handout's example comes out as it does by hand: the four patches, and their tokens (brightness, slope).
///
/// Look at: the first patch. `0 1 2 3 …` in it means that nothing was moved; `0 16 1 17 …` that the channels
/// come last; `0 4 1 5 …` that columns run before rows.
#[test]
fn the_example_of_the_handout() {
    let image = Array::from_shape_fn((1, 2, 4, 4), |(_, c, y, x)| (16 * c + 4 * y + x) as f32);
    let patches = patchify(image.view(), 2);
    let by_hand = array![[
        [0.0_f32, 1.0, 4.0, 5.0, 16.0, 17.0, 20.0, 21.0],
        [2.0, 3.0, 6.0, 7.0, 18.0, 19.0, 22.0, 23.0],
        [8.0, 9.0, 12.0, 13.0, 24.0, 25.0, 28.0, 29.0],
        [10.0, 11.0, 14.0, 15.0, 26.0, 27.0, 30.0, 31.0],
    ]];
    assert_close!(&patches, &by_hand, Tolerance::EXACT);

    let weight = array![
        [0.25_f32, 0.25, 0.25, 0.25, 0.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.0, -0.5, -0.5, 0.5, 0.5],
    ];
    let tokens = embed(patches.view(), weight.view(), array![-7.5, 0.0].view());
    let by_hand = array![[[-5.0_f32, 4.0], [-3.0, 4.0], [3.0, 4.0], [5.0, 4.0]]];
    // Quarters and halves of small whole numbers: f32 is exact.
    assert_close!(&tokens, &by_hand, Tolerance::EXACT);
}

/// Patches are what PyTorch's `unfold` cuts out, here of oblong images in oblong patches (2 rows, 3 columns).
///
/// Look at: the order of the axes after cutting. The grid's row and column first, then channel, row, column.
#[test]
fn patches_are_the_blocks_that_unfold_gives() {
    let images: Array4<f32> = uniform("images", (2, 3, 4, 6));
    snapshot!("patches", &patchify(images.view(), 2), STORED);
}

/// `unpatchify` puts patches where PyTorch's `fold` puts them. This does not go through `patchify`.
///
/// Look at: the order of the axes: what PyTorch calls a patch is what your `patchify` must give.
#[test]
fn images_are_what_fold_gives() {
    let patches: Array3<f32> = uniform("patches", (2, 9, 12));
    snapshot!("images", &unpatchify(patches.view(), 3, 3), STORED);
}

/// `embed` is PyTorch's linear layer on each patch. This does not go through `patchify`.
///
/// Look at: the weight, \[D, C·P·P\], must be transposed, not reshaped; and the bias must be added.
#[test]
fn tokens_are_what_a_linear_layer_gives() {
    let patches: Array3<f32> = uniform("patches", (2, 4, 6));
    let weight: Array2<f32> = uniform("weight", (5, 6));
    let bias: Array1<f32> = uniform("bias", 5);
    let tokens = embed(patches.view(), weight.view(), bias.view());
    snapshot!("linear", &tokens, SUMMED);
}

/// `patchify` and `embed` together are a convolution with a kernel of P × P and a stride of P, whose weight
/// \[D, C, P, P\] was laid flat to \[D, C·P·P\].
///
/// Look at: the order inside a patch, if `embed` alone passes. The kernel's is channel, row, column.
#[test]
fn tokens_are_what_a_convolution_of_stride_p_gives() {
    let images: Array4<f32> = uniform("images", (2, 3, 4, 6));
    let weight: Array2<f32> = uniform("weight", (5, 18));
    let bias: Array1<f32> = uniform("bias", 5);
    let patches = patchify(images.view(), 2);
    let tokens = embed(patches.view(), weight.view(), bias.view());
    snapshot!("convolution", &tokens, SUMMED);
}

/// The costs of the handout's tables: patches of 2, 4, 8, 16 at 32 pixels (D = 192), of 8, 14, 16, 32 at 224
/// (D = 768), and one of 7 on MNIST (one channel, D = 64). Columns: patches, tokens, params, attention_flops.
///
/// Look at: the column that is off. Tokens count the class token, params the bias, and flops count a
/// multiplication and an addition as two.
#[test]
fn cost_of_the_usual_patch_sizes() {
    let sizes = [
        [32, 2, 3, 192],
        [32, 4, 3, 192],
        [32, 8, 3, 192],
        [32, 16, 3, 192],
        [224, 8, 3, 768],
        [224, 14, 3, 768],
        [224, 16, 3, 768],
        [224, 32, 3, 768],
        [28, 7, 1, 64],
    ];
    let costs = Array::from_shape_fn((9, 4), |(row, column)| {
        let [image, patch, channels, dim] = sizes[row];
        let cost = cost(image, patch, channels, dim);
        let columns = [cost.patches, cost.tokens, cost.params, cost.attention_flops];
        columns[column] as i64
    });
    snapshot!("cost", &costs, Tolerance::EXACT);
}
