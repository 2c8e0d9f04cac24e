//! A tensor on the wire: dtype, shape and little-endian bytes, with conversions from and to ndarray and tch.

use ndarray::{Array, ArrayBase, ArrayD, Data, Dimension, IxDyn};
use std::fmt;

/// The element types that travel. Values of labels and counts are `I64`, pixels of images that are sent in numbers `U8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dtype {
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
    /// 64-bit signed integer.
    I64,
    /// 8-bit unsigned integer.
    U8,
}

impl Dtype {
    /// Bytes of one element.
    pub fn size(self) -> usize {
        match self {
            Dtype::F32 => 4,
            Dtype::F64 | Dtype::I64 => 8,
            Dtype::U8 => 1,
        }
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Dtype::F32 => "f32",
            Dtype::F64 => "f64",
            Dtype::I64 => "i64",
            Dtype::U8 => "u8",
        })
    }
}

/// The reason why a tensor is not of the form that its reader expects.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TensorError {
    /// The bytes are not as many as the shape and dtype say.
    #[error("{dtype} {shape:?} takes {expected:?} bytes, got {got}")]
    Length {
        /// Element type.
        dtype: Dtype,
        /// Sizes of the axes.
        shape: Vec<usize>,
        /// Bytes that shape and dtype ask for, where that number can be written down.
        expected: Option<usize>,
        /// Bytes there are.
        got: usize,
    },
    /// The element type is not the expected one.
    #[error("is {got}, must be {expected}")]
    Dtype {
        /// The expected type.
        expected: Dtype,
        /// The actual type.
        got: Dtype,
    },
    /// The number of axes is not the expected one.
    #[error("has shape {got:?}, must have {expected} axes")]
    Rank {
        /// The expected number of axes.
        expected: usize,
        /// The shape there is.
        got: Vec<usize>,
    },
    /// The source is of a type that the wire does not support.
    #[error("is of type {0}, which is none of f32, f64, i64, u8")]
    Kind(String),
}

/// A tensor as it travels. Its bytes are always as many as dtype and shape say.
#[derive(Clone, PartialEq)]
pub struct RawTensor {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

/// The number of bytes of a tensor, or `None` where it overflows. ndarray and libtorch take the product of the axes
/// that are not empty as a signed number, so it has to be one.
pub(crate) fn byte_len(dtype: Dtype, shape: &[usize]) -> Option<usize> {
    let axes = shape.iter().filter(|&&axis| axis > 0);
    let elements = axes.copied().try_fold(1, usize::checked_mul)?;
    isize::try_from(elements).ok()?;
    if shape.contains(&0) {
        Some(0)
    } else {
        elements.checked_mul(dtype.size())
    }
}

impl RawTensor {
    /// A tensor of `shape` from its elements' little-endian bytes, first axis slowest.
    ///
    /// # Errors
    /// [`TensorError::Length`] where the number of bytes is not that of `dtype` and `shape`, or the shape is one that
    /// no tensor has: the product of its axes, those of size 0 left out, is 2⁶³ or more.
    pub fn new(dtype: Dtype, shape: Vec<usize>, bytes: Vec<u8>) -> Result<Self, TensorError> {
        let expected = byte_len(dtype, &shape);
        if expected == Some(bytes.len()) {
            Ok(Self {
                dtype,
                shape,
                bytes,
            })
        } else {
            Err(TensorError::Length {
                dtype,
                shape,
                expected,
                got: bytes.len(),
            })
        }
    }

    /// A tensor of this one's shape, with these values in another or the same type. The reverse of [`to_f64`](Self::to_f64).
    ///
    /// # Errors
    /// [`TensorError::Length`] if there are not as many values as the shape has.
    pub fn with_values(
        &self,
        dtype: Dtype,
        values: impl IntoIterator<Item = f64>,
    ) -> Result<Self, TensorError> {
        let mut bytes = Vec::with_capacity(self.bytes.len());
        for value in values {
            match dtype {
                Dtype::F32 => (value as f32).push_to(&mut bytes),
                Dtype::F64 => value.push_to(&mut bytes),
                Dtype::I64 => (value as i64).push_to(&mut bytes),
                Dtype::U8 => (value as u8).push_to(&mut bytes),
            }
        }
        Self::new(dtype, self.shape.clone(), bytes)
    }

    /// Element type.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// Sizes of the axes.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Little-endian bytes, first axis slowest.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// All elements as `f64`, whatever the dtype (an `i64` beyond 2⁵³ is rounded).
    pub fn to_f64(&self) -> Vec<f64> {
        match self.dtype {
            Dtype::F32 => elements::<f32>(&self.bytes).map(f64::from).collect(),
            Dtype::F64 => elements::<f64>(&self.bytes).collect(),
            Dtype::I64 => elements::<i64>(&self.bytes).map(|v| v as f64).collect(),
            Dtype::U8 => self.bytes.iter().copied().map(f64::from).collect(),
        }
    }

