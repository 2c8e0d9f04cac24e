//! Comparisons that explain: the expected and the actual value, the number of values that are off, and their positions.

use crate::{AsValues, Form, Values, relation};
use std::fmt;

/// The largest error of a value: |got − expected| ≤ absolute + relative · |expected|.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    relative: f64,
    absolute: f64,
}

impl Tolerance {
    /// For values that are only moved, never calculated with.
    pub const EXACT: Tolerance = Tolerance::new(0.0, 0.0);

    /// A tolerance; say where it is made why it is as it is.
    pub const fn new(relative: f64, absolute: f64) -> Self {
        Self { relative, absolute }
    }

    /// The relative part: for each unit of the expected value.
    pub const fn relative(self) -> f64 {
        self.relative
    }

    /// The absolute part, whatever the expected value is.
    pub const fn absolute(self) -> f64 {
        self.absolute
    }

    /// One that allows this much more, whatever the expected value is.
    #[must_use]
    pub const fn wider(self, absolute: f64) -> Self {
        Self::new(self.relative, self.absolute + absolute)
    }

    /// The same, and at least relatively as wide as this.
    pub(crate) fn at_least(self, relative: f64) -> Self {
        Self::new(self.relative.max(relative), self.absolute)
    }

    /// The same for values that are larger by this factor.
    pub(crate) fn scaled(self, factor: f64) -> Self {
        Self::new(self.relative, factor * self.absolute)
    }

    /// The largest error of a value of this size.
    pub(crate) fn around(self, size: f64) -> f64 {
        self.absolute + self.relative * size
    }

    pub(crate) fn allows(self, got: f64, expected: f64) -> bool {
        // Equality first, for two infinities: an infinite `expected` would allow anything. A NaN is never allowed.
        got == expected
            || (expected.is_finite() && (got - expected).abs() <= self.around(expected.abs()))
    }
}

impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::EXACT {
            return f.write_str("none: they must be equal");
        }
        match (self.absolute, self.relative) {
            (absolute, 0.0) => write!(f, "{absolute:e}"),
            (0.0, relative) => write!(f, "{relative:e} · |expected|"),
            (absolute, relative) => write!(f, "{absolute:e} + {relative:e} · |expected|"),
        }
    }
}

/// Compares a shape, as [`assert_shape!`](crate::assert_shape) does.
///
/// # Errors
/// Both shapes, where they differ.
pub fn same_shape(got: &impl AsValues, expected: &[usize]) -> Result<(), String> {
    let got = got.form().shape;
    if got == expected {
        Ok(())
    } else {
        Err(format!(
            "  expected shape  {expected:?}\n  got shape       {got:?}{}",
            shape_remark(&got, expected)
        ))
    }
}

/// Compares dtype and shape. Nothing may be done with values before they agree: a stranger's answer may be thousands of
/// times as large as what was expected.
///
/// # Errors
/// Returns an error if they differ, with both.
pub fn same_form(got: &impl AsValues, expected: &impl AsValues) -> Result<(), String> {
    let (form, expected) = (got.form(), expected.form());
    if form.dtype != expected.dtype {
        return Err(format!(
            "  expected dtype  {}\n  got dtype       {}",
            expected.dtype, form.dtype
        ));
    }
    same_shape(got, &expected.shape)
}

/// Compares dtype, shape and values, as [`assert_close!`](crate::assert_close) does.
///
/// # Errors
/// The explanation, where they differ.
pub fn close(
    got: &impl AsValues,
    expected: &impl AsValues,
    tolerance: Tolerance,
) -> Result<(), String> {
    same_form(got, expected).map_err(|forms| {
        // As many values in other axes are related to those that were expected, and no more of them than there were.
        let (form, other) = (got.form(), expected.form());
        let count = |form: &Form| form.shape.iter().product::<usize>();
        if form.dtype != other.dtype || count(&form) != count(&other) {
            return forms;
        }
        match relation::find(&got.values(), &expected.values(), tolerance) {
            Some(relation) => format!("{forms}\n  relation {relation}"),
            None => forms,
        }
    })?;
    let (got, expected) = (got.values(), expected.values());
    let off: Vec<usize> = (0..expected.data.len())
        .filter(|&i| !tolerance.allows(got.data[i], expected.data[i]))
        .collect();
    if off.is_empty() {
        return Ok(());
    }
    Err(Difference {
        got: &got,
        expected: &expected,
        off: &off,
        tolerance,
    }
    .to_string())
}

