//! Plain values of an array or tensor, and values made from a name.

use ndarray::{Array, ArrayBase, Data, Dimension, ShapeBuilder};
use wire::Mixer;

/// The values that comparisons look at: element type, shape, and each value as `f64`, first axis slowest.
#[derive(Clone, Debug, PartialEq)]
pub struct Values {
    /// `f32`, `f64` or `i64`; or another name, for a tensor of an unexpected type.
    pub dtype: String,
    /// Sizes of the axes.
    pub shape: Vec<usize>,
    /// The elements.
    pub data: Vec<f64>,
}

/// Element type and shape alone, as in [`Values`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// The element type.
    pub dtype: String,
    /// Sizes of the axes.
    pub shape: Vec<usize>,
}

/// Anything that can be compared: arrays, views, tensors, numbers.
pub trait AsValues {
    /// Element type and shape, for which no value is touched: what is not of the form that was expected may be of any size.
    fn form(&self) -> Form;
    /// The values, copied.
    fn values(&self) -> Values;
}

impl AsValues for Values {
    fn form(&self) -> Form {
        Form {
            dtype: self.dtype.clone(),
            shape: self.shape.clone(),
        }
    }

    fn values(&self) -> Values {
        self.clone()
    }
}

/// A number type of the course's arrays.
pub trait Number: Copy {
    /// Its name in Rust.
    const NAME: &'static str;
    /// As `f64`.
    fn to_f64(self) -> f64;
}

macro_rules! number {
    ($($type:ident),*) => {$(
        impl Number for $type {
            const NAME: &'static str = stringify!($type);
            fn to_f64(self) -> f64 {
                self as f64
            }
        }

        impl AsValues for $type {
            fn form(&self) -> Form {
                Form { dtype: stringify!($type).into(), shape: vec![] }
            }

            fn values(&self) -> Values {
                Values { dtype: stringify!($type).into(), shape: vec![], data: vec![self.to_f64()] }
            }
        }
    )*};
}
number!(f32, f64, i64, usize);

impl<S, D> AsValues for ArrayBase<S, D>
where
    S: Data,
    S::Elem: Number,
    D: Dimension,
{
    fn form(&self) -> Form {
        Form {
            dtype: S::Elem::NAME.into(),
            shape: self.shape().to_vec(),
        }
    }

    fn values(&self) -> Values {
        let Form { dtype, shape } = self.form();
        Values {
            dtype,
            shape,
            data: self.iter().map(|&value| value.to_f64()).collect(),
        }
    }
}

/// An array of values in [−1, 1), always the same for the same name: `uniform("x", (2, 5, 6))`.
///
/// The n-th value does not depend on the shape. `expected.py` makes the same ones for PyTorch. Each is a
/// multiple of 2⁻²³, so it is exact in `f32`.
pub fn uniform<D, S>(name: &str, shape: S) -> Array<f32, D>
where
    D: Dimension,
    S: ShapeBuilder<Dim = D>,
{
    let mut values = stream(name);
    Array::from_shape_simple_fn(shape, || values.next().unwrap_or_default() as f32)
}

/// The endless values behind [`uniform`].
pub(crate) fn stream(name: &str) -> impl Iterator<Item = f64> + use<> {
    let mut mixer = Mixer::new(name);
    std::iter::repeat_with(move || mixer.uniform())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_gives_the_values_that_python_gives() {
        // The values of `uniform("x", (2, 2))` in expected.py, in f32.
        let expected = [-0.597_583_53, 0.617_053_5, 0.286_647_2, 0.656_218_77];
        let got = uniform("x", (2, 2));
        assert_eq!(got.iter().copied().collect::<Vec<f32>>(), expected);
    }

    #[test]
    fn values_of_another_name_are_others_and_all_are_within_bounds() {
        let (a, b) = (uniform("a", 1000), uniform("b", 1000));
        assert_ne!(a, b);
        assert!(a.iter().all(|value| (-1.0..1.0).contains(value)));
        let mean = a.sum() / 1000.0;
        // The mean of 1000 such values has standard deviation 0.018.
        assert!(mean.abs() < 0.1, "{mean}");
    }
}
