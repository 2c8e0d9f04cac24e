//! Properties that hold for tensors of every size, with any values.

use proptest::prelude::*;
use tch::Kind;
use template::scale;
use testkit::{Tolerance, assert_close, tensor};

proptest! {
    #![proptest_config(testkit::property::config(24))]

    /// Twice the values are the sum of the values and themselves.
    ///
    /// Look at: the factor; with 2, adding it is not the same as multiplying by it.
    #[test]
    fn twice_the_values_are_their_sum_with_themselves(
        (rows, columns) in (1..=6_i64, 2..=6_i64),
        seed: u32,
    ) {
        let values = tensor::uniform(&format!("values {seed}"), &[rows, columns], Kind::Float);
        // Doubling is exact in f32, in either way.
        assert_close!(&scale(&values, 2.0), &(&values + &values), Tolerance::EXACT);
    }
}