fn shape_remark(got: &[usize], expected: &[usize]) -> String {
    let mut sorted = (got.to_vec(), expected.to_vec());
    sorted.0.sort_unstable();
    sorted.1.sort_unstable();
    let count = |shape: &[usize]| shape.iter().product::<usize>();
    let remark = if sorted.0 == sorted.1 {
        "the same sizes, on other axes"
    } else if got.len() != expected.len() {
        return format!(
            "\n  there must be {} axes, there are {}",
            expected.len(),
            got.len()
        );
    } else if count(got) == count(expected) {
        "as many values, divided into other axes"
    } else {
        return String::new();
    };
    format!("\n  {remark}")
}

/// Two arrays of one shape, some of whose values are off.
struct Difference<'a> {
    got: &'a Values,
    expected: &'a Values,
    off: &'a [usize],
    tolerance: Tolerance,
}

impl Difference<'_> {
    /// The distance of one pair of values; a NaN is farther off than anything.
    fn distance(&self, i: usize) -> f64 {
        let distance = (self.got.data[i] - self.expected.data[i]).abs();
        if distance.is_nan() {
            f64::INFINITY
        } else {
            distance
        }
    }

    fn worst(&self) -> usize {
        let farther = |&a: &usize, &b: &usize| self.distance(a).total_cmp(&self.distance(b));
        // The first of the worst: `max_by` would take the last.
        self.off.iter().rev().copied().max_by(farther).unwrap_or(0)
    }

    /// Up to seven neighbours of the worst value along the last axis.
    fn excerpt(&self, worst: usize) -> std::ops::Range<usize> {
        let row = self.expected.shape.last().copied().unwrap_or(1).max(1);
        let start = worst - worst % row;
        let first = worst.saturating_sub(3).max(start);
        first..(first + 7).min(start + row)
    }
}

impl fmt::Display for Difference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.expected.data.len();
        let share = 100.0 * self.off.len() as f64 / total as f64;
        let worst = self.worst();
        let index = |i| index_of(i, &self.expected.shape);
        writeln!(
            f,
            "  values   {} {:?}",
            self.expected.dtype, self.expected.shape
        )?;
        writeln!(f, "  off      {} of {total} ({share:.1} %)", self.off.len())?;
        let nan = self.got.data.iter().filter(|value| value.is_nan()).count();
        let infinite = self
            .got
            .data
            .iter()
            .filter(|value| value.is_infinite())
            .count();
        if nan + infinite > 0 {
            writeln!(f, "  of them  {nan} NaN, {infinite} infinite")?;
        }
        writeln!(f, "  allowed  {}", self.tolerance)?;
        writeln!(
            f,
            "  worst    at {}: expected {}, got {}, off by {}",
            index(worst),
            number(self.expected.data[worst]),
            number(self.got.data[worst]),
            number(self.distance(worst)),
        )?;
        if let Some(relation) = relation::find(self.got, self.expected, self.tolerance) {
            writeln!(f, "  relation {relation}")?;
        }
        let excerpt = self.excerpt(worst);
        let width = excerpt
            .clone()
            .map(|i| index(i).len())
            .max()
            .unwrap_or(0)
            .max(5);
        write!(
            f,
            "\n  {:<width$} {:>13} {:>13}",
            "index", "expected", "got"
        )?;
        for i in excerpt {
            let mark = if self.off.binary_search(&i).is_ok() {
                "  ←"
            } else {
                ""
            };
            write!(
                f,
                "\n  {:<width$} {:>13} {:>13}{mark}",
                index(i),
                number(self.expected.data[i]),
                number(self.got.data[i]),
            )?;
        }
        Ok(())
    }
}

/// A value to about the digits that `f32` has.
fn number(value: f64) -> String {
    let size = value.abs();
    if value.fract() == 0.0 && size < 1e12 {
        return format!("{value}");
    }
    if value == 0.0 || !value.is_finite() || (1e-4..1e6).contains(&size) {
        let short = format!("{value}");
        if short.len() <= 11 {
            short
        } else {
            format!("{value:.7}")
        }
    } else {
        format!("{value:.4e}")
    }
}

