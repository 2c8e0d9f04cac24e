//! Reading a file of tensors within limits.

use super::format;
use anyhow::{Context, Result, anyhow};
use half::{bf16, f16};
use hints::WithHint;
use safetensors::{Dtype as FileDtype, SafeTensors};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use wire::{Dtype, Frame, FrameLimits, RawTensor, Tensors, WireError, is_hidden, printable};

/// Reads a file of tensors within limits. Numbers of 16 bits become f32; the limit on bytes is that of the file.
///
/// # Errors
/// Returns an error if the file cannot be read, is larger than its limit, or is not a safetensors file of the supported
/// types. The [`WireError`] stays below it.
pub fn read(path: &Path, limits: &FrameLimits) -> Result<Frame> {
    let mut blob = vec![];
    File::open(path)
        .and_then(|file| file.take(limits.frame as u64 + 1).read_to_end(&mut blob))
        .with_context(|| format!("{} cannot be read", path.display()))?;
    let shown = path.display();
    let error = match Frame::decode(&blob, limits) {
        Ok(frame) => return Ok(frame),
        Err(error @ WireError::Malformed(_)) => match widened(&blob, limits) {
            Some(Ok(frame)) => return Ok(frame),
            Some(Err(error)) => error,
            None => error.into(),
        },
        Err(error) => error.into(),
    };
    match format::of(&blob[..blob.len().min(format::HEAD)]) {
        Some(format) => Err(anyhow!(
            "{shown} is not a safetensors file: it is {}",
            format.name
        ))
        .hint(format.hint),
        None => Err(error.context(format!("{shown} is not a safetensors file, or is damaged"))),
    }
}

/// The frame of a blob with numbers of 16 bits, which become f32; None for any other.
fn widened(blob: &[u8], limits: &FrameLimits) -> Option<Result<Frame>> {
    // Its length is read before anything of that length is: a file may say any.
    let header = blob
        .first_chunk()
        .map(|length| u64::from_le_bytes(*length))?;
    if header > limits.header as u64 {
        return None;
    }
    let file = SafeTensors::deserialize(blob).ok()?;
    let is_half = |dtype: FileDtype| matches!(dtype, FileDtype::F16 | FileDtype::BF16);
    if !file.iter().any(|(_, tensor)| is_half(tensor.dtype())) || file.len() > limits.tensors {
        return None;
    }
    let (_, header) = SafeTensors::read_metadata(blob).ok()?;
    let metadata = header.metadata().clone().unwrap_or_default();
    if metadata.len() > limits.metadata {
        return None;
    }
    let tensors: Result<Tensors> = file
        .iter()
        .map(|(name, tensor)| {
            if name.contains(is_hidden) {
                let name = printable(name);
                return Err(anyhow!(
                    "the name {name} has characters that cannot be seen"
                ));
            }
            let bytes = tensor.data();
            let pairs = bytes.chunks_exact(2).map(|pair| [pair[0], pair[1]]);
            let (dtype, bytes) = match tensor.dtype() {
                FileDtype::F16 => (
                    Dtype::F32,
                    wide(pairs.map(|it| f16::from_le_bytes(it).to_f32())),
                ),
                FileDtype::BF16 => (
                    Dtype::F32,
                    wide(pairs.map(|it| bf16::from_le_bytes(it).to_f32())),
                ),
                FileDtype::F32 => (Dtype::F32, bytes.to_vec()),
                FileDtype::F64 => (Dtype::F64, bytes.to_vec()),
                FileDtype::I64 => (Dtype::I64, bytes.to_vec()),
                FileDtype::U8 => (Dtype::U8, bytes.to_vec()),
                other => {
                    return Err(anyhow!(
                        "{name} is of type {other:?}, which is none of F16, BF16, F32, F64, I64, U8"
                    ));
                }
            };
            let tensor = RawTensor::new(dtype, tensor.shape().to_vec(), bytes)?;
            Ok((name.to_owned(), tensor))
        })
        .collect();
    Some(tensors.map(|tensors| Frame {
        metadata: metadata.into_iter().collect(),
        tensors,
    }))
}

