//! Comparison of two answers to one request, with the tolerance that two programs that do the same need.

use std::collections::BTreeSet;
use wire::{Answer, Dtype, Fault, FaultKind, RawTensor, Tensors};

/// The extent to which two answers agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Same {
    /// They are the same.
    Yes,
    /// Both are panics, in other words: two mistakes may well panic alike, and one in two ways.
    Perhaps,
    /// They are not.
    No,
}

impl From<bool> for Same {
    fn from(same: bool) -> Self {
        if same { Same::Yes } else { Same::No }
    }
}

/// Compares two answers to a request that the solution answers with `right`, which only two faults need.
pub fn same(a: &Answer, b: &Answer, right: Option<&Answer>) -> Same {
    match (a, b) {
        (Ok(a), Ok(b)) => same_tensors(a, b).into(),
        (Err(a), Err(b)) => same_faults(a, b, right),
        _ => Same::No,
    }
}

/// Faults are of one kind. Of panics that the solution has too, the tests look at nothing but the numbers in it: both must
/// say them, or both not.
fn same_faults(a: &Fault, b: &Fault, right: Option<&Answer>) -> Same {
    if a.kind != b.kind {
        return Same::No;
    }
    let says_what_is_wrong = match right {
        Some(Err(right)) if a.kind == FaultKind::Panicked => {
            let wanted = numbers(&right.message);
            [a, b].map(|fault| numbers(&fault.message).is_superset(&wanted))
        }
        _ => [false, false],
    };
    match says_what_is_wrong {
        [true, true] => Same::Yes,
        [false, false] if a.message == b.message => Same::Yes,
        [false, false] => Same::Perhaps,
        _ => Same::No,
    }
}

/// The whole numbers that a text names.
fn numbers(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_ascii_digit())
        .filter(|digits| !digits.is_empty())
        .collect()
}

/// Tensors of the same names, types and shapes, with values that differ by no more than rounding.
fn same_tensors(a: &Tensors, b: &Tensors) -> bool {
    if a == b {
        return true;
    }
    let values = |tensors: &Tensors| -> Vec<_> {
        let values = tensors.values();
        values.map(RawTensor::to_f64).collect()
    };
    alike(a, b) && {
        let (a_values, b_values) = (values(a), values(b));
        let whole = largest(b_values.iter().flatten());
        let pairs = a_values.iter().zip(&b_values).zip(b.values());
        pairs.into_iter().all(|((a, b), tensor)| {
            // Values that are only rounding, as the gradient of an operation that changes nothing, are measured by the numbers
            // that they are the remainder of.
            let scale = largest(b).max(whole / 100.0);
            let most = rounding(tensor.dtype()) * scale;
            let mut pairs = a.iter().zip(b);
            pairs.all(|(a, b)| a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= most)
        })
    }
}

/// The largest difference between numbers of the size of 1 that counts as equal. Another order of summation moves the
/// sums of this course by about ten units in the last place, 1e-6 in f32 and 2e-15 in f64; the mildest misconception in
/// f32, GELU by tanh, moves them by 4e-4.
fn rounding(dtype: Dtype) -> f64 {
    match dtype {
        Dtype::F32 => 1e-5,
        Dtype::F64 => 1e-10,
        Dtype::I64 | Dtype::U8 => 0.0,
    }
}

fn largest<'a>(values: impl IntoIterator<Item = &'a f64>) -> f64 {
    let finite = values.into_iter().filter(|value| value.is_finite());
    finite.fold(0.0, |largest, value| largest.max(value.abs()))
}

/// Whether tensors have the same names, types and shapes.
fn alike(a: &Tensors, b: &Tensors) -> bool {
    let form = |tensors: &Tensors| -> Vec<_> {
        let each = tensors.iter();
        each.map(|(name, tensor)| (name.clone(), tensor.dtype(), tensor.shape().to_vec()))
            .collect()
    };
    form(a) == form(b)
}

/// Whether an answer may have been drawn as two others were, whose draws began with different seeds: in the order in which
/// things are drawn, two programs that do the same may differ.
pub fn drawn_alike(a: &Answer, b: [&Answer; 2]) -> bool {
    let (Ok(a), [Ok(b1), Ok(b2)]) = (a, b) else {
        return false;
    };
    let pairs = || a.values().zip(b1.values().zip(b2.values()));
    alike(a, b1)
        && alike(b1, b2)
        && pairs().all(|(a, (b1, b2))| {
            let only = |tensor: &RawTensor| Tensors::from([(String::new(), tensor.clone())]);
            if same_tensors(&only(b1), &only(b2)) {
                same_tensors(&only(a), &only(b1))
            } else {
                is_one_distribution(a.to_f64(), [b1.to_f64(), b2.to_f64()].concat())
            }
        })
}

/// The test of Kolmogorov and Smirnov for two samples: whether nothing says that they are of two distributions.
fn is_one_distribution(a: Vec<f64>, b: Vec<f64>) -> bool {
    let (mut a, mut b) = (some_of(a), some_of(b));
    /// √(−½ ln(α/2)) for α = 1e-6: so seldom is one distribution taken for two.
    const CRITICAL: f64 = 2.69;
    if a.iter().chain(&b).any(|value| value.is_nan()) {
        return false;
    }
    a.sort_by(f64::total_cmp);
    b.sort_by(f64::total_cmp);
    let share = |sorted: &[f64], value: f64| {
        sorted.partition_point(|other| *other <= value) as f64 / sorted.len() as f64
    };
    let distance = |value: &f64| (share(&a, *value) - share(&b, *value)).abs();
    let most = a.iter().chain(&b).map(distance).fold(0.0, f64::max);
    let (n, m) = (a.len() as f64, b.len() as f64);
    most <= CRITICAL * ((n + m) / (n * m)).sqrt()
}