    /// The array of element type `T` and dimension `D`.
    ///
    /// # Errors
    /// Returns an error if the tensor has another dtype or number of axes.
    pub fn to_array<T: Element, D: Dimension>(&self) -> Result<Array<T, D>, TensorError> {
        if self.dtype != T::DTYPE {
            return Err(TensorError::Dtype {
                expected: T::DTYPE,
                got: self.dtype,
            });
        }
        let length = |_| TensorError::Length {
            dtype: self.dtype,
            shape: self.shape.clone(),
            expected: byte_len(self.dtype, &self.shape),
            got: self.bytes.len(),
        };
        let values = elements::<T>(&self.bytes).collect();
        ArrayD::from_shape_vec(IxDyn(&self.shape), values)
            .map_err(length)?
            .into_dimensionality::<D>()
            .map_err(|_| TensorError::Rank {
                expected: D::NDIM.unwrap_or_default(),
                got: self.shape.clone(),
            })
    }
}

impl fmt::Debug for RawTensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.dtype, self.shape)
    }
}

impl<T: Element, S: Data<Elem = T>, D: Dimension> From<&ArrayBase<S, D>> for RawTensor {
    fn from(array: &ArrayBase<S, D>) -> Self {
        let mut bytes = Vec::with_capacity(array.len() * T::DTYPE.size());
        for &value in array {
            value.push_to(&mut bytes);
        }
        Self {
            dtype: T::DTYPE,
            shape: array.shape().to_vec(),
            bytes,
        }
    }
}

/// An element type that travels.
pub trait Element: Copy {
    /// Its name on the wire.
    const DTYPE: Dtype;
    /// Appends the little-endian bytes.
    fn push_to(self, bytes: &mut Vec<u8>);
    /// The value of one element's bytes, of which there are [`Dtype::size`].
    fn from_bytes(bytes: &[u8]) -> Self;
}

macro_rules! element {
    ($type:ty, $dtype:expr) => {
        impl Element for $type {
            const DTYPE: Dtype = $dtype;
            fn push_to(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }
            fn from_bytes(bytes: &[u8]) -> Self {
                let mut element = [0; size_of::<$type>()];
                element.copy_from_slice(bytes);
                <$type>::from_le_bytes(element)
            }
        }
    };
}
element!(f32, Dtype::F32);
element!(f64, Dtype::F64);
element!(i64, Dtype::I64);
element!(u8, Dtype::U8);

fn elements<T: Element>(bytes: &[u8]) -> impl Iterator<Item = T> {
    bytes.chunks_exact(size_of::<T>()).map(T::from_bytes)
}

#[cfg(feature = "tch")]
mod libtorch {
    use super::{Dtype, RawTensor, TensorError};
    use tch::{Device, Kind, Tensor};

    impl From<Dtype> for Kind {
        fn from(dtype: Dtype) -> Kind {
            match dtype {
                Dtype::F32 => Kind::Float,
                Dtype::F64 => Kind::Double,
                Dtype::I64 => Kind::Int64,
                Dtype::U8 => Kind::Uint8,
            }
        }
    }

    impl TryFrom<&Tensor> for RawTensor {
        type Error = TensorError;

        /// Copies the elements, from whichever device and layout.
        fn try_from(tensor: &Tensor) -> Result<Self, TensorError> {
            let kind = tensor
                .f_kind()
                .map_err(|_| TensorError::Kind("undefined".into()))?;
            let dtype = match kind {
                Kind::Float => Dtype::F32,
                Kind::Double => Dtype::F64,
                Kind::Int64 => Dtype::I64,
                Kind::Uint8 => Dtype::U8,
                other => return Err(TensorError::Kind(format!("{other:?}"))),
            };
            let fault = |error: tch::TchError| TensorError::Kind(error.to_string());
            let flat = tensor
                .f_detach()
                .and_then(|t| t.f_to_device(Device::Cpu))
                .and_then(|t| t.f_contiguous())
                .map_err(fault)?;
            let shape: Vec<usize> = flat.size().iter().map(|&axis| axis as usize).collect();
            let count = flat.numel();
            let mut bytes = vec![0; count * dtype.size()];
            flat.f_copy_data_u8(&mut bytes, count).map_err(fault)?;
            RawTensor::new(dtype, shape, bytes)
        }
    }

    impl From<&RawTensor> for Tensor {
        fn from(raw: &RawTensor) -> Tensor {
            let shape: Vec<i64> = raw.shape.iter().map(|&axis| axis as i64).collect();
            Tensor::from_data_size(&raw.bytes, &shape, raw.dtype.into())
        }
    }
}
