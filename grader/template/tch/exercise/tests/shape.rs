//! Sizes of results.

use tch::Kind;
use template::scale;
use testkit::{assert_shape, tensor};

/// `scale` keeps the shape, \[N, D\].
///
/// Look at: the order of rows and columns.
#[test]
fn scaled_values_keep_their_shape() {
    let values = tensor::uniform("values", &[3, 5], Kind::Float);
    assert_shape!(&scale(&values, 0.5), [3, 5]);
}
