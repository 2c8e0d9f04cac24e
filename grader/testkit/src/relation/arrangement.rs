//! Relations of values that are right and stand elsewhere, and of values that are not finite.

use super::Relation;
use super::pair::{Pair, lines, orders, permuted, slices};

/// The largest axis that is tried in other orders.
const MOST_INDICES: usize = 256;

pub(super) fn axes(pair: &Pair<'_>) -> Option<Relation> {
    let keeps_the_shape = |order: &Vec<usize>| {
        let sizes = order.iter().map(|&axis| pair.shape[axis]);
        sizes.eq(pair.shape.iter().copied())
    };
    let mut orders = orders(pair.shape.len()).into_iter().filter(keeps_the_shape);
    let order = orders.find(|order| pair.is_moved(permuted(pair.shape, order)))?;
    pair.is_evidence(0).then_some(Relation::Axes { order })
}

pub(super) fn refilled(pair: &Pair<'_>) -> Option<Relation> {
    let mut orders = orders(pair.shape.len()).into_iter();
    let order = orders.find(|order| pair.is_moved(permuted(pair.shape, order)))?;
    pair.is_evidence(0).then_some(Relation::Refilled { order })
}

pub(super) fn reversed(pair: &Pair<'_>) -> Option<Relation> {
    let axis = (0..pair.shape.len()).find(|&axis| {
        let size = pair.shape[axis];
        pair.is_moved(along(pair.shape, axis, |k| size - 1 - k))
    })?;
    pair.is_evidence(0).then_some(Relation::Reversed { axis })
}

pub(super) fn rolled(pair: &Pair<'_>) -> Option<Relation> {
    let (axis, by) = (0..pair.shape.len()).find_map(|axis| {
        let size = pair.shape[axis];
        let mut moves = 1..size.min(MOST_INDICES);
        let by =
            moves.find(|by| pair.is_moved(along(pair.shape, axis, |k| (k + size - by) % size)))?;
        Some((axis, by))
    })?;
    let size = pair.shape[axis];
    let rolled = Relation::Rolled { axis, by, size };
    pair.is_evidence(1).then_some(rolled)
}

/// For each element, the position of the one whose index of an axis `from` gives.
fn along(
    shape: &[usize],
    axis: usize,
    from: impl Fn(usize) -> usize,
) -> impl Iterator<Item = usize> {
    let size = shape[axis];
    let inner: usize = shape[axis + 1..].iter().product();
    let count: usize = shape.iter().product();
    (0..count).map(move |position| {
        let k = position / inner % size;
        position - k * inner + from(k) * inner
    })
}

pub(super) fn reordered(pair: &Pair<'_>) -> Option<Relation> {
    let (axis, order) = (0..pair.shape.len()).find_map(|axis| {
        // Two indices in another order are reversed.
        let is_tried = (3..=MOST_INDICES).contains(&pair.shape[axis]);
        is_tried
            .then(|| Some((axis, order_of(pair, axis)?)))
            .flatten()
    })?;
    let is_evidence = pair.is_evidence(order.len() - 1);
    is_evidence.then_some(Relation::Reordered { axis, order })
}

/// For each slice of an axis, the index of the expected slice that it equals, each taken once.
fn order_of(pair: &Pair<'_>, axis: usize) -> Option<Vec<usize>> {
    let slices: Vec<_> = slices(pair.shape, axis).collect();
    let mut order: Vec<usize> = vec![];
    for own in &slices {
        let is_other = |other: &[usize]| {
            let mut positions = own.iter().zip(other);
            positions.all(|(&a, &b)| pair.tolerance.allows(pair.got[a], pair.expected[b]))
        };
        let mut free = (0..slices.len()).filter(|index| !order.contains(index));
        let index = free.find(|&index| is_other(&slices[index]))?;
        order.push(index);
    }
    Some(order)
}

