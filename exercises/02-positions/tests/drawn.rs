//! Each function against the reference, on sizes and values that are drawn.

use ndarray::Axis;
use positions::{cosine_similarity, interpolate, sinusoidal};
use testkit::drawn;
use testkit::drawn::Spread;

/// Rates that were computed in f32 are off by up to 1.2e-6 of their size, so angles of up to 30 by 3.6e-5: four times that.
const IN_F32: f64 = 1.5e-4;

/// The table is the reference's at every length and dimension, odd ones and one column included.
///
/// Look at: the last column of an odd dimension; the exponent, which is 2i/D and not i/D.
#[test]
fn sinusoidal_agrees_with_the_reference() {
    drawn!("sinusoidal", 8, |case| {
        // So many sizes that no table of them all would fit into a source.
        let (len, dim) = (case.size("len", 3..=24), case.size("dim", 3..=240));
        case.agrees_within("positions", &sinusoidal(len, dim), IN_F32);
    });
}

/// The cosines are the reference's for rows of every direction.
///
/// Look at: what is multiplied, and by which lengths each product is divided.
#[test]
fn cosine_similarity_agrees_with_the_reference() {
    drawn!("cosine_similarity", 8, |case| {
        let (rows, dim) = (case.size("rows", 3..=7), case.size("dim", 2..=6));
        let positions = case.array((rows, dim), Spread::UNIT);
        case.agrees("similarity", &cosine_similarity(positions.view()));
    });
}

/// A cosine does not depend on how long the rows are: here some have a length of about 1e-6, others of about 1e6 or 1e12. Only
/// rows shorter than ε = 1e-8 count as if they were that long: some are of 1e-9.
///
/// Look at: where ε stands. Added to a length, or to a product of two, it changes the cosines of short rows. And at the
/// roots: each length has its own. The product of two squared lengths of 1e12 is 1e48, which is infinite in f32.
#[test]
fn cosine_similarity_agrees_for_short_and_long_rows() {
    drawn!("cosine_similarity_of_short_and_long_rows", 8, |case| {
        let (rows, dim) = (case.size("rows", 3..=6), case.size("dim", 2..=6));
        let mut positions = case.array((rows, dim), Spread::UNIT);
        for mut row in positions.axis_iter_mut(Axis(0)) {
            let length = case.pick(&[1e-9, 1e-6, 1e-3, 1.0, 1e6, 1e12]);
            row *= length;
        }
        case.agrees("similarity", &cosine_similarity(positions.view()));
    });
}

/// Grids that grow and shrink are the reference's.
///
/// Look at: s(i), half a patch off at both ends, and cut off at the border of the old grid.
#[test]
fn interpolate_agrees_with_the_reference() {
    drawn!("interpolate", 8, |case| {
        let (side, dim) = (case.size("side", 3..=6), case.size("dim", 1..=4));
        let grid = case.other_size("grid", 2..=8, side);
        let positions = case.array((side * side, dim), Spread::UNIT);
        case.agrees("positions", &interpolate(positions.view(), grid));
    });
}
