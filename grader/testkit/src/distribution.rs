//! Random values against the distribution that they are to have.
//!
//! Each bound holds for any number of draws and follows from the distribution alone, never from the values that came. Draws of
//! the right distribution are beyond it once in `ODDS` checks at most.

use std::cell::RefCell;

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

/// A row of independent draws, each a hit with the same probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// The number of hits.
    pub hits: usize,
    /// The number of draws.
    pub of: usize,
    /// The probability of a hit.
    pub p: f64,
}

impl Row {
    /// The row of these draws.
    pub fn of(draws: &[bool], p: f64) -> Self {
        let hits = draws.iter().filter(|&&hit| hit).count();
        let of = draws.len();
        Self { hits, of, p }
    }

    /// The distance of the hits from their mean.
    fn off(self) -> f64 {
        self.hits as f64 - self.of as f64 * self.p
    }
}

/// Fails unless the numbers of hits of independent rows are as far from their means as chance has it: neither all together
/// too many or too few, which each row alone is too short to show, nor as many in each row, as where a share is shuffled
/// instead of draws being made one by one.
///
/// The chance that they are off by as much together is at most exp(−2 · off² / of) on either side (Hoeffding 1963). The chance
/// that their squared distances sum to s or less is at most exp(s) · Π E exp(−off²) (Markov's inequality), where E exp(−off²)
/// is at most the largest probability of a number, 1 / √(2e · of · p · (1 − p)) (Herzog 1947), times Σⱼ exp(−j²) over all whole j,
/// which is below 1.773.
///
/// # Panics
/// With the numbers.
pub fn assert_numbers(what: &str, rows: &[Row]) {
    let of: usize = rows.iter().map(|row| row.of).sum();
    let allowed = (of as f64 * (2.0 * ODDS).ln() / 2.0).sqrt();
    let off: f64 = rows.iter().map(|row| row.off()).sum();
    assert!(
        off.abs() <= allowed,
        "{what}: {} of {of}, instead of about {:.0}",
        rows.iter().map(|row| row.hits).sum::<usize>(),
        rows.iter().map(|row| row.of as f64 * row.p).sum::<f64>()
    );
    let squares: f64 = rows.iter().map(|row| row.off().powi(2)).sum();
    let factors = rows.iter().map(|row| {
        let variance = row.of as f64 * row.p * (1.0 - row.p);
        (1.773 / (2.0 * std::f64::consts::E * variance).sqrt()).ln()
    });
    // Of a short row, any number is likely.
    let chance = squares + factors.map(|factor| factor.min(0.0)).sum::<f64>();
    assert!(
        chance >= -ODDS.ln(),
        "{what} are as many in each of {} rows: each is to be drawn by itself, whatever became of the others",
        rows.len()
    );
}

/// Values of all cases of a test, which are to be uniform in ±1: together they show a distribution that those of each case are
/// too few for. A sum of two uniform numbers is told from a truncated normal one by 8000 values.
#[derive(Debug, Default)]
pub struct PooledValues {
    values: RefCell<Vec<f64>>,
}

impl PooledValues {
    /// Adds the values of a case.
    pub fn add(&self, values: impl IntoIterator<Item = f64>) {
        self.values.borrow_mut().extend(values);
    }