pub(super) fn sorted(pair: &Pair<'_>) -> Option<Relation> {
    let mut ways = (0..pair.shape.len()).flat_map(|axis| [(axis, false), (axis, true)]);
    let (axis, descending) = ways.find(|&(axis, descending)| {
        pair.shape[axis] > 2
            && lines(pair.shape, axis).all(|line| {
                let mut values: Vec<_> = line.iter().map(|&at| pair.expected[at]).collect();
                values.sort_by(f64::total_cmp);
                if descending {
                    values.reverse();
                }
                let mut pairs = line.iter().zip(values);
                pairs.all(|(&at, value)| pair.tolerance.allows(pair.got[at], value))
            })
    })?;
    pair.is_evidence(1)
        .then_some(Relation::Sorted { axis, descending })
}

pub(super) fn rearranged(pair: &Pair<'_>) -> Option<Relation> {
    /// Fewer values are in another order by chance, where they are whole numbers.
    const LEAST: usize = 8;
    let sorted = |values: &[f64]| {
        let mut values = values.to_vec();
        values.sort_by(f64::total_cmp);
        values
    };
    let (got, expected) = (sorted(pair.got), sorted(pair.expected));
    let mut pairs = got.iter().zip(&expected);
    let is_same = pairs.all(|(&got, &expected)| pair.tolerance.allows(got, expected));
    let least = LEAST.max(pair.expected.len() / 2);
    (is_same && pair.distinct(pair.expected) >= least).then_some(Relation::Rearranged)
}

/// The least number of ways in which as many elements can be chosen, for that these ones are not finite to be no chance.
const WAYS: f64 = 100.0;

pub(super) fn not_finite(pair: &Pair<'_>) -> Option<Relation> {
    if pair.expected.iter().any(|value| !value.is_finite()) {
        return None;
    }
    where_zero(pair).or_else(|| at_indices(pair))
}

fn where_zero(pair: &Pair<'_>) -> Option<Relation> {
    let mut pairs = pair.got.iter().zip(pair.expected);
    let is_there = pairs.all(|(got, &expected)| got.is_finite() == (expected != 0.0));
    let (nans, infinite) = (
        pair.got.iter().filter(|value| value.is_nan()).count(),
        pair.got.iter().filter(|value| value.is_infinite()).count(),
    );
    let is_evidence = ways(pair.got.len(), nans + infinite) >= WAYS;
    let nan = infinite == 0;
    (is_there && is_evidence).then_some(Relation::NotFiniteWhereZero { nan })
}

/// The number of choices of `of` elements among `all`, as far as it matters.
fn ways(all: usize, of: usize) -> f64 {
    let of = of.min(all - of);
    let factors = (0..of).map(|i| (all - i) as f64 / (i + 1) as f64);
    factors.take(64).product()
}

fn at_indices(pair: &Pair<'_>) -> Option<Relation> {
    (0..pair.shape.len()).find_map(|axis| {
        let slices: Vec<_> = slices(pair.shape, axis).collect();
        let is_lost = |slice: &[usize]| slice.iter().all(|&at| !pair.got[at].is_finite());
        let is_right = |slice: &[usize]| {
            let mut positions = slice.iter();
            positions.all(|&at| pair.tolerance.allows(pair.got[at], pair.expected[at]))
        };
        let (lost, rest): (Vec<_>, Vec<_>) =
            (0..slices.len()).partition(|&index| is_lost(&slices[index]));
        let right = rest.iter().flat_map(|&index| &slices[index]);
        let right: Vec<_> = right.map(|&at| pair.expected[at]).collect();
        let per_slice = slices.first().map_or(0, Vec::len);
        let holds = !lost.is_empty()
            && per_slice > 1
            && rest.iter().all(|&index| is_right(&slices[index]))
            && pair.distinct(&right) >= super::EVIDENCE;
        let indices = lost;
        holds.then_some(Relation::NotFiniteAt { axis, indices })
    })
}
