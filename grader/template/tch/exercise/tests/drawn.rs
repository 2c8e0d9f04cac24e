//! The function against the reference, on sizes and values that are drawn.

use template::scale;
use testkit::drawn;
use testkit::drawn::Spread;

/// Values and their gradient are the reference's, in f32 and f64, for factors above and below 0.
///
/// Look at: whether each value is multiplied once, by the whole factor.
#[test]
fn scale_agrees_with_the_reference() {
    drawn!("scale", 8, |case| {
        let kind = case.kind();
        let size = [case.axis("rows", 2..=4), case.axis("columns", 5..=7)];
        let values = case.tensor(&size, kind, Spread::UNIT).set_requires_grad(true);
        let factor = case.number("factor", -3.0, 3.0);
        let inputs = [("values".to_owned(), values.shallow_clone())];
        let scaled = case.gradients_agree(&size, || scale(&values, factor), &inputs, &["values"]);
        case.agrees("scaled", &scaled);
    });
}
