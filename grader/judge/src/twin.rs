//! Twins of stored cases: a snapshot test's call is made once more with other values of the same sizes, and held against
//! the reference. A submission that knows the stored cases from a table knows nothing of their twins.
//!
//! A twin's values are those of the stored case, moved to other places: what holds of all of them (that they are labels,
//! that rows sum to 1, how large they are) still does.

use crate::Exercise;
use crate::memory::Place;
use testkit::property;
use wire::words::{GRADIENT, NEW};
use wire::{Answer, Dtype, Frame, RawTensor, Request, SEED, Tensors};

/// Elements of a tensor, beyond which it stays as it is: weights of large models, next to which the inputs change.
const MOST_MOVED: usize = 1 << 16;

/// The tolerance for a twin's answer, relative to the largest value of the result, or of all gradients. A twin asks whether the function is
/// calculated at all; how exactly is what drawn tests ask.
const TOLERANCE: f64 = 1e-3;

/// The call with other values; nothing where it has none that could be others.
pub(crate) fn of(request: &Request) -> Option<Request> {
    let mut twin = request.clone();
    let seed = property::seed_for("twins");
    let name = format!("twin {seed} {}", request.operation);
    for (input, tensor) in &mut twin.tensors {
        *tensor = moved(tensor, &format!("{name} {input}"));
    }
    twin.arguments.remove(SEED);
    // A constructor draws its values.
    (!request.operation.ends_with(NEW) && twin.tensors != request.tensors).then_some(twin)
}

/// Returns whether the answer to the twin of a stored call is the reference's; true where the reference draws at random or
/// refuses the values. Where it refuses the stored call as well, the call holds what the submission chose, such as a
/// variable that the reference does not have: then nothing can be shown, and it is not the reference's.
pub(crate) fn agrees(
    exercise: &Exercise,
    stored: &Request,
    twin: &Request,
    answer: &Answer,
) -> bool {
    let reference = || exercise.answer(twin.clone());
    let place = Place::of("twin", twin);
    let known = place.recall().and_then(|frame| frame.into_answer().ok());
    let expected = known.unwrap_or_else(|| {
        let computed = reference();
        place.keep(|| Frame::of_answer(computed.clone()));
        computed
    });
    let Ok(expected) = expected else {
        return exercise.answer(stored.clone()).is_ok();
    };
    if answer.as_ref().is_ok_and(|actual| same(actual, &expected)) {
        return true;
    }
    // Only what differs is worth a second evaluation, which tells whether the reference draws at random.
    reference() != Ok(expected)
}

fn same(actual: &Tensors, expected: &Tensors) -> bool {
    let largest = |tensor: &RawTensor| {
        let values = tensor.to_f64().into_iter();
        let finite = values.filter(|value| value.is_finite());
        finite.fold(0.0, |largest: f64, value| largest.max(value.abs()))
    };
    let is_gradient = |name: &str| name.starts_with(GRADIENT);
    let gradients = expected.iter().filter(|(name, _)| is_gradient(name));
    let gradients = gradients.fold(0.0, |most: f64, (_, it)| most.max(largest(it)));
    expected.iter().all(|(name, expected)| {
        let Some(actual) = actual.get(name) else {
            return false;
        };
        if actual.shape() != expected.shape() || actual.dtype() != expected.dtype() {
            return false;
        }
        // A gradient may be 0 in truth, as that of a key's bias: what rounds there is of the size of the others.
        let size = match is_gradient(name) {
            true => gradients,
            false => largest(expected),
        };
        let (actual, expected) = (actual.to_f64(), expected.to_f64());
        let close = |(a, e): (&f64, &f64)| a == e || (a - e).abs() <= TOLERANCE * size;
        actual.iter().zip(&expected).all(close)
    })
}

