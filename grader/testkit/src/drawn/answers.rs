//! Answers that are stored for the drawn cases of the usual seed.
//!
//! A line for each result: its key, dtype and shape, the relative and the absolute tolerance, and values; of a large
//! result only some, evenly spaced.

use crate::{AsValues, Tolerance, Values, close};
use std::collections::BTreeMap;

/// The largest number of values that are stored of a result.
pub const SAMPLED: usize = 48;

/// Stored answers by key.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    by_key: BTreeMap<String, Result<Answer, String>>,
}

#[derive(Clone, Debug, PartialEq)]
struct Answer {
    /// Of the whole result.
    shape: Vec<usize>,
    sample: Values,
    tolerance: Tolerance,
}

impl Answers {
    /// Reads lines written by [`line`](Self::line). An unreadable line is reported when its key is looked up.
    pub fn read(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        let entries = lines.map(|line| {
            let (key, rest) = line.split_once(' ').unwrap_or((line, ""));
            (key.to_owned(), parse(rest))
        });
        Self {
            by_key: entries.collect(),
        }
    }

    /// A result as it is stored, with a line break.
    pub fn line(key: &str, expected: &Values, tolerance: Tolerance) -> String {
        let sample = sampled(expected);
        let (relative, absolute) = (tolerance.relative(), tolerance.absolute());
        let mut line = format!(
            "{key} {} {} {relative:e} {absolute:e}",
            expected.dtype,
            shape_text(&expected.shape)
        );
        for value in sample.data {
            line.push(' ');
            // Of f32, the shortest text that names it.
            line.push_str(&match expected.dtype.as_str() {
                "f32" => format!("{:e}", value as f32),
                _ => format!("{value:e}"),
            });
        }
        line.push('\n');
        line
    }

    /// Compares a result with the stored one of the key.
    ///
    /// # Errors
    /// Returns an error, with the differences, if they differ, or if nothing is stored.
    pub(super) fn compare(
        &self,
        key: &str,
        actual: &impl AsValues,
        absolute: f64,
    ) -> Result<(), String> {
        let answer = match self.by_key.get(key) {
            Some(Ok(answer)) => answer,
            Some(Err(fault)) => {
                return Err(format!(
                    "the answer stored for {key} is not readable: {fault}"
                ));
            }
            None => {
                return Err(format!(
                    "no answer is stored for {key} under the seed {}: `cargo grader check` compares with the reference",
                    crate::property::seed()
                ));
            }
        };
        crate::same_shape(actual, &answer.shape)?;
        close(
            &sampled(&actual.values()),
            &answer.sample,
            answer.tolerance.wider(absolute),
        )
    }
}

/// Up to [`SAMPLED`] values, evenly spaced, the first and the last among them. All of them keep their shape.
fn sampled(values: &Values) -> Values {
    let count = values.data.len();
    if count <= SAMPLED {
        return values.clone();
    }
    let place = |i: usize| i * (count - 1) / (SAMPLED - 1);
    Values {
        dtype: values.dtype.clone(),
        shape: vec![SAMPLED],
        data: (0..SAMPLED).map(|i| values.data[place(i)]).collect(),
    }
}

fn shape_text(shape: &[usize]) -> String {
    let sizes: Vec<_> = shape.iter().map(usize::to_string).collect();
    format!("[{}]", sizes.join(","))
}

fn parse(text: &str) -> Result<Answer, String> {
    let mut words = text.split(' ');
    let mut word = |what: &str| words.next().ok_or(format!("it has no {what}"));
    let dtype = word("dtype")?.to_owned();
    let shape = word("shape")?;
    let shape = shape.trim_matches(['[', ']']).split(',');
    let shape = shape
        .filter(|size| !size.is_empty())
        .map(|size| size.parse().map_err(|_| format!("{size:?} is not a size")))
        .collect::<Result<Vec<usize>, _>>()?;
    let number = |text: &str| match dtype.as_str() {
        "f32" => text.parse::<f32>().map(f64::from),
        _ => text.parse::<f64>(),
    };
    let bound = |text: &str| {
        text.parse()
            .map_err(|_| format!("{text:?} is not a number"))
    };
    let tolerance = Tolerance::new(
        bound(word("relative tolerance")?)?,
        bound(word("absolute tolerance")?)?,
    );
    let data = words
        .map(|text| number(text).map_err(|_| format!("{text:?} is not a number")))
        .collect::<Result<Vec<_>, _>>()?;
    let count: usize = shape.iter().product();
    if data.len() != count.min(SAMPLED) {
        return Err(format!("{} values for the shape {shape:?}", data.len()));
    }
    Ok(Answer {
        sample: Values {
            dtype,
            shape: if count > SAMPLED {
                vec![SAMPLED]
            } else {
                shape.clone()
            },
            data,
        },
        shape,
        tolerance,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AsValues, uniform};

    const TOLERANCE: Tolerance = Tolerance::new(1e-6, 1e-7);

    fn stored(values: &Values) -> Answers {
        Answers::read(&Answers::line("t/0/y", values, TOLERANCE))
    }

    #[test]
    fn what_is_stored_agrees_with_itself_small_large_and_empty() {
        for values in [
            uniform("x", (2, 3)).values(),
            uniform("x", (10, 3, 7)).values(),
            uniform("x", (2, 0)).values(),
            1.25_f64.values(),
            7_i64.values(),
        ] {
            assert_eq!(stored(&values).compare("t/0/y", &values, 0.0), Ok(()));
        }
    }

    #[test]
    fn a_value_or_a_shape_that_differs_is_told() {
        let values = uniform("x", (10, 30)).values();
        let mut other = values.clone();
        other.data[299] += 1.0;
        let text = stored(&values)
            .compare("t/0/y", &other, 0.0)
            .expect_err("one value is off");
        assert!(text.contains("off      1 of 48"), "{text}");
        other.shape = vec![30, 10];
        let text = stored(&values)
            .compare("t/0/y", &other, 0.0)
            .expect_err("the shape differs");
        assert!(text.contains("expected shape  [10, 30]"), "{text}");
    }

    #[test]
    fn lines_that_are_cut_short_are_faults() {
        let line = Answers::line("t/0/y", &uniform("x", 3).values(), TOLERANCE);
        let cut = line.trim_end().rsplit_once(' ').map(|(start, _)| start);
        let answers = Answers::read(cut.unwrap_or_default());
        let fault = answers.compare("t/0/y", &uniform("x", 3).values(), 0.0);
        assert!(fault.is_err_and(|text| text.contains("not readable")));
    }
}
