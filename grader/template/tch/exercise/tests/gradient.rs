//! Gradients.

use tch::Kind;
use template::scale;
use testkit::gradient::assert_matches_finite_differences;
use testkit::tensor;

/// The gradient of the values is the slope of the result: the factor.
///
/// Look at: `detach`, `no_grad`, and copies through plain numbers: they cut the gradient off.
#[test]
fn the_factor_is_the_slope() {
    let values = tensor::uniform("values", &[2, 3], Kind::Double).set_requires_grad(true);
    let inputs = [("values".to_owned(), values.shallow_clone())];
    assert_matches_finite_differences(|| scale(&values, -1.5), &inputs);
}