    /// Fails unless the values are uniform in ±1; see [`assert_uniform`].
    ///
    /// # Panics
    /// Panics if they are not, stating the difference.
    pub fn assert_uniform(&self, what: &str) {
        assert_uniform(&format!("{what} in all cases"), &self.values.borrow(), 1.0);
    }
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

/// Fails unless draws, each true with probability `p`, are independent of those before them, at many distances: a part that
/// is repeated is found wherever the repetition begins.
///
/// # Panics
/// As [`assert_independent`].
pub fn assert_one_by_one(what: &str, bits: &[bool], p: f64) {
    let near = 1..=NEAR.min(bits.len() / 2);
    let parts = (2..=PARTS).map(|part| bits.len() / part);
    for distance in near.chain(parts.filter(|&it| it > NEAR)) {
        // Of blocks of that length every first against every second, so that no draw has a part in two pairs.
        let blocks = bits.chunks(2 * distance);
        let split = blocks.filter_map(|pair| pair.split_at_checked(distance));
        let pairs = split.flat_map(|(a, b)| a.iter().copied().zip(b.iter().copied()));
        let (a, b): (Vec<_>, Vec<_>) = pairs.unzip();
        assert_independent(&format!("{what}, {distance} apart,"), &a, &b, p);
    }
}

/// All distances up to this one are looked at, and those that are a half, a third, … of all draws.
const NEAR: usize = 64;
/// The smallest part of all draws that is looked at as a distance.
const PARTS: usize = 16;

/// Fails unless the values, drawn one by one in `f32` from a distribution without heaps, are all different, but for as many
/// as meet by chance.
///
/// Of n draws among 2²² values as likely as each other, n²/2 · 2⁻²² pairs are equal in the mean; an `f32` has more values in
/// any part of a distribution that counts. The allowance beyond the mean is exceeded less than once in `ODDS` checks.
///
/// # Panics
/// With the value that came most often.
pub fn assert_few_alike(what: &str, values: &[f64]) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let runs = sorted.chunk_by(|a, b| a == b);
    let alike: usize = runs.clone().map(|run| run.len() - 1).sum();
    let mean = (values.len() as f64).powi(2) / f64::from(1 << 23);
    let most = runs.max_by_key(|run| run.len()).unwrap_or_default();
    assert!(
        alike as f64 <= 4.0 * mean + 12.0,
        "{what}: {alike} of {} values came before, {:.4} {} times",
        values.len(),
        most.first().copied().unwrap_or_default(),
        most.len()
    );
}

/// Fails unless the values are distributed as the cumulative distribution function says.
///
/// The chance that their own is farther off than ε somewhere is at most 2 · exp(−2nε²) (Dvoretzky, Kiefer & Wolfowitz 1956,
/// with Massart's constant of 1990).
///
/// Draws may also be too even: many values that are as far from each other as quantiles are were not drawn one by one. The chance
/// that their own distribution function is nowhere farther off than 0.19/√n is below √(2π)/0.19 · exp(−π²/(8 · 0.19²)) = 2e-14
/// for many of them (Kolmogorov 1933), and below 1e-13 from a hundred on, for which Stephens 1970 multiplies the distance by
/// √n + 0.12 + 0.11/√n.
///
/// # Panics
/// With the value at which the two differ most.
pub fn assert_distributed(what: &str, values: &[f64], cumulative: impl Fn(f64) -> f64) {
    assert!(!values.is_empty(), "{what}: there are no values");
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let count = sorted.len() as f64;
    let allowed = ((2.0 * ODDS).ln() / (2.0 * count)).sqrt();
    let mut farthest = 0.0_f64;
    for (i, &value) in sorted.iter().enumerate() {
        let expected = cumulative(value);
        for own in [i as f64 / count, (i + 1) as f64 / count] {
            farthest = farthest.max((own - expected).abs());
            // Not `>`: a NaN is never right.
            assert!(
                (own - expected).abs() <= allowed,
                "{what}: {:.1} % of {count} values are at most {value:.4}, instead of about {:.1} %",
                100.0 * own,
                100.0 * expected
            );
        }
    }
    assert!(
        count < MANY || farthest * count.sqrt() >= TOO_EVEN,
        "{what}: {count} values are spread more evenly than draws are: each is to be drawn by itself"
    );
}

