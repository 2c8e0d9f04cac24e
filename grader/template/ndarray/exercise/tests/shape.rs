//! Sizes of results.

use ndarray::Array2;
use template::scale;
use testkit::{assert_shape, uniform};

/// `scale` keeps the shape, \[N, D\].
///
/// Look at: the order of rows and columns.
#[test]
fn scaled_values_keep_their_shape() {
    let values: Array2<f32> = uniform("values", (3, 5));
    assert_shape!(&scale(values.view(), 0.5), [3, 5]);
}
