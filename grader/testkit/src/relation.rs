//! The relation between wrong values and the expected ones, where there is one: transposed, scaled, in another order.
//!
//! A relation is reported only if it holds for every element within the tolerance, and if at least [`EVIDENCE`]
//! distinct values beyond its free parameters support it. Of several, the simplest is reported.

mod arrangement;
mod function;
mod name;
mod pair;
mod scale;
mod shape;
#[cfg(test)]
mod tests;

use crate::{Tolerance, Values};
use pair::Pair;
use std::fmt;

/// The distinct expected values that a relation needs beyond its free parameters: with fewer, chance is as likely.
const EVIDENCE: usize = 3;

/// The most elements that are compared. The larger examples of the exercises have forty thousand.
const MOST: usize = 1 << 16;

/// A relation between the values of a submission and the expected ones.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Relation {
    /// NaN or infinity exactly where 0 is expected.
    NotFiniteWhereZero {
        /// True if it is NaN everywhere.
        nan: bool,
    },
    /// NaN or infinity throughout these indices of an axis, and the expected values everywhere else.
    NotFiniteAt { axis: usize, indices: Vec<usize> },
    /// The expected values with their axes in another order.
    Axes { order: Vec<usize> },
    /// The expected values with their axes in another order, written row by row into the expected shape.
    Refilled { order: Vec<usize> },
    /// The expected values with the other sign.
    Negated,
    /// One axis backwards.
    Reversed { axis: usize },
    /// One axis moved on, its end wrapped around to its start.
    Rolled { axis: usize, by: usize, size: usize },
    /// One factor for all values.
    Scaled { factor: f64, name: Option<String> },
    /// One offset for all values.
    Shifted { offset: f64, name: Option<String> },
    /// A factor of its own for each group.
    ScaledEach(Groups),
    /// An offset of its own for each group.
    ShiftedEach(Groups),
    /// A function of each expected value.
    Mapped(&'static str),
    /// Values beyond a bound are replaced by it.
    Clamped { low: Option<f64>, high: Option<f64> },
    /// The indices of one axis in another order.
    Reordered { axis: usize, order: Vec<usize> },
    /// The values along one axis are sorted.
    Sorted { axis: usize, descending: bool },
    /// The expected values, each as often as expected, at other places.
    Rearranged,
    /// The expected values sum to 1 along one axis, those of the submission along another.
    SumsToOne { expected: usize, got: usize },
    /// The expected values in the expected order, in another shape.
    OtherShape { axes_of_one: bool },
    /// The expected values without some at the start or end of an axis.
    Cut {
        axis: usize,
        start: usize,
        end: usize,
    },
    /// The expected values, and more at the start or end of an axis.
    Extended {
        axis: usize,
        start: usize,
        end: usize,
    },
}

/// The parts of an array that have a parameter each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Groups {
    /// The lines along an axis: the values that differ in this index alone.
    Lines { axis: usize, axes: usize },
    /// The slices of an axis: the values that share this index.
    Slices { axis: usize, axes: usize },
}

/// The simplest relation that holds, if one does.
pub(crate) fn find(got: &Values, expected: &Values, tolerance: Tolerance) -> Option<Relation> {
    if got.data.len().max(expected.data.len()) > MOST {
        return None;
    }
    if got.shape != expected.shape {
        return shape::find(got, expected, tolerance);
    }
    let pair = Pair::new(got, expected, tolerance);
    if got.data.iter().any(|value| !value.is_finite()) {
        return arrangement::not_finite(&pair);
    }
    let tried: [fn(&Pair<'_>) -> Option<Relation>; 14] = [
        arrangement::axes,
        function::negated,
        arrangement::reversed,
        scale::scaled,
        scale::shifted,
        function::mapped,
        arrangement::rolled,
        arrangement::refilled,
        arrangement::sorted,
        arrangement::reordered,
        scale::scaled_each,
        scale::shifted_each,
        function::clamped,
        function::sums_to_one,
    ];
    let found = tried.iter().find_map(|relation| relation(&pair));
    found.or_else(|| arrangement::rearranged(&pair))
}

impl fmt::Display for Groups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Groups::Lines { axis: 1, axes: 2 } | Groups::Slices { axis: 0, axes: 2 } => {
                f.write_str("for each row")
            }
            Groups::Lines { axis: 0, axes: 2 } | Groups::Slices { axis: 1, axes: 2 } => {
                f.write_str("for each column")
            }
            Groups::Lines { axis, .. } => write!(f, "for each line along axis {axis}"),
            Groups::Slices { axis, .. } => write!(f, "for each index of axis {axis}"),
        }
    }
}

