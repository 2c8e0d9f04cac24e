//! Properties that hold for logits of every size, with any values.

use ndarray::{Array1, Array2, Axis};
use proptest::prelude::*;
use softmax::softmax;
use testkit::{Tolerance, assert_close, uniform};

/// Sums of up to 8 probabilities, each rounded by up to 2⁻²⁴ a few times: 32 · 2⁻²⁴ = 2e-6.
const ROUNDED: Tolerance = Tolerance::new(0.0, 4e-6);

prop_compose! {
    /// Logits from −4 to 4, and a temperature.
    fn questions()(
        (rows, classes) in (1..=6_usize, 2..=8_usize),
        temperature in 0.5..3.0_f32,
        seed in any::<u32>(),
    ) -> (Array2<f32>, f32) {
        (uniform(&format!("logits {seed}"), (rows, classes)) * 4.0, temperature)
    }
}

proptest! {
    #![proptest_config(testkit::property::config(24))]

    /// The probabilities of each row sum to 1.
    ///
    /// Look at: the axis of the sum. Sums of columns that are 1 mean that it is the other one.
    #[test]
    fn each_row_sums_to_one((logits, temperature) in questions()) {
        let sums = softmax(logits.view(), temperature).sum_axis(Axis(1));
        assert_close!(&sums, &Array1::<f32>::ones(logits.nrows()), ROUNDED);
    }

    /// The same number added to all logits of a row changes nothing: it is a factor of all exponentials, and of their sum.
    ///
    /// Look at: what is divided by what. Only the differences of logits matter.
    #[test]
    fn one_number_added_to_a_row_changes_nothing((logits, temperature) in questions()) {
        let mut shifted = logits.clone();
        for (i, mut row) in shifted.rows_mut().into_iter().enumerate() {
            row += i as f32 + 1.0; // exact but for the last bits of logits of up to 10
        }
        let probabilities = softmax(logits.view(), temperature);
        assert_close!(&softmax(shifted.view(), temperature), &probabilities, ROUNDED);
    }
}
