//! Sizes, and the clear panic that sizes which do not fit get.

use ndarray::Array2;
use positions::{cosine_similarity, interpolate, sinusoidal};
use testkit::{assert_names, assert_shape, panic_message, uniform};

/// `sinusoidal` gives \[len, D\], whether D is even or odd, and for a single position, a single column or none.
///
/// Look at: an odd D. Its last pair has a sine and no cosine.
#[test]
fn sinusoidal_gives_a_row_of_dim_values_for_each_position() {
    for (len, dim) in [(197, 192), (6, 7), (1, 4), (3, 1), (0, 4), (2, 0)] {
        assert_shape!(&sinusoidal(len, dim), [len, dim]);
    }
}

/// `cosine_similarity` gives \[N, N\]: each position with each.
///
/// Look at: which axis is summed over. The columns of a row belong together; rows are compared.
#[test]
fn cosine_similarity_gives_a_number_for_each_pair_of_rows() {
    for (n, d) in [(7, 3), (3, 7), (1, 5)] {
        let positions: Array2<f32> = uniform("positions", (n, d));
        assert_shape!(&cosine_similarity(positions.view()), [n, n]);
    }
}

/// `interpolate` gives \[grid², D\]: `grid` is the number of patches per side of the new grid, not a factor. Grids may
/// grow, shrink, and be a single patch.
///
/// Look at: what `grid` means; and that D stays the last axis.
#[test]
fn interpolate_gives_a_row_for_each_patch_of_the_new_grid() {
    for (side, dim, grid) in [(14, 3, 24), (4, 5, 2), (1, 6, 3), (5, 2, 1)] {
        let positions: Array2<f32> = uniform("positions", (side * side, dim));
        assert_shape!(&interpolate(positions.view(), grid), [grid * grid, dim]);
    }
}

/// Positions that are no square grid make `interpolate` panic with their number. 197 is the usual one: the class token's
/// position is still among the 196 of the patches.
///
/// Look at: a root of whole numbers rounds down without a word: check its square.
#[test]
fn interpolate_names_positions_that_make_no_square_grid() {
    let square: Array2<f32> = uniform("square", (196, 2));
    let _ = interpolate(square.view(), 5); // no panic
    for n in [197, 24, 3] {
        let positions: Array2<f32> = uniform("positions", (n, 2));
        assert_names(&panic_message(|| interpolate(positions.view(), 5)), &[n]);
    }
}

/// A grid without patches cannot be resized, and nothing can be resized to one: `interpolate` panics with both sides.
///
/// Look at: a check of both sides before anything is divided. An array without values, or one of values that are no
/// numbers, is no answer.
#[test]
fn interpolate_names_a_side_of_no_patches() {
    let positions: Array2<f32> = uniform("positions", (9, 2));
    let _ = interpolate(positions.view(), 1); // no panic
    assert_names(&panic_message(|| interpolate(positions.view(), 0)), &[3, 0]);
    let nothing = Array2::zeros((0, 2));
    assert_names(&panic_message(|| interpolate(nothing.view(), 7)), &[0, 7]);
}