/// The index of a flat position: `[1, 0, 3]`.
fn index_of(mut position: usize, shape: &[usize]) -> String {
    let mut index = vec![0; shape.len()];
    for (axis, &size) in shape.iter().enumerate().rev() {
        index[axis] = position % size;
        position /= size;
    }
    format!("{index:?}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, arr1, arr2};

    const TOLERANCE: Tolerance = Tolerance::new(1e-6, 1e-7);

    fn explanation(got: &impl AsValues, expected: &impl AsValues) -> String {
        close(got, expected, TOLERANCE).expect_err("they differ")
    }

    #[test]
    fn values_within_the_tolerance_are_close() {
        assert_eq!(
            close(&arr1(&[1.0, 1e-8]), &arr1(&[1.000_000_9, 0.0]), TOLERANCE),
            Ok(())
        );
        assert!(close(&arr1(&[1.0]), &arr1(&[1.000_002]), TOLERANCE).is_err());
    }

    #[test]
    fn nan_is_never_close_not_even_to_nan() {
        let nan = arr1(&[f32::NAN]);
        assert!(explanation(&nan, &nan).contains("1 NaN"));
        let wide = Tolerance::new(f64::INFINITY, f64::INFINITY);
        assert!(close(&nan, &arr1(&[1.0_f32]), wide).is_err());
    }

    #[test]
    fn infinity_is_close_to_itself_alone() {
        let infinite = arr1(&[f32::INFINITY]);
        assert_eq!(close(&infinite, &infinite, TOLERANCE), Ok(()));
        assert!(close(&infinite, &arr1(&[f32::NEG_INFINITY]), TOLERANCE).is_err());
        assert!(close(&infinite, &arr1(&[1.0_f32]), TOLERANCE).is_err());
    }

    #[test]
    fn another_dtype_or_shape_is_named_and_nothing_broadcasts() {
        let text = explanation(&arr1(&[1.0_f64]), &arr1(&[1.0_f32]));
        assert!(text.contains("expected dtype  f32") && text.contains("got dtype       f64"));
        let text = explanation(&arr1(&[1.0]), &arr1(&[1.0, 1.0]));
        assert!(text.contains("expected shape  [2]") && text.contains("got shape       [1]"));
        let text = explanation(&Array1::<f32>::zeros(0), &arr1(&[1.0_f32]));
        assert!(text.contains("got shape       [0]"));
    }

    #[test]
    fn of_what_has_another_form_no_value_is_touched() {
        struct Huge;
        impl AsValues for Huge {
            fn form(&self) -> crate::Form {
                arr1(&[0.0]).broadcast(1 << 40).expect("a view").form()
            }
            fn values(&self) -> Values {
                panic!("2⁴⁰ values were asked for")
            }
        }
        assert!(explanation(&Huge, &arr1(&[1.0])).contains("got shape       [1099511627776]"));
        assert!(same_shape(&Huge, &[1]).is_err());
        assert!(explanation(&Huge, &arr1(&[1.0_f32])).contains("expected dtype  f32"));
    }

    #[test]
    fn swapped_axes_are_remarked() {
        let (a, b) = (arr2(&[[1.0, 2.0, 3.0]]), arr2(&[[1.0], [2.0], [3.0]]));
        assert!(explanation(&a, &b).contains("the same sizes, on other axes"));
    }

    #[test]
    fn the_worst_value_is_shown_with_its_index_and_neighbours() {
        let expected = arr2(&[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
        let mut got = expected.clone();
        got[[1, 1]] = -5.0;
        got[[0, 0]] = 1.5;
        let text = explanation(&got, &expected);
        assert!(text.contains("off      2 of 6 (33.3 %)"), "{text}");
        assert!(
            text.contains("worst    at [1, 1]: expected 5, got -5, off by 10"),
            "{text}"
        );
        assert!(
            text.contains("[1, 2]") && !text.contains("[0, 2]"),
            "{text}"
        );
    }

    #[test]
    fn whole_numbers_are_shown_whole() {
        let (got, expected) = (arr1(&[50_725_633_i64]), arr1(&[50_725_632_i64]));
        let text = close(&got, &expected, Tolerance::EXACT).expect_err("they differ");
        assert!(
            text.contains("expected 50725632, got 50725633, off by 1\n"),
            "{text}"
        );
    }

    #[test]
    fn a_nan_is_the_worst_value() {
        let text = explanation(&arr1(&[1e9, f64::NAN, 0.0]), &arr1(&[0.0, 0.0, 0.0]));
        assert!(text.contains("worst    at [1]"), "{text}");
    }
}
