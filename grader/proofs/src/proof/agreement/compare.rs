//! The comparison of an answer with PyTorch's, and its tolerance.

use wire::words::GRADIENT;
use wire::{Dtype, RawTensor, Tensors};

/// The largest error that is taken, as a share of |expected| + scale (see [`Comparison`]). 1e-5 is 84 times the distance
/// of two neighbouring f32, and sums of a few hundred terms stay well below it; 1e-10 leaves f64 half a million of its
/// own, and still shows what is computed in f32 on the way. Counts are exact.
fn tolerance(dtype: Dtype) -> f64 {
    match dtype {
        Dtype::F32 => 1e-5,
        Dtype::F64 => 1e-10,
        Dtype::I64 | Dtype::U8 => 0.0,
    }
}

/// The differences between an answer and the expected one: names, types, shapes, and the worst element of each tensor.
pub(super) fn faults(got: &Tensors, expected: &Tensors) -> Vec<String> {
    if !got.keys().eq(expected.keys()) {
        let names = |tensors: &Tensors| tensors.keys().cloned().collect::<Vec<_>>().join(", ");
        return vec![format!(
            "gives {}, must give {}",
            names(got),
            names(expected)
        )];
    }
    let pairs = got.iter().zip(expected.values());
    let compared = pairs.filter_map(|((name, got), tensor)| {
        let comparison = Comparison {
            got,
            expected: tensor,
            scale: scale(name, expected),
        };
        Some(format!("{name} {}", comparison.fault()?))
    });
    compared.collect()
}

/// The largest value of a tensor; of all gradients together, for one of them may be 0 in truth, as that of a key's bias,
/// and then holds nothing but what rounding left of the others.
fn scale(name: &str, expected: &Tensors) -> f64 {
    let is_alike =
        |other: &str| other == name || (name.starts_with(GRADIENT) && other.starts_with(GRADIENT));
    let alike = expected.iter().filter(|(other, _)| is_alike(other));
    let values = alike.flat_map(|(_, tensor)| tensor.to_f64());
    values.map(f64::abs).fold(0.0, f64::max)
}

/// One tensor beside the expected one. An error is |got − expected| / (|expected| + scale): where terms cancel, a value is
/// small and has the rounding of its large terms, which the scale stands for.
struct Comparison<'a> {
    got: &'a RawTensor,
    expected: &'a RawTensor,
    scale: f64,
}

impl Comparison<'_> {
    fn fault(&self) -> Option<String> {
        let (got, expected) = (self.got, self.expected);
        if (got.dtype(), got.shape()) != (expected.dtype(), expected.shape()) {
            return Some(format!("is {got:?}, must be {expected:?}"));
        }
        let (got, expected) = (got.to_f64(), expected.to_f64());
        let errors = got.iter().zip(&expected).map(|(&g, &e)| self.error(g, e));
        let (worst, error) = errors
            .enumerate()
            .max_by(|(_, one), (_, other)| one.total_cmp(other))?;
        let allowed = tolerance(self.expected.dtype());
        (error > allowed).then(|| {
            format!(
                "at {:?} is {}, must be {}: an error of {error:.1e}, of at most {allowed:e}",
                self.index(worst),
                got[worst],
                expected[worst]
            )
        })
    }

    fn error(&self, got: f64, expected: f64) -> f64 {
        if got == expected {
            return 0.0;
        }
        let error = (got - expected).abs() / (expected.abs() + self.scale);
        if error.is_nan() { f64::INFINITY } else { error }
    }

    /// The index of a flat position.
    fn index(&self, mut position: usize) -> Vec<usize> {
        let mut index = vec![];
        for &size in self.expected.shape().iter().rev() {
            index.push(position % size);
            position /= size;
        }
        index.reverse();
        index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn f64s(values: &[f64]) -> RawTensor {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes());
        let tensor = RawTensor::new(Dtype::F64, vec![values.len()], bytes.collect());
        tensor.expect("8 bytes each")
    }

    fn named<const N: usize>(tensors: [(&str, RawTensor); N]) -> Tensors {
        tensors
            .map(|(name, tensor)| (name.to_owned(), tensor))
            .into()
    }

    fn of_one(got: &[f64], expected: &[f64]) -> Vec<String> {
        faults(&named([("y", f64s(got))]), &named([("y", f64s(expected))]))
    }

    #[test]
    fn an_error_is_measured_on_the_value_and_on_the_tensors_largest() {
        assert_eq!(of_one(&[1.9e-10, 1.0], &[0.0, 1.0 + 1.9e-10]).len(), 1);
        assert_eq!(of_one(&[0.9e-10, 1.0], &[0.0, 1.0 + 1.9e-10]), [""; 0]);
    }

    #[test]
    fn the_worst_element_is_named() {
        let says = of_one(&[1.0, 2.5, 3.1], &[1.0, 2.0, 3.0]);
        assert_eq!(
            says,
            ["y at [1] is 2.5, must be 2: an error of 1.0e-1, of at most 1e-10"]
        );
    }

    #[test]
    fn what_is_not_a_number_never_agrees_and_infinity_with_itself_alone() {
        assert_eq!(of_one(&[f64::NAN], &[f64::NAN]).len(), 1);
        assert_eq!(of_one(&[f64::INFINITY], &[f64::INFINITY]), [""; 0]);
        assert_eq!(of_one(&[1.0], &[f64::INFINITY]).len(), 1);
    }

    #[test]
    fn a_tensor_of_zeros_allows_nothing_else() {
        assert_eq!(of_one(&[0.0, 1e-300], &[0.0, 0.0]).len(), 1);
    }

    #[test]
    fn a_gradient_that_is_0_in_truth_may_have_the_rounding_of_the_others() {
        let of =
            |key: f64, query: f64| named([("grad.k", f64s(&[key])), ("grad.q", f64s(&[query]))]);
        assert_eq!(faults(&of(1e-17, 1.0), &of(-1e-17, 1.0)), [""; 0]);
        assert_eq!(faults(&of(1e-9, 1.0), &of(0.0, 1.0)).len(), 1);
        let output = |y: f64| named([("grad.q", f64s(&[1.0])), ("y", f64s(&[y]))]);
        assert_eq!(faults(&output(1e-17), &output(0.0)).len(), 1);
    }

    #[test]
    fn names_types_and_shapes_must_be_the_same() {
        let expected = named([("y", f64s(&[1.0, 2.0]))]);
        assert_eq!(
            faults(&named([("z", f64s(&[1.0, 2.0]))]), &expected),
            ["gives z, must give y"]
        );
        let bytes = f64s(&[1.0, 2.0]).bytes().to_vec();
        let row = RawTensor::new(Dtype::F64, vec![1, 2], bytes.clone()).expect("16 bytes");
        assert_eq!(
            faults(&named([("y", row)]), &expected),
            ["y is f64 [1, 2], must be f64 [2]"]
        );
        let count = RawTensor::new(Dtype::I64, vec![2], bytes).expect("16 bytes");
        assert_eq!(
            faults(&named([("y", count)]), &expected),
            ["y is i64 [2], must be f64 [2]"]
        );
    }
}
