//! Properties that hold for arrays of every size, with any values.

use ndarray::Array2;
use proptest::prelude::*;
use template::scale;
use testkit::{Tolerance, assert_close, uniform};

proptest! {
    #![proptest_config(testkit::property::config(24))]

    /// Twice the values are the sum of the values and themselves.
    ///
    /// Look at: the factor; with 2, adding it is not the same as multiplying by it.
    #[test]
    fn twice_the_values_are_their_sum_with_themselves(
        (rows, columns) in (1..=6_usize, 2..=6_usize),
        seed in any::<u32>(),
    ) {
        let values: Array2<f32> = uniform(&format!("values {seed}"), (rows, columns));
        // Doubling is exact in f32, in either way.
        assert_close!(&scale(values.view(), 2.0), &(&values + &values), Tolerance::EXACT);
    }
}
