//! Correct code that panics in a corner: what the calls have in common that panic, where all others are answered rightly.

use super::bench::Bench;
use super::recorded::RecordedCall;
use super::same::Same;
use anyhow::Result;
use std::collections::BTreeSet;
use std::fmt;
use wire::{FaultKind, Request, SEED};

/// The right answers of a function without which nothing is said of its panics: with fewer, it is not known to be correct.
const LEAST: usize = 3;

/// A property that sets calls apart from others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Corner {
    /// The size of one axis of a tensor.
    Axis {
        tensor: String,
        axis: usize,
        size: usize,
    },
    /// The size of some axis of a tensor.
    SomeAxis { size: usize, tensor: String },
    /// A small argument.
    Argument { name: String, value: String },
}

impl Corner {
    /// All corners that a call stands in.
    fn all(request: &Request) -> BTreeSet<Self> {
        let mut corners = BTreeSet::new();
        for (tensor, values) in &request.tensors {
            let axes = values.shape().iter().copied().enumerate();
            for (axis, size) in axes.filter(|(_, size)| *size < 2) {
                let tensor = tensor.clone();
                corners.insert(Self::SomeAxis {
                    size,
                    tensor: tensor.clone(),
                });
                corners.insert(Self::Axis { tensor, axis, size });
            }
        }
        let arguments = request.arguments.iter().filter(|(name, _)| *name != SEED);
        let small = arguments.filter(|(_, value)| ["0", "1"].contains(&value.as_str()));
        corners.extend(small.map(|(name, value)| Self::Argument {
            name: name.clone(),
            value: value.clone(),
        }));
        corners
    }

    /// The corner that all of the one calls stand in and none of the others, if there is one.
    fn between<'a>(
        panicked: impl IntoIterator<Item = &'a Request>,
        right: impl IntoIterator<Item = &'a Request>,
    ) -> Option<Self> {
        let panicked = panicked.into_iter().map(Self::all);
        let mut common = panicked.reduce(|a, b| a.intersection(&b).cloned().collect())?;
        for request in right {
            let others = Self::all(request);
            common.retain(|corner| !others.contains(corner));
        }
        common.pop_first()
    }
}

impl fmt::Display for Corner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Axis {
                tensor,
                axis,
                size: 0,
            } => write!(f, "axis {axis} of `{tensor}` is empty"),
            Self::Axis { tensor, axis, size } => {
                write!(f, "axis {axis} of `{tensor}` has length {size}")
            }
            Self::SomeAxis { tensor, size: 0 } => write!(f, "an axis of `{tensor}` is empty"),
            Self::SomeAxis { tensor, size } => write!(f, "an axis of `{tensor}` has length {size}"),
            Self::Argument { name, value } => write!(f, "`{name}` is {value}"),
        }
    }
}

/// A line for each function that panics in a corner and is right everywhere else. `explained` are the families of which a
/// misconception is known.
pub(super) fn look_at(bench: &mut Bench<'_>, explained: &BTreeSet<usize>) -> Result<Vec<String>> {
    let mut lines = vec![];
    for family in 0..bench.families().len() {
        if !explained.contains(&family)
            && let Some(line) = of_family(bench, family)?
        {
            lines.push(line);
        }
    }
    Ok(lines)
}

fn of_family(bench: &mut Bench<'_>, family: usize) -> Result<Option<String>> {
    let calls: Vec<_> = bench
        .calls()
        .filter(|(call, _)| bench.family_of(*call) == family)
        .collect();
    if !calls.iter().any(|(_, call)| panic_of(call).is_some()) {
        return Ok(None);
    }
    let (mut panicked, mut right, mut words) = (vec![], vec![], "");
    for (number, call) in calls {
        match (bench.solved(number)?, panic_of(call)) {
            (Same::Yes, _) => right.push(&call.request),
            // A panic that must be, in other words.
            (Same::Perhaps, _) => {}
            (Same::No, Some(message)) if bench.is_answered(number) => {
                panicked.push(&call.request);
                words = message;
            }
            (Same::No, _) => return Ok(None),
        }
    }
    if right.len() < LEAST {
        return Ok(None);
    }
    let count = right.len();
    let corner = Corner::between(panicked, right);
    Ok(corner.map(|corner| {
        let name = bench.families()[family];
        let layout = if words.to_lowercase().contains("layout") {
            " An array with an axis of length 1 is row-major and column-major at once: `as_standard_layout` makes it row-major before it is reshaped or read as a slice."
        } else {
            ""
        };
        format!(
            "`{name}` gives {count} right answers, and panics in exactly those calls in which {corner}: the idea is right, and that case is not handled.{layout}"
        )
    }))
}

fn panic_of(call: &RecordedCall) -> Option<&str> {
    match &call.answer {
        Some(Err(fault)) if fault.kind == FaultKind::Panicked => Some(&fault.message),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grading::naming::bench::{KeyedRequest, Replay};
    use std::sync::Arc;
    use wire::{Answer, Dtype, Fault, RawTensor, Tensors};

    /// Answers all with the same.
    struct Solution;

    impl Replay for Solution {
        fn ask(&mut self, _: &str, _: &KeyedRequest<'_>) -> Result<Arc<Answer>> {
            Ok(Arc::new(Ok(Tensors::new())))
        }
    }

    fn request(shape: &[usize]) -> Request {
        let count: usize = shape.iter().product();
        let x = RawTensor::new(Dtype::F32, shape.to_vec(), vec![0; 4 * count]);
        Request {
            operation: "scale".to_owned(),
            tensors: Tensors::from([("x".to_owned(), x.expect("a tensor"))]),
            ..Request::default()
        }
    }

    fn call(shape: &[usize], panic: Option<&str>) -> RecordedCall {
        let fault = |message| Fault {
            kind: FaultKind::Panicked,
            ..Fault::bad_request(message)
        };
        RecordedCall {
            request: request(shape),
            answer: Some(panic.map_or_else(|| Ok(Tensors::new()), |message| Err(fault(message)))),
        }
    }

    fn told(calls: &[RecordedCall]) -> Vec<String> {
        let mut solution = Solution;
        let mut bench = Bench::new(calls, &mut solution);
        look_at(&mut bench, &BTreeSet::new()).expect("answers")
    }

    #[test]
    fn a_panic_at_rows_of_length_one_alone_is_to_be_looked_at() {
        let right = [[2, 3], [1, 3], [3, 2]].map(|shape| call(&shape, None));
        let corner = [[2, 1], [1, 1]].map(|shape| call(&shape, Some("incompatible memory layout")));
        let told = told(&[right.as_slice(), &corner].concat());
        assert_eq!(told.len(), 1);
        assert!(
            told[0].starts_with("`scale` gives 3 right answers, and panics in exactly those calls in which axis 1 of `x` has length 1:"),
            "{told:?}"
        );
        assert!(told[0].contains("as_standard_layout"), "{told:?}");
    }

    #[test]
    fn panics_that_have_nothing_in_common_are_not_explained() {
        let right = [[2, 3], [1, 3], [3, 1]].map(|shape| call(&shape, None));
        let panicked = [[2, 1], [4, 4]].map(|shape| call(&shape, Some("overflow")));
        assert_eq!(told(&[right.as_slice(), &panicked].concat()), [""; 0]);
        assert_eq!(told(&right), [""; 0]);
    }

    #[test]
    fn with_few_right_answers_nothing_is_known_to_be_right() {
        let calls = [call(&[2, 3], None), call(&[2, 1], Some("overflow"))];
        assert_eq!(told(&calls), [""; 0]);
    }
}
