//! One frame: named tensors and metadata as a safetensors blob, and its length before it on a stream.

use crate::tensor::byte_len;
use crate::{Dtype, RawTensor, Tensors};
use safetensors::tensor::{SafeTensors, View};
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::io::{self, Read, Write};

/// What a frame may cost its reader.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a whole frame. A ViT-Tiny in f64 takes 46 MB.
    pub frame: usize,
    /// Bytes of the header, which is parsed as JSON; a tensor's entry takes about 100.
    pub header: usize,
    /// Tensors in one frame. A ViT-Huge has about 400 variables.
    pub tensors: usize,
    /// Axes of one tensor.
    pub rank: usize,
    /// Entries of the metadata.
    pub metadata: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame: 64 << 20,
            header: 256 << 10,
            tensors: 2048,
            rank: 8,
            metadata: 64,
        }
    }
}

/// Why bytes are not a frame.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The other side closed the stream between two frames.
    #[error("the channel was closed")]
    Closed,
    /// The stream broke, or ended inside a frame.
    #[error("the channel broke: {0}")]
    Io(#[from] io::Error),
    /// Something is larger than its limit.
    #[error("a frame with {what} {got}, of at most {limit}")]
    Limit {
        /// What is too large.
        what: &'static str,
        /// How large it is.
        got: u64,
        /// The limit.
        limit: usize,
    },
    /// Not a safetensors blob of the types that travel.
    #[error("not a frame: {0}")]
    Malformed(String),
}

/// Named tensors and named texts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame {
    /// The blob's `__metadata__`.
    pub metadata: BTreeMap<String, String>,
    /// Its tensors.
    pub tensors: Tensors,
}

impl Frame {
    /// The frame as a safetensors blob.
    ///
    /// # Errors
    /// [`WireError::Malformed`] where safetensors cannot write it down.
    pub fn encode(&self) -> Result<Vec<u8>, WireError> {
        let metadata: HashMap<_, _> = self.metadata.clone().into_iter().collect();
        safetensors::serialize(&self.tensors, Some(metadata))
            .map_err(|error| WireError::Malformed(error.to_string()))
    }

    /// The frame of a safetensors blob.
    ///
    /// # Errors
    /// [`WireError::Limit`] and [`WireError::Malformed`], whatever the bytes are; never a panic, and no
    /// allocation larger than a small multiple of `limits`.
    pub fn decode(blob: &[u8], limits: &Limits) -> Result<Self, WireError> {
        within("bytes", blob.len() as u64, limits.frame)?;
        let header = header_of(blob, limits)?;
        refuse_repeated_names(header)?;
        let malformed = |error: &dyn std::fmt::Display| WireError::Malformed(error.to_string());
        let (_, declared) = SafeTensors::read_metadata(blob).map_err(|error| malformed(&error))?;
        let metadata = declared.metadata().clone().unwrap_or_default();
        within("metadata entries", metadata.len() as u64, limits.metadata)?;
        within("tensors", declared.tensors().len() as u64, limits.tensors)?;

        let data = &blob[8 + header.len()..];
        let mut tensors = Tensors::new();
        for (name, info) in declared.tensors() {
            within("axes", info.shape.len() as u64, limits.rank)?;
            let dtype = Dtype::try_from(info.dtype).map_err(|error| {
                WireError::Malformed(format!(
                    "tensor {name:?} is of dtype {error:?}, which is none of f32, f64, i64"
                ))
            })?;
            let (start, end) = info.data_offsets;
            let bytes = data
                .get(start..end)
                .filter(|bytes| byte_len(dtype, &info.shape) == Some(bytes.len()))
                .ok_or_else(|| {
                    WireError::Malformed(format!("tensor {name:?} has no such bytes"))
                })?;
            let tensor = RawTensor::new(dtype, info.shape.clone(), bytes.to_vec())
                .map_err(|error| malformed(&error))?;
            tensors.insert(name, tensor);
        }
        Ok(Self {
            metadata: metadata.into_iter().collect(),
            tensors,
        })
    }
}

fn within(what: &'static str, got: u64, limit: usize) -> Result<(), WireError> {
    if got <= limit as u64 {
        Ok(())
    } else {
        Err(WireError::Limit { what, got, limit })
    }
}

