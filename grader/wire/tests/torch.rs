//! Whatever arrives as a tensor is one of libtorch too: its conversion, which panics on a shape it does not take, is
//! made by the judge.
#![cfg(feature = "tch")]

use tch::Tensor;
use wire::{Dtype, RawTensor};

#[test]
fn every_tensor_that_travels_is_one_of_libtorch() {
    let most = i64::MAX as usize;
    for shape in [
        vec![],
        vec![0],
        vec![2, 3],
        vec![1; 8],
        vec![0, most],
        vec![most, 0],
        vec![1 << 31, 0, 1 << 31],
    ] {
        for dtype in [Dtype::F32, Dtype::F64, Dtype::I64, Dtype::U8] {
            let elements = if shape.contains(&0) {
                0
            } else {
                shape.iter().product()
            };
            let bytes = (0..elements * dtype.size())
                .map(|byte| byte as u8)
                .collect();
            let raw = RawTensor::new(dtype, shape.clone(), bytes).expect("a tensor");
            let tensor = Tensor::from(&raw);
            assert_eq!(
                tensor.size(),
                shape.iter().map(|&axis| axis as i64).collect::<Vec<_>>()
            );
            assert_eq!(RawTensor::try_from(&tensor), Ok(raw));
        }
    }
}
