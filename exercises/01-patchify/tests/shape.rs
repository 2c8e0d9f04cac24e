//! Sizes, and the clear panic that sizes which do not fit get.

use ndarray::{Array1, Array2, Array3, Array4};
use patchify::{cost, embed, patchify, unpatchify};
use testkit::{assert_names, assert_shape, panic_message, uniform};

/// `patchify` gives \[B, G², C·P·P\]: `grid` is the number of patches per side, not a patch's side in pixels.
/// Images may be oblong, and then patches are.
///
/// Look at: which of G and P you divide by, and which one you divide out.
#[test]
fn patchify_gives_a_row_of_c_p_p_values_for_each_patch() {
    let digits: Array4<f32> = uniform("digits", (2, 1, 28, 28));
    assert_shape!(&patchify(digits.view(), 2), [2, 4, 196]);
    let photos: Array4<f32> = uniform("photos", (16, 3, 56, 56));
    assert_shape!(&patchify(photos.view(), 7), [16, 49, 192]);
    let oblong: Array4<f32> = uniform("oblong", (2, 3, 8, 20));
    assert_shape!(&patchify(oblong.view(), 4), [2, 16, 30]);
}

/// `unpatchify` gives \[B, C, G·P, G·P\], with P from the length of a patch: C·P·P values.
///
/// Look at: how P comes out of the length of a patch and `channels`.
#[test]
fn unpatchify_gives_square_images() {
    let digits: Array3<f32> = uniform("digits", (2, 4, 196));
    assert_shape!(&unpatchify(digits.view(), 1, 2), [2, 1, 28, 28]);
    let photos: Array3<f32> = uniform("photos", (16, 49, 192));
    assert_shape!(&unpatchify(photos.view(), 3, 7), [16, 3, 56, 56]);
}

/// `embed` gives \[B, N, D\]: as many tokens as there are patches, each of D values.
///
/// Look at: which axis of the weight is D, and that the tokens' D comes last (a convolution has it second).
#[test]
fn embed_gives_a_token_of_d_values_for_each_patch() {
    let patches: Array3<f32> = uniform("patches", (2, 49, 12));
    let weight: Array2<f32> = uniform("weight", (8, 12));
    let bias: Array1<f32> = uniform("bias", 8);
    let tokens = embed(patches.view(), weight.view(), bias.view());
    assert_shape!(&tokens, [2, 49, 8]);
}

/// If `grid` does not divide the height or the width, `patchify` panics and names `grid` and that side. It never drops
/// the pixels that are left over.
///
/// Look at: a check before anything is divided, for both sides.
#[test]
fn patchify_names_a_grid_that_does_not_divide_a_side() {
    let tall: Array4<f32> = uniform("tall", (1, 2, 45, 26));
    let _ = patchify(tall.view(), 1); // divides both: no panic
    assert_names(&panic_message(|| patchify(tall.view(), 13)), &[45, 13]);
    let wide: Array4<f32> = uniform("wide", (1, 2, 26, 45));
    assert_names(&panic_message(|| patchify(wide.view(), 13)), &[45, 13]);
}

/// `unpatchify` panics where the patches do not fill the grid (naming their number and `grid`), and where the
/// length of a patch is not `channels` times a square (naming the length and `channels`).
///
/// Look at: the three ways in which sizes can fail here. An integer's root and quotient both round down
/// without a word.
#[test]
fn unpatchify_names_sizes_that_make_no_square_image() {
    let right: Array3<f32> = uniform("right", (1, 36, 12));
    let _ = unpatchify(right.view(), 3, 6); // no panic
    let too_many: Array3<f32> = uniform("too many", (1, 37, 12));
    assert_names(
        &panic_message(|| unpatchify(too_many.view(), 3, 6)),
        &[37, 6],
    );
    let uneven: Array3<f32> = uniform("uneven", (1, 4, 50));
    assert_names(&panic_message(|| unpatchify(uneven.view(), 3, 2)), &[50, 3]);
    let not_square: Array3<f32> = uniform("not square", (1, 4, 33));
    assert_names(
        &panic_message(|| unpatchify(not_square.view(), 3, 2)),
        &[33, 3],
    );
}

/// `embed` panics where the weight's rows are not as long as a patch, and where the bias has not one value for
/// each of those rows. It names both lengths.
///
/// Look at: a bias of one value. Adding it works, for ndarray broadcasts it; it is a mistake all the same.
#[test]
fn embed_names_lengths_that_do_not_agree() {
    let patches: Array3<f32> = uniform("patches", (1, 4, 12));
    let bias: Array1<f32> = uniform("bias", 23);
    let weight: Array2<f32> = uniform("weight", (23, 12));
    let _ = embed(patches.view(), weight.view(), bias.view()); // no panic
    let short: Array2<f32> = uniform("short", (23, 11));
    let message = panic_message(|| embed(patches.view(), short.view(), bias.view()));
    assert_names(&message, &[12, 11]);
    for length in [1, 19] {
        let bias: Array1<f32> = uniform("bias", length);
        let message = panic_message(|| embed(patches.view(), weight.view(), bias.view()));
        assert_names(&message, &[23, length]);
    }
}

/// If `patch` does not divide `image`, `cost` panics and names both, instead of counting only the patches that fit.
///
/// Look at: a check before the division; an integer's quotient rounds down without a word.
#[test]
fn cost_names_a_patch_that_does_not_divide_the_image() {
    let _ = cost(224, 16, 3, 768); // no panic
    assert_names(&panic_message(|| cost(224, 15, 3, 768)), &[224, 15]);
}
