//! Relations that are a function of each value, and sums along another axis.

use super::pair::{Pair, lines};
use super::{EVIDENCE, Relation};

pub(super) fn negated(pair: &Pair<'_>) -> Option<Relation> {
    (pair.is_mapped(|value| -value) && pair.is_evidence(0)).then_some(Relation::Negated)
}

/// A function of one value, and its description.
type Function = (fn(f64) -> f64, &'static str);

const FUNCTIONS: [Function; 11] = [
    (f64::abs, "the absolute values of the expected ones"),
    (
        |value| value.max(0.0),
        "the expected ones with 0 for each negative one",
    ),
    (|value| value * value, "the squares of the expected ones"),
    (f64::sqrt, "the square roots of the expected ones"),
    (f64::recip, "the reciprocals of the expected ones"),
    (
        |value| value.sqrt().recip(),
        "the reciprocals of the square roots of the expected ones",
    ),
    (f64::exp, "the exponentials of the expected ones"),
    (f64::ln, "the natural logarithms of the expected ones"),
    (f64::trunc, "the expected ones without their fractions"),
    (f64::round, "the expected ones rounded to whole numbers"),
    (
        f64::floor,
        "the expected ones rounded down to whole numbers",
    ),
];

pub(super) fn mapped(pair: &Pair<'_>) -> Option<Relation> {
    let mut functions = FUNCTIONS.iter();
    let (_, words) = functions.find(|(function, _)| pair.is_mapped(function))?;
    // A match on a function with few distinct values is not evidence.
    let is_evidence = pair.is_evidence(0) && pair.distinct(pair.got) >= EVIDENCE;
    is_evidence.then_some(Relation::Mapped(words))
}

pub(super) fn clamped(pair: &Pair<'_>) -> Option<Relation> {
    let low = pair.got.iter().copied().fold(f64::INFINITY, f64::min);
    let high = pair.got.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if low >= high || !pair.is_mapped(|value| value.clamp(low, high)) {
        return None;
    }
    let beyond = |is_beyond: &dyn Fn(f64) -> bool, bound: f64| {
        let pairs = pair.expected.iter().zip(pair.got);
        let beyond = pairs.filter(|&(&expected, _)| is_beyond(expected));
        let at_bound: Vec<_> = beyond.filter(|&(_, &got)| got == bound).collect();
        // One value beyond all others is replaced by another: that is no bound.
        at_bound.len() > 1 && {
            let values: Vec<_> = at_bound.iter().map(|(expected, _)| **expected).collect();
            pair.distinct(&values) > 1
        }
    };
    let outside = |value: f64, bound: f64| !pair.rounded.allows(value, bound);
    let clamps_low = beyond(&|value| value < low && outside(value, low), low);
    let clamps_high = beyond(&|value| value > high && outside(value, high), high);
    let within: Vec<_> = pair
        .expected
        .iter()
        .copied()
        .filter(|it| (low..high).contains(it))
        .collect();
    let is_evidence = (clamps_low || clamps_high) && pair.distinct(&within) >= EVIDENCE + 2;
    // A bound of its own for values that nothing supports is not told, so neither is the relation.
    let is_whole = (clamps_low || pair.expected.iter().all(|it| !outside(it.min(low), low)))
        && (clamps_high || pair.expected.iter().all(|it| !outside(it.max(high), high)));
    (is_evidence && is_whole).then_some(Relation::Clamped {
        low: clamps_low.then_some(low),
        high: clamps_high.then_some(high),
    })
}

/// The tolerance for a sum of shares: that of a thousand numbers in f32 is off by less than 1e-5.
const SUM: f64 = 1e-4;

pub(super) fn sums_to_one(pair: &Pair<'_>) -> Option<Relation> {
    let sums = |values: &[f64], axis: usize| -> Vec<f64> {
        let lines = lines(pair.shape, axis);
        lines
            .map(|line| line.iter().map(|&at| values[at]).sum())
            .collect()
    };
    let is_one = |sum: &f64| (sum - 1.0).abs() <= SUM;
    let all_one = |values: &[f64], axis: usize| {
        let sums = sums(values, axis);
        sums.len() >= EVIDENCE && sums.iter().all(is_one)
    };
    let axes = || (0..pair.shape.len()).filter(|&axis| pair.shape[axis] > 1);
    let expected = axes().find(|&axis| all_one(pair.expected, axis))?;
    let got = axes().find(|&axis| axis != expected && all_one(pair.got, axis))?;
    let is_other = !all_one(pair.got, expected) && !all_one(pair.expected, got);
    let is_evidence = pair.is_evidence(0) && pair.distinct(pair.got) >= EVIDENCE;
    (is_other && is_evidence).then_some(Relation::SumsToOne { expected, got })
}
