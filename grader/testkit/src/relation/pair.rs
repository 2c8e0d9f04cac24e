//! Two arrays of one shape, and how many distinct values they hold.

use crate::{Tolerance, Values};

/// Values of a submission and the expected ones, of one shape.
pub(super) struct Pair<'a> {
    pub(super) got: &'a [f64],
    pub(super) expected: &'a [f64],
    pub(super) shape: &'a [usize],
    pub(super) tolerance: Tolerance,
    /// The tolerance for values that are calculated here: not below the rounding of their type.
    pub(super) rounded: Tolerance,
}

impl<'a> Pair<'a> {
    pub(super) fn new(got: &'a Values, expected: &'a Values, tolerance: Tolerance) -> Self {
        // Four units in the last place.
        let rounding = match expected.dtype.as_str() {
            "f32" => 4.0 * f64::from(f32::EPSILON),
            _ => 4.0 * f64::EPSILON,
        };
        Self {
            got: &got.data,
            expected: &expected.data,
            shape: &expected.shape,
            tolerance,
            rounded: tolerance.at_least(rounding),
        }
    }

    /// Returns whether each value is what `of` makes of its position, moved and not calculated with.
    pub(super) fn is_moved(&self, of: impl Iterator<Item = usize>) -> bool {
        let mut pairs = self.got.iter().zip(of);
        pairs.all(|(&got, from)| self.tolerance.allows(got, self.expected[from]))
    }

    /// Returns whether each value is what `function` makes of the expected one.
    pub(super) fn is_mapped(&self, function: impl Fn(f64) -> f64) -> bool {
        let mut pairs = self.got.iter().zip(self.expected);
        pairs.all(|(&got, &expected)| self.rounded.allows(got, function(expected)))
    }

    /// Returns whether the expected values are so many and differ so much that a relation with that many parameters is no chance.
    pub(super) fn is_evidence(&self, parameters: usize) -> bool {
        self.distinct(self.expected) >= super::EVIDENCE + parameters
    }

    /// The number of values that differ by more than the tolerance.
    pub(super) fn distinct(&self, values: &[f64]) -> usize {
        let mut sorted: Vec<_> = values.iter().copied().filter(|it| it.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let mut count = 0;
        let mut last: Option<f64> = None;
        for value in sorted {
            let is_new = last.is_none_or(|last| {
                // Twice, since each of the two may be off.
                (value - last) > 2.0 * self.rounded.around(value.abs().max(last.abs()))
            });
            if is_new {
                count += 1;
                last = Some(value);
            }
        }
        count
    }
}

/// The positions of the lines along an axis, in the order of the positions of the axes before it and after it.
pub(super) fn lines(shape: &[usize], axis: usize) -> impl Iterator<Item = Vec<usize>> + use<> {
    let size = shape[axis];
    let inner: usize = shape[axis + 1..].iter().product();
    let outer: usize = shape[..axis].iter().product();
    (0..outer).flat_map(move |o| {
        (0..inner).map(move |i| (0..size).map(|k| (o * size + k) * inner + i).collect())
    })
}

/// The positions of the slices of an axis, one for each of its indices.
pub(super) fn slices(shape: &[usize], axis: usize) -> impl Iterator<Item = Vec<usize>> + use<> {
    let size = shape[axis];
    let inner: usize = shape[axis + 1..].iter().product();
    let outer: usize = shape[..axis].iter().product();
    (0..size).map(move |k| {
        let positions =
            (0..outer).flat_map(|o| (0..inner).map(move |i| (o * size + k) * inner + i));
        positions.collect()
    })
}

/// For each element of an array whose axes are put into another order, its position before, row by row.
pub(super) fn permuted(shape: &[usize], order: &[usize]) -> impl Iterator<Item = usize> + use<> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    let strides: Vec<usize> = order.iter().map(|&axis| strides[axis]).collect();
    let sizes: Vec<usize> = order.iter().map(|&axis| shape[axis]).collect();
    let count: usize = shape.iter().product();
    (0..count).map(move |mut position| {
        let mut from = 0;
        for axis in (0..sizes.len()).rev() {
            from += position % sizes[axis] * strides[axis];
            position /= sizes[axis];
        }
        from
    })
}

/// The orders of so many axes but the usual one, those first that move the fewest. None for more axes than are tried.
pub(super) fn orders(axes: usize) -> Vec<Vec<usize>> {
    /// 120 orders; no array of the exercises has more axes.
    const MOST_AXES: usize = 5;
    if axes > MOST_AXES {
        return vec![];
    }
    let mut orders = vec![vec![]];
    for _ in 0..axes {
        let longer = orders.iter().flat_map(|order: &Vec<usize>| {
            let rest = (0..axes).filter(|axis| !order.contains(axis));
            rest.map(|axis| [order.as_slice(), &[axis]].concat())
        });
        orders = longer.collect();
    }
    let moved = |order: &[usize]| {
        order
            .iter()
            .enumerate()
            .filter(|(i, axis)| i != *axis)
            .count()
    };
    orders.retain(|order| moved(order) > 0);
    orders.sort_by_key(|order| moved(order));
    orders
}
