//! Formats that are taken for safetensors, told by their first bytes.

/// A format, and what to do with a file of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// The format, as "is …" continues.
    pub name: &'static str,
    /// The remedy.
    pub hint: &'static str,
}

/// The conversion of a checkpoint of PyTorch.
const CONVERT: &str = "convert it in Python: `state = torch.load(FILE, map_location=\"cpu\", weights_only=True)`, then \
    `safetensors.torch.save_file(state, \"weights.safetensors\")`; where the weights are one entry of several, as \
    `model` or `state_dict`, save `state[ENTRY]`";
const DOWNLOAD: &str = "download the file itself: on Hugging Face its address has /resolve/ where that of its page has \
    /blob/";
const SAFETENSORS: &str = "give a safetensors file, as `safetensors.torch.save_file` writes it";

/// The bytes by which a format is told.
pub const HEAD: usize = 512;

/// The format of a file that begins with these bytes, [`HEAD`] of them where it has as many, if it is a known one other than
/// safetensors.
pub fn of(head: &[u8]) -> Option<Format> {
    // A safetensors file begins with the length of its header, in eight bytes of which the last ones are 0, and the header.
    // Its first bytes may be those of anything.
    if matches!(head, [_, _, _, _, 0, 0, 0, 0, b'{', ..]) {
        return None;
    }
    let known = |name, hint| Some(Format { name, hint });
    let holds = |word: &[u8]| head.windows(word.len()).any(|window| window == word);
    let text = String::from_utf8_lossy(head).to_lowercase();
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    match head {
        [] => known("empty", "it may be a download that broke off: get it again"),
        [b'P', b'K', 3, 4, ..] if holds(b".npy") => known("a NumPy archive (.npz)", SAFETENSORS),
        [b'P', b'K', 3, 4, ..] if holds(b".pkl") || holds(b"/byteorder") || holds(b"/version") => {
            known("a PyTorch checkpoint (a pickle)", CONVERT)
        }
        [b'P', b'K', 3, 4, ..] => known(
            "a zip archive",
            "unpack it, or, if torch.save wrote it, save the weights with safetensors.torch.save_file",
        ),
        [0x80, 2..=5, ..] => known("a PyTorch checkpoint (a pickle)", CONVERT),
        [b'G', b'G', b'U', b'F', ..] => known("a GGUF file", SAFETENSORS),
        [0x89, b'H', b'D', b'F', ..] => known("an HDF5 file, as Keras writes it", SAFETENSORS),
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => known("a NumPy array (.npy)", SAFETENSORS),
        [0x1f, 0x8b, ..] => known("compressed with gzip", "unpack it first"),
        [b'B', b'Z', b'h', ..] => known("compressed with bzip2", "unpack it first"),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => known("compressed with xz", "unpack it first"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => known("compressed with zstd", "unpack it first"),
        _ if head.get(257..262) == Some(b"ustar") => known("a tar archive", "unpack it first"),
        _ if text.starts_with("version https://git-lfs") => known(
            "the pointer to a file that Git LFS keeps",
            "`git lfs pull` downloads the file",
        ),
        _ if ["<!doctype html", "<html", "<head", "<!--", "<?xml"]
            .iter()
            .any(|start| text.starts_with(start)) =>
        {
            known("a page of HTML", DOWNLOAD)
        }
        _ if text.starts_with(['{', '[']) => known(
            "a text of JSON",
            "an index names the files that hold the weights: give one file with all of them",
        ),
        _ if is_text(head) => known("a text", SAFETENSORS),
        _ => None,
    }
}

/// Returns whether these bytes are a text, of which a character may be cut off at the end.
fn is_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => "",
    };
    let is_shown = |c: char| !c.is_control() || c.is_whitespace();
    !text.is_empty() && text.chars().all(is_shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(head: &[u8]) -> Option<&'static str> {
        of(head).map(|format| format.name)
    }

    #[test]
    fn what_people_give_instead_is_named() {
        let mut tar = [b'a'; HEAD];
        tar[257..262].copy_from_slice(b"ustar");
        let cases: [(&[u8], &str); 14] = [
            (b"", "empty"),
            (
                b"PK\x03\x04....archive/data.pkl",
                "a PyTorch checkpoint (a pickle)",
            ),
            (b"PK\x03\x04....weight.npy", "a NumPy archive (.npz)"),
            (b"PK\x03\x04....readme", "a zip archive"),
            (b"\x80\x02\x8a\x0al", "a PyTorch checkpoint (a pickle)"),
            (b"GGUF\x03\0\0\0", "a GGUF file"),
            (b"\n<!DOCTYPE html><title>", "a page of HTML"),
            (b"<HTML>", "a page of HTML"),
            (b"\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras writes it"),
            (
                b"version https://git-lfs.github.com/spec/v1\n",
                "the pointer to a file that Git LFS keeps",
            ),
            (b"{\n  \"weight_map\": {}\n}", "a text of JSON"),
            (&tar, "a tar archive"),
            (b"# Weights\n\nare elsewhere", "a text"),
            (&"Gewichte für später".as_bytes()[..11], "a text"),
        ];
        for (head, expected) in cases {
            assert_eq!(name(head), Some(expected), "{head:?}");
        }
    }

    #[test]
    fn safetensors_are_no_other_format_whatever_their_headers_length() {
        let blob = wire::Frame::default().encode().expect("an empty frame");
        assert_eq!(name(&blob), None);
        // Lengths that begin as a text, an archive or a pickle does.
        for first in [*b"{1", *b"[1", *b"PK", [0x80, 2], [0x1f, 0x8b]] {
            let head = [&first[..], &[0; 6], b"{\"a\":"].concat();
            assert_eq!(name(&head), None, "{first:?}");
        }
        assert_eq!(name(b"no tensors\xff"), None);
    }
}
