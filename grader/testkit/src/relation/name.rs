//! Names of factors: 1/2, √5, 8 − 1.

use crate::Tolerance;

/// The coarsest tolerance for which a name is looked for: with a coarser one, some name would always fit.
const FINEST: f64 = 1e-3;

/// The whole numbers whose roots are tried where no axis has that size, as the width of a head.
const WHOLE: std::ops::RangeInclusive<usize> = 2..=64;

/// Other numbers that values are often multiplied with.
const COMMON: [usize; 5] = [100, 127, 128, 255, 256];

/// The name of a factor, where it is that number within the tolerance. Sizes of axes come first.
pub(super) fn name_of(factor: f64, shape: &[usize], tolerance: Tolerance) -> Option<String> {
    // Two values are each off by as much.
    let relative = 2.0 * tolerance.around(1.0);
    if relative > FINEST {
        return None;
    }
    let is = |number: f64| (factor.abs() - number).abs() <= relative * number;
    let sign = if factor < 0.0 { "−" } else { "" };
    let of_axes = shape.iter().enumerate().filter(|(_, size)| **size > 2);
    let of_axes = of_axes.flat_map(|(axis, &size)| {
        let about = format!("{size} being the size of axis {axis}");
        names(size).map(move |(number, name)| (number, format!("{name} ({about})")))
    });
    let halves =
        [(2.0, "2"), (0.5, "1/2"), (1.0, "1")].map(|(number, name)| (number, name.to_owned()));
    let of_whole = WHOLE.chain(COMMON).flat_map(|size| names(size).take(4));
    let mut all = halves.into_iter().chain(of_axes).chain(of_whole);
    let (_, name) = all.find(|(number, _)| is(*number))?;
    Some(format!("{sign}{name}"))
}

/// The numbers that follow from a size: itself and its root, their reciprocals, and the same of one less, as an
/// unbiased variance has it.
fn names(size: usize) -> impl Iterator<Item = (f64, String)> {
    let n = size as f64;
    let less = n - 1.0;
    [
        (n, format!("{size}")),
        (n.recip(), format!("1/{size}")),
        (n.sqrt(), format!("√{size}")),
        (n.sqrt().recip(), format!("1/√{size}")),
        (less, format!("({size} − 1)")),
        (less.recip(), format!("1/({size} − 1)")),
        (n / less, format!("{size}/({size} − 1)")),
        (less / n, format!("({size} − 1)/{size}")),
        ((n / less).sqrt(), format!("√({size}/({size} − 1))")),
        ((less / n).sqrt(), format!("√(({size} − 1)/{size})")),
    ]
    .into_iter()
}
