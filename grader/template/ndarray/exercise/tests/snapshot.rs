//! Small inputs against values that are known.

use ndarray::array;
use template::scale;
use testkit::{Tolerance, assert_close};

/// The handout's example comes out as it does by hand.
///
/// Look at: the first value that differs, and what was done to it instead.
#[test]
fn the_example_of_the_handout() {
    let values = array![[1.0_f32, -2.0, 0.5], [4.0, 0.0, -8.0]];
    let by_hand = array![[0.5_f32, -1.0, 0.25], [2.0, 0.0, -4.0]];
    // Halves of these numbers are exact in f32.
    assert_close!(&scale(values.view(), 0.5), &by_hand, Tolerance::EXACT);
}
