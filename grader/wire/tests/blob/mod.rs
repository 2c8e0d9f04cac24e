//! Safetensors blobs, written down piece by piece.

use wire::FrameLimits;

/// The limits that the corpus is held against: so low that a small file can pass them.
pub(crate) fn limits() -> FrameLimits {
    FrameLimits {
        frame: 4096,
        header: 1024,
        tensors: 4,
        rank: 8,
        metadata: 4,
    }
}

/// A header's length, the header, and as many bytes of data.
pub(crate) fn blob(header: impl AsRef<[u8]>, data: usize) -> Vec<u8> {
    let header = header.as_ref();
    lying_blob(header.len() as u64, header, data)
}

/// As [`blob`], with a length that may be another than the header's.
pub(crate) fn lying_blob(length: u64, header: &[u8], data: usize) -> Vec<u8> {
    let mut blob = length.to_le_bytes().to_vec();
    blob.extend(header);
    blob.extend((0..data).map(|byte| byte as u8));
    blob
}

/// A header's entry for a tensor of f32.
pub(crate) fn f32(name: &str, shape: &str, offsets: &str) -> String {
    format!(r#""{name}":{{"dtype":"F32","shape":{shape},"data_offsets":{offsets}}}"#)
}
