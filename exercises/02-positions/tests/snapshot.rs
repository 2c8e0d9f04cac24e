//! Small inputs against values from PyTorch. tests/snapshots/expected.py makes them.

use ndarray::{Array2, array};
use positions::{cosine_similarity, interpolate, sinusoidal};
use testkit::{Tolerance, assert_close, snapshot, uniform};

/// An angle p·ω that was computed in f32 throughout is off by less than 3 · 2⁻²⁴ · p: the exponent is rounded, the
/// power, and the product. Positions of these tests are below 40: 7.2e-6. The mildest mistake is off by more than 1e-2.
const ANGLE: Tolerance = Tolerance::new(0.0, 1e-5);

/// A similarity in f32 is two roots, two divisions and a sum of 8 products that are no larger than 1, each rounded by up
/// to 2⁻²⁴ of it: off by less than 20 · 2⁻²⁴ = 1.2e-6.
const SIMILARITY: Tolerance = Tolerance::new(0.0, 2e-6);

/// On grids of up to 8, s(i) in f32 is off by up to 3 · 8 · 2⁻²⁴ = 1.4e-6 a side, and neighbours differ by up to 2; the
/// four products and three sums add 1e-6. Corner-aligned, values are off by more than 1e-1.
const INTERPOLATED: Tolerance = Tolerance::new(0.0, 1e-5);

/// The handout's example comes out as it does by hand: a table of three positions, their similarities, and a grid of
/// 2 × 2 made 4 × 4.
///
/// Look at: the first of the three that is off. In the table, column 0 is sin p and column 1 cos p. In the grid, the
/// first row must be 0 1 3 4: 0, 1⅓, 2⅔, 4 is what one gets where corners are laid on corners.
#[test]
fn the_example_of_the_handout() {
    // Written with four decimals.
    let decimals = Tolerance::new(0.0, 5.1e-5);
    let table = sinusoidal(3, 4);
    let by_hand = array![
        [0.0_f32, 1.0, 0.0, 1.0],
        [0.8415, 0.5403, 0.0100, 1.0000],
        [0.9093, -0.4161, 0.0200, 0.9998],
    ];
    assert_close!(&table, &by_hand, decimals);

    let similarity = cosine_similarity(by_hand.view());
    let by_hand = array![
        [1.0_f32, 0.7701, 0.2918],
        [0.7701, 1.0, 0.7701],
        [0.2918, 0.7701, 1.0],
    ];
    // The table was rounded before, too: once more as much.
    assert_close!(&similarity, &by_hand, Tolerance::new(0.0, 1e-4));

    let grid = array![[0.0_f32], [4.0], [8.0], [12.0]];
    let resized = interpolate(grid.view(), 4);
    let by_hand = [0, 1, 3, 4, 2, 3, 5, 6, 6, 7, 9, 10, 8, 9, 11, 12].map(|value| [value as f32]);
    // Quarters of small whole numbers: f32 is exact.
    assert_close!(&resized, &Array2::from(by_hand.to_vec()), Tolerance::EXACT);
}

/// The table is Vaswani's: 40 positions in 16 dimensions, and 40 in 7, where the last sine has no cosine beside it.
///
/// Look at: the first column that is off. Column 0 off: what is p, what comes first? Column 3: both columns of a pair
/// have the same rate. From column 2 on: the exponent, −2i/D, where 2i is the pair's even column and the division is not
/// one of whole numbers.
#[test]
fn sinusoids_of_an_even_and_of_an_odd_dim() {
    snapshot!("even", &sinusoidal(40, 16), ANGLE);
    snapshot!("odd", &sinusoidal(40, 7), ANGLE);
}

/// Similarities are those of PyTorch's `cosine_similarity`.
///
/// Look at: the diagonal. If it is not 1, lengths are not divided by; if it is, and the rest is off, by only one of them.
#[test]
fn similarities_are_those_of_pytorch() {
    let positions: Array2<f32> = uniform("positions", (6, 8));
    let similarity = cosine_similarity(positions.view());
    snapshot!("similarity", &similarity, SIMILARITY);
}

/// Grids of 3 × 3 and 4 × 4 made 7 × 7 and 8 × 8 are what PyTorch's `interpolate` gives with
/// `mode="bilinear", align_corners=False`.
///
/// Look at: the first and the last row of the grid. s(i) lies outside the old grid there, and is brought back to its
/// edge. Everything shifted to one side: the two halves, + ½ before scaling and − ½ after it.
#[test]
fn a_larger_grid_is_what_bilinear_interpolation_gives() {
    let three: Array2<f32> = uniform("three", (9, 4));
    snapshot!(
        "three_to_seven",
        &interpolate(three.view(), 7),
        INTERPOLATED
    );
    let four: Array2<f32> = uniform("four", (16, 3));
    snapshot!("four_to_eight", &interpolate(four.view(), 8), INTERPOLATED);
}

/// A grid of 8 × 8 made 3 × 3 is what PyTorch's `interpolate` gives with `mode="bilinear", align_corners=False,
/// antialias=False`: two neighbours a side, no mean of all that a new patch covers.
///
/// Look at: which two neighbours, and how near each. 8 / 3 is not whole, and neither are the centres.
#[test]
fn a_smaller_grid_is_what_bilinear_interpolation_gives() {
    let eight: Array2<f32> = uniform("eight", (64, 3));
    snapshot!(
        "eight_to_three",
        &interpolate(eight.view(), 3),
        INTERPOLATED
    );
}
