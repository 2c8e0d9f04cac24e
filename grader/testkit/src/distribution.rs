//! Random values against the distribution that they are to have.
//!
//! Each bound holds for any number of draws and follows from the distribution alone, never from the values that came. Draws of
//! the right distribution are beyond it once in `ODDS` checks at most.

/// One in so many checks fails by chance.
const ODDS: f64 = 1e12;

/// Fails unless `hits` of `of` independent draws, each a hit with probability `p`, are as many as chance allows.
///
/// The chance of a share as far off is at most exp(−of · KL(share ‖ p)) on either side (Chernoff 1952).
///
/// # Panics
/// With both shares.
pub fn assert_share(what: &str, hits: usize, of: usize, p: f64) {
    let count = of.max(1) as f64;
    let share = hits as f64 / count;
    let part = |a: f64, b: f64| if a > 0.0 { a * (a / b).ln() } else { 0.0 };
    let divergence = part(share, p) + part(1.0 - share, 1.0 - p);
    assert!(
        of > 0 && count * divergence <= (2.0 * ODDS).ln(),
        "{what}: {hits} of {of}, {:.1} %, instead of about {:.1} %",
        100.0 * share,
        100.0 * p
    );
}

/// Fails unless two rows of draws, each true with probability `p`, are independent of each other, pair by pair.
///
/// # Panics
/// With how many pairs are the same, and how many of independent draws would be.
pub fn assert_independent(what: &str, a: &[bool], b: &[bool], p: f64) {
    let same = a.iter().zip(b).filter(|(a, b)| a == b).count();
    let expected = p * p + (1.0 - p) * (1.0 - p);
    let what = format!("{what} are not independent, pairs that are the same");
    assert_share(&what, same, a.len().min(b.len()), expected);
}

/// Pairs of neighbours, none of which has a part in two.
pub fn neighbours(bits: &[bool]) -> (Vec<bool>, Vec<bool>) {
    bits.chunks_exact(2).map(|pair| (pair[0], pair[1])).unzip()
}

/// Fails unless the values are distributed as the cumulative distribution function says.
///
/// The chance that their own is farther off than ε somewhere is at most 2 · exp(−2nε²) (Dvoretzky, Kiefer & Wolfowitz 1956,
/// with Massart's constant of 1990).
///
/// # Panics
/// With the value at which the two differ most.
pub fn assert_distributed(what: &str, values: &[f64], cumulative: impl Fn(f64) -> f64) {
    assert!(!values.is_empty(), "{what}: there are no values");
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let count = sorted.len() as f64;
    let allowed = ((2.0 * ODDS).ln() / (2.0 * count)).sqrt();
    for (i, &value) in sorted.iter().enumerate() {
        let expected = cumulative(value);
        for own in [i as f64 / count, (i + 1) as f64 / count] {
            // Not `>`: a NaN is never right.
            assert!(
                (own - expected).abs() <= allowed,
                "{what}: {:.1} % of {count} values are at most {value:.4}, instead of about {:.1} %",
                100.0 * own,
                100.0 * expected
            );
        }
    }
}

/// Fails unless the values are spread evenly in ±`bound`, and none lies beyond.
///
/// # Panics
/// Panics if they are not, stating the difference.
pub fn assert_uniform(what: &str, values: &[f64], bound: f64) {
    // Rounding to f32 may carry the bound itself 6e-8 of it too far.
    let limit = bound * (1.0 + 1e-6);
    for value in values {
        assert!(
            value.abs() <= limit,
            "{what} holds {value:.4}, beyond ±{bound:.4}"
        );
    }
    assert_distributed(what, values, |value| {
        ((value / bound + 1.0) / 2.0).clamp(0.0, 1.0)
    });
    // A distribution that is as wide and has no ends differs little anywhere else.
    let of_ends = values.iter().filter(|value| value.abs() > END * bound);
    let what = format!("{what}: within a twentieth of either end");
    assert_share(&what, of_ends.count(), values.len(), 1.0 - END);
}

/// The beginning of the ends of a uniform distribution, in bounds.
const END: f64 = 0.95;

/// Fails unless arrays of values that are as likely positive as negative were drawn one by one: no two begin alike, and
/// their signs agree by chance alone.
///
/// # Panics
/// With the names of two that hang together.
pub fn assert_drawn_apart(values: &[(String, Vec<f64>)]) {
    let signs = |values: &[f64]| values.iter().map(|&it| it > 0.0).collect::<Vec<_>>();
    for (i, (name, a)) in values.iter().enumerate() {
        for (other, b) in &values[..i] {
            let count = a.len().min(b.len()).min(4);
            let what = format!("{other} and {name}");
            assert!(
                count < 2 || a[..count] != b[..count],
                "{what} begin with the same values: {:?}",
                &a[..count]
            );
            assert_independent(&what, &signs(a), &signs(b), 0.5);
        }
        let (even, odd) = neighbours(&signs(a));
        if !even.is_empty() {
            assert_independent(&format!("neighbours within {name}"), &even, &odd, 0.5);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{panic_message, property};

    fn uniform(name: &str, count: usize) -> Vec<f64> {
        property::stream(name).take(count).collect()
    }

    fn named(name: &str, values: Vec<f64>) -> (String, Vec<f64>) {
        (name.to_owned(), values)
    }

    #[test]
    fn shares_pass_within_what_chance_allows() {
        assert_share("heads", 5_000, 10_000, 0.5);
        assert_share("heads", 5_250, 10_000, 0.5);
        assert_share("none", 0, 20, 0.3);
        for (hits, of) in [(5_500, 10_000), (0, 10_000), (10_000, 10_000), (0, 0)] {
            let text = panic_message(|| assert_share("heads", hits, of, 0.5));
            assert!(text.starts_with("heads: "), "{text}");
        }
    }

    #[test]
    fn uniform_values_pass_and_others_do_not() {
        let values = uniform("u", 400);
        assert_uniform("u", &values, 1.0);
        let narrow: Vec<_> = values.iter().map(|value| value / 2.0).collect();
        let heaped: Vec<_> = values.iter().map(|value| value.powi(5)).collect();
        for other in [narrow, heaped, vec![0.0; 400], vec![f64::NAN; 400]] {
            panic_message(|| assert_uniform("u", &other, 1.0));
        }
        let text = panic_message(|| assert_uniform("u", &values, 0.5));
        assert!(text.contains("beyond ±0.5"), "{text}");
    }

    #[test]
    fn values_that_hang_together_are_found() {
        let (a, b) = (uniform("a", 300), uniform("b", 300));
        assert_drawn_apart(&[named("a", a.clone()), named("b", b.clone())]);
        let text =
            panic_message(|| assert_drawn_apart(&[named("a", a.clone()), named("b", a.clone())]));
        assert!(text.contains("begin with the same values"), "{text}");
        let opposite = a.iter().map(|value| -value).collect();
        let text =
            panic_message(|| assert_drawn_apart(&[named("a", a.clone()), named("b", opposite)]));
        assert!(text.contains("not independent"), "{text}");
        let pairs = a.iter().flat_map(|&value| [value, value]).collect();
        let text = panic_message(|| assert_drawn_apart(&[named("a", pairs)]));
        assert!(text.contains("neighbours within a"), "{text}");
    }
}