/// The values of each row in another order, and the rows in another order.
fn moved(tensor: &RawTensor, name: &str) -> RawTensor {
    let size = tensor.dtype().size();
    let bytes = tensor.bytes();
    if bytes.len() / size > MOST_MOVED || bytes.is_empty() {
        return tensor.clone();
    }
    // Sizes, as labels of axes, are not values.
    let axes = tensor.shape().len();
    if tensor.dtype() == Dtype::I64 && axes == 0 {
        return tensor.clone();
    }
    let width = tensor.shape().last().copied().unwrap_or(1).max(1);
    let mut draw = property::stream(name);
    let mut order = |count: usize| {
        let mut keyed: Vec<_> = (0..count).map(|i| (draw.next(), i)).collect();
        keyed.sort_by(|(a, i), (b, j)| {
            let by_key = a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal);
            by_key.then(i.cmp(j))
        });
        keyed.into_iter().map(|(_, i)| i).collect::<Vec<_>>()
    };
    let rows: Vec<_> = bytes.chunks(width * size).collect();
    let within = order(width);
    let moved = order(rows.len()).into_iter().flat_map(|row| {
        let cells: Vec<_> = rows[row].chunks(size).collect();
        within
            .iter()
            .flat_map(|&cell| cells[cell].to_vec())
            .collect::<Vec<_>>()
    });
    let moved = RawTensor::new(tensor.dtype(), tensor.shape().to_vec(), moved.collect());
    moved.unwrap_or_else(|_| tensor.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, arr1, arr2};
    use workers::{Call, CallResult, Operation, gives_all};

    fn halve(call: &Call) -> CallResult {
        let x: Array2<f32> = call.array("x")?;
        gives_all(vec![("y", (&(x / 2.0)).into())])
    }

    static OPERATIONS: &[Operation] = &[("halve", halve)];
    static EXERCISE: Exercise = Exercise {
        reference: Some(OPERATIONS),
        reference_in_f64: None,
    };

    fn request(x: &Array2<f32>) -> Request {
        let mut request = Request {
            operation: "halve".to_owned(),
            ..Request::default()
        };
        request.tensors.insert("x".to_owned(), x.into());
        request
    }

    #[test]
    fn a_gradient_that_is_zero_in_truth_is_compared_with_the_others() {
        let tensors = |values: [(&str, f64); 2]| -> Tensors {
            let named = values.into_iter().map(|(name, value)| {
                let tensor = RawTensor::new(Dtype::F64, vec![1], value.to_le_bytes().to_vec());
                (name.to_owned(), tensor.expect("a number"))
            });
            named.collect()
        };
        let gradients = |of_bias: f64| tensors([("grad.weight", 1.0), ("grad.bias", of_bias)]);
        assert!(same(&gradients(1e-9), &gradients(0.0)));
        assert!(!same(&gradients(0.1), &gradients(0.0)));
        let results = |second: f64| tensors([("y", 1.0), ("z", second)]);
        assert!(!same(&results(1e-9), &results(0.0)));
    }

    #[test]
    fn a_twin_has_the_same_values_at_other_places_and_rows_that_still_sum_to_one() {
        let x = arr2(&[
            [0.5, 0.25, 0.125, 0.125],
            [0.0, 0.0, 0.25, 0.75],
            [0.1, 0.2, 0.3, 0.4],
        ]);
        let twin = of(&request(&x)).expect("its values can move");
        let moved: Array2<f32> = twin.tensors["x"].to_array().expect("an array");
        assert_ne!(moved, x);
        for row in moved.rows() {
            assert!((row.sum() - 1.0).abs() < 1e-6, "{row}");
        }
        let sorted = |x: &Array2<f32>| {
            let mut values: Vec<_> = x.iter().copied().collect();
            values.sort_by(f32::total_cmp);
            values
        };
        assert_eq!(sorted(&moved), sorted(&x));
    }

    #[test]
    fn where_nothing_can_move_there_is_no_twin() {
        assert_eq!(of(&request(&Array2::ones((2, 3)))), None);
        let mut new = request(&arr2(&[[1.0, 2.0], [3.0, 4.0]]));
        new.operation = "msa.new".to_owned();
        assert_eq!(of(&new), None);
    }

    #[test]
    fn an_answer_from_a_table_is_not_the_twins() {
        let stored = request(&arr2(&[[1.0, 2.0, 4.0], [3.0, 5.0, 8.0]]));
        let twin = of(&stored).expect("its values can move");
        let answer = |request: Request| workers::answer(OPERATIONS, request);
        let agrees = |answer: &Answer| agrees(&EXERCISE, &stored, &twin, answer);
        assert!(agrees(&answer(twin.clone())));
        assert!(!agrees(&answer(stored.clone())));
        let nothing = Ok([("y".to_owned(), (&arr1(&[1.0_f32])).into())].into());
        assert!(!agrees(&nothing));
    }

    #[test]
    fn a_call_that_the_reference_refuses_with_its_twin_shows_nothing() {
        let request = |operation: &str| Request {
            operation: operation.to_owned(),
            ..request(&arr2(&[[1.0, 2.0], [3.0, 4.0]]))
        };
        let answer = Ok(Tensors::new());
        let (taken, refused) = (request("halve"), request("other"));
        assert!(!agrees(&EXERCISE, &refused, &refused, &answer));
        // The values alone are refused.
        assert!(agrees(&EXERCISE, &taken, &refused, &answer));
    }
}