fn wide(values: impl Iterator<Item = f32>) -> Vec<u8> {
    values.flat_map(f32::to_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hints::hints;
    use safetensors::tensor::TensorView;
    use std::collections::HashMap;
    use std::fs;

    fn written(dtype: FileDtype, bytes: &[u8]) -> Result<Result<Frame>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("a.safetensors");
        let half = TensorView::new(dtype, vec![2], bytes)?;
        let one = 1.5_f64.to_le_bytes();
        let exact = TensorView::new(FileDtype::F64, vec![], &one)?;
        let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
        let tensors = [("half", half), ("exact", exact)];
        fs::write(&path, safetensors::serialize(tensors, Some(metadata))?)?;
        Ok(read(&path, &FrameLimits::default()))
    }

    #[test]
    fn numbers_of_16_bits_become_f32_beside_others() -> Result<()> {
        let f16s = [f16::from_f32(0.5), f16::from_f32(-65504.0)]
            .map(f16::to_le_bytes)
            .concat();
        let bf16s = [bf16::from_f32(0.5), bf16::from_f32(-1e30)]
            .map(bf16::to_le_bytes)
            .concat();
        for (dtype, bytes, expected) in [
            (FileDtype::F16, f16s, [0.5, -65504.0]),
            (
                FileDtype::BF16,
                bf16s,
                [0.5, f64::from(bf16::from_f32(-1e30).to_f32())],
            ),
        ] {
            let frame = written(dtype, &bytes)??;
            assert_eq!(frame.tensors["half"].dtype(), Dtype::F32);
            assert_eq!(frame.tensors["half"].to_f64(), expected);
            assert_eq!(frame.tensors["exact"].to_f64(), [1.5]);
            assert_eq!(frame.metadata["format"], "pt");
        }
        Ok(())
    }

    #[test]
    fn other_types_are_named() -> Result<()> {
        let error = written(FileDtype::I32, &[0; 8])?.expect_err("another type");
        assert!(format!("{error:#}").contains("I32"), "{error:#}");
        Ok(())
    }

    #[test]
    fn a_header_of_any_length_is_no_other_format() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("a.safetensors");
        // Among the lengths are those that begin as a pickle does, as a text of JSON, as gzip.
        for length in (0..1600).step_by(8) {
            let metadata = [("a".to_owned(), "b".repeat(length))].into();
            let frame = Frame {
                metadata,
                tensors: Tensors::new(),
            };
            let blob = frame.encode()?;
            fs::write(&path, &blob)?;
            assert_eq!(read(&path, &FrameLimits::default())?, frame);
            // A damaged one is named as such.
            fs::write(&path, &blob[..blob.len() - 1])?;
            let error = read(&path, &FrameLimits::default()).expect_err("one byte less");
            assert!(error.to_string().ends_with("or is damaged"), "{error:#}");
        }
        Ok(())
    }

    #[test]
    fn what_is_no_safetensors_file_is_named_with_what_to_do() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("vit.pth");
        let read = || read(&path, &FrameLimits::default());
        let error = read().expect_err("there is none");
        assert!(
            error.to_string().ends_with("vit.pth cannot be read"),
            "{error}"
        );
        fs::write(&path, b"PK\x03\x04\0\0archive/data.pkl")?;
        let error = read().expect_err("a pickle");
        let expected = "vit.pth is not a safetensors file: it is a PyTorch checkpoint (a pickle)";
        assert!(error.to_string().ends_with(expected), "{error}");
        assert!(hints(&error)[0].contains("safetensors.torch.save_file"));
        fs::write(&path, b"no tensors\xff")?;
        let error = read().expect_err("no tensors");
        let expected = "vit.pth is not a safetensors file, or is damaged";
        assert!(error.to_string().ends_with(expected), "{error}");
        Ok(())
    }
}