/// The header's JSON, once its length is known to be within the blob and the limit.
fn header_of<'a>(blob: &'a [u8], limits: &Limits) -> Result<&'a [u8], WireError> {
    let short = || WireError::Malformed(format!("{} bytes are too few", blob.len()));
    let (length, rest) = blob.split_first_chunk().ok_or_else(short)?;
    let length = u64::from_le_bytes(*length);
    within("header bytes", length, limits.header)?;
    usize::try_from(length)
        .ok()
        .and_then(|length| rest.get(..length))
        .ok_or_else(short)
}

/// safetensors keeps the last of two tensors of one name; here that is a fault.
fn refuse_repeated_names(header: &[u8]) -> Result<(), WireError> {
    serde_json::from_slice::<DistinctNames>(header)
        .map(drop)
        .map_err(|error| WireError::Malformed(error.to_string()))
}

/// A JSON object none of whose names stands twice; its values are passed over.
struct DistinctNames;

impl<'de> Deserialize<'de> for DistinctNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = DistinctNames;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut seen = BTreeSet::new();
                while let Some((name, IgnoredAny)) = map.next_entry::<String, IgnoredAny>()? {
                    if !seen.insert(name.clone()) {
                        return Err(A::Error::custom(format!("the name {name:?} stands twice")));
                    }
                }
                Ok(DistinctNames)
            }
        }
        deserializer.deserialize_map(Names)
    }
}

/// Writes one frame: its length, then the blob.
///
/// # Errors
/// Where the frame is larger than its reader takes, or the stream broke.
pub fn write_frame(
    stream: &mut impl Write,
    frame: &Frame,
    limits: &Limits,
) -> Result<(), WireError> {
    let blob = frame.encode()?;
    within("bytes", blob.len() as u64, limits.frame)?;
    stream.write_all(&(blob.len() as u64).to_le_bytes())?;
    stream.write_all(&blob)?;
    stream.flush()?;
    Ok(())
}

/// Reads one frame.
///
/// # Errors
/// [`WireError::Closed`] where the stream ends before a frame begins; else as [`Frame::decode`], and where
/// the stream breaks inside a frame. Memory is taken as bytes arrive, not as the length promises.
pub fn read_frame(stream: &mut impl Read, limits: &Limits) -> Result<Frame, WireError> {
    let mut length = Vec::with_capacity(8);
    stream.take(8).read_to_end(&mut length)?;
    let length = match <[u8; 8]>::try_from(length.as_slice()) {
        Ok(length) => u64::from_le_bytes(length),
        Err(_) if length.is_empty() => return Err(WireError::Closed),
        Err(_) => return Err(ended_early()),
    };
    within("bytes", length, limits.frame)?;
    let mut blob = Vec::new();
    stream.take(length).read_to_end(&mut blob)?;
    if blob.len() as u64 != length {
        return Err(ended_early());
    }
    Frame::decode(&blob, limits)
}

fn ended_early() -> WireError {
    io::Error::new(io::ErrorKind::UnexpectedEof, "it ended inside a frame").into()
}

impl View for &RawTensor {
    fn dtype(&self) -> safetensors::Dtype {
        match RawTensor::dtype(self) {
            Dtype::F32 => safetensors::Dtype::F32,
            Dtype::F64 => safetensors::Dtype::F64,
            Dtype::I64 => safetensors::Dtype::I64,
        }
    }

    fn shape(&self) -> &[usize] {
        RawTensor::shape(self)
    }

    fn data(&self) -> Cow<'_, [u8]> {
        self.bytes().into()
    }

    fn data_len(&self) -> usize {
        self.bytes().len()
    }
}

impl TryFrom<safetensors::Dtype> for Dtype {
    type Error = safetensors::Dtype;

    fn try_from(dtype: safetensors::Dtype) -> Result<Self, Self::Error> {
        match dtype {
            safetensors::Dtype::F32 => Ok(Dtype::F32),
            safetensors::Dtype::F64 => Ok(Dtype::F64),
            safetensors::Dtype::I64 => Ok(Dtype::I64),
            other => Err(other),
        }
    }
}
