//! One frame: named tensors and metadata as a safetensors blob, and its length before it on a stream.

use crate::header::{Header, METADATA, refuse_unseen};
use crate::text::{MOST_SHOWN, abridged};
use crate::{Dtype, RawTensor, Tensors, printable};
use safetensors::tensor::View;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read, Write};

/// The limits on a frame, which bound its cost to the reader.
#[derive(Clone, Copy, Debug)]
pub struct FrameLimits {
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

impl Default for FrameLimits {
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

/// The reason why bytes are not a frame.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The other side closed the stream between two frames.
    #[error("the channel was closed")]
    Closed,
    /// The stream broke, or ended inside a frame.
    #[error("the channel broke: {0}")]
    Io(#[from] io::Error),
    /// A size is larger than its limit.
    #[error("a frame with {what} {got}, of at most {limit}")]
    Limit {
        /// The name of the size.
        what: &'static str,
        /// The size, as far as it was read.
        got: u64,
        /// The limit.
        limit: usize,
    },
    /// Not a safetensors blob of the supported types.
    #[error("not a frame: {0}")]
    Malformed(String),
}

impl WireError {
    /// [`WireError::Malformed`], of a text that may quote what a stranger wrote: it is cut short, and made fit to be
    /// shown.
    pub(crate) fn malformed(fault: impl fmt::Display) -> Self {
        Self::Malformed(printable(&abridged(fault, MOST_SHOWN)))
    }
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
    /// [`WireError::Malformed`] where a name has characters that cannot be seen, or a tensor has the metadata's
    /// name.
    pub fn encode(&self) -> Result<Vec<u8>, WireError> {
        for name in self.tensors.keys().chain(self.metadata.keys()) {
            refuse_unseen(name)?;
        }
        if self.tensors.contains_key(METADATA) {
            return Err(WireError::malformed(format_args!(
                "a tensor of the name {METADATA}"
            )));
        }
        // serde_json closes an object of no entries before safetensors writes empty metadata into it.
        let metadata =
            (!self.metadata.is_empty()).then(|| self.metadata.clone().into_iter().collect());
        safetensors::serialize(&self.tensors, metadata).map_err(WireError::malformed)
    }

    /// The frame of a safetensors blob.
    ///
    /// # Errors
    /// [`WireError::Limit`] and [`WireError::Malformed`], whatever the bytes are; never a panic, and at no time more
    /// memory than the data takes and 16 times the header (`tests/allocation.rs`).
    pub fn decode(blob: &[u8], limits: &FrameLimits) -> Result<Self, WireError> {
        within("bytes", blob.len() as u64, limits.frame)?;
        let (header, data) = Header::read(blob, limits)?;
        let mut tensors = Tensors::new();
        for (name, declared) in header.tensors {
            let [begin, end] = declared.offsets;
            let bytes = data.get(begin..end).unwrap_or_default().to_vec();
            let tensor = RawTensor::new(declared.dtype, declared.shape, bytes)
                .map_err(WireError::malformed)?;
            tensors.insert(name, tensor);
        }
        let metadata = header.metadata;
        Ok(Self { metadata, tensors })
    }
}

pub(crate) fn within(what: &'static str, got: u64, limit: usize) -> Result<(), WireError> {
    if got <= limit as u64 {
        Ok(())
    } else {
        Err(WireError::Limit { what, got, limit })
    }
}

/// Writes one frame: its length, then the blob.
///
/// # Errors
/// Returns an error if [`Frame::encode`] fails or the reader would refuse the frame, in both cases before anything is
/// written, or if the stream breaks.
pub fn write_frame(
    stream: &mut impl Write,
    frame: &Frame,
    limits: &FrameLimits,
) -> Result<(), WireError> {
    let blob = frame.encode()?;
    within("bytes", blob.len() as u64, limits.frame)?;
    Header::read(&blob, limits)?;
    stream.write_all(&(blob.len() as u64).to_le_bytes())?;
    stream.write_all(&blob)?;
    stream.flush()?;
    Ok(())
}

/// The bytes of a frame that are awaited at first; then as many again as there are.
const FIRST_STEP: u64 = 8 << 10;

/// Reads one frame.
///
/// # Errors
/// Returns [`WireError::Closed`] if the stream ends before a frame begins; else an error as [`Frame::decode`], or if
/// the stream breaks inside a frame. Memory is allocated as bytes arrive, not as the length promises: never more than
/// twice as many, until all are there.
pub fn read_frame(stream: &mut impl Read, limits: &FrameLimits) -> Result<Frame, WireError> {
    let mut length = Vec::with_capacity(8);
    stream.take(8).read_to_end(&mut length)?;
    let length = match <[u8; 8]>::try_from(length.as_slice()) {
        Ok(length) => u64::from_le_bytes(length),
        Err(_) if length.is_empty() => return Err(WireError::Closed),
        Err(_) => return Err(ended_early()),
    };
    within("bytes", length, limits.frame)?;
    let mut blob = Vec::new();
    loop {
        let missing = length - blob.len() as u64;
        if missing == 0 {
            break;
        }
        let step = missing.min(FIRST_STEP.max(blob.len() as u64));
        blob.reserve_exact(step as usize);
        if stream.take(step).read_to_end(&mut blob)? as u64 != step {
            return Err(ended_early());
        }
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
            Dtype::U8 => safetensors::Dtype::U8,
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
