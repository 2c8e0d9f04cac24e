//! The range of an axis, and the positions and labels of its marks.

/// A range of an axis and its marks.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) ticks: Vec<(f64, String)>,
}

impl Axis {
    /// An axis that holds all finite values, from mark to mark, with about `most` of them at most. With `whole`, marks
    /// are whole numbers. `None` where no value is finite, or they are too far apart to be told in f64.
    pub(super) fn of(values: impl Iterator<Item = f64>, most: usize, whole: bool) -> Option<Self> {
        let (low, high) = values.filter(|value| value.is_finite()).fold(
            None,
            |range: Option<(f64, f64)>, value| {
                let (low, high) = range.unwrap_or((value, value));
                Some((low.min(value), high.max(value)))
            },
        )?;
        // A single value stands in the middle.
        let (low, high) = if low < high {
            (low, high)
        } else {
            let margin = if whole {
                1.0
            } else {
                (low.abs() / 2.0).max(0.5)
            };
            (low - margin, high + margin)
        };
        if !(high - low).is_finite() {
            return None;
        }
        let step = step((high - low) / most.max(1) as f64, whole);
        let (first, last) = ((low / step).floor(), (high / step).ceil());
        let decimals = (-step.log10().floor()).max(0.0) as usize;
        let ticks = (0..=(last - first) as u32).map(|i| {
            let value = (first + f64::from(i)) * step;
            (value, number(value, decimals))
        });
        Some(Self {
            low: first * step,
            high: last * step,
            ticks: ticks.collect(),
        })
    }

    /// The position of a value on the axis: 0 is its beginning, 1 its end.
    pub(super) fn place(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }
}

/// The least of 1, 2, 5, 10, 20, … times a power of ten that is no less.
fn step(least: f64, whole: bool) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|&step| step >= least * (1.0 - 1e-9))
        .unwrap_or(10.0 * power);
    if whole { step.max(1.0) } else { step }
}

/// A number with that many decimals, its thousands apart.
pub fn number(value: f64, decimals: usize) -> String {
    if value != 0.0 && (value.abs() >= 1e12 || decimals > 6) {
        return format!("{value:.1e}").replace('-', "−");
    }
    let text = format!("{:.decimals$}", value.abs());
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let grouped = grouped(whole);
    let is_zero = text.bytes().all(|digit| matches!(digit, b'0' | b'.'));
    let sign = if value < 0.0 && !is_zero { "−" } else { "" };
    if part.is_empty() {
        format!("{sign}{grouped}")
    } else {
        format!("{sign}{grouped}.{part}")
    }
}

fn grouped(digits: &str) -> String {
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(values: &[f64], most: usize, whole: bool) -> Vec<String> {
        let axis = Axis::of(values.iter().copied(), most, whole).expect("there are values");
        axis.ticks.into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn marks_are_round_and_hold_all_values() {
        assert_eq!(
            labels(&[0.03, 0.97], 5, false),
            ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
        );
        assert_eq!(
            labels(&[-1.5, 1500.0], 4, false),
            ["−500", "0", "500", "1,000", "1,500"]
        );
        assert_eq!(
            labels(&[0.0, 0.0004], 4, false),
            ["0.0000", "0.0001", "0.0002", "0.0003", "0.0004"]
        );
    }

    #[test]
    fn epochs_are_whole() {
        assert_eq!(labels(&[1.0, 2.0, 3.0], 8, true), ["1", "2", "3"]);
        assert_eq!(
            labels(&[0.0, 30.0], 6, true),
            ["0", "5", "10", "15", "20", "25", "30"]
        );
    }

    #[test]
    fn a_single_value_stands_in_the_middle() {
        let axis = Axis::of([4.0].into_iter(), 4, false).expect("there is a value");
        assert!((axis.place(4.0) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn what_is_no_number_is_no_mark() {
        assert_eq!(
            Axis::of([f64::NAN, f64::INFINITY].into_iter(), 4, false),
            None
        );
        assert_eq!(labels(&[f64::NAN, 0.0, 2.0], 2, false), ["0", "1", "2"]);
    }
}