/// The sentence that a student reads.
impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const YOURS: &str = "your values are the expected ones";
        match self {
            Self::NotFiniteWhereZero { nan } => {
                let what = if *nan { "NaN" } else { "not finite" };
                write!(f, "your values are {what} exactly where 0 is expected")
            }
            Self::NotFiniteAt { axis, indices } => {
                let indices = listed(indices);
                write!(
                    f,
                    "your values are not finite at {indices} of axis {axis}, and right everywhere else"
                )
            }
            Self::Axes { order } => write!(f, "{YOURS}{}", AxisOrder(order)),
            Self::Refilled { order } => {
                let permuted = AxisOrder(order);
                write!(
                    f,
                    "{YOURS}{permuted} and then reshaped: reshape does not move axes"
                )
            }
            Self::Negated => write!(f, "{YOURS} with the opposite sign"),
            Self::Reversed { axis } => write!(f, "{YOURS}, reversed along axis {axis}"),
            Self::Rolled { axis, by, size } => {
                let (by, way) = if 2 * by > *size {
                    (size - by, "back")
                } else {
                    (*by, "on")
                };
                write!(
                    f,
                    "{YOURS}, moved {way} by {by} along axis {axis}, wrapped around"
                )
            }
            Self::Scaled { factor, name } => {
                write!(f, "{YOURS} times {}", called(*factor, name.as_deref()))
            }
            Self::Shifted {
                name: Some(name), ..
            } => write!(f, "{YOURS} plus {name}"),
            // It may be a value that was drawn.
            Self::Shifted { name: None, .. } => {
                write!(f, "{YOURS} plus the same offset everywhere")
            }
            Self::ScaledEach(groups) => write!(f, "{YOURS} times another factor {groups}"),
            Self::ShiftedEach(groups) => write!(f, "{YOURS} plus another offset {groups}"),
            Self::Mapped(function) => write!(f, "your values are {function}"),
            Self::Clamped { low, high } => {
                write!(f, "{YOURS}, clamped ")?;
                match (low, high) {
                    (Some(low), Some(high)) => {
                        write!(f, "{} and {}", Bound("below", *low), Bound("above", *high))
                    }
                    (Some(low), None) => Bound("below", *low).fmt(f),
                    (None, high) => Bound("above", high.unwrap_or(f64::INFINITY)).fmt(f),
                }
            }
            Self::Reordered { axis, order } if order.len() <= 8 => {
                write!(f, "{YOURS}, with axis {axis} in the order {order:?}")
            }
            Self::Reordered { axis, .. } => {
                write!(f, "{YOURS}, with axis {axis} in another order")
            }
            Self::Sorted { axis, descending } => {
                let order = if *descending {
                    "descending"
                } else {
                    "ascending"
                };
                write!(f, "{YOURS}, sorted along axis {axis} in {order} order")
            }
            Self::Rearranged => write!(f, "{YOURS}, in another order"),
            Self::SumsToOne { expected, got } => write!(
                f,
                "the expected values sum to 1 along axis {expected}, your values along axis {got}"
            ),
            Self::OtherShape { axes_of_one: true } => {
                write!(
                    f,
                    "{YOURS}: only an axis of length 1 is missing or too much"
                )
            }
            Self::OtherShape { axes_of_one: false } => write!(f, "{YOURS}, in another shape"),
            Self::Cut { axis, start, end } => {
                let ends = Ends(*start, *end);
                write!(f, "{YOURS} without {ends} of axis {axis}")
            }
            Self::Extended { axis, start, end } => {
                let ends = Ends(*start, *end);
                write!(f, "{YOURS} once {ends} of axis {axis} is left out")
            }
        }
    }
}

/// An order of axes in words.
struct AxisOrder<'a>(&'a [usize]);

impl fmt::Display for AxisOrder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(order) = self;
        let moved: Vec<_> = (0..order.len())
            .filter(|&axis| order[axis] != axis)
            .collect();
        match moved[..] {
            [0, 1] if order.len() == 2 => f.write_str(", transposed"),
            [a, b] => write!(f, ", with axes {a} and {b} swapped"),
            _ => write!(f, ", with the axes in the order {order:?}"),
        }
    }
}

/// Indices at the start and the end of an axis.
struct Ends(usize, usize);

impl fmt::Display for Ends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = |which: &str, count: usize| match count {
            1 => format!("the {which} index"),
            _ => format!("the {which} {count} indices"),
        };
        match *self {
            Ends(0, last) => f.write_str(&end("last", last)),
            Ends(first, 0) => f.write_str(&end("first", first)),
            Ends(first, last) => write!(f, "{} and {}", end("first", first), end("last", last)),
        }
    }
}

/// One side on which values are clamped. Its value is reported if it is a whole number: others may have been drawn.
struct Bound(&'static str, f64);

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(side, value) = self;
        match value.fract() == 0.0 {
            true => write!(f, "{side} at {value}"),
            false => f.write_str(side),
        }
    }
}

/// A parameter by its name, or in four digits.
fn called(value: f64, name: Option<&str>) -> String {
    match name {
        Some(name) => name.to_owned(),
        None if (1e-3..1e4).contains(&value.abs()) => format!("{value:.4}"),
        None => format!("{value:.3e}"),
    }
}

/// Up to four indices.
fn listed(indices: &[usize]) -> String {
    let some: Vec<_> = indices.iter().take(4).map(usize::to_string).collect();
    let more = if indices.len() > 4 { ", …" } else { "" };
    let noun = if indices.len() == 1 {
        "index"
    } else {
        "indices"
    };
    format!("{noun} {}{more}", some.join(", "))
}