/// The number of values from which on it shows that they are too even.
const MANY: f64 = 100.0;
/// The distance of too even values from their distribution, times the root of their number.
const TOO_EVEN: f64 = 0.19;

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
        assert_one_by_one(&format!("signs within {name}"), &signs(a), 0.5);
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
    fn numbers_pass_within_what_chance_allows() {
        // Off by √(14,400 · 28.3 / 2) = 451 at most.
        for (hits, passes) in [(7_200, true), (7_640, true), (7_660, false), (6_740, false)] {
            let rows = [Row {
                hits,
                of: 14_400,
                p: 0.5,
            }];
            let result = std::panic::catch_unwind(|| assert_numbers("kept", &rows));
            assert_eq!(result.is_ok(), passes, "{hits}");
        }
    }

    #[test]
    fn numbers_that_never_vary_are_found() {
        let mut draws = uniform("numbers", 12 * 1200);
        let mut rows = |share: f64| -> Vec<Row> {
            let rows = draws.chunks_exact_mut(1200).map(|row| {
                let kept: Vec<_> = row.iter().map(|&it| it < 2.0 * share - 1.0).collect();
                Row::of(&kept, share)
            });
            rows.collect()
        };
        let drawn = [rows(0.1), rows(0.75), rows(0.5)];
        for rows in &drawn {
            assert_numbers("drawn", rows);
        }
        // The mean itself, or the whole number next to it.
        for p in [0.1, 0.75, 0.3333] {
            let hits = f64::round(1200.0 * p) as usize;
            let dealt = [Row { hits, of: 1200, p }; 12];
            let text = panic_message(|| assert_numbers("dealt", &dealt));
            assert!(text.contains("as many in each of 12 rows"), "{text}");
            // Few of them come by chance, and so do short ones.
            assert_numbers("few", &dealt[..5]);
        }
        assert_numbers(
            "short",
            &[Row {
                hits: 1,
                of: 2,
                p: 0.5,
            }; 30],
        );
        assert_numbers("none", &[]);
    }

    #[test]
    fn values_as_even_as_quantiles_are_found() {
        for count in [100, 1000, 30_000] {
            assert_uniform("drawn", &uniform("even", count), 1.0);
            let place = |i: usize| (2 * i + 1) as f64 / count as f64 - 1.0;
            let quantiles: Vec<_> = (0..count).map(place).collect();
            let text = panic_message(|| assert_uniform("quantiles", &quantiles, 1.0));
            assert!(text.contains("more evenly than draws are"), "{text}");
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
    fn cases_together_show_what_each_is_too_short_for() {
        let values = PooledValues::default();
        for case in 0..8 {
            // Sums of two numbers that are uniform in ±1, by the distribution function of the truncated normal distribution:
            // at ±2, both end.
            let sums = uniform(&format!("a {case}"), 1200).into_iter();
            let sums = sums.zip(uniform(&format!("b {case}"), 1200));
            let scores: Vec<_> = sums.map(|(a, b)| truncated_normal_score(a + b)).collect();
            assert_uniform("a case", &scores, 1.0);
            values.add(scores);
        }
        let text = panic_message(|| values.assert_uniform("scores"));
        assert!(text.starts_with("scores in all cases"), "{text}");
    }

    /// (2Φ(z) − 1) / (2Φ(2) − 1), by Simpson's rule in twenty steps: off by less than 1e-6.
    fn truncated_normal_score(z: f64) -> f64 {
        let area = |z: f64| {
            let density = |i: u32| (-(z * f64::from(i) / 20.0).powi(2) / 2.0).exp();
            let weights = |i: u32| if i % 2 == 1 { 4.0 } else { 2.0 };
            let inner: f64 = (1..20).map(|i| weights(i) * density(i)).sum();
            z / 60.0 * (density(0) + inner + density(20))
        };
        area(z) / area(2.0)
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
        assert!(text.contains("signs within a, 1 apart"), "{text}");
    }

    #[test]
    fn a_part_that_is_repeated_is_found_wherever_it_begins() {
        let drawn: Vec<_> = uniform("m", 400).iter().map(|&it| it > -0.4).collect();
        assert_one_by_one("m", &drawn, 0.7);
        for (period, times) in [(1, 400), (17, 24), (133, 4), (200, 2)] {
            let repeated = drawn[..period].repeat(times);
            let text = panic_message(|| assert_one_by_one("m", &repeated, 0.7));
            assert!(text.contains("are not independent"), "{text}");
        }
        assert_one_by_one("none", &[], 0.5);
        assert_one_by_one("one", &[true], 0.5);
    }

    #[test]
    fn values_that_came_before_are_found() {
        let values = |count| {
            uniform("v", count)
                .iter()
                .map(|&it| f64::from(it as f32))
                .collect::<Vec<_>>()
        };
        assert_few_alike("v", &values(10_000));
        assert_few_alike("none", &[]);
        let text = panic_message(|| assert_few_alike("v", &values(500).repeat(2)));
        assert!(text.contains("500 of 1000 values came before"), "{text}");
        let heaped: Vec<_> = values(1000).iter().map(|value| value.min(0.9)).collect();
        panic_message(|| assert_few_alike("v", &heaped));
    }
}
