//! The function against the reference, on sizes and values that are drawn.

use softmax::softmax;
use testkit::drawn;
use testkit::drawn::Spread;

/// The probabilities are the reference's, for temperatures below 1 and above.
///
/// Look at: what each row is divided by, and where the temperature goes.
#[test]
fn softmax_agrees_with_the_reference() {
    drawn!("softmax", 8, |case| {
        let rows = case.size("N", 2..=5);
        let classes = case.other_size("K", 2..=7, rows);
        let logits = case.array((rows, classes), Spread::of(2.0));
        let temperature = case.number("temperature", 0.5, 3.0) as f32;
        case.agrees("probabilities", &softmax(logits.view(), temperature));
    });
}

/// Logits of some hundred, which trained networks have. The exponential of 89 is infinite in f32, that of −104 is 0: exponentials
/// taken as they are give infinity divided by infinity, or 0 by 0.
///
/// Look at: the largest logit of each row. Subtracted from all, it changes no probability, and no exponential is infinite.
#[test]
fn softmax_agrees_for_large_logits() {
    drawn!("softmax_of_large_logits", 8, |case| {
        let (rows, classes) = (case.size("N", 2..=4), case.size("K", 2..=6));
        let away = case.number("logits about", 120.0, 900.0) as f32;
        let mut logits = case.array((rows, classes), Spread::UNIT);
        for (i, mut row) in logits.rows_mut().into_iter().enumerate() {
            row += if i % 2 == 0 { away } else { -away };
        }
        case.agrees("probabilities", &softmax(logits.view(), 1.0));
    });
}
