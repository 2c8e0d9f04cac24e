//! Small inputs against values that are known.

use ndarray::array;
use softmax::softmax;
use testkit::{Tolerance, assert_close};

/// Three exponentials, one sum and one division, each rounded by up to 2⁻²⁴ of its size, of values below 1: 1e-6.
const ROUNDED: Tolerance = Tolerance::new(0.0, 1e-6);

/// The handout's example comes out as it does by hand, with T = 1 and with T = ½, which squares all exponentials.
///
/// Look at: T = 1 first. If it is right, look at where the temperature goes: logits are divided by it.
#[test]
fn the_example_of_the_handout() {
    let logits = array![[0.0_f32, 2.0_f32.ln(), 4.0_f32.ln()]];
    let by_hand = array![[1.0 / 7.0_f32, 2.0 / 7.0, 4.0 / 7.0]];
    assert_close!(&softmax(logits.view(), 1.0), &by_hand, ROUNDED);
    let by_hand = array![[1.0 / 21.0_f32, 4.0 / 21.0, 16.0 / 21.0]];
    assert_close!(&softmax(logits.view(), 0.5), &by_hand, ROUNDED);
}
