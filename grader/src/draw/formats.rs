//! Formats of image files, told by what the files hold: the two that are read, and the names of the others.

/// The formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Png,
    Jpeg,
}

impl Format {
    /// The format of a file with these bytes, if it is one of those that are read.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(PNG) {
            Some(Self::Png)
        } else if bytes.starts_with(b"\xff\xd8\xff") {
            Some(Self::Jpeg)
        } else {
            None
        }
    }

    /// Returns whether the file goes on to the mark of its end. What follows the mark is no part of the image.
    pub(super) fn is_whole(self, bytes: &[u8]) -> bool {
        match self {
            Self::Png => chunks(bytes).any(|kind| kind == b"IEND"),
            Self::Jpeg => has_end_of_image(bytes).is_some(),
        }
    }

    /// Returns whether the file holds several frames.
    pub(super) fn is_animated(self, bytes: &[u8]) -> bool {
        self == Self::Png && chunks(bytes).any(|kind| kind == b"acTL")
    }
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The kinds of the chunks of a PNG file that are there whole.
fn chunks(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes.get(PNG.len()..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (kind, after) = after.split_at_checked(4)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        // The data, and its checksum.
        rest = after.get(length.checked_add(4)?..)?;
        Some(kind)
    })
}

/// Goes from marker to marker of a JPEG file, over what the segments hold, such as a preview; None if its end is missing.
fn has_end_of_image(bytes: &[u8]) -> Option<()> {
    const END: u8 = 0xd9;
    let mut rest = bytes;
    loop {
        // Within the compressed data, `FF 00` stands for a byte, and `FF D0` to `FF D7` only restart it.
        let at = rest.windows(2).position(|pair| {
            pair[0] == 0xff && !matches!(pair[1], 0 | 0x01 | 0xd0..=0xd8 | 0xff)
        })?;
        let marker = rest[at + 1];
        rest = &rest[at + 2..];
        if marker == END {
            return Some(());
        }
        let (length, _) = rest.split_first_chunk::<2>()?;
        rest = rest.get(usize::from(u16::from_be_bytes(*length))..)?;
    }
}

/// The kind of a file that is an image, with its article, which is not read here; None if it is nothing known.
pub(super) fn other_kind(bytes: &[u8]) -> Option<&'static str> {
    const SIGNS: [(&[u8], &str); 14] = [
        (b"GIF8", "a GIF image"),
        (b"BM", "a BMP image"),
        (b"II*\0", "a TIFF image, or a camera's raw one"),
        (b"MM\0*", "a TIFF image, or a camera's raw one"),
        (b"\xff\x0a", "a JPEG XL image"),
        (b"\0\0\0\x0cJXL ", "a JPEG XL image"),
        (b"\0\0\0\x0cjP  ", "a JPEG 2000 image"),
        (b"\xff\x4f\xff\x51", "a JPEG 2000 image"),
        (b"\0\0\x01\0", "an icon"),
        (b"8BPS", "a Photoshop image"),
        (b"v/1\x01", "an OpenEXR image"),
        (b"qoif", "a QOI image"),
        (b"%PDF-", "a PDF document"),
        (b"gimp xcf", "a GIMP image"),
    ];
    match (bytes.get(..4), bytes.get(4..8), bytes.get(8..12)) {
        (Some(b"RIFF"), _, Some(b"WEBP")) => return Some("a WebP image"),
        (_, Some(b"ftyp"), Some(brand)) => {
            return Some(match brand {
                b"avif" | b"avis" => "an AVIF image",
                b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1" => {
                    "a HEIC image"
                }
                b"crx " => "a camera's raw image",
                _ => "a video",
            });
        }
        _ => {}
    }
    if let [b'P', b'1'..=b'7', blank, ..] = bytes
        && blank.is_ascii_whitespace()
    {
        return Some("a PNM image");
    }
    let text = bytes.trim_ascii_start();
    let beginning = &text[..text.len().min(1000)];
    if text.starts_with(b"<") && beginning.windows(4).any(|part| part == b"<svg") {
        return Some("an SVG drawing");
    }
    if text.starts_with(b"<!") || text.starts_with(b"<html") {
        return Some("a web page");
    }
    let mut signs = SIGNS.iter();
    signs.find_map(|(sign, kind)| bytes.starts_with(sign).then_some(*kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_kinds_of_images_are_named() {
        for (bytes, kind) in [
            (&b"GIF89a\x01\0"[..], "a GIF image"),
            (b"RIFF\x10\0\0\0WEBPVP8 ", "a WebP image"),
            (b"\0\0\0\x1cftypavif\0\0", "an AVIF image"),
            (b"\0\0\0\x18ftypheic\0\0", "a HEIC image"),
            (b"\0\0\0\x18ftypmif1\0\0", "a HEIC image"),
            (b"\0\0\0\x18ftypcrx \0\0", "a camera's raw image"),
            (b"\0\0\0\x18ftypisom\0\0", "a video"),
            (b"\xff\x0a\xfa\x1f", "a JPEG XL image"),
            (b"MM\0*\0\0\0\x08", "a TIFF image, or a camera's raw one"),
            (b"P6 2 2 255 ", "a PNM image"),
            (b"<?xml version='1.0'?>\n<svg xmlns=''/>", "an SVG drawing"),
            (b"<!DOCTYPE html>", "a web page"),
        ] {
            assert_eq!(other_kind(bytes), Some(kind));
            assert_eq!(Format::of(bytes), None);
        }
        for bytes in [&b""[..], b"P", b"a letter", PNG, b"\xff\xd8\xff\xe0"] {
            assert_eq!(other_kind(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn an_end_within_a_preview_is_not_the_images() {
        // A segment with a whole preview in it, then compressed data with what only looks like a marker.
        let preview = b"\xff\xe1\0\x08\xff\xd8\xff\xd9\xff\xd9";
        let data = b"\xff\xda\0\x03\x01\xab\xff\0\xff\xd3\xcd";
        let cut = [b"\xff\xd8", &preview[..], data].concat();
        assert!(!Format::Jpeg.is_whole(&cut));
        assert!(Format::Jpeg.is_whole(&[&cut, &b"\xff\xd9"[..]].concat()));
        assert!(Format::Jpeg.is_whole(&[&cut, &b"\xff\xff\xd9 and more"[..]].concat()));
        for length in 0..cut.len() {
            assert!(!Format::Jpeg.is_whole(&cut[..length]), "{length}");
        }
    }
}