/// A hundred thousand of the values, evenly from all of them: enough to tell a normal distribution that is cut off at two
/// deviations from one that is not, which differ by 2.3 % at most.
fn some_of(values: Vec<f64>) -> Vec<f64> {
    const ENOUGH: usize = 100_000;
    let step = values.len().div_ceil(ENOUGH).max(1);
    values.into_iter().step_by(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::Element;

    fn tensors(of: &[(&str, &[f32])]) -> Answer {
        Ok(of
            .iter()
            .map(|(name, values)| ((*name).to_owned(), raw(values)))
            .collect())
    }

    fn raw(values: &[f32]) -> RawTensor {
        let mut bytes = vec![];
        for value in values {
            value.push_to(&mut bytes);
        }
        RawTensor::new(Dtype::F32, vec![values.len()], bytes).expect("a tensor")
    }

    fn of(values: &[f32]) -> Answer {
        tensors(&[("y", values)])
    }

    fn panic(message: &str) -> Answer {
        Err(Fault {
            kind: FaultKind::Panicked,
            ..Fault::bad_request(message)
        })
    }

    fn compare(a: &Answer, b: &Answer) -> Same {
        same(a, b, Some(&of(&[])))
    }

    #[test]
    fn values_differ_by_rounding_alone() {
        let b = of(&[100.0, 1.0]);
        assert_eq!(compare(&of(&[100.0005, 1.0005]), &b), Same::Yes);
        assert_eq!(compare(&of(&[100.0, 1.005]), &b), Same::No);
        assert_eq!(compare(&of(&[f32::NAN]), &of(&[f32::NAN])), Same::Yes);
        assert_eq!(compare(&of(&[f32::NAN]), &of(&[1.0])), Same::No);
        let infinite = of(&[f32::INFINITY]);
        assert_eq!(compare(&infinite, &infinite), Same::Yes);
        assert_eq!(compare(&infinite, &of(&[f32::NEG_INFINITY])), Same::No);
    }

    #[test]
    fn what_is_nothing_but_rounding_is_measured_by_the_rest() {
        let a = tensors(&[("grad.b", &[1e-8]), ("y", &[1.0])]);
        let b = tensors(&[("grad.b", &[-2e-8]), ("y", &[1.0])]);
        assert_eq!(compare(&a, &b), Same::Yes);
        assert_eq!(compare(&of(&[1e-8]), &of(&[-2e-8])), Same::No);
    }

    #[test]
    fn names_and_shapes_count() {
        assert_eq!(compare(&of(&[1.0]), &tensors(&[("z", &[1.0])])), Same::No);
        assert_eq!(compare(&of(&[1.0]), &of(&[1.0, 1.0])), Same::No);
        assert_eq!(compare(&of(&[1.0]), &panic("no")), Same::No);
    }

    #[test]
    fn panics_are_the_same_in_the_same_words_and_perhaps_in_others() {
        assert_eq!(compare(&panic("a"), &panic("a")), Same::Yes);
        assert_eq!(compare(&panic("a"), &panic("b")), Same::Perhaps);
        let request = Err(Fault::bad_request("a"));
        assert_eq!(compare(&panic("a"), &request), Same::No);
    }

    #[test]
    fn of_a_panic_that_must_be_the_numbers_count_and_not_the_words() {
        let right = panic("cannot divide 28 into 3");
        let same = |a: &str, b: &str| same(&panic(a), &panic(b), Some(&right));
        assert_eq!(same("3 and 28", "28, 3"), Same::Yes);
        assert_eq!(same("3 and 128", "28, 3"), Same::No);
        assert_eq!(same("incompatible", "other"), Same::Perhaps);
    }

    /// Evenly spread in ±`bound`, in an order of its own for each seed.
    fn uniform(bound: f32, seed: usize) -> Vec<f32> {
        let value = |i: usize| ((i * 37 + seed * 11) % 401) as f32 / 200.0 - 1.0;
        (0..401).map(|i| value(i) * bound).collect()
    }

    #[test]
    fn draws_of_one_distribution_are_alike_and_of_two_are_not() {
        let draws = [of(&uniform(1.0, 1)), of(&uniform(1.0, 2))];
        let alike = |a: &[f32]| drawn_alike(&of(a), [&draws[0], &draws[1]]);
        assert!(alike(&uniform(1.0, 3)));
        assert!(!alike(&uniform(2.45, 3)));
        assert!(!alike(&[0.0; 401]));
        assert!(!alike(&[0.0; 7]));
    }

    #[test]
    fn what_is_not_drawn_must_be_the_same() {
        let zeros = of(&[0.0; 8]);
        assert!(drawn_alike(&zeros, [&zeros, &zeros]));
        assert!(!drawn_alike(&of(&[0.5; 8]), [&zeros, &zeros]));
    }
}
