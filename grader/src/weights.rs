//! Files of weights, as people have them: read in one place, for `call`, `draw` and `train` alike.
//!
//! A file is safetensors of f32, f64, f16, bf16, i64 and u8; numbers of 16 bits become f32 ([`mod@read`]). What is
//! another format is named, with what to do ([`mod@format`]). Wrappers put their names in front of all others, and these
//! are taken off ([`names`]). Weights that are of another model than the one they are given to are told by what
//! differs ([`fit`]).

pub mod fit;
pub mod format;
pub mod names;
pub mod read;

pub use names::without_wrappers;
pub use read::read;

use wire::{Dtype, RawTensor, Tensors};

/// Returns whether a tensor holds floating-point numbers.
pub fn is_float(tensor: &RawTensor) -> bool {
    matches!(tensor.dtype(), Dtype::F32 | Dtype::F64)
}

/// Converts the floating-point numbers of those tensors whose names are meant to one type.
pub fn convert(tensors: &mut Tensors, dtype: Dtype, is_meant: impl Fn(&str) -> bool) {
    for (name, tensor) in tensors.iter_mut() {
        if is_float(tensor) && tensor.dtype() != dtype && is_meant(name) {
            // As many values as before: there is no error.
            if let Ok(converted) = tensor.with_values(dtype, tensor.to_f64()) {
                *tensor = converted;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr1;

    #[test]
    fn numbers_are_converted_and_counts_are_not() {
        let mut tensors = Tensors::from([
            ("a".to_owned(), (&arr1(&[0.1_f64, -2.0])).into()),
            ("b".to_owned(), (&arr1(&[3_i64])).into()),
            ("x".to_owned(), (&arr1(&[0.5_f64])).into()),
        ]);
        let before = tensors.clone();
        convert(&mut tensors, Dtype::F32, |name| name != "x");
        assert_ne!(tensors, before);
        assert_eq!(tensors["a"], (&arr1(&[0.1_f32, -2.0])).into());
        assert_eq!(tensors["b"].dtype(), Dtype::I64);
        assert_eq!(tensors["x"].dtype(), Dtype::F64);
        let once = tensors.clone();
        convert(&mut tensors, Dtype::F32, |name| name != "x");
        assert_eq!(tensors, once);
    }
}
