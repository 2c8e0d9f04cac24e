//! The kinds of archive, told apart by file name, and by the first bytes where the name misleads.

use std::path::Path;

/// The kinds of archive that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    Zip,
    TarGz,
}

impl Packing {
    const ENDINGS: [(&'static str, Self); 3] = [
        (".zip", Self::Zip),
        (".tar.gz", Self::TarGz),
        (".tgz", Self::TarGz),
    ];

    pub(super) fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.as_encoded_bytes();
        Self::split(name).map(|(_, packing)| packing)
    }

    /// A file name without its ending, and what the ending stands for.
    pub(super) fn split(name: &[u8]) -> Option<(&[u8], Self)> {
        let mut endings = Self::ENDINGS.iter();
        endings
            .find_map(|(ending, packing)| Some((without(name, ending)?, *packing)))
            .or_else(|| Some((numbered_by_a_browser(name)?, Self::TarGz)))
    }
}

/// The stem of `work.tar (1).gz` or `work.tar-1.gz`, as browsers and platforms call a second `work.tar.gz`.
fn numbered_by_a_browser(name: &[u8]) -> Option<&[u8]> {
    let rest = without(name, ".gz")?;
    let is_of_a_number = |byte: &&u8| byte.is_ascii_digit() || b" ()-_".contains(byte);
    let number = rest.iter().rev().take_while(is_of_a_number).count();
    without(&rest[..rest.len() - number], ".tar")
}

/// Archives that are not read here, by the ending of their names.
const FOREIGN: [(&str, &str); 20] = [
    (".rar", "a RAR archive"),
    (".7z", "a 7z archive"),
    (".tar", "a tar archive without compression"),
    (".tar.xz", "a tar.xz archive"),
    (".txz", "a tar.xz archive"),
    (".tar.bz2", "a tar.bz2 archive"),
    (".tbz2", "a tar.bz2 archive"),
    (".tbz", "a tar.bz2 archive"),
    (".tar.zst", "a tar.zst archive"),
    (".tzst", "a tar.zst archive"),
    (".tar.lz", "a tar.lz archive"),
    (".tar.lzma", "a tar.lzma archive"),
    (".tar.z", "a tar.Z archive"),
    (".zipx", "a zipx archive"),
    (".lzh", "an LZH archive"),
    (".arj", "an ARJ archive"),
    (".cab", "a cabinet archive"),
    (".ace", "an ACE archive"),
    (".dmg", "a disk image"),
    (".iso", "a disk image"),
];

/// The kind, with its article, of an archive that is not read here.
pub(super) fn foreign(name: &[u8]) -> Option<&'static str> {
    let mut kinds = FOREIGN.iter();
    kinds.find_map(|(ending, kind)| without(name, ending).map(|_| *kind))
}

/// Returns whether a file is called as an archive is, of a kind that is read or not.
pub(super) fn is_archive(name: &[u8]) -> bool {
    Packing::split(name).is_some() || foreign(name).is_some()
}

/// A file name without an ending, if it has it.
fn without<'a>(name: &'a [u8], ending: &str) -> Option<&'a [u8]> {
    let (stem, end) = name.split_at(name.len().checked_sub(ending.len())?);
    end.eq_ignore_ascii_case(ending.as_bytes()).then_some(stem)
}

/// A file name without the ending of any archive.
pub(super) fn stem(name: &[u8]) -> &[u8] {
    if let Some((stem, _)) = Packing::split(name) {
        return stem;
    }
    let mut stems = FOREIGN.iter();
    let stem = stems.find_map(|(ending, _)| without(name, ending));
    stem.unwrap_or(name)
}

/// Bytes at the front of a file that tell what it is.
pub(super) const FRONT: usize = 262;

/// The kind, with its article, of a file that is no archive of the kind that its name says; None if it may be one, or is
/// nothing that has a name.
pub(super) fn disguised(front: &[u8], packing: Packing) -> Option<&'static str> {
    const SIGNS: [(&[u8], &str); 6] = [
        (b"Rar!\x1a\x07", "a RAR archive"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
        (b"\xfd7zXZ\0", "an xz file"),
        (b"BZh", "a bzip2 file"),
        (b"\x28\xb5\x2f\xfd", "a zstd file"),
        (b"%PDF-", "a PDF document"),
    ];
    let text = front.trim_ascii_start();
    let starts = |word: &[u8]| {
        let start = text.get(..word.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    let mut signs = SIGNS.iter();
    match packing {
        Packing::Zip if front.starts_with(b"\x1f\x8b") => Some("a gzip file"),
        Packing::TarGz if front.starts_with(b"PK\x03\x04") => Some("a zip archive"),
        _ if front.get(257..262) == Some(b"ustar") => Some("a tar archive without compression"),
        _ if starts(b"<!doctype html") || starts(b"<html") => Some("a web page"),
        _ => signs.find_map(|(sign, kind)| front.starts_with(sign).then_some(*kind)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_are_known_by_their_endings() {
        for (name, expected) in [
            ("a.ZIP", Some(Packing::Zip)),
            ("a.tar.GZ", Some(Packing::TarGz)),
            ("a.tgz", Some(Packing::TarGz)),
            ("a.tar (1).gz", Some(Packing::TarGz)),
            ("a.tar-2.gz", Some(Packing::TarGz)),
            ("a.tar.old.gz", None),
            ("a.gz", None),
            ("zip", None),
        ] {
            assert_eq!(Packing::of(Path::new(name)), expected, "{name}");
        }
        assert_eq!(foreign(b"work.RAR"), Some("a RAR archive"));
        assert_eq!(foreign(b"work.tar.xz"), Some("a tar.xz archive"));
        assert_eq!(foreign(b"lib.rs"), None);
        assert_eq!(stem(b"a.b.tar.gz"), b"a.b");
        assert_eq!(stem(b"a.rar"), b"a");
        assert_eq!(stem(b"lib.rs"), b"lib.rs");
    }

    #[test]
    fn a_file_that_is_not_what_it_is_called_is_named() {
        let mut tar = [0; FRONT];
        tar[257..].copy_from_slice(b"ustar");
        for (front, packing, kind) in [
            (&b"Rar!\x1a\x07\x01\0"[..], Packing::Zip, "a RAR archive"),
            (b"\x1f\x8b\x08", Packing::Zip, "a gzip file"),
            (b"PK\x03\x04", Packing::TarGz, "a zip archive"),
            (&tar, Packing::TarGz, "a tar archive without compression"),
            (b"\n<!DOCTYPE HTML><title>", Packing::Zip, "a web page"),
        ] {
            assert_eq!(disguised(front, packing), Some(kind));
        }
        for (front, packing) in [
            (&b"PK\x03\x04"[..], Packing::Zip),
            (b"PK\x05\x06", Packing::Zip),
            (b"\x1f\x8b\x08", Packing::TarGz),
            (b"", Packing::Zip),
            (b"nothing in particular", Packing::TarGz),
        ] {
            assert_eq!(disguised(front, packing), None);
        }
    }
}
