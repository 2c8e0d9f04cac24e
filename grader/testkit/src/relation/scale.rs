//! Relations by a factor or an offset: one for all values, or one for each row, column or other part.

use super::name::name_of;
use super::pair::{Pair, lines, slices};
use super::{EVIDENCE, Groups, Relation};

pub(super) fn scaled(pair: &Pair<'_>) -> Option<Relation> {
    let all: Vec<_> = (0..pair.got.len()).collect();
    let factor = factor_of(pair, &all)?.filter(|&factor| factor != 0.0)?;
    let sizes = nonzero(pair, &all);
    (pair.distinct(&sizes) > EVIDENCE).then(|| Relation::Scaled {
        factor,
        name: name_of(factor, pair.shape, pair.rounded),
    })
}

pub(super) fn shifted(pair: &Pair<'_>) -> Option<Relation> {
    let all: Vec<_> = (0..pair.got.len()).collect();
    let offset = offset_of(pair, &all)?;
    pair.is_evidence(1).then(|| Relation::Shifted {
        offset,
        name: name_of(offset, &[], pair.rounded),
    })
}

pub(super) fn scaled_each(pair: &Pair<'_>) -> Option<Relation> {
    let holds = |groups: &[Vec<usize>]| {
        let mut evidence = 0;
        let mut factors = vec![];
        for group in groups {
            if let Some(factor) = factor_of(pair, group)? {
                factors.push(factor);
                evidence += pair.distinct(&nonzero(pair, group)) - 1;
            }
        }
        // Of groups with a single value, any values are a multiple.
        (evidence >= EVIDENCE && pair.distinct(&factors) > 1).then_some(())
    };
    groups(pair.shape)
        .find(|&it| holds(&positions(pair.shape, it)).is_some())
        .map(Relation::ScaledEach)
}

pub(super) fn shifted_each(pair: &Pair<'_>) -> Option<Relation> {
    let holds = |groups: &[Vec<usize>]| {
        let mut evidence = 0;
        let mut offsets = vec![];
        for group in groups {
            offsets.push(offset_of(pair, group)?);
            let values: Vec<_> = group.iter().map(|&at| pair.expected[at]).collect();
            evidence += pair.distinct(&values) - 1;
        }
        (evidence >= EVIDENCE && pair.distinct(&offsets) > 1).then_some(())
    };
    groups(pair.shape)
        .find(|&it| holds(&positions(pair.shape, it)).is_some())
        .map(Relation::ShiftedEach)
}

/// The parts that may have a parameter each: those with the fewest parameters first.
fn groups(shape: &[usize]) -> impl Iterator<Item = Groups> {
    let axes = shape.len();
    let is_empty = shape.contains(&0);
    let mut groups: Vec<_> = (0..if is_empty { 0 } else { axes })
        .flat_map(|axis| [Groups::Slices { axis, axes }, Groups::Lines { axis, axes }])
        .collect();
    let count: usize = shape.iter().product();
    groups.sort_by_key(|&it| match it {
        Groups::Slices { axis, .. } => shape[axis],
        Groups::Lines { axis, .. } => count / shape[axis],
    });
    groups.into_iter()
}

fn positions(shape: &[usize], groups: Groups) -> Vec<Vec<usize>> {
    match groups {
        Groups::Lines { axis, .. } => lines(shape, axis).collect(),
        Groups::Slices { axis, .. } => slices(shape, axis).collect(),
    }
}

/// The factor of these values; within, nothing where all are 0 in both arrays and any factor would do.
fn factor_of(pair: &Pair<'_>, group: &[usize]) -> Option<Option<f64>> {
    let size = |at: &&usize| pair.expected[**at].abs();
    let largest = group.iter().max_by(|a, b| size(a).total_cmp(&size(b)));
    let at = *largest?;
    if pair.expected[at].abs() <= 2.0 * pair.rounded.around(0.0) {
        let mut values = group.iter();
        let is_zero = values.all(|&at| pair.rounded.allows(pair.got[at], pair.expected[at]));
        return is_zero.then_some(None);
    }
    let factor = pair.got[at] / pair.expected[at];
    // A small factor makes small values: what is allowed shrinks with them.
    let finer = pair.rounded.scaled(factor.abs().min(1.0));
    let mut values = group.iter();
    let holds = factor.is_finite()
        && values.all(|&at| finer.allows(pair.got[at], factor * pair.expected[at]));
    holds.then_some(Some(factor))
}

/// The offset of these values.
fn offset_of(pair: &Pair<'_>, group: &[usize]) -> Option<f64> {
    let size = |at: &&usize| pair.expected[**at].abs() + pair.got[**at].abs();
    let at = *group.iter().min_by(|a, b| size(a).total_cmp(&size(b)))?;
    let offset = pair.got[at] - pair.expected[at];
    let mut values = group.iter();
    let holds = offset.is_finite()
        && values.all(|&at| {
            let (got, expected) = (pair.got[at], pair.expected[at]);
            // Of the expected value: a large offset must not make the tolerance as large as what is compared.
            (got - offset - expected).abs() <= pair.rounded.around(expected.abs())
        });
    holds.then_some(offset)
}

/// The expected values of these elements that are not 0.
fn nonzero(pair: &Pair<'_>, group: &[usize]) -> Vec<f64> {
    let values = group.iter().map(|&at| pair.expected[at]);
    let zero = 2.0 * pair.rounded.around(0.0);
    values.filter(|value| value.abs() > zero).collect()
}
