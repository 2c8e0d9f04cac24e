//! Sizes of results, and the panic of a temperature that has no meaning.

use ndarray::Array2;
use softmax::softmax;
use testkit::{assert_shape, panic_message, uniform};

/// `softmax` keeps the shape, \[N, K\]: each class of each row has a probability.
///
/// Look at: what is summed over; a sum over a row must not take the row's place.
#[test]
fn probabilities_have_the_shape_of_the_logits() {
    let logits: Array2<f32> = uniform("logits", (3, 5));
    assert_shape!(&softmax(logits.view(), 1.0), [3, 5]);
}

/// A temperature of 0 or less panics, and the message names it.
///
/// Look at: a check before anything is divided. Dividing by 0 gives NaN without a word.
#[test]
fn a_temperature_that_is_not_above_zero_panics() {
    let logits: Array2<f32> = uniform("logits", (3, 5));
    let _ = softmax(logits.view(), 0.25); // no panic
    for temperature in [0.0, -2.5] {
        let message = panic_message(|| softmax(logits.view(), temperature));
        let named = temperature.to_string();
        assert!(message.contains(&named), "{message:?} does not name {named}");
    }
}
