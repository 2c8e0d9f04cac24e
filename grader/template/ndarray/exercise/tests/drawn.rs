//! The function against the reference, on sizes and values that are drawn.

use template::scale;
use testkit::drawn;
use testkit::drawn::Spread;

/// The values are the reference's, for factors above and below 0.
///
/// Look at: whether each value is multiplied once, by the whole factor.
#[test]
fn scale_agrees_with_the_reference() {
    drawn!("scale", 8, |case| {
        let rows = case.size("rows", 2..=5);
        let columns = case.other_size("columns", 2..=7, rows);
        let values = case.array((rows, columns), Spread::UNIT);
        let factor = case.number("factor", -3.0, 3.0) as f32;
        case.agrees("scaled", &scale(values.view(), factor));
    });
}
