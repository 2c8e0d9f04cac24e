//! Relations of arrays whose shapes differ.

use super::Relation;
use super::pair::{Pair, orders, permuted};
use crate::{Tolerance, Values};

pub(super) fn find(got: &Values, expected: &Values, tolerance: Tolerance) -> Option<Relation> {
    let pair = Pair::new(got, expected, tolerance);
    if got.data.len() == expected.data.len() {
        let relation = axes(&pair, &got.shape).or_else(|| other_shape(&pair, &got.shape))?;
        return pair.is_evidence(0).then_some(relation);
    }
    let (axis, got_size, expected_size) = one_axis_that_differs(&got.shape, &expected.shape)?;
    if got_size < expected_size {
        let (start, end) = part(
            &expected.shape,
            axis,
            &expected.data,
            got_size,
            &got.data,
            tolerance,
        )?;
        // The position of the part is a parameter.
        let is_evidence = pair.distinct(&got.data) > super::EVIDENCE;
        return is_evidence.then_some(Relation::Cut { axis, start, end });
    }
    let (start, end) = part(
        &got.shape,
        axis,
        &got.data,
        expected_size,
        &expected.data,
        tolerance,
    )?;
    let extended = Relation::Extended { axis, start, end };
    pair.is_evidence(1).then_some(extended)
}

fn axes(pair: &Pair<'_>, got: &[usize]) -> Option<Relation> {
    let gives_the_shape = |order: &Vec<usize>| {
        let sizes = order.iter().map(|&axis| pair.shape[axis]);
        sizes.eq(got.iter().copied())
    };
    let mut orders = orders(pair.shape.len()).into_iter().filter(gives_the_shape);
    let order = orders.find(|order| pair.is_moved(permuted(pair.shape, order)))?;
    Some(Relation::Axes { order })
}

fn other_shape(pair: &Pair<'_>, got: &[usize]) -> Option<Relation> {
    let without_ones = |shape: &[usize]| -> Vec<usize> {
        shape.iter().copied().filter(|size| *size != 1).collect()
    };
    let axes_of_one = without_ones(got) == without_ones(pair.shape);
    let is_same = pair.is_moved(0..pair.expected.len());
    is_same.then_some(Relation::OtherShape { axes_of_one })
}

/// The only axis whose sizes differ, and both sizes.
fn one_axis_that_differs(got: &[usize], expected: &[usize]) -> Option<(usize, usize, usize)> {
    if got.len() != expected.len() {
        return None;
    }
    let mut differ = (0..got.len()).filter(|&axis| got[axis] != expected[axis]);
    let axis = differ.next()?;
    differ
        .next()
        .is_none()
        .then(|| (axis, got[axis], expected[axis]))
}

/// The numbers of indices of an axis that are left out at its start and its end, if `short` is a part of `long`.
fn part(
    shape: &[usize],
    axis: usize,
    long: &[f64],
    short_size: usize,
    short: &[f64],
    tolerance: Tolerance,
) -> Option<(usize, usize)> {
    let size = shape[axis];
    let inner: usize = shape[axis + 1..].iter().product();
    let start = (0..=size - short_size).find(|start| {
        let mut positions = 0..short.len();
        positions.all(|position| {
            let (outer, rest) = (
                position / (short_size * inner),
                position % (short_size * inner),
            );
            tolerance.allows(
                short[position],
                long[outer * size * inner + start * inner + rest],
            )
        })
    })?;
    Some((start, size - short_size - start))
}
